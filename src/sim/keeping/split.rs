//! Split brain: what becomes of a group of copies when another takes over from a primary that lives on, and afterwards.
//!
//! A copy that its primary cannot reach stands still. A primary that whoever watches it cannot reach is missed, as if it were
//! dead, and the most advanced copy that can be reached takes over; but the old one lives on, and goes on answering whoever
//! still believes in it:
//!
//! ```text
//! before    log ──────────────────── primary
//! parted    log ────────┬────────────── the copy's, which everybody is told of who can be
//!                 mark └── fork ─────── the old primary's, for those who have not been told
//! healed    log ─────────────────────── the fork is lost; the old primary follows
//! ```

use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::NONE;
use crate::sim::keeping::ledger::{Deposed, End, Mark, Place, Purpose, Replica};
use crate::sim::keeping::loss::LossCause;
use crate::sim::observe::facts::{Fact, Holder, Source};
use crate::sim::observe::snapshot::{Cause, What};
use crate::sim::traffic::Leave;

impl Sim {
    /// Something has changed between who can reach whom: every group finds out.
    pub(in crate::sim) fn regroup(&mut self) {
        for log in 0..self.logs.len() as u32 {
            let here = &self.logs[log as usize];
            if here.retired || here.deposed.is_none() {
                continue;
            }
            self.tell_believers(log);
            self.heal_split(log);
        }
        for log in 0..self.logs.len() as u32 {
            let here = &self.logs[log as usize];
            if !here.retired && here.durability.replicas > 0 {
                self.part_copies(log);
                self.watch(log);
            }
        }
        for node in 0..self.nodes.len() as u16 {
            self.promote_overdue(node);
            self.fill_up(node);
        }
        self.tend_moves();
        self.house_sessions();
    }

    /// A copy takes over from a primary that lives on: what the copy lacks, and what comes to the old one from now on, is a
    /// log of its own.
    pub(super) fn depose(&mut self, log: u32, (to, mark): (u16, Mark), deposed: Deposed) {
        let here = &self.logs[log as usize];
        let (node, old, purpose) = (here.node, here.primary, here.purpose);
        if let Some(before) = self.fork_of(log) {
            let cause = self.logs[before as usize].deposed.as_ref().map(|d| d.cause);
            self.end_split(before, cause.unwrap_or(LossCause::Partition));
        }
        let fork = self.fork_off(log, (to, mark), deposed);
        let waiting = self.stop_waiting(log);
        let old_disk = self.logs[log as usize].synced;
        self.lead_by_copy(log, to, mark);
        // If all else fails, the old primary has all up to the fork.
        let mut keeps = Replica::new(old, u64::MAX, mark, old_disk.min(mark));
        (keeps.cut, keeps.has) = (true, Some(mark));
        self.logs[log as usize].replicas.push(keeps);
        if let Some(store) = self.store_mut(node) {
            store.primary = to;
            store.deposed = Some((old, fork));
        } else {
            let here = &mut self.nodes[node as usize].instances[old as usize];
            for kept in [&mut here.data_log, &mut here.session_log] {
                if *kept == log {
                    *kept = fork;
                }
            }
        }
        for call in waiting {
            self.wait_for_fsync(call, fork);
        }
        // Writes that wait for a planned failover are connected to nobody: they go to the copy.
        if let Some(planned) = self.end_failover(node, to) {
            self.called_off(node, planned, "a copy took over before it was done");
            self.take_next(node, to);
        }
        self.place_replicas(log);
        self.keep_up(log);
        self.part_copies(fork);
        if purpose == Purpose::Data {
            let node = self.nodes[node as usize].name.clone();
            self.happen(What::Promoted {
                node,
                instance: u32::from(to) + 1,
                lost_writes: 0,
            });
        }
    }

    /// What a copy lacks that takes over goes on as a log of its own, under the old primary and with the copies that only
    /// that one reaches.
    fn fork_off(&mut self, log: u32, (to, mark): (u16, Mark), deposed: Deposed) -> u32 {
        let stamp = self.stamp;
        let here = &mut self.logs[log as usize];
        here.mark(stamp);
        let (node, old) = (here.node, here.primary);
        let (new_spot, old_spot) = (self.spot(node, to), self.spot(node, old));
        let copies = self.logs[log as usize].replicas.iter();
        let follows_new = |copy: &u16| {
            let here = self.spot(node, *copy);
            *copy == to
                || self.parted_by(new_spot, here).is_none()
                || self.parted_by(old_spot, here).is_some()
        };
        let follow_new: Vec<u16> = copies.map(|c| c.instance).filter(follows_new).collect();
        let fork = self.logs[log as usize].fork(mark, |copy| follow_new.contains(&copy.instance));
        self.logs.push(fork);
        let fork = self.logs.len() as u32 - 1;
        if let Some(at) = deposed.told_at {
            self.timer_at(at, Timer::Demote { log: fork });
        }
        self.logs[fork as usize].deposed = Some(deposed);
        self.lead_places_on(log, mark, fork);
        self.tell_of_log(fork);
        let number = mark.sequence;
        self.tell(Fact::Forked { log, number, fork });
        fork
    }

