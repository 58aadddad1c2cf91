//! Badges: where state lives, and how sessions are kept. Filled = keeps state here, outlined = keeps none.

use egui::{
    Align2, Color32, Painter, Pos2, Rect, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2,
    vec2,
};

use super::paint_text;
use crate::app::icons::Icon;
use crate::app::theme::{self, Palette, Weight, height, radius, size, stroke};

/// Paints a badge from its top left corner, and says where it went.
pub fn badge(
    painter: &Painter,
    at: Pos2,
    zoom: f32,
    icon: Icon,
    text: &str,
    filled: bool,
    palette: &Palette,
) -> Rect {
    let rect = Rect::from_min_size(
        at,
        vec2(badge_width(painter, zoom, text), height::BADGE * zoom),
    );
    let (fill, outline) = if filled {
        (palette.raised, Color32::TRANSPARENT)
    } else {
        (Color32::TRANSPARENT, palette.edge)
    };
    painter.rect(
        rect,
        radius::TAG * zoom,
        fill,
        Stroke::new(stroke::HAIR, outline),
        StrokeKind::Inside,
    );
    let middle = rect.center().y;
    let centre = pos2(at.x + 12.0 * zoom, middle);
    icon.paint_stroked(painter, centre, 14.0 * zoom, 1.3 * zoom, palette.text2);
    paint_text(
        painter,
        pos2(at.x + 23.0 * zoom, middle),
        Align2::LEFT_CENTER,
        text,
        size::SMALL * zoom,
        Weight::Medium,
        palette.text2,
    );
    rect
}

/// How wide [`badge`] will be.
pub fn badge_width(painter: &Painter, zoom: f32, text: &str) -> f32 {
    let font = theme::font(
        ((size::SMALL * zoom * 2.0).round() / 2.0).max(1.0),
        Weight::Medium,
    );
    painter
        .layout_no_wrap(text.to_owned(), font, Color32::PLACEHOLDER)
        .size()
        .x
        + 31.0 * zoom
}

/// A small outlined word in a pane: "Your first minute", "Memory → External".
pub fn tag(ui: &mut Ui, text: &str) -> egui::Response {
    let palette = theme::palette(ui);
    let font = theme::font(size::SMALL, Weight::Medium);
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), font, palette.text2);
    let wanted = vec2(galley.size().x + 14.0, height::BADGE);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::hover());
    ui.painter().rect_stroke(
        rect,
        radius::TAG,
        Stroke::new(stroke::HAIR, palette.hair),
        StrokeKind::Inside,
    );
    let at = rect.center() - galley.size() / 2.0;
    ui.painter().galley(at + Vec2::ZERO, galley, palette.text2);
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Label, true, text));
    response
}
