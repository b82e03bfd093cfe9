//! What a study came to: manifests, tables and a summary to publish.
//!
//! | file in `runs/<study>/` | content |
//! |---|---|
//! | `training_manifest.json` | every network: bundle path, SHA-256, size, first and final loss, flags; path of the skip summary |
//! | `loss_check.json` | final losses beside those of `reference_manifest.json`, where a run was made the reference |
//! | `reconstruction_manifest.json` | every reconstruction: file, SHA-256, seconds; `n_success`, `n_failed` |
//! | `comparison_manifest.json` | every comparison: folder, arms; `n_success`, `n_failed` |
//! | `metrics_summary.csv`, `.json`, `.md` | every number, means and best of every arm, differences against baseline and LSQML, phase first; no times, so the same from run to run |
//! | `skip_summary.json` | `{timestamp, skipped_views: [{dose, view, reason}], skipped_count}` |
//! | `study.toml` | the study with every default |
//! | `summary.md`, `summary.html` | all of it with pictures, deviations, notes and versions; the HTML is one self-contained file |
//! | `notes.md` | the user's own words, taken into the summary; never overwritten by a report |
//! | `figures/` | the figure and its companions |
//!
//! Only tasks that are done and still fit the plan are reported; all others are named with their state.

mod document;
mod findings;
mod gather;
mod guard;
mod likeness;
mod metrics;
mod results;
mod skips;
mod summary;
mod trainings;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::disk;
use crate::error::{Error, Result};
use crate::study::loss_check::{self, LossCheck};
use crate::study::plan::{Plan, TaskKind};

use findings::{Facts, Finding};
use gather::Gathered;
use guard::Guard;
pub use guard::{REFERENCE_MANIFEST, TOLERANCE};
pub use likeness::Likeness;
pub use skips::{SKIP_SUMMARY, SkipSummary, SkippedView};
pub use trainings::{NetworkRecord, NotDone, TRAINING_MANIFEST, TrainingFlag, TrainingManifest};

/// The user's own words about a run, in the study's run folder.
pub const NOTES: &str = "notes.md";
/// The study with every default, in the study's run folder.
pub const STUDY_FILE: &str = "study.toml";
/// The figure with its companions, in the study's run folder.
pub const FIGURES: &str = "figures";

/// Files of a report.
#[derive(Clone, Debug, Default)]
pub struct ReportFiles {
    /// Every file written.
    pub files: Vec<PathBuf>,
    /// What a reader has to know, in words: trainings that ended above their first loss, flat reconstructions, failures.
    pub findings: Vec<String>,
    /// How like the truth each reconstruction is, in the plan's order.
    pub likeness: Vec<Likeness>,
    /// Final losses beside those of the reference, where there is one.
    pub loss_check: Option<LossCheck>,
    /// Whether a training that is done is worse than the reference allows.
    pub is_worse_than_reference: bool,
}

impl ReportFiles {
    /// The written file of that name.
    pub fn file(&self, name: &str) -> Option<&Path> {
        let mut files = self.files.iter();
        let found = files.find(|file| file.file_name().is_some_and(|own| own == name))?;
        Some(found)
    }
}

/// Write the report of what is done so far; what is missing is named in it.
///
/// # Errors
/// [`crate::Error::Io`].
pub fn write(plan: &Plan, runs: &Path) -> Result<ReportFiles> {
    let gathered = Gathered::of(plan, runs)?;
    let comparisons = metrics::comparisons(&gathered);
    let likeness = likeness::likeness(&gathered, &comparisons);
    let trainings = trainings(&gathered, &likeness);
    let skips = skips::summary(&gathered);
    let mut out = Out::new(&gathered.folder);
    out.text(STUDY_FILE, &plan.study.text())?;
    out.figures(&gathered)?;
    out.json(SKIP_SUMMARY, &skips)?;
    out.json(TRAINING_MANIFEST, &trainings)?;
    let guard = guard::check(&gathered, &trainings);
    let results = results::reconstructions(&gathered, &likeness);
    out.json("reconstruction_manifest.json", &results)?;
    out.json("comparison_manifest.json", &results::comparisons(&gathered))?;
    let rows = metrics::rows(&comparisons);
    out.text("metrics_summary.csv", &metrics::csv(&rows))?;
    let nested: Value = metrics::json(plan, &comparisons, &rows);
    out.json("metrics_summary.json", &nested)?;
    let tables = metrics::document(plan, &comparisons, &rows);
    out.text("metrics_summary.md", &tables.markdown())?;
    let facts = Facts {
        gathered: &gathered,
        trainings: &trainings,
        skips: &skips,
        guard: &guard,
        likeness: &likeness,
    };
    let findings = findings::findings(&facts);
    let notes = notes(plan, runs)?;
    let summary = summary::document(&facts, &findings, (&rows, &notes));
    out.text("summary.md", &summary.markdown())?;
    out.text("summary.html", &summary.html(&gathered.folder))?;
    Ok(outcome(out, guard, (findings, likeness)))
}

