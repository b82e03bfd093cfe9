//! The five stages that make training and test sets, each a pure function of what went before.
//!
//! Datasets between stages are lazy: a pattern is computed when it is read, so a stage costs no memory for the scan's
//! length, and all of them run in one pass when the result is written.

//!
//! | stage | in | out |
//! |---|---|---|
//! | 1 [`simulate`] | scene, photons | [`Simulated`]: amplitudes in √photons, drawn when read |
//! | 2 [`canonicalise`] | [`Simulated`] | a dataset that obeys the contract |
//! | 3 [`with_patches`] | dataset | the same with `Y` |
//! | 4 [`split`], [`split_scans`] | dataset, or two | [`Split`]: training and test set, their leak |
//! | 5 [`validate`] | two written files | [`Validation`]: findings about contract and design |

mod canonicalise;
mod patches;
mod simulate;
mod split;
mod validate;

use crate::fields::AutoReal;
use crate::forward::Subpixel;
use crate::sim::Outside;

pub use canonicalise::canonicalise;
pub use patches::with_patches;
pub use simulate::{Simulated, expected_photons, probe_factor, simulate, simulate_at, simulate_on};
pub use split::{Split, SplitRows, split, split_rows, split_scans};
pub use validate::{Design, Half, SplitDesign, Validation, View, validate};

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

impl AmplitudeScale {
    /// The mark in a file's metadata.
    pub fn mark(self) -> &'static str {
        match self {
            Self::SqrtCounts => "sqrt_counts",
            Self::DoseNormalised => "dose_normalised",
        }
    }
}
