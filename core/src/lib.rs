//! Data, physics, iterative engines and pictures of Ptychobench, without a window.
//!
//! A coherent beam (the *probe*) scans an *object* in overlapping steps; from the diffraction
//! amplitudes alone one reconstructs object and probe.
//!
//! # Floors
//!
//! A module may use what stands below it, never above; a test reads the `use` lines.
//!
//! | floor | modules |
//! |---|---|
//! | 5 | [`study`]: run folders, tasks and their execution |
//! | 4 | [`paint`]: colour maps, arrays to pixels, colour bars, PNG · [`figure`]: panels and plots as SVG and PNG |
//! | 3 | [`nn`]: PtychoPINN and the supervised baseline · [`iterative`]: LSQML · [`metrics`]: how well reconstructions agree |
//! | 2 | [`sim`], [`grouping`]: neighbours, groups, spacing, overlap, [`forward`], [`patches`], [`phase`], [`register`] |
//! | 1 | [`data`]: NPZ, the data contract, inspection, repair |
//! | 0 | [`error`], [`compute`], [`rng`], [`simd`], [`fft`], [`disk`], [`job`], [`tensor`]: kernels of networks |
//!
//! # Conventions
//!
//! - Arrays are `[row = y, column = x]`; row 0 is the top of every picture and of every export.
//! - A position `(row, column)` is the object coordinate of patch pixel `n / 2` (integer division):
//!   the patch at `c` covers `[c - n/2, c - n/2 + n)`.
//! - The far field is `F{P · O_patch}`, `F` orthonormal and centred (DC at `[n/2, n/2]`), so photons
//!   are conserved. Files hold amplitude = √counts, and `probeGuess` in that same scale.
//! - Units live in names: `_px`, `_m`, `_rad`, `_s`; counts are `n_things`.
//! - Every random draw comes from [`rng::stream`]; the same seed gives the same bytes on one kind
//!   of CPU, whatever the number of threads.
//!
//! # What is not here
//!
//! No window, no terminal, no logging set-up, no printing, no global mutable setting.
//! `unsafe` stands only in [`disk`] (memory maps) and [`tensor`] (kernels), by `#[expect]` with a SAFETY line.

#![warn(missing_docs)]

pub mod compute;
pub mod data;
pub mod disk;
pub mod error;
pub mod fft;
pub mod fields;
pub mod figure;
pub mod forward;
pub mod grouping;
pub mod iterative;
pub mod job;
pub mod metrics;
pub mod nn;
pub mod paint;
pub mod patches;
pub mod phase;
pub mod register;
pub mod rng;
pub mod sim;
pub mod simd;
pub mod study;
pub mod tensor;

pub use error::{Error, Result};
