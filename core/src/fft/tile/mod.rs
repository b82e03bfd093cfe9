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

mod butterflies;
mod complex;
pub(crate) mod fields;
mod passes;
pub(crate) mod strips;

use pulp::{Arch, Simd};

use self::passes::{Pass, plan_passes};
use self::strips::{Direction, Untouched};
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

/// A planned 2-D FFT.
#[derive(Debug)]
pub struct TileFft<T> {
    tiling: Tiling,
    passes: Vec<Pass<T>>,
    arch: Arch,
}

/// Room for one strip and its passes during a transform.
#[derive(Debug)]
pub struct Scratch<T> {
    strips: Aligned<T>,
}

impl<T: Real> Scratch<T> {
    /// Bytes of memory held.
    pub(crate) fn n_bytes(&self) -> usize {
        self.strips.n_bytes()
    }
}

impl<T: Real> TileFft<T> {
    /// Plan transforms of side `n`.
    pub fn new(n: usize) -> Self {
        Self {
            tiling: Tiling::new(n),
            passes: plan_passes(n),
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
            strips: Aligned::zeros(6 * self.tiling.n * LANES),
        }
    }

    /// `to` = Fourier transform of `from`, unnormalised; `from` is destroyed.
    pub fn forward(&self, from: &mut [T], to: &mut [T], scratch: &mut Scratch<T>) {
        self.begin(Direction::Forward, Untouched, from, scratch);
        self.end(Direction::Forward, from, Untouched, to, scratch);
    }

    /// `to` = inverse transform of `from`, unnormalised (n² times the inverse); `from` is destroyed.
    pub fn inverse(&self, from: &mut [T], to: &mut [T], scratch: &mut Scratch<T>) {
        self.begin(Direction::Inverse, Untouched, from, scratch);
        self.end(Direction::Inverse, from, Untouched, to, scratch);
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
