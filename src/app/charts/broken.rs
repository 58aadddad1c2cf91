//! Where on the axis a promise broke, in the lane that it is about.

use egui::{Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::Places;
use super::window::TimeWindow;
use crate::app::icons::Icon;
use crate::app::state::View;
use crate::app::theme::{self, Weight, radius, size, stroke};
use crate::app::verdicts::{self, Kind, Standing};

const HEIGHT: f32 = 15.0;

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
        // Beside the line, and under another one that is there already.
        let left = if x + 3.0 + wanted.x <= places.across.max {
            x + 3.0
        } else {
            x - 3.0 - wanted.x
        };
        let mut tag = Rect::from_min_size(pos2(left, lane.top() + 3.0), wanted);
        while let Some(other) = taken.iter().find(|other| other.intersects(tag)) {
            tag = tag.translate(vec2(0.0, other.bottom() + 2.0 - tag.top()));
        }
        if tag.bottom() > lane.bottom() {
            tag = tag.translate(vec2(0.0, lane.bottom() - tag.bottom()));
        }
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
