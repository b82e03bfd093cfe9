//! Operations of networks and of their physics: each a forward pass and its adjoint on plain slices for the CPU, and a
//! portable composition of Candle's own kernels ([`portable`]) for CUDA and Metal.
//!
//! The CPU side keeps no graph: a network calls the passes in order and the adjoints in reverse, on memory planned once.
//! The portable side also runs on the CPU, in single or double precision: that is how the fast side is tested.

pub mod activations;
pub mod conv;
mod dispatch;
pub(crate) mod elementary;
pub mod poisson;
pub mod portable;
pub mod shift;

pub use activations::Activations;
pub use dispatch::Kernel;
