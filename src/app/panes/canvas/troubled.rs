//! What is wrong on a link, drawn: two slashes where it is cut, one where a part of it is, two lines where one way is cut; a
//! dotted line where it is slow, a dashed one where messages are lost. Shape tells it, colour repeats it, words say how much.

use egui::{Align, Color32, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, vec2};

use super::ink::{Ink, face};
use super::link::{Lane, Line, along, cross};
use super::scene::Scene;
use crate::app::theme::{Weight, radius, size};
use crate::app::words::format;
use crate::sim::snapshot::{Extent, Trouble};

/// How far the two lines of what is cut one way are from where it would run.
const APART: f32 = 4.0;
/// Height of the words on a link.
const HEIGHT: f32 = 16.0;

/// How much of a way is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Nothing.
    None,
    /// A part.
    Part,
    /// What is sent, or what is answered (`back`), and not the other.
    OneWay { back: bool },
    /// Everything.
    Whole,
}

impl Cut {
    fn of(trouble: &Trouble) -> Self {
        match trouble.cut {
            [Extent::None, Extent::None] => Self::None,
            [Extent::All, Extent::All] => Self::Whole,
            [Extent::All, _] => Self::OneWay { back: false },
            [_, Extent::All] => Self::OneWay { back: true },
            _ => Self::Part,
        }
    }
}

/// Where the dots of a way run, on the screen; nowhere where nothing gets through.
pub fn flow(lane: &Lane, points: Vec<Pos2>, zoom: f32) -> Option<Vec<Pos2>> {
    match Cut::of(&lane.trouble) {
        Cut::None | Cut::Part => Some(points),
        Cut::OneWay { back: true } => Some(beside(&points, -APART * zoom)),
        Cut::OneWay { back: false } | Cut::Whole => None,
    }
}

/// Paints a way on which something is wrong, in the stroke that it would have.
pub fn paint_way(ink: &Ink, lane: &Lane, points: &[Pos2], plain: Stroke, selected: bool) {
    // In the middle of a selected one is its handle.
    let middle = if selected { 0.3 } else { 0.5 };
    match Cut::of(&lane.trouble) {
        Cut::Whole => {
            ink.painter.line(points.to_vec(), plain);
            slashes(ink, points, middle, &[-3.0, 3.0]);
        }
        Cut::OneWay { back } => {
            let ways = [(-APART, false), (APART, true)];
            for (by, replies) in ways {
                let mut way = beside(points, by * ink.zoom());
                if replies {
                    way.reverse();
                }
                if replies == back {
                    refused(ink, &way);
                } else {
                    ink.painter.line(way.clone(), plain);
                    arrow(ink, &way, plain.width, plain.color);
                }
            }
        }
        cut => {
            hindered(ink, &lane.trouble, points, plain);
            if cut == Cut::Part {
                slashes(ink, points, middle, &[0.0]);
            }
        }
    }
}

/// Dots where it is slow, long dashes where messages are lost.
fn hindered(ink: &Ink, trouble: &Trouble, points: &[Pos2], plain: Stroke) {
    let zoom = ink.zoom().max(0.5);
    if trouble.slower > 1.0 {
        let radius = (plain.width * 0.5).max(1.1 * zoom);
        let dots = Shape::dotted_line(points, ink.palette.slow, 2.0 * radius + 2.5 * zoom, radius);
        ink.painter.extend(dots);
    } else if trouble.loss > 0.0 {
        let dashes = Shape::dashed_line(points, plain, 12.0 * zoom, 6.0 * zoom);
        ink.painter.extend(dashes);
    } else {
        ink.painter.line(points.to_vec(), plain);
    }
}

/// A way that nothing gets along: dashed, with a cross before its end.
fn refused(ink: &Ink, points: &[Pos2]) {
    let zoom = ink.zoom();
    let palette = ink.palette;
    let dashed = Stroke::new(1.5 * zoom.max(0.6), palette.down);
    let dashes = Shape::dashed_line(points, dashed, 4.0 * zoom, 4.0 * zoom);
    ink.painter.extend(dashes);
    arrow(ink, points, dashed.width, palette.down);
    cross(ink, along(points, 0.72).0, palette.canvas, palette.failed);
}

/// Which way it goes, at its end.
fn arrow(ink: &Ink, points: &[Pos2], width: f32, colour: Color32) {
    let zoom = ink.zoom().max(0.5);
    let (end, way) = along(points, 1.0);
    let tip = end - way * zoom;
    let side = way.rot90() * (width / 2.0 + 2.5 * zoom);
    let back = way * (width + 4.0 * zoom);
    let wings = [tip - back + side, tip - back - side];
    let shape = vec![wings[0], tip, wings[1]];
    ink.painter
        .add(Shape::convex_polygon(shape, colour, Stroke::NONE));
}

