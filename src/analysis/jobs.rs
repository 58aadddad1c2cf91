//! One pool of threads for all that is simulated beside the window or for the command line.
//!
//! Work comes in batches, each of jobs, and results are handed over in the order in which the jobs were submitted, whatever the
//! number of threads. More jobs can be submitted after some results have been seen.
//!
//! ```text
//!   Batch::submit ──▶ waiting, the asked for before the background ──▶ threads ──▶ Batch::next_within, in order
//!                                                       ▲                 │
//!                                                       └─ Turn::goes_on ─┘  between two slices of a job
//! ```
//!
//! A job looks up between slices of its work: whether it is still wanted and, in the background, whether something was asked
//! for meanwhile, which its thread then does first. Only one job is in the background at a time, and it rests as long as it
//! works: half of one thread is the most that the background takes.

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration as WallTime, Instant};

/// As many threads as the machine runs at once.
pub fn machine_threads() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// What is done first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Somebody asked for it and waits.
    Asked,
    /// Nobody asked for it.
    Background,
}

/// Threads that work until the last copy of this is gone. They start when there is work for them.
#[derive(Clone)]
pub struct Pool(Arc<Owner>);

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Pool {
    /// At most so many threads; at least 1.
    pub fn new(threads: usize) -> Self {
        Self(Arc::new(Owner(Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            threads_max: threads.max(1),
        }))))
    }

    /// As many threads as the machine has beside the one of a running simulation; at least 1.
    pub fn beside_a_run() -> Self {
        Self::new(machine_threads().saturating_sub(1))
    }

    /// A batch without jobs. `wake` is called on a thread of the pool whenever a job has its result.
    pub fn batch<T>(
        &self,
        priority: Priority,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Batch<T> {
        let (sender, answers) = channel();
        Batch {
            pool: self.clone(),
            priority,
            wake: Arc::new(wake),
            standing: Arc::default(),
            sender,
            answers,
            early: BTreeMap::new(),
            submitted: 0,
            taken: 0,
        }
    }
}

/// Ends the threads when it goes.
struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        let unwanted = std::mem::take(&mut state.waiting);
        drop(state);
        self.0.changed.notify_all();
        drop(unwanted);
    }
}

/// What the threads share.
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    threads_max: usize,
}

#[derive(Default)]
struct State {
    /// In the order in which they are taken.
    waiting: BTreeMap<(Priority, u64), Job>,
    submitted: u64,
    threads: usize,
    /// Threads that wait for work.
    idle: usize,
    /// A job in the background has begun and is not over.
    background: bool,
    closed: bool,
}

impl State {
    /// The next job for a thread that has nothing to do.
    fn take(&mut self) -> Option<(Priority, Job)> {
        let first = self.waiting.first_entry()?;
        let priority = first.key().0;
        if priority == Priority::Background && std::mem::replace(&mut self.background, true) {
            return None;
        }
        Some((priority, first.remove()))
    }

    /// The next job for a thread that is busy in the background: one that was asked for and nobody else is there to do.
    fn take_asked(&mut self) -> Option<Job> {
        let asked = self.waiting.range(..(Priority::Background, 0));
        if asked.take(self.idle + 1).count() <= self.idle {
            return None;
        }
        self.waiting.pop_first().map(|(_, job)| job)
    }
}

struct Job {
    standing: Arc<Standing>,
    work: Box<dyn FnOnce(&Turn) + Send>,
}

/// How a batch stands.
#[derive(Default)]
struct Standing {
    cancelled: AtomicBool,
    done: AtomicU64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(self: &Arc<Self>, priority: Priority, job: Job) {
        let mut state = self.lock();
        let number = state.submitted;
        state.submitted += 1;
        state.waiting.insert((priority, number), job);
        let mut unwanted = BTreeMap::new();
        if state.waiting.len() > state.idle && state.threads < self.threads_max {
            let shared = Arc::clone(self);
            let thread = thread::Builder::new().name("background".into());
            match thread.spawn(move || shared.work()) {
                Ok(_) => state.threads += 1,
                // Those that there are do it; if there is none, it fails.
                Err(_) if state.threads == 0 => unwanted = std::mem::take(&mut state.waiting),
                Err(_) => {}
            }
        }
        drop(state);
        self.changed.notify_all();
        drop(unwanted);
    }

