//! The trainings of this run beside those of the run that was made the reference.

use std::path::{Path, PathBuf};

use crate::disk;
use crate::error::{Error, Problem, Result};
use crate::study::execute::TaskState;
use crate::study::loss_check::{LossCheck, LossVerdict, check_loss, name};
use crate::study::plan::{TaskKind, Work};

use super::gather::Gathered;
use super::trainings::{TRAINING_MANIFEST, TrainingManifest, losses};

/// The manifest that later runs are held against.
pub const REFERENCE_MANIFEST: &str = "reference_manifest.json";
/// Share of |reference| by which a final loss may be worse.
pub const TOLERANCE: f64 = 0.05;

/// What became of the guard rail.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Guard {
    /// There is no reference.
    None,
    /// It could not be checked, with the cause.
    Unknown(String),
    /// It was checked.
    Checked(Checked),
}

/// What the guard rail found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checked {
    pub(super) check: LossCheck,
    /// Arms of the reference whose training is planned and not done yet.
    pub(super) pending: Vec<String>,
}

impl Checked {
    /// Verdicts that say that a training went wrong; one that is not done yet did not.
    pub(super) fn failures(&self) -> impl Iterator<Item = &LossVerdict> {
        let verdicts = self.check.verdicts.iter();
        verdicts.filter(|verdict| !verdict.passes && !self.pending.contains(&verdict.arm))
    }
}

/// Hold the manifest in `folder` against the reference there, if there is one and a training is done.
pub(super) fn check(gathered: &Gathered<'_>, manifest: &TrainingManifest) -> Guard {
    let folder = &gathered.folder;
    let reference = folder.join(REFERENCE_MANIFEST);
    if !reference.is_file() {
        return Guard::None;
    }
    if manifest.arms.is_empty() {
        return Guard::Unknown("no training is done yet".to_owned());
    }
    match check_loss(&reference, &folder.join(TRAINING_MANIFEST), TOLERANCE) {
        Ok(check) => Guard::Checked(Checked {
            check,
            pending: pending(gathered),
        }),
        Err(error) => Guard::Unknown(error.to_string()),
    }
}

/// The names of trainings that are planned and neither done nor failed.
fn pending(gathered: &Gathered<'_>) -> Vec<String> {
    let open = gathered
        .of_kinds(&[TaskKind::Train])
        .filter(|seen| !matches!(seen.state, TaskState::Done | TaskState::Failed(_)));
    open.filter_map(|seen| match &seen.task.work {
        Work::Train(task) => Some(name(&losses(seen, task))),
        _ => None,
    })
    .collect()
}

/// Write the trainings that are done, with a finite loss, as the reference.
pub(super) fn make_reference(folder: &Path, manifest: &TrainingManifest) -> Result<PathBuf> {
    let arms: Vec<_> = manifest
        .arms
        .iter()
        .filter(|arm| arm.final_loss.is_some())
        .cloned()
        .collect();
    if arms.is_empty() {
        return Err(Error::Invalid(Box::new(Problem {
            attempted: "make the trainings of a run the reference".to_owned(),
            file: Some(folder.to_path_buf()),
            expected: "a training that is done, with a finite loss".to_owned(),
            found: "none".to_owned(),
            fix: "run the study first, by `ptychobench study run`".to_owned(),
            ..Problem::default()
        })));
    }
    let reference = TrainingManifest {
        n_success: arms.len(),
        arms,
        ..manifest.clone()
    };
    let file = folder.join(REFERENCE_MANIFEST);
    disk::write_json(&file, &reference)?;
    Ok(file)
}
