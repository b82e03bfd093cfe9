//! The elementwise sweeps of a minibatch, each one pass over contiguous memory.
//!
//! Fields are tiled (see [`tile`](crate::fft::tile)): two planes, real and imaginary.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{Patch, times, times_conj};
use crate::simd::{LANES, Real};

/// `to = χ conj(object patch)`
pub(crate) struct Project<'a, T> {
    pub(crate) tiling: Tiling,
    pub(crate) object: Patch<'a, T>,
    pub(crate) chi: &'a [T],
    pub(crate) to: &'a mut [T],
}

impl<T: Real> WithSimd for Project<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let plane = self.tiling.plane_len();
        let (c_re, c_im) = self.chi.split_at(plane);
        let (to_re, to_im) = self.to.split_at_mut(plane);
        let rows = c_re.chunks_exact(LANES).zip(c_im.chunks_exact(LANES));
        let outs = to_re
            .chunks_exact_mut(LANES)
            .zip(to_im.chunks_exact_mut(LANES));
        for (i, ((c_re, c_im), (to_re, to_im))) in rows.zip(outs).enumerate() {
            let (o_re, o_im) = self.object.row::<S>(i / self.tiling.n, i % self.tiling.n);
            let (c_re, c_im) = (T::vectors::<S>(c_re), T::vectors::<S>(c_im));
            let (to_re, to_im) = (T::vectors_mut::<S>(to_re), T::vectors_mut::<S>(to_im));
            for g in 0..to_re.len() {
                (to_re[g], to_im[g]) =
                    times_conj::<S, T>(simd, (c_re[g], c_im[g]), (o_re[g], o_im[g]));
            }
        }
    }
}

/// `to (+)= a conj(b)`, all fields.
pub(crate) struct TimesConj<'a, T> {
    pub(crate) a: &'a [T],
    pub(crate) b: &'a [T],
    pub(crate) to: &'a mut [T],
    pub(crate) add: bool,
}

impl<T: Real> WithSimd for TimesConj<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let plane = self.to.len() / 2;
        let (a_re, a_im) = self.a.split_at(plane);
        let (b_re, b_im) = self.b.split_at(plane);
        let (to_re, to_im) = self.to.split_at_mut(plane);
        let (a_re, a_im) = (T::vectors::<S>(a_re), T::vectors::<S>(a_im));
        let (b_re, b_im) = (T::vectors::<S>(b_re), T::vectors::<S>(b_im));
        let (to_re, to_im) = (T::vectors_mut::<S>(to_re), T::vectors_mut::<S>(to_im));
        for i in 0..to_re.len() {
            let (re, im) = times_conj::<S, T>(simd, (a_re[i], a_im[i]), (b_re[i], b_im[i]));
            if self.add {
                to_re[i] = T::v_add(simd, to_re[i], re);
                to_im[i] = T::v_add(simd, to_im[i], im);
            } else {
                (to_re[i], to_im[i]) = (re, im);
            }
        }
    }
}

/// What a pattern adds to the object direction.
#[derive(Clone, Copy)]
pub(crate) enum Deposit<'a, T> {
    /// `χ conj(probe)`
    Product(&'a [T], &'a [T]),
    /// A field as it is.
    Field(&'a [T]),
}

/// Add some rows of a pattern to a band of the canvas.
pub(crate) struct AddRows<'a, T> {
    pub(crate) tiling: Tiling,
    pub(crate) deposit: Deposit<'a, T>,
    /// Rows of the pattern.
    pub(crate) rows: std::ops::Range<usize>,
    pub(crate) re: &'a mut [T],
    pub(crate) im: &'a mut [T],
    /// Place in the band of the first of these rows.
    pub(crate) start: usize,
    pub(crate) stride: usize,
}

