//! How often something holds, and how far that figure may be trusted.

use super::bootstrap::Interval;

/// The standard normal quantile of a 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// Hits among trials.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Proportion {
    /// How often it held.
    pub hits: u64,
    /// How often it was tried.
    pub n: u64,
}

impl Proportion {
    /// Counts one more trial.
    pub fn add(&mut self, is_hit: bool) {
        self.hits += u64::from(is_hit);
        self.n += 1;
    }

    /// From 0 to 1; `None` without trials.
    pub fn share(self) -> Option<f64> {
        (self.n > 0).then(|| self.hits as f64 / self.n as f64)
    }

    /// The 95 % interval of Wilson's score (Wilson 1927), which holds for few trials and near 0 and 1 as well; `None`
    /// without trials.
    pub fn interval(self) -> Option<Interval> {
        let (n, share) = (self.n as f64, self.share()?);
        let centre = share + Z * Z / (2.0 * n);
        let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Some(Interval {
            lo: ((centre - reach) / scale).max(0.0),
            hi: ((centre + reach) / scale).min(1.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_wilson_s() {
        // As statsmodels' proportion_confint(hits, n, method="wilson") gives them.
        for (hits, n, lo, hi) in [
            (9, 10, 0.595_850, 0.982_124),
            (0, 10, 0.0, 0.277_533),
            (10, 10, 0.722_467, 1.0),
            (1, 1, 0.206_549, 1.0),
            (0, 5, 0.0, 0.434_482),
            (8, 10, 0.490_162, 0.943_318),
            (50, 100, 0.403_832, 0.596_168),
        ] {
            let found = Proportion { hits, n }.interval().unwrap();
            assert!((found.lo - lo).abs() < 1e-6, "{hits} of {n}: {found:?}");
            assert!((found.hi - hi).abs() < 1e-6, "{hits} of {n}: {found:?}");
        }
        assert_eq!(Proportion::default().interval(), None);
    }
}
