//! Keys that go to other instances of their service, since some came or went.
//!
//! All that goes from one log to another is a part, and goes at once when it has been copied: until then whoever had its
//! keys answers for them, from then on whoever has them now. So nobody is turned away, and what comes to the wrong one on
//! its way is forwarded. An instance sends one part at a time, and gets one.

use std::collections::{BTreeMap, BTreeSet};

use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::keeping::keys::{Key, KeyTable};
use crate::sim::keeping::ledger::Copying;
use crate::sim::keeping::ledger::counted::numbers_in;
use crate::sim::keeping::ring::Scheme;
use crate::sim::observe::facts::Fact;
use crate::sim::observe::snapshot::{Status, What};
use crate::units::SECOND;

/// Rebalances of a service that are kept for the results.
const MOST: usize = 1000;

/// The keys that go from one log to another.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Part {
    pub from: u32,
    pub to: u32,
    /// How many there were when it was planned.
    pub keys: u64,
    pub copying: Copying,
}

/// What a change of the instances moved.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Rebalance {
    pub at: u64,
    /// Keys that the service had, and those of them that have gone to another.
    pub keys: u64,
    pub moved: u64,
    pub bytes: u64,
    pub ended: Option<u64>,
    /// How long whoever has keys that are to go was not there.
    pub unavailable: u64,
    pub unavailable_since: Option<u64>,
}

impl Rebalance {
    /// How long it took, or takes already.
    pub(in crate::sim) fn duration(&self, now: u64) -> u64 {
        self.ended.unwrap_or(now) - self.at
    }

    /// How long some of its keys have been out of reach.
    pub(in crate::sim) fn out_of_reach(&self, now: u64) -> u64 {
        let still = self.unavailable_since.map_or(0, |since| now - since);
        self.unavailable + still
    }
}

impl Sim {
    /// Keys belong to the instances at these places from now on, and go there.
    pub(super) fn begin_rebalance(&mut self, node: u16, places: &[u16], scheme: Scheme) {
        self.end_rebalance(node);
        self.divide(node, places, scheme);
        self.gather(node, true);
    }

    /// Finds out which keys are not where they belong, and sends them there. `tells`: a row of the results is opened though
    /// there are none.
    pub(in crate::sim) fn gather(&mut self, node: u16, tells: bool) {
        let sources = self.sources(node);
        let Some(partition) = self.partition(node) else {
            return;
        };
        // Of each key the newest version, and the log in which that is.
        let mut newest: KeyTable<(u64, u32)> = KeyTable::default();
        let mut pairs: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        for &log in &sources {
            for (key, version) in self.logs[log as usize].versions.iter() {
                let to = partition.home_of(key);
                if to != log {
                    *pairs.entry((log, to)).or_default() += 1;
                }
                let known = newest.entry(key);
                let at_home = u64::from(to == log);
                let this = (version.stamp() * 2 + at_home, log);
                *known = (*known).max(this);
            }
        }
        let mut away = KeyTable::default();
        for (key, &(_, log)) in newest.iter() {
            if partition.home_of(key) != log {
                *away.entry(key) = log;
            }
        }
        let before = partition.parts.clone();
        let parts = pairs.into_iter().map(|((from, to), keys)| {
            let copying = Copying {
                left: self.part_takes(node, keys),
                ..Copying::default()
            };
            let same = before.iter().find(|p| (p.from, p.to) == (from, to));
            let copying = same.map_or(copying, |part| part.copying);
            Part {
                from,
                to,
                keys,
                copying,
            }
        });
        let parts: Vec<Part> = parts.collect();
        let (keys, moves) = (newest.len() as u64, away.len() as u64);
        let none = parts.is_empty();
        if let Some(partition) = self.partition_mut(node) {
            (partition.away, partition.parts) = (away, parts);
        }
        if self.partition(node).is_some_and(|p| p.running.is_none()) && (tells || !none) {
            self.open_rebalance(node, keys, moves);
        }
        self.tend_rebalance(node);
    }

