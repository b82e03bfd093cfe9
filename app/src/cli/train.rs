//! `train` and `check-loss` as typed.

use std::path::PathBuf;

use clap::Args;
use ptycho_core::nn::TrainSettings;

use super::Computing;
use super::settings::Flags;

/// Train a network on a dataset: by its diffraction alone (pinn), or supervised by its patches Y (baseline).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench train sweep/dose_1000/train.npz -o runs/dose_1000 --loss nll --gridsize 2 --groups 2000 --epochs 50
  ptychobench train train.npz --validation test.npz --model baseline --epochs 50 -o runs/baseline
  ptychobench train train.npz --dry-run
  ptychobench train train.npz -o runs/dose_1000 --epochs 100 --resume

RUN gets best.safetensors and last.safetensors with a JSON beside each, history.json, manifest.json, run.log and
checkpoint/, written every 30 s and at the end. Ctrl-C stops within a step and keeps what was learnt; --resume goes on
from there, bit for bit on the CPU. A RUN that holds a training is never overwritten.
-h shows the basic settings, --help all of them.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct TrainArgs {
    /// Training data, NPZ.
    #[arg(value_name = "TRAIN.npz")]
    pub file: PathBuf,
    /// Validation data; without them a share of the groups is kept for validation.
    #[arg(long, value_name = "V.npz")]
    pub validation: Option<PathBuf>,
    #[command(flatten)]
    pub settings: Flags<TrainSettings>,
    #[command(flatten)]
    pub computing: Computing,
    /// The run folder: a new or empty one, or with --resume that of the training to go on from.
    #[arg(short, long, value_name = "RUN", required_unless_present = "dry_run")]
    pub output: Option<PathBuf>,
    /// Go on from the checkpoint in RUN. Settings not given are those of that training; --epochs is the new total.
    #[arg(long, requires = "output")]
    pub resume: bool,
    /// Only print what would be trained, how long and in how much memory; nothing is written.
    #[arg(long, visible_alias = "preview")]
    pub dry_run: bool,
    /// Stop after this time and keep what was learnt.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub time_limit: Option<f64>,
    /// Start although less memory is free than the training is estimated to need.
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// Compare a training's final loss with a reference; one that is missing, not finite or worse exits with 4.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ptychobench check-loss --reference good/manifest.json --candidate new/manifest.json --tolerance 0.05

Passes where candidate <= reference + tolerance |reference|. Both are manifest.json of a training (or its folder), or
training_manifest.json of a study: {\"schema\": 1, \"arms\": [{\"photons\": 1e9, \"view\": \"dense\", \"gridsize\": 2,
\"model\": \"pinn\", \"loss\": \"nll\", \"loss_last\": -3.2}]}. Arms are compared by photons, view, gridsize, model and
loss. loss_check.json beside the candidate tells the outcome.")]
pub struct CheckLossArgs {
    /// Manifest to compare with.
    #[arg(long, value_name = "M.json")]
    pub reference: PathBuf,
    /// Manifest that is judged.
    #[arg(long, value_name = "M.json")]
    pub candidate: PathBuf,
    /// Share of |reference| by which the loss may be worse.
    #[arg(long, value_name = "X", default_value_t = 0.05)]
    pub tolerance: f64,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}
