//! The keys of the window, and what they mean for what is selected.

use egui::{Context, Event, Key, Modifiers};

use super::action::{Action, Selection};
use super::canvas::{Arrange, remove, unlink};
use super::charts::{holds_focus, takes_escape};
use super::live::SPEEDS;
use super::state::View;
use super::transport::speed_index;
use crate::model::node::MOST_INSTANCES;
use crate::model::{Command, Node, Stop};

/// What the sheet of shortcuts lists: the heading, then keys and what they do.
pub const SHEET: &[(&str, &[(&str, &str)])] = &[
    (
        "Time",
        &[
            ("Space", "Play, pause"),
            (".", "One event further"),
            ("R", "Reset"),
            ("[  ]", "Slower, faster"),
        ],
    ),
    (
        "Faults and changes",
        &[
            ("C", "Crash what is selected"),
            ("Shift+C", "Lose its machine"),
            ("D", "Deploy a new version"),
            ("+  −", "More, fewer instances"),
        ],
    ),
    (
        "Canvas",
        &[
            ("F", "Fit to the window"),
            ("V  H", "Select, move the view"),
            ("1 to 6", "Add a node"),
            ("Double click", "Add here; on a name: rename"),
            ("Esc", "Let go, select nothing"),
        ],
    ),
    (
        "Nodes",
        &[
            ("F2", "Rename"),
            ("Shift+click", "Select one more or less"),
            ("Ctrl+Tab", "Select the next one, too"),
            ("Ctrl+A", "Select all"),
            ("Ctrl+C  X  V  D", "Copy, cut, paste, duplicate"),
            ("Alt  Ctrl+drag", "Drag a copy; without guides"),
            ("Arrows", "Nudge; with Shift further"),
            ("Alt+A  H  D", "Align left, centre, right"),
            ("Alt+W  V  S", "Align top, middle, bottom"),
            ("Delete", "Remove"),
        ],
    ),
    (
        "Links",
        &[
            ("Enter", "Type the latency"),
            ("Drag its middle", "Pull the latency"),
            ("Drag an end", "To another node"),
            ("Delete", "Remove"),
        ],
    ),
    (
        "Time line",
        &[
            ("\u{2190}  \u{2192}", "Move an event (Shift: more)"),
            ("Enter", "Open it, or add one"),
            ("Delete", "Take it out"),
            ("Alt", "Drag to any instant"),
        ],
    ),
    (
        "Document",
        &[
            ("Ctrl+N", "New"),
            ("Ctrl+O", "Open"),
            ("Ctrl+S", "Save"),
            ("Ctrl+Shift+S", "Save as"),
            ("Ctrl+Shift+E", "Take away: pictures, data"),
            ("Ctrl+Shift+C", "Copy a picture of all"),
            ("Ctrl+Z", "Undo"),
            ("Ctrl+Shift+Z", "Redo"),
        ],
    ),
    (
        "Window",
        &[
            ("F6", "Next pane"),
            ("Tab", "Next control"),
            ("?", "These shortcuts"),
        ],
    ),
];

/// Takes the keys that save, which mean the same while text is being typed: what is in the field is meant to be saved, too.
pub fn save(ctx: &Context) -> Option<Action> {
    let shift = Modifiers::COMMAND | Modifiers::SHIFT;
    if take(ctx, shift, Key::S) {
        Some(Action::SaveAs)
    } else {
        take(ctx, Modifiers::COMMAND, Key::S).then_some(Action::Save)
    }
}

