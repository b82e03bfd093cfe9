//! Small studies from end to end, stage by stage: does the whole chain work, and if not, where does it break first?
//!
//! | scenario | probe | patterns simulated | groups | batch |
//! |---|---|---|---|---|
//! | `gs1_ideal` | the idealised disk | 512 | 256 of 1 | 8 |
//! | `gs1_custom` | a defocused lens | 512 | 256 of 1 | 8 |
//! | `gs2_ideal` | the idealised disk | 256 | 128 of 4 out of K = 4 | 4 |
//! | `gs2_custom` | a defocused lens | 256 | 128 of 4 out of K = 4 | 4 |
//!
//! Half of the patterns, a scan of its own, trains; the other half, a second scan of the same object, tests. Networks have a
//! filters scale of 1.

mod stages;
mod tasks;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use super::table::{Cell, Draft};
use super::{DiagnoseSettings, Part, Report, Section, Verdict, beside};
use crate::error::{Error, Result};
use crate::job::Monitor;
use crate::sim::SplitSettings;
use crate::sim::scan::ScanKind;
use crate::study::generate::generate;

use self::stages::{Stage, Trial};

/// One of the ready scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// Single patterns, the idealised disk.
    Gs1Ideal,
    /// Single patterns, a defocused lens.
    Gs1Custom,
    /// Groups of four, the idealised disk.
    Gs2Ideal,
    /// Groups of four, a defocused lens.
    Gs2Custom,
}

impl Scenario {
    /// Every scenario.
    pub const ALL: [Self; 4] = [
        Self::Gs1Ideal,
        Self::Gs1Custom,
        Self::Gs2Ideal,
        Self::Gs2Custom,
    ];

    /// Its word, as `gs1_ideal`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gs1Ideal => "gs1_ideal",
            Self::Gs1Custom => "gs1_custom",
            Self::Gs2Ideal => "gs2_ideal",
            Self::Gs2Custom => "gs2_custom",
        }
    }

    /// Patterns along a side of a group.
    pub fn gridsize(self) -> usize {
        match self {
            Self::Gs1Ideal | Self::Gs1Custom => 1,
            Self::Gs2Ideal | Self::Gs2Custom => 2,
        }
    }

    fn is_ideal(self) -> bool {
        matches!(self, Self::Gs1Ideal | Self::Gs2Ideal)
    }
}

/// What a scenario is run on, and where its files go.
#[derive(Clone, Debug, Default)]
pub struct ScenarioOptions {
    /// A dataset in place of a simulated one: it is trained on and reconstructed.
    pub data: Option<PathBuf>,
    /// NPZ whose `objectGuess` is the object of all scenarios and whose `probeGuess` is the probe of the custom ones.
    pub base: Option<PathBuf>,
    /// Folder that keeps the files, a folder for each scenario; without one they are removed at the end.
    pub folder: Option<PathBuf>,
    /// Threads; 0 = one for each core.
    pub n_threads: usize,
}

/// One stage that was run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageOutcome {
    /// `generate`, `validate`, `group`, `train`, `infer` or `compare`.
    pub stage: &'static str,
    /// Whether it did what it should.
    pub passes: bool,
    /// What came out of it, or why it failed.
    pub words: String,
    /// How long it took.
    pub seconds: f64,
}

/// How a scenario went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScenarioOutcome {
    /// The scenario.
    pub scenario: Scenario,
    /// Whether every stage passed.
    pub passes: bool,
    /// The first stage that failed.
    pub failed_stage: Option<&'static str>,
    /// Why.
    pub cause: Option<String>,
    /// The stages that were run: none after one that failed.
    pub stages: Vec<StageOutcome>,
    /// Seconds in all.
    pub seconds: f64,
}

