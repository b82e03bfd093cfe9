//! Fourier ring correlation.

use ndarray::ArrayView2;
use num_complex::Complex64;

use crate::error::Result;

/// Where a curve counts as lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// 0.5.
    Half,
    /// 1/7.
    Seventh,
    /// The 1-bit curve of van Heel and Schatz (2005).
    OneBit,
    /// The half-bit curve.
    HalfBit,
}

/// Correlation in every ring.
#[derive(Clone, Debug, PartialEq)]
pub struct FrcCurve {
    /// Value of each ring from DC to the corner; NaN for a ring without power.
    pub values: Vec<f64>,
    /// Pixels of each ring.
    pub n_pixels: Vec<usize>,
    /// Side of the square that was transformed.
    pub side_px: usize,
}

/// Where a curve first falls below a threshold.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Cutoff {
    /// In rings, linear between them; the number of rings if never.
    pub rings: f64,
    /// Divided by half the side; above 1 lies the corner.
    pub of_nyquist: f64,
    /// Half period in nm, where the pixel size is known and the cut-off is not 0.
    pub half_period_nm: Option<f64>,
}

impl FrcCurve {
    /// Correlation of two pictures `(h, w)` over their central square.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for other shapes or less than 4 pixels.
    pub fn of(
        first: ArrayView2<'_, Complex64>,
        second: ArrayView2<'_, Complex64>,
        window: bool,
    ) -> Result<Self> {
        unimplemented!()
    }

    /// Where the curve first falls below the threshold.
    pub fn cutoff(&self, threshold: Threshold, pixel_size_m: Option<f64>) -> Cutoff {
        unimplemented!()
    }

    /// The threshold at each ring.
    pub fn threshold(&self, threshold: Threshold) -> Vec<f64> {
        unimplemented!()
    }
}
