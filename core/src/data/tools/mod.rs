//! Tools on any dataset: each makes a new one of which the forward model still holds.
//!
//! A tool is a pure function. Patterns and all that belongs to them (positions, start positions, scan index, patches,
//! groups) travel together; frames and patches are read, cut and summed when they are asked for, so a tool takes no
//! memory for the length of the scan. The metadata of the result name the tool, its settings and its parent.

pub mod bin;
pub mod choose;
pub mod crop;
pub mod fixture;
pub mod pad;
mod resample;
pub mod turn;

use crate::data::dataset::Operation;
use crate::data::{Dataset, DatasetParts};
use crate::error::{Error, Result};

/// Mark of amplitudes that are not √counts but share one factor with them.
const DOSE_NORMALISED: &str = "dose_normalised";

/// What a tool made, and what is worth knowing about it, one sentence a line.
pub struct Made {
    /// The new dataset.
    pub dataset: Dataset,
    /// What was done, with numbers.
    pub notes: Vec<String>,
}

/// Make a dataset of parts that a tool computed from `parent`, and record how it came about.
///
/// `tool` and `settings` are those of the command line, without paths. Mean photons are measured again, which reads every
/// frame of the result; of dose-normalised amplitudes only their ratio is known.
///
/// # Errors
/// [`Error::Invalid`] if the parts do not obey the contract.
pub fn descendant(
    parent: &Dataset,
    parts: DatasetParts,
    tool: &str,
    settings: &str,
) -> Result<Dataset> {
    let unmeasured = Dataset::derived(parts)?;
    let before = parent.metadata();
    let photons_measured = if before.amplitude.as_deref() == Some(DOSE_NORMALISED) {
        let ratio = unmeasured.mean_counts() / parent.mean_counts();
        before.photons_measured.map(|photons| photons * ratio)
    } else {
        Some(unmeasured.mean_counts())
    };
    let parent_sha256 = parent.content_sha256();
    let mut metadata = unmeasured.metadata().clone();
    metadata.photons_measured = photons_measured;
    metadata.parent_sha256 = Some(parent_sha256.clone());
    let command = ["ptychobench", tool, settings].join(" ");
    command.trim_end().clone_into(&mut metadata.command);
    metadata.history.push(Operation {
        tool: tool.to_owned(),
        settings: settings.to_owned(),
        parent_sha256,
    });
    Dataset::derived(DatasetParts {
        metadata,
        ..unmeasured.parts().clone()
    })
}

/// A share in per cent that is neither shown as 0 nor as 100 unless it is.
pub(crate) fn percent_text(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        0.0 => "0 %".to_owned(),
        ..0.001 => format!("{percent:.1e} %"),
        ..1.0 => format!("{percent:.3} %"),
        _ => format!("{percent:.1} %"),
    }
}

/// A loss beyond what is allowed is refused.
fn check_loss(tool: &str, what: &str, share: f64, max_loss_percent: f64) -> Result<()> {
    if 100.0 * share <= max_loss_percent {
        return Ok(());
    }
    Err(Error::Refused(Box::new(crate::error::Problem {
        attempted: format!("{tool} the patterns exactly"),
        key: Some(what.to_owned()),
        expected: format!("at most {max_loss_percent} % outside what is kept"),
        found: percent_text(share),
        fix: "keep more, or allow the loss by --max-loss-percent".to_owned(),
        ..crate::error::Problem::default()
    })))
}
