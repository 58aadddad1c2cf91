//! Counts from which the figures of the results come.

use crate::model::Command;
use crate::sim::observe::metrics::Histogram;
use crate::sim::traffic::call::Verb;
use crate::sim::traffic::operation::Op;

/// Counts of operations of one part of the run: before the warm-up's end, or after.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Counted {
    pub offered: u64,
    pub completed: u64,
    pub after_retry: u64,
    pub good: u64,
    pub failed: u64,
    pub by_cause: [u64; 10],
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
    pub lost_by_cause: [u64; 11],
    pub keys_lost: u64,
    pub unacknowledged: u64,
    pub twice: u64,
}

impl WriteLedger {
    /// Nobody has anything to do with an operation any more.
    #[inline(always)]
    pub(in crate::sim) fn settle(&mut self, op: &Op) {
        if op.applied > 0 && op.verb == Verb::Write {
            self.unacknowledged += u64::from(op.failed);
            self.twice += u64::from(op.applied > 1);
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct SessionLedger {
    pub initial: u64,
    pub created: u64,
    pub expired: u64,
    pub logged_out: u64,
    pub revoked: u64,
    pub lost: u64,
    pub lost_by_cause: [u64; 11],
}

impl SessionLedger {
    /// Sessions that live, or whose time is over though nobody has noticed yet.
    pub(in crate::sim) fn in_store(&self) -> u64 {
        let ended = self.expired + self.logged_out + self.revoked + self.lost;
        (self.initial + self.created).saturating_sub(ended)
    }
}
