//! The results of a run, in the shape of `run --json`.

use crate::model::Sessions;
use crate::sim::Sim;
use crate::sim::keeping::loss::LossCause;
use crate::sim::observe::figures::{Figures, Plain};
use crate::sim::observe::metrics::{Areas, Histogram};
use crate::sim::observe::snapshot::{Cause, NodeKind, Status};
use crate::sim::stations::caching::Caching;
use crate::sim::stations::instance::Instance;
use crate::sim::stations::node::{Body, NodeSlot};
use crate::sim::traffic::call::KINDS;

/// Percentiles of a histogram, in seconds.
fn times(histogram: &Histogram) -> Figures {
    let at = |share| Figures::Figure(histogram.quantile(share));
    Figures::group([
        ("mean", Figures::Figure(histogram.mean())),
        ("p50", at(0.5)),
        ("p90", at(0.9)),
        ("p95", at(0.95)),
        ("p99", at(0.99)),
        ("p999", at(0.999)),
        ("max", Figures::Figure(histogram.max())),
    ])
}

fn ratio(a: f64, b: f64) -> Figures {
    Figures::Figure((b > 0.0).then(|| a / b))
}

/// How unequal the shares of instances are that keep keys: of the hashes, and of what was asked; nothing for others.
fn share_figures(node: &NodeSlot) -> Vec<(String, Figures)> {
    let Body::Service(service) = &node.body else {
        return Vec::new();
    };
    let Some(partition) = &service.partition else {
        return Vec::new();
    };
    let (most, all) = (
        service.served.iter().max(),
        service.served.iter().sum::<u64>(),
    );
    let most = most.copied().unwrap_or(0) * partition.members.len() as u64;
    let ring = partition.ring.largest_share();
    vec![
        ("ring_share".to_owned(), Figures::Figure(Some(ring))),
        ("busiest_share".to_owned(), ratio(most as f64, all as f64)),
    ]
}

fn cache_figures(cache: &Caching) -> Figures {
    let counts = cache.counts.since(&cache.at_warmup);
    let reads = (counts.hits + counts.misses) as f64;
    Figures::group([
        ("hit_ratio", ratio(counts.hits as f64, reads)),
        ("stale_ratio", ratio(counts.stale as f64, reads)),
        ("hits", Figures::count(counts.hits)),
        ("misses", Figures::count(counts.misses)),
        ("coalesced", Figures::count(counts.coalesced)),
        ("evictions", Figures::count(counts.evictions)),
        ("invalidations", Figures::count(counts.invalidations)),
        ("flushed_keys", Figures::count(counts.flushed)),
    ])
}

fn by_cause(counts: &[u64; 11]) -> Figures {
    Figures::Group(
        LossCause::ALL
            .iter()
            .zip(counts)
            .filter(|(_, n)| **n > 0)
            .map(|(cause, n)| (cause.name().to_owned(), Figures::count(*n)))
            .collect(),
    )
}

impl Sim {
    /// The results as if the run ended now, but for what faults caused (`analysis::Track` adds it), `simulation` and what
    /// replications decide.
    pub fn results(&self) -> Figures {
        let span = (self.now.saturating_sub(self.warmup)) as f64 / 1e9;
        let mut parts = self.totals();
        let sessions = self.live_sessions_by_log();
        let nodes = self
            .nodes_in_order()
            .map(|(i, n)| (n.name.clone(), self.node_figures(i, n, span, &sessions)))
            .collect();
        parts.push(("nodes".to_owned(), Figures::Group(nodes)));
        let unsent = self.unsent();
        let links = self
            .links
            .iter()
            .zip(unsent)
            .filter(|(l, _)| !l.removed)
            .map(|(l, unsent)| {
                let (from, to) = (
                    &self.nodes[l.from as usize].name,
                    &self.nodes[l.to as usize].name,
                );
                let figures = Figures::group([
                    (
                        "messages_per_s",
                        ratio(
                            l.messages.saturating_sub(unsent.0 + l.messages_at_warmup) as f64,
                            span,
                        ),
                    ),
                    (
                        "bytes_per_s",
                        ratio(
                            l.bytes.saturating_sub(unsent.1 + l.bytes_at_warmup) as f64,
                            span,
                        ),
                    ),
                ]);
                (format!("{from}->{to}"), figures)
            })
            .collect();
        parts.push(("links".to_owned(), Figures::Group(links)));
        let rebalances = self.rebalance_figures();
        if !rebalances.is_empty() {
            parts.push(("rebalances".to_owned(), Figures::List(rebalances)));
        }
        Figures::Group(parts)
    }

