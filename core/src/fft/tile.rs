//! 2-D FFTs of square patterns, laid out so that every step runs over whole vector registers.
//!
//! # Layout
//!
//! A pattern of side `n` is stored as two planes (real, imaginary). A plane is cut into strips of
//! [`LANES`] columns, one strip after the other, each with its rows in order: the value at (row,
//! column) stands at `(column / 16 · n + row) · 16 + column % 16`. Lanes beyond column `n` are zero.
//! The Fourier plane is stored transposed: there "row" is the column frequency and "column" the row
//! frequency. A transform is then: FFT down the columns of each strip, transpose, and the same again;
//! sixteen columns at a time, never a strided access.
//!
//! Down the columns runs a mixed-radix Stockham FFT (radices 16, 8, 5, 4, 3, 2, and any prime by its
//! plain sum). The inverse is the forward transform of the planes exchanged.
//! Frequencies are in FFT order (zero first); nothing is normalised.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "pairs of slices are passed on as pairs"
)]

use pulp::{Arch, Simd, WithSimd};

use crate::simd::{Aligned, LANES, Real};

/// Places in the tiled layout of patterns of side `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    /// Side of the pattern in pixels.
    pub n: usize,
    /// Strips of [`LANES`] columns.
    pub n_strips: usize,
}

impl Tiling {
    /// The tiling of patterns of side `n`.
    pub fn new(n: usize) -> Self {
        Self {
            n,
            n_strips: n.div_ceil(LANES),
        }
    }

    /// Values in a plane.
    pub fn plane_len(self) -> usize {
        self.n_strips * self.n * LANES
    }

    /// Values in a complex pattern: its two planes.
    pub fn field_len(self) -> usize {
        2 * self.plane_len()
    }

    /// Place of a value in its plane.
    pub fn at(self, row: usize, column: usize) -> usize {
        (column / LANES * self.n + row) * LANES + column % LANES
    }
}

/// One radix pass: its radix and the twiddle factors `exp(-2πi p k / (radix · m))`, k from 1, for each p below m.
#[derive(Debug)]
struct Pass<T> {
    radix: usize,
    /// Butterflies apart by stride 1, `m`.
    n_butterflies: usize,
    twiddles: Vec<[T; 2]>,
    /// `cos` and `sin` of `-2π j / radix`, for radices without a kernel of their own.
    roots: Vec<[T; 2]>,
}

/// A planned 2-D FFT.
#[derive(Debug)]
pub struct TileFft<T> {
    tiling: Tiling,
    passes: Vec<Pass<T>>,
    arch: Arch,
}

/// Room for one strip during a transform.
#[derive(Debug)]
pub struct Scratch<T> {
    strips: Aligned<T>,
}

impl<T: Real> TileFft<T> {
    /// Plan transforms of side `n`.
    pub fn new(n: usize) -> Self {
        let mut rest = n;
        let mut passes = Vec::new();
        for radix in radices(n) {
            passes.push(Pass::new(radix, rest));
            rest /= radix;
        }
        Self {
            tiling: Tiling::new(n),
            passes,
            arch: Arch::new(),
        }
    }

    /// The layout.
    pub fn tiling(&self) -> Tiling {
        self.tiling
    }

    /// The machine that the sweeps run on.
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// Room for transforms on one thread.
    pub fn scratch(&self) -> Scratch<T> {
        Scratch {
            strips: Aligned::zeros(4 * self.tiling.n * LANES),
        }
    }

    /// `to` = Fourier transform of `from`, unnormalised; `from` is destroyed.
    pub fn forward(&self, from: &mut [T], to: &mut [T], scratch: &mut Scratch<T>) {
        let plane = self.tiling.plane_len();
        self.transform(from.split_at_mut(plane), to.split_at_mut(plane), scratch);
    }

    /// `to` = inverse transform of `from`, unnormalised (n² times the inverse); `from` is destroyed.
    pub fn inverse(&self, from: &mut [T], to: &mut [T], scratch: &mut Scratch<T>) {
        let plane = self.tiling.plane_len();
        let ((a, b), (c, d)) = (from.split_at_mut(plane), to.split_at_mut(plane));
        self.transform((b, a), (d, c), scratch);
    }

