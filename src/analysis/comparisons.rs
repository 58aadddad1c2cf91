//! A run and its twin side by side, each node of clients by itself: a small system that is down does not pass unnoticed
//! beside a large one that is not.

use std::collections::{BTreeMap, BTreeSet};

use super::comparison::{Before, Comparison};
use crate::model::{Node, Renaming};
use crate::sim::snapshot::Recovery;
use crate::sim::{Sim, Told};
use crate::units::Duration;

/// What was usual before a command, by clients.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// Operations that started earlier are left out (nanoseconds).
    from: u64,
    of: BTreeMap<String, Before>,
}

impl History {
    /// Of operations that start at `from` (nanoseconds) or later.
    pub(super) fn since(from: u64) -> Self {
        Self {
            from,
            of: BTreeMap::new(),
        }
    }

    /// What operations did in the run.
    pub(super) fn take_in(&mut self, sim: &Sim, told: &[Told]) {
        for (clients, told) in sim.by_clients(told) {
            if !self.of.contains_key(clients) {
                let before = Before::since(self.from);
                self.of.insert(clients.to_owned(), before);
            }
            if let Some(before) = self.of.get_mut(clients) {
                before.take_in(&told.ended);
            }
        }
    }

    pub(super) fn rename(&mut self, names: &Renaming) {
        names.keys(&mut self.of);
    }
}

/// What a watch has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Of the clients that recovered last.
    pub recovery: Recovery,
    /// Operations that failed here, less those that failed in the twin.
    pub caused: i64,
}

/// A run and its twin from a command on.
#[derive(Clone, Debug)]
pub(super) struct Comparisons {
    at: u64,
    shares: bool,
    drifts: bool,
    of: BTreeMap<String, Comparison>,
}

impl Comparisons {
    /// From a command at `at` (nanoseconds) on, before which `twin` was cloned; see [`Comparison`] for the rest.
    pub(super) fn new(at: u64, history: &History, twin: &Sim, shares: bool, drifts: bool) -> Self {
        let in_flight = twin.operations_in_flight();
        // Not those of the past: clients that are gone ask for nothing that could be compared.
        let nodes = twin.topology().nodes.iter();
        let there = nodes.filter(|(_, node)| matches!(node, Node::Clients(_)));
        let there = there.map(|(name, _)| name);
        let clients: BTreeSet<&String> = there.chain(in_flight.keys()).collect();
        let of = clients.into_iter().map(|clients| {
            let under_way = in_flight.get(clients).copied().unwrap_or(0);
            let before = history.of.get(clients);
            let comparison = Comparison::new(at, before, under_way, shares, drifts);
            (clients.clone(), comparison)
        });
        Self {
            at,
            shares,
            drifts,
            of: of.collect(),
        }
    }

    /// Bytes of memory that it holds, about.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + self.of.values().map(Comparison::size).sum::<usize>()
    }

    /// From now on shares are compared if `shares`: clients were told to ask for other things.
    pub(super) fn compare_shares(&mut self, shares: bool) {
        self.shares |= shares;
        for comparison in self.of.values_mut() {
            comparison.shares |= shares;
        }
    }

    fn of(&mut self, clients: &str) -> Option<&mut Comparison> {
        if !self.of.contains_key(clients) {
            let new = Comparison::new(self.at, None, 0, self.shares, self.drifts);
            self.of.insert(clients.to_owned(), new);
        }
        self.of.get_mut(clients)
    }

    /// What operations did here.
    pub(super) fn take_in_here(&mut self, sim: &Sim, told: &[Told]) {
        for (clients, told) in sim.by_clients(told) {
            if let Some(comparison) = self.of(clients) {
                comparison.take_in_here(told);
            }
        }
    }

    /// What operations did in the twin.
    pub(super) fn take_in_there(&mut self, twin: &Sim, told: &[Told]) {
        for (clients, told) in twin.by_clients(told) {
            if let Some(comparison) = self.of(clients) {
                comparison.take_in_there(told);
            }
        }
    }

    /// Compares every instant that can be compared at `now`. `quiet_since`: when the command's own work was over, `None`
    /// while it lasts. Gives what was found when there is nothing more to watch for.
    pub(super) fn advance(&mut self, now: u64, quiet_since: Option<u64>) -> Option<Found> {
        for comparison in self.of.values_mut() {
            comparison.advance(now, quiet_since, true);
        }
        let mut all = self.of.values();
        if all.all(|comparison| comparison.is_settled(quiet_since)) {
            let recovered = self.of.values().map(Comparison::recovered_after);
            return Some(Found {
                recovery: Recovery::After(recovered.max().unwrap_or(Duration(0))),
                caused: self.of.values().map(Comparison::caused).sum(),
            });
        }
        // As long as one is watched, all are.
        for comparison in self.of.values_mut() {
            comparison.advance(now, quiet_since, false);
        }
        None
    }

    /// Operations that failed because of the command, so far.
    pub(super) fn caused_so_far(&self) -> i64 {
        self.of.values().map(Comparison::caused_so_far).sum()
    }

    /// For how long, from the command to `now`, it has certainly not recovered.
    pub(super) fn not_recovered_for(&self, now: u64) -> Duration {
        let all = self.of.values();
        let times = all.map(|comparison| comparison.not_recovered_for(now));
        times.max().unwrap_or(Duration(0))
    }

    /// What is known when the run ends at `now`.
    pub(super) fn at_end(&self, now: u64) -> Found {
        let later = |one: Recovery, other: Recovery| match (one, other) {
            (Recovery::After(one), Recovery::After(other)) => Recovery::After(one.max(other)),
            // One that is still down tells more than one that cannot be told.
            (Recovery::NotByTheEnd, _) | (_, Recovery::After(_)) => one,
            _ => other,
        };
        let ends = self.of.values().map(|comparison| comparison.at_end(now));
        Found {
            recovery: ends.reduce(later).unwrap_or(Recovery::TooNearTheEnd),
            caused: self.caused_so_far(),
        }
    }

    pub(super) fn rename(&mut self, names: &Renaming) {
        names.keys(&mut self.of);
    }
}
