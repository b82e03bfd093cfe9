//! The shift between two pictures, found to a hundredth of a pixel, and its removal.

use ndarray::{Array2, ArrayView2};
use num_complex::Complex64;

use crate::error::Result;

/// How a shift is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegisterOptions {
    /// Whether means are taken off and a separable periodic Hann window laid over both: without it the frame's edge, which does
    /// not move with the content, pulls the answer towards zero.
    pub window: bool,
    /// Whether the cross spectrum is divided by its modulus (phase correlation proper) or not (cross-correlation).
    pub whiten: bool,
    /// Steps of the answer in a pixel.
    pub upsampling: usize,
}

impl Default for RegisterOptions {
    fn default() -> Self {
        Self {
            window: true,
            whiten: false,
            upsampling: 100,
        }
    }
}

/// A shift found.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Registration {
    /// What has to be applied to the moving picture, `(row, column)`.
    pub shift_px: [f64; 2],
    /// `√(1 - |peak|² / (Σ|F reference|² Σ|F moving|²))`: 0 for pictures that differ by the shift alone.
    pub error: f64,
}

/// The shift to apply to `moving` so that it lies on `reference`; both `(h, w)`.
///
/// # Errors
/// [`crate::Error::Invalid`] for other shapes, pictures without content or values that are not finite.
pub fn register(
    reference: ArrayView2<'_, f64>,
    moving: ArrayView2<'_, f64>,
    options: RegisterOptions,
) -> Result<Registration> {
    unimplemented!()
}

/// `image` moved by `shift_px`: multiplied by `exp(-2πi (dy ky + dx kx))` in Fourier space; cyclic.
pub fn fourier_shift(image: ArrayView2<'_, Complex64>, shift_px: [f64; 2]) -> Array2<Complex64> {
    unimplemented!()
}
