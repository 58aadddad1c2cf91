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
use crate::model::{Command, Node, Renaming, Side, Sides, Timed, Topology};
use crate::units::Duration;

const WIDTH: f32 = 284.0;
/// Width of a list that one chooses from.
const CHOICE: f32 = 150.0;

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

    /// What is done, and to what.
    fn command_ui(&self, ui: &mut Ui, timed: &Timed, view: &View, actions: &mut Vec<Action>) {
        let command = timed.command();
        let asked = [
            what_ui(ui, command, view),
            self.node_ui(ui, timed, view),
            number_ui(ui, command, view),
            sides_ui(ui, command, view),
            zone_ui(ui, command, view),
            self.extent_ui(ui, timed, view),
            self.value_ui(ui, timed, view),
        ];
        for command in asked.into_iter().flatten() {
            let what = events::imperative(&command).1;
            let timed = with(timed, command);
            actions.extend(schedule::changed(view, self.place, timed, &what));
        }
    }

    /// Why this would be no event in the stead of the one that is there; none if it would.
    fn problem(&self, timed: &Timed, command: &Command, view: &View) -> Option<String> {
        let there = with(timed, command.clone());
        schedule::problem(view.topology, &there, Some(self.place))
    }

    fn node_ui(&self, ui: &mut Ui, timed: &Timed, view: &View) -> Option<Command> {
        let command = timed.command();
        let node = command.node()?;
        // Where the same can be done.
        let others = || {
            let names = view.topology.nodes.keys().map(String::as_str);
            let can = |name: &&str| {
                let there = at_node(command, name, view.topology);
                *name == node || self.problem(timed, &there, view).is_none()
            };
            names.filter(can).collect()
        };
        let chosen = setting_row(ui, "Node", "", |ui| {
            choice_among(ui, "Node", node, others, CHOICE)
        });
        chosen.map(|name| at_node(command, name, view.topology))
    }

    /// How slow, or how lossy.
    fn extent_ui(&self, ui: &mut Ui, timed: &Timed, view: &View) -> Option<Command> {
        let command = timed.command();
        let (name, shown) = match command {
            Command::Slow(_, factor) | Command::SlowInstance(_, _, factor) => {
                ("Times slower", factor.to_string())
            }
            Command::Lose(_, share) => ("Share lost", share.to_string()),
            _ => return None,
        };
        let parse = |text: &str| {
            let command = with_extent(command, text.trim())?;
            match self.problem(timed, &command, view) {
                Some(problem) => Err(problem),
                None => Ok(command),
            }
        };
        setting_field(ui, name, "", &shown, parse).applied
    }

    /// What a setting becomes.
    fn value_ui(&self, ui: &mut Ui, timed: &Timed, view: &View) -> Option<Command> {
        let Command::Set(path, value) = timed.command() else {
            return None;
        };
        let shown = value.trim_matches('"');
        let parse = |text: &str| {
            let quoted = value.starts_with('"') && !text.starts_with('"');
            let text = if quoted {
                format!("\"{text}\"")
            } else {
                text.to_owned()
            };
            let command = Command::Set(path.clone(), text);
            match self.problem(timed, &command, view) {
                Some(problem) => Err(problem),
                None => Ok(command),
            }
        };
        setting_field(ui, "Becomes", "", shown, parse).applied
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

/// What is done.
fn what_ui(ui: &mut Ui, command: &Command, view: &View) -> Option<Command> {
    let offers = match (command.node(), command.sides()) {
        (Some(node), _) => {
            let number = instance(command).unwrap_or(1);
            schedule::of_node(view.topology, node, number)
        }
        (None, Some(sides)) => schedule::between(sides),
        (None, None) => return None,
    };
    let same = |offer: &schedule::Offer| {
        std::mem::discriminant(&offer.command) == std::mem::discriminant(command)
            && stop(&offer.command) == stop(command)
    };
    let current = offers.iter().position(same)?;
    let verbs: Vec<&str> = offers.iter().map(|offer| offer.verb).collect();
    let chosen = setting_row(ui, "What", "", |ui| {
        choice(ui, "What", Some(current), &verbs, CHOICE)
    });
    chosen.map(|chosen| offers[chosen].command.clone())
}

/// Which instance, or how many.
fn number_ui(ui: &mut Ui, command: &Command, view: &View) -> Option<Command> {
    let (name, number, most) = match command {
        Command::AddInstances(_, count) | Command::RemoveInstances(_, count) => {
            ("How many", *count, 1000)
        }
        _ => {
            let number = instance(command)?;
            let node = command
                .node()
                .and_then(|node| view.topology.nodes.get(node));
            let most = node.map_or(1, Node::members);
            ("Instance", number, most.max(number))
        }
    };
    let asked = setting_row(ui, name, "", |ui| stepper(ui, name, number, 1..=most, 92.0));
    asked.map(|number| with_number(command, number))
}

/// Between what it is.
fn sides_ui(ui: &mut Ui, command: &Command, view: &View) -> Option<Command> {
    let sides = command.sides()?;
    let names = match command {
        Command::CutOneWay(_) => ["From", "To"],
        _ => ["Between", "And"],
    };
    let mut chosen = None;
    for (name, side) in names.into_iter().zip([&sides.from, &sides.to]) {
        let shown = side.in_words();
        let all = all_sides(view.topology);
        let words: Vec<String> = all.iter().map(Side::in_words).collect();
        let asked = setting_row(ui, name, "", |ui| {
            let options = || words.iter().map(String::as_str).collect();
            choice_among(ui, name, &shown, options, CHOICE)
        });
        let place = asked.and_then(|asked| words.iter().position(|words| words == asked));
        if let Some(other) = place.and_then(|place| all.get(place)) {
            let mut sides = sides.clone();
            if name == names[0] {
                sides.from = other.clone();
            } else {
                sides.to = other.clone();
            }
            chosen = Some(with_sides(command, sides));
        }
    }
    chosen
}

/// Everything that a fault of the network can be between.
fn all_sides(topology: &Topology) -> Vec<Side> {
    /// Of more instances a node's first are offered.
    const MOST: u32 = 12;
    let nodes = topology.nodes.iter().flat_map(|(name, node)| {
        let of_several =
            (matches!(node, Node::Service(_)) || node.is_store()) && node.members() > 1;
        let most = if of_several {
            node.members().min(MOST)
        } else {
            0
        };
        let instances = (1..=most).map(|number| Side::Instance(name.clone(), number));
        std::iter::once(Side::Node(name.clone())).chain(instances)
    });
    let zones = topology.zones();
    let zones = zones.iter().map(|zone| Side::Zone((*zone).to_owned()));
    nodes.chain(zones).chain([Side::Rest]).collect()
}

/// Which zone.
fn zone_ui(ui: &mut Ui, command: &Command, view: &View) -> Option<Command> {
    let Command::LoseZone(zone) = command else {
        return None;
    };
    let zones = || view.topology.zones();
    let chosen = setting_row(ui, "Zone", "", |ui| {
        choice_among(ui, "Zone", zone, zones, CHOICE)
    });
    chosen.map(|zone| Command::LoseZone(zone.to_owned()))
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
        | Command::SlowInstance(_, number, _)
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
    | Command::SlowInstance(_, number, _)
    | Command::Restart(_, number)
    | Command::AddInstances(_, number)
    | Command::RemoveInstances(_, number) = &mut command
    {
        *number = to;
    }
    command
}

/// The same between other sides.
fn with_sides(command: &Command, to: Sides) -> Command {
    let mut command = command.clone();
    if let Command::Cut(sides)
    | Command::CutOneWay(sides)
    | Command::Slow(sides, _)
    | Command::Lose(sides, _)
    | Command::Heal(sides) = &mut command
    {
        *sides = to;
    }
    command
}

/// The same, so slow or so lossy.
///
/// # Errors
/// It is no number, or no share; what would be right.
fn with_extent(command: &Command, typed: &str) -> Result<Command, String> {
    let mut command = command.clone();
    match &mut command {
        Command::Slow(_, factor) | Command::SlowInstance(_, _, factor) => {
            let number = typed.trim_end_matches(['\u{d7}', 'x']).trim_end();
            *factor = number
                .parse()
                .map_err(|_| "Write how many times slower, such as 10".to_owned())?;
        }
        Command::Lose(_, share) => {
            *share = typed
                .parse()
                .map_err(|error: crate::units::ParseError| error.to_string())?;
        }
        _ => {}
    }
    Ok(command)
}
