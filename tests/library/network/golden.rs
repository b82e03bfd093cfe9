//! A network whose weights are formulas, against the developers' numbers.

use ndarray::{Array2, Array3, Array4, s};
use num_complex::{Complex32, Complex64};
use ptycho_core::job::Stop;
use ptycho_core::nn::network::CpuStepper;
use ptycho_core::nn::stepper::{Objective, StepperSettings};
use ptycho_core::nn::{Architecture, Batch, Parameters, Prediction, Stepper as _, TrainSettings};
use ptycho_core::simd::Aligned;
use ptycho_core::tensor::Activations;
use serde_json::Value;

use crate::support;

const N: usize = 64;
const C: usize = 4;
const B: usize = 2;
/// √counts for one unit of the generator's probe and input.
const SCALE: f64 = 3.125;

/// Deterministic numbers in [-1, 1), as the generator makes them.
fn unit(i: usize, layer: usize) -> f64 {
    let step = |x: u32, shift: u32, factor: u32| (x ^ (x >> shift)).wrapping_mul(factor);
    let x = (1664525_u32.wrapping_mul(i as u32))
        .wrapping_add(1013904223)
        .wrapping_add(69069_u32.wrapping_mul(layer as u32));
    let x = step(step(x, 16, 2246822519), 13, 3266489917);
    f64::from(x ^ (x >> 16)) / f64::from(1_u32 << 31) - 1.0
}

fn parameters(architecture: &Architecture) -> Parameters {
    let mut values = vec![0.0; architecture.n_parameters()];
    for (at, pair) in architecture.entries().chunks(2).enumerate() {
        let bound = (3.0 / (9.0 * pair[0].shape[1] as f64)).sqrt();
        for (i, value) in values[pair[0].range()].iter_mut().enumerate() {
            *value = (bound * unit(i, at)) as f32;
        }
        for (i, value) in values[pair[1].range()].iter_mut().enumerate() {
            *value = (0.01 * unit(i, at + 100)) as f32;
        }
    }
    Parameters::of(architecture, values).unwrap()
}

fn squared_radius(pixel: usize) -> f64 {
    let from_centre = |i: usize| i as f64 - 32.0;
    from_centre(pixel / N).powi(2) + from_centre(pixel % N).powi(2)
}

fn batch() -> Batch {
    let mut input = Activations::zeros(B, N, C);
    let mut amplitude = Aligned::zeros(B * C * N * N);
    for (flat, value) in amplitude.iter_mut().enumerate() {
        let (plane, pixel) = (flat / (N * N), flat % (N * N));
        let envelope = 40.0 * (-squared_radius(pixel) / 128.0).exp();
        let counts: f64 = (envelope * (1.0 + unit(flat, 200))).floor();
        *value = counts.sqrt() as f32;
        let at = input.at(plane / C, pixel / N, pixel % N, plane % C);
        input.values_mut()[at] = (counts.sqrt() / SCALE) as f32;
    }
    let relative_px: Array3<f64> = support::npz("network.npz").by_name("relative").unwrap();
    Batch {
        n_groups: B,
        input,
        amplitude,
        relative_px: (relative_px.rows().into_iter())
            .map(|row| [row[0], row[1]])
            .collect(),
        truth: Vec::new(),
    }
}

fn stepper(architecture: &Architecture, nll: f64, mae: f64) -> CpuStepper {
    let value = |pixel: usize| {
        let r2 = squared_radius(pixel);
        let value = Complex64::from_polar(SCALE * 0.9 * (-r2 / 162.0).exp(), 3.0 * r2 / 1024.0);
        Complex32::new(value.re as f32, value.im as f32)
    };
    let settings = StepperSettings {
        largest_batch: B,
        canvas_px: 84,
        probe: Array3::from_shape_fn((1, N, N), |(_, row, column)| value(row * N + column)),
        objective: Objective {
            nll,
            mae,
            tv: 0.0,
            amplitude_epsilon: SCALE * SCALE * 1e-12,
        },
        trains: true,
        n_threads: 2,
    };
    CpuStepper::new(architecture, settings).unwrap()
}

fn architecture() -> Architecture {
    let settings = TrainSettings {
        gridsize: 2,
        filters_scale: 1,
        amplitude_max: 1.0,
        ..TrainSettings::default()
    };
    Architecture::new(&settings, N, 1).unwrap()
}

