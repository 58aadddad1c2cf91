//! Which version of a key is the newest that clients have been told of, and that is held.
//!
//! A key is a key of a *space*: of what one placement holds. The same key at a store that has nothing to do with it is
//! another. A service that keeps state itself, and a store, have a space each, which all share who keep their state there;
//! those among which one balancer chooses have one together, since their callers cannot tell them apart. A log that is on
//! its way to another place is of that space already.

use crate::model::{Node, State};
use crate::sim::Sim;
use crate::sim::keeping::keys::{Key, KeyTable};
use crate::sim::keeping::ledger::{Place, Purpose};
use crate::sim::keeping::loss::LossCause;
use crate::sim::observe::facts::Fact;
use crate::sim::stations::node::Body;

/// The newest version of a key that clients have been told of: its stamp, and the log it is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sim) struct Newest {
    pub stamp: u64,
    pub log: u32,
    /// A version of it was the newest when it was lost.
    pub lost: bool,
}

impl Sim {
    /// Stamp of the newest version that a client of that node, or of its space, has been told of.
    #[inline(always)]
    pub(in crate::sim) fn newest_of(&self, node: u16, key: Key) -> u64 {
        let space = self.nodes[node as usize].space;
        let newest = self.newest[space as usize].get(key).map_or(0, |n| n.stamp);
        if self.left_behind.is_empty() {
            return newest;
        }
        let mut left = self.left_behind.iter().filter(|(of, _)| *of == space);
        left.find_map(|(_, stamps)| stamps.get(key))
            .map_or(newest, |left| newest.max(*left))
    }

    /// A service keeps its state elsewhere, but what it had in this space stays there, since others use it: whoever asks it
    /// from now on does not find what it has been told of.
    pub(in crate::sim) fn leave_behind(&mut self, service: u16, before: u16) {
        let space = self.nodes[service as usize].space;
        if space == before {
            return;
        }
        let mut stamps = KeyTable::default();
        for (key, newest) in self.newest[before as usize].iter() {
            if newest.stamp > 0 {
                *stamps.entry(key) = newest.stamp;
            }
        }
        self.left_behind.retain(|(of, _)| *of != space);
        self.left_behind.push((space, stamps));
    }

    /// The client has the success: the write is acknowledged.
    pub(in crate::sim) fn acknowledge(&mut self, key: Key, place: Option<Place>) {
        self.writes.acknowledged += 1;
        let Some(mut place) = place else {
            // A write that nobody kept was lost when it was acknowledged; a topology like that does not pass its check.
            self.tell(Fact::Acknowledged {
                place: None,
                now: None,
                key,
            });
            self.writes.lost += 1;
            self.writes.lost_by_cause[LossCause::Change as usize] += 1;
            return;
        };
        let written = (place.log, place.sequence);
        // What it was written to may have moved on with it, to where its key went, and have died there.
        while let Some(to) = self.logs[place.log as usize].moved_on(key, place.sequence) {
            (place.log, place.sequence) = to;
        }
        self.tell(Fact::Acknowledged {
            place: Some(written),
            now: Some((place.log, place.sequence)).filter(|now| *now != written),
            key,
        });
        let here = &mut self.logs[place.log as usize];
        let newest = self.newest[here.space as usize].entry(key);
        if let Some(lost) = here.acknowledge(key, place.sequence) {
            // It died before its acknowledgement arrived: with what else died then. A newer version may be held.
            if newest.stamp < place.stamp {
                self.writes.keys_lost += u64::from(!newest.lost);
                newest.lost = true;
            }
            if newest.stamp == 0 {
                newest.log = place.log;
            }
            self.book_lost_writes(place.log, 1, lost.cause, lost.fault);
            return;
        }
        let before = *newest;
        if before.stamp < place.stamp {
            (newest.stamp, newest.log) = (place.stamp, place.log);
            if before.log != place.log && before.stamp > 0 {
                self.logs[before.log as usize].tell_version(key, before.stamp);
            }
        } else if before.log != place.log {
            here.tell_version(key, place.stamp);
        }
    }

    /// Keys have earlier versions in a log again, or none: the newest is what is still held, wherever that is.
    pub(super) fn forget_versions(&mut self, log: u32, keys: &[Key]) {
        if keys.is_empty() {
            return;
        }
        let space = self.logs[log as usize].space;
        let same = |&l: &u32| {
            let other = &self.logs[l as usize];
            other.space == space && other.purpose == Purpose::Data && !other.retired
        };
        let holders: Vec<u32> = (0..self.logs.len() as u32).filter(same).collect();
        for &key in keys {
            let held = self.logs[log as usize].versions.get(key);
            let held = held.copied().unwrap_or_default();
            let before = self.newest[space as usize].entry(key);
            if held.is_told() && before.stamp < held.stamp() {
                // What overwrote it is gone, and nobody had been told of that.
                (before.stamp, before.log) = (held.stamp(), log);
                continue;
            }
            let before = *before;
            if before.log != log || before.stamp <= held.stamp() {
                continue;
            }
            self.writes.keys_lost += u64::from(!before.lost);
            let mut now = Newest {
                stamp: 0,
                log,
                lost: true,
            };
            for &holder in &holders {
                if let Some(version) = self.logs[holder as usize].versions.get(key)
                    && version.is_told()
                    && version.stamp() > now.stamp
                {
                    (now.stamp, now.log) = (version.stamp(), holder);
                }
            }
            *self.newest[space as usize].entry(key) = now;
        }
    }

