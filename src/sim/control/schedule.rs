//! When the events of a scenario happen, and how what is still to come gives way to another future.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::model::{Command, Node, Timed, naming};
use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::streams::{Purpose, draw, key_of, purpose_key, unit};
use crate::units::Duration;

/// When each event of a scenario happens, in its order: `At` as it says, `Between` drawn by the seed.
///
/// The draw belongs to what is done and to which node, not to the place in the list, so that another event added, moved
/// or taken out leaves it where it is, and so does another name for the node.
pub fn instants(nodes: &IndexMap<String, Node>, scenario: &[Timed], seed: u64) -> Vec<Duration> {
    let mut alike: BTreeMap<(&'static str, &str), u64> = BTreeMap::new();
    let mut drawn = Vec::with_capacity(scenario.len());
    for timed in scenario {
        drawn.push(match timed {
            Timed::At(at, _) => *at,
            Timed::Between(from, to, command) => {
                let who = (command.name(), identity(nodes, command));
                let count = alike.entry(who).or_default();
                let key = key_of(key_of(seed, "scenario"), &format!("{} {}", who.0, who.1));
                let share = unit(draw(purpose_key(key, Purpose::Instant), *count));
                *count += 1;
                let span = to.0.saturating_sub(from.0) as f64;
                Duration(from.0 + (share * span) as u64)
            }
        });
    }
    drawn
}

/// What the draws of the node that a command is about are kept under.
fn identity<'a>(nodes: &'a IndexMap<String, Node>, command: &'a Command) -> &'a str {
    match command.node() {
        Some(name) => nodes
            .get(name)
            .map_or(name, |node| naming::identity(name, node)),
        None => "",
    }
}

/// An event with the instant that was drawn for it: another draw leads to the same.
fn fixed(timed: &Timed, at: Duration) -> Timed {
    match timed {
        Timed::At(_, command) => Timed::At(at, command.clone()),
        Timed::Between(_, _, command) => Timed::Between(at, at, command.clone()),
    }
}

impl Sim {
    pub(in crate::sim) fn schedule_scenario(&mut self) {
        let at = instants(&self.topology.nodes, &self.scenario, self.seed);
        let commands: Vec<Command> = self.scenario.iter().map(|t| t.command().clone()).collect();
        for (command, at) in commands.into_iter().zip(at) {
            self.schedule(command, at.0);
        }
    }

    fn schedule(&mut self, command: Command, at: u64) {
        self.commands.push(command);
        self.planned.push(at);
        let timer = self.new_timer(Timer::Command(self.commands.len() as u32 - 1));
        self.queue.push_command(at, timer);
    }

    /// A scenario with the instants that this run's seed draws for it.
    pub fn drawn(&self, scenario: &[Timed]) -> Vec<Timed> {
        let at = instants(&self.topology.nodes, scenario, self.seed);
        let events = scenario.iter().zip(at);
        events.map(|(timed, at)| fixed(timed, at)).collect()
    }

    /// From now on, what happens is what lies ahead of now in this scenario, and nothing else that was planned. What has
    /// happened stays as it was, and stands first in its scenario from here on, so that the run can be
    /// repeated from it. Returns the places that this had until now.
    ///
    /// Everything that is due now must have been done.
    pub fn reschedule(&mut self, scenario: &[Timed]) -> Vec<usize> {
        let future: Vec<Timed> = (self.drawn(scenario).into_iter())
            .filter(|timed| timed.earliest().0 > self.now)
            .collect();
        for timer in self.queue.take_commands() {
            self.timers[timer as usize] = Timer::Free;
            self.free_timers.push(timer);
        }
        let kept: Vec<usize> = (0..self.planned.len())
            .filter(|&place| self.planned[place] <= self.now)
            .collect();
        let known = std::mem::take(&mut self.scenario);
        let past = kept.iter().map(|&place| {
            let at = Duration(self.planned[place]);
            known.get(place).map_or_else(
                || Timed::At(at, self.commands[place].clone()),
                |timed| fixed(timed, at),
            )
        });
        self.scenario = Arc::new(past.chain(future.iter().cloned()).collect());
        self.planned = kept.iter().map(|&place| self.planned[place]).collect();
        self.commands = kept.iter().map(|&p| self.commands[p].clone()).collect();
        for timed in future {
            self.schedule(timed.command().clone(), timed.earliest().0);
        }
        kept
    }
}
