//! The engines on Candle tensors, here on the CPU: against golden trajectories and against the fused kernels.

use candle_core::Device;
use ptycho_core::iterative::Computing;

use crate::lsqml::golden;

/// The tensor kernels on the CPU.
fn on_tensors() -> Computing {
    Computing {
        n_threads: 2,
        device: Some(Device::Cpu),
        memory_bytes: None,
    }
}

fn follow_both(name: &'static str) {
    let case = golden(name);
    let (single, double) = (
        case.follow::<f32>(on_tensors()),
        case.follow::<f64>(on_tensors()),
    );
    println!("{name} on tensors: {single:.1e} in single, {double:.1e} in double precision");
    assert!(single < 1e-3, "{name} in single precision: {single:e}");
    assert!(double < 1e-9, "{name} in double precision: {double:e}");
}

#[test]
fn one_mode_on_tensors_follows_the_golden_trajectory() {
    follow_both("lsqml_gaussian_1mode");
}

#[test]
fn three_modes_on_tensors_follow_the_golden_trajectory() {
    follow_both("lsqml_gaussian_3modes");
}

#[test]
fn compact_batches_with_momentum_on_tensors_follow_the_golden_trajectory() {
    follow_both("lsqml_compact_momentum");
}

#[test]
fn a_frozen_probe_on_tensors_follows_the_golden_trajectory() {
    follow_both("lsqml_frozen_probe");
}

#[test]
fn poisson_steps_on_tensors_follow_the_golden_trajectory() {
    follow_both("lsqml_poisson");
}

#[test]
fn refined_positions_on_tensors_follow_the_golden_trajectory() {
    follow_both("lsqml_positions");
}

#[test]
fn a_varying_probe_on_tensors_follows_the_golden_trajectory() {
    follow_both("lsqml_opr");
}
