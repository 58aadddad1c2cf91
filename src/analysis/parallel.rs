//! Many independent simulations on several threads, with results in order, so that the number of threads changes nothing.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration as WallTime;

use super::track::{Keeps, Track};
use crate::model::Topology;
use crate::units::{Bytes, Duration};

use super::ceiling::{Ceiling, DEFAULT_MEMORY, EVENTS_BETWEEN_LOOKS};

/// Events between two looks at whether the work is still wanted: few, since some take long, such as a crash under load.
const SLICE_EVENTS: u64 = 256;

/// How far a piece of work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Simulated time so far, in milliseconds, over all runs.
    pub done: u64,
    /// Simulated time in all, in milliseconds.
    pub total: u64,
}

/// How work is watched and stopped.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// Threads to use; at least 1.
    pub threads: usize,
    /// Called now and then from the thread that waits for the results.
    pub progress: &'a dyn Fn(Progress),
    /// Set to true from anywhere, the work ends soon with what is known by then.
    pub cancel: &'a AtomicBool,
    /// The most memory that each simulation may take.
    pub memory: Bytes,
}

/// The work ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// What ended it.
    pub why: Why,
    /// Runs that came to their end.
    pub whole: usize,
    /// Simulated time of the run that was cut.
    pub at: Duration,
}

/// What ends work before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Somebody who had seen enough.
    Cancelled,
    /// A simulation has reached its ceiling: what fills it, and what to change, in sentences.
    Full(String),
}

static NEVER: AtomicBool = AtomicBool::new(false);

impl Control<'static> {
    /// That many threads, unwatched and not to be stopped.
    pub fn threads(threads: usize) -> Self {
        Self {
            threads,
            progress: &|_| {},
            cancel: &NEVER,
            memory: DEFAULT_MEMORY,
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
    /// Whether faults get twins, which tell what they caused.
    pub twins: bool,
}

/// Milliseconds, in which even a hundred thousand long runs add up.
fn milliseconds(time: Duration) -> u64 {
    time.0 / 1_000_000
}

/// Runs every simulation to its end, and hands what `read` takes from each to `receive`, in the order of `runs`.
///
/// # Errors
/// The work was cut. Received was then what `read` took from the runs that came to their end; or, if none did, what it
/// took from the first one as far as that came. With [`Why::Full`], these are the runs before the first that has reached
/// its ceiling, so they do not depend on the number of threads.
pub fn run_all<T: Send>(
    runs: &[Run],
    control: Control,
    read: impl Fn(usize, &Track) -> T + Sync,
    mut receive: impl FnMut(usize, T),
) -> Result<(), Cut> {
    let total = runs
        .iter()
        .map(|run| milliseconds(run.topology.duration))
        .fold(0, u64::saturating_add);
    let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
    // Runs from this one on are not wanted: one before them has reached its ceiling.
    let wanted = AtomicUsize::new(usize::MAX);
    let report = || {
        (control.progress)(Progress {
            done: done.load(Ordering::Relaxed),
            total,
        });
    };
    let mut received = 0;
    let mut first_cut: Option<(usize, Cut, T)> = None;
    // What came before its turn; with threads that take runs in order it stays small.
    let mut early = BTreeMap::new();
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        let (next, done, wanted, read) = (&next, &done, &wanted, &read);
        let limits = (control.cancel, control.memory);
        for _ in 0..control.threads.clamp(1, runs.len().max(1)) {
            let sender = sender.clone();
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(run) = runs.get(index) else { break };
                    let unwanted = || index > wanted.load(Ordering::Relaxed);
                    let (track, cut) = run_to_end(run, limits, done, &unwanted);
                    if matches!(cut, Some(Why::Full(_))) {
                        wanted.fetch_min(index, Ordering::Relaxed);
                    }
                    let over = cut.is_some();
                    if sender
                        .send((index, cut, track.now(), read(index, &track)))
                        .is_err()
                        || over
                    {
                        break;
                    }
                }
            });
        }
        drop(sender);
        loop {
            match receiver.recv_timeout(WallTime::from_millis(100)) {
                Ok((index, None, _, value)) => {
                    early.insert(index, value);
                    while let Some(value) = early.remove(&received) {
                        receive(received, value);
                        received += 1;
                    }
                }
                Ok((index, Some(why), at, value)) => {
                    if first_cut.as_ref().is_none_or(|(first, ..)| index < *first) {
                        let whole = 0;
                        first_cut = Some((index, Cut { why, whole, at }, value));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            report();
        }
    });
    let Some((index, mut cut, value)) = first_cut else {
        return Ok(());
    };
    cut.whole = received;
    for (index, value) in early {
        // Whoever interrupts wants all there is; a ceiling is reached in the same run with any number of threads.
        if cut.why == Why::Cancelled {
            receive(index, value);
            cut.whole += 1;
        }
    }
    if cut.whole == 0 {
        receive(index, value);
    }
    Err(cut)
}

/// Runs one simulation to its end, adding the simulated time to `done`, or until it is cut.
fn run_to_end(
    run: &Run,
    (cancel, memory): (&AtomicBool, Bytes),
    done: &AtomicU64,
    unwanted: &dyn Fn() -> bool,
) -> (Track, Option<Why>) {
    let keeps = Keeps {
        twins: run.twins,
        ..Keeps::SCENARIO
    };
    let mut track = Track::new(run.topology, run.seed, keeps);
    let mut ceiling = Ceiling::new(memory);
    let (mut counted, mut slices) = (0, 0_u64);
    loop {
        if cancel.load(Ordering::Relaxed) || unwanted() {
            return (track, Some(Why::Cancelled));
        }
        if slices.is_multiple_of(EVENTS_BETWEEN_LOOKS / SLICE_EVENTS)
            && let Some(sentence) = ceiling.look(&track)
        {
            return (track, Some(Why::Full(sentence)));
        }
        slices += 1;
        let over = track.run_some(run.topology.duration, SLICE_EVENTS);
        let now = milliseconds(track.now());
        done.fetch_add(now - counted, Ordering::Relaxed);
        counted = now;
        if over {
            return (track, None);
        }
    }
}
