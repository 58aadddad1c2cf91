//! Mean, spread and confidence of independent samples.

/// A mean and how sure it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Mean over the replications that have a sample; `None` without any.
    pub mean: Option<f64>,
    /// Half-width of the 95 % confidence interval; `None` with fewer than two samples.
    pub ci95: Option<f64>,
}

/// Samples, of which only what is needed is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Samples {
    count: u64,
    sum: f64,
    /// Mean so far, and sum of squared deviations from it (Welford 1962).
    mean: f64,
    squares: f64,
}

impl Samples {
    /// That many samples of 0.
    pub fn zeros(count: u64) -> Self {
        Self {
            count,
            ..Self::default()
        }
    }

    /// Adds one.
    pub fn add(&mut self, sample: f64) {
        self.count += 1;
        self.sum += sample;
        let deviation = sample - self.mean;
        self.mean += deviation / self.count as f64;
        self.squares += deviation * (sample - self.mean);
    }

    /// Their mean; `None` without samples. Of counts it is exact, and of equal samples it is what they are.
    pub fn mean(&self) -> Option<f64> {
        let mean = if self.squares == 0.0 {
            self.mean
        } else {
            self.sum / self.count as f64
        };
        (self.count > 0).then_some(mean)
    }

    /// Standard error of the mean; `None` with fewer than two samples.
    pub fn standard_error(&self) -> Option<f64> {
        let n = self.count as f64;
        (self.count > 1).then(|| (self.squares / (n - 1.0) / n).sqrt())
    }

    /// Mean and confidence.
    pub fn estimate(&self) -> Estimate {
        Estimate {
            mean: self.mean(),
            ci95: self
                .standard_error()
                .map(|error| error * student_t975(self.count - 1)),
        }
    }
}

/// The ratio of two means over the same replications, and its standard error by linearisation (Cochran 1977, section
/// 2.11): the spread of x - r y, relative to the mean of y. `None` for what there are too few samples of, or if y is 0.
pub fn ratio(pairs: &[(f64, f64)]) -> (Option<f64>, Option<f64>) {
    let (x, y) = pairs
        .iter()
        .fold((0.0, 0.0), |(x, y), pair| (x + pair.0, y + pair.1));
    if y == 0.0 {
        return (None, None);
    }
    let ratio = x / y;
    let mut residuals = Samples::default();
    for (x, y) in pairs {
        residuals.add(x - ratio * y);
    }
    let mean_y = y / pairs.len() as f64;
    (
        Some(ratio),
        residuals.standard_error().map(|error| error / mean_y.abs()),
    )
}

/// The 0.975 quantile of Student's t distribution: half of 95 % lies between it and 0.
/// Up to 30 degrees of freedom from the usual table, beyond by expansion (Abramowitz and Stegun 1964, 26.7.5).
pub fn student_t975(degrees_of_freedom: u64) -> f64 {
    const TABLE: [f64; 30] = [
        12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010,
        2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739,
        2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
    ];
    let index = usize::try_from(degrees_of_freedom.saturating_sub(1)).unwrap_or(usize::MAX);
    if let Some(&t) = TABLE.get(index) {
        return t;
    }
    let z = 1.959_963_984_540_054; // the normal quantile
    let v = degrees_of_freedom as f64;
    let z3 = z * z * z;
    let z5 = z3 * z * z;
    z + (z3 + z) / (4.0 * v) + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * v * v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_equal_samples_is_what_they_are() {
        for sample in [0.2, 0.98, 1e-9 / 3.0] {
            let mut samples = Samples::default();
            (0..7).for_each(|_| samples.add(sample));
            assert_eq!(samples.mean(), Some(sample));
        }
    }

    #[test]
    fn student_t_joins_the_table_and_nears_the_normal() {
        assert!((student_t975(1) - 12.7062).abs() < 1e-4);
        assert!((student_t975(30) - 2.0423).abs() < 1e-4);
        assert!((student_t975(31) - 2.0395).abs() < 1e-4);
        assert!((student_t975(40) - 2.0211).abs() < 1e-4);
        assert!((student_t975(120) - 1.9799).abs() < 1e-4);
        assert!((student_t975(1_000_000) - 1.95997).abs() < 1e-4);
    }

    #[test]
    fn samples_give_mean_and_confidence() {
        let mut samples = Samples::default();
        assert_eq!(samples.estimate(), Estimate::default());
        samples.add(1.0);
        assert_eq!(
            samples.estimate(),
            Estimate {
                mean: Some(1.0),
                ci95: None
            }
        );
        samples.add(2.0);
        samples.add(3.0);
        let estimate = samples.estimate();
        assert_eq!(estimate.mean, Some(2.0));
        // Standard deviation 1, three samples, two degrees of freedom.
        assert!((estimate.ci95.unwrap() - 4.3027 / 3f64.sqrt()).abs() < 1e-9);
        let mut with_zeros = Samples::zeros(2);
        with_zeros.add(3.0);
        assert_eq!(with_zeros.mean(), Some(1.0));
        assert!((with_zeros.standard_error().unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_ratio_of_proportional_samples_is_certain() {
        assert_eq!(ratio(&[(1.0, 2.0), (2.0, 4.0)]), (Some(0.5), Some(0.0)));
        assert_eq!(ratio(&[(1.0, 0.0)]), (None, None));
        assert_eq!(ratio(&[(1.0, 2.0)]), (Some(0.5), None));
    }
}
