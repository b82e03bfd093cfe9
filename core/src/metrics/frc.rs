//! Fourier ring correlation.

use ndarray::{ArrayView2, s};
use num_complex::Complex64;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::fft::Fft2;
use crate::register::hann;

/// Side of the smallest square that is correlated.
const LEAST_SIDE_PX: usize = 2;
/// Rows that are one piece of work.
const BAND: usize = 32;

/// Where a curve counts as lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// 0.5.
    Half,
    /// 1/7.
    Seventh,
    /// The 1-bit curve of van Heel and Schatz (2005).
    OneBit,
    /// The half-bit curve.
    HalfBit,
}

impl Threshold {
    /// All, in the order of tables.
    pub const ALL: [Self; 4] = [Self::Half, Self::Seventh, Self::OneBit, Self::HalfBit];

    /// Name in words.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Half => "0.5",
            Self::Seventh => "1/7",
            Self::OneBit => "1 bit",
            Self::HalfBit => "half bit",
        }
    }

    /// The threshold of a ring of `n_pixels`.
    ///
    /// A curve of information: `(s + (2√s + 1)/√n) / (s + 1 + 2√s/√n)`, s the signal-to-noise ratio of one picture, 0.5 for one
    /// bit of both together, (√2 - 1)/2 for half a bit (van Heel and Schatz, J. Struct. Biol. 151, 250 (2005)).
    pub fn at(self, n_pixels: usize) -> f64 {
        let signal = match self {
            Self::Half => return 0.5,
            Self::Seventh => return 1.0 / 7.0,
            Self::OneBit => 0.5,
            Self::HalfBit => (std::f64::consts::SQRT_2 - 1.0) / 2.0,
        };
        let (twice, n) = (2.0 * f64::sqrt(signal), (n_pixels as f64).sqrt());
        (signal + (twice + 1.0) / n) / (signal + 1.0 + twice / n)
    }

    /// The first ring that can fall below: one pixel, as the middle is, tells nothing of information.
    const fn first_ring(self) -> usize {
        match self {
            Self::Half | Self::Seventh => 0,
            Self::OneBit | Self::HalfBit => 1,
        }
    }
}

/// Correlation in every ring.
#[derive(Clone, Debug, PartialEq)]
pub struct FrcCurve {
    /// Value of each ring from DC to the corner; NaN for a ring without power.
    pub values: Vec<f64>,
    /// Pixels of each ring.
    pub n_pixels: Vec<usize>,
    /// Side of the square that was transformed.
    pub side_px: usize,
}

/// Where a curve first falls below a threshold.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Cutoff {
    /// In rings, linear between them; the number of rings if never.
    pub rings: f64,
    /// Divided by half the side; above 1 lies the corner.
    pub of_nyquist: f64,
    /// Half period in nm, where the pixel size is known and the cut-off is not 0.
    pub half_period_nm: Option<f64>,
}

impl FrcCurve {
    /// Correlation of two pictures `(h, w)` over their central square.
    ///
    /// `|Σ F1 conj(F2)| / √(Σ|F1|² Σ|F2|²)` over the ring `round(distance from DC)`, to the corner. With `window`, means are taken
    /// off and a separable periodic Hann window is laid over both.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for other shapes, less than 4 pixels or values that are not finite.
    pub fn of(
        first: ArrayView2<'_, Complex64>,
        second: ArrayView2<'_, Complex64>,
        window: bool,
    ) -> Result<Self> {
        let side_px = side(first.dim(), second.dim())?;
        let (first, second) = (square(first, side_px), square(second, side_px));
        let transformed = |picture| {
            let mut plane = prepared(picture, window)?;
            Fft2::new(side_px, side_px).forward_plain_parallel(&mut plane);
            Ok::<_, Error>(plane)
        };
        let (first, second) = (transformed(first)?, transformed(second)?);
        let sums = ring_sums::<4>(side_px, |sums, rings, row| {
            let line = row * side_px..(row + 1) * side_px;
            let pixels = first[line.clone()].iter().zip(&second[line]);
            for ((a, b), &ring) in pixels.zip(rings) {
                let cross = a * b.conj();
                add(sums, ring, [cross.re, cross.im, a.norm_sqr(), b.norm_sqr()]);
            }
        });
        let values = sums.iter().map(|[re, im, first, second]| {
            correlation(Complex64::new(*re, *im).norm(), *first, *second)
        });
        Ok(Self::new(values.collect(), side_px))
    }

