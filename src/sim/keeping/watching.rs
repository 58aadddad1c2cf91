//! Whoever watches a primary: from where, since when it has not been seen, and what follows from that.

use crate::model::Node;
use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::NO_INSTANCE;
use crate::sim::keeping::ledger::{Deposed, Log, Mark, Missed, Replica};
use crate::sim::keeping::loss::LossCause;
use crate::sim::network::troubles::Spot;
use crate::sim::observe::snapshot::Status;
use crate::sim::stations::node::Body;

/// How soon it is looked again whether a copy can take over.
const LOOK_AGAIN_NS: u64 = 100_000_000;

impl Sim {
    /// From where a group's primary is watched: a service's by its callers, a store's from the zone that is set, or from where
    /// most of its callers are.
    pub(super) fn observer_of(&self, node: u16) -> Spot {
        let here = &self.nodes[node as usize];
        if self.store(node).is_none() {
            let mut links = self.links.iter().filter(|l| !l.removed && l.to == node);
            let caller = links.next().map_or(u16::MAX, |l| l.from);
            return Spot::outside(caller, 0);
        }
        let set = match self.topology.nodes.get(&here.name) {
            Some(Node::RedisLike(store)) => store.observer_zone.as_str(),
            Some(Node::SqlDatabase(store)) => store.observer_zone.as_str(),
            _ => "",
        };
        if let Ok(zone) = self.find_zone(set) {
            return Spot::outside(u16::MAX, zone);
        }
        let mut zones: Vec<(u16, usize)> = Vec::new();
        for (node, instance) in self.callers(node) {
            let zone = self.spot(node, instance).zone();
            match zones.iter_mut().find(|(known, _)| *known == zone) {
                Some((_, count)) => *count += 1,
                None => zones.push((zone, 1)),
            }
        }
        // Of several with as many the one that comes first.
        let most = zones.iter().rev().max_by_key(|(_, count)| *count);
        Spot::outside(u16::MAX, most.map_or(0, |(zone, _)| *zone))
    }

    /// Whether whoever watches a node's primary sees an instance.
    pub(super) fn is_seen(&self, node: u16, instance: u16) -> bool {
        let observer = self.observer_of(node);
        self.parted_by(observer, self.spot(node, instance))
            .is_none()
    }

    /// Whether a log's primary serves where nobody who wants it can reach it.
    pub(super) fn is_out_of_reach(&self, log: &Log) -> bool {
        let primary = self.spot(log.node, log.primary);
        if let Some(deposed) = &log.deposed {
            let reaches = |&(node, instance): &(u16, u16)| {
                self.parted_by(self.spot(node, instance), primary).is_none()
            };
            let served = self.is_serving(log.node, log.primary);
            return self.store(log.node).is_some()
                && !(served && deposed.believers.iter().any(reaches));
        }
        if self.network.is_sound() {
            return false;
        }
        self.parted_by(self.observer_of(log.node), primary)
            .is_some()
    }

    /// Who sends from a node: its instances, or itself where it has none.
    fn endpoints(&self, node: u16) -> Vec<(u16, u16)> {
        let here = &self.nodes[node as usize];
        match here.body {
            Body::Clients(_) | Body::Balancer(_) => vec![(node, NO_INSTANCE)],
            Body::Service(_) | Body::Store(_) => {
                let there = |i: &u16| here.instances[*i as usize].status != Status::Removed;
                let all = (0..here.instances.len() as u16).filter(there);
                all.map(|instance| (node, instance)).collect()
            }
        }
    }

    /// A primary that cannot be seen is missed from now on; one that is seen is not any more.
    pub(super) fn watch(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        if here.deposed.is_some() || (self.network.is_sound() && here.missed.is_none()) {
            return;
        }
        let node = here.node;
        let primary = self.spot(node, here.primary);
        let unseen = self.parted_by(self.observer_of(node), primary);
        let down_after = here.durability.down_after_ns;
        let here = &mut self.logs[log as usize];
        match (unseen, here.missed) {
            (None, _) => here.missed = None,
            (Some(_), Some(_)) => {}
            (Some(fault), None) => {
                let since = self.now;
                here.missed = Some(Missed { since, fault });
                self.timer_after(down_after, Timer::Unseen { log, since });
            }
        }
    }

    /// The primary has not been seen for long enough.
    pub(in crate::sim) fn unseen(&mut self, log: u32, since: u64) {
        let here = &self.logs[log as usize];
        let Some(missed) = here.missed.filter(|missed| missed.since == since) else {
            return;
        };
        let promotion = here.durability.promotion_ns;
        let fault = &mut self.faults[missed.fault as usize];
        fault.detected.get_or_insert(self.now - fault.at);
        self.timer_after(promotion, Timer::Depose { log, since });
    }

    /// Another takes over from a primary that is still not seen, if one can.
    pub(in crate::sim) fn depose_unseen(&mut self, log: u32, since: u64) {
        let here = &self.logs[log as usize];
        let Some(missed) = here.missed.filter(|missed| missed.since == since) else {
            return;
        };
        // One that is dead or hangs has copies that see to it.
        if here.retired || here.orphan.is_some() || !here.online {
            return;
        }
        let node = here.node;
        let observer = self.observer_of(node);
        let is_seen = |copy: &Replica| {
            self.parted_by(observer, self.spot(node, copy.instance))
                .is_none()
        };
        let Some(best) = self.best_copy(log, is_seen) else {
            // One may come back.
            return self.timer_after(LOOK_AGAIN_NS, Timer::Depose { log, since });
        };
        let mut believers = self.callers(node);
        believers.retain(|&(node, instance)| {
            self.parted_by(observer, self.spot(node, instance))
                .is_some()
        });
        let deposed = Deposed {
            by: log,
            at: best.1,
            fault: missed.fault,
            cause: LossCause::Partition,
            believers,
            told_at: None,
        };
        self.depose(log, best, deposed);
    }

    /// A copy takes over at once because somebody wants it so; the old primary, and whoever is connected to it, are told only
    /// after a delay. Gives whether one could.
    pub(in crate::sim) fn depose_by_force(&mut self, log: u32, fault: u32) -> bool {
        let here = &self.logs[log as usize];
        let (node, delay) = (here.node, here.durability.demotion_ns);
        let Some(best) = self.best_copy(log, |_| true) else {
            return false;
        };
        let believers = self.callers(node);
        let deposed = Deposed {
            by: log,
            at: best.1,
            fault,
            cause: LossCause::Promotion,
            believers,
            told_at: Some(self.now.saturating_add(delay)),
        };
        self.depose(log, best, deposed);
        true
    }

    /// Whoever calls a node.
    pub(super) fn callers(&self, node: u16) -> Vec<(u16, u16)> {
        let links = self.links.iter().filter(|l| !l.removed && l.to == node);
        links.flat_map(|l| self.endpoints(l.from)).collect()
    }

    /// The most advanced copy that serves and has something, of those.
    pub(in crate::sim) fn best_copy(
        &self,
        log: u32,
        of: impl Fn(&Replica) -> bool,
    ) -> Option<(u16, Mark)> {
        let here = &self.logs[log as usize];
        let able = here.replicas.iter().filter(|copy| {
            copy.gets_stream() && self.is_serving(here.node, copy.instance) && of(copy)
        });
        let marks = able.filter_map(|copy| Some((copy.instance, here.held_by(copy, self.now)?)));
        marks.max_by_key(|&(instance, mark)| (mark, std::cmp::Reverse(instance)))
    }
}
