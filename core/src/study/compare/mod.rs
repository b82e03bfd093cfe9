//! Compare reconstructions of one dataset with its truth, or with each other.
//!
//! [`Loaded::open`] reads files and refuses by name what cannot be compared; [`compare`] measures the rest;
//! [`export::write`] writes everything a paper or another program needs.

mod area;
pub mod arm;
pub mod export;
pub mod load;
pub mod notes;
pub mod pictures;

use std::time::Instant;

use ndarray::{Array2, Zip};
use num_complex::Complex32;

use crate::error::{Error, Result};
use crate::fields::Fields as _;
use crate::metrics::evaluate::{Evaluation, evaluate};
use crate::metrics::prepare::{Area, Prepared, prepare};
use crate::metrics::region::Region;
use crate::metrics::settings::CompareSettings;
pub use area::area;
pub use arm::Arm;
pub use load::{Inputs, Loaded, Refusal, TRUTH};

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
/// An arm that cannot be measured is refused by name; the others are measured.
///
/// # Errors
/// [`crate::Error::Invalid`] if the region lies outside the frame; [`crate::Error::Run`] if no arm is left.
pub fn compare(loaded: &Loaded, region: &Region, settings: &CompareSettings) -> Result<Comparison> {
    let comparison = measure_all(loaded, region, settings)?;
    if comparison.arms.is_empty() {
        let expected = "one reconstruction that can be measured";
        return Err(load::all_refused(expected, &comparison.refused));
    }
    Ok(comparison)
}

/// As [`compare`], also where no arm is left, so that all refusals can be told.
///
/// # Errors
/// [`crate::Error::Invalid`] if the region lies outside the frame.
pub fn measure_all(
    loaded: &Loaded,
    region: &Region,
    settings: &CompareSettings,
) -> Result<Comparison> {
    settings.check_ranges()?;
    let area = area(loaded, region, settings)?;
    let (reference, object) = reference(loaded)?;
    let mut comparison = Comparison {
        settings: settings.clone(),
        region: region.clone(),
        area,
        reference: reference.to_owned(),
        arms: Vec::new(),
        refused: loaded.refused.clone(),
        pixel_size_m: loaded.pixel_size_m,
    };
    for arm in &loaded.arms {
        if loaded.reference.as_ref() == Some(&arm.name) {
            continue;
        }
        match measure(arm, object, &comparison) {
            Ok(compared) => comparison.arms.push(compared),
            Err(error) => {
                let refusal = Refusal::new(&arm.name, &arm.file, &error);
                comparison.refused.push(refusal);
            }
        }
    }
    Ok(comparison)
}

/// Name and object of what the others are compared with.
fn reference(loaded: &Loaded) -> Result<(&str, &Array2<Complex32>)> {
    if let Some(truth) = &loaded.truth {
        return Ok((TRUTH, truth));
    }
    match loaded.reference_arm() {
        Some(arm) => Ok((arm.name.as_str(), &arm.object)),
        None => Err(Error::invalid(
            load::ATTEMPTED,
            "reference",
            "a truth or an arm",
            "neither",
        )),
    }
}

fn measure(arm: &Arm, reference: &Array2<Complex32>, comparison: &Comparison) -> Result<Compared> {
    let start = Instant::now();
    let Comparison {
        area,
        settings,
        pixel_size_m,
        ..
    } = comparison;
    let own = area::seen_by(area, arm);
    let prepared = prepare(reference.view(), arm.object.view(), &own, settings)?;
    let evaluation = evaluate(&prepared, settings, *pixel_size_m)?;
    Ok(Compared {
        name: arm.name.clone(),
        prepared,
        evaluation,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Difference of an arm from the reference over the area: wrapped phase in rad where `is_phase`, else amplitude.
pub fn difference(prepared: &Prepared, is_phase: bool) -> Array2<f64> {
    let pair = Zip::from(&prepared.reference).and(&prepared.other);
    if is_phase {
        pair.map_collect(|reference, other| (other * reference.conj()).arg())
    } else {
        pair.map_collect(|reference, other| other.norm() - reference.norm())
    }
}
