//! Every figure of the results, described once: its path, unit and meaning.
//!
//! From this one list come the check of what a file `expects`, the near matches in errors, and the page
//! `docs/results.md`. A test holds it against what runs print.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::check::implied_links;
use super::scenario::{Command, Timed, watched_rows};
use super::settings::{shortened, unknown_name};
use super::{Node, Objectives, Sessions, Topology};

/// What a figure counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Seconds.
    Seconds,
    /// Per second.
    PerSecond,
    /// A part of a whole, from 0 to 1.
    Share,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// A mean number of things, over time.
    Mean,
    /// So many times as much.
    Ratio,
    /// The unit of what it belongs to.
    AsObjective,
    /// A number that only names something.
    Number,
    /// Text: nothing to compare with a number.
    Text,
    /// `true` or `false`; 1 or 0 where it is compared.
    Flag,
}

impl Unit {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Seconds => "seconds",
            Self::PerSecond => "per second",
            Self::Share => "share, 0 to 1",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes per second",
            Self::Mean => "mean number",
            Self::Ratio => "ratio",
            Self::AsObjective => "that of the objective",
            Self::Number => "number",
            Self::Text => "text",
            Self::Flag => "true or false",
        }
    }
}

/// A figure of the results.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its path; capitals stand for names ([`names_for`]), `[n]` for a place in a list, counted from 0.
    pub path: &'static str,
    /// What it counts in.
    pub unit: Unit,
    /// What it says, in a sentence.
    pub meaning: &'static str,
    /// Where it exists.
    given: Given,
}

impl Figure {
    /// Whether a run decides it and it can be compared with a number.
    pub fn can_be_expected(&self) -> bool {
        self.given != Given::Told && self.unit != Unit::Text
    }
}

/// Under which condition a figure exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Always,
    /// The same in every run of the file: told in the results, but nothing that can be expected.
    Told,
    /// At nodes that answer: everything but clients.
    Answering,
    /// At nodes whose instances have workers.
    Workers,
    /// While sessions live in tokens.
    Tokens,
    /// At services that keep connections to stores.
    Pools,
    /// At services with a cache.
    Caches,
    /// At services whose keys are partitioned.
    Partitioned,
}

/// A group of names that stand in a path in the place of capitals, each with its meaning.
pub type Names = &'static [(&'static str, &'static str)];

const CAUSES: Names = &[
    ("refused", "The connection was refused."),
    ("reset", "The connection broke before the answer."),
    ("connect_timeout", "The connection was not made in time."),
    ("timeout", "No answer in time."),
    ("queue_full", "The queue was full (503)."),
    (
        "no_instance",
        "The balancer had no instance in rotation (503).",
    ),
    (
        "store_unavailable",
        "A store that was needed did not answer.",
    ),
    ("unauthorized", "The credential was not accepted (401)."),
    ("error", "The service failed (500)."),
    (
        "header_too_large",
        "The header, with the token in it, was larger than a server on the way takes (400 or 431).",
    ),
];

const LOSSES: Names = &[
    ("crash", "A process died."),
    ("machine_loss", "A machine died."),
    ("promotion", "A copy took over that lacked it."),
    (
        "partition",
        "It was written on one side of a cut, and the other side had taken over.",
    ),
    ("deployment", "An instance was replaced by a new version."),
    ("scale_in", "An instance was removed."),
    (
        "misrouted",
        "A request reached an instance that did not know the session.",
    ),
    ("signing_key", "The key that signs tokens was replaced."),
    (
        "change",
        "The system was changed: a node removed, or a placement that took nothing over.",
    ),
    (
        "cookie_ignored",
        "The browser ignored the cookie with the token, which was too large.",
    ),
    ("eviction", "The store of sessions was full."),
];

