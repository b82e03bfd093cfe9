//! Training steps.
fn main() {}
