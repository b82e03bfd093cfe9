//! What refines the variation of the probe (OPR), pattern by pattern.

use ndarray::{Array2, Axis};
use num_complex::Complex;
use rayon::prelude::*;

use super::positions::{first_of, patch};
use super::rooms::{Room, Workspace};
use super::sweeps::Project;
use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{ApplyRamp, ExitWave};
use crate::iterative::Compatibility;
use crate::iterative::kernels::Batch;
use crate::iterative::state::State;
use crate::simd::{LANES, Real};

/// `Σ Re(a b*)` over fields.
fn dot<T: Real>(a: &[T], b: &[T]) -> f64 {
    // Lanes first, so that the sums run over whole registers; blocks in double precision.
    const BLOCK: usize = 64 * LANES;
    let block = |a: &[T], b: &[T]| {
        let mut lanes = [T::zero(); LANES];
        for (a, b) in a
            .as_chunks::<LANES>()
            .0
            .iter()
            .zip(b.as_chunks::<LANES>().0)
        {
            for l in 0..LANES {
                lanes[l] += a[l] * b[l];
            }
        }
        lanes.iter().map(|sum| sum.wide()).sum::<f64>()
    };
    a.chunks(BLOCK)
        .zip(b.chunks(BLOCK))
        .map(|(a, b)| block(a, b))
        .sum()
}

/// `res_i = shift⁻¹(χ_i0 conj(O_i)) - ΔP_0`
pub(super) fn keep_residuals<T: Real>(
    batch: &Batch<T>,
    state: &State<T>,
    work: &mut Workspace<T>,
    kept: usize,
) {
    let tiling = batch.scan.tiling;
    let field = tiling.field_len();
    let per_pixel = T::of(1.0 / (tiling.n * tiling.n) as f64);
    let mut residuals = std::mem::take(&mut work.residuals);
    let shared = &*work;
    residuals
        .par_chunks_exact_mut(field)
        .zip(batch.patterns)
        .enumerate()
        .for_each(|(j, (residual, &i))| {
            let mut room = shared.room();
            let Room {
                a,
                b,
                ramp,
                scratch,
                ..
            } = &mut *room;
            let arch = shared.arch();
            arch.dispatch(Project {
                tiling,
                object: patch(batch, state, &state.object, i),
                chi: first_of(batch, kept, &shared.chi, j),
                to: a,
            });
            shared.fft.forward(a, b, scratch);
            ramp.set(tiling, state.places[i].shift_px);
            arch.dispatch(ApplyRamp {
                tiling,
                ramp,
                from: b,
                to: a,
                conjugate: true,
                add: false,
            });
            shared.fft.inverse(a, residual, scratch);
            for (value, &mean) in residual.iter_mut().zip(&*shared.probe_direction) {
                *value = *value * per_pixel - mean;
            }
        });
    work.residuals = residuals;
}

/// An OPR mode in the room for it.
fn take_mode<T: Real>(batch: &Batch<T>, work: &mut Workspace<T>, mode: &Array2<Complex<T>>) {
    let mode = mode.view().insert_axis(Axis(0)).to_owned();
    work.mode = batch.scan.tiled(&mode);
}

/// `mean Re(res_i* e)`
pub(super) fn project<T: Real>(
    batch: &Batch<T>,
    work: &mut Workspace<T>,
    mode: &Array2<Complex<T>>,
) -> Vec<f64> {
    take_mode(batch, work, mode);
    let field = batch.scan.tiling.field_len();
    let n2 = (batch.scan.tiling.n * batch.scan.tiling.n) as f64;
    work.residuals[..batch.patterns.len() * field]
        .par_chunks_exact(field)
        .map(|residual| dot(residual, &work.mode) / n2)
        .collect()
}