const WATCHES: Names = &[
    ("recovered", "The system came to do as well as without it."),
    (
        "not_recovered_by_the_end",
        "It was still worse when the run ended.",
    ),
    (
        "too_near_the_end",
        "The run ended before 10 s could be compared.",
    ),
    (
        "not_watched_to_the_end",
        "Its twin made room for that of a later fault.",
    ),
    (
        "no_twin",
        "The system is too large for a second one, or none was wanted.",
    ),
    (
        "did_not_happen",
        "Its time did not come, or it had no effect.",
    ),
    ("still_ahead", "The run was cut off before its time."),
    ("takes_back", "It only takes an earlier change back."),
];

const KINDS: Names = &[
    ("read", "Reads."),
    ("write", "Writes."),
    (
        "login",
        "Logins, wanted or forced by a lost or ended session.",
    ),
    ("logout", "Logouts."),
];

const TIMES: Names = &[
    ("mean", "Mean."),
    ("p50", "Median: half take longer."),
    ("p90", "1 in 10 takes longer."),
    ("p95", "1 in 20 takes longer."),
    ("p99", "1 in 100 takes longer."),
    ("p999", "1 in 1,000 takes longer."),
    ("max", "The longest."),
];

/// What capitals in a path stand for, with a heading; `None` for names of the topology (NODE, LINK).
pub fn names_for(segment: &str) -> Option<(&'static str, Names)> {
    match segment {
        "CAUSE" => Some(("why an operation failed: its last attempt's cause", CAUSES)),
        "LOSS" => Some(("why a write or session was lost", LOSSES)),
        "WATCH" => Some(("how the watch after a fault ended", WATCHES)),
        "KIND" => Some(("kinds of operation", KINDS)),
        "TIME" => Some(("of a distribution of times", TIMES)),
        _ => None,
    }
}

macro_rules! figures {
    ($($path:literal, $unit:ident, $given:ident, $meaning:literal;)*) => {
        &[$( Figure { path: $path, unit: Unit::$unit, meaning: $meaning, given: Given::$given }, )*]
    };
}

