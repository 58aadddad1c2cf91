//! Failovers that somebody asks for.
//!
//! A planned one loses nothing: writes wait before the store, as behind a pooler that pauses, until a copy has everything
//! and has been promoted; then they go to it. Reads are answered meanwhile. A forced one promotes a copy at once, and what
//! that lacks is lost.

use crate::model::Command;
use crate::model::settings::SettingError;
use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::NONE;
use crate::sim::keeping::ledger::{End, Mark, Orphan, Purpose, Replica};
use crate::sim::keeping::loss::LossCause;
use crate::sim::observe::facts::{Fact, Holder, Source};
use crate::sim::observe::snapshot::What;
use crate::sim::traffic::Leave;

/// How soon it is looked again whether writes that were being carried out have ended.
const LOOK_AGAIN_NS: u64 = 1_000_000;

/// A planned failover under way.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Failover {
    since: u64,
    pub fault: u32,
    /// Writes that wait for it, with their tokens.
    pub held: Vec<(u32, u32)>,
}

impl Failover {
    /// When it was asked for.
    pub(in crate::sim) fn since(&self) -> u64 {
        self.since
    }

    /// Whether a timer is what it goes on by.
    pub(in crate::sim) fn goes_on_by(&self, timer: &Timer, at: u16) -> bool {
        match *timer {
            Timer::CaughtUp { node, since } | Timer::HandOver { node, since } => {
                node == at && since == self.since
            }
            _ => false,
        }
    }
}

impl Sim {
    /// Hands a store over to its most advanced copy, at once (`force`) or when that has everything.
    ///
    /// # Errors
    /// It is no store, has no copy that could take over, or is being handed over already.
    pub(in crate::sim) fn fail_over(
        &mut self,
        node: u16,
        command: &Command,
        force: bool,
    ) -> Result<(), SettingError> {
        let name = self.nodes[node as usize].name.clone();
        let Some(store) = self.store(node) else {
            return Err(SettingError::here(format!("`{name}` is not a store")));
        };
        let (log, primary) = (store.log, store.primary);
        if log == NONE || self.logs[log as usize].durability.replicas == 0 {
            return Err(SettingError::here(format!(
                "`{name}` has no replica to fail over to: give it `replication` first"
            )));
        }
        if store.failover.is_some() && !force {
            return Err(SettingError::here(format!(
                "`{name}` is being handed over already"
            )));
        }
        let able = self.able_copy(node, log).is_some();
        let able = able || (force && self.best_copy(log, |_| true).is_some());
        if !able {
            return Err(SettingError::here(format!(
                "no replica of `{name}` could take over now: none is up and complete"
            )));
        }
        let fault = self.new_fault(command, Some((node, primary)));
        if force {
            self.force(node, log, fault);
        } else if let Some(orphan) = &mut self.logs[log as usize].orphan {
            // There is nobody to ask for the rest: what is still under way comes, and then a copy takes over.
            orphan.asked = Some(fault);
            orphan.missed = orphan.missed.min(self.now);
            self.promote_when_due(log);
        } else {
            self.plan(node, primary, log, fault);
        }
        Ok(())
    }

    /// The most advanced copy that serves and is complete.
    pub(in crate::sim) fn able_copy(&self, node: u16, log: u32) -> Option<Replica> {
        let here = &self.logs[log as usize];
        here.replicas
            .iter()
            .filter(|r| match here.orphan {
                Some(_) => r.mark.is_some(),
                None => r.synced_at <= self.now,
            })
            .filter(|r| self.is_serving(node, r.instance))
            .max_by_key(|r| (r.mark, std::cmp::Reverse(r.instance)))
            .copied()
    }

    fn force(&mut self, node: u16, log: u32, fault: u32) {
        let now = self.now;
        let here = &mut self.logs[log as usize];
        if let Some(orphan) = &mut here.orphan {
            orphan.asked = Some(fault);
            self.stream_cut(log);
            self.settle_bereft(node, LossCause::Promotion, Some(fault));
        } else if here.durability.demotion_ns > 0 {
            self.depose_by_force(log, fault);
            return;
        } else {
            self.tell_of_copies(log, true, now);
            self.tell(Fact::Served(log, false));
            let here = &mut self.logs[log as usize];
            let primary = here.primary;
            here.set_marks(now);
            here.online = false;
            here.orphan = Some(Orphan {
                since: now,
                own: here.end(),
                hang: false,
                missed: now,
                stream_ends: now,
                sent: here.arrived(now),
                fault: Some(fault),
                cause: LossCause::Promotion,
                asked: Some(fault),
                lost: 0,
            });
            self.stop_writing(log, End::Process);
            // Writes that wait for a planned one are connected to nobody: they go to the copy.
            let to = self
                .able_copy(node, log)
                .map_or(primary, |copy| copy.instance);
            if let Some(planned) = self.end_failover(node, to) {
                self.called_off(node, planned, "a failover was forced before it was done");
            }
            // Whoever is connected to the old primary is sent away.
            self.cut_off(node, primary, Leave::Reset);
            self.nodes[node as usize].instances[primary as usize].fault = None;
        }
        self.promote(log);
        if let Some(primary) = self.store(node).map(|s| s.primary) {
            self.take_next(node, primary);
        }
    }

    // A planned one.

    /// A write waits, without a connection or a place in a queue.
    pub(in crate::sim) fn hold_write(&mut self, index: u32) {
        let token = self.new_token();
        self.calls[index as usize].resume = token;
        let node = self.calls[index as usize].node;
        if let Some(failover) = self.store_mut(node).and_then(|s| s.failover.as_mut()) {
            failover.held.push((index, token));
        }
    }

