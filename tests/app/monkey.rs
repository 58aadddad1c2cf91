//! Random gestures of a hand that means no good: nothing panics, and undo leads back to the file, byte for byte.
//!
//! `GESTURES=20000 cargo test --test app monkey` is the long form; `SEED=N` begins elsewhere.

use crate::support::window::Window;
use egui::{Event, Key, Modifiers, PointerButton, Pos2, pos2, vec2};
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus as Random;
use statescope::model::{file, load};

/// Presets with state in memory, in stores, and with events that change the system.
const PRESETS: [&str; 3] = ["sticky-in-memory", "external-redis", "rolling-deployment"];
/// The document keeps two hundred steps: after fewer gestures that each make two at most, all can be taken back.
const ROUND: usize = 90;

fn number(name: &str, otherwise: usize) -> usize {
    let told = std::env::var(name).ok();
    told.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

struct Monkey {
    random: Random,
    window: Window,
    copied: String,
}

impl Monkey {
    fn any<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.random.random_range(0..of.len())]
    }

    fn chance(&mut self, share: f64) -> bool {
        self.random.random_range(0.0..1.0) < share
    }

    /// Somewhere on the canvas, most often on a card: what else there is in the window opens and writes files.
    fn spot(&mut self) -> Pos2 {
        let spot = self.any_spot();
        self.on_canvas(spot)
    }

    fn on_canvas(&self, spot: Pos2) -> Pos2 {
        use egui_kittest::kittest::Queryable as _;
        let pane = self
            .window
            .harness
            .get_by_label("Canvas")
            .rect()
            .shrink(4.0);
        spot.clamp(pane.min, pane.max)
    }

    fn any_spot(&mut self) -> Pos2 {
        let canvas = pos2(60.0, 60.0);
        let anywhere = canvas
            + vec2(
                self.random.random_range(0.0..900.0),
                self.random.random_range(0.0..480.0),
            );
        let names: Vec<String> = self.window.topology().nodes.keys().cloned().collect();
        if names.is_empty() || self.chance(0.3) {
            return anywhere;
        }
        if self.chance(0.3) {
            return self.link_spot().unwrap_or(anywhere);
        }
        let name = self.any(&names).clone();
        let kinds = [
            "Clients",
            "Load balancer",
            "Service",
            "Redis-like store",
            "SQL database",
            "Object store",
        ];
        for kind in kinds {
            let label = format!("{kind} {name}");
            let mut found =
                egui_kittest::kittest::Queryable::query_all_by_label(&self.window.harness, &label);
            if let Some(rect) = found.next().map(|card| card.rect()) {
                let within = vec2(
                    self.random.random_range(0.0..1.0),
                    self.random.random_range(0.0..1.0),
                );
                return rect.min + within * rect.size();
            }
        }
        anywhere
    }

    /// On a link, or on what can be pulled at one.
    fn link_spot(&mut self) -> Option<Pos2> {
        let links = self.window.topology().links.0.iter();
        let words: Vec<String> = links
            .map(|link| format!("{} to {}", link.from, link.to))
            .collect();
        if words.is_empty() {
            return None;
        }
        let parts = [
            "Link",
            "Pull the start of",
            "Pull the end of",
            "Pull the latency of",
            "Latency of",
        ];
        let label = format!("{} {}", *self.any(&parts), self.any(&words));
        let mut found = egui_kittest::kittest::Queryable::query_all_by_label_contains(
            &self.window.harness,
            &label,
        );
        Some(found.next()?.rect().center())
    }

    fn modifiers(&mut self) -> Modifiers {
        *self.any(&[
            Modifiers::NONE,
            Modifiers::NONE,
            Modifiers::NONE,
            Modifiers::SHIFT,
            Modifiers::ALT,
            Modifiers::COMMAND,
        ])
    }

    fn event(&mut self, event: Event, modifiers: Modifiers) {
        self.window.harness.event_modifiers(event, modifiers);
        self.window.frames(1);
    }

    fn button(&mut self, pos: Pos2, button: PointerButton, pressed: bool, modifiers: Modifiers) {
        let event = Event::PointerButton {
            pos,
            button,
            pressed,
            modifiers,
        };
        self.event(event, modifiers);
    }

    fn click(&mut self, at: Pos2, button: PointerButton, modifiers: Modifiers) {
        self.event(Event::PointerMoved(at), modifiers);
        self.button(at, button, true, modifiers);
        self.button(at, button, false, modifiers);
    }

    fn gesture(&mut self) -> String {
        let at = self.spot();
        let modifiers = self.modifiers();
        let keys = [
            Key::F2,
            Key::Delete,
            Key::Escape,
            Key::Escape,
            Key::Enter,
            Key::ArrowLeft,
            Key::ArrowDown,
            Key::Num1,
            Key::Num2,
            Key::Num3,
            Key::Num4,
            Key::Num5,
            Key::Num6,
            Key::Space,
            Key::F,
            Key::V,
            Key::H,
            Key::C,
        ];
        match self.random.random_range(0..16) {
            0..3 => {
                self.click(at, PointerButton::Primary, modifiers);
                format!("click {at} {modifiers:?}")
            }
            3..6 => {
                let to = self.spot();
                self.event(Event::PointerMoved(at), modifiers);
                self.button(at, PointerButton::Primary, true, modifiers);
                for part in [0.5, 1.0] {
                    self.event(Event::PointerMoved(at + (to - at) * part), modifiers);
                }
                if self.chance(0.1) {
                    self.window.key(Key::Escape);
                }
                self.button(to, PointerButton::Primary, false, modifiers);
                format!("drag {at} to {to} {modifiers:?}")
            }
            6 => {
                self.click(at, PointerButton::Primary, Modifiers::NONE);
                self.click(at, PointerButton::Primary, Modifiers::NONE);
                format!("double click {at}")
            }
            7 => {
                self.click(at, PointerButton::Secondary, Modifiers::NONE);
                self.window.frames(2);
                let below = at + vec2(60.0, self.random.random_range(20.0..300.0));
                let below = self.on_canvas(below);
                self.click(below, PointerButton::Primary, Modifiers::NONE);
                format!("menu at {at}, then {below}")
            }
            8 => {
                let text = *self.any(&["a", "-", "x1", "lb", ".", "é", " "]);
                self.event(Event::Text(text.into()), Modifiers::NONE);
                format!("type {text}")
            }
            9 => {
                let text = match self.random.random_range(0..3) {
                    0 if !self.copied.is_empty() => self.copied.clone(),
                    1 => "Topology(schema: 1, nodes: {\"api\": Service()})".to_owned(),
                    _ => "nonsense".to_owned(),
                };
                self.event(Event::Paste(text), Modifiers::NONE);
                "paste".to_owned()
            }
            10 => {
                let cut = self.chance(0.3);
                let event = if cut { Event::Cut } else { Event::Copy };
                self.event(event, Modifiers::NONE);
                let commands = &self.window.harness.output().platform_output.commands;
                for command in commands {
                    if let egui::OutputCommand::CopyText(text) = command {
                        self.copied.clone_from(text);
                    }
                }
                format!("copy, cut: {cut}")
            }
            11 => {
                let key = *self.any(&[Key::A, Key::D, Key::Z, Key::Y, Key::Tab]);
                self.window.keys(Modifiers::COMMAND, key);
                format!("Ctrl+{key:?}")
            }
            _ => {
                let key = *self.any(&keys);
                let shift = self.chance(0.2);
                let modifiers = if shift {
                    Modifiers::SHIFT
                } else {
                    Modifiers::NONE
                };
                self.window.keys(modifiers, key);
                format!("key {key:?}")
            }
        }
    }

    /// Takes all back; the text of the document then.
    fn all_undone(&mut self) -> String {
        // Out of whatever is open or being typed.
        for _ in 0..4 {
            self.window.key(Key::Escape);
        }
        for _ in 0..300 {
            if self.window.shell().live().document().undo_label().is_none() {
                break;
            }
            self.window.keys(Modifiers::COMMAND, Key::Z);
        }
        self.window.shell().live().document().text().into_owned()
    }
}

#[test]
fn random_gestures_never_panic_and_are_all_taken_back() {
    let gestures = number("GESTURES", 270);
    let rounds = gestures.div_ceil(ROUND).max(PRESETS.len());
    let first = number("SEED", 1);
    for round in first..first + rounds {
        let preset = PRESETS[round % PRESETS.len()];
        let mut monkey = Monkey {
            random: Random::seed_from_u64(round as u64),
            window: Window::on(preset),
            copied: String::new(),
        };
        let text = load(preset).unwrap().text;
        let mut done = Vec::new();
        for _ in 0..ROUND {
            done.push(monkey.gesture());
            let written = file::write(monkey.window.topology());
            file::read(&written, "written").unwrap_or_else(|error| {
                panic!("SEED={round} {preset}: {error}\n{}", done.join("\n"))
            });
        }
        let undone = monkey.all_undone();
        assert!(
            undone == text,
            "SEED={round} {preset}: not as it was after\n{}\n{undone}",
            done.join("\n")
        );
    }
}
