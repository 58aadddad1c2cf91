//! Whether a topology makes sense: what the format allows and no system could be.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::expect::{Expectation, Metric};
use super::node::{Node, Policy, Queue, Service};
use super::scenario::{Command, Timed};
use super::settings::{shortened, unknown_name};
use super::state::{Sessions, SnapshotTo, State};
use super::topology::{Topology, check_name};
use super::workload::{Arrivals, Clients, Distribution, Popularity};
use crate::units::Duration;

/// Most nodes and links of a topology.
pub const MAX_NODES: usize = 500;
/// Most instances and store members of a topology, all together.
pub const MAX_INSTANCES: u64 = 10_000;
/// Most workers of a topology, all together.
pub const MAX_WORKERS: u64 = 10_000_000;
/// Most users of a topology, and most keys, all together: each one is kept in memory.
pub const MAX_USERS_OR_KEYS: u64 = 10_000_000;
/// Most operations a second that all clients together may offer.
pub const MAX_RATE: f64 = 1e7;
/// Most events of a scenario.
pub const MAX_EVENTS: usize = 100_000;
/// Most of a scenario's events that may change the topology.
pub const MAX_EDITS: usize = 1_000;
/// Most requests that may pile up in queues without a limit.
pub const MAX_BACKLOG: f64 = 1e7;

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
    }
    check.problems.sort_by_key(|problem| problem.severity);
    check.problems
}

/// The calls that settings imply: from each service to its state store, to the store of its snapshots, and from the
/// first services behind the clients to the session store. Written links between the same nodes only give these their
/// latency and bandwidth.
pub fn implied_links(topology: &Topology) -> Vec<(String, String)> {
    let mut implied: Vec<(String, String)> = Vec::new();
    let mut add = |from: &str, to: &str| {
        let link = (from.to_owned(), to.to_owned());
        let is_store = topology.nodes.get(to).is_some_and(Node::is_store);
        if is_store && !implied.contains(&link) {
            implied.push(link);
        }
    };
    for (name, service) in services(topology) {
        match &service.state {
            State::External(external) => add(name, &external.store),
            State::InMemory(memory) => {
                if let SnapshotTo::ObjectStore(store) = &memory.snapshot_to {
                    add(name, store);
                }
            }
            _ => {}
        }
    }
    if let Sessions::ServerSide(server_side) = &topology.sessions {
        for service in first_services(topology) {
            add(service, &server_side.store);
        }
    }
    implied
}

/// The services that requests of clients reach first, directly or through balancers: they handle sessions.
pub fn first_services(topology: &Topology) -> Vec<&str> {
    let mut first = Vec::new();
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = clients(topology).map(|(name, _)| name).collect();
    while let Some(name) = next.pop() {
        let called = match topology.nodes.get(name) {
            Some(Node::Clients(_)) => 1,
            _ => usize::MAX,
        };
        for to in targets(topology, name).take(called) {
            match topology.nodes.get(to) {
                Some(Node::LoadBalancer(_)) if seen.insert(to) => next.push(to),
                Some(Node::Service(_)) if seen.insert(to) => first.push(to),
                _ => {}
            }
        }
    }
    // In the file's order, whichever way they were found.
    first.sort_by_key(|name| topology.nodes.get_index_of(*name));
    first
}

