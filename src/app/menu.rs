//! Menus: rows with an icon, a word and the key that does the same.

use egui::{Align2, Popup, PopupCloseBehavior, Response, Role, Sense, Stroke, Ui, WidgetInfo};
use egui::{pos2, vec2};

use super::icons::Icon;
use super::theme::{self, Weight, height, radius, size, stroke};
use super::widgets::paint_text;

/// A menu that opens under a button.
pub fn under(button: &Response, name: &str, width: f32, content: impl FnOnce(&mut Ui)) {
    Popup::menu(button)
        .width(width)
        .gap(4.0)
        .close_behavior(PopupCloseBehavior::CloseOnClick)
        .accessible_name(name)
        .show(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.set_min_width(width);
            content(ui);
        });
}

/// A row of a menu; true when it was chosen. Disable it with [`Ui::add_enabled_ui`].
pub fn item(ui: &mut Ui, icon: Icon, text: &str, keys: &str) -> bool {
    let palette = theme::palette(ui);
    let enabled = ui.is_enabled();
    let wanted = vec2(ui.available_width(), height::BUTTON);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::MenuItem, enabled, text));
    let painter = ui.painter();
    if enabled && (response.hovered() || response.has_focus()) {
        painter.rect_filled(rect, radius::CONTROL - 1.0, palette.raised);
    }
    let (ink, icon_ink) = if enabled {
        (palette.text, palette.text2)
    } else {
        (palette.text3, palette.text3)
    };
    let middle = rect.center().y;
    icon.paint(painter, pos2(rect.left() + 18.0, middle), 15.0, icon_ink);
    paint_text(
        painter,
        pos2(rect.left() + 36.0, middle),
        Align2::LEFT_CENTER,
        text,
        size::BODY,
        Weight::Regular,
        ink,
    );
    paint_text(
        painter,
        pos2(rect.right() - 10.0, middle),
        Align2::RIGHT_CENTER,
        keys,
        size::SMALL,
        Weight::Regular,
        palette.text3,
    );
    response.clicked()
}

/// The line between groups of rows.
pub fn divider(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 9.0), Sense::hover());
    let hair = Stroke::new(stroke::HAIR, theme::palette(ui).hair);
    ui.painter()
        .hline(rect.x_range().shrink(6.0), rect.center().y, hair);
}
