//! Stage 1: patterns at one dose.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::Device;
use num_complex::Complex32;

use crate::data::{Frames, Metadata};
use crate::error::{Error, Result};
use crate::fields::FieldValue as _;
use crate::forward::Subpixel;
use crate::job::Monitor;
use crate::sim::noise::noise_seed;
use crate::sim::{AmplitudeScale, Scene, SimulationSettings, Simulator};

/// Stage 1's result: patterns at one dose with what they were made from, before they have the contract's form.
pub struct Simulated {
    /// Amplitudes, drawn when read: √counts, or √counts / `probe_factor` where dose-normalised ones are asked for.
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

/// Factor on a probe so that patterns have `photons` on average: `√(photons / mean(expected))`.
///
/// # Errors
/// [`Error::Invalid`] for photons that are not above 0, and for a scan that expects none.
pub fn probe_factor(expected_photons: &[f64], photons: f64) -> Result<f64> {
    let invalid = |key: &str, expected: &str, found: String| {
        Err(Error::invalid(
            "scale the probe to the dose",
            key,
            expected,
            found,
        ))
    };
    if !(photons.is_finite() && 0.0 < photons) {
        return invalid("doses", "photons above 0", photons.to_string());
    }
    let mean = expected_photons.iter().sum::<f64>() / expected_photons.len().max(1) as f64;
    if !(mean.is_finite() && 0.0 < mean) {
        let found = format!(
            "{mean} photons expected of {} positions",
            expected_photons.len()
        );
        return invalid(
            "probe",
            "a probe and an object that let light through",
            found,
        );
    }
    Ok((photons / mean).sqrt())
}

/// Photons that each position of the (first) scan is expected to have under the scene's unscaled probe. They serve every
/// dose, since a dose only scales the probe.
///
/// # Errors
/// Those of [`Simulator::new`]; [`Error::Cancelled`].
pub fn expected_photons(
    scene: &Scene,
    subpixel: Subpixel,
    monitor: &dyn Monitor<()>,
) -> Result<Vec<f64>> {
    let simulator = Simulator::new(
        Arc::clone(&scene.object),
        Arc::clone(&scene.probe),
        Arc::clone(&scene.positions_px),
        subpixel,
        0,
    )?;
    simulator.expected_photons(monitor)
}

/// Simulate the scene's scan at one dose; patterns are drawn when read.
///
/// The probe is scaled so that the scan's patterns have `photons` on average and rounded to what files hold; patterns
/// come from exactly that.
///
/// # Errors
/// [`Error::Invalid`] for photons that are not above 0, a scene without light; [`Error::Cancelled`].
pub fn simulate(
    scene: &Scene,
    photons: f64,
    settings: &SimulationSettings,
    monitor: &dyn Monitor<()>,
) -> Result<Simulated> {
    let factor = probe_factor(
        &expected_photons(scene, settings.subpixel, monitor)?,
        photons,
    )?;
    simulate_at(scene, photons, factor, settings.seed, settings)
}

/// As [`simulate`] with a known [`probe_factor`] and a seed of its own for the noise: a second scan in the same beam.
///
/// # Errors
/// Those of [`Simulator::new`].
pub fn simulate_at(
    scene: &Scene,
    photons: f64,
    probe_factor: f64,
    seed: u64,
    settings: &SimulationSettings,
) -> Result<Simulated> {
    simulate_on(scene, (photons, probe_factor), seed, settings, None)
}

/// As [`simulate_at`] for (photons, probe factor), with the forward model on a device; photons are drawn on the CPU.
///
/// # Errors
/// Those of [`Simulator::on`].
pub fn simulate_on(
    scene: &Scene,
    (photons, probe_factor): (f64, f64),
    seed: u64,
    settings: &SimulationSettings,
    device: Option<&Device>,
) -> Result<Simulated> {
    let noise_seed = noise_seed(seed, photons);
    let object = Arc::clone(&scene.object);
    let probe = Arc::new(scene.probe.mapv(|value| scaled(value, probe_factor)));
    let positions_px = Arc::clone(&scene.positions_px);
    let subpixel = settings.subpixel;
    let simulator = Arc::new(match device {
        Some(device) => {
            let model = (subpixel, noise_seed);
            Simulator::on(object, probe, positions_px, model, device)?
        }
        None => Simulator::new(object, probe, positions_px, subpixel, noise_seed)?,
    });
    let (frames, counts_factor) = match settings.amplitude {
        AmplitudeScale::SqrtCounts => (simulator.frames(), None),
        AmplitudeScale::DoseNormalised => {
            let frames = normalised(&simulator.frames(), probe_factor);
            (frames, Some(probe_factor))
        }
    };
    let metadata = Metadata {
        subpixel: Some(settings.subpixel.to_value().to_string()),
        seeds: BTreeMap::from([
            ("simulation".to_owned(), seed),
            ("noise".to_owned(), noise_seed),
        ]),
        photons_requested: Some(photons),
        pixel_size_m: scene.pixel_size_m,
        amplitude: Some(settings.amplitude.mark().to_owned()),
        counts_factor,
        ..Metadata::default()
    };
    Ok(Simulated {
        frames,
        scene: scene.clone(),
        probe_factor,
        photons_requested: photons,
        metadata,
        simulator,
    })
}

/// `√counts / factor`, rounded once.
fn normalised(frames: &Frames, factor: f64) -> Frames {
    let frames = frames.clone();
    Frames::from_fn(frames.n_frames(), frames.n(), move |i, out| {
        frames.read(i, out);
        for value in out {
            *value = (f64::from(*value) / factor) as f32;
        }
    })
}

/// Scaled in double precision, rounded to what files hold.
pub(super) fn scaled(value: Complex32, factor: f64) -> Complex32 {
    Complex32::new(
        (f64::from(value.re) * factor) as f32,
        (f64::from(value.im) * factor) as f32,
    )
}
