//! Where on the axis promises broke, each in the lane that it is about.

use egui::{Rect, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::Places;
use super::window::TimeWindow;
use crate::app::icons::Icon;
use crate::app::panes::verdicts::{self, Kind, Standing};
use crate::app::run::state::View;
use crate::app::theme::{self, Weight, radius, size, stroke};

const HEIGHT: f32 = 15.0;

/// Beside the line: under the tags that are there already, or beside them where the lane is too low for that.
fn place(x: f32, size: Vec2, lane: Rect, taken: &[Rect]) -> Rect {
    let off = 3.0;
    let left = if x + off + size.x <= lane.right() {
        x + off
    } else {
        x - off - size.x
    };
    let at = |left: f32, top: f32| Rect::from_min_size(pos2(left, top), size);
    let first = lane.top() + off.min((lane.height() - size.y) / 2.0);
    let below = taken.iter().map(|tag| at(left, tag.bottom() + 2.0));
    let right = taken.iter().map(|tag| at(tag.right() + 2.0, first));
    let before = taken.iter().map(|tag| at(tag.left() - 2.0 - size.x, first));
    let is_free = |tag: &Rect| {
        lane.expand(0.5).contains_rect(*tag) && !taken.iter().any(|other| other.intersects(*tag))
    };
    let mut places = std::iter::once(at(left, first))
        .chain(below)
        .chain(right)
        .chain(before);
    places.find(is_free).unwrap_or_else(|| at(left, first))
}

/// Shows a tag with a cross and a dashed line for each promise that is broken now.
pub fn show(ui: &Ui, places: &Places, window: &TimeWindow, view: &View) {
    let palette = theme::palette(ui);
    let mut taken: Vec<Rect> = Vec::new();
    for told in verdicts::told(view) {
        let (Standing::Broken, Some(at)) = (told.standing, told.broken_at) else {
            continue;
        };
        let x = window.x(at.secs(), places.across);
        if !places.across.contains(x) {
            continue;
        }
        let lane = match told.kind {
            Kind::Availability => 0,
            Kind::P99 | Kind::Recovery => 1,
            Kind::LostWrites | Kind::LostSessions => 2,
        };
        let lane = places.inner(lane);
        let colour = if told.kind.is_loss() {
            palette.lost
        } else {
            palette.failed
        };
        let painter = ui.painter();
        let ends = [pos2(x, lane.top()), pos2(x, lane.bottom())];
        painter.extend(Shape::dashed_line(
            &ends,
            Stroke::new(1.5, colour),
            4.0,
            3.0,
        ));

        let font = theme::font(size::SMALL, Weight::Medium);
        let words = format!("{} broken", told.kind.in_sentence());
        let galley = painter.layout_no_wrap(words, font, palette.text);
        let wanted = vec2(galley.size().x + 24.0, HEIGHT);
        let tag = place(x, wanted, lane, &taken);
        taken.push(tag);
        let outline = Stroke::new(stroke::HAIR, colour);
        painter.rect(
            tag,
            radius::TAG,
            palette.panel,
            outline,
            egui::StrokeKind::Inside,
        );
        let middle = tag.center().y;
        Icon::Cross.paint_stroked(painter, pos2(tag.left() + 10.0, middle), 10.0, 1.6, colour);
        painter.galley(
            pos2(tag.left() + 18.0, middle - galley.size().y / 2.0),
            galley,
            palette.text,
        );
        let id = ui.scope_id().with(("broken", told.kind.name()));
        let response = ui.interact(tag, id, Sense::hover());
        let text = format!("{}: {}, {}", told.kind.title(), told.short, told.remark);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
        response.on_hover_text(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_a_lane_do_not_lie_over_each_other() {
        for height in [24.0, 32.0, 36.0, 46.0, 66.0] {
            let lane = Rect::from_min_size(pos2(124.0, 200.0), vec2(760.0, height));
            for x in [130.0, 500.0, 700.0, 880.0] {
                let mut taken = Vec::new();
                for (size, x) in [(vec2(110.0, HEIGHT), x), (vec2(125.0, HEIGHT), x + 1.0)] {
                    let tag = place(x, size, lane, &taken);
                    assert!(lane.contains_rect(tag), "{height} {x}: {tag:?}");
                    assert!(taken.iter().all(|other| !tag.intersects(*other)));
                    taken.push(tag);
                }
            }
        }
    }
}
