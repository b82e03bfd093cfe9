//! `diagnose` as typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ptycho_core::study::diagnose::DiagnoseSettings;
use ptycho_core::study::diagnose::scenario::Scenario;

use super::settings::Flags;

/// Find what is wrong with a dataset or a run: tables with a verdict in plain words. Of two, what differs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench diagnose scan.npz
  ptychobench diagnose scan.npz --gridsize 2 --neighbors 4 --canvas 78 -o report.md
  ptychobench diagnose runs/dose_1000
  ptychobench diagnose runs/dose_1000 runs/dose_1e9 --json
  ptychobench diagnose --scenario all
  ptychobench diagnose --scenario raster_vs_random -o pair.md

A run is the folder of a training or a reconstruction, or a file that `infer` or `reconstruct` wrote.
A scenario makes a small study, trains on it and compares the result with the truth, stage by stage; with a dataset it
does so on that dataset.
Exits with 0 where nothing is wrong, with 1 where a table is bad or a scenario fails, with 3 where the data contract
refuses the dataset.")]
pub struct DiagnoseArgs {
    /// Dataset (NPZ), run folder or reconstruction.
    #[arg(required_unless_present = "scenario")]
    pub data_or_run: Option<PathBuf>,
    /// Another one, beside which the first is put.
    #[arg(conflicts_with = "scenario")]
    pub other: Option<PathBuf>,
    #[command(flatten)]
    pub settings: Flags<DiagnoseSettings>,
    /// Run a ready scenario from end to end.
    #[arg(long, value_enum, value_name = "NAME")]
    pub scenario: Option<ScenarioChoice>,
    /// Folder that keeps the files of the scenario; without it they are removed.
    #[arg(long, value_name = "DIR", requires = "scenario")]
    pub keep: Option<PathBuf>,
    /// Threads of a scenario; 0 is one for each core.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "scenario")]
    pub threads: usize,
    /// Where to write the report: Markdown (.md), or JSON (.json).
    #[arg(short, long, value_name = "REPORT")]
    pub output: Option<PathBuf>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// What can be run from end to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum ScenarioChoice {
    /// Groups of four, the idealised disk as probe.
    Gs2Ideal,
    /// Groups of four, a defocused lens as probe.
    Gs2Custom,
    /// Single patterns, the idealised disk as probe.
    Gs1Ideal,
    /// Single patterns, a defocused lens as probe.
    Gs1Custom,
    /// All four, one after the other.
    All,
    /// A raster beside a random scan with the same seeds: what differs.
    RasterVsRandom,
}

impl ScenarioChoice {
    /// The scenarios that are meant; none for the pair of scans.
    pub fn scenarios(self) -> &'static [Scenario] {
        match self {
            Self::Gs2Ideal => &[Scenario::Gs2Ideal],
            Self::Gs2Custom => &[Scenario::Gs2Custom],
            Self::Gs1Ideal => &[Scenario::Gs1Ideal],
            Self::Gs1Custom => &[Scenario::Gs1Custom],
            Self::All => &Scenario::ALL,
            Self::RasterVsRandom => &[],
        }
    }
}
