//! Whole steps: every kind of network, its gradient against differences, and the fused step against it.

use candle_core::DType;
use num_complex::{Complex, Complex32};
use ptycho_core::job::Stop;
use ptycho_core::nn::architecture::Architecture;
use ptycho_core::nn::device::{DeviceStepper, HostBatch};
use ptycho_core::nn::network::CpuStepper;
use ptycho_core::nn::settings::{AmplitudeHead, Model, TrainSettings};
use ptycho_core::nn::stepper::{Batch, Prediction, Stepper, StepperSettings};
use ptycho_core::tensor::Activations;

use super::{CPU, golden_probe, norm, only, stepper_settings, unit};

/// Every kind of network: what it is called, its settings, modes of its probe.
fn kinds() -> Vec<(&'static str, TrainSettings, usize)> {
    let plain = TrainSettings {
        filters_scale: 1,
        gridsize: 1,
        ..TrainSettings::default()
    };
    vec![
        (
            "groups of four, two modes, trained",
            TrainSettings {
                gridsize: 2,
                train_probe: true,
                ..plain.clone()
            },
            2,
        ),
        (
            "border, softplus",
            TrainSettings {
                gridsize: 2,
                border_head: true,
                amplitude_head: AmplitudeHead::Softplus,
                ..plain.clone()
            },
            1,
        ),
        (
            "whole patch, swish",
            TrainSettings {
                pad_object: false,
                amplitude_head: AmplitudeHead::Swish,
                ..plain.clone()
            },
            1,
        ),
        (
            "relu, two modes",
            TrainSettings {
                amplitude_head: AmplitudeHead::Relu,
                ..plain.clone()
            },
            2,
        ),
        (
            "baseline",
            TrainSettings {
                model: Model::Baseline,
                ..plain
            },
            1,
        ),
    ]
}

const N_GROUPS: usize = 2;

/// Patterns of about ten counts a pixel in the middle, some pixels masked, patches for the baseline.
fn batch(architecture: &Architecture) -> Batch {
    let (n, c) = (architecture.n, architecture.n_channels);
    let n_values = N_GROUPS * c * n * n;
    let counts: Vec<f32> = (0..n_values)
        .map(|i| {
            let (r, q) = ((i / n % n) as f64 - 32.0, (i % n) as f64 - 32.0);
            (20.0 * (-(r * r + q * q) / 200.0).exp() * (1.0 + unit(i, 300))).floor() as f32
        })
        .collect();
    let mut batch = Batch {
        n_groups: N_GROUPS,
        input: Activations::zeros(N_GROUPS, n, c),
        amplitude: ptycho_core::simd::Aligned::zeros(n_values),
        relative_px: (0..N_GROUPS * c)
            .map(|i| {
                [unit(2 * i, 301), unit(2 * i + 1, 301)].map(|u| if c == 1 { 0.0 } else { 4.0 * u })
            })
            .collect(),
        truth: Vec::new(),
    };
    for (i, &k) in counts.iter().enumerate() {
        let (column, row, plane) = (i % n, i / n % n, i / n / n);
        let at = batch.input.at(plane / c, row, column, plane % c);
        batch.input.values_mut()[at] = k.sqrt() / 2.5;
        let masked = row == 3 || (row, column) == (32, 32);
        batch.amplitude[i] = if masked { f32::NAN } else { k.sqrt() };
    }
    if architecture.model == Model::Baseline {
        batch.truth = (0..n_values)
            .map(|i| {
                Complex32::from_polar(1.0 + 0.5 * unit(i, 302) as f32, 3.1 * unit(i, 303) as f32)
            })
            .collect();
    }
    batch
}

fn settings(architecture: &Architecture, n_modes: usize) -> StepperSettings {
    let probe: Vec<Complex32> = (0..n_modes)
        .flat_map(|mode| {
            golden_probe().into_iter().enumerate().map(move |(i, z)| {
                let tilt =
                    Complex::from_polar(1.0 / (1.0 + mode as f64), 0.3 * (mode * (i % 64)) as f64);
                let z = z * tilt;
                Complex32::new(z.re as f32, z.im as f32)
            })
        })
        .collect();
    let tv = if architecture.model == Model::Pinn {
        0.2
    } else {
        0.0
    };
    StepperSettings {
        probe: ndarray::Array3::from_shape_vec((n_modes, 64, 64), probe).unwrap(),
        canvas_px: 74,
        ..stepper_settings(only(0.05, 0.3, tv))
    }
}