    /// Those of them that are of the system as a whole.
    pub fn totals(&self) -> Vec<(String, Figures)> {
        let counted = &self.observers.results[1];
        let span = (self.now.saturating_sub(self.warmup)) as f64 / 1e9;
        let mut all = Histogram::default();
        for histogram in &counted.response {
            all.add(histogram);
        }
        let failures = Cause::ALL
            .iter()
            .zip(counted.by_cause)
            .filter(|(_, n)| *n > 0);
        let operations = Figures::group([
            ("offered", Figures::count(counted.offered)),
            ("completed", Figures::count(counted.completed)),
            ("failed", Figures::count(counted.failed)),
            (
                "in_flight",
                Figures::count(counted.offered - counted.completed - counted.failed),
            ),
            ("attempts", Figures::count(counted.attempts)),
            (
                "by_cause",
                Figures::Group(
                    failures
                        .map(|(c, n)| (c.name().to_owned(), Figures::count(n)))
                        .collect(),
                ),
            ),
        ]);
        let kinds = KINDS
            .iter()
            .enumerate()
            .filter(|(k, _)| counted.offered_by_kind[*k] > 0)
            .map(|(k, (name, _))| ((*name).to_owned(), times(&counted.response[k])))
            .collect();
        let mut parts = vec![
            ("operations".to_owned(), operations),
            (
                "throughput_per_s".to_owned(),
                ratio(counted.completed as f64, span),
            ),
            ("goodput_per_s".to_owned(), ratio(counted.good as f64, span)),
            (
                "error_rate".to_owned(),
                ratio(
                    counted.failed as f64,
                    (counted.completed + counted.failed) as f64,
                ),
            ),
            ("response_time_s".to_owned(), times(&all)),
            (
                "failed_response_time_s".to_owned(),
                times(&counted.failed_response),
            ),
            ("by_kind".to_owned(), Figures::Group(kinds)),
        ];
        let writes = self.write_counts();
        parts.push((
            "writes".to_owned(),
            Figures::group([
                ("acknowledged", Figures::count(writes.acknowledged)),
                ("held", Figures::count(writes.held)),
                ("unavailable", Figures::count(writes.unavailable)),
                ("lost", Figures::count(writes.lost)),
                ("lost_by_cause", by_cause(&self.writes.lost_by_cause)),
                ("keys_lost", Figures::count(writes.keys_lost)),
                (
                    "applied_unacknowledged",
                    Figures::count(writes.applied_unacknowledged),
                ),
                ("applied_twice", Figures::count(writes.applied_twice)),
            ]),
        ));
        parts.push(("sessions".to_owned(), self.session_figures()));
        parts.push((
            "reads".to_owned(),
            Figures::group([
                ("total", Figures::count(counted.reads)),
                ("stale", Figures::count(counted.stale)),
            ]),
        ));
        parts
    }

    fn session_figures(&self) -> Figures {
        let sessions = self.session_counts();
        let mut parts = vec![
            ("initial", Figures::count(sessions.initial)),
            ("created", Figures::count(sessions.created)),
            ("live", Figures::count(sessions.live)),
            ("expired", Figures::count(sessions.expired)),
            ("logged_out", Figures::count(sessions.logged_out)),
            ("revoked", Figures::count(sessions.revoked)),
            ("lost", Figures::count(sessions.lost)),
            ("lost_by_cause", by_cause(&self.sessions.lost_by_cause)),
            ("revoked_accepted", Figures::count(self.revoking.accepted)),
            (
                "exposure_s",
                Figures::Figure(self.revoking.mean_exposure(self.now)),
            ),
        ];
        if let Sessions::Jwt(jwt) = &self.topology.sessions {
            parts.push(("token_bytes", Figures::count(jwt.token_bytes())));
        }
        Figures::Group(
            parts
                .into_iter()
                .map(|(name, part)| (name.to_owned(), part))
                .collect(),
        )
    }

