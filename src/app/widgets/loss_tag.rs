//! What was lost, hung under the card it happened to until it is dismissed; and the tag that says nothing was.

use egui::{Align2, CornerRadius, Painter, Pos2, Rect, Stroke, StrokeKind, pos2, vec2};

use super::paint_text;
use crate::app::icons::Icon;
use crate::app::theme::{Palette, Weight, radius, size, stroke};
use crate::app::words::format::loss_text;
use crate::app::words::format::number;

/// How far a loss tag hangs below its card, in points at 100 %.
pub const LOSS_TAG_HEIGHT: f32 = 34.0;

/// Smaller than this share of their size the words of one line would be hard to read.
const LEAST_SHRINK: f32 = 0.85;

/// Paints what was lost, such as `[(512, "sessions"), (49, "writes")]`, with when it happened; returns where its cross
/// is, for the one who handles clicks.
///
/// `rect` is already zoomed. Under a card, let it reach 10 points (at 100 %) behind the card and paint it first: the
/// words are centred in its lowest [`LOSS_TAG_HEIGHT`].
pub fn loss_tag(
    painter: &Painter,
    rect: Rect,
    zoom: f32,
    losses: &[(u64, &str)],
    when: Option<&str>,
    palette: &Palette,
) -> Rect {
    painter.rect_filled(
        rect,
        CornerRadius::same((radius::CARD * zoom).round() as u8),
        palette.lost,
    );
    let height = (LOSS_TAG_HEIGHT * zoom).min(rect.height());
    let middle = rect.bottom() - height / 2.0;
    let baseline = middle + 5.0 * zoom;
    let cross = Rect::from_center_size(
        pos2(rect.right() - 17.0 * zoom, middle),
        vec2(24.0, 24.0) * zoom,
    );
    let left = rect.left() + 12.0 * zoom;
    let room = cross.left() - left;
    let width = |text: &str, points: f32, weight| {
        let font = crate::app::theme::font(points * zoom, weight);
        let text = text.to_owned();
        painter.layout_no_wrap(text, font, palette.on_lost).size().x
    };
    let lost: Vec<(u64, &str)> = (losses.iter().copied())
        .filter(|(count, _)| *count > 0)
        .collect();
    let figures = |text: fn(u64) -> String| -> Vec<(String, &str)> {
        lost.iter().map(|&(n, what)| (text(n), what)).collect()
    };
    let wide = |(number, what): &(String, &str), points: f32| {
        width(number, points, Weight::Semibold)
            + width(what, size::SMALL, Weight::Medium)
            + 4.0 * zoom
    };
    // On a narrow card the words come closer together, and smaller; then they stand below each other, and at last the
    // figures are rounded.
    let exact = figures(loss_text);
    let words: f32 = exact.iter().map(|figure| wide(figure, size::FIGURE)).sum();
    let gaps = exact.len().saturating_sub(1) as f32 * zoom;
    let gap = if words + 14.0 * gaps > room {
        8.0
    } else {
        14.0
    };
    let shrink = ((room - gap * gaps) / words.max(1.0)).min(1.0);
    let mut end = left;
    if shrink >= LEAST_SHRINK || exact.len() == 1 && shrink >= 0.5 {
        for (number, what) in &exact {
            let points = size::FIGURE * zoom * shrink;
            let at = pos2(end, baseline);
            let number = on_baseline(painter, at, number, points, Weight::Semibold, palette);
            let at = pos2(number.right() + 4.0 * zoom * shrink, baseline);
            let points = size::SMALL * zoom * shrink;
            let what = on_baseline(painter, at, what, points, Weight::Medium, palette);
            end = what.right() + gap * zoom;
        }
    } else {
        let fit =
            |lines: &[(String, &str)]| lines.iter().all(|line| wide(line, size::SMALL) <= room);
        let mut lines = exact;
        if !fit(&lines) {
            lines = figures(|n| format!("\u{2212}{}", number(n as f64)));
        }
        let most = lines.iter().map(|line| wide(line, size::SMALL));
        let points = size::SMALL * zoom * (room / most.fold(1.0, f32::max)).min(1.0);
        let middle = (lines.len() - 1) as f32 / 2.0;
        for (row, (number, what)) in lines.iter().enumerate() {
            let below = (row as f32 - middle) * 13.0 - 1.0;
            let at = pos2(left, baseline + below * zoom);
            let number = on_baseline(painter, at, number, points, Weight::Semibold, palette);
            let at = pos2(number.right() + 4.0 * zoom, at.y);
            let what = on_baseline(painter, at, what, points, Weight::Medium, palette);
            end = end.max(what.right() + 8.0 * zoom);
        }
    }
    Icon::Cross.paint_stroked(
        painter,
        cross.center(),
        14.0 * zoom,
        1.6 * zoom,
        palette.on_lost,
    );
    if let Some(when) = when {
        let at = pos2(cross.left() - 3.0 * zoom, middle);
        // On a narrow card the number of what was lost is worth more than the time.
        let font = crate::app::theme::font(size::SMALL * zoom, Weight::Regular);
        let width = painter
            .layout_no_wrap(when.to_owned(), font, palette.on_lost)
            .size()
            .x;
        if at.x - width > end - 8.0 * zoom {
            paint_text(
                painter,
                at,
                Align2::RIGHT_CENTER,
                when,
                size::SMALL * zoom,
                Weight::Regular,
                palette.on_lost,
            );
        }
    }
    cross
}

/// Text of different sizes on one line; 0.275 of the size is below the baseline in IBM Plex Sans.
fn on_baseline(
    painter: &Painter,
    at: Pos2,
    text: &str,
    size: f32,
    weight: Weight,
    palette: &Palette,
) -> Rect {
    let descent = 0.275 * size;
    paint_text(
        painter,
        pos2(at.x, at.y + descent),
        Align2::LEFT_BOTTOM,
        text,
        size,
        weight,
        palette.on_lost,
    )
}

/// Paints "0 sessions, 0 writes" with a tick, from its top left corner; returns where it went.
pub fn nothing_lost_tag(
    painter: &Painter,
    at: Pos2,
    zoom: f32,
    text: &str,
    palette: &Palette,
) -> Rect {
    let text_at = pos2(at.x + 30.0 * zoom, at.y + 13.0 * zoom);
    let ground = painter.add(egui::Shape::Noop);
    let words = paint_text(
        painter,
        text_at,
        Align2::LEFT_CENTER,
        text,
        12.0 * zoom,
        Weight::Medium,
        palette.text,
    );
    let rect = Rect::from_min_max(at, pos2(words.right() + 12.0 * zoom, at.y + 26.0 * zoom));
    let shape = egui::epaint::RectShape::new(
        rect,
        CornerRadius::same((radius::CONTROL * zoom).round() as u8),
        palette.canvas,
        Stroke::new(stroke::HAIR, palette.edge),
        StrokeKind::Inside,
    );
    painter.set(ground, shape);
    Icon::Check.paint_stroked(
        painter,
        pos2(at.x + 16.0 * zoom, at.y + 13.0 * zoom),
        16.0 * zoom,
        1.6 * zoom,
        palette.text,
    );
    rect
}
