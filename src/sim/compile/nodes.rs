//! Nodes that are new, that have changed, or are gone.

use crate::model::Node;
use crate::model::naming::identity;
use crate::sim::Sim;
use crate::sim::clock::queue::Kind;
use crate::sim::keeping::durability::durability_of_store;
use crate::sim::keeping::keys::KeyTable;
use crate::sim::keeping::ledger::Purpose;
use crate::sim::observe::metrics::Histogram;
use crate::sim::observe::snapshot::{NodeKind, Status};
use crate::sim::stations::balancer::BalancerBody;
use crate::sim::stations::instance::Instance;
use crate::sim::stations::node::{Body, NodeSlot};
use crate::sim::stations::pool::PoolCounts;
use crate::sim::stations::service::ServiceBody;
use crate::sim::stations::store::StoreBody;
use crate::sim::streams::key_of;
use crate::sim::traffic::Leave;
use crate::sim::traffic::clients::ClientsBody;

/// Kind of a node.
pub(in crate::sim) fn kind_of(node: &Node) -> NodeKind {
    match node {
        Node::Clients(_) => NodeKind::Clients,
        Node::LoadBalancer(_) => NodeKind::LoadBalancer,
        Node::Service(_) => NodeKind::Service,
        Node::RedisLike(_) => NodeKind::RedisLike,
        Node::SqlDatabase(_) => NodeKind::SqlDatabase,
        Node::ObjectStore(_) => NodeKind::ObjectStore,
    }
}

impl Sim {
    pub(in crate::sim) fn add_node(&mut self, name: &str, node: &Node) {
        let key = key_of(self.seed, identity(name, node));
        let body = match node {
            Node::Clients(settings) => {
                let timeouts = self.queue.add_lane(Kind::ClientLimits);
                Body::Clients(Box::new(ClientsBody::new(settings, key, timeouts)))
            }
            Node::LoadBalancer(settings) => {
                let responses = self.queue.add_lane(Kind::CallLimits);
                Body::Balancer(Box::new(BalancerBody::new(settings, key, responses)))
            }
            Node::Service(settings) => {
                let calls = self.queue.add_lane(Kind::CallLimits);
                Body::Service(Box::new(ServiceBody::new(settings, key, calls)))
            }
            Node::RedisLike(_) | Node::SqlDatabase(_) | Node::ObjectStore(_) => {
                Body::Store(Box::new(StoreBody::new(key)))
            }
        };
        let instances = match node {
            Node::Clients(_) | Node::Service(_) => Vec::new(),
            _ => vec![Instance::new(self.now, 1, u32::MAX, 1.0)],
        };
        self.nodes.push(NodeSlot {
            name: name.to_owned(),
            kind: kind_of(node),
            removed: false,
            space: self.nodes.len() as u16,
            key,
            zones: Vec::new(),
            body,
            reach: instances.len() as u16,
            instances,
            arrived: 0,
            completed: 0,
            failed: 0,
            completed_at_warmup: 0,
            failed_at_warmup: 0,
            response: Histogram::default(),
            lost_writes: 0,
            lost_sessions: 0,
            login_ns: 0,
            pool: PoolCounts::default(),
            pool_at_warmup: PoolCounts::default(),
        });
        self.newest.push(KeyTable::default());
        let slot = self.nodes.len() as u16 - 1;
        self.update_node(slot, node);
        if node.is_store() {
            let log = self.new_log(slot, 0, Purpose::Data, durability_of_store(node));
            if let Some(store) = self.store_mut(slot) {
                store.log = log;
            }
        }
    }

