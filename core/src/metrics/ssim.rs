//! Structural similarity.
//!
//! Every window that lies wholly inside the picture, and wholly inside the mask, has its value
//! `(2 μa μb + C1)(2 σab + C2) / ((μa² + μb² + C1)(σa² + σb² + C2))`, `C1 = (0.01 R)²`, `C2 = (0.03 R)²`, R the data range; the
//! result is their mean (Wang, Bovik, Sheikh and Simoncelli, IEEE Trans. Image Processing 13, 600 (2004)).
//!
//! Four separable sums serve it: of a, b, a² + b² and a b. Rows are summed first, eleven (or seven) at a time in registers, then
//! columns; a few rows of windows are one piece of work, and pieces are added in their order, so the number of threads changes
//! nothing.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::metrics::pair::{Pair, eroded};

/// Rows of windows that are one piece of work.
const BAND: usize = 16;
/// Values that a vector may read beyond the last.
const SPARE: usize = 32;

/// Over what means and variances are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// 7x7, all weights equal, variances of a sample (divided by 48): scikit-image's default.
    Uniform7,
    /// Gaussian of σ = 1.5 px cut to 11x11, variances of the window: Wang's.
    Gaussian11,
}

/// Means over all windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// Mean of the whole product.
    pub ssim: f64,
    /// Mean of the second factor alone: contrast and structure.
    pub contrast_structure: f64,
    /// Windows that counted.
    pub n_windows: usize,
}

impl Window {
    /// Pixels along a side.
    pub const fn side(self) -> usize {
        match self {
            Self::Uniform7 => 7,
            Self::Gaussian11 => 11,
        }
    }
}

/// Mean similarity of two pictures of data range `range`.
///
/// `None` if no window lies wholly inside, or the range is not above 0.
pub fn ssim(pair: Pair<'_>, window: Window, range: f64) -> Option<Similarity> {
    if !(range > 0.0 && range.is_finite()) {
        return None;
    }
    match window {
        Window::Uniform7 => similarity(pair, Weights::<7>::uniform(range)),
        Window::Gaussian11 => similarity(pair, Weights::<11>::gaussian(range)),
    }
}

/// Weights along one axis and the constants of the formula.
#[derive(Clone, Copy)]
struct Weights<const N: usize> {
    taps: [f64; N],
    /// What variances are multiplied by.
    variance_factor: f64,
    c1: f64,
    c2: f64,
}

impl<const N: usize> Weights<N> {
    fn new(taps: [f64; N], variance_factor: f64, range: f64) -> Self {
        Self {
            taps,
            variance_factor,
            c1: (0.01 * range).powi(2),
            c2: (0.03 * range).powi(2),
        }
    }

    fn uniform(range: f64) -> Self {
        let n_pixels = (N * N) as f64;
        Self::new([1.0 / N as f64; N], n_pixels / (n_pixels - 1.0), range)
    }

    fn gaussian(range: f64) -> Self {
        const SIGMA_PX: f64 = 1.5;
        let tap = |i: usize| (-0.5 * ((i as f64 - (N / 2) as f64) / SIGMA_PX).powi(2)).exp();
        let taps: [f64; N] = std::array::from_fn(tap);
        let sum: f64 = taps.iter().sum();
        Self::new(taps.map(|tap| tap / sum), 1.0, range)
    }
}

