//! An event of the schedule as a form: what, to which, when.

use egui::{Align, Area, Id, Key, Layout, Order, Pos2, Ui, pos2, vec2};

use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::panes::schedule;
use crate::app::run::state::View;
use crate::app::theme::{self, Weight, height, size, space};
use crate::app::widgets::{
    Button, choice, choice_among, setting_field, setting_row, stepper, switch,
};
use crate::app::words::{events, format, spoken};
use crate::model::settings::to_ron;
use crate::model::{Command, Node, Renaming, Timed, Topology};
use crate::units::Duration;

const WIDTH: f32 = 284.0;

/// The form of an event while it is open.
#[derive(Clone, Debug)]
pub struct Form {
    place: usize,
    at: Pos2,
    /// Frames since it was opened.
    frames: u32,
    /// Something was being typed, or a list was open, at the end of the last frame: Esc is its first.
    typing: bool,
    listing: bool,
}

impl Form {
    /// Of the event at this place of the scenario, above a point.
    pub fn new(place: usize, at: Pos2) -> Self {
        Self {
            place,
            at,
            frames: 0,
            typing: false,
            listing: false,
        }
    }

    /// Which event it is of.
    pub fn place(&self) -> usize {
        self.place
    }

    /// Shows it; false once it is closed.
    pub fn show(&mut self, ui: &Ui, view: &View, actions: &mut Vec<Action>) -> bool {
        let Some(timed) = view.topology.scenario.get(self.place) else {
            return false;
        };
        let ctx = ui.ctx();
        let palette = theme::palette(ui);
        let fresh = self.frames == 0;
        self.frames += 1;
        let screen = ctx.content_rect();
        // Over the canvas, not over the inspector.
        let right = ui.clip_rect().right().min(screen.right());
        let left = (self.at.x - 40.0).min(right - WIDTH - space::S);
        let anchor = pos2(left.max(screen.left() + space::S), self.at.y - space::S);
        let mut stays = true;
        let shown = Area::new(Id::unique("form of an event"))
            .order(Order::Foreground)
            .pivot(egui::Align2::LEFT_BOTTOM)
            .fixed_pos(anchor)
            .constrain(true)
            .show(ctx, |ui| {
                egui::Frame::popup(ui.style())
                    .fill(palette.card)
                    .inner_margin(space::M)
                    .show(ui, |ui| {
                        ui.set_width(WIDTH - 2.0 * space::M);
                        ui.spacing_mut().item_spacing.y = 0.0;
                        ui.push_id(self.place, |ui| {
                            stays = self.content(ui, timed, fresh, view, actions);
                        });
                    });
            });
        let rect = shown.response.rect;
        ctx.accesskit_node_builder(shown.response.id, |node| {
            node.set_role(egui::accesskit::Role::Group);
            node.set_label(format!("Event: {}", events::imperative(timed.command()).1));
        });
        if fresh {
            return stays;
        }
        let (escape, pressed) = ui.input(|input| {
            let pressed = input.pointer.any_pressed();
            (
                input.key_pressed(Key::Escape),
                pressed.then(|| input.pointer.interact_pos()).flatten(),
            )
        });
        let typing = std::mem::replace(&mut self.typing, ctx.text_edit_focused());
        let elsewhere = pressed.is_some_and(|pos| !rect.contains(pos));
        let below_a_menu = egui::Popup::is_any_open(ctx);
        let listing = std::mem::replace(&mut self.listing, below_a_menu);
        let left = (escape && !typing) || elsewhere;
        stays && (below_a_menu || listing || !left)
    }

