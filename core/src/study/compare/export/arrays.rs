//! What was compared, as arrays that numpy opens without pickle.

use std::path::Path;

use ndarray::Array2;
use num_complex::{Complex32, Complex64};
use serde_json::{Map, json};

use super::super::pictures::{self, Pictures};
use super::super::{Comparison, Loaded};
use super::report::report;
use crate::data::write::{Compression, NpzWriter, write_npz};
use crate::error::Result;
use crate::metrics::prepare::Prepared;

const REFERENCE: &str = "reference";

/// The beginning of each arm's keys: its name with what is neither ASCII letter, digit nor `_` replaced by `_`, and a number
/// where two would be the same.
pub fn keys<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = vec![REFERENCE.to_owned()];
    for name in names {
        let safe: String = name
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() {
                    letter
                } else {
                    '_'
                }
            })
            .collect();
        let mut key = safe.clone();
        let mut number = 2;
        while taken.contains(&key) {
            key = format!("{safe}_{number}");
            number += 1;
        }
        taken.push(key);
    }
    taken.split_off(1)
}

/// For the reference and every arm `KEY_complex` (h, w) complex64, `KEY_amplitude` and `KEY_phase` float32 as drawn and
/// `KEY_mask` bool; of arms also `KEY_shift_px` (row, column), `KEY_plane_rad`, `KEY_amplitude_factor`; `rows` and `columns`
/// of the object frame, and `_metadata` (UTF-8 JSON) with the names behind the keys and all that decided the result.
pub(super) fn write(loaded: &Loaded, comparison: &Comparison, path: &Path) -> Result<()> {
    let (Some(first), Some((reference, others))) =
        (comparison.arms.first(), pictures::all(comparison))
    else {
        return Ok(());
    };
    let keys = keys(comparison.arms.iter().map(|arm| arm.name.as_str()));
    let mut metadata = report(loaded, comparison);
    let names = keys.iter().zip(&comparison.arms);
    metadata["array_keys"] = names
        .map(|(key, arm)| (key.clone(), json!(arm.name)))
        .chain([(REFERENCE.to_owned(), json!(comparison.reference))])
        .collect::<Map<_, _>>()
        .into();
    write_npz(path, |npz| {
        object(npz, REFERENCE, &first.prepared.reference, &reference)?;
        for ((key, arm), pictures) in keys.iter().zip(&comparison.arms).zip(&others) {
            object(npz, key, &arm.prepared.other, pictures)?;
            done(npz, key, &arm.prepared)?;
        }
        let ends = |range: &std::ops::Range<usize>| [range.start as i64, range.end as i64];
        npz.values("rows", &ends(&first.prepared.area.rows))?;
        npz.values("columns", &ends(&first.prepared.area.columns))?;
        npz.json("_metadata", &metadata)
    })
}

fn object(
    npz: &mut NpzWriter<'_>,
    key: &str,
    object: &Array2<Complex64>,
    pictures: &Pictures,
) -> Result<()> {
    let narrow = object.mapv(|value| Complex32::new(value.re as f32, value.im as f32));
    let mut array = |name: &str, values: &Array2<f32>| {
        npz.array(
            &format!("{key}_{name}"),
            Compression::Deflated,
            &values.view(),
        )
    };
    array("amplitude", &pictures.amplitude)?;
    array("phase", &pictures.phase_rad)?;
    let mask = pictures.amplitude.mapv(|value| !value.is_nan());
    npz.array(&format!("{key}_mask"), Compression::Deflated, &mask.view())?;
    npz.array(
        &format!("{key}_complex"),
        Compression::Deflated,
        &narrow.view(),
    )
}

fn done(npz: &mut NpzWriter<'_>, key: &str, prepared: &Prepared) -> Result<()> {
    let steps = &prepared.steps;
    let shift_px = steps.registration.map_or([0.0; 2], |found| found.shift_px);
    npz.values(&format!("{key}_shift_px"), &shift_px)?;
    npz.values(&format!("{key}_plane_rad"), &steps.plane_rad)?;
    npz.values(
        &format!("{key}_amplitude_factor"),
        &[steps.amplitude_factor],
    )
}
