//! A run and its twin side by side: what failed because of a fault, and when the system did as well as without it.
//!
//! Operations are put into steps of 100 ms by their intended start. For each step t the operations that start in
//! [t, t + 5 s) are set side by side, here and in the twin, once all of them have ended. Looking forward matters: a window
//! that looks back would add its own length to every recovery. Each node of clients is compared by itself, in wider windows
//! where it asks for little.

use std::collections::VecDeque;

use crate::sim::metrics::{bounds_of, bucket_of};
use crate::sim::snapshot::Recovery;
use crate::sim::{Ended, Told};
use crate::units::{Duration, SECOND};

/// From one instant that is compared to the next.
pub(super) const STEP_NS: u64 = SECOND / 10;
/// Steps of operations that are set side by side, where those are enough operations.
const WINDOW: usize = 50;
/// As many operations as make an outage show, whichever tolerance holds: at least a quarter of so many is more than 3, and
/// so many are more than 3 times their root.
const ENOUGH: u64 = 13;
/// Steps of the widest window.
const WIDEST: usize = 1200;
/// Steps before an instant whose operations in the twin say what is usual there.
const BEFORE: i64 = 300;
/// As many operations of the twin as say what is usual, or all there are.
const LEAST: u64 = 500;
/// Steps of agreement that end a watch after the last disagreement.
const STEADY: usize = 100;
/// Steps that a watch without any disagreement lasts.
const PATIENCE: usize = 600;
/// Sub-buckets of a power of two for response times: 128 make one 0.8 % wide.
const SUB_BITS: u32 = 7;

/// Response times counted by bucket, with sums by power of two, so that the slow end is found in some tens of steps.
#[derive(Clone, Debug, Default)]
struct Counts {
    buckets: Vec<u32>,
    rows: Vec<u32>,
    total: u64,
}

impl Counts {
    fn add(&mut self, took: &[u16]) {
        for &bucket in took {
            let (bucket, row) = (usize::from(bucket), usize::from(bucket >> SUB_BITS));
            if row >= self.rows.len() {
                self.rows.resize(row + 1, 0);
                self.buckets.resize((row + 1) << SUB_BITS, 0);
            }
            self.buckets[bucket] += 1;
            self.rows[row] += 1;
        }
        self.total += took.len() as u64;
    }

    fn remove(&mut self, took: &[u16]) {
        for &bucket in took {
            self.buckets[usize::from(bucket)] -= 1;
            self.rows[usize::from(bucket >> SUB_BITS)] -= 1;
        }
        self.total -= took.len() as u64;
    }

    /// How many are in buckets above that one.
    fn above(&self, bucket: u16) -> u64 {
        let row = usize::from(bucket >> SUB_BITS);
        if row >= self.rows.len() {
            return 0;
        }
        let rows: u32 = self.rows[row + 1..].iter().sum();
        let end = (row + 1) << SUB_BITS;
        let rest: u32 = self.buckets[usize::from(bucket) + 1..end].iter().sum();
        u64::from(rows) + u64::from(rest)
    }

    /// The 99th percentile in nanoseconds, interpolated inside its bucket; `None` without samples.
    fn p99(&self) -> Option<f64> {
        if self.total == 0 {
            return None;
        }
        // Counted from the slow end, where it is near, up to a hundredth of all.
        let reaches = |slower: u64| slower * 100 >= self.total;
        let mut slower = 0;
        let mut row = self.rows.len();
        loop {
            row = row.checked_sub(1)?;
            let with_row = slower + u64::from(self.rows[row]);
            if reaches(with_row) {
                break;
            }
            slower = with_row;
        }
        let first = row << SUB_BITS;
        let mut buckets = self.buckets[first..first + (1 << SUB_BITS)]
            .iter()
            .enumerate()
            .rev();
        buckets.find_map(|(sub, &n)| {
            let rest = self.total as f64 * 0.01 - slower as f64;
            slower += u64::from(n);
            reaches(slower).then(|| {
                let (low, width) = bounds_of(first + sub, SUB_BITS);
                low + width * (1.0 - rest / f64::from(n))
            })
        })
    }
}

/// Bucket of a response time.
fn bucket(ns: u64) -> u16 {
    bucket_of(ns, SUB_BITS) as u16
}

