//! Many independent simulations on several threads, with results in order, so that the number of threads changes nothing.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration as WallTime;

use crate::model::Topology;
use crate::sim::{Sim, Watch};
use crate::units::Duration;

/// Events between two looks at the cancel flag: some hundredths of a second.
const EVENTS_AT_ONCE: u64 = 200_000;

/// How far a piece of work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Simulated time so far, in nanoseconds, over all runs.
    pub done: u64,
    /// Simulated time in all, in nanoseconds.
    pub total: u64,
}

/// How work is watched and stopped.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// Threads to use; at least 1.
    pub threads: usize,
    /// Called now and then from the thread that waits for the results.
    pub progress: &'a dyn Fn(Progress),
    /// Set to true from anywhere, the work ends soon and has no result.
    pub cancel: &'a AtomicBool,
}

static NEVER: AtomicBool = AtomicBool::new(false);

impl Control<'static> {
    /// That many threads, unwatched and not to be stopped.
    pub fn threads(threads: usize) -> Self {
        Self {
            threads,
            progress: &|_| {},
            cancel: &NEVER,
        }
    }
}

/// As many threads as the machine runs at once.
pub fn machine_threads() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// One simulation to run to its end.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What is simulated, over its `duration`.
    pub topology: &'a Topology,
    /// Seed of the random draws.
    pub seed: u64,
}

/// Runs every simulation to its end, and hands what `read` takes from each to `receive`, in the order of `runs`.
/// False if it was cancelled before all had been received.
pub fn run_all<T: Send>(
    runs: &[Run],
    control: Control,
    read: impl Fn(usize, &Sim) -> T + Sync,
    mut receive: impl FnMut(usize, T),
) -> bool {
    let total = runs.iter().map(|run| run.topology.duration.0).sum();
    let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
    let report = || {
        (control.progress)(Progress {
            done: done.load(Ordering::Relaxed),
            total,
        });
    };
    let (cancel, next, done_ref, read) = (control.cancel, &next, &done, &read);
    let mut received = 0;
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        for _ in 0..control.threads.clamp(1, runs.len().max(1)) {
            let sender = sender.clone();
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(run) = runs.get(index) else { break };
                    let Some(sim) = run_to_end(run, cancel, done_ref) else {
                        break;
                    };
                    if sender.send((index, read(index, &sim))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        // What came before its turn; with threads that take runs in order it stays small.
        let mut early = BTreeMap::new();
        loop {
            match receiver.recv_timeout(WallTime::from_millis(100)) {
                Ok((index, value)) => {
                    early.insert(index, value);
                    while let Some(value) = early.remove(&received) {
                        receive(received, value);
                        received += 1;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            report();
        }
    });
    received == runs.len()
}

/// Runs one simulation to its end, adding the simulated time to `done`; `None` if cancelled.
fn run_to_end(run: &Run, cancel: &AtomicBool, done: &AtomicU64) -> Option<Sim> {
    // Nobody takes intervals here, so none are collected.
    let mut sim = Sim::new(run.topology, run.seed, Watch { live: false });
    let mut counted = Duration(0);
    loop {
        if cancel.load(Ordering::Relaxed) {
            return None;
        }
        let over = sim.run_some(run.topology.duration, EVENTS_AT_ONCE);
        done.fetch_add(sim.now().0 - counted.0, Ordering::Relaxed);
        counted = sim.now();
        if over {
            return Some(sim);
        }
    }
}
