//! Steps that are taken back and done again.
//!
//! Undo keeps whole topologies: they are small, and so no edit can be taken back wrongly.

use super::Document;
use crate::model::Topology;

/// Steps that can be taken back.
const STEPS_MAX: usize = 200;

/// What was done, and the topology on the other side of it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) number: u64,
    pub(super) label: String,
    pub(super) topology: Topology,
}

impl Document {
    pub(super) fn step(&mut self, changed: Topology, label: &str) {
        if changed == self.topology {
            return;
        }
        if self.undo.len() == STEPS_MAX {
            self.undo.remove(0);
        }
        self.steps += 1;
        self.changes += 1;
        self.remembered.note(&self.topology, &changed);
        self.undo.push(Step {
            number: self.steps,
            label: label.to_owned(),
            topology: std::mem::replace(&mut self.topology, changed),
        });
        self.redo.clear();
    }

    /// The number of the step that undo would take back.
    pub fn undo_number(&self) -> Option<u64> {
        self.undo.last().map(|step| step.number)
    }

    /// The number of the step that redo would do again.
    pub fn redo_number(&self) -> Option<u64> {
        self.redo.last().map(|step| step.number)
    }

    /// Whether a step has been done and not taken back.
    pub fn is_done(&self, number: u64) -> bool {
        self.undo.iter().any(|step| step.number == number)
    }

    /// What undo would take back.
    pub fn undo_label(&self) -> Option<&str> {
        self.undo.last().map(|step| step.label.as_str())
    }

    /// What redo would do again.
    pub fn redo_label(&self) -> Option<&str> {
        self.redo.last().map(|step| step.label.as_str())
    }

    /// Takes back the last step; false when there is none.
    pub fn undo(&mut self) -> bool {
        let before = self.topology.clone();
        let turned = turn(&mut self.undo, &mut self.redo, &mut self.topology);
        self.remembered.note(&before, &self.topology);
        self.changes += 1;
        turned
    }

    /// Does the step again that was last taken back; false when there is none.
    pub fn redo(&mut self) -> bool {
        let before = self.topology.clone();
        let turned = turn(&mut self.redo, &mut self.undo, &mut self.topology);
        self.remembered.note(&before, &self.topology);
        self.changes += 1;
        turned
    }
}

/// Takes a step from one stack to the other.
fn turn(from: &mut Vec<Step>, to: &mut Vec<Step>, topology: &mut Topology) -> bool {
    let Some(step) = from.pop() else { return false };
    to.push(Step {
        number: step.number,
        label: step.label,
        topology: std::mem::replace(topology, step.topology),
    });
    true
}
