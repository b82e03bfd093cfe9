//! How much memory a run will take, told before it starts.

use crate::data::Dataset;
use crate::iterative::{EngineKind, IterativeSettings, amplitude_copy_bytes};

/// Bytes of a complex number in single precision.
const N_BYTES_COMPLEX: u64 = 8;
/// Arrays of the object's size that the engine holds: object, direction, update, preconditioner, last good and preview.
const N_OBJECT_ARRAYS: u64 = 8;
/// Arrays of the probe's size: probe, direction, update, last good and preview.
const N_PROBE_ARRAYS: u64 = 6;
/// Program, libraries and threads.
const N_BYTES_BASE: u64 = 64 << 20;

/// Bytes that a reconstruction will take at its peak, beside what the open dataset holds already.
///
/// An estimate from above for the engine's arrays: a batch of exit waves for every mode, object and probe with
/// their copies, and the engine's own copy of the amplitudes where it makes one. A memory-mapped scan costs nothing
/// for its length.
pub fn estimate_bytes(dataset: &Dataset, engine: EngineKind, settings: &IterativeSettings) -> u64 {
    estimate(
        dataset.n_patterns(),
        dataset.n(),
        dataset.object_shape(),
        (engine, settings),
    )
}

fn estimate(
    n_patterns: usize,
    n: usize,
    object_shape: [usize; 2],
    (engine, settings): (EngineKind, &IterativeSettings),
) -> u64 {
    let side = n as u64;
    let [height, width] = object_shape;
    let object = (height as u64 + side) * (width as u64 + side) * N_BYTES_COMPLEX;
    let wave = side * side * N_BYTES_COMPLEX;
    let modes = settings.probe_modes as u64;
    let batch = settings.batch_size.min(n_patterns) as u64;
    // DM and RAAR keep an exit wave for every pattern and mode.
    let waves = if engine.is_in_batches() {
        0
    } else {
        n_patterns as u64 * modes * wave
    };
    N_BYTES_BASE
        + waves
        + amplitude_copy_bytes::<f32>(n_patterns, n) as u64
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_larger_than_memory_needs_no_more_for_its_length() {
        let settings = IterativeSettings::default();
        let needed = |n_patterns| {
            let engine = (EngineKind::Lsqml, &settings);
            estimate(n_patterns, 128, [500, 500], engine)
        };
        assert!(
            needed(516) < needed(1032),
            "small scans are copied for speed"
        );
        assert_eq!(needed(75_000), needed(75_000_000));
        assert!(needed(75_000) < 300 << 20, "{}", needed(75_000));
    }
}
