//! Who has authority: what copies have when the primary is gone, and who takes over. Copies themselves are in `copies.rs`.

use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::NONE;
use crate::sim::keeping::ledger::{End, Log, Mark, Orphan, Purpose, Replica};
use crate::sim::keeping::loss::LossCause;
use crate::sim::observe::facts::{Fact, Holder, Source};
use crate::sim::observe::snapshot::{Status, What};
use crate::sim::traffic::Leave;
use crate::units::Duration;

impl Sim {
    /// Logs that an instance has authority over.
    pub(in crate::sim) fn logs_of(&self, node: u16, instance: u16) -> Vec<u32> {
        let of = |l: &Log| l.node == node && l.primary == instance && !l.retired;
        (0..self.logs.len() as u32)
            .filter(|&i| of(&self.logs[i as usize]))
            .collect()
    }

    /// An instance is gone, or hangs: its logs lose what nobody else holds, at once; where a copy could take over, what
    /// that lacks when authority is fixed.
    pub(in crate::sim) fn primary_gone(
        &mut self,
        node: u16,
        instance: u16,
        end: End,
        cause: LossCause,
    ) {
        if self.store(node).is_some_and(|s| s.primary == instance) {
            let why = match end {
                End::Hang => "its primary hangs",
                _ => "its primary is gone",
            };
            self.call_off_failover(node, why);
        }
        self.forks_gone(node, instance, end);
        for log in self.logs_of(node, instance) {
            if self.logs[log as usize].deposed.is_some() {
                // It hangs: nobody takes its side over.
                self.logs[log as usize].online = false;
                self.tell(Fact::Served(log, false));
                continue;
            }
            if end != End::Hang {
                let machine = end == End::Machine;
                self.tell(Fact::Died { log, machine });
            }
            if self.logs[log as usize].orphan.is_some() {
                self.gone_further(log, end, cause);
            } else {
                self.leave_to_copies(log, end, cause);
            }
        }
        self.copies_stop(node, instance, end);
        let fault = self.nodes[node as usize].instances[instance as usize].fault;
        self.settle_bereft(node, cause, fault);
    }

    /// Nobody has authority over a log any more: it is settled what each of its copies will have got, and one of them may
    /// take over.
    fn leave_to_copies(&mut self, log: u32, end: End, cause: LossCause) {
        let now = self.now;
        let here = &self.logs[log as usize];
        let lag = here.durability.lag_ns;
        let fault = self.nodes[here.node as usize].instances[here.primary as usize].fault;
        let own = here.own_remains(end);
        // What is in the kernel's send buffer arrives, unless the machine is lost with it. A process that hangs sends no
        // end of the stream: nothing more is known to come once the lag has passed.
        let quiet = now.saturating_add(lag).saturating_add(here.behind);
        let (sent, ends) = here.buffered(now, 0);
        let last = |copy: &Replica| here.buffered(now, copy.way.behind).1;
        let ends = here.replicas.iter().map(last).fold(ends, u64::max);
        let (sent, stream_ends) = match end {
            End::Machine => (here.arrived(now), now),
            End::Process | End::Replaced | End::Removed => (sent, ends),
            End::Hang => (sent, ends.max(quiet)),
        };
        self.tell_of_copies(log, end == End::Machine, now);
        self.tell(Fact::Served(log, false));
        let here = &mut self.logs[log as usize];
        here.online = false;
        let mut copies = std::mem::take(&mut here.replicas);
        for copy in &mut copies {
            copy.mark = if copy.gone {
                copy.file
            } else if copy.synced_at <= now && end == End::Machine {
                Some(here.come_to(copy, now))
            } else if copy.synced_at <= now {
                let sent = here.buffered(now, copy.way.behind).0;
                Some(sent.max(copy.filled))
            } else {
                copy.has
            };
        }
        here.replicas = copies;
        // What is being filled by a process that hangs is filled on when that goes on.
        here.replicas
            .retain(|copy| copy.mark.is_some() || end == End::Hang);
        self.stop_writing(log, end);
        let here = &mut self.logs[log as usize];
        if here.replicas.is_empty() {
            if end != End::Hang {
                self.lose_beyond(log, own, Source::Own, cause, fault);
            }
            return;
        }
        let missed = now.saturating_add(here.durability.down_after_ns);
        here.orphan = Some(Orphan {
            since: now,
            own,
            hang: end == End::Hang,
            missed,
            stream_ends,
            sent,
            fault,
            cause,
            asked: None,
            lost: 0,
        });
        self.timer_at(missed, Timer::Detect { log, since: now });
    }

