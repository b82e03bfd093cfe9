//! How much of the object both halves of a split see.
//!
//! A pixel is seen by a pattern if the probe's intensity there (summed over modes, at the rounded position) is above 1 %
//! of its maximum.

use std::ops::Range;

use ndarray::{Array2, ArrayView3};
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

use crate::patches::whole_start;
use crate::sim::probe::summed_intensity;

/// Part of the greatest intensity above which a pixel counts as seen.
pub const SEEN_ABOVE: f64 = 0.01;

/// Object pixels that both halves see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "numbers of pixels, all of them")]
pub struct Leak {
    /// Seen by both.
    pub n_shared_px: usize,
    /// Seen by the test half.
    pub n_test_px: usize,
    /// Seen by the training half.
    pub n_train_px: usize,
}

impl Leak {
    /// Shared pixels as per cent of what the test half sees; 0 where it sees nothing.
    pub fn percent(&self) -> f64 {
        if self.n_test_px == 0 {
            return 0.0;
        }
        100.0 * self.n_shared_px as f64 / self.n_test_px as f64
    }
}

/// Where the probe `(k, n, n)` is above 1 % of its greatest intensity, `(n, n)`; nowhere for a dark one.
pub fn support(probe: ArrayView3<'_, Complex32>) -> Array2<bool> {
    let intensity = summed_intensity(probe);
    let greatest = intensity.iter().copied().fold(0.0, f64::max);
    intensity.mapv(|value| SEEN_ABOVE * greatest < value)
}

/// Object pixels `shape` that patterns at `positions_px` see; what lies outside the object is not counted.
pub fn seen(support: &Array2<bool>, positions_px: &[[f64; 2]], shape: [usize; 2]) -> Array2<bool> {
    let runs = runs(support);
    let mut seen = Array2::from_elem(shape, false);
    let [n_rows, n_columns] = shape;
    let Some(pixels) = seen.as_slice_mut() else {
        return seen;
    };
    for position_px in positions_px {
        let (start, _) = whole_start(*position_px, support.nrows());
        for (row, columns) in &runs {
            let Some(row) = start[0].checked_add_unsigned(*row) else {
                continue;
            };
            let Some(row) = usize::try_from(row).ok().filter(|row| *row < n_rows) else {
                continue;
            };
            let [from, to] = [columns.start, columns.end].map(|column| {
                start[1]
                    .saturating_add_unsigned(column)
                    .clamp(0, n_columns as isize) as usize
            });
            pixels[row * n_columns..][from..to].fill(true);
        }
    }
    seen
}

/// Rows of the support with their unbroken runs of columns.
fn runs(support: &Array2<bool>) -> Vec<(usize, Range<usize>)> {
    let mut runs = Vec::new();
    for (row, pixels) in support.rows().into_iter().enumerate() {
        let mut from = None;
        for (column, is_seen) in pixels.iter().chain([&false]).enumerate() {
            match (is_seen, from) {
                (true, None) => from = Some(column),
                (false, Some(start)) => {
                    runs.push((row, start..column));
                    from = None;
                }
                _ => {}
            }
        }
    }
    runs
}

/// The leak between two sets of positions over an object of `shape`.
pub fn leak(
    support: &Array2<bool>,
    train_px: &[[f64; 2]],
    test_px: &[[f64; 2]],
    shape: [usize; 2],
) -> Leak {
    let train = seen(support, train_px, shape);
    let test = seen(support, test_px, shape);
    let count = |pixels: &Array2<bool>| pixels.iter().filter(|is_seen| **is_seen).count();
    Leak {
        n_shared_px: train
            .iter()
            .zip(&test)
            .filter(|(train, test)| **train && **test)
            .count(),
        n_test_px: count(&test),
        n_train_px: count(&train),
    }
}
