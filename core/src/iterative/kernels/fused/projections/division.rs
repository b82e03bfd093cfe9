//! Object and probe from their sums.

use std::sync::PoisonError;

use rayon::prelude::*;

use crate::iterative::kernels::fused::rooms::{Room, Workspace};
use crate::iterative::kernels::fused::stepping::largest;
use crate::iterative::kernels::{Canvas, MOST_AMPLITUDE};
use crate::iterative::state::State;
use crate::simd::Real;

/// Values that one thread takes at a time.
const PART: usize = 4096;

/// How sums are divided by their weights.
#[derive(Clone, Copy)]
enum Division<T> {
    /// By `√(w² + floor²)`.
    Damped(T),
    /// By `w` where it is above the least positive number; elsewhere the present value stays.
    Guarded,
}

impl<T: Real> Division<T> {
    fn new(floor: f64, largest: T) -> Self {
        if floor > 0.0 {
            Self::Damped((T::of(floor) * largest).max(T::min_positive_value()))
        } else {
            Self::Guarded
        }
    }

    fn divide(self, numerator: T, weight: T, present: T) -> T {
        match self {
            Self::Damped(floor) => numerator / (weight * weight + floor * floor).sqrt(),
            Self::Guarded if weight > T::min_positive_value() => numerator / weight,
            Self::Guarded => present,
        }
    }
}

/// See [`Kernels::divide_object`](crate::iterative::kernels::Kernels::divide_object).
pub(crate) fn divide_object<T: Real>(
    state: &mut State<T>,
    canvas: Canvas,
    floor: f64,
    replaces: bool,
) {
    let State {
        object,
        carried_object,
        carried_other,
        carried_weight,
        ..
    } = state;
    let division = Division::new(floor, largest(carried_weight));
    let sums = match canvas {
        Canvas::Object => carried_object,
        Canvas::Other => carried_other,
    };
    (
        sums.re.par_chunks_mut(PART),
        sums.im.par_chunks_mut(PART),
        carried_weight.par_chunks(PART),
        object.re.par_chunks(PART),
        object.im.par_chunks(PART),
    )
        .into_par_iter()
        .for_each(|(re, im, weight, old_re, old_im)| {
            for at in 0..re.len() {
                re[at] = division.divide(re[at], weight[at], old_re[at]);
                im[at] = division.divide(im[at], weight[at], old_im[at]);
            }
            if replaces {
                limit(re, im);
            }
        });
    if replaces {
        object.copy_from(sums);
    }
}

/// No amplitude above pty-chi's limit.
fn limit<T: Real>(re: &mut [T], im: &mut [T]) {
    let most = T::of(MOST_AMPLITUDE);
    for (re, im) in re.iter_mut().zip(im) {
        let amplitude = re.hypot(*im);
        if amplitude > most {
            *re *= most / amplitude;
            *im *= most / amplitude;
        }
    }
}

/// See [`Kernels::divide_probe`](crate::iterative::kernels::Kernels::divide_probe).
pub(crate) fn divide_probe<T: Real>(state: &mut State<T>, work: &mut Workspace<T>, floor: f64) {
    let tiling = work.fft.tiling();
    let (field, plane) = (tiling.field_len(), tiling.plane_len());
    let per_pixel = T::of(1.0 / (tiling.n * tiling.n) as f64);
    let Workspace { fft, rooms, .. } = work;
    let Some(room) = rooms.first_mut() else {
        return;
    };
    let Room {
        a: weight,
        b: numerator,
        scratch,
        ..
    } = room.get_mut().unwrap_or_else(PoisonError::into_inner);
    fft.inverse(&mut state.carried_probe_weight, weight, scratch);
    let (weight, _) = weight.split_at_mut(plane);
    for value in weight.iter_mut() {
        *value *= per_pixel;
    }
    let division = Division::new(floor, largest(weight));
    let modes = state.probe.chunks_exact_mut(field);
    for (probe, sum) in modes.zip(state.carried_probe.chunks_exact_mut(field)) {
        fft.inverse(sum, numerator, scratch);
        for (half, numerator) in probe
            .chunks_exact_mut(plane)
            .zip(numerator.chunks_exact(plane))
        {
            for ((value, &sum), &w) in half.iter_mut().zip(numerator).zip(&*weight) {
                *value = division.divide(sum * per_pixel, w, *value);
            }
        }
    }
    state.carried_probe.fill(T::zero());
    state.carried_probe_weight.fill(T::zero());
}