/// Takes the keys of this frame that the main view knows and returns what they ask for. Call it before any widget, and
/// not while text is being typed.
/// `covered`: something lies over the view that Esc closes. `quiet`: something was typed a moment ago, and whoever goes on
/// typing means none of these letters and digits.
pub fn main_view(ctx: &Context, view: &View, covered: bool, quiet: bool) -> Vec<Action> {
    let mut actions = document(ctx, !quiet);
    let pressed = |key| take(ctx, Modifiers::NONE, key);
    // Space is a click on whatever has the focus, so it is taken before widgets see it.
    if pressed(Key::Space) {
        actions.push(Action::TogglePlay);
    }
    if quiet {
        actions.extend(editing(ctx, view));
        return actions;
    }
    if pressed(Key::Period) {
        actions.push(Action::Step);
    }
    if pressed(Key::R) {
        actions.push(Action::Reset);
    }
    let index = speed_index(view.speed);
    if pressed(Key::OpenBracket) {
        actions.push(Action::SetSpeed(SPEEDS[index.saturating_sub(1)]));
    }
    if pressed(Key::CloseBracket) {
        actions.push(Action::SetSpeed(SPEEDS[(index + 1).min(SPEEDS.len() - 1)]));
    }
    if take(ctx, Modifiers::SHIFT, Key::C) {
        let lose = |(node, number)| Action::Run(Command::LoseMachine(node, number));
        actions.extend(instance_to_crash(view).map(lose));
    }
    if pressed(Key::C) {
        let crash = |(node, number)| Action::Run(Command::Crash(node, number));
        actions.extend(instance_to_crash(view).map(crash));
    }
    if pressed(Key::D) {
        let deploy = |node| Action::Run(Command::Deploy(node, Stop::Drained));
        actions.extend(service(view).map(deploy));
    }
    if pressed(Key::F) {
        actions.push(Action::Fit);
    }
    if typed(ctx, "+") {
        actions.extend(scaled(view, 1));
    }
    if typed(ctx, "-") || typed(ctx, "\u{2212}") {
        actions.extend(scaled(view, -1));
    }
    let is_menu_open = egui::Popup::is_any_open(ctx);
    for (key, kind) in [
        (Key::Num1, 0),
        (Key::Num2, 1),
        (Key::Num3, 2),
        (Key::Num4, 3),
        (Key::Num5, 4),
        (Key::Num6, 5),
    ] {
        // In the menu of what can be added they choose from it.
        if !is_menu_open && pressed(key) {
            actions.push(Action::AddKind(kind));
        }
    }
    actions.extend(editing(ctx, view));
    // An event of the schedule that has the keyboard takes it itself.
    if !holds_focus(ctx) && (pressed(Key::Delete) || pressed(Key::Backspace)) {
        actions.extend(removed(view));
    }
    // What is being dragged is let go first.
    let dragging = ctx.input(|input| input.pointer.any_down());
    let covered = covered || is_menu_open || dragging || takes_escape(ctx);
    if !covered && view.selection.is_some() && pressed(Key::Escape) {
        actions.push(Action::Select(None));
    }
    actions
}

/// Takes the keys that name, select and copy nodes, and what the clipboard says.
fn editing(ctx: &Context, view: &View) -> Vec<Action> {
    let mut actions = Vec::new();
    let names = view.selection.map(Selection::names).unwrap_or_default();
    let is_instance = matches!(view.selection, Some(Selection::Instance(..)));
    if take(ctx, Modifiers::NONE, Key::F2)
        && let [name] = names
    {
        actions.push(Action::AskName(name.clone()));
    }
    if take(ctx, Modifiers::COMMAND, Key::A) {
        actions.push(Action::SelectAll);
    }
    if names.len() > 1 {
        for way in Arrange::ALL {
            let key = way.key();
            if key.is_some_and(|key| take(ctx, Modifiers::ALT, key)) {
                actions.push(Action::AskArrange(way));
            }
        }
    }
    if take(ctx, Modifiers::COMMAND, Key::D) && !names.is_empty() {
        actions.push(Action::AskCopies(names.to_vec()));
    }
    // The system's clipboard has events of its own, whatever its keys are.
    ctx.input_mut(|input| {
        input.events.retain(|event| {
            let action = match event {
                Event::Copy if !names.is_empty() => Action::Copy,
                // An instance alone cannot be cut out.
                Event::Cut if !names.is_empty() && !is_instance => Action::Cut,
                Event::Paste(text) => Action::Paste(text.clone()),
                _ => return true,
            };
            actions.push(action);
            false
        });
    });
    actions
}

/// Takes the keys that the start screen knows.
pub fn start_screen(ctx: &Context) -> Vec<Action> {
    let mut actions = open_or_new(ctx);
    if typed(ctx, "?") {
        actions.push(Action::ToggleHelp);
    }
    actions
}

fn open_or_new(ctx: &Context) -> Vec<Action> {
    let mut actions = Vec::new();
    let keys = [
        (Modifiers::COMMAND, Key::O, Action::Open),
        (Modifiers::COMMAND, Key::N, Action::New),
    ];
    for (modifiers, key, action) in keys {
        if take(ctx, modifiers, key) {
            actions.push(action);
        }
    }
    actions
}

/// Takes the keys that concern the document, and with `help` the one that shows the sheet.
fn document(ctx: &Context, help: bool) -> Vec<Action> {
    let mut actions = if help {
        start_screen(ctx)
    } else {
        open_or_new(ctx)
    };
    let shift = Modifiers::COMMAND | Modifiers::SHIFT;
    let keys = [
        (shift, Key::Z, Action::Redo),
        (Modifiers::COMMAND, Key::Y, Action::Redo),
        (Modifiers::COMMAND, Key::Z, Action::Undo),
        (shift, Key::E, Action::ShowTaking),
        (shift, Key::C, Action::CopyPicture),
    ];
    for (modifiers, key, action) in keys {
        if take(ctx, modifiers, key) {
            actions.push(action);
        }
    }
    actions.extend(save(ctx));
    actions
}

