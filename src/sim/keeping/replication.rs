//! Copies on other instances: where they are, what they have when the primary is gone, and who takes over.

use crate::sim::ledger::{Log, Mark, Orphan, Purpose, Replica};
use crate::sim::parts::NONE;
use crate::sim::snapshot::{Status, What};
use crate::sim::{LossCause, Sim, Timer};

use super::COPY_BYTES_PER_S;

impl Sim {
    /// Gives a log as many copies as it should have, on the next instances that serve. A copy made while there is
    /// something to copy is complete only when that has been sent.
    pub(in crate::sim) fn place_replicas(&mut self, log: u32, empty: bool) {
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
    pub(in crate::sim) fn primary_missed(&mut self, log: u32, since: u64) {
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
    pub(in crate::sim) fn primary_back(&mut self, node: u16, instance: u16) {
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
    pub(in crate::sim) fn synced_until(&self, node: u16) -> u64 {
        self.logs
            .iter()
            .filter(|l| l.node == node && !l.retired)
            .flat_map(|l| l.replicas.iter().map(|r| r.synced_at))
            .max()
            .unwrap_or(0)
    }
}
