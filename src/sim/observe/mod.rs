//! What leaves the simulator. Whoever watches is an *observer*: told what happens, it makes of it what it is for, and the
//! simulation never reads that, so that its bytes do not depend on who watches.
//!
//! Intervals of charts, the log of events, what two runs are compared by, and facts for whoever keeps books of his own are
//! observers, a file each, and so is what the results are made of. Snapshots and figures are made of all there is when
//! somebody asks.

pub mod audit;
pub mod backlog;
pub(super) mod counts;
pub mod facts;
pub mod figures;
pub(super) mod intervals;
pub(super) mod log;
pub(crate) mod metrics;
mod results;
pub mod size;
pub mod snapshot;
pub(super) mod told;
mod view;

use counts::Counted;
use intervals::Intervals;
use log::Log;
use told::{Ended, Told};

use crate::units::Duration;

/// Who watches a run. An observer that is not there costs one question for each thing that it would be told.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Observers {
    /// For the results; indexed by whether the operation counts: 0 for those before the warm-up's end.
    pub results: [Counted; 2],
    pub log: Log,
    pub intervals: Option<Box<Intervals>>,
    /// What operations did, by their clients' number.
    pub operations: Option<Vec<Told>>,
    pub facts: Option<Vec<(Duration, facts::Fact)>>,
}

impl Observers {
    /// An operation of clients of that number starts.
    #[inline(always)]
    pub(in crate::sim) fn started(&mut self, client: u16, now: u64) {
        if let Some(operations) = &mut self.operations {
            Told::of(operations, client).started.push(now);
        }
    }

    /// An operation has ended; one that another waits for belongs to that.
    #[inline(always)]
    pub(in crate::sim) fn ended(&mut self, client: u16, how: Ended, retried: bool, forced: bool) {
        if let Some(operations) = &mut self.operations
            && !forced
        {
            Told::of(operations, client).ended.push(how);
        }
        if let Some(intervals) = &mut self.intervals {
            intervals.ended(&how, retried);
        }
    }
}