/// All figures, in the order of the results.
#[rustfmt::skip]
const FIGURES: &[Figure] = figures! {
    "schema", Number, Told, "Version of the shape of the results.";
    "name", Text, Told, "The topology's title.";
    "seed", Number, Told, "Seed of the first replication; each further one has the next.";
    "replications", Count, Told, "Runs that the means are taken over.";
    "warmup_s", Seconds, Told, "Beginning that is not counted.";
    "duration_s", Seconds, Told, "Simulated time, warm-up included.";
    "cut.why", Text, Told, "Only in results that were cut short: what ended them, Ctrl+C or the ceiling of `--memory`.";
    "cut.at_s", Seconds, Told, "Simulated time that the results are of, if the first run was cut; otherwise they are of whole runs.";
    "cut.asked", Count, Told, "Runs that were asked for.";

    "operations.offered", Count, Always, "Operations that users wanted from the warm-up's end on. offered = completed + failed + in_flight.";
    "operations.completed", Count, Always, "Of these, those whose client received a success in time.";
    "operations.failed", Count, Always, "Of these, those that were given up.";
    "operations.in_flight", Count, Always, "Of these, those that had not ended when the run did. No response time knows of them.";
    "operations.attempts", Count, Always, "Tries of clients, first ones and retries.";
    "operations.by_cause.CAUSE", Count, Always, "Failed operations by their last attempt's cause; a cause that is not listed has 0.";
    "throughput_per_s", PerSecond, Always, "Operations completed a second.";
    "goodput_per_s", PerSecond, Always, "Operations completed a second within the objective's p99, or else within the client's timeout.";
    "error_rate", Share, Always, "Failed operations among those that ended.";
    "response_time_s.TIME", Seconds, Always, "Time of completed operations, from the instant the user wanted them: waiting for a login or a retry counts.";
    "failed_response_time_s.TIME", Seconds, Always, "The same of failed operations, until they were given up.";
    "by_kind.KIND.TIME", Seconds, Always, "Response times of one kind of operation.";

    "writes.acknowledged", Count, Always, "Writes whose success reached the client, from time 0. acknowledged = held + lost.";
    "writes.held", Count, Always, "Of these, those that a copy which can still gain authority holds at the end.";
    "writes.unavailable", Count, Always, "Of the held ones, those that nobody can reach at the end.";
    "writes.lost", Count, Always, "Of the acknowledged ones, those that are gone for good.";
    "writes.lost_by_cause.LOSS", Count, Always, "Lost writes by what lost them; a cause that is not listed has 0.";
    "writes.keys_lost", Count, Always, "Keys whose newest acknowledged version was lost.";
    "writes.applied_unacknowledged", Count, Always, "Writes that were applied although they failed at their client.";
    "writes.applied_twice", Count, Always, "Writes that were applied twice or oftener, through retries.";
    "sessions.initial", Count, Always, "Sessions live at the start. initial + created = live + expired + logged_out + revoked + lost.";
    "sessions.created", Count, Always, "Sessions created by logins.";
    "sessions.live", Count, Always, "Sessions live at the end.";
    "sessions.expired", Count, Always, "Sessions ended by age.";
    "sessions.logged_out", Count, Always, "Sessions ended by their user.";
    "sessions.revoked", Count, Always, "Sessions ended by others, by `revocations`: their users know, and sign in again.";
    "sessions.lost", Count, Always, "Sessions ended against everybody's will: the user must log in again.";
    "sessions.lost_by_cause.LOSS", Count, Always, "Lost sessions by what lost them; a cause that is not listed has 0.";
    "sessions.revoked_accepted", Count, Always, "Requests with a stolen credential (`stolen`) that were let in after it was revoked.";
    "sessions.exposure_s", Seconds, Always, "Mean time for which an instance accepts a credential after it was revoked or its user logged out, at most until it expires; over the instances that served then.";
    "sessions.token_bytes", Bytes, Tokens, "Length of a signed token.";
    "reads.total", Count, Always, "Completed reads.";
    "reads.stale", Count, Always, "Of these, those that returned a version older than the newest acknowledged when they began.";

    "recovery[n].fault", Text, Always, "The fault or change, as a scenario writes it.";
    "recovery[n].at_s", Seconds, Always, "When it happened.";
    "recovery[n].change", Flag, Told, "Whether it is a change of the drawing, its settings or its instances rather than a fault.";
    "recovery[n].detected_s", Seconds, Always, "From then until a balancer or an observer took what it struck for dead; null if none did.";
    "recovery[n].recovery_time_s", Seconds, Always, "From then until the system does as well as the same run without it; 0 if it never did worse. Null if it did not recover before the end; the mean is null unless all replications recovered.";
    "recovery[n].recovered", Share, Always, "Share of the runs that recovered before the end, among those of which it can be told; in one run 1 or 0.";
    "recovery[n].not_recovered_for_s", Seconds, Always, "For how long it had certainly not recovered when the run ended; null where the recovery is known.";
    "recovery[n].watch.WATCH", Share, Always, "Share of the runs whose watch ended so; what is not listed has 0.";
    "recovery[n].rough", Share, Always, "Share of the runs in which users in a closed loop near saturation kept run and twin apart: the recovery is rough.";
    "recovery[n].lost_writes", Count, Always, "Acknowledged writes lost through it, by the ledger.";
    "recovery[n].lost_sessions", Count, Always, "Sessions lost through it, by the ledger.";
    "recovery[n].failed_operations", Count, Always, "Operations that failed because of it: those that failed, less those that fail in the same run without it.";
    "recovery[n].failed_met", Count, Always, "Failed operations with an attempt that met what it struck.";
    "recovery[n].failed_sent_after_detection", Count, Always, "Failed operations that met what it struck and whose last attempt was sent after the detection.";
    "recovery[n].called_off", Count, Always, "Failovers that were called off: the primary died, hung or came back, or no replica was left.";

    "nodes.NODE.kind", Text, Always, "What the node is, as in the file.";
    "nodes.NODE.utilisation", Share, Workers, "Worker time held, over worker time of the instances that were up.";
    "nodes.NODE.queue_length", Mean, Workers, "Requests that waited for a worker.";
    "nodes.NODE.in_flight", Mean, Answering, "Requests at the node, waiting or served.";
    "nodes.NODE.throughput_per_s", PerSecond, Answering, "Requests answered with success.";
    "nodes.NODE.failed", Count, Answering, "Requests answered with an error, or cut off, after the warm-up; a caller may have tried again.";
    "nodes.NODE.response_time_s.TIME", Seconds, Answering, "Time of a request at the node, with all it waits for.";
    "nodes.NODE.pool.opened", Count, Pools, "Connections to stores that its instances opened, or tried to.";
    "nodes.NODE.pool.refused", Count, Pools, "Those that a store refused: it had as many as it may have.";
    "nodes.NODE.pool.waited", Count, Pools, "Calls to stores that had to wait for a free connection.";
    "nodes.NODE.pool.timed_out", Count, Pools, "Those that waited `acquire_timeout` in vain.";
    "nodes.NODE.cache.hit_ratio", Share, Caches, "Reads that its instances' caches answered, among those that came to them.";
    "nodes.NODE.cache.stale_ratio", Share, Caches, "Among the same, those that a cache answered with a version older than the newest acknowledged when the read began, by the ledger.";
    "nodes.NODE.cache.hits", Count, Caches, "Reads that a cache answered.";
    "nodes.NODE.cache.misses", Count, Caches, "Reads that it did not.";
    "nodes.NODE.cache.coalesced", Count, Caches, "Of the misses, those that waited for the fetch of another instead of asking the store.";
    "nodes.NODE.cache.evictions", Count, Caches, "Entries that made room for others.";
    "nodes.NODE.cache.invalidations", Count, Caches, "Entries that were deleted because there was something newer.";
    "nodes.NODE.cache.flushed_keys", Count, Caches, "Keys that a write-back cache has written to the store, each flush counted by itself.";
    "nodes.NODE.ring_share", Ratio, Partitioned, "Partitioned state: the largest share of all keys that an instance has by their hashes, over the mean share; 1 is even.";
    "nodes.NODE.busiest_share", Ratio, Partitioned, "The same of the reads and writes that were carried out since the start: what a hot key makes of it.";
    "nodes.NODE.instances[n].instance", Number, Workers, "The instance's number, counted from 1.";
    "nodes.NODE.instances[n].utilisation", Share, Workers, "Its worker time held, over its worker time up.";
    "nodes.NODE.instances[n].queue_length", Mean, Workers, "Requests that waited in it.";
    "nodes.NODE.instances[n].in_flight", Mean, Workers, "Requests at it, waiting or served.";
    "nodes.NODE.instances[n].writes_held", Count, Workers, "Acknowledged writes it has authority over at the end.";
    "nodes.NODE.instances[n].sessions_live", Count, Workers, "Live sessions it has authority over at the end.";
    "links.LINK.messages_per_s", PerSecond, Always, "Messages over the link, both ways.";
    "links.LINK.bytes_per_s", BytesPerSecond, Always, "Bytes over the link, both ways.";

    "rebalances[n].at_s", Seconds, Partitioned, "When instances with partitioned state came or went, or their keys were spread in another way.";
    "rebalances[n].node", Text, Partitioned, "The service.";
    "rebalances[n].keys", Count, Partitioned, "Keys that had been written there by then.";
    "rebalances[n].moved", Count, Partitioned, "Of these, those that have gone to another instance.";
    "rebalances[n].bytes", Bytes, Partitioned, "What that sent over the network.";
    "rebalances[n].duration_s", Seconds, Partitioned, "From then until all were where they belong, or the next one began.";
    "rebalances[n].unavailable_s", Seconds, Partitioned, "Of that, how long an instance that had keys which were to go was not there.";

    "objectives[n].objective", Text, Always, "Which objective: its setting's name.";
    "objectives[n].target", AsObjective, Always, "What was promised.";
    "objectives[n].measured", AsObjective, Always, "What was measured.";
    "objectives[n].met_share", Share, Always, "Share of the runs that kept the promise, among those of which it can be told.";
    "objectives[n].judged_share", Share, Always, "Share of the runs of which it can be told.";
    "objectives[n].measured_share", Share, Always, "Share of the runs that have the figure: one that did not recover has no recovery time.";
    "objectives[n].met", Flag, Always, "Whether every run kept the promise; null if that is not known.";

    "without_effect[n].command", Text, Told, "A command of the scenario that changed nothing. The list is there only if there was one.";
    "without_effect[n].at_s", Seconds, Told, "When its time came.";
    "without_effect[n].why", Text, Told, "Why it changed nothing.";
    "without_effect[n].runs", Count, Told, "In how many replications.";

    "simulation.events", Count, Told, "Events that the simulator handled, over all replications.";
};

