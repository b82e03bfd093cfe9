//! `frc` as typed.

use std::path::PathBuf;

use clap::Args;
use ptycho_core::study::compare::Inputs;

use super::compare::{HowArgs, Named, names};

/// Correlate two reconstructions ring by ring: how fine they agree.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench subset scan.npz -o odd.npz --every 2 --from 1
  ptychobench subset scan.npz -o even.npz --every 2
  ptychobench reconstruct odd.npz -o odd_result.npz
  ptychobench reconstruct even.npz -o even_result.npz
  ptychobench frc odd_result.npz even_result.npz -o curves.csv

The first is the reference: its positions and probe give the region. The second is moved onto it and its phase plane
removed, unless switched off. Cut-offs are where a curve first falls below a threshold, as a fraction of Nyquist, in rings,
and as half period in nm where the pixel size is known.
-h shows the basic settings, --help all of them.")]
pub struct FrcArgs {
    /// Reconstruction that serves as reference.
    #[arg(value_name = "A.npz")]
    pub first: PathBuf,
    /// The other one.
    #[arg(value_name = "B.npz")]
    pub second: PathBuf,
    /// Where to write the curves, CSV.
    #[arg(short, long, value_name = "curves.csv")]
    pub output: Option<PathBuf>,
    /// As --frc-window false.
    #[arg(long, conflicts_with = "frc_window")]
    pub no_window: bool,
    #[command(flatten)]
    pub how: HowArgs,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

impl FrcArgs {
    /// What to read.
    pub fn inputs(&self) -> Inputs {
        let given = [&self.first, &self.second].map(|file| Named {
            name: None,
            file: file.clone(),
        });
        let mut arms = names(&given);
        // The same file twice is a question that can be answered.
        if arms[0].0 == arms[1].0 {
            arms[1].0.push_str(" again");
        }
        Inputs {
            arms,
            key: Some(self.how.key.clone()),
            crops_to_common: true,
            ..Inputs::default()
        }
    }
}
