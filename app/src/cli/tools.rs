//! `subset`, `shuffle`, `split`, `crop`, `pad`, `turn`, `patches` and `fixture` as typed.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use ptycho_core::data::tools::choose::{Count, Evenly, Region, Subset};
use ptycho_core::data::tools::crop::CropSettings;
use ptycho_core::data::tools::fixture::FixtureSettings;
use ptycho_core::data::tools::turn::Orientation;
use ptycho_core::error::Result;
use ptycho_core::forward::Subpixel;
use ptycho_core::study::tools::{SplitChoice, Tool};

use super::settings::Flags;

/// Seed where none is given.
const DEFAULT_SEED: u64 = 42;

/// What every tool is given.
#[derive(Debug, Args)]
pub struct InOut {
    /// NPZ or NPY file; it is never changed.
    pub file: PathBuf,
    /// Where to write.
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// Over what a stratified choice is even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// The order of the scan (its scan index where all numbers differ, else the file's order).
    Order,
    /// The scanned area, along a Hilbert curve.
    Area,
}

impl From<By> for Evenly {
    fn from(by: By) -> Self {
        match by {
            By::Order => Self::Order,
            By::Area => Self::Area,
        }
    }
}

/// Write some of the patterns, with all that belongs to each.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("count").args(["first", "random", "stratified", "every"])),
    group(ArgGroup::new("choice").args(["first", "random", "stratified", "every", "region"]).required(true).multiple(true)),
    after_help = "\
Examples:
  ptychobench subset scan.npz -o first.npz --first 512
  ptychobench subset scan.npz -o drawn.npz --random 512 --seed 3
  ptychobench subset scan.npz -o even.npz --stratified 512 --by area
  ptychobench subset scan.npz -o odd_half.npz --every 2 --from 1
  ptychobench subset scan.npz -o corner.npz --region 40:120,:100.5
  ptychobench subset scan.npz -o few.npz --region 40:120,: --random 64

The order of the file stays. Groups of patterns (group_index) stay where all their members do."
)]
pub struct SubsetArgs {
    #[command(flatten)]
    pub io: InOut,
    /// The first N patterns.
    #[arg(long, value_name = "N")]
    pub first: Option<usize>,
    /// N patterns by chance.
    #[arg(long, value_name = "N")]
    pub random: Option<usize>,
    /// N patterns evenly over the scan: of m in order, those at floor(i m / N).
    #[arg(long, value_name = "N")]
    pub stratified: Option<usize>,
    /// Over what --stratified is even.
    #[arg(long, value_enum, default_value_t = By::Order, requires = "stratified")]
    pub by: By,
    /// Seed of --random.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED, requires = "random")]
    pub seed: u64,
    /// Every N-th pattern in the order of the scan (its scan index where all numbers differ, else the file's order).
    #[arg(long, value_name = "N")]
    pub every: Option<usize>,
    /// The first of --every: 0 and 1 with --every 2 are the even and the odd half.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "every")]
    pub from: usize,
    /// Only positions with y0 <= row < y1 and x0 <= column < x1, px; an end left out is open.
    #[arg(long, value_name = "y0:y1,x0:x1", value_parser = region, allow_hyphen_values = true)]
    pub region: Option<Region>,
}

fn region(text: &str) -> Result<Region, String> {
    text.parse().map_err(|error: ptycho_core::Error| {
        let expected = error.problem().map(|problem| problem.expected.clone());
        format!("expected {}", expected.unwrap_or_default())
    })
}

impl SubsetArgs {
    /// The tool that was asked for.
    pub fn tool(&self) -> Tool {
        let count = match (self.first, self.random, self.stratified, self.every) {
            (Some(n), ..) => Count::First(n),
            (_, Some(n), ..) => Count::Random { n, seed: self.seed },
            (_, _, Some(n), _) => Count::Stratified {
                n,
                by: self.by.into(),
            },
            (.., Some(step)) => Count::Every {
                step,
                from: self.from,
            },
            (None, None, None, None) => Count::All,
        };
        Tool::Subset(Subset {
            region: self.region,
            count,
        })
    }
}

/// Write the patterns in another order, with all that belongs to each.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ptychobench shuffle scan.npz -o shuffled.npz --seed 3")]
pub struct ShuffleArgs {
    #[command(flatten)]
    pub io: InOut,
    /// Seed of the order.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED)]
    pub seed: u64,
}

/// Write a training and a test half, and tell how much of the object both see.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench split scan.npz -o halves
  ptychobench split scan.npz -o halves --split-axis x --guard-px auto

OUT is a folder: OUT/train.npz holds the patterns before the middle of the positions' range, OUT/test.npz those
from it on. The leak is the number of object pixels that both halves see, seen being under the probe's support
(intensity over 1 % of its maximum).")]
pub struct SplitArgs {
    #[command(flatten)]
    pub io: InOut,
    #[command(flatten)]
    pub split: Flags<SplitChoice>,
}

/// Write fewer pixels of the detector: the middle of it, or block sums of its counts.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench crop scan.npz -o smaller.npz --crop 64
  ptychobench crop scan.npz -o binned.npz --bin 2
  ptychobench crop scan.npz -o both.npz --crop 96 --bin 2

