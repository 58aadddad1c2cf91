//! The simulation on its own thread: the window sends orders and reads what is shown, and never waits.
//!
//! ```text
//!  window                                             thread
//!    Runner::order ----------- channel ------------->  Machine::obey
//!    Runner::latest <---------- ArcSwap -------------  Machine::publish, 60 times a second, then wakes the window
//!    Runner::take_intervals <-- bounded queue -------  Machine::collect
//! ```
//!
//! What is slow runs in slices of a few hundred events, so an order is carried out within a few milliseconds. A panic in
//! the simulator ends that run, with a message, and nothing else.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration as RealDuration, Instant};

use arc_swap::ArcSwap;

use super::speed::SPEED_MIN;
use crate::analysis::ceiling::{Ceiling, DEFAULT_MEMORY, EVENTS_BETWEEN_LOOKS};
use crate::analysis::objectives::Verdict;
use crate::analysis::{Estimate, Keeps, Track, so_far};
use crate::model::settings::SettingError;
use crate::model::{Command, Renaming, Timed, Topology};
use crate::sim::Sim;
use crate::sim::figures::Figures;
use crate::sim::snapshot::{Interval, Snapshot};
use crate::units::{Duration, SECOND};

/// Events handled between two looks at the clock and the orders: well under a millisecond.
const SLICE_EVENTS: u64 = 256;
/// Real time between two snapshots while playing.
const FRAME: RealDuration = RealDuration::from_millis(16);
/// Real time that is simulated at most before orders are looked at again.
const TURN: RealDuration = RealDuration::from_millis(4);
/// Intervals that wait for the window at most; a window that does not look gets longer ones, not more.
const INTERVALS_MAX: usize = 1024;
/// The farthest a step goes when no event comes sooner.
const STEP: Duration = Duration(SECOND / 100);
/// Real time between two looks at all results while playing, in seconds.
const RESULTS_EVERY_S: f64 = 0.25;

/// What the window asks of the simulation.
#[derive(Clone, Debug)]
pub enum Order {
    /// A new run, paused at time 0. The number tells its snapshots and intervals from those of earlier runs.
    Start {
        /// Counts up.
        run: u64,
        /// What is run; must have passed the checks of the model. `None`: nothing, an empty system.
        topology: Option<Box<Topology>>,
        /// Seed of the random draws.
        seed: u64,
        /// Whether the run until now is put aside, so that it can be brought back.
        keep: bool,
    },
    /// Nothing that was put aside is wanted any more.
    Forget,
    /// The run that was put aside goes on, under another number, paused; the one until now is put aside in its stead.
    Restore {
        /// Counts up.
        run: u64,
    },
    /// A copy of the running system as it is now, to be tried out elsewhere.
    Copy(Sender<Sim>),
    /// All results so far, in the shape of `run --json`.
    Take(Sender<Figures<Estimate>>),
    /// Carry out now, in this order.
    Apply(Vec<Command>),
    /// Nodes get other names, also in what was recorded; a run that was put aside keeps its own until it is back. The number tells what is published from then on.
    Rename(u64, Renaming),
    /// What lies ahead of now in this scenario is what happens from now on; what has happened stays.
    Reschedule(Vec<Timed>),
    /// Whether the results so far are wanted, for what is expected of them.
    Results(bool),
    /// Let simulated time run.
    Play,
    /// Stop simulated time.
    Pause,
    /// One event further, then pause.
    Step,
    /// Simulated seconds a second; infinite: as fast as the machine goes.
    Speed(f64),
}

/// The running system as the window sees it.
#[derive(Clone, Debug, Default)]
pub struct Latest {
    /// Which run it is of.
    pub run: u64,
    /// How often nodes have got other names.
    pub renamed: u64,
    /// The system at its latest instant.
    pub snapshot: Snapshot,
    /// What was applied from outside so far.
    pub recording: Arc<Vec<Timed>>,
    /// What has happened of the scenario and what is to come in this run.
    pub scenario: Arc<Vec<Timed>>,
    /// What is said of each promise so far.
    pub promises: Arc<Vec<Promise>>,
    /// The results so far, a few times a second and whenever it stands; `None` while nobody wants them.
    pub results: Option<Arc<Figures>>,
    /// Whether simulated time runs.
    pub playing: bool,
    /// Simulated seconds a second over the last half second; `None` while it stands or is too young to tell.
    pub speed_got: Option<f64>,
    /// Why the run ended, if the simulator failed.
    pub failure: Option<String>,
    /// What fills the memory that a run may take, if it has: it stands still from then on.
    pub full: Option<String>,
}

