//! A line of the last values, without axes.

use egui::{Color32, Painter, Pos2, Rect, Stroke, pos2};

use crate::app::theme::stroke;

/// Paints values (oldest first, at equal distances) over the whole of a rectangle; gaps are values that are not finite.
///
/// The scale runs from the least to the greatest value, but never over less than a tenth of the greatest, so noise does
/// not look like news.
pub fn sparkline(painter: &Painter, rect: Rect, values: &[f32], colour: Color32) {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = finite().fold((f32::MAX, f32::MIN), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    if values.len() < 2 || low > high {
        return;
    }
    let span = (high - low)
        .max(high.abs().max(low.abs()) * 0.1)
        .max(f32::MIN_POSITIVE);
    let middle = (low + high) / 2.0;
    let inner = rect.shrink2(egui::vec2(0.0, 2.0));
    let step = inner.width() / (values.len() - 1) as f32;
    let stroke = Stroke::new(stroke::FOCUS, colour);
    let mut run: Vec<Pos2> = Vec::with_capacity(values.len());
    for (i, &value) in values.iter().enumerate() {
        if value.is_finite() {
            let up = (value - middle) / span;
            run.push(pos2(
                inner.left() + i as f32 * step,
                inner.center().y - up * inner.height(),
            ));
        }
        if !value.is_finite() || i + 1 == values.len() {
            if run.len() > 1 {
                painter.line(std::mem::take(&mut run), stroke);
            }
            run.clear();
        }
    }
}
