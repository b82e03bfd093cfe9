//! The composition for devices against the fused kernels.
