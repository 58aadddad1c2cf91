//! The running system follows the document: by commands, or under other names, or not, where the document cannot be run.

use std::sync::Arc;

use super::Live;
use crate::app::action::Selection;
use crate::app::run::runner::Order;
use crate::app::words::problems;
use crate::model::check::{Problem, Severity, check};
use crate::model::difference::{difference, reconnected};
use crate::model::{Command, Renaming, Topology};
use crate::sim::schedule::instants;
use crate::units::Duration;

impl Live {
    /// What is selected is the same as before a step, by whatever name it goes now.
    pub(super) fn follow_selection(&mut self, before: &Topology) {
        let names = Renaming::between(before, self.document.topology());
        if !names.is_empty() {
            if let Some(selection) = &mut self.selection {
                selection.rename(&names);
            }
            self.renamings.push(names);
        }
        let after = self.document.topology();
        if let Some(Selection::Link(key)) = &mut self.selection
            && let Some(at) = before.links.find(key)
            && let Some(link) = reconnected(before, after, &before.links.0[at])
        {
            *key = link.key();
        }
        self.keep_selection();
    }

    /// Drops a selection of what is gone.
    pub(super) fn keep_selection(&mut self) {
        let topology = self.document.topology();
        if let Some(Selection::Nodes(names)) = &mut self.selection {
            names.retain(|name| topology.nodes.contains_key(name));
            self.selection = Selection::of(std::mem::take(names));
        }
        let there = match &self.selection {
            None | Some(Selection::Nodes(_)) => true,
            Some(Selection::Node(name) | Selection::Instance(name, _)) => {
                topology.nodes.contains_key(name)
            }
            Some(Selection::Link(key)) => {
                topology.links.find(key).is_some() || self.is_implied(key)
            }
        };
        if !there {
            self.selection = None;
        }
    }

    /// Nodes that are called differently in the document are called so in the running system, too, in what was recorded of
    /// it and in what is shown; the run goes on undisturbed.
    pub(super) fn follow_names(&mut self) {
        let mut names = Renaming::between(&self.running, self.document.topology());
        if names.is_empty() {
            return;
        }
        let events = self.latest.recording.iter().chain(&*self.latest.scenario);
        let events = events.chain(&self.at_reset.scenario);
        let added = events.filter_map(|timed| timed.command().adds());
        let known = self.at_reset.nodes.keys().chain(self.running.nodes.keys());
        names.make_way(known.map(String::as_str).chain(added));
        self.renamed += 1;
        names.topology(&mut self.running);
        names.topology(&mut self.at_reset);
        let latest = Arc::make_mut(&mut self.latest);
        latest.snapshot.rename(&names);
        for events in [&mut latest.recording, &mut latest.scenario] {
            for timed in Arc::make_mut(events) {
                names.timed(timed);
            }
        }
        self.history.rename(&names);
        self.notices.rename(&names);
        self.readings.rename(&names);
        names.keys(&mut self.dismissed);
        self.runner.order(Order::Rename(self.renamed, names));
    }

    /// Brings the running system to what the document says: by these commands, or by the difference.
    pub(super) fn follow(&mut self, commands: Option<Vec<Command>>) {
        self.follow_names();
        self.check();
        if self.problem.is_some() {
            self.held |= self.latest.playing;
            self.runner.order(Order::Pause);
            return;
        }
        let document = self.document.topology();
        let commands = commands.unwrap_or_else(|| difference(&self.running, document));
        let fresh = self.latest.run == self.run
            && self.latest.snapshot.now == Duration(0)
            && !self.latest.playing
            && self.latest.recording.is_empty();
        if fresh || self.latest.failure.is_some() || self.running.nodes.is_empty() {
            self.start();
            return;
        }
        self.bring_up_to_date(commands);
        if std::mem::take(&mut self.held) {
            self.runner.order(Order::Play);
        }
    }

    /// Does this to the running system, and gives it the document's schedule for what is still to come.
    pub(super) fn bring_up_to_date(&mut self, commands: Vec<Command>) {
        let document = self.document.topology().clone();
        let known = std::mem::replace(&mut self.running, document);
        let commands: Vec<Command> = (commands.into_iter())
            .filter(Command::is_of_system)
            .collect();
        if !commands.is_empty() {
            self.runner.order(Order::Apply(commands));
        }
        if known.scenario != self.running.scenario {
            let scenario = self.running.scenario.clone();
            self.runner.order(Order::Reschedule(scenario));
        }
    }

    pub(super) fn check(&mut self) {
        let topology = self.document.topology();
        (self.problem, self.warnings) = checked(topology);
        self.schedule = instants(&topology.nodes, &topology.scenario, topology.seed);
        let wanted = !topology.expects.is_empty();
        if wanted != self.wants_results {
            self.wants_results = wanted;
            self.runner.order(Order::Results(wanted));
        }
    }

    /// Whether a command is about a node that does not run, because the document cannot be run as it is.
    pub(super) fn lacks(&self, command: &Command) -> bool {
        let known = |node: &str| self.running.nodes.contains_key(node);
        let runs = match (command, command.sides()) {
            (_, Some(sides)) => [&sides.from, &sides.to]
                .into_iter()
                .all(|side| side.node().is_none_or(known)),
            (Command::LoseZone(zone), None) => self.running.zones().contains(&zone.as_str()),
            (_, None) => command.node().is_some_and(known),
        };
        self.problem.is_some() && !runs
    }
}

/// Why a topology cannot be run, in a sentence, if so; and what is probably not meant though it can be.
fn checked(topology: &Topology) -> (Option<String>, Vec<Problem>) {
    let is_error = |problem: &Problem| problem.severity == Severity::Error;
    let (errors, warnings): (Vec<_>, Vec<_>) = check(topology).into_iter().partition(is_error);
    let first = errors.first();
    (
        first.map(|error| problems::problem(error, topology)),
        warnings,
    )
}