    /// As [`FrcCurve::of`] for two pictures of real numbers, through one transform.
    ///
    /// With `Z = F(a + i b)`: `Σ|Fa|² = (s + c)/2`, `Σ|Fb|² = (s - c)/2` and `Σ Fa conj(Fb) = d/2`, where a ring's
    /// `s = Σ|Z(k)|²` and `c + i d = Σ Z(k) Z(-k)`.
    ///
    /// # Errors
    /// As [`FrcCurve::of`].
    pub fn of_real(
        first: ArrayView2<'_, f64>,
        second: ArrayView2<'_, f64>,
        window: bool,
    ) -> Result<Self> {
        let side_px = side(first.dim(), second.dim())?;
        let (first, second) = (square(first, side_px), square(second, side_px));
        let complex = |value: &f64| Complex64::new(*value, 0.0);
        let first = prepared(first.map(complex).view(), window)?;
        let mut plane = prepared(second.map(complex).view(), window)?;
        // Of equal power, so that neither drowns in the rounding of the other; a curve does not depend on it.
        let power = |plane: &[Complex64]| plane.iter().map(|v| v.re * v.re).sum::<f64>().sqrt();
        let units = [power(&first), power(&plane)];
        if units.contains(&0.0) {
            let n_rings = ring_sizes(side_px).len();
            return Ok(Self::new(vec![f64::NAN; n_rings], side_px));
        }
        for (b, a) in plane.iter_mut().zip(&first) {
            *b = Complex64::new(a.re / units[0], b.re / units[1]);
        }
        Fft2::new(side_px, side_px).forward_plain_parallel(&mut plane);
        let sums = ring_sums::<3>(side_px, |sums, rings, row| {
            let here = &plane[row * side_px..(row + 1) * side_px];
            let mirrored = (side_px - row) % side_px;
            let there = &plane[mirrored * side_px..(mirrored + 1) * side_px];
            let mirrored = there[..1].iter().chain(there[1..].iter().rev());
            for ((here, there), &ring) in here.iter().zip(mirrored).zip(rings) {
                let product = here * there;
                add(sums, ring, [here.norm_sqr(), product.re, product.im]);
            }
        });
        let values = sums.iter().map(|[sum, difference, cross]| {
            let powers = [(sum + difference) / 2.0, (sum - difference) / 2.0];
            correlation((cross / 2.0).abs(), powers[0], powers[1])
        });
        Ok(Self::new(values.collect(), side_px))
    }

    fn new(values: Vec<f64>, side_px: usize) -> Self {
        Self {
            values,
            n_pixels: ring_sizes(side_px),
            side_px,
        }
    }

    /// Where the curve first falls below the threshold; rings without power are passed over, and a curve of nothing else
    /// has cut-off 0. Curves of information are looked at from ring 1.
    pub fn cutoff(&self, threshold: Threshold, pixel_size_m: Option<f64>) -> Cutoff {
        let rings = self.crossing(threshold);
        let side = self.side_px as f64;
        Cutoff {
            rings,
            of_nyquist: rings / (side / 2.0),
            half_period_nm: pixel_size_m
                .filter(|_| rings > 0.0)
                .map(|pixel_m| side * pixel_m * 1e9 / (2.0 * rings)),
        }
    }

    fn crossing(&self, threshold: Threshold) -> f64 {
        let above = self
            .values
            .iter()
            .zip(&self.n_pixels)
            .map(|(v, &n)| v - threshold.at(n));
        let mut before: Option<(usize, f64)> = None;
        for (ring, above) in above.enumerate().skip(threshold.first_ring()) {
            if above < 0.0 {
                return before.map_or(0.0, |(last, height)| {
                    last as f64 + (ring - last) as f64 * height / (height - above)
                });
            }
            if above.is_finite() {
                before = Some((ring, above));
            }
        }
        before.map_or(0.0, |_| self.values.len() as f64)
    }

    /// The threshold at each ring.
    pub fn threshold(&self, threshold: Threshold) -> Vec<f64> {
        self.n_pixels.iter().map(|&n| threshold.at(n)).collect()
    }

    /// Each ring as a fraction of Nyquist: ring over half the side.
    pub fn of_nyquist(&self) -> Vec<f64> {
        let half = self.side_px as f64 / 2.0;
        (0..self.values.len())
            .map(|ring| ring as f64 / half)
            .collect()
    }