/// Whether this key went down with exactly these modifiers (Ctrl+C must stay "copy" and not crash anything). What the
/// keyboard repeats while it is held is taken too, but counts only for keys that go further each time.
fn take(ctx: &Context, modifiers: Modifiers, key: Key) -> bool {
    let repeats = matches!(
        key,
        Key::Period | Key::OpenBracket | Key::CloseBracket | Key::Z
    );
    ctx.input_mut(|input| {
        let is_it = |event: &Event| {
            matches!(event, Event::Key { key: k, pressed: true, modifiers: m, .. }
                if *k == key && m.matches_exact(modifiers))
        };
        let counts = |event: &Event| {
            is_it(event) && (repeats || !matches!(event, Event::Key { repeat: true, .. }))
        };
        let found = input.events.iter().any(counts);
        input.events.retain(|event| !is_it(event));
        found
    })
}

/// Whether this character was typed: where it is on the keyboard depends on the layout.
fn typed(ctx: &Context, text: &str) -> bool {
    ctx.input_mut(|input| {
        let is_it = |event: &Event| matches!(event, Event::Text(typed) if typed == text);
        let found = input.events.iter().any(is_it);
        input.events.retain(|event| !is_it(event));
        found
    })
}

/// The service that a button or key without a name means: the selected one, else the first that keeps state, else the
/// first.
pub fn service(view: &View) -> Option<String> {
    let is_service = |name: &&str| matches!(view.topology.nodes.get(*name), Some(Node::Service(_)));
    let names = view.selection.map(Selection::names).unwrap_or_default();
    let selected = names.iter().map(String::as_str).find(is_service);
    let keeps_state = |node: &Node| matches!(node, Node::Service(s) if s.state.is_local());
    let any_service = |node: &Node| matches!(node, Node::Service(_));
    let first = |wanted: &dyn Fn(&Node) -> bool| {
        let mut nodes = view.topology.nodes.iter();
        nodes
            .find(|(_, node)| wanted(node))
            .map(|(name, _)| name.as_str())
    };
    selected
        .or_else(|| first(&keeps_state))
        .or_else(|| first(&any_service))
        .map(str::to_owned)
}

/// The instance that Crash means: the selected one; of the selected node, or the one that [`service`] names, the first
/// that is not down.
pub fn instance_to_crash(view: &View) -> Option<(String, u32)> {
    if let Some(Selection::Instance(node, number)) = view.selection {
        return Some((node.clone(), *number));
    }
    let has_instances = |name: &&str| {
        view.topology
            .nodes
            .get(*name)
            .is_some_and(|node| matches!(node, Node::Service(_)) || node.is_store())
    };
    let names = view.selection.map(Selection::names).unwrap_or_default();
    let selected = names.iter().map(String::as_str).find(has_instances);
    let name = selected.map(str::to_owned).or_else(|| service(view))?;
    let up = view
        .node(&name)
        .and_then(|node| {
            let mut instances = node.instances.iter();
            instances.find(|instance| instance.status.serves())
        })
        .map(|instance| instance.number)?;
    Some((name, up))
}

/// One instance more or fewer, of each service that is selected.
pub fn scaled(view: &View, by: i32) -> Option<Action> {
    if let Some(Selection::Nodes(names)) = view.selection {
        return all_scaled(view, names, by);
    }
    let name = service(view)?;
    let Some(Node::Service(service)) = view.topology.nodes.get(&name) else {
        return None;
    };
    let wanted = service
        .instances
        .saturating_add_signed(by)
        .clamp(1, MOST_INSTANCES);
    (wanted != service.instances).then(|| scale_to(&name, wanted))
}

fn all_scaled(view: &View, names: &[String], by: i32) -> Option<Action> {
    let set = |name: &String| match view.topology.nodes.get(name) {
        Some(Node::Service(service)) => {
            let wanted = service
                .instances
                .saturating_add_signed(by)
                .clamp(1, MOST_INSTANCES);
            let path = format!("nodes.{name}.instances");
            (wanted != service.instances).then(|| Command::Set(path, wanted.to_string()))
        }
        _ => None,
    };
    let commands: Vec<Command> = names.iter().filter_map(set).collect();
    let which = if by > 0 { "more" } else { "fewer" };
    let label = format!("{} services: one instance {which}", commands.len());
    (!commands.is_empty()).then(|| Action::Edit(commands, label))
}

/// So many instances.
pub fn scale_to(name: &str, instances: u32) -> Action {
    let plural = if instances == 1 { "" } else { "s" };
    Action::Edit(
        vec![Command::Set(
            format!("nodes.{name}.instances"),
            instances.to_string(),
        )],
        format!("{name}: {instances} instance{plural}"),
    )
}

fn removed(view: &View) -> Option<Action> {
    match view.selection? {
        selection @ (Selection::Node(_) | Selection::Nodes(_)) => Some(remove(selection.names())),
        Selection::Link(key) => Some(unlink(key)),
        Selection::Instance(..) => None,
    }
}
