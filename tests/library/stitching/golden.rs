//! Golden numbers.

use std::f64::consts::PI;

use ndarray::{Array2, Array3, Axis};
use num_complex::{Complex32, Complex64};
use ptycho_core::forward::{Forward, Subpixel};
use ptycho_core::nn::Head;

use super::case::{Case, PLAIN};
use crate::support;

/// `golden/network.npz` holds two of the four channels: where only these two draw, the merged object is known; and from
/// the merged object follow the rates.
#[test]
fn golden_amplitudes_and_phases_merge_to_the_golden_object() {
    const N: usize = 64;
    let Some(path) = support::shared("golden/network.npz") else {
        return;
    };
    let mut file = ndarray_npy::NpzReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let amplitude: ndarray::Array4<f32> = file.by_name("amplitude").unwrap();
    let phase: ndarray::Array4<f32> = file.by_name("phase").unwrap();
    let merged: Array3<Complex32> = file.by_name("merged").unwrap();
    let relative: Array3<f64> = file.by_name("relative").unwrap();
    let rate: Array3<f32> = file.by_name("rate").unwrap();
    let wide = |z: &Complex32| Complex64::new(f64::from(z.re), f64::from(z.im));
    let probe = Array3::from_shape_fn((1, N, N), |(_, r, c)| {
        let r2 = ((r as f64) - 32.0).powi(2) + ((c as f64) - 32.0).powi(2);
        Complex64::from_polar(3.125 * 0.9 * (-r2 / 162.0).exp(), 3.0 * r2 / 1024.0)
    });
    let forward = Forward::<f64>::new(N, Subpixel::Bilinear);
    for c in 0..2 {
        let position = [0, 1].map(|axis| 42.0 + relative[[0, c, axis]]);
        let object = merged.index_axis(Axis(0), 0).map(wide);
        let found = forward.intensity(object.view(), probe.view(), position);
        for (found, &expected) in found.iter().zip(rate.index_axis(Axis(0), c)) {
            let error = (found - f64::from(expected)).abs();
            assert!(error < 1e-5 * (1.0 + found), "{found} {expected}");
        }
    }

    let mut case = Case::new(PLAIN, 2);
    case.architecture.n = N;
    case.architecture.amplitude_max = 1.0;
    case.canvas_px = 74;
    case.offsets_px = relative
        .iter()
        .copied()
        .collect::<Vec<_>>()
        .as_chunks::<2>()
        .0
        .to_vec();
    case.amplitude = vec![1.0; 2 * 4 * N * N];
    case.probe = probe;
    let map = |values: &ndarray::Array4<f32>, nothing: f64, inverse: &dyn Fn(f64) -> f64| {
        let values = Array2::from_shape_fn((2 * 32 * 32, 4), |(pixel, c)| {
            let (b, row, column) = (pixel / 1024, pixel / 32 % 32, pixel % 32);
            if c < 2 {
                inverse(f64::from(values[[b, c, row, column]]))
            } else {
                nothing
            }
        });
        values.into_raw_vec_and_offset().0
    };
    case.maps = vec![
        (
            Head::Amplitude,
            map(&amplitude, -200.0, &|a| (a / (1.0 - a)).ln()),
        ),
        (Head::Phase, map(&phase, 0.0, &|y| (y / PI).atanh())),
    ];
    let found = case.run(false, 2).prediction.objects;
    let mut n_known = 0;
    for b in 0..2 {
        let covers = |c: usize, row: usize, column: usize| {
            [row, column].iter().enumerate().all(|(axis, &i)| {
                let first = 16.0 + relative[[b, c, axis]];
                (first - 1.0..first + 32.0).contains(&(i as f64))
            })
        };
        for (row, column) in (0..N).flat_map(|row| (0..N).map(move |column| (row, column))) {
            let by_known = (0..2).any(|c| covers(c, row, column));
            if by_known && !(2..4).any(|c| covers(c, row, column)) {
                n_known += 1;
                let (found, expected) = (
                    found[(b * N + row) * N + column],
                    merged[[b, row + 10, column + 10]],
                );
                assert!(
                    (found - expected).norm() < 1e-5,
                    "{b} ({row}, {column}): {found} {expected}"
                );
            }
        }
    }
    assert!(
        n_known > 150,
        "{n_known} pixels are drawn by known channels only"
    );
}
