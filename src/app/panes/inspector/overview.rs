//! Nothing selected: what the topology is, how sessions are kept, what is promised, what is going to happen.

use egui::{Ui, vec2};

use super::{Inspector, Pane, now, promises, section, settings};
use crate::app::action::Action;
use crate::app::document::title;
use crate::app::icons::Icon;
use crate::app::panes::charts;
use crate::app::theme::{self, Weight, height, size, space};
use crate::app::widgets::{self, Button, LogRow};
use crate::app::words::{events, format, problems, spoken};
use crate::model::Command;
use crate::model::check::Problem;
use crate::model::settings::{Setting, to_ron};
use crate::model::{Timed, Topology};

impl Inspector {
    pub(super) fn overview_ui(&mut self, ui: &mut Ui, pane: &mut Pane) {
        let palette = theme::palette(ui);
        let topology = pane.view.topology;
        section(ui, |ui| {
            let name = title(topology, pane.view.file);
            for (text, size, weight, colour) in [
                (&*name, size::FIGURE, Weight::Semibold, palette.text),
                (
                    &*topology.summary,
                    size::BODY,
                    Weight::Regular,
                    palette.text2,
                ),
                (&*topology.note, size::SMALL, Weight::Regular, palette.text2),
            ] {
                if !text.is_empty() {
                    ui.add(egui::Label::new(theme::text(text, size, weight, colour)).wrap());
                    ui.add_space(space::XS);
                }
            }
            if let Some(text) = pane.view.cannot_run() {
                ui.add(
                    egui::Label::new(theme::text(
                        text,
                        size::SMALL,
                        Weight::Medium,
                        palette.failed,
                    ))
                    .wrap(),
                );
            }
            for warning in pane.view.warnings {
                ui.add_space(space::XS);
                warned(ui, warning, topology);
            }
        });
        section(ui, |ui| promises::show(ui, &mut self.promises, pane));
        section(ui, |ui| self.sessions_ui(ui, pane));
        section(ui, |ui| {
            widgets::section(ui, "Now", "smoothed");
            now::show_clients(ui, pane);
        });
        section(ui, |ui| scenario(ui, pane));
        section(ui, |ui| promises::expected(ui, &mut self.promises, pane));
        let fields = self
            .described
            .get(topology.profile, "Topology", Topology::shape);
        let of = |names: &[&str]| -> Vec<_> {
            let wanted = names
                .iter()
                .map(|name| fields.iter().find(|f| f.name == *name));
            wanted.flatten().cloned().collect()
        };
        section(ui, |ui| {
            let shown = of(&[
                "sessions",
                "duration",
                "warmup",
                "seed",
                "zone_latency",
                "name",
                "summary",
                "note",
                "profile",
            ]);
            let first = ["sessions", "duration", "warmup", "seed", "zone_latency"];
            // How far zones are apart matters where there are some.
            let count = if topology.zones().is_empty() { 4 } else { 5 };
            let (base, first) = ([String::new()], &first[..count]);
            settings::show(ui, &base, &shown, first, &mut self.more, pane);
        });
    }
}

/// What is probably not meant, with the setting it is about.
fn warned(ui: &mut Ui, warning: &Problem, topology: &Topology) {
    let palette = theme::palette(ui);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        let (mark, _) = ui.allocate_exact_size(vec2(14.0, 16.0), egui::Sense::hover());
        Icon::Warning.paint_in(ui.painter(), mark, 14.0, palette.text2);
        let text = problems::problem(warning, topology);
        let text = theme::text(text, size::SMALL, Weight::Regular, palette.text);
        ui.add(egui::Label::new(text).wrap());
    });
}

/// What the scenario holds: when, what, and a way to take it out.
fn scenario(ui: &mut Ui, pane: &mut Pane) {
    let palette = theme::palette(ui);
    let scenario = &pane.view.topology.scenario;
    let count = scenario.len() as u64;
    widgets::section(ui, "Scenario", &format::counted(count, "event", "events"));
    if scenario.is_empty() {
        let text = "Nothing is scheduled. Faults that you make by hand can be saved as a scenario.";
        let text = theme::text(text, size::SMALL, Weight::Regular, palette.text2);
        ui.add(egui::Label::new(text).wrap());
    }
    for (i, timed) in scenario.iter().enumerate() {
        let mut event = events::scheduled(timed);
        if let Timed::Between(_, to, _) = timed {
            event.title = format!(
                "{}, by {}",
                spoken::capitalised(&event.label),
                format::instant(*to)
            );
        }
        let time = format::instant(event.at);
        ui.horizontal(|ui| {
            let width = ui.available_width() - height::HIT;
            let row = |ui: &mut Ui| {
                LogRow {
                    icon: event.icon,
                    time: &time,
                    title: &event.title,
                    detail: &[],
                    lost: false,
                    scheduled: event.at > pane.view.snapshot.now,
                    tall: false,
                }
                .show(ui)
            };
            ui.spacing_mut().item_spacing.x = 0.0;
            let shown = ui.allocate_ui(vec2(width, height::ROW), row);
            if shown.inner.clicked() {
                charts::open_event(ui.ctx(), i);
            }
            let name = format!("Take out: {} at {time}", event.label);
            let remove = Button::icon_only(Icon::Cross, &name).height(height::HIT);
            if ui.add(remove).clicked() {
                let mut rest = scenario.clone();
                rest.remove(i);
                let set = Command::Set("scenario".to_owned(), to_ron(&rest));
                let label = format!("Took {} out of the scenario", event.label);
                pane.actions.push(Action::Edit(vec![set], label));
            }
        });
    }
}
