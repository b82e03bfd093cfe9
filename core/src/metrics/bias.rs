//! Whether one factor explains a difference.

use ndarray::{Array2, ArrayView2};

/// Amplitudes (or phases) of two pictures beside each other.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Bias {
    /// `Σ t r / Σ r²`.
    pub least_squares_factor: f64,
    /// Mean of t over mean of r.
    pub mean_ratio: f64,
    /// Mean, median and 5th, 25th, 75th, 95th percentile of the reference.
    pub reference: Distribution,
    /// The same of the reconstruction.
    pub other: Distribution,
    /// The same of r / t, where t is not tiny.
    pub ratio: Distribution,
    /// Mean |t - r| as it is.
    pub mae: f64,
    /// Mean |t - factor · r|.
    pub mae_rescaled: f64,
}

/// Mean, median, percentiles.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Distribution {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub median: f64,
    /// 5th, 25th, 75th and 95th percentile.
    pub percentiles: [f64; 4],
}

impl Bias {
    /// Of two pictures `(h, w)`, over the pixels of the mask.
    pub fn of(
        reference: ArrayView2<'_, f64>,
        other: ArrayView2<'_, f64>,
        mask: Option<&Array2<bool>>,
    ) -> Self {
        unimplemented!()
    }
}
