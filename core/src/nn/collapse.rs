//! Whether a network has collapsed to a flat image.
//!
//! A collapsed network draws the same flat patch for every pattern, and its loss may look fine: the probe alone makes the
//! predicted patterns resemble the measured ones. Two numbers tell it: the stitched amplitude hardly varies, and of what
//! makes one pattern differ from another nothing is predicted. Each alone may be innocent: the amplitude of a phase object
//! is flat, and at very low doses patterns differ by noise only.

use ndarray::Array2;
use num_complex::Complex32;

/// The stitched amplitude of a flat image varies by less than this share of its mean.
pub const FLAT_SPREAD: f64 = 0.02;
/// A flat image predicts less than this of the differences between patterns, as a correlation.
pub const FLAT_CORRELATION: f64 = 0.1;
/// Epochs before a network can count as collapsed: a fresh one is flat by right.
pub const FIRST_EPOCHS: usize = 3;

/// Mean and standard deviation of an object's amplitude over the pixels that some patch saw.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// Mean amplitude.
    pub mean: f64,
    /// Standard deviation of the amplitude.
    pub deviation: f64,
}

impl Spread {
    /// Of a stitched object; `None` if no pixel was seen.
    pub fn of(object: &Array2<Complex32>, coverage: &Array2<f32>) -> Option<Self> {
        let seen = object.iter().zip(coverage).filter(|(_, w)| 0.0 < **w);
        let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for (value, _) in seen {
            let amplitude = f64::from(value.norm());
            n += 1.0;
            sum += amplitude;
            squares += amplitude * amplitude;
        }
        let mean = sum / n;
        let deviation = (squares / n - mean * mean).max(0.0).sqrt();
        (0.0 < n).then_some(Self { mean, deviation })
    }
}

/// Whether an object so spread, predicted so well, is a flat image; without a correlation the spread alone decides.
pub fn is_flat(spread: Spread, pattern_correlation: Option<f64>) -> bool {
    let Spread { mean, deviation } = spread;
    // Written so that NaN counts as flat.
    let is_varied = FLAT_SPREAD * mean <= deviation && 0.0 < deviation;
    !is_varied && pattern_correlation.is_none_or(|found| found < FLAT_CORRELATION)
}

/// Sums over two stacks of values from which their correlation follows.
#[derive(Clone, Copy, Debug, Default)]
struct Products {
    /// Predicted², measured², product.
    squares: [f64; 3],
}

impl Products {
    fn add(&mut self, p: f64, m: f64) {
        let [pp, mm, pm] = self.squares;
        self.squares = [pp + p * p, mm + m * m, pm + p * m];
    }

    /// The correlation of what is left when `explained` is taken off; 0 where one side does not vary beyond rounding.
    fn without(&self, explained: [f64; 3]) -> f64 {
        let [pp, mm, pm] = self.squares;
        let left = [pp - explained[0], mm - explained[1]];
        if left[0] <= 1e-9 * pp || left[1] <= 1e-9 * mm {
            return 0.0;
        }
        (pm - explained[2]) / (left[0] * left[1]).sqrt()
    }
}

/// Sums that tell how two stacks of patterns correlate; values that are NaN in the second are left out.
#[derive(Clone, Debug)]
pub struct Contrast {
    n_patterns: f64,
    n_values: f64,
    sums: [f64; 2],
    values: Products,
    /// Sums over the patterns, each divided by its own root of total counts, predicted and measured, for each pixel.
    of_pixels: Vec<[f64; 2]>,
    shapes: Products,
}

impl Contrast {
    /// Nothing yet, for patterns of so many pixels.
    pub fn new(n_pixels: usize) -> Self {
        Self {
            n_patterns: 0.0,
            n_values: 0.0,
            sums: [0.0; 2],
            values: Products::default(),
            of_pixels: vec![[0.0; 2]; n_pixels],
            shapes: Products::default(),
        }
    }

