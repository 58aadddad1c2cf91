//! What is said of a step, of the run, and of what cannot be; and whether that still holds.

use super::{Answer, Live};
use crate::app::action::Action;
use crate::app::widgets::{About, Toast};
use crate::app::words::events;
use crate::model::Command;
use crate::model::toggles::is_unused;
use crate::sim::snapshot::What;

/// A change whose message waits for what it does to the sessions and writes that there are.
#[derive(Debug)]
pub(super) struct ToldChange {
    message: Toast<Answer>,
    /// Happenings up to here came before it.
    after: Option<u64>,
    dropped: [u64; 2],
}

impl Live {
    /// The message about the last step, with the way back.
    pub(super) fn step_message(&self, text: &str) -> Option<Toast<Answer>> {
        let number = self.document.undo_number()?;
        let message = Toast::info(text)
            .with_action("Undo", Answer::Do(Action::UndoStep(number)))
            .about(About::Step(number));
        Some(message)
    }

    /// Whether a message still says what can be done; its action is taken away where only that is out of date.
    pub fn stands(&self, message: &mut Toast<Answer>) -> bool {
        if let Some(About::Step(number)) = message.about
            && !self.document.is_done(number)
        {
            return false;
        }
        let Some((_, Answer::Do(action))) = &message.action else {
            return true;
        };
        match action {
            Action::UndoStep(number) if self.document.undo_number() == Some(*number) => true,
            Action::UndoStep(number) => {
                let done = self.document.is_done(*number);
                message.action = None;
                done
            }
            Action::RedoStep(number) => self.document.redo_number() == Some(*number),
            Action::RestoreRun => self.aside.is_some(),
            Action::Edit(commands, _) => commands.iter().all(|command| match command {
                Command::Remove(store) => is_unused(self.document.topology(), store),
                _ => true,
            }),
            _ => true,
        }
    }

    /// From now on, what a change drops belongs to this message.
    pub(super) fn await_dropped(&mut self, message: Option<Toast<Answer>>) {
        let last = self.latest.snapshot.happenings.last();
        let after = last.map(|happening| happening.id);
        self.told_change = message.map(|message| ToldChange {
            message,
            after,
            dropped: [0, 0],
        });
    }

    /// Says what the last change has dropped, once that is known.
    pub(super) fn tell_dropped(&mut self) {
        let Some(told) = &mut self.told_change else {
            return;
        };
        let mut dropped = [0, 0];
        for happening in &self.latest.snapshot.happenings {
            if told.after.is_none_or(|id| happening.id > id)
                && let What::Migrated {
                    node,
                    dropped: lost,
                    ..
                } = &happening.what
            {
                dropped[usize::from(!node.is_empty())] += lost;
            }
        }
        let Some(text) = events::losses(dropped[1], dropped[0]) else {
            return;
        };
        if dropped != told.dropped {
            told.dropped = dropped;
            let mut message = told.message.clone();
            message.text = format!("{}. {}", message.text, text.text.trim_end_matches('.'));
            self.messages.push(message);
        }
    }

    /// The run has filled its memory and stands still.
    pub(super) fn tell_full(&mut self) {
        if let Some(full) = self.latest.full.clone() {
            let short = "Paused: too much has piled up in the simulation";
            self.messages
                .push(Toast::error(short).with_action("Show", Answer::Details(full.clone())));
            self.told = Some(full);
        }
    }

    pub(super) fn tell_problem(&mut self) {
        let text = self.view().cannot_run();
        self.messages.extend(text.map(Toast::error));
    }
}