fn golden() -> Value {
    serde_json::from_slice(&std::fs::read(support::data("network.json")).unwrap()).unwrap()
}

#[test]
fn losses_and_every_gradient_are_the_golden_ones() {
    let golden = golden();
    let architecture = architecture();
    assert_eq!(golden["parameters"], architecture.n_parameters());
    let (parameters, batch) = (parameters(&architecture), batch());
    for (name, weights, tolerance) in [("nll", [1.0, 0.0], 1e-4), ("mae", [0.0, 1.0], 1e-3)] {
        let mut stepper = stepper(&architecture, weights[0], weights[1]);
        let mut gradient = vec![f32::NAN; architecture.n_parameters()];
        let losses = stepper
            .gradient(parameters.values(), &batch, &mut gradient, &Stop::default())
            .unwrap()
            .unwrap();
        for (found, expected) in [(losses.nll, &golden["nll"]), (losses.mae, &golden["mae"])] {
            let expected = expected.as_f64().unwrap();
            assert!((found / expected - 1.0).abs() < 1e-5, "{found} {expected}");
        }
        for (at, entry) in architecture.entries().iter().enumerate() {
            let kind = if at % 2 == 0 { "weight" } else { "bias" };
            let expected = &golden["gradients"][name][format!("{}.{kind}", at / 2)];
            let norm = expected["norm"].as_f64().unwrap();
            let values = &gradient[entry.range()];
            let sum: f64 = values.iter().map(|v| f64::from(*v)).sum();
            let found_norm = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
            let check = |what: &str, found: f64, expected: &Value, room: f64| {
                let error = (found - expected.as_f64().unwrap()).abs() / norm;
                let of = &entry.name;
                assert!(
                    error < tolerance * room,
                    "{name} {what} of {of}: {error:.1e}"
                );
            };
            check("norm", found_norm.sqrt(), &expected["norm"], 1.0);
            // Errors of norm 1 add up to √n at most.
            check("sum", sum, &expected["sum"], (values.len() as f64).sqrt());
            let first = expected["first"].as_array().unwrap();
            for (value, expected) in values.iter().zip(first) {
                check("value", f64::from(*value), expected, 1.0);
            }
        }
    }
}

#[test]
fn what_the_network_draws_merges_and_expects_is_the_golden_object() {
    let architecture = architecture();
    let (parameters, batch) = (parameters(&architecture), batch());
    let mut archive = support::npz("network.npz");
    let counts: Array3<u16> = archive.by_name("counts").unwrap();
    for (value, counts) in batch.amplitude.iter().zip(&counts) {
        assert_eq!((value * value).round() as u16, *counts);
    }
    let mut prediction = Prediction::default();
    let losses = stepper(&architecture, 1.0, 0.0)
        .evaluate(
            parameters.values(),
            &batch,
            Some(&mut prediction),
            &Stop::default(),
        )
        .unwrap()
        .unwrap();
    let nll = golden()["nll"].as_f64().unwrap();
    assert!((losses.nll / nll - 1.0).abs() < 1e-5);

    let shape = (B, C, N, N);
    let amplitude: Array4<f32> = archive.by_name("amplitude").unwrap();
    let phase: Array4<f32> = archive.by_name("phase").unwrap();
    let patches = Array4::from_shape_vec(shape, prediction.patches).unwrap();
    let central = patches.slice(s![.., ..2, 16..48, 16..48]);
    for ((found, a), p) in central.iter().zip(&amplitude).zip(&phase) {
        assert!((found - Complex32::from_polar(*a, *p)).norm() < 1e-5);
    }
    let outside = patches.iter().filter(|v| v.norm() == 0.0).count();
    assert!(B * C * (N * N - N * N / 4) <= outside);

    let merged: Array3<Complex32> = archive.by_name("merged").unwrap();
    let objects = Array3::from_shape_vec((B, N, N), prediction.objects).unwrap();
    for (found, expected) in objects.iter().zip(merged.slice(s![.., 10..74, 10..74])) {
        assert!((found - expected).norm() < 1e-5, "{found} {expected}");
    }
    let rate: Array3<f32> = archive.by_name("rate").unwrap();
    let largest = rate.iter().fold(0_f32, |max, v| max.max(*v));
    let expected = Array2::from_shape_vec((B * C, N * N), prediction.amplitude).unwrap();
    for (found, rate) in expected.iter().zip(&rate) {
        assert!((found * found - rate).abs() < 1e-5 * largest);
    }
}
