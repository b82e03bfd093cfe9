//! What LSQML finds out beside object and probe, on simulated scans whose truth is known.

use std::sync::Arc;

use ndarray::{Array2, Axis};
use num_complex::Complex;
use ptycho_core::data::{Dataset, DatasetParts, Frames};
use ptycho_core::iterative::{
    Batching, Compatibility, Computing, EngineKind, Iterative, IterativeOf, IterativeSettings,
    Noise, PositionMethod,
};

use super::run_epoch;
use super::simulated::{Recipe, Simulated, object_error, position_error_px};
use crate::jobs::resumes_bit_for_bit;

fn settings(epochs: usize) -> IterativeSettings {
    IterativeSettings {
        epochs,
        batch_size: 20,
        ..IterativeSettings::default()
    }
}

fn run(dataset: &Arc<Dataset>, settings: &IterativeSettings) -> Iterative {
    let (dataset, settings) = (Arc::clone(dataset), settings.clone());
    let epochs = settings.epochs;
    let mut engine = Iterative::new(EngineKind::Lsqml, dataset, settings, 2).unwrap();
    (0..epochs).for_each(|_| run_epoch(&mut engine));
    engine
}

/// How far the object is from the true one.
fn error(engine: &Iterative, simulated: &Simulated) -> f64 {
    let wide = |v: Complex<f32>| Complex::new(f64::from(v.re), f64::from(v.im));
    object_error(&engine.object().mapv(wide), &simulated.object)
}

#[test]
fn position_errors_are_found_to_a_tenth_of_a_pixel_by_both_methods() {
    let recipe = Recipe {
        photons: 1e5,
        position_error_px: 0.8,
        ..Recipe::default()
    };
    let simulated = recipe.simulate();
    let stated = simulated.dataset.positions_px();
    let before = position_error_px(stated, &simulated.positions_px);
    let fixed = run(&simulated.dataset, &settings(60));
    for refine_positions in [PositionMethod::Gradient, PositionMethod::CrossCorrelation] {
        // So few errors have a mean scale of their own.
        let settings = IterativeSettings {
            refine_positions,
            hold_scale: false,
            ..settings(60)
        };
        let engine = run(&simulated.dataset, &settings);
        let course = engine.course();
        let after = position_error_px(&course.positions_px, &simulated.positions_px);
        println!("{refine_positions:?}: {before:.3} px, then {after:.3} px");
        assert!(before > 0.7 && after < 0.1, "{before} {after}");
        assert!(engine.loss()[59] < 0.1 * fixed.loss()[59]);
        assert!(error(&engine, &simulated) < 0.8 * error(&fixed, &simulated));
        // Positions rest for the first epochs, then every epoch's move is limited.
        let moved = &course.position_rms_px;
        assert_eq!(moved[..settings.position_start], [0.0, 0.0, 0.0]);
        let limit = settings.position_limit_px * 2.0_f64.sqrt();
        assert!(moved[3] > 0.0 && moved[3] <= limit, "{moved:?}");
    }
}

#[test]
fn positions_keep_within_the_limit_and_near_the_affine_map() {
    let recipe = Recipe {
        position_error_px: 0.8,
        side: 7,
        ..Recipe::default()
    };
    let simulated = recipe.simulate();
    let stated = simulated.dataset.positions_px();
    let furthest = |settings: &IterativeSettings| {
        let found = run(&simulated.dataset, settings).course().positions_px;
        let pairs = found.iter().flatten().zip(stated.iter().flatten());
        pairs.map(|(f, s)| (f - s).abs()).fold(0.0, f64::max)
    };
    let free = IterativeSettings {
        refine_positions: PositionMethod::Gradient,
        hold_scale: false,
        ..settings(20)
    };
    let limited = IterativeSettings {
        position_limit_px: 0.02,
        ..free.clone()
    };
    let held = IterativeSettings {
        affine_positions: true,
        affine_relaxation: 1.0,
        affine_error_px: 0.2,
        ..free.clone()
    };
    assert!(furthest(&free) > 1.0);
    let most = 0.02 * 17.0 + 1e-9;
    assert!((0.1..=most).contains(&furthest(&limited)));
    // What is left beyond 0.2 px is the affine map's own distance from the stated positions.
    assert!(furthest(&held) < 0.7 * furthest(&free));
}