    fn content(
        &self,
        ui: &mut Ui,
        timed: &Timed,
        fresh: bool,
        view: &View,
        actions: &mut Vec<Action>,
    ) -> bool {
        let palette = theme::palette(ui);
        let mut stays = true;
        ui.horizontal(|ui| {
            ui.set_min_height(height::BUTTON);
            let title = schedule::title(timed.command());
            let text = theme::text(&title, size::FIGURE, Weight::Semibold, palette.text);
            ui.add(egui::Label::new(text).truncate());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let close = Button::icon_only(Icon::Cross, "Close").height(height::HIT);
                if ui.add(close).clicked() {
                    stays = false;
                }
                let remove = Button::plain("Take out").height(height::HIT);
                if ui.add(remove).clicked() {
                    actions.push(schedule::removed(view, &[self.place]));
                    stays = false;
                }
            });
        });
        ui.add_space(space::XS);
        self.command_ui(ui, timed, view, actions);
        self.time_ui(ui, timed, fresh, view, actions);
        if !schedule::is_ahead(view, self.place) {
            ui.add_space(space::XS);
            let text = "It has happened in this run: a change counts from the next one.";
            let text = theme::text(text, size::SMALL, Weight::Regular, palette.text2);
            ui.add(egui::Label::new(text).wrap());
        }
        stays
    }

    /// What is done, and to which instance.
    fn command_ui(&self, ui: &mut Ui, timed: &Timed, view: &View, actions: &mut Vec<Action>) {
        let command = timed.command();
        let change = |command: Command| with(timed, command);
        let apply = |command: Command, actions: &mut Vec<Action>| {
            let what = events::imperative(&command).1;
            actions.extend(schedule::changed(view, self.place, change(command), &what));
        };
        if let Some(node) = command.node() {
            let number = instance(command).unwrap_or(1);
            let offers = schedule::of_node(view.topology, node, number);
            let same = |offer: &schedule::Offer| {
                std::mem::discriminant(&offer.command) == std::mem::discriminant(command)
                    && stop(&offer.command) == stop(command)
            };
            if let Some(current) = offers.iter().position(same) {
                let verbs: Vec<&str> = offers.iter().map(|offer| offer.verb).collect();
                let chosen = setting_row(ui, "What", "", |ui| {
                    choice(ui, "What", Some(current), &verbs, 150.0)
                });
                if let Some(chosen) = chosen {
                    apply(offers[chosen].command.clone(), actions);
                }
            }
        }
        if let Some(node) = command.node() {
            // Where the same can be done.
            let others = || {
                let names = view.topology.nodes.keys().map(String::as_str);
                let can = |name: &&str| {
                    let there = change(at_node(command, name, view.topology));
                    let problem = || schedule::problem(view.topology, &there, Some(self.place));
                    *name == node || problem().is_none()
                };
                names.filter(can).collect()
            };
            let chosen = setting_row(ui, "Node", "", |ui| {
                choice_among(ui, "Node", node, others, 150.0)
            });
            if let Some(name) = chosen {
                apply(at_node(command, name, view.topology), actions);
            }
        }
        if let Some(number) = instance(command) {
            let most = command
                .node()
                .and_then(|node| view.topology.nodes.get(node))
                .map_or(1, Node::members);
            let asked = setting_row(ui, "Instance", "", |ui| {
                stepper(ui, "Instance", number, 1..=most.max(number), 92.0)
            });
            if let Some(number) = asked {
                apply(with_number(command, number), actions);
            }
        }
        if let Command::AddInstances(_, count) | Command::RemoveInstances(_, count) = command {
            let asked = setting_row(ui, "How many", "", |ui| {
                stepper(ui, "How many", *count, 1..=1000, 92.0)
            });
            if let Some(count) = asked {
                apply(with_number(command, count), actions);
            }
        }
        if let Command::Set(path, value) = command {
            let shown = value.trim_matches('"');
            let parse = |text: &str| {
                let quoted = value.starts_with('"') && !text.starts_with('"');
                let text = if quoted {
                    format!("\"{text}\"")
                } else {
                    text.to_owned()
                };
                let command = Command::Set(path.clone(), text);
                match schedule::problem(view.topology, &change(command.clone()), Some(self.place)) {
                    Some(problem) => Err(problem),
                    None => Ok(command),
                }
            };
            let field = setting_field(ui, "Becomes", "", shown, parse);
            if let Some(command) = field.applied {
                apply(command, actions);
            }
        }
    }

    /// When it happens.
    fn time_ui(
        &self,
        ui: &mut Ui,
        timed: &Timed,
        fresh: bool,
        view: &View,
        actions: &mut Vec<Action>,
    ) {
        let now = view.snapshot.now;
        let ahead = schedule::is_ahead(view, self.place);
        let time = |text: &str| -> Result<Duration, String> {
            let at: Duration = text
                .parse()
                .map_err(|error: crate::units::ParseError| error.to_string())?;
            if ahead && at <= now && now > Duration(0) {
                return Err(format!(
                    "It is {} already: write a later time",
                    format::instant(now)
                ));
            }
            if at > view.topology.duration {
                // As late as the longest run can be.
                let text = to_ron(&at.to_string());
                let set = view.topology.clone().set_path("duration", &text);
                set.map_err(|error| {
                    spoken::capitalised(&spoken::sentence(&error.message, |_| false))
                })?;
            }
            Ok(at)
        };
        let end = view.topology.duration;
        let late = if timed.earliest() > end {
            format!("after the end, {}", format::span(end))
        } else {
            String::new()
        };
        let mut apply = |timed: Timed, what: String| {
            actions.extend(schedule::changed(view, self.place, timed, &what));
        };
        match timed {
            Timed::At(at, command) => {
                let field = setting_field(ui, "When", &late, &at.to_string(), time);
                if fresh {
                    field.response.request_focus();
                }
                if let Some(at) = field.applied {
                    apply(
                        Timed::At(at, command.clone()),
                        format!("at {}", format::instant(at)),
                    );
                }
            }
            Timed::Between(from, to, command) => {
                let earliest = setting_field(ui, "Earliest", &late, &from.to_string(), |text| {
                    let at = time(text)?;
                    if at > *to {
                        return Err(format!("It ends at {to}: write an earlier time"));
                    }
                    Ok(at)
                });
                if fresh {
                    earliest.response.request_focus();
                }
                if let Some(from) = earliest.applied {
                    let what = format!("from {}", format::instant(from));
                    apply(Timed::Between(from, *to, command.clone()), what);
                }
                let latest = setting_field(ui, "Latest", "", &to.to_string(), |text| {
                    let at = time(text)?;
                    if at < *from {
                        return Err(format!("It begins at {from}: write a later time"));
                    }
                    Ok(at)
                });
                if let Some(to) = latest.applied {
                    let what = format!("until {}", format::instant(to));
                    // What began before now could otherwise be drawn there.
                    let from = if ahead { (*from).max(now) } else { *from };
                    apply(Timed::Between(from, to, command.clone()), what);
                }
            }
        }
        let mut random = matches!(timed, Timed::Between(..));
        let drawn = view.schedule.get(self.place).copied().unwrap_or_default();
        let remark = if random {
            format!("drawn: {}", format::instant(drawn))
        } else {
            String::new()
        };
        let changed = setting_row(ui, "Random instant", &remark, |ui| {
            switch(ui, "Random instant: on", &mut random).changed()
        });
        if changed {
            let (timed, what) = match timed {
                Timed::At(at, command) => {
                    let to = Duration::from_secs(at.secs() + 10.0);
                    (
                        Timed::Between(*at, to, command.clone()),
                        "at a random instant",
                    )
                }
                Timed::Between(_, _, command) => {
                    (Timed::At(drawn, command.clone()), "at a fixed instant")
                }
            };
            apply(timed, what.to_owned());
        }
        ui.allocate_space(vec2(0.0, 2.0));
    }
}

