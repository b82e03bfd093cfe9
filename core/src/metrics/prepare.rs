//! What is done to a reconstruction before it is measured.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};
use num_complex::{Complex32, Complex64};

use crate::error::Result;
use crate::metrics::settings::CompareSettings;
use crate::register::Registration;

/// The part of the frame that is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// Rows of the object frame.
    pub rows: Range<usize>,
    /// Columns.
    pub columns: Range<usize>,
    /// `(h, w)` of the area: true = compared; `None` = all.
    pub mask: Option<Array2<bool>>,
}

/// What was done, in numbers.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Steps {
    /// The shift that was found and applied; `None` where registration is off.
    pub registration: Option<Registration>,
    /// Plane of the phase that was removed: `[rad per column, rad per row, rad]` from the area's first pixel.
    pub plane_rad: [f64; 3],
    /// Factor that was laid on the amplitude.
    pub amplitude_factor: f64,
    /// Pixels that were compared.
    pub n_pixels: usize,
    /// Pixels of the area left out: too little light, unseen, or not finite.
    pub n_left_out: usize,
}

/// A reconstruction beside the reference, ready to be measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// What is compared, after the border of registration is cut.
    pub area: Area,
    /// The reference over the area.
    pub reference: Array2<Complex64>,
    /// The reconstruction over the area, registered, phase plane removed, amplitude scaled.
    pub other: Array2<Complex64>,
    /// What was done.
    pub steps: Steps,
}

/// Bring `other` to `reference`; both `(h, w)` in the object frame.
///
/// # Errors
/// [`crate::Error::Invalid`] for other shapes, an area outside or without a pixel, a reconstruction of zeros or without finite values.
pub fn prepare(
    reference: ArrayView2<'_, Complex32>,
    other: ArrayView2<'_, Complex32>,
    area: &Area,
    settings: &CompareSettings,
) -> Result<Prepared> {
    unimplemented!()
}
