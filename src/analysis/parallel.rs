//! Many independent simulations in a pool of threads, with results in order, so that the number of threads changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration as WallTime;

use super::ceiling::{Ceiling, DEFAULT_MEMORY, EVENTS_BETWEEN_LOOKS};
use super::jobs::{Batch, Failed, Pool, Priority, Turn};
use super::track::{Keeps, Track};
use crate::model::Topology;
use crate::units::{Bytes, Duration};

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

/// Real time between two looks at whether somebody has seen enough.
const BETWEEN_LOOKS: WallTime = WallTime::from_millis(20);

/// Who does the work, and how it is watched and stopped.
#[derive(Clone)]
pub struct Control<'a> {
    /// What runs it.
    pub pool: Pool,
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
    /// A simulation failed, which is a defect of the simulator: with which seed, and what it said.
    Failed(String),
}

static NEVER: AtomicBool = AtomicBool::new(false);

impl Control<'static> {
    /// That many threads of its own, unwatched and not to be stopped.
    pub fn threads(threads: usize) -> Self {
        Self {
            pool: Pool::new(threads),
            progress: &|_| {},
            cancel: &NEVER,
            memory: DEFAULT_MEMORY,
        }
    }
}

/// One simulation to run to its end.
#[derive(Clone, Debug)]
pub struct Run {
    /// What is simulated, over its `duration`.
    pub topology: Arc<Topology>,
    /// Seed of the random draws.
    pub seed: u64,
    /// Whether faults get twins, which tell what they caused.
    pub twins: bool,
}

/// Milliseconds, in which even a hundred thousand long runs add up.
fn milliseconds(time: Duration) -> u64 {
    time.0 / 1_000_000
}

/// What is known of a run once it is over.
struct Over<T> {
    value: T,
    at: Duration,
    cut: Option<Why>,
}

/// Runs every simulation to its end, and hands what `read` takes from each to `receive`, in the order of `runs`.
///
/// # Errors
/// The work was cut. Received was then what `read` took from the runs that came to their end; or, if none did, what it
/// took from the first one as far as that came. With [`Why::Full`] and [`Why::Failed`], these are the runs before the first to which
/// that happened, so they do not depend on the number of threads.
pub fn run_all<T: Send + 'static>(
    runs: &[Run],
    control: Control,
    read: impl Fn(usize, &Track) -> T + Send + Sync + 'static,
    mut receive: impl FnMut(usize, T),
) -> Result<(), Cut> {
    let lengths = runs.iter().map(|run| milliseconds(run.topology.duration));
    let total = lengths.fold(0, u64::saturating_add);
    let Control {
        pool,
        progress,
        cancel,
        memory,
    } = control;
    let mut batch = begin(runs, &pool, memory, read);
    let (mut index, mut whole) = (0, 0);
    let mut cut: Option<(Cut, Option<T>)> = None;
    while !batch.is_over() {
        if cancel.load(Ordering::Relaxed) {
            batch.cancel();
        }
        if let Some(outcome) = batch.next_within(BETWEEN_LOOKS) {
            let (why, at, value) = match outcome {
                Ok(Some(over)) => (over.cut, over.at, Some(over.value)),
                // It was never begun.
                Ok(None) => (Some(Why::Cancelled), Duration(0), None),
                Err(Failed { why }) => {
                    let why = format!("with seed {}: {why}", runs[index].seed);
                    (Some(Why::Failed(why)), Duration(0), None)
                }
            };
            // Whoever interrupts wants all there is; the others happen in the same run with any number of threads.
            let wanted = cut
                .as_ref()
                .is_none_or(|(cut, _)| cut.why == Why::Cancelled);
            match (why, value) {
                (None, Some(value)) if wanted => {
                    receive(index, value);
                    whole += 1;
                }
                (Some(why), value) if cut.is_none() => {
                    if why != Why::Cancelled {
                        batch.cancel();
                    }
                    cut = Some((Cut { why, whole: 0, at }, value));
                }
                _ => {}
            }
            index += 1;
        }
        let done = batch.done();
        progress(Progress { done, total });
    }
    let Some((mut cut, value)) = cut else {
        return Ok(());
    };
    cut.whole = whole;
    if whole == 0
        && let Some(value) = value
    {
        receive(0, value);
    }
    Err(cut)
}

