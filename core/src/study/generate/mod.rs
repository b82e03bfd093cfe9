//! Execute one generation: training and test sets at every dose, with manifest, summary and log.
//!
//! ```text
//! DIR/run_manifest.json  summary.md  dataset_generation.log
//! DIR/dose_1000/train.npz  test.npz  [stages/2_canonical.npz  3_patches.npz]
//! ```
//!
//! Every stage has a key: the hash of its own settings and of the key of the stage before; the first one's is the hash
//! of the scene's arrays, so it does not matter where they came from. A dose whose keys and files are those of the
//! manifest is not made again. Stages 1 and 2 share an intermediate file, since the second only names and orders what the
//! first yields; a kept intermediate whose key still holds saves the stages before it.
//!
//! A dose is made in a hidden folder beside its own and moved there when it has passed validation; on any error, or a
//! stop, that folder is removed.

mod against;
mod keys;
mod make;
mod manifest;
mod plan;
mod progress;
mod run;
mod scene;
mod summary;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::compute::DeviceChoice;
use crate::fields::{AutoReal, Fields as _};
use crate::sim::leak::Leak;
use crate::sim::{ObjectSettings, ProbeSettings, ScanSettings};
use crate::sim::{SceneSettings, SimulationSettings, SplitSettings};

pub use against::check_against;
pub(in crate::study) use keys::scene_sha256;
pub use manifest::{
    DoseRecord, FileRecord, LightRecord, RunManifest, SceneRecord, SplitRecord, StageRecord,
};
pub use plan::plan;
pub(in crate::study) use plan::{pattern_s, trial_patterns, writing_s};
pub use run::generate;
pub(in crate::study) use scene::bytes_of_dose;

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
    /// Device of the forward model. Another than the CPU changes expected counts within the rounding of single precision,
    /// and with it a photon here and there.
    pub device: DeviceChoice,
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
            device: DeviceChoice::Cpu,
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
        let (object_size, n, positions, doses, split) = if self.name == "dose-response" {
            let split = SplitSettings {
                test_positions: 128,
                test_seed: 2,
                ..SplitSettings::default()
            };
            (192, 64, 2000, vec![1e9, 1e4], split)
        } else {
            let split = SplitSettings {
                guard_px: AutoReal::Given(0.0),
                ..SplitSettings::default()
            };
            (464, 128, 10_304, vec![1e3, 1e4, 1e5], split)
        };
        GenerateTask {
            scene: SceneSettings {
                object: ObjectSettings {
                    object_size,
                    ..ObjectSettings::default()
                },
                probe: ProbeSettings {
                    n,
                    ..ProbeSettings::default()
                },
                scan: ScanSettings {
                    positions,
                    ..ScanSettings::default()
                },
                ..SceneSettings::default()
            },
            doses,
            split,
            output: PathBuf::from("datasets").join(self.name),
            ..GenerateTask::default()
        }
    }

    /// The preset of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name == name)
    }
}

impl GenerateTask {
    /// The folder of a dose.
    pub fn dose_folder(&self, photons: f64) -> PathBuf {
        self.output.join(dose_name(photons))
    }

    /// Threads in number.
    pub fn threads(&self) -> usize {
        match self.n_threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n_threads => n_threads,
        }
    }

    /// The command that makes one dose of this task, without the folder and the threads, on which nothing depends.
    pub fn command(&self, photons: f64) -> String {
        let mut words = vec!["ptychobench".to_owned(), "simulate".to_owned()];
        words.extend(self.scene.flags());
        words.extend(self.simulation.flags());
        words.extend(self.split.flags());
        words.extend(["--doses".to_owned(), photons.to_string()]);
        if self.device != DeviceChoice::Cpu {
            words.extend(["--device".to_owned(), self.device.name().to_owned()]);
        }
        words.join(" ")
    }
}

/// `dose_1000`: the dose as a whole number.
pub(in crate::study) fn dose_name(photons: f64) -> String {
    format!("dose_{photons:.0}")
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
    /// Its word, as in a log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Simulate => "simulate",
            Self::Canonicalise => "canonicalise",
            Self::Patches => "patches",
            Self::Split => "split",
            Self::Validate => "validate",
        }
    }

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
