//! Links: which nodes one leads from and to, what is wrong on it, and those of a node.

use egui::Ui;

use super::{Pane, wrong};
use crate::app::action::{Action, Selection};
use crate::app::icons::Icon;
use crate::app::theme;
use crate::app::widgets::{Button, choice_among, paint_text, section, setting_row};
use crate::app::words::format;
use crate::app::words::troubles::Wrong;
use crate::model::{Command, Sides};
use crate::units::Share;

/// Width of the choice of a node.
const CONTROL: f32 = 150.0;

/// Shows both ends of a written link as choices among the nodes that they may have.
pub fn ends(ui: &mut Ui, from: &str, to: &str, pane: &mut Pane) {
    section(ui, "Ends", "or drag them");
    let topology = pane.view.topology;
    let key = format!("{from}->{to}");
    for (name, shown, start) in [("From", from, true), ("To", to, false)] {
        let chosen = setting_row(ui, name, "", |ui| {
            choice_among(
                ui,
                name,
                shown,
                || topology.possible_ends(&key, start),
                CONTROL,
            )
        });
        if let Some(other) = chosen {
            let (from, to) = if start { (other, to) } else { (from, other) };
            let reconnect = Action::Reconnect(key.clone(), from.to_owned(), to.to_owned());
            pane.actions.push(reconnect);
        }
    }
}

/// Shows what is wrong on a link, and what can go wrong on it.
pub fn faults(ui: &mut Ui, (from, to): (&str, &str), wrong: &[Wrong], pane: &mut Pane) {
    let remark = if wrong.is_empty() {
        "nothing is wrong"
    } else {
        ""
    };
    section(ui, "Faults", remark);
    wrong::show(ui, wrong, pane);
    let sides = || Sides::nodes(from, to);
    let began = |command: &Command| wrong.iter().any(|wrong| wrong.began == *command);
    let faults = [
        (Icon::Cut, "Cut", Command::Cut(sides())),
        (Icon::Clock, "Slow 10 times", Command::Slow(sides(), 10.0)),
        (Icon::Lossy, "Lose 1 %", Command::Lose(sides(), Share(0.01))),
    ];
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(theme::space::S, theme::space::S);
        for (icon, label, command) in faults {
            let button = Button::secondary(label).icon(icon);
            if ui.add_enabled(!began(&command), button).clicked() {
                pane.actions.push(Action::Run(command));
            }
        }
    });
}

/// Of a longer name so many letters leave room for the latency beside it.
const LETTERS: usize = 26;

/// Shows the links of a node, each a button that selects it, with its latency; whether there are any.
pub fn of_node(ui: &mut Ui, node: &str, pane: &mut Pane) {
    section(ui, "Links", "");
    let palette = theme::palette(ui);
    for link in &pane.view.topology.links.0 {
        let text = if link.from == node {
            format!("Calls {}", link.to)
        } else if link.to == node {
            format!("Called by {}", link.from)
        } else {
            continue;
        };
        let short = format::shortened(&text, LETTERS);
        let row = ui.horizontal(|ui| {
            let button = Button::plain(&short).icon(Icon::Link);
            ui.add(if short == text {
                button
            } else {
                button.tooltip(&text)
            })
        });
        if row.inner.clicked() {
            let link = Selection::Link(link.key());
            pane.actions.push(Action::Select(Some(link)));
        }
        let latency = format::joined(format::time(link.settings.latency.secs()));
        let right = egui::pos2(ui.max_rect().right(), row.response.rect.center().y);
        paint_text(
            ui.painter(),
            right,
            egui::Align2::RIGHT_CENTER,
            &latency,
            theme::size::BODY,
            theme::Weight::Regular,
            palette.text2,
        );
    }
}

/// Whether a node has links that are written.
pub fn has_any(node: &str, pane: &Pane) -> bool {
    let mut links = pane.view.topology.links.0.iter();
    links.any(|link| link.from == node || link.to == node)
}
