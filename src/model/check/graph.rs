//! Whether links lead anywhere sensible: who calls whom, cycles, what nothing reaches, and where sessions and writes live.

use std::collections::{BTreeMap, BTreeSet};

use super::load::mean_secs;
use super::{Check, clients, services};
use crate::model::headers::{HeaderLimits, MAX_COOKIE};
use crate::model::node::Node;
use crate::model::state::{Sessions, SnapshotTo, State};
use crate::model::topology::Topology;

/// The longest header line that common servers take: nginx large_client_header_buffers, Apache LimitRequestFieldSize.
const MAX_HEADER_LINE: u64 = 8 * 1024;
/// Work on a request at or below which a service is none of its own: proxies take some tens of microseconds.
const PROXY_WORK_S: f64 = 0.001;

/// Whether the name says that it is a proxy.
fn is_called_proxy(name: &str) -> bool {
    let name = name.to_lowercase();
    [
        "proxy", "nginx", "envoy", "traefik", "ingress", "balancer", "caddy", "varnish",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// Why a setting implies a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The service keeps its state in the store: each read and write calls it.
    State,
    /// Sessions are in the store: each request of a first service calls it.
    Sessions,
    /// The service's snapshots go to the store: no request calls it for that.
    Snapshots,
}

/// A link that a setting implies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImpliedLink<'a> {
    /// The service.
    pub from: &'a str,
    /// The store.
    pub to: &'a str,
    /// What for.
    pub why: Why,
}

/// The links that settings imply: from each service to its state store, to the store of its snapshots, and from the
/// first services behind the clients to the session store; two where a store serves for two things. A written link
/// between the same nodes only gives these their latency and bandwidth, and is no further call.
pub fn implied_links(topology: &Topology) -> Vec<ImpliedLink<'_>> {
    let mut implied = Vec::new();
    let mut add = |from, to, why| {
        if topology.nodes.get(to).is_some_and(Node::is_store) {
            implied.push(ImpliedLink { from, to, why });
        }
    };
    for (name, service) in services(topology) {
        match &service.state {
            State::External(external) => add(name, external.store.as_str(), Why::State),
            State::InMemory(memory) => {
                if let SnapshotTo::ObjectStore(store) = &memory.snapshot_to {
                    add(name, store, Why::Snapshots);
                }
            }
            _ => {}
        }
    }
    if let Some(store) = topology.sessions.store() {
        for service in first_services(topology) {
            add(service, store.as_str(), Why::Sessions);
        }
    }
    implied
}

/// Why nodes of these kinds never call each other, and what to do about a link that says so; none where they can.
pub fn never_calls(from: &Node, to: &Node) -> Option<(&'static str, &'static str)> {
    match (from, to) {
        (_, Node::Clients(_)) => Some(("nothing calls clients", "turn it round")),
        (store, _) if store.is_store() => Some((
            "a store only answers and calls nothing",
            "turn the link round, or remove it",
        )),
        (Node::LoadBalancer(_), Node::LoadBalancer(_)) => Some((
            "a load balancer chooses between the instances of services, not between other load balancers",
            "link it to the services",
        )),
        (Node::LoadBalancer(_), store) if store.is_store() => Some((
            "the members of a store are not alike, so a load balancer cannot choose between them",
            "link services to it directly",
        )),
        _ => None,
    }
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
pub(super) fn targets<'a>(
    topology: &'a Topology,
    name: &str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let name = name.to_owned();
    topology
        .links
        .0
        .iter()
        .filter(move |link| link.from == name)
        .map(|link| link.to.as_str())
}

