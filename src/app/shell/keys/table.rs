//! Every key of the window, once: on which keys it is, what it is called, and what it asks for. The sheet of shortcuts
//! lists this table, and [`super`] takes the keys by it.

use egui::{Key, Modifiers};

use super::{Group, Press, Row, Shortcut, Situation, When};
use crate::app::action::{Action, Arrange, Selection};
use crate::app::run::meant::{instance_to_crash, removed, scaled, service};
use crate::app::run::speed::{SPEEDS, speed_index};
use crate::app::run::state::View;
use crate::model::{Command, Stop};

const PLAIN: Modifiers = Modifiers::NONE;
const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers {
    shift: true,
    ..Modifiers::COMMAND
};

/// All keys, under the headings of the sheet.
pub const GROUPS: &[Group] = &[
    Group {
        heading: "Time",
        rows: TIME,
    },
    Group {
        heading: "Faults and changes",
        rows: FAULTS,
    },
    Group {
        heading: "Canvas",
        rows: CANVAS,
    },
    Group {
        heading: "Nodes",
        rows: NODES,
    },
    Group {
        heading: "Links",
        rows: LINKS,
    },
    Group {
        heading: "Time line",
        rows: TIME_LINE,
    },
    Group {
        heading: "Document",
        rows: DOCUMENT,
    },
    Group {
        heading: "Window",
        rows: WINDOW,
    },
];

const TIME: &[Row] = &[
    Row::of(
        "Space",
        "Play, pause",
        // A click on whatever has the focus, so it is taken before widgets see it.
        &[key("Play or pause", PLAIN, Key::Space, |_| {
            Some(Action::TogglePlay)
        })
        .even_quiet()],
    ),
    Row::of(
        ".",
        "One event further",
        &[key("One event further", PLAIN, Key::Period, |_| {
            Some(Action::Step)
        })
        .repeating()],
    ),
    Row::of(
        "R",
        "Reset",
        &[key("Reset", PLAIN, Key::R, |_| Some(Action::Reset))],
    ),
    Row::of(
        "[  ]",
        "Slower, faster",
        &[
            key("Slower", PLAIN, Key::OpenBracket, |view| {
                let index = speed_index(view.speed);
                Some(Action::SetSpeed(SPEEDS[index.saturating_sub(1)]))
            })
            .repeating(),
            key("Faster", PLAIN, Key::CloseBracket, |view| {
                let index = speed_index(view.speed) + 1;
                Some(Action::SetSpeed(SPEEDS[index.min(SPEEDS.len() - 1)]))
            })
            .repeating(),
        ],
    ),
];

const FAULTS: &[Row] = &[
    Row::of(
        "C",
        "Crash what is selected",
        &[key("Crash what is selected", PLAIN, Key::C, |view| {
            let crash = |(node, number)| Action::Run(Command::Crash(node, number));
            instance_to_crash(view).map(crash)
        })],
    ),
    Row::of(
        "Shift+C",
        "Lose its machine",
        &[key("Lose its machine", Modifiers::SHIFT, Key::C, |view| {
            let lose = |(node, number)| Action::Run(Command::LoseMachine(node, number));
            instance_to_crash(view).map(lose)
        })],
    ),
    Row::of(
        "D",
        "Deploy a new version",
        &[key("Deploy a new version", PLAIN, Key::D, |view| {
            let deploy = |node| Action::Run(Command::Deploy(node, Stop::Drained));
            service(view).map(deploy)
        })],
    ),
    Row::of(
        "+  −",
        "More, fewer instances",
        &[
            Shortcut::new("One instance more", Press::Typed("+"), |view| {
                scaled(view, 1)
            }),
            Shortcut::new("One instance fewer", Press::Typed("-"), |view| {
                scaled(view, -1)
            })
            .or(Press::Typed("\u{2212}")),
        ],
    ),
];

