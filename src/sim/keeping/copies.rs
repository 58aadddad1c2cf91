//! Copies on other instances: where they are, how they are filled, and what becomes of them with their own instances.

use super::filling_takes;
use crate::sim::Sim;
use crate::sim::ids::NONE;
use crate::sim::keeping::ledger::{Deposed, End, Log, Mark, Replica, Way};
use crate::sim::observe::facts::{Fact, Holder};
use crate::sim::observe::snapshot::Status;
use crate::sim::stations::node::Body;
use crate::units::Duration;

impl Sim {
    /// Gives a log as many copies as it should have, on the next instances that serve. A copy made while there is
    /// something to copy is complete only when that has been sent, by a primary that serves.
    pub(in crate::sim) fn place_replicas(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        let wanted = here.durability.replicas as usize;
        let empty = here.last() == 0;
        if here.retired || !(here.online || empty) {
            return;
        }
        while self.copies_that_count(log) < wanted
            && let Some(candidate) = self.candidate(&self.logs[log as usize])
        {
            let synced_at = if empty {
                self.now
            } else {
                self.filled_at(log, candidate)
            };
            let stamp = self.stamp;
            let way = self.way_to_copy(log, candidate).unwrap_or_default();
            let here = &mut self.logs[log as usize];
            let filled = here.mark(stamp);
            let mut copy = Replica::new(candidate, synced_at, filled, Mark::default());
            copy.way = way;
            here.replicas.push(copy);
            self.look_at_copies(log, synced_at);
        }
        self.part_copies(log);
        if self.logs[log as usize].online && self.logs[log as usize].last() > 0 {
            self.plan_fsync(log);
        }
    }

    /// The next instance that serves and could have a copy of a log.
    fn candidate(&self, log: &Log) -> Option<u16> {
        let instances = &self.nodes[log.node as usize].instances;
        let others =
            (1..instances.len()).map(|step| (log.primary as usize + step) % instances.len());
        let known = |place: u16| {
            log.replicas.iter().any(|r| r.instance == place)
                || self.forks_of(log.node, place).next().is_some()
        };
        let mut free = others.map(|place| place as u16).filter(|&place| {
            let status = instances[place as usize].status;
            matches!(status, Status::Up | Status::Warming) && !known(place)
        });
        free.next()
    }

    /// The forks that an instance leads: it has not been told that others have taken over.
    fn forks_of(&self, node: u16, instance: u16) -> impl Iterator<Item = &Deposed> {
        let here = &self.nodes[node as usize].instances[instance as usize];
        let store = self.store(node).and_then(|store| store.deposed);
        let led = match store {
            Some((old, fork)) if old == instance => [fork, NONE],
            Some(_) => [NONE; 2],
            None => [here.data_log, here.session_log],
        };
        let its = led
            .into_iter()
            .filter_map(|log| self.logs.get(log as usize));
        its.filter_map(|log| log.deposed.as_ref())
    }

    /// Whether an instance leads a fork of a log: it does not follow that until it is told.
    pub(super) fn leads_fork_of(&self, log: u32, instance: u16) -> bool {
        let node = self.logs[log as usize].node;
        let mut forks = self.forks_of(node, instance);
        forks.any(|deposed| deposed.by == log)
    }

    /// How many copies a log has; of one that is drained, those that go on by themselves.
    pub(super) fn copies_that_count(&self, log: u32) -> usize {
        let here = &self.logs[log as usize];
        let leads = &self.nodes[here.node as usize].instances[here.primary as usize];
        let drained = leads.status == Status::Draining;
        let counts = |copy: &&Replica| {
            let is_old_primary = copy.cut && self.leads_fork_of(log, copy.instance);
            let goes_on = !drained || self.is_serving(here.node, copy.instance);
            !copy.gone && !is_old_primary && goes_on
        };
        here.replicas.iter().filter(counts).count()
    }

    /// When a copy on an instance that is filled from now on will be complete: an instance sends to one at a time, and
    /// receives from one at a time.
    pub(super) fn filled_at(&self, log: u32, to: u16) -> u64 {
        let here = &self.logs[log as usize];
        let sessions = self.live_sessions_in(log) * self.session_bytes();
        let bytes = self.state_bytes(log) + sessions;
        // Where nobody has authority, nobody fills a copy.
        let fills = |l: &&Log| l.node == here.node && l.orphan.is_none();
        let others = self.logs.iter().filter(fills);
        let free = others
            .flat_map(|l| l.replicas.iter().map(move |r| (l.primary, r)))
            .filter(|(from, r)| !r.cut && (*from == here.primary || r.instance == to))
            .map(|(_, r)| r.synced_at)
            .fold(self.now, u64::max);
        let way = self.way_to_copy(log, to).unwrap_or_default();
        free.saturating_add(way.takes(&Way::default(), filling_takes(bytes)))
    }

    /// What was put into a log all at once is not in its copies yet: they are filled anew.
    pub(in crate::sim) fn fill_copies(&mut self, log: u32) {
        let copies = self.logs[log as usize].replicas.len();
        for copy in 0..copies {
            if self.logs[log as usize].replicas[copy].cut {
                continue;
            }
            let to = self.logs[log as usize].replicas[copy].instance;
            let (at, stamp) = (self.filled_at(log, to), self.stamp);
            let here = &mut self.logs[log as usize];
            let filled = here.mark(stamp);
            here.replicas[copy].synced_at = at;
            here.replicas[copy].filled = filled;
        }
    }