    /// A thread's life.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some((priority, job)) = state.take() {
                drop(state);
                self.carry_out(priority, job);
                state = self.lock();
                if priority == Priority::Background {
                    state.background = false;
                }
            } else if state.closed {
                return;
            } else {
                state.idle += 1;
                let woken = self.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }

    fn carry_out(&self, priority: Priority, job: Job) {
        let Job { standing, work } = job;
        work(&Turn {
            shared: self,
            priority,
            standing: &standing,
            since: Cell::new(Instant::now()),
        });
    }

    /// Lets so much time pass, or longer, doing what is asked for meanwhile.
    fn rest(&self, time: WallTime, standing: &Standing) {
        let end = Instant::now() + time;
        let mut state = self.lock();
        loop {
            if let Some(job) = state.take_asked() {
                drop(state);
                self.carry_out(Priority::Asked, job);
                state = self.lock();
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || state.closed || standing.cancelled.load(Ordering::Relaxed) {
                return;
            }
            let woken = self.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A job's view of the pool while it works.
pub struct Turn<'a> {
    shared: &'a Shared,
    priority: Priority,
    standing: &'a Standing,
    /// When it last went on.
    since: Cell<Instant>,
}

impl Turn<'_> {
    /// To be asked between slices of a few milliseconds: false as soon as the result is not wanted any more. In the
    /// background this is where the thread rests and does what is more urgent.
    pub fn goes_on(&self) -> bool {
        if self.priority == Priority::Background {
            self.shared.rest(self.since.get().elapsed(), self.standing);
            self.since.set(Instant::now());
        }
        !self.standing.cancelled.load(Ordering::Relaxed)
    }

    /// So much more of the batch is done, in a measure of the caller's.
    pub fn did(&self, more: u64) {
        self.standing.done.fetch_add(more, Ordering::Relaxed);
    }
}

/// A job has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Why, as a part of a sentence.
    pub why: String,
}

/// Gives a job's result, or says that there is none, even where the job is never begun.
struct Answer<T> {
    number: usize,
    sender: Sender<(usize, Result<T, Failed>)>,
    wake: Arc<dyn Fn() + Send + Sync>,
    outcome: Option<Result<T, Failed>>,
}

impl<T> Answer<T> {
    fn give(mut self, outcome: Result<T, Failed>) {
        self.outcome = Some(outcome);
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        let unbegun = || Failed {
            why: "the system had no thread for it".to_owned(),
        };
        let outcome = self.outcome.take().unwrap_or_else(|| Err(unbegun()));
        // Whoever wanted it may have given up: then nobody is told.
        let _ = self.sender.send((self.number, outcome));
        (self.wake)();
    }
}

/// Jobs that belong together, and their results in the order in which they were submitted. Dropped, it is cancelled: jobs
/// that work end at the next slice, and the others never begin.
pub struct Batch<T> {
    pool: Pool,
    priority: Priority,
    wake: Arc<dyn Fn() + Send + Sync>,
    standing: Arc<Standing>,
    sender: Sender<(usize, Result<T, Failed>)>,
    answers: Receiver<(usize, Result<T, Failed>)>,
    /// Results that came before their turn.
    early: BTreeMap<usize, Result<T, Failed>>,
    submitted: usize,
    taken: usize,
}

impl<T> fmt::Debug for Batch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("submitted", &self.submitted)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Batch<T> {
    /// One more job. It asks [`Turn::goes_on`] between slices and, told no, returns what it has.
    pub fn submit(&mut self, work: impl FnOnce(&Turn) -> T + Send + 'static) {
        let answer = Answer {
            number: self.submitted,
            sender: self.sender.clone(),
            wake: Arc::clone(&self.wake),
            outcome: None,
        };
        self.submitted += 1;
        // What a job that panics leaves half done goes with it.
        let work = move |turn: &Turn| {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(turn)));
            answer.give(outcome.map_err(|panic| Failed {
                why: words(panic.as_ref()),
            }));
        };
        let job = Job {
            standing: Arc::clone(&self.standing),
            work: Box::new(work),
        };
        self.pool.0.0.submit(self.priority, job);
    }
}

