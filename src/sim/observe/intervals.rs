//! Intervals of charts: an observer that a window has, and nobody else.

use crate::sim::Sim;
use crate::sim::observe::metrics::{Areas, Histogram};
use crate::sim::observe::snapshot::{Interval, NodeInterval, NodeKind};
use crate::sim::observe::told::Ended;
use crate::sim::room::room;
use crate::sim::stations::node::NodeSlot;
use crate::units::Duration;

/// What happens until the end of an interval.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Intervals {
    from: u64,
    completed: u64,
    retried: u64,
    failed: u64,
    /// Response times, as long as there are few; all of them in `more_responses` once they are many.
    responses: Vec<u64>,
    more_responses: Histogram,
    /// By node: what it had completed, and the areas of its instances, when the interval began.
    nodes: Vec<(u64, Areas)>,
}

/// Response times of an interval that are kept one by one.
const MOST_RESPONSES: usize = 1 << 16;

impl Intervals {
    #[inline]
    pub(in crate::sim) fn ended(&mut self, how: &Ended, retried: bool) {
        if how.completed {
            self.completed += u64::from(!retried);
            self.retried += u64::from(retried);
            self.respond(how.took);
        } else {
            self.failed += 1;
        }
    }

    pub(in crate::sim) fn bytes(&self) -> usize {
        room::<u64>(self.responses.len())
            + self.more_responses.bytes()
            + room::<(u64, Areas)>(self.nodes.len())
    }

    fn respond(&mut self, ns: u64) {
        if self.more_responses.is_empty() {
            self.responses.push(ns);
            if self.responses.len() < MOST_RESPONSES {
                return;
            }
            for &ns in &self.responses {
                self.more_responses.record(ns);
            }
            self.responses = Vec::new();
        } else {
            self.more_responses.record(ns);
        }
    }

    /// Median, p95 and p99 in seconds; `None` if nothing was answered.
    fn percentiles(&mut self) -> Option<[f64; 3]> {
        const SHARES: [f64; 3] = [0.5, 0.95, 0.99];
        if !self.more_responses.is_empty() {
            return Some(SHARES.map(|share| self.more_responses.quantile(share).unwrap_or(0.0)));
        }
        let n = self.responses.len();
        (n > 0).then(|| {
            SHARES.map(|share| {
                let rank = ((share * n as f64).ceil() as usize).clamp(1, n) - 1;
                *self.responses.select_nth_unstable(rank).1 as f64 / 1e9
            })
        })
    }
}

impl Sim {
    /// What happened since the last call (or the start), for charts. Needs `Watch::live`.
    pub fn take_interval(&mut self) -> Interval {
        let now = self.now;
        let intervals = self.observers.intervals.get_or_insert_default();
        let mut taken = std::mem::take(&mut **intervals);
        let mut began: Vec<(u64, Areas)> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            began.push((node.completed, self.areas_of(node)));
        }
        let span = (now - taken.from) as f64;
        let percentiles = taken.percentiles();
        let of_node = |(at, node): (usize, &NodeSlot)| {
            let before = taken.nodes.get(at).copied().unwrap_or_default();
            let (completed, areas) = began[at];
            node_interval(node, completed - before.0, areas.minus(before.1), span)
        };
        let nodes = self.nodes_in_order().map(of_node).collect();
        let intervals = self.observers.intervals.get_or_insert_default();
        (intervals.from, intervals.nodes) = (now, began);
        Interval {
            from: Duration(taken.from),
            to: Duration(now),
            completed: taken.completed,
            retried: taken.retried,
            failed: taken.failed,
            percentiles,
            lost_writes: self.writes.lost,
            lost_sessions: self.sessions.lost,
            nodes,
            without: None,
        }
    }
}

/// What a node did in an interval of so many nanoseconds.
fn node_interval(node: &NodeSlot, completed: u64, areas: Areas, span: f64) -> NodeInterval {
    let per = |area: u128, whole: f64| {
        if whole > 0.0 {
            area as f64 / whole
        } else {
            0.0
        }
    };
    let utilised = node.kind != NodeKind::LoadBalancer;
    NodeInterval {
        name: node.name.clone(),
        utilisation: if utilised {
            per(areas.busy, areas.capacity as f64)
        } else {
            0.0
        },
        queue_length: per(areas.waiting, span),
        in_flight: per(areas.present, span),
        throughput_per_s: per(u128::from(completed), span / 1e9),
    }
}
