//! The command line as typed: commands, flags, help. Nothing is decided or executed here.

pub mod compare;
pub mod diagnose;
pub mod figure;
pub mod frc;
pub mod infer;
pub mod losses;
pub mod overlap;
pub mod settings;
pub mod simulate;
pub mod study;
pub mod tools;
pub mod train;
pub mod trials;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ptycho_core::compute::DeviceChoice;
use ptycho_core::iterative::{EngineKind, IterativeSettings, KernelChoice};

use self::compare::CompareArgs;
use self::diagnose::DiagnoseArgs;
use self::figure::FigureArgs;
use self::frc::FrcArgs;
use self::infer::InferArgs;
use self::losses::LossesArgs;
use self::overlap::{CanvasArgs, GroupsArgs, OverlapArgs};
use self::settings::Flags;
use self::simulate::{SimulateArgs, ValidateArgs};
use self::study::{StudyArgs, TaskArgs};
use self::tools::{
    CropArgs, FixtureArgs, PadArgs, PatchesArgs, ShuffleArgs, SplitArgs, SubsetArgs, TurnArgs,
};
use self::train::{CheckLossArgs, TrainArgs};
use self::trials::{HalvesArgs, OrientArgs};

const EXAMPLES: &str = "\
Examples:
  ptychobench                                     the window
  ptychobench scan.npz                            the window with a scan
  ptychobench inspect scan.npz                    key by key: is it right?
  ptychobench repair scan.npz -o mended.npz       write a file that is
  ptychobench reconstruct scan.npz -o result.npz  object and probe
  ptychobench train scan.npz -o run               a network that learns from the scan
  ptychobench infer run other.npz -o object.npz   another scan's object in seconds
  ptychobench compare --truth scan.npz --recon result.npz -o comparison
                                                  how true it is, in numbers and pictures

Exit codes:
  0 done, 1 failed, 2 wrong usage, 3 refused by the data contract,
  4 stopped by a guard rail (memory, time limit, check-loss), 130 interrupted";

/// A workbench for ptychography: inspect, mend and reconstruct scans, train networks on them, in a window or from the
/// command line.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
pub struct Cli {
    /// NPZ, NPY or study file (.toml) to open in the window.
    pub file: Option<PathBuf>,
    /// Folder for the window's run folders; by default that of its preferences.
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,
    /// Say more on standard error; twice for every epoch.
    #[arg(short, long, action = clap::ArgAction::Count, global = true, display_order = 900)]
    pub verbose: u8,
    /// Say nothing on standard error but errors.
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        display_order = 901
    )]
    pub quiet: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Inspect(InspectArgs),
    Repair(RepairArgs),
    Reconstruct(Box<ReconstructArgs>),
    Orient(Box<OrientArgs>),
    Halves(Box<HalvesArgs>),
    Simulate(Box<SimulateArgs>),
    Validate(ValidateArgs),
    Subset(SubsetArgs),
    Shuffle(ShuffleArgs),
    Split(SplitArgs),
    Crop(CropArgs),
    Pad(PadArgs),
    Turn(TurnArgs),
    Patches(PatchesArgs),
    Fixture(FixtureArgs),
    Overlap(Box<OverlapArgs>),
    Groups(Box<GroupsArgs>),
    Canvas(Box<CanvasArgs>),
    Train(Box<TrainArgs>),
    Infer(Box<InferArgs>),
    CheckLoss(CheckLossArgs),
    Compare(Box<CompareArgs>),
    Frc(Box<FrcArgs>),
    Losses(LossesArgs),
    Diagnose(Box<DiagnoseArgs>),
    Study(Box<StudyArgs>),
    Task(TaskArgs),
    Figure(Box<FigureArgs>),
    Demo(DemoArgs),
}

/// Tell key by key whether files obey the data contract, and what would mend them.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(after_help = "\
Examples:
  ptychobench inspect scan.npz
  ptychobench inspect --headers --json *.npz

