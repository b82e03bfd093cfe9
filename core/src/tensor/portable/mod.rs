//! The same operations composed of Candle's own kernels, for CUDA, Metal and, in tests, the CPU; `f32` or `f64`.
//!
//! Feature maps are `(channels, batch, rows, columns)`: so a convolution is one matrix product, a range of channels is
//! one piece of memory and nothing is transposed between layers. The physics takes `(batch, rows, columns)`.
//!
//! Gradients are Candle's, but for three operations whose gradient is given here (`beside`): Candle's `conv2d` is slow
//! backwards on every device, its `max_pool2d` shares the gradient among equal maxima and its `upsample_nearest2d`
//! goes through a convolution. Every function returns Candle's own error.

mod beside;
mod complex;
mod layers;
mod losses;
mod patches;
mod shift;

pub use complex::{Complex, Dft};
pub use layers::{conv3x3, max_pool2, relu, sigmoid, softplus, upsample2};
pub use losses::{amplitude_error, negative_log_likelihood, roughness};
pub use patches::{PatchPlaces, frequency, ramps};
pub use shift::{Placement, Shifts};

use candle_core::{DType, Device, Result, Shape, Tensor};

/// Values of the host as a tensor of a type that the device has: they are rounded before they travel.
///
/// # Errors
/// The device's words; another number of values than the shape has.
pub fn upload(
    values: &[f64],
    shape: impl Into<Shape>,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    let shape = shape.into();
    if dtype == DType::F64 {
        return Tensor::from_slice(values, shape, device);
    }
    let narrow: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    Tensor::from_vec(narrow, shape, device)?.to_dtype(dtype)
}