/// Before a first command at `at` (nanoseconds), when operations have to be listened to so that it is known then what is
/// usual, with `rate` operations started a second by clients that wait for nobody. A multiple of a step.
pub(super) fn listens_from(at: u64, rate: f64) -> u64 {
    // Twice as many as are needed, since not all complete.
    let for_least = 2.0 * LEAST as f64 / rate * SECOND as f64;
    let time = (BEFORE as u64 + 1) * STEP_NS;
    at.saturating_sub(time.saturating_add(for_least as u64)) / STEP_NS * STEP_NS
}

/// Response times of operations that completed before a command, by their intended start: what was usual until then.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    /// Operations that started earlier are left out (nanoseconds): of those only the slow ones would be seen.
    from: u64,
    /// Number of the 100 ms since the run's start, and the buckets of its operations' response times.
    steps: VecDeque<(u64, Vec<u16>)>,
    total: u64,
}

impl Before {
    /// Of operations that start at `from` (nanoseconds) or later.
    pub(super) fn since(from: u64) -> Self {
        Self {
            from,
            ..Self::default()
        }
    }

    pub(super) fn take_in(&mut self, ended: &[Ended]) {
        let from = self.from;
        let counts = |end: &&Ended| end.completed && end.intended >= from;
        for end in ended.iter().filter(counts) {
            let step = end.intended / STEP_NS;
            self.step(step).push(bucket(end.took));
            self.total += 1;
        }
        self.forget();
    }

    fn step(&mut self, step: u64) -> &mut Vec<u16> {
        let at = match self.steps.back() {
            Some((newest, _)) if *newest == step => self.steps.len() - 1,
            _ => {
                let at = self.steps.partition_point(|(known, _)| *known < step);
                if self.steps.get(at).is_none_or(|(known, _)| *known != step) {
                    // As many as in the newest step, so that it need not grow one by one.
                    let room = self.steps.back().map_or(0, |(_, took)| took.len());
                    self.steps.insert(at, (step, Vec::with_capacity(room)));
                }
                at
            }
        };
        &mut self.steps[at].1
    }

    /// Drops what no command that comes now could want.
    fn forget(&mut self) {
        let Some(newest) = self.steps.back().map(|(step, _)| *step) else {
            return;
        };
        // One step more than is looked at, since a command may fall inside one.
        while let Some((oldest, took)) = self.steps.front()
            && oldest + BEFORE as u64 + 1 < newest
            && self.total - took.len() as u64 >= LEAST
        {
            self.total -= took.len() as u64;
            self.steps.pop_front();
        }
    }
}

/// Operations of one step.
#[derive(Clone, Debug, Default)]
struct Step {
    started: u32,
    ended: u32,
    good: u32,
    failed: u32,
    /// Buckets of the response times of those that completed.
    took: Vec<u16>,
}

/// Sums over steps.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    started: u64,
    ended: u64,
    good: u64,
    failed: u64,
}

impl Sums {
    fn add(&mut self, step: &Step) {
        self.started += u64::from(step.started);
        self.ended += u64::from(step.ended);
        self.good += u64::from(step.good);
        self.failed += u64::from(step.failed);
    }

    fn minus(self, step: &Step) -> Self {
        Self {
            started: self.started - u64::from(step.started),
            ended: self.ended - u64::from(step.ended),
            good: self.good - u64::from(step.good),
            failed: self.failed - u64::from(step.failed),
        }
    }
}

/// One of the two runs.
#[derive(Clone, Debug, Default)]
struct Side {
    /// Steps since the command, from number `first` on.
    steps: VecDeque<Step>,
    first: usize,
    /// The steps that are set side by side now, and all that have been.
    window: Sums,
    window_took: Counts,
    compared: Sums,
}

impl Side {
    #[inline]
    fn step(&mut self, number: usize) -> &mut Step {
        let at = number.saturating_sub(self.first);
        if at >= self.steps.len() {
            self.make_steps(at + 1);
        }
        &mut self.steps[at]
    }

    #[cold]
    fn make_steps(&mut self, upto: usize) {
        // Room for as many operations as the step before has, so that it need not grow one by one.
        let room = self.steps.back().map_or(0, |step| step.took.len());
        self.steps.resize_with(upto, || Step {
            took: Vec::with_capacity(room),
            ..Step::default()
        });
    }

    fn get(&self, number: usize) -> Option<&Step> {
        self.steps.get(number.checked_sub(self.first)?)
    }

