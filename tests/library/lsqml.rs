//! The engine against golden trajectories of pty-chi and against its slow twin, and what its tests share.

#[path = "lsqml/counts.rs"]
mod counts;
#[path = "lsqml/golden.rs"]
mod golden;
#[path = "lsqml/positions.rs"]
mod positions;
#[path = "lsqml/refinement.rs"]
mod refinement;
#[path = "lsqml/runs.rs"]
mod runs;
#[path = "lsqml/simulated.rs"]
mod simulated;
#[path = "lsqml/twin.rs"]
mod twin;

use std::sync::Arc;

use ndarray::{Array2, Array3, Axis};
use num_complex::{Complex, Complex32};
use ptycho_core::data::{Dataset, DatasetParts, Frames};
use ptycho_core::forward::{Forward, Subpixel};
use ptycho_core::iterative::IterativeOf;
use ptycho_core::job::{Engine as _, Step, Stop};
use ptycho_core::simd::Real;

pub(crate) use self::golden::{golden, golden_batches, golden_input, modes, read};
pub(crate) use self::twin::{Field, Twin};

pub(crate) fn relative<'a>(
    found: impl IntoIterator<Item = &'a Complex<f64>>,
    expected: impl IntoIterator<Item = &'a Complex<f64>>,
) -> f64 {
    let (mut error, mut norm) = (0.0, 0.0);
    for (found, expected) in found.into_iter().zip(expected) {
        error += (found - expected).norm_sqr();
        norm += expected.norm_sqr();
    }
    (error / norm).sqrt()
}

pub(crate) fn wide<T: Real, D: ndarray::Dimension>(
    array: &ndarray::Array<Complex<T>, D>,
) -> ndarray::Array<Complex<f64>, D> {
    array.mapv(widen)
}

fn widen<T: Real>(value: Complex<T>) -> Complex<f64> {
    Complex::new(value.re.wide(), value.im.wide())
}

pub(crate) fn run_epoch<T: Real>(engine: &mut IterativeOf<T>) {
    let stop = Stop::default();
    while engine.step(&stop).unwrap() != Step::EpochEnd {}
    assert_eq!(engine.health(), None);
}

/// Each mode turned to the phase of the expected one.
pub(crate) fn same_phase(
    mut found: Array3<Complex<f64>>,
    expected: &Array3<Complex<f64>>,
) -> Array3<Complex<f64>> {
    for (mut found, expected) in found.outer_iter_mut().zip(expected.outer_iter()) {
        let overlap: Complex<f64> = expected.iter().zip(&found).map(|(e, f)| e * f.conj()).sum();
        let turn = overlap / overlap.norm();
        found.mapv_inplace(|value| value * turn);
    }
    found
}

/// A small noise-free scan: `side` x `side` positions, about 3.3 px apart, the first at `first_px`.
pub(crate) fn scan(n: usize, side: usize, first_px: f64, mask: bool) -> Arc<Dataset> {
    let positions: Vec<[f64; 2]> = (0..side * side)
        .map(|i| {
            let jitter = |phase: f64| 0.8 * (i as f64 * 2.4 + phase).sin();
            let at = |k: usize, phase: f64| first_px + 3.3 * k as f64 + jitter(phase);
            [at(i / side, 0.3), at(i % side, 1.9)]
        })
        .collect();
    let shape = (first_px + 3.3 * side as f64) as usize + n / 2 + 6;
    let truth = Array2::from_shape_fn((shape, shape), |(r, c)| {
        let (r, c) = (r as f64 - first_px, c as f64 - first_px);
        Complex::from_polar(
            1.0 - 0.2 * (0.5 * r).sin().powi(2),
            0.6 * (0.35 * r + 0.2 * c).sin(),
        )
    });
    let bell = |r: usize, c: usize, width: f64| {
        let (r, c) = (r as f64 - (n / 2) as f64, c as f64 - (n / 2) as f64);
        let r2 = r * r + c * c;
        Complex::from_polar(
            60.0 * (-r2 / (2.0 * width * width)).exp(),
            6.0 * r2 / (n * n) as f64,
        )
    };
    let probe =
        Array2::from_shape_fn((n, n), |(r, c)| bell(r, c, 0.16 * n as f64)).insert_axis(Axis(0));
    let forward = Forward::<f64>::new(n, Subpixel::Fourier);
    let mut frames = Array3::zeros((positions.len(), n, n));
    for (mut frame, &position) in frames.outer_iter_mut().zip(&positions) {
        let intensity = forward.intensity(truth.view(), probe.view(), position);
        frame.assign(&intensity.mapv(|counts| counts.sqrt() as f32));
    }
    let guess = Array2::from_shape_fn((n, n), |(r, c)| bell(r, c, 0.18 * n as f64));
    let guess = guess
        .mapv(|v| Complex32::new(v.re as f32, v.im as f32))
        .insert_axis(Axis(0));
    let detector_mask = mask.then(|| Array2::from_shape_fn((n, n), |(r, c)| (r + 2 * c) % 11 != 0));
    let object = Array2::from_elem((shape, shape), Complex32::new(1.0, 0.0));
    let parts = DatasetParts {
        object: Some(object),
        detector_mask,
        ..DatasetParts::required(Frames::from_array(frames), positions, guess)
    };
    Arc::new(Dataset::new(parts).unwrap())
}
