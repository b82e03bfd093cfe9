//! Compare reconstructions of one dataset with its truth, or with each other.
//!
//! [`Loaded::open`] reads files and refuses by name what cannot be compared; [`compare`] measures the rest;
//! [`export::write`] writes everything a paper or another program needs.

pub mod export;
pub mod load;

use ndarray::Array2;

use crate::error::Result;
use crate::metrics::evaluate::Evaluation;
use crate::metrics::prepare::{Area, Prepared};
use crate::metrics::region::Region;
use crate::metrics::settings::CompareSettings;
pub use load::{Arm, Inputs, Loaded, Refusal};

/// One reconstruction, measured.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Name given to the arm.
    pub name: String,
    /// Both over the area, and what was done.
    pub prepared: Prepared,
    /// All numbers.
    pub evaluation: Evaluation,
    /// How long it took to measure.
    pub seconds: f64,
}

/// Reconstructions beside the reference.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// How it was compared.
    pub settings: CompareSettings,
    /// The region as asked for.
    pub region: Region,
    /// What the region came to, before the border of registration.
    pub area: Area,
    /// Name of the reference: `truth`, or the arm that serves as one.
    pub reference: String,
    /// The arms that could be measured, in the order given; without the one that serves as reference.
    pub arms: Vec<Compared>,
    /// Arms that could not.
    pub refused: Vec<Refusal>,
    /// Pixel size, where known.
    pub pixel_size_m: Option<f64>,
}

/// Measure every arm: one after the other, each on the current rayon pool.
///
/// # Errors
/// [`crate::Error::Invalid`] if the region lies outside the frame or no arm is left.
pub fn compare(loaded: &Loaded, region: &Region, settings: &CompareSettings) -> Result<Comparison> {
    unimplemented!()
}

/// The area that a region comes to on these data.
///
/// # Errors
/// [`crate::Error::Invalid`] if it lies outside the frame or holds no pixel.
pub fn area(loaded: &Loaded, region: &Region, settings: &CompareSettings) -> Result<Area> {
    unimplemented!()
}

/// Difference of an arm from the reference over the area: wrapped phase in rad where `is_phase`, else amplitude.
pub fn difference(prepared: &Prepared, is_phase: bool) -> Array2<f64> {
    unimplemented!()
}
