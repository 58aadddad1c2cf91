//! From a topology to dense arrays, at the start and after every edit: what is new gets a slot, what changed is
//! changed in its slot, what is gone leaves a tombstone. Slots are never renumbered.

use std::collections::BTreeMap;

use rand::SeedableRng as _;

use crate::model::check::{Why, implied_links};
use crate::model::naming::identity;
use crate::model::node::{Io, Persistence, Policy, Queue};
use crate::model::settings::SettingError;
use crate::model::state::FsyncPolicy;
use crate::model::workload::{Arrivals, Distribution, Popularity};
use crate::model::{Command, Node, Topology};
use crate::sim::Sim;
use crate::sim::clock::timers::LanePurpose;
use crate::sim::ids::{NO_INSTANCE, NONE};
use crate::sim::keeping::durability_of_store;
use crate::sim::keeping::keys::KeyTable;
use crate::sim::keeping::ledger::Purpose;
use crate::sim::network::link::{LinkSlot, Way};
use crate::sim::observe::metrics::Histogram;
use crate::sim::observe::snapshot::{NodeKind, Status, What};
use crate::sim::sessions::User;
use crate::sim::stations::balancer::{BalancerBody, Target};
use crate::sim::stations::instance::Instance;
use crate::sim::stations::node::{Body, NodeSlot};
use crate::sim::stations::service::ServiceBody;
use crate::sim::stations::store::StoreBody;
use crate::sim::streams::{Alias, Purpose as Draw, Sampler, draw, key_of, purpose_key};
use crate::sim::traffic::Leave;
use crate::sim::traffic::call::{Call, KINDS};
use crate::sim::traffic::clients::{ClientKeys, ClientsBody};

impl Sim {
    /// Carries out an edit on the running system, under the account of the command that asked for it.
    ///
    /// # Errors
    /// The edit is not possible, or leads to a topology that cannot run; then nothing has changed.
    pub(in crate::sim) fn edit(
        &mut self,
        edit: &Command,
        command: &Command,
    ) -> Result<(), SettingError> {
        let mut topology = self.topology.clone();
        topology.apply(edit)?;
        self.has_room_for(&topology)?;
        if command.has_row() && topology != self.topology {
            self.edited = Some(self.new_fault(command, None));
        } else {
            self.happen(What::Command {
                command: command.clone(),
                fault: None,
            });
        }
        self.reconfigure(topology);
        self.edited = None;
        Ok(())
    }

    /// Nodes, links and instances are numbered: there is room for so many of each, those included that are still ending.
    fn has_room_for(&self, topology: &Topology) -> Result<(), SettingError> {
        const MOST: usize = u16::MAX as usize - 1;
        let names = topology.nodes.keys();
        let fresh = names.filter(|name| self.slot_of(name).is_none()).count();
        if self.nodes.len() + fresh > MOST || self.links.len() + topology.links.0.len() > MOST {
            return Err(SettingError::here(
                "nodes or links have been added and removed too often in this run: start it anew from here",
            ));
        }
        for (name, node) in &topology.nodes {
            let (Node::Service(service), Some(slot)) = (node, self.slot_of(name)) else {
                continue;
            };
            let ending = ending(&self.nodes[slot as usize].instances);
            if service.instances as usize + ending > MOST {
                return Err(SettingError::here(format!(
                    "{ending} instances of `{name}` are still ending: wait for them, or give it a shorter `drain_time`"
                )));
            }
        }
        for (name, node) in &topology.nodes {
            if !matches!(node, Node::LoadBalancer(_)) {
                continue;
            }
            let behind: Vec<&str> = (topology.links.0.iter())
                .filter(|link| link.from == *name)
                .map(|link| link.to.as_str())
                .collect();
            let places = behind.iter().map(|to| self.places_of(topology, to));
            let places: usize = places.sum();
            let others = self.slot_of(name).map_or(0, |slot| {
                let all = self.targets_of(slot);
                if all.len() + places <= MOST {
                    return 0;
                }
                let of_others = |t: &&Target| {
                    let to = &self.nodes[t.node as usize];
                    to.removed || !behind.contains(&to.name.as_str())
                };
                all.iter().filter(of_others).count() - self.free_targets(slot).len()
            });
            if places + others > MOST {
                return Err(SettingError::here(format!(
                    "`{name}` would stand before {} instances, those included that are still ending or have requests on their way: wait for them, or start the run anew from here",
                    places + others
                )));
            }
        }
        Ok(())
    }

