//! What becomes durable when: fsyncs and snapshots.

use crate::model::state::FsyncPolicy;
use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::keeping::durability::WRITE_BACK_NS;
use crate::sim::keeping::ledger::{End, Mark, Purpose, Writing};
use crate::sim::observe::facts::Holder;
use crate::sim::observe::snapshot::Status;
use crate::sim::streams::{draw, unit};

impl Sim {
    /// Sees to it that what a log holds becomes durable without a further write: after a move, a return, or a change of
    /// policy. Whoever puts it there waits for the disk if that is the policy.
    pub(in crate::sim) fn keep_up(&mut self, log: u32) {
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
            self.reached(log, Holder::Disk, mark.sequence);
        }
        self.after_append(log);
    }

    pub(in crate::sim) fn after_append(&mut self, log: u32) {
        let here = &mut self.logs[log as usize];
        if let Some(file) = here.durability.file {
            match file.fsync {
                FsyncPolicy::Always if file.fsync_ns == 0 => {
                    let mark = here.mark(self.stamp);
                    here.synced = mark;
                    self.reached(log, Holder::Disk, mark.sequence);
                }
                FsyncPolicy::Always => {}
                FsyncPolicy::EverySecond | FsyncPolicy::Never => self.plan_fsync(log),
            }
        }
        let here = &mut self.logs[log as usize];
        if let Some(snapshots) = here.durability.snapshots
            && here.purpose == Purpose::Data
            && here.snapshot_due.is_none()
            && !here.snapshot_overdue
        {
            let at = self.next_tick(log, self.now, snapshots.every_ns, 2);
            self.logs[log as usize].snapshot_due = Some(at);
            self.timer_at(at, Timer::Snapshot { log });
        }
    }

    /// Has the log's file synced at its next tick, if that is the policy. What a process has handed over that is gone, or
    /// hangs, its kernel writes back in its own time.
    pub(in crate::sim) fn plan_fsync(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        let Some(file) = here.durability.file.filter(|_| here.fsync_due.is_none()) else {
            return;
        };
        let period = if here.online {
            file.period_ns()
        } else {
            let unsynced = here.synced.sequence < here.last();
            let there = self.has_machine(here.node, here.primary);
            Some(WRITE_BACK_NS).filter(|_| unsynced && there)
        };
        if let Some(period) = period {
            let at = self.next_tick(log, self.now, period, 1);
            self.logs[log as usize].fsync_due = Some(at);
            self.timer_at(at, Timer::Fsync { log });
        }
    }

    fn has_machine(&self, node: u16, instance: u16) -> bool {
        let status = self.nodes[node as usize].instances[instance as usize].status;
        !matches!(status, Status::MachineLost | Status::Removed)
    }

    /// The first tick after an instant of a clock with this period and a random phase of its own.
    pub(in crate::sim) fn next_tick(&self, log: u32, after: u64, period: u64, purpose: u64) -> u64 {
        let here = &self.logs[log as usize];
        let key = self.nodes[here.node as usize].key;
        let phase =
            (unit(draw(key, u64::from(here.primary) << 8 | purpose)) * period as f64) as u64;
        let period = period.max(1);
        let turns = (after + period - phase.min(period)) / period;
        phase + turns * period
    }

    /// Every second or so: what the operating system holds is forced to disk, by the primary and by its copies.
    pub(in crate::sim) fn fsync(&mut self, log: u32) {
        let (now, stamp) = (self.now, self.stamp);
        let here = &self.logs[log as usize];
        if here.fsync_due != Some(now) {
            // It has been planned anew since.
            return;
        }
        let there = self.has_machine(here.node, here.primary);
        let here = &mut self.logs[log as usize];
        here.fsync_due = None;
        let Some(file) = here.durability.file.filter(|_| there && !here.retired) else {
            return;
        };
        let mark = here.mark(stamp);
        let following = here.online;
        let copies = if following {
            here.received(now, stamp)
        } else {
            Vec::new()
        };
        // What is still on its way to a copy is for its next turn.
        let running = here.replicas.iter().filter(|r| !r.gone).count();
        let lacks = running > copies.len() || copies.iter().any(|c| c.1 < mark);
        let again = following && lacks;
        let by = here.primary;
        let done = Timer::FsyncDone {
            log,
            by,
            mark,
            copies,
        };
        self.timer_after(file.fsync_ns, done);
        if again {
            self.plan_fsync(log);
        }
    }

    pub(in crate::sim) fn must_wait_for_fsync(&self, log: u32) -> bool {
        self.logs[log as usize]
            .durability
            .file
            .is_some_and(|f| f.fsync == FsyncPolicy::Always && f.fsync_ns > 0)
    }

    /// The call waits until an fsync that began after its write is over. One fsync serves all that wait (group commit).
    pub(in crate::sim) fn wait_for_fsync(&mut self, call: u32, log: u32) {
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
        let done = Timer::FsyncDone {
            log,
            by: here.primary,
            mark,
            copies: Vec::new(),
        };
        self.timer_after(ns, done);
    }

    pub(in crate::sim) fn fsync_done(
        &mut self,
        log: u32,
        by: u16,
        mark: Mark,
        copies: &[(u16, Mark)],
    ) {
        for &(copy, mark) in copies {
            if let Some(holder) = self.logs[log as usize].copy_reaches_disk(copy, mark) {
                self.reached(log, holder, mark.sequence);
            }
        }
        let there = self.has_machine(self.logs[log as usize].node, by);
        let here = &mut self.logs[log as usize];
        // Another may have taken over: its disk is not the one that was synced. The kernel ends what a process began.
        let counts = here.primary == by && there && !here.retired;
        if counts && here.reach_disk(mark) {
            self.reached(log, Holder::Disk, mark.sequence);
        }
        // What waits is answered though its place has been taken from it meanwhile: the disk goes on.
        let here = &mut self.logs[log as usize];
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

    /// The process has stopped: calls that wait for an fsync go on when it does, if ever, and what is in its files is the
    /// kernel's business. A snapshot is finished only by one that hangs, when it goes on.
    pub(in crate::sim) fn stop_writing(&mut self, log: u32, end: End) {
        let here = &mut self.logs[log as usize];
        here.fsync_running = None;
        if end != End::Hang {
            here.snapshot_running = None;
            here.snapshot_overdue = false;
        }
        here.fsync_due = None;
        let mut waiting = std::mem::take(&mut here.waiting_now);
        waiting.append(&mut here.waiting_next);
        for (call, token) in waiting {
            let call = &mut self.calls[call as usize];
            if call.resume == token {
                call.resume = 0;
            }
        }
        self.plan_fsync(log);
    }

    /// A snapshot is due.
    pub(in crate::sim) fn snapshot_due(&mut self, log: u32) {
        let here = &mut self.logs[log as usize];
        // Otherwise it has been planned anew since.
        if here.snapshot_due == Some(self.now) {
            here.snapshot_due = None;
            self.take_snapshot(log);
        }
    }

    /// A snapshot holds what was applied at its start, and counts once it is complete. There is one at a time: the next
    /// begins when it is due and the last is done.
    fn take_snapshot(&mut self, log: u32) {
        let (stamp, now) = (self.stamp, self.now);
        let bytes = self.state_bytes(log);
        let here = &mut self.logs[log as usize];
        if here.snapshot_running.is_some() {
            here.snapshot_overdue = true;
            return;
        }
        let Some(policy) = here.durability.snapshots else {
            return;
        };
        if !here.online || here.retired {
            return;
        }
        let mark = here.mark(stamp);
        let took = (bytes as f64 / policy.bytes_per_s * 1e9) as u64;
        let writing = Writing {
            mark,
            started: now,
            ends: now.saturating_add(took),
        };
        here.snapshot_running = Some(writing);
        self.timer_at(writing.ends, Timer::SnapshotDone { log, writing });
    }

    /// A process that hung goes on with what it was writing.
    pub(in crate::sim) fn go_on_writing(&mut self, log: u32, stood: u64) {
        let here = &mut self.logs[log as usize];
        if let Some(writing) = &mut here.snapshot_running {
            writing.ends = writing.ends.saturating_add(stood);
            let writing = *writing;
            self.timer_at(writing.ends, Timer::SnapshotDone { log, writing });
        }
        // What was due meanwhile is done now.
        let (now, began) = (self.now, self.now - stood);
        let here = &self.logs[log as usize];
        if !here.online || here.retired || here.last() == 0 {
            return;
        }
        let fsyncs = here.durability.file.and_then(|file| file.period_ns());
        let unsynced = here.synced.sequence < here.last();
        let snapshots = here.durability.snapshots;
        let is_data = here.purpose == Purpose::Data && here.snapshot_due.is_none();
        if let Some(period) = fsyncs
            && unsynced
            && self.next_tick(log, began, period, 1) <= now
        {
            self.logs[log as usize].fsync_due = Some(now);
            self.timer_at(now, Timer::Fsync { log });
        }
        if let Some(policy) = snapshots
            && is_data
            && self.next_tick(log, began, policy.every_ns, 2) <= now
        {
            self.take_snapshot(log);
        }
    }

    pub(in crate::sim) fn snapshot_done(&mut self, log: u32, writing: Writing) {
        let here = &mut self.logs[log as usize];
        // Otherwise it was given up, or goes on when its process does.
        if here.snapshot_running != Some(writing) || !here.online {
            return;
        }
        here.snapshot_running = None;
        let mark = writing.mark;
        // Left from an earlier policy, it may be inside what was put together.
        let counts = mark.sequence >= here.base_end() && mark >= here.snapshot;
        if !here.retired && counts {
            here.snapshot = mark;
            here.snapshot_at = Some(writing.started);
            self.reached(log, Holder::Snapshot, mark.sequence);
        }
        if std::mem::take(&mut self.logs[log as usize].snapshot_overdue) {
            self.take_snapshot(log);
        }
    }

    pub(in crate::sim) fn state_bytes(&self, log: u32) -> u64 {
        self.logs[log as usize].versions.len() as u64 * self.value_size
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Command;
    use crate::sim::{Sim, Watch};
    use crate::units::{Duration, SECOND};

    /// A copy's disk has what the copy had got when its fsync began, though it leads when that ends; what the old primary
    /// synced meanwhile is on another disk.
    #[test]
    fn an_fsync_of_a_primary_that_was_deposed_is_not_the_new_ones() {
        const MS: u64 = 1_000_000;
        let text = r#"Topology(
            schema: 1, profile: Bare, duration: "20s",
            nodes: {
                "clients": Clients(arrivals: Steady("1000/s"), mix: (write: 1)),
                "store": RedisLike(command_time: "0s", persistence: AppendOnly(EverySecond), fsync_time: "900ms",
                    replication: Asynchronous(replicas: 1, lag: "400ms"), down_after: "10s", promotion_time: "0s"),
            },
            links: ["clients -> store"],
        )"#;
        let topology = crate::model::settings::ron_options()
            .from_str(text)
            .expect("a topology");
        for seed in 1..=5 {
            let mut sim = Sim::new(&topology, seed, Watch { live: false });
            sim.run_until(Duration(10 * SECOND));
            let began = sim.next_tick(0, sim.now, SECOND, 1);
            let store = || "store".to_owned();
            for (at, command) in [
                (began + 500 * MS, Command::ForceFailover(store())),
                (began + 950 * MS, Command::LoseMachine(store(), 1)),
                (began + 950 * MS, Command::LoseMachine(store(), 2)),
            ] {
                sim.run_until(Duration(at));
                sim.apply(&command).expect("it can be done");
            }
            assert_eq!(sim.logs[0].primary, 1);
            let held = sim.snapshot().writes.held;
            let got = (began - 400 * MS) / MS;
            assert!(held.abs_diff(got) <= 1, "seed {seed}: {held}, {got}");
        }
    }
}
