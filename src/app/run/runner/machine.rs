//! The simulator with its clock, and what orders do to it; everything but the thread's channel.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration as RealDuration, Instant};

use super::meter::Meter;
use super::{Order, Promise, Refusal, Shared};
use crate::analysis::ceiling::{Ceiling, DEFAULT_MEMORY};
use crate::analysis::{Keeps, Track, so_far};
use crate::app::run::speed::SPEED_MIN;
use crate::model::{Command, Renaming, Timed, Topology};
use crate::sim::figures::Figures;
use crate::units::{Duration, SECOND};

/// Real time between two snapshots while playing.
pub(super) const FRAME: RealDuration = RealDuration::from_millis(16);
/// Real time that is simulated at most before orders are looked at again.
pub(super) const TURN: RealDuration = RealDuration::from_millis(4);
/// The farthest a step goes when no event comes sooner.
pub(super) const STEP: Duration = Duration(SECOND / 100);

/// The simulator with its clock; everything but the thread.
pub(super) struct Machine {
    pub(super) shared: Arc<Shared>,
    pub(super) track: Option<Track>,
    pub(super) run: u64,
    pub(super) renamed: u64,
    pub(super) seed: u64,
    pub(super) playing: bool,
    pub(super) speed: f64,
    /// Simulated nanoseconds that are due but are less than one.
    pub(super) fraction: f64,
    /// When the interval that is being collected ends.
    pub(super) interval_end: Duration,
    pub(super) recording: Arc<Vec<Timed>>,
    pub(super) scenario: Arc<Vec<Timed>>,
    pub(super) promises: Arc<Vec<Promise>>,
    pub(super) results: Option<Arc<Figures>>,
    pub(super) wants_results: bool,
    /// Real seconds played since the results were made.
    pub(super) results_age: f64,
    pub(super) failure: Option<String>,
    pub(super) ceiling: Ceiling,
    /// Events since the last look at it.
    pub(super) events: u64,
    pub(super) full: Option<String>,
    pub(super) meter: Meter,
    /// A run that can be brought back.
    pub(super) aside: Option<Aside>,
}

/// A run that was put aside.
pub(super) struct Aside {
    pub(super) track: Track,
    pub(super) seed: u64,
    pub(super) recording: Arc<Vec<Timed>>,
    pub(super) promises: Arc<Vec<Promise>>,
}

