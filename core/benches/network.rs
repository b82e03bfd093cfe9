//! Training steps and predictions in groups per second, and where the time goes:
//! `cargo bench -p ptycho_core --bench network [-- THREADS STEPS CASE]`.
//!
//! Synthetic counts of the shapes that the peer in PyTorch is given. A step is what `train` does with a batch: forward
//! pass, physics, backward pass, Adam. GFLOP/s count the multiplications of direct convolution, whatever the method, twice
//! over for a backward pass.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::time::Instant;

use ndarray::Array3;
use num_complex::Complex32;
use ptycho_core::job::Stop;
use ptycho_core::nn::network::CpuStepper;
use ptycho_core::nn::optimiser::{self, Adam};
use ptycho_core::nn::stepper::{Objective, StepperSettings};
use ptycho_core::nn::{Architecture, Batch, Parameters, Prediction, Stepper as _, TrainSettings};
use ptycho_core::rng::{Purpose, stream};
use ptycho_core::simd::Aligned;
use ptycho_core::tensor::Activations;
use rand::RngExt as _;

struct Case {
    n: usize,
    filters_scale: usize,
    batch_size: usize,
}

const GRIDSIZE: usize = 2;

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let n_threads = numbers.first().copied().unwrap_or(2);
    let n_steps = numbers.get(1).copied().unwrap_or(12);
    let cases = [(64, 2, 16), (64, 1, 16), (128, 2, 8)];
    println!("{n_threads} threads, {n_steps} steps each");
    for (i, (n, filters_scale, batch_size)) in cases.into_iter().enumerate() {
        if numbers.get(2).is_none_or(|&chosen| chosen == i) {
            let case = Case {
                n,
                filters_scale,
                batch_size,
            };
            case.train(n_threads, n_steps);
            case.predict(n_threads, n_steps);
        }
    }
}

impl Case {
    fn architecture(&self) -> Architecture {
        let settings = TrainSettings {
            gridsize: GRIDSIZE,
            filters_scale: self.filters_scale,
            ..TrainSettings::default()
        };
        Architecture::new(&settings, self.n, 1).unwrap()
    }

    fn stepper(&self, n_threads: usize, trains: bool) -> CpuStepper {
        let n = self.n;
        let probe = Array3::from_shape_fn((1, n, n), |(_, r, c)| {
            let from_centre = |i: usize| (i as f32 - n as f32 / 2.0).powi(2);
            let envelope = (-(from_centre(r) + from_centre(c)) / 200.0).exp();
            Complex32::new(20.0 * envelope, 0.0)
        });
        let settings = StepperSettings {
            largest_batch: self.batch_size,
            canvas_px: n + 12,
            probe,
            objective: Objective {
                nll: 1.0 / 30.0,
                mae: 0.0,
                tv: 0.0,
                amplitude_epsilon: 1e-6,
            },
            trains,
            n_threads,
        };
        CpuStepper::new(&self.architecture(), settings).unwrap()
    }

    fn batch(&self) -> Batch {
        let (n, n_channels) = (self.n, GRIDSIZE * GRIDSIZE);
        let mut rng = stream(0, Purpose::Simulation);
        let mut input = Activations::zeros(self.batch_size, n, n_channels);
        let mut amplitude = Aligned::zeros(self.batch_size * n_channels * n * n);
        for (flat, value) in amplitude.iter_mut().enumerate() {
            *value = 10.0 * rng.random::<f32>();
            let (plane, pixel) = (flat / (n * n), flat % (n * n));
            let channel = plane % n_channels;
            let at = input.at(plane / n_channels, pixel / n, pixel % n, channel);
            input.values_mut()[at] = *value / 20.0;
        }
        Batch {
            n_groups: self.batch_size,
            input,
            amplitude,
            relative_px: (0..self.batch_size * n_channels)
                .map(|_| [0, 1].map(|_| 8.0 * rng.random::<f64>() - 4.0))
                .collect(),
            truth: Vec::new(),
        }
    }

