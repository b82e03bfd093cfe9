//! What LSQML finds out about the beam, on simulated scans whose truth is known; every option at once.

use std::sync::Arc;

use ndarray::{Array2, Axis};
use num_complex::Complex;
use ptycho_core::iterative::{
    Batching, Compatibility, Computing, EngineKind, Iterative, IterativeOf, IterativeSettings,
    Noise, PositionMethod,
};

use super::run_epoch;
use super::simulated::{Recipe, Tried, last_loss, settings, try_all};
use crate::jobs::resumes_bit_for_bit;

#[test]
fn two_incoherent_modes_are_found_with_their_powers() {
    let recipe = Recipe {
        second_mode: 0.2,
        ..Recipe::default()
    };
    let two_modes = IterativeSettings {
        probe_modes: 2,
        momentum: 0.5,
        ..settings(80)
    };
    let one_mode = IterativeSettings {
        probe_modes: 1,
        ..two_modes.clone()
    };
    let Tried {
        simulated,
        engines: [engine, one],
        errors: [error_two, error_one],
    } = try_all(recipe, [&two_modes, &one_mode]);
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
    println!(
        "share {share:.4}, alike {:.4} {:.4}, object {error_two:.4}, with one mode {error_one:.4}",
        alike(0),
        alike(1)
    );
    assert!((share - 0.2).abs() < 0.01, "{share}");
    assert!(alike(0) > 0.97 && alike(1) > 0.95);
    assert!(error_two < 0.75 * error_one);
    assert!(last_loss(&engine) < 0.1 * last_loss(&one));
}

#[test]
fn a_beam_of_varying_power_is_followed_without_opr_modes() {
    let recipe = Recipe {
        flicker: 0.05,
        ..Recipe::default()
    };
    let varying = IterativeSettings {
        vary_intensity: true,
        momentum: 0.5,
        ..settings(60)
    };
    let constant = IterativeSettings {
        vary_intensity: false,
        ..varying.clone()
    };
    let Tried {
        simulated,
        engines: [varying, constant],
        ..
    } = try_all(recipe, [&varying, &constant]);
    let weights = varying.course().opr_weights;
    assert_eq!(weights.dim(), (121, 1));
    let mean = weights.mean().unwrap();
    let true_mean = simulated.amplitudes.iter().sum::<f64>() / 121.0;
    let pairs = weights.iter().zip(&simulated.amplitudes);
    let square: f64 = pairs.map(|(w, a)| (w / mean - a / true_mean).powi(2)).sum();
    let rms = (square / 121.0).sqrt();
    println!(
        "weights off by {rms:.4} rms, loss {:.3} {:.3}",
        last_loss(&varying),
        last_loss(&constant)
    );
    assert!((mean - 1.0).abs() < 1e-9);
    assert!(rms < 0.015, "{rms}");
    assert!(last_loss(&varying) < 0.1 * last_loss(&constant));
}

#[test]
fn a_beam_of_varying_shape_is_followed_by_an_opr_mode() {
    let recipe = Recipe {
        wobble: 0.1,
        ..Recipe::default()
    };
    let settings = IterativeSettings {
        opr_modes: 1,
        momentum: 0.5,
        ..settings(60)
    };
    let plain = IterativeSettings {
        opr_modes: 0,
        ..settings.clone()
    };
    let [engine, plain] = try_all(recipe, [&settings, &plain]).engines;
    let course = engine.course();
    let power = |values: ndarray::ArrayView3<num_complex::Complex32>| -> f64 {
        values.iter().map(|v| f64::from(v.norm_sqr())).sum()
    };
    // Weights are shares of the probe's amplitude.
    let share = power(course.opr_modes.view()) / power(engine.probe().view());
    let spread = course.opr_weights.column(1).std(0.0);
    println!(
        "spread {spread:.3}, loss {:.3} {:.3}",
        last_loss(&engine),
        last_loss(&plain)
    );
    assert!((share - 1.0).abs() < 1e-3, "{share}");
    assert!((0.07..0.13).contains(&spread), "{spread}");
    assert!(last_loss(&engine) < 0.1 * last_loss(&plain));
}

#[test]
fn momentum_saves_epochs_in_random_batches() {
    let fast = IterativeSettings {
        momentum: 0.5,
        ..settings(28)
    };
    let errors = try_all(Recipe::default(), [&settings(40), &fast]).errors;
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
