//! Elementwise sweeps over tiled fields that the engines and the simulation share: ramps, products.
//!
//! A field is two planes, real and imaginary, in the layout of [`tile`](super).
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

use super::Tiling;
use super::strips::{Sweep, strip_of, strip_of_mut};
use crate::simd::{LANES, Real};

/// The phase ramp of a sub-pixel shift, `exp(-2πi (f_row u + f_column v))`, as the outer product of two vectors over
/// the frequencies u and v in cycles per pixel (the Nyquist frequency of an even size is -½).
#[derive(Debug)]
pub(crate) struct Ramp<T> {
    /// Over row frequencies, one strip after the other.
    rows: [Vec<T>; 2],
    /// Over column frequencies.
    columns: [Vec<T>; 2],
}

impl<T: Real> Ramp<T> {
    pub(crate) fn new(tiling: Tiling) -> Self {
        let zeros = |len: usize| [vec![T::zero(); len], vec![T::zero(); len]];
        Self {
            rows: zeros(tiling.n_strips * LANES),
            columns: zeros(tiling.n),
        }
    }

    /// The ramp that shifts by this many pixels.
    pub(crate) fn set(&mut self, tiling: Tiling, shift_px: [f64; 2]) {
        fill_ramp(&mut self.rows, tiling.n, shift_px[0]);
        fill_ramp(&mut self.columns, tiling.n, shift_px[1]);
    }
}

/// Powers of one turn, by recurrence in double precision; negative frequencies are the conjugates.
fn fill_ramp<T: Real>([re, im]: &mut [Vec<T>; 2], n: usize, shift_px: f64) {
    let (turn_im, turn_re) = (-std::f64::consts::TAU * shift_px / n as f64).sin_cos();
    let (mut a, mut b) = (1.0_f64, 0.0_f64);
    for k in 0..=n / 2 {
        let mirrored = (n - k) % n;
        if k < n.div_ceil(2) {
            (re[k], im[k]) = (T::of(a), T::of(b));
        }
        if k > 0 {
            (re[mirrored], im[mirrored]) = (T::of(a), T::of(-b));
        }
        (a, b) = (a * turn_re - b * turn_im, a * turn_im + b * turn_re);
    }
}

/// `to = from · ramp`, or `to (+)= from · conj(ramp)`.
pub(crate) struct ApplyRamp<'a, T> {
    pub(crate) tiling: Tiling,
    pub(crate) ramp: &'a Ramp<T>,
    pub(crate) from: &'a [T],
    pub(crate) to: &'a mut [T],
    pub(crate) conjugate: bool,
    pub(crate) add: bool,
}

impl<T: Real> WithSimd for ApplyRamp<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let len = self.tiling.n * LANES;
        for s in 0..self.tiling.n_strips {
            let from = strip_of(self.from, s, len);
            let to = strip_of_mut(self.to, s, len);
            self.ramp
                .sweep(simd, s, (self.conjugate, self.add), from, to);
        }
    }
}

impl<T: Real> Ramp<T> {
    /// A strip times the ramp or, with the first of the flags, its conjugate; with the second added.
    #[expect(
        clippy::too_many_arguments,
        reason = "which strip, how, from where, to where"
    )]
    #[inline(always)]
    fn sweep<S: Simd>(
        &self,
        simd: S,
        s: usize,
        (conjugate, add): (bool, bool),
        (from_re, from_im): (&[T], &[T]),
        (to_re, to_im): (&mut [T], &mut [T]),
    ) {
        let [row_re, row_im] = &self.rows;
        let (a_re, a_im) = (
            T::vectors::<S>(&row_re[s * LANES..][..LANES]),
            T::vectors::<S>(&row_im[s * LANES..][..LANES]),
        );
        let sign = if conjugate { -T::one() } else { T::one() };
        let plus = T::splat(simd, sign);
        let (from_re, from_im) = (from_re.as_chunks::<LANES>().0, from_im.as_chunks().0);
        let (to_re, to_im) = (to_re.as_chunks_mut::<LANES>().0, to_im.as_chunks_mut().0);
        let columns = self.columns[0].iter().zip(&self.columns[1]);
        let rows = from_re.iter().zip(from_im).zip(to_re.iter_mut().zip(to_im));
        for ((&c_re, &c_im), ((x_re, x_im), (y_re, y_im))) in columns.zip(rows) {
            let (c_re, c_im) = (T::splat(simd, c_re), T::splat(simd, c_im * sign));
            let x_im: &[T; LANES] = x_im;
            let y_im: &mut [T; LANES] = y_im;
            let (x_re, x_im) = (T::vectors::<S>(x_re), T::vectors::<S>(x_im));
            let (y_re, y_im) = (T::vectors_mut::<S>(y_re), T::vectors_mut::<S>(y_im));
            for g in 0..y_re.len() {
                let b_im = T::v_mul(simd, a_im[g], plus);
                let (w_re, w_im) = times::<S, T>(simd, (a_re[g], b_im), (c_re, c_im));
                let (re, im) = times::<S, T>(simd, (x_re[g], x_im[g]), (w_re, w_im));
                if add {
                    y_re[g] = T::v_add(simd, y_re[g], re);
                    y_im[g] = T::v_add(simd, y_im[g], im);
                } else {
                    (y_re[g], y_im[g]) = (re, im);
                }
            }
        }
    }
}

