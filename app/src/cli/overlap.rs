//! `overlap`, `groups` and `canvas` as typed.

use std::path::PathBuf;

use clap::Args;

/// Form groups of neighbouring patterns.
#[derive(Debug, Args)]
pub struct GroupsArgs {
    /// NPZ file.
    pub file: PathBuf,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}
