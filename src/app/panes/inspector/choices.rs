//! The two toggles: where state lives, and how sessions are kept, each choice with what it would lose and what it costs.

use egui::{Ui, vec2};

use super::{Inspector, Pane};
use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::run::state::View;
use crate::app::theme::{self, Weight, size, space};
use crate::app::widgets::{Button, LossFigure, Segment, section, segmented};
use crate::app::words::format;
use crate::app::words::toggles::{self, Offer, Way};
use crate::model::node::Service;
use crate::model::state::{FsyncPolicy, Jwt, Revocation, State};
use crate::model::toggles::{Placement, SessionKind};
use crate::model::{Sessions, Topology};

/// A choice that could not be, why, and the nearest that can.
#[derive(Clone, Debug)]
pub struct Offered {
    /// What it was asked for: it goes when this changes.
    topology: Topology,
    about: &'static str,
    reason: String,
    way: Option<Way>,
}

/// What each choice would take, worked out again only when the topology changes.
#[derive(Debug, Default)]
pub struct Offers {
    seen: Option<(Topology, Vec<String>)>,
    placements: Vec<Offer>,
    sessions: Vec<Offer>,
}

impl Offers {
    /// Brings them up to date; `services` are those whose state is asked about, if any are selected.
    pub fn update(&mut self, view: &View, services: &[String]) {
        let (topology, remembered) = (view.topology, view.remembered);
        let seen = self.seen.as_ref();
        if seen.is_some_and(|(t, s)| t == topology && s == services) {
            return;
        }
        self.placements = if services.is_empty() {
            Vec::new()
        } else {
            let place = |choice| toggles::place(topology, remembered, services, choice);
            Placement::ALL.into_iter().map(place).collect()
        };
        let offers = SessionKind::ALL.into_iter();
        self.sessions = offers
            .map(|c| toggles::keep_sessions(topology, remembered, c))
            .collect();
        self.seen = Some((topology.clone(), services.to_vec()));
    }
}

/// What a choice brings and what it costs, a line each.
struct Costs {
    plus: String,
    minus: String,
}

impl Costs {
    fn new(plus: impl Into<String>, minus: impl Into<String>) -> Self {
        Self {
            plus: plus.into(),
            minus: minus.into(),
        }
    }
}

/// One choice as it is shown.
struct Choice {
    icon: Icon,
    label: &'static str,
    loss: LossFigure,
    costs: Costs,
    offer: Offer,
}

impl Inspector {
    pub(super) fn placement_ui(
        &mut self,
        ui: &mut Ui,
        name: &str,
        service: &Service,
        pane: &mut Pane,
    ) {
        let current = Placement::of(&service.state);
        let exposed = pane.view.node(name).map_or(0, |n| n.only_here_writes);
        let mut offers = self.offers.placements.iter();
        let choices = Placement::ALL.map(|choice| {
            let (icon, label) = placement_face(choice);
            Choice {
                icon,
                label,
                loss: pane.view.measure.placement(choice),
                costs: placement_costs(choice, service, exposed),
                offer: offers.next().cloned().unwrap_or(Offer::Current),
            }
        });
        let selected = Placement::ALL.iter().position(|c| *c == current);
        let about = "State lives in";
        section(ui, about, &pane.view.measure.about_writes());
        self.toggle(ui, about, &choices, selected.unwrap_or(0), pane);
    }

    /// Where the state of several services lives: one click for all.
    pub(super) fn placements_ui(&mut self, ui: &mut Ui, services: &[&Service], pane: &mut Pane) {
        let Some((first, others)) = services.split_first() else {
            return;
        };
        let current = Placement::of(&first.state);
        let same = others
            .iter()
            .all(|other| Placement::of(&other.state) == current);
        let mut offers = self.offers.placements.iter();
        let choices = Placement::ALL.map(|choice| {
            let (icon, label) = placement_face(choice);
            Choice {
                icon,
                label,
                loss: LossFigure::Unknown,
                costs: placement_costs(choice, first, 0),
                offer: offers.next().cloned().unwrap_or(Offer::Current),
            }
        });
        let selected = Placement::ALL.iter().position(|c| *c == current && same);
        let about = "State lives in";
        let remark = if same {
            format!("the same in all {}", services.len())
        } else {
            "not the same in all".to_owned()
        };
        section(ui, about, &remark);
        // Beyond the last: none.
        self.toggle(ui, about, &choices, selected.unwrap_or(choices.len()), pane);
    }