    /// Places that a service's instances take, those that are still ending included.
    fn places_of(&self, topology: &Topology, name: &str) -> usize {
        let Some(Node::Service(service)) = topology.nodes.get(name) else {
            return 0;
        };
        let here = self.slot_of(name);
        let here = here.map_or(&[][..], |slot| &self.nodes[slot as usize].instances);
        here.len().max(service.instances as usize + ending(here))
    }

    /// Makes the running system follow a topology.
    pub(in crate::sim) fn reconfigure(&mut self, topology: Topology) {
        let before = std::mem::replace(&mut self.topology, topology);
        let topology = self.topology.clone();
        for index in 0..self.nodes.len() as u16 {
            let slot = &self.nodes[index as usize];
            let stays = topology
                .nodes
                .get(&slot.name)
                .is_some_and(|n| kind_of(n) == slot.kind);
            if !slot.removed && !stays {
                self.remove_node(index);
            }
        }
        for (name, node) in &topology.nodes {
            match self.slot_of(name) {
                Some(slot) => self.update_node(slot, node),
                None => self.add_node(name, node),
            }
        }
        self.connect(&topology);
        self.populate(&topology);
        for (name, node) in &topology.nodes {
            let (Some(slot), Node::Service(service)) = (self.slot_of(name), node) else {
                continue;
            };
            self.scale_to(slot, service.instances);
        }
        for index in 0..self.nodes.len() as u16 {
            self.add_targets(index);
        }
        self.measure_messages();
        if before.nodes.is_empty() {
            self.assign_spaces();
            for index in 0..self.nodes.len() as u16 {
                self.start_arrivals(index);
            }
            return;
        }
        for (name, node) in &topology.nodes {
            let Some(slot) = self.slot_of(name) else {
                continue;
            };
            match (before.nodes.get(name), node) {
                (Some(Node::Service(old)), Node::Service(new)) => {
                    self.move_state(slot, &old.state, &new.state);
                }
                (Some(Node::Clients(old)), Node::Clients(new)) if old.arrivals == new.arrivals => {}
                (_, Node::Clients(_)) => self.start_arrivals(slot),
                _ => {}
            }
        }
        self.assign_spaces();
        // Only now is it clear what stays where it is, if by other rules.
        self.refresh_durability();
        let (kept, moved, dropped) = self.move_sessions(&before.sessions);
        self.house_sessions();
        if kept + moved + dropped > 0 {
            self.happen(What::Migrated {
                node: String::new(),
                kept,
                moved,
                dropped,
            });
        }
    }

