//! The five stages that make training and test sets, each a pure function of what went before.
//!
//! Datasets between stages are lazy: a pattern is computed when it is read, so a stage costs no memory for the scan's
//! length, and all of them run in one pass when the result is written.

use std::sync::Arc;

use crate::data::{Dataset, Frames, Metadata};
use crate::error::Result;
use crate::fields::AutoReal;
use crate::forward::Subpixel;
use crate::sim::leak::Leak;
use crate::sim::{Outside, Scene, Simulator};

crate::field_choice! {
    /// How amplitudes are stored.
    pub enum AmplitudeScale {
        /// √counts, as the contract has it.
        SqrtCounts = "sqrt-counts",
        /// √counts over one factor for the whole scan, the mean of which hardly depends on the dose, as older tools
        /// store it; marked in the metadata.
        DoseNormalised = "dose-normalised",
    }
}

crate::field_table! {
    /// How patterns are simulated and stored.
    pub struct SimulationSettings {
        /// Seed of object, positions and photon noise.
        seed: u64 = 42, basic;
        /// Model of positions that are no whole pixel.
        subpixel: Subpixel = Subpixel::Fourier, basic;
        /// What becomes of positions whose patch leaves the object.
        outside: Outside = Outside::Refuse, basic;
        /// Store the object patch of every pattern (Y), which the supervised baseline needs.
        patches: bool = true, basic;
        /// How amplitudes are stored.
        amplitude: AmplitudeScale = AmplitudeScale::SqrtCounts, advanced;
        /// Keep the results of the stages before the split, so that they need not run again.
        keep_intermediates: bool = false, advanced;
    }
}

crate::field_choice! {
    /// The axis along which a scan is split.
    pub enum SplitAxis {
        /// Rows: the upper half trains, the lower one tests.
        Y = "y",
        /// Columns: the left half trains, the right one tests.
        X = "x",
    }
}

crate::field_table! {
    /// How training and test set are told apart.
    pub struct SplitSettings {
        /// Axis of the split, at the middle of the positions' range.
        split_axis: SplitAxis = SplitAxis::Y, basic;
        /// Width of the band about the middle whose patterns go into neither half; auto is the least without a leak.
        guard_px: AutoReal = AutoReal::Given(0.0), basic, 0.0..=100000.0, unit "px";
        /// Positions of a second scan that is the test set, in place of a split; 0 splits.
        test_positions: usize = 0, basic, 0..=10000000;
        /// Seed of the second scan's positions and noise.
        test_seed: u64 = 1, basic;
    }
}

/// Stage 1's result: patterns at one dose with what they were made from, before they have the contract's form.
pub struct Simulated {
    /// Amplitudes, drawn when read.
    pub frames: Frames,
    /// Object, unscaled probe and positions.
    pub scene: Scene,
    /// Factor on the scene's probe that makes it √photons.
    pub probe_factor: f64,
    /// Photons a pattern that were asked for.
    pub photons_requested: f64,
    /// Seeds, sub-pixel model, amplitude scale.
    pub metadata: Metadata,
    /// The simulator behind the frames.
    pub simulator: Arc<Simulator>,
}

/// Train and test rows of one dataset, or of two scans.
pub struct Split {
    /// The training set.
    pub train: Dataset,
    /// The test set.
    pub test: Dataset,
    /// Patterns in neither.
    pub n_guarded: usize,
    /// Coordinate of the middle along the axis; `None` for a second scan.
    pub middle_px: Option<f64>,
    /// Width of the guard band, given or found.
    pub guard_px: f64,
    /// What both halves see.
    pub leak: Leak,
}

/// Factor on a probe so that patterns have `photons` on average: `√(photons / mean(expected))`.
pub fn probe_factor(expected_photons: &[f64], photons: f64) -> Result<f64> {
    let _ = (expected_photons, photons);
    unimplemented!("stages")
}