fn similarity<const N: usize>(pair: Pair<'_>, weights: Weights<N>) -> Option<Similarity> {
    let (n_rows, n_columns) = pair.reference.dim();
    let n_out = [
        (n_rows + 1).checked_sub(N)?,
        (n_columns + 1).checked_sub(N)?,
    ];
    let (a, b) = (
        pair.reference.as_standard_layout(),
        pair.other.as_standard_layout(),
    );
    let (a, b) = (a.as_slice()?, b.as_slice()?);
    let inside = pair.mask.map(|mask| eroded(mask, N / 2, N / 2));
    let arch = Arch::new();
    let bands: Vec<[f64; 3]> = (0..n_out[0].div_ceil(BAND))
        .into_par_iter()
        .map_init(
            || Lines::new(n_columns),
            |lines, band| {
                let mut sums = [0.0; 3];
                for row in band * BAND..((band + 1) * BAND).min(n_out[0]) {
                    arch.dispatch(Row {
                        weights: &weights,
                        a: &a[row * n_columns..(row + N) * n_columns],
                        b: &b[row * n_columns..(row + N) * n_columns],
                        lines,
                    });
                    let counts = inside.as_ref().map(|inside| inside.row(row));
                    let counts = counts.as_ref().map(|row| row.as_slice().unwrap_or(&[]));
                    add(&mut sums, lines, n_out[1], counts);
                }
                sums
            },
        )
        .collect();
    let mut sums = [0.0; 3];
    for band in bands {
        for (sum, part) in sums.iter_mut().zip(band) {
            *sum += part;
        }
    }
    let [ssim, contrast_structure, n_windows] = sums;
    (n_windows > 0.0).then(|| Similarity {
        ssim: ssim / n_windows,
        contrast_structure: contrast_structure / n_windows,
        n_windows: n_windows as usize,
    })
}

/// Add a row of windows to the sums of both values and of their number.
fn add(sums: &mut [f64; 3], lines: &Lines, n_windows: usize, counts: Option<&[bool]>) {
    let (whole, part) = (&lines.whole[..n_windows], &lines.part[..n_windows]);
    if let Some(counts) = counts {
        for ((whole, part), &counts) in whole.iter().zip(part).zip(counts) {
            if counts {
                sums[0] += whole;
                sums[1] += part;
                sums[2] += 1.0;
            }
        }
    } else {
        sums[0] += sum(whole);
        sums[1] += sum(part);
        sums[2] += n_windows as f64;
    }
}

/// The sum in eight running sums, which do not wait for each other.
fn sum(values: &[f64]) -> f64 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// Room for one row of windows, `SPARE` longer than a row of the picture.
struct Lines {
    /// Weighted sums down the columns of a, b, a² + b², a b.
    down: [Vec<f64>; 4],
    /// The similarity of each window.
    whole: Vec<f64>,
    /// Its contrast and structure.
    part: Vec<f64>,
}

impl Lines {
    fn new(n_columns: usize) -> Self {
        let line = || vec![0.0; n_columns + SPARE];
        Self {
            down: std::array::from_fn(|_| line()),
            whole: line(),
            part: line(),
        }
    }
}

/// One row of windows from `N` rows of both pictures.
struct Row<'a, const N: usize> {
    weights: &'a Weights<N>,
    a: &'a [f64],
    b: &'a [f64],
    lines: &'a mut Lines,
}

impl<const N: usize> WithSimd for Row<'_, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let n_columns = self.a.len() / N;
        self.sum_down(simd, n_columns);
        let n_lanes = n_lanes::<S>();
        self.compare(simd, (n_columns + 1 - N).div_ceil(n_lanes) * n_lanes);
    }
}

