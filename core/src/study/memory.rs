//! How much memory a run will take, told before it starts.

use crate::data::Dataset;
use crate::iterative::LsqmlSettings;

/// Bytes of a complex number in single precision.
const N_BYTES_COMPLEX: u64 = 8;
/// Arrays of the object's size that the engine holds: object, direction, update, preconditioner, last good and preview.
const N_OBJECT_ARRAYS: u64 = 8;
/// Arrays of the probe's size: probe, direction, update, last good and preview.
const N_PROBE_ARRAYS: u64 = 6;
/// Program, libraries and threads.
const N_BYTES_BASE: u64 = 64 << 20;

/// Bytes that a reconstruction will need at its peak, the data included.
///
/// An estimate from above for the engine's arrays: a batch of exit waves for every mode, the object
/// and the probe with their copies, one frame for each pattern of a batch.
pub fn estimate_bytes(dataset: &Dataset, settings: &LsqmlSettings) -> u64 {
    let n = dataset.n() as u64;
    let [height, width] = dataset.object_shape();
    let object = (height as u64 + n) * (width as u64 + n) * N_BYTES_COMPLEX;
    let wave = n * n * N_BYTES_COMPLEX;
    let modes = settings.probe_modes as u64;
    let batch = settings.batch_size.min(dataset.n_patterns()) as u64;
    let frames = dataset.n_patterns() as u64 * n * n * 4;
    N_BYTES_BASE
        + frames
        + N_OBJECT_ARRAYS * object
        + N_PROBE_ARRAYS * modes * wave
        + 2 * batch * modes * wave
}

/// Bytes of memory that the system can still give, where it tells (Linux).
pub fn available_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
