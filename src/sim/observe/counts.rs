//! Counts from which the figures of the results come, and those of a chart's interval.

use crate::model::Command;
use crate::sim::observe::metrics::Histogram;

/// Counts of operations of one part of the run: before the warm-up's end, or after.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Counted {
    pub offered: u64,
    pub completed: u64,
    pub after_retry: u64,
    pub good: u64,
    pub failed: u64,
    pub by_cause: [u64; 9],
    pub attempts: u64,
    pub reads: u64,
    pub stale: u64,
    pub offered_by_kind: [u64; 4],
    pub response: [Histogram; 4],
    pub failed_response: Histogram,
}

#[derive(Clone, Debug)]
pub(in crate::sim) struct Fault {
    pub at: u64,
    pub command: Command,
    pub detected: Option<u64>,
    pub lost_writes: u64,
    pub lost_sessions: u64,
    pub failed_met: u64,
    pub failed_after_detection: u64,
    pub saved: u64,
    /// Why the failover that was asked for did not come about.
    pub called_off: Option<&'static str>,
}

#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct WriteLedger {
    pub acknowledged: u64,
    pub lost: u64,
    pub lost_by_cause: [u64; 9],
    pub keys_lost: u64,
    pub unacknowledged: u64,
    pub twice: u64,
}

#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct SessionLedger {
    pub initial: u64,
    pub created: u64,
    pub expired: u64,
    pub logged_out: u64,
    pub lost: u64,
    pub lost_by_cause: [u64; 9],
}

#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct IntervalCounts {
    pub from: u64,
    pub completed: u64,
    pub retried: u64,
    pub failed: u64,
    /// Response times, as long as there are few; all of them in `more_responses` once they are many.
    pub responses: Vec<u64>,
    pub more_responses: Histogram,
}

/// Response times of an interval that are kept one by one.
const MOST_RESPONSES: usize = 1 << 16;

impl IntervalCounts {
    pub(in crate::sim) fn respond(&mut self, ns: u64) {
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
    pub(in crate::sim) fn percentiles(&mut self) -> Option<[f64; 3]> {
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