impl<T> Batch<T> {
    /// The next result, waiting for it at most so long; `None` if it is not there by then.
    pub fn next_within(&mut self, wait: WallTime) -> Option<Result<T, Failed>> {
        let end = Instant::now() + wait;
        while !self.is_over() {
            if let Some(outcome) = self.early.remove(&self.taken) {
                self.taken += 1;
                return Some(outcome);
            }
            let left = end.saturating_duration_since(Instant::now());
            let (number, outcome) = self.answers.recv_timeout(left).ok()?;
            self.early.insert(number, outcome);
        }
        None
    }

    /// Whether the results of all jobs were taken.
    pub fn is_over(&self) -> bool {
        self.taken == self.submitted
    }

    /// What the jobs have said so far that they did.
    pub fn done(&self) -> u64 {
        self.standing.done.load(Ordering::Relaxed)
    }

    /// The jobs shall end with what they have. Their results still come.
    pub fn cancel(&self) {
        self.standing.cancelled.store(true, Ordering::Relaxed);
        self.pool.0.0.changed.notify_all();
    }
}

impl<T> Drop for Batch<T> {
    fn drop(&mut self) {
        // No thread takes another of its jobs meanwhile.
        let mut state = self.pool.0.0.lock();
        self.cancel();
        let waiting = std::mem::take(&mut state.waiting);
        let mine = |(_, job): &(_, Job)| Arc::ptr_eq(&job.standing, &self.standing);
        let (unwanted, others): (Vec<_>, _) = waiting.into_iter().partition(mine);
        state.waiting = others.into_iter().collect();
        drop(state);
        drop(unwanted);
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    const LONG: WallTime = WallTime::from_secs(60);

    fn results<T: Send + 'static>(batch: &mut Batch<T>) -> Vec<Result<T, Failed>> {
        let mut results = Vec::new();
        while !batch.is_over() {
            results.push(batch.next_within(LONG).expect("a result"));
        }
        results
    }

