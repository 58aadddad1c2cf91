//! Rows of a menu: what can be done to a thing, with the key that does the same.

use egui::{Align2, Color32, Response, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::paint_text;
use crate::app::icons::Icon;
use crate::app::theme::{self, Weight, height, radius, size, space, stroke};

const LEAST: f32 = 200.0;

/// While a menu finds its size, as wide as its words; then as wide as the menu.
fn row_width(ui: &Ui, left: &str, right: &str) -> f32 {
    let width = |text: &str, size| {
        let font = theme::font(size, Weight::Semibold);
        ui.painter()
            .layout_no_wrap(text.to_owned(), font, Color32::PLACEHOLDER)
            .size()
            .x
    };
    let words = 33.0 + width(left, size::BODY) + space::XL + width(right, size::SMALL) + 9.0;
    if ui.is_sizing_pass() {
        words.max(LEAST)
    } else {
        ui.available_width().max(words)
    }
}

/// The first row of a menu: what it is about ("api 2"), and how that is doing ("up, 45 % busy").
pub fn menu_header(ui: &mut Ui, title: &str, remark: &str) {
    let palette = theme::palette(ui);
    let wanted = vec2(row_width(ui, title, remark), height::BUTTON);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{title}, {remark}")));
    let painter = ui.painter();
    let inner = rect.shrink2(vec2(9.0, 0.0));
    let strong = Weight::Semibold;
    paint_text(
        painter,
        inner.left_center(),
        Align2::LEFT_CENTER,
        title,
        size::BODY,
        strong,
        palette.text,
    );
    let at = inner.right_center();
    paint_text(
        painter,
        at,
        Align2::RIGHT_CENTER,
        remark,
        size::SMALL,
        Weight::Regular,
        palette.text2,
    );
    menu_separator(ui);
}

/// A line between groups of a menu.
pub fn menu_separator(ui: &mut Ui) {
    let hair = Stroke::new(stroke::HAIR, theme::palette(ui).hair);
    let (rect, _) = ui.allocate_exact_size(
        vec2(
            if ui.is_sizing_pass() {
                LEAST
            } else {
                ui.available_width()
            },
            9.0,
        ),
        Sense::hover(),
    );
    ui.painter().hline(rect.x_range(), rect.center().y, hair);
}

/// One thing to do; a menu made with [`egui::Popup::menu`] or `context_menu` closes when it is clicked. Grey it with
/// `ui.add_enabled_ui`.
pub fn menu_item(ui: &mut Ui, icon: Option<Icon>, label: &str, shortcut: &str) -> Response {
    let palette = theme::palette(ui);
    let wanted = vec2(row_width(ui, label, shortcut), height::BUTTON);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::MenuItem, ui.is_enabled(), label));
    let painter = ui.painter();
    if response.hovered() || response.has_focus() {
        painter.rect_filled(rect, radius::CONTROL - 1.0, palette.raised);
    }
    let middle = rect.center().y;
    if let Some(icon) = icon {
        icon.paint(
            painter,
            pos2(rect.left() + 17.0, middle),
            16.0,
            palette.text2,
        );
    }
    let at = pos2(rect.left() + 33.0, middle);
    paint_text(
        painter,
        at,
        Align2::LEFT_CENTER,
        label,
        size::BODY,
        Weight::Regular,
        palette.text,
    );
    let at = pos2(rect.right() - 9.0, middle);
    paint_text(
        painter,
        at,
        Align2::RIGHT_CENTER,
        shortcut,
        size::SMALL,
        Weight::Regular,
        palette.text3,
    );
    response
}