    /// Add one pattern.
    pub fn add(&mut self, predicted: &[f32], measured: &[f32]) {
        let values = || {
            let pairs = predicted.iter().zip(measured).enumerate();
            let used = pairs.filter(|(_, (_, measured))| !measured.is_nan());
            used.map(|(i, (p, m))| (i, f64::from(*p), f64::from(*m)))
        };
        let mut squares = [0.0; 2];
        for (_, p, m) in values() {
            self.n_values += 1.0;
            self.sums = [self.sums[0] + p, self.sums[1] + m];
            self.values.add(p, m);
            squares = [squares[0] + p * p, squares[1] + m * m];
        }
        // A pattern without light has no shape: zeros stay zeros.
        let [p_unit, m_unit] = squares.map(|sum| if 0.0 < sum { sum.sqrt() } else { 1.0 });
        self.n_patterns += 1.0;
        for (i, p, m) in values() {
            let (p, m) = (p / p_unit, m / m_unit);
            if let Some(pixel) = self.of_pixels.get_mut(i) {
                *pixel = [pixel[0] + p, pixel[1] + m];
            }
            self.shapes.add(p, m);
        }
    }

    /// Pearson's correlation of all values; `None` without any.
    pub fn correlation(&self) -> Option<f64> {
        let [p, m] = self.sums;
        let n = self.n_values;
        (0.0 < n).then(|| self.values.without([p * p / n, m * m / n, p * m / n]))
    }

    /// The correlation of the patterns' shapes, each pattern divided by its own root of total counts, with each pixel's
    /// mean over the patterns taken off; `None` with fewer than two patterns.
    ///
    /// A flat image gives 0, also one whose level follows the brightness of the patterns.
    pub fn pattern_correlation(&self) -> Option<f64> {
        let n = self.n_patterns;
        let explained = self.of_pixels.iter().fold([0.0; 3], |sums, [p, m]| {
            let [pp, mm, pm] = sums;
            [pp + p * p / n, mm + m * m / n, pm + p * m / n]
        });
        (1.0 < n).then(|| self.shapes.without(explained))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_patterns_share_does_not_count_as_predicted() {
        // Two pixels, a bright and a dark one; the prediction knows which is bright, and nothing of the patterns, or of
        // their brightness alone.
        let [mut blind, mut level, mut seeing] = [(); 3].map(|()| Contrast::new(2));
        for (change, brightness) in [(1.0, 1.0), (-1.0, 1.2), (0.5, 0.7), (-0.5, 1.1)] {
            let measured = [10.0 + change, 1.0 - change].map(|value: f32| brightness * value);
            blind.add(&[10.0, 1.0], &measured);
            level.add(&[10.0 * brightness, brightness], &measured);
            seeing.add(&[10.0 + 0.5 * change, 1.0 - 0.5 * change], &measured);
        }
        assert!(blind.correlation().unwrap() > 0.9 && level.correlation().unwrap() > 0.95);
        assert_eq!(blind.pattern_correlation(), Some(0.0));
        assert!(level.pattern_correlation().unwrap().abs() < 1e-3);
        assert!(seeing.pattern_correlation().unwrap() > 0.99);
        assert_eq!(Contrast::new(2).correlation(), None);
    }

    #[test]
    fn masked_pixels_are_left_out() {
        let (mut all, mut masked) = (Contrast::new(2), Contrast::new(3));
        for (a, b) in [(1.0, 3.0), (2.0, 1.0), (4.0, 2.0)] {
            all.add(&[a, b], &[b, a + b]);
            masked.add(&[a, 77.0, b], &[b, f32::NAN, a + b]);
        }
        assert_eq!(all.correlation(), masked.correlation());
        assert_eq!(all.pattern_correlation(), masked.pattern_correlation());
    }

    #[test]
    fn a_flat_amplitude_is_a_collapse_only_if_nothing_is_predicted() {
        let object = |contrast: f32| {
            Array2::from_shape_fn((8, 8), |(row, _)| {
                Complex32::from_polar(1.0 + contrast * (row % 2) as f32, row as f32)
            })
        };
        let spread =
            |contrast| Spread::of(&object(contrast), &Array2::from_elem((8, 8), 1.0)).unwrap();
        assert!(is_flat(spread(1e-3), Some(0.01)));
        assert!(!is_flat(spread(1e-3), Some(0.6)), "a phase object");
        assert!(!is_flat(spread(0.3), Some(0.01)), "a noisy start");
        assert!(is_flat(spread(0.0), None));
        assert!(Spread::of(&object(1.0), &Array2::zeros((8, 8))).is_none());
    }
}