    fn open_rebalance(&mut self, node: u16, keys: u64, moves: u64) {
        let (now, name) = (self.now, self.nodes[node as usize].name.clone());
        let Some(service) = self.service_mut(node) else {
            return;
        };
        if service.rebalances.len() < MOST {
            let row = service.rebalances.len() as u32;
            service.rebalances.push(Rebalance {
                at: now,
                keys,
                moved: 0,
                bytes: 0,
                ended: None,
                unavailable: 0,
                unavailable_since: None,
            });
            if let Some(partition) = service.partition.as_deref_mut() {
                partition.running = Some(row);
            }
        }
        if moves > 0 {
            self.happen(What::Rebalancing {
                node: name,
                keys,
                moves,
            });
        }
    }

    fn rebalance_mut(&mut self, node: u16) -> Option<&mut Rebalance> {
        let service = self.service_mut(node)?;
        let row = service.partition.as_ref()?.running?;
        service.rebalances.get_mut(row as usize)
    }

    /// The rebalance that runs is over: everything is where it belongs, or belongs elsewhere by now.
    pub(super) fn end_rebalance(&mut self, node: u16) {
        let now = self.now;
        self.note_reach(node, true);
        let Some(row) = self.rebalance_mut(node) else {
            return;
        };
        row.ended = Some(now);
        let row = *row;
        if let Some(partition) = self.partition_mut(node) {
            partition.running = None;
        }
        if row.moved > 0 {
            let node = self.nodes[node as usize].name.clone();
            self.happen(What::Rebalanced {
                node,
                moved: row.moved,
                bytes: row.bytes,
                took: crate::units::Duration(row.duration(now)),
            });
        }
    }

    /// Notes since when keys that are to go have been out of reach.
    fn note_reach(&mut self, node: u16, over: bool) {
        let now = self.now;
        let parts = self.partition(node).map_or(&[][..], |p| &p.parts);
        let out = parts.iter().any(|p| !self.logs[p.from as usize].online);
        let Some(row) = self.rebalance_mut(node) else {
            return;
        };
        if out && !over {
            row.unavailable_since.get_or_insert(now);
        } else if let Some(since) = row.unavailable_since.take() {
            row.unavailable += now - since;
        }
    }

    /// How long so many keys take on a plain way: as fast as they may, and the link between instances lets them.
    fn part_takes(&self, node: u16, keys: u64) -> u64 {
        let Some(service) = self.service(node) else {
            return 0;
        };
        let link = self.links.get(service.peer_link as usize);
        let ns_per_byte = 1e9 / service.settings.rebalance_rate.0;
        let ns_per_byte = ns_per_byte.max(link.map_or(0.0, |l| l.ns_per_byte));
        (keys.saturating_mul(self.value_size) as f64 * ns_per_byte) as u64
    }

    /// So many times as long as on a plain way a part takes; `None` while an end of it is not there, or there is no way.
    fn way_of(&self, part: &Part) -> Option<f64> {
        let there = |log: u32| self.logs[log as usize].online;
        if !there(part.from) || !there(part.to) {
            return None;
        }
        let [from, to] = [part.from, part.to].map(|log| &self.logs[log as usize]);
        if from.primary == to.primary {
            return Some(0.0);
        }
        let path = self.path(
            self.spot(from.node, from.primary),
            self.spot(to.node, to.primary),
        );
        path.cut.is_none().then_some(path.slower)
    }

    /// Whether an end of a part has died since it began: that has forgotten what it had got, or sent.
    fn has_died_since(&self, part: &Part, began: u64) -> bool {
        [part.from, part.to].iter().any(|&log| {
            let log = &self.logs[log as usize];
            let leads = &self.nodes[log.node as usize].instances[log.primary as usize];
            leads.died_at > began
        })
    }

    /// What a rebalance does next: parts stand still or go on as their ends and the ways between them are, those that have
    /// been copied go over, and others begin.
    pub(in crate::sim) fn tend_rebalance(&mut self, node: u16) {
        if self.partition(node).is_none_or(|p| p.parts.is_empty()) {
            if self.partition(node).is_some_and(|p| p.running.is_some()) {
                self.end_rebalance(node);
            }
            return;
        }
        self.note_reach(node, false);
        let parts = self.partition(node).map_or(Vec::new(), |p| p.parts.clone());
        let (mut left, mut over) = (Vec::new(), Vec::new());
        for mut part in parts {
            let from = &self.logs[part.from as usize];
            if from.retired || from.moving.is_some() {
                // All of it goes elsewhere.
                continue;
            }
            match self.has_passed(node, &mut part) {
                true => over.push(part),
                false => left.push(part),
            }
        }
        self.begin_parts(&mut left);
        if let Some(partition) = self.partition_mut(node) {
            partition.parts = left;
        }
        let mut released = BTreeSet::new();
        for part in &over {
            released.insert(self.logs[part.from as usize].primary);
            self.pass_keys(node, part.from, part.to);
        }
        if over.is_empty() {
            self.time_rebalance(node);
        } else {
            // Whoever has sent, or got, what it could takes the next.
            self.tend_rebalance(node);
        }
        for instance in released {
            self.drained_if_done(node, instance);
        }
    }

