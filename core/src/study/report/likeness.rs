//! How like the truth each reconstruction is, and whether it is flat.

use std::path::Path;

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::reconstruction::{OBJECT_KEY, Reconstruction};
use crate::nn::collapse::{FLAT_SPREAD, Spread};
use crate::study::plan::TaskKind;

use super::gather::{Gathered, Seen, place_words};
use super::metrics::{Compared, Key, Part};
use super::results;

/// One reconstruction beside the truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likeness {
    /// Id of the task that reconstructed.
    pub task: String,
    /// The place in words, as `lsqml at 1e4, full, test`.
    pub words: String,
    /// Photons a pattern.
    pub dose: Option<f64>,
    /// View.
    pub view: Option<String>,
    /// Split.
    pub split: Option<String>,
    /// Arm.
    pub arm: String,
    /// Pearson's correlation of its phase with the truth's, where the object's pattern is in the phase.
    pub phase: Option<f64>,
    /// The same of amplitudes.
    pub amplitude: Option<f64>,
    /// Pixels that were compared: of few of them a correlation says little.
    pub n_pixels: Option<usize>,
    /// Whether nothing of the pattern is seen: amplitude (standard deviation) and phase (5th to 95th percentile, in rad, less
    /// its plane), as far as they carry the pattern, vary by less than [`FLAT_SPREAD`] of the mean amplitude. `None` where it
    /// cannot be told.
    pub is_flat: Option<bool>,
}

impl Likeness {
    /// The greater correlation of the parts that carry the pattern.
    pub fn best(&self) -> Option<f64> {
        let known = [self.phase, self.amplitude].into_iter().flatten();
        known.reduce(f64::max)
    }
}

/// Every reconstruction that is done, in the plan's order.
pub(super) fn likeness(gathered: &Gathered<'_>, comparisons: &[Compared]) -> Vec<Likeness> {
    let done = gathered
        .of_kinds(&[TaskKind::Reconstruct, TaskKind::Infer])
        .filter(|seen| seen.done().is_some());
    done.map(|seen| of(seen, gathered, comparisons)).collect()
}

fn of(seen: &Seen<'_>, gathered: &Gathered<'_>, comparisons: &[Compared]) -> Likeness {
    let place = seen.place();
    let arm = place.arm.clone().unwrap_or_default();
    let same = |dose: Option<f64>, view: &str, split: &str| {
        dose == place.dose
            && place.view.as_deref().unwrap_or_default() == view
            && place.split.as_deref().unwrap_or_default() == split
    };
    let compared = comparisons
        .iter()
        .find(|compared| same(compared.dose, &compared.view, &compared.split));
    let parts = gathered.patterned();
    let pearson = |part: Part| {
        let key = Key::new("pearson", part);
        compared
            .filter(|_| parts.contains(&part))
            .and_then(|compared| compared.number(&arm, &key))
    };
    let report = compared.and_then(|compared| {
        let id = &compared.id;
        gathered.tasks.iter().find(|seen| seen.task.id == *id)
    });
    let report = report.map_or(Value::Null, results::report);
    Likeness {
        task: seen.task.id.clone(),
        words: place_words(place),
        dose: place.dose,
        view: place.view.clone(),
        split: place.split.clone(),
        phase: pearson(Part::Phase),
        amplitude: pearson(Part::Amplitude),
        n_pixels: compared
            .and_then(|compared| compared.number(&arm, &Key::new("n_pixels", Part::Whole)))
            .map(|n| n as usize),
        is_flat: is_flat(seen, gathered, (&report, &arm)),
        arm,
    }
}

/// Flat where every part that carries the pattern is.
fn is_flat(
    seen: &Seen<'_>,
    gathered: &Gathered<'_>,
    (report, arm): (&Value, &str),
) -> Option<bool> {
    let of_part = |part: &Part| match part {
        Part::Phase => phase_is_flat(report, arm),
        _ => amplitude_is_flat(seen, &gathered.folder),
    };
    let known: Vec<bool> = gathered.patterned().iter().filter_map(of_part).collect();
    (!known.is_empty()).then(|| known.iter().all(|is_flat| *is_flat))
}

/// By the reconstruction itself, over the pixels that some patch saw.
fn amplitude_is_flat(seen: &Seen<'_>, folder: &Path) -> Option<bool> {
    let outputs = &seen.done()?.outputs;
    let result = outputs
        .iter()
        .find(|output| output.path.extension().is_some_and(|end| end == "npz"))?;
    let file = folder.join(&seen.task.id).join(&result.path);
    let found = Reconstruction::load_object(&file, OBJECT_KEY).ok()?;
    let everywhere = || Array2::ones(found.object.dim());
    let coverage = found.coverage.clone().unwrap_or_else(everywhere);
    let Spread { mean, deviation } = Spread::of(&found.object, &coverage)?;
    // Written so that NaN counts as flat.
    Some(!(FLAT_SPREAD * mean <= deviation && 0.0 < deviation))
}

/// By the comparison, where the plane is taken off.
fn phase_is_flat(report: &Value, arm: &str) -> Option<bool> {
    let mut arms = report["arms"].as_array()?.iter();
    let own = arms.find(|own| own["name"] == arm)?;
    let percentiles = &own["bias"]["phase"]["other"]["percentiles"];
    let [low, high] = [percentiles[0].as_f64()?, percentiles[3].as_f64()?];
    Some(high - low < FLAT_SPREAD)
}
