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

/// Sums that tell how two stacks of patterns correlate; values that are NaN in the second are left out.
#[derive(Clone, Debug)]
pub struct Contrast {
    n_patterns: f64,
    n_values: f64,
    /// Sum of the predicted and of the measured values of each pixel.
    of_pixels: Vec<[f64; 2]>,
    sums: [f64; 2],
    /// Predicted², measured², product.
    products: [f64; 3],
}

impl Contrast {
    /// Nothing yet, for patterns of so many pixels.
    pub fn new(n_pixels: usize) -> Self {
        Self {
            n_patterns: 0.0,
            n_values: 0.0,
            of_pixels: vec![[0.0; 2]; n_pixels],
            sums: [0.0; 2],
            products: [0.0; 3],
        }
    }

    /// Add one pattern.
    pub fn add(&mut self, predicted: &[f32], measured: &[f32]) {
        self.n_patterns += 1.0;
        let values = predicted.iter().zip(measured).zip(&mut self.of_pixels);
        for ((predicted, measured), pixel) in values.filter(|((_, m), _)| !m.is_nan()) {
            let (p, m) = (f64::from(*predicted), f64::from(*measured));
            self.n_values += 1.0;
            *pixel = [pixel[0] + p, pixel[1] + m];
            self.sums = [self.sums[0] + p, self.sums[1] + m];
            let [pp, mm, pm] = self.products;
            self.products = [pp + p * p, mm + m * m, pm + p * m];
        }
    }

    /// Pearson's correlation of all values; `None` without any.
    pub fn correlation(&self) -> Option<f64> {
        let [p, m] = self.sums;
        let n = self.n_values;
        (0.0 < n).then(|| self.without([p * p / n, m * m / n, p * m / n]))
    }

    /// The correlation with each pixel's mean over the patterns taken off both; `None` with fewer than two patterns.
    pub fn pattern_correlation(&self) -> Option<f64> {
        let n = self.n_patterns;
        let explained = self.of_pixels.iter().fold([0.0; 3], |sums, [p, m]| {
            let [pp, mm, pm] = sums;
            [pp + p * p / n, mm + m * m / n, pm + p * m / n]
        });
        (1.0 < n).then(|| self.without(explained))
    }

    /// The correlation of what is left of the products; 0 where one side does not vary beyond rounding.
    fn without(&self, explained: [f64; 3]) -> f64 {
        let [pp, mm, pm] = self.products;
        let left = [pp - explained[0], mm - explained[1]];
        if left[0] <= 1e-9 * pp || left[1] <= 1e-9 * mm {
            return 0.0;
        }
        (pm - explained[2]) / (left[0] * left[1]).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_patterns_share_does_not_count_as_predicted() {
        // Two pixels, a bright and a dark one; the prediction knows which is bright, and nothing of the patterns.
        let (mut blind, mut seeing) = (Contrast::new(2), Contrast::new(2));
        for i in 0..4 {
            let change = [1.0, -1.0, 0.5, -0.5][i];
            let measured = [10.0 + change, 1.0 - change];
            blind.add(&[10.0, 1.0], &measured);
            seeing.add(&[10.0 + 0.1 * change, 1.0 - 0.1 * change], &measured);
        }
        assert!(blind.correlation().unwrap() > 0.95);
        assert_eq!(blind.pattern_correlation(), Some(0.0));
        assert!((seeing.pattern_correlation().unwrap() - 1.0).abs() < 1e-6);
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
