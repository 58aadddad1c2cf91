//! The track over the lanes: what happened as solid marks, what is scheduled as hollow ones.

use egui::{Align2, Rangef, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::window::TimeWindow;
use crate::app::events::{self, Event};
use crate::app::format;
use crate::app::icons::Icon;
use crate::app::state::View;
use crate::app::theme::{self, Palette, Weight, size, stroke};
use crate::app::widgets::paint_text;

const RADIUS: f32 = 8.5;
/// Marks closer than this share one.
const NEAR: f32 = 14.0;

/// A mark: one event, or several that are too close to be told apart.
#[derive(Debug)]
struct Mark {
    x: f32,
    events: Vec<Event>,
    scheduled: bool,
}

/// The events that have marks, in order of time: what happened, then what is still to come.
pub fn events(view: &View) -> (Vec<Event>, Vec<Event>) {
    let now = view.snapshot.now;
    let past = view
        .history
        .happenings()
        .map(|happening| events::happened(happening, view.snapshot))
        .filter(|event| event.marked)
        .collect();
    let mut future: Vec<Event> = view
        .topology
        .scenario
        .iter()
        .filter(|timed| timed.earliest() > now)
        .map(events::scheduled)
        .collect();
    future.sort_by_key(|event| event.at);
    (past, future)
}

/// Shows marks on `track`, with a line down to `bottom`.
pub fn show(
    ui: &mut Ui,
    track: Rect,
    bottom: f32,
    across: Rangef,
    window: &TimeWindow,
    (past, future): (&[Event], &[Event]),
) {
    let palette = theme::palette(ui);
    paint_text(
        ui.painter(),
        pos2(track.left() + 12.0, track.center().y),
        Align2::LEFT_CENTER,
        "Timeline",
        size::SMALL,
        Weight::Regular,
        palette.text3,
    );
    let mut marks: Vec<Mark> = Vec::new();
    let placed = past
        .iter()
        .map(|event| (event, false))
        .chain(future.iter().map(|event| (event, true)));
    for (event, scheduled) in placed {
        let x = window.x(event.at.secs(), across);
        if !across.expand(0.5).contains(x) {
            continue;
        }
        match marks.last_mut() {
            Some(last) if last.scheduled == scheduled && x - last.x < NEAR => {
                paint_line(ui, x, track, bottom, scheduled, palette);
                last.events.push(event.clone());
            }
            _ => {
                paint_line(ui, x, track, bottom, scheduled, palette);
                marks.push(Mark {
                    x,
                    events: vec![event.clone()],
                    scheduled,
                });
            }
        }
    }
    // Labels go to the right where the next mark leaves room, else to the left, else they wait for the pointer.
    let clip = ui.painter().with_clip_rect(track.intersect(ui.clip_rect()));
    let mut taken = across.min - 4.0;
    for i in 0..marks.len() {
        let mark = &marks[i];
        let limit = marks
            .get(i + 1)
            .map_or(track.right() - 8.0, |next| next.x - RADIUS - 6.0);
        let (colour, weight) = if mark.scheduled {
            (palette.text3, Weight::Regular)
        } else {
            (palette.text2, Weight::Medium)
        };
        let label = &mark.events[mark.events.len() - 1].label;
        let galley = clip.layout_no_wrap(label.clone(), theme::font(size::SMALL, weight), colour);
        let width = galley.size().x;
        let y = track.center().y - galley.size().y / 2.0 - 1.0;
        let (right, left) = (mark.x + 13.0, mark.x - 13.0 - width);
        // A pair leaves the room between it to the second one's label only if there is plenty.
        if left >= taken + 6.0 && (i == 0 || right + width > limit) {
            clip.galley(pos2(left, y), galley, colour);
            taken = mark.x + RADIUS;
        } else if right + width <= limit {
            clip.galley(pos2(right, y), galley, colour);
            taken = right + width;
        } else {
            taken = mark.x + RADIUS;
        }
        show_mark(ui, track, i, mark, palette);
    }
}

fn paint_line(ui: &Ui, x: f32, track: Rect, bottom: f32, scheduled: bool, palette: &Palette) {
    let ends = [pos2(x, track.top() + 17.0), pos2(x, bottom)];
    if scheduled {
        let line = Stroke::new(stroke::HAIR, palette.text.gamma_multiply(0.6));
        ui.painter()
            .extend(Shape::dashed_line(&ends, line, 3.0, 3.0));
    } else {
        ui.painter()
            .line_segment(ends, Stroke::new(1.2, palette.text));
    }
}

fn show_mark(ui: &Ui, track: Rect, index: usize, mark: &Mark, palette: &Palette) {
    let centre = pos2(mark.x, track.top() + 11.0);
    let area = Rect::from_center_size(centre, vec2(22.0, 22.0));
    let response = ui.interact(
        area,
        ui.scope_id().with(("mark", mark.scheduled, index)),
        Sense::hover(),
    );
    let told: Vec<String> = mark
        .events
        .iter()
        .map(|event| {
            let when = format::instant(event.at);
            let what = if mark.scheduled {
                format!("{} (scheduled)", event.title)
            } else {
                event.sentence()
            };
            format!("{when}  {what}")
        })
        .collect();
    let told = told.join("\n");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &told));
    let (fill, ring, ink) = if mark.scheduled {
        (palette.panel, palette.text2, palette.text2)
    } else {
        (palette.text, palette.text, palette.on_ink)
    };
    let painter = ui.painter();
    painter.circle(centre, RADIUS - 0.6, fill, Stroke::new(1.2, ring));
    match mark.events.as_slice() {
        [event] => {
            let icon = event.icon;
            let width = if icon == Icon::Eject { 1.0 } else { 1.2 };
            icon.paint_stroked(painter, centre, 11.0, width, ink);
        }
        several => {
            paint_text(
                painter,
                centre,
                Align2::CENTER_CENTER,
                &several.len().to_string(),
                size::SMALL,
                Weight::Semibold,
                ink,
            );
        }
    }
    response.on_hover_text(told);
}
