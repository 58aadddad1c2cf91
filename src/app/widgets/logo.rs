//! The mark of the program: an instance half full, and what it could lose.

use std::f32::consts::PI;

use egui::{Color32, Painter, Pos2, Shape, Stroke, Vec2, vec2};

use crate::app::theme::Palette;

/// Paints the mark, `size` points wide (18 in bars), on a ground of one colour.
pub fn logo(painter: &Painter, centre: Pos2, size: f32, ground: Color32, palette: &Palette) {
    let scale = size / 18.0;
    let half: Vec<Pos2> = (0..=24)
        .map(|i| PI * (0.12 + 0.76 * i as f32 / 24.0))
        .map(|angle| centre + 6.8 * scale * Vec2::angled(angle))
        .collect();
    painter.add(Shape::convex_polygon(half, palette.text, Stroke::NONE));
    painter.circle_stroke(centre, 7.2 * scale, Stroke::new(1.8 * scale, palette.text));
    let dot = centre + vec2(5.3, -5.3) * scale;
    painter.circle_filled(dot, 4.2 * scale, ground);
    painter.circle_filled(dot, 2.8 * scale, palette.lost);
}