--crop keeps the middle of the far field: the real-space pixel grows by old/new, so probe and object are resampled in
Fourier space and positions divided by it. --bin sums counts: the pixel stays and the window shrinks, so probe and
patches keep their middle; the blurred pattern has incoherent probe modes (see --binned-probe). What is lost is told,
and refused beyond --max-loss-percent.
Older tools' \"crop factor 2, bin factor 2\" (detector cropped, object and probe binned) is --crop N/2 here.")]
pub struct CropArgs {
    #[command(flatten)]
    pub io: InOut,
    #[command(flatten)]
    pub crop: Flags<CropSettings>,
}

/// Write a scan whose detector and object have even sides.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench pad scan65.npz -o scan66.npz
  ptychobench pad scan100.npz -o scan128.npz --to 128

New pixels of the detector were not measured: they hold 0, and detector_mask says so. The zero frequency stays at
[N/2, N/2]. The real-space pixel shrinks by old/new, so probe, object and positions are resampled.")]
pub struct PadArgs {
    #[command(flatten)]
    pub io: InOut,
    /// Side of the detector; the next even number if not given.
    #[arg(long, value_name = "N")]
    pub to: Option<usize>,
}

/// Write the patterns the other way round, where a detector's rows and columns were flipped or exchanged.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench turn scan.npz -o turned.npz --orientation transpose
  ptychobench orient scan.npz                     which one is right?

Flips go about the zero frequency at [N/2, N/2], which stays there. The detector's mask turns along; positions,
probe and object stay as they are.")]
pub struct TurnArgs {
    #[command(flatten)]
    pub io: InOut,
    /// Which way: flip-rows, flip-columns, half-turn, transpose, transpose-flip-rows, transpose-flip-columns or
    /// transpose-half-turn.
    #[arg(long, value_name = "WORD", value_parser = orientation)]
    pub orientation: Orientation,
}

/// An orientation by its word.
pub(super) fn orientation(text: &str) -> Result<Orientation, String> {
    text.parse().map_err(|error: ptycho_core::Error| {
        let expected = error.problem().map(|problem| problem.expected.clone());
        format!("expected {}", expected.unwrap_or_default())
    })
}

/// Write the object patch of every pattern (Y), each cut from objectGuess at its pattern's own position.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench patches scan.npz -o with_patches.npz
  ptychobench patches scan.npz -o with_patches.npz --subpixel bilinear")]
pub struct PatchesArgs {
    #[command(flatten)]
    pub io: InOut,
    /// Model of positions between pixels; that of the file's metadata if not given, else fourier.
    #[arg(long, value_enum)]
    pub subpixel: Option<SubpixelWord>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SubpixelWord {
    /// Whole-pixel patch; the probe takes the rest.
    Fourier,
    /// Interpolated patch.
    Bilinear,
}

impl From<SubpixelWord> for Subpixel {
    fn from(word: SubpixelWord) -> Self {
        match word {
            SubpixelWord::Fourier => Self::Fourier,
            SubpixelWord::Bilinear => Self::Bilinear,
        }
    }
}

/// Write a small, even subset that anyone can make again, with a side-car; or verify one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench fixture scan.npz -o fixture.npz --patterns 64
  ptychobench fixture scan.npz -o fixture.npz --patterns 64 --by area --legacy-alias
  ptychobench fixture --verify fixture.npz
  ptychobench fixture --verify fixture.npz --source scan.npz

fixture.json stands beside fixture.npz: source, rows, coverage of x and y, SHA-256 of file and arrays. The same source
and settings give the same bytes. A fixture that reaches over less than half of an axis is refused.")]
pub struct FixtureArgs {
    /// NPZ or NPY file, which is never changed; with --verify the fixture.
    pub file: PathBuf,
    /// Where to write the fixture; its side-car gets the extension json.
    #[arg(short, long, value_name = "OUT", required_unless_present = "verify")]
    pub output: Option<PathBuf>,
    /// How many patterns.
    #[arg(long, value_name = "N", default_value_t = FixtureSettings::default().patterns)]
    pub patterns: usize,
    /// Over what they are even.
    #[arg(long, value_enum, default_value_t = By::Order)]
    pub by: By,
    /// Write the patterns also under their older name, diff3d.
    #[arg(long)]
    pub legacy_alias: bool,
    /// Compare the fixture with its side-car and its source, and name the first difference.
    #[arg(long, conflicts_with_all = ["output", "patterns", "by", "legacy_alias"])]
    pub verify: bool,
    /// The source to compare with; by default a file of the recorded name beside the fixture, if there is one.
    #[arg(long, value_name = "FILE", requires = "verify")]
    pub source: Option<PathBuf>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

impl FixtureArgs {
    /// How the fixture is chosen and written.
    pub fn settings(&self) -> FixtureSettings {
        FixtureSettings {
            patterns: self.patterns,
            by: self.by.into(),
            legacy_alias: self.legacy_alias,
        }
    }
}
