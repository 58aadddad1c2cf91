//! The way from a primary to its copies: cut, slow, lossy or from zone to zone.

use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::control::failover::Failover;
use crate::sim::keeping::filling_takes;
use crate::sim::keeping::ledger::{Orphan, Replica, Way};
use crate::sim::observe::facts::Fact;
use crate::sim::observe::snapshot::Status;

impl Sim {
    /// Copies that their primary cannot reach stand still; those that it reaches again get what they lack, and each as late
    /// as the way to it makes it.
    pub(in crate::sim) fn part_copies(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        let stays = |copy: &Replica| !copy.cut && copy.way == Way::default();
        if self.network.is_plain() && here.replicas.iter().all(stays) {
            return;
        }
        for at in 0..here.replicas.len() {
            let copy = self.logs[log as usize].replicas[at];
            let Some(way) = self.way_to_copy(log, copy.instance) else {
                self.stand_still(log, at);
                continue;
            };
            self.go_by(log, at, way);
            if copy.cut {
                self.logs[log as usize].replicas[at].cut = false;
                if copy.gets_stream() && self.logs[log as usize].orphan.is_none() {
                    self.catch_up(log, at);
                }
            }
        }
        self.see_ways(log);
        let here = &mut self.logs[log as usize];
        // What is under way may come at another time now.
        let mut due = vec![self.now];
        if !here.awaiting.is_empty() {
            due.extend(here.all_heard(self.now));
            due.sort_unstable();
            due.dedup();
        }
        self.note_followers(log);
        for at in due {
            self.look_at_copies(log, at);
        }
    }

    /// Ways to copies are others now: what waits until all has come to them waits for another time.
    fn see_ways(&mut self, log: u32) {
        let now = self.now;
        let here = &mut self.logs[log as usize];
        let ways = here.replicas.iter().map(|copy| copy.way);
        let most = |(behind, heard): (u64, u64), way: Way| {
            let hears = way.behind.saturating_add(way.back);
            (behind.max(way.behind), heard.max(hears))
        };
        let before = here.behind;
        (here.behind, here.heard) = ways.fold((0, 0), most);
        let sooner = here.behind < before;
        if let Some(orphan) = here.orphan.filter(|orphan| orphan.stream_ends > now) {
            let ends = here.stream_comes(&orphan).max(now);
            here.orphan = Some(Orphan {
                stream_ends: ends,
                ..orphan
            });
            if orphan.missed <= now && ends != orphan.stream_ends {
                self.promote_when_due(log);
            }
        } else if sooner {
            self.hand_over_sooner(log);
        }
    }

    /// All that an instance has comes to its copies sooner than whoever is to stop it, or to hand over from it, was told.
    fn hand_over_sooner(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        let (node, instance, at) = (here.node, here.primary, here.reaches_all().max(self.now));
        if let Some(since) = self
            .store(node)
            .and_then(|s| s.failover.as_ref())
            .map(Failover::since)
        {
            self.timer_at(at, Timer::CaughtUp { node, since });
        }
        let leads = &self.nodes[node as usize].instances[instance as usize];
        if leads.status == Status::Draining {
            let life = leads.life;
            self.timer_at(
                at,
                Timer::Drained {
                    node,
                    instance,
                    life,
                },
            );
        }
    }

    /// The way to a copy on an instance; `None` if there is none.
    pub(super) fn way_to_copy(&self, log: u32, instance: u16) -> Option<Way> {
        let here = &self.logs[log as usize];
        let primary = self.spot(here.node, here.primary);
        let path = self.path(primary, self.spot(here.node, instance));
        let lag = here.durability.lag_ns;
        // Who leads a fork follows nobody until it is told.
        let parted = path.cut.is_some() || self.leads_fork_of(log, instance);
        (!parted).then(|| Way {
            behind: path.takes(lag).saturating_sub(lag),
            back: path.takes(0),
            far: path.far,
            slower: path.slower,
        })
    }

    /// Nothing comes to a copy any more.
    fn stand_still(&mut self, log: u32, at: usize) {
        let (now, stamp) = (self.now, self.stamp);
        let here = &mut self.logs[log as usize];
        // What is written from now on is apart from what it has.
        let all = here.mark(stamp);
        let copy = here.replicas[at];
        here.replicas[at].cut = true;
        if !copy.gets_stream() {
            return;
        }
        if here.orphan.is_none() {
            let has = here.held_by(&copy, now).map(|has| has.min(all));
            let copy = &mut here.replicas[at];
            (copy.has, copy.synced_at) = (has, u64::MAX);
        } else if let Some(mark) = copy.mark {
            // What was still under way does not arrive any more.
            let mark = mark.min(here.come_to(&copy, now));
            here.replicas[at].mark = Some(mark);
            let (copy, number) = (copy.instance, mark.sequence);
            self.tell(Fact::Behind { log, copy, number });
        }
    }

    /// The way to a copy is this from now on: what is under way comes by it, too, but what has come has come.
    fn go_by(&mut self, log: u32, at: usize, way: Way) {
        let (now, stamp) = (self.now, self.stamp);
        let here = &mut self.logs[log as usize];
        let copy = here.replicas[at];
        if way == copy.way {
            return;
        }
        if copy.synced_at <= now && copy.gets_stream() {
            let all = here.mark(stamp);
            here.replicas[at].filled = here.come_to(&copy, now).min(all);
        } else if copy.synced_at > now && !copy.cut {
            let left = way.takes(&copy.way, copy.synced_at - now);
            here.replicas[at].synced_at = now.saturating_add(left);
            let due = here.replicas[at].synced_at;
            self.look_at_copies(log, due);
        }
        self.logs[log as usize].replicas[at].way = way;
    }

    /// A copy gets what it lacks from now on.
    fn catch_up(&mut self, log: u32, at: usize) {
        let copy = self.logs[log as usize].replicas[at];
        let Some(has) = copy.has else {
            self.logs[log as usize].replicas[at].synced_at = self.now;
            let whole = self.filled_at(log, copy.instance);
            let stamp = self.stamp;
            let here = &mut self.logs[log as usize];
            let filled = here.mark(stamp);
            (here.replicas[at].synced_at, here.replicas[at].filled) = (whole, filled);
            return self.look_at_copies(log, whole);
        };
        let (now, stamp) = (self.now, self.stamp);
        let here = &mut self.logs[log as usize];
        let lacks = filling_takes(here.bytes_beyond(has)) as f64 * copy.way.slower;
        let takes = here.durability.lag_ns.saturating_add(copy.way.behind);
        let filled = here.mark(stamp);
        let copy = &mut here.replicas[at];
        copy.synced_at = now.saturating_add(takes).saturating_add(lacks as u64);
        copy.filled = filled;
        let due = copy.synced_at;
        self.look_at_copies(log, due);
    }
}
