//! Copies on other instances: where they are, what they have when the primary is gone, and who takes over.

use crate::sim::facts::{Fact, Holder, Source};
use crate::sim::ledger::{End, Log, Mark, Orphan, Purpose, Replica};
use crate::sim::parts::{Body, NONE};
use crate::sim::request::Leave;
use crate::sim::snapshot::{Status, What};
use crate::sim::{LossCause, Sim, Timer};
use crate::units::Duration;

use super::COPY_BYTES_PER_S;

impl Sim {
    /// Gives a log as many copies as it should have, on the next instances that serve. A copy made while there is
    /// something to copy is complete only when that has been sent, by a primary that serves.
    pub(in crate::sim) fn place_replicas(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        let (node, primary, wanted) = (here.node, here.primary, here.durability.replicas as usize);
        let empty = here.last() == 0;
        if here.retired || !(here.online || empty) {
            return;
        }
        let instances = self.nodes[node as usize].instances.len();
        for step in 1..instances {
            let candidate = ((primary as usize + step) % instances) as u16;
            let log_now = &self.logs[log as usize];
            if log_now.replicas.len() >= wanted {
                break;
            }
            let known = log_now.replicas.iter().any(|r| r.instance == candidate);
            let status = self.nodes[node as usize].instances[candidate as usize].status;
            if !known && matches!(status, Status::Up | Status::Warming) {
                let synced_at = if empty {
                    self.now
                } else {
                    self.filled_at(log, candidate)
                };
                let stamp = self.stamp;
                let here = &mut self.logs[log as usize];
                let filled = here.mark(stamp);
                here.replicas.push(Replica {
                    instance: candidate,
                    synced_at,
                    filled,
                    mark: None,
                    disk: Mark::default(),
                });
            }
        }
        if self.logs[log as usize].online && self.logs[log as usize].last() > 0 {
            self.plan_fsync(log);
        }
    }

    /// When a copy on an instance that is filled from now on will be complete: an instance sends to one at a time, and
    /// receives from one at a time.
    fn filled_at(&self, log: u32, to: u16) -> u64 {
        let here = &self.logs[log as usize];
        let sessions = self.live_sessions_in(log) * self.session_bytes();
        let bytes = self.state_bytes(log) + sessions;
        let others = self.logs.iter().filter(|l| l.node == here.node);
        let free = others
            .flat_map(|l| l.replicas.iter().map(move |r| (l.primary, r)))
            .filter(|(from, r)| *from == here.primary || r.instance == to)
            .map(|(_, r)| r.synced_at)
            .fold(self.now, u64::max);
        free.saturating_add((bytes as f64 / COPY_BYTES_PER_S * 1e9) as u64)
    }

    /// What was put into a log all at once is not in its copies yet: they are filled anew.
    pub(in crate::sim) fn fill_copies(&mut self, log: u32) {
        let copies = self.logs[log as usize].replicas.len();
        for copy in 0..copies {
            let to = self.logs[log as usize].replicas[copy].instance;
            let (at, stamp) = (self.filled_at(log, to), self.stamp);
            let here = &mut self.logs[log as usize];
            let filled = here.mark(stamp);
            here.replicas[copy].synced_at = at;
            here.replicas[copy].filled = filled;
        }
    }

    /// Logs that an instance has authority over.
    pub(in crate::sim) fn logs_of(&self, node: u16, instance: u16) -> Vec<u32> {
        let of = |l: &Log| l.node == node && l.primary == instance && !l.retired;
        (0..self.logs.len() as u32)
            .filter(|&i| of(&self.logs[i as usize]))
            .collect()
    }