fn outcome(
    mut out: Out,
    guard: Guard,
    (findings, likeness): (Vec<Finding>, Vec<Likeness>),
) -> ReportFiles {
    let mut files = ReportFiles {
        findings: findings.into_iter().map(|finding| finding.words).collect(),
        likeness,
        ..ReportFiles::default()
    };
    if let Guard::Checked(checked) = guard {
        files.is_worse_than_reference = 0 < checked.failures().count();
        files.loss_check = Some(checked.check);
        out.files.push(out.folder.join(loss_check::RESULT));
    }
    files.files = out.files;
    files
}

fn trainings(gathered: &Gathered<'_>, likeness: &[Likeness]) -> TrainingManifest {
    let is_flat = |found: &&Likeness| found.is_flat == Some(true);
    let flat = likeness.iter().filter(is_flat);
    let flat: Vec<&str> = flat.map(|found| found.task.as_str()).collect();
    trainings::manifest(gathered, &flat)
}

/// Files written one after the other into a folder.
struct Out {
    folder: PathBuf,
    files: Vec<PathBuf>,
}

impl Out {
    fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            files: Vec::new(),
        }
    }

    fn text(&mut self, name: &str, text: &str) -> Result<()> {
        let file = self.folder.join(name);
        disk::write(&file, text.as_bytes())?;
        self.files.push(file);
        Ok(())
    }

    /// Copies of what the figure task has made, where people look for it.
    fn figures(&mut self, gathered: &Gathered<'_>) -> Result<()> {
        for seen in gathered.of_kinds(&[TaskKind::Figure]) {
            for output in seen.done().into_iter().flat_map(|record| &record.outputs) {
                let made = self.folder.join(&seen.task.id).join(&output.path);
                let Some(name) = output.path.file_name() else {
                    continue;
                };
                let bytes = std::fs::read(&made).map_err(Error::io("read", &made))?;
                let file = self.folder.join(FIGURES).join(name);
                disk::write(&file, &bytes)?;
                self.files.push(file);
            }
        }
        Ok(())
    }

    fn json(&mut self, name: &str, value: &impl serde::Serialize) -> Result<()> {
        let file = self.folder.join(name);
        disk::write_json(&file, value)?;
        self.files.push(file);
        Ok(())
    }
}

/// Make the trainings of this run the reference that later ones are held against: those of `training_manifest.json`, as it
/// stands now, that are done and have a finite loss go to `reference_manifest.json` in the study's run folder.
///
/// # Errors
/// [`crate::Error::Io`]; [`crate::Error::Invalid`] if no training is done.
pub fn make_reference(plan: &Plan, runs: &Path) -> Result<PathBuf> {
    let gathered = Gathered::of(plan, runs)?;
    let comparisons = metrics::comparisons(&gathered);
    let likeness = likeness::likeness(&gathered, &comparisons);
    guard::make_reference(&gathered.folder, &trainings(&gathered, &likeness))
}

/// The user's notes on the runs of a study, as Markdown; empty where there are none.
///
/// # Errors
/// [`crate::Error::Io`] if they are there and cannot be read.
pub fn notes(plan: &Plan, runs: &Path) -> Result<String> {
    let file = plan.folder(runs).join(NOTES);
    match std::fs::read(&file) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Error::io("read", &file)(error)),
    }
}

/// Keep the user's notes; the next report takes them into the summary.
///
/// # Errors
/// [`crate::Error::Io`].
pub fn write_notes(plan: &Plan, runs: &Path, markdown: &str) -> Result<PathBuf> {
    let file = plan.folder(runs).join(NOTES);
    disk::write(&file, markdown.as_bytes())?;
    Ok(file)
}
