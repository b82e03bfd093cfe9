//! The kernels composed of Candle's operations on whole batches, for CUDA and Metal; they run on the CPU as well.

use candle_core::Device;

use super::Kernels;
use crate::error::Result;
use crate::iterative::IterativeSettings;
use crate::iterative::scan::Scan;
use crate::simd::Real;

/// Kernels on a device, for batches of up to `batch` patterns; `memory_bytes` limits what they take, for tests and small
/// cards.
pub(crate) fn tensors<T: Real>(
    _: &Scan<T>,
    _: &IterativeSettings,
    _: (usize, usize),
    _: &Device,
    _: Option<u64>,
) -> Result<Box<dyn Kernels<T>>> {
    unimplemented!()
}
