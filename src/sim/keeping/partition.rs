//! Partitioned state: each key belongs to one member of a service, which has a log of its own, and whoever leads that log
//! answers for the key. Any other instance forwards a request for it (`stations/forwarding.rs`).
//!
//! Members are the instances that are meant to stay: one that is dead keeps its keys, and they wait for it, or for a copy of
//! its log to take over. When members come or go, keys go with them (`rebalance.rs`): until then, each stays where it is.

use crate::model::state::Handover;
use crate::sim::Sim;
use crate::sim::keeping::durability::durability_of;
use crate::sim::keeping::keys::{Key, KeyTable};
use crate::sim::keeping::ledger::Purpose;
use crate::sim::keeping::rebalance::{Part, Rebalance};
use crate::sim::keeping::ring::{Ring, Scheme};
use crate::sim::observe::snapshot::Status;
use crate::sim::room::room;
use crate::sim::stations::service::ServiceBody;
use crate::sim::streams::{Purpose as Draw, purpose_key};

/// Whose keys are whose in a service.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Partition {
    pub ring: Ring,
    /// Places of the instances that are members, in order, and the log of each.
    pub members: Vec<(u16, u32)>,
    /// Keys that are not yet where they belong, and the log in which they are.
    pub away: KeyTable<u32>,
    /// What goes from log to log.
    pub parts: Vec<Part>,
    /// Tells the timer that counts from earlier ones.
    pub timer: u32,
    /// The rebalance that runs, by its place in the service's.
    pub running: Option<u32>,
    /// It has only begun: what there is may not be where it belongs.
    pub fresh: bool,
}

impl Partition {
    /// The log in which a key is.
    #[inline]
    pub(in crate::sim) fn log_of(&self, key: Key) -> u32 {
        if self.away.len() > 0
            && let Some(&log) = self.away.get(key)
        {
            return log;
        }
        self.home_of(key)
    }

    /// The log in which a key belongs.
    #[inline]
    pub(in crate::sim) fn home_of(&self, key: Key) -> u32 {
        self.members[self.ring.owner(key)].1
    }

    pub(in crate::sim) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.ring.bytes()
            + room::<(u16, u32)>(self.members.len())
            + self.away.bytes()
            + room::<Part>(self.parts.len())
    }
}

impl ServiceBody {
    /// Whether an instance that is told to stop hands its keys over before. Where there are copies it always does: others
    /// forward writes to it up to its end, and the last would not have come to a copy.
    pub(in crate::sim) fn hands_over(&self) -> bool {
        self.settings.handover == Handover::Move || durability_of(&self.settings.state).replicas > 0
    }
}

impl Sim {
    pub(in crate::sim) fn partition(&self, node: u16) -> Option<&Partition> {
        self.service(node)?.partition.as_deref()
    }

    pub(in crate::sim) fn partition_mut(&mut self, node: u16) -> Option<&mut Partition> {
        self.service_mut(node)?.partition.as_deref_mut()
    }

    /// The log in which a key of a partitioned service is.
    pub(in crate::sim) fn log_of_key(&self, node: u16, key: Key) -> Option<u32> {
        Some(self.partition(node)?.log_of(key))
    }

    /// The log in which an instance looks for a key, and the instance that has it. An old primary that does not know that
    /// another has taken over answers by itself.
    pub(in crate::sim) fn place_of_key(
        &self,
        node: u16,
        instance: u16,
        key: Key,
    ) -> Option<(u32, u16)> {
        let log = self.log_of_key(node, key)?;
        let mine = self.nodes[node as usize].instances[instance as usize].data_log;
        let deposed = self
            .logs
            .get(mine as usize)
            .and_then(|l| l.deposed.as_ref());
        Some(match deposed {
            Some(deposed) if deposed.by == log => (mine, instance),
            _ => (log, self.logs[log as usize].primary),
        })
    }

    /// How a service wants its keys spread, if it does.
    fn wanted_scheme(&self, node: u16) -> Option<Scheme> {
        Scheme::of(self.service(node)?.settings.state.partitioning()?)
    }

    /// Keys belong to the members of a service from now on, if they do not already; gives the members' logs.
    pub(in crate::sim) fn begin_partition(&mut self, node: u16) -> Vec<u32> {
        if let (None, Some(scheme)) = (self.partition(node), self.wanted_scheme(node)) {
            let places = self.wanted_members(node);
            self.divide(node, &places, scheme);
            if let Some(partition) = self.partition_mut(node) {
                partition.fresh = true;
            }
        }
        let members = self.partition(node).map_or(&[][..], |p| &p.members);
        members.iter().map(|&(_, log)| log).collect()
    }

