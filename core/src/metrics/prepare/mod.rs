//! What is done to a reconstruction before it is measured.
//!
//! 1. The area is cut out. Pixels that are not finite, in the reference or the reconstruction, are left out and counted.
//! 2. Registration: the shift between the amplitudes over the area (under a Hann window, cross-correlation, 1/100 px), or between
//!    the phases where the reference's amplitude has no contrast. Pixels left out are filled from their neighbours first.
//! 3. The reconstruction is shifted in Fourier space, with as much of the object around the area as there is, up to 32 px, faded
//!    out. The border is cut from the area on every side, whatever the shift, so that all reconstructions are compared over the
//!    same pixels; and so far do pixels that were left out reach: what stands within the border of one is left out too.
//! 4. The plane (or offset) of the phase difference is removed from the reconstruction.
//! 5. Its amplitude is multiplied by the factor.

mod align;
mod fill;

use std::ops::Range;

use ndarray::{Array2, ArrayView2};
use num_complex::{Complex32, Complex64};

use crate::error::Result;
use crate::metrics::settings::CompareSettings;
use crate::register::Registration;
use align::Objects;

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

impl Area {
    /// Rows and columns of the area.
    pub fn dim(&self) -> (usize, usize) {
        (self.rows.len(), self.columns.len())
    }

    /// Pixels that are compared.
    pub fn n_pixels(&self) -> usize {
        self.mask.as_ref().map_or_else(
            || self.rows.len() * self.columns.len(),
            |mask| mask.iter().filter(|counts| **counts).count(),
        )
    }
}

/// What was done, in numbers.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Steps {
    /// The shift that was found and applied; `None` where registration is off, or there was nothing to register on.
    pub registration: Option<Registration>,
    /// Whether the shift is longer than the settings allow: frames agree, so there should be none.
    pub is_far: bool,
    /// Plane of the phase that was removed: `[rad per column, rad per row, rad]` from the area's first pixel.
    pub plane_rad: [f64; 3],
    /// Factor that was laid on the amplitude.
    pub amplitude_factor: f64,
    /// Pixels that were compared.
    pub n_pixels: usize,
    /// Pixels of the area left out: too little light, unseen, not finite, or so near to such a one that the shift mixed them.
    pub n_left_out: usize,
    /// Pixels of the area before its border was cut that are not finite in the reference or the reconstruction.
    pub n_not_finite: usize,
    /// What else a reader should know, in words.
    pub notes: Vec<String>,
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
    let objects = Objects::check(reference, other, area)?;
    let mut notes = Vec::new();
    let registration = if settings.register {
        objects.registration(&mut notes)?
    } else {
        None
    };
    objects.aligned(settings, registration, notes)
}

/// As [`prepare`] with a shift that is known; it is applied whatever the settings say of registration.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_shifted(
    reference: ArrayView2<'_, Complex32>,
    other: ArrayView2<'_, Complex32>,
    area: &Area,
    settings: &CompareSettings,
    registration: Registration,
) -> Result<Prepared> {
    let settings = CompareSettings {
        register: true,
        ..settings.clone()
    };
    Objects::check(reference, other, area)?.aligned(&settings, Some(registration), Vec::new())
}