    /// What hung dies, or its machine goes after its process. It has been missed since it stopped, and what its copies get
    /// was settled then: only a machine takes more along.
    fn gone_further(&mut self, log: u32, end: End, cause: LossCause) {
        let here = &mut self.logs[log as usize];
        let own = here.own_remains(end);
        let primary = &self.nodes[here.node as usize].instances[here.primary as usize];
        let mut dies = false;
        if let Some(orphan) = &mut here.orphan {
            orphan.own = orphan.own.min(own);
            if orphan.hang && end != End::Hang {
                dies = true;
                orphan.hang = false;
                orphan.cause = cause;
                orphan.fault = primary.fault;
            }
        }
        if dies {
            here.replicas.retain(|copy| copy.mark.is_some());
            self.stop_writing(log, end);
        }
        if end == End::Machine {
            self.stream_cut(log);
        }
    }

    /// Something that could have got authority is gone: what nobody has any more is lost through that. Where nobody is
    /// left to take over, what the old primary's own disk has is all there is.
    pub(in crate::sim) fn settle_bereft(
        &mut self,
        node: u16,
        cause: LossCause,
        fault: Option<u32>,
    ) {
        for log in 0..self.logs.len() as u32 {
            let here = &self.logs[log as usize];
            let Some(orphan) = here.orphan.filter(|_| here.node == node) else {
                continue;
            };
            let bereft = !orphan.hang && here.replicas.is_empty();
            let source = if bereft {
                Source::Own
            } else {
                Source::Survivors
            };
            let lost = self.lose_beyond(log, here.surviving(), source, cause, fault);
            if let Some(orphan) = &mut self.logs[log as usize].orphan {
                orphan.lost += lost;
            }
            if !bereft {
                continue;
            }
            self.logs[log as usize].orphan = None;
            if let Some(fault) = orphan.asked {
                self.called_off(node, fault, "no replica is left that could take over");
            }
            let primary = self.logs[log as usize].primary;
            if self.is_serving(node, primary) {
                // It was back already, and only waited for a copy to take over.
                self.tell(Fact::Served(log, true));
                self.logs[log as usize].serve_again();
                self.place_replicas(log);
                self.keep_up(log);
            } else if self.nodes[node as usize].instances[primary as usize].status
                == Status::Removed
            {
                self.leave_to_heir(log);
            }
        }
        self.house_sessions();
    }

    /// Tells what has become of the stream to a log's copies, and which of them followed it until an instant.
    pub(in crate::sim) fn tell_of_copies(&mut self, log: u32, cut: bool, until: u64) {
        if self.observers.facts.is_none() {
            return;
        }
        self.tell(Fact::StreamEnded { log, cut });
        let copies = self.logs[log as usize].replicas.clone();
        for Replica {
            instance: copy,
            synced_at,
            filled,
            has,
            gone,
            anew,
            way,
            ..
        } in copies
        {
            if gone || anew {
                continue;
            }
            self.tell(if synced_at <= until {
                let filled = filled.sequence;
                let way = Duration(way.behind);
                Fact::Follows {
                    log,
                    copy,
                    filled,
                    way,
                }
            } else if let Some(has) = has {
                let number = has.sequence;
                Fact::Behind { log, copy, number }
            } else {
                Fact::Gone(log, Holder::Copy(copy))
            });
        }
    }

    /// The observer has missed the primary for long enough.
    pub(in crate::sim) fn primary_missed(&mut self, log: u32, since: u64) {
        let here = &self.logs[log as usize];
        let Some(orphan) = here.orphan.filter(|o| o.since == since) else {
            return;
        };
        if let Some(fault) = orphan.fault {
            let fault = &mut self.faults[fault as usize];
            fault.detected.get_or_insert(self.now - fault.at);
        }
        self.promote_when_due(log);
    }

    /// The most advanced copy is promoted when the primary has been missed for long enough and its stream has ended.
    pub(in crate::sim) fn promote_when_due(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        if let (Some(orphan), Some(due)) = (here.orphan, here.promotion_due()) {
            let since = orphan.since;
            self.timer_at(due, Timer::Promote { log, since });
        }
    }

    /// The most advanced copy is promoted as soon as the primary's stream has ended: whoever wants it knows of the death.
    pub(in crate::sim) fn promote_after_stream(&mut self, log: u32) {
        let now = self.now;
        if let Some(orphan) = &mut self.logs[log as usize].orphan {
            orphan.missed = orphan.missed.min(now);
        }
        match self.logs[log as usize].promotion_due() {
            Some(due) if due <= now => self.promote(log),
            _ => self.promote_when_due(log),
        }
    }

