//! How well predicted amplitudes agree with measured ones.

use rayon::prelude::*;

/// Sums over all pixels in use, in double precision, group by group in order.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Agreement {
    n: f64,
    predicted: f64,
    measured: f64,
    predicted_squared: f64,
    measured_squared: f64,
    product: f64,
}

impl Agreement {
    /// Add groups: measured amplitudes of each (NaN where the detector is masked), and predicted ones of all, as many or
    /// none.
    pub(crate) fn add(&mut self, measured: &[&[f32]], predicted: &[f32]) {
        let n_values = measured.first().map_or(0, |group| group.len());
        let groups: Vec<Self> = measured
            .par_iter()
            .zip(predicted.par_chunks(n_values.max(1)))
            .map(|(measured, predicted)| Self::of_group(measured, predicted))
            .collect();
        for group in groups {
            self.n += group.n;
            self.predicted += group.predicted;
            self.measured += group.measured;
            self.predicted_squared += group.predicted_squared;
            self.measured_squared += group.measured_squared;
            self.product += group.product;
        }
    }

    fn of_group(measured: &[f32], predicted: &[f32]) -> Self {
        let mut sums = Self::default();
        for (measured, predicted) in measured.iter().zip(predicted) {
            if measured.is_nan() {
                continue;
            }
            let (y, x) = (f64::from(*measured), f64::from(*predicted));
            sums.n += 1.0;
            sums.predicted += x;
            sums.measured += y;
            sums.predicted_squared += x * x;
            sums.measured_squared += y * y;
            sums.product += x * y;
        }
        sums
    }

    /// Pearson correlation; `None` without pixels, or where one side is the same everywhere.
    pub(crate) fn correlation(&self) -> Option<f64> {
        let covariance = self.product * self.n - self.predicted * self.measured;
        let spread = |squared: f64, sum: f64| (squared * self.n - sum * sum).max(0.0);
        let spread = (spread(self.predicted_squared, self.predicted)
            * spread(self.measured_squared, self.measured))
        .sqrt();
        (0.0 < spread).then(|| (covariance / spread).clamp(-1.0, 1.0))
    }

    /// Sums of counts, measured and predicted; `None` without pixels.
    pub(crate) fn counts(&self) -> Option<[f64; 2]> {
        (0.0 < self.n).then_some([self.measured_squared, self.predicted_squared])
    }

    /// f that makes Σ (f √λ - √k)² least; `None` where nothing is predicted.
    pub(crate) fn best_factor(&self) -> Option<f64> {
        (0.0 < self.predicted_squared).then(|| self.product / self.predicted_squared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multiple_agrees_wholly_and_masked_pixels_do_not_count() {
        let predicted = [1.0, 2.0, 5.0, 3.0f32];
        let measured = [2.5, 5.0, f32::NAN, 7.5f32];
        let mut agreement = Agreement::default();
        agreement.add(&[&measured[..2], &measured[2..]], &predicted);
        assert!((agreement.correlation().unwrap() - 1.0).abs() < 1e-12);
        assert!((agreement.best_factor().unwrap() - 2.5).abs() < 1e-12);
        let [counts, expected] = agreement.counts().unwrap();
        assert_eq!((counts, expected), (2.5 * 2.5 * expected, 14.0));
        assert_eq!(Agreement::default().correlation(), None);
        assert_eq!(Agreement::default().best_factor(), None);
        assert_eq!(Agreement::default().counts(), None);
        let mut flat = Agreement::default();
        flat.add(&[&[1.0, 2.0]], &[3.0, 3.0]);
        assert_eq!(flat.correlation(), None);
    }
}