    /// The space of each node and of each log, after an edit or the end of a move.
    pub(in crate::sim) fn assign_spaces(&mut self) {
        let spaces = self.spaces();
        for (node, space) in self.nodes.iter_mut().zip(spaces) {
            node.space = space;
        }
        self.newest.resize_with(self.nodes.len(), KeyTable::default);
        let mut changed = false;
        for index in 0..self.logs.len() as u32 {
            let log = &mut self.logs[index as usize];
            if log.retired {
                continue;
            }
            let keeper = log.moving.map_or(log.node, |moving| moving.service);
            let space = self.nodes[keeper as usize].space;
            if std::mem::replace(&mut log.space, space) != space {
                changed = true;
                self.tell(Fact::Belongs(index, space));
            }
        }
        if changed {
            self.sort_by_space();
        }
    }

    /// Finds out anew what is the newest of each key in each space, after logs went to others.
    pub(super) fn sort_by_space(&mut self) {
        // What is the newest is told in the logs, and then they say what is the newest where they belong now.
        let before = std::mem::take(&mut self.newest);
        for (key, newest) in before.iter().flat_map(KeyTable::iter) {
            if newest.stamp > 0 {
                self.logs[newest.log as usize].tell_version(key, newest.stamp);
            }
        }
        self.newest.resize_with(self.nodes.len(), KeyTable::default);
        for (key, &newest) in before.iter().flat_map(KeyTable::iter) {
            let space = self.logs[newest.log as usize].space;
            let here = self.newest[space as usize].entry(key);
            here.lost |= newest.lost;
            if newest.stamp > here.stamp {
                (here.stamp, here.log) = (newest.stamp, newest.log);
            }
        }
        for (log, here) in self.logs.iter().enumerate() {
            let told = here.versions.iter().filter(|(_, v)| v.is_told());
            for (key, version) in told {
                let newest = self.newest[here.space as usize].entry(key);
                if version.stamp() > newest.stamp {
                    (newest.stamp, newest.log) = (version.stamp(), log as u32);
                }
            }
        }
    }

    /// The space of each node: whose state is the first that its requests meet.
    fn spaces(&self) -> Vec<u16> {
        let keepers = self.keepers();
        // The smallest node of those that share a space stands for it.
        let mut same: Vec<u16> = (0..self.nodes.len() as u16).collect();
        let root = |same: &[u16], mut node: u16| {
            while same[node as usize] != node {
                node = same[node as usize];
            }
            node
        };
        for balancer in 0..self.nodes.len() as u16 {
            if !matches!(self.nodes[balancer as usize].body, Body::Balancer(_)) {
                continue;
            }
            let behind = self.further(balancer).unwrap_or_default();
            let keepers = behind.iter().filter_map(|&to| keepers[to as usize]);
            let roots: Vec<u16> = keepers.map(|keeper| root(&same, keeper)).collect();
            let Some(&least) = roots.iter().min() else {
                continue;
            };
            for other in roots {
                same[other as usize] = least;
            }
        }
        let all = keepers.iter().zip(0..);
        all.map(|(keeper, node)| root(&same, keeper.unwrap_or(node)))
            .collect()
    }

    /// The node that keeps what requests write that come to each: the first on their way that keeps anything.
    fn keepers(&self) -> Vec<Option<u16>> {
        let mut keepers = vec![None; self.nodes.len()];
        let (mut seen, mut stack) = (vec![false; self.nodes.len()], Vec::new());
        for start in 0..self.nodes.len() as u16 {
            stack.push(start);
            while let Some(&node) = stack.last() {
                let at = node as usize;
                let Some(further) = self.further(node) else {
                    (seen[at], keepers[at]) = (true, Some(node));
                    stack.pop();
                    continue;
                };
                if !std::mem::replace(&mut seen[at], true) {
                    let unseen = further.iter().filter(|&&to| !seen[to as usize]);
                    stack.extend(unseen.copied());
                    continue;
                }
                if keepers[at].is_none() {
                    keepers[at] = further.iter().find_map(|&to| keepers[to as usize]);
                }
                stack.pop();
            }
        }
        keepers
    }

    /// Where a node's requests go on to whoever may keep their state; nothing if the node keeps it itself.
    fn further(&self, node: u16) -> Option<Vec<u16>> {
        let here = &self.nodes[node as usize];
        let to = |link: u16| {
            let link = self.links.get(link as usize)?;
            (!link.removed).then_some(link.to)
        };
        let all = 0..self.links.len() as u16;
        match (&here.body, self.topology.nodes.get(&here.name)) {
            (Body::Store(_), _) => None,
            (Body::Clients(clients), _) => Some(to(clients.entry_link).into_iter().collect()),
            (Body::Balancer(_), _) => {
                let mine = all.filter(|&l| self.links[l as usize].from == node);
                Some(mine.filter_map(to).collect())
            }
            (Body::Service(service), Some(Node::Service(settings))) if !here.removed => {
                match settings.state {
                    State::External(_) => Some(to(service.state_link).into_iter().collect()),
                    State::Stateless => {
                        Some(service.calls.iter().copied().filter_map(to).collect())
                    }
                    State::InMemory(_) | State::LocalDisk(_) | State::LocalDatabase(_) => None,
                }
            }
            (Body::Service(_), _) => None,
        }
    }
}