    fn transform(
        &self,
        from: (&mut [T], &mut [T]),
        to: (&mut [T], &mut [T]),
        scratch: &mut Scratch<T>,
    ) {
        self.arch.dispatch(Transform {
            plan: self,
            from,
            to,
            scratch: &mut scratch.strips,
        });
    }
}

/// The radices of the passes for side `n`: primes first, then as few powers of two as possible.
fn radices(n: usize) -> Vec<usize> {
    let mut rest = n.max(1);
    let mut list = Vec::new();
    let mut factor = 3;
    while rest.trailing_zeros() < usize::BITS && rest >> rest.trailing_zeros() > 1 {
        if rest.is_multiple_of(factor) {
            list.push(factor);
            rest /= factor;
        } else {
            factor += 2;
        }
    }
    let mut bits = rest.trailing_zeros();
    while bits > 0 {
        let take = match bits {
            1..=4 => bits,
            5 | 6 | 7 | 9 => 3,
            _ => 4,
        };
        list.push(1 << take);
        bits -= take;
    }
    list
}

fn root<T: Real>(numerator: usize, denominator: usize) -> [T; 2] {
    let angle = -std::f64::consts::TAU * (numerator % denominator) as f64 / denominator as f64;
    [T::of(angle.cos()), T::of(angle.sin())]
}

impl<T: Real> Pass<T> {
    fn new(radix: usize, length: usize) -> Self {
        let n_butterflies = length / radix;
        let twiddles = (0..n_butterflies)
            .flat_map(|p| (1..radix).map(move |k| root(p * k, length)))
            .collect();
        Self {
            radix,
            n_butterflies,
            twiddles,
            roots: (0..radix).map(|j| root(j, radix)).collect(),
        }
    }
}

struct Transform<'a, T: Real> {
    plan: &'a TileFft<T>,
    from: (&'a mut [T], &'a mut [T]),
    to: (&'a mut [T], &'a mut [T]),
    scratch: &'a mut [T],
}

impl<T: Real> WithSimd for Transform<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let strip = self.plan.tiling.n * LANES;
        for (re, im) in self
            .from
            .0
            .chunks_exact_mut(strip)
            .zip(self.from.1.chunks_exact_mut(strip))
        {
            simd.vectorize(Columns {
                passes: &self.plan.passes,
                re,
                im,
                scratch: self.scratch,
            });
        }
        for (s, (re, im)) in self
            .to
            .0
            .chunks_exact_mut(strip)
            .zip(self.to.1.chunks_exact_mut(strip))
            .enumerate()
        {
            gather_transposed(simd, self.plan.tiling, s, self.from.0, re);
            gather_transposed(simd, self.plan.tiling, s, self.from.1, im);
            simd.vectorize(Columns {
                passes: &self.plan.passes,
                re,
                im,
                scratch: self.scratch,
            });
        }
    }
}

/// Fill strip `s` of the transposed plane from all strips of `plane`.
#[inline(always)]
fn gather_transposed<S: Simd, T: Real>(
    simd: S,
    tiling: Tiling,
    s: usize,
    plane: &[T],
    strip: &mut [T],
) {
    let Tiling { n, n_strips } = tiling;
    const BLOCK: usize = LANES * LANES;
    if n.is_multiple_of(LANES) {
        for (block, to) in strip.chunks_exact_mut(BLOCK).enumerate() {
            let start = block * n * LANES + s * BLOCK;
            T::transpose_block(simd, &plane[start..start + BLOCK], to);
        }
        return;
    }
    strip.fill(T::zero());
    let n_rows = (n - s * LANES).min(LANES);
    for block in 0..n_strips {
        let start = (block * n + s * LANES) * LANES;
        for column in 0..(n - block * LANES).min(LANES) {
            let to = &mut strip[(block * LANES + column) * LANES..][..n_rows];
            for (row, to) in to.iter_mut().enumerate() {
                *to = plane[start + row * LANES + column];
            }
        }
    }
}

/// The FFT down the columns of one strip, in place.
struct Columns<'a, T: Real> {
    passes: &'a [Pass<T>],
    re: &'a mut [T],
    im: &'a mut [T],
    scratch: &'a mut [T],
}

