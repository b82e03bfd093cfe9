//! One pass over a stack of patterns: what is not finite, negative, whole, and where the light is.

use crate::data::npy::Dtype;
use crate::data::stack::Layout;

/// Values kept for the questions about scale: all of the first, then every few.
const FIRST_SAMPLES: usize = 1 << 16;
const MOST_SAMPLES: usize = 1 << 18;
const SAMPLE_STEP: usize = 61;
/// Relative error that two roundings to single precision leave on a square, with a margin.
const SQUARE_ERROR: f64 = 5e-7;

/// What one pass over the patterns found.
pub(crate) struct FrameScan {
    layout: Layout,
    at: usize,
    /// Frames with a value that is not finite.
    pub(crate) is_bad: Vec<bool>,
    pub(crate) n_nan: usize,
    pub(crate) n_infinite: usize,
    pub(crate) n_negative: usize,
    pub(crate) least: f64,
    /// Whether all finite values are whole.
    pub(crate) is_whole: bool,
    /// Up to three different values.
    distinct: Vec<f64>,
    least_nonzero: f64,
    n_nonzero: usize,
    sample: Vec<f64>,
    /// Sum of values and of squares of each frame, values below 0 as 0.
    pub(crate) sums: Vec<f64>,
    pub(crate) squares: Vec<f64>,
    /// Sum of squares of each pixel over all frames.
    plane: Vec<f64>,
}

impl FrameScan {
    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            layout,
            at: 0,
            is_bad: vec![false; layout.n_frames],
            n_nan: 0,
            n_infinite: 0,
            n_negative: 0,
            least: f64::INFINITY,
            is_whole: true,
            distinct: Vec::new(),
            least_nonzero: f64::INFINITY,
            n_nonzero: 0,
            sample: Vec::new(),
            sums: vec![0.0; layout.n_frames],
            squares: vec![0.0; layout.n_frames],
            plane: vec![0.0; layout.n * layout.n],
        }
    }

    /// The next elements of the file.
    pub(crate) fn add(&mut self, dtype: &Dtype, bytes: &[u8]) {
        let is_slow = self.layout.strides[0] != 1 || self.layout.n_frames == 1;
        let (n_pixels, n_frames) = (self.plane.len(), self.layout.n_frames);
        let (mut frame, mut pixel) = if is_slow {
            (self.at / n_pixels, self.at % n_pixels)
        } else {
            (self.at % n_frames, self.at / n_frames)
        };
        let mut n_values = 0;
        dtype.for_each_real(bytes, |value| {
            self.value(frame, pixel, value);
            n_values += 1;
            if is_slow {
                pixel += 1;
                if pixel == n_pixels {
                    (frame, pixel) = (frame + 1, 0);
                }
            } else {
                frame += 1;
                if frame == n_frames {
                    (frame, pixel) = (0, pixel + 1);
                }
            }
        });
        self.at += n_values;
    }

    #[inline]
    fn value(&mut self, frame: usize, pixel: usize, value: f64) {
        if !value.is_finite() {
            if value.is_nan() {
                self.n_nan += 1;
            } else {
                self.n_infinite += 1;
            }
            self.is_bad[frame] = true;
            return;
        }
        if value == 0.0 {
            self.note_distinct(value);
            return;
        }
        self.least = self.least.min(value);
        self.is_whole &= value == value.trunc();
        self.note_distinct(value);
        if value < 0.0 {
            self.n_negative += 1;
            return;
        }
        let square = value * value;
        self.sums[frame] += value;
        self.squares[frame] += square;
        self.plane[pixel] += square;
        self.least_nonzero = self.least_nonzero.min(value);
        let n = self.n_nonzero;
        self.n_nonzero += 1;
        if n < FIRST_SAMPLES || (n.is_multiple_of(SAMPLE_STEP) && self.sample.len() < MOST_SAMPLES)
        {
            self.sample.push(value);
        }
    }

    #[inline]
    fn note_distinct(&mut self, value: f64) {
        if self.distinct.len() < 3 && !self.distinct.contains(&value) {
            self.distinct.push(value);
        }
    }

    /// Indices of the frames with values that are not finite.
    pub(crate) fn bad_frames(&self) -> Vec<usize> {
        (0..self.is_bad.len()).filter(|i| self.is_bad[*i]).collect()
    }

    /// Whether all values are whole and there are three different ones at least: counts, since roots would not be.
    pub(crate) fn is_counts(&self) -> bool {
        self.is_whole && self.distinct.len() == 3
    }

    /// Share of the light in the middle of the pattern and in its corners, each a quarter of the area.
    pub(crate) fn shares(&self) -> Option<(f64, f64)> {
        let n = self.layout.n;
        let total: f64 = self.plane.iter().sum();
        if n < 8 || total == 0.0 {
            return None;
        }
        let is_middle = |i: usize| (n / 4..n / 4 + n.div_ceil(2)).contains(&i);
        let (mut middle, mut corners) = (0.0, 0.0);
        for (pixel, light) in self.plane.iter().enumerate() {
            match (is_middle(pixel / n), is_middle(pixel % n)) {
                (true, true) => middle += light,
                (false, false) => corners += light,
                _ => {}
            }
        }
        Some((middle / total, corners / total))
    }

    /// What the values are, judged by a sample.
    pub(crate) fn scale(&self) -> Scale {
        let mut values = self.sample.clone();
        values.push(self.least_nonzero);
        values.retain(|value| value.is_finite());
        values.sort_by(f64::total_cmp);
        values.dedup();
        if is_logarithm(&values) {
            return Scale::Logarithm;
        }
        match common_unit(&values) {
            Some((unit, true)) if (unit - 1.0).abs() > 1e-5 => Scale::DividedCounts,
            Some((unit, false)) if (unit - 1.0).abs() > 1e-5 => Scale::DividedRoots {
                counts_factor: 1.0 / unit,
            },
            _ => Scale::AsItIs,
        }
    }
}

