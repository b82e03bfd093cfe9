//! Probes with a flat phase: `PtychoPINN`'s disk, and a Gaussian.

use std::f64::consts::PI;

use ndarray::Array2;
use num_complex::Complex64;

use crate::sim::blur::gaussian;

/// Added to the disk everywhere, so that no pixel of it is exactly dark.
const FLOOR: f64 = 1e-9;

/// The idealised disk of `PtychoPINN` (`get_default_probe`), `(n, n)`, real, about 1 inside.
///
/// `P = G₁{ L_i L_j / max(L)² > 1/2 } + 1e-9`, `L` a Gaussian window of standard deviation `σ = n / (scale π²)` about
/// `(n - 1) / 2`, `G₁` a Gaussian filter of 1 px. The disk's radius is `√(2 σ² ln 2 + 1/2)` for even `n`.
pub fn ideal_disk(n: usize, default_probe_scale: f64) -> Array2<Complex64> {
    let sigma_px = n as f64 / (default_probe_scale * PI.powi(2));
    let middle = (n as f64 - 1.0) / 2.0;
    let window: Vec<f64> = (0..n)
        .map(|i| (-0.5 * ((i as f64 - middle) / sigma_px).powi(2)).exp())
        .collect();
    let greatest = window.iter().copied().fold(0.0, f64::max);
    let disk = Array2::from_shape_fn((n, n), |(row, column)| {
        let product = (window[row] / greatest) * (window[column] / greatest);
        f64::from(u8::from(product > 0.5))
    });
    gaussian(disk.view(), 1.0).mapv(|amplitude| Complex64::from(amplitude + FLOOR))
}

/// A Gaussian about `[n/2, n/2]`, `(n, n)`, real, 1 in the middle: `P = exp(-r² / (2 σ²))`.
pub fn gaussian_probe(n: usize, sigma_px: f64) -> Array2<Complex64> {
    let half = (n / 2) as f64;
    let squares: Vec<f64> = (0..n)
        .map(|i| -0.5 * ((i as f64 - half) / sigma_px).powi(2))
        .collect();
    Array2::from_shape_fn((n, n), |(row, column)| {
        Complex64::from((squares[row] + squares[column]).exp())
    })
}
