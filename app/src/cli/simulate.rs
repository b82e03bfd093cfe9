//! `simulate` and `validate` as typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ptycho_core::sim::stages::{Half, View};
use ptycho_core::sim::{
    ObjectSettings, ProbeSettings, ScanSettings, SimulationSettings, SplitSettings,
};
use ptycho_core::study::generate::Preset;

use super::settings::Flags;
use super::{Device, Threads};

/// Make training and test sets at several photon doses from an object and a probe.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench simulate --preset dose-sweep -o sweep
  ptychobench simulate --object lines --object-size 464 --n 128 --positions 10304 \\
      --doses 1e3,1e4,1e5 --seed 42 --split-axis y --guard-px auto -o sweep
  ptychobench simulate --from scan.npz --doses 1e4 -o like_my_scan --dry-run
  ptychobench simulate --from scan.npz --probe disk --n 64 --doses 1e4 -o other_probe

DIR/dose_1000/train.npz and test.npz appear when a dose has passed validation; DIR/summary.md, run_manifest.json
and dataset_generation.log tell what was made. A dose whose settings have not changed is not made again. Ctrl-C
leaves the doses that are done. -h shows the basic settings, --help all of them.")]
pub struct SimulateArgs {
    /// Begin with the settings of a preset; flags are laid over them.
    #[arg(long, value_name = "NAME", value_parser = presets())]
    pub preset: Option<String>,
    #[command(flatten)]
    pub object: Flags<ObjectSettings>,
    #[command(flatten)]
    pub probe: Flags<ProbeSettings>,
    #[command(flatten)]
    pub scan: Flags<ScanSettings>,
    #[command(flatten)]
    pub simulation: Flags<SimulationSettings>,
    #[command(flatten)]
    pub split: Flags<SplitSettings>,
    /// Photons a pattern, averaged over the scan: one pair of datasets for each. 1e3,1e4,1e5 if not given.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "PHOTONS",
        allow_negative_numbers = true
    )]
    pub doses: Vec<f64>,
    /// Take object, probe and positions from this NPZ, unless given otherwise.
    #[arg(long, value_name = "BASE.npz")]
    pub from: Option<PathBuf>,
    /// Folder that gets the datasets.
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Only print what would be made, how large and how long; nothing is written.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub threads: Threads,
    /// Device of the forward model; photons are drawn on the CPU. Another than the CPU changes expected counts within the
    /// rounding of single precision, and with it a photon here and there.
    #[arg(long, value_enum, default_value_t = Device::Cpu)]
    pub device: Device,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

fn presets() -> clap::builder::PossibleValuesParser {
    let words = Preset::ALL
        .iter()
        .map(|preset| clap::builder::PossibleValue::new(preset.name).help(preset.doc));
    clap::builder::PossibleValuesParser::new(words)
}

/// Check datasets against the contract and the design of a study.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench validate sweep/dose_1000/train.npz sweep/dose_1000/test.npz --study sweep/run_manifest.json
  ptychobench validate train.npz --split train --gridsize 2 --neighbors 7

What repair would mend is refused here. With --split the other half is looked for beside the file (train.npz,
test.npz). Exits with 3 if a file is refused.")]
pub struct ValidateArgs {
    /// NPZ files.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Which half of a split the files are.
    #[arg(long, value_enum)]
    pub split: Option<HalfWord>,
    /// Overlap view whose least distance is reported beside; it never refuses.
    #[arg(long, value_enum)]
    pub view: Option<ViewWord>,
    /// Patterns along each side of a group.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub gridsize: u8,
    /// Nearest neighbours that groups are drawn from.
    #[arg(long, value_name = "K")]
    pub neighbors: Option<usize>,
    /// The manifest that simulate wrote beside summary.md: content, split and photons must be as it says.
    #[arg(long, value_name = "FILE")]
    pub study: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HalfWord {
    /// The training set.
    Train,
    /// The test set.
    Test,
}

impl From<HalfWord> for Half {
    fn from(word: HalfWord) -> Self {
        match word {
            HalfWord::Train => Self::Train,
            HalfWord::Test => Self::Test,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ViewWord {
    /// (1 - 0.7) n pixels.
    Dense,
    /// (1 - 0.2) n pixels.
    Sparse,
}

impl From<ViewWord> for View {
    fn from(word: ViewWord) -> Self {
        match word {
            ViewWord::Dense => Self::Dense,
            ViewWord::Sparse => Self::Sparse,
        }
    }
}
