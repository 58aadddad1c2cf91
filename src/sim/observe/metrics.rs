//! Histograms and areas under curves.

use crate::sim::room::room;

/// Sub-buckets of each power of two: 512 make a bucket 0.2 % wide; quantiles are interpolated inside it.
const SUB_BITS: u32 = 9;

/// Counts of times in nanoseconds with at most 0.2 % relative error.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Histogram {
    /// Half as wide as they might be, for the sake of the processor's cache.
    counts: Vec<u32>,
    /// Buckets that ran over, once for each 2^32.
    carries: Vec<usize>,
    total: u64,
    sum: u128,
    max: u64,
    /// Nobody asks it: it takes nothing in.
    silent: bool,
}

#[inline]
pub(crate) fn bucket_of(value: u64, sub_bits: u32) -> usize {
    if value < 1 << sub_bits {
        return value as usize;
    }
    let exponent = 63 - value.leading_zeros();
    let sub = (value >> (exponent - sub_bits)) as usize - (1 << sub_bits);
    (((exponent - sub_bits + 1) as usize) << sub_bits) + sub
}

/// Least value of a bucket and its width.
pub(crate) fn bounds_of(bucket: usize, sub_bits: u32) -> (f64, f64) {
    let row = bucket >> sub_bits;
    if row == 0 {
        return (bucket as f64, 1.0);
    }
    let sub = bucket - (row << sub_bits);
    let width = (1u64 << (row - 1)) as f64;
    (((1u64 << sub_bits) as f64 + sub as f64) * width, width)
}

impl Histogram {
    /// One that nobody asks.
    pub(in crate::sim) fn silent() -> Self {
        Self {
            silent: true,
            ..Self::default()
        }
    }

    #[inline(always)]
    pub(in crate::sim) fn record(&mut self, ns: u64) {
        if self.silent {
            return;
        }
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
    #[inline(never)]
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

    pub(in crate::sim) fn add(&mut self, other: &Self) {
        for (bucket, &count) in other.counts.iter().enumerate() {
            self.record_in(bucket, count);
        }
        self.carries.extend(&other.carries);
        self.total += other.total;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    pub(in crate::sim) fn clear(&mut self) {
        *self = Self {
            silent: self.silent,
            ..Self::default()
        };
    }

    pub(in crate::sim) fn is_empty(&self) -> bool {
        self.total == 0
    }

    pub(in crate::sim) fn bytes(&self) -> usize {
        room::<u32>(self.counts.len()) + room::<usize>(self.carries.len())
    }

    /// Mean in seconds; `None` without samples.
    pub(in crate::sim) fn mean(&self) -> Option<f64> {
        (self.total > 0).then(|| self.sum as f64 / self.total as f64 / 1e9)
    }

    /// Greatest value in seconds, exact.
    pub(in crate::sim) fn max(&self) -> Option<f64> {
        (self.total > 0).then(|| self.max as f64 / 1e9)
    }

    /// The value below which a share of the samples lies, in seconds, interpolated inside its bucket.
    pub(in crate::sim) fn quantile(&self, share: f64) -> Option<f64> {
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
pub(in crate::sim) struct Areas {
    pub busy: u128,
    pub waiting: u128,
    pub present: u128,
    pub capacity: u128,
}

impl Areas {
    pub(in crate::sim) fn minus(self, other: Self) -> Self {
        Self {
            busy: self.busy - other.busy,
            waiting: self.waiting - other.waiting,
            present: self.present - other.present,
            capacity: self.capacity - other.capacity,
        }
    }

    pub(in crate::sim) fn plus(self, other: Self) -> Self {
        Self {
            busy: self.busy + other.busy,
            waiting: self.waiting + other.waiting,
            present: self.present + other.present,
            capacity: self.capacity + other.capacity,
        }
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
}
