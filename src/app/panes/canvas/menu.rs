//! What can be done with a thing on the canvas, in a menu: faults of an instance, changes of a node, the end of a link.

use egui::{Id, Key, Popup, PopupAnchor, PopupCloseBehavior, Pos2, RectAlign, Ui};

use super::Canvas;
use super::adding::Adding;
use super::scene::{Card, Scene};
use crate::app::action::{Action, Arrange, Selection};
use crate::app::icons::Icon;
use crate::app::run::meant::{remove, unlink};
use crate::app::run::state::View;
use crate::app::widgets::{menu_header, menu_item, menu_separator};
use crate::app::words::troubles::{self, Wrong};
use crate::app::words::{format, nodes, spoken};
use crate::model::{Command, Node, Side, Sides, Stop};
use crate::sim::snapshot::{Extent, InstanceView, Role, Status, Trouble};
use crate::units::{Duration, Share};

/// How many times slower menus make an instance, and a link.
const SLOW_INSTANCE: f64 = 10.0;
const SLOW_LINK: [f64; 2] = [10.0, 100.0];
/// The share of messages that they make a link lose.
const LOSSY_LINK: [f64; 2] = [0.01, 0.1];

/// A menu that is open, or about to.
#[derive(Clone, Debug, PartialEq)]
pub struct Menu {
    /// What it is about; nothing: the empty canvas.
    pub about: Option<Selection>,
    /// Where it opens, on the screen.
    pub at: Pos2,
    /// The widget it belongs to.
    pub of: Id,
}

/// What was chosen in a frame.
#[derive(Debug, Default)]
pub struct Asked {
    /// What anybody can do.
    pub actions: Vec<Action>,
    /// Put what is selected in line.
    pub arrange: Option<Arrange>,
    /// Ask what is to be added here.
    pub add: bool,
}

fn id(ui: &Ui) -> Id {
    ui.scope_id().with("menu")
}

/// Opens it at the end of this frame.
pub fn open(ui: &Ui) {
    Popup::open_id(ui.ctx(), id(ui));
}

/// Shows the menu while it is open; returns whether it still is.
pub fn show(ui: &Ui, menu: &Menu, scene: &Scene, view: &View, asked: &mut Asked) -> bool {
    let id = id(ui);
    if !Popup::is_id_open(ui.ctx(), id) {
        return false;
    }
    let name = match &menu.about {
        None => "the canvas".to_owned(),
        Some(Selection::Node(name)) => name.clone(),
        Some(Selection::Instance(name, number)) => format!("{name} {number}"),
        Some(Selection::Link(key)) => spoken::link_words(key),
        Some(Selection::Nodes(names)) => format!("{} nodes", names.len()),
    };
    let mut alive = true;
    Popup::new(
        id,
        ui.ctx().clone(),
        PopupAnchor::Position(menu.at),
        ui.layer_id(),
    )
    .kind(egui::PopupKind::Menu)
    .open_memory(None)
    .align(RectAlign::BOTTOM_START)
    .close_behavior(PopupCloseBehavior::CloseOnClick)
    .anchor_widget(menu.of)
    .accessible_name(format!("Menu of {name}"))
    .show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        alive = match &menu.about {
            Some(Selection::Nodes(names)) => {
                of_several(ui, names, asked);
                true
            }
            Some(about) => content(ui, about, scene, view, &mut asked.actions),
            None => {
                of_nothing(ui, scene, asked);
                true
            }
        };
    });
    let stays = alive && Popup::is_id_open(ui.ctx(), id);
    // Closed by a key, it gives the keyboard back.
    let by_key = ui.input(|input| input.key_pressed(Key::Enter) || input.key_pressed(Key::Escape));
    if !stays && by_key {
        ui.memory_mut(|memory| memory.request_focus(menu.of));
    }
    stays
}