    /// `sessions`: those that live in each log.
    fn node_figures(&self, index: usize, node: &NodeSlot, span: f64, sessions: &[u64]) -> Figures {
        let mut parts = vec![("kind".to_owned(), Figures::text(kind_name(node.kind)))];
        if matches!(node.body, Body::Clients(_)) {
            return Figures::Group(parts);
        }
        let span_ns = span * 1e9;
        let since_warmup = |i: &Instance| i.areas_at(self.now).minus(i.areas_at_warmup);
        let sum = node
            .instances
            .iter()
            .map(since_warmup)
            .fold(Areas::default(), Areas::plus);
        let has_workers = matches!(
            node.kind,
            NodeKind::Service | NodeKind::RedisLike | NodeKind::SqlDatabase
        );
        if has_workers {
            parts.push((
                "utilisation".to_owned(),
                ratio(sum.busy as f64, sum.capacity as f64),
            ));
            parts.push((
                "queue_length".to_owned(),
                ratio(sum.waiting as f64, span_ns),
            ));
        }
        parts.push(("in_flight".to_owned(), ratio(sum.present as f64, span_ns)));
        let completed = node.completed - node.completed_at_warmup;
        parts.push(("throughput_per_s".to_owned(), ratio(completed as f64, span)));
        let failed = node.failed - node.failed_at_warmup;
        parts.push(("failed".to_owned(), Figures::count(failed)));
        parts.push(("response_time_s".to_owned(), times(&node.response)));
        if self.service(index as u16).is_some_and(|s| s.pooled) {
            let counts = node.pool.since(node.pool_at_warmup);
            let pool = Figures::group([
                ("opened", Figures::count(counts.opened)),
                ("refused", Figures::count(counts.refused)),
                ("waited", Figures::count(counts.waited)),
                ("timed_out", Figures::count(counts.timed_out)),
            ]);
            parts.push(("pool".to_owned(), pool));
        }
        if let Body::Service(service) = &node.body
            && let Some(cache) = &service.cache
        {
            parts.push(("cache".to_owned(), cache_figures(cache)));
        }
        parts.extend(share_figures(node));
        if has_workers {
            let instances = (0..node.instances.len())
                .filter(|&i| node.instances[i].status != Status::Removed)
                .map(|i| {
                    let areas = since_warmup(&node.instances[i]);
                    let (writes, live) = self.kept_by(index as u16, i as u16, sessions);
                    Figures::group([
                        ("instance", Figures::Plain(Plain::Integer(i as u64 + 1))),
                        (
                            "utilisation",
                            ratio(areas.busy as f64, areas.capacity as f64),
                        ),
                        ("queue_length", ratio(areas.waiting as f64, span_ns)),
                        ("in_flight", ratio(areas.present as f64, span_ns)),
                        ("writes_held", Figures::count(writes)),
                        ("sessions_live", Figures::count(live)),
                    ])
                })
                .collect();
            parts.push(("instances".to_owned(), Figures::List(instances)));
        }
        Figures::Group(parts)
    }

    /// What changes of instances moved within services, in the order in which they came.
    fn rebalance_figures(&self) -> Vec<Figures> {
        let nodes = self.nodes_in_order();
        let mut rows: Vec<_> = nodes
            .flat_map(|(index, node)| {
                let rows = self.rebalances(index as u16).iter();
                rows.map(|row| (row.at, node.name.as_str(), row))
            })
            .collect();
        rows.sort_by_key(|&(at, ..)| at);
        let seconds = |ns: u64| Figures::Figure(Some(ns as f64 / 1e9));
        let figures = rows.into_iter().map(|(at, node, row)| {
            Figures::group([
                ("at_s", Figures::Plain(Plain::Number(at as f64 / 1e9))),
                ("node", Figures::text(node)),
                ("keys", Figures::count(row.keys)),
                ("moved", Figures::count(row.moved)),
                ("bytes", Figures::count(row.bytes)),
                ("duration_s", seconds(row.duration(self.now))),
                ("unavailable_s", seconds(row.out_of_reach(self.now))),
            ])
        });
        figures.collect()
    }

    /// Acknowledged writes and live sessions that an instance keeps.
    fn kept_by(&self, node: u16, instance: u16, sessions: &[u64]) -> (u64, u64) {
        let mine = self
            .logs
            .iter()
            .zip(0..)
            .filter(|(l, _)| l.node == node && l.primary == instance && !l.retired);
        mine.fold((0, 0), |(writes, live), (log, index): (_, usize)| {
            (
                writes + log.acknowledged(),
                live + sessions.get(index).copied().unwrap_or(0),
            )
        })
    }

    /// Little's law as an identity, by node: the area under the number of calls present, and the sum of the times they
    /// spent there, those still present counted up to now. Both in nanoseconds, and equal.
    pub fn littles_law(&self) -> Vec<(String, u128, u128)> {
        let mut still: Vec<u128> = vec![0; self.nodes.len()];
        for call in self.calls.iter().filter(|c| c.present && !c.free) {
            still[call.node as usize] += u128::from(self.now - call.arrived);
        }
        self.nodes
            .iter()
            .zip(still)
            .filter(|(node, _)| !matches!(node.body, Body::Clients(_)))
            .map(|(node, still)| {
                let spent: u128 = node.instances.iter().map(|i| i.spent).sum();
                (
                    node.name.clone(),
                    self.areas_of(node).present,
                    spent + still,
                )
            })
            .collect()
    }
}

fn kind_name(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Clients => "Clients",
        NodeKind::LoadBalancer => "LoadBalancer",
        NodeKind::Service => "Service",
        NodeKind::RedisLike => "RedisLike",
        NodeKind::SqlDatabase => "SqlDatabase",
        NodeKind::ObjectStore => "ObjectStore",
    }
}