const CANVAS: &[Row] = &[
    Row::of(
        "F",
        "Fit to the window",
        &[key("Fit to the window", PLAIN, Key::F, |_| {
            Some(Action::Fit)
        })],
    ),
    // The canvas takes these itself.
    Row::of("V  H", "Select, move the view", &[]),
    Row::of(
        "1 to 6",
        "Add a node",
        &[
            add("Add clients", Key::Num1, |_| Some(Action::AddKind(0))),
            add("Add a load balancer", Key::Num2, |_| {
                Some(Action::AddKind(1))
            }),
            add("Add a service", Key::Num3, |_| Some(Action::AddKind(2))),
            add("Add a Redis-like store", Key::Num4, |_| {
                Some(Action::AddKind(3))
            }),
            add("Add a SQL database", Key::Num5, |_| {
                Some(Action::AddKind(4))
            }),
            add("Add an object store", Key::Num6, |_| {
                Some(Action::AddKind(5))
            }),
        ],
    ),
    Row::of("Double click", "Add here; on a name: rename", &[]),
    Row::of(
        "Esc",
        "Let go, select nothing",
        &[key("Select nothing", PLAIN, Key::Escape, |_| {
            Some(Action::Select(None))
        })
        // What lies over the view, and what is being dragged, is let go first.
        .only(|now| !now.covered && !now.dragging && now.view.selection.is_some())],
    ),
];

const NODES: &[Row] = &[
    Row::of(
        "F2",
        "Rename",
        &[key("Rename", PLAIN, Key::F2, |view| match names(view) {
            [name] => Some(Action::AskName(name.clone())),
            _ => None,
        })
        .even_quiet()],
    ),
    Row::of("Shift+click", "Select one more or less", &[]),
    Row::of("Ctrl+Tab", "Select the next one, too", &[]),
    Row::of(
        "Ctrl+A",
        "Select all",
        &[key("Select all", CTRL, Key::A, |_| Some(Action::SelectAll)).even_quiet()],
    ),
    Row::of(
        "Ctrl+C  X  V  D",
        "Copy, cut, paste, duplicate",
        &[
            // The system's clipboard has events of its own, whatever its keys are.
            Shortcut::new("Copy", Press::Copy, |_| Some(Action::Copy))
                .even_quiet()
                .only(|now| !names(now.view).is_empty()),
            Shortcut::new("Cut", Press::Cut, |_| Some(Action::Cut))
                .even_quiet()
                .only(can_cut),
            Shortcut::new("Paste", Press::Paste, |_| Some(Action::AskPaste)).even_quiet(),
            key("Duplicate", CTRL, Key::D, |view| {
                let names = names(view);
                (!names.is_empty()).then(|| Action::AskCopies(names.to_vec()))
            })
            .even_quiet(),
        ],
    ),
    Row::of("Alt  Ctrl+drag", "Drag a copy; without guides", &[]),
    Row::of("Arrows", "Nudge; with Shift further", &[]),
    Row::of(
        "Alt+A  H  D",
        "Align left, centre, right",
        &[
            arrange(Arrange::Left, |_| Some(Action::AskArrange(Arrange::Left))),
            arrange(Arrange::Centre, |_| {
                Some(Action::AskArrange(Arrange::Centre))
            }),
            arrange(Arrange::Right, |_| Some(Action::AskArrange(Arrange::Right))),
        ],
    ),
    Row::of(
        "Alt+W  V  S",
        "Align top, middle, bottom",
        &[
            arrange(Arrange::Top, |_| Some(Action::AskArrange(Arrange::Top))),
            arrange(Arrange::Middle, |_| {
                Some(Action::AskArrange(Arrange::Middle))
            }),
            arrange(Arrange::Bottom, |_| {
                Some(Action::AskArrange(Arrange::Bottom))
            }),
        ],
    ),
    Row::of(
        "Delete",
        "Remove",
        &[key("Remove what is selected", PLAIN, Key::Delete, removed)
            .or(Press::Key(PLAIN, Key::Backspace))
            // An event of the schedule that has the keyboard takes it itself.
            .only(|now| !now.schedule_has_keys)],
    ),
];

