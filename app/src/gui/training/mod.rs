//! The trainings of this window: the one that is being set up, those that wait, run or have ended, their bundles.

pub mod arm;
pub mod bundles;
pub mod command_line;
pub mod curves;
pub mod inference;
pub mod plan;
pub mod preflight;
pub mod sets;
pub mod shown;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ptycho_core::compute::DeviceChoice;
use ptycho_core::fields::FieldValue as _;
use ptycho_core::nn::{Model, TrainSettings};
use ptycho_core::study::train::TrainTask;

use self::inference::full;

pub use self::arm::{Arm, ArmState, KeptRun};
pub use self::bundles::{BundleRead, BundleState};
pub use self::inference::{InferDraft, Inference};
pub use self::plan::{Loaded, PlanProblem, Planned, Request};
pub use self::shown::{ShownInference, ShownPreview, ShownTraining};
use super::document::Scan;

/// Where the demonstration scan is kept under the runs folder, once it is trained on.
pub const DEMONSTRATION_FILE: &str = "demonstration.npz";

/// Where a run folder keeps what a training goes on from.
const CHECKPOINT_FOLDER: &str = "checkpoint";

/// What a user chooses, and what can be undone.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainDraft {
    /// Whether the open scan is trained on, not a file of its own.
    pub is_of_scan: bool,
    /// That file, as typed.
    pub train: String,
    /// Validation data as typed; empty keeps groups of the training data for it.
    pub validation: String,
    pub settings: TrainSettings,
    pub device: DeviceChoice,
    /// The run folder as typed; none is found by [`Training::output`].
    pub output: Option<String>,
}

impl Default for TrainDraft {
    fn default() -> Self {
        Self {
            is_of_scan: true,
            train: String::new(),
            validation: String::new(),
            settings: TrainSettings::default(),
            device: DeviceChoice::default(),
            output: None,
        }
    }
}

/// What the train view is about.
#[derive(Default)]
pub struct Training {
    pub draft: TrainDraft,
    /// The folder under which runs are kept, as a full path.
    pub runs: PathBuf,
    pub planned: Option<Arc<Planned>>,
    /// In the order in which they were asked for.
    pub arms: Vec<Arm>,
    /// The arm that is looked at.
    pub chosen: usize,
    /// Epochs in all up to which Resume goes.
    pub resume_epochs: usize,
    pub bundles: BTreeMap<PathBuf, BundleState>,
    pub inference: Inference,
    /// Counts previews of all arms.
    pub revision: u64,
    next_arm: usize,
    asked: Option<Request>,
    loaded: Vec<Loaded>,
}

impl Training {
    /// Take settings that were there before.
    pub fn set_draft(&mut self, draft: TrainDraft) {
        self.draft = draft;
    }

    /// The training file: the open scan's, or as typed. A scan that is only in memory gets one under the runs folder.
    pub fn train(&self, scan: &Scan) -> Option<PathBuf> {
        if !self.draft.is_of_scan {
            return full(&self.draft.train);
        }
        if scan.is_in_memory() {
            return Some(self.runs.join(DEMONSTRATION_FILE));
        }
        scan.path().cloned()
    }

    /// Whether the training data are only in memory, so that they have to be written first.
    pub fn is_in_memory(&self, scan: &Scan) -> bool {
        self.draft.is_of_scan && scan.is_in_memory()
    }

    /// The name of a run with these settings, as `1e3_dense_pinn_nll_g2_seed0`.
    pub fn run_name(&self, train: &Path) -> String {
        let settings = &self.draft.settings;
        let data = sets::data_name(train);
        let model = settings.model.to_value();
        let seed = settings.seed;
        match settings.model {
            Model::Pinn => {
                let loss = settings.loss.to_value();
                format!("{data}_{model}_{loss}_g{}_seed{seed}", settings.gridsize)
            }
            Model::Baseline => format!("{data}_{model}_seed{seed}"),
        }
    }

    /// The run folder as a full path: as typed, else one under the runs folder that is not there yet.
    pub fn output(&self, scan: &Scan) -> Option<PathBuf> {
        if let Some(typed) = &self.draft.output {
            return full(typed);
        }
        let name = self.run_name(&self.train(scan)?);
        let is_free = |folder: &PathBuf| !self.is_claimed(folder) && !folder.exists();
        let first = self.runs.join(&name);
        if is_free(&first) {
            return Some(first);
        }
        (2..10_000)
            .map(|i| self.runs.join(format!("{name}_{i}")))
            .find(is_free)
    }

    /// Whether a training of this window has, or will have, this folder.
    pub fn is_claimed(&self, folder: &Path) -> bool {
        self.arms
            .iter()
            .any(|arm| arm.folder() == folder && arm.state != ArmState::Dropped)
    }