impl<const N: usize> Row<'_, N> {
    #[inline(always)]
    fn sum_down<S: Simd>(&mut self, simd: S, n_columns: usize) {
        let taps: [S::f64s; N] = std::array::from_fn(|i| simd.splat_f64s(self.weights.taps[i]));
        let n_whole = n_columns / n_lanes::<S>();
        let (a, a_rest) = rows::<S, N>(self.a, n_columns, n_whole);
        let (b, b_rest) = rows::<S, N>(self.b, n_columns, n_whole);
        let [m, n, p, q] = &mut self.lines.down;
        let (m, n) = (S::as_mut_simd_f64s(m).0, S::as_mut_simd_f64s(n).0);
        let (p, q) = (S::as_mut_simd_f64s(p).0, S::as_mut_simd_f64s(q).0);
        for x in 0..n_whole {
            (m[x], n[x], p[x], q[x]) = summed(simd, &taps, |i| (a[i][x], b[i][x]));
        }
        if n_whole * n_lanes::<S>() < n_columns {
            let load = |rest: &[f64]| simd.partial_load_f64s(rest);
            (m[n_whole], n[n_whole], p[n_whole], q[n_whole]) =
                summed(simd, &taps, |i| (load(a_rest[i]), load(b_rest[i])));
        }
    }

    #[inline(always)]
    fn compare<S: Simd>(&mut self, simd: S, n_windows: usize) {
        let weights = self.weights;
        let taps: [S::f64s; N] = std::array::from_fn(|i| simd.splat_f64s(weights.taps[i]));
        let factor = simd.splat_f64s(weights.variance_factor);
        let (c1, c2) = (simd.splat_f64s(weights.c1), simd.splat_f64s(weights.c2));
        let [m, n, p, q] = &self.lines.down;
        let [m, n, p, q] = [m, n, p, q].map(|line| shifted::<S, N>(line, n_windows));
        let whole = S::as_mut_simd_f64s(&mut self.lines.whole[..n_windows]).0;
        let part = S::as_mut_simd_f64s(&mut self.lines.part[..n_windows]).0;
        for (x, (whole, part)) in whole.iter_mut().zip(part).enumerate() {
            let across = |lines: &[&[S::f64s]; N]| {
                let mut sum = simd.mul_f64s(taps[0], lines[0][x]);
                for i in 1..N {
                    sum = simd.mul_add_e_f64s(taps[i], lines[i][x], sum);
                }
                sum
            };
            let (mean_a, mean_b) = (across(&m), across(&n));
            let (squares, product) = (across(&p), across(&q));
            let means = simd.mul_f64s(mean_a, mean_b);
            let mean_squares = simd.mul_add_e_f64s(mean_a, mean_a, simd.mul_f64s(mean_b, mean_b));
            let covariance = simd.mul_f64s(factor, simd.sub_f64s(product, means));
            let variances = simd.mul_f64s(factor, simd.sub_f64s(squares, mean_squares));
            let doubled = |value, constant| simd.add_f64s(simd.add_f64s(value, value), constant);
            let luminance = simd.div_f64s(doubled(means, c1), simd.add_f64s(mean_squares, c1));
            *part = simd.div_f64s(doubled(covariance, c2), simd.add_f64s(variances, c2));
            *whole = simd.mul_f64s(luminance, *part);
        }
    }
}

#[inline(always)]
const fn n_lanes<S: Simd>() -> usize {
    size_of::<S::f64s>() / size_of::<f64>()
}

/// The rows of a block in registers, and what is left of each.
#[inline(always)]
fn rows<S: Simd, const N: usize>(
    block: &[f64],
    n_columns: usize,
    n_whole: usize,
) -> ([&[S::f64s]; N], [&[f64]; N]) {
    let row = |i: usize| S::as_simd_f64s(&block[i * n_columns..(i + 1) * n_columns]);
    (
        std::array::from_fn(|i| &row(i).0[..n_whole]),
        std::array::from_fn(|i| row(i).1),
    )
}

/// A line in registers that start 0 to N - 1 values late.
#[inline(always)]
fn shifted<S: Simd, const N: usize>(line: &[f64], n_values: usize) -> [&[S::f64s]; N] {
    std::array::from_fn(|i| S::as_simd_f64s(&line[i..i + n_values]).0)
}

/// Weighted sums of a, b, a² + b² and a b over `N` rows.
#[inline(always)]
fn summed<S: Simd, const N: usize>(
    simd: S,
    taps: &[S::f64s; N],
    load: impl Fn(usize) -> (S::f64s, S::f64s),
) -> (S::f64s, S::f64s, S::f64s, S::f64s) {
    let zero = simd.splat_f64s(0.0);
    let (mut m, mut n, mut p, mut q) = (zero, zero, zero, zero);
    for (i, &tap) in taps.iter().enumerate() {
        let (a, b) = load(i);
        m = simd.mul_add_e_f64s(tap, a, m);
        n = simd.mul_add_e_f64s(tap, b, n);
        let squares = simd.mul_add_e_f64s(a, a, simd.mul_f64s(b, b));
        p = simd.mul_add_e_f64s(tap, squares, p);
        q = simd.mul_add_e_f64s(tap, simd.mul_f64s(a, b), q);
    }
    (m, n, p, q)
}
