//! The scale of intensities at every stage, from the file to what a network predicts.

use std::sync::Arc;

use super::predicted::{Predicted, spaced};
use super::table::{Cell, Draft};
use super::{DiagnoseSettings, Verdict};
use crate::data::{Dataset, Inspection};
use crate::error::Result;
use crate::nn::TrainSettings;
use crate::nn::samples::{Normalisation, Samples};

/// Patterns in which counts are looked for one by one.
const N_LOOKED_AT: usize = 256;
/// A square counts as whole within this, and within rounding of single precision.
const WHOLE_WITHIN: f64 = 0.02;
const ROUNDING: f64 = 2e-6;
/// Share of the lit pixels that have to be whole.
const WHOLE_SHARE: f64 = 0.99;
/// Predicted counts beyond this factor are of another scale.
const OTHER_SCALE: f64 = 2.0;
/// Predicted counts beyond this part differ.
const DIFFERS: f64 = 0.1;
/// Recorded scales agree but for rounding.
const SAME: f64 = 1e-5;

/// Counts of a file in numbers.
struct Counts {
    /// Of each pattern.
    of_pattern: Vec<f64>,
    greatest: f64,
    /// Share of the lit pixels whose squared amplitude is a whole number; none without a lit pixel.
    whole_share: Option<f64>,
}

impl Counts {
    fn of(dataset: &Dataset) -> Self {
        let found = dataset.frames().map_frames(|_, frame| {
            let counts = frame.iter().map(|value| f64::from(*value).powi(2));
            counts.fold([0.0, 0.0f64], |[sum, most], counts| {
                [sum + counts, most.max(counts)]
            })
        });
        let n = dataset.n();
        let mut frame = vec![0.0; n * n];
        let (mut n_lit, mut n_whole) = (0_usize, 0_usize);
        for row in spaced(dataset.n_patterns(), N_LOOKED_AT) {
            dataset.frames().read(row, &mut frame);
            for value in frame.iter().filter(|value| 0.0 < **value) {
                let counts = f64::from(*value).powi(2);
                let within = WHOLE_WITHIN.max(ROUNDING * counts);
                n_lit += 1;
                n_whole += usize::from((counts - counts.round()).abs() <= within && 0.5 < counts);
            }
        }
        Self {
            greatest: found.iter().fold(0.0, |most: f64, [_, of]| most.max(*of)),
            of_pattern: found.into_iter().map(|[sum, _]| sum).collect(),
            whole_share: (0 < n_lit).then(|| n_whole as f64 / n_lit as f64),
        }
    }

    fn mean(&self) -> f64 {
        self.of_pattern.iter().sum::<f64>() / self.of_pattern.len().max(1) as f64
    }
}

/// File, grouped, normalised, predicted, recorded.
pub(super) fn intensity(
    (dataset, inspection): (&Arc<Dataset>, &Inspection),
    (settings, of_run): (&DiagnoseSettings, Option<&TrainSettings>),
    predicted: Option<&Predicted>,
) -> Draft {
    let heads = [
        ("per_pattern", "Σ of a pattern, mean"),
        ("per_pixel", "of a pixel, mean"),
        ("greatest", "of a pixel, greatest"),
        ("amplitude_factor", "amplitudes multiplied by"),
    ];
    let mut draft = Draft::new("intensity", "Intensity scale", &heads);
    draft.of = "stage";
    let n_pixels = dataset.n().pow(2) as f64;
    let counts = Counts::of(dataset);
    let mean = counts.mean();
    let numbers = |values: [Option<f64>; 4]| values.map(Cell::maybe);
    draft.row(
        "file",
        "file: counts",
        numbers([
            Some(mean),
            Some(mean / n_pixels),
            Some(counts.greatest),
            Some(1.0),
        ]),
    );
    let samples = samples(dataset, settings, of_run);
    let of_data = predicted
        .and_then(|predicted| predicted.input)
        .map(|[_, of_data]| of_data);
    match samples {
        Ok(samples) => {
            let normalisation = of_data.unwrap_or_else(|| samples.normalisation());
            grouped(
                &mut draft,
                (&samples, &counts, n_pixels),
                predicted,
                &normalisation,
            );
        }
        Err(error) => draft.find(
            Verdict::Note,
            format!("nothing can be said of groups and network: {error}"),
        ),
    }
    if let Some(predicted) = predicted {
        add_predicted(&mut draft, predicted, n_pixels);
    }
    let whole = counts.whole_share.map_or_else(Cell::none, Cell::share);
    draft.row(
        "whole_share",
        "lit pixels with a whole number of counts",
        [whole],
    );
    let factor = dataset.metadata().counts_factor;
    let cells = [None, None, None, factor].map(Cell::maybe);
    draft.row(
        "counts_factor",
        "recorded in the file: factor to counts",
        cells,
    );
    judge_counts(&mut draft, (dataset, inspection), &counts);
    draft.good = match predicted {
        Some(_) => "Counts keep their scale from the file to the prediction.",
        None => "The file holds √counts; grouped and normalised they keep their scale.",
    }
    .into();
    draft
}

/// The groups of a run, or the first ones that the settings can form.
fn samples(
    dataset: &Arc<Dataset>,
    settings: &DiagnoseSettings,
    of_run: Option<&TrainSettings>,
) -> Result<Samples> {
    if let Some(of_run) = of_run {
        return Samples::to_predict(Arc::clone(dataset), of_run);
    }
    let stored = dataset.parts().group_index.as_ref();
    let own = stored.map(|index| index.ncols().isqrt());
    let gridsizes = settings.gridsizes();
    let usual = gridsizes
        .iter()
        .copied()
        .find(|gridsize| gridsizes.len() == 1 || *gridsize == 2);
    let first = own.or(usual).unwrap_or(1);
    let of = |gridsize| Samples::to_predict(Arc::clone(dataset), &settings.training(gridsize));
    match of(first) {
        Err(_) if gridsizes.len() != 1 && own.is_none() => of(1),
        found => found,
    }
}

