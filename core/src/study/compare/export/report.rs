//! All numbers as rows, and with definitions as JSON.

use serde_json::{Map, Value, json};

use super::super::notes::notes;
use super::super::{Arm, Compared, Comparison, Loaded};
use crate::metrics::definitions::{Better, DEFINITIONS, Definition};
use crate::metrics::evaluate::MetricValue;
use crate::metrics::frc::{FrcCurve, Threshold};
use crate::study::store::SCHEMA;

/// Numbers that stand in tables beside those of [`DEFINITIONS`].
pub const EXTRA_DEFINITIONS: &[Definition] = &[Definition {
    key: "computation_time_s",
    label: "computation time",
    unit: "s",
    better: Better::Neither,
    text: "Sum over the epochs of the reconstruction, from its run folder; missing where the folder is not there.",
}];

/// All numbers of an arm, those of [`DEFINITIONS`] first.
pub fn rows(arm: Option<&Arm>, compared: &Compared) -> Vec<MetricValue> {
    let mut rows = compared.evaluation.values.clone();
    if let Some(seconds) = arm.and_then(|arm| arm.reconstruction_s) {
        rows.push(MetricValue {
            key: EXTRA_DEFINITIONS[0].key,
            amplitude: None,
            phase: None,
            value: Some(seconds),
        });
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
            "n_pixels": area.n_pixels(),
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
        "missing": evaluation.missing,
        "rows": [area.rows.start, area.rows.end], "columns": [area.columns.start, area.columns.end],
        "bias": {"amplitude": evaluation.amplitude_bias, "phase": evaluation.phase_bias},
        "frc_cutoffs": {
            "amplitude": cutoffs(&frc.amplitude, pixel_size_m), "phase": cutoffs(&frc.phase, pixel_size_m),
            "complex": cutoffs(&frc.complex, pixel_size_m),
        },
    })
}

/// The name of a threshold in files.
pub fn threshold_key(threshold: Threshold) -> &'static str {
    match threshold {
        Threshold::Half => "frc50",
        Threshold::Seventh => "frc_1_7",
        Threshold::OneBit => "frc_1bit",
        Threshold::HalfBit => "frc_half_bit",
    }
}

/// Where a curve falls below each threshold; null for one without power.
fn cutoffs(curve: &FrcCurve, pixel_size_m: Option<f64>) -> Value {
    let of = Threshold::ALL.map(|threshold| {
        let cutoff = curve
            .is_known()
            .then(|| curve.cutoff(threshold, pixel_size_m));
        (threshold_key(threshold).to_owned(), json!(cutoff))
    });
    Value::Object(of.into_iter().collect())
}

/// What every number of [`DEFINITIONS`] and [`EXTRA_DEFINITIONS`] means, by key.
pub fn definitions() -> Value {
    let all = DEFINITIONS.iter().chain(EXTRA_DEFINITIONS).map(|definition| {
        let words = json!({
            "label": definition.label, "unit": definition.unit, "better": definition.better.word(), "text": definition.text,
        });
        (definition.key.to_owned(), words)
    });
    Value::Object(all.collect())
}
