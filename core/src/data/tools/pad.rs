//! Detectors and objects of even sides.
//!
//! A detector of `n + 1` pixels has DC at `(n + 1)/2`. For odd `n` that is one more than `n/2`, so the new row and column
//! stand first: appended at the end they would move DC off its place. They were not measured: their counts are 0 and the
//! detector mask says so. With a wider detector the real-space pixel shrinks, so probe, object and positions are
//! resampled, as by a crop the other way.

use ndarray::{Array2, s};

use super::crop::{cropped, with_geometry};
use super::resample::{resample, resample_mask};
use super::{Made, descendant};
use crate::data::{Dataset, DatasetParts};
use crate::error::{Error, Result};

/// Widest detector that is made.
const MOST_PX: usize = 65536;

/// Pad the detector to `side`, or to the next even side; and an object of odd sides by a last row or column of zeros.
///
/// Patches (`Y`) are left out where the detector is padded: they are cut from the new object.
///
/// # Errors
/// [`Error::Invalid`] if `side` is below the patterns'.
pub fn pad(dataset: &Dataset, side: Option<usize>) -> Result<Made> {
    let n = dataset.n();
    let n_new = side_after(n, side)?;
    let mut notes = Vec::new();
    let mut parts = dataset.parts().clone();
    if n_new != n {
        let resampled = resample(&parts, n_new);
        notes.push(format!(
            "{n}x{n} pixels of the detector padded to {n_new}x{n_new}, not measured: 0, and false in detector_mask"
        ));
        notes.push(format!(
            "the real-space pixel shrinks by {:.6}: probe and object resampled, positions multiplied by it",
            n_new as f64 / n as f64
        ));
        let frames = cropped(&parts.frames, n_new);
        let mask = resample_mask(parts.detector_mask.as_ref(), n, n_new);
        parts = with_geometry(&parts, resampled, frames, mask);
    }
    if let Some(object) = &parts.object {
        let (h, w) = object.dim();
        let even = (h + h % 2, w + w % 2);
        if even != (h, w) {
            let mut padded = Array2::zeros(even);
            padded.slice_mut(s![..h, ..w]).assign(object);
            notes.push(format!(
                "object ({h}, {w}) padded to ({}, {}) by zeros at the end",
                even.0, even.1
            ));
            parts = DatasetParts {
                object: Some(padded),
                ..parts
            };
        }
    }
    if notes.is_empty() {
        notes.push("nothing to pad: every side is even".to_owned());
    }
    let flags = side.map_or(String::new(), |side| format!("--to {side}"));
    let dataset = descendant(dataset, parts, "pad", &flags)?;
    Ok(Made { dataset, notes })
}

/// Side of the patterns after padding.
///
/// # Errors
/// [`Error::Invalid`] if `side` is below `n`.
pub fn side_after(n: usize, side: Option<usize>) -> Result<usize> {
    match side {
        None => Ok(n + n % 2),
        Some(side) if (n..=MOST_PX).contains(&side) => Ok(side),
        Some(side) => {
            let expected = format!("{n}, the side of the patterns, to {MOST_PX}");
            Err(Error::invalid("pad", "to", expected, side.to_string())
                .with_fix("crop takes pixels away"))
        }
    }
}