/// Submits a job for each run.
fn begin<T: Send + 'static>(
    runs: &[Run],
    pool: &Pool,
    memory: Bytes,
    read: impl Fn(usize, &Track) -> T + Send + Sync + 'static,
) -> Batch<Option<Over<T>>> {
    let mut batch = pool.batch(Priority::Asked, || {});
    let read = Arc::new(read);
    // Runs from this one on are not wanted: one before them has reached its ceiling.
    let wanted = Arc::new(AtomicUsize::new(usize::MAX));
    for (index, run) in runs.iter().enumerate() {
        let run = run.clone();
        let (read, wanted) = (Arc::clone(&read), Arc::clone(&wanted));
        batch.submit(move |turn| {
            let goes_on = || turn.goes_on() && index <= wanted.load(Ordering::Relaxed);
            // Of the first, even its beginning is told.
            if index > 0 && !goes_on() {
                return None;
            }
            let (track, cut) = run_to_end(&run, memory, turn, &goes_on);
            if matches!(cut, Some(Why::Full(_))) {
                wanted.fetch_min(index, Ordering::Relaxed);
            }
            Some(Over {
                value: read(index, &track),
                at: track.now(),
                cut,
            })
        });
    }
    batch
}

/// Runs one simulation to its end, telling the milliseconds of simulated time that are done, or until it is not wanted any
/// more or has reached its ceiling. For a job of any batch; `goes_on` asks at least [`Turn::goes_on`].
pub fn run_to_end(
    run: &Run,
    memory: Bytes,
    turn: &Turn,
    goes_on: &dyn Fn() -> bool,
) -> (Track, Option<Why>) {
    let keeps = Keeps {
        twins: run.twins,
        ..Keeps::SCENARIO
    };
    let mut track = Track::new(&run.topology, run.seed, keeps);
    let mut ceiling = Ceiling::new(memory);
    let (mut counted, mut slices) = (0, 0_u64);
    loop {
        if !goes_on() {
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
        turn.did(now - counted);
        counted = now;
        if over {
            return (track, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::ron_options;

    fn runs(count: u64) -> Vec<Run> {
        let text = r#"Topology(
            schema: 1, duration: "20s",
            nodes: { "clients": Clients(arrivals: Poisson("200/s")), "api": Service(instances: 2) },
            links: ["clients -> api"],
            scenario: [At("5s", Crash("api", 2))],
        )"#;
        let topology: Topology = ron_options().from_str(text).expect("a topology");
        let topology = Arc::new(topology);
        let run = |seed| Run {
            topology: Arc::clone(&topology),
            seed,
            twins: true,
        };
        (1..=count).map(run).collect()
    }

    #[test]
    fn results_are_the_same_in_the_same_order_with_one_thread_and_four() {
        let runs = runs(8);
        let results = |threads| {
            let mut results = Vec::new();
            let read = |run, track: &Track| format!("{run}: {:?}", track.results());
            let receive = |run, text| results.push((run, text));
            run_all(&runs, Control::threads(threads), read, receive).expect("runs to the end");
            results
        };
        let one = results(1);
        assert_eq!(one.len(), 8);
        assert_eq!(one, results(4));
    }

    #[test]
    fn a_failure_ends_the_work_at_the_same_run_with_any_number_of_threads() {
        for threads in [1, 4] {
            let read = |run, _: &Track| {
                assert!(run != 2, "broken");
                run
            };
            let mut received = Vec::new();
            let cut = run_all(&runs(6), Control::threads(threads), read, |_, run| {
                received.push(run);
            });
            let cut = cut.expect_err("a failure");
            assert_eq!(cut.why, Why::Failed("with seed 3: broken".to_owned()));
            assert_eq!((cut.whole, received), (2, vec![0, 1]));
        }
    }

    #[test]
    fn what_is_cancelled_before_it_begins_tells_the_beginning_of_the_first_run() {
        let stop = AtomicBool::new(true);
        let control = Control {
            cancel: &stop,
            ..Control::threads(2)
        };
        let mut long = runs(6);
        for run in &mut long {
            Arc::make_mut(&mut run.topology).duration = Duration::from_secs(1e6);
        }
        let mut received = Vec::new();
        let cut = run_all(&long, control, |run, _| run, |_, run| received.push(run));
        assert_eq!(cut.expect_err("cancelled").why, Why::Cancelled);
        assert_eq!(received, [0]);
    }
}
