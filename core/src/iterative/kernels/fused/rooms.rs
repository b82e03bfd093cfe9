//! Memory that a batch and a thread work in.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pulp::Arch;

use super::{N_CHUNKS, positions};
use crate::fft::tile::fields::Ramp;
use crate::fft::tile::{Scratch, TileFft};
use crate::iterative::IterativeSettings;
use crate::iterative::kernels::PatternSums;
use crate::iterative::scan::Scan;
use crate::iterative::state::Planes;
use crate::simd::{Aligned, Real};

/// What one thread works in.
pub(super) struct Room<T> {
    /// Shifted probe modes that are not kept for the second pass.
    pub(super) shifted: Aligned<T>,
    /// Detector waves of all modes.
    pub(super) waves: Aligned<T>,
    pub(super) a: Aligned<T>,
    pub(super) b: Aligned<T>,
    pub(super) intensity: Aligned<T>,
    pub(super) amplitude: Aligned<T>,
    pub(super) frame: Vec<f32>,
    pub(super) ramp: Ramp<T>,
    pub(super) scratch: Scratch<T>,
}

/// What a batch works in; nothing is allocated while it runs.
pub(super) struct Workspace<T> {
    pub(super) fft: TileFft<T>,
    pub(super) rooms: Vec<Mutex<Room<T>>>,
    /// Transforms of the shifted probe modes, over n².
    pub(super) spectra: Aligned<T>,
    /// Those of the OPR modes.
    pub(super) opr_spectra: Aligned<T>,
    /// `2π f / n²` of the frequencies of a side, for derivatives.
    pub(super) turns: Aligned<T>,
    /// An OPR mode that is looked at.
    pub(super) mode: Aligned<T>,
    /// OPR's residuals, pattern by pattern.
    pub(super) residuals: Aligned<T>,
    /// Residual waves and shifted probes kept for the second pass, pattern by pattern.
    pub(super) chi: Aligned<T>,
    pub(super) shifted: Aligned<T>,
    /// Object direction of the modes that are not kept.
    pub(super) extra: Aligned<T>,
    /// Probe direction, a sum for each chunk.
    pub(super) adjoint: Aligned<T>,
    pub(super) sums: Vec<PatternSums>,
    pub(super) steps: Vec<[f64; 6]>,
    pub(super) probe_direction: Aligned<T>,
    /// Sum of the object directions of all modes.
    pub(super) all: Planes<T>,
    /// Preconditioned direction for the step sizes.
    pub(super) first: Planes<T>,
    /// `1/D`
    pub(super) inverse_damped: Aligned<T>,
    /// Illumination of the batch, and what divides by it: `(a, b)` of `a W + b`. Room is made when first wanted.
    pub(super) batch_weight: Aligned<T>,
    pub(super) batch_divisor: Option<[T; 2]>,
    /// Denominator of the probe, a sum for each chunk. Room is made when first wanted.
    pub(super) adjoint_weight: Aligned<T>,
}

impl<T: Real> Workspace<T> {
    pub(super) fn new(
        scan: &Scan<T>,
        settings: &IterativeSettings,
        batch: usize,
        kept: usize,
        n_threads: usize,
    ) -> Self {
        let fft = TileFft::<T>::new(scan.tiling.n);
        let (field, plane, n) = (
            scan.tiling.field_len(),
            scan.tiling.plane_len(),
            scan.tiling.n,
        );
        let modes = settings.probe_modes;
        let room = |_| {
            Mutex::new(Room {
                shifted: Aligned::zeros(modes * field),
                waves: Aligned::zeros(modes * field),
                a: Aligned::zeros(field),
                b: Aligned::zeros(field),
                intensity: Aligned::zeros(plane),
                amplitude: Aligned::zeros(plane),
                frame: vec![0.0; n * n],
                ramp: Ramp::new(scan.tiling),
                scratch: fft.scratch(),
            })
        };
        let rooms = (0..n_threads.max(1)).map(room).collect();
        Self {
            rooms,
            fft,
            spectra: Aligned::zeros(modes * field),
            opr_spectra: Aligned::zeros(settings.opr_modes * field),
            turns: positions::turns(scan.tiling),
            mode: Aligned::zeros(field),
            residuals: Aligned::zeros(if settings.opr_modes > 0 {
                batch * field
            } else {
                0
            }),
            chi: Aligned::zeros(batch * kept * field),
            shifted: Aligned::zeros(batch * kept * field),
            extra: Aligned::zeros(batch * extra_len(kept, modes, field)),
            adjoint: Aligned::zeros(N_CHUNKS * modes * field),
            sums: vec![PatternSums::default(); batch],
            steps: vec![[0.0; 6]; batch],
            probe_direction: Aligned::zeros(modes * field),
            all: Planes::zeros(scan.canvas_len()),
            first: Planes::zeros(scan.canvas_len()),
            inverse_damped: Aligned::zeros(scan.canvas_len()),
            batch_weight: Aligned::default(),
            batch_divisor: None,
            adjoint_weight: Aligned::default(),
        }
    }

    pub(super) fn arch(&self) -> Arch {
        self.fft.arch()
    }

    pub(super) fn room(&self) -> MutexGuard<'_, Room<T>> {
        let thread = rayon::current_thread_index().unwrap_or(0) % self.rooms.len();
        self.rooms[thread]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Values a pattern keeps for the modes whose residual wave is not; at least one, so that all stores have chunks.
pub(super) fn extra_len(kept: usize, modes: usize, field: usize) -> usize {
    if kept < modes { field } else { 1 }
}