    fn take_in(&mut self, at: u64, told: &Told) {
        // In order of time: those of a step follow each other.
        let mut left = &told.started[..];
        while let Some(&first) = left.first() {
            let number = step_of(at, first);
            let end = at + (number as u64 + 1) * STEP_NS;
            let here = left.iter().take_while(|&&intended| intended < end).count();
            self.step(number).started += here as u32;
            left = &left[here..];
        }
        for end in &told.ended {
            let step = self.step(step_of(at, end.intended));
            step.ended += 1;
            step.good += u32::from(end.good);
            if end.completed {
                step.took.push(bucket(end.took));
            } else {
                step.failed += 1;
            }
        }
    }

    fn has_ended(&self, number: usize) -> bool {
        self.get(number).is_none_or(|s| s.started == s.ended)
    }

    /// The window's end moves over a step.
    fn enter(&mut self, number: usize) {
        if let Some(step) = self.steps.get(number - self.first) {
            self.window.add(step);
            self.compared.add(step);
            self.window_took.add(&step.took);
        }
    }

    /// The window's start moves over a step.
    fn leave(&mut self, number: usize) {
        if let Some(step) = self.steps.get(number - self.first) {
            self.window = self.window.minus(step);
            self.window_took.remove(&step.took);
        }
    }

    /// Those that failed, took longer, or are still not done after that long.
    fn bad(&self, longest: Option<u16>) -> f64 {
        let slow = longest.map_or(0, |longest| self.window_took.above(longest));
        (self.window.failed + slow + (self.window.started - self.window.ended)) as f64
    }

    /// Those of one step that has not left the window.
    fn bad_in(&self, number: usize, longest: Option<u16>) -> usize {
        self.get(number).map_or(0, |step| {
            let is_slow = |&&took: &&u16| longest.is_some_and(|longest| took > longest);
            let slow = step.took.iter().filter(is_slow).count();
            (step.failed + step.started - step.ended) as usize + slow
        })
    }

    /// Everything so far, compared or not.
    fn all(&self, from: usize) -> Sums {
        let mut all = self.compared;
        for step in self.steps.iter().skip(from.saturating_sub(self.first)) {
            all.add(step);
        }
        all
    }
}

fn step_of(at: u64, intended: u64) -> usize {
    // Those in flight at the command count as starting with it.
    (intended.saturating_sub(at) / STEP_NS) as usize
}

/// Operations of one node of clients in a run and its twin, from a command on.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    at: u64,
    /// The command changed what clients ask for: shares are compared instead of counts.
    pub shares: bool,
    /// Users wait for answers: where one answer takes longer, all that its user does comes later for good, so that how
    /// many operations start in a window differs by chance.
    drifts: bool,
    here: Side,
    there: Side,
    /// What is usual: the twin's response times from step `usual_from` to the window's end.
    usual: Counts,
    usual_from: i64,
    before: VecDeque<(i64, Vec<u16>)>,
    /// Steps that are in the windows (the number of the first that is not).
    entered: usize,
    /// Number of the next instant to compare.
    next: usize,
    disagreed: Option<Disagreement>,
}

/// The last instant at which run and twin disagreed.
#[derive(Clone, Copy, Debug)]
struct Disagreement {
    at: usize,
    /// The first step that is not in its window.
    end: usize,
    /// Until when the run is taken to have done worse.
    until: usize,
}

impl Comparison {
    /// From a command at `at` (nanoseconds) on, with `in_flight` operations under way then.
    pub(super) fn new(
        at: u64,
        before: Option<&Before>,
        in_flight: u32,
        shares: bool,
        drifts: bool,
    ) -> Self {
        let number =
            |step: u64| (step as i64 * STEP_NS as i64 - at as i64).div_euclid(STEP_NS as i64);
        let steps = before.iter().flat_map(|before| &before.steps);
        let before: VecDeque<_> = steps
            .map(|(step, took)| (number(*step).min(-1), took.clone()))
            .collect();
        let mut usual = Counts::default();
        for (_, took) in &before {
            usual.add(took);
        }
        let mut sides = [Side::default(), Side::default()];
        for side in &mut sides {
            side.step(0).started = in_flight;
        }
        let [here, there] = sides;
        Self {
            at,
            shares,
            drifts,
            here,
            there,
            usual,
            usual_from: before.front().map_or(0, |(number, _)| *number),
            before,
            entered: 0,
            next: 0,
            disagreed: None,
        }
    }

    /// Bytes of memory that it holds, about.
    pub(super) fn size(&self) -> usize {
        let of_side = |side: &Side| {
            let took: usize = side.steps.iter().map(|step| step.took.capacity()).sum();
            side.steps.len() * size_of::<Step>() + took * size_of::<u16>()
        };
        size_of::<Self>() + of_side(&self.here) + of_side(&self.there)
    }

