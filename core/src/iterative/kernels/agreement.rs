//! Both sets of kernels beside each other, operation by operation, in double precision.

use std::sync::Arc;

use candle_core::Device;
use ndarray::{Array2, Array3, Axis};
use num_complex::{Complex, Complex32};

use super::fused::Fused;
use super::tensors::tensors;
use super::{Batch, Canvas, Divisor, FirstPass, Kernels, ObjectWeight, PatternSums};
use super::{ProbeWeight, Rule};
use crate::data::{Dataset, DatasetParts, Frames};
use crate::iterative::scan::Scan;
use crate::iterative::state::{Planes, State};
use crate::iterative::{Compatibility, IterativeSettings};
use crate::job::Stop;
use crate::simd::Aligned;

const N: usize = 18;
const PATTERNS: [usize; 5] = [3, 0, 7, 5, 6];
const N_PATTERNS: usize = 8;
const N_MODES: usize = 2;

fn wave(at: usize, phase: f64) -> Complex<f64> {
    let at = at as f64;
    Complex::new((1.3 * at + phase).sin(), (0.7 * at - phase).cos())
}

fn dataset() -> Arc<Dataset> {
    let frames = Array3::from_shape_fn((N_PATTERNS, N, N), |(i, r, c)| {
        (wave(i * 7 + r * 5 + c, 0.3).norm() * 4.0) as f32
    });
    let positions = (0..N_PATTERNS)
        .map(|i| {
            let at = i as f64;
            [14.3 + 2.1 * (i / 3) as f64, 15.0 + 3.37 * at.sin()]
        })
        .collect();
    let probe = Array3::from_shape_fn((1, N, N), |(_, r, c)| {
        let value = wave(r * N + c, 0.1);
        Complex32::new(value.re as f32, value.im as f32)
    });
    let parts = DatasetParts {
        detector_mask: Some(Array2::from_shape_fn((N, N), |(r, c)| (r + 3 * c) % 7 != 0)),
        object: Some(Array2::from_elem((40, 43), Complex32::new(1.0, 0.0))),
        ..DatasetParts::required(Frames::from_array(frames), positions, probe)
    };
    Arc::new(Dataset::new(parts).unwrap())
}

fn canvas(len: usize, phase: f64) -> Planes<f64> {
    let mut planes = Planes::zeros(len);
    for at in 0..len {
        let value = wave(at, phase);
        (planes.re[at], planes.im[at]) = (value.re, value.im);
    }
    planes
}

fn state(scan: &Scan<f64>, n_opr: usize) -> State<f64> {
    let len = scan.canvas_len();
    let modes = |n_modes: usize, phase: f64| {
        Array3::from_shape_fn((n_modes, N, N), |(k, r, c)| {
            wave((k * N + r) * N + c, phase)
        })
    };
    let positions_px = scan.dataset.positions_px().to_vec();
    let weights = (0..N_PATTERNS * n_opr).map(|at| wave(at, 0.9).re);
    State {
        object: canvas(len, 0.2),
        probe: scan.tiled(&modes(N_MODES, 0.5)),
        opr_modes: scan.tiled(&modes(n_opr - 1, 1.5)),
        opr_weights: weights.collect(),
        places: scan.places(&positions_px),
        detector_steps: (0..N_PATTERNS).map(|i| 0.3 + 0.05 * i as f64).collect(),
        positions_px,
        illumination: Aligned::zeros(len),
        carried_object: Planes::zeros(len),
        carried_other: Planes::zeros(len),
        carried_weight: Aligned::zeros(len),
        carried_probe: Aligned::zeros(N_MODES * scan.tiling.field_len()),
        carried_probe_weight: Aligned::zeros(scan.tiling.field_len()),
        object_velocity: canvas(len, 0.7),
        probe_velocity: scan.tiled(&modes(N_MODES, 3.5)),
        ..State::default()
    }
}

type Run<'a> = &'a dyn Fn(&mut dyn Kernels<f64>, &Batch<f64>, &mut State<f64>, &mut Vec<f64>);

