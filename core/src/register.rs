//! The shift between two pictures, found to a hundredth of a pixel, and its removal.
//!
//! As scikit-image's `phase_cross_correlation` finds it: the greatest value of the cyclic cross-correlation in whole pixels, then the
//! greatest value of its trigonometric interpolation on a fine grid of 1.5 pixels about it (Guizar-Sicairos, Thurman and Fienup,
//! Optics Letters 33, 156 (2008)).

use std::f64::consts::TAU;

use ndarray::{Array2, ArrayView2};
use num_complex::Complex64;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::fft::Fft2;

/// Moduli of a cross spectrum below this are noise and not divided by, as scikit-image has it: `100 ε`.
const LEAST_MODULUS: f64 = 100.0 * f64::EPSILON;
/// Side of the smallest picture in which a shift means anything.
const LEAST_SIDE_PX: usize = 4;

/// How a shift is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegisterOptions {
    /// Whether means are taken off and a separable periodic Hann window laid over both: without it the frame's edge, which does
    /// not move with the content, pulls the answer towards zero.
    pub window: bool,
    /// Whether the cross spectrum is divided by its modulus (phase correlation proper) or not (cross-correlation).
    pub whiten: bool,
    /// Steps of the answer in a pixel.
    pub upsampling: usize,
}

impl Default for RegisterOptions {
    fn default() -> Self {
        Self {
            window: true,
            whiten: false,
            upsampling: 100,
        }
    }
}

/// A shift found.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Registration {
    /// What has to be applied to the moving picture, `(row, column)`.
    pub shift_px: [f64; 2],
    /// `√(1 - |peak|² / (Σ|F reference|² Σ|F moving|²))`: 0 for pictures that differ by the shift alone. Where the spectrum is
    /// whitened the divisor is the square of the sum of its moduli.
    pub error: f64,
}

/// The shift to apply to `moving` so that it lies on `reference`; both `(h, w)`.
///
/// # Errors
/// [`crate::Error::Invalid`] for other shapes, pictures without content or values that are not finite.
pub fn register(
    reference: ArrayView2<'_, f64>,
    moving: ArrayView2<'_, f64>,
    options: RegisterOptions,
) -> Result<Registration> {
    check(&reference, &moving, options)?;
    let dim = reference.dim();
    let mut spectrum = CrossSpectrum::of(reference, moving, options.window);
    if spectrum.powers.iter().any(|&power| power <= 0.0) {
        return Err(invalid(
            "pictures with contrast",
            "a picture that is the same everywhere",
        ));
    }
    if options.whiten {
        spectrum.whiten();
    }
    let whole = coarse_shift(&spectrum.values, dim);
    let (shift_px, peak) = fine_shift(&spectrum.values, dim, whole, options.upsampling);
    let share = peak.norm_sqr() / (spectrum.powers[0] * spectrum.powers[1]);
    Ok(Registration {
        shift_px,
        error: (1.0 - share).abs().sqrt(),
    })
}

/// `image` moved by `shift_px`: multiplied by `exp(-2πi (dy ky + dx kx))` in Fourier space; cyclic.
pub fn fourier_shift(image: ArrayView2<'_, Complex64>, shift_px: [f64; 2]) -> Array2<Complex64> {
    let (n_rows, n_columns) = image.dim();
    let mut plane: Vec<Complex64> = image.iter().copied().collect();
    if !plane.is_empty() && shift_px != [0.0; 2] {
        let fft = Fft2::new(n_rows, n_columns);
        fft.forward_plain_parallel(&mut plane);
        let phasors = |n: usize, shift: f64| -> Vec<Complex64> {
            (0..n)
                .map(|i| Complex64::cis(-TAU * shift * frequency(i, n)))
                .collect()
        };
        let along_row = phasors(n_columns, shift_px[1]);
        for (line, turn) in plane
            .chunks_exact_mut(n_columns)
            .zip(phasors(n_rows, shift_px[0]))
        {
            for (value, phasor) in line.iter_mut().zip(&along_row) {
                *value *= turn * phasor;
            }
        }
        fft.inverse_plain_parallel(&mut plane);
    }
    let mut moved = Array2::zeros((n_rows, n_columns));
    for (to, from) in moved.iter_mut().zip(plane) {
        *to = from;
    }
    moved
}

