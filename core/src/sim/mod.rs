//! Simulation: test objects, probes, scans and photon noise.

pub mod demo;
