//! Refinement of positions.

use crate::iterative::IterativeSettings;
use crate::iterative::scan::Scan;
use crate::iterative::state::State;
use crate::simd::Real;

/// What the end of an epoch does to them.
pub(crate) fn end_epoch<T: Real>(_: &Scan<T>, _: &IterativeSettings, _: &mut State<T>) {}
