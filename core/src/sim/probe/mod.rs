//! Test probes: their kinds and settings, incoherent modes, and a report on power and normalisation.

mod lens;
mod modes;
mod plain;
mod report;

use ndarray::{Array2, Array3, Axis};
use num_complex::{Complex32, Complex64};

use crate::error::{Error, Result};
use crate::fields::{AutoReal, Fields as _};

pub use lens::{DefocusedDisk, ZonePlate, scale_power};
pub use plain::{gaussian_probe, ideal_disk};
pub(crate) use report::summed_intensity;
pub use report::{ProbeReport, ProbeStatistics, report};

/// Radius of a defocused probe, in parts of n, where the program chooses the defocus.
const AUTO_RADIUS_N: f64 = 0.2;

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
        /// Size of the disk: its radius is about 0.12 n / scale (disk; `default_probe_scale` of `PtychoPINN`).
        default_probe_scale: f64 = 0.7, basic, 0.05..=10.0;
        /// Standard deviation of the Gaussian's amplitude, in parts of n (gaussian).
        probe_sigma_n: f64 = 0.12, advanced, 0.01..=0.5;
        /// Radius of the lens on the detector, in parts of n (defocused, zone-plate).
        probe_aperture_n: f64 = 0.16, advanced, 0.01..=0.5;
        /// Phase of the defocus at the lens's edge (defocused, zone-plate); auto makes the probe's radius n/5.
        probe_defocus_rad: AutoReal = AutoReal::Auto, advanced, -500.0..=500.0, unit "rad";
        /// Radius of the central stop over that of the lens (zone-plate).
        probe_stop: f64 = 0.35, advanced, 0.0..=0.95;
        /// Incoherent modes: the beam and its higher orders, orthogonal. A file brings its own.
        n_probe_modes: usize = 1, advanced, 1..=16;
        /// Power of each mode over that of the mode before.
        probe_mode_decay: f64 = 0.15, advanced, 0.001..=1.0;
    }
}

/// The probe, `(k, n, n)`, orthogonal modes, strongest first; the same settings give the same probe.
///
/// Its scale is that of its kind, since the dose scales it later: the disk of `PtychoPINN` is about 1, the others have a
/// greatest amplitude of 1; modes share the power that the one mode would have.
///
/// # Errors
/// [`Error::Invalid`] for settings out of range, more modes than the beam has room for, or [`ProbeKind::File`].
pub fn make_probe(settings: &ProbeSettings) -> Result<Array3<Complex32>> {
    settings.check_ranges()?;
    let n = settings.n;
    let aperture_px = settings.probe_aperture_n * n as f64;
    let defocus_rad = settings.probe_defocus_rad.or_else(|| {
        // A wave of phase δ q²/a² is bent by n δ / (π a) px at the lens's edge.
        AUTO_RADIUS_N * std::f64::consts::PI * aperture_px
    });
    let main = match settings.probe {
        ProbeKind::Disk => ideal_disk(n, settings.default_probe_scale),
        ProbeKind::Gaussian => gaussian_probe(n, settings.probe_sigma_n * n as f64),
        ProbeKind::Defocused | ProbeKind::ZonePlate => {
            let is_stopped = settings.probe == ProbeKind::ZonePlate;
            let lens = ZonePlate {
                n,
                aperture_px,
                stop: if is_stopped { settings.probe_stop } else { 0.0 },
                defocus_rad,
                photons: 1.0,
            };
            with_peak_of_one(lens.probe())?
        }
        ProbeKind::File => {
            let error = Error::invalid(
                "make a probe",
                "probe",
                "a kind of probe",
                "file, which has none",
            );
            return Err(error.with_fix("name the NPZ whose probeGuess is the probe"));
        }
    };
    let modes = if settings.n_probe_modes == 1 {
        main.insert_axis(Axis(0))
    } else {
        modes::modes(main, settings.n_probe_modes, settings.probe_mode_decay)?
    };
    Ok(modes.mapv(|value| Complex32::new(value.re as f32, value.im as f32)))
}

fn with_peak_of_one(wave: Array2<Complex64>) -> Result<Array2<Complex64>> {
    let peak = wave.iter().map(|value| value.norm()).fold(0.0, f64::max);
    if peak > 0.0 {
        return Ok(wave / Complex64::from(peak));
    }
    let error = Error::invalid(
        "make a probe",
        "probe-aperture-n",
        "a lens that lets light through",
        "no pixel open",
    );
    Err(error.with_fix("give a wider --probe-aperture-n or a smaller --probe-stop"))
}
