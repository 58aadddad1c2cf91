//! The bar that runs time: reset, play, step, the clock, speed, seed.

use std::num::IntErrorKind;

use egui::accesskit::{Action as AccessAction, ActionData};
use egui::{
    Key, Layout, Popup, PopupCloseBehavior, Response, Role, Sense, Stroke, Ui, WidgetInfo, pos2,
    vec2,
};

use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::panes::schedule;
use crate::app::run::speed::{SPEEDS, speed_index};
use crate::app::run::state::View;
use crate::app::theme::{self, Weight, height, size, space};
use crate::app::widgets::{Button, Field, separator};
use crate::app::words::{events, format};
use crate::units::Duration;

/// Below this width the bar is folded; above that one its words are longer.
const FOLDS: f32 = 720.0;
const WIDE: f32 = 1100.0;

/// Shows the bar in a row of its height; returns what was asked for.
pub fn ui(ui: &mut Ui, view: &View, has_recording: bool) -> Vec<Action> {
    let mut actions = Vec::new();
    let palette = theme::palette(ui);
    let width = ui.available_width();
    ui.with_layout(Layout::left_to_right(egui::Align::Center), |ui| {
        ui.set_min_height(height::TRANSPORT);
        ui.spacing_mut().item_spacing.x = 2.0;
        ui.add_space(space::S);
        let reset = Button::icon_only(Icon::Reset, "Reset").shortcut("R");
        if ui.add(reset).clicked() {
            actions.push(Action::Reset);
        }
        ui.add_space(2.0);
        let play = if view.playing {
            Button::primary_icon(Icon::Pause, "Pause").shortcut("Space")
        } else {
            Button::primary_icon(Icon::Play, "Play").shortcut("Space")
        };
        if ui.add(play).clicked() {
            actions.push(Action::TogglePlay);
        }
        ui.add_space(2.0);
        if ui
            .add(Button::icon_only(Icon::Step, "Step").shortcut("."))
            .clicked()
        {
            actions.push(Action::Step);
        }

        ui.add_space(space::S);
        let clock = clock(view.snapshot.now, view.playing, view.speed);
        let text = theme::text(&clock, size::FIGURE, Weight::Semibold, palette.text);
        let shown = ui.label(text);
        ui.ctx().accesskit_node_builder(shown.id, |node| {
            node.set_label(format!("Simulated time {clock}"));
        });
        ui.add_space(space::XS);
        if width < FOLDS {
            folded(ui, view, has_recording, &mut actions);
            return;
        }
        let small = |text: &str| theme::text(text, size::SMALL, Weight::Regular, palette.text3);
        ui.label(small("simulated"));
        ui.add_space(space::XS);
        separator(ui);
        ui.add_space(space::XS);

        words(ui, "Speed");
        speed(ui, view, &mut actions);
        ui.add_space(space::XS);
        if let Some(got) = view.speed_got {
            ui.label(small(&format!("got {}", speed_text(got))));
        }

        ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add_space(space::S);
            let word = if width > WIDE {
                "Save session as scenario"
            } else {
                "Save session"
            };
            save(ui, word, has_recording, &mut actions);
            ui.add_space(space::XS);
            seed(ui, view, &mut actions);
            ui.add_space(2.0);
            words(ui, "Seed");
            next(ui, view);
        });
    });
    actions
}

/// What there is no room for in the bar, in a menu at its end.
fn folded(ui: &mut Ui, view: &View, has_recording: bool, actions: &mut Vec<Action>) {
    let asked = speed_text(view.speed);
    let text = theme::text(&asked, size::BODY, Weight::Medium, theme::palette(ui).text);
    ui.label(text);
    ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
        ui.add_space(space::XS);
        let more = ui.add(Button::icon_only(Icon::More, "Speed, seed, save session"));
        Popup::menu(&more)
            .gap(4.0)
            .width(240.0)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .accessible_name("Speed, seed, save session")
            .show(|ui| {
                let row = |ui: &mut Ui, word: &str, add: &mut dyn FnMut(&mut Ui)| {
                    ui.horizontal(|ui| {
                        ui.set_height(height::SETTING);
                        ui.add_space(space::S);
                        words(ui, word);
                        ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                            ui.add_space(space::XS);
                            add(ui);
                        });
                    });
                };
                row(ui, "Speed", &mut |ui| {
                    ui.with_layout(Layout::left_to_right(egui::Align::Center), |ui| {
                        speed(ui, view, actions);
                    });
                });
                row(ui, "Seed", &mut |ui| seed(ui, view, actions));
                save(ui, "Save session as scenario", has_recording, actions);
            });
    });
}