/// Parameters like those that training starts from; a trained probe somewhat off the file's, and an amplitude that even
/// a rectifier lets through.
fn parameters(architecture: &Architecture, settings: &StepperSettings) -> Vec<f32> {
    let mut first = ptycho_core::nn::Parameters::first(architecture, 3);
    first.set_probe(&settings.probe);
    let entries = architecture.entries();
    let bias = entries.iter().find(|entry| entry.name == "amp_out.bias");
    let bias = bias.unwrap();
    let values = first.values().iter().enumerate();
    values
        .map(|(i, v)| {
            let is_bias = (bias.start..bias.start + bias.len()).contains(&i);
            v + 0.01 * unit(i, 400) as f32 + if is_bias { 0.5 } else { 0.0 }
        })
        .collect()
}

/// The loss has kinks (pools, rectifiers, absolute values) closer than any step, so the quotient is only near.
#[test]
fn gradients_of_whole_steps_are_those_of_differences() {
    for (what, chosen, n_modes) in kinds() {
        let architecture = Architecture::new(&chosen, 64, n_modes).unwrap();
        let mut settings = settings(&architecture, n_modes);
        settings.objective.amplitude_epsilon = 1e-2;
        let at: Vec<f64> = parameters(&architecture, &settings)
            .iter()
            .map(|&v| f64::from(v))
            .collect();
        let batch = HostBatch::<f64>::from_batch(&architecture, &batch(&architecture));
        let stepper = DeviceStepper::new(&architecture, settings, &CPU, DType::F64).unwrap();
        let (_, gradient) = stepper.gradient_wide(&at, &batch).unwrap();
        let length = norm(&gradient);
        // Downhill, where nothing cancels.
        let moved = |step: f64| {
            let there: Vec<f64> = at
                .iter()
                .zip(&gradient)
                .map(|(x, g)| x + step * g / length)
                .collect();
            let (losses, _) = stepper.gradient_wide(&there, &batch).unwrap();
            losses.objective
        };
        let step = 1e-7;
        let quotient = (moved(step) - moved(-step)) / (2.0 * step);
        assert!(
            (quotient / length - 1.0).abs() < 5e-4,
            "{what}: {quotient} for {length}"
        );
    }
}

#[test]
fn the_fused_step_and_its_twin_agree() {
    let stop = Stop::default();
    for (what, chosen, n_modes) in kinds() {
        let architecture = Architecture::new(&chosen, 64, n_modes).unwrap();
        let settings = settings(&architecture, n_modes);
        let parameters = parameters(&architecture, &settings);
        let batch = batch(&architecture);
        let mut fused = CpuStepper::new(&architecture, settings.clone()).unwrap();
        let mut twin = DeviceStepper::new(&architecture, settings, &CPU, DType::F32).unwrap();
        let mut results = Vec::new();
        for stepper in [&mut fused as &mut dyn Stepper, &mut twin] {
            let mut gradient = vec![0.0; parameters.len()];
            let losses = stepper
                .gradient(&parameters, &batch, &mut gradient, &stop)
                .unwrap()
                .unwrap();
            let mut prediction = Prediction::default();
            let again = stepper
                .evaluate(&parameters, &batch, Some(&mut prediction), &stop)
                .unwrap()
                .unwrap();
            assert!(
                (again.objective / losses.objective - 1.0).abs() < 1e-6,
                "{what}"
            );
            results.push((losses, gradient, prediction));
        }
        let [(a, da, pa), (b, db, pb)] = &results[..] else {
            unreachable!()
        };
        let pairs = [
            (a.objective, b.objective),
            (a.nll, b.nll),
            (a.mae, b.mae),
            (a.tv, b.tv),
        ];
        for (a, b) in pairs {
            assert!((a - b).abs() <= 1e-5 * b.abs(), "{what}: {a} for {b}");
        }
        // A bias that turns all phases alike changes next to nothing: its gradient is small and all rounding.
        let whole = norm(&wide(db));
        for entry in architecture.entries() {
            let range = entry.start..entry.start + entry.len();
            let (a, b) = (wide(&da[range.clone()]), wide(&db[range]));
            let far = apart(&a, &b) / norm(&b).max(0.01 * whole);
            assert!(far < 2e-3, "{what} {}: {far}", entry.name);
        }
        let flat =
            |values: &[Complex32]| values.iter().flat_map(|z| [z.re, z.im]).collect::<Vec<_>>();
        for (part, a, b) in [
            ("objects", &flat(&pa.objects), &flat(&pb.objects)),
            ("patches", &flat(&pa.patches), &flat(&pb.patches)),
            ("amplitude", &pa.amplitude, &pb.amplitude),
        ] {
            assert_eq!(a.len(), b.len(), "{what} {part}");
            let far = apart(&wide(a), &wide(b));
            assert!(far <= 1e-4 * norm(&wide(b)), "{what} {part}: {far}");
        }
    }
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// Norm of the difference.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&difference)
}

