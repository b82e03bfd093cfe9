//! Whole-loss gradients against the double-precision twin and central differences, for every kind of layer; and what must
//! not change them: threads, the batch planned for, a stop.

use candle_core::{DType, Device};
use ndarray::Array3;
use num_complex::{Complex32, Complex64};
use ptycho_core::job::Stop;
use ptycho_core::nn::device::{DeviceStepper, HostBatch};
use ptycho_core::nn::network::CpuStepper;
use ptycho_core::nn::stepper::{Objective, StepperSettings};
use ptycho_core::nn::{
    AmplitudeHead, Architecture, Batch, Losses, Merge, Model, Parameters, Prediction, Stepper as _,
    TrainSettings,
};
use ptycho_core::rng::{Purpose, stream_at};
use ptycho_core::simd::Aligned;
use ptycho_core::tensor::Activations;
use rand::RngExt as _;

/// A small problem: a network, parameters, a probe and groups of patterns.
struct Case {
    name: &'static str,
    architecture: Architecture,
    parameters: Parameters,
    settings: StepperSettings,
    batch: Batch,
}

const N_GROUPS: usize = 2;

impl Case {
    fn new(name: &'static str, settings: TrainSettings, n: usize, n_modes: usize) -> Self {
        let architecture = Architecture::new(&settings, n, n_modes).unwrap();
        let mut rng = stream_at(17, Purpose::Simulation, n as u64);
        let mut uniform = move || 2.0 * rng.random::<f64>() - 1.0;
        let centre = n as f64 / 2.0;
        let r2 = |r: usize, c: usize| (r as f64 - centre).powi(2) + (c as f64 - centre).powi(2);
        let width = (n as f64 / 6.0).powi(2);
        let probe = Array3::from_shape_fn((n_modes, n, n), |(mode, r, c)| {
            let tilt = mode as f64 * (r as f64 - centre) / 4.0;
            let envelope = 4.0 / (1.0 + mode as f64) * (-r2(r, c) / width).exp();
            let value =
                Complex64::from_polar(envelope, 8.0 * r2(r, c) / (n * n) as f64) * (1.0 + tilt);
            Complex32::new(value.re as f32, value.im as f32)
        });
        let mut parameters = Parameters::first(&architecture, 3);
        for entry in parameters.entries().to_vec() {
            if entry.shape.len() == 1 {
                for value in &mut parameters.values_mut()[entry.range()] {
                    *value = (0.05 * uniform()) as f32;
                }
            }
        }
        parameters.set_probe(&probe);
        let n_channels = architecture.n_channels;
        let mut input = Activations::zeros(N_GROUPS, n, n_channels);
        let mut amplitude = Aligned::zeros(N_GROUPS * n_channels * n * n);
        for (flat, value) in amplitude.iter_mut().enumerate() {
            let (plane, r, c) = (flat / (n * n), flat / n % n, flat % n);
            let counts = (30.0 * (-r2(r, c) / width).exp() * (1.2 + uniform())).floor();
            *value = counts.sqrt() as f32;
            let at = input.at(plane / n_channels, r, c, plane % n_channels);
            input.values_mut()[at] = 0.5 * *value;
        }
        // A dead pixel of the detector.
        amplitude[7 * n + 11] = f32::NAN;
        let single = n_channels == 1;
        let baseline = settings.model == Model::Baseline;
        Self {
            name,
            settings: StepperSettings {
                largest_batch: N_GROUPS,
                canvas_px: n + 12,
                probe,
                objective: Objective {
                    nll: if baseline { 0.0 } else { 0.7 },
                    mae: 0.3,
                    tv: if baseline { 0.0 } else { 0.2 },
                    amplitude_epsilon: 1e-6,
                },
                trains: true,
                n_threads: 2,
            },
            batch: Batch {
                n_groups: N_GROUPS,
                input,
                amplitude,
                relative_px: (0..N_GROUPS * n_channels)
                    .map(|_| {
                        if single {
                            [0.0; 2]
                        } else {
                            [5.0 * uniform(), 5.0 * uniform()]
                        }
                    })
                    .collect(),
                truth: (0..if baseline { N_GROUPS * n * n } else { 0 })
                    .map(|_| Complex32::from_polar(0.8 + 0.3 * uniform() as f32, uniform() as f32))
                    .collect(),
            },
            architecture,
            parameters,
        }
    }

