//! Execute one generation: training and test sets at every dose, with manifest, summary and log.
//!
//! ```text
//! DIR/run_manifest.json  summary.md  dataset_generation.log
//! DIR/dose_1000/train.npz  test.npz  [stages/1_simulated.npz  2_canonical.npz  3_patches.npz]
//! ```

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::job::Monitor;
use crate::sim::leak::Leak;
use crate::sim::{SceneSettings, SimulationSettings, SplitSettings};

/// One generation, self-contained: everything that decides the result stands here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateTask {
    /// Object, probe, scan.
    pub scene: SceneSettings,
    /// Photons a pattern, one dataset pair for each.
    pub doses: Vec<f64>,
    /// How patterns are simulated and stored.
    pub simulation: SimulationSettings,
    /// How training and test set are told apart.
    pub split: SplitSettings,
    /// The folder that gets it all.
    pub output: PathBuf,
    /// Threads; 0 = one for each core. The result does not depend on it.
    pub n_threads: usize,
}

impl Default for GenerateTask {
    fn default() -> Self {
        Self {
            scene: SceneSettings::default(),
            doses: vec![1e3, 1e4, 1e5],
            simulation: SimulationSettings::default(),
            split: SplitSettings::default(),
            output: PathBuf::from("datasets"),
            n_threads: 0,
        }
    }
}

/// A task that is ready to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its word, as `dose-sweep`.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 2] = [
        Self {
            name: "dose-sweep",
            doc: "1e3, 1e4 and 1e5 photons, 10,304 patterns of 128x128 on a 464x464 object, split in halves",
        },
        Self {
            name: "dose-response",
            doc: "1e9 against 1e4 photons, 2000 training and 128 test patterns of 64x64 on a 192x192 object, the test set \
                  a scan of its own",
        },
    ];

    /// The task, to be written to `datasets/<name>`.
    pub fn task(self) -> GenerateTask {
        unimplemented!("presets")
    }
}

/// The stages, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Forward model and photon noise.
    Simulate,
    /// Order, names and types of the contract.
    Canonicalise,
    /// The object patch of every pattern.
    Patches,
    /// Training and test set.
    Split,
    /// Both halves against contract and design.
    Validate,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 5] = [
        Self::Simulate,
        Self::Canonicalise,
        Self::Patches,
        Self::Split,
        Self::Validate,
    ];
}

/// Where a stage of one dose stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Not yet begun; of an earlier result that no longer fits: stale.
    #[default]
    Waiting,
    /// Its share that is done, 0 to 1.
    Running(f64),
    /// Done, or done before with the same inputs.
    Done {
        /// Whether nothing had to be done.
        is_unchanged: bool,
        /// Seconds of its own work.
        seconds: f64,
    },
    /// Not asked for.
    Skipped,
    /// It failed, with the message.
    Failed(String),
}

/// What a window shows of a running generation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GenerateSnapshot {
    /// For each dose the states of the five stages, in order.
    pub doses: Vec<(f64, [StageState; 5])>,
}

/// What will be written, before it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GeneratePlan {
    /// The doses, and for each the stages that have to run (the others are unchanged).
    pub doses: Vec<PlannedDose>,
    /// Bytes that will be written.
    pub bytes: u64,
    /// Bytes free where they go, where that can be known.
    pub free_bytes: Option<u64>,
    /// Rough time on this machine.
    pub seconds: f64,
    /// Positions whose patch leaves the object.
    pub n_outside: usize,
    /// What is worth knowing before the run, in words.
    pub warnings: Vec<String>,
}

/// One dose of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlannedDose {
    /// Photons a pattern.
    pub photons: f64,
    /// Its folder.
    pub folder: PathBuf,
    /// Patterns in the training set.
    pub n_train: usize,
    /// Patterns in the test set.
    pub n_test: usize,
    /// Patterns in the guard band.
    pub n_guarded: usize,
    /// What both halves see.
    pub leak: Leak,
    /// Stages that have to run.
    pub stages: Vec<Stage>,
    /// Whether there is an earlier result that no longer fits.
    pub is_stale: bool,
}

/// A file that was written, or found unchanged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of its arrays' content, as [`crate::data::Dataset::content_sha256`].
    pub sha256: String,
}

/// What one dose yielded; the fields of `simulate --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DoseOutcome {
    /// Photons a pattern that were asked for.
    pub photons_requested: f64,
    /// Mean photons a pattern that were drawn, over the simulated scan.
    pub photons_measured: f64,
    /// Object pixels that both halves see.
    pub leak_px: usize,
    /// The same as per cent of what the test half sees.
    pub leak_percent: f64,
    /// Seconds for this dose in all.
    pub seconds: f64,
    /// Patterns a second of stage 1 alone.
    pub patterns_per_s: f64,
    /// What was written.
    pub files: Vec<WrittenFile>,
}

/// What a generation yields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerateOutcome {
    /// One for each dose, in the order asked for.
    pub doses: Vec<DoseOutcome>,
}

/// Pre-flight: what would be written, how large, how long, and what stands in the way.
///
/// # Errors
/// As [`generate`], without writing anything.
pub fn plan(task: &GenerateTask) -> Result<GeneratePlan> {
    let _ = task;
    unimplemented!("plan")
}

/// Generate the datasets; a dose's files appear together when all its stages have passed, or not at all.
///
/// # Errors
/// [`crate::Error::Invalid`] for a task that cannot work; [`crate::Error::Io`]; [`crate::Error::Cancelled`].
pub fn generate(
    task: &GenerateTask,
    monitor: &dyn Monitor<GenerateSnapshot>,
) -> Result<GenerateOutcome> {
    let _ = (task, monitor);
    unimplemented!("generate")
}
