//! Layers, golden losses and gradients.
