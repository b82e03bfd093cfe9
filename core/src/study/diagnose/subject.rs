//! What is looked at: a dataset, or the folder of a run with the dataset that it was given.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::inspect::inspect_full;
use crate::data::{Archive, Dataset, Inspection, Reconstruction, Strictness, Verdict};
use crate::error::{Error, Problem, Result};
use crate::job::Monitor;
use crate::nn::TrainingHistory;
use crate::study::run::named_by;
use crate::study::store::{History, Manifest, RunFolder};
use crate::study::train::TrainManifest;

/// A dataset as far as it can be read.
#[derive(Clone)]
pub struct Scan {
    /// The file, or the name of a scan in memory.
    pub path: PathBuf,
    /// The verdict on it.
    pub inspection: Inspection,
    /// The dataset, unless it was refused.
    pub dataset: Option<Arc<Dataset>>,
}

impl Scan {
    /// Read a file; one that is refused has an inspection and no dataset.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Cancelled`].
    pub fn open(path: &Path, monitor: &dyn Monitor<()>) -> Result<Self> {
        let inspection = inspect_full(path, monitor)?;
        let dataset = if inspection.verdict == Verdict::Refused {
            None
        } else {
            let opened = Dataset::open_watched(path, Strictness::Repair, monitor)?;
            Some(Arc::new(opened.dataset))
        };
        Ok(Self {
            path: path.to_path_buf(),
            inspection,
            dataset,
        })
    }
}

/// A training in its folder.
pub(super) struct Training {
    pub(super) folder: PathBuf,
    pub(super) manifest: TrainManifest,
    /// None where it cannot be read, with the reason.
    pub(super) history: std::result::Result<TrainingHistory, String>,
}

/// An iterative reconstruction in its folder.
pub(super) struct Iterative {
    pub(super) folder: RunFolder,
    pub(super) manifest: Manifest,
    pub(super) history: std::result::Result<History, String>,
}

/// A reconstruction that some run left in a file.
pub(super) struct Outcome {
    pub(super) file: PathBuf,
    pub(super) reconstruction: Reconstruction,
}

/// What is looked at beside a dataset.
pub(super) enum Run {
    Training(Box<Training>),
    Iterative(Box<Iterative>),
    Result(Box<Outcome>),
}

/// What is looked at.
pub(super) struct Subject {
    pub(super) path: PathBuf,
    /// The dataset, or that of the run; of a run whose data are gone, why there is none.
    pub(super) scan: std::result::Result<Scan, String>,
    pub(super) run: Option<Run>,
}

impl Subject {
    /// A dataset that was read before.
    pub(super) fn of_scan(scan: Scan) -> Self {
        Self {
            path: scan.path.clone(),
            scan: Ok(scan),
            run: None,
        }
    }

    /// Read a dataset, a run folder or a reconstruction.
    pub(super) fn open(path: &Path, monitor: &dyn Monitor<()>) -> Result<Self> {
        if path.is_dir() {
            return Self::of_folder(path, monitor);
        }
        let archive = Archive::open(path);
        if archive.is_ok_and(|archive| archive.has("reconstructed_object")) {
            return Self::of_result(path, monitor);
        }
        Ok(Self::of_scan(Scan::open(path, monitor)?))
    }

    fn of_folder(folder: &Path, monitor: &dyn Monitor<()>) -> Result<Self> {
        let manifest = folder.join("manifest.json");
        if !manifest.is_file() {
            return Err(no_run(folder));
        }
        let training = TrainManifest::read(&manifest);
        if let Ok(manifest) = training {
            let inputs = manifest.inputs.iter();
            let input = inputs.clone().find(|input| input.role == "train");
            let sha256 = input.map(|input| input.input.content_sha256.as_str());
            let recorded = input.and_then(|input| input.input.path.as_deref());
            let path = recorded.unwrap_or(&manifest.task.train);
            let scan = data_of_run(Some(path), sha256, monitor)?;
            let history = read_json(&folder.join("history.json"));
            return Ok(Self {
                path: folder.to_path_buf(),
                scan,
                run: Some(Run::Training(Box::new(Training {
                    folder: folder.to_path_buf(),
                    manifest,
                    history,
                }))),
            });
        }
        let run = RunFolder::open(folder)?;
        // Either error may be the right one; that of a training says what kind of manifest it is.
        let manifest = run.manifest().map_err(|error| match training {
            Err(Error::Refused(problem)) if !problem.found.contains("another run") => {
                Error::Refused(problem)
            }
            _ => error,
        })?;
        let input = &manifest.input;
        let sha256 = Some(input.content_sha256.as_str());
        let scan = data_of_run(input.path.as_deref(), sha256, monitor)?;
        let history = read_json(&run.history_file());
        Ok(Self {
            path: folder.to_path_buf(),
            scan,
            run: Some(Run::Iterative(Box::new(Iterative {
                folder: run,
                manifest,
                history,
            }))),
        })
    }

    fn of_result(path: &Path, monitor: &dyn Monitor<()>) -> Result<Self> {
        let reconstruction = Reconstruction::load(path)?;
        let input = &reconstruction.provenance["input"];
        let data = input["path"].as_str().map(|name| named_by(path, name));
        let sha256 = input["content_sha256"].as_str();
        let scan = data_of_run(data.as_deref(), sha256, monitor)?;
        Ok(Self {
            path: path.to_path_buf(),
            scan,
            run: Some(Run::Result(Box::new(Outcome {
                file: path.to_path_buf(),
                reconstruction,
            }))),
        })
    }

    /// The dataset, where it can be used.
    pub(super) fn dataset(&self) -> Option<&Arc<Dataset>> {
        self.scan.as_ref().ok()?.dataset.as_ref()
    }
}

/// The data that a run was given, if they are still what they were.
fn data_of_run(
    path: Option<&Path>,
    sha256: Option<&str>,
    monitor: &dyn Monitor<()>,
) -> Result<std::result::Result<Scan, String>> {
    let Some(path) = path else {
        return Ok(Err("the run does not name a file with its data".to_owned()));
    };
    let file = path.display();
    if !path.is_file() {
        return Ok(Err(format!("the data of the run are gone: {file}")));
    }
    let scan = Scan::open(path, monitor)?;
    let found = scan
        .dataset
        .as_ref()
        .map(|dataset| dataset.content_sha256());
    match (sha256, found) {
        (Some(recorded), Some(found)) if recorded != found => Ok(Err(format!(
            "the data have changed since the run: {file} now holds other content"
        ))),
        _ => Ok(Ok(scan)),
    }
}

fn read_json<T: serde::de::DeserializeOwned>(file: &Path) -> std::result::Result<T, String> {
    let text = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn no_run(folder: &Path) -> Error {
    let fix = if folder.join("run_manifest.json").is_file() {
        "give one of the generated files, as dose_1000/train.npz"
    } else {
        "give an NPZ file, or the folder of a training or a reconstruction"
    };
    Error::Refused(Box::new(Problem {
        attempted: "diagnose".to_owned(),
        file: Some(folder.to_path_buf()),
        expected: "a dataset or a run folder with manifest.json".to_owned(),
        found: "a folder without".to_owned(),
        fix: fix.to_owned(),
        ..Problem::default()
    }))
}