/// The separable periodic Hann window along one axis: `0.5 - 0.5 cos(2πi/n)`.
pub fn hann(n: usize) -> Vec<f64> {
    (0..n)
        .map(|i| 0.5 - 0.5 * (TAU * i as f64 / n as f64).cos())
        .collect()
}

/// Cycles per pixel of an index in FFT order: `0, 1/n, …, -1/n`, the half frequency negative.
fn frequency(index: usize, n: usize) -> f64 {
    let signed = if index < n.div_ceil(2) {
        index as f64
    } else {
        index as f64 - n as f64
    };
    signed / n as f64
}

fn invalid(expected: &str, found: impl Into<String>) -> Error {
    Error::invalid(
        "find the shift between two pictures",
        "pictures",
        expected,
        found,
    )
}

fn check(
    reference: &ArrayView2<'_, f64>,
    moving: &ArrayView2<'_, f64>,
    options: RegisterOptions,
) -> Result<()> {
    if reference.dim() != moving.dim() {
        return Err(invalid(
            "of one shape",
            format!("{:?} and {:?}", reference.dim(), moving.dim()),
        ));
    }
    if reference.nrows().min(reference.ncols()) < LEAST_SIDE_PX {
        return Err(invalid(
            &format!("of at least {LEAST_SIDE_PX} px a side"),
            format!("{:?}", reference.dim()),
        ));
    }
    if options.upsampling == 0 {
        return Err(invalid("at least one step in a pixel", "upsampling 0"));
    }
    let n_bad = |picture: &ArrayView2<'_, f64>| picture.iter().filter(|v| !v.is_finite()).count();
    match n_bad(reference) + n_bad(moving) {
        0 => Ok(()),
        n => Err(invalid("finite values", format!("{n} that are not finite"))),
    }
}

/// `F reference · conj(F moving)` in FFT order, not normalised, and what its greatest correlation is measured by.
struct CrossSpectrum {
    values: Vec<Complex64>,
    powers: [f64; 2],
}

impl CrossSpectrum {
    /// Both pictures go through one transform, as real and imaginary part.
    fn of(reference: ArrayView2<'_, f64>, moving: ArrayView2<'_, f64>, window: bool) -> Self {
        let (n_rows, n_columns) = reference.dim();
        let means = if window {
            [
                reference.mean().unwrap_or(0.0),
                moving.mean().unwrap_or(0.0),
            ]
        } else {
            [0.0; 2]
        };
        let weights = |n| if window { hann(n) } else { vec![1.0; n] };
        let (down, right) = (weights(n_rows), weights(n_columns));
        let mut plane = Vec::with_capacity(n_rows * n_columns);
        for ((first, second), row_weight) in
            reference.outer_iter().zip(moving.outer_iter()).zip(&down)
        {
            for ((a, b), weight) in first.iter().zip(second).zip(&right) {
                let weight = row_weight * weight;
                plane.push(Complex64::new(
                    (a - means[0]) * weight,
                    (b - means[1]) * weight,
                ));
            }
        }
        Fft2::new(n_rows, n_columns).forward_plain_parallel(&mut plane);
        let n_pixels = plane.len() as f64;
        let mut powers = [0.0; 2];
        let mut values = Vec::with_capacity(plane.len());
        for row in 0..n_rows {
            let mirrored_row = (n_rows - row) % n_rows * n_columns;
            for column in 0..n_columns {
                let here = plane[row * n_columns + column];
                let there = plane[mirrored_row + (n_columns - column) % n_columns].conj();
                let reference = (here + there) * 0.5;
                let moving = (here - there) * Complex64::new(0.0, -0.5);
                powers[0] += reference.norm_sqr();
                powers[1] += moving.norm_sqr();
                // The transform is orthonormal; the plain one is √n_pixels times as large.
                values.push(reference * moving.conj() * n_pixels);
            }
        }
        Self {
            values,
            powers: powers.map(|power| power * n_pixels),
        }
    }

    fn whiten(&mut self) {
        let mut sum = 0.0;
        for value in &mut self.values {
            *value /= value.norm().max(LEAST_MODULUS);
            sum += value.norm();
        }
        self.powers = [sum; 2];
    }
}

