//! How much of the object both halves of a split see.
//!
//! A pixel is seen by a pattern if the probe's intensity there (summed over modes, at the rounded position) is above 1 %
//! of its maximum.

use ndarray::{Array2, ArrayView3};
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

/// Object pixels that both halves see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
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

/// Where the probe `(k, n, n)` is above 1 % of its greatest intensity, `(n, n)`.
pub fn support(probe: ArrayView3<'_, Complex32>) -> Array2<bool> {
    let _ = probe;
    unimplemented!("leak")
}

/// Object pixels `shape` that patterns at `positions_px` see.
pub fn seen(support: &Array2<bool>, positions_px: &[[f64; 2]], shape: [usize; 2]) -> Array2<bool> {
    let _ = (support, positions_px, shape);
    unimplemented!("leak")
}

/// The leak between two sets of positions.
pub fn leak(
    support: &Array2<bool>,
    train_px: &[[f64; 2]],
    test_px: &[[f64; 2]],
    shape: [usize; 2],
) -> Leak {
    let _ = (support, train_px, test_px, shape);
    unimplemented!("leak")
}
