//! Structural similarity.
