//! Counts as detectors give them: bad and saturated pixels, few photons.

use std::sync::Arc;

use ndarray::Array2;
use ptycho_core::data::{Dataset, DatasetParts, Frames};
use ptycho_core::iterative::{Iterative, IterativeSettings, Noise};

use super::simulated::{Recipe, error, run, settings, try_all};

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
    let recipe = Recipe {
        photons: 1e3,
        ..Recipe::default()
    };
    let poisson = IterativeSettings {
        noise: Noise::Poisson,
        ..settings(60)
    };
    let tried = try_all(recipe, [&settings(60), &poisson]);
    let (errors, loss) = (tried.errors, tried.engines[1].loss());
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
