//! The composition for devices: golden numbers in `f64`, gradients against differences, the fused kernels against it.

mod operations; // each of them alone
mod steps; // every kind of network

use candle_core::{DType, Device};
use num_complex::Complex;
use ptycho_core::nn::architecture::{Architecture, Entry};
use ptycho_core::nn::device::{DeviceStepper, HostBatch};
use ptycho_core::nn::settings::TrainSettings;
use ptycho_core::nn::stepper::{Objective, StepperSettings};

use crate::support::data;

const CPU: Device = Device::Cpu;

/// The golden generator's number in [-1, 1) for index `i` of a layer: 32-bit arithmetic.
fn unit(i: usize, layer: u32) -> f64 {
    let mut x = 1664525_u32
        .wrapping_mul(i as u32)
        .wrapping_add(1013904223)
        .wrapping_add(69069_u32.wrapping_mul(layer));
    x ^= x >> 16;
    x = x.wrapping_mul(2246822519);
    x ^= x >> 13;
    x = x.wrapping_mul(3266489917);
    x ^= x >> 16;
    f64::from(x) / 2147483648.0 - 1.0
}

/// Weights `unit(i, layer) √(3 / (9 in))` and biases `0.01 unit(i, layer + 100)`.
fn golden_parameters(entries: &[Entry]) -> Vec<f64> {
    let mut values = Vec::new();
    for (j, entry) in entries.iter().enumerate() {
        let layer = (j / 2) as u32;
        if entry.name.ends_with(".weight") {
            let bound = (3.0 / (9.0 * entry.shape[1] as f64)).sqrt();
            values.extend((0..entry.len()).map(|i| bound * unit(i, layer)));
        } else {
            values.extend((0..entry.len()).map(|i| 0.01 * unit(i, layer + 100)));
        }
    }
    values
}

const GOLDEN_RELATIVE: [[f64; 2]; 8] = [
    [-2.25, -1.5],
    [-1.75, 2.5],
    [1.5, -3.0],
    [2.5, 2.0],
    [0.0, 0.0],
    [3.3, -0.7],
    [-4.1, 1.2],
    [0.8, -0.5],
];
/// The golden scale s.
const SCALE: f64 = 3.125;

/// Counts of the golden batch, `(2, 4, 64, 64)`, as a function of place.
fn golden_counts() -> Vec<f64> {
    (0..2 * 4 * 64 * 64)
        .map(|i| {
            let (r, c) = ((i / 64 % 64) as f64 - 32.0, (i % 64) as f64 - 32.0);
            (40.0 * (-(r * r + c * c) / 128.0).exp() * (1.0 + unit(i, 200))).floor()
        })
        .collect()
}

fn golden_probe() -> Vec<Complex<f64>> {
    (0..64 * 64)
        .map(|i| {
            let (r, c) = ((i / 64) as f64 - 32.0, (i % 64) as f64 - 32.0);
            let r2 = r * r + c * c;
            Complex::from_polar(SCALE * 0.9 * (-r2 / 162.0).exp(), 3.0 * r2 / 1024.0)
        })
        .collect()
}

fn golden_batch() -> HostBatch<f64> {
    let counts = golden_counts();
    let n_pixels = 64 * 64;
    let input = (0..4 * 2)
        .flat_map(|plane| {
            // (c, b) of the device from (b, c) of the file.
            let (c, b) = (plane / 2, plane % 2);
            let start = (b * 4 + c) * n_pixels;
            counts[start..start + n_pixels]
                .iter()
                .map(|k| k.sqrt() / SCALE)
        })
        .collect();
    HostBatch {
        n_groups: 2,
        input,
        amplitude: counts.iter().map(|k| k.sqrt()).collect(),
        relative_px: GOLDEN_RELATIVE.to_vec(),
        truth: Vec::new(),
    }
}

fn architecture(change: impl Fn(&mut TrainSettings)) -> Architecture {
    let mut settings = TrainSettings {
        filters_scale: 1,
        amplitude_max: 1.0,
        ..TrainSettings::default()
    };
    change(&mut settings);
    Architecture::new(&settings, 64, 1).unwrap()
}

fn stepper_settings(objective: Objective) -> StepperSettings {
    let probe = golden_probe();
    let narrow = |z: &Complex<f64>| Complex::new(z.re as f32, z.im as f32);
    StepperSettings {
        largest_batch: 2,
        canvas_px: 84,
        probe: ndarray::Array3::from_shape_vec((1, 64, 64), probe.iter().map(narrow).collect())
            .unwrap(),
        objective,
        trains: true,
        n_threads: 2,
    }
}

fn only(nll: f64, mae: f64, tv: f64) -> Objective {
    Objective {
        nll,
        mae,
        tv,
        amplitude_epsilon: SCALE * SCALE * 1e-12,
    }
}

fn wide_stepper(architecture: &Architecture, objective: Objective) -> DeviceStepper {
    let settings = stepper_settings(objective);
    DeviceStepper::with_probe(architecture, settings, &golden_probe(), &CPU, DType::F64).unwrap()
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// The golden file's gradients of a loss, layer by layer, against `found`.
fn check_golden(golden: &serde_json::Value, loss: &str, entries: &[Entry], found: &[f64]) {
    for (j, entry) in entries.iter().enumerate() {
        let kind = if j % 2 == 0 { "weight" } else { "bias" };
        let expected = &golden["gradients"][loss][format!("{}.{kind}", j / 2)];
        let values = &found[entry.start..entry.start + entry.len()];
        let scale = expected["norm"].as_f64().unwrap();
        let near = |what: &str, found: f64, expected: f64, room: f64| {
            assert!(
                (found - expected).abs() < 1e-8 * room,
                "{loss} {} {what}: {found} for {expected}, norm {scale}",
                entry.name
            );
        };
        near("norm", norm(values), scale, scale);
        let sum = expected["sum"].as_f64().unwrap();
        near("sum", values.iter().sum(), sum, scale);
        for (i, first) in expected["first"].as_array().unwrap().iter().enumerate() {
            near("value", values[i], first.as_f64().unwrap(), scale);
        }
    }
}

#[test]
fn losses_and_every_gradient_are_the_golden_ones() {
    let text = std::fs::read_to_string(data("network.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
    let architecture = architecture(|_| ());
    let entries = architecture.entries();
    let parameters = golden_parameters(&entries);
    assert_eq!(
        parameters.len() as u64,
        golden["parameters"].as_u64().unwrap()
    );
    for (loss, objective) in [("nll", only(1.0, 0.0, 0.0)), ("mae", only(0.0, 1.0, 0.0))] {
        let stepper = wide_stepper(&architecture, objective);
        let (losses, gradient) = stepper.gradient_wide(&parameters, &golden_batch()).unwrap();
        for (found, name) in [(losses.nll, "nll"), (losses.mae, "mae")] {
            let expected = golden[name].as_f64().unwrap();
            assert!(
                (found / expected - 1.0).abs() < 1e-10,
                "{name}: {found} for {expected}"
            );
        }
        check_golden(&golden, loss, &entries, &gradient);
    }
}
