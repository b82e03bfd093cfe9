//! The formulas term by term, against the fast kernels.

use ndarray::{Array2, ArrayView2, s};
use num_complex::Complex64;
use ptycho_core::fft::naive_dft2;
use ptycho_core::metrics::bias::Distribution;
use ptycho_core::metrics::frc::FrcCurve;
use ptycho_core::metrics::pair::{Pair, eroded};
use ptycho_core::metrics::ssim::{Window, ssim};
use ptycho_core::phase::unwrap;
use ptycho_core::register::{RegisterOptions, fourier_shift, register};

use super::{noise, object};

/// Mean similarity, every window by itself.
fn slow_ssim(
    a: ArrayView2<'_, f64>,
    b: ArrayView2<'_, f64>,
    mask: Option<&Array2<bool>>,
    window: Window,
    range: f64,
) -> Option<[f64; 2]> {
    let n = window.side();
    let weight = |i: usize| match window {
        Window::Uniform7 => 1.0,
        Window::Gaussian11 => (-((i as f64 - 5.0).powi(2)) / (2.0 * 1.5 * 1.5)).exp(),
    };
    let factor = if window == Window::Uniform7 {
        49.0 / 48.0
    } else {
        1.0
    };
    let weights = Array2::from_shape_fn((n, n), |(y, x)| weight(y) * weight(x));
    let weights = &weights / weights.sum();
    let (c1, c2) = ((0.01 * range).powi(2), (0.03 * range).powi(2));
    let (mut sum, mut n_windows) = ([0.0; 2], 0.0);
    for y in 0..a.nrows() + 1 - n {
        for x in 0..a.ncols() + 1 - n {
            let part = s![y..y + n, x..x + n];
            if mask.is_some_and(|mask| mask.slice(part).iter().any(|&counts| !counts)) {
                continue;
            }
            let (a, b) = (a.slice(part), b.slice(part));
            let (ma, mb) = ((&a * &weights).sum(), (&b * &weights).sum());
            let moment = |p: Array2<f64>, q: Array2<f64>| factor * (p * q * &weights).sum();
            let (da, db) = (&a - ma, &b - mb);
            let (va, vb) = (
                moment(da.clone(), da.clone()),
                moment(db.clone(), db.clone()),
            );
            let cs = (2.0 * moment(da, db) + c2) / (va + vb + c2);
            sum[0] += cs * (2.0 * ma * mb + c1) / (ma * ma + mb * mb + c1);
            sum[1] += cs;
            n_windows += 1.0;
        }
    }
    (n_windows > 0.0).then(|| sum.map(|sum| sum / n_windows))
}

