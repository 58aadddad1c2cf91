//! Nodes get other names while they run. It is no event of the run: whatever tells of a node tells its new name, also of
//! what was before, and nothing else changes.

use std::sync::Arc;

use crate::model::Renaming;
use crate::sim::Sim;
use crate::sim::observe::snapshot::{FaultView, Happening, Interval, Snapshot, What};

impl Sim {
    /// Gives nodes other names. They keep their identities, so the run goes on as it would have.
    pub fn rename(&mut self, names: &Renaming) {
        names.topology(&mut self.topology);
        for timed in Arc::make_mut(&mut self.scenario) {
            names.timed(timed);
        }
        for node in &mut self.nodes {
            names.name(&mut node.name);
        }
        for command in &mut self.commands {
            names.command(command);
        }
        for timed in &mut self.recording {
            names.timed(timed);
        }
        for fault in &mut self.faults {
            names.command(&mut fault.command);
        }
        for idle in &mut self.idle {
            names.command(&mut idle.command);
        }
        for happening in &mut self.observers.log.kept {
            happening.rename(names);
        }
    }
}

impl Happening {
    /// Brings the names in it up to date.
    pub fn rename(&mut self, names: &Renaming) {
        match &mut self.what {
            What::Command { command, .. } | What::NoEffect { command, .. } => {
                names.command(command);
            }
            What::FoundDead { node, .. }
            | What::BackInRotation { node, .. }
            | What::Started { node, .. }
            | What::Stopped { node, .. }
            | What::Promoted { node, .. }
            | What::Demoted { node, .. }
            | What::CalledOff { node, .. }
            | What::Rebalancing { node, .. }
            | What::Rebalanced { node, .. }
            | What::Deployed { node }
            | What::Headers { node, .. }
            | What::Migrated { node, .. } => {
                names.name(node);
            }
        }
    }
}

impl FaultView {
    fn rename(&mut self, names: &Renaming) {
        names.command(&mut self.command);
    }
}

impl Interval {
    /// Brings the names in it up to date.
    pub fn rename(&mut self, names: &Renaming) {
        for node in &mut self.nodes {
            names.name(&mut node.name);
        }
    }
}

impl Snapshot {
    /// Brings the names in it up to date.
    pub fn rename(&mut self, names: &Renaming) {
        for node in &mut self.nodes {
            names.name(&mut node.name);
            for (target, _, _) in &mut node.targets {
                names.name(target);
            }
        }
        for link in &mut self.links {
            names.name(&mut link.from);
            names.name(&mut link.to);
        }
        for fault in &mut self.faults {
            fault.rename(names);
        }
        for happening in &mut self.happenings {
            happening.rename(names);
        }
    }
}
