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

mod machine;
mod meter;
mod publish;
#[cfg(test)]
mod tests;
mod time;

use std::collections::VecDeque;
use std::fmt;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::analysis::Estimate;
use crate::analysis::objectives::Verdict;
use crate::model::settings::SettingError;
use crate::model::{Command, Renaming, Timed, Topology};
use crate::sim::Sim;
use crate::sim::figures::Figures;
use crate::sim::snapshot::{Interval, Snapshot};
use crate::units::Duration;
use machine::Machine;

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