/// False when what the menu is about is gone.
fn content(
    ui: &mut Ui,
    about: &Selection,
    scene: &Scene,
    view: &View,
    actions: &mut Vec<Action>,
) -> bool {
    match about {
        Selection::Instance(name, number) => {
            let card = scene.card(name);
            let instance =
                card.and_then(|card| card.instances.iter().find(|i| i.number == *number));
            match card.zip(instance) {
                Some((card, instance)) => of_instance(ui, card, instance, scene.now, view, actions),
                None => return false,
            }
        }
        Selection::Node(name) => match scene.card(name) {
            Some(card) => of_node(ui, card, actions),
            None => return false,
        },
        Selection::Link(key) => {
            of_link(ui, key, view, actions);
        }
        Selection::Nodes(_) => {}
    }
    true
}

fn choose(
    ui: &mut Ui,
    enabled: bool,
    icon: Icon,
    text: &str,
    keys: &str,
    actions: &mut Vec<Action>,
    action: impl FnOnce() -> Action,
) {
    let chosen = ui
        .add_enabled_ui(enabled, |ui| menu_item(ui, Some(icon), text, keys))
        .inner;
    if chosen.clicked() {
        // A click would close it anyway, a key would not.
        ui.close();
        actions.push(action());
    }
}

fn of_instance(
    ui: &mut Ui,
    card: &Card,
    instance: &InstanceView,
    now: Duration,
    view: &View,
    actions: &mut Vec<Action>,
) {
    let status = instance.status;
    let mut state = nodes::status(instance, now);
    if status.serves() {
        state = format!(
            "{state}, {} busy",
            nodes::percent(f64::from(card.load(instance).0))
        );
    }
    menu_header(ui, &format!("{} {}", card.name, instance.number), &state);
    let alive = !status.is_down() && status != Status::Removed;
    let run = |command: fn(String, u32) -> Command| {
        let (name, number) = (card.name.to_owned(), instance.number);
        move || Action::Run(command(name, number))
    };
    choose(
        ui,
        alive,
        Icon::Cross,
        "Crash process",
        "C",
        actions,
        run(Command::Crash),
    );
    choose(
        ui,
        alive || status == Status::Crashed,
        Icon::Bolt,
        "Lose the machine",
        "Shift C",
        actions,
        run(Command::LoseMachine),
    );
    if status == Status::Hung {
        let resume = run(Command::Resume);
        choose(ui, true, Icon::Play, "Resume", "", actions, resume);
    } else {
        let hang = run(Command::Hang);
        choose(ui, status.serves(), Icon::Pause, "Hang", "", actions, hang);
    }
    choose(
        ui,
        status.is_down() || status == Status::Hung,
        Icon::Restart,
        "Restart",
        "",
        actions,
        run(Command::Restart),
    );
    if instance.role == Role::Primary {
        fail_over(ui, card, actions);
    }
    hinder(ui, card.name, instance, view, actions);
}

/// What does not kill an instance: it is slow, or nobody reaches it, or its zone is struck; and what ends that.
fn hinder(
    ui: &mut Ui,
    name: &str,
    instance: &InstanceView,
    view: &View,
    actions: &mut Vec<Action>,
) {
    menu_separator(ui);
    let number = instance.number;
    let wrong = troubles::of_instance(view.snapshot, name, instance);
    let (slow, network): (Vec<_>, Vec<_>) = wrong
        .into_iter()
        .partition(|wrong| wrong.end.sides().is_none());
    // One that hangs goes on by the entry above.
    if let Some(slow) = slow.first().filter(|_| instance.status.serves()) {
        let text = "Resume at full speed";
        choose(ui, true, Icon::Play, text, "", actions, || {
            Action::Run(slow.end.clone())
        });
    } else {
        let serves = instance.status.serves();
        let text = format!("Slow down {SLOW_INSTANCE} times");
        choose(ui, serves, Icon::Clock, &text, "", actions, || {
            Action::Run(Command::SlowInstance(
                name.to_owned(),
                number,
                SLOW_INSTANCE,
            ))
        });
    }
    let mut cut = |side: Side, text: &str| {
        let sides = Sides {
            from: side,
            to: Side::Rest,
        };
        let is_cut = network
            .iter()
            .any(|wrong| wrong.began == Command::Cut(sides.clone()));
        choose(ui, !is_cut, Icon::Cut, text, "", actions, || {
            Action::Run(Command::Cut(sides))
        });
    };
    let here = Side::Instance(name.to_owned(), number);
    cut(here, "Cut off from everything");
    if let Some(zone) = &instance.zone {
        cut(Side::Zone(zone.clone()), &format!("Cut off zone {zone}"));
        let text = format!("Lose zone {zone}");
        choose(ui, true, Icon::Bolt, &text, "", actions, || {
            Action::Run(Command::LoseZone(zone.clone()))
        });
    }
    heal(ui, &network, actions);
}