/// Slashes across a way, so far along it from its middle.
fn slashes(ink: &Ink, points: &[Pos2], middle: f32, places: &[f32]) {
    let zoom = ink.zoom().max(0.5);
    let (at, way) = along(points, middle);
    if let [first, .., last] = places {
        // Between them nothing is.
        let gap = [at + way * *first * zoom, at + way * *last * zoom];
        ink.painter
            .line_segment(gap, Stroke::new(8.0 * zoom, ink.palette.canvas));
    }
    let across = (way.rot90() * 7.0 - way * 2.5) * zoom;
    for place in places {
        let at = at + way * *place * zoom;
        let ends = vec![at - across, at + across];
        let ground = Stroke::new(5.0 * zoom, ink.palette.canvas);
        ink.painter.line(ends.clone(), ground);
        ink.painter
            .line(ends, Stroke::new(2.0 * zoom, ink.palette.failed));
    }
}

/// The same line further to its side.
fn beside(points: &[Pos2], by: f32) -> Vec<Pos2> {
    let last = points.len().saturating_sub(1);
    let moved = points.iter().enumerate().map(|(i, at)| {
        let way = points[(i + 1).min(last)] - points[i.saturating_sub(1)];
        *at + way.normalized().rot90() * by
    });
    moved.collect()
}

/// How much is wrong, in a few words and in fewer; nothing where the line alone says all.
fn words(trouble: &Trouble) -> Option<[String; 2]> {
    let cut = Cut::of(trouble);
    if cut == Cut::Whole {
        return None;
    }
    let mut parts: Vec<[String; 2]> = Vec::new();
    if cut == Cut::Part {
        parts.push(["cut in part", "part cut"].map(str::to_owned));
    }
    if trouble.slower > 1.0 {
        let times = format!("{}\u{d7}", format::times(trouble.slower));
        parts.push([format!("{times} slower"), times]);
    }
    if trouble.loss > 0.0 {
        let share = format::given(trouble.loss);
        parts.push([format!("{share} lost"), share]);
    }
    let joined = |which: usize| {
        let words: Vec<&str> = parts.iter().map(|part| &*part[which]).collect();
        words.join(", ")
    };
    (!parts.is_empty()).then(|| [joined(0), joined(1)])
}

/// Paints the words of what is wrong on a link, where they cover no card; the same of several lanes once.
pub fn paint_words(ink: &mut Ink, scene: &Scene, line: &Line, selected: bool) {
    let mut told: Vec<[String; 2]> = Vec::new();
    let cards: Vec<Rect> = scene.cards.iter().map(|card| ink.rect(card.rect)).collect();
    for lane in line.lanes.iter().filter(|lane| !lane.refused) {
        let Some(words) = words(&lane.trouble).filter(|words| !told.contains(words)) else {
            continue;
        };
        let points = lane.points(&ink.transform);
        let places: &[f32] = if selected {
            &[0.28, 0.72]
        } else {
            &[0.5, 0.42, 0.58, 0.34, 0.66]
        };
        // On the line, unless slashes or handles are.
        let beside = selected || Cut::of(&lane.trouble) != Cut::None;
        let found = words.iter().find_map(|words| {
            let width = ink.screen_width(words, size::SMALL, Weight::Semibold) + 10.0;
            let rects = places.iter().map(|&place| {
                let (at, way) = along(&points, place);
                // Above a level line, beside an upright one.
                let side = if way.x >= 0.0 {
                    way.rot90()
                } else {
                    -way.rot90()
                };
                let off = vec2(side.x * (width / 2.0 + 4.0), side.y * HEIGHT);
                let off = if beside { off } else { Vec2::ZERO };
                Rect::from_center_size(at + off, vec2(width, HEIGHT))
            });
            let is_free =
                |rect: &Rect| !cards.iter().any(|card| card.expand(2.0).intersects(*rect));
            rects
                .into_iter()
                .find(is_free)
                .map(|rect| (rect, words.clone()))
        });
        if let Some((rect, words)) = found {
            plate(ink, rect, &words, &lane.trouble);
        }
        told.push(words);
    }
}

fn plate(ink: &mut Ink, rect: Rect, words: &str, trouble: &Trouble) {
    let palette = ink.palette;
    let colour = if Cut::of(trouble) != Cut::None || trouble.slower <= 1.0 {
        palette.failed
    } else {
        palette.slow
    };
    ink.painter.rect(
        rect,
        radius::TAG,
        palette.canvas,
        Stroke::new(1.0, colour),
        StrokeKind::Inside,
    );
    let at = rect.center() + vec2(0.0, 4.0);
    let semibold = face(size::SMALL, Weight::Semibold, palette.text);
    ink.text_on_screen(at, Align::Center, words, semibold);
}