impl<T: Real> WithSimd for AddRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Tiling { n, n_strips } = self.tiling;
        let plane = self.tiling.plane_len();
        for s in 0..n_strips {
            for (i, r) in self.rows.clone().enumerate() {
                let from = (s * n + r) * LANES;
                let to = self.start + i * self.stride + s * LANES;
                let to_re = T::vectors_mut::<S>(&mut self.re[to..to + LANES]);
                let to_im = T::vectors_mut::<S>(&mut self.im[to..to + LANES]);
                match self.deposit {
                    Deposit::Product(chi, probe) => {
                        let (re, im) = (from, plane + from);
                        let (c_re, c_im) = (&chi[re..re + LANES], &chi[im..im + LANES]);
                        let (p_re, p_im) = (&probe[re..re + LANES], &probe[im..im + LANES]);
                        let (c_re, c_im) = (T::vectors::<S>(c_re), T::vectors::<S>(c_im));
                        let (p_re, p_im) = (T::vectors::<S>(p_re), T::vectors::<S>(p_im));
                        for g in 0..to_re.len() {
                            let (re, im) =
                                times_conj::<S, T>(simd, (c_re[g], c_im[g]), (p_re[g], p_im[g]));
                            to_re[g] = T::v_add(simd, to_re[g], re);
                            to_im[g] = T::v_add(simd, to_im[g], im);
                        }
                    }
                    Deposit::Field(field) => {
                        let (re, im) = (from, plane + from);
                        let re = T::vectors::<S>(&field[re..re + LANES]);
                        let im = T::vectors::<S>(&field[im..im + LANES]);
                        for g in 0..to_re.len() {
                            to_re[g] = T::v_add(simd, to_re[g], re[g]);
                            to_im[g] = T::v_add(simd, to_im[g], im[g]);
                        }
                    }
                }
            }
        }
    }
}

/// The sums that the step sizes need: with `u = d p`, `v = Δp O`:
/// `Σ|u|², Σ|v|², Σ Re u v*, Σ Im u v*, Σ Re u* χ, Σ Re v* χ`.
pub(crate) struct StepSums<'a, T> {
    pub(crate) tiling: Tiling,
    pub(crate) direction: Patch<'a, T>,
    pub(crate) object: Patch<'a, T>,
    pub(crate) probe: &'a [T],
    pub(crate) probe_direction: &'a [T],
    pub(crate) chi: &'a [T],
}

impl<T: Real> WithSimd for StepSums<'_, T> {
    type Output = [f64; 6];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f64; 6] {
        let Tiling { n, n_strips } = self.tiling;
        let plane = self.tiling.plane_len();
        let mut sums = [0.0; 6];
        for s in 0..n_strips {
            let mut acc = [T::splat(simd, T::zero()); 6];
            for r in 0..n {
                let (d_re, d_im) = self.direction.row::<S>(s, r);
                let (o_re, o_im) = self.object.row::<S>(s, r);
                let at = (s * n + r) * LANES;
                let p_re = T::vectors::<S>(&self.probe[at..at + LANES]);
                let p_im = T::vectors::<S>(&self.probe[plane + at..plane + at + LANES]);
                let q_re = T::vectors::<S>(&self.probe_direction[at..at + LANES]);
                let q_im = T::vectors::<S>(&self.probe_direction[plane + at..plane + at + LANES]);
                let c_re = T::vectors::<S>(&self.chi[at..at + LANES]);
                let c_im = T::vectors::<S>(&self.chi[plane + at..plane + at + LANES]);
                for g in 0..p_re.len() {
                    let (u_re, u_im) = times::<S, T>(simd, (d_re[g], d_im[g]), (p_re[g], p_im[g]));
                    let (v_re, v_im) = times::<S, T>(simd, (q_re[g], q_im[g]), (o_re[g], o_im[g]));
                    acc[0] = T::v_fma(simd, u_re, u_re, T::v_fma(simd, u_im, u_im, acc[0]));
                    acc[1] = T::v_fma(simd, v_re, v_re, T::v_fma(simd, v_im, v_im, acc[1]));
                    acc[2] = T::v_fma(simd, u_re, v_re, T::v_fma(simd, u_im, v_im, acc[2]));
                    acc[3] = T::v_fma(simd, u_im, v_re, T::v_fnma(simd, u_re, v_im, acc[3]));
                    acc[4] = T::v_fma(simd, u_re, c_re[g], T::v_fma(simd, u_im, c_im[g], acc[4]));
                    acc[5] = T::v_fma(simd, v_re, c_re[g], T::v_fma(simd, v_im, c_im[g], acc[5]));
                }
            }
            for (sum, acc) in sums.iter_mut().zip(acc) {
                *sum += T::sum(simd, acc).wide();
            }
        }
        sums
    }
}

/// `to += from`, of any length.
pub(crate) fn add_assign<T: Real>(to: &mut [T], from: &[T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// The first chunk becomes the sum of all, added in order.
pub(crate) fn add_chunks<T: Real>(chunks: &mut [T], len: usize) {
    const PART: usize = 4096;
    let (total, rest) = chunks.split_at_mut(len);
    let rest = &*rest;
    let parts = total.par_chunks_mut(PART).enumerate();
    parts.for_each(|(part, to)| {
        for chunk in rest.chunks_exact(len) {
            add_assign(to, &chunk[part * PART..]);
        }
    });
}