    /// An instance is gone, or hangs: its logs lose what nobody else holds, at once; where a copy could take over, when
    /// authority is fixed.
    pub(in crate::sim) fn primary_gone(
        &mut self,
        node: u16,
        instance: u16,
        end: End,
        cause: LossCause,
    ) {
        if self.store(node).is_some_and(|s| s.primary == instance) {
            // It will not be handed over as planned.
            self.end_failover(node);
        }
        for log in self.logs_of(node, instance) {
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
        if end != End::Hang {
            self.copies_gone(node, instance);
        }
        self.settle_bereft(node);
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
        let (reached, stream_ends) = match end {
            End::Machine => (here.arrived(now), now),
            End::Process => here.buffered(now),
            End::Hang => (here.buffered(now).0, now.saturating_add(lag)),
        };
        let alive: Vec<bool> = here.replicas.iter().map(|r| r.synced_at <= now).collect();
        self.tell_of_copies(log, end == End::Machine, &alive);
        self.tell(Fact::Served(log, false));
        let here = &mut self.logs[log as usize];
        here.online = false;
        for (replica, alive) in here.replicas.iter_mut().zip(&alive) {
            replica.mark = alive.then_some(reached.max(replica.filled));
        }
        here.replicas.retain(|r| r.mark.is_some());
        self.stop_writing(log);
        let here = &mut self.logs[log as usize];
        if here.replicas.is_empty() {
            if end != End::Hang {
                self.lose_beyond(log, own, Source::Own, cause, fault);
            }
            return;
        }
        here.orphan = Some(Orphan {
            since: now,
            own,
            hang: end == End::Hang,
            stream_ends,
            fault,
            cause,
        });
        let after = here.durability.down_after_ns;
        self.timer_after(after, Timer::Detect { log, since: now });
    }

    /// What hung dies, or its machine goes after its process. It has been missed since it stopped, and what its copies get
    /// was settled then: only a machine takes more along.
    fn gone_further(&mut self, log: u32, end: End, cause: LossCause) {
        let here = &mut self.logs[log as usize];
        let own = here.own_remains(end);
        let primary = &self.nodes[here.node as usize].instances[here.primary as usize];
        if let Some(orphan) = &mut here.orphan {
            orphan.own = orphan.own.min(own);
            if orphan.hang && end != End::Hang {
                orphan.hang = false;
                orphan.cause = cause;
                orphan.fault = primary.fault;
            }
        }
        if end == End::Machine {
            self.stream_cut(log);
        }
    }

    /// Copies on an instance that is gone are gone, too.
    fn copies_gone(&mut self, node: u16, instance: u16) {
        for index in 0..self.logs.len() as u32 {
            let log = &mut self.logs[index as usize];
            let copy = |r: &Replica| r.instance == instance;
            if log.node == node && log.primary != instance && log.replicas.iter().any(copy) {
                log.replicas.retain(|r| !copy(r));
                self.tell(Fact::Gone(index, Holder::Copy(instance)));
            }
        }
    }

    /// Where nobody is left to take over, what the old primary's own disk has is all there is.
    pub(in crate::sim) fn settle_bereft(&mut self, node: u16) {
        let bereft = |log: &Log| {
            log.node == node && log.replicas.is_empty() && log.orphan.is_some_and(|o| !o.hang)
        };
        for log in 0..self.logs.len() as u32 {
            if !bereft(&self.logs[log as usize]) {
                continue;
            }
            let Some(orphan) = self.logs[log as usize].orphan.take() else {
                continue;
            };
            self.lose_beyond(log, orphan.own, Source::Own, orphan.cause, orphan.fault);
            if self.is_serving(node, self.logs[log as usize].primary) {
                // It was back already, and only waited for a copy to take over.
                self.tell(Fact::Served(log, true));
                self.logs[log as usize].serve_again();
                self.place_replicas(log);
                self.keep_up(log);
            }
        }
        self.house_sessions();
    }

    /// Tells what has become of the stream to a log's copies, and which of them there are.
    pub(in crate::sim) fn tell_of_copies(&mut self, log: u32, cut: bool, alive: &[bool]) {
        if self.facts.is_none() {
            return;
        }
        self.tell(Fact::StreamEnded { log, cut });
        let copies = self.logs[log as usize].replicas.clone();
        for (copy, alive) in copies.into_iter().zip(alive) {
            self.tell(if *alive {
                Fact::Follows {
                    log,
                    copy: copy.instance,
                    filled: copy.filled.sequence,
                }
            } else {
                Fact::Gone(log, Holder::Copy(copy.instance))
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
    fn promote_when_due(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        if let (Some(orphan), Some(due)) = (here.orphan, here.promotion_due()) {
            let since = orphan.since;
            self.timer_at(due, Timer::Promote { log, since });
        }
    }

    /// The most advanced copy is promoted as soon as the primary's stream has ended: whoever wants it knows of the death.
    pub(in crate::sim) fn promote_after_stream(&mut self, log: u32) {
        let Some(orphan) = self.logs[log as usize].orphan else {
            return;
        };
        if orphan.stream_ends <= self.now {
            return self.promote(log);
        }
        let since = orphan.since;
        self.timer_at(orphan.stream_ends, Timer::Promote { log, since });
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
        let missed = orphan.since.saturating_add(here.durability.down_after_ns) <= now;
        for replica in &mut here.replicas {
            replica.mark = replica
                .mark
                .map(|mark| mark.min(arrived.max(replica.filled)));
        }
        let copies = vec![true; here.replicas.len()];
        self.tell_of_copies(log, true, &copies);
        if missed {
            self.promote_when_due(log);
        }
    }

    pub(in crate::sim) fn promote_if_orphan(&mut self, log: u32, since: u64) {
        if self.logs[log as usize]
            .orphan
            .is_some_and(|o| o.since == since)
        {
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
            .filter(|r| self.is_serving(node, r.instance))
            .max_by_key(|r| (r.mark, std::cmp::Reverse(r.instance)))
            .copied();
        let Some(best) = best else { return };
        let old = self.logs[log as usize].primary;
        let fault = orphan.fault;
        let mark = best.mark.unwrap_or(orphan.own);
        let disk = self.disk_of_copy(log, &best, &orphan);
        let source = Source::Copy(best.instance);
        let lost = self.lose_beyond(log, mark, source, orphan.cause, fault);
        let (last, stamp) = (self.logs[log as usize].last(), self.stamp);
        let here = &mut self.logs[log as usize];
        let mark = Mark {
            sequence: mark.sequence.min(last),
            stamp: mark.stamp.min(stamp),
        };
        here.led_by(best.instance, mark, disk);
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
        self.place_replicas(log);
        self.keep_up(log);
        if purpose == Purpose::Data {
            self.happen(What::Promoted {
                node: name,
                instance: u32::from(best.instance) + 1,
                lost_writes: lost,
            });
        }
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
        if tick <= orphan.since {
            return copy.disk;
        }
        let sent = tick.saturating_sub(here.durability.lag_ns);
        let got = here.mark_at(sent).max(copy.filled);
        self.reached(log, holder, copy.filled.sequence.min(number));
        self.tell(Fact::Reached {
            log,
            holder,
            number,
            by: Some(Duration(sent)),
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

    /// An instance is back: its logs go on from what its disk has, or a copy has taken over meanwhile.
    pub(in crate::sim) fn primary_back(&mut self, node: u16, instance: u16) {
        let is_store = self.store(node).is_some();
        for log in self.logs_of(node, instance) {
            match self.logs[log as usize].orphan {
                Some(orphan) if is_store || orphan.hang => {
                    // Back before anybody was promoted: it has authority, with what it has.
                    self.logs[log as usize].orphan = None;
                    if !orphan.hang {
                        self.lose_beyond(log, orphan.own, Source::Own, orphan.cause, orphan.fault);
                    }
                    let now = self.now;
                    self.tell(Fact::Served(log, true));
                    let stamp = self.stamp;
                    let here = &mut self.logs[log as usize];
                    here.serve_again();
                    let filled = here.mark(stamp);
                    for replica in &mut here.replicas {
                        replica.mark = None;
                        replica.synced_at = now;
                        replica.filled = filled;
                    }
                    self.place_replicas(log);
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
        }
        for log in self.logs_of(node, instance) {
            self.keep_up(log);
        }
        // It can take over what nobody could when the primary had been missed for long enough.
        let overdue: Vec<u32> = (0..self.logs.len() as u32)
            .filter(|&i| {
                let log = &self.logs[i as usize];
                log.node == node && log.promotion_due().is_some_and(|due| due <= self.now)
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
            self.place_replicas(log);
        }
        self.house_sessions();
    }

    /// Whether an instance must not be stopped yet by whoever could wait: it leads what is not copied completely but can
    /// be, or holds a copy that is about to be promoted.
    pub(in crate::sim) fn is_held_by_copies(&self, node: u16, instance: u16) -> bool {
        let here = &self.nodes[node as usize];
        let returns = match &here.body {
            Body::Service(service) => service.settings.restart_after,
            _ => None,
        };
        let returns =
            |since: u64| returns.is_some_and(|after| since.saturating_add(after.0) >= self.now);
        // Somebody who could hold a copy soon.
        let comes = here.instances.iter().any(|other| {
            other.status == Status::Booting
                || (other.status.is_down() && !other.leaving && returns(other.since))
        });
        self.logs.iter().any(|log| {
            if log.node != node || log.retired || log.durability.replicas == 0 || log.last() == 0 {
                return false;
            }
            if log.orphan.is_some() {
                return log.replicas.iter().any(|r| r.instance == instance);
            }
            let lacks = (log.replicas.len() as u32) < log.durability.replicas;
            log.primary == instance
                && ((lacks && comes) || log.replicas.iter().any(|r| r.synced_at > self.now))
        })
    }

    /// Whether an instance leads, or copies, what one that is being drained copies, or leads: the two do not stop together.
    pub(in crate::sim) fn shares_with_draining(&self, node: u16, instance: u16) -> bool {
        let drains = |other: u16| {
            other != instance
                && self.nodes[node as usize].instances[other as usize].status == Status::Draining
        };
        let mine = self.logs.iter().filter(|l| l.node == node && !l.retired);
        mine.map(|log| (log.primary, log.replicas.iter().map(|r| r.instance)))
            .any(|(primary, mut copies)| {
                if primary == instance {
                    copies.any(drains)
                } else {
                    drains(primary) && copies.any(|copy| copy == instance)
                }
            })
    }

    /// Whether every log of a node has its copies, complete.
    pub(in crate::sim) fn synced_until(&self, node: u16) -> u64 {
        self.logs
            .iter()
            .filter(|l| l.node == node && !l.retired)
            .flat_map(|l| l.replicas.iter().map(|r| r.synced_at))
            .max()
            .unwrap_or(0)
    }
}