#[test]
fn refined_positions_keep_middle_and_scale_of_the_given_ones() {
    let recipe = Recipe {
        position_error_px: 0.8,
        side: 7,
        ..Recipe::default()
    };
    let simulated = recipe.simulate();
    let stated = simulated.dataset.positions_px();
    let drift = |hold_scale: bool| {
        let settings = IterativeSettings {
            refine_positions: PositionMethod::Gradient,
            hold_scale,
            ..settings(12)
        };
        let found = run(&simulated.dataset, &settings).course().positions_px;
        let count = stated.len() as f64;
        let mean = |a: usize| stated.iter().map(|p| p[a]).sum::<f64>() / count;
        let middle = [mean(0), mean(1)];
        let (mut shift, mut along, mut square) = ([0.0; 2], 0.0, 0.0);
        for (found, stated) in found.iter().zip(stated) {
            for a in 0..2 {
                let arm = stated[a] - middle[a];
                shift[a] += (found[a] - stated[a]) / count;
                along += (found[a] - stated[a]) * arm;
                square += arm * arm;
            }
        }
        shift[0].abs() + shift[1].abs() + (along / square).abs()
    };
    assert!(drift(true) < 1e-9, "{}", drift(true));
    assert!(drift(false) > 1e-4, "{}", drift(false));
}

#[test]
fn an_affine_error_of_the_stage_passes_the_constraint() {
    let simulated = Recipe::default().simulate();
    let parts = simulated.dataset.parts();
    let middle = simulated.positions_px[60];
    // A stage that is a hundredth too long in one direction and not quite square.
    let stated = simulated.positions_px.iter().map(|p| {
        let [y, x] = [p[0] - middle[0], p[1] - middle[1]];
        [p[0] + 0.03 * y, p[1] + 0.02 * y - 0.02 * x]
    });
    let parts = DatasetParts::required(parts.frames.clone(), stated.collect(), parts.probe.clone());
    let dataset = Arc::new(Dataset::new(parts).unwrap());
    let settings = IterativeSettings {
        refine_positions: PositionMethod::Gradient,
        hold_scale: false,
        affine_positions: true,
        affine_relaxation: 0.5,
        affine_error_px: 0.05,
        ..settings(60)
    };
    let before = position_error_px(dataset.positions_px(), &simulated.positions_px);
    let found = run(&dataset, &settings).course().positions_px;
    let after = position_error_px(&found, &simulated.positions_px);
    println!("affine: {before:.3} px, then {after:.3} px");
    assert!(before > 0.3 && after < 0.7 * before, "{before} {after}");
}

#[test]
fn two_incoherent_modes_are_found_with_their_powers() {
    let simulated = Recipe {
        second_mode: 0.2,
        ..Recipe::default()
    }
    .simulate();
    let settings = IterativeSettings {
        probe_modes: 2,
        momentum: 0.5,
        ..settings(80)
    };
    let engine = run(&simulated.dataset, &settings);
    let one = run(
        &simulated.dataset,
        &IterativeSettings {
            probe_modes: 1,
            ..settings
        },
    );
    let probe = engine.probe();
    let power = |k: usize| -> f64 {
        let mode = probe.index_axis(Axis(0), k);
        mode.iter().map(|v| f64::from(v.norm_sqr())).sum()
    };
    let share = power(1) / (power(0) + power(1));
    // A shift of the probe or a ramp on it changes nothing that is measured; the modes' shapes without phase are compared.
    let alike = |k: usize| {
        let found = probe.index_axis(Axis(0), k).mapv(|v| f64::from(v.norm()));
        let truth = simulated.probe.index_axis(Axis(0), k).mapv(Complex::norm);
        let dot =
            |a: &Array2<f64>, b: &Array2<f64>| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        dot(&found, &truth) / (dot(&found, &found) * dot(&truth, &truth)).sqrt()
    };
    let (error_two, error_one) = (error(&engine, &simulated), error(&one, &simulated));
    println!(
        "share {share:.4}, alike {:.4} {:.4}, object {error_two:.4}, with one mode {error_one:.4}",
        alike(0),
        alike(1)
    );
    assert!((share - 0.2).abs() < 0.01, "{share}");
    assert!(alike(0) > 0.97 && alike(1) > 0.95);
    assert!(error_two < 0.75 * error_one);
    assert!(engine.loss()[79] < 0.1 * one.loss()[79]);
}

/// The dataset with other counts in some pixels, and a mask.
fn with_pixels(
    dataset: &Dataset,
    mask: Option<Array2<bool>>,
    change: impl Fn((usize, usize), f32) -> f32,
) -> Arc<Dataset> {
    let (parts, n) = (dataset.parts(), dataset.n());
    let mut frames = ndarray::Array3::zeros((dataset.n_patterns(), n, n));
    for (i, mut frame) in frames.outer_iter_mut().enumerate() {
        parts.frames.read(i, frame.as_slice_mut().unwrap());
        let given = frame.to_owned();
        for (at, amplitude) in frame.indexed_iter_mut() {
            *amplitude = change(at, given[at]);
        }
    }
    let positions_px = parts.positions_px.clone();
    let parts = DatasetParts {
        detector_mask: mask,
        ..DatasetParts::required(
            Frames::from_array(frames),
            positions_px,
            parts.probe.clone(),
        )
    };
    Arc::new(Dataset::new(parts).unwrap())
}

