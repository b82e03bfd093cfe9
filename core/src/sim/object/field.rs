//! Gaussian random fields and white noise.

use std::f64::consts::PI;

use ndarray::Array2;
use num_complex::Complex64;
use rand::{Rng, RngExt as _};
use rand_distr::StandardNormal;

use crate::fft::Fft2;
use crate::sim::blur::gaussian;

/// A Gaussian random field of mean 0, `(side, side)`, that goes on around the edges.
///
/// White noise `w` filtered to the power spectrum `|k|^-exponent · exp(-(2π σ |k|)²)`, `k` in cycles a pixel: `σ` =
/// `smooth_px` is the standard deviation of the Gaussian that smooths it.
pub(super) fn field(
    side_px: usize,
    exponent: f64,
    smooth_px: f64,
    rng: &mut impl Rng,
) -> Array2<f64> {
    let mut plane: Vec<Complex64> = (0..side_px * side_px)
        .map(|_| Complex64::new(rng.sample(StandardNormal), 0.0))
        .collect();
    let fft = Fft2::new(side_px, side_px);
    let mut scratch = fft.scratch();
    fft.forward_plain(&mut plane, &mut scratch);
    let squares: Vec<f64> = (0..side_px)
        .map(|i| (i.min(side_px - i) as f64 / side_px as f64).powi(2))
        .collect();
    for (line, row_square) in plane.chunks_exact_mut(side_px).zip(&squares) {
        for (value, column_square) in line.iter_mut().zip(&squares) {
            let square = row_square + column_square;
            *value *= if square > 0.0 {
                square.powf(-exponent / 4.0) * (-2.0 * (PI * smooth_px).powi(2) * square).exp()
            } else {
                0.0
            };
        }
    }
    fft.inverse_plain(&mut plane, &mut scratch);
    Array2::from_shape_fn((side_px, side_px), |(row, column)| {
        plane[row * side_px + column].re
    })
}

/// White noise, uniform from 0 to 1 in every pixel, under a Gaussian of `smooth_px` (0: none).
pub(super) fn noise(side_px: usize, smooth_px: f64, rng: &mut impl Rng) -> Array2<f64> {
    let white = Array2::from_shape_simple_fn((side_px, side_px), || rng.random::<f64>());
    gaussian(white.view(), smooth_px)
}