    /// What would run.
    pub fn task(&self, scan: &Scan, n_threads: usize) -> Option<TrainTask> {
        Some(TrainTask {
            output: self.output(scan)?,
            ..self.planned_task(scan, n_threads)?
        })
    }

    /// The same but for the run folder.
    fn planned_task(&self, scan: &Scan, n_threads: usize) -> Option<TrainTask> {
        Some(TrainTask {
            train: self.train(scan)?,
            validation: full(&self.draft.validation),
            settings: self.draft.settings.clone(),
            n_threads,
            device: self.draft.device,
            output: PathBuf::new(),
            resume: false,
            time_limit_s: None,
        })
    }

    /// What a pre-flight is to be about now; none while there are no data.
    pub fn request(&self, scan: &Scan, n_threads: usize) -> Option<Request> {
        if self.draft.is_of_scan && scan.dataset.is_none() {
            return None;
        }
        Some(Request {
            task: self.planned_task(scan, n_threads)?,
            scan: self.draft.is_of_scan.then_some(scan.id),
        })
    }

    /// The newest settings and what is known of their files, if the last ones that were asked for differ.
    pub fn take_request(
        &mut self,
        scan: &Scan,
        n_threads: usize,
    ) -> Option<(Request, Vec<Loaded>)> {
        let wanted = self.request(scan, n_threads);
        if self.asked == wanted {
            return None;
        }
        self.asked.clone_from(&wanted);
        if wanted.is_none() {
            self.planned = None;
        }
        Some((wanted?, self.loaded.clone()))
    }

    /// Take a plan; one of other data than those wanted now is shown until its follower comes.
    pub fn take_plan(&mut self, planned: Planned) {
        self.loaded.clone_from(&planned.loaded);
        self.planned = Some(Arc::new(planned));
    }

    /// A plan that failed in an unforeseen way.
    pub fn plan_failed(&mut self, words: String) {
        if let Some(request) = self.asked.clone() {
            self.planned = Some(Arc::new(Planned {
                request,
                plan: Err(PlanProblem { field: None, words }),
                loaded: Vec::new(),
                free_bytes: None,
            }));
        }
    }

    /// Plan again: files may hold something else now.
    pub fn look_again(&mut self) {
        self.asked = None;
    }

    /// Whether the plan is of the settings as they stand.
    pub fn is_plan_current(&self, scan: &Scan, n_threads: usize) -> bool {
        let request = self.planned.as_ref().map(|planned| &planned.request);
        request.is_some() && request == self.request(scan, n_threads).as_ref()
    }

    /// What stands in the way of the settings as they stand, if that is known.
    pub fn problem(&self) -> Option<&PlanProblem> {
        self.planned.as_ref()?.plan.as_ref().err()
    }

    /// Another arm, with a number and a name of its own; its job's number follows.
    pub fn add_arm(&mut self, task: TrainTask) -> usize {
        let plan = self.planned.as_ref();
        let plan = plan.and_then(|planned| planned.plan.as_ref().ok()).cloned();
        let folder = task.output.file_name().unwrap_or_default();
        let name = folder.to_string_lossy().into_owned();
        let mut unused = name.clone();
        let mut i = 2;
        while self.arms.iter().any(|arm| arm.name == unused) {
            unused = format!("{name} ({i})");
            i += 1;
        }
        self.arms.push(Arm::new(self.next_arm, unused, task, plan));
        self.next_arm += 1;
        self.arms.len() - 1
    }

    /// The arm that is looked at.
    pub fn arm(&self) -> Option<&Arm> {
        self.arms.get(self.chosen)
    }

    /// The arm of a job.
    pub fn arm_of(&mut self, job: u64) -> Option<&mut Arm> {
        self.arms.iter_mut().find(|arm| arm.job == job)
    }

    /// Look at another arm, or at none.
    pub fn choose(&mut self, index: usize) {
        self.chosen = index;
        if let Some(arm) = self.arms.get(index) {
            let done = arm.history.epochs.len();
            let epochs = arm.task.settings.epochs;
            self.resume_epochs = if done < epochs { epochs } else { done + epochs };
        }
    }

    /// Why the chosen arm cannot go on; none where it can.
    pub fn resume_problem(&self) -> Option<&'static str> {
        let Some(arm) = self.arm() else {
            return Some("Nothing was trained yet.");
        };
        if !arm.is_over() {
            return Some("This training has not ended.");
        }
        if !arm.folder().join(CHECKPOINT_FOLDER).is_dir() {
            return Some("This training has left no checkpoint.");
        }
        None
    }
}
