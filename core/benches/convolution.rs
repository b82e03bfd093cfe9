//! Convolution.
fn main() {}
