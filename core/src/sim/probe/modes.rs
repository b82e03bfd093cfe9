//! Incoherent modes of a partially coherent beam.

use ndarray::{Array2, Array3, ArrayView2, Axis};
use num_complex::Complex64;

use crate::error::{Error, Result};

/// Least share of a mode that must be left once the modes before it are taken out of it.
const LEAST_REST: f64 = 1e-10;

/// `n_modes` orthogonal modes of a beam, `(k, n, n)`, power falling by `decay` from mode to mode, all together as strong
/// as `main`.
///
/// Mode `(i, j)` is the main mode times `(y/w)^i (x/w)^j` (as Gauss-Hermite modes of a Gaussian are), by ascending
/// `i + j`, made orthogonal to those before it; `y`, `x` count from the beam's centre of mass and `w` is its width.
///
/// # Errors
/// [`Error::Invalid`] if the beam has too few pixels for so many modes.
pub(super) fn modes(
    main: Array2<Complex64>,
    n_modes: usize,
    decay: f64,
) -> Result<Array3<Complex64>> {
    let n = main.nrows();
    let mut modes = Array3::zeros((n_modes, n, n));
    let (middle, width_px) = moments(main.view());
    let orders = (0..).flat_map(|order: i32| (0..=order).map(move |i| (order - i, i)));
    let total = power(main.view());
    let shares: Vec<f64> = (0..n_modes).map(|k| decay.powi(k as i32)).collect();
    let sum: f64 = shares.iter().sum();
    for (k, (i, j)) in orders.take(n_modes).enumerate() {
        let mut mode = main.clone();
        for ((row, column), value) in mode.indexed_iter_mut() {
            let y = (row as f64 - middle[0]) / width_px;
            let x = (column as f64 - middle[1]) / width_px;
            *value *= y.powi(i) * x.powi(j);
        }
        let before = power(mode.view());
        // Twice: the second pass takes out what rounding left.
        for _ in 0..2 {
            for other in modes.axis_iter(Axis(0)).take(k) {
                take_out(&mut mode, other);
            }
        }
        let rest = power(mode.view());
        if rest <= LEAST_REST * before {
            let error = Error::invalid(
                "make a probe",
                "n-probe-modes",
                format!("at most {k} modes of so small a beam"),
                n_modes.to_string(),
            );
            return Err(error.with_fix("ask for fewer modes, or for a larger probe"));
        }
        let factor = (total * shares[k] / sum / rest).sqrt();
        modes
            .index_axis_mut(Axis(0), k)
            .assign(&mode.mapv(|value| value * factor));
    }
    Ok(modes)
}

/// Remove from `mode` its part along `other`.
fn take_out(mode: &mut Array2<Complex64>, other: ArrayView2<'_, Complex64>) {
    let along: Complex64 = other.iter().zip(&*mode).map(|(a, b)| a.conj() * b).sum();
    mode.scaled_add(-along / power(other), &other);
}

pub(super) fn power(wave: ArrayView2<'_, Complex64>) -> f64 {
    wave.iter().map(Complex64::norm_sqr).sum()
}

/// Centre of mass of the intensity, and the root of its mean squared distance along one axis.
fn moments(wave: ArrayView2<'_, Complex64>) -> ([f64; 2], f64) {
    let mean = |of: &dyn Fn(f64, f64) -> f64| {
        let sum: f64 = wave
            .indexed_iter()
            .map(|((row, column), value)| of(row as f64, column as f64) * value.norm_sqr())
            .sum();
        sum / power(wave)
    };
    let middle = [mean(&|y, _| y), mean(&|_, x| x)];
    let square = mean(&|y, x| (y - middle[0]).powi(2) + (x - middle[1]).powi(2));
    (middle, (square / 2.0).sqrt())
}