/// All figures, in the order of the results.
pub fn all() -> &'static [Figure] {
    FIGURES
}

/// A figure's path cut at its dots and before its places in lists.
fn segments(path: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    for part in path.split('.') {
        let (name, index) = match part.find('[') {
            Some(at) => part.split_at(at),
            None => (part, ""),
        };
        segments.push(name);
        if !index.is_empty() {
            segments.push(index);
        }
    }
    segments
}

/// What results of a topology can have, whatever the seed: known from the file alone.
pub struct Ends {
    /// The topology after its whole scenario, and after what of it comes before the end of the run.
    topologies: Vec<Topology>,
    /// Kinds of operation that can occur at any time.
    kinds: Vec<&'static str>,
    /// Most rows of `recovery`.
    rows: usize,
    /// Instances that events add.
    added: usize,
    /// Rows of `objectives`.
    objectives: usize,
}

impl Ends {
    /// Carries out the topology's scenario on paper.
    pub fn of(topology: &Topology) -> Self {
        let mut events: Vec<&Timed> = topology.scenario.iter().collect();
        events.sort_by_key(|timed| timed.earliest());
        let (mut now, mut in_time) = (topology.clone(), None);
        let mut kinds = BTreeSet::new();
        add_kinds(&now, &mut kinds);
        let mut added = 0;
        for timed in events {
            if timed.earliest() > topology.duration && in_time.is_none() {
                in_time = Some(now.clone());
            }
            match timed.command() {
                Command::AddInstances(_, count) => added += *count as usize,
                // What is wrong with an edit is told where the scenario is checked; other commands change nothing here.
                command => {
                    let _ = now.apply(command);
                    add_kinds(&now, &mut kinds);
                }
            }
        }
        Self {
            topologies: std::iter::once(now).chain(in_time).collect(),
            kinds: kinds.into_iter().collect(),
            rows: watched_rows(&topology.scenario).len(),
            added,
            objectives: objectives(&topology.objectives),
        }
    }

    fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.topologies
            .iter()
            .flat_map(|topology| &topology.nodes)
            .map(|(name, node)| (name.as_str(), node))
    }

    /// Why no run can have a figure at `path`; `None` if one can.
    pub fn problem(&self, path: &str) -> Option<String> {
        let wanted = segments(path);
        // The figures that the path can still lead to, each with its path.
        let mut left: Vec<(&Figure, Vec<&str>)> = FIGURES
            .iter()
            .map(|figure| (figure, segments(figure.path)))
            .collect();
        let mut node: Option<&str> = None;
        for (depth, &segment) in wanted.iter().enumerate() {
            let known = self.known(&left, depth, node);
            let before = wanted[..depth].join(".").replace(".[", "[");
            let within = |message: String| {
                if before.is_empty() {
                    message
                } else {
                    format!("{before}: {message}")
                }
            };
            let list = left
                .iter()
                .any(|(_, path)| path.get(depth).is_some_and(|s| *s == "[n]"));
            if list {
                if let Some(message) = self.list_problem(&before, segment, node) {
                    return Some(message);
                }
            } else if segment.starts_with('[') {
                return Some(within("is no list".to_owned()));
            } else if known.is_empty() {
                return Some(within(format!(
                    "has no parts, such as `{}`",
                    shortened(segment)
                )));
            } else if !known.iter().any(|name| name == segment) {
                if let Some(path) = self.meant(&left, depth, segment, node) {
                    return Some(within(format!(
                        "there is no figure `{}`; did you mean `{path}`?",
                        shortened(segment)
                    )));
                }
                let what = match placeholder(&left, depth) {
                    Some("NODE") => "node",
                    Some("LINK") => "link",
                    Some("CAUSE" | "LOSS") => "cause",
                    Some("WATCH") => "end of a watch",
                    Some("KIND") => "kind of operation",
                    _ => "figure",
                };
                // What is the same in every run is no suggestion.
                let told: Vec<&str> = left
                    .iter()
                    .filter(|(figure, _)| figure.given == Given::Told)
                    .filter_map(|(_, path)| path.get(depth).copied())
                    .collect();
                let names = known.iter().map(String::as_str);
                return Some(within(unknown_name(
                    what,
                    segment,
                    names.filter(|name| !told.contains(name)),
                )));
            }
            left.retain(|(_, path)| {
                path.get(depth).is_some_and(|pattern| {
                    *pattern == segment || *pattern == "[n]" || is_placeholder(pattern)
                })
            });
            if placeholder(&left, depth) == Some("NODE") {
                node = Some(segment);
            }
        }
        let ends: Vec<_> = left
            .iter()
            .filter(|(_, path)| path.len() == wanted.len())
            .collect();
        match ends.first() {
            None if left.iter().any(|(_, path)| path[wanted.len()] == "[n]") => {
                Some(format!("{path}: is a list; write {path}[0] for the first"))
            }
            None => Some(format!(
                "{path}: is a group of figures; add one of: {}",
                self.known(&left, wanted.len(), node).join(", ")
            )),
            Some((figure, _)) if figure.given == Given::Told => Some(format!(
                "{path}: is the same in every run, so there is nothing to expect of it"
            )),
            Some((figure, _)) if figure.unit == Unit::Text => {
                Some(format!("{path}: is a text, not a figure"))
            }
            Some(_) => None,
        }
    }

    /// The names that can stand at this depth of the paths that are left.
    fn known(
        &self,
        left: &[(&Figure, Vec<&str>)],
        depth: usize,
        node: Option<&str>,
    ) -> Vec<String> {
        let mut known: Vec<String> = Vec::new();
        let mut add = |name: &str| {
            if !known.iter().any(|k| k == name) {
                known.push(name.to_owned());
            }
        };
        for (figure, path) in left {
            let Some(&segment) = path.get(depth) else {
                continue;
            };
            if !self.exists(figure.given, node) {
                continue;
            }
            match segment {
                "[n]" => {}
                "NODE" => self.nodes().for_each(|(name, _)| add(name)),
                "LINK" => {
                    for topology in &self.topologies {
                        let written = topology.links.0.iter().map(super::Link::key);
                        let implied = implied_links(topology)
                            .into_iter()
                            .map(|link| format!("{}->{}", link.from, link.to));
                        // Instances forward to each other what another has the key of.
                        let partitioned = topology.nodes.iter().filter(
                            |(_, n)| matches!(n, Node::Service(s) if s.state.partitioning().is_some()),
                        );
                        let peers = partitioned.map(|(name, _)| format!("{name}->{name}"));
                        written
                            .chain(implied)
                            .chain(peers)
                            .for_each(|key| add(&key));
                    }
                }
                "KIND" => self.kinds.iter().for_each(|kind| add(kind)),
                _ => match names_for(segment) {
                    Some((_, names)) => names.iter().for_each(|(name, _)| add(name)),
                    None => add(segment),
                },
            }
        }
        known
    }

    /// Whether a figure exists, at `node` where it belongs to one.
    fn exists(&self, given: Given, node: Option<&str>) -> bool {
        let mut kinds = self
            .nodes()
            .filter(|(name, _)| node.is_none_or(|node| node == *name))
            .map(|(_, node)| node);
        match given {
            Given::Always | Given::Told => true,
            Given::Answering => kinds.any(|node| !matches!(node, Node::Clients(_))),
            Given::Workers => kinds.any(|node| {
                matches!(
                    node,
                    Node::Service(_) | Node::RedisLike(_) | Node::SqlDatabase(_)
                )
            }),
            Given::Pools => kinds.any(|node| matches!(node, Node::Service(s) if s.pool.is_some())),
            Given::Caches => {
                kinds.any(|node| matches!(node, Node::Service(s) if s.caches().is_some()))
            }
            Given::Partitioned => kinds
                .any(|node| matches!(node, Node::Service(s) if s.state.partitioning().is_some())),
            Given::Tokens => self
                .topologies
                .iter()
                .any(|topology| matches!(topology.sessions, Sessions::Jwt(_))),
        }
    }

    /// A longer path from here that ends in what was written: `response_time_s.p99` for `p99`.
    fn meant(
        &self,
        left: &[(&Figure, Vec<&str>)],
        depth: usize,
        segment: &str,
        node: Option<&str>,
    ) -> Option<String> {
        left.iter()
            .filter(|(figure, path)| {
                self.exists(figure.given, node)
                    && path.len() == depth + 2
                    && path[depth] != "[n]"
                    && !is_placeholder(path[depth])
            })
            .find(|(_, path)| match names_for(path[depth + 1]) {
                Some((_, names)) => names.iter().any(|(name, _)| *name == segment),
                None => path[depth + 1] == segment,
            })
            .map(|(_, path)| format!("{}.{segment}", path[depth]))
    }

    /// What is wrong with a place in the list at `before`.
    fn list_problem(&self, before: &str, place: &str, node: Option<&str>) -> Option<String> {
        let Some(inside) = place.strip_prefix('[') else {
            return Some(format!(
                "{before}: is a list; write {before}[0] for the first"
            ));
        };
        let index: Option<usize> = inside.strip_suffix(']').and_then(|n| n.parse().ok());
        let (most, what) = match before {
            "recovery" => (self.rows, "the scenario leads to at most"),
            "objectives" => (self.objectives, "the topology sets"),
            "without_effect" | "rebalances" => (usize::MAX, ""),
            _ => {
                let members = self
                    .nodes()
                    .filter(|(name, _)| node == Some(name))
                    .map(|(_, node)| node.members() as usize)
                    .max()
                    .unwrap_or(0);
                (members + self.added, "there are at most")
            }
        };
        match index {
            Some(index) if index < most => None,
            Some(_) => Some(format!(
                "there is no {before}{}: {what} {most}, counted from 0",
                shortened(place)
            )),
            None => Some(format!(
                "{before}{}: write a number in the brackets, counted from 0",
                shortened(place)
            )),
        }
    }
}