A file that can be mended exits with 0, a refused one with 3.")]
pub struct InspectArgs {
    /// NPZ or NPY files.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    pub json: bool,
    /// Add least, greatest and mean value, percentiles and non-finite counts of every array.
    #[arg(long)]
    pub stats: bool,
    /// Read the headers only: at once, whatever the size.
    #[arg(long, conflicts_with = "stats")]
    pub headers: bool,
    /// Exit with 3 also for a file that would have to be mended.
    #[arg(long)]
    pub strict: bool,
}

/// Write a mended copy of a file; the file itself is never changed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench repair scan.npz --dry-run
  ptychobench repair scan.npz -o mended.npz")]
pub struct RepairArgs {
    /// NPZ or NPY file.
    pub file: PathBuf,
    /// Where to write the mended file.
    #[arg(short, long, value_name = "OUT", required_unless_present = "dry_run")]
    pub output: Option<PathBuf>,
    /// Only print what would be done, before and after.
    #[arg(long, visible_alias = "preview")]
    pub dry_run: bool,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// Reconstruct object and probe from a scan.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(after_help = "\
Examples:
  ptychobench reconstruct scan.npz -o result.npz
  ptychobench reconstruct scan.npz -o result.npz --epochs 200 --probe-modes 3 --threads 2
  ptychobench reconstruct scan.npz -o result.npz --epochs 300 --resume
  ptychobench reconstruct --demo -o demo_result.npz --epochs 30
  ptychobench reconstruct scan.npz -o first.npz --algorithm dm --epochs 50
  ptychobench reconstruct scan.npz -o result.npz --start-from first.npz --refine-positions gradient

Ctrl-C stops after the present step and keeps the result so far; a second one leaves at once.
Every run is kept in a folder of its own (see --runs) with manifest, history, log and checkpoint.
-h shows the basic settings, --help all of them.")]
pub struct ReconstructArgs {
    /// NPZ scan.
    #[arg(required_unless_present = "demo", conflicts_with = "demo")]
    pub file: Option<PathBuf>,
    /// Reconstruct the built-in demonstration scan.
    #[arg(long)]
    pub demo: bool,
    /// Where to write the result, besides the run folder.
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// Engine [default: lsqml, or that of the run to go on from].
    #[arg(long, value_enum)]
    pub algorithm: Option<Algorithm>,
    #[command(flatten)]
    pub settings: Flags<IterativeSettings>,
    #[command(flatten)]
    pub computing: Computing,
    #[command(flatten)]
    pub kernels: KernelArgs,
    /// Start from object, probe and positions of this result, as another engine left it.
    #[arg(long, value_name = "RESULT", conflicts_with_all = ["resume", "resume_from"])]
    pub start_from: Option<PathBuf>,
    /// NPZ with `batch_index` and `batch_offset`: batches in this order instead of drawn ones.
    #[arg(long, value_name = "FILE")]
    pub batches: Option<PathBuf>,
    /// Go on from the newest checkpoint of the run that wrote (or was to write) OUT. Settings not given are
    /// those of that run; --epochs is the new total.
    #[arg(long)]
    pub resume: bool,
    /// Go on from the checkpoint in this run folder.
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub resume_from: Option<PathBuf>,
    /// Stop after this time and keep the result so far.
    #[arg(long, value_name = "SECONDS")]
    pub time_limit: Option<f64>,
    /// Folder for the run folders.
    #[arg(long, value_name = "DIR", default_value = "runs/scratch")]
    pub runs: PathBuf,
    /// Refuse a file that would have to be mended.
    #[arg(long)]
    pub strict: bool,
    /// Start although less memory is free than the run is estimated to need.
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// Write the built-in demonstration scan: a star, about 400 patterns of 128x128, 1e5 photons each.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ptychobench demo -o demo.npz")]
pub struct DemoArgs {
    /// Where to write the scan.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Seed of object, positions and photon noise.
    #[arg(long, default_value_t = ptycho_core::study::run::DEMONSTRATION_SEED)]
    pub seed: u64,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// How many threads a command may use.
#[derive(Clone, Copy, Debug, Args)]
pub struct Threads {
    /// Threads; 0 is one for each core. The result does not depend on it.
    #[arg(
        id = "threads",
        long = "threads",
        value_name = "N",
        default_value_t = 0
    )]
    pub n: usize,
}

/// What a command computes with.
#[derive(Clone, Copy, Debug, Args)]
pub struct Computing {
    #[command(flatten)]
    pub threads: Threads,
    /// Device that computes.
    #[arg(long, value_enum, default_value_t = Device::Auto)]
    pub device: Device,
}

/// The kernels of iterative engines, and what they may take.
#[derive(Clone, Copy, Debug, Args)]
pub struct KernelArgs {
    /// Kernels that compute.
    #[arg(long = "kernels", value_enum, default_value_t = Kernels::Auto)]
    pub choice: Kernels,
    /// What the tensor kernels may take of the device's memory, in GiB [default: what there is].
    #[arg(long, value_name = "GIB")]
    pub device_memory_gib: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// Least-squares maximum likelihood.
    Lsqml,
    /// Regularised ptychographic iterative engine.
    Rpie,
    /// Extended ptychographic iterative engine.
    Epie,
    /// rPIE with momentum.
    Mpie,
    /// Difference map.
    Dm,
    /// Relaxed averaged alternating reflections.
    Raar,
}

impl From<Algorithm> for EngineKind {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Lsqml => Self::Lsqml,
            Algorithm::Rpie => Self::Rpie,
            Algorithm::Epie => Self::Epie,
            Algorithm::Mpie => Self::Mpie,
            Algorithm::Dm => Self::Dm,
            Algorithm::Raar => Self::Raar,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kernels {
    /// Fused ones on the CPU, tensors on a GPU.
    Auto,
    /// Those fused for the CPU.
    Fused,
    /// Those composed of tensors; slow on the CPU, to check a device's results.
    Tensors,
}

impl From<Kernels> for KernelChoice {
    fn from(kernels: Kernels) -> Self {
        match kernels {
            Kernels::Auto => Self::Auto,
            Kernels::Fused => Self::Fused,
            Kernels::Tensors => Self::Tensors,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Device {
    /// The best one that the engine can use.
    Auto,
    /// The CPU.
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
    /// An Apple GPU.
    Metal,
}

impl From<Device> for DeviceChoice {
    fn from(device: Device) -> Self {
        match device {
            Device::Auto => Self::Auto,
            Device::Cpu => Self::Cpu,
            Device::Cuda => Self::Cuda,
            Device::Metal => Self::Metal,
        }
    }
}

impl Command {
    /// Whether a program reads the answer.
    pub fn is_json(&self) -> bool {
        match self {
            Self::Inspect(args) => args.json,
            Self::Repair(args) => args.json,
            Self::Reconstruct(args) => args.json,
            Self::Orient(args) => args.json,
            Self::Halves(args) => args.json,
            Self::Simulate(args) => args.json,
            Self::Validate(args) => args.json,
            Self::Subset(args) => args.io.json,
            Self::Shuffle(args) => args.io.json,
            Self::Split(args) => args.io.json,
            Self::Crop(args) => args.io.json,
            Self::Pad(args) => args.io.json,
            Self::Turn(args) => args.io.json,
            Self::Patches(args) => args.io.json,
            Self::Fixture(args) => args.json,
            Self::Overlap(args) => args.json,
            Self::Groups(args) => args.json,
            Self::Canvas(args) => args.json,
            Self::Train(args) => args.json,
            Self::Infer(args) => args.json,
            Self::CheckLoss(args) => args.json,
            Self::Compare(args) => args.json,
            Self::Frc(args) => args.json,
            Self::Losses(args) => args.json,
            Self::Diagnose(args) => args.json,
            Self::Study(args) => args.is_json(),
            Self::Task(args) => args.is_json(),
            Self::Figure(args) => args.json,
            Self::Demo(args) => args.json,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