    /// A log goes on under a copy that has all up to a mark.
    fn lead_by_copy(&mut self, log: u32, to: u16, mark: Mark) {
        let (now, number) = (self.now, mark.sequence);
        let here = &self.logs[log as usize];
        let copy = here.replicas.iter().find(|copy| copy.instance == to);
        let disk = match here.durability.file {
            // With an fsync for each write a copy syncs what it gets.
            Some(file) if file.period_ns().is_none() => mark,
            _ => copy.map_or(Mark::default(), |copy| copy.disk),
        };
        self.reached(log, Holder::Copy(to), number);
        self.reached(log, Holder::CopyDisk(to), disk.sequence);
        self.tell(Fact::Settled(log, Source::Copy(to)));
        let here = &mut self.logs[log as usize];
        here.missed = None;
        here.set_marks(now);
        here.led_by(to, mark, disk, now);
    }

    /// The log under a primary that another has taken this one over from.
    pub(super) fn fork_of(&self, log: u32) -> Option<u32> {
        let of = |l: &u32| {
            let other = &self.logs[*l as usize];
            !other.retired
                && other
                    .deposed
                    .as_ref()
                    .is_some_and(|deposed| deposed.by == log)
        };
        (0..self.logs.len() as u32).find(of)
    }

    /// What names writes beyond a mark names them in the fork.
    fn lead_places_on(&mut self, log: u32, mark: Mark, fork: u32) {
        let beyond = |place: &mut Place| {
            if place.log == log && place.sequence > mark.sequence {
                (place.log, place.sequence) = (fork, place.sequence - mark.sequence);
            }
        };
        let calls = self.calls.iter_mut().filter(|c| !c.free);
        calls.filter_map(|c| c.place.as_mut()).for_each(beyond);
        let ops = self.ops.iter_mut().filter_map(|op| op.place.as_mut());
        ops.for_each(beyond);
        let pairs = self.logs.iter_mut().flat_map(|l| {
            let gone = l.gone.iter_mut().map(|(_, to)| to);
            l.forward.iter_mut().chain(gone)
        });
        let users = self.users.iter_mut().map(|u| (&mut u.log, &mut u.sequence));
        let before = self
            .sessions_before
            .iter_mut()
            .flat_map(crate::sim::sessions::Before::places);
        let pairs = pairs.map(|(l, sequence)| (l, sequence));
        let pairs = pairs.chain(users).chain(before);
        for (of, sequence) in pairs {
            if *of == log && *sequence > mark.sequence {
                (*of, *sequence) = (fork, *sequence - mark.sequence);
            }
        }
        let here = &self.logs[log as usize];
        let newest = &mut self.newest[here.space as usize];
        // By what it has now: what moved here may be older than the mark.
        let its = newest
            .iter()
            .filter(|(key, n)| n.log == log && !here.has_version(*key, n.stamp));
        for key in its.map(|(key, _)| key).collect::<Vec<_>>() {
            newest.entry(key).log = fork;
        }
    }

    /// Calls that wait for an fsync of a log wait for none any more; gives those.
    fn stop_waiting(&mut self, log: u32) -> Vec<u32> {
        let here = &mut self.logs[log as usize];
        here.fsync_running = None;
        let mut waiting = std::mem::take(&mut here.waiting_now);
        waiting.append(&mut here.waiting_next);
        let still = waiting
            .into_iter()
            .filter(|&(call, token)| self.calls[call as usize].resume == token);
        still.map(|(call, _)| call).collect()
    }

    /// Callers that can be reached again learn who leads.
    fn tell_believers(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        let Some(deposed) = here.deposed.as_ref().filter(|d| d.told_at.is_none()) else {
            return;
        };
        let observer = self.observer_of(here.node);
        let believes = |&(node, instance): &(u16, u16)| {
            self.parted_by(observer, self.spot(node, instance))
                .is_some()
        };
        let left: Vec<(u16, u16)> = deposed.believers.iter().copied().filter(believes).collect();
        if let Some(deposed) = &mut self.logs[log as usize].deposed {
            deposed.believers = left;
        }
    }

    /// An old primary that can be seen again is told.
    pub(in crate::sim) fn heal_split(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        let Some(deposed) = here.deposed.as_ref() else {
            return;
        };
        if self.logs[deposed.by as usize].orphan.is_some() {
            // Nobody else has authority: it may get it again.
            return;
        }
        let is_due = deposed.told_at.is_none_or(|at| at <= self.now);
        let observer = self.observer_of(here.node);
        let old = self.spot(here.node, here.primary);
        // A process that hangs hears nothing.
        let hears = self.is_serving(here.node, here.primary);
        if is_due && hears && self.parted_by(observer, old).is_none() {
            self.end_split(log, deposed.cause);
        }
    }