    /// Whether any ring has a value.
    pub fn is_known(&self) -> bool {
        self.values.iter().any(|value| value.is_finite())
    }
}

fn correlation(cross: f64, first: f64, second: f64) -> f64 {
    if first > 0.0 && second > 0.0 {
        cross / (first * second).sqrt()
    } else {
        f64::NAN
    }
}

fn invalid(expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::invalid("correlate rings", "pictures", expected, found)
}

/// The side of the central square.
fn side(first: (usize, usize), second: (usize, usize)) -> Result<usize> {
    if first != second {
        return Err(invalid("of one shape", format!("{first:?} and {second:?}")));
    }
    let side = first.0.min(first.1);
    if side < LEAST_SIDE_PX {
        let expected = format!("of at least {LEAST_SIDE_PX} px a side");
        return Err(invalid(expected, format!("{first:?}")));
    }
    Ok(side)
}

fn square<T>(picture: ArrayView2<'_, T>, side: usize) -> ArrayView2<'_, T> {
    let (n_rows, n_columns) = picture.dim();
    let (top, left) = ((n_rows - side) / 2, (n_columns - side) / 2);
    picture.slice_move(s![top..top + side, left..left + side])
}

/// The picture row by row, without its mean and under the window if there is one.
fn prepared(picture: ArrayView2<'_, Complex64>, window: bool) -> Result<Vec<Complex64>> {
    let n_bad = picture.iter().filter(|value| !value.is_finite()).count();
    if n_bad > 0 {
        return Err(invalid(
            "finite values",
            format!("{n_bad} that are not finite"),
        ));
    }
    if !window {
        return Ok(picture.iter().copied().collect());
    }
    let mean = picture.iter().sum::<Complex64>() / picture.len() as f64;
    let weights = hann(picture.nrows());
    let mut plane = Vec::with_capacity(picture.len());
    for (row, down) in picture.outer_iter().zip(&weights) {
        plane.extend(
            row.iter()
                .zip(&weights)
                .map(|(value, right)| (value - mean) * (down * right)),
        );
    }
    Ok(plane)
}

/// The ring of every column of a row, in FFT order: `round(√(ky² + kx²))`.
///
/// The ring is r while `ky² + kx² <= r (r + 1)`, since no whole number lies between that and `(r + 1/2)²`: no root is taken.
fn rings(row: usize, side: usize, to: &mut [usize]) {
    let ky = row.min(side - row);
    let (mut ring, mut square) = (ky, ky * ky);
    for kx in 0..=side / 2 {
        while square > ring * (ring + 1) {
            ring += 1;
        }
        to[kx] = ring;
        to[(side - kx) % side] = ring;
        square += 2 * kx + 1;
    }
}

fn n_rings(side: usize) -> usize {
    let half = (side / 2) as f64;
    half.hypot(half).round() as usize + 1
}

/// Pixels of each ring.
fn ring_sizes(side: usize) -> Vec<usize> {
    let mut sizes = vec![0; n_rings(side)];
    let mut line = vec![0; side];
    for row in 0..side {
        rings(row, side, &mut line);
        for &ring in &line {
            sizes[ring] += 1;
        }
    }
    sizes
}

/// Sums over rings: `add_row` adds a row's terms, given the ring of each column; bands of rows in parallel, added in their order.
fn ring_sums<const N: usize>(
    side: usize,
    add_row: impl Fn(&mut [[f64; N]], &[usize], usize) + Sync,
) -> Vec<[f64; N]> {
    let bands: Vec<Vec<[f64; N]>> = (0..side.div_ceil(BAND))
        .into_par_iter()
        .map(|band| {
            let mut sums = vec![[0.0; N]; n_rings(side)];
            let mut line = vec![0; side];
            for row in band * BAND..((band + 1) * BAND).min(side) {
                rings(row, side, &mut line);
                add_row(&mut sums, &line, row);
            }
            sums
        })
        .collect();
    let mut total = vec![[0.0; N]; n_rings(side)];
    for (sums, ring) in bands.iter().flat_map(|band| band.iter().zip(0..)) {
        add(&mut total, ring, *sums);
    }
    total
}

fn add<const N: usize>(sums: &mut [[f64; N]], ring: usize, terms: [f64; N]) {
    for (sum, term) in sums[ring].iter_mut().zip(terms) {
        *sum += term;
    }
}
