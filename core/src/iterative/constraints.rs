//! Constraints at the end of an epoch: probe power, support and centre, object limits, total variation.

use crate::iterative::IterativeSettings;
use crate::iterative::scan::Scan;
use crate::iterative::state::State;
use crate::simd::Real;

/// `P *= c`, `O /= c` so that all modes together keep the power that they started with, where asked for.
pub(crate) fn keep_power<T: Real>(_: &IterativeSettings, _: &mut State<T>, _: f64) {}

/// Amplitude and phase of the object within their limits.
pub(crate) fn limit_object<T: Real>(_: &IterativeSettings, _: &mut State<T>) {}

/// Support, then centre of the probe.
pub(crate) fn shape_probe<T: Real>(_: &Scan<T>, _: &IterativeSettings, _: &mut State<T>) {}

/// Total variation of the object.
pub(crate) fn smooth_object<T: Real>(_: &Scan<T>, _: &IterativeSettings, _: &mut State<T>) {}