    /// The delay after a forced failover is over.
    pub(in crate::sim) fn demote(&mut self, log: u32) {
        if self.logs[log as usize].retired {
            return;
        }
        if let Some(deposed) = &mut self.logs[log as usize].deposed {
            // From now on it depends on who can be reached.
            deposed.told_at = None;
        }
        self.tell_believers(log);
        self.heal_split(log);
    }

    /// The fork is lost, and whoever led it follows from now on.
    fn end_split(&mut self, fork: u32, cause: LossCause) {
        let here = &self.logs[fork as usize];
        let (node, old) = (here.node, here.primary);
        let Some(deposed) = here.deposed.clone() else {
            return;
        };
        let lost = self.lose_beyond(
            fork,
            Mark::default(),
            Source::Nothing,
            cause,
            Some(deposed.fault),
        );
        let waiting = self.wait_no_more(fork);
        let here = &mut self.logs[fork as usize];
        (here.retired, here.online, here.deposed) = (true, false, None);
        here.replicas.clear();
        let ends = &self.nodes[node as usize].instances[old as usize];
        if !ends.status.is_down() {
            // It is filled anew. (Of one that has died its file may be left.)
            let by = &mut self.logs[deposed.by as usize];
            by.replicas.retain(|copy| copy.instance != old || copy.gone);
            self.tell(Fact::Gone(deposed.by, Holder::Copy(old)));
        }
        if let Some(store) = self.store_mut(node) {
            store.deposed = None;
            if self.is_serving(node, old) {
                // Whoever is connected to it is sent away.
                self.cut_off(node, old, Leave::Reset);
            }
        } else {
            let here = &mut self.nodes[node as usize].instances[old as usize];
            for kept in [&mut here.data_log, &mut here.session_log] {
                if *kept == fork {
                    *kept = NONE;
                }
            }
            // What waits has not been acknowledged, and is not any more.
            for &call in &waiting {
                self.reply_failed(call, Cause::Error);
            }
        }
        self.place_replicas(deposed.by);
        // Others may have a copy there, too, now that it follows.
        self.fill_up(node);
        let node = self.nodes[node as usize].name.clone();
        self.happen(What::Demoted {
            node,
            instance: u32::from(old) + 1,
            lost_writes: lost,
        });
        self.house_sessions();
    }

    /// Calls that wait for an fsync of a log, or for copies, wait for none any more; gives those.
    fn wait_no_more(&mut self, log: u32) -> Vec<u32> {
        let mut waiting = self.stop_waiting(log);
        let awaiting = std::mem::take(&mut self.logs[log as usize].awaiting);
        let still = awaiting
            .into_iter()
            .filter(|&(call, token, _)| self.calls[call as usize].resume == token);
        waiting.extend(still.map(|(call, ..)| call));
        for &call in &waiting {
            self.calls[call as usize].resume = 0;
        }
        waiting
    }

    /// An old primary has authority again, since whoever had taken over is gone: what it has taken meanwhile is its log's.
    pub(super) fn end_split_by_return(&mut self, log: u32, old: u16) {
        let node = self.logs[log as usize].node;
        let Some(fork) = self.fork_of(log) else {
            return;
        };
        if self.logs[fork as usize].primary != old {
            return;
        }
        let waiting = self.wait_no_more(fork);
        let here = &mut self.logs[fork as usize];
        here.deposed = None;
        here.replicas.clear();
        if let Some(store) = self.store_mut(node) {
            store.deposed = None;
        } else {
            let here = &mut self.nodes[node as usize].instances[old as usize];
            for kept in [&mut here.data_log, &mut here.session_log] {
                if *kept == fork {
                    *kept = log;
                }
            }
        }
        self.hand_log_over(fork, &[log]);
        let number = self.logs[log as usize].last();
        let users = self.users.iter_mut().map(|u| (&mut u.log, &mut u.sequence));
        let before = self.sessions_before.iter_mut();
        let before = before.flat_map(crate::sim::sessions::Before::places);
        for (of, sequence) in users.chain(before).filter(|(of, _)| **of == fork) {
            (*of, *sequence) = (log, number);
        }
        for call in waiting {
            self.reply_failed(call, Cause::Error);
        }
        // Keys may have gone on meanwhile that it had newer versions of.
        self.gather(node, false);
        self.fill_up(node);
    }

    /// An instance that led a fork is gone, and the fork with it.
    pub(in crate::sim) fn forks_gone(&mut self, node: u16, instance: u16, end: End) {
        if end == End::Hang {
            return;
        }
        for log in self.logs_of(node, instance) {
            if let Some(cause) = self.logs[log as usize].deposed.as_ref().map(|d| d.cause) {
                self.end_split(log, cause);
            }
        }
    }

    /// The member of a store that a caller takes for its primary.
    #[cold]
    pub(in crate::sim) fn believed_primary(&self, node: u16, caller: (u16, u16)) -> u16 {
        let Some(store) = self.store(node) else {
            return 0;
        };
        let deposed = store.deposed.and_then(|(old, fork)| {
            let deposed = self.logs[fork as usize].deposed.as_ref()?;
            deposed.believers.contains(&caller).then_some(old)
        });
        deposed.unwrap_or(store.primary)
    }
}
