//! Stage 2: order, names and types of the contract.

use crate::data::{Dataset, DatasetParts};
use crate::error::Result;
use crate::sim::AmplitudeScale;
use crate::sim::stages::simulate::{Simulated, scaled};

/// What was simulated as a dataset: patterns and coordinates in the scan's order, numbered by `scan_index`, nominal
/// positions (`xcoords_start`, `ycoords_start`) equal to the true ones, `probeGuess` in the scale of the amplitudes.
///
/// # Errors
/// [`crate::Error::Invalid`] for parts that do not fit: those of the dataset's constructor.
pub fn canonicalise(simulated: Simulated) -> Result<Dataset> {
    let Simulated {
        frames,
        scene,
        probe_factor,
        photons_requested: _,
        metadata,
        simulator: _,
    } = simulated;
    let is_normalised =
        metadata.amplitude.as_deref() == Some(AmplitudeScale::DoseNormalised.mark());
    let probe = if is_normalised {
        scene.probe.as_ref().clone()
    } else {
        scene.probe.mapv(|value| scaled(value, probe_factor))
    };
    let positions_px = scene.positions_px.to_vec();
    let along = |axis: usize| -> Vec<f64> { positions_px.iter().map(|at| at[axis]).collect() };
    let (rows_start_px, columns_start_px) = (along(0), along(1));
    let n_patterns = positions_px.len() as i64;
    Dataset::derived(DatasetParts {
        object: Some(scene.object.as_ref().clone()),
        scan_index: Some((0..n_patterns).collect()),
        rows_start_px: Some(rows_start_px),
        columns_start_px: Some(columns_start_px),
        metadata,
        ..DatasetParts::required(frames, positions_px, probe)
    })
}