    /// A service's keys belong to nobody in particular any more.
    pub(in crate::sim) fn end_partition(&mut self, node: u16) {
        self.end_rebalance(node);
        if let Some(service) = self.service_mut(node) {
            service.partition = None;
        }
    }

    /// The instances that are to have keys: those that have some and stay, and those that serve.
    fn wanted_members(&self, node: u16) -> Vec<u16> {
        let Some(service) = self.service(node) else {
            return Vec::new();
        };
        let moves = service.hands_over();
        let is_member = |place: u16| {
            let partition = service.partition.as_deref();
            partition.is_some_and(|p| p.members.iter().any(|m| m.0 == place))
        };
        let here = &self.nodes[node as usize].instances;
        let wanted = |place: &u16| {
            let instance = &here[*place as usize];
            let goes = instance.leaving || (instance.draining && moves);
            let stays = is_member(*place) || instance.status.serves();
            instance.status != Status::Removed && !goes && stays
        };
        let places: Vec<u16> = (0..here.len() as u16).filter(wanted).collect();
        if !places.is_empty() {
            return places;
        }
        // None could take keys now: they belong to those that stay, and wait for them.
        let stays = |place: &u16| {
            let instance = &here[*place as usize];
            instance.status != Status::Removed && !instance.leaving
        };
        (0..here.len() as u16).filter(stays).collect()
    }

    /// Instances have come or gone, or keys are to be spread in another way: they belong to others from now on.
    pub(in crate::sim) fn repartition(&mut self, node: u16) {
        let Some(partition) = self.partition(node) else {
            return;
        };
        let Some(scheme) = self.wanted_scheme(node) else {
            return;
        };
        let places = self.wanted_members(node);
        let same = places.iter().eq(partition.members.iter().map(|(p, _)| p));
        if places.is_empty() || (same && scheme == partition.ring.scheme()) {
            return;
        }
        self.begin_rebalance(node, &places, scheme);
    }

    /// Gives keys to the instances at these places.
    pub(in crate::sim) fn divide(&mut self, node: u16, places: &[u16], scheme: Scheme) {
        let known = |sim: &Self, place: u16| {
            let members = sim.partition(node).map_or(&[][..], |p| &p.members);
            members.iter().find(|m| m.0 == place).map(|m| m.1)
        };
        let mut members = Vec::new();
        for &place in places {
            let log = known(self, place).filter(|&log| !self.logs[log as usize].retired);
            let log = log.unwrap_or_else(|| self.data_log(node, place));
            members.push((place, log));
        }
        let hash = purpose_key(self.nodes[node as usize].key, Draw::Ring);
        let numbers = places.iter().map(|&place| u32::from(place) + 1).collect();
        let ring = Ring::new(scheme, hash, numbers);
        let before = self.service_mut(node).and_then(|s| s.partition.take());
        let (parts, timer, running) = match before {
            Some(before) => (before.parts, before.timer, before.running),
            None => (Vec::new(), 0, None),
        };
        let partition = Partition {
            ring,
            members,
            away: KeyTable::default(),
            parts,
            timer,
            running,
            fresh: false,
        };
        if let Some(service) = self.service_mut(node) {
            service.partition = Some(Box::new(partition));
        }
    }

    /// The logs of a service from which keys go to where they belong.
    pub(in crate::sim) fn sources(&self, node: u16) -> Vec<u32> {
        let Some(partition) = self.partition(node) else {
            return Vec::new();
        };
        let moves = self.service(node).is_some_and(ServiceBody::hands_over);
        let goes = |&log: &u32| {
            let here = &self.logs[log as usize];
            if here.node != node
                || here.purpose != Purpose::Data
                || here.retired
                || here.moving.is_some()
                || here.deposed.is_some()
            {
                return false;
            }
            let leads = &self.nodes[node as usize].instances[here.primary as usize];
            let is_member = partition.members.iter().any(|m| m.1 == log);
            // What is dropped stays where it is until its instance ends; a copy takes it along.
            is_member || !leads.leaving || moves || !here.replicas.is_empty()
        };
        (0..self.logs.len() as u32).filter(goes).collect()
    }

    /// What the rebalances of a service did, oldest first.
    pub(in crate::sim) fn rebalances(&self, node: u16) -> &[Rebalance] {
        self.service(node).map_or(&[], |s| &s.rebalances)
    }
}
