//! Links: which nodes one leads from and to, and those of a node.

use egui::Ui;

use super::Pane;
use crate::app::action::{Action, Selection};
use crate::app::icons::Icon;
use crate::app::theme;
use crate::app::widgets::{Button, choice_among, paint_text, section, setting_row};
use crate::app::words::format;

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
