//! The menu of what can be taken away, and how pictures are to look.

use egui::{Align, Context, Id, Key, Layout, Popup, PopupCloseBehavior, Response, Ui};

use crate::app::action::Action;
use crate::app::action::{Take, TakeOptions};
use crate::app::icons::Icon;
use crate::app::run::state::View;
use crate::app::theme::{self, Weight, height, size, space};
use crate::app::widgets::{Button, menu_item, menu_separator, switch};

/// Width of the menu.
const WIDTH: f32 = 280.0;

/// Opens the menu at the next frame, with the keyboard on its first entry.
pub fn open(ctx: &Context) {
    ctx.data_mut(|data| data.insert_temp(opens(), true));
}

fn opens() -> Id {
    Id::unique("take away opens")
}

/// Shows the button and its menu while that is open.
pub fn show(ui: &mut Ui, view: &View, options: TakeOptions, actions: &mut Vec<Action>) {
    let button = Button::icon_only(Icon::Export, "Take away").shortcut("Ctrl+Shift+E");
    let response = ui.add(button);
    let id = Popup::default_response_id(&response);
    let by_key = ui
        .data_mut(|data| data.remove_temp::<bool>(opens()))
        .is_some();
    if by_key {
        Popup::open_id(ui.ctx(), id);
    }
    let was_open = Popup::is_id_open(ui.ctx(), id);
    Popup::menu(&response)
        .gap(4.0)
        .width(WIDTH)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .accessible_name("Take away")
        .show(|ui| {
            ui.set_width(WIDTH);
            ui.spacing_mut().item_spacing.y = 0.0;
            content(ui, view, options, by_key, actions);
        });
    let left = ui.input(|input| input.key_pressed(Key::Escape) || input.key_pressed(Key::Enter));
    if was_open && left && !Popup::is_id_open(ui.ctx(), id) {
        response.request_focus();
    }
}

fn content(
    ui: &mut Ui,
    view: &View,
    options: TakeOptions,
    by_key: bool,
    actions: &mut Vec<Action>,
) {
    let drawn = !view.topology.nodes.is_empty();
    let ran = view.snapshot.now.0 > 0;
    let mut entry = |ui: &mut Ui, enabled: bool, icon, text: &str, keys: &str, action: Action| {
        let item = ui.add_enabled_ui(enabled, |ui| menu_item(ui, Some(icon), text, keys));
        let why = if drawn {
            "Nothing has run yet"
        } else {
            "There is nothing on the canvas"
        };
        let response: Response = item.inner.on_disabled_hover_text(why);
        if response.clicked() {
            ui.close();
            actions.push(action);
        }
        response
    };
    let (picture, table) = (Icon::Export, Icon::File);

    caption(ui, "Pictures");
    let first = entry(
        ui,
        drawn,
        picture,
        "Canvas as PNG...",
        "",
        Action::Take(Take::CanvasPng),
    );
    if by_key {
        first.request_focus();
    }
    entry(
        ui,
        drawn,
        picture,
        "Canvas as SVG...",
        "",
        Action::Take(Take::CanvasSvg),
    );
    entry(
        ui,
        drawn,
        Icon::Duplicate,
        "Copy canvas as picture",
        "Ctrl+Shift+C",
        Action::CopyPicture,
    );
    entry(
        ui,
        true,
        picture,
        "Whole window as PNG...",
        "",
        Action::Take(Take::WindowPng),
    );
    menu_separator(ui);
    caption(ui, "Charts");
    for (icon, text, take) in [
        (picture, "Charts as PNG...", Take::ChartsPng),
        (picture, "Charts as SVG...", Take::ChartsSvg),
        (table, "Samples as CSV...", Take::ChartsCsv),
    ] {
        entry(ui, ran, icon, text, "", Action::Take(take));
    }
    menu_separator(ui);
    caption(ui, "Run");
    for (text, take) in [
        ("Log as text...", Take::LogText),
        ("Results as JSON...", Take::ResultsJson),
    ] {
        entry(ui, ran, table, text, "", Action::Take(take));
    }
    menu_separator(ui);
    actions.extend(look(ui, options));
}

/// How pictures are to look.
fn look(ui: &mut Ui, options: TakeOptions) -> Option<Action> {
    let mut wanted = options;
    let row = |ui: &mut Ui, text: &str, add: &mut dyn FnMut(&mut Ui)| {
        ui.horizontal(|ui| {
            ui.set_height(height::SETTING);
            ui.add_space(9.0);
            let palette = theme::palette(ui);
            ui.label(theme::text(
                text,
                size::BODY,
                Weight::Regular,
                palette.text2,
            ));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add_space(space::XS);
                ui.spacing_mut().item_spacing.x = 2.0;
                add(ui);
            });
        });
    };
    row(ui, "Pictures are", &mut |ui| {
        let choices = [
            ("Dark", Some(true)),
            ("Light", Some(false)),
            ("As here", None),
        ];
        for (name, dark) in choices {
            let button = Button::plain(name)
                .pressed(options.dark == dark)
                .height(height::HIT);
            if ui.add(button).clicked() {
                wanted.dark = dark;
            }
        }
    });
    row(ui, "Canvas with figures of the run", &mut |ui| {
        let mut with = !options.without_figures;
        ui.add_space(space::XS);
        switch(ui, "Figures of the run", &mut with);
        wanted.without_figures = !with;
    });
    (wanted != options).then_some(Action::SetTaking(wanted))
}

fn caption(ui: &mut Ui, text: &str) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.set_height(20.0);
        ui.add_space(9.0);
        let text = theme::text(text, size::SMALL, Weight::Regular, palette.text3);
        ui.label(text);
    });
}
