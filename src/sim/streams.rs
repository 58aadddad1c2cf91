//! Random draws.
//!
//! A draw is a function of (seed, the node's identity, purpose, operation, attempt), not of the order in which events
//! happen, so that changing one node leaves the draws of all others as they were. Only arrivals use a sequential
//! stream. Logarithm and exponential come from `libm`, the same on every platform.

use crate::model::workload::Distribution;

/// What a draw decides; separates the draws of one node.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(super) enum Purpose {
    Arrivals = 1,
    Operation,
    User,
    Kind,
    Key,
    Service,
    Balance,
    Backoff,
    Error,
    Phase,
    Instant,
    Think,
    Start,
    Revocation,
    Stolen,
    Poll,
    Evict,
    Invalidation,
    Ring,
}

/// Multiplies to 128 bits and folds: one round of mixing.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// A draw from a key and a counter: 64 bits that look independent for any two different inputs.
#[inline]
pub(super) fn draw(key: u64, counter: u64) -> u64 {
    let once = fold(counter ^ 0xa076_1d64_78bd_642f, key ^ 0xe703_7ed1_a0b4_28db);
    fold(once ^ key, once.rotate_left(32) ^ 0x8ebc_6af0_9c88_c6e3)
}

/// A key from a seed and a name.
pub(super) fn key_of(seed: u64, name: &str) -> u64 {
    name.bytes()
        .fold(draw(seed, 0x5851_f42d_4c95_7f2d), |key, byte| {
            draw(key, u64::from(byte) + 1)
        })
}

/// The key for one purpose of a node.
#[inline]
pub(super) fn purpose_key(node: u64, purpose: Purpose) -> u64 {
    draw(node, purpose as u64)
}

/// A number strictly between 0 and 1.
#[inline]
pub(super) fn unit(bits: u64) -> f64 {
    // Through a signed number, which converts without a branch.
    ((bits >> 11) as i64 as f64 + 0.5) * (1.0 / TWO_TO_53)
}

/// A whole number from 0 to `n` - 1; `n` at least 1.
#[inline]
pub(super) fn below(bits: u64, n: u64) -> u64 {
    ((u128::from(bits) * u128::from(n)) >> 64) as u64
}

/// Where the ziggurat's tail begins and the area of each of its 256 layers (Marsaglia and Tsang 2000).
const TAIL: f64 = 7.697_117_470_131_05;
const LAYER_AREA: f64 = 3.949_659_822_581_557e-3;

/// Layers of equal area under the density, each a rectangle: (its width over 2^53, width of the layer above).
static LAYERS: std::sync::LazyLock<[(f64, f64); 256]> = std::sync::LazyLock::new(|| {
    let mut widths = [0.0; 257];
    (widths[0], widths[1]) = (LAYER_AREA * libm::exp(TAIL), TAIL);
    for i in 2..256 {
        let below = widths[i - 1];
        widths[i] = -libm::log(LAYER_AREA / below + libm::exp(-below));
    }
    std::array::from_fn(|i| (widths[i] / TWO_TO_53, widths[i + 1]))
});
const TWO_TO_53: f64 = 9_007_199_254_740_992.0;

/// Draws standard exponential numbers, by the ziggurat: one multiplication where a logarithm takes ten times as long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exponential(&'static [(f64, f64); 256]);

impl Default for Exponential {
    fn default() -> Self {
        // Here, since each look through the lock would have to ask whether the table is there already.
        Self(&LAYERS)
    }
}

impl Exponential {
    #[inline(always)]
    pub(super) fn sample(self, bits: u64) -> f64 {
        let layer = (bits & 255) as usize;
        let (scale, above) = self.0[layer];
        let x = ((bits >> 11) as i64 as f64 + 0.5) * scale;
        // What lies under the layer above lies under the curve.
        if x < above { x } else { beside(bits, layer, x) }
    }
}

/// The one draw in a hundred that falls beside the layer above: under the curve, or in the tail, or drawn again.
#[cold]
#[inline(never)]
fn beside(bits: u64, layer: usize, x: f64) -> f64 {
    let more = draw(bits, 1);
    if layer == 0 {
        // Beyond any point the exponential distribution looks the same.
        return TAIL + Exponential::default().sample(more);
    }
    let (scale, above) = LAYERS[layer];
    let (low, high) = (libm::exp(-scale * TWO_TO_53), libm::exp(-above));
    if low + unit(more) * (high - low) < libm::exp(-x) {
        x
    } else {
        Exponential::default().sample(draw(more, 1))
    }
}

