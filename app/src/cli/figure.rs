//! `figure` as typed.

use std::path::PathBuf;

use clap::Args;

/// Draw the figure of a study.
#[derive(Debug, Args)]
pub struct FigureArgs {
    /// Study file.
    pub study: PathBuf,
    /// Where to write it: .png, .svg or .pdf.
    #[arg(short, long)]
    pub output: PathBuf,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}
