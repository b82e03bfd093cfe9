//! What a comparison leaves: tables, curves, arrays, the plot.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::figure::Figure;
use crate::study::compare::{Comparison, Loaded};

/// The files written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// `comparison_plot.png`, `comparison_plot.svg`, `comparison_metrics.csv`, `comparison_metrics.json`, `frc_curves.csv`,
    /// `reconstructions_aligned.npz`.
    pub files: Vec<PathBuf>,
}

/// Write everything into `folder`, at once or not at all.
///
/// # Errors
/// [`crate::Error::Io`].
pub fn write(loaded: &Loaded, comparison: &Comparison, folder: &Path) -> Result<Written> {
    unimplemented!()
}

/// The comparison plot: phase (first row), amplitude, of every arm and the reference, with one shared scale for each row.
pub fn plot(comparison: &Comparison) -> Figure {
    unimplemented!()
}
