//! Whether the system can bear what is asked of it: calls of a request, utilisation, and backlogs that are sure to grow
//! beyond what memory holds.
//!
//! Flows are followed from the clients along the links, by means and as if nothing failed, and always rounded in favour of
//! the system: what is refused here would pile up for sure. What only may pile up is stopped when it does.

use std::collections::{BTreeMap, BTreeSet};

use super::scenario::scale;
use super::{Check, ImpliedLink, MAX_BACKLOG, MAX_CALLS, MAX_EDITS, Why, clients, implied_links};
use crate::model::Command;
use crate::model::cache::{Cache, CacheKind};
use crate::model::node::{HEADER_BYTES, Io, Node, Queue, Service};
use crate::model::settings::Profile;
use crate::model::state::FsyncPolicy;
use crate::model::topology::Topology;
use crate::model::workload::{Arrivals, Distribution};
use crate::units::Duration;

/// Requests a second on their way to a node.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    reads: f64,
    writes: f64,
    /// The part of them that stays until it is served, however long that takes.
    stay: f64,
    /// Bytes a second of the requests and of their replies.
    bytes: [f64; 2],
    /// The sooner of the times at which the first of them can be there.
    delay: f64,
}

impl Flow {
    fn rate(&self) -> f64 {
        self.reads + self.writes
    }

    /// A part of it.
    fn part(self, share: f64) -> Self {
        Self {
            reads: self.reads * share,
            writes: self.writes * share,
            stay: self.stay * share,
            bytes: self.bytes.map(|bytes| bytes * share),
            delay: self.delay,
        }
    }

    fn add(&mut self, other: Self) {
        self.delay = if self.rate() > 0.0 {
            self.delay.min(other.delay)
        } else {
            other.delay
        };
        self.reads += other.reads;
        self.writes += other.writes;
        self.stay += other.stay;
        self.bytes = [
            self.bytes[0] + other.bytes[0],
            self.bytes[1] + other.bytes[1],
        ];
    }
}

/// What piles up at a place.
#[derive(Clone, Debug)]
struct Pile {
    /// The path of the setting that lets it.
    path: String,
    /// What is wrong there, and the way out.
    words: [String; 2],
    /// Requests a second that come and do not go, and requests that are always there.
    growth: f64,
    level: f64,
    /// Time until the first is there.
    delay: f64,
}

/// A topology's flows.
struct Load<'a> {
    topology: &'a Topology,
    calls: Calls<'a>,
    /// Latency and bandwidth of written links.
    links: BTreeMap<(&'a str, &'a str), (f64, f64)>,
    flows: BTreeMap<&'a str, Flow>,
    /// Requests a second that a node can serve, whatever it is offered.
    capacity: BTreeMap<&'a str, f64>,
    /// Requests a second that a node answers at most: one that turns away what is too much for it has no such limit.
    answers: BTreeMap<&'a str, f64>,
    piles: Vec<Pile>,
    /// Nodes with a queue that are offered more than they can do: how much of it.
    busy: Vec<(&'a str, f64)>,
    value: f64,
}