    pub(super) fn sessions_ui(&mut self, ui: &mut Ui, pane: &mut Pane) {
        let topology = pane.view.topology;
        let current = SessionKind::of(&topology.sessions);
        let mut offers = self.offers.sessions.iter();
        let choices = SessionKind::ALL.map(|choice| {
            let (icon, label) = match choice {
                SessionKind::None => (Icon::NoSessions, "None"),
                SessionKind::Jwt => (Icon::Jwt, "JWT"),
                SessionKind::Server => (Icon::ServerSide, "Server"),
                SessionKind::Sticky => (Icon::Sticky, "Sticky"),
            };
            Choice {
                icon,
                label,
                loss: pane.view.measure.sessions(choice),
                costs: session_costs(choice, pane),
                offer: offers.next().cloned().unwrap_or(Offer::Current),
            }
        });
        let selected = SessionKind::ALL.iter().position(|c| *c == current);
        let about = "Sessions kept";
        section(ui, about, &pane.view.measure.about_sessions());
        self.toggle(ui, about, &choices, selected.unwrap_or(0), pane);
    }

    fn toggle(
        &mut self,
        ui: &mut Ui,
        about: &'static str,
        choices: &[Choice],
        selected: usize,
        pane: &mut Pane,
    ) {
        let costs: Vec<String> = choices
            .iter()
            .map(|c| format!("{}. But: {}.", c.costs.plus, c.costs.minus))
            .collect();
        let measured = pane.view.measure.told();
        let segments: Vec<Segment> = choices
            .iter()
            .zip(&costs)
            .map(|(choice, costs)| Segment {
                icon: choice.icon,
                label: choice.label,
                loss: choice.loss,
                costs,
                impossible: match &choice.offer {
                    Offer::Not { reason, .. } => Some(reason),
                    _ => None,
                },
                effect: match &choice.offer {
                    Offer::Edit(_, label) => Some(label),
                    _ => None,
                },
                measured: measured
                    .as_deref()
                    .filter(|_| choice.loss != LossFigure::Unknown),
            })
            .collect();
        let response = segmented(ui, about, &segments, selected);
        let shown = &choices[response.hovered.unwrap_or(selected).min(choices.len() - 1)];
        show_costs(ui, shown);
        if response.hovered.is_some()
            && let Offer::Edit(commands, _) = &shown.offer
        {
            pane.actions.push(Action::Preview(commands.clone()));
        }
        if let Some(clicked) = response.clicked.and_then(|i| choices.get(i)) {
            self.offered = None;
            match &clicked.offer {
                Offer::Current => {}
                Offer::Edit(commands, label) => {
                    let edit = Action::Edit(commands.clone(), label.clone());
                    pane.actions.push(edit);
                }
                Offer::Not { reason, way } => {
                    self.offered = Some(Offered {
                        topology: pane.view.topology.clone(),
                        about,
                        reason: format!("{} cannot be: {reason}", clicked.label),
                        way: way.clone(),
                    });
                }
            }
        }
        if self
            .offered
            .as_ref()
            .is_some_and(|o| o.topology != *pane.view.topology)
        {
            self.offered = None;
        }
        if let Some(offered) = self.offered.clone()
            && offered.about == about
        {
            self.show_offered(ui, &offered, pane);
        }
    }

    /// Why a choice could not be, and the nearest that can.
    fn show_offered(&mut self, ui: &mut Ui, offered: &Offered, pane: &mut Pane) {
        let palette = theme::palette(ui);
        ui.add_space(space::S);
        let text = theme::text(&offered.reason, size::SMALL, Weight::Medium, palette.text);
        let label = ui.add(egui::Label::new(text).wrap());
        ui.ctx().accesskit_node_builder(label.id, |node| {
            node.set_live(egui::accesskit::Live::Polite);
        });
        ui.add_space(space::S);
        ui.horizontal(|ui| {
            if let Some(way) = &offered.way {
                let button = Button::secondary(&way.word).tooltip(&way.label);
                if ui.add(button).clicked() {
                    let edit = Action::Edit(way.commands.clone(), way.label.clone());
                    pane.actions.push(edit);
                    self.offered = None;
                }
            }
            if ui.add(Button::plain("Close")).clicked() {
                self.offered = None;
            }
        });
    }
}