/// What the values of a stack are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// Amplitudes, as far as one can tell.
    AsItIs,
    /// Roots of counts, divided by one number; times `counts_factor` they are roots of counts.
    DividedRoots { counts_factor: f64 },
    /// Counts, divided by one number.
    DividedCounts,
    /// The logarithm of counts.
    Logarithm,
}

/// The least value, if the squares of all values are whole multiples of its square to single precision; and whether
/// the values themselves are its multiples. `values` ascend and differ.
///
/// Multiples of more than about a million say nothing, since rounding hides the unit there. The unit is refined from
/// small multiples to large ones.
fn common_unit(values: &[f64]) -> Option<(f64, bool)> {
    let least = *values.first()?;
    let (mut sum, mut n_used) = (0.0, 0usize);
    let mut square = least * least;
    let mut multiples = std::collections::BTreeSet::new();
    let mut n_multiples_off_squares = 0;
    for value in values {
        let ratio = value * value / square;
        let multiple = ratio.round();
        let tolerance = (ratio * SQUARE_ERROR).max(1e-6);
        if 0.25 < tolerance {
            break;
        }
        if tolerance < (ratio - multiple).abs() {
            return None;
        }
        sum += value * value / multiple;
        n_used += 1;
        square = sum / n_used as f64;
        if multiples.len() < 1000 && multiples.insert(multiple as u64) {
            let root = multiple.sqrt().round();
            n_multiples_off_squares += usize::from(root * root != multiple);
        }
    }
    // Four steps of one ladder are no accident at this precision; fewer may be a constant picture.
    (4 <= multiples.len()).then(|| (square.sqrt(), n_multiples_off_squares == 0))
}

/// Whether a power of e, 10 or 2 makes whole numbers of (nearly) all values: logarithms of counts, or of counts + 1.
fn is_logarithm(values: &[f64]) -> bool {
    let is_one = |base: f64, offset: f64| {
        let (mut n_told, mut n_whole) = (0usize, 0usize);
        let mut numbers = std::collections::BTreeSet::new();
        for value in values {
            let number = base.powf(*value) - offset;
            // A logarithm's rounding, carried to its power.
            let tolerance = (number + 1.0) * (value * base.ln()).max(1.0) * 2e-7;
            if 0.1 < tolerance {
                break;
            }
            n_told += 1;
            if (number - number.round()).abs() <= tolerance {
                n_whole += 1;
                numbers.insert(number.round() as i64);
            }
        }
        8 <= numbers.len() && n_told * 19 <= n_whole * 20
    };
    let bases = [std::f64::consts::E, 10.0, 2.0];
    let whole = values.iter().all(|value| *value == value.trunc());
    !whole
        && bases
            .iter()
            .any(|base| is_one(*base, 0.0) || is_one(*base, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(values: impl Iterator<Item = f32>) -> Vec<f64> {
        let mut values: Vec<f64> = values.map(f64::from).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    }

    #[test]
    fn a_unit_is_found_only_where_there_is_one() {
        let roots = |unit: f32| sorted((1..3000u16).map(move |k| f32::from(k).sqrt() * unit));
        let (unit, is_multiple) = common_unit(&roots(6.213e-4)).unwrap();
        assert!((unit / 6.213e-4 - 1.0).abs() < 1e-7 && !is_multiple);
        assert!((common_unit(&roots(1.0)).unwrap().0 - 1.0).abs() < 1e-7);
        assert!(
            common_unit(&sorted((1..3000u16).map(|k| f32::from(k) * 0.01)))
                .unwrap()
                .1
        );
        assert_eq!(
            common_unit(&sorted(
                (1..3000u16).map(|k| (f32::from(k) * 0.37).sin().abs())
            )),
            None
        );
        assert_eq!(common_unit(&[2.5]), None, "a constant picture");
    }

    #[test]
    fn logarithms_are_known_from_amplitudes() {
        assert!(is_logarithm(&sorted(
            (1..500u16).map(|k| f32::from(k).ln_1p())
        )));
        assert!(is_logarithm(&sorted(
            (2..500u16).map(|k| f32::from(k).log10())
        )));
        assert!(!is_logarithm(&sorted(
            (1..500u16).map(|k| f32::from(k).sqrt())
        )));
        assert!(!is_logarithm(&sorted(
            (1..500u16).map(|k| (f32::from(k) * 0.37).sin().abs())
        )));
    }
}
