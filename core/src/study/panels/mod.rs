//! The study's figure: rows of doses, columns of diffraction and reconstructions, with companions.
//!
//! [`Choice::of`] tells which rows and columns a design comes to, [`Material::read`] reads all that they need and names
//! everything that is missing at once, [`Material::draw`] draws it. Reconstructions are those of the comparison:
//! registered, their phase plane removed, their amplitude scaled, all as its settings say; so the pictures are those that
//! the numbers below them were measured on.

mod choice;
mod companions;
mod draw;
mod material;
mod provenance;
mod read;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::figure::Figure;
use crate::study::design::{Split, Study};
use crate::study::plan::Plan;
pub use choice::{Choice, DIFFRACTION, TRUTH, ViewArms, arm_words, dose_words, views};
pub use material::{Material, Number, Unready};
pub use read::InputFile;

const ATTEMPTED: &str = "draw the figure of the study";

crate::field_choice! {
    /// Which part of a reconstruction is drawn.
    pub enum FigurePart {
        /// Amplitude.
        Amplitude = "amplitude",
        /// Phase.
        Phase = "phase",
    }
}

crate::field_choice! {
    /// What shares colour limits.
    pub enum Scaling {
        /// The reconstructions of a row.
        Row = "row",
        /// Nothing: every panel has its own.
        Panel = "panel",
    }
}

crate::field_choice! {
    /// The number written below a reconstruction.
    pub enum PanelMetric {
        /// None.
        None = "none",
        /// Correlation with the truth.
        Pearson = "pearson",
        /// Structural similarity.
        Ssim = "ssim",
        /// Peak signal to noise ratio.
        Psnr = "psnr",
        /// Mean absolute error.
        Mae = "mae",
    }
}

crate::field_table! {
    /// How the figure looks.
    pub struct FigureStyle {
        /// Which part of a reconstruction is drawn.
        part: FigurePart = FigurePart::Amplitude, basic;
        /// Split whose patterns and reconstructions are drawn; where only the other one is compared, that.
        split: Split = Split::Test, basic;
        /// Side of the central square that is drawn.
        crop: usize = 128, basic, 8..=16384, unit "px";
        /// What shares colour limits.
        scaling: Scaling = Scaling::Row, basic;
        /// The number written below a reconstruction.
        metric: PanelMetric = PanelMetric::Pearson, basic;
        /// Which pattern of the split is drawn.
        pattern: usize = 0, basic, 0..=10000000;
        /// Whether pictures have a scale bar.
        scale_bar: bool = true, basic;
        /// Whether panels have letters.
        letters: bool = true, basic;
        /// Whether a line below says what is drawn and what shares colours.
        caption: bool = true, basic;
        /// Width of the whole.
        width_mm: f64 = 180.0, basic, 20.0..=1000.0, unit "mm";
        /// Size of the letters.
        font_pt: f64 = 8.0, basic, 4.0..=30.0, unit "pt";
        /// Dots an inch of the PNG.
        dpi: f64 = 300.0, basic, 30.0..=1200.0;
    }
}

/// What the figure shows and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FigureDesign {
    /// View whose arms are drawn; empty is the first that has any.
    pub view: String,
    /// Columns: `diffraction`, `truth`, or an arm; none is diffraction, MAE and NLL, as far as the study has them.
    pub columns: Vec<String>,
    /// Rows, photons a pattern; none is every dose, the highest first.
    pub doses: Vec<f64>,
    /// How it looks.
    pub style: FigureStyle,
}

/// The figure with its companions.
#[derive(Clone, Debug)]
pub struct Figures {
    /// The panels.
    pub panels: Figure,
    /// Companions by name: `convergence`, `frc`; none where no column is a reconstruction.
    pub companions: Vec<(String, Figure)>,
    /// What a reader has to know, in words: inputs that were made for other settings than the study now has.
    pub notes: Vec<String>,
}

/// The plan of a study: the one in its run folder, where that is of this very study, else a new one.
///
/// # Errors
/// As [`Plan::of`].
pub fn planned(study: &Study, folder: &Path, runs: &Path) -> Result<Plan> {
    let file = runs.join(&study.name).join("plan.json");
    // Plans have the base file in full. One that cannot be read is made anew.
    let in_full = |base: &PathBuf| std::path::absolute(folder.join(base)).ok();
    let wanted = Study {
        base: study.base.as_ref().and_then(in_full),
        ..study.clone()
    };
    match Plan::load(&file) {
        Ok(plan) if plan.study == wanted => Ok(plan),
        _ => Plan::of(study, folder),
    }
}

/// Draw the figure of what the study has made.
///
/// # Errors
/// [`crate::Error::Invalid`] that names every missing input before anything is drawn; [`crate::Error::Io`].
pub fn figures(plan: &Plan, runs: &Path, design: &FigureDesign) -> Result<Figures> {
    Material::read(plan, runs, design)
        .map_err(Unready::into_error)?
        .draw(&design.style)
}
