//! Test probes: their kinds and settings, incoherent modes, and a report on power and normalisation.

mod lens;

use ndarray::{Array3, ArrayView3};
use num_complex::Complex32;
use serde::Serialize;

use crate::error::Result;

pub use lens::{DefocusedDisk, scale_power};

crate::field_choice! {
    /// The kind of probe.
    pub enum ProbeKind {
        /// The idealised disk of `PtychoPINN`: flat phase, soft edge.
        Disk = "disk",
        /// A Gaussian.
        Gaussian = "gaussian",
        /// A defocused disk: the focus of a round lens, out of focus.
        Defocused = "defocused",
        /// As of a Fresnel zone plate with a central stop, out of focus.
        ZonePlate = "zone-plate",
        /// `probeGuess` of a file.
        File = "file",
    }
}

crate::field_table! {
    /// The probe of a simulation.
    pub struct ProbeSettings {
        /// Probe: a kind, or the probeGuess of a file.
        probe: ProbeKind = ProbeKind::Disk, basic, or_file "probeGuess";
        /// Rows and columns of a pattern and of the probe. A file brings its own.
        n: usize = 64, basic, 16..=1024, unit "px";
        /// Size of the disk: its radius is about 0.12 n / scale (default_probe_scale of PtychoPINN).
        default_probe_scale: f64 = 0.7, basic, 0.05..=10.0;
        /// Standard deviation of the Gaussian's amplitude, in parts of n.
        probe_sigma_n: f64 = 0.12, advanced, 0.01..=0.5;
        /// Radius of the lens on the detector, in parts of n (defocused, zone-plate).
        probe_aperture_n: f64 = 0.16, advanced, 0.01..=0.5;
        /// Phase of the defocus at the lens's edge (defocused, zone-plate).
        probe_defocus_rad: f64 = 14.0, advanced, -500.0..=500.0, unit "rad";
        /// Radius of the central stop over that of the lens (zone-plate).
        probe_stop: f64 = 0.35, advanced, 0.0..=0.95;
        /// Incoherent modes.
        n_probe_modes: usize = 1, advanced, 1..=16;
        /// Power of each mode over that of the mode before.
        probe_mode_decay: f64 = 0.15, advanced, 0.0..=1.0;
    }
}

/// The probe, `(k, n, n)`, orthogonal modes, strongest first, in the scale of its kind (a disk of about 1): the dose
/// scales it later. The same settings give the same probe.
///
/// # Errors
/// [`crate::Error::Invalid`] for a probe without power, or [`ProbeKind::File`].
pub fn make_probe(settings: &ProbeSettings) -> Result<Array3<Complex32>> {
    let _ = settings;
    unimplemented!("probes")
}

/// Amplitude and power of a probe in one convention.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ProbeStatistics {
    /// Least amplitude over all modes.
    pub amplitude_min: f64,
    /// Greatest amplitude.
    pub amplitude_max: f64,
    /// Mean amplitude.
    pub amplitude_mean: f64,
    /// `√Σ|P|²`.
    pub l2: f64,
    /// `Σ|P|²`.
    pub power: f64,
}

/// A probe in the two conventions in use.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProbeReport {
    /// As stored.
    pub as_stored: ProbeStatistics,
    /// Divided by `probe_scale · mean(|mask · P|)`, the mask being the disk of radius n/4 about `(n - 1) / 2`, the mean
    /// over all n² pixels, as `PtychoPINN` does it.
    pub masked_mean: ProbeStatistics,
    /// The divisor.
    pub masked_mean_divisor: f64,
    /// Share of the power in each mode.
    pub mode_power: Vec<f64>,
    /// Full width at half maximum of the summed intensity of all modes, px: of the disk of the same area.
    pub fwhm_px: f64,
}

/// Report on a probe `(k, n, n)`; `probe_scale` as in `PtychoPINN` (1, 4 or 10 there).
///
/// # Errors
/// [`crate::Error::Invalid`] for a probe of zeros.
pub fn report(probe: ArrayView3<'_, Complex32>, probe_scale: f64) -> Result<ProbeReport> {
    let _ = (probe, probe_scale);
    unimplemented!("probe report")
}
