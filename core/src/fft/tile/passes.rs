//! The radix passes of a mixed-radix Stockham FFT down the columns of a strip.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

use super::butterflies::{Butterfly, Dft2, Dft3, Dft4, Dft5, Dft8, Dft16, Sink, Source};
use super::complex::{C, turn};
use crate::simd::{LANES, Real};

/// One radix pass: its radix and the twiddle factors `exp(-2πi p k / (radix · m))`, k from 1, for each p below m.
#[derive(Debug)]
pub(super) struct Pass<T> {
    radix: usize,
    /// Butterflies apart by stride 1, `m`.
    n_butterflies: usize,
    twiddles: Vec<[T; 2]>,
    /// `cos` and `sin` of `-2π j / radix`, for radices without a kernel of their own.
    roots: Vec<[T; 2]>,
}

/// The passes of a transform of length `n`, in their order.
pub(super) fn plan_passes<T: Real>(n: usize) -> Vec<Pass<T>> {
    let mut rest = n;
    let mut passes = Vec::new();
    for radix in radices(n) {
        passes.push(Pass::new(radix, rest));
        rest /= radix;
    }
    passes
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

/// The FFT down the columns of one strip, in place.
pub(super) struct Columns<'a, T: Real> {
    pub(super) passes: &'a [Pass<T>],
    pub(super) re: &'a mut [T],
    pub(super) im: &'a mut [T],
    pub(super) scratch: &'a mut [T],
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
    fn fixed<S: Simd, const R: usize, D: Butterfly>(
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
                // No closure here: it would be compiled without the vector instructions.
                let at = p * stride + q;
                let from = Source { re, im, at, part };
                let mut to = Sink {
                    re: &mut *out_re,
                    im: &mut *out_im,
                    at: q,
                    stride,
                    twiddles,
                };
                if p == 0 {
                    D::run::<S, T, false>(simd, &from, &mut to);
                } else {
                    D::run::<S, T, true>(simd, &from, &mut to);
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