/// The same time with another command.
fn with(timed: &Timed, command: Command) -> Timed {
    match timed {
        Timed::At(at, _) => Timed::At(*at, command),
        Timed::Between(from, to, _) => Timed::Between(*from, *to, command),
    }
}

/// The instance that a command is about.
fn instance(command: &Command) -> Option<u32> {
    match command {
        Command::Crash(_, number)
        | Command::LoseMachine(_, number)
        | Command::Hang(_, number)
        | Command::Resume(_, number)
        | Command::Restart(_, number) => Some(*number),
        _ => None,
    }
}

/// The same at another node, of an instance that it has.
fn at_node(command: &Command, to: &str, topology: &Topology) -> Command {
    let mut command = command.clone();
    let from = command.node().unwrap_or(to).to_owned();
    Renaming::one(&from, to).command(&mut command);
    let most = topology.nodes.get(to).map_or(1, Node::members);
    match instance(&command) {
        Some(number) => with_number(&command, number.min(most).max(1)),
        None => command,
    }
}

fn stop(command: &Command) -> Option<crate::model::Stop> {
    match command {
        Command::Deploy(_, stop) => Some(*stop),
        _ => None,
    }
}

/// The same with another number: of an instance, or of how many.
fn with_number(command: &Command, to: u32) -> Command {
    let mut command = command.clone();
    if let Command::Crash(_, number)
    | Command::LoseMachine(_, number)
    | Command::Hang(_, number)
    | Command::Resume(_, number)
    | Command::Restart(_, number)
    | Command::AddInstances(_, number)
    | Command::RemoveInstances(_, number) = &mut command
    {
        *number = to;
    }
    command
}