/// The slider of speeds, and the speed.
fn speed(ui: &mut Ui, view: &View, actions: &mut Vec<Action>) {
    if let Some(speed) = speed_slider(ui, view.speed) {
        actions.push(Action::SetSpeed(speed));
    }
    let asked = speed_text(view.speed);
    let colour = theme::palette(ui).text;
    ui.label(theme::text(&asked, size::BODY, Weight::Medium, colour));
}

fn seed(ui: &mut Ui, view: &View, actions: &mut Vec<Action>) {
    let seed = view.seed.to_string();
    let parse = |text: &str| {
        text.parse::<u64>().map_err(|error| match error.kind() {
            IntErrorKind::PosOverflow => format!("The largest seed is {}", u64::MAX),
            _ => "A seed is a whole number, such as 7".to_owned(),
        })
    };
    let width = 48.0_f32.max(20.0 + 8.0 * seed.len() as f32);
    ui.spacing_mut().interact_size.y = 24.0;
    let field = Field::new("Seed", &seed).width(width).height(24.0);
    let field = field.show_bare(ui, parse);
    field.message_above(ui);
    if let Some(seed) = field.applied {
        actions.push(Action::SetSeed(seed));
    }
}

fn save(ui: &mut Ui, word: &str, has_recording: bool, actions: &mut Vec<Action>) {
    let save = Button::plain(word).icon(Icon::Export).tooltip(
        "Writes this run, with everything you did to it, as a topology that replays exactly",
    );
    let nothing = "Nothing has been done to this run yet";
    if ui
        .add_enabled(has_recording, save)
        .on_disabled_hover_text(nothing)
        .clicked()
    {
        actions.push(Action::SaveSession);
    }
}

/// What is going to happen next, ahead of its time, where there is room.
fn next(ui: &mut Ui, view: &View) {
    let Some((place, at)) = schedule::next(view) else {
        return;
    };
    let palette = theme::palette(ui);
    let ahead = Duration(at.0 - view.snapshot.now.0);
    let event = events::imperative(view.topology.scenario[place].command()).1;
    // In tenths, so that it counts down evenly.
    let left = if ahead.secs() < 1.0 {
        format!("{:.1} s", ahead.secs())
    } else {
        format::span(Duration::from_secs((ahead.secs() * 10.0).round() / 10.0))
    };
    let text = format!("Next: {event} in {left}");
    let font = theme::font(size::SMALL, Weight::Medium);
    let free = ui.available_rect_before_wrap().shrink2(vec2(space::S, 0.0));
    let mut job = egui::text::LayoutJob::simple_singleline(text.clone(), font, palette.text2);
    job.wrap = egui::text::TextWrapping::truncate_at_width(free.width().max(0.0));
    let galley = ui.painter().layout_job(job);
    if free.width() < 60.0 {
        return;
    }
    let at = pos2(
        free.right() - galley.size().x,
        free.center().y - galley.size().y / 2.0,
    );
    let rect = egui::Rect::from_min_size(at, galley.size());
    let shown = ui.interact(rect, ui.scope_id().with("next"), Sense::hover());
    shown.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    ui.painter().galley(at, galley, palette.text2);
}

/// A word before a control that has it as its own name: only painted, so that it is not read twice.
fn words(ui: &mut Ui, text: &str) {
    let palette = theme::palette(ui);
    let font = theme::font(size::SMALL, Weight::Regular);
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), font, palette.text2);
    let (rect, _) = ui.allocate_exact_size(galley.size(), Sense::hover());
    ui.painter().galley(rect.min, galley, palette.text2);
}

/// Simulated time as a clock; to the millisecond while it stands, further in slow motion.
fn clock(now: Duration, playing: bool, speed: f64) -> String {
    let seconds = now.0 / 1_000_000_000;
    let nanos = now.0 % 1_000_000_000;
    let fraction = if speed < 0.01 {
        format!("{:06}", nanos / 1000)
    } else if playing && speed >= 0.1 {
        (nanos / 100_000_000).to_string()
    } else {
        format!("{:03}", nanos / 1_000_000)
    };
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{fraction}", seconds % 60)
}

/// A speed as it is written: "10×", "0.05×", "max".
pub fn speed_text(speed: f64) -> String {
    if speed.is_infinite() {
        "max".to_owned()
    } else if speed >= 100.0 {
        format!("{speed:.0}×")
    } else {
        // Two significant digits, without zeros at the end.
        let mut digits = 0;
        let mut scaled = speed;
        while scaled < 10.0 && digits < 4 {
            scaled *= 10.0;
            digits += 1;
        }
        let text = format!("{speed:.digits$}");
        let text = if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.')
        } else {
            &text
        };
        format!("{text}×")
    }
}