    fn plan(&mut self, node: u16, primary: u16, log: u32, fault: u32) {
        let now = self.now;
        if let Some(store) = self.store_mut(node) {
            store.failover = Some(Failover {
                since: now,
                fault,
                held: Vec::new(),
            });
        }
        let here = &self.nodes[node as usize].instances[primary as usize];
        let writes: Vec<u32> = here
            .queue
            .iter()
            .copied()
            .filter(|&call| call != NONE && self.calls[call as usize].verb.writes())
            .collect();
        for call in writes {
            self.take_out_of_queue(call);
            self.hold_write(call);
        }
        let at = self.logs[log as usize].reaches_all().max(now);
        self.timer_at(at, Timer::CaughtUp { node, since: now });
    }

    /// The log and the primary of a planned failover that began then, if it is still under way.
    fn handing_over(&self, node: u16, since: u64) -> Option<(u32, u16)> {
        let store = self.store(node)?;
        let under_way = store.failover.as_ref().is_some_and(|f| f.since == since);
        (under_way && !self.nodes[node as usize].removed).then_some((store.log, store.primary))
    }

    /// The copy has what was written when it was looked last; if that is all, it is promoted.
    pub(in crate::sim) fn caught_up(&mut self, node: u16, since: u64) {
        let Some((log, primary)) = self.handing_over(node, since) else {
            return;
        };
        let held = self.store(node).and_then(|s| s.failover.as_ref());
        let mut held: Vec<u32> = held.map_or(Vec::new(), |f| f.held.iter().map(|h| h.0).collect());
        // There may be as many as there are calls.
        held.sort_unstable();
        let at_work = (0..self.calls.len() as u32).any(|index| {
            let call = &self.calls[index as usize];
            !call.free
                && call.present
                && (call.node, call.instance) == (node, primary)
                && call.verb.writes()
                && held.binary_search(&index).is_err()
        });
        let again = if at_work {
            Some(self.now + LOOK_AGAIN_NS)
        } else {
            Some(self.logs[log as usize].reaches_all()).filter(|&at| at > self.now)
        };
        if let Some(at) = again {
            return self.timer_at(at, Timer::CaughtUp { node, since });
        }
        let promotion = self.logs[log as usize].durability.promotion_ns;
        self.timer_after(promotion, Timer::HandOver { node, since });
    }

    /// The copy has authority from now on, and what waited goes to it.
    pub(in crate::sim) fn hand_over(&mut self, node: u16, since: u64) {
        let Some((log, old)) = self.handing_over(node, since) else {
            return;
        };
        let Some(copy) = self.able_copy(node, log) else {
            return self.call_off_failover(node, "no replica serves that could take over");
        };
        let (now, stamp) = (self.now, self.stamp);
        let here = &mut self.logs[log as usize];
        let all = here.mark(stamp);
        let always = here
            .durability
            .file
            .is_some_and(|f| f.period_ns().is_none());
        let old_disk = here.synced;
        here.set_marks(now);
        // With an fsync for each write a copy syncs what it gets.
        let disk = if always { all } else { copy.disk };
        here.led_by(copy.instance, all, disk, now);
        let old_has = if always { Mark::default() } else { old_disk };
        here.replicas.push(Replica::new(old, now, all, old_has));
        let number = all.sequence;
        self.reached(log, Holder::Copy(copy.instance), number);
        if always {
            self.reached(log, Holder::CopyDisk(copy.instance), number);
        }
        self.tell(Fact::Settled(log, Source::Copy(copy.instance)));
        if !always && old_disk.sequence > 0 {
            self.reached(log, Holder::CopyDisk(old), old_disk.sequence);
        }
        let store_name = self.nodes[node as usize].name.clone();
        self.nodes[node as usize].instances[old as usize].fault = None;
        if let Some(store) = self.store_mut(node) {
            store.primary = copy.instance;
        }
        // Whoever is on the way to the old primary is led on to the new one.
        for call in &mut self.calls {
            if call.on_its_way() && (call.node, call.instance) == (node, old) {
                call.instance = copy.instance;
            }
        }
        if self.logs[log as usize].purpose == Purpose::Data {
            self.happen(What::Promoted {
                node: store_name,
                instance: u32::from(copy.instance) + 1,
                lost_writes: 0,
            });
        }
        self.end_failover(node, copy.instance);
        self.take_next(node, copy.instance);
        self.place_replicas(log);
        self.keep_up(log);
    }

    /// A failover that was planned does not come about: the old primary goes on, if it can.
    pub(in crate::sim) fn call_off_failover(&mut self, node: u16, why: &'static str) {
        let Some(primary) = self.store(node).map(|s| s.primary) else {
            return;
        };
        if let Some(fault) = self.end_failover(node, primary) {
            self.take_next(node, primary);
            self.called_off(node, fault, why);
        }
    }

    /// A failover that somebody asked for does not come about.
    pub(in crate::sim) fn called_off(&mut self, node: u16, fault: u32, why: &'static str) {
        self.faults[fault as usize].called_off = Some(why);
        let node = self.nodes[node as usize].name.clone();
        self.happen(What::CalledOff {
            node,
            why: why.to_owned(),
        });
    }

    /// Writes that waited queue where they are to go; gives what wanted the failover that is over, if there was one.
    pub(in crate::sim) fn end_failover(&mut self, node: u16, to: u16) -> Option<u32> {
        let now = self.now;
        let failover = self.store_mut(node)?.failover.take()?;
        for (index, token) in failover.held {
            let call = &mut self.calls[index as usize];
            if call.resume != token {
                continue;
            }
            call.resume = 0;
            let before = std::mem::replace(&mut call.instance, to);
            let instances = &mut self.nodes[node as usize].instances;
            instances[before as usize].present.remove(now);
            instances[to as usize].present.add(now);
            instances[to as usize].enqueue(call, index, now);
        }
        Some(failover.fault)
    }
}
