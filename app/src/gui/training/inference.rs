//! The reconstruction by a trained network that is being set up, runs, or was the last one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ptycho_core::compute::DeviceChoice;
use ptycho_core::nn::infer::InferSettings;
use ptycho_core::study::infer::InferTask;

use super::super::document::Scan;
use super::super::files::parse_path;
use super::sets::data_name;
use super::shown::ShownInference;

/// What a user chooses for a reconstruction by a trained network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InferDraft {
    /// The bundle, or a run folder with one, as typed.
    pub bundle: String,
    /// The data as typed; none takes what is suggested.
    pub data: Option<String>,
    /// The result as typed; none takes what is suggested.
    pub output: Option<String>,
    pub settings: InferSettings,
}

/// What the reconstruction page is about.
#[derive(Default)]
pub struct Inference {
    pub draft: InferDraft,
    /// The test set that belongs to the bundle's training set.
    pub test_set: Option<PathBuf>,
    /// The task that runs or was the last one.
    pub task: Option<InferTask>,
    pub done: Option<Arc<ShownInference>>,
    /// Counts results, so that pictures are made anew only when there is a new one.
    pub revision: u64,
    pub failed: Option<String>,
}

impl Inference {
    /// The bundle as a full path; none where none is named.
    pub fn bundle(&self) -> Option<PathBuf> {
        full(&self.draft.bundle)
    }

    /// Whether the data are those of the open scan, which is only in memory.
    pub fn is_in_memory(&self, scan: &Scan) -> bool {
        self.draft.data.is_none() && self.test_set.is_none() && scan.is_in_memory()
    }

    /// The data: as typed, else the matching test set, else the open scan.
    pub fn data(&self, scan: &Scan, runs: &Path) -> Option<PathBuf> {
        if let Some(typed) = &self.draft.data {
            return full(typed);
        }
        if let Some(test) = &self.test_set {
            return Some(test.clone());
        }
        if scan.is_in_memory() {
            return Some(runs.join(super::DEMONSTRATION_FILE));
        }
        scan.path().cloned()
    }

    /// The result: as typed, else a file in the run folder that is named after the data.
    pub fn output(&self, scan: &Scan, runs: &Path) -> Option<PathBuf> {
        if let Some(typed) = &self.draft.output {
            return full(typed);
        }
        let bundle = self.bundle()?;
        let folder = if bundle.extension().is_some() {
            bundle.parent()?.to_path_buf()
        } else {
            bundle
        };
        let data = self.data(scan, runs)?;
        let name = match data.file_stem()?.to_str()? {
            "test" => format!("{}_test", data_name(&data.with_file_name("train.npz"))),
            _ => data_name(&data),
        };
        Some(folder.join(format!("reconstruction_{name}.npz")))
    }

    /// What would run.
    ///
    /// # Errors
    /// What is missing, in words.
    pub fn task(
        &self,
        scan: &Scan,
        (runs, n_threads, device): (&Path, usize, DeviceChoice),
    ) -> Result<InferTask, String> {
        let bundle = self.bundle().ok_or("Name a bundle or a run folder.")?;
        let data = self.data(scan, runs);
        let data = data.ok_or("Name the data to reconstruct, or open a scan.")?;
        let output = self.output(scan, runs).ok_or("Name the result.")?;
        if output == data {
            return Err("The result would replace the data: choose another name.".to_owned());
        }
        Ok(InferTask {
            bundle,
            data,
            settings: self.draft.settings.clone(),
            n_threads,
            device,
            output,
        })
    }
}

/// A typed path as a full one.
pub(super) fn full(typed: &str) -> Option<PathBuf> {
    let typed = parse_path(typed);
    (!typed.as_os_str().is_empty()).then(|| std::path::absolute(&typed).unwrap_or(typed))
}