    fn gradient(&self, n_threads: usize, largest_batch: usize) -> (Losses, Vec<f32>) {
        let settings = StepperSettings {
            n_threads,
            largest_batch,
            ..self.settings.clone()
        };
        let mut stepper = CpuStepper::new(&self.architecture, settings).unwrap();
        let mut gradient = vec![f32::NAN; self.architecture.n_parameters()];
        let values = self.parameters.values();
        let losses = stepper
            .gradient(values, &self.batch, &mut gradient, &Stop::default())
            .unwrap()
            .unwrap();
        (losses, gradient)
    }

    fn check(&self) {
        let name = self.name;
        let (losses, gradient) = self.gradient(2, N_GROUPS);
        let (device, wide) = (Device::Cpu, DType::F64);
        let twin =
            DeviceStepper::new(&self.architecture, self.settings.clone(), &device, wide).unwrap();
        let batch = HostBatch::<f64>::from_batch(&self.architecture, &self.batch);
        let values: Vec<f64> = self
            .parameters
            .values()
            .iter()
            .map(|v| f64::from(*v))
            .collect();
        let (twins, exact) = twin.gradient_wide(&values, &batch).unwrap();
        for (found, exact) in [
            (losses.objective, twins.objective),
            (losses.nll, twins.nll),
            (losses.mae, twins.mae),
            (losses.tv, twins.tv),
        ] {
            assert!(
                (found - exact).abs() <= 1e-5 * exact.abs(),
                "{name}: {losses:?} {twins:?}"
            );
        }
        // Along each tensor's own gradient, scaled so that every tensor adds one to the derivative.
        let mut along = vec![0.0; values.len()];
        let mut n_moved = 0.0;
        let mut step: f64 = f64::INFINITY;
        let norm = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
        for entry in self.architecture.entries() {
            let own: Vec<f64> = gradient[entry.range()]
                .iter()
                .map(|v| f64::from(*v))
                .collect();
            let difference: Vec<f64> = own
                .iter()
                .zip(&exact[entry.range()])
                .map(|(a, b)| a - b)
                .collect();
            let length = norm(&exact[entry.range()]);
            let error = norm(&difference) / length;
            // Not rounding but kinks: a ReLU, a maximum or the sign of an error that falls the other way in `f32`.
            assert!(error < 5e-3, "{name} {}: {error:.1e}", entry.name);
            for (to, own) in along[entry.range()].iter_mut().zip(&own) {
                *to = own / (length * length);
            }
            step = step.min(1e-6 * length * norm(&values[entry.range()]));
            n_moved += 1.0;
        }
        let loss = |sign: f64| {
            let moved = values.iter().zip(&along).map(|(v, d)| v + sign * step * d);
            let (losses, _) = twin
                .gradient_wide(&moved.collect::<Vec<_>>(), &batch)
                .unwrap();
            losses.objective
        };
        let slope = (loss(1.0) - loss(-1.0)) / (2.0 * step);
        assert!(
            (slope / n_moved - 1.0).abs() < 1e-3,
            "{name}: {slope} of {n_moved}"
        );
    }
}

fn small(gridsize: usize) -> TrainSettings {
    TrainSettings {
        gridsize,
        filters_scale: 1,
        ..TrainSettings::default()
    }
}

#[test]
fn gradients_with_every_amplitude_head() {
    for (name, amplitude_head) in [
        ("softplus", AmplitudeHead::Softplus),
        ("swish", AmplitudeHead::Swish),
        ("relu", AmplitudeHead::Relu),
    ] {
        let settings = TrainSettings {
            amplitude_head,
            ..small(1)
        };
        Case::new(name, settings, 64, 1).check();
    }
}

#[test]
fn gradients_with_a_border_head() {
    let settings = TrainSettings {
        border_head: true,
        ..small(2)
    };
    Case::new("border head", settings, 64, 2).check();
}

#[test]
fn gradients_on_the_whole_patch() {
    let settings = TrainSettings {
        pad_object: false,
        ..small(1)
    };
    Case::new("whole patch", settings, 64, 1).check();
}