/// Ends all of what is wrong with the network.
fn heal(ui: &mut Ui, wrong: &[Wrong], actions: &mut Vec<Action>) {
    let ends = troubles::ends(wrong);
    let text = match ends.len() {
        0 | 1 => "Heal",
        _ => "Heal all of it",
    };
    let chosen = ui
        .add_enabled_ui(!ends.is_empty(), |ui| {
            menu_item(ui, Some(Icon::Check), text, "")
        })
        .inner;
    if chosen.clicked() {
        ui.close();
        actions.extend(ends.into_iter().map(Action::Run));
    }
}

fn fail_over(ui: &mut Ui, card: &Card, actions: &mut Vec<Action>) {
    let has_replica = card
        .instances
        .iter()
        .any(|i| i.role == Role::Replica && i.status.serves());
    choose(
        ui,
        has_replica,
        Icon::Eject,
        "Fail over to a replica",
        "",
        actions,
        || Action::Run(Command::Failover(card.name.to_owned())),
    );
    choose(
        ui,
        has_replica,
        Icon::Bolt,
        "Force failover, losing what is under way",
        "",
        actions,
        || Action::Run(Command::ForceFailover(card.name.to_owned())),
    );
}

fn of_node(ui: &mut Ui, card: &Card, actions: &mut Vec<Action>) {
    let name = card.name;
    let (up, all) = card.serving();
    let state = if all > 0 {
        format!("{up} of {all} up")
    } else {
        nodes::kind_name(card.kind).to_lowercase()
    };
    menu_header(ui, name, &state);
    match card.node {
        Node::Service(service) => {
            let deploy = |stop| move || Action::Run(Command::Deploy(name.to_owned(), stop));
            choose(
                ui,
                true,
                Icon::Deploy,
                "Deploy, drained",
                "D",
                actions,
                deploy(Stop::Drained),
            );
            choose(
                ui,
                true,
                Icon::Deploy,
                "Deploy, abruptly",
                "",
                actions,
                deploy(Stop::Abrupt),
            );
            menu_separator(ui);
            let wished = service.instances;
            choose(
                ui,
                wished < 1000,
                Icon::Plus,
                "Add an instance",
                "+",
                actions,
                || set_instances(name, wished + 1),
            );
            choose(
                ui,
                wished > 1,
                Icon::Minus,
                "Remove an instance",
                "\u{2212}",
                actions,
                || set_instances(name, wished - 1),
            );
            menu_separator(ui);
            faults(ui, card, actions);
        }
        Node::RedisLike(_) | Node::SqlDatabase(_) => {
            fail_over(ui, card, actions);
            faults(ui, card, actions);
        }
        Node::ObjectStore(_) => faults(ui, card, actions),
        Node::Clients(_) | Node::LoadBalancer(_) => {}
    }
    choose(ui, true, Icon::Rename, "Rename", "F2", actions, || {
        Action::AskName(name.to_owned())
    });
    clipboard(ui, &[name.to_owned()], actions);
    let delete = || {
        Action::Edit(
            vec![Command::Remove(name.to_owned())],
            format!("Delete {name}"),
        )
    };
    choose(ui, true, Icon::Delete, "Delete", "Del", actions, delete);
}