/// Run the same operations with both sets; what they leave in `out`, and object and probe, agree.
fn agree(what: &str, settings: &IterativeSettings, n_kept: usize, run: Run) {
    let settings = IterativeSettings {
        probe_modes: N_MODES,
        ..settings.clone()
    };
    let scan = Scan::<f64>::new(dataset(), &settings).unwrap();
    let sizes = (PATTERNS.len(), n_kept);
    let mut fused: Box<dyn Kernels<f64>> = Box::new(Fused::new(&scan, &settings, sizes, 2));
    let mut others = tensors(&scan, &settings, sizes, &Device::Cpu, None).unwrap();
    let damping: Vec<f64> = (0..scan.canvas_len())
        .map(|at| 1.5 + (at as f64).sin())
        .collect();
    let stop = Stop::default();
    let batch = Batch {
        scan: &scan,
        settings: &settings,
        patterns: &PATTERNS,
        n_batches: 2,
        stop: &stop,
    };
    let mut results = [&mut fused, &mut others].map(|kernels| {
        let mut state = state(&scan, 1 + settings.opr_modes);
        kernels.upload(&scan, &state, &damping).unwrap();
        let mut out = Vec::new();
        run(&mut **kernels, &batch, &mut state, &mut out);
        kernels.download(&scan, &mut state).unwrap();
        for values in [
            scan.object(&state.object),
            scan.object(&state.object_velocity),
        ] {
            out.extend(values.iter().flat_map(|v| [v.re, v.im]));
        }
        for fields in [&state.probe, &state.probe_velocity] {
            out.extend(scan.probe(fields).iter().flat_map(|v| [v.re, v.im]));
        }
        out
    });
    let (found, expected) = (std::mem::take(&mut results[1]), &results[0]);
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let tolerance = 1e-9 * (expected.abs() + 1e-4 * scale);
        assert!(
            (found - expected).abs() < tolerance,
            "{what}, value {at}: {found} for {expected}"
        );
    }
}

fn pass(rule: Rule, probe_weight: ProbeWeight, n_kept: usize) -> FirstPass {
    FirstPass {
        rule,
        probe_weight,
        only_sums: false,
        n_kept,
    }
}

fn flat(sums: &[PatternSums], out: &mut Vec<f64>) {
    for s in sums {
        out.extend([s.loss, s.error, s.measured, s.predicted, s.probe_peak]);
    }
}

fn compats() -> [IterativeSettings; 2] {
    [Compatibility::None, Compatibility::Ptychi].map(|compat| IterativeSettings {
        compat,
        ..IterativeSettings::default()
    })
}

#[test]
fn every_rule_of_the_detector_gives_the_same_updates() {
    let rules = [
        Rule::Gaussian { weight: 0.8 },
        Rule::Poisson { mu: 0.6 },
        Rule::PoissonSteps,
        Rule::Modulus,
    ];
    for (rule, settings) in rules.into_iter().flat_map(|r| compats().map(|s| (r, s))) {
        for n_kept in [1, N_MODES] {
            agree(
                "the updates",
                &settings,
                n_kept,
                &|kernels, batch, state, out| {
                    let pass = pass(rule, ProbeWeight::Plain, n_kept);
                    if rule == Rule::PoissonSteps {
                        let sums = kernels.likelihood_sums(batch, state, 0.4).unwrap();
                        out.extend(sums.concat());
                    }
                    flat(
                        &kernels.first_pass(batch, state, &pass).unwrap().unwrap(),
                        out,
                    );
                    kernels
                        .object_direction(batch, state, ObjectWeight::Plain, false)
                        .unwrap();
                    out.extend(kernels.step_sums(batch, state).unwrap().unwrap().concat());
                    out.extend(kernels.position_sums(batch, state).unwrap().concat());
                    for patches in kernels.patches(batch, state).unwrap() {
                        out.extend(patches.iter().flat_map(|v| [v.re, v.im]));
                    }
                    kernels
                        .step_object(state, 0.3, Divisor::Epoch, 0.0)
                        .unwrap();
                    kernels.step_probe(state, 0.2, 0.0).unwrap();
                },
            );
        }
    }
}