/// What is said of a promise so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Promise {
    /// The verdict on the run up to now.
    pub verdict: Verdict,
    /// When it broke, if it is broken now.
    pub broken_at: Option<Duration>,
}

/// What waits for the window.
#[derive(Debug, Default)]
struct Outbox {
    run: u64,
    intervals: VecDeque<Interval>,
    refused: Vec<Refusal>,
}

/// A command that the running system could not carry out.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The command.
    pub command: Command,
    /// Why.
    pub error: SettingError,
}

/// What both sides see.
#[derive(Default)]
struct Shared {
    latest: ArcSwap<Latest>,
    outbox: Mutex<Outbox>,
}

impl Shared {
    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        // Nothing that holds the lock can leave the lists half changed.
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The window's end of the simulation.
pub struct Runner {
    shared: Arc<Shared>,
    by: By,
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").finish_non_exhaustive()
    }
}

/// Who does the work.
enum By {
    /// A thread of its own, until the sender is dropped.
    Thread(Sender<Order>),
    /// The caller of [`Runner::advance`]: the same frames give the same bytes, for tests.
    Caller(Box<Machine>),
}

impl Runner {
    /// Starts the thread, which ends when the runner is dropped. `wake` is called after each change of what is shown.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn spawn(wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (orders, inbox) = mpsc::channel();
        let mut machine = Machine::new(Arc::clone(&shared));
        std::thread::Builder::new()
            .name("simulation".into())
            .spawn(move || machine.serve(&inbox, &wake))?;
        Ok(Self {
            shared,
            by: By::Thread(orders),
        })
    }

    /// A runner without a thread: time passes only in [`Self::advance`].
    pub fn stepped() -> Self {
        let shared = Arc::new(Shared::default());
        Self {
            by: By::Caller(Box::new(Machine::new(Arc::clone(&shared)))),
            shared,
        }
    }

    /// Asks for something. The thread carries it out within a few milliseconds.
    pub fn order(&mut self, order: Order) {
        match &mut self.by {
            // It fails only when the thread is gone, which the window learns from `Latest::failure`.
            By::Thread(orders) => drop(orders.send(order)),
            By::Caller(machine) => {
                machine.obey(order);
                machine.publish();
            }
        }
    }

    /// Without a thread: lets so much real time pass. With one: does nothing.
    pub fn advance(&mut self, real_seconds: f64) {
        if let By::Caller(machine) = &mut self.by {
            machine.advance(real_seconds, || false);
            machine.publish();
        }
    }

    /// The running system at its latest instant.
    pub fn latest(&self) -> Arc<Latest> {
        self.shared.latest.load_full()
    }

    /// The intervals of this run that have not been taken yet, oldest first.
    pub fn take_intervals(&self, run: u64) -> Vec<Interval> {
        let mut outbox = self.shared.outbox();
        let taken = std::mem::take(&mut outbox.intervals);
        if outbox.run == run {
            taken.into()
        } else {
            Vec::new()
        }
    }

    /// What could not be carried out since the last call.
    pub fn take_refusals(&self) -> Vec<Refusal> {
        std::mem::take(&mut self.shared.outbox().refused)
    }
}

