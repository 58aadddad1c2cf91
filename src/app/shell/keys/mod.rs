//! The keys of the window: [`GROUPS`] has them all, once, and says what each asks for. Here they are taken by it.

mod table;

pub use table::GROUPS;

use egui::{Context, Event, Key, Modifiers};

use crate::app::action::Action;
use crate::app::panes::charts::{holds_focus, takes_escape};
use crate::app::run::state::View;

/// Keys under a heading of the sheet of shortcuts.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// The heading.
    pub heading: &'static str,
    /// Its rows.
    pub rows: &'static [Row],
}

/// A row of the sheet: one key, or a few that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The keys as they are shown.
    pub keys: &'static str,
    /// What they do.
    pub does: &'static str,
    /// Each of them; none where something else than the window takes the key.
    pub shortcuts: &'static [Shortcut],
}

/// Something that can be asked for by a key.
#[derive(Clone, Copy, Debug)]
pub struct Shortcut {
    /// What it is called.
    pub name: &'static str,
    /// Its key, and another one that does the same.
    presses: [Press; 2],
    /// What it asks for; `None`: nothing as things are.
    pub ask: fn(&View) -> Option<Action>,
    when: When,
    /// Whether the start screen knows it.
    on_start: bool,
    /// Whether it goes further each time that the keyboard repeats it.
    repeats: bool,
    /// Whether the key is the window's as things are; else it is left to others.
    only: fn(&Situation) -> bool,
}

/// What is pressed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Press {
    Nothing,
    /// This key with exactly these modifiers: Ctrl+C must stay "copy" and not crash anything.
    Key(Modifiers, Key),
    /// This character: where it is on the keyboard depends on the layout.
    Typed(&'static str),
    /// The keys of the system's clipboard.
    Copy,
    Cut,
    Paste,
}

/// When a key is listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    /// Not where something was typed a moment ago: whoever goes on typing means none of these letters and digits.
    Calm,
    /// Then, too.
    EvenQuiet,
    /// Even while text is being typed: what is in the field is meant to be saved, too.
    EvenTyping,
}

/// What decides whether a key is the window's.
struct Situation<'a> {
    view: &'a View<'a>,
    /// Something lies over the view that Esc closes.
    covered: bool,
    dragging: bool,
    is_menu_open: bool,
    /// An event of the schedule has the keyboard.
    schedule_has_keys: bool,
}

impl Row {
    const fn of(keys: &'static str, does: &'static str, shortcuts: &'static [Shortcut]) -> Self {
        Self {
            keys,
            does,
            shortcuts,
        }
    }
}

impl Shortcut {
    const fn new(name: &'static str, press: Press, ask: fn(&View) -> Option<Action>) -> Self {
        Self {
            name,
            presses: [press, Press::Nothing],
            ask,
            when: When::Calm,
            on_start: false,
            repeats: false,
            only: |_| true,
        }
    }

    const fn or(mut self, press: Press) -> Self {
        self.presses[1] = press;
        self
    }

    const fn even_quiet(mut self) -> Self {
        self.when = When::EvenQuiet;
        self
    }

    const fn even_typing(mut self) -> Self {
        self.when = When::EvenTyping;
        self
    }

    const fn on_start(mut self) -> Self {
        self.on_start = true;
        self
    }

    const fn everywhere(self) -> Self {
        self.even_quiet().on_start()
    }

    const fn repeating(mut self) -> Self {
        self.repeats = true;
        self
    }

    const fn only(mut self, only: fn(&Situation) -> bool) -> Self {
        self.only = only;
        self
    }

    /// Takes its keys of this frame and returns what they ask for.
    fn taken(&self, ctx: &Context, view: &View) -> Vec<Action> {
        let clipboard = self.presses.iter().any(|press| press.is_clipboard());
        let mut actions = Vec::new();
        let mut pressed = false;
        ctx.input_mut(|input| {
            input.events.retain(|event| {
                if !self.presses.iter().any(|press| press.is(event)) {
                    return true;
                }
                match event {
                    Event::Paste(text) => actions.push(Action::Paste(text.clone())),
                    _ if clipboard => actions.extend((self.ask)(view)),
                    // What the keyboard repeats while it is held is taken, too, but need not count.
                    Event::Key { repeat: true, .. } => pressed |= self.repeats,
                    _ => pressed = true,
                }
                false
            });
        });
        if pressed {
            actions.extend((self.ask)(view));
        }
        actions
    }
}

