//! What the window gets to see: snapshots, intervals, verdicts, results.

use std::sync::Arc;

use super::machine::Machine;
use super::{Latest, Promise};
use crate::analysis::Track;
use crate::analysis::objectives::Verdict;
use crate::sim::snapshot::Snapshot;
use crate::units::Duration;

/// Intervals that wait for the window at most; a window that does not look gets longer ones, not more.
pub(super) const INTERVALS_MAX: usize = 1024;
/// Real time between two looks at all results while playing, in seconds.
pub(super) const RESULTS_EVERY_S: f64 = 0.25;

impl Machine {
    pub(super) fn note_recording(&mut self) {
        if let Some(sim) = self.track.as_ref().map(Track::sim)
            && sim.recording().len() != self.recording.len()
        {
            self.recording = Arc::new(sim.recording().to_vec());
        }
    }

    pub(super) fn note_scenario(&mut self) {
        if let Some(track) = &self.track {
            self.scenario = Arc::new(track.sim().scenario().to_vec());
        }
    }

    /// Judges the promises on the run so far.
    pub(super) fn judge(&mut self) {
        let now = self.now();
        let Some(verdicts) = self.guarded(|track| track.verdicts()) else {
            return;
        };
        let known = Arc::clone(&self.promises);
        let broke = |verdict: &Verdict| {
            let before = known.iter().find(|p| p.verdict.name == verdict.name);
            before.and_then(|p| p.broken_at).unwrap_or(now)
        };
        let promises = verdicts.into_iter().map(|verdict| Promise {
            broken_at: (verdict.met == Some(false)).then(|| broke(&verdict)),
            verdict,
        });
        self.promises = Arc::new(promises.collect());
    }

    /// Makes the results so far, if they are wanted and what is known is old.
    pub(super) fn look_at_results(&mut self) {
        let old = !self.playing || self.results_age >= RESULTS_EVERY_S;
        if self.wants_results && (old || self.results.is_none()) {
            self.results_age = 0.0;
            self.results = self.guarded(|track| Arc::new(track.results()));
        }
    }

    /// Simulated time between two points of a chart: finer in slow motion, coarser when fast.
    pub(super) fn interval_length(&self) -> Duration {
        let seconds = (self.speed * 0.1).clamp(0.000_1, 0.25);
        let seconds = if self.speed > 10.0 {
            (self.speed / 40.0).clamp(0.25, 1.0)
        } else {
            seconds
        };
        Duration::from_secs(seconds)
    }

    /// Puts what happened since the last interval into the queue.
    pub(super) fn collect(&mut self) {
        if self.shared.outbox().intervals.len() >= INTERVALS_MAX {
            return;
        }
        if let Some(interval) = self.guarded(Track::take_interval)
            && interval.to > interval.from
        {
            self.shared.outbox().intervals.push_back(interval);
        }
        self.judge();
        self.interval_end = Duration(0);
    }

    /// Shows the window the system as it is now.
    pub(super) fn publish(&mut self) {
        self.note_recording();
        self.look_at_results();
        let snapshot = self.guarded(|track| track.snapshot());
        let snapshot = snapshot.unwrap_or_else(|| {
            let last = self.shared.latest.load();
            if last.run == self.run {
                last.snapshot.clone()
            } else {
                Snapshot::default()
            }
        });
        self.shared.latest.store(Arc::new(Latest {
            run: self.run,
            renamed: self.renamed,
            snapshot,
            recording: Arc::clone(&self.recording),
            scenario: Arc::clone(&self.scenario),
            promises: Arc::clone(&self.promises),
            results: self.results.clone(),
            playing: self.playing,
            speed_got: self.meter.speed,
            failure: self.failure.clone(),
            full: self.full.clone(),
        }));
    }
}
