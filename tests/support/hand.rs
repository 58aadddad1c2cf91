//! A hand on the canvas of the whole window: mouse, keyboard and clipboard.

use egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, Vec2, vec2};
use egui_kittest::kittest::Queryable;
use statescope::app::action::Selection;

use super::window::Window;

/// What a hand does on the canvas, with things by the names that a screen reader tells.
pub trait Hand {
    fn rect(&self, label: &str) -> Rect;
    fn press(&mut self, at: Pos2, modifiers: Modifiers);
    fn let_go(&mut self, at: Pos2, modifiers: Modifiers);
    fn hover(&mut self, at: Pos2);
    fn click_at(&mut self, at: Pos2, modifiers: Modifiers);
    fn double_click_at(&mut self, at: Pos2);
    fn drag(&mut self, from: Pos2, to: Pos2, modifiers: Modifiers);
    fn paste(&mut self, text: &str);
    fn copied(&self) -> String;
    fn choose(&mut self, item: &str);
    fn type_name(&mut self, name: &str, text: &str);
    fn selected(&self) -> Vec<String>;
    fn place(&self, name: &str) -> Vec2;
    fn names(&self) -> Vec<String>;
    fn undo_label(&self) -> String;
}

impl Hand for Window {
    fn rect(&self, label: &str) -> Rect {
        self.harness.get_by_label(label).rect()
    }

    fn press(&mut self, at: Pos2, modifiers: Modifiers) {
        self.hover(at);
        button(self, at, true, modifiers);
    }

    fn let_go(&mut self, at: Pos2, modifiers: Modifiers) {
        button(self, at, false, modifiers);
    }

    fn hover(&mut self, at: Pos2) {
        self.harness.event(Event::PointerMoved(at));
        self.frames(2);
    }

    fn click_at(&mut self, at: Pos2, modifiers: Modifiers) {
        self.press(at, modifiers);
        self.let_go(at, modifiers);
        // So that the next click is none of a double one.
        self.wait(0.7);
    }

    fn double_click_at(&mut self, at: Pos2) {
        for _ in 0..2 {
            self.press(at, Modifiers::NONE);
            self.let_go(at, Modifiers::NONE);
        }
    }

    fn drag(&mut self, from: Pos2, to: Pos2, modifiers: Modifiers) {
        self.press(from, modifiers);
        for part in [0.3, 0.7, 1.0] {
            let at = from + (to - from) * part;
            self.harness
                .event_modifiers(Event::PointerMoved(at), modifiers);
            self.frames(2);
        }
        self.let_go(to, modifiers);
        self.frames(4);
    }

    fn paste(&mut self, text: &str) {
        self.harness.event(Event::Paste(text.to_owned()));
        self.frames(4);
    }

    fn copied(&self) -> String {
        let commands = &self.harness.output().platform_output.commands;
        let text = commands.iter().find_map(|command| match command {
            egui::OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
        text.unwrap_or_default()
    }

    fn choose(&mut self, item: &str) {
        self.frames(4);
        let item = self
            .harness
            .get_by_role_and_label(egui::accesskit::Role::MenuItem, item);
        item.click();
        self.frames(4);
    }

    fn type_name(&mut self, name: &str, text: &str) {
        self.keys(Modifiers::COMMAND, Key::A);
        self.harness
            .get_by_label(&format!("Name of {name}"))
            .type_text(text);
        self.frames(2);
        self.key(Key::Enter);
    }

    fn selected(&self) -> Vec<String> {
        let selection = self.shell().live().view().selection;
        selection.map(Selection::names).unwrap_or_default().to_vec()
    }

    fn place(&self, name: &str) -> Vec2 {
        let (x, y) = self.topology().canvas[name];
        vec2(x, y)
    }

    fn names(&self) -> Vec<String> {
        self.topology().nodes.keys().cloned().collect()
    }

    fn undo_label(&self) -> String {
        self.shell()
            .live()
            .document()
            .undo_label()
            .unwrap_or_default()
            .to_owned()
    }
}

fn button(window: &mut Window, pos: Pos2, pressed: bool, modifiers: Modifiers) {
    window.harness.event_modifiers(
        Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers,
        },
        modifiers,
    );
    window.frames(2);
}

/// Where a card's name stands.
pub fn header(card: Rect) -> Pos2 {
    card.min + vec2(60.0, 16.0)
}