impl Check<'_> {
    /// An operation makes a number of calls that can be simulated.
    pub(super) fn calls(&mut self) {
        if let Some((name, calls)) = most_calls(self.topology) {
            self.error(
                "links",
                format!("an operation of `{name}` makes {calls:.0} calls on all its ways: at most {MAX_CALLS}. Remove links between services"),
            );
        }
    }

    /// What the topology's load says, from the start and after each edit of the scenario. To be called without errors
    /// before.
    pub(super) fn load(&mut self) {
        let topology = self.topology;
        let load = Load::of(topology);
        for &(name, busy) in &load.busy {
            let path = format!("nodes.{name}");
            let (who, way_out) = match topology.nodes.get(name) {
                Some(node) if node.is_store() => ("it", "make its times shorter"),
                _ => ("its workers", "add workers or instances"),
            };
            self.warning(
                path,
                format!("clients offer {:.0} % of what {who} can do: it will be overloaded; {way_out}, or offer less", 100.0 * busy),
            );
        }
        self.piles(load);
    }

    /// Follows what piles up through the run, from edit to edit.
    fn piles(&mut self, first: Load) {
        let topology = self.topology;
        let mut piled: BTreeMap<String, f64> = BTreeMap::new();
        let changes = |command: &Command| {
            let scales = matches!(
                command,
                Command::AddInstances(..) | Command::RemoveInstances(..)
            );
            command.is_edit() || scales
        };
        let mut order: Vec<usize> = (0..topology.scenario.len())
            .filter(|&index| changes(topology.scenario[index].command()))
            .collect();
        order.sort_by_key(|&index| topology.scenario[index].earliest());
        if order.len() > MAX_EDITS {
            return; // scaled so often that nothing is sure
        }
        let (mut now, mut from, mut at) = (topology.clone(), Duration(0), None);
        let mut piles = first.piles;
        let mut rest = order.into_iter().peekable();
        loop {
            let next = rest
                .peek()
                .map(|&index| topology.scenario[index].earliest());
            let until = next.unwrap_or(topology.duration).min(topology.duration);
            let span = Duration(until.0.saturating_sub(from.0)).secs();
            if self.pile_up(&mut piled, &piles, span, at)
                || next.is_none_or(|t| t >= topology.duration)
            {
                return;
            }
            from = until;
            // Edits of the same instant make one topology.
            while let Some(index) =
                rest.next_if(|&index| Some(topology.scenario[index].earliest()) == next)
            {
                let command = topology.scenario[index].command();
                let _ = now.apply(command); // one that fails has been told
                scale(&mut now, command);
                at = Some(index);
            }
            piles = Load::of(&now).piles;
        }
    }

    /// Lets a span of time pass; true if that is too much, which then has been told.
    fn pile_up(
        &mut self,
        piled: &mut BTreeMap<String, f64>,
        piles: &[Pile],
        span: f64,
        edit: Option<usize>,
    ) -> bool {
        let mut level = 0.0;
        let mut largest: Option<(&Pile, f64)> = None;
        for pile in piles {
            // What has piled up is not followed while it is worked off.
            let time = if edit.is_none() {
                span - pile.delay
            } else {
                span
            };
            let there = piled.entry(pile.path.clone()).or_default();
            *there += pile.growth * time.max(0.0);
            level += pile.level;
            let here = *there + pile.level;
            if largest.is_none_or(|(_, most)| here > most) {
                largest = Some((pile, here));
            }
        }
        let all: f64 = piled.values().sum::<f64>() + level;
        let Some((pile, here)) = largest.filter(|_| all > MAX_BACKLOG) else {
            return false;
        };
        let [what, way_out] = &pile.words;
        let all = if all > 1.01 * here {
            format!(" ({all:.0} in the whole system)")
        } else {
            String::new()
        };
        let message = format!(
            "{what}: {here:.0} requests would pile up{all}, and the simulator holds {MAX_BACKLOG:.0}. {way_out}"
        );
        match edit {
            None => self.error(&pile.path, message),
            Some(index) => self.error(
                format!("scenario[{index}]"),
                format!("after it {}: {message}", pile.path),
            ),
        }
        true
    }
}

/// The clients whose operations make more calls than can be simulated, as services that call each other on many ways let
/// them multiply: their name, and about how many.
fn most_calls(topology: &Topology) -> Option<(&str, f64)> {
    let calls = Calls::of(topology);
    // What each request at a node makes, itself counted.
    let mut made: BTreeMap<&str, f64> = BTreeMap::new();
    for name in calls.order.iter().rev() {
        let to = calls.from(name);
        let further: f64 = to
            .iter()
            .map(|to| made.get(to).copied().unwrap_or(0.0))
            .sum();
        let made_here = match topology.nodes.get(*name) {
            // It chooses one of them.
            Some(Node::LoadBalancer(_)) => 1.0 + further / to.len().max(1) as f64,
            Some(Node::Clients(_)) => to
                .first()
                .and_then(|to| made.get(to))
                .copied()
                .unwrap_or(0.0),
            _ => 1.0 + further,
        };
        made.insert(name, made_here);
    }
    clients(topology)
        .map(|(name, _)| (name, made.get(name).copied().unwrap_or(0.0)))
        .find(|(_, made)| *made > MAX_CALLS)
}

/// Who calls whom, by written and implied links, each once.
struct Calls<'a> {
    implied: Vec<ImpliedLink<'a>>,
    to: BTreeMap<&'a str, Vec<&'a str>>,
    /// Callers before those they call; what is on a cycle is left out.
    order: Vec<&'a str>,
}

