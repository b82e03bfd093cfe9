//! The engines that project all exit waves at once: difference map and RAAR.

use super::BatchResult;
use crate::error::Result;
use crate::iterative::kernels::{Batch, Kernels};
use crate::iterative::state::State;
use crate::simd::Real;

/// One batch of the difference map.
pub(super) fn difference_map<T: Real>(
    _: &mut dyn Kernels<T>,
    _: &Batch<T>,
    _: &mut State<T>,
    _: (usize, bool),
) -> Result<Option<BatchResult>> {
    unimplemented!()
}

/// One batch of RAAR.
pub(super) fn raar<T: Real>(
    _: &mut dyn Kernels<T>,
    _: &Batch<T>,
    _: &mut State<T>,
    _: (usize, bool),
) -> Result<Option<BatchResult>> {
    unimplemented!()
}
