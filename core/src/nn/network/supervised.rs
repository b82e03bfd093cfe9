//! Losses of the supervised baseline: its heads are amplitude and phase themselves.
//!
//! ```text
//! loss = mean |a - |Y|| + mean |wrap(φ - arg Y)|        wrap(d) = d - 2π round(d / 2π)
//! ```
//!
//! Phases that differ by whole turns are the same phase, so a truth near π does not pull a prediction near -π all the way
//! round. The phase of a zero pixel counts as 0.

use std::f32::consts::TAU;

use num_complex::Complex32;
use rayon::prelude::*;

use crate::nn::architecture::Head;
use crate::nn::stepper::{Batch, Losses, Objective, Prediction};
use crate::tensor::Activations;

/// Sums of a group: MAE of amplitude and of phase.
type Sums = [f64; 2];

/// Losses of a batch of single patches. Where `gradient` is wanted, the second activations of both heads take it; where
/// `prediction` is wanted it is filled.
///
/// Runs in parallel over patches on the current rayon pool; the result does not depend on the number of threads.
pub(super) fn losses(
    heads: &mut [(Head, &Activations, &mut Activations)],
    batch: &Batch,
    objective: &Objective,
    gradient: bool,
    prediction: Option<&mut Prediction>,
) -> Losses {
    if let Some(prediction) = prediction {
        predict(heads, batch.n_groups, prediction);
    }
    let [amplitude, phase] = heads else {
        return Losses::default();
    };
    let (side, stride) = (amplitude.1.side(), amplitude.1.stride());
    let n_pixels = side * side;
    let n_values = (batch.n_groups * n_pixels).max(1) as f64;
    let weight = (objective.mae / n_values) as f32;
    let item = n_pixels * stride;
    let values =
        (amplitude.1.values().par_chunks_exact(item)).zip(phase.1.values().par_chunks_exact(item));
    let truth = batch.truth.par_chunks_exact(n_pixels).take(batch.n_groups);
    let sums: Vec<Sums> = if gradient {
        let gradients = (amplitude.2.values_mut().par_chunks_exact_mut(item))
            .zip(phase.2.values_mut().par_chunks_exact_mut(item));
        let patches = values.zip(truth).zip(gradients);
        patches
            .map(|((maps, truth), (d_amplitude, d_phase))| {
                patch(maps, stride, truth, |pixel, signs| {
                    d_amplitude[pixel * stride] = weight * signs[0];
                    d_phase[pixel * stride] = weight * signs[1];
                })
            })
            .collect()
    } else {
        let patches = values.zip(truth);
        patches
            .map(|(maps, truth)| patch(maps, stride, truth, |_, _| {}))
            .collect()
    };
    let mae = sums.iter().map(|[a, p]| a + p).sum::<f64>() / n_values;
    Losses {
        objective: objective.mae * mae,
        mae,
        ..Losses::default()
    }
}

/// Sums of one patch; `put` takes the signs of its errors.
fn patch(
    (amplitude, phase): (&[f32], &[f32]),
    stride: usize,
    truth: &[Complex32],
    mut put: impl FnMut(usize, [f32; 2]),
) -> Sums {
    let mut sums = [0.0; 2];
    let maps = amplitude.iter().zip(phase).step_by(stride);
    for (pixel, ((a, p), truth)) in maps.zip(truth).enumerate() {
        let errors = [a - truth.norm(), wrapped(p - truth.arg())];
        put(pixel, errors.map(sign));
        for (sum, error) in sums.iter_mut().zip(errors) {
            *sum += f64::from(error.abs());
        }
    }
    sums
}

fn wrapped(phase_rad: f32) -> f32 {
    phase_rad - TAU * (phase_rad / TAU).round()
}

/// -1, 0 or 1.
fn sign(error: f32) -> f32 {
    if error == 0.0 { 0.0 } else { error.signum() }
}

/// What the heads draw of `n_groups` patterns.
pub(super) fn predict(
    heads: &[(Head, &Activations, &mut Activations)],
    n_groups: usize,
    prediction: &mut Prediction,
) {
    let [(_, amplitude, _), (_, phase, _)] = heads else {
        return;
    };
    let n_values = n_groups * amplitude.side() * amplitude.side();
    let maps = amplitude.values().iter().zip(phase.values());
    prediction.patches.clear();
    prediction.patches.extend(
        maps.step_by(amplitude.stride())
            .take(n_values)
            // Not `from_polar`: a linear amplitude may be slightly negative.
            .map(|(a, p)| Complex32::new(a * p.cos(), a * p.sin())),
    );
    prediction.objects.clone_from(&prediction.patches);
    prediction.amplitude.clear();
}