impl<'a> Check<'a> {
    pub(super) fn links(&mut self) {
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
            if let (Some(from), Some(to)) = (from, to)
                && let Some((why, remedy)) = never_calls(from, to)
            {
                let turned = match to {
                    Node::Clients(_) => format!(", `{} -> {}`", link.to, link.from),
                    _ => String::new(),
                };
                self.error(&path, format!("{why}: {remedy}{turned}"));
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
                .filter(|link| link.from == name)
                .map(|link| link.to);
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

    pub(super) fn sessions(&mut self) {
        let topology = self.topology;
        if let Some(store) = topology.sessions.store() {
            let path = topology.sessions.store_path();
            self.store(path, store, "sessions");
            if let (true, Some(Node::ObjectStore(_))) =
                (topology.sessions.asks_store(), topology.nodes.get(store))
            {
                self.warning(
                    path,
                    "every request waits for an object store to look up its session: a RedisLike or SqlDatabase node answers a hundred times faster",
                );
            }
        }
        self.token();
        let first = first_services(topology);
        for name in &first {
            self.proxy(name);
        }
        if first.is_empty()
            && !matches!(topology.sessions, Sessions::None)
            && clients(topology).any(|(name, _)| targets(topology, name).next().is_some())
        {
            self.error(
                "sessions",
                "no service stands behind the clients to check sessions: put one there, or keep no sessions (`sessions: None`)",
            );
        }
        let kept_by_one = matches!(
            topology.sessions,
            Sessions::ServerSide(_) | Sessions::InMemory(_)
        );
        if let ([one, another, ..], true) = (&first[..], kept_by_one) {
            self.error(
                "sessions",
                format!("`{one}` and `{another}` both stand behind the clients, and such sessions are handled by one service there: take one of the two links away, put one service in front of both, or keep sessions in tokens (`sessions: Jwt()`)"),
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
                self.copies("sessions.replication", &memory.replication);
                // With copies every instance can fetch them.
                if memory.replication.replicas() == 0 {
                    self.warning(
                        "sessions",
                        format!("sessions are in the memory of `{name}`, but requests go to any of its instances, so users are logged out even without a fault: give the load balancer before it `policy: StickyCookie`"),
                    );
                }
                if memory.replication.replicas() >= service.instances {
                    self.warning(
                        "sessions.replication",
                        format!("`{name}` has too few instances for that many copies"),
                    );
                }
            }
            let copies = match &service.state {
                State::InMemory(memory) => memory.replication.replicas(),
                _ => 0,
            };
            let shares = service.state.partitioning().is_none();
            if service.state.is_local() && shares && copies + 1 < service.instances {
                self.warning(
                    format!("nodes.{name}.state"),
                    "each instance knows only what was written through it, but requests go to any of them: give the load balancer before it `policy: StickyCookie`, or keep state in a store",
                );
            }
        }
    }

    /// A token that is larger than what takes it on its way.
    fn token(&mut self) {
        let Sessions::Jwt(jwt) = &self.topology.sessions else {
            return;
        };
        let bytes = jwt.token_bytes();
        if jwt.is_ignored_by_browsers() {
            self.warning(
                "sessions.claims",
                format!("a token has {bytes} bytes, and browsers ignore a cookie above {MAX_COOKIE} with its name (RFC 6265), so nobody stays signed in: keep less in the claims, spread it over several cookies (`carried: Cookies`), or send it in a header (`carried: Bearer`)"),
            );
        }
        let mut taken = false;
        for (name, node) in &self.topology.nodes {
            let limits = match node {
                Node::LoadBalancer(balancer) => balancer.header_limits,
                Node::Service(service)
                    if first_services(self.topology).contains(&name.as_str()) =>
                {
                    service.header_limits
                }
                _ => continue,
            };
            taken |= limits != HeaderLimits::Unlimited;
            if let Some((limit, header)) = self.topology.sessions.beyond(limits) {
                let server = limit.server;
                let (has, takes) = if header.line > limit.line {
                    (format!("a line of {} bytes", header.line), limit.line)
                } else {
                    (format!("{} bytes", header.all), limit.all)
                };
                self.warning(
                    format!("nodes.{name}.header_limits"),
                    format!("with a token of {bytes} bytes the header of each request has {has}, and {server} takes {takes} and answers {}: keep less in the claims, or sessions in a store", limit.status),
                );
            }
        }
        if !taken && jwt.header().line > MAX_HEADER_LINE {
            self.warning(
                "sessions.claims",
                format!("a token has {bytes} bytes, and nginx, Apache and others refuse a header line above {MAX_HEADER_LINE} (400 or 431): keep less in the claims, or sessions in a store"),
            );
        }
    }

    /// A proxy that is drawn as a service: it is the first to get requests, and so checks sessions, or keeps them.
    fn proxy(&mut self, name: &str) {
        let topology = self.topology;
        let Some(Node::Service(service)) = topology.nodes.get(name) else {
            return;
        };
        let behind: Vec<&str> = targets(topology, name)
            .filter(|to| matches!(topology.nodes.get(*to), Some(Node::Service(_))))
            .collect();
        let [behind] = behind[..] else { return };
        let only_passes_on = matches!(service.state, State::Stateless)
            && targets(topology, name).count() == 1
            && (mean_secs(&service.service_time) <= PROXY_WORK_S || is_called_proxy(name));
        if only_passes_on && !matches!(topology.sessions, Sessions::None) {
            let does = match &topology.sessions {
                Sessions::InMemory(_) => "keeps sessions in its memory",
                _ => "checks sessions",
            };
            self.warning(
                format!("nodes.{name}"),
                format!("it only passes requests on to `{behind}`, but as the first service it {does}, and `{behind}` does not: if it is a proxy, draw it as a LoadBalancer"),
            );
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
            Some(Node::LoadBalancer(lb)) => lb.policy.keeps_users(),
            _ => false,
        })
    }

    /// Writes must have a home on every way that a request can take.
    pub(super) fn writes(&mut self) {
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
                format!("`{name}` has nowhere to keep what clients write: neither it nor what it calls keeps state. Choose where its state lives (`state: External(store: \"NAME\")`), or link it to a store; a store that only keeps its sessions does not count"),
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
                    let session_store = self.topology.sessions.store();
                    let session_store =
                        session_store.filter(|_| first_services(self.topology).contains(&name));
                    targets(self.topology, name)
                        .filter(|to| session_store.is_none_or(|store| store != to))
                        .any(|to| self.has_home(to, homes))
                }
                _ => true, // a store that is missing is told elsewhere
            },
            _ => false,
        };
        homes.insert(name, home);
        home
    }
}