    /// Brings a part up to date: whether it has been copied by now.
    fn has_passed(&self, node: u16, part: &mut Part) -> bool {
        let now = self.now;
        let way = self.way_of(part);
        let died = |began| self.has_died_since(part, began);
        let fell = part.copying.began.is_some_and(died);
        if fell {
            part.copying = Copying::default();
            part.copying.left = self.part_takes(node, part.keys);
        }
        let copying = &mut part.copying;
        let runs = way.is_some() && copying.since.is_some();
        if way == Some(0.0) || (runs && copying.ends(now) <= now) {
            return true;
        }
        if way != Some(copying.slower) {
            copying.stand_still(now);
            if let (Some(way), true) = (way, runs) {
                (copying.since, copying.slower) = (Some(now), way);
            }
        }
        false
    }

    /// Parts go on that run, and those begin whose instances neither send nor get another.
    fn begin_parts(&self, parts: &mut [Part]) {
        let now = self.now;
        let ends = |part: &Part| [part.from, part.to].map(|log| self.logs[log as usize].primary);
        let mut busy: [BTreeSet<u16>; 2] = Default::default();
        for part in parts.iter().filter(|part| part.copying.since.is_some()) {
            let [from, to] = ends(part);
            busy[0].insert(from);
            busy[1].insert(to);
        }
        for part in parts {
            let [from, to] = ends(part);
            let is_free = !busy[0].contains(&from) && !busy[1].contains(&to);
            if let (None, Some(way), true) = (part.copying.since, self.way_of(part), is_free) {
                part.copying.began.get_or_insert(now);
                (part.copying.since, part.copying.slower) = (Some(now), way);
                busy[0].insert(from);
                busy[1].insert(to);
            }
        }
    }

    /// Looks after a rebalance again when the next part is due, or in a while where one stands still.
    fn time_rebalance(&mut self, node: u16) {
        let (now, number) = (self.now, self.new_token());
        let Some(partition) = self.partition_mut(node) else {
            return;
        };
        partition.timer = number;
        let ends = partition.parts.iter().map(|part| match part.copying.since {
            Some(_) => part.copying.ends(now),
            None => now.saturating_add(SECOND),
        });
        if let Some(at) = ends.min() {
            self.timer_at(at.max(now), Timer::Rebalance { node, number });
        } else if let Some(partition) = self.partition_mut(node) {
            partition.timer = 0;
        }
    }

    /// A timer of a rebalance is due.
    pub(in crate::sim) fn rebalance_due(&mut self, node: u16, number: u32) {
        if self.partition(node).is_some_and(|p| p.timer == number) {
            self.tend_rebalance(node);
        }
    }

