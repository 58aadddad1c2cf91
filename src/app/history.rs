//! What happened so far, for charts; bounded however long a run lasts.

use crate::sim::snapshot::Interval;

/// Intervals in order of time, kept outside the simulator.
#[derive(Clone, Debug, Default)]
pub struct History {
    intervals: Vec<Interval>,
}

impl History {
    /// Appends the next interval.
    pub fn push(&mut self, interval: Interval) {
        self.intervals.push(interval);
    }

    /// Forgets everything, for a new run.
    pub fn clear(&mut self) {
        self.intervals.clear();
    }

    /// The intervals, oldest first.
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }
}