impl Machine {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            track: None,
            run: 0,
            renamed: 0,
            seed: 0,
            playing: false,
            speed: 1.0,
            fraction: 0.0,
            interval_end: Duration(0),
            recording: Arc::default(),
            scenario: Arc::default(),
            promises: Arc::default(),
            results: None,
            wants_results: false,
            results_age: 0.0,
            failure: None,
            ceiling: Ceiling::new(DEFAULT_MEMORY),
            events: 0,
            full: None,
            meter: Meter::default(),
            aside: None,
        }
    }

    /// The thread's life.
    pub(super) fn serve(&mut self, inbox: &Receiver<Order>, wake: &impl Fn()) {
        let mut last = Instant::now();
        let mut shown = last;
        loop {
            // While it stands, nothing is done until an order comes.
            let order = if self.playing {
                match inbox.try_recv() {
                    Ok(order) => Some(order),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return,
                }
            } else {
                match inbox.recv() {
                    Ok(order) => Some(order),
                    Err(mpsc::RecvError) => return,
                }
            };
            if let Some(order) = order {
                let stood = !self.playing;
                self.obey(order);
                while let Ok(order) = inbox.try_recv() {
                    self.obey(order);
                }
                self.publish();
                wake();
                shown = Instant::now();
                if stood {
                    last = shown;
                    continue;
                }
            }

            let now = Instant::now();
            let turn_end = now + TURN;
            let passed = now.duration_since(last).as_secs_f64();
            last = now;
            let reached = self.advance(passed, || Instant::now() >= turn_end);
            if shown.elapsed() >= FRAME || !self.playing {
                self.publish();
                wake();
                shown = Instant::now();
            }
            if reached && self.playing {
                match inbox.recv_timeout(TURN) {
                    Ok(order) => {
                        self.obey(order);
                        self.publish();
                        wake();
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        }
    }

    pub(super) fn obey(&mut self, order: Order) {
        match order {
            Order::Start {
                run,
                topology,
                seed,
                keep,
            } => {
                if keep {
                    self.aside = self.put_aside();
                }
                self.start(run, topology.as_deref(), seed);
            }
            Order::Forget => self.aside = None,
            Order::Restore { run } => self.restore(run),
            Order::Copy(answer) => {
                if let Some(copy) = self.guarded(|track| track.sim().clone()) {
                    // Whoever wanted it may have given up: then nobody is told.
                    let _ = answer.send(copy);
                }
            }
            Order::Take(answer) => {
                if let Some(results) = self.guarded(|track| so_far(track)) {
                    // Whoever wanted them may have given up: then nobody is told.
                    let _ = answer.send(results);
                }
            }
            Order::Apply(commands) => {
                for command in commands {
                    self.apply(command);
                }
            }
            Order::Rename(number, names) => self.rename(number, &names),
            Order::Reschedule(scenario) => {
                self.guarded(|track| track.reschedule(&scenario));
                self.note_scenario();
            }
            Order::Results(wanted) => {
                self.wants_results = wanted;
                self.results = None;
            }
            Order::Play => self.playing = self.track.is_some() && self.full.is_none(),
            Order::Pause => self.pause(),
            Order::Step => {
                let until = self.later_by(STEP);
                if self.full.is_none() {
                    self.guarded(|track| {
                        track.run_some(until, 1);
                    });
                    self.look(1);
                }
                self.pause();
            }
            Order::Speed(speed) => {
                self.speed = if speed.is_nan() {
                    1.0
                } else {
                    speed.max(SPEED_MIN)
                };
                self.fraction = 0.0;
                self.meter = Meter::default();
            }
        }
    }

    pub(super) fn start(&mut self, run: u64, topology: Option<&Topology>, seed: u64) {
        self.run = run;
        self.seed = seed;
        self.playing = false;
        self.failure = None;
        self.full = None;
        self.ceiling = Ceiling::new(DEFAULT_MEMORY);
        self.events = 0;
        self.fraction = 0.0;
        self.interval_end = Duration(0);
        self.recording = Arc::default();
        self.scenario = Arc::default();
        self.promises = Arc::default();
        self.results = None;
        self.meter = Meter::default();
        self.track = None;
        {
            let mut outbox = self.shared.outbox();
            outbox.run = run;
            outbox.intervals.clear();
            outbox.refused.clear();
        }
        let Some(topology) = topology else { return };
        match catch_unwind(|| Track::new(topology, seed, Keeps::LIVE)) {
            Ok(track) => self.track = Some(track),
            Err(panic) => self.fail(panic.as_ref()),
        }
        self.note_scenario();
        self.judge();
    }

    pub(super) fn put_aside(&mut self) -> Option<Aside> {
        Some(Aside {
            track: self.track.take()?,
            seed: self.seed,
            recording: Arc::clone(&self.recording),
            promises: Arc::clone(&self.promises),
        })
    }

    pub(super) fn restore(&mut self, run: u64) {
        let Some(aside) = self.aside.take() else {
            return;
        };
        self.aside = self.put_aside();
        self.start(run, None, aside.seed);
        self.track = Some(aside.track);
        self.recording = aside.recording;
        self.promises = aside.promises;
        self.note_scenario();
    }

    pub(super) fn pause(&mut self) {
        self.playing = false;
        self.meter = Meter::default();
        self.collect();
    }

    pub(super) fn apply(&mut self, command: Command) {
        // The chart's interval ends at the command, so that what it does begins sharply.
        if self.now() > Duration(0) {
            self.collect();
        }
        if let Some(Err(error)) = self.guarded(|track| track.apply(&command)) {
            self.shared
                .outbox()
                .refused
                .push(Refusal { command, error });
        }
        self.note_recording();
        self.judge();
    }

    pub(super) fn rename(&mut self, number: u64, names: &Renaming) {
        self.renamed = number;
        self.guarded(|track| track.rename(names));
        for timed in Arc::make_mut(&mut self.recording) {
            names.timed(timed);
        }
        self.note_scenario();
        // They name nodes, too.
        self.results = None;
        for interval in &mut self.shared.outbox().intervals {
            interval.rename(names);
        }
    }

    /// Runs something in the simulator; a panic there ends the run and not the program.
    pub(super) fn guarded<T>(&mut self, work: impl FnOnce(&mut Track) -> T) -> Option<T> {
        let track = self.track.as_mut()?;
        // After a panic the simulator is dropped unseen, so nobody can find it half changed.
        match catch_unwind(AssertUnwindSafe(|| work(track))) {
            Ok(value) => Some(value),
            Err(panic) => {
                self.fail(panic.as_ref());
                None
            }
        }
    }

    pub(super) fn fail(&mut self, panic: &(dyn Any + Send)) {
        let what = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no reason given".to_owned());
        self.failure = Some(format!(
            "The simulation failed at {} (seed {}): {what}",
            self.track.as_ref().map_or(Duration(0), Track::now),
            self.seed
        ));
        self.playing = false;
        self.track = None;
    }
}
