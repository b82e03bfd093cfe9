//! Whether a run's amplitude and phase are off by a factor.

use std::path::Path;
use std::sync::Arc;

use super::Verdict;
use super::predicted::Predicted;
use super::table::{Cell, Draft};
use crate::data::Dataset;
use crate::error::Result;
use crate::metrics::bias::{Bias, Distribution};
use crate::metrics::region::Region;
use crate::metrics::settings::CompareSettings;
use crate::study::compare::{Arm, Inputs, Loaded, compare};
use crate::study::store::Naming;

/// Name of the only arm.
const ARM: &str = "run";
/// A factor within this of 1 is none.
const NO_FACTOR: f64 = 0.1;
/// Amplitudes beyond this factor are of another scale.
const OTHER_SCALE: f64 = 2.0;
/// Share of the error that a factor takes away, above which it explains the error.
const EXPLAINS: f64 = 0.5;

/// Amplitude and phase of a run against the truth in its data; none without one.
pub(super) fn bias(
    (dataset, data): (&Arc<Dataset>, &Path),
    predicted: &Predicted,
) -> Option<Draft> {
    let truth = dataset.object()?;
    let heads = [("amplitude", "amplitude"), ("phase", "phase")];
    let mut draft = Draft::new("bias", "Bias against the truth", &heads);
    if truth.dim() != predicted.object.dim() {
        draft.find(
            Verdict::Bad,
            format!(
                "the reconstruction of {:?} pixels does not lie in the truth's frame of {:?}",
                predicted.object.dim(),
                truth.dim()
            ),
        );
        return Some(draft);
    }
    match of_truth(dataset, data, predicted) {
        Ok([amplitude, phase]) => {
            rows(&mut draft, &amplitude, &phase);
            judge(&mut draft, &amplitude);
        }
        Err(error) => draft.find(Verdict::Bad, format!("it cannot be compared: {error}")),
    }
    draft.good = "Amplitudes have the truth's scale.".into();
    Some(draft)
}

/// As the comparison has it: amplitudes as they are, phases without their plane.
fn of_truth(dataset: &Arc<Dataset>, data: &Path, predicted: &Predicted) -> Result<[Bias; 2]> {
    let arm = Arm {
        name: ARM.to_owned(),
        file: predicted.file.clone(),
        sha256: String::new(),
        object: predicted.object.clone(),
        coverage: predicted.coverage.clone(),
        positions_px: dataset.positions_px().to_vec(),
        probe: dataset.probe().clone(),
        algorithm: predicted.algorithm.clone(),
        provenance: serde_json::Value::Null,
        reconstruction_s: None,
    };
    let loaded = Loaded {
        inputs: Inputs {
            truth: Some(data.to_path_buf()),
            arms: vec![(ARM.to_owned(), predicted.file.clone())],
            ..Inputs::default()
        },
        truth_sha256: None,
        content_sha256: None,
        truth: dataset.object().cloned(),
        reference: None,
        positions_px: dataset.positions_px().to_vec(),
        probe: dataset.probe().clone(),
        pixel_size_m: dataset.metadata().pixel_size_m,
        arms: vec![arm],
        refused: Vec::new(),
        notes: Vec::new(),
        naming: Naming::default(),
    };
    let settings = CompareSettings {
        // Patches lie where the positions say; an object with holes is no picture to register.
        register: predicted.coverage.is_none(),
        ..CompareSettings::default()
    };
    let comparison = compare(&loaded, &Region::Auto, &settings)?;
    let first = comparison.arms.into_iter().next();
    let compared =
        first.ok_or_else(|| crate::Error::Run("nothing could be measured".to_owned()))?;
    let evaluation = compared.evaluation;
    Ok([evaluation.amplitude_bias, evaluation.phase_bias])
}

fn rows(draft: &mut Draft, amplitude: &Bias, phase: &Bias) {
    let mut add = |key: &str, label: &str, of: fn(&Bias) -> Option<f64>| {
        let cells = [amplitude, phase].map(|bias| Cell::maybe(of(bias)));
        draft.row(key, label, cells);
    };
    let label = "factor that fits best (least squares)";
    add("least_squares_factor", label, |of| of.least_squares_factor);
    let label = "mean of the truth / mean of the run";
    add("mean_ratio", label, |of| of.mean_ratio);
    add("truth_mean", "truth, mean", |of| Some(of.reference.mean));
    add("truth_median", "truth, median", |of| {
        Some(of.reference.median)
    });
    add("run_mean", "run, mean", |of| Some(of.other.mean));
    add("run_median", "run, median", |of| Some(of.other.median));
    add("ratio_median", "run / truth, median", |of| {
        Some(of.ratio?.median)
    });
    add("mae", "mean absolute error", |of| Some(of.mae));
    let label = "the same after the factor";
    add("mae_rescaled", label, |of| Some(of.mae_rescaled));
    let mut add = |key: &str, label: &str, of: fn(&Bias) -> Option<Distribution>| {
        let cells = [amplitude, phase].map(|bias| of(bias).map_or_else(Cell::none, percentiles));
        draft.row(key, format!("{label}, percentiles 5, 25, 75, 95"), cells);
    };
    add("truth_percentiles", "truth", |of| Some(of.reference));
    add("run_percentiles", "run", |of| Some(of.other));
    add("ratio_percentiles", "run / truth", |of| of.ratio);
}

fn percentiles(of: Distribution) -> Cell {
    let texts = of.percentiles.map(|value| Cell::number(value).text);
    Cell {
        text: texts.join(", "),
        value: serde_json::json!(of.percentiles),
    }
}

fn judge(draft: &mut Draft, amplitude: &Bias) {
    let Some(factor) = amplitude.least_squares_factor else {
        return draft.find(Verdict::Bad, "the run's amplitude is zero");
    };
    let off = factor.max(1.0 / factor);
    if off <= 1.0 + NO_FACTOR {
        return;
    }
    let taken = 1.0 - amplitude.mae_rescaled / amplitude.mae;
    let explains = if EXPLAINS < taken {
        let share = Cell::share(taken).text;
        format!("one factor explains {share} of the error")
    } else {
        "one factor does not explain the error".to_owned()
    };
    let ratio = Cell::number(1.0 / factor).text;
    let is_other = OTHER_SCALE < off || !off.is_finite();
    draft.find(
        if is_other {
            Verdict::Bad
        } else {
            Verdict::Note
        },
        format!("amplitudes are {ratio} of the truth's: {explains}"),
    );
}
