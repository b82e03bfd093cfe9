//! Orthogonal probe relaxation (OPR): a probe that varies from pattern to pattern along a few modes.

use crate::iterative::IterativeSettings;
use crate::iterative::scan::Scan;
use crate::iterative::state::State;
use crate::simd::{Aligned, Real};

/// The modes and weights that a run starts with: random modes of rms 1 within the probe, weights of 1 for the probe and
/// about 0 for the modes.
pub(crate) fn first<T: Real>(
    scan: &Scan<T>,
    settings: &IterativeSettings,
    _probe: &[T],
) -> (Aligned<T>, Vec<f64>) {
    if settings.opr_modes > 0 {
        unimplemented!()
    }
    (Aligned::default(), vec![1.0; scan.n_patterns()])
}

/// What the end of an epoch does to them.
pub(crate) fn end_epoch<T: Real>(_: &Scan<T>, _: &IterativeSettings, _: &mut State<T>) {}