/// `mean_i res_i c_i`
pub(super) fn combine<T: Real>(
    batch: &Batch<T>,
    work: &mut Workspace<T>,
    c: &[f64],
) -> Array2<Complex<T>> {
    const PART: usize = 4096;
    let field = batch.scan.tiling.field_len();
    let size = batch.patterns.len();
    let residuals = &work.residuals[..size * field];
    work.mode
        .par_chunks_mut(PART)
        .enumerate()
        .for_each(|(part, to)| {
            to.fill(T::zero());
            for (residual, &c) in residuals.chunks_exact(field).zip(c) {
                let c = T::of(c / size as f64);
                for (to, &value) in to.iter_mut().zip(&residual[part * PART..]) {
                    *to += c * value;
                }
            }
        });
    batch.scan.probe(&work.mode).index_axis_move(Axis(0), 0)
}

/// `res_i -= (Σ res_i e* / Σ |e|²) e`
pub(super) fn deflate<T: Real>(
    batch: &Batch<T>,
    work: &mut Workspace<T>,
    mode: &Array2<Complex<T>>,
) {
    take_mode(batch, work, mode);
    let (field, plane) = (batch.scan.tiling.field_len(), batch.scan.tiling.plane_len());
    let Workspace {
        mode, residuals, ..
    } = work;
    let (e_re, e_im) = mode.split_at(plane);
    let power = dot(e_re, e_re) + dot(e_im, e_im);
    residuals[..batch.patterns.len() * field]
        .par_chunks_exact_mut(field)
        .for_each(|residual| {
            let (re, im) = residual.split_at_mut(plane);
            let along = (dot(re, e_re) + dot(im, e_im)) / power;
            let across = (dot(im, e_re) - dot(re, e_im)) / power;
            let (x, y) = (T::of(along), T::of(across));
            for at in 0..plane {
                re[at] -= x * e_re[at] - y * e_im[at];
                im[at] -= x * e_im[at] + y * e_re[at];
            }
        });
}

/// `Σ Re(χ_0 (e O)*), Σ|e O|²`
pub(super) fn wave_sums<T: Real>(
    (batch, state): (&Batch<T>, &State<T>),
    work: &mut Workspace<T>,
    kept: usize,
    mode: Option<&Array2<Complex<T>>>,
) -> Vec<[f64; 2]> {
    let tiling = batch.scan.tiling;
    let is_shifted = batch.settings.compat != Compatibility::Ptychi;
    match mode {
        Some(mode) => take_mode(batch, work, mode),
        None => work
            .mode
            .copy_from_slice(&state.probe[..tiling.field_len()]),
    }
    if is_shifted {
        transform_mode(tiling, work);
    }
    let shared = &*work;
    let one = |(j, &i): (usize, &usize)| {
        let mut room = shared.room();
        let Room {
            a,
            b,
            ramp,
            scratch,
            ..
        } = &mut *room;
        let arch = shared.arch();
        let probe: &[T] = if is_shifted {
            ramp.set(tiling, state.places[i].shift_px);
            arch.dispatch(ApplyRamp {
                tiling,
                ramp,
                from: &shared.mode,
                to: a,
                conjugate: false,
                add: false,
            });
            shared.fft.inverse(a, b, scratch);
            b
        } else {
            &shared.mode
        };
        arch.dispatch(ExitWave {
            tiling,
            object: patch(batch, state, &state.object, i),
            probe,
            to: a,
        });
        [dot(first_of(batch, kept, &shared.chi, j), a), dot(a, a)]
    };
    batch.patterns.par_iter().enumerate().map(one).collect()
}

/// The transform of the mode in its place, over n².
fn transform_mode<T: Real>(tiling: Tiling, work: &mut Workspace<T>) {
    let per_pixel = T::of(1.0 / (tiling.n * tiling.n) as f64);
    let mut mode = std::mem::take(&mut work.mode);
    {
        let mut room = work.room();
        let Room { a, scratch, .. } = &mut *room;
        a.copy_from_slice(&mode);
        work.fft.forward(a, &mut mode, scratch);
    }
    for value in mode.iter_mut() {
        *value *= per_pixel;
    }
    work.mode = mode;
}
