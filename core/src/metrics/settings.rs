//! How reconstructions are compared: one table for the window, the command line and files.

use crate::{field_choice, field_table};

field_choice! {
    /// What is taken from the phase of a reconstruction before it is compared.
    pub enum PhaseRemoval {
        /// The least-squares plane of the phase difference: the offset and the two slopes that ptychography leaves free.
        Plane = "plane",
        /// The offset alone.
        Offset = "offset",
        /// Nothing.
        None = "none",
    }
}

field_choice! {
    /// The factor on a reconstruction's amplitude before it is compared.
    pub enum AmplitudeFactor {
        /// Mean of the reference over mean of the reconstruction.
        Mean = "mean",
        /// The least-squares factor `Σ|t||r| / Σ|r|²`.
        LeastSquares = "least-squares",
        /// None: amplitudes are compared as they are.
        None = "none",
    }
}

field_table! {
    /// How reconstructions are compared.
    pub struct CompareSettings {
        /// Whether each reconstruction is moved onto the reference, to a hundredth of a pixel. Every one is treated alike.
        register: bool = true, basic;
        /// What is taken from the phase of a reconstruction before it is compared.
        phase: PhaseRemoval = PhaseRemoval::Plane, basic;
        /// The factor on a reconstruction's amplitude before it is compared.
        amplitude: AmplitudeFactor = AmplitudeFactor::Mean, basic;
        /// Standard deviation of the Gaussian that smooths both pictures, amplitude and phase alike, before the legacy MS-SSIM; 0 is none.
        ms_ssim_sigma: f64 = 1.0, basic, 0.0..=20.0, unit "px";
        /// Whether rings are correlated under a Hann window; without one the jumps across the frame and at pixels left out correlate with themselves.
        frc_window: bool = true, basic;
        /// Least light on a pixel of the automatic region, as a share of the greatest: Σ |probe|² over all positions.
        least_light: f64 = 0.1, advanced, 0.0..=1.0;
        /// Pixels cut from every side after registration, whose cyclic shift brings in the other side.
        border: usize = 4, advanced, 0..=64, unit "px";
        /// A shift longer than this is marked: frames agree, so there should be none.
        most_shift: f64 = 0.5, advanced, 0.0..=100.0, unit "px";
    }
}
