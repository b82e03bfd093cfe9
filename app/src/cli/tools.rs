//! `subset`, `shuffle`, `split`, `crop`, `pad`, `patches` and `fixture` as typed.

use std::path::PathBuf;

use clap::Args;

/// Write a subset of a scan.
#[derive(Debug, Args)]
pub struct SubsetArgs {
    /// NPZ file.
    pub file: PathBuf,
    /// Where to write.
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}