    /// The machine is lost after its process: what was still under way to copies does not arrive any more.
    pub(in crate::sim) fn stream_cut(&mut self, log: u32) {
        let now = self.now;
        let here = &mut self.logs[log as usize];
        let arrived = here.arrived(now);
        let Some(orphan) = &mut here.orphan else {
            return;
        };
        orphan.stream_ends = orphan.stream_ends.min(now);
        orphan.sent = orphan.sent.min(arrived);
        let (since, missed) = (orphan.since, orphan.missed <= now);
        let mut copies = std::mem::take(&mut here.replicas);
        let follows = |copy: &&mut Replica| copy.gets_stream() && copy.synced_at <= since;
        for copy in copies.iter_mut().filter(follows) {
            let has = here.come_to(copy, now);
            copy.mark = copy.mark.map(|mark| mark.min(has));
        }
        here.replicas = copies;
        self.tell_of_copies(log, true, since);
        if missed {
            self.promote_when_due(log);
        }
    }

    pub(in crate::sim) fn promote_if_orphan(&mut self, log: u32, since: u64) {
        let here = &self.logs[log as usize];
        // What it waits for may come later than it did when the timer was set.
        let due = here.promotion_due().is_some_and(|due| due <= self.now);
        if due && here.orphan.is_some_and(|o| o.since == since) {
            self.promote(log);
        }
    }

    /// The most advanced copy takes over: everything beyond it is lost.
    pub(in crate::sim) fn promote(&mut self, log: u32) {
        let node = self.logs[log as usize].node;
        let Some(orphan) = self.logs[log as usize].orphan else {
            return;
        };
        if self.logs[log as usize].retired {
            return;
        }
        let best = self.logs[log as usize]
            .replicas
            .iter()
            .filter(|r| r.mark.is_some() && self.is_serving(node, r.instance))
            .filter(|r| orphan.asked.is_some() || self.is_seen(node, r.instance))
            .max_by_key(|r| (r.mark, std::cmp::Reverse(r.instance)))
            .copied();
        let Some(best) = best else { return };
        let old = self.logs[log as usize].primary;
        let (cause, fault) = match orphan.asked {
            Some(fault) => (LossCause::Promotion, Some(fault)),
            None => (orphan.cause, orphan.fault),
        };
        let mark = best.mark.unwrap_or(orphan.own);
        let disk = self.disk_of_copy(log, &best, &orphan);
        let source = Source::Copy(best.instance);
        if best.anew {
            let copy = best.instance;
            self.tell(Fact::CopyBack { log, copy });
        }
        self.give_up_copies(log, best.instance);
        let lost = orphan.lost + self.lose_beyond(log, mark, source, cause, fault);
        let (now, last, stamp) = (self.now, self.logs[log as usize].last(), self.stamp);
        let here = &mut self.logs[log as usize];
        let mark = Mark {
            sequence: mark.sequence.min(last),
            stamp: mark.stamp.min(stamp),
        };
        here.led_by(best.instance, mark, disk, now);
        self.tell(Fact::Served(log, true));
        let purpose = self.logs[log as usize].purpose;
        let name = self.nodes[node as usize].name.clone();
        if let Some(store) = self.store_mut(node) {
            store.primary = best.instance;
        } else {
            self.begin_own_log(node, old, log);
        }
        if orphan.hang {
            // The old primary has the old epoch: nothing that it answers counts any more.
            self.cut_off(node, old, Leave::Silent);
        }
        self.end_split_by_return(log, best.instance);
        if let Some(fork) = self.fork_of(log) {
            self.heal_split(fork);
        }
        self.place_replicas(log);
        self.keep_up(log);
        self.watch(log);
        if purpose == Purpose::Data {
            self.happen(What::Promoted {
                node: name,
                instance: u32::from(best.instance) + 1,
                lost_writes: lost,
            });
        }
        self.tend_rebalance(node);
        self.house_sessions();
    }

    /// What a copy that takes over has on its own disk: what it synced while it followed, and since the primary was missed.
    fn disk_of_copy(&mut self, log: u32, copy: &Replica, orphan: &Orphan) -> Mark {
        let here = &self.logs[log as usize];
        let (mark, number) = (copy.mark.unwrap_or(orphan.own), here.last());
        let holder = Holder::CopyDisk(copy.instance);
        let Some(file) = here.durability.file else {
            return Mark::default();
        };
        let Some(period) = file.period_ns() else {
            self.reached(log, holder, number);
            return mark;
        };
        // Its last fsync that is over by now.
        let began = self.now.saturating_sub(file.fsync_ns);
        let tick = self.next_tick(log, began, period, 1).saturating_sub(period);
        if tick <= orphan.since || copy.anew {
            return copy.disk;
        }
        let got = here.come_to(copy, tick);
        self.reached(log, holder, copy.filled.sequence.min(number));
        self.tell(Fact::Reached {
            log,
            holder,
            number,
            by: Some(Duration(tick.saturating_sub(copy.way.behind))),
        });
        copy.disk.max(got.min(mark))
    }

