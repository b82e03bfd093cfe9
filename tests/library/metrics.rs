//! Registration and the numbers of a comparison.

mod golden; // the developers' numbers
mod identities; // what must hold whatever the picture
mod twins; // the formulas term by term, against the fast kernels

use ndarray::{Array2, ArrayView2, Axis};
use num_complex::{Complex32, Complex64};
use ptycho_core::metrics::evaluate::{Evaluation, evaluate};
use ptycho_core::metrics::prepare::{Area, Prepared, prepare};
use ptycho_core::metrics::settings::CompareSettings;
use ptycho_core::rng::{Purpose, stream_at};
use rand::RngExt as _;

/// The whole frame.
fn frame((n_rows, n_columns): (usize, usize)) -> Area {
    Area {
        rows: 0..n_rows,
        columns: 0..n_columns,
        mask: None,
    }
}

/// Uniform noise in [0, 1).
fn noise(dim: (usize, usize), seed: u64) -> Array2<f64> {
    let mut rng = stream_at(seed, Purpose::Simulation, 0);
    Array2::from_shape_simple_fn(dim, || rng.random_range(0.0..1.0))
}

/// The mean over `size` x `size` pixels, cyclic.
fn blurred(picture: &Array2<f64>, size: usize) -> Array2<f64> {
    let mut sum = picture.clone();
    for axis in [Axis(0), Axis(1)] {
        let mut total = Array2::zeros(sum.dim());
        for step in 0..size {
            let mut moved = sum.clone();
            for (to, from) in moved
                .axis_iter_mut(axis)
                .zip(sum.axis_iter(axis).cycle().skip(step))
            {
                let mut to = to;
                to.assign(&from);
            }
            total += &moved;
        }
        sum = total / size as f64;
    }
    sum
}

/// An object of smooth random amplitude (about 1) and phase (within about ±`phase_rad`).
fn object(dim: (usize, usize), phase_rad: f64, seed: u64) -> Array2<Complex64> {
    let smooth = |seed| blurred(&blurred(&noise(dim, seed), 5), 5).mapv(|v| (v - 0.5) * 5.0);
    let (amplitude, phase) = (smooth(seed), smooth(seed + 1));
    let mut object = Array2::zeros(dim);
    for ((value, a), p) in object.iter_mut().zip(&amplitude).zip(&phase) {
        *value = Complex64::from_polar(1.0 + 0.3 * a, phase_rad * p);
    }
    object
}

fn single(object: &Array2<Complex64>) -> Array2<Complex32> {
    object.mapv(|value| Complex32::new(value.re as f32, value.im as f32))
}

fn both(
    reference: &Array2<Complex64>,
    other: &Array2<Complex64>,
    area: &Area,
    settings: &CompareSettings,
) -> (Prepared, Evaluation) {
    let prepared = prepare(
        single(reference).view(),
        single(other).view(),
        area,
        settings,
    )
    .unwrap();
    let evaluation = evaluate(&prepared, settings, Some(10e-9)).unwrap();
    (prepared, evaluation)
}

/// Which picture a number is of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Of {
    Amplitude,
    Phase,
    Whole,
}

fn number(evaluation: &Evaluation, key: &str, of: Of) -> Option<f64> {
    let row = evaluation.values.iter().find(|row| row.key == key)?;
    match of {
        Of::Amplitude => row.amplitude,
        Of::Phase => row.phase,
        Of::Whole => row.value,
    }
}

fn close(found: f64, expected: f64, relative: f64) -> bool {
    (found - expected).abs() <= relative * expected.abs().max(1e-12)
}

fn greatest_difference(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}