    /// A job that begins, says so, and works until it is not wanted any more or may end.
    fn endless(batch: &mut Batch<bool>) -> (Receiver<()>, Arc<AtomicBool>) {
        let (begins, begun) = channel();
        let may_end = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&may_end);
        batch.submit(move |turn| {
            let _ = begins.send(());
            while turn.goes_on() {
                if end.load(Ordering::Relaxed) {
                    return true;
                }
                thread::yield_now();
            }
            false
        });
        (begun, may_end)
    }

    #[test]
    fn results_come_in_order_with_any_number_of_threads() {
        for threads in [1, 4] {
            let pool = Pool::new(threads);
            let mut batch = pool.batch(Priority::Asked, || {});
            let mut got = Vec::new();
            // The next jobs follow from the results of the last.
            for round in 0..20_u64 {
                for job in 0..10 {
                    let number: u64 = round * 10 + job;
                    batch.submit(move |turn| {
                        turn.did(number);
                        // The first are the longest.
                        (0..(10 - job) * 1_000).fold(number, |n, _| std::hint::black_box(n))
                    });
                }
                got.extend(results(&mut batch).into_iter().map(Result::unwrap));
            }
            assert_eq!(got, (0..200).collect::<Vec<_>>());
            assert_eq!(batch.done(), 199 * 200 / 2);
        }
    }

    #[test]
    fn what_is_asked_for_comes_before_the_background_and_in_the_middle_of_it() {
        let pool = Pool::new(1);
        let mut background = pool.batch(Priority::Background, || {});
        let (begun, may_end) = endless(&mut background);
        begun.recv().unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let log = |name: &'static str, batch: &mut Batch<bool>| {
            let order = Arc::clone(&order);
            batch.submit(move |_| {
                order.lock().unwrap().push(name);
                true
            });
        };
        log("later", &mut background);
        let mut asked = pool.batch(Priority::Asked, || {});
        log("first", &mut asked);
        log("second", &mut asked);
        // The only thread does it although it is in the middle of something else.
        assert_eq!(results(&mut asked), [Ok(true), Ok(true)]);
        may_end.store(true, Ordering::Relaxed);
        assert_eq!(results(&mut background), [Ok(true), Ok(true)]);
        assert_eq!(*order.lock().unwrap(), ["first", "second", "later"]);
    }

    #[test]
    fn one_job_at_a_time_is_in_the_background() {
        let pool = Pool::new(4);
        let mut batches: Vec<Batch<usize>> = Vec::new();
        let at_once = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            let mut batch = pool.batch(Priority::Background, || {});
            for _ in 0..5 {
                let at_once = Arc::clone(&at_once);
                batch.submit(move |turn| {
                    let others = at_once.fetch_add(1, Ordering::SeqCst);
                    for _ in 0..10 {
                        turn.goes_on();
                    }
                    at_once.fetch_sub(1, Ordering::SeqCst);
                    others
                });
            }
            batches.push(batch);
        }
        for batch in &mut batches {
            assert_eq!(results(batch), vec![Ok(0); 5]);
        }
    }

    #[test]
    fn a_cancelled_batch_ends_and_the_next_begins() {
        for priority in [Priority::Asked, Priority::Background] {
            let pool = Pool::new(2);
            let mut batch = pool.batch(priority, || {});
            let (begun, _) = endless(&mut batch);
            let (_, _) = endless(&mut batch);
            begun.recv().unwrap();
            batch.cancel();
            assert_eq!(results(&mut batch), [Ok(false), Ok(false)]);

            let mut dropped = pool.batch(priority, || {});
            let (begun, _) = endless(&mut dropped);
            let never: Vec<_> = (0..100).map(|_| endless(&mut dropped).0).collect();
            begun.recv().unwrap();
            drop(dropped);
            let mut next = pool.batch(priority, || {});
            next.submit(|_| ());
            assert_eq!(results(&mut next), [Ok(())]);
            let begun = never.iter().filter(|begun| begun.try_recv().is_ok());
            assert!(begun.count() <= 2);
        }
    }

    #[test]
    fn a_panic_costs_its_own_job_and_nothing_else() {
        let pool = Pool::new(1);
        for priority in [Priority::Asked, Priority::Background] {
            let mut batch = pool.batch(priority, || {});
            batch.submit(|_| 1);
            batch.submit(|_| panic!("it broke"));
            batch.submit(|_| 3);
            let why = "it broke".to_owned();
            assert_eq!(
                results(&mut batch),
                [Ok(1), Err(Failed { why }), Ok(3)],
                "{priority:?}"
            );
        }
    }

    #[test]
    fn whoever_waits_is_woken_when_the_result_is_there() {
        let pool = Pool::new(1);
        let (wakes, woken) = channel();
        let wakes = Mutex::new(wakes);
        let mut batch = pool.batch(Priority::Background, move || {
            wakes.lock().unwrap().send(()).unwrap();
        });
        assert_eq!(batch.next_within(WallTime::ZERO), None);
        batch.submit(|_| 7);
        woken.recv().unwrap();
        assert_eq!(batch.next_within(WallTime::ZERO), Some(Ok(7)));
        assert!(batch.is_over());
    }

    #[test]
    fn threads_end_with_the_pool() {
        let pool = Pool::new(3);
        let mut batch = pool.batch(Priority::Asked, || {});
        batch.submit(|_| ());
        let shared = Arc::downgrade(&pool.0.0);
        drop(pool);
        assert_eq!(results(&mut batch), [Ok(())]);
        drop(batch);
        let mut looks = 0;
        while shared.upgrade().is_some() {
            looks += 1;
            assert!(looks < 60_000, "a thread is left");
            thread::sleep(WallTime::from_millis(1));
        }
    }
}
