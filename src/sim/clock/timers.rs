//! What is due, and who sees to it.

use crate::sim::Sim;
use crate::sim::clock::queue::{Entry, Kind};
use crate::sim::keeping::keys::Key;
use crate::sim::keeping::ledger::{Mark, Writing};
use crate::sim::traffic::call::Asked;

/// Something due that is neither a request nor its reply.
#[derive(Clone, Debug)]
pub(in crate::sim) enum Timer {
    Free,
    Command(u32),
    WarmUpEnds,
    Probe {
        balancer: u16,
        target: u16,
    },
    ProbeEnds {
        balancer: u16,
        target: u16,
    },
    /// A balancer is told what has become of a target.
    Noticed {
        balancer: u16,
        target: u16,
    },
    /// A call has waited long enough for a connection.
    AcquireEnds {
        call: u32,
        token: u32,
    },
    /// A call that waited for a connection has one.
    Connected {
        asked: Asked,
        token: u32,
        connection: u32,
    },
    Booted {
        node: u16,
        instance: u16,
        life: u32,
    },
    Warm {
        node: u16,
        instance: u16,
        life: u32,
    },
    RestartAfter {
        node: u16,
        instance: u16,
        life: u32,
    },
    Fsync {
        log: u32,
    },
    /// An fsync of a log's primary and of its copies is over.
    FsyncDone {
        log: u32,
        by: u16,
        mark: Mark,
        copies: Vec<(u16, Mark)>,
    },
    /// What a cache keeps back goes to its store.
    Flush {
        log: u32,
    },
    Snapshot {
        log: u32,
    },
    SnapshotDone {
        log: u32,
        writing: Writing,
    },
    Detect {
        log: u32,
        since: u64,
    },
    Promote {
        log: u32,
        since: u64,
    },
    /// Whoever watches a log's primary has not seen it for long enough; another has been promoted.
    Unseen {
        log: u32,
        since: u64,
    },
    Depose {
        log: u32,
        since: u64,
    },
    /// Whoever leads a log that another has taken over is told.
    Demote {
        log: u32,
    },
    /// Copies of a log may have more.
    Copied {
        log: u32,
    },
    Moved {
        log: u32,
        number: u32,
    },
    /// A part of a rebalance may have been copied.
    Rebalance {
        node: u16,
        number: u32,
    },
    SessionsMoved,
    /// What a store's member tells an instance's cache comes there.
    Invalidate {
        from: (u16, u16),
        to: (u16, u16),
        key: Key,
        stamp: u64,
    },
    DeployStops {
        node: u16,
        instance: u16,
        life: u32,
    },
    PreStopEnds {
        node: u16,
        instance: u16,
        life: u32,
    },
    DrainEnds {
        node: u16,
        instance: u16,
        life: u32,
    },
    /// The copies of a draining instance have got everything.
    Drained {
        node: u16,
        instance: u16,
        life: u32,
    },
    DeployNext {
        node: u16,
        instance: u16,
    },
    RoundSynced {
        node: u16,
        instance: u16,
        number: u32,
        log: u32,
        mark: Mark,
    },
    /// A planned failover: the copy may have everything.
    CaughtUp {
        node: u16,
        since: u64,
    },
    HandOver {
        node: u16,
        since: u64,
    },
    /// Some session of these clients is revoked.
    Revocation {
        node: u16,
        token: u32,
    },
    /// Tokens that expire at `last` or before, and were signed with a key of then, are good no more.
    KeyRetires {
        last: u64,
        fault: u32,
    },
    /// An instance fetches the denylist.
    Poll {
        node: u16,
        instance: u16,
        token: u32,
    },
}

impl Sim {
    pub(in crate::sim) fn new_timer(&mut self, timer: Timer) -> u32 {
        match self.free_timers.pop() {
            Some(index) => {
                self.timers[index as usize] = timer;
                index
            }
            None => {
                self.timers.push(timer);
                self.timers.len() as u32 - 1
            }
        }
    }

    pub(in crate::sim) fn timer_at(&mut self, at: u64, timer: Timer) {
        let index = self.new_timer(timer);
        self.queue.push(at.max(self.now), Kind::Timer, index);
    }

    pub(in crate::sim) fn timer_after(&mut self, delay: u64, timer: Timer) {
        self.timer_at(self.now.saturating_add(delay), timer);
    }