    /// What operations did here.
    pub(super) fn take_in_here(&mut self, told: &Told) {
        self.here.take_in(self.at, told);
    }

    /// What operations did in the twin.
    pub(super) fn take_in_there(&mut self, told: &Told) {
        self.there.take_in(self.at, told);
    }

    /// Compares every instant that can be compared at `now`, up to one at which it is settled if `settles`.
    pub(super) fn advance(&mut self, now: u64, quiet_since: Option<u64>, settles: bool) {
        while !(settles && self.is_settled(quiet_since))
            && let Some(end) = self.window_end(now)
            && self.all_ended(end)
        {
            self.compare(end);
        }
    }

    /// Whether there is nothing more to watch for. `quiet_since`: when the command's own work was over, `None` while it
    /// lasts.
    pub(super) fn is_settled(&self, quiet_since: Option<u64>) -> bool {
        let (Some(instant), Some(quiet)) = (self.next.checked_sub(1), quiet_since) else {
            return false;
        };
        let quiet = (quiet.saturating_sub(self.at) / STEP_NS) as usize;
        let is_steady = match self.disagreed {
            Some(last) => instant >= last.steady_from(),
            None => instant >= PATIENCE,
        };
        is_steady && instant >= quiet + STEADY
    }

    /// Operations that failed because of the command, of those that have been compared.
    pub(super) fn caused(&self) -> i64 {
        self.caused_of(self.here.compared, self.there.compared)
    }

    /// Operations that failed because of the command, so far.
    pub(super) fn caused_so_far(&self) -> i64 {
        self.caused_of(self.here.all(self.entered), self.there.all(self.entered))
    }

    /// All that can be compared at `now`: what is still under way and has taken too long already is bad, however it would
    /// have ended.
    fn until(&self, now: u64) -> Self {
        let mut rest = self.clone();
        while let Some(end) = rest.window_end(now)
            && rest.is_told(end, now)
        {
            rest.compare(end);
        }
        rest
    }

    /// For how long, from the command to `now`, it has certainly not recovered.
    pub(super) fn not_recovered_for(&self, now: u64) -> Duration {
        self.until(now).recovered_after()
    }

    /// What is known when the run ends at `now`.
    pub(super) fn at_end(&self, now: u64) -> Recovery {
        let rest = self.until(now);
        match rest.disagreed {
            _ if rest.next < STEADY => Recovery::TooNearTheEnd,
            Some(last) if rest.next - 1 < last.steady_from() => Recovery::NotByTheEnd,
            _ => Recovery::After(rest.recovered_after()),
        }
    }

    fn caused_of(&self, here: Sums, there: Sums) -> i64 {
        let failed = there.failed as f64 * self.scale(here, there);
        here.failed as i64 - libm::round(failed) as i64
    }

    /// What a count of the twin is worth here.
    fn scale(&self, here: Sums, there: Sums) -> f64 {
        if self.shares && there.started > 0 {
            here.started as f64 / there.started as f64
        } else {
            1.0
        }
    }

    /// Since the command: as long as the watch goes on, recovery takes at least so long.
    pub(super) fn recovered_after(&self) -> Duration {
        Duration(self.disagreed.map_or(0, |last| last.until as u64 * STEP_NS))
    }

    /// The end of the next instant's window, wide enough for enough operations; `None` while it is not over.
    fn window_end(&self, now: u64) -> Option<usize> {
        let over = (now.saturating_sub(self.at) / STEP_NS) as usize;
        let least = self.entered.max(self.next + WINDOW);
        if over < least {
            return None;
        }
        let started = |side: &Side, step| side.get(step).map_or(0, |s| u64::from(s.started));
        let mut end = self.entered;
        let (mut here, mut there) = (self.here.window.started, self.there.window.started);
        while end < least || here.max(there) < ENOUGH && end < self.next + WIDEST {
            if end >= over {
                return None;
            }
            here += started(&self.here, end);
            there += started(&self.there, end);
            end += 1;
        }
        Some(end)
    }

    fn all_ended(&self, end: usize) -> bool {
        // What has been in a window before has ended then.
        (self.entered..end).all(|step| self.here.has_ended(step) && self.there.has_ended(step))
    }