/// The slider of speeds, from 0.001 to as fast as the machine goes; returns another speed when it is moved.
fn speed_slider(ui: &mut Ui, speed: f64) -> Option<f64> {
    let palette = theme::palette(ui);
    let last = SPEEDS.len() - 1;
    let (rect, response) = ui.allocate_exact_size(vec2(128.0, 24.0), Sense::click_and_drag());
    let index = speed_index(speed);
    let value = if speed.is_finite() { speed } else { 1e6 };
    response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), value, "Speed"));
    let id = response.id;
    ui.ctx().accesskit_node_builder(id, |node| {
        node.set_role(Role::Slider);
        node.set_description(speed_text(speed));
        node.set_min_numeric_value(SPEEDS[0]);
        node.set_max_numeric_value(1e6);
        node.add_action(AccessAction::Increment);
        node.add_action(AccessAction::Decrement);
        node.add_action(AccessAction::SetValue);
    });

    let track = rect.x_range().shrink(8.0);
    let x_of = |index: usize| egui::lerp(track, index as f32 / last as f32);
    let middle = rect.center().y;
    let painter = ui.painter();
    let thick = |colour| Stroke::new(3.0, colour);
    painter.hline(track, middle, thick(palette.hair));
    painter.hline(track.min..=x_of(index), middle, thick(palette.text2));
    for decade in (0..=18).step_by(3).chain([last]) {
        painter.circle_filled(pos2(x_of(decade), middle), 1.5, palette.text3);
    }
    let held = response.hovered() || response.dragged() || response.has_focus();
    painter.circle_filled(
        pos2(x_of(index), middle),
        if held { 7.0 } else { 6.0 },
        palette.text,
    );
    if response.has_focus() {
        let ring = Stroke::new(theme::stroke::FOCUS, palette.text);
        painter.circle_stroke(pos2(x_of(index), middle), 10.0, ring);
    }

    let wanted = moved_to(ui, &response, index, last, track);
    let wanted = wanted.or_else(|| value_asked(ui, &response));
    response.on_hover_text("Simulated seconds a second ([ slower, ] faster)");
    wanted
        .filter(|wanted| *wanted != index)
        .map(|index| SPEEDS[index])
}

fn moved_to(
    ui: &Ui,
    response: &Response,
    index: usize,
    last: usize,
    track: egui::Rangef,
) -> Option<usize> {
    if (response.clicked() || response.dragged())
        && let Some(pointer) = response.interact_pointer_pos()
    {
        let share = ((pointer.x - track.min) / track.span()).clamp(0.0, 1.0);
        return Some((share * last as f32).round() as usize);
    }
    let asked = |action| ui.input(|input| input.has_accesskit_action_request(response.id, action));
    let pressed = |key| response.has_focus() && ui.input(|input| input.key_pressed(key));
    if asked(AccessAction::Increment) || pressed(Key::ArrowRight) || pressed(Key::ArrowUp) {
        return Some((index + 1).min(last));
    }
    if asked(AccessAction::Decrement) || pressed(Key::ArrowLeft) || pressed(Key::ArrowDown) {
        return Some(index.saturating_sub(1));
    }
    None
}

/// The stop that assistive technology asked for by its value.
fn value_asked(ui: &Ui, response: &Response) -> Option<usize> {
    ui.input(|input| {
        input
            .accesskit_action_requests(response.id, AccessAction::SetValue)
            .find_map(|request| match request.data {
                Some(ActionData::NumericValue(value)) if value > 1000.0 => Some(SPEEDS.len() - 1),
                Some(ActionData::NumericValue(value)) => Some(speed_index(value)),
                _ => None,
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_shows_what_can_be_read() {
        let at = Duration(66_412_345_678);
        assert_eq!(clock(at, true, 10.0), "00:01:06.4");
        assert_eq!(clock(at, false, 10.0), "00:01:06.412");
        assert_eq!(clock(at, true, 0.001), "00:01:06.412345");
        assert_eq!(clock(Duration(3_600_000_000_000), true, 1.0), "01:00:00.0");
    }

    #[test]
    fn speeds_are_written_short() {
        let texts: Vec<String> = SPEEDS.iter().copied().map(speed_text).collect();
        assert_eq!(texts[0], "0.001×");
        assert_eq!(texts[5], "0.05×");
        assert_eq!(texts[9], "1×");
        assert_eq!(texts[12], "10×");
        assert_eq!(texts[18], "1000×");
        assert_eq!(texts[19], "max");
        assert_eq!(speed_text(9.876), "9.9×");
        assert_eq!(speed_text(0.0), "0×");
    }
}
