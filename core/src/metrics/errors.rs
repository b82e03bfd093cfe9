//! Mean and greatest errors, PSNR, Pearson, over the pixels of a mask.

use ndarray::{Array2, ArrayView2};
use num_complex::Complex64;

use crate::metrics::pair::{Pair, counted};

/// Errors of a picture against another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// Pixels that counted.
    pub n_pixels: usize,
    /// Mean |difference|.
    pub mae: f64,
    /// Mean difference².
    pub mse: f64,
    /// Greatest |difference|.
    pub max_error: f64,
    /// Least and greatest value of the reference.
    pub reference_limits: [f64; 2],
    /// Correlation coefficient; `None` where one of the pictures is the same everywhere.
    pub pearson: Option<f64>,
}

/// Relative size of a spread that is rounding alone.
const ROUNDING: f64 = 1e-13;

impl Errors {
    /// Of two pictures over the pixels that count; `None` if no pixel does.
    pub fn of(pair: Pair<'_>) -> Option<Self> {
        let pixels = pair.counted();
        if pixels.is_empty() {
            return None;
        }
        let n = pixels.len() as f64;
        let mut errors = Self {
            n_pixels: pixels.len(),
            mae: 0.0,
            mse: 0.0,
            max_error: 0.0,
            reference_limits: [f64::INFINITY, f64::NEG_INFINITY],
            pearson: pearson(&pixels),
        };
        for (reference, other) in pixels {
            let difference = (reference - other).abs();
            errors.mae += difference / n;
            errors.mse += difference * difference / n;
            errors.max_error = errors.max_error.max(difference);
            let [least, most] = errors.reference_limits;
            errors.reference_limits = [least.min(reference), most.max(reference)];
        }
        Some(errors)
    }

    /// `√mse`.
    pub fn rmse(&self) -> f64 {
        self.mse.sqrt()
    }

    /// Greatest less least value of the reference.
    pub fn reference_range(&self) -> f64 {
        self.reference_limits[1] - self.reference_limits[0]
    }

    /// `10 log10(range² / mse)`; `None` without a range, or where nothing differs and it would be infinite.
    pub fn psnr(&self, range: f64) -> Option<f64> {
        (range > 0.0 && self.mse > 0.0).then(|| 10.0 * (range * range / self.mse).log10())
    }
}

fn pearson(pixels: &[(f64, f64)]) -> Option<f64> {
    let n = pixels.len() as f64;
    let sums = pixels
        .iter()
        .fold([0.0; 2], |sums, (a, b)| [sums[0] + a, sums[1] + b]);
    let means = sums.map(|sum| sum / n);
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    let mut greatest = [0.0_f64; 2];
    for (a, b) in pixels {
        greatest = [greatest[0].max(a.abs()), greatest[1].max(b.abs())];
        let (a, b) = (a - means[0], b - means[1]);
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    let varies = |sum: f64, greatest: f64| (sum / n).sqrt() > ROUNDING * greatest;
    (varies(aa, greatest[0]) && varies(bb, greatest[1])).then(|| ab / (aa.sqrt() * bb.sqrt()))
}

/// `√(min over c of Σ|t - c r|² / Σ|t|²)` with the complex factor `c = Σ t conj(r) / Σ|r|²`: what is left of two objects `(h, w)`
/// when one complex factor is free. `None` where one of them is zero.
pub fn complex_error(
    reference: ArrayView2<'_, Complex64>,
    other: ArrayView2<'_, Complex64>,
    mask: Option<&Array2<bool>>,
) -> Option<f64> {
    let pixels = counted(reference, mask)
        .into_iter()
        .zip(counted(other, mask));
    let (mut cross, mut powers) = (Complex64::default(), [0.0; 2]);
    for (t, r) in pixels.clone() {
        cross += t * r.conj();
        powers = [powers[0] + t.norm_sqr(), powers[1] + r.norm_sqr()];
    }
    if powers.contains(&0.0) {
        return None;
    }
    let factor = cross / powers[1];
    let rest: f64 = pixels.map(|(t, r)| (t - factor * r).norm_sqr()).sum();
    Some((rest / powers[0]).sqrt())
}