/// Kinds of operation that clients of the topology can have.
fn add_kinds(topology: &Topology, kinds: &mut BTreeSet<&'static str>) {
    let sessions = !matches!(topology.sessions, Sessions::None);
    for node in topology.nodes.values() {
        let Node::Clients(clients) = node else {
            continue;
        };
        let mix = &clients.mix;
        let possible = [
            ("read", mix.read > 0.0),
            ("write", mix.write > 0.0),
            ("login", mix.login > 0.0 || sessions),
            ("logout", mix.logout > 0.0),
        ];
        kinds.extend(
            possible
                .into_iter()
                .filter(|(_, can)| *can)
                .map(|(kind, _)| kind),
        );
    }
}

/// How many objectives are set.
fn objectives(objectives: &Objectives) -> usize {
    [
        objectives.p99.is_some(),
        objectives.availability.is_some(),
        objectives.lost_writes.is_some(),
        objectives.lost_sessions.is_some(),
        objectives.recovery_time.is_some(),
    ]
    .into_iter()
    .filter(|set| *set)
    .count()
}

fn is_placeholder(segment: &str) -> bool {
    matches!(segment, "NODE" | "LINK") || names_for(segment).is_some()
}

/// The capitals at this depth of the paths that are left, if there are some.
fn placeholder<'a>(left: &[(&Figure, Vec<&'a str>)], depth: usize) -> Option<&'a str> {
    left.iter()
        .filter_map(|(_, path)| path.get(depth).copied())
        .find(|segment| is_placeholder(segment))
}