/// Strips are filled with a spectrum times the ramp.
pub(crate) struct Ramped<'a, T> {
    pub(crate) ramp: &'a Ramp<T>,
    pub(crate) from: &'a [T],
}

impl<T: Real> Sweep<T> for Ramped<'_, T> {
    #[inline(always)]
    fn strip<S: Simd>(&mut self, simd: S, s: usize, re: &mut [T], im: &mut [T]) {
        let from = strip_of(self.from, s, re.len());
        self.ramp.sweep(simd, s, (false, false), from, (re, im));
    }
}

/// Strips times the conjugate of the ramp are added to a sum.
pub(crate) struct AddUnramped<'a, T> {
    pub(crate) ramp: &'a Ramp<T>,
    pub(crate) sum: &'a mut [T],
}

impl<T: Real> Sweep<T> for AddUnramped<'_, T> {
    #[inline(always)]
    fn strip<S: Simd>(&mut self, simd: S, s: usize, re: &mut [T], im: &mut [T]) {
        let to = strip_of_mut(self.sum, s, re.len());
        self.ramp.sweep(simd, s, (true, true), (re, im), to);
    }
}

#[inline(always)]
pub(crate) fn times<S: Simd, T: Real>(
    simd: S,
    a: (T::Vector<S>, T::Vector<S>),
    b: (T::Vector<S>, T::Vector<S>),
) -> (T::Vector<S>, T::Vector<S>) {
    (
        T::v_fnma(simd, a.1, b.1, T::v_mul(simd, a.0, b.0)),
        T::v_fma(simd, a.0, b.1, T::v_mul(simd, a.1, b.0)),
    )
}

/// `a · conj(b)`
#[inline(always)]
pub(crate) fn times_conj<S: Simd, T: Real>(
    simd: S,
    a: (T::Vector<S>, T::Vector<S>),
    b: (T::Vector<S>, T::Vector<S>),
) -> (T::Vector<S>, T::Vector<S>) {
    (
        T::v_fma(simd, a.1, b.1, T::v_mul(simd, a.0, b.0)),
        T::v_fnma(simd, a.0, b.1, T::v_mul(simd, a.1, b.0)),
    )
}

/// A window of a padded canvas: where a patch lies.
#[derive(Clone, Copy)]
pub(crate) struct Patch<'a, T> {
    pub(crate) re: &'a [T],
    pub(crate) im: &'a [T],
    /// Place of the patch's first pixel.
    pub(crate) start: usize,
    /// Values between two rows.
    pub(crate) stride: usize,
}

/// The real and imaginary registers of a row.
pub(crate) type RowOf<'a, T, S> = (&'a [<T as Real>::Vector<S>], &'a [<T as Real>::Vector<S>]);

/// Real and imaginary registers of the row of a field that starts at `at` in each plane.
#[inline(always)]
pub(crate) fn row_of<S: Simd, T: Real>(field: &[T], at: usize) -> RowOf<'_, T, S> {
    let plane = field.len() / 2;
    (
        T::vectors::<S>(&field[at..at + LANES]),
        T::vectors::<S>(&field[plane + at..plane + at + LANES]),
    )
}

impl<T: Real> Patch<'_, T> {
    /// The registers of row `r` in strip `s`.
    #[inline(always)]
    pub(crate) fn row<S: Simd>(&self, s: usize, r: usize) -> RowOf<'_, T, S> {
        let at = self.start + r * self.stride + s * LANES;
        (
            T::vectors::<S>(&self.re[at..at + LANES]),
            T::vectors::<S>(&self.im[at..at + LANES]),
        )
    }
}

/// `to = object patch · probe`
pub(crate) struct ExitWave<'a, T> {
    pub(crate) tiling: Tiling,
    pub(crate) object: Patch<'a, T>,
    pub(crate) probe: &'a [T],
    pub(crate) to: &'a mut [T],
}

impl<T: Real> WithSimd for ExitWave<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let plane = self.tiling.plane_len();
        let (p_re, p_im) = self.probe.split_at(plane);
        let (to_re, to_im) = self.to.split_at_mut(plane);
        let rows = p_re.chunks_exact(LANES).zip(p_im.chunks_exact(LANES));
        let outs = to_re
            .chunks_exact_mut(LANES)
            .zip(to_im.chunks_exact_mut(LANES));
        for (i, ((p_re, p_im), (to_re, to_im))) in rows.zip(outs).enumerate() {
            let (o_re, o_im) = self.object.row::<S>(i / self.tiling.n, i % self.tiling.n);
            let (p_re, p_im) = (T::vectors::<S>(p_re), T::vectors::<S>(p_im));
            let (to_re, to_im) = (T::vectors_mut::<S>(to_re), T::vectors_mut::<S>(to_im));
            for g in 0..to_re.len() {
                (to_re[g], to_im[g]) = times::<S, T>(simd, (o_re[g], o_im[g]), (p_re[g], p_im[g]));
            }
        }
    }
}
