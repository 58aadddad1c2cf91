//! State: who keeps which log, what is written and read, what becomes durable when, and what a death loses.

use super::ledger::{
    Durability, FilePolicy, Log, Mark, Orphan, Place, Purpose, Replica, SnapshotPlace,
    SnapshotPolicy,
};
use super::parts::{Body, NONE};
use super::snapshot::{Status, What};
use super::streams::{draw, unit};
use super::{LossCause, Newest, Sim, Timer};
use crate::model::state::{Disk, FsyncPolicy, SnapshotTo, State};
use crate::model::{Node, Sessions};
use crate::units::SECOND;

/// How fast state is copied between machines: to a new replica, or to a new place after a change.
const COPY_BYTES_PER_S: f64 = 104_857_600.0;
/// How often the operating system writes back what nobody synced.
const WRITE_BACK_NS: u64 = 30 * SECOND;

/// What a service's state placement survives.
pub(super) fn durability_of(state: &State) -> Durability {
    match state {
        State::Stateless | State::External(_) => Durability::default(),
        State::InMemory(m) => Durability {
            file: None,
            snapshots: m.snapshot_every.map(|every| SnapshotPolicy {
                every_ns: every.0,
                place: match m.snapshot_to {
                    SnapshotTo::Volume => SnapshotPlace::Volume,
                    SnapshotTo::Instance => SnapshotPlace::Instance,
                    SnapshotTo::ObjectStore(_) => SnapshotPlace::ObjectStore,
                },
                bytes_per_s: m.snapshot_rate.0,
            }),
            replicas: m.replication.replicas(),
            lag_ns: m.replication.lag().0,
            down_after_ns: m.down_after.0,
            promotion_ns: 0,
        },
        State::LocalDisk(d) => on_file(d.fsync, d.fsync_time.0, d.disk == Disk::Volume),
        State::LocalDatabase(d) => on_file(d.fsync, d.fsync_time.0, d.disk == Disk::Volume),
    }
}

fn on_file(fsync: FsyncPolicy, fsync_ns: u64, volume: bool) -> Durability {
    Durability {
        file: Some(FilePolicy {
            fsync,
            fsync_ns,
            volume,
        }),
        ..Durability::default()
    }
}

