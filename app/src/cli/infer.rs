//! `infer` as typed.

use std::path::PathBuf;

use clap::Args;
use ptycho_core::nn::infer::InferSettings;

use super::Computing;
use super::settings::Flags;

/// Reconstruct a dataset with a trained network.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench infer runs/dose_1000 sweep/dose_1000/test.npz -o result.npz
  ptychobench infer runs/dose_1000/last.json test.npz -o result.npz --weight probe --rescale least-squares

OUT.npz holds reconstructed_object in the object's own frame, coverage, and _metadata with the bundle's hash. Pixels
that no patch saw are 0 in both and counted.")]
pub struct InferArgs {
    /// Folder of a training (its best bundle), or a bundle's JSON or safetensors file.
    #[arg(value_name = "RUN")]
    pub bundle: PathBuf,
    /// Data of the same side, NPZ.
    #[arg(value_name = "DATA.npz")]
    pub data: PathBuf,
    #[command(flatten)]
    pub settings: Flags<InferSettings>,
    #[command(flatten)]
    pub computing: Computing,
    /// Where to write the result.
    #[arg(short, long, value_name = "OUT.npz")]
    pub output: PathBuf,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}
