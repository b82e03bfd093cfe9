//! Structural similarity over several scales.
