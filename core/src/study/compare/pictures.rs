//! Phases and amplitudes as they are drawn and exported.

use ndarray::{Array2, Zip};
use num_complex::Complex64;

use super::Comparison;
use crate::metrics::phases::Phases;
use crate::metrics::prepare::Prepared;

/// Phase and amplitude of one object over the area `(h, w)`, as measured; NaN where nothing is compared.
#[derive(Clone, Debug)]
pub struct Pictures {
    /// As [`Phases::of`] has it: free of wraps, less the reference's plane, rad.
    pub phase_rad: Array2<f32>,
    /// The factor included.
    pub amplitude: Array2<f32>,
}

/// Of the reference and of an arm.
pub fn both(prepared: &Prepared) -> [Pictures; 2] {
    let phases = Phases::of(prepared);
    [
        (&phases.reference, &prepared.reference),
        (&phases.other, &prepared.other),
    ]
    .map(|(phase, object)| Pictures {
        phase_rad: phase.mapv(|rad| rad as f32),
        amplitude: amplitude(prepared, object),
    })
}

/// Of the reference, then of every arm in its order; the reference over the pixels of the arm that saw most of it.
pub fn all(comparison: &Comparison) -> Option<(Pictures, Vec<Pictures>)> {
    let arms = &comparison.arms;
    let most = |place: &usize| arms[*place].prepared.steps.n_pixels;
    // The first of the largest, so that ties do not depend on what follows.
    let best = (0..arms.len()).rev().max_by_key(most)?;
    let mut reference = None;
    let mut others = Vec::with_capacity(arms.len());
    for (place, arm) in arms.iter().enumerate() {
        let [of_reference, of_arm] = both(&arm.prepared);
        if place == best {
            reference = Some(of_reference);
        }
        others.push(of_arm);
    }
    Some((reference?, others))
}

/// NaN where the mask leaves out.
fn amplitude(prepared: &Prepared, object: &Array2<Complex64>) -> Array2<f32> {
    let mut amplitude = object.mapv(|value| value.norm() as f32);
    if let Some(mask) = &prepared.area.mask {
        Zip::from(&mut amplitude)
            .and(mask)
            .for_each(|value, is_kept| {
                if !is_kept {
                    *value = f32::NAN;
                }
            });
    }
    amplitude
}