impl<T: Real> WithSimd for Columns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let re = T::vectors_mut::<S>(self.re);
        let im = T::vectors_mut::<S>(self.im);
        let length = re.len();
        let (a, b) = T::vectors_mut::<S>(self.scratch).split_at_mut(2 * length);
        let mut a = a.split_at_mut(length);
        let mut b = b.split_at_mut(length);
        // A register may hold fewer than LANES columns: the others are a stride of the first pass.
        let mut stride = LANES * size_of::<T>() / size_of::<T::Vector<S>>();
        let n_passes = self.passes.len();
        for (i, pass) in self.passes.iter().enumerate() {
            let is_last = i + 1 == n_passes;
            if i == 0 && is_last {
                pass.run(simd, stride, (re, im), (a.0, a.1));
                re.copy_from_slice(a.0);
                im.copy_from_slice(a.1);
            } else if i == 0 {
                pass.run(simd, stride, (re, im), (a.0, a.1));
            } else if is_last {
                pass.run(simd, stride, (a.0, a.1), (re, im));
            } else {
                pass.run(simd, stride, (a.0, a.1), (b.0, b.1));
                std::mem::swap(&mut a, &mut b);
            }
            stride *= pass.radix;
        }
    }
}

type Vectors<'a, T, S> = (&'a [<T as Real>::Vector<S>], &'a [<T as Real>::Vector<S>]);
type VectorsMut<'a, T, S> = (
    &'a mut [<T as Real>::Vector<S>],
    &'a mut [<T as Real>::Vector<S>],
);

impl<T: Real> Pass<T> {
    #[inline(always)]
    fn run<S: Simd>(&self, simd: S, stride: usize, from: VectorsMut<T, S>, to: VectorsMut<T, S>) {
        let from = (&*from.0, &*from.1);
        match self.radix {
            2 => self.fixed::<S, 2, Dft2>(simd, stride, from, to),
            3 => self.fixed::<S, 3, Dft3>(simd, stride, from, to),
            4 => self.fixed::<S, 4, Dft4>(simd, stride, from, to),
            5 => self.fixed::<S, 5, Dft5>(simd, stride, from, to),
            8 => self.fixed::<S, 8, Dft8>(simd, stride, from, to),
            16 => self.fixed::<S, 16, Dft16>(simd, stride, from, to),
            _ => self.any(simd, stride, from, to),
        }
    }

    /// One Stockham pass: `y[q + s (R p + k)] = w^(p k) Σ_j x[q + s (p + m j)] exp(-2πi j k / R)`.
    #[inline(always)]
    fn fixed<S: Simd, const R: usize, D: Butterfly<R>>(
        &self,
        simd: S,
        stride: usize,
        from: Vectors<T, S>,
        to: VectorsMut<T, S>,
    ) {
        let part = stride * self.n_butterflies;
        let (re, im) = (&from.0[..R * part], &from.1[..R * part]);
        let outputs =
            to.0.chunks_exact_mut(R * stride)
                .zip(to.1.chunks_exact_mut(R * stride));
        for ((p, twiddles), (out_re, out_im)) in
            self.twiddles.chunks_exact(R - 1).enumerate().zip(outputs)
        {
            for q in 0..stride {
                let at = p * stride + q;
                // No closure here: it would be compiled without the vector instructions.
                let first = C {
                    re: re[at],
                    im: im[at],
                };
                let mut values = [first; R];
                for j in 1..R {
                    values[j] = C {
                        re: re[at + part * j],
                        im: im[at + part * j],
                    };
                }
                let values = D::dft::<S, T>(simd, values);
                out_re[q] = values[0].re;
                out_im[q] = values[0].im;
                for k in 1..R {
                    let value = if p == 0 {
                        values[k]
                    } else {
                        turn(simd, values[k], twiddles[k - 1])
                    };
                    out_re[q + stride * k] = value.re;
                    out_im[q + stride * k] = value.im;
                }
            }
        }
    }

