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
        algorithm: predicted.algorithm.clone(),
        provenance: serde_json::Value::Null,
    };
    let loaded = Loaded {
        inputs: Inputs {
            truth: Some(data.to_path_buf()),
            arms: vec![(ARM.to_owned(), predicted.file.clone())],
            reference: None,
        },
        truth_sha256: None,
        truth: dataset.object().cloned(),
        positions_px: dataset.positions_px().to_vec(),
        probe: dataset.probe().clone(),
        pixel_size_m: dataset.metadata().pixel_size_m,
        arms: vec![arm],
        refused: Vec::new(),
    };
    let settings = CompareSettings {
        // Patches lie where the positions say; an object with holes is no picture to register.
        register: predicted.coverage.is_none(),
        ..CompareSettings::default()
    };
    let comparison = compare(&loaded, &Region::Auto, &settings)?;
    let refused = comparison
        .refused
        .first()
        .map(|refusal| refusal.reason.clone());
    let compared = comparison.arms.into_iter().next().ok_or_else(|| {
        crate::Error::Run(refused.unwrap_or_else(|| "nothing could be measured".to_owned()))
    })?;
    let evaluation = compared.evaluation;
    Ok([evaluation.amplitude_bias, evaluation.phase_bias])
}

fn rows(draft: &mut Draft, amplitude: &Bias, phase: &Bias) {
    let mut add = |key: &str, label: &str, of: fn(&Bias) -> f64| {
        let cells = [amplitude, phase].map(|bias| Cell::number(of(bias)));
        draft.row(key, label, cells);
    };
    add(
        "least_squares_factor",
        "factor that fits best (least squares)",
        |bias| bias.least_squares_factor,
    );
    add(
        "mean_ratio",
        "mean of the truth / mean of the run",
        |bias| bias.mean_ratio,
    );
    add("truth_mean", "truth, mean", |bias| bias.reference.mean);
    add("truth_median", "truth, median", |bias| {
        bias.reference.median
    });
    add("run_mean", "run, mean", |bias| bias.other.mean);
    add("run_median", "run, median", |bias| bias.other.median);
    add("ratio_median", "run / truth, median", |bias| {
        bias.ratio.median
    });
    add("mae", "mean absolute error", |bias| bias.mae);
    add("mae_rescaled", "the same after the factor", |bias| {
        bias.mae_rescaled
    });
    let spread = |of: &Distribution| {
        let [p5, p25, p75, p95] = of.percentiles.map(|value| Cell::number(value).text);
        format!("{p5}, {p25}, {p75}, {p95}")
    };
    let cells = |of: fn(&Bias) -> &Distribution| {
        [amplitude, phase].map(|bias| Cell {
            text: spread(of(bias)),
            value: serde_json::json!(of(bias).percentiles),
        })
    };
    draft.row(
        "truth_percentiles",
        "truth, percentiles 5, 25, 75, 95",
        cells(|bias| &bias.reference),
    );
    draft.row(
        "run_percentiles",
        "run, percentiles 5, 25, 75, 95",
        cells(|bias| &bias.other),
    );
    draft.row(
        "ratio_percentiles",
        "run / truth, percentiles 5, 25, 75, 95",
        cells(|bias| &bias.ratio),
    );
}

fn judge(draft: &mut Draft, amplitude: &Bias) {
    let factor = amplitude.least_squares_factor;
    let off = factor.max(1.0 / factor);
    if off <= 1.0 + NO_FACTOR {
        return;
    }
    let taken = 1.0 - amplitude.mae_rescaled / amplitude.mae;
    let explains = if EXPLAINS < taken {
        format!(
            "one factor explains {} of the error",
            Cell::share(taken).text
        )
    } else {
        "one factor does not explain the error".to_owned()
    };
    let words = format!(
        "amplitudes are {} of the truth's: {explains}",
        Cell::number(1.0 / factor).text
    );
    let is_other = OTHER_SCALE < off || !off.is_finite();
    draft.find(
        if is_other {
            Verdict::Bad
        } else {
            Verdict::Note
        },
        words,
    );
}
