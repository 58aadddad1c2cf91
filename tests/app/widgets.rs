//! The small parts of the window, used by mouse, keyboard and screen reader.

use std::time::Duration;

use egui::accesskit::{Role, Toggled};
use egui::{Key, Modifiers, Rect, Ui, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use statescope::app::icons::Icon;
use statescope::app::theme;
use statescope::app::widgets::{
    Button, Field, LossFigure, Segment, Toast, Toasts, choice, segmented, stepper, switch,
};

fn harness<'a, State: 'a>(
    state: State,
    ui: impl FnMut(&mut Ui, &mut State) + 'a,
) -> Harness<'a, State> {
    Harness::builder()
        .with_size(vec2(400.0, 300.0))
        .with_context_setup(|ctx| theme::install(ctx, theme::Settings::default()))
        .build_ui_state(ui, state)
}

#[derive(Default)]
struct Timeout {
    milliseconds: u32,
    applied: u32,
}

fn timeout_field(ui: &mut Ui, state: &mut Timeout) {
    let text = format!("{}ms", state.milliseconds);
    let field = Field::new("Timeout", &text).show(ui, |text| {
        let number = text.strip_suffix("ms").ok_or("Write it like 15ms")?;
        number
            .parse::<u32>()
            .map_err(|_| "Write it like 15ms".to_owned())
    });
    if let Some(value) = field.applied {
        state.milliseconds = value;
        state.applied += 1;
    }
    ui.add_space(60.0);
    let _ = ui.add(Button::secondary("Elsewhere"));
}

fn replace_text(harness: &mut Harness<'_, Timeout>, text: &str) {
    harness
        .get_by_role_and_label(Role::TextInput, "Timeout")
        .click();
    harness.run();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness
        .get_by_role_and_label(Role::TextInput, "Timeout")
        .type_text(text);
    harness.run();
}

#[test]
fn enter_applies_what_was_typed() {
    let mut harness = harness(
        Timeout {
            milliseconds: 15,
            ..Timeout::default()
        },
        timeout_field,
    );
    replace_text(&mut harness, "20ms");
    assert_eq!(harness.state().milliseconds, 15, "not before Enter");
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(
        (harness.state().milliseconds, harness.state().applied),
        (20, 1)
    );
}

#[test]
fn escape_reverts() {
    let mut harness = harness(
        Timeout {
            milliseconds: 15,
            ..Timeout::default()
        },
        timeout_field,
    );
    replace_text(&mut harness, "20ms");
    harness.key_press(Key::Escape);
    harness.run();
    assert_eq!(harness.state().applied, 0);
    let field = harness.get_by_role_and_label(Role::TextInput, "Timeout");
    assert_eq!(field.accesskit_node().value().as_deref(), Some("15ms"));
}

#[test]
fn a_press_elsewhere_applies_too() {
    let mut harness = harness(
        Timeout {
            milliseconds: 15,
            ..Timeout::default()
        },
        timeout_field,
    );
    replace_text(&mut harness, "30ms");
    harness.get_by_label("Elsewhere").click();
    harness.run();
    assert_eq!(
        (harness.state().milliseconds, harness.state().applied),
        (30, 1)
    );
}

#[test]
fn what_is_wrong_stays_as_typed_and_says_why_until_it_is_right() {
    let mut harness = harness(
        Timeout {
            milliseconds: 15,
            ..Timeout::default()
        },
        timeout_field,
    );
    replace_text(&mut harness, "soon");
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().applied, 0);
    harness.get_by_label("Write it like 15ms");
    let field = harness.get_by_role_and_label(Role::TextInput, "Timeout");
    assert!(field.is_focused(), "one can go on typing");
    assert_eq!(field.accesskit_node().value().as_deref(), Some("soon"));
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness
        .get_by_role_and_label(Role::TextInput, "Timeout")
        .type_text("7ms");
    harness.run();
    assert!(harness.query_by_label("Write it like 15ms").is_none());
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().milliseconds, 7);
}

#[test]
fn a_toggle_is_a_group_of_radio_buttons_with_their_costs() {
    let mut harness = harness(
        (1, None),
        |ui, (selected, asked): &mut (usize, Option<usize>)| {
            let segment = |icon, label, loss| Segment {
                icon,
                label,
                loss,
                costs: "Fast but fragile",
                impossible: None,
                effect: None,
                measured: None,
            };
            let segments = [
                Segment {
                    impossible: Some("Writes need a home"),
                    effect: None,
                    measured: None,
                    ..segment(Icon::Stateless, "Stateless", LossFigure::Unknown)
                },
                segment(Icon::Memory, "Memory", LossFigure::Lost(49)),
                segment(Icon::External, "External", LossFigure::Lost(0)),
            ];
            if let Some(i) = segmented(ui, "State lives in", &segments, *selected).clicked {
                if segments[i].impossible.is_some() {
                    *asked = Some(i);
                } else {
                    *selected = i;
                }
            }
        },
    );
    harness.get_by_role_and_label(Role::RadioGroup, "State lives in");
    let memory = harness.get_by_role_and_label(Role::RadioButton, "Memory");
    assert_eq!(memory.accesskit_node().toggled(), Some(Toggled::True));
    let description = memory.accesskit_node().description().unwrap();
    assert!(
        description.contains("Loses 49") && description.contains("Fast but fragile"),
        "{description}"
    );
    harness
        .get_by_role_and_label(Role::RadioButton, "External")
        .click();
    harness.run();
    assert_eq!(harness.state().0, 2);
    let stateless = harness.get_by_role_and_label(Role::RadioButton, "Stateless");
    assert!(
        stateless
            .accesskit_node()
            .description()
            .unwrap()
            .contains("Writes need a home")
    );
    stateless.click();
    harness.run();
    assert_eq!(
        *harness.state(),
        (2, Some(0)),
        "the click is told, so that something possible can be offered"
    );
}

