//! `figure` as typed.

use std::path::PathBuf;

use clap::Args;
use ptycho_core::error::Result;
use ptycho_core::fields::Fields as _;
use ptycho_core::study::panels::{FigureDesign, FigureStyle};

use super::settings::Flags;
use super::study::StudyFile;

/// Draw the figure of a study: doses in rows, diffraction and reconstructions in columns.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench figure lines.toml -o figure.pdf
  ptychobench figure runs/lines -o figure.png -o figure.svg --width-mm 180 --dpi 300 --companions figures
  ptychobench figure runs/lines -o all.pdf --columns diffraction,truth,pinn_nll_gs2,lsqml --doses 1e9,1e4 --part phase

A flag that is not given is as the study's [figure] says. Everything that is missing is named before anything is drawn.
Study, program, hashes of the inputs and limits of the colours are written into every file.")]
pub struct FigureArgs {
    #[command(flatten)]
    pub study: StudyFile,
    /// Where to write it: .png, .svg or .pdf; can be given several times.
    #[arg(
        short,
        long,
        value_name = "FILE",
        required_unless_present = "companions"
    )]
    pub output: Vec<PathBuf>,
    /// Folder for the companions, convergence and ring correlations: in the formats of -o, or PNG and PDF without one.
    #[arg(long, value_name = "DIR")]
    pub companions: Option<PathBuf>,
    #[command(flatten)]
    pub design: DesignArgs,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// What is drawn and how.
#[derive(Debug, Args)]
pub struct DesignArgs {
    /// View whose arms are drawn.
    #[arg(long, value_name = "VIEW")]
    pub view: Option<String>,
    /// Columns, from left to right: diffraction, truth, or arms as `pinn_nll_gs2`, `baseline`, `lsqml`.
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Rows, from top to bottom, in photons a pattern.
    #[arg(long, value_name = "D,D", value_delimiter = ',')]
    pub doses: Vec<f64>,
    #[command(flatten)]
    pub style: Flags<FigureStyle>,
}

impl DesignArgs {
    /// The design of a study with every given flag laid over it.
    ///
    /// # Errors
    /// [`ptycho_core::Error::Invalid`] for a value out of range.
    pub fn over(&self, base: &FigureDesign) -> Result<FigureDesign> {
        let mut design = base.clone();
        if let Some(view) = &self.view {
            design.view.clone_from(view);
        }
        if !self.columns.is_empty() {
            design.columns.clone_from(&self.columns);
        }
        if !self.doses.is_empty() {
            design.doses.clone_from(&self.doses);
        }
        design.style = self.style.over(&base.style)?;
        design.style.check_ranges()?;
        Ok(design)
    }
}
