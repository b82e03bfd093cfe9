//! `losses` as typed.

use std::path::PathBuf;

use clap::Args;

use super::compare::{Named, named};

/// Plot the losses of several results: how engines or settings compare as they converge.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench losses lsqml.npz rpie.npz dm.npz -o losses.png
  ptychobench losses one=mode1.npz three=mode3.npz -o modes.svg --title \"Probe modes\"

The loss is the same in every engine: the mean over pixels of (√predicted - √measured)², in counts, predicted before each
update. The axes are logarithmic where the losses fall by more than ten times.")]
pub struct LossesArgs {
    /// Results; a name left out is the file's.
    #[arg(value_name = "NAME=FILE.npz", required = true, value_parser = named)]
    pub results: Vec<Named>,
    /// Where to write the plot: .png, .svg or .pdf.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Heading of the plot.
    #[arg(long, value_name = "WORDS", default_value = "")]
    pub title: String,
    /// Width in mm.
    #[arg(long, value_name = "MM", default_value_t = 120.0)]
    pub width_mm: f64,
    /// Dots an inch of a PNG.
    #[arg(long, value_name = "N", default_value_t = 200.0)]
    pub dpi: f64,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}
