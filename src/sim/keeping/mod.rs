//! State: who keeps which log, what is written and read, and how losses are booked. What becomes durable when is in
//! `disk.rs`, copies are in `copies.rs`, promotions in `replication.rs`, changes of place in `moving.rs`.

pub(super) mod cache;
mod copies;
mod disk;
pub(super) mod durability;
mod flushing;
pub(super) mod keys;
pub(super) mod ledger;
pub(crate) mod loss;
mod moving;
mod newest;
pub(super) mod partition;
pub(super) mod rebalance;
mod replication;
pub(super) mod ring;
mod split;
mod waiting;
mod watching;
mod ways;

pub(super) use newest::Newest;

use super::observe::facts::{Fact, Holder, Source};
use crate::model::{Node, Sessions};
use crate::sim::Sim;
use crate::sim::ids::NONE;
use crate::sim::keeping::durability::{
    Durability, durability_of, durability_of_sessions, durability_of_store,
};
use crate::sim::keeping::loss::LossCause;
use crate::sim::stations::node::Body;
use crate::sim::traffic::call::Verb;
use keys::Version;
use ledger::{Log, Mark, Place, Purpose};

/// How fast state is copied between machines: to a new replica, or to a new place after a change.
const COPY_BYTES_PER_S: f64 = 104_857_600.0;

/// How long so much takes to be copied on a plain way.
pub(super) fn filling_takes(bytes: u64) -> u64 {
    (bytes as f64 / COPY_BYTES_PER_S * 1e9) as u64
}

impl Sim {
    pub(super) fn is_serving(&self, node: u16, instance: u16) -> bool {
        self.nodes[node as usize]
            .instances
            .get(instance as usize)
            .is_some_and(|i| i.status.serves())
    }

    pub(super) fn new_log(
        &mut self,
        node: u16,
        instance: u16,
        purpose: Purpose,
        durability: Durability,
    ) -> u32 {
        self.logs
            .push(Log::new(node, instance, purpose, durability));
        let log = self.logs.len() as u32 - 1;
        self.logs[log as usize].online = self.is_serving(node, instance);
        self.logs[log as usize].space = self.nodes[node as usize].space;
        self.tell_of_log(log);
        self.place_replicas(log);
        log
    }

    /// The log of what is written through an instance of a service.
    pub(super) fn data_log(&mut self, node: u16, instance: u16) -> u32 {
        let existing = self.nodes[node as usize].instances[instance as usize].data_log;
        if existing != NONE {
            return existing;
        }
        let durability = match self.service(node) {
            Some(service) => durability_of(&service.settings.state),
            None => Durability::default(),
        };
        let log = self.new_log(node, instance, Purpose::Data, durability);
        self.nodes[node as usize].instances[instance as usize].data_log = log;
        if self.service(node).is_some_and(|s| s.partitioned) {
            self.logs[log as usize].counted = Some(Box::default());
        }
        log
    }

    /// Appends so many bytes to a log, without a key.
    pub(super) fn append(&mut self, log: u32, bytes: u64) -> Place {
        self.stamp += 1;
        let (now, stamp) = (self.now, self.stamp);
        let sequence = self.logs[log as usize].append(now, stamp, bytes);
        self.tell(Fact::Written((log, sequence), bytes));
        self.after_append(log);
        Place {
            log,
            sequence,
            stamp,
        }
    }

