//! What was lost, hung under the card it happened to until it is dismissed; and the tag that says nothing was.

use egui::{Align2, CornerRadius, Painter, Pos2, Rect, Stroke, StrokeKind, pos2, vec2};

use super::{loss_text, paint_text};
use crate::app::icons::Icon;
use crate::app::theme::{Palette, Weight, radius, size, stroke};

/// How far a loss tag hangs below its card, in points at 100 %.
pub const LOSS_TAG_HEIGHT: f32 = 34.0;

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
    let mut x = rect.left() + 12.0 * zoom;
    let lost = || {
        losses
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|&(count, what)| (loss_text(count), what))
    };
    // On a narrow card the words come closer together, and smaller, before they reach the cross.
    let width = |text: &str, points: f32, weight| {
        let font = crate::app::theme::font(points * zoom, weight);
        let text = text.to_owned();
        painter.layout_no_wrap(text, font, palette.on_lost).size().x
    };
    let words: f32 = lost()
        .map(|(number, what)| {
            width(&number, size::FIGURE, Weight::Semibold)
                + width(what, size::SMALL, Weight::Medium)
                + 4.0 * zoom
        })
        .sum();
    let room = cross.left() - x;
    let gaps = lost().count().saturating_sub(1) as f32 * zoom;
    let gap = if words + 14.0 * gaps > room {
        8.0
    } else {
        14.0
    };
    let shrink = ((room - gap * gaps) / words.max(1.0)).clamp(0.7, 1.0);
    for (number, what) in lost() {
        x = on_baseline(
            painter,
            pos2(x, baseline),
            &number,
            size::FIGURE * zoom * shrink,
            Weight::Semibold,
            palette,
        )
        .right();
        x += 4.0 * zoom * shrink;
        x = on_baseline(
            painter,
            pos2(x, baseline),
            what,
            size::SMALL * zoom * shrink,
            Weight::Medium,
            palette,
        )
        .right();
        x += gap * zoom;
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
        if at.x - width > x - 8.0 * zoom {
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
