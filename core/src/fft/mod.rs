//! Planned 2-D FFT over stacks, centred and orthonormal.
//!
//! # Convention
//!
//! `A[u, v] = 1/√(h w) Σ a[y, x] exp(-2πi ((u - ⌊h/2⌋)(y - ⌊h/2⌋)/h + (v - ⌊w/2⌋)(x - ⌊w/2⌋)/w))`
//!
//! so DC is at `[h/2, w/2]` in both planes, the transform is unitary (Parseval holds without a
//! factor) and `inverse` is its exact inverse for even and odd sizes. The plain pair has DC at `[0, 0]`.

pub mod tile;

use std::sync::Arc;

use num_complex::Complex;
use rayon::prelude::*;
use rustfft::{Fft, FftNum, FftPlanner};

/// Plans and sizes of a 2-D transform; made once, used often, shared between threads.
pub struct Fft2<T: FftNum> {
    n_rows: usize,
    n_columns: usize,
    along_rows: Pair<T>,
    along_columns: Pair<T>,
}

struct Pair<T: FftNum> {
    forward: Arc<dyn Fft<T>>,
    inverse: Arc<dyn Fft<T>>,
}

#[derive(Clone, Copy)]
enum Direction {
    Forward,
    Inverse,
}

impl<T: FftNum> Fft2<T> {
    /// Plan a transform of `n_rows` x `n_columns`; this is the expensive part.
    pub fn new(n_rows: usize, n_columns: usize) -> Self {
        let mut planner = FftPlanner::new();
        let mut pair = |n| Pair {
            forward: planner.plan_fft_forward(n),
            inverse: planner.plan_fft_inverse(n),
        };
        Self {
            n_rows,
            n_columns,
            along_rows: pair(n_columns),
            along_columns: pair(n_rows),
        }
    }

    /// Elements of one plane.
    pub fn len(&self) -> usize {
        self.n_rows * self.n_columns
    }

    /// Whether a plane has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Elements of the scratch space that one transform needs.
    pub fn scratch_len(&self) -> usize {
        let plans = [&self.along_rows, &self.along_columns];
        let inner = plans
            .iter()
            .flat_map(|pair| {
                [
                    pair.forward.get_inplace_scratch_len(),
                    pair.inverse.get_inplace_scratch_len(),
                ]
            })
            .max();
        self.len() + inner.unwrap_or(0)
    }

    /// Scratch space for one thread.
    pub fn scratch(&self) -> Vec<Complex<T>> {
        vec![Complex::new(T::zero(), T::zero()); self.scratch_len()]
    }

    /// Centred orthonormal forward transform of one row-major plane, in place.
    pub fn forward(&self, plane: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        self.centred(plane, scratch, Direction::Forward);
    }

    /// Inverse (and adjoint) of [`Fft2::forward`].
    pub fn inverse(&self, plane: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        self.centred(plane, scratch, Direction::Inverse);
    }

    /// Orthonormal forward transform with DC at `[0, 0]`, in place.
    pub fn forward_plain(&self, plane: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        self.plain(plane, scratch, Direction::Forward);
    }

    /// Inverse (and adjoint) of [`Fft2::forward_plain`].
    pub fn inverse_plain(&self, plane: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        self.plain(plane, scratch, Direction::Inverse);
    }

    /// [`Fft2::forward`] of every plane of a contiguous stack, in parallel on the current rayon pool.
    pub fn forward_stack(&self, stack: &mut [Complex<T>]) {
        self.stack(stack, Direction::Forward);
    }

    /// [`Fft2::inverse`] of every plane of a contiguous stack, in parallel on the current rayon pool.
    pub fn inverse_stack(&self, stack: &mut [Complex<T>]) {
        self.stack(stack, Direction::Inverse);
    }

    /// [`Fft2::forward_plain`] of one large plane, its rows and columns in parallel on the current rayon pool.
    pub fn forward_plain_parallel(&self, plane: &mut [Complex<T>]) {
        self.plain_parallel(plane, Direction::Forward);
    }

    /// [`Fft2::inverse_plain`] of one large plane, its rows and columns in parallel on the current rayon pool.
    pub fn inverse_plain_parallel(&self, plane: &mut [Complex<T>]) {
        self.plain_parallel(plane, Direction::Inverse);
    }

    fn plain_parallel(&self, plane: &mut [Complex<T>], direction: Direction) {
        let (h, w) = (self.n_rows, self.n_columns);
        if self.is_empty() {
            return;
        }
        let unit = T::from_f64(1.0 / ((h * w) as f64).sqrt()).unwrap_or_else(T::one);
        let zero = Complex::new(T::zero(), T::zero());
        let mut turned = vec![zero; self.len()];
        lines(self.along_rows.of(direction), plane, w, T::one());
        transpose_parallel(plane, &mut turned, w);
        lines(self.along_columns.of(direction), &mut turned, h, unit);
        transpose_parallel(&turned, plane, h);
    }

    fn stack(&self, stack: &mut [Complex<T>], direction: Direction) {
        if self.is_empty() {
            return;
        }
        stack.par_chunks_exact_mut(self.len()).for_each_init(
            || self.scratch(),
            |scratch, plane| self.centred(plane, scratch, direction),
        );
    }

