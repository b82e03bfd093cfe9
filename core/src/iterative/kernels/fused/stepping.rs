//! Steps of object and probe along their directions, with divisor and momentum.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use rayon::prelude::*;

use super::rooms::Workspace;
use super::weights::{greater, regularisation};
use crate::iterative::PositionMethod;
use crate::iterative::kernels::Batch;
use crate::iterative::state::Planes;
use crate::simd::{Aligned, Real};

/// Values that one thread steps at a time.
const PART: usize = 1 << 14;

/// What divides a direction on the canvas.
#[derive(Clone, Copy)]
pub(crate) enum Over<'a, T> {
    Nothing,
    /// Times these values.
    Inverse(&'a [T]),
    /// Over `a w + b`.
    Weight(&'a [T], [T; 2]),
}

impl<'a, T: Real> Over<'a, T> {
    /// That of `len` values from part `part` on.
    fn part(self, part: usize, len: usize) -> Self {
        let of = |values: &'a [T]| &values[part * PART..][..len];
        match self {
            Self::Nothing => Self::Nothing,
            Self::Inverse(by) => Self::Inverse(of(by)),
            Self::Weight(w, divisor) => Self::Weight(of(w), divisor),
        }
    }

    #[inline(always)]
    fn divided(self, at: usize, value: T) -> T {
        match self {
            Self::Nothing => value,
            Self::Inverse(by) => value * by[at],
            Self::Weight(w, [share, floor]) => value / (share * w[at] + floor),
        }
    }
}

/// What divides by the illumination of the batch that was summed last.
pub(super) fn divide_by_batch<T: Real>(batch: &Batch<T>, work: &mut Workspace<T>, alpha: f64) {
    let divisor = regularisation(alpha, largest(&work.batch_weight).wide());
    work.batch_divisor = Some(divisor);
    if batch.settings.refine_positions == PositionMethod::CrossCorrelation {
        work.first.re.fill(T::zero());
        work.first.im.fill(T::zero());
        let over = Over::Weight(&work.batch_weight, divisor);
        step_planes(&mut work.first, None, T::one(), &work.all, over);
    }
}

/// `value += step direction / divisor`; with a velocity `v = momentum v + step direction / divisor`, `value += v`.
pub(crate) fn step_planes<T: Real>(
    object: &mut Planes<T>,
    velocity: Option<(&mut Planes<T>, T)>,
    step: T,
    direction: &Planes<T>,
    over: Over<T>,
) {
    match velocity {
        None => {
            step_plane(&mut object.re, None, step, &direction.re, over);
            step_plane(&mut object.im, None, step, &direction.im, over);
        }
        Some((v, momentum)) => {
            let v_re = Some((&mut v.re, momentum));
            step_plane(&mut object.re, v_re, step, &direction.re, over);
            let v_im = Some((&mut v.im, momentum));
            step_plane(&mut object.im, v_im, step, &direction.im, over);
        }
    }
}

fn step_plane<T: Real>(
    values: &mut [T],
    velocity: Option<(&mut Aligned<T>, T)>,
    step: T,
    direction: &[T],
    over: Over<T>,
) {
    let parts = values.par_chunks_mut(PART).zip(direction.par_chunks(PART));
    let Some((velocity, momentum)) = velocity else {
        parts.enumerate().for_each(|(part, (values, direction))| {
            let changes = over.part(part, direction.len());
            for (at, (value, &direction)) in values.iter_mut().zip(direction).enumerate() {
                *value += step * changes.divided(at, direction);
            }
        });
        return;
    };
    parts
        .zip(velocity.par_chunks_mut(PART))
        .enumerate()
        .for_each(|(part, ((values, direction), velocity))| {
            let changes = over.part(part, direction.len());
            let both = values.iter_mut().zip(velocity);
            for (at, ((value, v), &direction)) in both.zip(direction).enumerate() {
                *v = momentum * *v + step * changes.divided(at, direction);
                *value += *v;
            }
        });
}

/// `value += step direction`, with momentum as [`step_planes`] has it.
pub(crate) fn step_field<T: Real>(
    values: &mut [T],
    velocity: Option<(&mut Aligned<T>, T)>,
    step: T,
    direction: &[T],
) {
    step_plane(values, velocity, step, direction, Over::Nothing);
}

/// The greatest of many values that are not negative.
pub(crate) fn largest<T: Real>(values: &[T]) -> T {
    values
        .par_chunks(PART)
        .map(|part| part.iter().fold(T::zero(), |a, &b| greater(a, b)))
        .reduce(T::zero, greater)
}
