//! Patterns a second of the simulation.

fn main() {}
