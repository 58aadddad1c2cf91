//! Histograms, areas under curves, and the watch for recovery after a fault.

use std::collections::VecDeque;

use super::size::room;

/// Sub-buckets of each power of two: 512 make a bucket 0.2 % wide; quantiles are interpolated inside it.
const SUB_BITS: u32 = 9;

/// Counts of times in nanoseconds with at most 0.2 % relative error.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    /// Half as wide as they might be, for the sake of the processor's cache.
    counts: Vec<u32>,
    /// Buckets that ran over, once for each 2^32.
    carries: Vec<usize>,
    total: u64,
    sum: u128,
    max: u64,
}

#[inline]
fn bucket_of(value: u64, sub_bits: u32) -> usize {
    if value < 1 << sub_bits {
        return value as usize;
    }
    let exponent = 63 - value.leading_zeros();
    let sub = (value >> (exponent - sub_bits)) as usize - (1 << sub_bits);
    (((exponent - sub_bits + 1) as usize) << sub_bits) + sub
}

/// Least value of a bucket and its width.
fn bounds_of(bucket: usize, sub_bits: u32) -> (f64, f64) {
    let row = bucket >> sub_bits;
    if row == 0 {
        return (bucket as f64, 1.0);
    }
    let sub = bucket - (row << sub_bits);
    let width = (1u64 << (row - 1)) as f64;
    (((1u64 << sub_bits) as f64 + sub as f64) * width, width)
}

impl Histogram {
    #[inline]
    pub(super) fn record(&mut self, ns: u64) {
        let bucket = bucket_of(ns, SUB_BITS);
        match self.counts.get_mut(bucket) {
            Some(count) if *count < u32::MAX => *count += 1,
            _ => self.record_in(bucket, 1),
        }
        self.total += 1;
        self.sum += u128::from(ns);
        self.max = self.max.max(ns);
    }

    #[cold]
    fn record_in(&mut self, bucket: usize, times: u32) {
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1 + bucket / 8, 0);
        }
        let (count, over) = self.counts[bucket].overflowing_add(times);
        self.counts[bucket] = count;
        if over {
            self.carries.push(bucket);
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (bucket, &count) in other.counts.iter().enumerate() {
            self.record_in(bucket, count);
        }
        self.carries.extend(&other.carries);
        self.total += other.total;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.total == 0
    }

    pub(super) fn bytes(&self) -> usize {
        room::<u32>(self.counts.len()) + room::<usize>(self.carries.len())
    }

    /// Mean in seconds; `None` without samples.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.total > 0).then(|| self.sum as f64 / self.total as f64 / 1e9)
    }

    /// Greatest value in seconds, exact.
    pub(super) fn max(&self) -> Option<f64> {
        (self.total > 0).then(|| self.max as f64 / 1e9)
    }

    /// The value below which a share of the samples lies, in seconds, interpolated inside its bucket.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        if self.total == 0 {
            return None;
        }
        let rank = share * self.total as f64;
        let mut below = 0.0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            let carries = self.carries.iter().filter(|&&b| b == bucket).count() as f64;
            let count = f64::from(count) + carries * 4_294_967_296.0;
            if count > 0.0 && below + count >= rank {
                let (low, width) = bounds_of(bucket, SUB_BITS);
                let value = low + width * ((rank - below) / count);
                return Some(value.min(self.max as f64) / 1e9);
            }
            below += count;
        }
        self.max()
    }
}

/// Areas under the curves of one instance, in nanoseconds times a number: divided by time they are means.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Areas {
    pub busy: u128,
    pub waiting: u128,
    pub present: u128,
    pub capacity: u128,
}

impl Areas {
    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            busy: self.busy - other.busy,
            waiting: self.waiting - other.waiting,
            present: self.present - other.present,
            capacity: self.capacity - other.capacity,
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            busy: self.busy + other.busy,
            waiting: self.waiting + other.waiting,
            present: self.present + other.present,
            capacity: self.capacity + other.capacity,
        }
    }
}

/// How an operation ended, as the watch for recovery sees it.
#[derive(Clone, Copy, Debug)]
struct Ended {
    at: u64,
    /// Bucket of its response time; a failure counts as the timeout.
    bucket: u16,
    good: bool,
}

const COARSE_BITS: u32 = 6;
const BASELINE_NS: u64 = 30_000_000_000;
const LEAST_BASELINE_NS: u64 = 5_000_000_000;
const TRAILING_NS: u64 = 5_000_000_000;
const STEADY_NS: u64 = 10_000_000_000;

/// How often the watch looks.
pub(super) const LOOK_EVERY_NS: u64 = 100_000_000;

/// The last 30 s of operations, and what the trailing 5 s look like.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    ended: VecDeque<Ended>,
    /// Entries from here on are inside the trailing window.
    trailing_from: usize,
    trailing: Vec<u32>,
    trailing_total: u32,
    watch: Option<Watching>,
}

#[derive(Clone, Debug)]
struct Watching {
    fault: usize,
    at: u64,
    baseline_good_per_s: f64,
    baseline_p99: f64,
    /// The last look at which p99 was out of its band.
    bad_until: u64,
}

impl Recent {
    #[inline]
    pub(super) fn push(&mut self, at: u64, ns: u64, good: bool) {
        let bucket = bucket_of(ns, COARSE_BITS) as u16;
        if self.trailing.len() <= usize::from(bucket) {
            self.trailing.resize(usize::from(bucket) + 1, 0);
        }
        self.trailing[usize::from(bucket)] += 1;
        self.trailing_total += 1;
        self.ended.push_back(Ended { at, bucket, good });
        self.forget(at);
    }