    fn centred(&self, plane: &mut [Complex<T>], scratch: &mut [Complex<T>], direction: Direction) {
        let (h, w) = (self.n_rows, self.n_columns);
        // ifftshift before (centre to corner), fftshift after (corner to centre).
        roll(plane, scratch, w, [h - h / 2, w - w / 2]);
        self.plain(plane, scratch, direction);
        roll(plane, scratch, w, [h / 2, w / 2]);
    }

    fn plain(&self, plane: &mut [Complex<T>], scratch: &mut [Complex<T>], direction: Direction) {
        let (h, w) = (self.n_rows, self.n_columns);
        let (turned, inner) = scratch.split_at_mut(self.len());
        self.along_rows
            .of(direction)
            .process_with_scratch(plane, inner);
        transpose(plane, turned, w);
        self.along_columns
            .of(direction)
            .process_with_scratch(turned, inner);
        transpose(turned, plane, h);
        let unit = T::from_f64(1.0 / ((h * w) as f64).sqrt()).unwrap_or_else(T::one);
        for value in plane {
            *value = *value * unit;
        }
    }
}

impl<T: FftNum> Pair<T> {
    fn of(&self, direction: Direction) -> &dyn Fft<T> {
        match direction {
            Direction::Forward => self.forward.as_ref(),
            Direction::Inverse => self.inverse.as_ref(),
        }
    }
}

/// Transform every line of `n` values and multiply it by `unit`, a few lines at a time in parallel.
fn lines<T: FftNum>(fft: &dyn Fft<T>, plane: &mut [Complex<T>], n: usize, unit: T) {
    const LINES: usize = 16;
    let zero = Complex::new(T::zero(), T::zero());
    plane.par_chunks_mut(LINES * n).for_each_init(
        || vec![zero; fft.get_inplace_scratch_len()],
        |scratch, lines| {
            fft.process_with_scratch(lines, scratch);
            if unit != T::one() {
                for value in lines {
                    *value = *value * unit;
                }
            }
        },
    );
}

/// As [`transpose`], blocks of columns in parallel.
fn transpose_parallel<T: Copy + Send + Sync>(from: &[T], to: &mut [T], n_columns: usize) {
    const BLOCK: usize = 16;
    let n_rows = from.len() / n_columns;
    to.par_chunks_mut(BLOCK * n_rows)
        .enumerate()
        .for_each(|(block, to)| {
            let first = block * BLOCK;
            for row_block in (0..n_rows).step_by(BLOCK) {
                for (column, to) in to.chunks_exact_mut(n_rows).enumerate() {
                    for row in row_block..(row_block + BLOCK).min(n_rows) {
                        to[row] = from[row * n_columns + first + column];
                    }
                }
            }
        });
}

/// Move every element by `by` rows and columns, around the edges.
fn roll<T: FftNum>(
    plane: &mut [Complex<T>],
    scratch: &mut [Complex<T>],
    n_columns: usize,
    by: [usize; 2],
) {
    let n_rows = plane.len() / n_columns;
    for (row, from) in plane.chunks_exact(n_columns).enumerate() {
        let to = (row + by[0]) % n_rows * n_columns;
        let to = &mut scratch[to..to + n_columns];
        let (head, tail) = from.split_at(n_columns - by[1] % n_columns);
        to[..tail.len()].copy_from_slice(tail);
        to[tail.len()..].copy_from_slice(head);
    }
    plane.copy_from_slice(&scratch[..plane.len()]);
}

/// `to[column][row] = from[row][column]` in blocks that fit the first cache.
fn transpose<T: Copy>(from: &[T], to: &mut [T], n_columns: usize) {
    const BLOCK: usize = 16;
    let n_rows = from.len() / n_columns;
    for row_block in (0..n_rows).step_by(BLOCK) {
        for column_block in (0..n_columns).step_by(BLOCK) {
            for column in column_block..(column_block + BLOCK).min(n_columns) {
                for row in row_block..(row_block + BLOCK).min(n_rows) {
                    to[column * n_rows + row] = from[row * n_columns + column];
                }
            }
        }
    }
}

/// The sum of the [module](self)'s formula, term by term: slow, and the twin that tests the fast one.
pub fn naive_dft2(plane: &[Complex<f64>], n_columns: usize) -> Vec<Complex<f64>> {
    let n_rows = plane.len() / n_columns;
    let turn = |u: usize, y: usize, n: usize| {
        let half = (n / 2) as f64;
        -std::f64::consts::TAU * (u as f64 - half) * (y as f64 - half) / n as f64
    };
    let unit = 1.0 / (plane.len() as f64).sqrt();
    let mut result = Vec::with_capacity(plane.len());
    for u in 0..n_rows {
        for v in 0..n_columns {
            let terms = plane.iter().enumerate().map(|(i, value)| {
                let (y, x) = (i / n_columns, i % n_columns);
                value * Complex::cis(turn(u, y, n_rows) + turn(v, x, n_columns))
            });
            result.push(terms.sum::<Complex<f64>>() * unit);
        }
    }
    result
}
