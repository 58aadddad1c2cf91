//! What stands where nothing is yet: it says what would be here and how to get it.

use egui::{Align2, Painter, Rect, Stroke, pos2};

use super::paint_text;
use crate::app::icons::Icon;
use crate::app::theme::{self, Palette, Weight, radius, size, stroke};

/// Paints a dashed box with an icon, a title and one line of advice ("Press 3 to add a service").
pub fn empty_state(
    painter: &Painter,
    rect: Rect,
    icon: Icon,
    title: &str,
    advice: &str,
    palette: &Palette,
) {
    let dashes = theme::dashed_rect(
        rect,
        radius::CARD,
        Stroke::new(stroke::HAIR, palette.edge),
        3.0,
        3.0,
    );
    painter.extend(dashes);
    let centre = rect.center();
    icon.paint(
        painter,
        pos2(centre.x, centre.y - 24.0),
        20.0,
        palette.text2,
    );
    let at = pos2(centre.x, centre.y + 2.0);
    paint_text(
        painter,
        at,
        Align2::CENTER_CENTER,
        title,
        size::BODY,
        Weight::Semibold,
        palette.text,
    );
    let at = pos2(centre.x, centre.y + 22.0);
    paint_text(
        painter,
        at,
        Align2::CENTER_CENTER,
        advice,
        size::SMALL,
        Weight::Regular,
        palette.text2,
    );
}
