//! Tooltips: ink, so that they are told from everything below them.

use egui::{Frame, Margin, Response, Tooltip};

use crate::app::theme::{self, Weight, radius, size};

/// Says more about a widget while the pointer rests on it: a title and lines beneath.
pub fn tooltip(response: &Response, title: &str, lines: &[&str]) {
    for mut tooltip in [
        Tooltip::for_enabled(response),
        Tooltip::for_disabled(response),
    ] {
        let palette = theme::palette(&response.ctx);
        let frame = Frame::new()
            .fill(palette.text)
            .corner_radius(radius::CONTROL)
            .inner_margin(Margin::symmetric(10, 6));
        tooltip.popup = tooltip.popup.frame(frame);
        tooltip.show(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let weight = if lines.is_empty() {
                Weight::Regular
            } else {
                Weight::Semibold
            };
            let small = if lines.is_empty() {
                size::SMALL
            } else {
                size::BODY
            };
            ui.label(theme::text(title, small, weight, palette.on_ink));
            for line in lines {
                ui.label(theme::text(
                    *line,
                    size::SMALL,
                    Weight::Regular,
                    palette.on_ink,
                ));
            }
        });
    }
}
