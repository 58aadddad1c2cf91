//! The small things the window is made of, one a file.
//!
//! Those that take a [`egui::Painter`], a point and a zoom only paint, so the canvas calls them at every zoom; those
//! that take a [`egui::Ui`] are controls, each with its name for screen readers.

mod badge;
mod button;
mod choice;
mod empty;
mod exposure;
mod field;
mod figure;
mod hatch;
mod log_row;
mod logo;
mod loss_tag;
mod menu;
mod pip;
mod section;
mod segmented;
mod sparkline;
mod stepper;
mod switch;
mod toast;
mod tooltip;

pub use badge::{badge, badge_width, tag};
pub use button::{Button, key_chip, separator};
pub use choice::{choice, choice_among};
pub use empty::empty_state;
pub use exposure::{exposure_bar, hatched_bar};
pub use field::{Field, FieldResponse};
pub use figure::{figure_row, setting_field, setting_row};
pub use hatch::{Hatch, hatch};
pub use log_row::LogRow;
pub use logo::logo;
pub use loss_tag::{LOSS_TAG_HEIGHT, loss_tag, nothing_lost_tag};
pub use menu::{menu_header, menu_item, menu_separator};
pub use pip::{Pip, PipState, paint_dense_pip, paint_pip};
pub use section::section;
pub use segmented::{LossFigure, Segment, SegmentedResponse, pros_and_cons, segmented};
pub use sparkline::sparkline;
pub use stepper::{stepper, steppers};
pub use switch::switch;
pub use toast::{About, Cover, Toast, ToastKind, Toasts};
pub use tooltip::tooltip;

use egui::{Align2, Color32, Painter, Pos2, Rect, Response, Stroke, StrokeKind};

use crate::app::theme::{self, Palette, Weight};

/// Paints one line of text at a zoom, in a size of [`theme::size`] at 100 %, and says where it went.
///
/// The size is rounded to half a point, so that zooming does not fill the font atlas.
pub fn paint_text(
    painter: &Painter,
    at: Pos2,
    anchor: Align2,
    text: &str,
    size: f32,
    weight: Weight,
    colour: Color32,
) -> Rect {
    let size = ((size * 2.0).round() / 2.0).max(1.0);
    painter.text(at, anchor, text, theme::font(size, weight), colour)
}

/// The ring around a control that has the keyboard: ink, a little outside.
fn focus_ring(painter: &Painter, response: &Response, radius: f32, palette: &Palette) {
    if response.has_focus() {
        paint_focus_ring(painter, response.rect, radius, palette);
    }
}

fn paint_focus_ring(painter: &Painter, rect: Rect, radius: f32, palette: &Palette) {
    painter.rect_stroke(
        rect.expand(2.0),
        radius + 2.0,
        Stroke::new(theme::stroke::SELECTED, palette.text),
        StrokeKind::Outside,
    );
}