    /// Copies on an instance that hangs stand still; on one that is gone they are gone, too, but for their files.
    pub(super) fn copies_stop(&mut self, node: u16, instance: u16, end: End) {
        for index in 0..self.logs.len() as u32 {
            let log = &self.logs[index as usize];
            if log.node != node || log.primary == instance {
                continue;
            }
            let mut copies = log.replicas.iter();
            if let Some(at) = copies.position(|r| r.instance == instance) {
                self.copy_stops(index, at, end);
            }
        }
        self.call_off_without_copy(node);
    }

    fn copy_stops(&mut self, index: u32, at: usize, end: End) {
        let now = self.now;
        let file = self.file_of_copy(index, at, end);
        let log = &mut self.logs[index as usize];
        let copy = log.replicas[at];
        let until = log.orphan.map_or(now, |orphan| orphan.since);
        let followed = copy.synced_at <= until && !copy.anew;
        let had = if followed {
            Some(copy.filled)
        } else {
            copy.mark.or(copy.has)
        };
        if end == End::Hang {
            log.replicas[at].file = file;
        } else if file.is_some() {
            let vacant = log.orphan.is_some();
            let here = &mut log.replicas[at];
            (here.gone, here.anew, here.file, here.has) = (true, false, file, None);
            here.synced_at = 0;
            here.mark = file.filter(|_| vacant);
        } else {
            log.replicas.remove(at);
        }
        let periodic = log.durability.file.is_some_and(|p| p.period_ns().is_some());
        let instance = copy.instance;
        if file.is_some() {
            self.tell(Fact::CopyStopped {
                log: index,
                copy: instance,
                followed,
                filled: had.unwrap_or_default().sequence,
                way: Duration(copy.way.behind),
                gone: end != End::Hang,
            });
            if end == End::Machine && periodic {
                self.tell(Fact::CopyCut {
                    log: index,
                    copy: instance,
                });
            }
        } else if end != End::Hang {
            self.tell(Fact::Gone(index, Holder::Copy(instance)));
        }
    }

    /// What the file of a copy has whose process hangs, or is gone; `None` if it has none that is left.
    fn file_of_copy(&mut self, index: u32, at: usize, end: End) -> Option<Mark> {
        let (now, stamp) = (self.now, self.stamp);
        let log = &mut self.logs[index as usize];
        let copy = log.replicas[at];
        let policy = log.durability.file?;
        if copy.mark.is_none() && log.held_by(&copy, now).is_none() {
            return None;
        }
        let mut file = log.stopped(at, now, stamp);
        if end == End::Machine {
            if !policy.volume {
                return None;
            }
            if policy.period_ns().is_some() {
                file = file.min(copy.disk);
            }
        }
        (end == End::Hang || file.sequence > 0).then_some(file)
    }

    /// A planned failover of a store does not come about once nobody is left who could take over.
    pub(super) fn call_off_without_copy(&mut self, node: u16) {
        if let Some(log) = self.store(node).map(|s| s.log)
            && self.able_copy(node, log).is_none()
        {
            self.call_off_failover(node, "no replica is left that could take over");
        }
    }

    /// Copies on an instance that is back: one that hung goes on; one that died is a copy again if nobody has authority, and
    /// otherwise filled anew.
    pub(super) fn copies_back(&mut self, node: u16, instance: u16) {
        for index in 0..self.logs.len() as u32 {
            let log = &mut self.logs[index as usize];
            let vacant = log.orphan.is_some();
            let stopped = |r: &Replica| r.instance == instance && r.file.is_some();
            let mut copies = log.replicas.iter();
            let Some(at) = copies.position(stopped).filter(|_| log.node == node) else {
                continue;
            };
            let here = &mut log.replicas[at];
            let holder = if !here.gone {
                here.file = None;
                if here.anew {
                    continue;
                }
                Holder::CopyFile(instance)
            } else if vacant {
                (here.gone, here.anew, here.file) = (false, true, None);
                continue;
            } else {
                log.replicas.remove(at);
                Holder::Copy(instance)
            };
            self.tell(Fact::Gone(index, holder));
        }
    }

    /// Somebody has authority again: copies that came back meanwhile, other than one, have to be filled anew.
    pub(super) fn give_up_copies(&mut self, log: u32, leads: u16) {
        let given_up = |copy: &Replica| copy.anew && copy.instance != leads;
        let copies = self.logs[log as usize].replicas.iter();
        for copy in copies.copied().filter(given_up).collect::<Vec<Replica>>() {
            self.tell(Fact::Gone(log, Holder::Copy(copy.instance)));
        }
        self.logs[log as usize]
            .replicas
            .retain(|copy| !given_up(copy));
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
        let hangs = here.instances.iter().any(|i| i.status == Status::Hung);
        self.logs.iter().any(|log| {
            if log.node != node || log.retired || log.durability.replicas == 0 || log.last() == 0 {
                return false;
            }
            if log.orphan.is_some() {
                return log.replicas.iter().any(|r| r.instance == instance);
            }
            let copies = log.replicas.iter();
            let serving = copies.filter(|r| self.is_serving(node, r.instance));
            let lacks = (serving.count() as u32) < log.durability.replicas;
            let awaited = comes || (hangs && self.candidate(log).is_none());
            log.primary == instance
                && ((lacks && awaited) || log.replicas.iter().any(|r| r.synced_at > self.now))
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
            .flat_map(|l| l.replicas.iter().filter(|r| !r.cut).map(|r| r.synced_at))
            .max()
            .unwrap_or(0)
    }
}
