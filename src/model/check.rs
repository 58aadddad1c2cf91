//! Whether a topology makes sense: what the format allows and no system could be.

mod graph;
mod load;
mod scenario;

use std::collections::BTreeMap;
use std::fmt;

use self::graph::targets;
pub use self::graph::{ImpliedLink, Why, first_services, implied_links, never_calls};
use super::naming::identity;
use super::node::{Node, Service};
use super::settings::{shortened, unknown_name};
use super::state::{Partitioning, Replication, Sessions, SnapshotTo, State};
use super::topology::{Topology, check_name};
use super::workload::{Arrivals, Clients, Distribution, Popularity};
use crate::units::Duration;

/// Most nodes and links of a topology.
pub const MAX_NODES: usize = 500;
/// Most instances and store members of a topology, all together.
pub const MAX_INSTANCES: u64 = 20_000;
/// Most workers of a topology, all together.
pub const MAX_WORKERS: u64 = 10_000_000;
/// Most users of a topology, and most keys, all together: each one is kept in memory.
pub const MAX_USERS_OR_KEYS: u64 = 10_000_000;
/// Most cookies that load balancers remember, all together: each remembers every user.
pub const MAX_COOKIES: u64 = 200_000_000;
/// Most operations a second that all clients together may offer.
pub const MAX_RATE: f64 = 1e7;
/// Most events of a scenario.
pub const MAX_EVENTS: usize = 100_000;
/// Most of a scenario's events that may change the topology.
pub const MAX_EDITS: usize = 1_000;
/// Most requests that may pile up, in all queues and on all links together.
pub const MAX_BACKLOG: f64 = 1e7;
/// Most calls that an operation may make, on all its ways together.
pub const MAX_CALLS: f64 = 1e4;

/// Most points of instances on the ring of one service.
pub const MOST_POINTS: u64 = 1_000_000;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot run.
    Error,
    /// It can run, but probably is not meant.
    Warning,
}

/// Something wrong with a topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The path of what it is about, such as `nodes.api.state` or `scenario[0]`.
    pub path: String,
    /// What is wrong and what to do, in a sentence or two.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}: {}", self.path, self.message)
    }
}

/// Everything wrong with the topology, errors first. Without errors it can run.
pub fn check(topology: &Topology) -> Vec<Problem> {
    let mut check = Check {
        topology,
        problems: Vec::new(),
    };
    check.size();
    if check.problems.is_empty() {
        check.structure();
        check.run();
        check.scenario();
        check.expects();
        check.canvas();
        if check
            .problems
            .iter()
            .all(|problem| problem.severity != Severity::Error)
        {
            check.load();
        }
    }
    check.problems.sort_by_key(|problem| problem.severity);
    check.problems
}

/// What keeps the topology from being run; not what can be, and is only probably not meant.
pub fn errors(topology: &Topology) -> Vec<Problem> {
    let mut problems = check(topology);
    problems.retain(|problem| problem.severity == Severity::Error);
    problems
}

fn services(topology: &Topology) -> impl Iterator<Item = (&str, &Service)> {
    topology.nodes.iter().filter_map(|(name, node)| match node {
        Node::Service(service) => Some((name.as_str(), service)),
        _ => None,
    })
}

fn clients(topology: &Topology) -> impl Iterator<Item = (&str, &Clients)> {
    topology.nodes.iter().filter_map(|(name, node)| match node {
        Node::Clients(clients) => Some((name.as_str(), clients)),
        _ => None,
    })
}

/// The kind of a node in words.
fn kind(node: &Node) -> &'static str {
    match node {
        Node::Clients(_) => "clients",
        Node::LoadBalancer(_) => "a load balancer",
        Node::Service(_) => "a service",
        Node::RedisLike(_) => "a Redis-like store",
        Node::SqlDatabase(_) => "an SQL database",
        Node::ObjectStore(_) => "an object store",
    }
}