    /// What is written through an instance from now on is a log of its own.
    fn begin_own_log(&mut self, node: u16, instance: u16, log: u32) {
        let slot = &mut self.nodes[node as usize].instances[instance as usize];
        if slot.data_log == log {
            slot.data_log = NONE;
        }
        if slot.session_log == log {
            slot.session_log = NONE;
        }
    }

    /// An instance is back: its logs go on from what its disk has, or a copy has taken over meanwhile. `stood`: for how long
    /// its process hung, if it went on.
    pub(in crate::sim) fn primary_back(&mut self, node: u16, instance: u16, stood: Option<u64>) {
        let is_store = self.store(node).is_some();
        for log in self.logs_of(node, instance) {
            match self.logs[log as usize].orphan {
                Some(orphan) if is_store || orphan.hang => {
                    self.keep_authority(log, &orphan, stood);
                }
                Some(_) => {
                    self.begin_own_log(node, instance, log);
                    self.promote_after_stream(log);
                }
                None => {
                    self.tell(Fact::Served(log, true));
                    self.logs[log as usize].serve_again();
                }
            }
            if let Some(stood) = stood {
                self.go_on_writing(log, stood);
            }
        }
        for log in self.logs_of(node, instance) {
            self.keep_up(log);
            self.heal_split(log);
        }
        self.copies_back(node, instance);
        self.promote_overdue(node);
        // It can load what others had that are gone for good.
        for log in 0..self.logs.len() as u32 {
            let here = &self.logs[log as usize];
            let left = |i: u16| self.nodes[node as usize].instances[i as usize].status;
            if here.node == node && !here.retired && left(here.primary) == Status::Removed {
                self.leave_to_heir(log);
            }
        }
        // It can hold copies again.
        self.fill_up(node);
        self.house_sessions();
    }

    /// Somebody may be there by now who can take over what nobody could when the primary had been missed for long enough.
    pub(super) fn promote_overdue(&mut self, node: u16) {
        for log in 0..self.logs.len() as u32 {
            let here = &self.logs[log as usize];
            let overdue = here.promotion_due().is_some_and(|due| due <= self.now);
            if let Some(orphan) = here.orphan.filter(|_| here.node == node && overdue) {
                let since = orphan.since;
                let takes = here.durability.promotion_ns;
                self.timer_after(takes, Timer::Promote { log, since });
            }
        }
    }

    /// Logs of a node that lack copies get them, as far as there are instances that could have them.
    pub(in crate::sim) fn fill_up(&mut self, node: u16) {
        for log in 0..self.logs.len() as u32 {
            let here = &self.logs[log as usize];
            let serves = here.node == node && here.online && !here.retired;
            if serves && (self.copies_that_count(log) as u32) < here.durability.replicas {
                self.place_replicas(log);
            }
        }
    }

    /// A primary is back before anybody was promoted: it has authority, with what it has. Its copies go on from where they
    /// are: what its kernel had arrives when it does, and what else they lack is sent anew.
    fn keep_authority(&mut self, log: u32, orphan: &Orphan, stood: Option<u64>) {
        let now = self.now;
        let (node, primary) = (
            self.logs[log as usize].node,
            self.logs[log as usize].primary,
        );
        self.give_up_copies(log, primary);
        let here = &mut self.logs[log as usize];
        here.orphan = None;
        if let Some(fault) = orphan.asked {
            self.called_off(node, fault, "its primary is back");
        }
        if !orphan.hang {
            self.lose_beyond(log, orphan.own, Source::Own, orphan.cause, orphan.fault);
        }
        self.tell(Fact::Served(log, true));
        let here = &mut self.logs[log as usize];
        here.serve_again();
        let is_copy = |copy: &Replica| copy.mark.is_some() && copy.gets_stream();
        if here.replicas.iter().any(is_copy) {
            match stood {
                Some(stood) => here.hold_up(orphan.sent, stood),
                None => here.send_again(orphan.sent, now),
            }
        }
        let caught_up = now.saturating_add(here.durability.lag_ns);
        for copy in &mut here.replicas {
            copy.mark = None;
            if copy.synced_at > orphan.since && !copy.gone {
                copy.synced_at = match stood {
                    Some(stood) => copy.synced_at.saturating_add(stood),
                    None => caught_up,
                };
            }
        }
        self.place_replicas(log);
        if let Some(fork) = self.fork_of(log) {
            self.heal_split(fork);
        }
    }
}
