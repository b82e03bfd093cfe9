//! The guard rail: a training's final loss against a reference.
//!
//! A manifest is that of one training (`manifest.json` in its folder, its `arm`), or that of a study with several,
//! `training_manifest.json`:
//!
//! ```json
//! {"schema": 1, "arms": [{"photons": 1e9, "view": "dense", "gridsize": 2, "model": "pinn", "loss": "nll",
//!                         "loss_first": 1.5, "loss_last": -3.2, "validation_last": -3.1}]}
//! ```
//!
//! Arms belong together that agree in photons, view, gridsize, model and loss; `photons` and `view` may be missing or
//! null. A candidate passes where `candidate <= reference + tolerance |reference|`, since a negative log-likelihood may be
//! below 0; one that is missing or not finite fails. Arms that only the candidate has are not looked at.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::disk;
use crate::error::{Error, Problem, Result};
use crate::study::train::ArmRecord;

/// The file that tells the outcome, beside the candidate.
pub const RESULT: &str = "loss_check.json";

/// What every error of this module was about.
const ATTEMPTED: &str = "check a training's loss";

/// One loss that was compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossVerdict {
    /// Dose, view, gridsize, model and loss that it is for, as `photons=1e9 view=dense gridsize=2 model=pinn loss=nll`.
    pub arm: String,
    /// Final loss of the reference.
    pub reference: Option<f64>,
    /// Final loss of the candidate.
    pub candidate: Option<f64>,
    /// The greatest loss that passes: `reference + tolerance |reference|`.
    pub limit: Option<f64>,
    /// Whether it passes.
    pub passes: bool,
    /// Why not, in words.
    pub why: Option<String>,
}

/// The whole comparison, as `loss_check.json` holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossCheck {
    /// Tolerance as a share of |reference|.
    pub tolerance: f64,
    /// Every arm of the reference.
    pub verdicts: Vec<LossVerdict>,
    /// Whether all pass.
    pub passes: bool,
}

/// Compare two manifests of trainings (a run's `manifest.json`, or a study's with several), and leave [`RESULT`] beside the
/// candidate. A folder means the manifest in it.
///
/// # Errors
/// [`Error::Invalid`] for a tolerance that is none; [`Error::Io`], [`Error::Refused`] if a manifest cannot be read.
pub fn check_loss(reference: &Path, candidate: &Path, tolerance: f64) -> Result<LossCheck> {
    if !(tolerance.is_finite() && 0.0 <= tolerance) {
        let expected = "a number of 0 or more, as 0.05 for 5 %";
        let found = tolerance.to_string();
        return Err(Error::invalid(ATTEMPTED, "tolerance", expected, found));
    }
    let (reference, candidate) = (manifest_file(reference), manifest_file(candidate));
    let expected = arms(&reference)?;
    let found = arms(&candidate)?;
    let verdicts: Vec<LossVerdict> = expected
        .iter()
        .map(|arm| {
            let same = found.iter().find(|other| name(other) == name(arm));
            judge(arm, same, tolerance)
        })
        .collect();
    let check = LossCheck {
        tolerance,
        passes: verdicts.iter().all(|verdict| verdict.passes),
        verdicts,
    };
    disk::write_json(&candidate.with_file_name(RESULT), &check)?;
    Ok(check)
}

/// The manifest that a path means.
fn manifest_file(path: &Path) -> PathBuf {
    if !path.is_dir() {
        return path.to_path_buf();
    }
    let files = ["manifest.json", "training_manifest.json"].map(|name| path.join(name));
    let found = files.iter().find(|file| file.is_file());
    found.unwrap_or(&files[0]).clone()
}