    /// Keys have been copied from one log to another, where they belong: it has them from now on, with all that was written
    /// to them.
    fn pass_keys(&mut self, node: u16, from: u32, to: u32) {
        let Some(partition) = self.partition_mut(node) else {
            return;
        };
        let (ring, members) = (&partition.ring, &partition.members);
        let goes = |key: Key| members[ring.owner(key)].1 == to;
        partition.away.retain(|key, &log| log != from || !goes(key));
        let Some(partition) = self.partition(node) else {
            return;
        };
        let versions = self.logs[from as usize].versions.iter();
        let mut keys: Vec<Key> = versions
            .map(|(key, _)| key)
            .filter(|&key| partition.home_of(key) == to)
            .collect();
        keys.sort_unstable();
        if keys.is_empty() {
            return;
        }
        self.stamp += 1;
        let (now, stamp) = (self.now, self.stamp);
        let (named, under_way) = self.under_way_in(from, &keys);
        let given = self.logs[from as usize].give_away(&keys);
        let writes = given.iter().map(|(.., count)| count).sum();
        let bytes = (keys.len() as u64).saturating_mul(self.value_size);
        let there = &mut self.logs[to as usize];
        let number = there.take_over(now, stamp, writes, bytes);
        let newest = &mut self.newest[there.space as usize];
        for &(key, version, count) in &given {
            there.count(key, number, count);
            let newest = newest.entry(key);
            if there.versions.get(key).is_none_or(|&mine| mine < version) {
                let before = *newest;
                there.put_version(key, version, |stamp| {
                    before.log == to && before.stamp == stamp
                });
            }
            if newest.log == from && newest.stamp > 0 {
                newest.log = to;
            }
        }
        self.logs[from as usize].go_on_at(&named, &under_way, (to, number));
        self.tell(Fact::KeysMoved {
            log: from,
            to: (to, number),
            keys,
            bytes,
        });
        self.keep_up(to);
        let moved = given.len() as u64;
        if let Some(row) = self.rebalance_mut(node) {
            row.moved += moved;
            row.bytes = row.bytes.saturating_add(bytes);
        }
    }

    /// Numbers of writes in a log that something under way still names: all of them, and those to keys that leave it, as far
    /// as they are not lost.
    fn under_way_in(&self, log: u32, keys: &[Key]) -> (Vec<u64>, Vec<u64>) {
        let calls = self.calls.iter().filter(|c| !c.free);
        let calls = calls.filter_map(|c| Some((self.ops[c.op as usize].key, c.place?)));
        let ops = self.ops.iter().filter(|op| op.references > 0);
        let ops = ops.filter_map(|op| Some((op.key, op.place?)));
        let all: Vec<_> = calls.chain(ops).collect();
        let named = numbers_in(log, all.iter().map(|(_, place)| *place));
        let goes = all
            .iter()
            .filter(|(key, _)| keys.binary_search(key).is_ok());
        let mut under_way = numbers_in(log, goes.map(|(_, place)| *place));
        let here = &self.logs[log as usize];
        under_way.retain(|&number| !here.is_lost(number));
        (named, under_way)
    }

    /// Whether keys of an instance that is told to stop still go to others, which it waits for.
    pub(in crate::sim) fn hands_keys_over(&self, node: u16, instance: u16) -> bool {
        let Some(service) = self.service(node) else {
            return false;
        };
        let Some(partition) = &service.partition else {
            return false;
        };
        let leads = |part: &Part| self.logs[part.from as usize].primary == instance;
        service.hands_over() && partition.parts.iter().any(leads)
    }

    /// Bytes that are still to go to other instances of a service.
    pub(in crate::sim) fn rebalancing_bytes(&self, node: u16) -> u64 {
        let parts = self.partition(node).map_or(&[][..], |p| &p.parts);
        let comes = |part: &&Part| self.logs[part.from as usize].online;
        let keys: u64 = parts.iter().filter(comes).map(|part| part.keys).sum();
        keys.saturating_mul(self.value_size)
    }

    /// Which parts of a partition contradict each other, in words.
    pub(in crate::sim) fn audit_partition(&self, node: u16, faults: &mut Vec<String>) {
        let Some(partition) = self.partition(node) else {
            return;
        };
        let name = &self.nodes[node as usize].name;
        let runs = |timer: &Timer| {
            matches!(timer, Timer::Rebalance { node: of, number }
                if (*of, *number) == (node, partition.timer))
        };
        if !partition.parts.is_empty() && !self.timers.iter().any(runs) {
            faults.push(format!("what moves within {name} never arrives"));
        }
        if partition.parts.is_empty() && partition.away.len() > 0 {
            faults.push(format!("keys of {name} are away and go nowhere"));
        }
        for &(place, log) in &partition.members {
            let log_here = &self.logs[log as usize];
            let gone = self.nodes[node as usize].instances[place as usize].status;
            if log_here.retired || gone == Status::Removed {
                faults.push(format!("member {} of {name} is gone", place + 1));
            }
            let home = |key: Key| {
                partition.home_of(key) == log || partition.parts.iter().any(|p| p.from == log)
            };
            if let Some((key, _)) = log_here.versions.iter().find(|(key, _)| !home(*key)) {
                faults.push(format!(
                    "key {key} of {name} is in log {log}, and stays there"
                ));
            }
        }
    }
}