/// Two lines that follow the pointer: what the choice brings, and what it costs. They keep their room.
fn show_costs(ui: &mut Ui, choice: &Choice) {
    let palette = theme::palette(ui);
    ui.add_space(space::S);
    let (plus, minus) = match &choice.offer {
        Offer::Not { reason, .. } => (format!("{} is not possible here:", choice.label), reason),
        _ => (choice.costs.plus.clone(), &choice.costs.minus),
    };
    for (sign, text) in [("+", plus.as_str()), ("\u{2212}", minus)] {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            let sign = if matches!(choice.offer, Offer::Not { .. }) {
                " "
            } else {
                sign
            };
            ui.allocate_ui(vec2(16.0, 16.0), |ui| {
                ui.set_min_width(16.0);
                ui.label(theme::text(
                    sign,
                    size::SMALL,
                    Weight::Semibold,
                    palette.text,
                ));
            });
            let text = theme::text(text, size::SMALL, Weight::Regular, palette.text2);
            ui.add(egui::Label::new(text).wrap());
        });
    }
}

fn placement_face(choice: Placement) -> (Icon, &'static str) {
    match choice {
        Placement::Stateless => (Icon::Stateless, "Stateless"),
        Placement::Memory => (Icon::Memory, "Memory"),
        Placement::Disk => (Icon::Disk, "Disk"),
        Placement::LocalDatabase => (Icon::LocalDatabase, "Local DB"),
        Placement::External => (Icon::External, "External"),
    }
}

fn placement_costs(choice: Placement, service: &Service, exposed: u64) -> Costs {
    let time = |time: crate::units::Duration| format::joined(format::time(time.secs()));
    let current = Placement::of(&service.state) == choice;
    match choice {
        Placement::Stateless => Costs::new(
            "Any instance can answer, or die",
            "Each write needs a home further on",
        ),
        Placement::Memory => Costs::new(
            "Fastest: no hop, 0 ms added",
            if current && exposed > 0 {
                let writes = format::counted(exposed, "write", "writes");
                format!("Dies with the instance; {writes} exposed in all")
            } else {
                "Dies with the instance".to_owned()
            },
        ),
        Placement::Disk => {
            let disk = match &service.state {
                State::LocalDisk(disk) => disk.clone(),
                _ => Default::default(),
            };
            let window = match disk.fsync {
                FsyncPolicy::Always => "Gone until restart",
                FsyncPolicy::EverySecond => "Gone until restart; a lost machine costs 1 s",
                FsyncPolicy::Never => "Gone until restart; a lost machine costs 30 s",
            };
            Costs::new(
                format!("Survives a crash; writes take {}", time(disk.write_time)),
                window,
            )
        }
        Placement::LocalDatabase => {
            let database = match &service.state {
                State::LocalDatabase(database) => database.clone(),
                _ => Default::default(),
            };
            let commit = crate::units::Duration(database.write_time.0 + database.fsync_time.0);
            Costs::new(
                "Survives crash and power loss",
                format!("{} a write; gone until restart", time(commit)),
            )
        }
        Placement::External => Costs::new(
            "Any instance can answer, or die",
            "A hop for each access, and a store to run",
        ),
    }
}

fn session_costs(choice: SessionKind, pane: &Pane) -> Costs {
    let view = pane.view;
    match choice {
        SessionKind::None => Costs::new("Nothing to keep or to lose", "Nobody can log in"),
        SessionKind::Jwt => {
            let jwt = match &view.topology.sessions {
                Sessions::Jwt(jwt) => jwt.clone(),
                _ => Jwt::default(),
            };
            let bytes = format::grouped(jwt.token_bytes());
            let (gain, revoked) = match &jwt.revocation {
                Revocation::Nothing => {
                    let lifetime = format::span(jwt.lifetime);
                    (
                        "Any instance can answer, no lookup",
                        format!("valid {lifetime}, revoked or not"),
                    )
                }
                Revocation::Denylist(list) => {
                    let within = format::span(crate::units::Duration(
                        list.poll.0.saturating_add(list.delay.0),
                    ));
                    (
                        "Any instance can answer, no lookup",
                        format!("revoked within {within}"),
                    )
                }
                Revocation::Introspection(_) => (
                    "Any instance can answer; revoked at once",
                    "a lookup a request".to_owned(),
                ),
            };
            Costs::new(gain, format!("{bytes} B a request; {revoked}"))
        }
        SessionKind::Server => Costs::new(
            "Any instance can answer; revoked at once",
            "A lookup a request; no better than its store",
        ),
        SessionKind::Sticky => Costs::new(
            "No store to run, no lookup",
            if let Some((name, held, at)) = view.measure.held() {
                let held = format::counted(held, "session", "sessions");
                let at = format::instant(at);
                format!("A crash logs out who is there; {name} held {held} at {at}")
            } else {
                "A crash logs out all who were there".to_owned()
            },
        ),
    }
}
