//! What opens above the window: a choice's list, a context menu, a tooltip; and the ring of the keyboard's focus.

use egui::accesskit::Role;
use egui::{Key, Modifiers, Ui, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use statescope::app::icons::Icon;
use statescope::app::theme;
use statescope::app::widgets::{Button, choice, menu_header, menu_item, menu_separator};

use crate::support::pictures::{Camera, assert_picture};

fn ui(ui: &mut Ui) {
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        ui.add_space(12.0);
        let crash = ui.add(Button::secondary("Crash").icon(Icon::Bolt));
        crash.context_menu(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            menu_header(ui, "api 2", "up, 45 % busy");
            menu_item(ui, Some(Icon::Cross), "Crash process", "C");
            menu_item(ui, Some(Icon::Bolt), "Lose the machine", "Shift C");
            menu_separator(ui);
            menu_item(ui, Some(Icon::Restart), "Restart", "");
        });
        ui.add_space(220.0);
        ui.add(Button::icon_only(Icon::Undo, "Undo").shortcut("Ctrl Z"));
        ui.add_space(40.0);
        choice(
            ui,
            "Balancing",
            Some(1),
            &["round robin", "random", "least connections"],
            140.0,
        );
    });
}

fn harness(camera: &Camera) -> Harness<'static> {
    Harness::builder()
        .with_size(vec2(560.0, 220.0))
        .with_theme(egui::Theme::Light)
        .renderer(camera.clone())
        .with_context_setup(|ctx| theme::install(ctx, theme::Settings::default()))
        .build_ui(ui)
}

#[test]
fn a_context_menu() {
    let camera = Camera::default();
    let mut harness = harness(&camera);
    harness.get_by_label("Crash").click_secondary();
    harness.run();
    harness
        .get_by_role_and_label(Role::MenuItem, "Lose the machine")
        .hover();
    harness.run();
    assert_picture("context-menu-light", &camera.picture(&harness));
}

#[test]
fn a_list_of_choices_and_a_focus_ring() {
    let camera = Camera::default();
    let mut harness = harness(&camera);
    harness.get_by_label("Balancing: random").click();
    harness.run();
    harness.key_press_modifiers(Modifiers::NONE, Key::Tab);
    harness.get_by_label("Crash").focus();
    harness.run();
    assert_picture("choices-light", &camera.picture(&harness));
}

#[test]
fn a_tooltip() {
    let camera = Camera::default();
    let mut harness = harness(&camera);
    harness.get_by_label("Undo").hover();
    harness.run_steps(8);
    assert_picture("tooltip-light", &camera.picture(&harness));
}
