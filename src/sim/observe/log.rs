//! The log of events: what happened lately, for people.

use std::collections::VecDeque;

use crate::sim::Sim;
use crate::sim::observe::snapshot::{Happening, What};
use crate::units::Duration;

/// Happenings that are kept.
const KEPT: usize = 256;

/// What happened lately, oldest first.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Log {
    pub kept: VecDeque<Happening>,
    /// Of all that ever happened.
    count: u64,
}

impl Sim {
    pub(in crate::sim) fn happen(&mut self, what: What) {
        let at = Duration(self.now);
        let log = &mut self.observers.log;
        log.count += 1;
        if log.kept.len() == KEPT {
            log.kept.pop_front();
        }
        let id = log.count;
        log.kept.push_back(Happening { id, at, what });
    }
}
