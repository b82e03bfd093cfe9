//! What a probe's numbers are, in both conventions.

use ndarray::{Array2, ArrayView3, Axis};
use num_complex::Complex32;
use num_traits::Zero as _;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Amplitude and power of a probe in one convention.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeStatistics {
    /// Least amplitude over all modes.
    pub amplitude_min: f64,
    /// Greatest amplitude.
    pub amplitude_max: f64,
    /// Mean amplitude over all pixels and modes.
    pub amplitude_mean: f64,
    /// `√Σ|P|²`.
    pub l2: f64,
    /// `Σ|P|²`.
    pub power: f64,
}

impl ProbeStatistics {
    fn divided(self, divisor: f64) -> Self {
        Self {
            amplitude_min: self.amplitude_min / divisor,
            amplitude_max: self.amplitude_max / divisor,
            amplitude_mean: self.amplitude_mean / divisor,
            l2: self.l2 / divisor,
            power: self.power / divisor.powi(2),
        }
    }
}

/// A probe in the two conventions in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// As stored.
    pub as_stored: ProbeStatistics,
    /// Divided by `probe_scale · mean(|mask · P|)`, the mask being the disk of radius ⌊n/4⌋ about `(n - 1) / 2`, the mean
    /// over all n² pixels, as `PtychoPINN` does it; `|P|` of several modes is `√Σ_k|P_k|²`.
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
/// [`Error::Invalid`] for a probe that is not finite, without power, or dark within the mask.
pub fn report(probe: ArrayView3<'_, Complex32>, probe_scale: f64) -> Result<ProbeReport> {
    let refused = |expected: &str, found: &str| {
        Error::invalid("report on a probe", "probeGuess", expected, found)
    };
    if probe.iter().any(|value| !value.is_finite()) {
        return Err(refused("finite values", "some that are not finite"));
    }
    let intensity = summed_intensity(probe);
    let power: f64 = intensity.iter().sum();
    if power.is_zero() {
        return Err(refused("a probe with power", "zeros only"));
    }
    let divisor = probe_scale * masked_mean(&intensity);
    if !(divisor.is_finite() && divisor > 0.0) {
        return Err(refused("power within n/4 of the middle", "none there"));
    }
    let as_stored = statistics(probe, power);
    let of_mode = |mode: ndarray::ArrayView2<'_, Complex32>| {
        mode.iter().map(|value| norm(*value).powi(2)).sum::<f64>() / power
    };
    let peak = intensity.iter().copied().fold(0.0, f64::max);
    let n_above = intensity.iter().filter(|i| 0.5 * peak <= **i).count();
    Ok(ProbeReport {
        as_stored,
        masked_mean: as_stored.divided(divisor),
        masked_mean_divisor: divisor,
        mode_power: probe.axis_iter(Axis(0)).map(of_mode).collect(),
        fwhm_px: 2.0 * (n_above as f64 / std::f64::consts::PI).sqrt(),
    })
}

fn norm(value: Complex32) -> f64 {
    f64::from(value.re).hypot(f64::from(value.im))
}

/// `Σ_k |P_k|²`, `(n, n)`.
pub(crate) fn summed_intensity(probe: ArrayView3<'_, Complex32>) -> Array2<f64> {
    let mut intensity = Array2::zeros((probe.dim().1, probe.dim().2));
    for mode in probe.outer_iter() {
        intensity.zip_mut_with(&mode, |sum, value| {
            *sum += f64::from(value.re).powi(2) + f64::from(value.im).powi(2);
        });
    }
    intensity
}

/// Mean over all pixels of the amplitude within the mask.
fn masked_mean(intensity: &Array2<f64>) -> f64 {
    let n = intensity.nrows();
    let radius_px = (n / 4) as f64;
    // PtychoPINN counts from n/2 - 1/2 for odd n too.
    let from_middle = |i: usize| i as f64 - (n / 2) as f64 + 0.5;
    let inside = intensity
        .indexed_iter()
        .filter(|((row, column), _)| from_middle(*row).hypot(from_middle(*column)) < radius_px);
    inside.map(|(_, intensity)| intensity.sqrt()).sum::<f64>() / intensity.len() as f64
}

fn statistics(probe: ArrayView3<'_, Complex32>, power: f64) -> ProbeStatistics {
    let amplitudes = || probe.iter().map(|value| norm(*value));
    ProbeStatistics {
        amplitude_min: amplitudes().fold(f64::INFINITY, f64::min),
        amplitude_max: amplitudes().fold(0.0, f64::max),
        amplitude_mean: amplitudes().sum::<f64>() / probe.len() as f64,
        l2: power.sqrt(),
        power,
    }
}