    /// Brings a slot's settings up to date.
    pub(in crate::sim) fn update_node(&mut self, slot: u16, node: &Node) {
        let now = self.now;
        let old_members = self.nodes[slot as usize].instances.len() as u32;
        if node.is_store() {
            for number in old_members + 1..=node.members() {
                let member = Instance::new(now, number, 1, 1.0);
                self.nodes[slot as usize].instances.push(member);
            }
        }
        let zones = node.zones().iter().map(|zone| self.network.zone(zone));
        self.nodes[slot as usize].zones = zones.collect();
        self.renew_lanes(slot, node);
        let here = &mut self.nodes[slot as usize];
        let workers = match (&mut here.body, node) {
            (Body::Clients(body), Node::Clients(settings)) => {
                body.set(settings);
                None
            }
            (Body::Balancer(body), Node::LoadBalancer(settings)) => {
                body.set(settings);
                None
            }
            (Body::Service(body), Node::Service(settings)) => {
                body.set(settings);
                for instance in &mut here.instances {
                    let other = settings.instance_overrides.get(&instance.number);
                    instance.speed = other.map_or(1.0, |other| other.speed);
                }
                Some(settings.workers)
            }
            (Body::Store(body), node) => body.set(node, now),
            _ => None,
        };
        self.settle_caches(slot);
        if let Some(workers) = workers {
            for index in 0..self.nodes[slot as usize].instances.len() as u16 {
                let instance = &mut self.nodes[slot as usize].instances[index as usize];
                if instance.workers != workers {
                    instance.workers = workers;
                    instance.set_capacity(now);
                    self.take_next(slot, index);
                }
            }
        }
    }

    /// What is due earlier from now on must not wait behind what was sent under a longer delay: it gets a lane of its own.
    fn renew_lanes(&mut self, slot: u16, node: &Node) {
        let shorter = |before: Option<crate::units::Duration>,
                       now: Option<crate::units::Duration>| {
            matches!((before, now), (Some(before), Some(now)) if now < before)
        };
        let (client, call) = match (&self.nodes[slot as usize].body, node) {
            (Body::Clients(body), Node::Clients(new)) => {
                (shorter(body.longest_timeout, new.timeout), false)
            }
            (Body::Balancer(body), Node::LoadBalancer(new)) => {
                (false, shorter(body.longest_timeout, new.response_timeout))
            }
            (Body::Service(body), Node::Service(new)) => {
                (false, shorter(body.longest_timeout, new.call_timeout))
            }
            _ => return,
        };
        let client = client.then(|| self.queue.add_lane(Kind::ClientLimits));
        let call = call.then(|| self.queue.add_lane(Kind::CallLimits));
        let longest = |renewed: bool, before: Option<crate::units::Duration>, now| {
            if renewed { now } else { before.max(now) }
        };
        match (&mut self.nodes[slot as usize].body, node) {
            (Body::Clients(body), Node::Clients(new)) => {
                body.timeout_lane = client.unwrap_or(body.timeout_lane);
                body.longest_timeout = longest(client.is_some(), body.longest_timeout, new.timeout);
            }
            (Body::Balancer(body), Node::LoadBalancer(new)) => {
                body.response_lane = call.unwrap_or(body.response_lane);
                body.longest_timeout =
                    longest(call.is_some(), body.longest_timeout, new.response_timeout);
            }
            (Body::Service(body), Node::Service(new)) => {
                body.call_lane = call.unwrap_or(body.call_lane);
                body.longest_timeout =
                    longest(call.is_some(), body.longest_timeout, new.call_timeout);
            }
            _ => {}
        }
    }

    pub(in crate::sim) fn remove_node(&mut self, slot: u16) {
        self.nodes[slot as usize].removed = true;
        self.forget_troubles_of(slot);
        for instance in 0..self.nodes[slot as usize].instances.len() as u16 {
            if matches!(
                self.nodes[slot as usize].kind,
                NodeKind::Clients | NodeKind::LoadBalancer
            ) {
                continue;
            }
            for log in self.logs_of(slot, instance) {
                self.lose_all(log);
            }
            self.set_status(slot, instance, Status::Removed);
            // Whatever was to become of it: its timers mean nothing any more.
            let here = &mut self.nodes[slot as usize].instances[instance as usize];
            here.life += 1;
            here.draining = false;
            here.in_pre_stop = false;
            here.leaving = false;
            here.deploying = false;
            here.replaced_by_surge = false;
            self.cut_off(slot, instance, Leave::Reset);
        }
        if let Some(service) = self.service_mut(slot) {
            service.deploying = None;
        }
        self.add_targets(slot);
    }
}