#[test]
fn masked_bad_pixels_do_no_harm() {
    let simulated = Recipe {
        photons: 1e5,
        ..Recipe::default()
    }
    .simulate();
    let is_bad =
        |(row, column): (usize, usize)| (7 * row * row + 13 * column + 3 * row * column) % 19 == 0;
    let n = simulated.dataset.n();
    let mask = Array2::from_shape_fn((n, n), |at| !is_bad(at));
    let share = mask.iter().filter(|used| !**used).count() as f64 / (n * n) as f64;
    assert!((0.04..0.09).contains(&share), "{share}");
    let burnt = |at: (usize, usize), a: f32| if is_bad(at) { 40.0 } else { a };
    let clean = run(&simulated.dataset, &settings(50));
    let masked = run(
        &with_pixels(&simulated.dataset, Some(mask), burnt),
        &settings(50),
    );
    let unmasked = run(&with_pixels(&simulated.dataset, None, burnt), &settings(50));
    let errors = [&clean, &masked, &unmasked].map(|engine| error(engine, &simulated));
    println!("object {errors:.4?}");
    assert!(
        errors[1] < 1.2 * errors[0] && errors[2] > 1.5 * errors[0],
        "{errors:?}"
    );
    // Bad pixels count neither in the loss nor in the probe's power.
    assert!(masked.loss()[49] < 1.05 * clean.loss()[49]);
    let power = |engine: &Iterative| engine.course().probe_power[49];
    assert!((power(&masked) / power(&clean) - 1.0).abs() < 0.03);
}

#[test]
fn saturated_pixels_do_no_harm() {
    let simulated = Recipe {
        photons: 1e5,
        ..Recipe::default()
    }
    .simulate();
    // The counter stops here; a few brightest pixels of most patterns reach it.
    let most: f32 = 900.0;
    let dataset = with_pixels(&simulated.dataset, None, |_, a| a.min(most.sqrt()));
    let left_out = IterativeSettings {
        saturation_counts: 900.0,
        ..settings(50)
    };
    let engines = [
        run(&simulated.dataset, &settings(50)),
        run(&dataset, &left_out),
        run(&dataset, &settings(50)),
    ];
    let errors = engines.each_ref().map(|engine| error(engine, &simulated));
    let powers = engines
        .each_ref()
        .map(|engine| engine.course().probe_power[49]);
    println!("object {errors:.4?}, power {powers:.0?}");
    assert!(errors[1] < 1.15 * errors[0], "{errors:?}");
    assert!(errors[2] > 1.5 * errors[1], "{errors:?}");
    assert!((powers[1] / powers[0] - 1.0).abs() < 0.03, "{powers:?}");
}

#[test]
fn poisson_noise_at_a_thousand_photons_is_stable_and_no_worse_than_gaussian() {
    let simulated = Recipe {
        photons: 1e3,
        ..Recipe::default()
    }
    .simulate();
    let gaussian = run(&simulated.dataset, &settings(60));
    let poisson = IterativeSettings {
        noise: Noise::Poisson,
        ..settings(60)
    };
    let poisson = run(&simulated.dataset, &poisson);
    let errors = [&gaussian, &poisson].map(|engine| error(engine, &simulated));
    let loss = poisson.loss();
    println!("object {errors:.4?}, loss {loss:.4?}");
    assert!(errors[1] < errors[0], "{errors:?}");
    // Means over five epochs: each batch is predicted before its update, in another order every epoch.
    let means: Vec<f64> = loss
        .chunks(5)
        .map(|five| five.iter().sum::<f64>() / 5.0)
        .collect();
    assert!(
        means.windows(2).all(|pair| pair[1] < 1.02 * pair[0]),
        "{means:?}"
    );
    assert!(loss.iter().all(|&l| l <= loss[0]), "{loss:?}");
}

