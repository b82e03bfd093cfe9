//! A study as written: one TOML file that decides everything.
//!
//! | table | content |
//! |---|---|
//! | `schema`, `name`, `notes`, `doses`, `base` | number of this schema, name of the run folder, words, photons a pattern, an NPZ in place of object and probe |
//! | `[seeds]` | every seed, by purpose |
//! | `[object]` `[probe]` `[scan]` `[simulation]` `[split]` | how datasets are made |
//! | `[[views]]` `[groups]` `[spacing]` | overlap views beside the full set |
//! | `[[trainings]]` `[training]` `[inference]` | networks: which, and how |
//! | `[[engines]]` `[lsqml]` | iterative reconstructions: which, and how |
//! | `[comparison]` `[comparison.how]` | how all is compared |
//! | `[figure]` `[figure.style]` | the figure |
//! | `scenarios` | ready diagnostic scenarios |
//!
//! Fields that one place decides for all stand there alone: seeds in `[seeds]`; model, loss and gridsize in `[[trainings]]`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::grouping::{GroupSettings, SpacingSettings, View};
use crate::iterative::LsqmlSettings;
use crate::metrics::settings::CompareSettings;
use crate::nn::TrainSettings;
use crate::nn::infer::InferSettings;
use crate::nn::settings::{Loss, Model};
use crate::sim::{ObjectSettings, ProbeSettings, ScanSettings, SimulationSettings, SplitSettings};
use crate::study::panels::FigureDesign;

/// The schema number of study files.
pub const SCHEMA: u32 = 1;
/// The name of the view that keeps every pattern; it needs no entry in `[[views]]`.
pub const FULL: &str = "full";

crate::field_table! {
    /// Every seed of a study, by purpose.
    pub struct Seeds {
        /// Object, positions and photon noise.
        simulation: u64 = 42, basic;
        /// Positions and noise of a second scan that tests.
        test_scan: u64 = 1, basic;
        /// Groups and order of overlap views.
        views: u64 = 123, basic;
        /// Weights, groups, validation split and batches of trainings.
        training: u64 = 0, basic;
        /// Groups of inference.
        inference: u64 = 0, basic;
        /// Batches and added probe modes of iterative engines.
        iterative: u64 = 0, basic;
    }
}

crate::field_choice! {
    /// An iterative engine.
    pub enum EngineKind {
        /// Least-squares maximum likelihood, as pty-chi's.
        Lsqml = "lsqml",
    }
}

/// Networks of one kind: one for each loss, gridsize, view and dose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trainings {
    /// Which network.
    pub model: Model,
    /// Losses; of the baseline one, which is not looked at.
    #[serde(default = "nll")]
    pub losses: Vec<Loss>,
    /// Patterns along a side of a group; of the baseline 1.
    pub gridsizes: Vec<usize>,
    /// Views that are trained on.
    #[serde(default = "full")]
    pub views: Vec<String>,
}

fn nll() -> Vec<Loss> {
    vec![Loss::Nll]
}

fn full() -> Vec<String> {
    vec![FULL.to_owned()]
}

/// Iterative reconstructions of one kind: one for each view and dose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engines {
    /// Which engine.
    pub engine: EngineKind,
    /// Views that are reconstructed.
    #[serde(default = "full")]
    pub views: Vec<String>,
}

crate::field_choice! {
    /// A half of a generated dataset.
    pub enum Split {
        /// What networks are trained on.
        Train = "train",
        /// What they have not seen.
        Test = "test",
    }
}

/// How arms are compared with the truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ComparisonDesign {
    /// The splits whose reconstructions are compared.
    pub splits: Vec<Split>,
    /// The region, as `compare --region` takes it.
    pub region: String,
    /// All else.
    pub how: CompareSettings,
}

impl Default for ComparisonDesign {
    fn default() -> Self {
        Self {
            splits: vec![Split::Test],
            region: "auto".to_owned(),
            how: CompareSettings::default(),
        }
    }
}

/// A study as written, every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Study {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Name of the study and of its run folder: letters, digits, - and _.
    pub name: String,
    /// What it is for, in words; part of the summary, of no hash.
    pub notes: String,
    /// Photons a pattern, one dataset pair for each.
    pub doses: Vec<f64>,
    /// NPZ whose `objectGuess` and `probeGuess` stand in for object and probe; relative to the study file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<PathBuf>,
    /// Ready diagnostic scenarios by name, run beside everything else.
    pub scenarios: Vec<String>,
    /// Every seed.
    pub seeds: Seeds,
    /// Object.
    pub object: ObjectSettings,
    /// Probe.
    pub probe: ProbeSettings,
    /// Positions.
    pub scan: ScanSettings,
    /// How patterns are simulated and stored.
    pub simulation: SimulationSettings,
    /// How training and test set are told apart.
    pub split: SplitSettings,
    /// Overlap views beside [`FULL`].
    pub views: Vec<View>,
    /// How groups of views are formed.
    pub groups: GroupSettings,
    /// How views are thinned.
    pub spacing: SpacingSettings,
    /// Networks.
    pub trainings: Vec<Trainings>,
    /// How networks are made and trained.
    pub training: TrainSettings,
    /// How trained networks reconstruct.
    pub inference: InferSettings,
    /// Iterative reconstructions.
    pub engines: Vec<Engines>,
    /// How LSQML reconstructs.
    pub lsqml: LsqmlSettings,
    /// How all is compared.
    pub comparison: ComparisonDesign,
    /// The figure.
    pub figure: FigureDesign,
}

impl Default for Study {
    fn default() -> Self {
        unimplemented!("design")
    }
}

impl Study {
    /// Read a study file.
    ///
    /// # Errors
    /// [`crate::Error::Io`]; [`crate::Error::Refused`] as [`Study::parse`], with the file.
    pub fn load(file: &Path) -> Result<Self> {
        let _ = file;
        unimplemented!("design")
    }

    /// Read the text of a study file and check it.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with line, key, what was expected and found; for an unknown key the nearest name.
    pub fn parse(text: &str) -> Result<Self> {
        let _ = text;
        unimplemented!("design")
    }

    /// The study as text, every default visible, each field with what it means in a comment.
    pub fn text(&self) -> String {
        unimplemented!("design")
    }

    /// Whether all fits together, whatever the data: ranges, names, views that trainings name.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] whose key is the path of the field, as `training.epochs`.
    pub fn check(&self) -> Result<()> {
        unimplemented!("design")
    }
}

/// A ready study of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its word, as `dose-response`.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Its file, as in `resources/studies`.
    pub text: &'static str,
}

impl Template {
    /// Every template.
    pub const ALL: [Self; 0] = [];

    /// The template of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.name == name)
    }
}