/// Copies of what is selected, here or in the clipboard.
fn clipboard(ui: &mut Ui, names: &[String], actions: &mut Vec<Action>) {
    choose(
        ui,
        true,
        Icon::Duplicate,
        "Duplicate",
        "Ctrl D",
        actions,
        || Action::AskCopies(names.to_vec()),
    );
    choose(ui, true, Icon::File, "Copy", "Ctrl C", actions, || {
        Action::Copy
    });
    choose(ui, true, Icon::File, "Cut", "Ctrl X", actions, || {
        Action::Cut
    });
}

fn of_several(ui: &mut Ui, names: &[String], asked: &mut Asked) {
    menu_header(ui, &format!("{} nodes", names.len()), "selected");
    for way in Arrange::ALL {
        if way == Arrange::Across {
            menu_separator(ui);
        }
        let enabled = names.len() >= way.least();
        let chosen = ui.add_enabled_ui(enabled, |ui| {
            menu_item(ui, Some(way.icon()), way.name(), &way.shortcut())
        });
        if chosen.inner.clicked() {
            ui.close();
            asked.arrange = Some(way);
        }
    }
    menu_separator(ui);
    clipboard(ui, names, &mut asked.actions);
    choose(
        ui,
        true,
        Icon::Delete,
        "Delete",
        "Del",
        &mut asked.actions,
        || remove(names),
    );
}

/// What can be done where nothing is.
fn of_nothing(ui: &mut Ui, scene: &Scene, asked: &mut Asked) {
    let nodes = nodes::count(scene.cards.len() as u64, "node");
    menu_header(ui, "Canvas", &nodes);
    if menu_item(ui, Some(Icon::Plus), "Add a node", "1 to 6").clicked() {
        ui.close();
        asked.add = true;
    }
    let actions = &mut asked.actions;
    choose(ui, true, Icon::File, "Paste", "Ctrl V", actions, || {
        Action::AskPaste
    });
    let some = !scene.cards.is_empty();
    choose(
        ui,
        some,
        Icon::Select,
        "Select all",
        "Ctrl A",
        actions,
        || Action::SelectAll,
    );
    choose(ui, some, Icon::Fit, "Fit all", "F", actions, || Action::Fit);
}

/// Faults of the first instance that can have one: the primary of a store, or the first that serves.
fn faults(ui: &mut Ui, card: &Card, actions: &mut Vec<Action>) {
    let serving = |i: &&InstanceView| i.status.serves();
    let victim = card
        .instances
        .iter()
        .filter(serving)
        .find(|i| i.role == Role::Primary)
        .or_else(|| card.instances.iter().find(serving));
    let down = card.instances.iter().find(|i| i.status.is_down());
    let several = card.instances.len() > 1;
    if let Some(victim) = victim {
        let (name, number) = (card.name.to_owned(), victim.number);
        let which = match (victim.role, several) {
            (Role::Primary, _) => " of the primary".to_owned(),
            (_, true) => format!(" of {name} {number}"),
            (_, false) => String::new(),
        };
        let crash = Command::Crash(name.clone(), number);
        let lose = Command::LoseMachine(name, number);
        let text = format!("Crash process{which}");
        choose(ui, true, Icon::Cross, &text, "C", actions, || {
            Action::Run(crash)
        });
        let text = format!("Lose machine{which}");
        choose(ui, true, Icon::Bolt, &text, "Shift C", actions, || {
            Action::Run(lose)
        });
    }
    if let Some(down) = down {
        let restart = Command::Restart(card.name.to_owned(), down.number);
        let text = if several {
            format!("Restart {} {}", card.name, down.number)
        } else {
            "Restart".to_owned()
        };
        choose(ui, true, Icon::Restart, &text, "", actions, || {
            Action::Run(restart)
        });
    }
    menu_separator(ui);
}

