//! The span of simulated time that charts show: it follows the present until it is moved.

use egui::{Context, Id, Rangef};

use crate::app::run::state::View;
use crate::model::Timed;
use crate::units::Duration;

/// Shown unless zoomed, in simulated seconds.
const SPAN_S: f64 = 48.0;
/// The least and the greatest that can be zoomed to, in simulated seconds.
const SPAN_MIN_S: f64 = 0.01;
const SPAN_MAX_S: f64 = 100.0 * 86_400.0;
/// Of the span, the least that is kept free for the future, and the most while something is scheduled.
const FUTURE_MIN: f64 = 0.06;
const FUTURE_MAX: f64 = 0.366;

/// Of the time until the last event that is scheduled, so much is shown, but no more than the second.
const SCENARIO: f64 = 1.12;
const SCENARIO_MAX_S: f64 = 3600.0;

/// The latest that an event can happen.
fn latest(timed: &Timed) -> Duration {
    match timed {
        Timed::At(at, _) => *at,
        Timed::Between(_, to, _) => *to,
    }
}

/// A span of simulated time, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeWindow {
    /// Begin.
    pub from: f64,
    /// End.
    pub to: f64,
    /// Whether it moves along with the present.
    pub follows: bool,
    /// Its length if it was zoomed.
    zoomed: Option<f64>,
}

impl Default for TimeWindow {
    fn default() -> Self {
        Self {
            from: 0.0,
            to: SPAN_S,
            follows: true,
            zoomed: None,
        }
    }
}

impl TimeWindow {
    /// The one that all charts of the window share.
    pub fn shared(ctx: &Context) -> Self {
        ctx.data(|data| data.get_temp(Id::unique("time window")))
            .unwrap_or_default()
    }

    /// Shares it with the other charts.
    pub fn share(self, ctx: &Context) {
        ctx.data_mut(|data| data.insert_temp(Id::unique("time window"), self));
    }

    /// Its length.
    pub fn span(&self) -> f64 {
        self.to - self.from
    }

    /// Moves along with the present.
    pub fn follow(&mut self, view: &View) {
        let now = view.snapshot.now.secs();
        if !self.follows {
            return;
        }
        let fastest = if view.speed.is_finite() {
            view.speed
        } else {
            view.speed_got.unwrap_or(1.0)
        };
        // Ten times faster than that, the whole axis would pass in half a second.
        let last = view.topology.scenario.iter().map(latest).max();
        let last = last.unwrap_or(Duration(0)).secs();
        let span = self.zoomed.unwrap_or_else(|| {
            // All that is scheduled is seen from the start, with a little room behind it.
            let scenario = SPAN_S.max(last * SCENARIO).min(SCENARIO_MAX_S);
            if view.speed.is_finite() {
                scenario.max(SPAN_S * fastest / 10.0)
            } else {
                scenario.max(now * 1.1)
            }
        });
        let future = ((last - now) / span + FUTURE_MIN).clamp(FUTURE_MIN, FUTURE_MAX);
        self.to = (now + future * span).max(span);
        self.from = self.to - span;
    }

    /// The same without what is still to come, but for a little room; as it is where it was moved by hand.
    pub fn past(mut self, now: f64) -> Self {
        if self.follows && now > self.from {
            self.to = self.to.min(now + (now - self.from) * 0.03);
            self.follows = false;
        }
        self
    }

    /// Shifts it by so many seconds; it no longer follows.
    pub fn pan(&mut self, seconds: f64) {
        let seconds = seconds.max(-self.from);
        self.from += seconds;
        self.to += seconds;
        self.follows = false;
        self.zoomed = Some(self.span());
    }

    /// Shows `factor` times as much time, keeping what is at `around` in its place.
    pub fn zoom(&mut self, factor: f64, around: f64) {
        let span = (self.span() * factor).clamp(SPAN_MIN_S, SPAN_MAX_S);
        let share = (around - self.from) / self.span();
        self.from = (around - share * span).max(0.0);
        self.to = self.from + span;
        self.zoomed = Some(span);
    }

    /// Follows again, with the usual span.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Where an instant is drawn.
    pub fn x(&self, seconds: f64, across: Rangef) -> f32 {
        across.min + ((seconds - self.from) / self.span()) as f32 * across.span()
    }

    /// The instant drawn at a place.
    pub fn seconds(&self, x: f32, across: Rangef) -> f64 {
        self.from + f64::from((x - across.min) / across.span().max(1.0)) * self.span()
    }

    /// Seconds between two marks, at least `least` points apart.
    pub fn tick_step(&self, across: Rangef, least: f32) -> f64 {
        const STEPS: [f64; 19] = [
            1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0,
            7200.0, 14_400.0, 21_600.0, 43_200.0, 86_400.0, 864_000.0,
        ];
        let wanted = self.span() * f64::from(least / across.span().max(1.0));
        if wanted > 1.0 {
            let step = STEPS.into_iter().find(|step| *step >= wanted);
            return step.unwrap_or(8_640_000.0);
        }
        let mut step = 1.0;
        // 1, 0.5, 0.2, 0.1, 0.05 ...
        for divisor in [2.0, 2.5, 2.0].into_iter().cycle().take(24) {
            if step / divisor < wanted {
                break;
            }
            step /= divisor;
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::Sample;

    #[test]
    fn the_present_stays_in_view_until_the_window_is_moved() {
        let sample = Sample::new();
        let mut window = TimeWindow::default();
        window.follow(&sample.view());
        // With all of the scenario, from its start to its last event.
        assert!(window.from == 0.0 && window.to > 82.0, "{window:?}");
        let mut later = Sample::new();
        later.snapshot.now = Duration::from_secs(400.0);
        window.follow(&later.view());
        assert!(window.from > 300.0 && window.to > 400.0, "{window:?}");
        window.follow(&sample.view());
        window.pan(-10.0);
        let moved = window;
        window.follow(&sample.view());
        assert_eq!(window, moved);
        window.pan(-1e9);
        assert_eq!(window.from, 0.0);
        window.reset();
        assert!(window.follows);
    }

    #[test]
    fn zooming_keeps_the_place_pointed_at() {
        let mut window = TimeWindow::default();
        let across = Rangef::new(100.0, 900.0);
        window.pan(20.0);
        let x = window.x(40.0, across);
        window.zoom(0.5, 40.0);
        assert!((window.x(40.0, across) - x).abs() < 0.01);
        assert!((window.seconds(x, across) - 40.0).abs() < 1e-3);
        window.zoom(0.0, 40.0);
        assert!(window.span() >= SPAN_MIN_S * 0.999);
        window.zoom(f64::MAX, 40.0);
        assert!(window.span() <= SPAN_MAX_S * 1.001);
    }

    #[test]
    fn marks_are_round_numbers() {
        let across = Rangef::new(0.0, 764.0);
        let step = |span: f64| {
            TimeWindow {
                from: 0.0,
                to: span,
                ..TimeWindow::default()
            }
            .tick_step(across, 70.0)
        };
        assert_eq!(step(48.0), 5.0);
        assert_eq!(step(600.0), 60.0);
        assert_eq!(step(4.8), 0.5);
        assert!((step(0.48) - 0.05).abs() < 1e-12);
    }
}
