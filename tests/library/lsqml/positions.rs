//! Positions that are refined, on simulated scans whose true ones are known.

use std::sync::Arc;

use ptycho_core::data::{Dataset, DatasetParts};
use ptycho_core::iterative::{IterativeSettings, PositionMethod};

use super::simulated::{Recipe, last_loss, position_error_px, run, settings, try_all};

/// Positions stated with errors of 0.8 px rms.
fn misplaced(side: usize, photons: f64) -> Recipe {
    Recipe {
        position_error_px: 0.8,
        side,
        photons,
        ..Recipe::default()
    }
}

/// Positions refined by their gradient in so many epochs, their mean scale free.
fn gradient(epochs: usize) -> IterativeSettings {
    IterativeSettings {
        refine_positions: PositionMethod::Gradient,
        hold_scale: false,
        ..settings(epochs)
    }
}

#[test]
fn position_errors_are_found_to_a_tenth_of_a_pixel_by_both_methods() {
    // So few errors have a mean scale of their own.
    let by_gradient = gradient(60);
    let by_correlation = IterativeSettings {
        refine_positions: PositionMethod::CrossCorrelation,
        ..by_gradient.clone()
    };
    let all = [&settings(60), &by_gradient, &by_correlation];
    let tried = try_all(misplaced(11, 1e5), all);
    let stated = tried.simulated.dataset.positions_px();
    let truth = &tried.simulated.positions_px;
    let before = position_error_px(stated, truth);
    for (k, settings) in all.iter().enumerate().skip(1) {
        let engine = &tried.engines[k];
        let course = engine.course();
        let after = position_error_px(&course.positions_px, truth);
        println!(
            "{:?}: {before:.3} px, then {after:.3} px",
            settings.refine_positions
        );
        assert!(before > 0.7 && after < 0.1, "{before} {after}");
        assert!(last_loss(engine) < 0.1 * last_loss(&tried.engines[0]));
        assert!(tried.errors[k] < 0.8 * tried.errors[0]);
        // Positions rest for the first epochs, then every epoch's move is limited.
        let moved = &course.position_rms_px;
        assert_eq!(moved[..settings.position_start], [0.0, 0.0, 0.0]);
        let limit = settings.position_limit_px * 2.0_f64.sqrt();
        assert!(moved[3] > 0.0 && moved[3] <= limit, "{moved:?}");
    }
}

#[test]
fn positions_keep_within_the_limit_and_near_the_affine_map() {
    let simulated = misplaced(7, 0.0).simulate();
    let stated = simulated.dataset.positions_px();
    let furthest = |settings: &IterativeSettings| {
        let found = run(&simulated.dataset, settings).course().positions_px;
        let pairs = found.iter().flatten().zip(stated.iter().flatten());
        pairs.map(|(f, s)| (f - s).abs()).fold(0.0, f64::max)
    };
    let free = gradient(20);
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
    let simulated = misplaced(7, 0.0).simulate();
    let stated = simulated.dataset.positions_px();
    let drift = |hold_scale: bool| {
        let settings = IterativeSettings {
            hold_scale,
            ..gradient(12)
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
        affine_positions: true,
        affine_relaxation: 0.5,
        affine_error_px: 0.05,
        ..gradient(60)
    };
    let before = position_error_px(dataset.positions_px(), &simulated.positions_px);
    let found = run(&dataset, &settings).course().positions_px;
    let after = position_error_px(&found, &simulated.positions_px);
    println!("affine: {before:.3} px, then {after:.3} px");
    assert!(before > 0.3 && after < 0.7 * before, "{before} {after}");
}
