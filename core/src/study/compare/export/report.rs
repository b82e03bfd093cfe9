//! All numbers as rows, and with definitions as JSON.

use serde_json::{Map, Value, json};

use super::super::notes::notes;
use super::super::{Arm, Compared, Comparison, Loaded};
use crate::metrics::definitions::{Better, DEFINITIONS, Definition};
use crate::metrics::evaluate::MetricValue;
use crate::metrics::frc::{FrcCurve, Threshold};
use crate::study::store::SCHEMA;

/// Numbers that stand in tables beside those of [`DEFINITIONS`].
pub const EXTRA_DEFINITIONS: &[Definition] = &[
    extra(
        "amplitude_factor",
        "amplitude factor",
        "",
        "factor on the arm's amplitude before all amplitude numbers, as the setting `amplitude` says",
    ),
    extra(
        "plane_column_slope",
        "phase plane, columns",
        "rad/px",
        "slope along columns of the phase plane that was removed from the arm",
    ),
    extra(
        "plane_row_slope",
        "phase plane, rows",
        "rad/px",
        "slope along rows of the phase plane that was removed from the arm",
    ),
    extra(
        "plane_offset",
        "phase plane, offset",
        "rad",
        "phase of that plane at the first pixel of the region",
    ),
    extra(
        "n_pixels",
        "pixels compared",
        "px",
        "pixels of the region that are compared",
    ),
    extra(
        "n_pixels_left_out",
        "pixels left out",
        "px",
        "pixels of the region with too little light, that no patch saw, or that are not finite",
    ),
    extra(
        "computation_time_s",
        "computation time",
        "s",
        "sum over the epochs of the reconstruction, from its run folder; missing where the folder is not there",
    ),
];

const fn extra(
    key: &'static str,
    label: &'static str,
    unit: &'static str,
    text: &'static str,
) -> Definition {
    Definition {
        key,
        label,
        unit,
        better: Better::Neither,
        text,
    }
}

/// All numbers of an arm, those of [`DEFINITIONS`] first.
pub fn rows(arm: Option<&Arm>, compared: &Compared) -> Vec<MetricValue> {
    let steps = &compared.prepared.steps;
    let mut rows = compared.evaluation.values.clone();
    let [column_slope, row_slope, offset] = steps.plane_rad;
    let extras = [
        ("amplitude_factor", Some(steps.amplitude_factor)),
        ("plane_column_slope", Some(column_slope)),
        ("plane_row_slope", Some(row_slope)),
        ("plane_offset", Some(offset)),
        ("n_pixels", Some(steps.n_pixels as f64)),
        ("n_pixels_left_out", Some(steps.n_left_out as f64)),
        (
            "computation_time_s",
            arm.and_then(|arm| arm.reconstruction_s),
        ),
    ];
    for (key, value) in extras {
        // The library may come to define one of them itself.
        if rows.iter().all(|row| row.key != key) && value.is_some() {
            rows.push(MetricValue {
                key,
                amplitude: None,
                phase: None,
                value,
            });
        }
    }
    rows
}

/// Everything that was measured and how, without times: the same comparison gives the same text. Numbers that are not finite
/// are null.
pub fn report(loaded: &Loaded, comparison: &Comparison) -> Value {
    let area = &comparison.area;
    let inputs = loaded.arms.iter().map(|arm| {
        json!({
            "name": arm.name, "file": arm.file, "sha256": arm.sha256, "algorithm": arm.algorithm,
            "started_from_truth": arm.started_from_truth(), "is_of_other_data": loaded.is_of_other_data(arm),
            "reconstruction_s": arm.reconstruction_s, "rescale": arm.provenance["rescale"],
        })
    });
    let arms = comparison.arms.iter().map(|compared| {
        arm_report(
            loaded.arm(&compared.name),
            compared,
            comparison.pixel_size_m,
        )
    });
    json!({
        "schema": SCHEMA, "program": "ptychobench", "versions": {"ptychobench": env!("CARGO_PKG_VERSION")},
        "reference": comparison.reference,
        "inputs": {
            "truth": loaded.inputs.truth, "truth_sha256": loaded.truth_sha256, "arms": inputs.collect::<Vec<_>>(),
            "key": loaded.inputs.key,
        },
        "region": {
            "asked": comparison.region.to_string(), "rows": [area.rows.start, area.rows.end],
            "columns": [area.columns.start, area.columns.end],
            "n_pixels": area.mask.as_ref().map_or(area.rows.len() * area.columns.len(), |mask| {
                mask.iter().filter(|is_kept| **is_kept).count()
            }),
        },
        "settings": comparison.settings, "pixel_size_m": comparison.pixel_size_m,
        "arms": arms.collect::<Vec<_>>(), "refused": comparison.refused, "n_failed": comparison.refused.len(),
        "notes": notes(loaded, comparison), "definitions": definitions(),
    })
}

/// All numbers of an arm by key.
fn arm_report(arm: Option<&Arm>, compared: &Compared, pixel_size_m: Option<f64>) -> Value {
    let metrics = rows(arm, compared).into_iter().map(|row| {
        let MetricValue {
            key,
            amplitude,
            phase,
            value,
        } = row;
        let mut object = Map::new();
        for (name, number) in [("amplitude", amplitude), ("phase", phase), ("value", value)] {
            if let Some(number) = number {
                object.insert(name.to_owned(), json!(number));
            }
        }
        (key.to_owned(), Value::Object(object))
    });
    let evaluation = &compared.evaluation;
    let frc = &evaluation.frc;
    let area = &compared.prepared.area;
    json!({
        "name": compared.name, "metrics": metrics.collect::<Map<_, _>>(), "steps": compared.prepared.steps,
        "rows": [area.rows.start, area.rows.end], "columns": [area.columns.start, area.columns.end],
        "bias": {"amplitude": evaluation.amplitude_bias, "phase": evaluation.phase_bias},
        "frc_cutoffs": {
            "amplitude": cutoffs(&frc.amplitude, pixel_size_m), "phase": cutoffs(&frc.phase, pixel_size_m),
            "complex": cutoffs(&frc.complex, pixel_size_m),
        },
    })
}

/// Thresholds with their names in files and in words.
pub const THRESHOLDS: [(Threshold, &str, &str); 4] = [
    (Threshold::Half, "half", "0.5"),
    (Threshold::Seventh, "seventh", "1/7"),
    (Threshold::OneBit, "one_bit", "1 bit"),
    (Threshold::HalfBit, "half_bit", "1/2 bit"),
];

/// Where a curve falls below each threshold.
fn cutoffs(curve: &FrcCurve, pixel_size_m: Option<f64>) -> Value {
    let of = THRESHOLDS.map(|(threshold, name, _)| {
        (
            name.to_owned(),
            json!(curve.cutoff(threshold, pixel_size_m)),
        )
    });
    Value::Object(of.into_iter().collect())
}

fn definitions() -> Value {
    let all = DEFINITIONS.iter().chain(EXTRA_DEFINITIONS).map(|definition| {
        let better = match definition.better {
            Better::Higher => "higher",
            Better::Lower => "lower",
            Better::Neither => "neither",
        };
        let words = json!({
            "label": definition.label, "unit": definition.unit, "better": better, "text": definition.text,
        });
        (definition.key.to_owned(), words)
    });
    Value::Object(all.collect())
}
