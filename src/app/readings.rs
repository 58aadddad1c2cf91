//! Figures smoothed for reading.

use crate::sim::snapshot::Snapshot;

/// Figures smoothed with a time constant of 2.5 s, built from successive snapshots only.
#[derive(Clone, Debug, Default)]
pub struct Readings {}

impl Readings {
    /// Takes in the latest snapshot; `real_seconds` is wall-clock time since the window opened.
    pub fn update(&mut self, _snapshot: &Snapshot, _real_seconds: f64) {}
}
