//! Guides: what is dragged snaps to the edges and middles of other cards, and a line shows to which.

use egui::{Align2, Pos2, Rect, Stroke, Vec2, pos2, vec2};

use super::ink::Ink;
use crate::app::theme::{Weight, radius, size};
use crate::app::widgets::paint_text;

/// How far a guide reaches past the outermost card, in points at 100 %.
const PAST: f32 = 14.0;

/// A line along which cards stand, and how far the nearest one is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guide {
    /// From and to, in the world.
    line: [Pos2; 2],
    /// Between what is dragged and its nearest neighbour on the line, in the world.
    gap: Option<[Pos2; 2]>,
}

/// What snapping does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snap {
    /// How far what is dragged goes besides.
    pub by: Vec2,
    /// At most one each way.
    pub guides: Vec<Guide>,
}

/// One way of a rectangle: where it begins and ends along it and across it.
#[derive(Clone, Copy)]
struct Spans {
    along: (f32, f32),
    across: (f32, f32),
}

impl Spans {
    fn of(rect: Rect, horizontal: bool) -> Self {
        let (x, y) = ((rect.left(), rect.right()), (rect.top(), rect.bottom()));
        if horizontal {
            Self {
                along: x,
                across: y,
            }
        } else {
            Self {
                along: y,
                across: x,
            }
        }
    }

    /// Begin, middle and end along the way.
    fn marks(self) -> [f32; 3] {
        let (from, to) = self.along;
        [from, (from + to) / 2.0, to]
    }
}

/// How what is dragged snaps to others that are within `reach`: edge to edge, middle to middle.
pub fn snap(dragged: Rect, others: &[Rect], reach: f32) -> Snap {
    let mut snap = Snap::default();
    for horizontal in [true, false] {
        let mine = Spans::of(dragged, horizontal);
        let nearest = others
            .iter()
            .flat_map(|other| {
                let other = Spans::of(*other, horizontal).marks();
                let pairs = mine.marks().into_iter().zip(other).enumerate();
                pairs.map(|(mark, (mine, other))| (other - mine, mark))
            })
            .filter(|(way, _)| way.abs() <= reach)
            .min_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
        let Some((way, mark)) = nearest else { continue };
        if horizontal {
            snap.by.x = way;
        } else {
            snap.by.y = way;
        }
        let at = mine.marks()[mark] + way;
        snap.guides.push(guide(mine, others, horizontal, mark, at));
    }
    snap
}

/// The line at `at` through all that stand on it.
fn guide(mine: Spans, others: &[Rect], horizontal: bool, mark: usize, at: f32) -> Guide {
    let on_it = others
        .iter()
        .map(|other| Spans::of(*other, horizontal))
        .filter(|other| (other.marks()[mark] - at).abs() < 0.5);
    let (mut from, mut to) = mine.across;
    let mut gap: Option<(f32, f32)> = None;
    for other in on_it {
        from = from.min(other.across.0);
        to = to.max(other.across.1);
        let between = if other.across.1 <= mine.across.0 {
            (other.across.1, mine.across.0)
        } else if other.across.0 >= mine.across.1 {
            (mine.across.1, other.across.0)
        } else {
            continue;
        };
        if gap.is_none_or(|gap| between.1 - between.0 < gap.1 - gap.0) {
            gap = Some(between);
        }
    }
    let point = |across: f32| {
        if horizontal {
            pos2(at, across)
        } else {
            pos2(across, at)
        }
    };
    Guide {
        line: [point(from - PAST), point(to + PAST)],
        gap: gap
            .filter(|gap| gap.1 - gap.0 >= 1.0)
            .map(|gap| [point(gap.0), point(gap.1)]),
    }
}

/// Paints a guide, with the distance to the nearest neighbour on it.
pub fn paint(ink: &Ink, guide: &Guide) {
    let palette = ink.palette;
    let stroke = Stroke::new(1.0, palette.text);
    // On the half point, so that it is one crisp line.
    let crisp = |at: Pos2| {
        let at = ink.transform.at(at);
        pos2(at.x.floor() + 0.5, at.y.floor() + 0.5)
    };
    ink.painter.line_segment(guide.line.map(crisp), stroke);
    let Some(gap) = guide.gap else { return };
    let ends = gap.map(crisp);
    let upright = (ends[1] - ends[0]).x == 0.0;
    let tick = if upright {
        vec2(4.0, 0.0)
    } else {
        vec2(0.0, 4.0)
    };
    for end in ends {
        ink.painter.line_segment([end - tick, end + tick], stroke);
    }
    let distance = (gap[1] - gap[0]).length();
    let text = format!("{distance:.0}");
    let plate = vec2(text.len() as f32 * 6.6 + 8.0, 16.0);
    let middle = ends[0] + (ends[1] - ends[0]) / 2.0;
    let room = (ends[1] - ends[0]).length();
    let at = match (upright, room < 40.0) {
        (true, _) => middle + vec2(7.0 + plate.x / 2.0, 0.0),
        (false, true) => middle - vec2(0.0, 7.0 + plate.y / 2.0),
        (false, false) => middle,
    };
    let rect = Rect::from_center_size(at, plate);
    ink.painter.rect_filled(rect, radius::TAG, palette.text);
    paint_text(
        ink.painter,
        at,
        Align2::CENTER_CENTER,
        &text,
        size::SMALL,
        Weight::Semibold,
        palette.on_ink,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: f32, y: f32) -> Rect {
        Rect::from_min_size(pos2(x, y), vec2(190.0, 94.0))
    }

    #[test]
    fn edges_snap_to_edges_and_middles_to_middles() {
        let others = [rect(0.0, 0.0), rect(400.0, 300.0)];
        let snapped = snap(rect(3.0, 200.0), &others, 5.0);
        assert_eq!(snapped.by, vec2(-3.0, 0.0));
        assert_eq!(snapped.guides.len(), 1);
        let guide = snapped.guides[0];
        assert_eq!(guide.line, [pos2(0.0, -PAST), pos2(0.0, 294.0 + PAST)]);
        assert_eq!(guide.gap, Some([pos2(0.0, 94.0), pos2(0.0, 200.0)]));
        // Both ways at once, to different cards.
        let snapped = snap(rect(398.0, 4.0), &others, 5.0);
        assert_eq!(snapped.by, vec2(2.0, -4.0));
        assert_eq!(snapped.guides.len(), 2);
    }

    #[test]
    fn what_is_far_stays_free_and_the_nearest_wins() {
        let others = [rect(0.0, 0.0)];
        assert_eq!(snap(rect(30.0, 200.0), &others, 5.0), Snap::default());
        assert_eq!(snap(rect(3.0, 3.0), &[], 5.0), Snap::default());
        let others = [rect(0.0, 0.0), rect(4.0, 300.0)];
        assert_eq!(snap(rect(3.0, 150.0), &others, 5.0).by, vec2(1.0, 0.0));
    }
}