/// The figure of the list that a path of printed results belongs to; `None` if it is not in the list.
pub fn find(path: &str) -> Option<&'static Figure> {
    let wanted = segments(path);
    FIGURES.iter().find(|figure| {
        let pattern = segments(figure.path);
        pattern.len() == wanted.len()
            && pattern.iter().zip(&wanted).all(|(pattern, name)| {
                *pattern == *name
                    || match *pattern {
                        "NODE" | "LINK" => true,
                        "[n]" => name.starts_with('['),
                        _ => names_for(pattern)
                            .is_some_and(|(_, names)| names.iter().any(|(known, _)| known == name)),
                    }
            })
    })
}

/// The page `docs/results.md`: every figure with its unit and meaning.
pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut part = "";
    let mut capitals: Vec<&str> = Vec::new();
    for figure in FIGURES {
        let own = part_of(figure.path);
        if own != part {
            part = own;
            let _ = writeln!(
                page,
                "\n## {part}\n\n| figure | unit | meaning |\n|---|---|---|"
            );
        }
        let _ = writeln!(
            page,
            "| `{}` | {} | {}{} |",
            figure.path,
            figure.unit.name(),
            figure.meaning,
            match figure.given {
                Given::Workers => " Services, Redis-like stores and SQL databases.",
                Given::Answering => " Every node but clients.",
                Given::Pools => " Services with a `pool`.",
                Given::Partitioned => " Services with `partitioning`.",
                Given::Tokens => " With `sessions: Jwt(..)`.",
                Given::Caches => " Services with a `cache`.",
                Given::Always | Given::Told => "",
            }
        );
        for segment in segments(figure.path) {
            if names_for(segment).is_some() && !capitals.contains(&segment) {
                capitals.push(segment);
            }
        }
    }
    for segment in capitals {
        let Some((what, names)) = names_for(segment) else {
            continue;
        };
        let _ = writeln!(
            page,
            "\n## {segment}: {what}\n\n| name | meaning |\n|---|---|"
        );
        for (name, meaning) in names {
            let _ = writeln!(page, "| `{name}` | {meaning} |");
        }
    }
    page
}

