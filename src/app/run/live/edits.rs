//! Changes of the document, which the running system follows.

use super::{Answer, Live};
use crate::app::action::{Action, Placed, Selection};
use crate::app::widgets::{About, Toast};
use crate::app::words::{format, problems, spoken};
use crate::model::check::implied_links;
use crate::model::difference::difference;
use crate::model::toggles::store_left_unused;
use crate::model::{Command, Topology};

impl Live {
    /// Changes the document, in one step of that name, and the running system with it; says why if it cannot be.
    pub fn edit(&mut self, commands: &[Command], label: &str) {
        let before = self.document.topology().clone();
        if let Err(error) = self.document.edit(commands, label) {
            let why = problems::refusal(&error, self.document.topology());
            self.messages.push(Toast::error(why));
            return;
        }
        self.keep_selection();
        let adds_or_removes = |command: &Command| {
            matches!(
                command,
                Command::Add(..) | Command::Remove(_) | Command::Unlink(_)
            )
        };
        // What changes more than was pointed at says so.
        let more = commands.len() > 1 || commands.iter().any(adds_or_removes);
        let text = match commands {
            [Command::Unlink(path)] if self.is_implied(path) => {
                format!("{label}; the calls that a setting implies stay")
            }
            _ => label.to_owned(),
        };
        let message = self.step_message(&text);
        self.await_dropped(message.clone());
        if more && let Some(message) = message {
            self.messages.push(message);
        }
        if let Some(store) = store_left_unused(&before, self.document.topology()) {
            let remove = Action::Edit(
                vec![Command::Remove(store.clone())],
                format!("Removed {store}"),
            );
            let text = format!("Nothing uses {store} any more");
            self.messages
                .push(Toast::info(text).with_action("Remove it", Answer::Do(remove)));
        }
        let same_start = self.running == before;
        self.follow(same_start.then(|| commands.to_vec()));
    }

    /// Gives a node another name.
    pub fn rename(&mut self, name: &str, new: &str) {
        let before = self.document.topology().clone();
        match self.document.rename(name, new) {
            Ok(()) => {
                self.follow_selection(&before);
                self.follow(None);
            }
            Err(error) => self.messages.push(Toast::error(error)),
        }
    }

    /// Gives a link, by its key, other ends.
    pub fn reconnect(&mut self, key: &str, from: &str, to: &str) {
        let before = self.document.topology().clone();
        if let Err(error) = self.document.reconnect(key, from, to) {
            let why = spoken::sentence(&error, |name| before.nodes.contains_key(name));
            self.messages.push(Toast::error(spoken::capitalised(&why)));
            return;
        }
        self.follow_selection(&before);
        let after = self.document.topology();
        let commands = difference(&before, after);
        let followed = before.scenario.iter().zip(&after.scenario);
        let followed = followed.filter(|(old, new)| old != new).count() as u64;
        if followed > 0 {
            let label = self.document.undo_label().unwrap_or_default();
            let events = format::counted(followed, "event", "events");
            let text = format!("{label}, and {events} of the scenario with it");
            let message = self.step_message(&text);
            self.messages.extend(message);
        }
        let same_start = self.running == before;
        self.follow(same_start.then_some(commands));
    }

    /// Moves nodes on the canvas; `continued`: as part of the step before.
    pub fn move_nodes(&mut self, places: &Placed, continued: bool) {
        self.document.move_nodes(places, continued);
    }

    /// Moves nodes on the canvas as part of the move before, while a key is held.
    pub fn move_on(&mut self, places: &Placed) {
        self.document.move_on(places);
    }

    /// Moves nodes on the canvas, in a step of that name.
    pub fn arrange(&mut self, places: &Placed, label: &str) {
        self.document.arrange(places, label);
    }

    /// Adds copies of these nodes, so much further to the right and down; others stay at the places given.
    pub fn duplicate(&mut self, names: &[String], by: (f32, f32), fixed: &Placed) {
        let before = self.document.topology().clone();
        let copies = self.document.duplicate(names, by, fixed);
        self.added(&before, copies);
    }

    /// Adds the nodes of a part, in a step of that name; others stay at the places given.
    pub fn insert(&mut self, part: &Topology, label: &str, fixed: &Placed) {
        let before = self.document.topology().clone();
        let names = self.document.insert(part, label, fixed);
        self.added(&before, names);
    }

    /// Gives the run another seed, which starts it again.
    pub fn set_seed(&mut self, seed: u64) {
        let label = format!("Seed {seed}");
        self.document
            .change(&label, |topology| topology.seed = seed);
        self.renew();
        let message = self.step_message(&label);
        self.messages.extend(message);
    }

    /// After nodes were added to the document, or could not be: they are selected, and the step is told.
    fn added(&mut self, before: &Topology, names: Result<Vec<String>, String>) {
        let names = match names {
            Ok(names) => names,
            Err(error) => {
                self.messages.push(Toast::error(error));
                return;
            }
        };
        self.selection = Selection::of(names);
        let label = self.document.undo_label().unwrap_or_default().to_owned();
        let message = self.step_message(&label);
        self.await_dropped(message.clone());
        self.messages.extend(message);
        let commands = difference(before, self.document.topology());
        let same_start = self.running == *before;
        self.follow(same_start.then_some(commands));
    }

    /// Takes back the last step.
    pub fn undo(&mut self) {
        if let Some(number) = self.document.undo_number() {
            self.undo_step(number);
        }
    }

    /// Does again what was taken back last.
    pub fn redo(&mut self) {
        if let Some(number) = self.document.redo_number() {
            self.redo_step(number);
        }
    }

    /// Takes back this step, if it is the last one.
    pub fn undo_step(&mut self, number: u64) {
        if self.document.undo_number() != Some(number) {
            return;
        }
        let label = self.document.undo_label().unwrap_or_default().to_owned();
        let before = self.document.topology().clone();
        self.document.undo();
        self.follow_selection(&before);
        let text = format!("Undone: {label}");
        self.after_turn(&text, "Redo", Action::RedoStep(number));
    }

    /// Does this step again, if it is the one that was taken back last.
    pub fn redo_step(&mut self, number: u64) {
        if self.document.redo_number() != Some(number) {
            return;
        }
        let label = self.document.redo_label().unwrap_or_default().to_owned();
        let before = self.document.topology().clone();
        self.document.redo();
        self.follow_selection(&before);
        let text = format!("Done again: {label}");
        self.after_turn(&text, "Undo", Action::UndoStep(number));
    }

    fn after_turn(&mut self, text: &str, word: &str, back: Action) {
        let message = Toast::info(text)
            .with_action(word, Answer::Do(back))
            .about(About::Turn);
        self.await_dropped(Some(message.clone()));
        self.messages.push(message);
        if self.document.topology().seed != self.at_reset.seed {
            // Another seed is another run; the one it was taken from may still be there.
            let seed = self.document.topology().seed;
            match &self.aside {
                Some(aside) if aside.at_reset.seed == seed => self.restore_run(),
                _ => drop(self.renew()),
            }
            return;
        }
        self.follow(None);
    }

    /// Whether a setting of the document implies a link.
    pub(super) fn is_implied(&self, path: &str) -> bool {
        let ends = path
            .split_once("->")
            .map(|(from, to)| (from.trim(), to.trim()));
        implied_links(self.document.topology())
            .iter()
            .any(|implied| Some((implied.from, implied.to)) == ends)
    }
}
