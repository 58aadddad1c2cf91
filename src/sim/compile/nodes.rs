//! Nodes that are new, that have changed, or are gone.

use std::collections::BTreeMap;

use rand::SeedableRng as _;

use crate::model::Node;
use crate::model::naming::identity;
use crate::model::node::{Io, Persistence, Policy, Queue};
use crate::model::state::FsyncPolicy;
use crate::model::workload::{Arrivals, Distribution, Popularity};
use crate::sim::Sim;
use crate::sim::clock::timers::LanePurpose;
use crate::sim::ids::NONE;
use crate::sim::keeping::durability::durability_of_store;
use crate::sim::keeping::keys::KeyTable;
use crate::sim::keeping::ledger::Purpose;
use crate::sim::observe::metrics::Histogram;
use crate::sim::observe::snapshot::{NodeKind, Status};
use crate::sim::stations::balancer::BalancerBody;
use crate::sim::stations::instance::Instance;
use crate::sim::stations::node::{Body, NodeSlot};
use crate::sim::stations::service::ServiceBody;
use crate::sim::stations::store::StoreBody;
use crate::sim::streams::{Alias, Purpose as Draw, Sampler, key_of, purpose_key};
use crate::sim::traffic::Leave;
use crate::sim::traffic::call::KINDS;
use crate::sim::traffic::clients::{ClientKeys, ClientsBody};

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
        let on = |purpose| purpose_key(key, purpose);
        let body = match node {
            Node::Clients(settings) => Body::Clients(Box::new(ClientsBody {
                settings: settings.clone(),
                rng: rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(on(Draw::Arrivals)),
                keys: ClientKeys {
                    operation: on(Draw::Operation),
                    user: on(Draw::User),
                    kind: on(Draw::Kind),
                    key: on(Draw::Key),
                    think: on(Draw::Think),
                    backoff: on(Draw::Backoff),
                },
                mean_gap_ns: f64::INFINITY,
                over_ns: 0.0,
                arrives_at: 0,
                planned_gap_ns: f64::INFINITY,
                think: None,
                mix: [0.0; 4],
                only: None,
                popularity: None,
                next_op: 0,
                timeout_lane: self.new_lane(LanePurpose::ClientTimeout),
                longest_timeout: None,
                budget: 10.0,
                first_user: 0,
                first_piece: 0,
                users: 0,
                further_users: Vec::new(),
                own_keys: false,
                entry_link: u16::MAX,
                needs_user: false,
                needs_key: false,
                epoch: 0,
                seats: Vec::new(),
            })),
            Node::LoadBalancer(settings) => Body::Balancer(Box::new(BalancerBody {
                settings: settings.clone(),
                targets: Vec::new(),
                usable: Vec::new(),
                work_lane: self.new_lane(LanePurpose::Work),
                response_lane: self.new_lane(LanePurpose::CallTimeout),
                longest_timeout: None,
                turn: 0,
                cookies: Vec::new(),
                led_away: BTreeMap::new(),
                balance_key: on(Draw::Balance),
                phase_key: on(Draw::Phase),
                policy: settings.policy,
                fallback: settings.fallback,
            })),
            Node::Service(settings) => Body::Service(Box::new(ServiceBody {
                settings: settings.clone(),
                sampler: Sampler::Constant(0.0),
                service_key: on(Draw::Service),
                error_key: on(Draw::Error),
                call_lane: self.new_lane(LanePurpose::CallTimeout),
                longest_timeout: None,
                calls: Vec::new(),
                state_link: u16::MAX,
                session_link: u16::MAX,
                deploying: None,
                asynchronous: false,
                queue: Queue::Unlimited,
            })),
            Node::RedisLike(_) | Node::SqlDatabase(_) | Node::ObjectStore(_) => {
                Body::Store(Box::new(StoreBody {
                    read: Sampler::Constant(0.0),
                    write: Sampler::Constant(0.0),
                    read_key: on(Draw::Service),
                    left_by: None,
                    primary: 0,
                    log: NONE,
                    holds_worker_for_fsync: false,
                    limits: [None, None],
                    rounds: false,
                    backlog: 0,
                    boot_ns: 0,
                    restart_after: None,
                    failover: None,
                }))
            }
        };
        let instances = match node {
            Node::Clients(_) | Node::Service(_) => Vec::new(),
            _ => vec![Instance::new(self.now, u32::MAX, 1.0)],
        };
        self.nodes.push(NodeSlot {
            name: name.to_owned(),
            kind: kind_of(node),
            removed: false,
            space: self.nodes.len() as u16,
            key,
            body,
            reach: instances.len() as u16,
            instances,
            arrived: 0,
            completed: 0,
            failed: 0,
            completed_at_warmup: 0,
            failed_at_warmup: 0,
            completed_at_interval: 0,
            response: Histogram::default(),
            lost_writes: 0,
            lost_sessions: 0,
            login_ns: 0,
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
            for _ in old_members..node.members() {
                self.nodes[slot as usize]
                    .instances
                    .push(Instance::new(now, 1, 1.0));
            }
        }
        self.renew_lanes(slot, node);
        let here = &mut self.nodes[slot as usize];
        let mut workers = None;
        let constant = |d: crate::units::Duration| Sampler::new(&Distribution::Constant(d));
        match (&mut here.body, node) {
            (Body::Clients(body), Node::Clients(settings)) => {
                let popularity = match settings.popularity {
                    Popularity::Uniform => None,
                    // Of ten million keys it takes a while: not for an edit of something else.
                    Popularity::Zipf(_)
                        if body.popularity.is_some()
                            && body.settings.popularity == settings.popularity
                            && body.settings.keys == settings.keys =>
                    {
                        body.popularity.take()
                    }
                    Popularity::Zipf(s) => {
                        let weights = (1..=settings.keys).map(|k| libm::pow(f64::from(k), -s));
                        Some(std::sync::Arc::new(Alias::new(weights)))
                    }
                };
                body.popularity = popularity;
                body.settings = settings.clone();
                body.mean_gap_ns = match settings.arrivals {
                    Arrivals::Poisson(rate) | Arrivals::Steady(rate) => 1e9 / rate.0,
                    Arrivals::Closed(_) => f64::INFINITY,
                };
                body.think = match &settings.arrivals {
                    Arrivals::Closed(closed) => Some(Sampler::new(&closed.think)),
                    _ => None,
                };
                let mix = &settings.mix;
                let weights = [mix.read, mix.write, mix.login, mix.logout];
                let total: f64 = weights.iter().sum();
                let mut upto = 0.0;
                for (slot, weight) in body.mix.iter_mut().zip(weights) {
                    upto += weight / total;
                    *slot = upto;
                }
                let used: Vec<usize> = (0..4).filter(|&k| weights[k] > 0.0).collect();
                body.only = match used[..] {
                    [one] => Some(KINDS[one].1),
                    _ => None,
                };
                if let Some(&last) = used.last() {
                    // Rounding must not leave a gap below 1.
                    body.mix[last..].fill(1.0);
                }
            }
            (Body::Balancer(body), Node::LoadBalancer(settings)) => {
                body.settings = settings.clone();
                body.policy = settings.policy;
                body.fallback = match settings.fallback {
                    Policy::StickyCookie => Policy::RoundRobin,
                    other => other,
                };
            }
            (Body::Service(body), Node::Service(settings)) => {
                body.settings = settings.clone();
                body.sampler = Sampler::new(&settings.service_time);
                body.asynchronous = settings.io == Io::Asynchronous;
                body.queue = settings.queue;
                workers = Some(settings.workers);
                for (index, instance) in here.instances.iter_mut().enumerate() {
                    instance.speed = settings
                        .instance_overrides
                        .get(&(index as u32 + 1))
                        .map_or(1.0, |o| o.speed);
                }
            }
            (Body::Store(body), Node::RedisLike(settings)) => {
                body.rounds = settings.fsync_time.0 > 0
                    && settings.persistence == Persistence::AppendOnly(FsyncPolicy::Always);
                body.backlog = settings.backlog;
                body.read = constant(settings.command_time);
                body.write = body.read;
                body.boot_ns = settings.boot_time.0;
                body.restart_after = settings.restart_after.map(|d| d.0);
                workers = Some(1);
            }
            (Body::Store(body), Node::SqlDatabase(settings)) => {
                body.backlog = settings.backlog;
                body.read = constant(settings.read_time);
                body.write = constant(settings.write_time);
                body.holds_worker_for_fsync = settings.fsync == FsyncPolicy::Always;
                body.boot_ns = settings.boot_time.0;
                body.restart_after = settings.restart_after.map(|d| d.0);
                workers = Some(settings.connections);
            }
            (Body::Store(body), Node::ObjectStore(settings)) => {
                body.backlog = settings.backlog;
                body.read = Sampler::new(&settings.get_time);
                body.write = Sampler::new(&settings.put_time);
                for (limit, rate) in body
                    .limits
                    .iter_mut()
                    .zip([settings.get_rate.0, settings.put_rate.0])
                {
                    *limit = Some((
                        rate,
                        limit.map_or(rate, |l| l.1.min(rate)),
                        limit.map_or(now, |l| l.2),
                    ));
                }
                workers = Some(u32::MAX);
            }
            _ => {}
        }
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
        let (client, work, call) = match (&self.nodes[slot as usize].body, node) {
            (Body::Clients(body), Node::Clients(new)) => {
                (shorter(body.longest_timeout, new.timeout), false, false)
            }
            (Body::Balancer(body), Node::LoadBalancer(new)) => (
                false,
                new.work < body.settings.work,
                shorter(body.longest_timeout, new.response_timeout),
            ),
            (Body::Service(body), Node::Service(new)) => (
                false,
                false,
                shorter(body.longest_timeout, new.call_timeout),
            ),
            _ => return,
        };
        let client = client.then(|| self.new_lane(LanePurpose::ClientTimeout));
        let work = work.then(|| self.new_lane(LanePurpose::Work));
        let call = call.then(|| self.new_lane(LanePurpose::CallTimeout));
        let longest = |renewed: bool, before: Option<crate::units::Duration>, now| {
            if renewed { now } else { before.max(now) }
        };
        match (&mut self.nodes[slot as usize].body, node) {
            (Body::Clients(body), Node::Clients(new)) => {
                body.timeout_lane = client.unwrap_or(body.timeout_lane);
                body.longest_timeout = longest(client.is_some(), body.longest_timeout, new.timeout);
            }
            (Body::Balancer(body), Node::LoadBalancer(new)) => {
                body.work_lane = work.unwrap_or(body.work_lane);
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
            here.leaving = false;
            here.deploying = false;
            here.replaced_by_surge = false;
            self.cut_off(slot, instance, Leave::Reset);
        }
        if let Some(service) = self.service_mut(slot) {
            service.deploying = None;
        }
    }
}
