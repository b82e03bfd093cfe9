//! Whether one factor explains a difference.

use ndarray::{Array2, ArrayView2};

use crate::metrics::pair::Pair;

/// Pixels of the reference below this share of its greatest modulus have no ratio.
pub const LEAST_OF_RATIO: f64 = 0.01;
/// Means below this share of the mean modulus are those of a picture about zero, whose ratio says nothing.
const LEAST_MEAN: f64 = 1e-6;

/// Amplitudes (or phases) of two pictures beside each other.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Bias {
    /// `Σ t r / Σ r²`; `None` where r is zero.
    pub least_squares_factor: Option<f64>,
    /// Mean of t over mean of r; `None` where one of them is 0, as of phases less their plane.
    pub mean_ratio: Option<f64>,
    /// Mean, median and 5th, 25th, 75th, 95th percentile of the reference.
    pub reference: Distribution,
    /// The same of the reconstruction.
    pub other: Distribution,
    /// The same of r / t, where |t| is at least a hundredth of its greatest value; `None` where t is zero.
    pub ratio: Option<Distribution>,
    /// Mean |t - r| as it is.
    pub mae: f64,
    /// Mean |t - factor · r| with the least-squares factor.
    pub mae_rescaled: f64,
}

/// Mean, median, percentiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Distribution {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub median: f64,
    /// 5th, 25th, 75th and 95th percentile.
    pub percentiles: [f64; 4],
}

impl Bias {
    /// Of two pictures `(h, w)`, over the pixels of the mask; all zero without a pixel.
    pub fn of(
        reference: ArrayView2<'_, f64>,
        other: ArrayView2<'_, f64>,
        mask: Option<&Array2<bool>>,
    ) -> Self {
        let pixels = Pair {
            reference,
            other,
            mask,
        }
        .counted();
        let n = pixels.len().max(1) as f64;
        let mean =
            |of: &dyn Fn(f64, f64) -> f64| pixels.iter().map(|&(t, r)| of(t, r)).sum::<f64>() / n;
        let (mean_t, mean_r) = (mean(&|t, _| t), mean(&|_, r| r));
        let is_real = |mean: f64, modulus: f64| mean.abs() > LEAST_MEAN * modulus;
        let has_ratio =
            is_real(mean_t, mean(&|t, _| t.abs())) && is_real(mean_r, mean(&|_, r| r.abs()));
        let power = mean(&|_, r| r * r);
        let factor = (power > 0.0).then(|| mean(&|t, r| t * r) / power);
        let least = LEAST_OF_RATIO
            * pixels
                .iter()
                .fold(0.0_f64, |most, (t, _)| most.max(t.abs()));
        let ratios = pixels
            .iter()
            .filter(|(t, _)| t.abs() >= least && *t != 0.0)
            .map(|(t, r)| r / t);
        Self {
            least_squares_factor: factor,
            mean_ratio: has_ratio.then(|| mean_t / mean_r),
            reference: Distribution::of(pixels.iter().map(|p| p.0).collect()).unwrap_or_default(),
            other: Distribution::of(pixels.iter().map(|p| p.1).collect()).unwrap_or_default(),
            ratio: Distribution::of(ratios.collect()),
            mae: mean(&|t, r| (t - r).abs()),
            mae_rescaled: mean(&|t, r| (t - factor.unwrap_or(0.0) * r).abs()),
        }
    }
}

impl Distribution {
    /// Of values in any order, percentiles linear between neighbours as numpy has them; `None` without a value.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        let last = values.len().checked_sub(1)?;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.sort_unstable_by(f64::total_cmp);
        let at = |percent: f64| {
            let place = percent / 100.0 * last as f64;
            let (below, part) = (place.floor() as usize, place.fract());
            values[below] + part * (values[(below + 1).min(last)] - values[below])
        };
        Some(Self {
            mean,
            median: at(50.0),
            percentiles: [at(5.0), at(25.0), at(75.0), at(95.0)],
        })
    }
}