/// The nodes that `name` has written links to, in file order.
fn targets<'a>(topology: &'a Topology, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let name = name.to_owned();
    topology
        .links
        .0
        .iter()
        .filter(move |link| link.from == name)
        .map(|link| link.to.as_str())
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
        let sticky = nodes().any(
            |node| matches!(node, Node::LoadBalancer(lb) if lb.policy == Policy::StickyCookie),
        );
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
    }

    fn nodes(&mut self) {
        let topology = self.topology;
        if clients(topology).next().is_none() {
            self.error(
                "nodes",
                "there are no clients, so nothing happens: add a `Clients` node and link it to what it calls",
            );
        }
        let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, node) in &topology.nodes {
            let path = format!("nodes.{name}");
            if let Err(message) = check_name(name) {
                self.error("nodes", message);
            }
            let id = if node.id().is_empty() {
                name
            } else {
                node.id()
            };
            if let Some(other) = ids.insert(id, name) {
                self.error(
                    format!("{path}.id"),
                    format!("`{other}` has the same id `{}`, so both would draw the same random numbers: remove it from one", shortened(id)),
                );
            }
            match node {
                Node::Clients(clients) => self.clients(&path, name, clients),
                Node::LoadBalancer(_) => {
                    if targets(topology, name).next().is_none() {
                        self.error(&path, "it has nothing to balance: link it to a service");
                    }
                }
                Node::Service(service) => self.service(&path, service),
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
                "these clients reach nothing: link them to a load balancer, a service or a store",
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
        if let Popularity::Zipf(s) = clients.popularity
            && !(0.0..=10.0).contains(&s)
        {
            self.error(
                format!("{path}.popularity"),
                format!("Zipf({s}) is out of range: from 0 (every key alike) to 10"),
            );
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

    fn service(&mut self, path: &str, service: &Service) {
        self.distribution(&format!("{path}.service_time"), &service.service_time);
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
        if service.max_unavailable_and_surge_are_zero() {
            self.warning(
                format!("{path}.deployment"),
                "neither a further instance nor a missing one is allowed, so a deployment cannot move: give one of the two more than 0%",
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
                format!("it does not say which store keeps the {what}: write `store: \"NAME\"`"),
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

    fn links(&mut self) {
        let topology = self.topology;
        let mut seen = BTreeSet::new();
        for link in &topology.links.0 {
            let path = format!("links.{}", link.key());
            for end in [&link.from, &link.to] {
                if !topology.nodes.contains_key(end) {
                    let message = self.no_node(end);
                    self.error(&path, message);
                }
            }
            if link.from == link.to {
                self.error(&path, "a node cannot call itself: remove the link");
            } else if !seen.insert((&link.from, &link.to)) {
                self.error(&path, "the link stands here twice: remove one");
            }
            let (from, to) = (topology.nodes.get(&link.from), topology.nodes.get(&link.to));
            if matches!(to, Some(Node::Clients(_))) {
                self.error(
                    &path,
                    format!(
                        "nothing calls clients: turn it round, `{} -> {}`",
                        link.to, link.from
                    ),
                );
            }
            match (from, to) {
                (Some(store), _) if store.is_store() => self.error(
                    &path,
                    "a store only answers and calls nothing: turn the link round, or remove it",
                ),
                (Some(Node::LoadBalancer(_)), Some(Node::LoadBalancer(_))) => self.error(
                    &path,
                    "a load balancer chooses between the instances of services, not between other load balancers: link it to the services",
                ),
                (Some(Node::LoadBalancer(_)), Some(store)) if store.is_store() => self.error(
                    &path,
                    "the members of a store are not alike, so a load balancer cannot choose between them: link services to it directly",
                ),
                _ => {}
            }
        }
        self.cycle();
        self.unreachable();
    }

    fn cycle(&mut self) {
        let topology = self.topology;
        // Take away nodes that nothing calls until none is left; what stays is on a cycle or behind one.
        let mut callers: BTreeMap<&str, usize> = BTreeMap::new();
        let links = || topology.links.0.iter().filter(|link| link.from != link.to);
        for link in links() {
            *callers.entry(&link.to).or_default() += 1;
        }
        let mut free: Vec<&str> = topology
            .nodes
            .keys()
            .map(String::as_str)
            .filter(|name| !callers.contains_key(name))
            .collect();
        while let Some(name) = free.pop() {
            for to in targets(topology, name) {
                if to != name
                    && let Some(count) = callers.get_mut(to)
                {
                    *count -= 1;
                    if *count == 0 {
                        callers.remove(to);
                        free.push(to);
                    }
                }
            }
        }
        // Walk against the calls from any node that stayed: within as many steps a node comes twice.
        let stayed = |name: &str| callers.contains_key(name) && topology.nodes.contains_key(name);
        let Some(start) = topology.nodes.keys().find(|name| stayed(name)) else {
            return;
        };
        let mut way: Vec<&str> = vec![start];
        loop {
            let here = way[way.len() - 1];
            let Some(from) = links()
                .find(|link| link.to == here && stayed(&link.from))
                .map(|link| link.from.as_str())
            else {
                return;
            };
            if let Some(again) = way.iter().position(|&name| name == from) {
                let mut cycle: Vec<&str> = way[again..].to_vec();
                cycle.push(from);
                cycle.reverse();
                self.error(
                    "links",
                    format!(
                        "requests would go round for ever: {}; remove one of these links",
                        cycle.join(" -> ")
                    ),
                );
                return;
            }
            way.push(from);
        }
    }

    fn unreachable(&mut self) {
        let topology = self.topology;
        let implied = implied_links(topology);
        let mut reached: BTreeSet<&str> = clients(topology).map(|(name, _)| name).collect();
        let mut next: Vec<&str> = reached.iter().copied().collect();
        while let Some(name) = next.pop() {
            let implied = implied
                .iter()
                .filter(|(from, _)| from == name)
                .map(|(_, to)| to.as_str());
            for to in targets(topology, name).chain(implied) {
                if reached.insert(to) {
                    next.push(to);
                }
            }
        }
        if clients(topology).next().is_none() {
            return; // said already
        }
        for name in topology.nodes.keys() {
            if !reached.contains(name.as_str()) {
                self.warning(
                    format!("nodes.{name}"),
                    "no request reaches it: link it to what calls it, or remove it",
                );
            }
        }
    }

    fn sessions(&mut self) {
        let topology = self.topology;
        if let Sessions::ServerSide(server_side) = &topology.sessions {
            self.store("sessions.store", &server_side.store, "sessions");
            if let Some(Node::ObjectStore(_)) = topology.nodes.get(&server_side.store) {
                self.warning(
                    "sessions.store",
                    "every request waits for an object store to look up its session: a RedisLike or SqlDatabase node answers a hundred times faster",
                );
            }
        }
        let first = first_services(topology);
        if first.is_empty()
            && !matches!(topology.sessions, Sessions::None)
            && clients(topology).any(|(name, _)| targets(topology, name).next().is_some())
        {
            self.error(
                "sessions",
                "no service stands behind the clients to check sessions: put one there, or set `sessions: None`",
            );
        }
        let kept_by_one = matches!(
            topology.sessions,
            Sessions::ServerSide(_) | Sessions::InMemory(_)
        );
        if let ([one, another, ..], true) = (&first[..], kept_by_one) {
            self.error(
                "sessions",
                format!("these sessions are handled by one service behind the clients, and `{one}` and `{another}` both stand there: put one service in front of both, or use `Jwt()`"),
            );
        }
        for name in first {
            let Some(Node::Service(service)) = topology.nodes.get(name) else {
                continue;
            };
            if service.instances < 2 || self.always_same_instance(name) {
                continue;
            }
            if let Sessions::InMemory(memory) = &topology.sessions {
                self.warning(
                    "sessions",
                    format!("sessions are in the memory of `{name}`, but requests go to any of its instances, so users are logged out even without a fault: give the load balancer before it `policy: StickyCookie`"),
                );
                if memory.replication.replicas() >= service.instances {
                    self.warning(
                        "sessions.replication",
                        format!("`{name}` has too few instances for that many copies"),
                    );
                }
            }
            if service.state.is_local() {
                self.warning(
                    format!("nodes.{name}.state"),
                    "each instance knows only what was written through it, but requests go to any of them: give the load balancer before it `policy: StickyCookie`, or keep state in a store",
                );
            }
        }
    }

    /// Whether a user's requests to the service always go to the same instance.
    fn always_same_instance(&self, service: &str) -> bool {
        let mut callers = self
            .topology
            .links
            .0
            .iter()
            .filter(|link| link.to == service)
            .map(|link| self.topology.nodes.get(&link.from));
        callers.all(|caller| match caller {
            Some(Node::LoadBalancer(lb)) => lb.policy == Policy::StickyCookie,
            _ => false,
        })
    }

    /// Writes must have a home on every way that a request can take.
    fn writes(&mut self) {
        let topology = self.topology;
        let mut homes = BTreeMap::new();
        let mut blamed = BTreeSet::new();
        let writers: Vec<&str> = clients(topology)
            .filter(|(_, clients)| clients.mix.write > 0.0)
            .map(|(name, _)| name)
            .collect();
        for name in writers {
            if let Some(target) = targets(topology, name).next() {
                self.blame_homeless(target, &mut homes, &mut blamed);
            }
        }
    }

    fn blame_homeless(
        &mut self,
        name: &'a str,
        homes: &mut BTreeMap<&'a str, bool>,
        blamed: &mut BTreeSet<&'a str>,
    ) {
        if self.has_home(name, homes) || !blamed.insert(name) {
            return;
        }
        match self.topology.nodes.get(name) {
            Some(Node::LoadBalancer(_)) => {
                for target in targets(self.topology, name) {
                    self.blame_homeless(target, homes, blamed);
                }
            }
            Some(Node::Service(_)) => self.error(
                format!("nodes.{name}.state"),
                "clients write, but the writes have nowhere to live: nothing from here on keeps state. Choose where this service keeps it, such as External(store: \"store\"), or link it to a store; a store that only keeps its sessions does not count",
            ),
            _ => {}
        }
    }

    /// Whether what is written through the node ends somewhere that keeps it.
    fn has_home(&self, name: &'a str, homes: &mut BTreeMap<&'a str, bool>) -> bool {
        if let Some(&home) = homes.get(name) {
            return home;
        }
        homes.insert(name, false); // a cycle is no home
        let home = match self.topology.nodes.get(name) {
            Some(node) if node.is_store() => true,
            Some(Node::LoadBalancer(_)) => {
                let mut targets = targets(self.topology, name).peekable();
                targets.peek().is_some() && targets.all(|to| self.has_home(to, homes))
            }
            Some(Node::Service(service)) => match &service.state {
                State::Stateless => {
                    let session_store = match &self.topology.sessions {
                        Sessions::ServerSide(server_side)
                            if first_services(self.topology).contains(&name) =>
                        {
                            Some(server_side.store.as_str())
                        }
                        _ => None,
                    };
                    targets(self.topology, name)
                        .filter(|to| Some(*to) != session_store)
                        .any(|to| self.has_home(to, homes))
                }
                _ => true, // a store that is missing is told elsewhere
            },
            _ => false,
        };
        homes.insert(name, home);
        home
    }

    /// Duration, warm-up, and queues that would grow without end.
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
        let offered: f64 = clients(topology)
            .map(|(_, clients)| match &clients.arrivals {
                Arrivals::Poisson(rate) | Arrivals::Steady(rate) => rate.0,
                Arrivals::Closed(_) => 0.0,
            })
            .sum();
        for name in first_services(topology) {
            let Some(Node::Service(service)) = topology.nodes.get(name) else {
                continue;
            };
            let mean = mean_secs(&service.service_time);
            let speed: f64 = (1..=service.instances)
                .map(|number| {
                    service
                        .instance_overrides
                        .get(&number)
                        .map_or(1.0, |instance| instance.speed)
                })
                .sum();
            let busy = offered * mean / (f64::from(service.workers) * speed);
            if busy < 1.0 {
                continue;
            }
            let backlog = offered * (1.0 - 1.0 / busy) * topology.duration.secs();
            let path = format!("nodes.{name}");
            let load = format!(
                "clients offer {:.0} % of what its workers can do",
                100.0 * busy
            );
            if matches!(service.queue, Queue::Unlimited) && backlog > MAX_BACKLOG {
                self.error(
                    format!("{path}.queue"),
                    format!("{load}, and its queue has no limit: {backlog:.0} requests would pile up. Limit the queue, add workers or instances, or offer less"),
                );
            } else {
                self.warning(
                    path,
                    format!(
                        "{load}: it will be overloaded; add workers or instances, or offer less"
                    ),
                );
            }
        }
    }

    fn scenario(&mut self) {
        let topology = self.topology;
        // Tried in the order of time on a copy, so that a node which an event adds is known to later ones.
        let mut order: Vec<usize> = (0..topology.scenario.len()).collect();
        order.sort_by_key(|&index| topology.scenario[index].earliest());
        let mut now = topology.clone();
        let mut added: BTreeMap<String, u64> = BTreeMap::new();
        let mut edited: Option<usize> = None;
        for index in order {
            let timed = &topology.scenario[index];
            let path = format!("scenario[{index}]");
            // What several edits at the same time make of it is judged after the last of them.
            if let Some(last) = edited
                && topology.scenario[last].earliest() < timed.earliest()
            {
                edited = None;
                self.after_edit(last, &now);
            }
            if let Timed::Between(from, to, _) = timed
                && to < from
            {
                self.error(
                    &path,
                    format!("it ends ({to}) before it begins ({from}): swap the two times"),
                );
            }
            if timed.earliest() > topology.duration {
                self.warning(
                    &path,
                    format!(
                        "it comes after the end of the run ({}): it never happens",
                        topology.duration
                    ),
                );
            }
            let command = timed.command();
            match command_problem(&now, command, &added) {
                Some(message) => self.error(&path, message),
                None if command.is_edit() => match now.apply(command) {
                    Ok(()) => edited = Some(index),
                    Err(error) => self.error(&path, error.to_string()),
                },
                None => match command {
                    Command::AddInstances(node, count) => {
                        *added.entry(node.clone()).or_default() += u64::from(*count);
                    }
                    // A deployment starts further instances, whose numbers are then in use.
                    Command::Deploy(node, _) => {
                        let members = now.nodes.get(node).map_or(0, Node::members);
                        *added.entry(node.clone()).or_default() += u64::from(members);
                    }
                    _ => {}
                },
            }
        }
        if let Some(last) = edited {
            self.after_edit(last, &now);
        }
    }

    /// What is wrong with the topology that an edit of the scenario leads to.
    fn after_edit(&mut self, index: usize, now: &Topology) {
        let mut after = Check {
            topology: now,
            problems: Vec::new(),
        };
        after.size();
        if after.problems.is_empty() {
            after.structure();
        }
        let mut problems = after.problems.into_iter();
        if let Some(problem) = problems.find(|problem| problem.severity == Severity::Error) {
            // What was wrong from the start has been said.
            let old = self
                .problems
                .iter()
                .any(|old| old.path == problem.path && old.message == problem.message);
            if !old {
                self.error(
                    format!("scenario[{index}]"),
                    format!("after it {}: {}", problem.path, problem.message),
                );
            }
        }
    }

    fn expects(&mut self) {
        for (index, text) in self.topology.expects.iter().enumerate() {
            let path = format!("expects[{index}]");
            match text.parse::<Expectation>() {
                Ok(expectation) => {
                    if let Some(message) = self.metric_problem(&expectation.metric) {
                        self.error(path, message);
                    }
                }
                Err(message) => self.error(path, message),
            }
        }
    }

    fn metric_problem(&self, metric: &Metric) -> Option<String> {
        /// The parts of the results (`run --json`) that hold figures.
        const PARTS: [&str; 16] = [
            "operations",
            "throughput_per_s",
            "goodput_per_s",
            "error_rate",
            "response_time_s",
            "failed_response_time_s",
            "by_kind",
            "writes",
            "sessions",
            "reads",
            "recovery",
            "nodes",
            "links",
            "rebalances",
            "objectives",
            "cost",
        ];
        std::iter::once(&metric.path)
            .chain(&metric.over)
            .find_map(|path| {
                let mut segments = path.split(['.', '[']);
                let part = segments.next().unwrap_or_default();
                if !PARTS.contains(&part) {
                    return Some(unknown_name("figure", part, PARTS.into_iter()));
                }
                let name = segments.next().unwrap_or_default();
                if part == "nodes" && !self.topology.nodes.contains_key(name) {
                    // A node that an event adds is fine.
                    let added = self.topology.scenario.iter().any(|timed| {
                        matches!(timed.command(), Command::Add(added, _) if added == name)
                            || matches!(timed.command(), Command::Set(path, _) if path == &format!("nodes.{name}"))
                    });
                    return (!added).then(|| self.no_node(name));
                }
                None
            })
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

impl Service {
    /// Whether a deployment may neither add an instance nor miss one, and so never moves.
    fn max_unavailable_and_surge_are_zero(&self) -> bool {
        let instances = f64::from(self.instances);
        let surge = (self.deployment.max_surge.0 * instances).ceil();
        let unavailable = (self.deployment.max_unavailable.0 * instances).floor();
        surge < 1.0 && unavailable < 1.0
    }
}

fn mean_secs(distribution: &Distribution) -> f64 {
    match distribution {
        Distribution::Constant(mean)
        | Distribution::Exponential(mean)
        | Distribution::Uniform(mean) => mean.secs(),
        Distribution::LogNormal(log_normal) => log_normal.mean.secs(),
    }
}

/// What is wrong with a command that is no edit, on the system as it is then. `added` are instances started so far.
fn command_problem(
    topology: &Topology,
    command: &Command,
    added: &BTreeMap<String, u64>,
) -> Option<String> {
    if command.is_edit() || matches!(command, Command::ReplaceSigningKey) {
        return match (command, &topology.sessions) {
            (Command::ReplaceSigningKey, sessions) if !matches!(sessions, Sessions::Jwt(_)) => {
                Some("there is no signing key: only `sessions: Jwt(...)` has one".to_owned())
            }
            _ => None,
        };
    }
    let name = command.node()?;
    let Some(node) = topology.nodes.get(name) else {
        return Some(unknown_name(
            "node",
            name,
            topology.nodes.keys().map(String::as_str),
        ));
    };
    match command {
        Command::Crash(_, number)
        | Command::LoseMachine(_, number)
        | Command::Hang(_, number)
        | Command::Resume(_, number)
        | Command::Restart(_, number) => {
            if !(matches!(node, Node::Service(_)) || node.is_store()) {
                return Some(format!(
                    "`{name}` is {}: faults happen to instances of services and members of stores",
                    kind(node)
                ));
            }
            let most = u64::from(node.members()) + added.get(name).copied().unwrap_or(0);
            (*number == 0 || u64::from(*number) > most).then(|| {
                format!("there is no instance {number} of `{name}`: they count from 1 to {most}")
            })
        }
        Command::Failover(_) => {
            if !node.is_store() {
                Some(format!(
                    "`{name}` is {}: only a store fails over",
                    kind(node)
                ))
            } else if node.members() < 2 {
                Some(format!(
                    "`{name}` has no replica to fail over to: give it `replication: Asynchronous()`"
                ))
            } else {
                None
            }
        }
        Command::Deploy(..) | Command::AddInstances(..) | Command::RemoveInstances(..)
            if !matches!(node, Node::Service(_)) =>
        {
            Some(format!(
                "`{name}` is {}: only services are deployed and scaled",
                kind(node)
            ))
        }
        Command::AddInstances(_, count) => {
            let total = u64::from(node.members())
                + added.get(name).copied().unwrap_or(0)
                + u64::from(*count);
            if *count == 0 {
                Some("it adds no instance".to_owned())
            } else if total > 1000 {
                Some(format!(
                    "that makes {total} instances of `{name}`: at most 1000"
                ))
            } else {
                None
            }
        }
        Command::RemoveInstances(_, count) => {
            let there = u64::from(node.members()) + added.get(name).copied().unwrap_or(0);
            if *count == 0 {
                Some("it removes no instance".to_owned())
            } else if u64::from(*count) >= there {
                Some(format!(
                    "at most {} of the {there} instances of `{name}` can be removed: one has to stay",
                    there - 1
                ))
            } else {
                None
            }
        }
        _ => None,
    }
}