    /// The same for any radix, by the plain sum.
    #[inline(always)]
    fn any<S: Simd>(&self, simd: S, stride: usize, from: Vectors<T, S>, to: VectorsMut<T, S>) {
        let (radix, part) = (self.radix, stride * self.n_butterflies);
        for p in 0..self.n_butterflies {
            for q in 0..stride {
                let at = p * stride + q;
                for k in 0..radix {
                    let mut sum = C {
                        re: from.0[at],
                        im: from.1[at],
                    };
                    for j in 1..radix {
                        let value = C {
                            re: from.0[at + part * j],
                            im: from.1[at + part * j],
                        };
                        let turned = turn::<S, T>(simd, value, self.roots[j * k % radix]);
                        sum = sum.plus::<S, T>(simd, turned);
                    }
                    if k > 0 {
                        sum = turn::<S, T>(simd, sum, self.twiddles[p * (radix - 1) + k - 1]);
                    }
                    to.0[q + stride * (radix * p + k)] = sum.re;
                    to.1[q + stride * (radix * p + k)] = sum.im;
                }
            }
        }
    }
}

/// A register of complex numbers.
#[derive(Clone, Copy)]
struct C<V> {
    re: V,
    im: V,
}

impl<V: Copy> C<V> {
    #[inline(always)]
    fn plus<S: Simd, T: Real<Vector<S> = V>>(self, simd: S, other: Self) -> Self {
        Self {
            re: T::v_add(simd, self.re, other.re),
            im: T::v_add(simd, self.im, other.im),
        }
    }

    #[inline(always)]
    fn minus<S: Simd, T: Real<Vector<S> = V>>(self, simd: S, other: Self) -> Self {
        Self {
            re: T::v_sub(simd, self.re, other.re),
            im: T::v_sub(simd, self.im, other.im),
        }
    }

    /// `self - i other`
    #[inline(always)]
    fn minus_i<S: Simd, T: Real<Vector<S> = V>>(self, simd: S, other: Self) -> Self {
        Self {
            re: T::v_add(simd, self.re, other.im),
            im: T::v_sub(simd, self.im, other.re),
        }
    }

    /// `self + i other`
    #[inline(always)]
    fn plus_i<S: Simd, T: Real<Vector<S> = V>>(self, simd: S, other: Self) -> Self {
        Self {
            re: T::v_sub(simd, self.re, other.im),
            im: T::v_add(simd, self.im, other.re),
        }
    }

    #[inline(always)]
    fn times<S: Simd, T: Real<Vector<S> = V>>(self, simd: S, real: T) -> Self {
        let real = T::splat(simd, real);
        Self {
            re: T::v_mul(simd, self.re, real),
            im: T::v_mul(simd, self.im, real),
        }
    }

    /// `self + real other`
    #[inline(always)]
    fn plus_times<S: Simd, T: Real<Vector<S> = V>>(self, simd: S, other: Self, real: T) -> Self {
        let real = T::splat(simd, real);
        Self {
            re: T::v_fma(simd, other.re, real, self.re),
            im: T::v_fma(simd, other.im, real, self.im),
        }
    }
}

/// Times a unit number.
#[inline(always)]
fn turn<S: Simd, T: Real>(simd: S, a: C<T::Vector<S>>, by: [T; 2]) -> C<T::Vector<S>> {
    let (re, im) = (T::splat(simd, by[0]), T::splat(simd, by[1]));
    C {
        re: T::v_fnma(simd, a.im, im, T::v_mul(simd, a.re, re)),
        im: T::v_fma(simd, a.re, im, T::v_mul(simd, a.im, re)),
    }
}

/// The transform of R registers. A trait, since a function passed by value is not always inlined.
trait Butterfly<const R: usize> {
    fn dft<S: Simd, T: Real>(simd: S, values: [C<T::Vector<S>>; R]) -> [C<T::Vector<S>>; R];
}

macro_rules! butterfly {
    ($($name:ident, $radix:literal, $dft:ident;)+) => { $(
        struct $name;
        impl Butterfly<$radix> for $name {
            #[inline(always)]
            fn dft<S: Simd, T: Real>(simd: S, values: [C<T::Vector<S>>; $radix]) -> [C<T::Vector<S>>; $radix] {
                $dft::<S, T>(simd, values)
            }
        }
    )+ };
}

butterfly! {
    Dft2, 2, dft2;
    Dft3, 3, dft3;
    Dft4, 4, dft4;
    Dft5, 5, dft5;
    Dft8, 8, dft8;
    Dft16, 16, dft16;
}

