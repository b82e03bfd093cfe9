//! What refines positions and the variation of the probe (OPR), pattern by pattern.

use std::f64::consts::TAU;

use ndarray::{Array2, Array3, Axis};
use num_complex::Complex;
use rayon::prelude::*;

use super::{Room, Workspace};
use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{ApplyRamp, ExitWave, Patch};
use crate::iterative::Compatibility;
use crate::iterative::kernels::Batch;
use crate::iterative::kernels::fused::sweeps::Project;
use crate::iterative::state::{Planes, State};
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

fn patch<'a, T: Real>(
    batch: &Batch<T>,
    state: &State<T>,
    planes: &'a Planes<T>,
    i: usize,
) -> Patch<'a, T> {
    Patch {
        re: &planes.re,
        im: &planes.im,
        start: batch.scan.start(&state.places[i]),
        stride: batch.scan.stride,
    }
}

/// The first mode of what was kept of pattern `j` of the batch.
fn first_of<'a, T: Real>(batch: &Batch<T>, kept: usize, store: &'a [T], j: usize) -> &'a [T] {
    let field = batch.scan.tiling.field_len();
    &store[j * kept * field..][..field]
}

/// `to = 2πi f from`, along the row frequencies or the column frequencies of a transform (which is transposed), over n².
fn differentiate<T: Real>(tiling: Tiling, from: &[T], to: &mut [T], by_row: bool) {
    let Tiling { n, n_strips } = tiling;
    let plane = tiling.plane_len();
    let frequency = |k: usize| {
        let signed = if k < n.div_ceil(2) {
            k as f64
        } else {
            k as f64 - n as f64
        };
        T::of(TAU * signed / n as f64 / (n * n) as f64)
    };
    let (from_re, from_im) = from.split_at(plane);
    let (to_re, to_im) = to.split_at_mut(plane);
    for s in 0..n_strips {
        let mut lanes = [T::zero(); LANES];
        for (lane, value) in lanes.iter_mut().enumerate() {
            let k = s * LANES + lane;
            *value = if k < n { frequency(k) } else { T::zero() };
        }
        for c in 0..n {
            if !by_row {
                lanes = [frequency(c); LANES];
            }
            let at = (s * n + c) * LANES;
            for l in 0..LANES {
                to_re[at + l] = -lanes[l] * from_im[at + l];
                to_im[at + l] = lanes[l] * from_re[at + l];
            }
        }
    }
}

/// `Σ Re((g_r P̃)* χ), Σ|g_r P̃|²` and the same of columns.
pub(super) fn position_sums<T: Real>(
    batch: &Batch<T>,
    state: &State<T>,
    work: &Workspace<T>,
    kept: usize,
) -> Vec<[f64; 4]> {
    let tiling = batch.scan.tiling;
    let one = |(j, &i): (usize, &usize)| {
        let mut room = work.room();
        let Room {
            a,
            b,
            waves,
            scratch,
            ..
        } = &mut *room;
        let waves = &mut waves[..tiling.field_len()];
        copy_patch(tiling, patch(batch, state, &state.object, i), a);
        work.fft.forward(a, waves, scratch);
        let (probe, chi) = (
            first_of(batch, kept, &work.shifted, j),
            first_of(batch, kept, &work.chi, j),
        );
        let mut sums = [0.0; 4];
        for (axis, sums) in sums.chunks_exact_mut(2).enumerate() {
            differentiate(tiling, waves, a, axis == 0);
            work.fft.inverse(a, b, scratch);
            multiply_fields(tiling, b, probe, a);
            sums[0] = dot(a, chi);
            sums[1] = dot(a, a);
        }
        sums
    };
    batch.patterns.par_iter().enumerate().map(one).collect()
}

/// The patch as a field; lanes beyond it are zero.
fn copy_patch<T: Real>(tiling: Tiling, patch: Patch<T>, to: &mut [T]) {
    let Tiling { n, n_strips } = tiling;
    let (to_re, to_im) = to.split_at_mut(tiling.plane_len());
    for s in 0..n_strips {
        let n_lanes = (n - s * LANES).min(LANES);
        for r in 0..n {
            let (at, from) = (
                (s * n + r) * LANES,
                patch.start + r * patch.stride + s * LANES,
            );
            to_re[at..at + n_lanes].copy_from_slice(&patch.re[from..from + n_lanes]);
            to_im[at..at + n_lanes].copy_from_slice(&patch.im[from..from + n_lanes]);
            to_re[at + n_lanes..at + LANES].fill(T::zero());
            to_im[at + n_lanes..at + LANES].fill(T::zero());
        }
    }
}

/// `to = a b`
fn multiply_fields<T: Real>(tiling: Tiling, a: &[T], b: &[T], to: &mut [T]) {
    let plane = tiling.plane_len();
    let ((a_re, a_im), (b_re, b_im)) = (a.split_at(plane), b.split_at(plane));
    let (to_re, to_im) = to.split_at_mut(plane);
    for at in 0..plane {
        to_re[at] = a_re[at] * b_re[at] - a_im[at] * b_im[at];
        to_im[at] = a_re[at] * b_im[at] + a_im[at] * b_re[at];
    }
}

/// Patches of the object and of the direction, shifted first probe mode and its residual wave, pattern by pattern.
pub(super) fn patches<T: Real>(
    batch: &Batch<T>,
    state: &State<T>,
    work: &Workspace<T>,
    kept: usize,
) -> [Array3<Complex<T>>; 4] {
    let tiling = batch.scan.tiling;
    let (n, plane) = (tiling.n, tiling.plane_len());
    let shape = (batch.patterns.len(), n, n);
    let cut = |planes: &Planes<T>| {
        Array3::from_shape_fn(shape, |(j, row, column)| {
            let start = batch.scan.start(&state.places[batch.patterns[j]]);
            let at = start + row * batch.scan.stride + column;
            Complex::new(planes.re[at], planes.im[at])
        })
    };
    let of_field = |store: &[T]| {
        Array3::from_shape_fn(shape, |(j, row, column)| {
            let field = first_of(batch, kept, store, j);
            let at = tiling.at(row, column);
            Complex::new(field[at], field[plane + at])
        })
    };
    [
        cut(&state.object),
        cut(&work.first),
        of_field(&work.shifted),
        of_field(&work.chi),
    ]
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