/// Quantile of the standard normal distribution: Wichura, algorithm AS 241 (PPND16), relative error about 1e-16.
pub(super) fn normal_quantile(p: f64) -> f64 {
    fn ratio(r: f64, a: &[f64; 8], b: &[f64; 7]) -> f64 {
        let numerator = a.iter().rev().fold(0.0, |sum, c| sum * r + c);
        let denominator = b.iter().rev().fold(0.0, |sum, c| sum * r + c) * r + 1.0;
        numerator / denominator
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(
            0.180_625 - q * q,
            &[
                3.387_132_872_796_366_5,
                1.331_416_678_917_843_8e2,
                1.971_590_950_306_551_3e3,
                1.373_169_376_550_946e4,
                4.592_195_393_154_987e4,
                6.726_577_092_700_87e4,
                3.343_057_558_358_813e4,
                2.509_080_928_730_122_7e3,
            ],
            &[
                4.231_333_070_160_091e1,
                6.871_870_074_920_579e2,
                5.394_196_021_424_751e3,
                2.121_379_430_158_659_7e4,
                3.930_789_580_009_271e4,
                2.872_908_573_572_194_3e4,
                5.226_495_278_852_545e3,
            ],
        );
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = libm::sqrt(-libm::log(tail));
    let x = if r <= 5.0 {
        ratio(
            r - 1.6,
            &[
                1.423_437_110_749_683_5,
                4.630_337_846_156_546,
                5.769_497_221_460_691,
                3.647_848_324_763_204_5,
                1.270_458_252_452_368_4,
                2.417_807_251_774_506e-1,
                2.272_384_498_926_918_4e-2,
                7.745_450_142_783_414e-4,
            ],
            &[
                2.053_191_626_637_759,
                1.676_384_830_183_803_8,
                6.897_673_349_851e-1,
                1.481_039_764_274_800_8e-1,
                1.519_866_656_361_645_7e-2,
                5.475_938_084_995_345e-4,
                1.050_750_071_644_416_9e-9,
            ],
        )
    } else {
        ratio(
            r - 5.0,
            &[
                6.657_904_643_501_103,
                5.463_784_911_164_114,
                1.784_826_539_917_291_3,
                2.965_605_718_285_048_7e-1,
                2.653_218_952_657_612_4e-2,
                1.242_660_947_388_078_4e-3,
                2.711_555_568_743_487_6e-5,
                2.010_334_399_292_288_1e-7,
            ],
            &[
                5.998_322_065_558_88e-1,
                1.369_298_809_227_358e-1,
                1.487_536_129_085_061_5e-2,
                7.868_691_311_456_133e-4,
                1.846_318_317_510_054_8e-5,
                1.421_511_758_316_446e-7,
                2.044_263_103_389_939_8e-15,
            ],
        )
    };
    if q < 0.0 { -x } else { x }
}

/// A distribution of times, ready to be drawn from. Times in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sampler {
    Constant(f64),
    Exponential(Exponential, f64),
    LogNormal { mu: f64, sigma: f64 },
    Uniform(f64),
}

impl Sampler {
    pub(super) fn new(distribution: &Distribution) -> Self {
        match distribution {
            Distribution::Constant(d) => Self::Constant(d.0 as f64),
            Distribution::Exponential(d) => Self::Exponential(Exponential::default(), d.0 as f64),
            Distribution::Uniform(d) => Self::Uniform(2.0 * d.0 as f64),
            Distribution::LogNormal(l) if l.cv == 0.0 || l.mean.0 == 0 => {
                Self::Constant(l.mean.0 as f64)
            }
            // Mean m and coefficient of variation c: sigma^2 = ln(1 + c^2), mu = ln m - sigma^2 / 2.
            Distribution::LogNormal(l) => {
                let variance = libm::log1p(l.cv * l.cv);
                Self::LogNormal {
                    mu: libm::log(l.mean.0 as f64) - variance / 2.0,
                    sigma: libm::sqrt(variance),
                }
            }
        }
    }

    /// A time in whole nanoseconds.
    #[inline]
    pub(super) fn sample_ns(&self, bits: u64) -> u64 {
        whole_ns(self.sample(bits))
    }

    /// A time in nanoseconds.
    #[inline(always)]
    pub(super) fn sample(&self, bits: u64) -> f64 {
        match *self {
            Self::Constant(ns) => ns,
            Self::Exponential(layers, mean) => layers.sample(bits) * mean,
            Self::LogNormal { mu, sigma } => log_normal(bits, mu, sigma),
            Self::Uniform(width) => unit(bits) * width,
        }
    }
}

// Apart from the others, so that they can be inlined.
#[inline(never)]
fn log_normal(bits: u64, mu: f64, sigma: f64) -> f64 {
    libm::exp(mu + sigma * normal_quantile(unit(bits)))
}

/// Whole nanoseconds; at most ten thousand days, so that sums cannot overflow.
#[inline]
pub(super) fn whole_ns(ns: f64) -> u64 {
    // Through a signed number, which converts in one instruction.
    (ns as i64 as u64).min(864_000_000_000_000_000)
}