#[test]
fn a_step_says_what_does_not_fit_and_stops_when_asked() {
    let (_, chosen, n_modes) = kinds().swap_remove(3);
    let architecture = Architecture::new(&chosen, 64, n_modes).unwrap();
    let settings = settings(&architecture, n_modes);
    let mut batch = batch(&architecture);
    let parameters = parameters(&architecture, &settings);
    let mut gradient = vec![0.0; parameters.len()];
    let odd = StepperSettings {
        canvas_px: 73,
        ..settings.clone()
    };
    let error = DeviceStepper::new(&architecture, odd, &CPU, DType::F32)
        .err()
        .unwrap();
    assert!(error.to_string().contains("canvas_px"), "{error}");
    let mut stepper = DeviceStepper::new(&architecture, settings, &CPU, DType::F32).unwrap();
    assert_eq!(stepper.largest_batch(), 2);
    assert!(stepper.n_bytes() > 4 * parameters.len());

    let stop = Stop::default();
    let error = stepper
        .gradient(&parameters[1..], &batch, &mut gradient, &stop)
        .unwrap_err();
    assert!(error.to_string().contains("parameters"), "{error}");
    stop.request();
    let stopped = stepper
        .gradient(&parameters, &batch, &mut gradient, &stop)
        .unwrap();
    assert!(stopped.is_none());
    batch.n_groups = 3;
    let error = stepper
        .gradient(&parameters, &batch, &mut gradient, &stop)
        .unwrap_err();
    assert!(error.to_string().contains("n_groups"), "{error}");
}

#[test]
fn the_baseline_predicts_without_true_patches_and_has_no_losses_without_them() {
    let (_, chosen, n_modes) = kinds().swap_remove(4);
    assert_eq!(chosen.model, Model::Baseline);
    let architecture = Architecture::new(&chosen, 64, n_modes).unwrap();
    let settings = settings(&architecture, n_modes);
    let parameters = parameters(&architecture, &settings);
    let known = batch(&architecture);
    let unknown = Batch {
        truth: Vec::new(),
        ..known.clone()
    };
    let mut fused = CpuStepper::new(&architecture, settings.clone()).unwrap();
    let mut twin = DeviceStepper::new(&architecture, settings, &CPU, DType::F32).unwrap();
    let stop = Stop::default();
    for stepper in [&mut fused as &mut dyn Stepper, &mut twin] {
        let (mut seen, mut drawn) = (Prediction::default(), Prediction::default());
        let losses = stepper.evaluate(&parameters, &known, Some(&mut seen), &stop);
        assert!(losses.unwrap().unwrap().mae > 0.0);
        let done = stepper.predict(&parameters, &unknown, &mut drawn, &stop);
        assert_eq!(done.unwrap(), Some(()));
        assert_eq!(drawn.objects, seen.objects);
        assert_eq!(drawn.patches, seen.patches);
        assert!(drawn.amplitude.is_empty() && !drawn.patches.is_empty());

        let mut gradient = vec![0.0; parameters.len()];
        let refusals = [
            stepper.evaluate(&parameters, &unknown, None, &stop),
            stepper.gradient(&parameters, &unknown, &mut gradient, &stop),
        ];
        for refusal in refusals {
            let error = refusal.unwrap_err();
            let key = error.problem().and_then(|problem| problem.key.clone());
            assert_eq!(key.as_deref(), Some("truth"), "{error}");
        }
    }
}