    fn add_node(&mut self, name: &str, node: &Node) {
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
    fn update_node(&mut self, slot: u16, node: &Node) {
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

    fn remove_node(&mut self, slot: u16) {
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

    // Links.

    fn connect(&mut self, topology: &Topology) {
        let mut wanted: Vec<(u16, u16, u64, f64, bool)> = Vec::new();
        for link in &topology.links.0 {
            if let (Some(from), Some(to)) = (self.slot_of(&link.from), self.slot_of(&link.to)) {
                let ns_per_byte = 1e9 / link.settings.bandwidth.0;
                wanted.push((from, to, link.settings.latency.0, ns_per_byte, false));
            }
        }
        let default = crate::model::settings::with_profile(
            topology.profile,
            crate::model::node::LinkSettings::default,
        );
        let implied: Vec<(u16, u16, Why)> = implied_links(topology)
            .into_iter()
            .filter_map(|l| Some((self.slot_of(l.from)?, self.slot_of(l.to)?, l.why)))
            .collect();
        for &(from, to, _) in &implied {
            if !wanted.iter().any(|w| (w.0, w.1) == (from, to)) {
                wanted.push((from, to, default.latency.0, 1e9 / default.bandwidth.0, true));
            }
        }
        for link in &mut self.links {
            link.removed = !wanted.iter().any(|w| (w.0, w.1) == (link.from, link.to));
        }
        for (from, to, latency, ns_per_byte, implied) in wanted {
            let ns_per_byte = if ns_per_byte.is_finite() {
                ns_per_byte
            } else {
                0.0
            };
            let existing = self.links.iter().position(|l| (l.from, l.to) == (from, to));
            let index = existing.unwrap_or_else(|| {
                let (request_lane, reply_lane) = (
                    self.new_lane(LanePurpose::Request),
                    self.new_lane(LanePurpose::Reply),
                );
                let kinds = (self.nodes[from as usize].kind, self.nodes[to as usize].kind);
                self.links.push(LinkSlot {
                    way: match kinds {
                        (NodeKind::LoadBalancer, _) => Way::FromBalancer,
                        (_, NodeKind::Service | NodeKind::LoadBalancer) => Way::ToService,
                        _ => Way::ToStore,
                    },
                    from,
                    to,
                    removed: false,
                    implied,
                    salt: 0,
                    latency,
                    ns_per_byte,
                    busy_until: [0; 2],
                    request_lane,
                    reply_lane,
                    messages: 0,
                    bytes: 0,
                    messages_at_warmup: 0,
                    bytes_at_warmup: 0,
                    calls: Vec::new(),
                    turn: 0,
                });
                self.links.len() - 1
            });
            let before = self.links[index].ns_per_byte;
            let faster = ns_per_byte < before;
            if faster {
                // What comes now waits until what is still to be sent would have gone at this speed.
                let (now, share) = (self.now, ns_per_byte / before);
                for busy_until in &mut self.links[index].busy_until {
                    let left = busy_until.saturating_sub(now);
                    *busy_until = now.saturating_add((left as f64 * share) as u64);
                }
            }
            if faster || latency < self.links[index].latency {
                // What is sent from now on may overtake what is under way.
                let lanes = (
                    self.new_lane(LanePurpose::Request),
                    self.new_lane(LanePurpose::Reply),
                );
                let link = &mut self.links[index];
                (link.request_lane, link.reply_lane) = lanes;
            }
            let link = &mut self.links[index];
            link.removed = false;
            link.implied = implied;
            link.latency = latency;
            link.ns_per_byte = ns_per_byte;
        }
        for (name, node) in &topology.nodes {
            let Some(slot) = self.slot_of(name) else {
                continue;
            };
            let out: Vec<u16> = topology
                .links
                .0
                .iter()
                .filter(|l| l.from == *name)
                .filter_map(|l| self.link_between(slot, self.slot_of(&l.to)?))
                .collect();
            match (node, &mut self.nodes[slot as usize].body) {
                (Node::Clients(_), Body::Clients(body)) => {
                    body.entry_link = out.first().copied().unwrap_or(u16::MAX);
                }
                (Node::Service(_), Body::Service(_)) => {
                    let named = |wanted: Why| {
                        let mine =
                            |&&(from, _, why): &&(u16, u16, Why)| from == slot && why == wanted;
                        let (_, to, _) = implied.iter().find(mine)?;
                        self.link_between(slot, *to)
                    };
                    let (state, session) = (named(Why::State), named(Why::Sessions));
                    let snapshots = named(Why::Snapshots);
                    let calls: Vec<u16> = out
                        .into_iter()
                        .filter(|&l| ![state, session, snapshots].contains(&Some(l)))
                        .collect();
                    self.salt_links(state.into_iter().chain(session));
                    self.salt_links(calls.iter().copied());
                    if let Some(body) = self.service_mut(slot) {
                        body.state_link = state.unwrap_or(u16::MAX);
                        body.session_link = session.unwrap_or(u16::MAX);
                        body.calls = calls;
                    }
                }
                _ => {}
            }
        }
    }

    /// Gives the links of a service's calls what tells their draws apart: what is asked in the end, whether a balancer
    /// stands in between or not, and the how manieth call it is there.
    fn salt_links(&mut self, links: impl Iterator<Item = u16>) {
        let mut asked: Vec<u64> = Vec::new();
        for link in links {
            let mut to = self.links[link as usize].to;
            if self.nodes[to as usize].kind == NodeKind::LoadBalancer
                && let Some(behind) = self.links.iter().find(|l| l.from == to && !l.removed)
            {
                to = behind.to;
            }
            let key = self.nodes[to as usize].key;
            let times = asked.iter().filter(|&&before| before == key).count();
            asked.push(key);
            self.links[link as usize].salt = draw(key, times as u64);
        }
    }

    fn link_between(&self, from: u16, to: u16) -> Option<u16> {
        self.links
            .iter()
            .position(|l| !l.removed && (l.from, l.to) == (from, to))
            .map(|i| i as u16)
    }

    // Users and keys.

    fn populate(&mut self, topology: &Topology) {
        let sizes = topology.nodes.values().filter_map(|node| match node {
            Node::Clients(settings) => Some(settings.value_size.0),
            _ => None,
        });
        // Without clients what there is keeps its size.
        self.value_size = sizes.max().unwrap_or(self.value_size);
        let keeps = topology
            .nodes
            .values()
            .any(|n| n.is_store() || matches!(n, Node::Service(s) if s.state.is_local()));
        for (name, node) in &topology.nodes {
            let (Node::Clients(settings), Some(slot)) = (node, self.slot_of(name)) else {
                continue;
            };
            let sticky = sticks(topology, name);
            let own_keys = keeps && sticky && !settings.shared_keys;
            let needs_user = self.has_sessions() || sticky;
            let places = self.users.len() as u32;
            let Body::Clients(body) = &mut self.nodes[slot as usize].body else {
                continue;
            };
            body.own_keys = own_keys;
            body.needs_user = needs_user;
            body.needs_key = keeps;
            let room = body.users;
            if needs_user && settings.users > room {
                if room == 0 {
                    (body.first_user, body.first_piece) = (places, settings.users);
                } else if body.place_of_user(room - 1) + 1 < places {
                    body.further_users.push((room, places));
                } else if body.further_users.is_empty() {
                    body.first_piece = settings.users;
                }
                body.users = settings.users;
                let fresh = User {
                    log: NONE,
                    login: NONE,
                    ..User::default()
                };
                self.users
                    .resize(self.users.len() + (settings.users - room) as usize, fresh);
            }
        }
        let users = self.users.len();
        for node in &mut self.nodes {
            if let Body::Balancer(balancer) = &mut node.body
                && balancer.policy == Policy::StickyCookie
            {
                balancer.cookies.resize(users, NO_INSTANCE);
            }
        }
    }

    // Balancers' targets.

    /// Every balancer that is linked to a service knows all its instances.
    pub(in crate::sim) fn add_targets(&mut self, service: u16) {
        if self.service(service).is_none() {
            return;
        }
        let instances = self.nodes[service as usize].instances.len() as u16;
        let links: Vec<(u16, u16)> = (0..self.links.len() as u16)
            .filter(|&l| !self.links[l as usize].removed && self.links[l as usize].to == service)
            .map(|l| (l, self.links[l as usize].from))
            .collect();
        let now = self.now;
        let gone: Vec<bool> = self.nodes[service as usize]
            .instances
            .iter()
            .map(|i| i.status == Status::Removed)
            .collect();
        for node in 0..self.nodes.len() as u16 {
            let link = links
                .iter()
                .find(|(_, from)| *from == node)
                .map(|(link, _)| *link);
            let mut free = self.free_targets(node).into_iter();
            let Some(balancer) = self.balancer(node) else {
                continue;
            };
            let mut known = vec![false; gone.len()];
            for target in balancer.targets.iter_mut().filter(|t| t.node == service) {
                known[target.instance as usize] = true;
                target.removed = link.is_none() || gone[target.instance as usize];
                target.link = link.unwrap_or(target.link);
            }
            let fresh = (0..instances).filter(|&i| !known[i as usize] && !gone[i as usize]);
            let mut taken = vec![false; balancer.targets.len()];
            for instance in fresh.filter(|_| link.is_some()) {
                let target = Target {
                    node: service,
                    instance,
                    link: link.unwrap_or(u16::MAX),
                    in_flight: 0,
                    // A new instance gets requests once it has passed its checks, or at once where there are none.
                    up: now == 0 || balancer.settings.health_checks.is_none(),
                    failed_probes: 0,
                    good_probes: 0,
                    removed: false,
                    probing: false,
                    old_address: false,
                };
                match free.next() {
                    Some(place) => {
                        balancer.targets[place as usize] = target;
                        taken[place as usize] = true;
                    }
                    None => balancer.targets.push(target),
                }
            }
            for cookie in &mut balancer.cookies {
                // It named an instance that was there before.
                if taken.get(*cookie as usize) == Some(&true) {
                    *cookie = NO_INSTANCE;
                }
            }
            balancer.list_usable();
            if link.is_none() {
                continue;
            }
            for target in 0..self.balancer(node).map_or(0, |b| b.targets.len() as u16) {
                self.start_checks(node, target);
            }
        }
        self.trust_all(service);
    }

    fn targets_of(&self, node: u16) -> &[Target] {
        match &self.nodes[node as usize].body {
            Body::Balancer(balancer) => &balancer.targets,
            _ => &[],
        }
    }

    /// Places of targets of a balancer that are free again: of nodes that were removed, and that nothing names any more,
    /// neither a request that was sent there or may be tried there again, nor a probe.
    fn free_targets(&self, node: u16) -> Vec<u16> {
        let gone =
            |t: &Target| self.nodes[t.node as usize].removed && t.in_flight == 0 && !t.probing;
        let mut free: Vec<bool> = self.targets_of(node).iter().map(gone).collect();
        if free.contains(&true) {
            let here = |c: &&Call| !c.free && c.present && c.node == node && c.tries > 0;
            for call in self.calls.iter().filter(here) {
                free[call.target as usize] = false;
            }
        }
        (0..free.len() as u16)
            .filter(|&place| free[place as usize])
            .collect()
    }

    pub(in crate::sim) fn remove_targets(&mut self, service: u16, instance: u16) {
        for node in &mut self.nodes {
            if let Body::Balancer(balancer) = &mut node.body {
                for target in balancer
                    .targets
                    .iter_mut()
                    .filter(|t| t.node == service && t.instance == instance)
                {
                    target.removed = true;
                }
                balancer.list_usable();
            }
        }
    }
}

/// Whether a balancer on the way of the clients' requests, however far behind, keeps users at their instances: calls carry
/// the user with them.
fn sticks(topology: &Topology, clients: &str) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    let mut next = vec![clients];
    while let Some(name) = next.pop() {
        let called = match topology.nodes.get(name) {
            Some(Node::LoadBalancer(b)) if b.policy == Policy::StickyCookie => return true,
            Some(Node::Clients(_)) => 1,
            _ => usize::MAX,
        };
        let links = topology.links.0.iter().filter(|l| l.from == *name);
        for to in links.take(called).map(|l| l.to.as_str()) {
            if !seen.contains(&to) {
                seen.push(to);
                next.push(to);
            }
        }
    }
    false
}

/// How many instances have been told to leave and are still there.
fn ending(instances: &[Instance]) -> usize {
    let ends = |i: &&Instance| i.leaving && i.status != Status::Removed;
    instances.iter().filter(ends).count()
}

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