#[inline(always)]
fn dft2<S: Simd, T: Real>(simd: S, [a, b]: [C<T::Vector<S>>; 2]) -> [C<T::Vector<S>>; 2] {
    [a.plus::<S, T>(simd, b), a.minus::<S, T>(simd, b)]
}

#[inline(always)]
fn dft3<S: Simd, T: Real>(simd: S, [a, b, c]: [C<T::Vector<S>>; 3]) -> [C<T::Vector<S>>; 3] {
    let sum = b.plus::<S, T>(simd, c);
    let middle = a.plus_times::<S, T>(simd, sum, T::of(-0.5));
    let side = b
        .minus::<S, T>(simd, c)
        .times::<S, T>(simd, T::of(0.75_f64.sqrt()));
    [
        a.plus::<S, T>(simd, sum),
        middle.minus_i::<S, T>(simd, side),
        middle.plus_i::<S, T>(simd, side),
    ]
}

#[inline(always)]
fn dft4<S: Simd, T: Real>(simd: S, [a, b, c, d]: [C<T::Vector<S>>; 4]) -> [C<T::Vector<S>>; 4] {
    let (t0, t1) = (a.plus::<S, T>(simd, c), a.minus::<S, T>(simd, c));
    let (t2, t3) = (b.plus::<S, T>(simd, d), b.minus::<S, T>(simd, d));
    [
        t0.plus::<S, T>(simd, t2),
        t1.minus_i::<S, T>(simd, t3),
        t0.minus::<S, T>(simd, t2),
        t1.plus_i::<S, T>(simd, t3),
    ]
}

#[inline(always)]
fn dft5<S: Simd, T: Real>(simd: S, [a, b, c, d, e]: [C<T::Vector<S>>; 5]) -> [C<T::Vector<S>>; 5] {
    let (c1, s1) = (
        T::of(0.309_016_994_374_947_45),
        T::of(-0.951_056_516_295_153_5),
    );
    let (c2, s2) = (
        T::of(-0.809_016_994_374_947_5),
        T::of(-0.587_785_252_292_473_1),
    );
    let (p1, m1) = (b.plus::<S, T>(simd, e), b.minus::<S, T>(simd, e));
    let (p2, m2) = (c.plus::<S, T>(simd, d), c.minus::<S, T>(simd, d));
    let r1 = a
        .plus_times::<S, T>(simd, p1, c1)
        .plus_times::<S, T>(simd, p2, c2);
    let r2 = a
        .plus_times::<S, T>(simd, p1, c2)
        .plus_times::<S, T>(simd, p2, c1);
    let i1 = m1.times::<S, T>(simd, s1).plus_times::<S, T>(simd, m2, s2);
    let i2 = m1.times::<S, T>(simd, s2).plus_times::<S, T>(simd, m2, -s1);
    [
        a.plus::<S, T>(simd, p1).plus::<S, T>(simd, p2),
        r1.plus_i::<S, T>(simd, i1),
        r2.plus_i::<S, T>(simd, i2),
        r2.minus_i::<S, T>(simd, i2),
        r1.minus_i::<S, T>(simd, i1),
    ]
}

#[inline(always)]
fn dft8<S: Simd, T: Real>(simd: S, a: [C<T::Vector<S>>; 8]) -> [C<T::Vector<S>>; 8] {
    let half = T::of(std::f64::consts::FRAC_1_SQRT_2);
    let e = dft4::<S, T>(simd, [a[0], a[2], a[4], a[6]]);
    let o = dft4::<S, T>(simd, [a[1], a[3], a[5], a[7]]);
    // Times exp(-iπ/4) and exp(-3iπ/4), up to the factor √½.
    let o1 = C {
        re: T::v_add(simd, o[1].re, o[1].im),
        im: T::v_sub(simd, o[1].im, o[1].re),
    };
    let o3 = C {
        re: T::v_sub(simd, o[3].im, o[3].re),
        im: T::v_add(simd, o[3].re, o[3].im),
    };
    [
        e[0].plus::<S, T>(simd, o[0]),
        e[1].plus_times::<S, T>(simd, o1, half),
        e[2].minus_i::<S, T>(simd, o[2]),
        C {
            re: T::v_fma(simd, o3.re, T::splat(simd, half), e[3].re),
            im: T::v_fma(simd, o3.im, T::splat(simd, -half), e[3].im),
        },
        e[0].minus::<S, T>(simd, o[0]),
        e[1].plus_times::<S, T>(simd, o1, -half),
        e[2].plus_i::<S, T>(simd, o[2]),
        C {
            re: T::v_fma(simd, o3.re, T::splat(simd, -half), e[3].re),
            im: T::v_fma(simd, o3.im, T::splat(simd, half), e[3].im),
        },
    ]
}