impl ScenarioOutcome {
    /// As a table of a report.
    pub fn section(&self) -> Section {
        let heads = [
            ("passes", "passes"),
            ("seconds", "seconds"),
            ("words", "what came out"),
        ];
        let mut draft = Draft::new("scenario", "Scenario", &heads);
        draft.of = "stage";
        for stage in &self.stages {
            let cells = [
                Cell::yes_or_no(stage.passes),
                Cell::number((stage.seconds * 100.0).round() / 100.0),
                Cell::words(stage.words.clone()),
            ];
            draft.row(stage.stage, stage.stage, cells);
        }
        if let (Some(stage), Some(cause)) = (self.failed_stage, &self.cause) {
            draft.find(Verdict::Bad, format!("FAIL in the stage {stage}: {cause}"));
        }
        draft.good = format!("PASS in {:.1} s.", self.seconds).into();
        let name = self.scenario.name();
        Section {
            key: name.to_owned(),
            title: format!("Scenario {name}"),
            ..draft.section()
        }
    }
}

/// Scenarios as a report: a table for each.
pub fn report(outcomes: &[ScenarioOutcome]) -> Report {
    Report::new(
        Vec::new(),
        outcomes.iter().map(ScenarioOutcome::section).collect(),
    )
}

/// Run one scenario, stage by stage, up to the first that fails.
///
/// # Errors
/// [`Error::Cancelled`]; [`Error::Io`] if there is no folder for its files. A stage that fails is an outcome.
pub fn scenario(
    scenario: Scenario,
    options: &ScenarioOptions,
    monitor: &dyn Monitor<()>,
) -> Result<ScenarioOutcome> {
    let started = Instant::now();
    let folder = Folder::new(options.folder.as_deref(), scenario.name())?;
    let mut trial = Trial::new(scenario, options, folder.path());
    let mut stages = Vec::new();
    for (index, stage) in Stage::ALL.into_iter().enumerate() {
        let part = Part {
            monitor,
            index,
            n_parts: Stage::ALL.len(),
        };
        part.begin();
        let began = Instant::now();
        let done = trial.run(stage, &part);
        if monitor.stop().is_requested() || matches!(done, Err(Error::Cancelled)) {
            return Err(Error::Cancelled);
        }
        let passes = done.is_ok();
        stages.push(StageOutcome {
            stage: stage.word(),
            passes,
            words: done.unwrap_or_else(|error| error.to_string()),
            seconds: began.elapsed().as_secs_f64(),
        });
        if !passes {
            break;
        }
    }
    let failed = stages.iter().find(|stage| !stage.passes);
    Ok(ScenarioOutcome {
        scenario,
        passes: failed.is_none(),
        failed_stage: failed.map(|stage| stage.stage),
        cause: failed.map(|stage| stage.words.clone()),
        stages,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// A raster beside a random scan of the same object with the same seeds: what a grid alone changes.
///
/// # Errors
/// What generating and [`beside`] yield.
pub fn raster_vs_random(
    settings: &DiagnoseSettings,
    options: &ScenarioOptions,
    monitor: &dyn Monitor<()>,
) -> Result<Report> {
    let folder = Folder::new(options.folder.as_deref(), "raster_vs_random")?;
    let part = |index| Part {
        monitor,
        index,
        n_parts: 3,
    };
    let mut files = Vec::new();
    for (index, (kind, name)) in [(ScanKind::Raster, "raster"), (ScanKind::Random, "random")]
        .into_iter()
        .enumerate()
    {
        let mut task = tasks::generation(Scenario::Gs2Ideal, folder.path().join(name));
        task.scene.scan.scan = kind;
        // A second raster would lie on the first: the halves of one scan train and test.
        task.scene.scan.positions += task.split.test_positions;
        task.split = SplitSettings::default();
        task.n_threads = options.n_threads;
        generate(&task, &part(index))?;
        files.push(task.dose_folder(tasks::PHOTONS).join("train.npz"));
    }
    let report = beside(&files[0], &files[1], settings, &part(2))?;
    if options.folder.is_some() {
        return Ok(report);
    }
    // Names of files that are gone tell nothing.
    Ok(Report {
        subjects: vec!["raster scan".into(), "random scan".into()],
        ..report
    })
}

/// Where the files of a scenario go.
enum Folder {
    Kept(PathBuf),
    Passing(tempfile::TempDir),
}

impl Folder {
    fn new(kept: Option<&Path>, name: &str) -> Result<Self> {
        match kept {
            Some(folder) => Ok(Self::Kept(folder.join(name))),
            None => tempfile::tempdir()
                .map(Self::Passing)
                .map_err(Error::io("make a folder for the scenario", Path::new(name))),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Passing(folder) => folder.path(),
        }
    }
}
