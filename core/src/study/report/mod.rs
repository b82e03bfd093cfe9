//! What a study came to: manifests, tables and a summary to publish.
//!
//! | file in `runs/<study>/` | content |
//! |---|---|
//! | `training_manifest.json` | every network: bundle path, SHA-256, size, first and final loss, flags; path of the skip summary |
//! | `reconstruction_manifest.json` | every reconstruction: file, SHA-256, seconds; `n_success`, `n_failed` |
//! | `comparison_manifest.json` | every comparison: folder, arms; `n_success`, `n_failed` |
//! | `metrics_summary.csv`, `.json`, `.md` | means and best of every arm, phase first; differences against baseline and LSQML |
//! | `skip_summary.json` | `{timestamp, skipped_views: [{dose, view, reason}], skipped_count}` |
//! | `summary.md`, `summary.html` | all of it with pictures, deviations, notes and versions; the HTML is one self-contained file |
//! | `notes.md` | the user's own words, taken into the summary; never overwritten |
//! | `figures/` | the figure and its companions |

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::study::plan::Plan;

/// Files of a report.
#[derive(Clone, Debug, Default)]
pub struct ReportFiles {
    /// Every file written.
    pub files: Vec<PathBuf>,
    /// What a reader has to know, in words: trainings that ended above their first loss, flat reconstructions, failures.
    pub findings: Vec<String>,
}

/// Write the report of what is done so far; what is missing is named in it.
///
/// # Errors
/// [`crate::Error::Io`].
pub fn write(plan: &Plan, runs: &Path) -> Result<ReportFiles> {
    let _ = (plan, runs);
    unimplemented!("report")
}

/// Make the trainings of this run the reference that later ones are held against: copies `training_manifest.json` to
/// `reference_manifest.json` in the study's run folder.
///
/// # Errors
/// [`crate::Error::Io`]; [`crate::Error::Invalid`] if no training is done.
pub fn make_reference(plan: &Plan, runs: &Path) -> Result<PathBuf> {
    let _ = (plan, runs);
    unimplemented!("report")
}
