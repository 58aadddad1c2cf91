//! The bar at the top: document, undo, how the promises stand, and what is done to the running system.

pub mod take;
mod verdict;

use std::path::{Path, PathBuf};

use egui::{Align, Layout, Popup, PopupCloseBehavior, Response, Sense, Ui, pos2, vec2};

use crate::app::action::{Action, TakeOptions};
use crate::app::document::Document;
use crate::app::icons::Icon;
use crate::app::run::meant::{instance_to_crash, scale_to, service};
use crate::app::run::state::View;
use crate::app::theme::{self, Palette, Weight, height, size, space};
use crate::app::widgets::{Button, logo, menu_item, menu_separator, separator, stepper};
use crate::app::words::format::shortened;
use crate::model::node::MOST_INSTANCES;
use crate::model::{Command, Node, Stop};

/// What the bar shows beside the view.
#[derive(Clone, Copy, Debug)]
pub struct Of<'a> {
    /// The document.
    pub document: &'a Document,
    /// Files of late, the latest first.
    pub recent: &'a [PathBuf],
    /// How pictures that are taken away look.
    pub taking: TakeOptions,
}

/// Below this width buttons are their icons alone, so that nothing lies over anything else.
const NARROW: f32 = 900.0;

/// Shows the bar in a row of its height; returns what was asked for.
pub fn ui(ui: &mut Ui, view: &View, of: &Of) -> Vec<Action> {
    let document = of.document;
    let mut actions = Vec::new();
    let narrow = ui.available_width() < NARROW;
    let palette = theme::palette(ui);
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_height(height::TOP_BAR);
        ui.spacing_mut().item_spacing.x = space::XS;
        ui.add_space(14.0);
        if brand(ui, palette).on_hover_text("Start screen").clicked() {
            actions.push(Action::ShowStart);
        }
        separator(ui);
        actions.extend(title(ui, document, of.recent));
        separator(ui);
        undo_redo(ui, document, &mut actions);

        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(space::S);
            if ui
                .add(Button::icon_only(Icon::Help, "Shortcuts").shortcut("?"))
                .clicked()
            {
                actions.push(Action::ToggleHelp);
            }
            let other = if palette.dark {
                "Light theme"
            } else {
                "Dark theme"
            };
            if ui.add(Button::icon_only(Icon::Theme, other)).clicked() {
                actions.push(Action::ToggleTheme);
            }
            take::show(ui, view, of.taking, &mut actions);
            separator(ui);
            let button = |icon, word| {
                if narrow {
                    Button::icon_only(icon, word)
                } else {
                    Button::secondary(word).icon(icon)
                }
            };
            scale(ui, view, button(Icon::Scale, "Scale"), &mut actions);
            deploy(ui, view, button(Icon::Deploy, "Deploy"), &mut actions);
            crash(ui, view, button(Icon::Bolt, "Crash"), &mut actions);
            verdict::show(ui, view, &mut actions);
        });
    });
    actions
}

fn crash(ui: &mut Ui, view: &View, button: Button, actions: &mut Vec<Action>) {
    let target = instance_to_crash(view);
    let tooltip = target.as_ref().map_or_else(
        || "Nothing here can crash".to_owned(),
        |(node, number)| format!("Crash {node} {number}: its memory is gone"),
    );
    let button = button.shortcut("C").tooltip(&tooltip);
    if ui.add_enabled(target.is_some(), button).clicked()
        && let Some((node, number)) = target
    {
        actions.push(Action::Run(Command::Crash(node, number)));
    }
}

fn deploy(ui: &mut Ui, view: &View, button: Button, actions: &mut Vec<Action>) {
    let target = service(view);
    let tooltip = target.as_ref().map_or_else(
        || "There is no service to deploy".to_owned(),
        |node| format!("Roll out a new version of {node}; right click for more"),
    );
    let button = button.shortcut("D").tooltip(&tooltip);
    let response = ui.add_enabled(target.is_some(), button);
    let Some(node) = target else { return };
    if response.clicked() {
        actions.push(Action::Run(Command::Deploy(node.clone(), Stop::Drained)));
    }
    response.context_menu(|ui| {
        if menu_item(ui, Some(Icon::Deploy), "Deploy, instances drained", "D").clicked() {
            actions.push(Action::Run(Command::Deploy(node.clone(), Stop::Drained)));
        }
        if menu_item(ui, Some(Icon::Bolt), "Deploy, instances killed", "").clicked() {
            actions.push(Action::Run(Command::Deploy(node.clone(), Stop::Abrupt)));
        }
    });
}

fn scale(ui: &mut Ui, view: &View, button: Button, actions: &mut Vec<Action>) {
    let target = service(view);
    let button = button.tooltip("Add or remove instances (+ and −)");
    let response = ui.add_enabled(target.is_some(), button);
    let Some(name) = target else { return };
    let Some(Node::Service(service)) = view.topology.nodes.get(&name) else {
        return;
    };
    Popup::menu(&response)
        .gap(4.0)
        .width(260.0)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .accessible_name("Scale")
        .show(|ui| {
            ui.horizontal(|ui| {
                ui.set_height(height::SETTING);
                ui.add_space(space::S);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.add_space(space::XS);
                    let instances = stepper(
                        ui,
                        "Number of instances",
                        service.instances,
                        1..=MOST_INSTANCES,
                        92.0,
                    );
                    actions.extend(instances.map(|wanted| scale_to(&name, wanted)));
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        // A long name is cut, and in its tip in full.
                        ui.add_space(space::S);
                        ui.add(egui::Label::new(format!("Instances of {name}")).truncate());
                    });
                });
            });
        });
}