fn grouped(
    draft: &mut Draft,
    (samples, counts, n_pixels): (&Samples, &Counts, f64),
    predicted: Option<&Predicted>,
    normalisation: &Normalisation,
) {
    let members = samples.groups.index();
    let of = |member: &u32| counts.of_pattern[*member as usize];
    let mean = members.iter().map(of).sum::<f64>() / members.len().max(1) as f64;
    let label = format!("grouped by {}: counts", members.ncols());
    let cells = [Some(mean), Some(mean / n_pixels), None, Some(1.0)];
    draft.row("grouped", label, cells.map(Cell::maybe));
    let recorded = predicted
        .and_then(|predicted| predicted.input)
        .map(|[recorded, _]| recorded);
    let used = recorded.as_ref().unwrap_or(normalisation);
    let factor = used.input_factor;
    let squared = |counts: f64| Some(factor.powi(2) * counts);
    let cells = [
        squared(mean),
        squared(mean / n_pixels),
        squared(counts.greatest),
        Some(factor),
    ];
    draft.row(
        "normalised",
        "input of the network: Σ X²",
        cells.map(Cell::maybe),
    );
    let by_training = |normalisation: &Normalisation| {
        [
            Some(normalisation.mean_counts_per_pattern),
            Some(normalisation.mean_counts_per_pixel),
            None,
            Some(normalisation.input_factor),
        ]
        .map(Cell::maybe)
    };
    if let Some(recorded) = &recorded {
        draft.row("recorded", "recorded in the bundle", by_training(recorded));
        draft.row(
            "found_anew",
            "the same, found anew",
            by_training(normalisation),
        );
        judge_recorded(draft, recorded, normalisation);
    }
}

fn judge_recorded(draft: &mut Draft, recorded: &Normalisation, found: &Normalisation) {
    let off = (recorded.input_factor / found.input_factor - 1.0).abs();
    if SAME < off || !off.is_finite() {
        let text = |value: f64| Cell::number(value).text;
        draft.find(Verdict::Bad, format!(
            "the bundle records an input factor of {}, its training data give {}: it was trained on other data, or on \
             data in another scale",
            text(recorded.input_factor), text(found.input_factor)
        ));
    }
}

fn add_predicted(draft: &mut Draft, predicted: &Predicted, n_pixels: f64) {
    let (n, of) = (predicted.n, predicted.of);
    let Some([measured, expected]) = predicted.mean_counts else {
        draft.find(Verdict::Note, "this network predicts no counts");
        return;
    };
    let cells = |mean: f64, factor: Option<f64>| {
        [Some(mean), Some(mean / n_pixels), None, factor].map(Cell::maybe)
    };
    let label = format!("measured, of {n} {of}: counts");
    draft.row("measured", label, cells(measured, None));
    let label = format!("predicted, of {n} {of}: counts");
    draft.row("predicted", label, cells(expected, None));
    let ratio = expected / measured;
    let row = [
        Cell::number(ratio),
        Cell::none(),
        Cell::none(),
        Cell::maybe(predicted.best_factor),
    ];
    draft.row("predicted_over_measured", "predicted / measured", row);
    let off = ratio.max(1.0 / ratio);
    let words = format!(
        "{} times the measured counts are predicted",
        Cell::number(ratio).text
    );
    if !off.is_finite() || OTHER_SCALE < off {
        draft.find(
            Verdict::Bad,
            format!("{words}: the prediction is of another scale"),
        );
    } else if DIFFERS < off - 1.0 {
        draft.find(Verdict::Note, words);
    }
}

fn judge_counts(
    draft: &mut Draft,
    (dataset, inspection): (&Dataset, &Inspection),
    counts: &Counts,
) {
    let is_scale = |rule: &str| rule.starts_with("SCALE");
    let scale = inspection
        .findings
        .iter()
        .find(|finding| is_scale(&finding.rule));
    if let Some(finding) = scale {
        draft.find(
            Verdict::Note,
            format!(
                "the patterns are no √counts as they stand in the file: {}; {} ({})",
                finding.found, finding.fix, finding.rule
            ),
        );
    }
    let mean = counts.mean();
    let text = |value: f64| Cell::number(value).text;
    if counts.whole_share.is_none_or(|share| WHOLE_SHARE <= share) {
        if mean < 1.0 {
            draft.find(Verdict::Note, "a pattern holds less than one count");
        }
        return;
    }
    let share = Cell::share(counts.whole_share.unwrap_or(0.0)).text;
    // PtychoPINN's tools store inputs whose mean Σ X² is (n/2)², or patterns divided by their greatest value.
    let normalised = ((dataset.n() / 2) as f64).powi(2);
    let is_normalised = (mean / normalised - 1.0).abs() < 0.02;
    let words = format!("only {share} of the lit pixels hold a whole number of counts");
    if counts.greatest < 2.0 || is_normalised {
        draft.find(Verdict::Bad, format!(
            "{words}, and a pattern has {} in all, its brightest pixel {}: these are normalised amplitudes, no √counts, \
             and a likelihood of counts means nothing; write √counts, with the probe in the same scale",
            text(mean), text(counts.greatest)
        ));
    } else {
        draft.find(Verdict::Note, format!(
            "{words}: a background was taken off, pixels were interpolated, or counts were multiplied by a gain; Poisson \
             likelihoods take them for counts"
        ));
    }
}
