//! How well a reconstruction agrees with the truth, or with another: every step explicit, every number defined.
//!
//! 1. [`settings::CompareSettings`] and a [`region::Region`] say how to compare.
//! 2. [`prepare::prepare`] brings a reconstruction to the reference: region, registration, phase, amplitude; it tells what it did.
//! 3. [`evaluate::evaluate`] computes the numbers of [`definitions`], ring correlations and bias.

pub mod bias;
pub mod definitions;
pub mod errors;
pub mod evaluate;
mod fill;
pub mod frc;
pub mod ms_ssim;
pub mod pair;
pub mod phases;
pub mod plane;
pub mod prepare;
pub mod region;
pub mod settings;
pub mod ssim;
