//! `overlap`, `groups` and `canvas` as typed.

use std::path::PathBuf;

use clap::Args;
use ptycho_core::grouping::{GroupSettings, SpacingSettings};

use super::Threads;
use super::settings::Flags;

/// Write dense and sparse views of datasets: groups of neighbouring patterns, thinned to a least spacing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench overlap sweep --views dense=0.7,sparse=0.2 --gridsize 2 --neighbors 7 -o sweep
  ptychobench overlap scan.npz --views dense=0.7 --apply-to positions --order most -o views
  ptychobench overlap scan.npz --views half=1 --subsample-fraction 0.5 --n-groups 512 -o views

A view NAME=F keeps groups whose centres are at least (1 - F) n px apart; F = 1 keeps all. Few remain of a dense scan,
which is told. DIR/dose_1000/dense gets train.npz and test.npz with group_index, train/metrics.json, test/metrics.json
and metrics_bundle.json; of a single file DIR/dense. A view that cannot be formed is skipped with the reason.
-h shows the basic settings, --help all of them.")]
pub struct OverlapArgs {
    /// Folder that `simulate` wrote, or an NPZ file.
    #[arg(value_name = "DIR_OR_NPZ")]
    pub source: PathBuf,
    /// Views with their overlap fractions, as dense=0.7,sparse=0.2.
    #[arg(
        long,
        value_name = "NAME=F,...",
        default_value = "dense=0.7,sparse=0.2"
    )]
    pub views: String,
    #[command(flatten)]
    pub groups: Flags<GroupSettings>,
    #[command(flatten)]
    pub spacing: Flags<SpacingSettings>,
    /// Folder that gets the views; that of the source puts them beside their parents.
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    #[command(flatten)]
    pub threads: Threads,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// Form groups of neighbouring patterns and tell their numbers.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench groups scan.npz --gridsize 2 --neighbors 7 --seed 123
  ptychobench groups scan.npz --gridsize 2 --n-groups 2000 --oversample true -o groups.npz

OUT holds group_index (G, C), group_centre (G, 2), group_relative (G, C, 2) = member - centre, both as (row, column)
in px, and group_seed (G,), the pattern from whose neighbours a group was drawn.")]
pub struct GroupsArgs {
    /// NPZ file.
    pub file: PathBuf,
    #[command(flatten)]
    pub groups: Flags<GroupSettings>,
    #[command(flatten)]
    pub spacing: Flags<SpacingSettings>,
    /// Where to write the groups.
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// Tell how large a canvas the groups of a file need, and what a given one would lose.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench canvas scan.npz --gridsize 2
  ptychobench canvas sweep/dose_1000/dense/train.npz --canvas 142

Groups that the file holds (group_index) are used as they are; without --gridsize a file that holds none is judged for
1, 2 and 3.")]
pub struct CanvasArgs {
    /// NPZ file.
    pub file: PathBuf,
    #[command(flatten)]
    pub groups: Flags<GroupSettings>,
    /// Side of the canvas in question; by default the least that holds every member.
    #[arg(long, value_name = "px")]
    pub canvas: Option<usize>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}
