//! The ptychographic iterative engines: rPIE, ePIE, mPIE.

use super::BatchResult;
use crate::error::Result;
use crate::iterative::EngineKind;
use crate::iterative::kernels::{Batch, Kernels};
use crate::iterative::state::State;
use crate::simd::Real;

/// One batch.
pub(super) fn step<T: Real>(
    _: EngineKind,
    _: &mut dyn Kernels<T>,
    _: &Batch<T>,
    _: &mut State<T>,
) -> Result<Option<BatchResult>> {
    unimplemented!()
}
