//! Trained networks on disk.