/// Where the cyclic correlation is greatest, in whole pixels, shifts beyond the middle taken as negative.
fn coarse_shift(spectrum: &[Complex64], (n_rows, n_columns): (usize, usize)) -> [f64; 2] {
    let mut correlation = spectrum.to_vec();
    Fft2::new(n_rows, n_columns).inverse_plain_parallel(&mut correlation);
    let at = greatest(&correlation);
    let signed = |index: usize, n: usize| {
        if index > n / 2 {
            index as f64 - n as f64
        } else {
            index as f64
        }
    };
    [
        signed(at / n_columns, n_rows),
        signed(at % n_columns, n_columns),
    ]
}

/// The first index of the greatest modulus.
fn greatest(values: &[Complex64]) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (index, value) in values.iter().enumerate() {
        let power = value.norm_sqr();
        if power > best.1 {
            best = (index, power);
        }
    }
    best.0
}

/// The greatest value of the interpolated correlation within three quarters of a pixel of `whole`, on a grid of `1/upsampling`
/// px, and the correlation there.
///
/// The correlation has no frequency above half a cycle a pixel, so a grid of a tenth of a pixel tells which steps can hold the
/// greatest value; only they are looked at on the fine grid.
fn fine_shift(
    spectrum: &[Complex64],
    dim: (usize, usize),
    whole: [f64; 2],
    upsampling: usize,
) -> ([f64; 2], Complex64) {
    let steps = upsampling as f64;
    let n_steps = if upsampling == 1 {
        1
    } else {
        (1.5 * steps).ceil() as i64
    };
    let (first, last) = (-(n_steps / 2), n_steps - n_steps / 2 - 1);
    let stride = (upsampling as i64 / 10).max(1);
    let look = |[rows, columns]: [Vec<i64>; 2]| {
        let at = |steps_px: &[i64], whole: f64| -> Vec<f64> {
            steps_px.iter().map(|&s| whole + s as f64 / steps).collect()
        };
        let values = interpolated(spectrum, dim, &at(&rows, whole[0]), &at(&columns, whole[1]));
        let best = greatest(&values);
        let n_columns = columns.len();
        (
            [rows[best / n_columns], columns[best % n_columns]],
            values[best],
        )
    };
    let all = |stride: i64| -> Vec<i64> { (first..=last).step_by(stride as usize).collect() };
    let (mut best, mut peak) = look([all(stride), all(stride)]);
    if stride > 1 {
        let near = |step: i64| (first.max(step - stride)..=last.min(step + stride)).collect();
        (best, peak) = look(best.map(near));
    }
    (
        [
            whole[0] + best[0] as f64 / steps,
            whole[1] + best[1] as f64 / steps,
        ],
        peak,
    )
}

/// The correlation at every pair of a row and a column shift: `Σ X exp(2πi (dy ky + dx kx))`, row by row of shifts.
fn interpolated(
    spectrum: &[Complex64],
    (n_rows, n_columns): (usize, usize),
    rows_px: &[f64],
    columns_px: &[f64],
) -> Vec<Complex64> {
    let kernel = |shifts: &[f64], n: usize| -> Vec<Vec<Complex64>> {
        let line = |shift: &f64| {
            (0..n)
                .map(|i| Complex64::cis(TAU * shift * frequency(i, n)))
                .collect()
        };
        shifts.iter().map(line).collect()
    };
    let right = kernel(columns_px, n_columns);
    let sums: Vec<Vec<Complex64>> = spectrum
        .par_chunks_exact(n_columns)
        .map(|line| right.iter().map(|phasors| dot(line, phasors)).collect())
        .collect();
    let mut values = Vec::with_capacity(rows_px.len() * columns_px.len());
    for phasors in kernel(rows_px, n_rows) {
        for column in 0..columns_px.len() {
            values.push(
                sums.iter()
                    .zip(&phasors)
                    .map(|(sum, p)| sum[column] * p)
                    .sum(),
            );
        }
    }
    values
}

/// `Σ a b` in four running sums, which do not wait for each other.
fn dot(a: &[Complex64], b: &[Complex64]) -> Complex64 {
    let mut sums = [Complex64::default(); 4];
    let (a, a_rest) = a.as_chunks::<4>();
    let (b, b_rest) = b.as_chunks::<4>();
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: Complex64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<Complex64>() + rest
}