// Nodes and links have Delete in common; the rest of these is taken where the thing is.
const LINKS: &[Row] = &[
    Row::of("Enter", "Type the latency", &[]),
    Row::of("Drag its middle", "Pull the latency", &[]),
    Row::of("Drag an end", "To another node", &[]),
    Row::of("Delete", "Remove", &[]),
];

const TIME_LINE: &[Row] = &[
    Row::of("\u{2190}  \u{2192}", "Move an event (Shift: more)", &[]),
    Row::of("Enter", "Open it, or add one", &[]),
    Row::of("Delete", "Take it out", &[]),
    Row::of("Alt", "Drag to any instant", &[]),
];

const DOCUMENT: &[Row] = &[
    Row::of(
        "Ctrl+N",
        "New",
        &[key("New", CTRL, Key::N, |_| Some(Action::New)).everywhere()],
    ),
    Row::of(
        "Ctrl+O",
        "Open",
        &[key("Open", CTRL, Key::O, |_| Some(Action::Open)).everywhere()],
    ),
    Row::of(
        "Ctrl+S",
        "Save",
        &[key("Save", CTRL, Key::S, |_| Some(Action::Save)).even_typing()],
    ),
    Row::of(
        "Ctrl+Shift+S",
        "Save as",
        &[key("Save as", CTRL_SHIFT, Key::S, |_| Some(Action::SaveAs)).even_typing()],
    ),
    Row::of(
        "Ctrl+Shift+E",
        "Take away: pictures, data",
        &[key("Take away", CTRL_SHIFT, Key::E, |_| {
            Some(Action::ShowTaking)
        })
        .even_quiet()],
    ),
    Row::of(
        "Ctrl+Shift+C",
        "Copy a picture of all",
        &[key("Copy a picture of all", CTRL_SHIFT, Key::C, |_| {
            Some(Action::CopyPicture)
        })
        .even_quiet()],
    ),
    Row::of(
        "Ctrl+Z",
        "Undo",
        &[key("Undo", CTRL, Key::Z, |_| Some(Action::Undo))
            .even_quiet()
            .repeating()],
    ),
    Row::of(
        "Ctrl+Shift+Z",
        "Redo",
        &[key("Redo", CTRL_SHIFT, Key::Z, |_| Some(Action::Redo))
            .or(Press::Key(CTRL, Key::Y))
            .even_quiet()
            .repeating()],
    ),
];

const WINDOW: &[Row] = &[
    // The shell and egui take these.
    Row::of("F6", "Next pane", &[]),
    Row::of("Tab", "Next control", &[]),
    Row::of(
        "?",
        "These shortcuts",
        &[Shortcut::new("Shortcuts", Press::Typed("?"), |_| Some(Action::ToggleHelp)).on_start()],
    ),
];

/// What a key asks for.
type Ask = fn(&View) -> Option<Action>;

const fn key(name: &'static str, modifiers: Modifiers, key: Key, ask: Ask) -> Shortcut {
    Shortcut::new(name, Press::Key(modifiers, key), ask)
}

/// In the menu of what can be added the digits choose from it.
const fn add(name: &'static str, digit: Key, ask: Ask) -> Shortcut {
    key(name, PLAIN, digit, ask).only(|now| !now.is_menu_open)
}

const fn arrange(way: Arrange, ask: Ask) -> Shortcut {
    let press = match way.key() {
        Some(key) => Press::Key(Modifiers::ALT, key),
        None => Press::Nothing,
    };
    Shortcut {
        when: When::EvenQuiet,
        ..Shortcut::new(way.name(), press, ask).only(|now| names(now.view).len() > 1)
    }
}

fn names<'v>(view: &'v View) -> &'v [String] {
    view.selection.map(Selection::names).unwrap_or_default()
}

/// An instance alone cannot be cut out.
fn can_cut(now: &Situation) -> bool {
    let is_instance = matches!(now.view.selection, Some(Selection::Instance(..)));
    !names(now.view).is_empty() && !is_instance
}
