//! The same operations composed of Candle's own kernels, for CUDA, Metal and, in tests, the CPU; `f32` or `f64`.
//!
//! Tensors are `(batch, channels, rows, columns)` as Candle has them; gradients are Candle's. `conv2d` is avoided: its
//! backward pass is slow on every device.