    /// A call's write is applied: in memory or handed to the operating system.
    pub(super) fn write_to(&mut self, call: u32, log: u32) {
        let (op, verb) = (self.calls[call as usize].op, self.calls[call as usize].verb);
        let is_write = verb == Verb::Write;
        let slot = &self.ops[op as usize];
        let (idempotent, value_size) = match &self.nodes[slot.client as usize].body {
            Body::Clients(clients) => (
                clients.settings.idempotency_keys,
                clients.settings.value_size.0,
            ),
            _ => (false, 0),
        };
        if idempotent
            && let Some(place) = slot.place
            && place.log == log
            && !self.logs[log as usize].is_lost(place.sequence)
        {
            self.calls[call as usize].place = Some(place);
            return;
        }
        let key = slot.key;
        let bytes = if is_write {
            value_size
        } else {
            self.session_bytes()
        };
        let place = self.append(log, bytes);
        if is_write {
            let here = &mut self.logs[log as usize];
            let newest = &self.newest[here.space as usize];
            here.put_version(key, Version::written(place.stamp), |stamp| {
                newest
                    .get(key)
                    .is_some_and(|n| n.log == log && n.stamp == stamp)
            });
        }
        self.follow(call, log);
        let home = self.logs[log as usize].node;
        // Whoever forwarded it: where a key has one place, that is the one.
        let keeper = match self.logs[log as usize].counted {
            Some(_) => home,
            None => self.links[self.calls[call as usize].link as usize].from,
        };
        let slot = &mut self.ops[op as usize];
        // A write that every service on its way keeps is applied once in each, be it in one store; only the first counts.
        let first = slot
            .place
            .is_none_or(|p| self.logs[p.log as usize].node == home && slot.keeper == keeper);
        if first {
            slot.keeper = keeper;
            slot.applied += u16::from(slot.applied == 0 || !idempotent);
            slot.place = Some(place);
        }
        self.calls[call as usize].place = Some(place);
    }

    /// A call's read finds a version.
    pub(super) fn read_from(&mut self, call: u32, log: u32) {
        let slot = &self.calls[call as usize];
        let (key, instance) = (self.ops[slot.op as usize].key, slot.instance);
        let version = |log: &Log| log.versions.get(key).map_or(0, |version| version.stamp());
        let here = &self.logs[log as usize];
        let mut found = version(here);
        // Whoever asked before all of it had moved finds what it would have found.
        let left = self.asked_before_leaving(call, here.node);
        let space = left.map_or(here.space, |left| self.nodes[left.service as usize].space);
        if let Some(newest) = self.newest[space as usize].get(key)
            && newest.stamp > 0
            && newest.log != log
        {
            // What is still being moved is read from the old place; a copy on this instance answers, too.
            let other = &self.logs[newest.log as usize];
            let copied_here = other.node == here.node
                && (other.primary == instance
                    || other
                        .replicas
                        .iter()
                        .any(|r| r.instance == instance && r.synced_at <= self.now));
            if ((other.moving.is_some() || left.is_some()) && other.online)
                || (copied_here && !other.retired)
            {
                found = found.max(version(other));
            }
        }
        self.calls[call as usize].found = found;
    }

    fn book_lost_writes(&mut self, log: u32, count: u64, cause: LossCause, fault: Option<u32>) {
        self.writes.lost += count;
        self.writes.lost_by_cause[cause as usize] += count;
        let (node, instance) = (
            self.logs[log as usize].node as usize,
            self.logs[log as usize].primary as usize,
        );
        self.nodes[node].lost_writes += count;
        self.nodes[node].instances[instance].lost_writes += count;
        if let Some(fault) = fault {
            self.faults[fault as usize].lost_writes += count;
        }
    }

    /// Everything beyond a mark of a log, which is what that source has, is gone, once and for good. Gives the acknowledged
    /// writes lost.
    pub(super) fn lose_beyond(
        &mut self,
        log: u32,
        mark: Mark,
        source: Source,
        cause: LossCause,
        fault: Option<u32>,
    ) -> u64 {
        self.tell(Fact::Settled(log, source));
        let keys = self.logs[log as usize].take_back(mark);
        let lost = self.logs[log as usize].truncate(mark, cause, fault);
        self.forget_lost(log);
        let sessions = self.lose_sessions(log, mark, cause, fault);
        if self.logs[log as usize].purpose == Purpose::Data {
            self.book_lost_writes(log, lost, cause, fault);
            self.forget_versions(log, &keys);
        }
        if sessions > 0 {
            let (node, instance) = (
                self.logs[log as usize].node as usize,
                self.logs[log as usize].primary as usize,
            );
            self.nodes[node].lost_sessions += sessions;
            self.nodes[node].instances[instance].lost_sessions += sessions;
            if let Some(fault) = fault {
                self.faults[fault as usize].lost_sessions += sessions;
            }
        }
        lost
    }