impl<'a> Calls<'a> {
    fn of(topology: &'a Topology) -> Self {
        let mut to: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut callers: BTreeMap<&str, usize> = BTreeMap::new();
        let node = |name: &str| Some(topology.nodes.get_key_value(name)?.0.as_str());
        let implied = implied_links(topology);
        let written = topology.links.0.iter();
        let written = written.map(|link| (link.from.as_str(), link.to.as_str()));
        let named = implied.iter().map(|link| (link.from, link.to));
        let pairs = |of_calls: bool| -> BTreeSet<(&str, &str)> {
            let mine = |link: &&ImpliedLink| (link.why != Why::Snapshots) == of_calls;
            let links = implied.iter().filter(mine);
            links.map(|link| (link.from, link.to)).collect()
        };
        let (called, for_snapshots) = (pairs(true), pairs(false));
        for (from, callee) in written.chain(named) {
            let (Some(from), Some(callee)) = (node(from), node(callee)) else {
                continue;
            };
            let pair = (from, callee);
            if for_snapshots.contains(&pair) && !called.contains(&pair) {
                continue; // no request goes there
            }
            let callees = to.entry(from).or_default();
            if !callees.contains(&callee) {
                callees.push(callee);
                *callers.entry(callee).or_default() += 1;
            }
        }
        let names = topology.nodes.keys().map(String::as_str);
        let mut order: Vec<&str> = names.filter(|name| !callers.contains_key(name)).collect();
        let mut at = 0;
        while let Some(name) = order.get(at) {
            at += 1;
            for callee in to.get(name).into_iter().flatten() {
                if let Some(count) = callers.get_mut(callee) {
                    *count -= 1;
                    if *count == 0 {
                        order.push(callee);
                    }
                }
            }
        }
        Self { implied, to, order }
    }

    /// The store that a service calls because a setting says so.
    fn named(&self, name: &str, why: Why) -> Option<&'a str> {
        let mut implied = self.implied.iter();
        let link = implied.find(|l| l.from == name && l.why == why)?;
        Some(link.to)
    }

    fn from(&self, name: &str) -> &[&'a str] {
        self.to.get(name).map_or(&[], Vec::as_slice)
    }
}

impl<'a> Load<'a> {
    fn of(topology: &'a Topology) -> Self {
        let value = clients(topology)
            .map(|(_, clients)| clients.value_size.0 as f64)
            .fold(0.0, f64::max);
        let mut load = Self {
            topology,
            calls: Calls::of(topology),
            links: topology
                .links
                .0
                .iter()
                .map(|link| {
                    let settings = (link.settings.latency.secs(), link.settings.bandwidth.0);
                    ((link.from.as_str(), link.to.as_str()), settings)
                })
                .collect(),
            flows: BTreeMap::new(),
            capacity: BTreeMap::new(),
            answers: BTreeMap::new(),
            piles: Vec::new(),
            busy: Vec::new(),
            value,
        };
        let order = load.calls.order.clone();
        for name in order.iter().rev() {
            load.find_capacity(name);
        }
        for name in order {
            load.follow(name);
        }
        load
    }

    /// Settings of the link between two nodes; an implied one has the defaults.
    fn link(&self, from: &str, to: &str) -> (f64, f64) {
        self.links
            .get(&(from, to))
            .copied()
            .unwrap_or((0.0, f64::INFINITY))
    }