#[test]
fn ssim_is_its_formula_for_any_size_and_mask() {
    let dims = [
        (7, 7),
        (11, 11),
        (12, 37),
        (29, 16),
        (40, 23),
        (17, 64),
        (33, 13),
    ];
    for (seed, dim) in (0..).zip(dims) {
        let a = noise(dim, seed);
        let b = &a * 0.8 + noise(dim, seed + 100) * 0.3;
        let mut mask = Array2::from_elem(dim, true);
        mask[[dim.0 - 1, dim.1 / 2]] = false;
        mask[[0, 0]] = false;
        for window in [Window::Uniform7, Window::Gaussian11] {
            if dim.0.min(dim.1) < window.side() {
                assert!(ssim(Pair::whole(a.view(), b.view()), window, 1.0).is_none());
                continue;
            }
            for mask in [None, Some(&mask)] {
                let pair = Pair {
                    mask,
                    ..Pair::whole(a.view(), b.view())
                };
                let found = ssim(pair, window, 0.7).map(|s| [s.ssim, s.contrast_structure]);
                let expected = slow_ssim(a.view(), b.view(), mask, window, 0.7);
                match (found, expected) {
                    (None, None) => {}
                    (Some(found), Some(expected)) => {
                        for (found, expected) in found.iter().zip(expected) {
                            assert!(
                                (found - expected).abs() < 1e-11,
                                "{dim:?} {window:?}: {found} {expected}"
                            );
                        }
                    }
                    other => panic!("{dim:?} {window:?}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn erosion_keeps_pixels_whose_neighbourhood_counts() {
    let mask = noise((13, 17), 4).mapv(|value| value > 0.08);
    for (before, after) in [(0, 0), (1, 1), (2, 1), (3, 3)] {
        let found = eroded(&mask, before, after);
        assert_eq!(found.dim(), (13 - before - after, 17 - before - after));
        for ((y, x), &inside) in found.indexed_iter() {
            let part = mask.slice(s![y..=y + before + after, x..=x + before + after]);
            assert_eq!(inside, part.iter().all(|&counts| counts));
        }
    }
    assert!(eroded(&mask, 8, 8).is_empty());
}

/// Ring by ring from the slow transform.
fn slow_frc(a: &Array2<Complex64>, b: &Array2<Complex64>) -> Vec<f64> {
    let n = a.nrows();
    let [fa, fb] = [a, b].map(|p| naive_dft2(&p.iter().copied().collect::<Vec<_>>(), n));
    let half = (n / 2) as f64;
    let ring = |i: usize| (((i / n) as f64 - half).hypot((i % n) as f64 - half)).round() as usize;
    let mut sums = vec![(Complex64::default(), 0.0, 0.0); half.hypot(half).round() as usize + 1];
    for (i, (a, b)) in fa.iter().zip(&fb).enumerate() {
        let sum = &mut sums[ring(i)];
        *sum = (
            sum.0 + a * b.conj(),
            sum.1 + a.norm_sqr(),
            sum.2 + b.norm_sqr(),
        );
    }
    sums.iter()
        .map(|(cross, a, b)| cross.norm() / (a * b).sqrt())
        .collect()
}

#[test]
fn ring_correlations_are_their_sum_for_even_and_odd_sides() {
    for n in [2, 3, 8, 15, 22, 31] {
        let complex = |seed| {
            let (re, im) = (noise((n, n), seed), noise((n, n), seed + 7));
            Array2::from_shape_fn((n, n), |at| Complex64::new(re[at], im[at]))
        };
        let (a, b) = (complex(1), complex(2));
        let found = FrcCurve::of(a.view(), b.view(), false).unwrap();
        let (ra, rb) = (a.mapv(|v| v.re), b.mapv(|v| 1e-5 * v.re));
        let found_real = FrcCurve::of_real(ra.view(), rb.view(), false).unwrap();
        let real = |p: &Array2<f64>| p.mapv(|v| Complex64::new(v, 0.0));
        for (found, expected) in [
            (found, slow_frc(&a, &b)),
            (found_real, slow_frc(&real(&ra), &real(&rb))),
        ] {
            assert_eq!(found.n_pixels.iter().sum::<usize>(), n * n);
            assert_eq!(found.values.len(), expected.len());
            for (found, expected) in found.values.iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-10,
                    "n = {n}: {found} {expected}"
                );
            }
        }
    }
}

/// The greatest value on the whole grid of 0.01 px about the greatest value in whole pixels, every term summed.
fn slow_shift(a: &Array2<f64>, b: &Array2<f64>) -> [f64; 2] {
    let (n_rows, n_columns) = a.dim();
    let transform = |picture: &Array2<f64>, ky: isize, kx: isize| -> Complex64 {
        let turn = |y: usize, x: usize| {
            -std::f64::consts::TAU
                * (ky as f64 * y as f64 / n_rows as f64 + kx as f64 * x as f64 / n_columns as f64)
        };
        picture
            .indexed_iter()
            .map(|((y, x), &v)| v * Complex64::cis(turn(y, x)))
            .sum()
    };
    let signed = |n: usize| -(n as isize / 2)..(n as isize - n as isize / 2);
    let mut cross = Vec::new();
    for ky in signed(n_rows) {
        for kx in signed(n_columns) {
            cross.push((ky, kx, transform(a, ky, kx) * transform(b, ky, kx).conj()));
        }
    }
    let at = |dy: f64, dx: f64| -> f64 {
        let turn = |ky: isize, kx: isize| {
            std::f64::consts::TAU
                * (dy * ky as f64 / n_rows as f64 + dx * kx as f64 / n_columns as f64)
        };
        cross
            .iter()
            .map(|&(ky, kx, v)| v * Complex64::cis(turn(ky, kx)))
            .sum::<Complex64>()
            .norm_sqr()
    };
    let best = |of: &mut dyn Iterator<Item = [f64; 2]>| {
        of.map(|shift| (at(shift[0], shift[1]), shift))
            .fold((f64::MIN, [0.0; 2]), |best, this| {
                if this.0 > best.0 { this } else { best }
            })
            .1
    };
    let whole = best(
        &mut signed(n_rows).flat_map(|y| signed(n_columns).map(move |x| [y as f64, x as f64])),
    );
    best(&mut (-75..75).flat_map(|y| {
        (-75..75).map(move |x| {
            [
                whole[0] + f64::from(y) / 100.0,
                whole[1] + f64::from(x) / 100.0,
            ]
        })
    }))
}

#[test]
fn a_shift_is_the_greatest_value_of_the_whole_grid() {
    for (seed, dim) in [(1, (9, 12)), (2, (12, 11)), (3, (8, 8))] {
        let scene = object(dim, 0.3, seed);
        let moved = fourier_shift(scene.view(), [0.37, -1.21]).mapv(|v| v.re)
            + noise(dim, seed + 50) * 0.02;
        let scene = scene.mapv(|v| v.re);
        let options = RegisterOptions {
            window: false,
            ..RegisterOptions::default()
        };
        let found = register(scene.view(), moved.view(), options)
            .unwrap()
            .shift_px;
        let expected = slow_shift(&scene, &moved);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }
}

#[test]
fn percentiles_are_linear_between_neighbours() {
    // numpy.percentile([1, 2, 4, 8, 16], [5, 25, 50, 75, 95])
    let found = Distribution::of(vec![8.0, 1.0, 16.0, 4.0, 2.0]).unwrap();
    assert_eq!((found.mean, found.median), (6.2, 4.0));
    for (found, expected) in found.percentiles.iter().zip([1.2, 2.0, 8.0, 14.4]) {
        assert!((found - expected).abs() < 1e-12);
    }
    assert!(Distribution::of(Vec::new()).is_none());
}

#[test]
fn a_phase_unwraps_alike_in_single_and_double_precision() {
    let steep = Array2::from_shape_fn((40, 50), |(y, x)| {
        0.21 * y as f64 + 0.35 * x as f64 + (x as f64 / 9.0).sin()
    });
    let wrapped = steep.mapv(|v| Complex64::cis(v).arg());
    let double = unwrap(&wrapped.view());
    let single = unwrap(&wrapped.mapv(|v| v as f32).view());
    let offset = double[[0, 0]] - steep[[0, 0]];
    for ((double, single), steep) in double.iter().zip(&single).zip(&steep) {
        assert!((double - steep - offset).abs() < 1e-12);
        assert!((double - f64::from(*single)).abs() < 1e-5);
    }
}
