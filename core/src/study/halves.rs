//! How far do two independent reconstructions of one scan agree? Even and odd patterns apart, and their ring correlation.
//!
//! The patterns are split into those of even and odd number in the file, each half is reconstructed for itself from the same
//! start, the odd half is registered to the even one (shift, phase plane, mean amplitude, as
//! [`prepare`](crate::metrics::prepare::prepare) does), and the Fourier ring correlation over the area that the scan lights
//! says up to which spatial frequency both show the same. Each half has half the dose and half the overlap, so the whole scan
//! is at least as good. What both halves share besides the object (probe start, detector faults) correlates too.
//!
//! ```text
//! RUN/halves.json           task, cut-offs, what was done to compare
//! RUN/frc.csv               rings: correlation and thresholds
//! RUN/halves.png            both halves side by side
//! RUN/even/result.npz  RUN/odd/result.npz
//! ```

use std::path::PathBuf;

use ndarray::Array2;
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

use crate::compute::DeviceChoice;
use crate::data::Dataset;
use crate::error::Result;
use crate::iterative::{EngineKind, IterativeSettings, IterativeSnapshot, KernelChoice};
use crate::job::{Monitor, StopReason};
use crate::metrics::frc::{Cutoff, FrcCurve};
use crate::metrics::prepare::Steps;
use crate::study::run::Source;

/// A comparison of halves, self-contained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HalvesTask {
    /// Where the data come from.
    pub source: Source,
    /// Engine.
    pub engine: EngineKind,
    /// Its settings. The object starts from ones: halves that start from one object agree because of it.
    pub settings: IterativeSettings,
    /// Threads; 0 = one for each core.
    pub n_threads: usize,
    /// Device asked for.
    pub device: DeviceChoice,
    /// Kernels asked for.
    pub kernels: KernelChoice,
    /// The folder under which the run folder is made.
    pub runs: PathBuf,
}

/// Which half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Half {
    /// Patterns 0, 2, 4...
    Even,
    /// Patterns 1, 3, 5...
    Odd,
}

/// What is seen of a comparison that runs.
#[derive(Clone, Debug)]
pub struct HalvesSnapshot {
    /// The half under way.
    pub half: Half,
    /// Its state.
    pub running: IterativeSnapshot,
}

/// One half.
#[derive(Clone, Debug, PartialEq)]
pub struct HalfResult {
    /// Which.
    pub half: Half,
    /// Its patterns.
    pub n_patterns: usize,
    /// Loss of every whole epoch.
    pub loss: Vec<f64>,
    /// Why it stopped.
    pub reason: StopReason,
    /// The object `(h, w)` in the object frame, as it came out.
    pub object: Array2<Complex32>,
    /// The result as a file.
    pub result: PathBuf,
}

/// How far two halves agree.
#[derive(Clone, Debug, PartialEq)]
pub struct HalvesAgreement {
    /// Ring correlation of the complex objects.
    pub complex: FrcCurve,
    /// Ring correlation of the phases.
    pub phase: FrcCurve,
    /// Where the complex curve first falls below the half-bit curve: the resolution of the whole scan by the usual measure.
    pub half_bit: Cutoff,
    /// Where the complex curve first falls below 1/7.
    pub seventh: Cutoff,
    /// Pixel size of the object, where the file tells it.
    pub pixel_size_m: Option<f64>,
    /// What was done to the odd half before it was compared.
    pub steps: Steps,
    /// Rows and columns of the object frame that were compared: first and last (excluded).
    pub area_px: [[usize; 2]; 2],
    /// Phases of the even and of the odd half over the area, after all that, in rad.
    pub phases_rad: [Array2<f32>; 2],
}

/// What a comparison of halves yields.
#[derive(Clone, Debug, PartialEq)]
pub struct HalvesOutcome {
    /// Even, then odd; the second is missing if it was stopped before.
    pub halves: Vec<HalfResult>,
    /// How far they agree; `None` if it was stopped.
    pub agreement: Option<HalvesAgreement>,
    /// Device that computed: `cpu`, `cuda` or `metal`.
    pub device: &'static str,
    /// The run folder.
    pub run_folder: PathBuf,
}

/// Reconstruct both halves and compare them. Progress counts the epochs of both; a stop keeps what there is.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if it cannot start; [`Error::Io`](crate::Error::Io);
/// [`Error::Run`](crate::Error::Run).
pub fn compare_halves(
    task: &HalvesTask,
    dataset: &Dataset,
    monitor: &dyn Monitor<HalvesSnapshot>,
) -> Result<HalvesOutcome> {
    let _ = (task, dataset, monitor);
    unimplemented!()
}