/// Chooses from weighted alternatives in constant time (Walker's alias method, built as Vose 1991 does).
#[derive(Clone, Debug)]
pub(super) struct Alias {
    keep: Vec<f64>,
    other: Vec<u32>,
}

impl Alias {
    pub(super) fn new(weights: impl Iterator<Item = f64>) -> Self {
        let weights: Vec<f64> = weights.collect();
        let total: f64 = weights.iter().sum();
        let n = weights.len();
        let mut keep: Vec<f64> = weights.iter().map(|w| w / total * n as f64).collect();
        let mut other: Vec<u32> = (0..n as u32).collect();
        let (mut small, mut large): (Vec<u32>, Vec<u32>) =
            (0..n as u32).partition(|&i| keep[i as usize] < 1.0);
        while let (Some(s), Some(&l)) = (small.pop(), large.last()) {
            other[s as usize] = l;
            keep[l as usize] -= 1.0 - keep[s as usize];
            if keep[l as usize] < 1.0 {
                large.pop();
                small.push(l);
            }
        }
        Self { keep, other }
    }

    pub(super) fn bytes(&self) -> usize {
        self.keep.len() * (size_of::<f64>() + size_of::<u32>())
    }

    #[inline]
    pub(super) fn choose(&self, bits: u64) -> u32 {
        let product = u128::from(bits) * self.keep.len() as u128;
        let index = (product >> 64) as usize;
        if unit(product as u64) < self.keep[index] {
            index as u32
        } else {
            self.other[index]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_the_normal_distribution() {
        // Values of standard tables.
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.001, -3.090_232_306_167_813_5),
            (1e-10, -6.361_340_902_404_056),
        ] {
            assert!(
                (normal_quantile(p) - z).abs() < 1e-12,
                "{p}: {}",
                normal_quantile(p)
            );
        }
    }

    #[test]
    fn exponential_draws_follow_their_distribution() {
        assert!((LAYER_AREA / LAYERS[254].1 + libm::exp(-LAYERS[254].1) - 1.0).abs() < 1e-9);
        // Kolmogorov and Smirnov: beyond 1.95 once in a thousand; and the tail beyond the layers.
        let n = 1_000_000;
        let mut values: Vec<f64> = (0..n)
            .map(|i| Exponential::default().sample(draw(11, i)))
            .collect();
        values.sort_by(f64::total_cmp);
        let distance = (0u32..)
            .zip(&values)
            .map(|(rank, x)| (1.0 - libm::exp(-x) - (f64::from(rank) + 0.5) / n as f64).abs());
        assert!(distance.fold(0.0, f64::max) * (n as f64).sqrt() < 1.95);
        let beyond = values.iter().filter(|&&x| x > TAIL).count() as f64;
        let expected = n as f64 * libm::exp(-TAIL);
        assert!(
            (beyond - expected).abs() < 4.0 * expected.sqrt(),
            "{beyond}, not {expected}"
        );
    }

    #[test]
    fn draws_have_the_mean_and_spread_asked_for() {
        use crate::model::workload::LogNormal;
        use crate::units::Duration;
        let log_normal = Distribution::LogNormal(LogNormal {
            mean: Duration(15_000_000),
            cv: 1.2,
        });
        for (distribution, cv) in [
            (Distribution::Exponential(Duration(15_000_000)), 1.0),
            (log_normal, 1.2),
            (
                Distribution::Uniform(Duration(15_000_000)),
                1.0 / 3f64.sqrt(),
            ),
        ] {
            let sampler = Sampler::new(&distribution);
            let n = 400_000;
            let values: Vec<f64> = (0..n).map(|i| sampler.sample(draw(7, i)) / 15e6).collect();
            let mean = values.iter().sum::<f64>() / n as f64;
            let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n as f64;
            assert!(
                (mean - 1.0).abs() < 4.0 * cv / (n as f64).sqrt(),
                "{distribution:?}: mean {mean}"
            );
            assert!(
                (variance.sqrt() - cv).abs() < 0.05,
                "{distribution:?}: spread {}",
                variance.sqrt()
            );
        }
    }

    #[test]
    fn an_alias_table_keeps_the_weights() {
        let alias = Alias::new([1.0, 2.0, 3.0, 4.0].into_iter());
        let mut counts = [0u32; 4];
        for i in 0..100_000 {
            counts[alias.choose(draw(3, i)) as usize] += 1;
        }
        for (index, count) in counts.into_iter().enumerate() {
            assert!(
                (f64::from(count) / 10_000.0 - (index + 1) as f64).abs() < 0.08,
                "{counts:?}"
            );
        }
    }
}