#[inline(always)]
fn dft16<S: Simd, T: Real>(simd: S, a: [C<T::Vector<S>>; 16]) -> [C<T::Vector<S>>; 16] {
    const COS: f64 = 0.923_879_532_511_286_7;
    const SIN: f64 = 0.382_683_432_365_089_8;
    let (c, s, h) = (
        T::of(COS),
        T::of(SIN),
        T::of(std::f64::consts::FRAC_1_SQRT_2),
    );
    let one = [T::one(), T::zero()];
    let w = [
        one,
        [c, -s],
        [h, -h],
        [s, -c],
        [T::zero(), -T::one()],
        one,
        [-h, -h],
        one,
        one,
        [-c, s],
    ];
    let mut inner = [[a[0]; 4]; 4];
    for j in 0..4 {
        inner[j] = dft4::<S, T>(simd, [a[j], a[4 + j], a[8 + j], a[12 + j]]);
    }
    for j in 1..4 {
        for k in 1..4 {
            inner[j][k] = turn::<S, T>(simd, inner[j][k], w[j * k]);
        }
    }
    let mut out = [a[0]; 16];
    for k in 0..4 {
        let column = dft4::<S, T>(simd, [inner[0][k], inner[1][k], inner[2][k], inner[3][k]]);
        for (i, value) in column.into_iter().enumerate() {
            out[k + 4 * i] = value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustfft::FftPlanner;
    use rustfft::num_complex::Complex;

    /// Row-column transform by rustfft, row-major.
    fn twin(n: usize, values: &[Complex<f64>]) -> Vec<Complex<f64>> {
        let fft = FftPlanner::new().plan_fft_forward(n);
        let mut rows = values.to_vec();
        fft.process(&mut rows);
        let mut columns: Vec<_> = (0..n * n).map(|i| rows[i % n * n + i / n]).collect();
        fft.process(&mut columns);
        (0..n * n).map(|i| columns[i % n * n + i / n]).collect()
    }

    fn check<T: Real>(n: usize, tolerance: f64) {
        let plan = TileFft::<T>::new(n);
        let (tiling, plane) = (plan.tiling(), plan.tiling().plane_len());
        let values: Vec<_> = (0..n * n)
            .map(|i| Complex::new((i as f64 * 1.7).sin(), (i as f64 * 0.9 + 1.0).cos()))
            .collect();
        let mut from = Aligned::<T>::zeros(tiling.field_len());
        for (i, value) in values.iter().enumerate() {
            from[tiling.at(i / n, i % n)] = T::of(value.re);
            from[plane + tiling.at(i / n, i % n)] = T::of(value.im);
        }
        let mut scratch = plan.scratch();
        let mut to = Aligned::zeros(tiling.field_len());
        plan.forward(&mut from, &mut to, &mut scratch);
        for (i, expected) in twin(n, &values).into_iter().enumerate() {
            // The Fourier plane is stored transposed.
            let at = tiling.at(i % n, i / n);
            let found = Complex::new(to[at].wide(), to[plane + at].wide());
            assert!(
                (found - expected).norm() < tolerance * (n as f64 + expected.norm()),
                "{n} at {i}: {found} {expected}"
            );
        }
        plan.inverse(&mut to, &mut from, &mut scratch);
        for (i, expected) in values.iter().enumerate() {
            let at = tiling.at(i / n, i % n);
            let found = Complex::new(from[at].wide(), from[plane + at].wide()) / (n * n) as f64;
            assert!((found - expected).norm() < tolerance, "{n} back at {i}");
        }
    }

    #[test]
    fn transforms_of_every_kind_of_size_agree_with_rustfft() {
        for n in [
            1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 20, 30, 31, 32, 48, 63, 64, 77, 96, 128, 250, 256,
        ] {
            check::<f32>(n, 1e-5);
            check::<f64>(n, 1e-13);
        }
    }
}