impl Press {
    fn is(self, event: &Event) -> bool {
        match (self, event) {
            (
                Self::Key(modifiers, key),
                Event::Key {
                    key: k,
                    pressed: true,
                    modifiers: m,
                    ..
                },
            ) => *k == key && m.matches_exact(modifiers),
            (Self::Typed(text), Event::Text(typed)) => typed == text,
            (Self::Copy, Event::Copy)
            | (Self::Cut, Event::Cut)
            | (Self::Paste, Event::Paste(_)) => true,
            _ => false,
        }
    }

    fn is_clipboard(self) -> bool {
        matches!(self, Self::Copy | Self::Cut | Self::Paste)
    }
}

/// Every shortcut, in the order of the sheet.
pub fn all() -> impl Iterator<Item = &'static Shortcut> {
    let rows = GROUPS.iter().flat_map(|group| group.rows);
    rows.flat_map(|row| row.shortcuts)
}

/// Takes the keys that mean the same while text is being typed.
pub fn while_typing(ctx: &Context, view: &View) -> Vec<Action> {
    all()
        .filter(|shortcut| shortcut.when == When::EvenTyping)
        .flat_map(|shortcut| shortcut.taken(ctx, view))
        .collect()
}

/// Takes the keys of this frame that the main view knows and returns what they ask for. Call it before any widget, and
/// not while text is being typed.
/// `covered`: something lies over the view that Esc closes. `quiet`: something was typed a moment ago.
pub fn main_view(ctx: &Context, view: &View, covered: bool, quiet: bool) -> Vec<Action> {
    let is_menu_open = egui::Popup::is_any_open(ctx);
    let now = Situation {
        view,
        covered: covered || is_menu_open || takes_escape(ctx),
        dragging: ctx.input(|input| input.pointer.any_down()),
        is_menu_open,
        schedule_has_keys: holds_focus(ctx),
    };
    let least = if quiet { When::EvenQuiet } else { When::Calm };
    all()
        .filter(|shortcut| shortcut.when >= least && (shortcut.only)(&now))
        .flat_map(|shortcut| shortcut.taken(ctx, view))
        .collect()
}

/// Takes the keys that the start screen knows.
pub fn start_screen(ctx: &Context, view: &View) -> Vec<Action> {
    all()
        .filter(|shortcut| shortcut.on_start)
        .flat_map(|shortcut| shortcut.taken(ctx, view))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A press as the sheet writes it.
    fn written(press: Press) -> String {
        match press {
            Press::Key(modifiers, key) => {
                let mut text = String::new();
                for (held, word) in [
                    (modifiers.command, "Ctrl+"),
                    (modifiers.alt, "Alt+"),
                    (modifiers.shift, "Shift+"),
                ] {
                    text.push_str(if held { word } else { "" });
                }
                let name = match key {
                    Key::Period => ".",
                    Key::Escape => "Esc",
                    key => key.name(),
                };
                text + name
            }
            Press::Typed(text) => text.to_owned(),
            Press::Copy => "Ctrl+C".to_owned(),
            Press::Cut => "Ctrl+X".to_owned(),
            Press::Paste => "Ctrl+V".to_owned(),
            Press::Nothing => String::new(),
        }
    }

    #[test]
    fn the_sheet_shows_the_keys_that_are_taken() {
        for row in GROUPS.iter().flat_map(|group| group.rows) {
            if let [one] = row.shortcuts {
                assert_eq!(row.keys, written(one.presses[0]), "{}", one.name);
            }
        }
    }

    #[test]
    fn no_key_means_two_things_and_no_name_is_given_twice() {
        let mut keys: Vec<String> = all()
            .flat_map(|shortcut| shortcut.presses)
            .filter(|press| *press != Press::Nothing)
            .map(written)
            .collect();
        let mut names: Vec<&str> = all().map(|shortcut| shortcut.name).collect();
        for count in [keys.len(), names.len()] {
            assert!(count > 30, "{count}");
        }
        keys.sort_unstable();
        names.sort_unstable();
        let twice = |all: &[String]| all.windows(2).any(|pair| pair[0] == pair[1]);
        assert!(!twice(&keys), "{keys:?}");
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        assert!(!twice(&names), "{names:?}");
    }
}