fn judge(reference: &ArmRecord, candidate: Option<&ArmRecord>, tolerance: f64) -> LossVerdict {
    let finite = |loss: Option<f64>| loss.filter(|loss| loss.is_finite());
    let (expected, found) = (
        finite(reference.loss_last),
        finite(candidate.and_then(|arm| arm.loss_last)),
    );
    let limit = expected.map(|expected| expected + tolerance * expected.abs());
    let why = match (limit, found, candidate) {
        (None, _, _) => Some("the reference has no finite loss".to_owned()),
        (_, _, None) => Some("the candidate has no such arm".to_owned()),
        (_, None, Some(_)) => Some("the candidate's loss is missing or not finite".to_owned()),
        (Some(limit), Some(found), _) if limit < found => {
            Some(format!("{found} is worse than {limit}"))
        }
        _ => None,
    };
    LossVerdict {
        arm: name(reference),
        reference: expected,
        candidate: found,
        limit,
        passes: why.is_none(),
        why,
    }
}

/// What an arm is of, in words; arms of the same name are compared.
pub(super) fn name(arm: &ArmRecord) -> String {
    let photons = arm
        .photons
        .map_or_else(|| "unknown".to_owned(), |photons| format!("{photons:e}"));
    format!(
        "photons={photons} view={} gridsize={} model={} loss={}",
        arm.view.as_deref().unwrap_or("none"),
        arm.gridsize,
        arm.model,
        arm.loss
    )
}

/// The arms of a manifest, each once.
fn arms(file: &Path) -> Result<Vec<ArmRecord>> {
    let refused = |found: String, fix: &str| {
        Error::Refused(Box::new(Problem {
            attempted: ATTEMPTED.to_owned(),
            file: Some(file.to_path_buf()),
            expected: "the manifest of a training (arm), or of several (arms)".to_owned(),
            found,
            fix: fix.to_owned(),
            ..Problem::default()
        }))
    };
    let give = "give manifest.json of a training's folder, or training_manifest.json of a study";
    let text = std::fs::read_to_string(file).map_err(Error::io("read", file))?;
    let mut manifest: Value = serde_json::from_str(&without_nan(&text))
        .map_err(|error| refused(error.to_string(), give))?;
    let mut take = |key: &str| manifest.get_mut(key).map(Value::take).unwrap_or_default();
    let arms = match (take("arms"), take("arm")) {
        (Value::Array(arms), _) => arms,
        (_, Value::Null) => return Err(refused("neither".to_owned(), give)),
        (_, arm) => vec![arm],
    };
    let read = |mut arm: Value| {
        // A loss that is no number is one that is not finite.
        for key in ["loss_first", "loss_last", "validation_last"] {
            if let Some(loss) = arm.get_mut(key).filter(|loss| !loss.is_number()) {
                *loss = Value::Null;
            }
        }
        serde_json::from_value(arm).map_err(|error| refused(error.to_string(), give))
    };
    let arms: Vec<ArmRecord> = arms.into_iter().map(read).collect::<Result<_>>()?;
    if arms.is_empty() {
        return Err(refused("no arm".to_owned(), give));
    }
    for (i, arm) in arms.iter().enumerate() {
        if arms[..i].iter().any(|other| name(other) == name(arm)) {
            let fix = "keep one of the arms that are alike";
            return Err(refused(format!("{} twice", name(arm)), fix));
        }
    }
    Ok(arms)
}

/// Some programs write NaN and Infinity as bare words, which JSON does not know: here they are null.
fn without_nan(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut is_text, mut is_escaped) = (text, false, false);
    while let Some(letter) = rest.chars().next() {
        if !is_text
            && let Some(word) = ["NaN", "-Infinity", "Infinity"]
                .iter()
                .find(|word| rest.starts_with(**word))
        {
            out.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        if letter == '"' && !is_escaped {
            is_text = !is_text;
        }
        is_escaped = is_text && letter == '\\' && !is_escaped;
        out.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_become_null_and_texts_stay() {
        let text = r#"{"a": NaN, "b \" NaN": -Infinity, "c": [Infinity, 1.5e-3, "NaN"]}"#;
        let expected = r#"{"a": null, "b \" NaN": null, "c": [null, 1.5e-3, "NaN"]}"#;
        assert_eq!(without_nan(text), expected);
    }
}
