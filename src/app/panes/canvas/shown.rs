//! What is shown of the running system: its latest snapshot, but refreshed only a few times a second so that numbers can
//! be read and their texts keep their layout. A fault, a reset or a pause is shown at once.

use crate::app::run::state::View;
use crate::sim::snapshot::{LinkView, NodeView, OperationCounts};
use crate::units::Duration;

/// Between two refreshes, in seconds of the reader's time.
const REFRESH_S: f64 = 0.2;

/// The part of a snapshot that the canvas draws.
#[derive(Debug, Default)]
pub struct Shown {
    /// Nodes.
    pub nodes: Vec<NodeView>,
    /// Links.
    pub links: Vec<LinkView>,
    /// Operations, as clients see them.
    pub operations: OperationCounts,
    /// Simulated time.
    pub now: Duration,
    at_s: Option<f64>,
    faults: usize,
    last_happening: Option<u64>,
}

impl Shown {
    /// Takes over the latest snapshot if it is time to.
    pub fn update(&mut self, view: &View, seconds: f64) {
        let snapshot = view.snapshot;
        let last_happening = snapshot.happenings.last().map(|happening| happening.id);
        let due = self
            .at_s
            .is_none_or(|at| seconds - at >= REFRESH_S || seconds < at);
        let news = snapshot.now < self.now
            || !view.playing && snapshot.now != self.now
            || snapshot.faults.len() != self.faults
            || last_happening != self.last_happening
            || snapshot.nodes.len() != self.nodes.len()
            || snapshot.links.len() != self.links.len();
        if !due && !news {
            return;
        }
        // `clone_from` reuses what was allocated.
        self.nodes.clone_from(&snapshot.nodes);
        self.links.clone_from(&snapshot.links);
        self.operations = snapshot.operations;
        self.now = snapshot.now;
        self.faults = snapshot.faults.len();
        self.last_happening = last_happening;
        self.at_s = Some(seconds);
    }
}