    pub(in crate::sim) fn timer_due(&mut self, index: u32) {
        let timer = std::mem::replace(&mut self.timers[index as usize], Timer::Free);
        self.free_timers.push(index);
        match timer {
            Timer::Free => {}
            Timer::Command(command) => {
                let command = self.commands[command as usize].clone();
                // A scenario was checked when it was loaded; what an edit made impossible since then does nothing.
                if let Err(error) = self.carry_out(&command) {
                    self.idle(&command, error.to_string());
                }
            }
            Timer::WarmUpEnds => self.warm_up_ends(),
            Timer::Probe { balancer, target } => self.probe(balancer, target),
            Timer::ProbeEnds { balancer, target } => self.probe_ends(balancer, target, false),
            Timer::Noticed { balancer, target } => self.noticed(balancer, target),
            Timer::AcquireEnds { call, token } => self.acquire_ends(call, token),
            Timer::Connected {
                asked,
                token,
                connection,
            } => self.connected(asked, token, connection),
            Timer::Booted {
                node,
                instance,
                life,
            } => self.booted(node, instance, life),
            Timer::Warm {
                node,
                instance,
                life,
            } => self.warm(node, instance, life),
            Timer::RestartAfter {
                node,
                instance,
                life,
            } => {
                let here = &self.nodes[node as usize].instances[instance as usize];
                if here.life == life && here.status.is_down() {
                    self.restart(node, instance);
                }
            }
            Timer::Fsync { log } => self.fsync(log),
            Timer::FsyncDone {
                log,
                by,
                mark,
                copies,
            } => self.fsync_done(log, by, mark, &copies),
            Timer::Flush { log } => self.flush_due(log),
            Timer::Snapshot { log } => self.snapshot_due(log),
            Timer::SnapshotDone { log, writing } => self.snapshot_done(log, writing),
            Timer::Detect { log, since } => self.primary_missed(log, since),
            Timer::Promote { log, since } => self.promote_if_orphan(log, since),
            Timer::Unseen { log, since } => self.unseen(log, since),
            Timer::Depose { log, since } => self.depose_unseen(log, since),
            Timer::Demote { log } => self.demote(log),
            Timer::Copied { log } => self.copied(log),
            Timer::Moved { log, number } => self.moved(log, number),
            Timer::Rebalance { node, number } => self.rebalance_due(node, number),
            Timer::SessionsMoved => self.sessions_moved(),
            Timer::Invalidate {
                from,
                to,
                key,
                stamp,
            } => self.invalidate(from, to, key, stamp),
            Timer::DeployStops {
                node,
                instance,
                life,
            } => {
                if self.nodes[node as usize].instances[instance as usize].life == life {
                    self.stop_for_deployment(node, instance);
                }
            }
            Timer::PreStopEnds {
                node,
                instance,
                life,
            } => self.pre_stop_ends(node, instance, life),
            Timer::DrainEnds {
                node,
                instance,
                life,
            } => {
                let here = &self.nodes[node as usize].instances[instance as usize];
                if here.life == life && here.draining {
                    self.drained(node, instance);
                }
            }
            Timer::Drained {
                node,
                instance,
                life,
            } => {
                if self.nodes[node as usize].instances[instance as usize].life == life {
                    self.drained_if_done(node, instance);
                }
            }
            Timer::RoundSynced {
                node,
                instance,
                number,
                log,
                mark,
            } => self.round_synced(node, instance, number, log, mark),
            Timer::CaughtUp { node, since } => self.caught_up(node, since),
            Timer::HandOver { node, since } => self.hand_over(node, since),
            Timer::Revocation { node, token } => self.revocation_due(node, token),
            Timer::KeyRetires { last, fault } => self.retire_key(last, fault),
            Timer::Poll {
                node,
                instance,
                token,
            } => self.poll_denylist(node, instance, token),
            Timer::DeployNext { node, instance } => self.deployed_one(node, instance),
        }
    }

    pub(in crate::sim) fn client_limits_due(&mut self, lane: u32) {
        let ops = &self.ops;
        let waits = |e: &Entry| ops[e.index as usize].wait == e.token;
        if let Some(entry) = self.queue.pop_lane(lane, waits) {
            self.client_timeout(entry.index, entry.token);
        }
    }

    pub(in crate::sim) fn call_limits_due(&mut self, lane: u32) {
        let calls = &self.calls;
        let waits = |e: &Entry| calls[e.index as usize].wait == e.token;
        if let Some(entry) = self.queue.pop_lane(lane, waits) {
            self.call_timeout(entry.index, entry.token);
        }
    }
}
