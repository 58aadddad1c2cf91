//! Time that passes: how much is due, how much is simulated of it, and how fast that is.

use super::machine::Machine;
use crate::analysis::Track;
use crate::analysis::ceiling::EVENTS_BETWEEN_LOOKS;
use crate::units::{Duration, SECOND};

/// Events handled between two looks at the clock and the orders: well under a millisecond.
pub(super) const SLICE_EVENTS: u64 = 256;

impl Machine {
    pub(super) fn now(&self) -> Duration {
        self.track.as_ref().map_or(Duration(0), Track::now)
    }

    pub(super) fn later_by(&self, span: Duration) -> Duration {
        Duration(self.now().0.saturating_add(span.0))
    }

    /// Lets real time pass; true when all that was due has been simulated before `late` said to stop.
    pub(super) fn advance(&mut self, real_seconds: f64, late: impl Fn() -> bool) -> bool {
        if !self.playing || self.track.is_none() {
            return true;
        }
        self.results_age += real_seconds;
        // After a hitch, time is not made up for: it would be a jump. In a caller's hands all of it counts.
        let due = real_seconds.clamp(0.0, 0.25) * self.speed * SECOND as f64 + self.fraction;
        let until = if due.is_finite() && due < 9e18 {
            self.fraction = due.fract();
            self.later_by(Duration(due as u64))
        } else {
            // As fast as the machine goes: to the end of this turn, of which the caller's has none but a second.
            self.fraction = 0.0;
            self.later_by(Duration(SECOND))
        };
        let from = self.now();
        let mut reached = true;
        while self.playing && self.now() < until {
            if self.interval_end <= self.now() {
                self.interval_end = self.later_by(self.interval_length());
            }
            let stop = until.min(self.interval_end);
            let at_stop = self
                .guarded(|track| track.run_some(stop, SLICE_EVENTS))
                .unwrap_or(true);
            if at_stop && self.now() >= self.interval_end {
                self.collect();
            }
            self.look(SLICE_EVENTS);
            if late() {
                // What could not be simulated in time is let go: the run is slower than asked, and says so.
                reached = self.now() >= until;
                break;
            }
        }
        self.meter.note(
            real_seconds,
            Duration(self.now().0.saturating_sub(from.0)).secs(),
        );
        reached && self.speed.is_finite()
    }

    /// Looks every some thousand events whether the run has filled its memory; then it stands still.
    pub(super) fn look(&mut self, events: u64) {
        self.events += events;
        if self.events < EVENTS_BETWEEN_LOOKS {
            return;
        }
        self.events = 0;
        if let Some(track) = &self.track
            && let Some(sentence) = self.ceiling.look(track)
        {
            self.full = Some(format!("At {} {sentence}", track.now()));
            self.pause();
        }
    }
}