/// The heading under which a figure stands.
fn part_of(path: &'static str) -> &'static str {
    let first = path.split(['.', '[']).next().unwrap_or(path);
    match first {
        "schema" | "name" | "seed" | "replications" | "warmup_s" | "duration_s" | "cut" => {
            "What was run"
        }
        "without_effect" | "simulation" => "Simulation",
        "operations"
        | "throughput_per_s"
        | "goodput_per_s"
        | "error_rate"
        | "response_time_s"
        | "failed_response_time_s"
        | "by_kind" => "Operations",
        "writes" | "sessions" | "reads" => "Writes, sessions and reads",
        "recovery" => "Faults and changes",
        "nodes" | "links" | "rebalances" => "Nodes and links",
        _ => "Objectives",
    }
}

const INTRODUCTION: &str = "\
# Results

Everything that `statescope run --json` prints, and so everything that a file's `expects` and a case of `statescope
validate` can name: `\"sessions.lost > 0\"`, `\"operations.failed / operations.offered < 0.01\"`. This page is written by the
program's tests from the same list that checks those; do not edit it.

Times are in seconds, sizes in bytes, rates per second. A figure that the seed decides is an object
`{\"mean\": .., \"ci95\": ..}`: the mean over the replications and half the width of its 95 % confidence interval, null for
a single run; `mean` is null where there are no samples. A path that ends at such an object reads its mean. The same file,
seed and version print the same bytes.

Counts and response times cover operations that began at or after the warm-up's end; writes and sessions are counted from
time 0. `NODE` stands for a node's name, `LINK` for a link's such as `lb->api`, `[n]` for a place in a list, counted from 0;
other capitals are listed at the end. [model.md](model.md) says how each is measured.
";