#[test]
fn gradients_with_nine_channels_and_a_trained_probe() {
    let settings = TrainSettings {
        train_probe: true,
        ..small(3)
    };
    Case::new("gridsize 3, trained probe", settings, 64, 2).check();
}

#[test]
fn gradients_of_a_merge_by_the_probe() {
    for pad_object in [true, false] {
        let settings = TrainSettings {
            merge: Merge::Probe,
            pad_object,
            ..small(2)
        };
        Case::new("merge by the probe", settings, 64, 2).check();
    }
}

#[test]
fn gradients_of_larger_patterns() {
    Case::new("n = 128", small(2), 128, 1).check();
}

#[test]
fn gradients_of_the_baseline() {
    let settings = TrainSettings {
        model: Model::Baseline,
        ..small(1)
    };
    Case::new("baseline", settings, 64, 1).check();
}

#[test]
fn a_whole_turn_of_the_baselines_phase_is_no_error() {
    let settings = TrainSettings {
        model: Model::Baseline,
        ..small(1)
    };
    let mut case = Case::new("turn", settings, 64, 1);
    let (losses, gradient) = case.gradient(2, N_GROUPS);
    let entries = case.architecture.entries();
    let bias = entries.iter().find(|e| e.name == "phi_out.bias").unwrap();
    case.parameters.values_mut()[bias.start] += std::f32::consts::TAU;
    let (turned, same) = case.gradient(2, N_GROUPS);
    assert!(
        (turned.mae - losses.mae).abs() < 1e-6,
        "{turned:?} {losses:?}"
    );
    assert!((same[bias.start] - gradient[bias.start]).abs() < 1e-2);
}

#[test]
fn a_first_object_is_nearly_flat_but_not_dead() {
    for (n, filters_scale) in [(64, 2), (128, 1)] {
        let settings = TrainSettings {
            filters_scale,
            ..small(2)
        };
        let mut case = Case::new("first", settings, n, 1);
        case.parameters = Parameters::first(&case.architecture, 5);
        let mut stepper = CpuStepper::new(&case.architecture, case.settings.clone()).unwrap();
        let mut drawn = Prediction::default();
        let values = case.parameters.values();
        stepper
            .evaluate(values, &case.batch, Some(&mut drawn), &Stop::default())
            .unwrap();
        let inner = n / 4..3 * n / 4;
        let inside = |i: &usize| inner.contains(&(i % n)) && inner.contains(&(i / n % n));
        let support = (0..drawn.patches.len()).filter(inside);
        let values: Vec<Complex32> = support.map(|i| drawn.patches[i]).collect();
        let mean_of = |of: &dyn Fn(&Complex32) -> f64| {
            values.iter().map(of).sum::<f64>() / values.len() as f64
        };
        let amplitude = mean_of(&|v| f64::from(v.norm()));
        let spread = mean_of(&|v| (f64::from(v.norm()) - amplitude).powi(2)).sqrt();
        let phase = mean_of(&|v| f64::from(v.arg()).powi(2)).sqrt();
        // Half the sigmoid's bound of 2.
        assert!(
            (amplitude - 1.0).abs() < 0.1,
            "n = {n}: amplitude {amplitude}"
        );
        assert!((1e-4..0.1).contains(&spread), "n = {n}: spread {spread}");
        assert!((1e-4..0.5).contains(&phase), "n = {n}: phase {phase} rad");
    }
}

#[test]
fn threads_and_the_batch_planned_for_change_no_bit() {
    for model in [Model::Pinn, Model::Baseline] {
        let settings = TrainSettings { model, ..small(2) };
        let case = Case::new("threads", settings, 64, 1);
        let (losses, gradient) = case.gradient(1, N_GROUPS);
        for (n_threads, largest_batch) in [(2, N_GROUPS), (3, N_GROUPS), (2, 5)] {
            let (again, same) = case.gradient(n_threads, largest_batch);
            assert_eq!(losses, again, "{n_threads} threads, {largest_batch} groups");
            assert!(
                gradient == same,
                "{n_threads} threads, {largest_batch} groups"
            );
        }
    }
}