/// The simulator with its clock; everything but the thread.
struct Machine {
    shared: Arc<Shared>,
    track: Option<Track>,
    run: u64,
    renamed: u64,
    seed: u64,
    playing: bool,
    speed: f64,
    /// Simulated nanoseconds that are due but are less than one.
    fraction: f64,
    /// When the interval that is being collected ends.
    interval_end: Duration,
    recording: Arc<Vec<Timed>>,
    scenario: Arc<Vec<Timed>>,
    promises: Arc<Vec<Promise>>,
    results: Option<Arc<Figures>>,
    wants_results: bool,
    /// Real seconds played since the results were made.
    results_age: f64,
    failure: Option<String>,
    ceiling: Ceiling,
    /// Events since the last look at it.
    events: u64,
    full: Option<String>,
    meter: Meter,
    /// A run that can be brought back.
    aside: Option<Aside>,
}

/// A run that was put aside.
struct Aside {
    track: Track,
    seed: u64,
    recording: Arc<Vec<Timed>>,
    promises: Arc<Vec<Promise>>,
}

impl Machine {
    fn new(shared: Arc<Shared>) -> Self {
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
    fn serve(&mut self, inbox: &Receiver<Order>, wake: &impl Fn()) {
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

    fn obey(&mut self, order: Order) {
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

    fn start(&mut self, run: u64, topology: Option<&Topology>, seed: u64) {
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

    fn put_aside(&mut self) -> Option<Aside> {
        Some(Aside {
            track: self.track.take()?,
            seed: self.seed,
            recording: Arc::clone(&self.recording),
            promises: Arc::clone(&self.promises),
        })
    }

    fn restore(&mut self, run: u64) {
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

    fn pause(&mut self) {
        self.playing = false;
        self.meter = Meter::default();
        self.collect();
    }

    fn now(&self) -> Duration {
        self.track.as_ref().map_or(Duration(0), Track::now)
    }

    fn later_by(&self, span: Duration) -> Duration {
        Duration(self.now().0.saturating_add(span.0))
    }

    fn apply(&mut self, command: Command) {
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

    fn rename(&mut self, number: u64, names: &Renaming) {
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

    fn note_recording(&mut self) {
        if let Some(sim) = self.track.as_ref().map(Track::sim)
            && sim.recording().len() != self.recording.len()
        {
            self.recording = Arc::new(sim.recording().to_vec());
        }
    }

    fn note_scenario(&mut self) {
        if let Some(track) = &self.track {
            self.scenario = Arc::new(track.sim().scenario().to_vec());
        }
    }

    /// Judges the promises on the run so far.
    fn judge(&mut self) {
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
    fn look_at_results(&mut self) {
        let old = !self.playing || self.results_age >= RESULTS_EVERY_S;
        if self.wants_results && (old || self.results.is_none()) {
            self.results_age = 0.0;
            self.results = self.guarded(|track| Arc::new(track.results()));
        }
    }

    /// Lets real time pass; true when all that was due has been simulated before `late` said to stop.
    fn advance(&mut self, real_seconds: f64, late: impl Fn() -> bool) -> bool {
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
    fn look(&mut self, events: u64) {
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

    /// Simulated time between two points of a chart: finer in slow motion, coarser when fast.
    fn interval_length(&self) -> Duration {
        let seconds = (self.speed * 0.1).clamp(0.000_1, 0.25);
        let seconds = if self.speed > 10.0 {
            (self.speed / 40.0).clamp(0.25, 1.0)
        } else {
            seconds
        };
        Duration::from_secs(seconds)
    }

    /// Puts what happened since the last interval into the queue.
    fn collect(&mut self) {
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
    fn publish(&mut self) {
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

    /// Runs something in the simulator; a panic there ends the run and not the program.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Track) -> T) -> Option<T> {
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

    fn fail(&mut self, panic: &(dyn Any + Send)) {
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

/// How fast simulated time really goes, over half seconds.
#[derive(Debug, Default)]
struct Meter {
    real: f64,
    simulated: f64,
    speed: Option<f64>,
}

impl Meter {
    fn note(&mut self, real: f64, simulated: f64) {
        self.real += real;
        self.simulated += simulated;
        if self.real >= 0.5 {
            self.speed = Some(self.simulated / self.real);
            self.real = 0.0;
            self.simulated = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topology() -> Topology {
        let mut topology = Topology::default();
        topology.set_path("nodes.clients", "Clients()").unwrap();
        topology
            .set_path("nodes.api", "Service(state: InMemory())")
            .unwrap();
        topology
            .set_path("links.clients->api", "\"clients -> api\"")
            .unwrap();
        topology
    }

    fn started() -> Runner {
        let mut runner = Runner::stepped();
        runner.order(Order::Start {
            run: 1,
            topology: Some(Box::new(topology())),
            seed: 1,
            keep: false,
        });
        runner
    }

    fn now(runner: &Runner) -> f64 {
        runner.latest().snapshot.now.secs()
    }

    #[test]
    fn time_passes_as_asked_and_stands_when_paused() {
        let mut runner = started();
        runner.advance(0.1);
        assert_eq!(now(&runner), 0.0);
        runner.order(Order::Play);
        for _ in 0..10 {
            runner.advance(0.1);
        }
        assert!((now(&runner) - 1.0).abs() < 1e-6);
        let got = runner.latest().speed_got.unwrap();
        assert!((got - 1.0).abs() < 1e-6, "{got}");
        runner.order(Order::Speed(10.0));
        runner.advance(0.1);
        assert!((now(&runner) - 2.0).abs() < 1e-6);
        runner.order(Order::Speed(0.001));
        runner.advance(0.1);
        assert!((now(&runner) - 2.0001).abs() < 1e-8);
        runner.order(Order::Pause);
        runner.advance(0.1);
        assert!((now(&runner) - 2.0001).abs() < 1e-8);
        assert_eq!(runner.latest().speed_got, None);
    }

    #[test]
    fn as_fast_as_the_machine_goes_still_comes_back() {
        let mut runner = started();
        runner.order(Order::Speed(f64::INFINITY));
        runner.order(Order::Play);
        runner.advance(0.016);
        assert!(now(&runner) > 0.5);
    }

    #[test]
    fn a_step_goes_a_little_and_stands() {
        let mut runner = started();
        runner.order(Order::Step);
        let latest = runner.latest();
        assert!(latest.snapshot.now > Duration(0) && latest.snapshot.now <= STEP);
        assert!(!latest.playing);
    }

    #[test]
    fn commands_are_stamped_with_simulated_time_and_replay() {
        let mut runner = started();
        runner.order(Order::Play);
        for _ in 0..40 {
            runner.advance(0.05);
        }
        runner.order(Order::Apply(vec![Command::Crash("api".into(), 2)]));
        for _ in 0..40 {
            runner.advance(0.05);
        }
        runner.order(Order::Pause);
        let latest = runner.latest();
        let crash = Timed::At(Duration::from_secs(2.0), Command::Crash("api".into(), 2));
        assert_eq!(*latest.recording, vec![crash.clone()]);

        // The same as a scenario, headless and in one go, gives the same system.
        let mut document = topology();
        document.scenario.push(crash);
        let mut track = Track::new(&document, 1, Keeps::SCENARIO);
        track.run_until(latest.snapshot.now);
        let headless = track.snapshot();
        assert_eq!(headless.faults, latest.snapshot.faults);
        assert_eq!(headless.operations, latest.snapshot.operations);
        assert_eq!(headless.writes, latest.snapshot.writes);
        assert_eq!(headless.sessions, latest.snapshot.sessions);
        assert_eq!(headless.nodes, latest.snapshot.nodes);
    }

    #[test]
    fn what_cannot_be_carried_out_is_said() {
        let mut runner = started();
        let wrong = Command::Remove("apy".into());
        runner.order(Order::Apply(vec![wrong.clone()]));
        let refused = runner.take_refusals();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].command, wrong);
        assert!(refused[0].error.message.contains("api"), "{refused:?}");
        assert!(runner.take_refusals().is_empty());
    }

    #[test]
    fn intervals_join_and_belong_to_their_run() {
        let mut runner = started();
        runner.order(Order::Play);
        for _ in 0..20 {
            runner.advance(0.1);
        }
        runner.order(Order::Pause);
        let intervals = runner.take_intervals(1);
        assert!(!intervals.is_empty());
        assert!(
            intervals
                .windows(2)
                .all(|w| w[0].to <= w[1].from.max(w[0].to))
        );
        runner.order(Order::Play);
        runner.advance(0.2);
        runner.order(Order::Pause);
        assert!(runner.take_intervals(7).is_empty());
    }

    #[test]
    fn a_run_that_was_put_aside_goes_on_as_if_nothing_had_been() {
        let start = |runner: &mut Runner, run, keep| {
            let topology = Some(Box::new(topology()));
            runner.order(Order::Start {
                run,
                topology,
                seed: 1,
                keep,
            });
        };
        let play = |runner: &mut Runner, seconds: u32| {
            runner.order(Order::Play);
            for _ in 0..seconds * 10 {
                runner.advance(0.1);
            }
            runner.order(Order::Pause);
        };
        let mut straight = started();
        play(&mut straight, 4);
        let mut runner = started();
        play(&mut runner, 2);
        start(&mut runner, 2, true);
        play(&mut runner, 1);
        runner.order(Order::Restore { run: 3 });
        assert!((now(&runner) - 2.0).abs() < 1e-6 && runner.latest().run == 3);
        play(&mut runner, 2);
        assert_eq!(runner.latest().snapshot, straight.latest().snapshot);
        // And the other way round.
        runner.order(Order::Restore { run: 4 });
        assert!((now(&runner) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_panic_ends_the_run_and_not_the_machine() {
        let mut machine = Machine::new(Arc::default());
        machine.start(3, Some(&topology()), 42);
        machine.playing = true;
        machine.guarded(|_| -> () { panic!("an invariant does not hold") });
        machine.publish();
        let latest = machine.shared.latest.load_full();
        let failure = latest.failure.as_ref().unwrap();
        assert!(
            failure.contains("seed 42") && failure.contains("invariant"),
            "{failure}"
        );
        assert!(!latest.playing);
        // The next run is not touched by it.
        machine.start(4, Some(&topology()), 42);
        machine.publish();
        assert_eq!(machine.shared.latest.load().failure, None);
    }

    #[test]
    fn a_run_that_fills_its_memory_stands_still_and_says_what_fills_it() {
        let mut machine = Machine::new(Arc::default());
        let mut topology = topology();
        topology
            .set_path("nodes.clients.arrivals", "Steady(\"1e6/s\")")
            .unwrap();
        topology.set_path("nodes.api.queue", "Unlimited").unwrap();
        machine.start(1, Some(&topology), 1);
        machine.ceiling = Ceiling::new(crate::units::Bytes(16 << 20));
        machine.obey(Order::Play);
        machine.advance(0.1, || false);
        machine.publish();
        let latest = machine.shared.latest.load_full();
        let full = latest.full.as_ref().unwrap();
        assert!(full.contains("`api`") && full.contains("16MiB"), "{full}");
        assert!(!latest.playing && latest.failure.is_none());
        let stood = latest.snapshot.now;
        assert!(stood > Duration(0) && stood < Duration(SECOND / 10));
        // It does not go on, and the next run does.
        machine.obey(Order::Play);
        machine.obey(Order::Step);
        machine.advance(0.1, || false);
        assert_eq!(machine.now(), stood);
        machine.start(2, Some(&topology), 1);
        machine.obey(Order::Play);
        assert!(machine.playing && machine.full.is_none());
    }

    #[test]
    fn the_thread_answers_and_ends_with_the_window() {
        let (woken, wakes) = mpsc::channel();
        let mut runner = Runner::spawn(move || _ = woken.send(())).unwrap();
        runner.order(Order::Start {
            run: 1,
            topology: Some(Box::new(topology())),
            seed: 1,
            keep: false,
        });
        runner.order(Order::Speed(f64::INFINITY));
        runner.order(Order::Play);
        while runner.latest().snapshot.now == Duration(0) {
            wakes.recv().unwrap();
        }
        runner.order(Order::Apply(vec![Command::Crash("api".into(), 1)]));
        while runner.latest().recording.is_empty() {
            wakes.recv().unwrap();
        }
        drop(runner);
        // The thread owns the sender of wakes: when it ends, the channel closes.
        while wakes.recv().is_ok() {}
    }
}
