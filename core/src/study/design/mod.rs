//! A study as written: one TOML file that decides everything.
//!
//! | table | content |
//! |---|---|
//! | `schema`, `name`, `notes`, `doses`, `base` | number of this schema, name of the run folder, words, photons a pattern, an NPZ in place of object and probe |
//! | `[seeds]` | every seed, by purpose |
//! | `[object]` `[probe]` `[scan]` `[simulation]` `[split]` | how datasets are made |
//! | `[[views]]` `[groups]` `[spacing]` | overlap views beside the full set |
//! | `[[trainings]]` `[training]` `[inference]` | networks: which, and how |
//! | `[[engines]]` `[engines.settings]` `[iterative]` | iterative reconstructions: which, what an arm has of its own, and how |
//! | `[comparison]` `[comparison.how]` | how all is compared |
//! | `[figure]` `[figure.style]` | the figure |
//! | `scenarios` | ready diagnostic scenarios |
//!
//! Fields that one place decides for all stand there alone: seeds in `[seeds]`; model, loss and gridsize in `[[trainings]]`.

mod arm;
mod check;
mod matrix;
mod problem;
mod read;
mod schema;
mod template;
mod write;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::grouping::{GroupSettings, SpacingSettings, View};
pub use crate::iterative::EngineKind;
use crate::iterative::IterativeSettings;
use crate::metrics::settings::CompareSettings;
use crate::nn::TrainSettings;
use crate::nn::infer::InferSettings;
use crate::nn::settings::{Loss, Model};
use crate::sim::{ObjectSettings, ProbeSettings, ScanSettings, SimulationSettings, SplitSettings};
use crate::study::panels::FigureDesign;

pub use arm::OwnSettings;
pub use problem::StudyProblem;
pub use schema::Section;
pub use template::Template;

/// The schema number of study files.
pub const SCHEMA: u32 = 1;
/// The name of the view that keeps every pattern; it needs no entry in `[[views]]`.
pub const FULL: &str = "full";
/// The arm of the supervised baseline.
pub const BASELINE: &str = "baseline";

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
    /// Name of the arm in results, tables and figure, by which two arms of one engine are told apart; the engine's where
    /// there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Views that are reconstructed.
    #[serde(default = "full")]
    pub views: Vec<String>,
    /// What differs from the study's settings of iterative engines.
    #[serde(default, skip_serializing_if = "OwnSettings::is_empty")]
    pub settings: OwnSettings,
}

impl Engines {
    /// An arm of that engine on the full set, with its name and the study's settings.
    pub fn new(engine: EngineKind) -> Self {
        Self {
            engine,
            name: None,
            views: full(),
            settings: OwnSettings::default(),
        }
    }
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
    /// How the iterative engines reconstruct.
    pub iterative: IterativeSettings,
    /// How all is compared.
    pub comparison: ComparisonDesign,
    /// The figure.
    pub figure: FigureDesign,
}

impl Default for Study {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            name: "study".to_owned(),
            notes: String::new(),
            doses: Vec::new(),
            base: None,
            scenarios: Vec::new(),
            seeds: Seeds::default(),
            object: ObjectSettings::default(),
            probe: ProbeSettings::default(),
            scan: ScanSettings::default(),
            simulation: SimulationSettings::default(),
            split: SplitSettings::default(),
            views: Vec::new(),
            groups: GroupSettings::default(),
            spacing: SpacingSettings::default(),
            trainings: Vec::new(),
            training: TrainSettings::default(),
            inference: InferSettings::default(),
            engines: Vec::new(),
            iterative: IterativeSettings::default(),
            comparison: ComparisonDesign::default(),
            figure: FigureDesign::default(),
        }
    }
}

impl Study {
    /// Read a study file.
    ///
    /// # Errors
    /// [`crate::Error::Io`]; [`crate::Error::Refused`] as [`Study::parse`], with the file.
    pub fn load(file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file).map_err(Error::io("read the study", file))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
                .split(|byte| *byte == b'\n')
                .count();
            let attempted = format!("read the study, line {line}");
            Error::Refused(Box::new(crate::error::Problem {
                attempted,
                file: Some(file.to_path_buf()),
                expected: "text in UTF-8".to_owned(),
                found: "other bytes".to_owned(),
                fix: "store the file as UTF-8".to_owned(),
                ..crate::error::Problem::default()
            }))
        })?;
        Self::parse(&text).map_err(|error| error.with_file(file))
    }

    /// Read the text of a study file and check it.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with line, key, what was expected and found; for an unknown key the nearest name. It is the
    /// first one; [`problems`] tells all.
    pub fn parse(text: &str) -> Result<Self> {
        read::read(text).map_err(|problems| {
            let mut problems = problems.into_iter();
            match problems.next() {
                Some(first) => first.into_error(&problems.collect::<Vec<_>>()),
                None => Error::Run("the study cannot be read".to_owned()),
            }
        })
    }

    /// The study as text, every default visible, each field with what it means in a comment.
    ///
    /// [`Study::parse`] of it is the same study; comments and order of a text that was read are not kept.
    pub fn text(&self) -> String {
        write::write(self)
    }

    /// Whether all fits together, whatever the data: ranges, names, views that trainings name.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] whose key is the path of the field, as `training.epochs`.
    pub fn check(&self) -> Result<()> {
        match check::findings(self).into_iter().next() {
            Some(finding) => Err(finding.into_error()),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with the text of a study file, by line; none of one that [`Study::parse`] takes.
pub fn problems(text: &str) -> Vec<StudyProblem> {
    read::read(text).err().unwrap_or_default()
}
