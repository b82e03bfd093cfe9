//! Simulation: test objects, probes, scans and photon noise.

pub mod demo;
pub mod noise;
pub mod object;
pub mod probe;
pub mod scan;