#[test]
fn regularised_weights_batch_divisors_and_momentum_agree() {
    for settings in compats() {
        agree(
            "the weights",
            &settings,
            N_MODES,
            &|kernels, batch, state, out| {
                let weight = ProbeWeight::Regularised { alpha: 0.2 };
                let pass = pass(Rule::Modulus, weight, N_MODES);
                let sums = kernels.first_pass(batch, state, &pass).unwrap().unwrap();
                flat(&sums, out);
                let largest = sums.iter().map(|s| s.probe_peak).fold(0.0, f64::max);
                let weight = ObjectWeight::Regularised {
                    alpha: 0.2,
                    largest,
                };
                kernels
                    .object_direction(batch, state, weight, false)
                    .unwrap();
                kernels.step_object(state, 0.1, Divisor::None, 0.5).unwrap();
                let weight = ObjectWeight::Plain;
                kernels
                    .object_direction(batch, state, weight, false)
                    .unwrap();
                kernels.divide_by_batch(batch, state, 0.3).unwrap();
                kernels
                    .step_object(state, 0.3, Divisor::Batch, 0.5)
                    .unwrap();
                kernels.step_probe(state, 0.2, 0.5).unwrap();
                kernels.step_probe(state, 0.2, 0.5).unwrap();
            },
        );
    }
}

#[test]
fn operations_of_a_varying_probe_agree() {
    for settings in compats() {
        let settings = IterativeSettings {
            opr_modes: 2,
            ..settings
        };
        agree("OPR", &settings, 1, &|kernels, batch, state, out| {
            let pass = pass(Rule::Gaussian { weight: 1.0 }, ProbeWeight::Plain, 1);
            flat(
                &kernels.first_pass(batch, state, &pass).unwrap().unwrap(),
                out,
            );
            let modes = batch.scan.probe(&state.opr_modes);
            let mode = modes.index_axis(Axis(0), 1).to_owned();
            kernels.opr_begin(batch, state).unwrap();
            for _ in 0..2 {
                let means = kernels.opr_project(batch, &mode).unwrap();
                let combined = kernels.opr_combine(batch, &means).unwrap();
                out.extend(combined.iter().flat_map(|v| [v.re, v.im]));
                out.extend(means);
                kernels.opr_deflate(batch, &combined).unwrap();
            }
            for mode in [Some(&mode), None] {
                out.extend(kernels.opr_wave_sums(batch, state, mode).unwrap().concat());
            }
        });
    }
}

#[test]
fn projections_of_exit_waves_agree() {
    let settings = compats();
    for (settings, floor) in settings.iter().flat_map(|s| [0.05, 0.0].map(|f| (s, f))) {
        agree("DM", settings, N_MODES, &|kernels, batch, state, out| {
            kernels.begin_waves(batch, state).unwrap();
            for relaxation in [1.0, 0.7] {
                let sums = kernels.difference_map(batch, state, relaxation);
                for (sums, change) in sums.unwrap().unwrap() {
                    flat(&[sums], out);
                    out.push(change);
                }
            }
            kernels.divide_probe(state, 0.05).unwrap();
            assert!(kernels.sum_object(batch, state, false).unwrap());
            kernels
                .divide_object(state, Canvas::Object, floor, true)
                .unwrap();
            kernels.clear_object_sums(state).unwrap();
        });
        agree("RAAR", settings, N_MODES, &|kernels, batch, state, out| {
            kernels.begin_waves(batch, state).unwrap();
            for beta in [0.75, 0.6] {
                assert!(kernels.sum_object(batch, state, true).unwrap());
                for canvas in [Canvas::Object, Canvas::Other] {
                    kernels.divide_object(state, canvas, floor, false).unwrap();
                }
                for (sums, change) in kernels.reflect(batch, state, beta).unwrap().unwrap() {
                    flat(&[sums], out);
                    out.push(change);
                }
                kernels.clear_object_sums(state).unwrap();
            }
            assert!(kernels.sum_object(batch, state, false).unwrap());
            kernels
                .divide_object(state, Canvas::Object, floor, true)
                .unwrap();
            assert!(kernels.sum_probe(batch, state).unwrap());
            kernels.divide_probe(state, 0.05).unwrap();
        });
    }
}
