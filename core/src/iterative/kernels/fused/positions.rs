//! What refines positions, pattern by pattern.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use std::f64::consts::TAU;

use ndarray::Array3;
use num_complex::Complex;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::rooms::{Room, Workspace};
use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{Patch, times};
use crate::iterative::kernels::Batch;
use crate::iterative::state::{Planes, State};
use crate::simd::{Aligned, LANES, Real};

/// `2π f / n²` of the frequencies of a side, 0 beyond them; the half frequency is negative.
pub(super) fn turns<T: Real>(tiling: Tiling) -> Aligned<T> {
    let n = tiling.n;
    let mut turns = Aligned::zeros(tiling.n_strips * LANES);
    for (k, turn) in turns.iter_mut().take(n).enumerate() {
        let signed = if k < n.div_ceil(2) {
            k as f64
        } else {
            k as f64 - n as f64
        };
        *turn = T::of(TAU * signed / (n * n * n) as f64);
    }
    turns
}

pub(super) fn patch<'a, T: Real>(
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
pub(super) fn first_of<'a, T: Real>(
    batch: &Batch<T>,
    kept: usize,
    store: &'a [T],
    j: usize,
) -> &'a [T] {
    let field = batch.scan.tiling.field_len();
    &store[j * kept * field..][..field]
}

/// `to = i turns from`, along the row or the column frequencies of a transform, which is transposed.
struct Differentiate<'a, T> {
    tiling: Tiling,
    turns: &'a [T],
    from: &'a [T],
    to: &'a mut [T],
    by_row: bool,
}

impl<T: Real> WithSimd for Differentiate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Tiling { n, n_strips } = self.tiling;
        let plane = self.tiling.plane_len();
        let (from_re, from_im) = self.from.split_at(plane);
        let (to_re, to_im) = self.to.split_at_mut(plane);
        let (from_re, from_im) = (T::vectors::<S>(from_re), T::vectors::<S>(from_im));
        let (to_re, to_im) = (T::vectors_mut::<S>(to_re), T::vectors_mut::<S>(to_im));
        let rows = T::vectors::<S>(self.turns);
        let group = rows.len() / n_strips;
        let minus = T::splat(simd, -T::one());
        for s in 0..n_strips {
            for c in 0..n {
                let column = T::splat(simd, self.turns[c]);
                for g in 0..group {
                    let turn = if self.by_row {
                        rows[s * group + g]
                    } else {
                        column
                    };
                    let at = (s * n + c) * group + g;
                    let negative = T::v_mul(simd, turn, minus);
                    to_re[at] = T::v_mul(simd, negative, from_im[at]);
                    to_im[at] = T::v_mul(simd, turn, from_re[at]);
                }
            }
        }
    }
}

/// `Σ Re((g p)* χ), Σ|g p|²`
struct Along<'a, T> {
    tiling: Tiling,
    derivative: &'a [T],
    probe: &'a [T],
    chi: &'a [T],
}

impl<T: Real> WithSimd for Along<'_, T> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f64; 2] {
        let (plane, strip) = (self.tiling.plane_len(), self.tiling.n * LANES);
        let mut sums = [0.0; 2];
        for start in (0..plane).step_by(strip) {
            let (re, im) = (start..start + strip, plane + start..plane + start + strip);
            let g_re = T::vectors::<S>(&self.derivative[re.clone()]);
            let g_im = T::vectors::<S>(&self.derivative[im.clone()]);
            let p_re = T::vectors::<S>(&self.probe[re.clone()]);
            let p_im = T::vectors::<S>(&self.probe[im.clone()]);
            let (c_re, c_im) = (
                T::vectors::<S>(&self.chi[re]),
                T::vectors::<S>(&self.chi[im]),
            );
            let mut acc = [T::splat(simd, T::zero()); 2];
            for at in 0..g_re.len() {
                let (u_re, u_im) = times::<S, T>(simd, (g_re[at], g_im[at]), (p_re[at], p_im[at]));
                acc[0] = T::v_fma(simd, u_re, c_re[at], T::v_fma(simd, u_im, c_im[at], acc[0]));
                acc[1] = T::v_fma(simd, u_re, u_re, T::v_fma(simd, u_im, u_im, acc[1]));
            }
            for (sum, acc) in sums.iter_mut().zip(acc) {
                *sum += T::sum(simd, acc).wide();
            }
        }
        sums
    }
}

/// `Σ Re((g_r P̃)* χ), Σ|g_r P̃|²` and the same of columns.
pub(super) fn position_sums<T: Real>(
    batch: &Batch<T>,
    state: &State<T>,
    work: &Workspace<T>,
    kept: usize,
) -> Vec<[f64; 4]> {
    let (tiling, arch) = (batch.scan.tiling, work.arch());
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
        let mut sums = [0.0; 4];
        for (axis, sums) in sums.chunks_exact_mut(2).enumerate() {
            arch.dispatch(Differentiate {
                tiling,
                turns: &work.turns,
                from: waves,
                to: a,
                by_row: axis == 0,
            });
            work.fft.inverse(a, b, scratch);
            let along = arch.dispatch(Along {
                tiling,
                derivative: b,
                probe: first_of(batch, kept, &work.shifted, j),
                chi: first_of(batch, kept, &work.chi, j),
            });
            sums.copy_from_slice(&along);
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

/// Patches of the object and of the direction, shifted first probe mode and its residual wave, pattern by pattern.
pub(super) fn patches<T: Real>(
    batch: &Batch<T>,
    state: &State<T>,
    work: &Workspace<T>,
    kept: usize,
) -> [Array3<Complex<T>>; 4] {
    let tiling = batch.scan.tiling;
    let n = tiling.n;
    let cut = |planes: &Planes<T>| {
        stacked(batch, |j, row, line| {
            let corner = batch.scan.start(&state.places[batch.patterns[j]]);
            let from = corner + row * batch.scan.stride;
            interleave(line, &planes.re[from..from + n], &planes.im[from..from + n]);
        })
    };
    let of_field = |store: &[T]| {
        stacked(batch, |j, row, line| {
            let (re, im) = first_of(batch, kept, store, j).split_at(tiling.plane_len());
            for (strip, part) in line.chunks_mut(LANES).enumerate() {
                let from = tiling.at(row, strip * LANES);
                interleave(part, &re[from..from + LANES], &im[from..from + LANES]);
            }
        })
    };
    [
        cut(&state.object),
        cut(&work.first),
        of_field(&work.shifted),
        of_field(&work.chi),
    ]
}

/// A stack `(b, n, n)` whose rows `fill` writes: pattern of the batch, row, the row's values.
fn stacked<T: Real>(
    batch: &Batch<T>,
    fill: impl Fn(usize, usize, &mut [Complex<T>]) + Sync,
) -> Array3<Complex<T>> {
    let n = batch.scan.tiling.n;
    let mut stack = Array3::zeros((batch.patterns.len(), n, n));
    if let Some(values) = stack.as_slice_mut() {
        let patterns = values.par_chunks_exact_mut(n * n).enumerate();
        patterns.for_each(|(j, pattern)| {
            for (row, line) in pattern.chunks_exact_mut(n).enumerate() {
                fill(j, row, line);
            }
        });
    }
    stack
}

/// Complex values of real and imaginary parts; parts beyond the line are left out.
fn interleave<T: Real>(line: &mut [Complex<T>], re: &[T], im: &[T]) {
    for ((to, re), im) in line.iter_mut().zip(re).zip(im) {
        *to = Complex::new(*re, *im);
    }
}