    fn forget(&mut self, now: u64) {
        while let Some(entry) = self.ended.get(self.trailing_from)
            && entry.at + TRAILING_NS < now
        {
            self.trailing[usize::from(entry.bucket)] -= 1;
            self.trailing_total -= 1;
            self.trailing_from += 1;
        }
        while self
            .ended
            .front()
            .is_some_and(|entry| entry.at + BASELINE_NS < now)
        {
            self.ended.pop_front();
            self.trailing_from = self.trailing_from.saturating_sub(1);
        }
    }

    fn quantile(counts: &[u32], total: u32, share: f64) -> f64 {
        let rank = share * f64::from(total);
        let mut below = 0.0;
        for (bucket, &count) in counts.iter().enumerate() {
            if count > 0 && below + f64::from(count) >= rank {
                let (low, width) = bounds_of(bucket, COARSE_BITS);
                return low + width * (rank - below) / f64::from(count);
            }
            below += f64::from(count);
        }
        0.0
    }

    /// Starts to watch for the recovery from a fault; false if there is too little before it to compare with.
    pub(super) fn start(&mut self, fault: usize, now: u64, counted_from: u64) -> bool {
        let from = now.saturating_sub(BASELINE_NS).max(counted_from);
        let span = now.saturating_sub(from);
        self.watch = None;
        if span < LEAST_BASELINE_NS {
            return false;
        }
        let (mut counts, mut total, mut good) = (Vec::new(), 0, 0u64);
        for entry in self.ended.iter().filter(|e| e.at >= from) {
            let bucket = usize::from(entry.bucket);
            if counts.len() <= bucket {
                counts.resize(bucket + 1, 0);
            }
            counts[bucket] += 1;
            total += 1;
            good += u64::from(entry.good);
        }
        if good == 0 {
            return false;
        }
        self.watch = Some(Watching {
            fault,
            at: now,
            baseline_good_per_s: good as f64 / (span as f64 / 1e9),
            baseline_p99: Self::quantile(&counts, total, 0.99),
            bad_until: 0,
        });
        true
    }

    pub(super) fn bytes(&self) -> usize {
        room::<Ended>(self.ended.len()) + room::<u32>(self.trailing.len())
    }

    /// The fault that is being watched.
    pub(super) fn watched(&self) -> Option<usize> {
        self.watch.as_ref().map(|w| w.fault)
    }

    /// Looks once; when recovery is over, gives the fault and the time it took.
    ///
    /// Over at the start of the first 10 s with goodput of at least 95 % of the baseline and, at every look in them, a
    /// p99 of the trailing 5 s of at most 1.25 of it.
    pub(super) fn look(&mut self, now: u64) -> Option<(usize, u64)> {
        self.forget(now);
        let watch = self.watch.as_mut()?;
        let p99 = Self::quantile(&self.trailing, self.trailing_total, 0.99);
        if p99 > 1.25 * watch.baseline_p99 {
            watch.bad_until = now;
        }
        let start = now.checked_sub(STEADY_NS)?;
        if start < watch.at || watch.bad_until > start {
            return None;
        }
        let good = self
            .ended
            .iter()
            .rev()
            .take_while(|e| e.at > start)
            .filter(|e| e.good)
            .count();
        if (good as f64) < 0.95 * watch.baseline_good_per_s * (STEADY_NS as f64 / 1e9) {
            return None;
        }
        let done = (watch.fault, start - watch.at);
        self.watch = None;
        Some(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_fifth_of_a_percent() {
        let mut histogram = Histogram::default();
        let n = 1_000_000u64;
        for i in 1..=n {
            histogram.record(i * 1_357);
        }
        for share in [0.001, 0.5, 0.9, 0.99, 0.999] {
            let exact = share * n as f64 * 1_357.0 / 1e9;
            let found = histogram.quantile(share).unwrap();
            assert!(
                (found / exact - 1.0).abs() < 0.002,
                "{share}: {found} for {exact}"
            );
        }
        assert_eq!(histogram.max(), Some(n as f64 * 1_357.0 / 1e9));
    }

    #[test]
    fn buckets_and_bounds_agree() {
        for value in (0..100_000u64).chain([1 << 40, (1 << 40) + 12_345, 1 << 62]) {
            let (low, width) = bounds_of(bucket_of(value, SUB_BITS), SUB_BITS);
            assert!(
                low <= value as f64 && (value as f64) < low + width,
                "{value}: {low} + {width}"
            );
        }
    }

    #[test]
    fn recovery_is_seen() {
        let mut recent = Recent::default();
        let second = 1_000_000_000;
        let (mut started, mut over) = (false, None);
        for step in 0..8_000u64 {
            let now = step * second / 100;
            if now >= 40 * second && !started {
                started = recent.start(3, now, 0);
                assert!(started);
            }
            // From 40 s to 46 s every second operation fails.
            let failing = (40 * second..46 * second).contains(&now) && step % 2 == 0;
            recent.push(now, if failing { second } else { 10_000_000 }, !failing);
            if step % 10 == 0 && over.is_none() {
                over = recent.look(now);
            }
        }
        let (fault, after) = over.expect("recovered");
        assert_eq!(fault, 3);
        // Out of its band until the last failure has left the trailing 5 s.
        assert!((10 * second..12 * second).contains(&after), "{after}");
    }
}
