//! Bars of what exists only here (hatched) and what is safe elsewhere (solid).

use egui::{Painter, Rect, Stroke, StrokeKind};

use super::hatch::{Hatch, hatch};
use crate::app::theme::{Palette, radius, rounded_rect_points, stroke};

/// The exposure bar: the `safe` share (0 to 1) solid, the rest hatched; `rect` is already zoomed.
pub fn exposure_bar(painter: &Painter, rect: Rect, safe: f32, zoom: f32, palette: &Palette) {
    let safe = if safe.is_finite() {
        safe.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let split = rect.left() + rect.width() * safe;
    let gap = zoom;
    if safe > 0.0 {
        let solid = Rect::from_min_max(rect.min, egui::pos2(split, rect.max.y));
        painter.rect_filled(solid, radius::BAR * zoom, palette.edge);
    }
    if safe < 1.0 {
        // However little it is, what could be lost is never too small to be seen.
        let least = (4.0 * zoom).min(rect.width());
        let left = if safe > 0.0 {
            (split + gap).min(rect.right() - least)
        } else {
            rect.left()
        };
        hatched_bar(
            painter,
            Rect::from_min_max(egui::pos2(left, rect.min.y), rect.max),
            zoom,
            palette,
        );
    }
}

/// A bar of what exists only here: hatched in the colour of loss, with an outline; `rect` is already zoomed.
pub fn hatched_bar(painter: &Painter, rect: Rect, zoom: f32, palette: &Palette) {
    if rect.width() < 0.5 || rect.height() < 0.5 {
        return;
    }
    let corner = radius::BAR * zoom;
    painter.rect_filled(rect, corner, palette.lost_tint);
    let pattern = Hatch {
        pitch: 5.0 * zoom,
        width: 1.8 * zoom,
        colour: palette.lost,
    };
    // Below a pitch of about two pixels stripes would only shimmer: half the ink does.
    let shape = if pattern.pitch * painter.pixels_per_point() < 2.5 {
        egui::Shape::rect_filled(rect, corner, palette.lost.gamma_multiply(0.4))
    } else {
        hatch(
            &rounded_rect_points(rect, corner),
            rect.left_top(),
            pattern,
            painter.pixels_per_point(),
        )
    };
    painter.add(shape);
    painter.rect_stroke(
        rect,
        corner,
        Stroke::new(stroke::HAIR * zoom.max(0.75), palette.lost),
        StrokeKind::Inside,
    );
}