    /// Calls that a service makes one after the other for each read or write: its session, its state, its links.
    fn calls_of(&self, name: &str) -> Vec<&'a str> {
        let named = |why| self.calls.named(name, why);
        let (session, state) = (named(Why::Sessions), named(Why::State));
        let mut calls: Vec<&str> = session.into_iter().chain(state).collect();
        let further = self.calls.from(name).iter().copied();
        calls.extend(further.filter(|to| Some(*to) != session && Some(*to) != state));
        calls
    }

    /// Seconds that a store takes for a read and for a write, at least, and how many at once.
    fn store_times(node: &Node) -> Option<(f64, f64, f64)> {
        match node {
            Node::RedisLike(redis) => {
                let time = redis.command_time.secs();
                Some((time, time, 1.0))
            }
            Node::SqlDatabase(sql) => {
                let commit = match sql.fsync {
                    FsyncPolicy::Always => sql.commit_time.secs(),
                    _ => 0.0,
                };
                let write = sql.write_time.secs() + commit;
                Some((sql.read_time.secs(), write, f64::from(sql.connections)))
            }
            _ => None,
        }
    }

    fn find_capacity(&mut self, name: &'a str) {
        let capacity = match self.topology.nodes.get(name) {
            Some(Node::Service(service)) => {
                // With blocking I/O a worker also waits for the calls, which take their links' latency at least, and until
                // they are answered, unless it gives up on them.
                let (mut waits, mut further) = (0.0, f64::INFINITY);
                if service.io == Io::Blocking {
                    // At best a cache answers every read.
                    let cached = service.caches().and(self.calls.named(name, Why::State));
                    let calls = self.calls_of(name);
                    for to in calls.into_iter().filter(|to| Some(*to) != cached) {
                        waits += 2.0 * self.link(name, to).0;
                        if service.call_timeout.is_none() {
                            further = further.min(of(&self.answers, to));
                        }
                    }
                }
                let work = mean_secs(&service.service_time);
                let own: f64 = (1..=service.instances)
                    .map(|number| {
                        let speed = service
                            .instance_overrides
                            .get(&number)
                            .map_or(1.0, |own| own.speed);
                        f64::from(service.workers) / (work / speed + waits)
                    })
                    .sum();
                own.min(further)
            }
            Some(Node::LoadBalancer(_)) => {
                let to = self.calls.from(name).iter();
                to.map(|to| of(&self.capacity, to)).sum()
            }
            Some(Node::ObjectStore(store)) => store.get_rate.0.max(store.put_rate.0),
            Some(node) => match Self::store_times(node) {
                Some((read, write, at_once)) => at_once / read.min(write),
                None => f64::INFINITY,
            },
            None => f64::INFINITY,
        };
        self.capacity.insert(name, capacity);
        let answers = match self.topology.nodes.get(name) {
            Some(Node::RedisLike(_)) => capacity,
            // Of those that it fails at once nobody waits for the others.
            Some(Node::Service(service)) if service.queue == Queue::Unlimited => {
                capacity / (1.0 - service.error_share.0)
            }
            Some(Node::LoadBalancer(lb)) if lb.response_timeout.is_none() => {
                let to = self.calls.from(name).iter();
                to.map(|to| of(&self.answers, to)).sum()
            }
            _ => f64::INFINITY,
        };
        self.answers.insert(name, answers);
    }

    /// Sends what a node passes on over its links.
    fn follow(&mut self, name: &'a str) {
        let topology = self.topology;
        let flow = self.flows.get(name).copied().unwrap_or_default();
        match topology.nodes.get(name) {
            Some(Node::Clients(clients)) => {
                let (Arrivals::Poisson(rate) | Arrivals::Steady(rate)) = &clients.arrivals else {
                    return; // each user of a closed loop waits for its answer
                };
                let mix = &clients.mix;
                let all = mix.read + mix.write + mix.login + mix.logout;
                let (reads, writes) = (rate.0 * mix.read / all, rate.0 * mix.write / all);
                let (request, value) = (clients.request.0 as f64, clients.value_size.0 as f64);
                // In that profile a request without a size carries no value either.
                let bytes = match topology.profile {
                    Profile::Bare if request == 0.0 => 0.0,
                    _ => (reads + writes) * request + writes * value,
                };
                let stay = if clients.cancel && clients.timeout.is_some() {
                    0.0
                } else {
                    reads + writes
                };
                let flow = Flow {
                    reads,
                    writes,
                    stay,
                    bytes: [bytes, (reads + writes) * clients.response.0 as f64],
                    delay: 0.0,
                };
                if let Some(to) = self.calls.from(name).first().copied() {
                    self.send(name, to, flow);
                }
            }
            Some(Node::LoadBalancer(_)) => {
                let members = |to: &str| topology.nodes.get(to).map_or(0, Node::members);
                let to = self.calls.from(name).to_vec();
                let all: u32 = to.iter().map(|to| members(to)).sum();
                for to in to {
                    self.send(
                        name,
                        to,
                        flow.part(f64::from(members(to)) / f64::from(all.max(1))),
                    );
                }
            }
            Some(Node::Service(service)) => self.through_service(name, service, flow),
            Some(node) => self.at_store(name, node, flow),
            None => {}
        }
    }

    fn through_service(&mut self, name: &'a str, service: &'a Service, flow: Flow) {
        let flow = flow.part(1.0 - service.error_share.0);
        let capacity = of(&self.capacity, name);
        let served = self.queue_at(
            name,
            flow,
            capacity,
            matches!(service.queue, Queue::Unlimited),
        );
        let size = self.value;
        let header = |count: f64, value: f64| count * HEADER_BYTES as f64 + value * size;
        let mut onwards = Flow {
            bytes: [
                header(served.rate(), served.writes),
                header(served.rate(), served.reads),
            ],
            ..served
        };
        let cached = service.caches().and(self.calls.named(name, Why::State));
        let kept_back = |c: &Cache| matches!(c.kind, CacheKind::WriteBack(_));
        let writes_on = if service.caches().is_some_and(kept_back) {
            0.0
        } else {
            1.0
        };
        for to in self.calls_of(name) {
            // A call that fails, or is not answered, is the request's last.
            if Some(to) == cached {
                let (all, count) = (onwards.rate().max(1e-9), writes_on * onwards.writes);
                let writes = Flow {
                    reads: 0.0,
                    writes: count,
                    bytes: [header(count, count), header(count, 0.0)],
                    ..onwards.part(count / all)
                };
                self.send(name, to, writes);
            } else {
                self.send(name, to, onwards);
            }
            let answered = of(&self.capacity, to);
            if onwards.rate() > answered {
                onwards = onwards.part(answered / onwards.rate());
            }
        }
    }

    fn at_store(&mut self, name: &'a str, node: &'a Node, flow: Flow) {
        match node {
            Node::ObjectStore(store) => {
                let reads = flow.reads.min(store.get_rate.0) * mean_secs(&store.get_time);
                let writes = flow.writes.min(store.put_rate.0) * mean_secs(&store.put_time);
                self.piles.push(Pile {
                    path: format!("nodes.{name}"),
                    words: [
                        "it works on any number of requests at once, and takes its time".to_owned(),
                        "Make its times shorter, or offer less".to_owned(),
                    ],
                    growth: 0.0,
                    level: if flow.stay > 0.0 { reads + writes } else { 0.0 },
                    delay: flow.delay,
                });
            }
            _ => {
                let Some((read, write, at_once)) = Self::store_times(node) else {
                    return;
                };
                let work = flow.reads * read + flow.writes * write;
                let capacity = if work > 0.0 {
                    at_once * flow.rate() / work
                } else {
                    f64::INFINITY
                };
                // A database refuses what it has no connection for.
                let queues = matches!(node, Node::RedisLike(_));
                self.queue_at(name, flow, capacity, queues);
            }
        }
    }

    /// A flow comes to workers that can serve so much; what they can serve of it goes on.
    fn queue_at(&mut self, name: &'a str, flow: Flow, capacity: f64, unlimited: bool) -> Flow {
        let busy = flow.rate() / capacity;
        if busy.is_nan() || busy < 1.0 {
            return flow;
        }
        self.busy.push((name, busy));
        if unlimited {
            let store = self.topology.nodes.get(name).is_some_and(Node::is_store);
            let percent = 100.0 * busy;
            let (path, what, way_out) = if store {
                (
                    format!("nodes.{name}"),
                    format!("it is offered {percent:.0} % of what it can do"),
                    "Make its times shorter, let a service before it limit how many wait, or offer less",
                )
            } else {
                (
                    format!("nodes.{name}.queue"),
                    format!(
                        "clients offer {percent:.0} % of what its workers can do, and its queue has no limit"
                    ),
                    "Limit the queue, add workers or instances, or offer less",
                )
            };
            self.piles.push(Pile {
                path,
                words: [what, way_out.to_owned()],
                growth: (1.0 - 1.0 / busy) * flow.stay,
                level: 0.0,
                delay: flow.delay,
            });
        }
        flow.part(1.0 / busy)
    }

    /// A flow goes over a link: what is on its way there, and what the link cannot send in time, piles up.
    fn send(&mut self, from: &str, to: &'a str, flow: Flow) {
        let (latency, bandwidth) = self.link(from, to);
        if flow.rate() == 0.0 {
            return;
        }
        let path = format!("links.{from}->{to}");
        // Messages on their way stay there, whoever gives up on them.
        let sent = (bandwidth / flow.bytes[0].max(1e-9)).min(1.0);
        if sent < 1.0 {
            self.piles.push(Pile {
                path: format!("{path}.bandwidth"),
                words: [
                    format!("{:.0} bytes a second are to go over it", flow.bytes[0]),
                    "Give it more bandwidth, make messages smaller, or offer less".to_owned(),
                ],
                growth: (1.0 - sent) * flow.rate(),
                level: 0.0,
                delay: flow.delay,
            });
        }
        let flow = flow.part(sent);
        let horizon = self.topology.duration.secs() - flow.delay;
        self.piles.push(Pile {
            path: format!("{path}.latency"),
            words: [
                format!(
                    "{:.0} messages a second are on their way for {latency} s",
                    flow.rate()
                ),
                "Give it less latency, or offer less".to_owned(),
            ],
            growth: 0.0,
            level: flow.rate() * latency.min(horizon.max(0.0)),
            delay: flow.delay,
        });
        let arrived = Flow {
            delay: flow.delay + latency,
            ..flow
        };
        self.flows.entry(to).or_default().add(arrived);
    }
}

/// What is known of a node; no limit where nothing is.
fn of(known: &BTreeMap<&str, f64>, name: &str) -> f64 {
    known.get(name).copied().unwrap_or(f64::INFINITY)
}

pub(super) fn mean_secs(distribution: &Distribution) -> f64 {
    match distribution {
        Distribution::Constant(mean)
        | Distribution::Exponential(mean)
        | Distribution::Uniform(mean) => mean.secs(),
        Distribution::LogNormal(log_normal) => log_normal.mean.secs(),
    }
}
