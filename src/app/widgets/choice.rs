//! A choice from a list that opens on a click.

use egui::{
    Align2, Color32, Key, Popup, PopupCloseBehavior, Role, ScrollArea, Sense, Stroke, StrokeKind,
    Ui, WidgetInfo, pos2, vec2,
};

use super::{focus_ring, paint_text};
use crate::app::icons::Icon;
use crate::app::theme::{self, Weight, height, radius, size, stroke};

/// A longer list is scrolled.
const MOST_HEIGHT: f32 = 12.0 * height::BUTTON;

/// Shows the current option, none where several things differ; returns another one when it is chosen.
///
/// The value is part of the accessible name as well, since on Linux a combo box's value does not reach screen readers.
pub fn choice(
    ui: &mut Ui,
    name: &str,
    current: Option<usize>,
    options: &[&str],
    width: f32,
) -> Option<usize> {
    let shown = current.and_then(|current| options.get(current));
    let shown = shown.copied().unwrap_or("mixed");
    let chosen = choice_among(ui, name, shown, || options.to_vec(), width)?;
    options.iter().position(|option| *option == chosen)
}

/// The same with options that are found only while the list is open.
pub fn choice_among<'o>(
    ui: &mut Ui,
    name: &str,
    shown: &str,
    options: impl FnOnce() -> Vec<&'o str>,
    width: f32,
) -> Option<&'o str> {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, height::FIELD), Sense::click());
    response.widget_info(|| {
        WidgetInfo::labeled(Role::ComboBox, ui.is_enabled(), format!("{name}: {shown}"))
    });

    let open = Popup::is_id_open(ui.ctx(), Popup::default_response_id(&response));
    let outline = if open || response.has_focus() {
        Stroke::new(stroke::FOCUS, palette.text)
    } else if response.hovered() {
        Stroke::new(stroke::HAIR, palette.edge)
    } else {
        Stroke::new(stroke::HAIR, palette.hair)
    };
    let painter = ui.painter();
    painter.rect(
        rect,
        radius::CONTROL,
        palette.canvas,
        outline,
        StrokeKind::Inside,
    );
    focus_ring(painter, &response, radius::CONTROL, palette);
    let text_clip = rect
        .with_max_x(rect.right() - 22.0)
        .intersect(ui.clip_rect());
    paint_text(
        &painter.with_clip_rect(text_clip),
        pos2(rect.left() + 8.0, rect.center().y),
        Align2::LEFT_CENTER,
        shown,
        size::BODY,
        Weight::Regular,
        palette.text,
    );
    Icon::ChevronDown.paint(
        painter,
        pos2(rect.right() - 14.0, rect.center().y),
        14.0,
        palette.text2,
    );

    let mut chosen = None;
    Popup::menu(&response)
        .gap(4.0)
        .close_behavior(PopupCloseBehavior::CloseOnClick)
        .accessible_name(name)
        .show(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            ScrollArea::vertical()
                .max_height(MOST_HEIGHT)
                .show(ui, |ui| {
                    for option in options() {
                        let is_current = option == shown;
                        if item(ui, option, is_current, width - 10.0) && !is_current {
                            chosen = Some(option);
                        }
                    }
                });
        });
    // Closed by a key, it gives the keyboard back.
    let by_key = ui.input(|input| input.key_pressed(Key::Enter) || input.key_pressed(Key::Escape));
    let closed = open && !Popup::is_id_open(ui.ctx(), Popup::default_response_id(&response));
    if by_key && (closed || chosen.is_some()) {
        response.request_focus();
    }
    chosen
}

fn item(ui: &mut Ui, text: &str, selected: bool, least: f32) -> bool {
    let palette = theme::palette(ui);
    let font = theme::font(size::BODY, Weight::Medium);
    let words = ui
        .painter()
        .layout_no_wrap(text.to_owned(), font, Color32::PLACEHOLDER)
        .size()
        .x;
    let words = (28.0 + words + 12.0).max(least);
    let width = if ui.is_sizing_pass() {
        words
    } else {
        ui.available_width().max(words)
    };
    let wanted = vec2(width, height::BUTTON);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
    response
        .widget_info(|| WidgetInfo::selected(Role::ListBoxOption, ui.is_enabled(), selected, text));
    let painter = ui.painter();
    if response.hovered() || response.has_focus() {
        painter.rect_filled(rect, radius::CONTROL - 1.0, palette.raised);
    }
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    if selected {
        Icon::Check.paint(
            painter,
            pos2(rect.left() + 14.0, rect.center().y),
            14.0,
            palette.text,
        );
    }
    let weight = if selected {
        Weight::Medium
    } else {
        Weight::Regular
    };
    paint_text(
        painter,
        pos2(rect.left() + 28.0, rect.center().y),
        Align2::LEFT_CENTER,
        text,
        size::BODY,
        weight,
        palette.text,
    );
    response.clicked()
}