struct Check<'a> {
    topology: &'a Topology,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    fn error(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem {
            severity: Severity::Error,
            path: path.into(),
            message: message.into(),
        });
    }

    fn warning(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem {
            severity: Severity::Warning,
            path: path.into(),
            message: message.into(),
        });
    }

    /// Caps, so that nothing a user types eats all memory. What is within them is also quick to check.
    fn size(&mut self) {
        let topology = self.topology;
        for (what, count, most) in [
            ("nodes", topology.nodes.len(), MAX_NODES),
            ("links", topology.links.0.len(), 4 * MAX_NODES),
            ("canvas", topology.canvas.len(), 4 * MAX_NODES),
            ("scenario", topology.scenario.len(), MAX_EVENTS),
            ("expects", topology.expects.len(), MAX_EVENTS),
        ] {
            if count > most {
                self.error(what, format!("there are {count} of them: at most {most}"));
            }
        }
        let edits = topology
            .scenario
            .iter()
            .filter(|timed| timed.command().is_edit());
        if edits.count() > MAX_EDITS {
            self.error(
                "scenario",
                format!("more than {MAX_EDITS} of its events change the topology"),
            );
        }
        let nodes = || topology.nodes.values();
        let instances: u64 = nodes().map(|node| u64::from(node.members())).sum();
        if instances > MAX_INSTANCES {
            self.error(
                "nodes",
                format!("there are {instances} instances and store members in all: at most {MAX_INSTANCES}; lower `instances` or `replicas`"),
            );
        }
        let workers: u64 = services(topology)
            .map(|(_, s)| u64::from(s.instances) * u64::from(s.workers))
            .sum();
        if workers > MAX_WORKERS {
            self.error(
                "nodes",
                format!("there are {workers} workers in all: at most {MAX_WORKERS}; lower `workers` or `instances`"),
            );
        }
        let sticky_balancers = nodes()
            .filter(|node| matches!(node, Node::LoadBalancer(lb) if lb.policy.keeps_users()))
            .count() as u64;
        let sticky = sticky_balancers > 0;
        let (mut users, mut keys, mut rate) = (0, 0, 0.0);
        for (_, clients) in clients(topology) {
            let (own_users, own_rate) = match &clients.arrivals {
                Arrivals::Poisson(rate) | Arrivals::Steady(rate) => (clients.users, rate.0),
                Arrivals::Closed(closed) => (clients.users.max(closed.users), 0.0),
            };
            users += u64::from(own_users);
            rate += own_rate;
            keys += if sticky && !clients.shared_keys {
                u64::from(own_users) * u64::from(clients.keys_per_user)
            } else {
                u64::from(clients.keys)
            };
        }
        for (what, count) in [("users", users), ("keys", keys)] {
            if count > MAX_USERS_OR_KEYS {
                self.error(
                    "nodes",
                    format!("the clients have {count} {what} in all: at most {MAX_USERS_OR_KEYS}; lower `users`, `keys` or `keys_per_user`"),
                );
            }
        }
        if users.saturating_mul(sticky_balancers) > MAX_COOKIES {
            self.error(
                "nodes",
                format!("{sticky_balancers} load balancers with cookies remember {users} users each: at most {MAX_COOKIES} cookies in all; lower `users`, or give some another policy"),
            );
        }
        if rate > MAX_RATE {
            self.error(
                "nodes",
                format!("the clients offer {rate} operations a second in all: at most {MAX_RATE}"),
            );
        }
    }

    /// Nodes, links and what they keep: what must hold at any moment of a run.
    fn structure(&mut self) {
        self.nodes();
        self.links();
        self.sessions();
        self.writes();
        self.calls();
    }

    /// Whether writes wait for, or depend on, no more copies than there are, and whoever watches stands in a zone.
    fn replication(&mut self, path: &str, node: &Node) {
        let (replication, below, observer) = match node {
            Node::Service(service) => match &service.state {
                State::InMemory(memory) => (&memory.replication, "state.", ""),
                _ => return,
            },
            Node::RedisLike(store) => (&store.replication, "", store.observer_zone.as_str()),
            Node::SqlDatabase(store) => (&store.replication, "", store.observer_zone.as_str()),
            _ => return,
        };
        self.copies(&format!("{path}.{below}replication"), replication);
        if !observer.is_empty()
            && let Some(problem) = self.topology.zone_problem(observer)
        {
            self.error(format!("{path}.observer_zone"), problem);
        }
    }

    /// Whether the ring of a service has so few points that it can be searched.
    fn ring(&mut self, path: &str, service: &Service) {
        let Some(Partitioning::ConsistentHash(ring)) = service.state.partitioning() else {
            return;
        };
        let points = u64::from(ring.virtual_nodes) * u64::from(service.instances);
        if points > MOST_POINTS {
            self.error(
                format!("{path}.state.partitioning.virtual_nodes"),
                format!("{points} points on one ring are too many: at most {MOST_POINTS}, so give each instance fewer"),
            );
        }
    }

    pub(super) fn copies(&mut self, path: &str, replication: &Replication) {
        let copies = replication.replicas();
        for (name, wanted) in [
            ("acknowledgements", replication.acknowledgements()),
            ("min_replicas", replication.least_copies().0),
        ] {
            if wanted > copies {
                self.error(
                    format!("{path}.{name}"),
                    format!("{wanted} copies can never have a write where there are {copies}: give it as many `replicas`"),
                );
            }
        }
    }

    fn nodes(&mut self) {
        let topology = self.topology;
        if clients(topology).next().is_none() {
            self.error(
                "nodes",
                "there are no clients, so nothing happens: add clients (`Clients()`) and link them to what they call",
            );
        }
        let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, node) in &topology.nodes {
            let path = format!("nodes.{name}");
            if let Err(message) = check_name(name) {
                self.error("nodes", message);
            }
            let id = identity(name, node);
            if let Some(other) = ids.insert(id, name) {
                self.error(
                    format!("{path}.id"),
                    format!("`{other}` has the same id `{}`, so both would draw the same random numbers: remove it from one", shortened(id)),
                );
            }
            self.replication(&path, node);
            for zone in node.zones() {
                if let Err(message) = check_name(zone) {
                    self.error(format!("{path}.zones"), message.replace("a node", "a zone"));
                }
            }
            match node {
                Node::Clients(clients) => self.clients(&path, name, clients),
                Node::LoadBalancer(_) => {
                    if targets(topology, name).next().is_none() {
                        let message =
                            format!("`{name}` has nothing to balance: link it to a service");
                        self.error(&path, message);
                    }
                }
                Node::Service(service) => {
                    self.service(&path, service);
                    self.ring(&path, service);
                }
                Node::ObjectStore(store) => {
                    self.distribution(&format!("{path}.get_time"), &store.get_time);
                    self.distribution(&format!("{path}.put_time"), &store.put_time);
                }
                Node::RedisLike(_) | Node::SqlDatabase(_) => {}
            }
        }
    }

    fn clients(&mut self, path: &str, name: &str, clients: &Clients) {
        if targets(self.topology, name).next().is_none() {
            self.error(
                path,
                format!(
                    "`{name}` reach nothing: link them to a load balancer, a service or a store"
                ),
            );
        }
        if let Some(second) = targets(self.topology, name).nth(1) {
            self.warning(
                path,
                format!("clients call one node, the first they are linked to: the link to `{second}` is not used"),
            );
        }
        match &clients.arrivals {
            Arrivals::Poisson(rate) | Arrivals::Steady(rate) => {
                if !(rate.0.is_finite() && rate.0 >= 0.0) {
                    self.error(
                        format!("{path}.arrivals"),
                        "the rate must be a finite number of operations a second",
                    );
                } else if rate.0 == 0.0 {
                    self.warning(
                        format!("{path}.arrivals"),
                        "at 0/s these clients do nothing",
                    );
                }
            }
            Arrivals::Closed(closed) => {
                self.distribution(&format!("{path}.arrivals.think"), &closed.think);
            }
        }
        let mix = &clients.mix;
        let weights = [
            ("read", mix.read),
            ("write", mix.write),
            ("login", mix.login),
            ("logout", mix.logout),
        ];
        for (kind, weight) in weights {
            if !(weight.is_finite() && weight >= 0.0) {
                self.error(
                    format!("{path}.mix.{kind}"),
                    "a weight must be a finite number, 0 or more",
                );
            }
        }
        if weights.iter().all(|&(_, weight)| weight == 0.0) {
            self.error(
                format!("{path}.mix"),
                "every weight is 0: give at least one kind of operation more",
            );
        }
        if matches!(self.topology.sessions, Sessions::None) && mix.login + mix.logout > 0.0 {
            self.error(
                format!("{path}.mix"),
                "users log in or out, but `sessions` is None: choose how sessions are kept, or set login and logout to 0",
            );
        }
        let revokes = clients.revocations.0 > 0.0;
        if revokes && matches!(self.topology.sessions, Sessions::None) {
            self.warning(
                format!("{path}.revocations"),
                "there is nothing to revoke while `sessions` is None",
            );
        }
        if clients.stolen.0 > 0.0 && !revokes && mix.logout == 0.0 {
            self.warning(
                format!("{path}.stolen"),
                "no credential is ever revoked: give `revocations` a rate, or let users log out",
            );
        }
        if let Popularity::Zipf(s) = clients.popularity
            && !(0.0..=10.0).contains(&s)
        {
            self.error(
                format!("{path}.popularity"),
                format!("Zipf({s:?}) is out of range: from 0 (every key alike) to 10"),
            );
        }
        if let Some(timeout) = clients.timeout {
            self.patience(path, timeout, clients.connect_timeout, name);
        }
        if clients.backoff > clients.backoff_limit {
            self.warning(
                format!("{path}.backoff"),
                format!(
                    "it is longer than backoff_limit ({}), which bounds it",
                    clients.backoff_limit
                ),
            );
        }
    }

    /// Whether who waits for an attempt so long ever learns that a connection cannot be made.
    fn patience(&mut self, path: &str, timeout: Duration, connect_timeout: Duration, name: &str) {
        if timeout <= connect_timeout {
            self.warning(
                format!("{path}.timeout"),
                format!("it is not above connect_timeout ({connect_timeout}), so an attempt is given up ({timeout}) before a lost machine is noticed: raise it, or lower connect_timeout"),
            );
        }
        let Some(balancer) = targets(self.topology, name).next() else {
            return;
        };
        if let Some(Node::LoadBalancer(lb)) = self.topology.nodes.get(balancer)
            && lb.retries > 0
            && timeout <= lb.connect_timeout
        {
            let behind = lb.connect_timeout;
            self.warning(
                format!("{path}.timeout"),
                format!("it is not above connect_timeout of `{balancer}` ({behind}), so an attempt is given up ({timeout}) before that can try another instance: raise it, or lower connect_timeout there"),
            );
        }
    }

    fn service(&mut self, path: &str, service: &Service) {
        self.distribution(&format!("{path}.service_time"), &service.service_time);
        if let Some(call_timeout) = service.call_timeout
            && call_timeout <= service.connect_timeout
        {
            self.warning(
                format!("{path}.call_timeout"),
                format!("it is not above connect_timeout ({}), so a call is given up ({call_timeout}) before a lost machine is noticed: raise it, or lower connect_timeout", service.connect_timeout),
            );
        }
        if service.cache.is_some() && service.caches().is_none() {
            self.warning(
                format!("{path}.cache"),
                "there is no store behind it, so nothing is cached: keep the state in a store (`state: External(store: ..)`), or remove the cache",
            );
        }
        for number in service.instance_overrides.keys() {
            let path = format!("{path}.instance_overrides.{number}");
            if *number == 0 {
                self.error(path, "instances count from 1");
            } else if *number > service.instances {
                self.warning(
                    path,
                    format!("there are only {} instances", service.instances),
                );
            }
        }
        let replicas = match &service.state {
            State::InMemory(memory) => memory.replication.replicas(),
            _ => 0,
        };
        if replicas >= service.instances {
            self.warning(
                format!("{path}.state.replication"),
                format!(
                    "{replicas} copies besides the first need {} instances, and there are {}: fewer copies are kept",
                    replicas + 1,
                    service.instances
                ),
            );
        }
        match &service.state {
            State::External(external) => {
                self.store(&format!("{path}.state.store"), &external.store, "state");
            }
            State::InMemory(memory) => {
                if let SnapshotTo::ObjectStore(store) = &memory.snapshot_to {
                    let path = format!("{path}.state.snapshot_to");
                    match self.topology.nodes.get(store) {
                        Some(Node::ObjectStore(_)) => {}
                        Some(other) => self.error(
                            path,
                            format!(
                                "`{store}` is {}: snapshots go to an object store",
                                kind(other)
                            ),
                        ),
                        None => {
                            let message = self.no_node(store);
                            self.error(path, message);
                        }
                    }
                }
            }
            _ => {}
        }
        let deployment = &service.deployment;
        if deployment.max_surge.0 <= 0.0 && deployment.max_unavailable.0 <= 0.0 {
            self.error(
                format!("{path}.deployment"),
                "neither a further instance nor a missing one is allowed, so a deployment cannot move: give max_surge or max_unavailable more than 0%",
            );
        }
    }

    fn distribution(&mut self, path: &str, distribution: &Distribution) {
        let (Distribution::Constant(mean)
        | Distribution::Exponential(mean)
        | Distribution::Uniform(mean)) = distribution
        else {
            return; // the group has ranges of its own
        };
        if *mean > Duration(3_600_000_000_000) {
            self.error(path, format!("{mean} is out of range: from 0s to 1h"));
        }
    }

    /// A store that a setting names.
    fn store(&mut self, path: &str, name: &str, what: &str) {
        match self.topology.nodes.get(name) {
            Some(node) if node.is_store() => {}
            Some(other) => self.error(
                path,
                format!(
                    "`{name}` is {}: {what} lives in a RedisLike, SqlDatabase or ObjectStore node",
                    kind(other)
                ),
            ),
            None if name.is_empty() => self.error(
                path,
                format!(
                    "it does not say which store keeps the {what}: name one (`store: \"NAME\"`)"
                ),
            ),
            None => {
                let message = self.no_node(name);
                self.error(path, message);
            }
        }
    }

    fn no_node(&self, name: &str) -> String {
        unknown_name("node", name, self.topology.nodes.keys().map(String::as_str))
    }

    /// Duration and warm-up.
    fn run(&mut self) {
        let topology = self.topology;
        if topology.warmup >= topology.duration {
            self.error(
                "warmup",
                format!(
                    "nothing is left to count: the warm-up ({}) must be shorter than the duration ({})",
                    topology.warmup, topology.duration
                ),
            );
        }
    }

    fn canvas(&mut self) {
        for (name, &(x, y)) in &self.topology.canvas {
            let path = format!("canvas.{}", shortened(name));
            if !(x.abs() <= 1e6 && y.abs() <= 1e6) {
                self.error(&path, "a position must lie between -1000000 and 1000000");
            }
            if !self.topology.nodes.contains_key(name) {
                let message = self.no_node(name);
                self.warning(&path, message);
            }
        }
    }
}