/// What a store's data survives.
pub(super) fn durability_of_store(node: &Node) -> Durability {
    use crate::model::node::Persistence;
    let (file, replication, down_after, promotion) = match node {
        Node::RedisLike(r) => {
            let file = match r.persistence {
                Persistence::None => None,
                Persistence::AppendOnly(fsync) => on_file(fsync, r.fsync_time.0, true).file,
            };
            (file, &r.replication, r.down_after, r.promotion_time)
        }
        Node::SqlDatabase(d) => (
            on_file(d.fsync, d.commit_time.0, true).file,
            &d.replication,
            d.down_after,
            d.promotion_time,
        ),
        _ => return on_file(FsyncPolicy::Always, 0, true),
    };
    Durability {
        file,
        snapshots: None,
        replicas: replication.replicas(),
        lag_ns: replication.lag().0,
        down_after_ns: down_after.0,
        promotion_ns: promotion.0,
    }
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
        self.place_replicas(log, true);
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
        log
    }

    /// Gives a log as many copies as it should have, on the next instances that serve. A copy made while there is
    /// something to copy is complete only when that has been sent.
    pub(super) fn place_replicas(&mut self, log: u32, empty: bool) {
        let here = &self.logs[log as usize];
        let (node, primary, wanted) = (here.node, here.primary, here.durability.replicas as usize);
        if here.retired {
            return;
        }
        let instances = self.nodes[node as usize].instances.len();
        let bytes = here.keys as f64 * self.value_size as f64;
        let synced_at = if empty {
            self.now
        } else {
            self.now + (bytes / COPY_BYTES_PER_S * 1e9) as u64
        };
        for step in 1..instances {
            let candidate = ((primary as usize + step) % instances) as u16;
            let log_now = &self.logs[log as usize];
            if log_now.replicas.len() >= wanted {
                break;
            }
            let known = log_now.replicas.iter().any(|r| r.instance == candidate);
            let status = self.nodes[node as usize].instances[candidate as usize].status;
            if !known && matches!(status, Status::Up | Status::Warming) {
                self.logs[log as usize].replicas.push(Replica {
                    instance: candidate,
                    synced_at,
                    mark: None,
                });
            }
        }
    }

    /// Appends to a log, without a key.
    pub(super) fn append(&mut self, log: u32) -> Place {
        self.stamp += 1;
        let (now, stamp) = (self.now, self.stamp);
        let sequence = self.logs[log as usize].append(now, stamp);
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
        let is_write = verb == super::parts::Verb::Write;
        let slot = &self.ops[op as usize];
        let idempotent = match &self.nodes[slot.client as usize].body {
            Body::Clients(clients) => clients.settings.idempotency_keys,
            _ => false,
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
        let place = self.append(log);
        if is_write {
            let keys = self.newest.len();
            let here = &mut self.logs[log as usize];
            if here.versions.is_empty() {
                here.versions = vec![0; keys.max(key as usize + 1)];
            } else if here.versions.len() <= key as usize {
                here.versions.resize(keys.max(key as usize + 1), 0);
            }
            let version = &mut here.versions[key as usize];
            here.keys += u64::from(*version == 0);
            *version = place.stamp;
        }
        let home = self.logs[log as usize].node;
        let slot = &mut self.ops[op as usize];
        // A write that every service on its way keeps is applied once in each; only the first counts.
        let first = slot
            .place
            .is_none_or(|p| self.logs[p.log as usize].node == home);
        if first {
            slot.applied += u16::from(slot.applied == 0 || !idempotent);
            slot.place = Some(place);
        }
        self.calls[call as usize].place = Some(place);
    }

    /// A call's read finds a version.
    pub(super) fn read_from(&mut self, call: u32, log: u32) {
        let slot = &self.calls[call as usize];
        let (key, instance) = (self.ops[slot.op as usize].key as usize, slot.instance);
        let version = |log: &Log| log.versions.get(key).copied().unwrap_or(0);
        let mut found = version(&self.logs[log as usize]);
        if let Some(newest) = self.newest.get(key)
            && newest.stamp > 0
            && newest.log != log
        {
            // What is still being moved is read from the old place; a copy on this instance answers, too.
            let other = &self.logs[newest.log as usize];
            let copied_here = other.node == self.logs[log as usize].node
                && (other.primary == instance
                    || other
                        .replicas
                        .iter()
                        .any(|r| r.instance == instance && r.synced_at <= self.now));
            if (other.moving && other.online) || (copied_here && !other.retired) {
                found = found.max(version(other));
            }
        }
        self.calls[call as usize].found = found;
    }

    /// The client has the success: the write is acknowledged.
    pub(super) fn acknowledge(&mut self, key: u32, place: Option<Place>) {
        self.writes.acknowledged += 1;
        let Some(mut place) = place else {
            // A write that nobody kept was lost when it was acknowledged; a topology like that does not pass its check.
            self.writes.lost += 1;
            self.writes.lost_by_cause[LossCause::Change as usize] += 1;
            return;
        };
        let original = place.log;
        while let Some(to) = self.logs[place.log as usize].forward {
            place.log = to;
        }
        let held = if place.log == original {
            self.logs[place.log as usize].acknowledge(place.sequence)
        } else if self.logs[original as usize].is_lost(place.sequence) {
            false
        } else {
            let (now, stamp) = (self.now, self.stamp);
            self.logs[place.log as usize].take_over(now, stamp, 1);
            true
        };
        if held {
            if let Some(newest) = self.newest.get_mut(key as usize)
                && newest.stamp < place.stamp
            {
                *newest = Newest {
                    stamp: place.stamp,
                    log: place.log,
                };
            }
        } else {
            // It died before its acknowledgement arrived.
            let (node, instance) = (
                self.logs[original as usize].node,
                self.logs[original as usize].primary,
            );
            let fault = self.nodes[node as usize].instances[instance as usize].fault;
            self.book_lost_writes(original, 1, LossCause::Crash, fault);
            self.lose_key(key);
        }
    }

    fn lose_key(&mut self, key: u32) {
        if let Some(lost) = self.lost_keys.get_mut(key as usize)
            && !*lost
        {
            *lost = true;
            self.writes.keys_lost += 1;
        }
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

    /// Everything beyond a mark of a log is gone, once and for good. Gives the acknowledged writes lost.
    pub(super) fn lose_beyond(
        &mut self,
        log: u32,
        mark: Mark,
        cause: LossCause,
        fault: Option<u32>,
    ) -> u64 {
        let lost = self.logs[log as usize].truncate(mark);
        let sessions = self.lose_sessions(log, mark, cause, fault);
        if self.logs[log as usize].purpose == Purpose::Data {
            self.book_lost_writes(log, lost, cause, fault);
            self.forget_versions(log, mark);
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

    /// Versions beyond a mark go back to it, in the copy and in what counts as newest.
    fn forget_versions(&mut self, log: u32, mark: Mark) {
        let stamp = mark.stamp;
        let here = &mut self.logs[log as usize];
        for version in here.versions.iter_mut().filter(|v| **v > stamp) {
            *version = stamp;
        }
        here.keys = here.versions.iter().filter(|v| **v > 0).count() as u64;
        let mut gone = Vec::new();
        for (key, newest) in self.newest.iter_mut().enumerate() {
            if newest.log == log && newest.stamp > stamp {
                newest.stamp = stamp;
                gone.push(key as u32);
            }
        }
        for key in gone {
            self.lose_key(key);
        }
    }

    // What becomes durable.

    /// Sees to it that what a log holds becomes durable without a further write: after a move, a return, or a change of
    /// policy. Whoever puts it there waits for the disk if that is the policy.
    pub(super) fn keep_up(&mut self, log: u32) {
        let stamp = self.stamp;
        let here = &mut self.logs[log as usize];
        if !here.online || here.retired || here.last() == 0 {
            return;
        }
        if let Some(file) = here.durability.file
            && file.fsync == FsyncPolicy::Always
        {
            let mark = here.mark(stamp);
            here.reach_disk(mark);
        }
        self.after_append(log);
    }

    fn after_append(&mut self, log: u32) {
        let here = &mut self.logs[log as usize];
        if let Some(file) = here.durability.file {
            match file.fsync {
                FsyncPolicy::Always if file.fsync_ns == 0 => here.synced = here.mark(self.stamp),
                FsyncPolicy::Always => {}
                FsyncPolicy::EverySecond | FsyncPolicy::Never if here.fsync_scheduled => {}
                FsyncPolicy::EverySecond | FsyncPolicy::Never => {
                    here.fsync_scheduled = true;
                    let period = if file.fsync == FsyncPolicy::Never {
                        WRITE_BACK_NS
                    } else {
                        SECOND
                    };
                    let at = self.next_tick(log, period, 1);
                    self.timer_at(at, Timer::Fsync { log });
                }
            }
        }
        let here = &mut self.logs[log as usize];
        if let Some(snapshots) = here.durability.snapshots
            && here.purpose == Purpose::Data
            && !here.snapshot_scheduled
        {
            here.snapshot_scheduled = true;
            let at = self.next_tick(log, snapshots.every_ns, 2);
            self.timer_at(at, Timer::Snapshot { log });
        }
    }

    /// The next tick of a clock with this period and a random phase of its own.
    fn next_tick(&self, log: u32, period: u64, purpose: u64) -> u64 {
        let here = &self.logs[log as usize];
        let key = self.nodes[here.node as usize].key;
        let phase =
            (unit(draw(key, u64::from(here.primary) << 8 | purpose)) * period as f64) as u64;
        let period = period.max(1);
        let turns = (self.now + period - phase.min(period)) / period;
        phase + turns * period
    }

    /// Every second or so: what the operating system holds is forced to disk.
    pub(super) fn fsync(&mut self, log: u32) {
        let stamp = self.stamp;
        let here = &mut self.logs[log as usize];
        here.fsync_scheduled = false;
        if !here.online || here.retired {
            return;
        }
        let Some(file) = here.durability.file else {
            return;
        };
        let mark = here.mark(stamp);
        self.timer_after(file.fsync_ns, Timer::FsyncDone { log, mark });
    }

    pub(super) fn must_wait_for_fsync(&self, log: u32) -> bool {
        self.logs[log as usize]
            .durability
            .file
            .is_some_and(|f| f.fsync == FsyncPolicy::Always && f.fsync_ns > 0)
    }

    /// The call waits until an fsync that began after its write is over. One fsync serves all that wait (group commit).
    pub(super) fn wait_for_fsync(&mut self, call: u32, log: u32) {
        let token = self.new_token();
        self.calls[call as usize].resume = token;
        let here = &mut self.logs[log as usize];
        if here.fsync_running.is_some() {
            here.waiting_next.push((call, token));
        } else {
            here.waiting_now.push((call, token));
            self.begin_fsync(log);
        }
    }

    fn begin_fsync(&mut self, log: u32) {
        let stamp = self.stamp;
        let here = &mut self.logs[log as usize];
        let mark = here.mark(stamp);
        here.fsync_running = Some(mark);
        let ns = here.durability.file.map_or(0, |f| f.fsync_ns);
        self.timer_after(ns, Timer::FsyncDone { log, mark });
    }

    pub(super) fn fsync_done(&mut self, log: u32, mark: Mark) {
        let here = &mut self.logs[log as usize];
        if !here.online || here.retired || here.is_lost(mark.sequence) {
            return;
        }
        here.reach_disk(mark);
        // One that began before a crash or a hang covers nobody who waits now.
        if here.fsync_running != Some(mark) {
            return;
        }
        here.fsync_running = None;
        let done = std::mem::take(&mut here.waiting_now);
        here.waiting_now = std::mem::take(&mut here.waiting_next);
        if !here.waiting_now.is_empty() {
            self.begin_fsync(log);
        }
        for (call, token) in done {
            if self.calls[call as usize].resume == token {
                self.calls[call as usize].resume = 0;
                self.proceed(call);
            }
        }
    }

    /// The process has stopped: calls that wait for an fsync go on when it does, if ever.
    fn stop_fsync(&mut self, log: u32) {
        let here = &mut self.logs[log as usize];
        here.fsync_running = None;
        let mut waiting = std::mem::take(&mut here.waiting_now);
        waiting.append(&mut here.waiting_next);
        for (call, token) in waiting {
            let call = &mut self.calls[call as usize];
            if call.resume == token {
                call.resume = 0;
            }
        }
    }

    /// A snapshot holds what was applied at its start, and counts once it is complete.
    pub(super) fn take_snapshot(&mut self, log: u32) {
        let (stamp, now) = (self.stamp, self.now);
        let bytes = self.state_bytes(log);
        let here = &mut self.logs[log as usize];
        here.snapshot_scheduled = false;
        let Some(policy) = here.durability.snapshots else {
            return;
        };
        if !here.online || here.retired {
            return;
        }
        let mark = here.mark(stamp);
        let took = (bytes as f64 / policy.bytes_per_s * 1e9) as u64;
        self.timer_after(
            took,
            Timer::SnapshotDone {
                log,
                mark,
                started: now,
            },
        );
    }

    pub(super) fn snapshot_done(&mut self, log: u32, mark: Mark, started: u64) {
        let here = &mut self.logs[log as usize];
        let lost = mark.sequence < here.base_end() || here.is_lost(mark.sequence);
        if here.online && !here.retired && !lost && mark >= here.snapshot {
            here.snapshot = mark;
            here.snapshot_at = Some(started);
        }
    }

    pub(super) fn state_bytes(&self, log: u32) -> u64 {
        self.logs[log as usize].keys * self.value_size
    }

    // Deaths.

    /// Logs that an instance has authority over.
    pub(super) fn logs_of(&self, node: u16, instance: u16) -> Vec<u32> {
        let of = |l: &Log| l.node == node && l.primary == instance && !l.retired;
        (0..self.logs.len() as u32)
            .filter(|&i| of(&self.logs[i as usize]))
            .collect()
    }

    /// An instance is gone, or hangs: its logs lose what nobody else holds, at once; where a copy could take over, when
    /// authority is fixed.
    pub(super) fn primary_gone(
        &mut self,
        node: u16,
        instance: u16,
        machine_lost: bool,
        hang: bool,
        cause: LossCause,
    ) {
        let fault = self.nodes[node as usize].instances[instance as usize].fault;
        for log in self.logs_of(node, instance) {
            if self.logs[log as usize].orphan.is_some_and(|o| !o.hang) {
                continue;
            }
            let (now, lag) = (self.now, self.logs[log as usize].durability.lag_ns);
            let here = &self.logs[log as usize];
            let own = if hang {
                here.end()
            } else {
                here.own_remains(machine_lost)
            };
            // What is in the kernel's send buffer arrives, unless the machine is lost with it.
            let reached = if machine_lost {
                here.mark_at(now.saturating_sub(lag))
            } else {
                here.end()
            };
            let alive: Vec<bool> = here
                .replicas
                .iter()
                .map(|r| r.synced_at <= now && self.is_serving(node, r.instance))
                .collect();
            let here = &mut self.logs[log as usize];
            here.online = false;
            for (replica, alive) in here.replicas.iter_mut().zip(&alive) {
                replica.mark = alive.then_some(reached);
            }
            here.replicas.retain(|r| r.mark.is_some());
            self.stop_fsync(log);
            let here = &mut self.logs[log as usize];
            if here.replicas.is_empty() {
                if !hang {
                    self.lose_beyond(log, own, cause, fault);
                }
                continue;
            }
            here.orphan = Some(Orphan {
                since: now,
                own,
                hang,
                fault: fault.map(|f| f as usize),
                cause,
            });
            let after = here.durability.down_after_ns;
            self.timer_after(after, Timer::Detect { log, since: now });
        }
        // Copies on it are gone, too.
        for log in self
            .logs
            .iter_mut()
            .filter(|l| l.node == node && l.primary != instance && !hang)
        {
            log.replicas.retain(|r| r.instance != instance);
        }
        let bereft: Vec<u32> = (0..self.logs.len() as u32)
            .filter(|&i| {
                let log = &self.logs[i as usize];
                log.node == node && log.replicas.is_empty() && log.orphan.is_some_and(|o| !o.hang)
            })
            .collect();
        for log in bereft {
            // Nobody is left to take over: what the old primary's own disk has is all there is.
            let Some(orphan) = self.logs[log as usize].orphan.take() else {
                continue;
            };
            self.lose_beyond(
                log,
                orphan.own,
                orphan.cause,
                orphan.fault.map(|f| f as u32),
            );
        }
    }

    /// The observer has missed the primary for long enough.
    pub(super) fn primary_missed(&mut self, log: u32, since: u64) {
        let here = &self.logs[log as usize];
        let Some(orphan) = here.orphan.filter(|o| o.since == since) else {
            return;
        };
        let after = self.now - orphan.since;
        if let Some(fault) = orphan.fault {
            self.faults[fault].detected.get_or_insert(after);
        }
        let promotion = here.durability.promotion_ns;
        self.timer_after(promotion, Timer::Promote { log, since });
    }

    pub(super) fn promote_if_orphan(&mut self, log: u32, since: u64) {
        if self.logs[log as usize]
            .orphan
            .is_some_and(|o| o.since == since)
        {
            self.promote(log);
        }
    }

    /// The most advanced copy takes over: everything beyond it is lost.
    pub(super) fn promote(&mut self, log: u32) {
        let node = self.logs[log as usize].node;
        let Some(orphan) = self.logs[log as usize].orphan else {
            return;
        };
        let best = self.logs[log as usize]
            .replicas
            .iter()
            .filter(|r| self.is_serving(node, r.instance))
            .max_by_key(|r| (r.mark, std::cmp::Reverse(r.instance)))
            .copied();
        let Some(best) = best else { return };
        let old = self.logs[log as usize].primary;
        let fault = orphan.fault.map(|f| f as u32);
        let mark = best.mark.unwrap_or(orphan.own);
        let lost = self.lose_beyond(log, mark, orphan.cause, fault);
        let here = &mut self.logs[log as usize];
        here.orphan = None;
        here.primary = best.instance;
        here.online = true;
        here.replicas.retain(|r| r.instance != best.instance);
        for replica in &mut here.replicas {
            replica.mark = None;
        }
        here.synced = here.synced.max(Mark {
            sequence: mark.sequence.min(here.last()),
            stamp: mark.stamp.min(self.stamp),
        });
        let purpose = here.purpose;
        let name = self.nodes[node as usize].name.clone();
        if let Some(store) = self.store_mut(node) {
            store.primary = best.instance;
        } else {
            // What is written through the old instance from now on is a log of its own.
            let slot = &mut self.nodes[node as usize].instances[old as usize];
            if slot.data_log == log {
                slot.data_log = NONE;
            }
            if slot.session_log == log {
                slot.session_log = NONE;
            }
        }
        if orphan.hang {
            // The old primary has the old epoch: nothing that it answers counts any more.
            self.cut_off(node, old, false);
        }
        self.place_replicas(log, false);
        if purpose == Purpose::Data {
            self.happen(What::Promoted {
                node: name,
                instance: u32::from(best.instance) + 1,
                lost_writes: lost,
            });
        }
    }

    /// An instance is back: its logs go on from what its disk has, or a copy has taken over meanwhile.
    pub(super) fn primary_back(&mut self, node: u16, instance: u16) {
        let is_store = self.store(node).is_some();
        for log in self.logs_of(node, instance) {
            match self.logs[log as usize].orphan {
                Some(orphan) if is_store || orphan.hang => {
                    // Back before anybody was promoted: it has authority, with what it has.
                    self.logs[log as usize].orphan = None;
                    if !orphan.hang {
                        self.lose_beyond(
                            log,
                            orphan.own,
                            orphan.cause,
                            orphan.fault.map(|f| f as u32),
                        );
                    }
                    let now = self.now;
                    let here = &mut self.logs[log as usize];
                    here.online = true;
                    for replica in &mut here.replicas {
                        replica.mark = None;
                        replica.synced_at = now;
                    }
                    self.place_replicas(log, false);
                }
                Some(_) => self.promote(log),
                None => self.logs[log as usize].online = true,
            }
        }
        for log in self.logs_of(node, instance) {
            self.keep_up(log);
        }
        // It can take over what nobody could when the primary had been missed for long enough.
        let overdue: Vec<u32> = (0..self.logs.len() as u32)
            .filter(|&i| {
                let log = &self.logs[i as usize];
                let patience = log.durability.down_after_ns + log.durability.promotion_ns;
                log.node == node && log.orphan.is_some_and(|o| o.since + patience <= self.now)
            })
            .collect();
        for log in overdue {
            self.promote(log);
        }
        // It can hold copies again.
        let lacking: Vec<u32> = (0..self.logs.len() as u32)
            .filter(|&i| {
                let log = &self.logs[i as usize];
                log.node == node
                    && log.online
                    && !log.retired
                    && (log.replicas.len() as u32) < log.durability.replicas
            })
            .collect();
        for log in lacking {
            self.place_replicas(log, false);
        }
    }

    /// Whether every log of a node has its copies, complete.
    pub(super) fn synced_until(&self, node: u16) -> u64 {
        self.logs
            .iter()
            .filter(|l| l.node == node && !l.retired)
            .flat_map(|l| l.replicas.iter().map(|r| r.synced_at))
            .max()
            .unwrap_or(0)
    }

    /// Writes that are held but cannot be reached now.
    pub(super) fn unavailable(&self) -> u64 {
        self.logs
            .iter()
            .filter(|l| !l.retired && !l.online && l.purpose == Purpose::Data)
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

    // Stopping for good, and moving.

    /// A log's content goes to other logs, which hold it from now on; it is retired.
    pub(super) fn hand_log_over(&mut self, log: u32, to: &[u32]) -> u64 {
        let Some(&first) = to.first() else { return 0 };
        let held = self.logs[log as usize].hand_over();
        let versions = std::mem::take(&mut self.logs[log as usize].versions);
        self.logs[log as usize].retired = true;
        self.logs[log as usize].moving = false;
        self.logs[log as usize].online = false;
        self.logs[log as usize].forward = Some(first);
        let (now, stamp) = (self.now, self.stamp);
        let n = to.len() as u64;
        for (index, &target) in to.iter().enumerate() {
            let share = held / n + u64::from((index as u64) < held % n);
            let here = &mut self.logs[target as usize];
            here.take_over(now, stamp, share);
            if here.versions.len() < versions.len() {
                here.versions.resize(versions.len(), 0);
            }
            for (mine, theirs) in here.versions.iter_mut().zip(&versions) {
                *mine = (*mine).max(*theirs);
            }
            here.keys = here.versions.iter().filter(|v| **v > 0).count() as u64;
            self.keep_up(target);
        }
        for (key, newest) in self.newest.iter_mut().enumerate() {
            if newest.log == log && newest.stamp > 0 {
                newest.log = to[key % to.len()];
            }
        }
        held
    }

    /// Begins to move a log to a new place; it answers until that is done.
    pub(super) fn start_move(&mut self, log: u32, to: Vec<u32>) {
        self.logs[log as usize].moving = true;
        let took = self.state_bytes(log) as f64 / COPY_BYTES_PER_S * 1e9;
        self.timer_after(took as u64, Timer::Moved { log, to });
    }

    pub(super) fn moved(&mut self, log: u32, to: &[u32]) {
        // Its instance may have died while it moved; then it stays what its death made of it, until it is back.
        if self.logs[log as usize].retired {
            return;
        }
        if !self.logs[log as usize].online {
            return self.timer_after(
                SECOND,
                Timer::Moved {
                    log,
                    to: to.to_vec(),
                },
            );
        }
        // The new place may itself have moved on.
        let mut there: Vec<u32> = Vec::new();
        for &target in to {
            let mut at = target;
            while let Some(next) = self.logs[at as usize].forward {
                at = next;
            }
            if at != log && !self.logs[at as usize].retired && !there.contains(&at) {
                there.push(at);
            }
        }
        self.hand_log_over(log, &there);
    }

    /// The log that a store member or a service's session settings name, after they have changed.
    pub(super) fn refresh_durability(&mut self) {
        for index in 0..self.logs.len() as u32 {
            let log = &self.logs[index as usize];
            if log.retired || log.moving {
                continue;
            }
            let name = &self.nodes[log.node as usize].name;
            let durability = match (log.purpose, self.topology.nodes.get(name)) {
                (Purpose::Sessions, _) => match &self.topology.sessions {
                    Sessions::InMemory(s) => Durability {
                        replicas: s.replication.replicas(),
                        lag_ns: s.replication.lag().0,
                        down_after_ns: s.down_after.0,
                        ..Durability::default()
                    },
                    _ => continue,
                },
                (Purpose::Data, Some(Node::Service(s))) if s.state.is_local() => {
                    durability_of(&s.state)
                }
                (Purpose::Data, Some(node)) if node.is_store() => durability_of_store(node),
                _ => continue,
            };
            if log.durability != durability {
                self.logs[index as usize].set_durability(durability);
                let wanted = durability.replicas as usize;
                self.logs[index as usize].replicas.truncate(wanted);
                self.place_replicas(index, false);
                self.keep_up(index);
            }
        }
    }
}