    /// Forgets ranges of lost writes that nothing can name any more: no request, no operation, and no session that may return
    /// to where it was.
    fn forget_lost(&mut self, log: u32) {
        if !self.logs[log as usize].has_many_lost() {
            return;
        }
        let calls = self.calls.iter().filter(|c| !c.free).map(|c| c.place);
        let ops = self.ops.iter().filter(|o| o.references > 0);
        let places = calls.chain(ops.map(|o| o.place)).flatten();
        let places = places.map(|place| (place.log, place.sequence));
        let moved_here = self.logs.iter().flat_map(|l| {
            let gone = l.gone.iter().map(|(_, to)| to);
            l.forward.iter().chain(gone).copied()
        });
        let mut named: Vec<u64> = places
            .chain(moved_here)
            .filter(|place| place.0 == log)
            .map(|place| place.1)
            .chain(self.kept_before_in(log))
            .collect();
        named.sort_unstable();
        self.logs[log as usize].forget_lost(&named);
    }

    /// A log ends, and what it held with it: an edit wants it so. Gives the acknowledged writes lost.
    pub(super) fn lose_all(&mut self, log: u32) -> u64 {
        self.tell(Fact::Served(log, false));
        let lost = self.lose_beyond(
            log,
            self.logs[log as usize].flushed(),
            Source::Nothing,
            LossCause::Change,
            self.edited,
        );
        self.logs[log as usize].retired = true;
        self.logs[log as usize].orphan = None;
        self.logs[log as usize].moving = None;
        self.logs[log as usize].online = false;
        lost
    }

    /// Writes that are held but cannot be reached now.
    pub(super) fn unavailable(&self) -> u64 {
        self.logs
            .iter()
            .filter(|l| !l.retired && l.purpose == Purpose::Data)
            .filter(|l| !l.online || self.is_out_of_reach(l))
            .map(Log::acknowledged)
            .sum()
    }

    pub(super) fn held(&self) -> u64 {
        self.logs
            .iter()
            .filter(|l| l.purpose == Purpose::Data)
            .map(Log::acknowledged)
            .sum()
    }

    /// The log that a store member or a service's session settings name, after they have changed.
    pub(super) fn refresh_durability(&mut self) {
        for index in 0..self.logs.len() as u32 {
            let log = &self.logs[index as usize];
            if log.retired || log.moving.is_some() {
                continue;
            }
            let name = &self.nodes[log.node as usize].name;
            let durability = match (log.purpose, self.topology.nodes.get(name)) {
                (Purpose::Sessions, _) => match &self.topology.sessions {
                    Sessions::InMemory(s) => durability_of_sessions(s),
                    _ => continue,
                },
                (Purpose::Data, Some(Node::Service(s))) if s.state.is_local() => {
                    durability_of(&s.state)
                }
                (Purpose::Data, Some(node)) if node.is_store() => durability_of_store(node),
                _ => continue,
            };
            if log.durability != durability {
                let files = log.replicas.iter().filter(|r| r.file.is_some());
                let files: Vec<u16> = files.map(|r| r.instance).collect();
                for &copy in files.iter().filter(|_| durability.file.is_none()) {
                    self.tell(Fact::Gone(index, Holder::CopyFile(copy)));
                }
                let (now, stamp) = (self.now, self.stamp);
                self.logs[index as usize].set_durability(durability, now, stamp);
                let wanted = durability.replicas as usize;
                // Those whose processes are gone are the first to be given up.
                self.logs[index as usize].replicas.sort_by_key(|r| r.gone);
                let dropped = self.logs[index as usize].replicas.iter().skip(wanted);
                for copy in dropped.map(|r| r.instance).collect::<Vec<u16>>() {
                    self.tell(Fact::Gone(index, Holder::Copy(copy)));
                }
                self.logs[index as usize].replicas.truncate(wanted);
                self.tell_rules(index);
                self.look_at_copies(index, now);
                for copy in self.logs[index as usize].replicas.clone() {
                    self.reached(index, Holder::CopyDisk(copy.instance), copy.disk.sequence);
                }
                let node = self.logs[index as usize].node;
                self.settle_bereft(node, LossCause::Change, self.edited);
                self.place_replicas(index);
                self.call_off_without_copy(node);
                self.keep_up(index);
                self.plan_fsync(index);
            }
        }
    }
}
