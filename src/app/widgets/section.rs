//! The header of a section in a pane.

use egui::{Align2, Role, Sense, Ui, WidgetInfo, vec2};

use super::paint_text;
use crate::app::theme::{self, Weight, height, size};

/// A title at the left and a remark at the right ("writes lost if one dies").
pub fn section(ui: &mut Ui, title: &str, remark: &str) {
    let palette = theme::palette(ui);
    let wanted = vec2(ui.available_width(), height::SECTION);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, title));
    if !remark.is_empty() {
        ui.ctx()
            .accesskit_node_builder(response.id, |node| node.set_description(remark));
    }
    let painter = ui.painter();
    paint_text(
        painter,
        rect.left_center(),
        Align2::LEFT_CENTER,
        title,
        size::BODY,
        Weight::Semibold,
        palette.text,
    );
    paint_text(
        painter,
        rect.right_center(),
        Align2::RIGHT_CENTER,
        remark,
        size::SMALL,
        Weight::Regular,
        palette.text3,
    );
}
