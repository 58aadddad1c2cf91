//! A switch: on or off, at once.

use egui::{Color32, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::focus_ring;
use crate::app::theme::{self, height, stroke};

/// Shows a switch without words beside it; `name` is what screen readers say.
pub fn switch(ui: &mut Ui, name: &str, on: &mut bool) -> Response {
    let palette = theme::palette(ui);
    let (rect, mut response) = ui.allocate_exact_size(vec2(34.0, height::HIT), Sense::click());
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    response.widget_info(|| WidgetInfo::selected(Role::Switch, ui.is_enabled(), *on, name));
    let track = egui::Rect::from_center_size(rect.center(), vec2(34.0, 18.0));
    let painter = ui.painter();
    let how_far = ui.ctx().animate_bool_responsive(response.id, *on);
    let (fill, outline, knob) = if *on {
        (palette.text, palette.text, palette.on_ink)
    } else {
        (Color32::TRANSPARENT, palette.edge, palette.edge)
    };
    let outline = if response.hovered() && !*on {
        palette.text
    } else {
        outline
    };
    painter.rect(
        track,
        9.0,
        fill,
        Stroke::new(stroke::HAIR, outline),
        StrokeKind::Inside,
    );
    let x = egui::lerp(track.left() + 9.5..=track.right() - 9.0, how_far);
    painter.circle_filled(
        pos2(x, track.center().y),
        egui::lerp(6.0..=7.0, how_far),
        knob,
    );
    focus_ring(
        painter,
        &response.clone().with_new_rect(track),
        9.0,
        palette,
    );
    response
}