#[test]
fn a_beam_of_varying_power_is_followed_without_opr_modes() {
    let simulated = Recipe {
        flicker: 0.05,
        ..Recipe::default()
    }
    .simulate();
    let varying = IterativeSettings {
        vary_intensity: true,
        momentum: 0.5,
        ..settings(60)
    };
    let constant = IterativeSettings {
        vary_intensity: false,
        ..varying.clone()
    };
    let (varying, constant) = (
        run(&simulated.dataset, &varying),
        run(&simulated.dataset, &constant),
    );
    let weights = varying.course().opr_weights;
    assert_eq!(weights.dim(), (121, 1));
    let mean = weights.mean().unwrap();
    let true_mean = simulated.amplitudes.iter().sum::<f64>() / 121.0;
    let pairs = weights.iter().zip(&simulated.amplitudes);
    let square: f64 = pairs.map(|(w, a)| (w / mean - a / true_mean).powi(2)).sum();
    let rms = (square / 121.0).sqrt();
    println!(
        "weights off by {rms:.4} rms, loss {:.3} {:.3}",
        varying.loss()[59],
        constant.loss()[59]
    );
    assert!((mean - 1.0).abs() < 1e-9);
    assert!(rms < 0.015, "{rms}");
    assert!(varying.loss()[59] < 0.1 * constant.loss()[59]);
}

#[test]
fn a_beam_of_varying_shape_is_followed_by_an_opr_mode() {
    let simulated = Recipe {
        wobble: 0.1,
        ..Recipe::default()
    }
    .simulate();
    let settings = IterativeSettings {
        opr_modes: 1,
        momentum: 0.5,
        ..settings(60)
    };
    let plain = IterativeSettings {
        opr_modes: 0,
        ..settings.clone()
    };
    let (engine, plain) = (
        run(&simulated.dataset, &settings),
        run(&simulated.dataset, &plain),
    );
    let course = engine.course();
    let power = |values: ndarray::ArrayView3<num_complex::Complex32>| -> f64 {
        values.iter().map(|v| f64::from(v.norm_sqr())).sum()
    };
    // Weights are shares of the probe's amplitude.
    let share = power(course.opr_modes.view()) / power(engine.probe().view());
    let spread = course.opr_weights.column(1).std(0.0);
    println!(
        "spread {spread:.3}, loss {:.3} {:.3}",
        engine.loss()[59],
        plain.loss()[59]
    );
    assert!((share - 1.0).abs() < 1e-3, "{share}");
    assert!((0.07..0.13).contains(&spread), "{spread}");
    assert!(engine.loss()[59] < 0.1 * plain.loss()[59]);
}

#[test]
fn momentum_saves_epochs_in_random_batches() {
    let simulated = Recipe::default().simulate();
    let plain = run(&simulated.dataset, &settings(40));
    let fast = IterativeSettings {
        momentum: 0.5,
        ..settings(28)
    };
    let fast = run(&simulated.dataset, &fast);
    let errors = [&plain, &fast].map(|engine| error(engine, &simulated));
    assert!(errors[1] < errors[0], "{errors:?}");
}

/// Everything at once.
fn all_options(noise: Noise, compat: Compatibility) -> IterativeSettings {
    IterativeSettings {
        epochs: 6,
        batch_size: 20,
        batching: Batching::Random,
        noise,
        compat,
        momentum: 0.5,
        probe_modes: 2,
        opr_modes: 2,
        vary_intensity: true,
        refine_positions: PositionMethod::Gradient,
        affine_positions: true,
        saturation_counts: 3e4,
        opr_start: 1,
        position_start: 1,
        ..IterativeSettings::default()
    }
}

#[test]
fn runs_with_every_option_resume_bit_for_bit_on_any_number_of_threads() {
    let recipe = Recipe {
        side: 6,
        n: 24,
        position_error_px: 0.3,
        ..Recipe::default()
    };
    let dataset = recipe.simulate().dataset;
    for (noise, compat) in [
        (Noise::Poisson, Compatibility::None),
        (Noise::Poisson, Compatibility::Ptychi),
        (Noise::Gaussian, Compatibility::None),
    ] {
        let settings = all_options(noise, compat);
        let result = |engine: &Iterative| {
            let course = engine.course();
            (
                engine.object(),
                engine.probe(),
                course.positions_px,
                course.opr_weights,
            )
        };
        let fresh = |n_threads: usize| {
            let (dataset, settings) = (Arc::clone(&dataset), settings.clone());
            IterativeOf::<f32>::new(EngineKind::Lsqml, dataset, settings, n_threads).unwrap()
        };
        resumes_bit_for_bit(
            || fresh(2),
            |file| {
                let (dataset, settings) = (Arc::clone(&dataset), settings.clone());
                let computing = Computing {
                    n_threads: 2,
                    ..Computing::default()
                };
                Iterative::resume(EngineKind::Lsqml, dataset, settings, computing, file).unwrap()
            },
            result,
            5,
        );
        let finish = |mut engine: Iterative| {
            (0..6).for_each(|_| run_epoch(&mut engine));
            result(&engine)
        };
        assert_eq!(finish(fresh(1)), finish(fresh(3)));
    }
}
