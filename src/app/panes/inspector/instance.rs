//! The selected instance: what it does, what exists only there, and what can be done to it.

use egui::Ui;

use super::{Pane, wrong};
use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::theme;
use crate::app::widgets::{Button, figure_row, section};
use crate::app::words::{format, nodes, troubles};
use crate::model::Command;
use crate::sim::snapshot::Status;

/// Shows an instance of a service or a member of a store.
pub fn show(ui: &mut Ui, node: &str, number: u32, pane: &mut Pane) {
    let view = pane.view;
    let palette = theme::palette(ui);
    let shown = view.node(node);
    let instance = shown.and_then(|n| n.instances.iter().find(|i| i.number == number));
    let title = format!("{node} {number}");
    let Some(instance) = instance else {
        section(ui, &title, "not running");
        return;
    };
    section(ui, &title, &nodes::status(instance, view.snapshot.now));
    wrong::show(
        ui,
        &troubles::of_instance(view.snapshot, node, instance),
        pane,
    );
    if let Some(zone) = &instance.zone {
        figure_row(ui, "Zone", &[], zone, "", None);
    }
    let reading = view.readings.node(node).and_then(|n| n.instance(number));
    let reading = reading.copied().unwrap_or_default();
    let (load, unit) = format::percent(reading.load);
    figure_row(ui, "Load", &[], &load, unit, None);
    let room = instance
        .queue_limit
        .map_or_else(String::new, |limit| format!("/{}", format::grouped(limit)));
    figure_row(ui, "Queue", &[], &format::mean(reading.queue), &room, None);
    if instance.backlog > 0 {
        let backlog = format::grouped(instance.backlog);
        figure_row(ui, "Not accepted yet", &[], &backlog, "", None);
    }
    let lost = |count: u64| (count > 0).then_some(palette.lost);
    if instance.status.is_down() {
        for (title, count) in [
            ("Sessions lost", instance.lost_sessions),
            ("Writes lost", instance.lost_writes),
        ] {
            let text = format::loss_text(count);
            figure_row(ui, title, &[], &text, "", lost(count));
        }
    } else {
        let sessions = format::grouped(instance.sessions);
        figure_row(ui, "Sessions here", &[], &sessions, "", None);
        let unsaved = format::grouped(instance.unsaved);
        figure_row(
            ui,
            "Unsaved writes",
            &[],
            &unsaved,
            "",
            lost(instance.unsaved),
        );
    }

    ui.add_space(theme::space::S);
    let of = |command: fn(String, u32) -> Command| command(node.to_owned(), number);
    let mut buttons: Vec<(Icon, &str, &str, Command)> = Vec::new();
    if !instance.status.is_down() && instance.status != Status::Removed {
        buttons.push((Icon::Cross, "Crash", "C", of(Command::Crash)));
        let lose = of(Command::LoseMachine);
        buttons.push((Icon::Bolt, "Lose machine", "Shift+C", lose));
    }
    match instance.status {
        Status::Up | Status::Warming => {
            buttons.push((Icon::Pause, "Hang", "", of(Command::Hang)));
            if instance.slowed <= 1.0 {
                let slow = Command::SlowInstance(node.to_owned(), number, 10.0);
                buttons.push((Icon::Clock, "Slow 10 times", "", slow));
            }
        }
        Status::Hung => {
            buttons.push((Icon::Play, "Resume", "", of(Command::Resume)));
            buttons.push((Icon::Restart, "Restart", "", of(Command::Restart)));
        }
        Status::Crashed | Status::MachineLost => {
            buttons.push((Icon::Restart, "Restart", "", of(Command::Restart)));
        }
        _ => {}
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(theme::space::S, theme::space::S);
        for (icon, label, keys, command) in buttons {
            let mut button = Button::secondary(label).icon(icon);
            if !keys.is_empty() {
                button = button.shortcut(keys);
            }
            if ui.add(button).clicked() {
                pane.actions.push(Action::Run(command));
            }
        }
    });
}