#[test]
fn a_stepper_gives_the_same_whatever_it_did_before() {
    let case = Case::new("again", small(2), 64, 1);
    let (losses, gradient) = case.gradient(2, N_GROUPS);
    let mut stepper = CpuStepper::new(&case.architecture, case.settings.clone()).unwrap();
    let (values, stop) = (case.parameters.values(), Stop::default());
    let other = Parameters::first(&case.architecture, 4);
    let mut found = vec![0.0; gradient.len()];
    let mut prediction = Prediction::default();
    stepper
        .evaluate(other.values(), &case.batch, Some(&mut prediction), &stop)
        .unwrap();
    let of_others = prediction.objects.clone();
    for _ in 0..2 {
        let evaluated = stepper
            .evaluate(values, &case.batch, Some(&mut prediction), &stop)
            .unwrap()
            .unwrap();
        assert_eq!(evaluated, losses);
        assert_ne!(of_others, prediction.objects);
        let again = stepper
            .gradient(values, &case.batch, &mut found, &stop)
            .unwrap()
            .unwrap();
        assert_eq!(again, losses);
        assert!(gradient == found);
    }
    // For inference alone, in memory that the layers share.
    let settings = StepperSettings {
        trains: false,
        ..case.settings.clone()
    };
    let mut predicts = CpuStepper::new(&case.architecture, settings).unwrap();
    assert!(predicts.n_bytes() < stepper.n_bytes());
    for _ in 0..2 {
        let mut alone = Prediction::default();
        let evaluated = predicts
            .evaluate(values, &case.batch, Some(&mut alone), &stop)
            .unwrap()
            .unwrap();
        assert_eq!(evaluated, losses);
        assert!(alone.objects == prediction.objects && alone.amplitude == prediction.amplitude);
    }
    assert!(
        predicts
            .gradient(values, &case.batch, &mut found, &stop)
            .is_err()
    );
}

#[test]
fn all_memory_is_taken_before_the_first_step() {
    for train_probe in [false, true] {
        let settings = TrainSettings {
            train_probe,
            ..small(2)
        };
        let case = Case::new("memory", settings, 64, 2);
        let mut stepper = CpuStepper::new(&case.architecture, case.settings.clone()).unwrap();
        let planned = stepper.n_bytes();
        let values = case.parameters.values();
        let mut gradient = vec![0.0; values.len()];
        let go = Stop::default();
        for n_groups in [N_GROUPS, 1] {
            let batch = Batch {
                n_groups,
                ..case.batch.clone()
            };
            let losses = stepper.gradient(values, &batch, &mut gradient, &go);
            assert!(losses.unwrap().is_some());
            let losses = stepper.evaluate(values, &batch, None, &go);
            assert!(losses.unwrap().is_some());
        }
        assert_eq!(stepper.n_bytes(), planned);
    }
}

#[test]
fn a_stop_is_heard_and_what_does_not_fit_is_named() {
    let case = Case::new("stop", small(1), 64, 1);
    let mut stepper = CpuStepper::new(&case.architecture, case.settings.clone()).unwrap();
    let values = case.parameters.values();
    let mut gradient = vec![0.0; values.len()];
    let stop = Stop::default();
    stop.request();
    let stopped = stepper.gradient(values, &case.batch, &mut gradient, &stop);
    assert_eq!(stopped.unwrap(), None);
    assert_eq!(
        stepper.evaluate(values, &case.batch, None, &stop).unwrap(),
        None
    );
    let go = Stop::default();
    let losses = stepper.evaluate(values, &case.batch, None, &go).unwrap();
    assert_eq!(losses.unwrap(), case.gradient(2, N_GROUPS).0);

    let named = |result: ptycho_core::Result<Option<Losses>>, key: &str| {
        let error = result.unwrap_err();
        assert_eq!(
            error.problem().unwrap().key.as_deref(),
            Some(key),
            "{error}"
        );
    };
    named(
        stepper.gradient(&values[1..], &case.batch, &mut gradient, &go),
        "parameters",
    );
    let too_many = Batch {
        n_groups: N_GROUPS + 1,
        ..case.batch.clone()
    };
    named(stepper.evaluate(values, &too_many, None, &go), "batch");
    let odd = StepperSettings {
        canvas_px: 65,
        ..case.settings.clone()
    };
    let error = CpuStepper::new(&case.architecture, odd).err().unwrap();
    assert_eq!(error.problem().unwrap().key.as_deref(), Some("canvas_px"));
}