    /// Whether what has not ended at `now` is known to be bad.
    fn is_told(&self, end: usize, now: u64) -> bool {
        let longest = self.longest().map_or(0.0, |ns| ns.max(0.0)) as u64;
        let last = (self.next..end)
            .filter(|&step| !(self.here.has_ended(step) && self.there.has_ended(step)))
            .max();
        last.is_none_or(|step| now >= self.at + (step + 1) as u64 * STEP_NS + longest)
    }

    /// What took longer than this is slow.
    fn longest(&self) -> Option<f64> {
        self.usual.p99().map(|p99| 1.25 * p99)
    }

    /// Compares the next instant, whose window has that end.
    fn compare(&mut self, end: usize) {
        while self.entered < end {
            self.here.enter(self.entered);
            self.there.enter(self.entered);
            if let Some(step) = self.there.get(self.entered) {
                self.usual.add(&step.took);
            }
            self.entered += 1;
        }
        self.forget_what_was_usual();
        let longest = self.longest().map(|ns| bucket(ns as u64));
        if !self.agrees(longest) {
            self.disagreed = Some(Disagreement {
                at: self.next,
                end,
                until: self.worse_until(end, longest),
            });
        }
        self.here.leave(self.next);
        self.there.leave(self.next);
        self.next += 1;
        // What no window and no usual time needs any more.
        let needed = self.next.min(self.usual_from.max(0) as usize);
        for side in [&mut self.here, &mut self.there] {
            while side.first < needed && side.steps.pop_front().is_some() {
                side.first += 1;
            }
        }
    }

    /// Whether the run does as well as the twin in the window.
    fn agrees(&self, longest: Option<u16>) -> bool {
        let (here, there) = (self.here.window, self.there.window);
        if self.shares && there.started == 0 {
            // A share of nothing.
            return true;
        }
        let scale = self.scale(here, there);
        let (bad, bad_there) = (self.here.bad(longest), self.there.bad(longest));
        // Three standard deviations of the difference, from what both have in common: the root of the sum of both counts
        // where one of the twin's stands for one here.
        let chance = |here: f64, there: f64| 3.0 * (scale * (here + there)).sqrt();
        let allowed = (0.01 * here.started as f64)
            .max(chance(bad, bad_there))
            .max(3.0);
        let mut least = 0.95 * there.good as f64 * scale - 3.0;
        if self.shares {
            let missed = |sums: Sums| (sums.started - sums.good) as f64;
            least -= chance(missed(here), missed(there));
        }
        if self.drifts {
            // Only a small part of the goodput is more than chance can take.
            let (good, usual) = (here.good as f64, there.good as f64);
            least = (least - chance(good, usual)).max(0.25 * usual * scale - 3.0);
        }
        here.good as f64 >= least && bad <= bad_there * scale + allowed
    }

    /// Until when the run does worse in a window that does not agree: to its start, or to its last operation that was bad
    /// here alone where it is wide, since the operations that are tolerated take long there.
    fn worse_until(&self, end: usize, longest: Option<u16>) -> usize {
        if end - self.next <= WINDOW {
            return self.next;
        }
        let is_worse =
            |&step: &usize| self.here.bad_in(step, longest) > self.there.bad_in(step, longest);
        (self.next..end).rev().find(is_worse).unwrap_or(self.next)
    }

    /// Leaves in `usual` what starts in the 30 s before the instant that is compared, but at least 500 operations.
    fn forget_what_was_usual(&mut self) {
        while self.usual_from < self.next as i64 - BEFORE {
            let took: &[u16] = if self.usual_from < 0 {
                match self.before.front() {
                    Some((number, took)) if *number <= self.usual_from => took,
                    _ => &[],
                }
            } else {
                self.there
                    .get(self.usual_from as usize)
                    .map_or(&[], |step| &step.took)
            };
            if self.usual.total - (took.len() as u64) < LEAST {
                return;
            }
            self.usual.remove(took);
            if self.usual_from < 0
                && self
                    .before
                    .front()
                    .is_some_and(|(number, _)| *number <= self.usual_from)
            {
                self.before.pop_front();
                // Two steps of the run's own count may fall into the same step before the command.
                if self
                    .before
                    .front()
                    .is_some_and(|(number, _)| *number <= self.usual_from)
                {
                    continue;
                }
            }
            self.usual_from += 1;
        }
    }
}

impl Disagreement {
    /// The instant that is far enough from it: it has followed long enough, and shares no operation with it.
    fn steady_from(self) -> usize {
        self.end.max(self.at + STEADY)
    }
}