fn undo_redo(ui: &mut Ui, document: &Document, actions: &mut Vec<Action>) {
    let words = |verb: &str, label: Option<&str>| {
        label.map_or_else(|| verb.to_owned(), |label| format!("{verb}: {label}"))
    };
    for (icon, verb, keys, label, action) in [
        (
            Icon::Undo,
            "Undo",
            "Ctrl+Z",
            document.undo_label(),
            Action::Undo,
        ),
        (
            Icon::Redo,
            "Redo",
            "Ctrl+Shift+Z",
            document.redo_label(),
            Action::Redo,
        ),
    ] {
        let tooltip = format!("{} ({keys})", words(verb, label));
        let button = Button::icon_only(icon, verb).tooltip(&tooltip);
        if ui.add_enabled(label.is_some(), button).clicked() {
            actions.push(action);
        }
    }
}

/// The title with the mark of unsaved changes; opens the menu of the document.
fn title(ui: &mut Ui, document: &Document, recent: &[PathBuf]) -> Vec<Action> {
    let palette = theme::palette(ui);
    let mut actions = Vec::new();
    let font = theme::font(size::BODY, Weight::Medium);
    let mut job = egui::text::LayoutJob::simple_singleline(document.title(), font, palette.text);
    job.wrap = egui::text::TextWrapping::truncate_at_width(320.0);
    let galley = ui.painter().layout_job(job);
    let dot = if document.dirty() { 12.0 } else { 0.0 };
    let wanted = vec2(galley.size().x + dot + 18.0 + 12.0, height::BUTTON);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
    let name = if document.dirty() {
        format!("Document: {}, unsaved changes", document.title())
    } else {
        format!("Document: {}", document.title())
    };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    let painter = ui.painter();
    if response.hovered() || response.has_focus() {
        painter.rect_filled(rect, theme::radius::CONTROL, palette.raised);
    }
    let middle = rect.center().y;
    let mut x = rect.left() + 6.0;
    let width = galley.size().x;
    painter.galley(
        pos2(x, middle - galley.size().y / 2.0),
        galley,
        palette.text,
    );
    x += width;
    if document.dirty() {
        painter.circle_filled(pos2(x + 8.0, middle), 3.0, palette.text3);
    }
    Icon::ChevronDown.paint(
        painter,
        pos2(rect.right() - 11.0, middle),
        14.0,
        palette.text3,
    );

    let response = match (document.dirty(), document.path()) {
        (true, _) => response.on_hover_text("There are unsaved changes"),
        (false, Some(path)) => response.on_hover_text(path.display().to_string()),
        (false, None) => response.on_hover_text("Not a file yet"),
    };
    let menu = Popup::menu(&response).gap(4.0).accessible_name("Document");
    menu.show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut row = |ui: &mut Ui, icon, text: &str, keys: &str, action: Action| {
            if menu_item(ui, Some(icon), text, keys).clicked() {
                actions.push(action);
            }
        };
        row(ui, Icon::Plus, "New", "Ctrl+N", Action::New);
        row(ui, Icon::File, "Open...", "Ctrl+O", Action::Open);
        row(
            ui,
            Icon::Lessons,
            "Start screen and presets",
            "",
            Action::ShowStart,
        );
        menu_separator(ui);
        row(ui, Icon::Check, "Save", "Ctrl+S", Action::Save);
        row(
            ui,
            Icon::Export,
            "Save as...",
            "Ctrl+Shift+S",
            Action::SaveAs,
        );
        row(
            ui,
            Icon::Clock,
            "Save session as scenario...",
            "",
            Action::SaveSession,
        );
        actions.extend(recent_files(ui, document, recent));
    });
    actions
}

/// Files of late, with the folders that they are in.
fn recent_files(ui: &mut Ui, document: &Document, recent: &[PathBuf]) -> Option<Action> {
    const MOST: usize = 5;
    let others = recent.iter().filter(|path| document.path() != Some(path));
    let mut asked = None;
    for (i, path) in others.take(MOST).enumerate() {
        if i == 0 {
            menu_separator(ui);
        }
        let name = |path: Option<&Path>| {
            let name = path.and_then(Path::file_name);
            name.map_or_else(String::new, |name| shortened(&name.to_string_lossy(), 40))
        };
        let (file, folder) = (name(Some(path)), name(path.parent()));
        let item = menu_item(ui, Some(Icon::File), &file, &folder);
        if item.clicked() {
            asked = Some(Action::OpenPath(path.clone()));
        }
        item.on_hover_text(path.display().to_string());
    }
    asked
}

/// Logo and name; a way back to the start screen.
fn brand(ui: &mut Ui, palette: &Palette) -> Response {
    let font = theme::font(size::BODY, Weight::Semibold);
    let galley = ui
        .painter()
        .layout_no_wrap("statescope".to_owned(), font, palette.text);
    let wanted = vec2(18.0 + 10.0 + galley.size().x + 4.0, height::BUTTON);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Button, true, "statescope: start screen")
    });
    logo(
        ui.painter(),
        pos2(rect.left() + 9.0, rect.center().y),
        18.0,
        palette.panel,
        palette,
    );
    let at = pos2(rect.left() + 28.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, palette.text);
    response
}