#[test]
fn a_choice_says_its_value_in_its_name() {
    let mut harness = harness(0, |ui, current: &mut usize| {
        if let Some(chosen) = choice(
            ui,
            "Balancing",
            Some(*current),
            &["round robin", "random"],
            120.0,
        ) {
            *current = chosen;
        }
    });
    harness
        .get_by_role_and_label(Role::ComboBox, "Balancing: round robin")
        .click();
    harness.run();
    harness
        .get_by_role_and_label(Role::ListBoxOption, "random")
        .click();
    harness.run();
    assert_eq!(*harness.state(), 1);
    harness.get_by_role_and_label(Role::ComboBox, "Balancing: random");
    assert!(
        harness.query_by_role(Role::ListBoxOption).is_none(),
        "the list has closed"
    );
}

#[test]
fn a_stepper_stays_in_its_range() {
    let mut harness = harness(2, |ui, value: &mut u32| {
        if let Some(next) = stepper(ui, "Instances", *value, 1..=3, 104.0) {
            *value = next;
        }
    });
    for (button, expected) in [
        ("one more", 3),
        ("one more", 3),
        ("one fewer", 2),
        ("one fewer", 1),
        ("one fewer", 1),
    ] {
        harness
            .get_by_role_and_label(Role::Button, &format!("Instances: {button}"))
            .click();
        harness.run();
        assert_eq!(*harness.state(), expected);
    }
}

#[test]
fn a_switch_switches_by_mouse_and_key() {
    let mut harness = harness(false, |ui, on: &mut bool| {
        switch(ui, "Follow", on);
    });
    harness
        .get_by_role_and_label(Role::Switch, "Follow")
        .click();
    harness.run();
    assert!(*harness.state());
    harness
        .get_by_role_and_label(Role::Switch, "Follow")
        .focus();
    harness.run();
    harness.key_press(Key::Space);
    harness.run();
    assert!(!*harness.state());
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Undo,
    Show,
}

#[test]
fn a_toast_offers_one_action_and_goes() {
    let mut toasts = Toasts::default();
    toasts.push(Toast::info("Added a store").with_action("Undo", Action::Undo));
    toasts.push(Toast::error("Line 7: no field “instance”").with_action("Show", Action::Show));
    let mut harness = harness(
        (toasts, None),
        |ui, (toasts, chosen): &mut (Toasts<Action>, Option<Action>)| {
            *chosen = toasts
                .show(
                    ui.ctx(),
                    Rect::from_min_max(pos2(0.0, 0.0), pos2(390.0, 290.0)),
                    &[],
                )
                .or(chosen.take());
        },
    );
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::Button, "Undo").click();
    harness.run_steps(3);
    assert_eq!(harness.state().1, Some(Action::Undo));
    assert!(harness.query_by_label("Added a store").is_none());
    // An error stays until it is dismissed.
    let step = Duration::from_millis(250).as_secs_f32();
    for _ in 0..(20.0 / step) as usize {
        harness.step();
    }
    harness.get_by_label("Line 7: no field “instance”");
    harness
        .get_by_role_and_label(Role::Button, "Dismiss message")
        .click();
    harness.run_steps(3);
    assert!(
        harness
            .query_by_label("Line 7: no field “instance”")
            .is_none()
    );
}

#[test]
fn what_was_done_is_said_for_a_while() {
    let mut toasts = Toasts::<()>::default();
    toasts.push(Toast::info("Saved"));
    let mut harness = harness(toasts, |ui, toasts: &mut Toasts<()>| {
        toasts.show(
            ui.ctx(),
            Rect::from_min_max(pos2(0.0, 0.0), pos2(390.0, 290.0)),
            &[],
        );
    });
    let steps = (1..1000).find(|_| {
        harness.step();
        harness.state().iter().next().is_none()
    });
    assert!(steps.is_some_and(|steps| steps > 20), "{steps:?}");
}

#[test]
fn a_button_without_words_has_a_name() {
    let mut harness = harness(0, |ui, clicks: &mut u32| {
        if ui
            .add(Button::icon_only(Icon::Undo, "Undo").shortcut("Ctrl Z"))
            .clicked()
        {
            *clicks += 1;
        }
        ui.add_enabled(false, Button::primary("Apply"));
    });
    harness.get_by_role_and_label(Role::Button, "Undo").click();
    harness.run();
    assert_eq!(*harness.state(), 1);
    assert!(
        harness
            .get_by_role_and_label(Role::Button, "Apply")
            .accesskit_node()
            .is_disabled()
    );
}