    fn train(&self, n_threads: usize, n_steps: usize) {
        let architecture = self.architecture();
        let mut stepper = self.stepper(n_threads, true);
        let mut parameters = Parameters::first(&architecture, 0);
        let mut gradient = vec![0.0; architecture.n_parameters()];
        let mut adam = Adam::new(gradient.len());
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        let (batch, stop) = (self.batch(), Stop::default());
        let mut adam_s = 0.0;
        let mut step = |stepper: &mut CpuStepper| {
            stepper
                .gradient(parameters.values(), &batch, &mut gradient, &stop)
                .unwrap();
            let began = Instant::now();
            pool.install(|| {
                assert!(optimiser::norm(&gradient).is_finite());
                adam.step(parameters.values_mut(), &gradient, 1e-4, 1.0);
            });
            adam_s += began.elapsed().as_secs_f64();
        };
        for _ in 0..2 {
            step(&mut stepper);
        }
        stepper.start_timing();
        let seconds = timed(n_steps, || step(&mut stepper));
        self.report("training", &seconds, stepper.n_bytes());
        self.layers(&architecture, &stepper, n_steps);
        println!("  Adam {:.1}", adam_s * 1e3 / (n_steps + 2) as f64);
    }

    fn predict(&self, n_threads: usize, n_steps: usize) {
        let parameters = Parameters::first(&self.architecture(), 0);
        let mut stepper = self.stepper(n_threads, false);
        let (batch, stop) = (self.batch(), Stop::default());
        let mut prediction = Prediction::default();
        let mut step = || {
            stepper
                .evaluate(parameters.values(), &batch, Some(&mut prediction), &stop)
                .unwrap();
        };
        step();
        let seconds = timed(n_steps, step);
        self.report("inference", &seconds, stepper.n_bytes());
    }

    fn report(&self, what: &str, seconds: &[f64], n_bytes: usize) {
        let rate = |seconds: f64| self.batch_size as f64 / seconds;
        let median = seconds[seconds.len() / 2];
        println!(
            "{what}: n = {}, gridsize {GRIDSIZE}, scale {}, batch {}: {:.1} samples/s (best {:.1}), median step {:.1} ms, {} MiB",
            self.n,
            self.filters_scale,
            self.batch_size,
            rate(median),
            rate(seconds[0]),
            median * 1e3,
            n_bytes >> 20
        );
    }

    /// Milliseconds of a mean step.
    fn layers(&self, architecture: &Architecture, stepper: &CpuStepper, n_steps: usize) {
        let per_step = 1e3 / n_steps as f64;
        let (layers, physics_s) = stepper.times();
        let mut sums = [0.0; 3];
        println!("  layer                   load  forward (GFLOP/s)  backward (GFLOP/s), ms");
        for (time, node) in layers.iter().zip(architecture.nodes()) {
            let layer = &node.layer;
            let products = (self.batch_size * layer.n_weights() * layer.side * layer.side) as f64;
            let ms = [time.load_s, time.forward_s, time.backward_s].map(|s| s * per_step);
            println!(
                "  {:8} {:4}->{:<4}@{:<4} {:5.2} {:6.2} ({:5.0})     {:6.2} ({:5.0})",
                time.name,
                layer.n_in(),
                layer.n_out,
                layer.side,
                ms[0],
                ms[1],
                2e-6 * products / ms[1],
                ms[2],
                4e-6 * products / ms[2],
            );
            for (sum, ms) in sums.iter_mut().zip(ms) {
                *sum += ms;
            }
        }
        let [load, forward, backward] = sums;
        let physics = physics_s * per_step;
        println!(
            "  sum: weights {load:.1}, forward {forward:.1}, backward {backward:.1}, physics {physics:.1}"
        );
    }
}

/// Seconds of each of some repeats, least first.
fn timed(n_steps: usize, mut step: impl FnMut()) -> Vec<f64> {
    let mut seconds: Vec<f64> = (0..n_steps.max(1))
        .map(|_| {
            let began = Instant::now();
            step();
            began.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds
}
