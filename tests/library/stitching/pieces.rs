//! Shifts and likelihoods by themselves.

use ndarray::Array2;
use num_complex::Complex64;
use ptycho_core::patches;
use ptycho_core::tensor::poisson::Likelihood;
use ptycho_core::tensor::shift::{shift, shift_adjoint_add};

use super::case::{dot, noise};

#[test]
fn shifts_are_bilinear_patches_and_have_an_adjoint() {
    let shifts = [
        [0.0, 0.0],
        [3.0, -2.0],
        [0.25, -0.5],
        [-4.75, 2.3],
        [30.0, 0.5],
        [-0.1, -40.0],
    ];
    for (i, (rows, columns)) in [(7, 9), (12, 12), (5, 33), (1, 1)].into_iter().enumerate() {
        let (f, g) = (
            noise(rows * columns, i as u64),
            noise(rows * columns, 50 + i as u64),
        );
        let plane = Array2::from_shape_vec((rows, columns), f.clone()).unwrap();
        let plane = plane.mapv(|x| Complex64::new(x, 0.0));
        for d in shifts {
            let (mut moved, mut back) = (vec![0.0; f.len()], vec![0.0; f.len()]);
            shift(&f, &mut moved, columns, d);
            shift_adjoint_add(&g, &mut back, columns, d);
            let difference = dot(&moved, &g) - dot(&f, &back);
            assert!(
                difference.abs() < 1e-13,
                "{rows}x{columns} {d:?}: {difference}"
            );
            // cut_bilinear: patch[i] = O(c - n/2 + i), n the rows of the patch.
            let position = d.map(|d| (rows / 2) as f64 - d);
            let mut cut = Array2::zeros((rows, columns));
            patches::cut_bilinear(plane.view(), position, cut.view_mut());
            for (moved, cut) in moved.iter().zip(&cut) {
                assert!((moved - cut.re).abs() < 1e-15, "{rows}x{columns} {d:?}");
            }
            let is_whole = d.iter().all(|d| d.fract() == 0.0);
            let mut reverse = vec![0.0; f.len()];
            shift(&g, &mut reverse, columns, d.map(|d| -d));
            if is_whole {
                assert_eq!(reverse, back);
            }
        }
    }
}

#[test]
fn likelihoods_and_their_slopes_are_those_of_the_formula() {
    let likelihood = Likelihood {
        rate_epsilon: 1e-6,
        amplitude_epsilon: 1e-4,
        nll_weight: 0.7,
        mae_weight: 0.4,
    };
    let rate: Vec<f32> = (0..101)
        .map(|i| (i * i) as f32 * 0.01 + 1e-3 * (i % 3) as f32)
        .collect();
    let mut amplitude: Vec<f32> = (0..101).map(|i| ((i * 37) % 11) as f32 * 0.5).collect();
    amplitude.iter_mut().step_by(10).for_each(|a| *a = f32::NAN);
    let terms = |rate: f64, a: f64| {
        let (x, y) = (rate + 1e-6, rate + 1e-4);
        (x - a * a * x.ln(), (y.sqrt() - a).abs())
    };
    let mut gradient = vec![1.0; rate.len()];
    let sums = likelihood.sums(&rate, &amplitude, &mut gradient);
    let (mut nll, mut mae, mut n_pixels) = (0.0, 0.0, 0);
    for ((&rate, &a), &slope) in rate.iter().zip(&amplitude).zip(&gradient) {
        let (rate, a, slope) = (f64::from(rate), f64::from(a), f64::from(slope));
        if a.is_nan() {
            assert_eq!(slope, 0.0);
            continue;
        }
        let (here, step) = (terms(rate, a), 1e-6 * (rate + 1e-4));
        let (up, down) = (terms(rate + step, a), terms(rate - step, a));
        let expected = (0.7 * (up.0 - down.0) + 0.4 * (up.1 - down.1)) / (2.0 * step);
        assert!(
            (slope - expected).abs() < 1e-5 * (1.0 + expected.abs()),
            "{rate} {a}: {slope} {expected}"
        );
        nll += here.0;
        mae += here.1;
        n_pixels += 1;
    }
    assert!((sums.nll - nll).abs() < 1e-6 * nll.abs() && (sums.mae - mae).abs() < 1e-6 * mae);
    assert_eq!(sums.n_pixels, n_pixels);
    // No rate at all: finite where nothing was counted and where something was.
    let mut gradient = [0.0; 2];
    let sums = likelihood.sums(&[0.0, 0.0], &[0.0, 2.0], &mut gradient);
    assert!(
        sums.nll.is_finite() && gradient.iter().all(|x| x.is_finite()),
        "{gradient:?}"
    );
    assert_eq!(likelihood.sums(&[0.0; 2], &[0.0, 2.0], &mut []), sums);
}