/// The edit that gives a service so many instances.
pub fn set_instances(name: &str, count: u32) -> Action {
    let set = Command::Set(format!("nodes.{name}.instances"), count.to_string());
    let plural = if count == 1 { "" } else { "s" };
    Action::Edit(vec![set], format!("{name}: {count} instance{plural}"))
}

fn of_link(ui: &mut Ui, key: &str, view: &View, actions: &mut Vec<Action>) {
    let implied = view.topology.links.find(key).is_none();
    let Some((from, to)) = key.split_once("->") else {
        return;
    };
    let mut links = view.snapshot.links.iter();
    let shown = links.find(|link| link.from == from && link.to == to);
    let trouble = shown.and_then(|link| link.trouble.as_ref());
    let state = match trouble {
        Some(trouble) => troubles::in_words(trouble).join(", "),
        None if implied => "follows from a setting".to_owned(),
        None => "link".to_owned(),
    };
    menu_header(ui, &spoken::link(key), &state);
    let icon = Icon::Rename;
    choose(ui, true, icon, "Type the latency", "Enter", actions, || {
        Action::AskLatency(key.to_owned())
    });
    menu_separator(ui);
    link_faults(ui, (from, to), trouble, actions);
    heal(ui, &troubles::of_link(view.snapshot, from, to), actions);
    if implied {
        return;
    }
    menu_separator(ui);
    choose(
        ui,
        true,
        Icon::Delete,
        "Remove link",
        "Del",
        actions,
        || unlink(key),
    );
}

/// What can go wrong on the way between two nodes.
fn link_faults(
    ui: &mut Ui,
    (from, to): (&str, &str),
    trouble: Option<&Trouble>,
    actions: &mut Vec<Action>,
) {
    let sides = Sides::nodes(from, to);
    let cut = trouble.map_or([Extent::None; 2], |trouble| trouble.cut);
    let is_open = |way: usize| cut[way] != Extent::All;
    let mut fault = |enabled: bool, icon: Icon, text: &str, command: Command| {
        choose(ui, enabled, icon, text, "", actions, || {
            Action::Run(command)
        });
    };
    let open = is_open(0) || is_open(1);
    fault(open, Icon::Cut, "Cut", Command::Cut(sides.clone()));
    for (way, sides) in [sides.clone(), sides.reversed()].into_iter().enumerate() {
        let text = format!("Cut {} only", sides.one_way());
        let one_way = Command::CutOneWay(sides);
        fault(is_open(way), Icon::CutOneWay, &text, one_way);
    }
    for times in SLOW_LINK {
        let text = format!("Slow down {times} times");
        let slow = Command::Slow(sides.clone(), times);
        let already = trouble.is_some_and(|trouble| trouble.slower == times);
        fault(!already, Icon::Clock, &text, slow);
    }
    for share in LOSSY_LINK {
        let text = format!("Lose {} of messages", format::given(share));
        let lose = Command::Lose(sides.clone(), Share(share));
        let already = trouble.is_some_and(|trouble| trouble.loss == share);
        fault(!already, Icon::Lossy, &text, lose);
    }
}

impl Canvas {
    /// Whether a menu is open, in which keys go from entry to entry.
    pub(super) fn has_menu(&self) -> bool {
        self.menu.is_some() || self.adding.is_some()
    }

    pub(super) fn open_menu(&mut self, ui: &Ui, about: Option<Selection>, at: Pos2, of: Id) {
        self.menu = Some(Menu { about, at, of });
        open(ui);
    }

    /// Shows the menu while it is open; returns whether it still is.
    pub(super) fn show_menu(
        &mut self,
        ui: &Ui,
        menu: &Menu,
        view: &View,
        scene: &Scene,
        actions: &mut Vec<Action>,
    ) -> bool {
        let mut asked = Asked::default();
        let open = show(ui, menu, scene, view, &mut asked);
        actions.append(&mut asked.actions);
        if let Some(way) = asked.arrange {
            actions.extend(self.arrange(view, scene, way));
        }
        if asked.add {
            self.ask_what(ui, Adding::new(self.transform.world(menu.at), None));
        }
        open
    }
}
