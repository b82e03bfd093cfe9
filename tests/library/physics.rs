//! FFT, forward model and patches against their slow twins, their adjoints and the golden numbers.

use ndarray::{Array1, Array2, Array3, Axis};
use num_complex::Complex64;
use ptycho_core::data::Dataset;
use ptycho_core::fft::{Fft2, naive_dft2};
use ptycho_core::forward::{Forward, Subpixel};
use ptycho_core::patches;
use ptycho_core::rng::{Purpose, stream, stream_at};
use ptycho_core::sim::demo::demonstration;
use ptycho_core::sim::noise::poisson;
use rand::RngExt as _;

use crate::support;

fn noise(shape: (usize, usize), index: u64) -> Array2<Complex64> {
    let mut rng = stream_at(7, Purpose::Simulation, index);
    Array2::from_shape_simple_fn(shape, || {
        Complex64::new(rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0))
    })
}

fn dot(a: &Array2<Complex64>, b: &Array2<Complex64>) -> Complex64 {
    a.iter().zip(b).map(|(a, b)| a.conj() * b).sum()
}

#[test]
fn the_fast_transform_equals_the_sum_for_every_kind_of_size() {
    for (case, shape) in [
        (1, 1),
        (1, 5),
        (4, 4),
        (6, 9),
        (7, 7),
        (8, 3),
        (16, 12),
        (17, 13),
    ]
    .into_iter()
    .enumerate()
    {
        let plane = noise(shape, case as u64);
        let expected = naive_dft2(plane.as_slice().unwrap(), shape.1);
        let fft = Fft2::new(shape.0, shape.1);
        let (mut found, mut scratch) = (plane.clone(), fft.scratch());
        fft.forward(found.as_slice_mut().unwrap(), &mut scratch);
        let norm = expected.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
        let error = found
            .iter()
            .zip(&expected)
            .map(|(a, b)| (a - b).norm_sqr())
            .sum::<f64>()
            .sqrt();
        assert!(error <= 1e-14 * norm * 8.0, "{shape:?}: {error:e}");
        fft.inverse(found.as_slice_mut().unwrap(), &mut scratch);
        let back = (&found - &plane)
            .iter()
            .map(Complex64::norm_sqr)
            .sum::<f64>()
            .sqrt();
        assert!(back <= 1e-14 * norm * 8.0, "{shape:?} back: {back:e}");
    }
}

#[test]
fn a_constant_becomes_one_pixel_in_the_middle_and_power_is_kept() {
    for shape in [(8, 8), (9, 6), (5, 5)] {
        let fft = Fft2::<f64>::new(shape.0, shape.1);
        let mut plane = Array2::from_elem(shape, Complex64::new(1.0, 0.0));
        fft.forward(plane.as_slice_mut().unwrap(), &mut fft.scratch());
        let area = (shape.0 * shape.1) as f64;
        for ((row, column), value) in plane.indexed_iter() {
            let expected = if (row, column) == (shape.0 / 2, shape.1 / 2) {
                area.sqrt()
            } else {
                0.0
            };
            assert!(
                (value - expected).norm() < 1e-12,
                "{shape:?} at {row}, {column}: {value}"
            );
        }
    }
}

#[test]
fn a_stack_is_its_planes_one_by_one() {
    let fft = Fft2::new(6, 10);
    let planes: Vec<_> = (0..5).map(|i| noise((6, 10), i)).collect();
    let mut stack: Vec<_> = planes.iter().flatten().copied().collect();
    fft.forward_stack(&mut stack);
    for (plane, found) in planes.iter().zip(stack.chunks_exact(60)) {
        let mut expected = plane.clone();
        fft.forward(expected.as_slice_mut().unwrap(), &mut fft.scratch());
        assert_eq!(expected.as_slice().unwrap(), found);
    }
    fft.inverse_stack(&mut stack);
    let worst = stack
        .iter()
        .zip(planes.iter().flatten())
        .map(|(a, b)| (a - b).norm())
        .fold(0.0, f64::max);
    assert!(worst < 1e-14, "{worst:e}");
}

#[test]
fn cutting_and_adding_are_adjoint_inside_and_across_the_border() {
    let object = noise((20, 23), 1);
    for (case, position_px) in [
        [9.0, 11.0],
        [8.5, 9.5],
        [3.2, 4.9],
        [18.7, 20.1],
        [-4.0, 2.5],
        [90.0, 3.0],
    ]
    .into_iter()
    .enumerate()
    {
        for n in [6, 7] {
            let patch = noise((n, n), 10 + case as u64);
            let (start_px, _) = patches::whole_start(position_px, n);
            let (mut cut, mut sum) = (Array2::zeros((n, n)), Array2::zeros(object.dim()));
            patches::cut(object.view(), start_px, cut.view_mut());
            patches::add(sum.view_mut(), start_px, patch.view());
            assert!(
                (dot(&patch, &cut) - dot(&sum, &object)).norm() < 1e-12,
                "whole, {position_px:?}, n {n}"
            );
            sum.fill(Complex64::default());
            patches::cut_bilinear(object.view(), position_px, cut.view_mut());
            patches::add_bilinear(sum.view_mut(), position_px, patch.view());
            assert!(
                (dot(&patch, &cut) - dot(&sum, &object)).norm() < 1e-12,
                "bilinear, {position_px:?}, n {n}"
            );
        }
    }
}

#[test]
fn a_position_is_the_object_coordinate_of_the_middle_pixel() {
    let object = Array2::from_shape_fn((30, 30), |(row, column)| {
        Complex64::new(row as f64, column as f64)
    });
    for n in [8, 9] {
        let mut patch = Array2::zeros((n, n));
        let (start_px, fraction_px) = patches::whole_start([12.0, 17.0], n);
        patches::cut(object.view(), start_px, patch.view_mut());
        assert_eq!(
            (patch[[n / 2, n / 2]], fraction_px),
            (Complex64::new(12.0, 17.0), [0.0, 0.0])
        );
        patches::cut_bilinear(object.view(), [12.25, 16.5], patch.view_mut());
        assert!((patch[[n / 2, n / 2]] - Complex64::new(12.25, 16.5)).norm() < 1e-12);
    }
    assert_eq!(
        patches::whole_start([2.5, 3.5], 4),
        ([0, 2], [0.5, -0.5]),
        "halves go to the even number"
    );
}

#[test]
fn shifting_moves_a_smooth_probe_by_the_amount_asked_and_back() {
    let n = 32;
    let spot = |at: [f64; 2]| {
        Array2::from_shape_fn((n, n), |(row, column)| {
            let squared = (row as f64 - at[0]).powi(2) + (column as f64 - at[1]).powi(2);
            Complex64::new((-squared / 18.0).exp(), 0.0)
        })
    };
    let forward = Forward::new(n, Subpixel::Fourier);
    let moved = forward.shift(spot([16.0, 16.0]).view(), [0.3, -0.4]);
    let worst = (&moved - &spot([16.3, 15.6]))
        .iter()
        .map(|value| value.norm())
        .fold(0.0, f64::max);
    assert!(worst < 1e-5, "{worst:e}");
    let back = forward.shift(moved.view(), [-0.3, 0.4]);
    let worst = (&back - &spot([16.0, 16.0]))
        .iter()
        .map(|value| value.norm())
        .fold(0.0, f64::max);
    assert!(worst < 1e-12, "{worst:e}");
}

#[test]
fn photons_are_conserved() {
    let forward = Forward::new(16, Subpixel::Fourier);
    let object = Array2::from_elem((40, 40), Complex64::cis(0.3));
    let probe = noise((16, 16), 3).insert_axis(Axis(0));
    let photons: f64 = probe.iter().map(Complex64::norm_sqr).sum();
    let counts = forward
        .intensity(object.view(), probe.view(), [20.3, 19.8])
        .sum();
    assert!(
        (counts / photons - 1.0).abs() < 1e-12,
        "{counts} of {photons}"
    );
}

#[test]
fn both_subpixel_models_reproduce_the_golden_amplitudes() {
    let mut golden = support::npz("forward.npz");
    let object: Array2<Complex64> = golden.by_name("object").unwrap();
    let positions: Array2<f64> = golden.by_name("positions").unwrap();
    for suffix in ["", "_odd"] {
        let probe: Array2<Complex64> = golden.by_name(&format!("probe{suffix}")).unwrap();
        let positions: Array2<f64> = golden
            .by_name(&format!("positions{suffix}"))
            .unwrap_or_else(|_| positions.clone());
        for (name, subpixel) in [
            ("fourier", Subpixel::Fourier),
            ("bilinear", Subpixel::Bilinear),
        ] {
            let expected: Array3<f64> = golden
                .by_name(&format!("amplitude_{name}{suffix}"))
                .unwrap();
            let forward = Forward::new(probe.nrows(), subpixel);
            let probe = probe.view().insert_axis(Axis(0));
            for (expected, position) in expected.outer_iter().zip(positions.outer_iter()) {
                let found = forward
                    .intensity(object.view(), probe, [position[0], position[1]])
                    .mapv(f64::sqrt);
                let error =
                    (&found - &expected).mapv(|d| d * d).sum() / expected.mapv(|d| d * d).sum();
                assert!(
                    error.sqrt() < 1e-6,
                    "{name}{suffix} at {position}: {:e}",
                    error.sqrt()
                );
            }
        }
    }
}

#[test]
fn poisson_draws_have_the_right_mean_and_variance_from_none_to_many() {
    let mut rng = stream(11, Purpose::Noise);
    assert_eq!(
        [0.0, -1.0, f64::NAN].map(|mean| poisson(&mut rng, mean)),
        [0.0; 3]
    );
    for mean in [1e-3, 0.3, 4.0, 60.0, 1e4, 1e8] {
        let n = 20_000;
        let draws = Array1::from_shape_simple_fn(n, || poisson(&mut rng, mean));
        let (found, variance) = (draws.mean().unwrap(), draws.var(1.0));
        let mean_error = (mean / n as f64).sqrt();
        let variance_error = mean * (2.0 / n as f64 + 1.0 / (mean * n as f64)).sqrt();
        assert!(
            (found - mean).abs() < 5.0 * mean_error,
            "mean {mean}: {found}"
        );
        assert!(
            (variance - mean).abs() < 5.0 * variance_error,
            "mean {mean}: variance {variance}"
        );
        assert!(draws.iter().all(|draw| draw.fract() == 0.0 && 0.0 <= *draw));
    }
}

#[test]
fn streams_of_one_seed_differ_by_purpose_and_index_and_repeat() {
    let draw = |seed, purpose, index| stream_at(seed, purpose, index).random::<u64>();
    assert_eq!(draw(1, Purpose::Noise, 5), draw(1, Purpose::Noise, 5));
    let all = [
        draw(1, Purpose::Noise, 5),
        draw(1, Purpose::Noise, 6),
        draw(1, Purpose::Batches, 5),
        draw(2, Purpose::Noise, 5),
    ];
    for (i, a) in all.iter().enumerate() {
        assert!(all[..i].iter().all(|b| a != b));
    }
}

#[test]
fn the_demonstration_is_what_it_says_and_repeats() {
    let [first, again, other] = [0, 0, 1].map(|seed| demonstration(seed).unwrap());
    let (n, m) = (first.n(), first.n_patterns());
    assert_eq!(
        (n, m, first.probe().dim(), first.object().unwrap().dim()),
        (128, 400, (1, 128, 128), (352, 352))
    );
    let frame = |dataset: &Dataset, i| {
        let mut frame = vec![0.0; n * n];
        dataset.frames().read(i, &mut frame);
        frame
    };
    assert_eq!(frame(&first, 7), frame(&again, 7));
    assert_ne!(frame(&first, 7), frame(&other, 7));
    let counts: Vec<_> = frame(&first, 7)
        .iter()
        .map(|amplitude| f64::from(amplitude * amplitude))
        .collect();
    assert!(
        counts
            .iter()
            .all(|counts| (counts - counts.round()).abs() < 1e-4),
        "whole photons"
    );
    let photons = (0..m)
        .map(|i| {
            frame(&first, i)
                .iter()
                .map(|a| f64::from(a * a))
                .sum::<f64>()
        })
        .sum::<f64>()
        / m as f64;
    assert!((photons / 1e5 - 1.0).abs() < 0.002, "{photons}");
    // Every patch lies inside the object, and the short spoke points to the upper right.
    assert!(
        first
            .positions_px()
            .iter()
            .flatten()
            .all(|c| (64.0..=352.0 - 64.0).contains(c))
    );
    let object = first.object().unwrap();
    let phase =
        |row: isize, column: isize| object[[(176 + row) as usize, (176 + column) as usize]].arg();
    assert!(
        phase(-58, 58).abs() < 1e-6,
        "nothing at the end of the short spoke"
    );
    for (row, column) in [(58, 58), (58, -58), (-58, -58)] {
        assert!(phase(row, column) < -1.1, "a spoke at {row}, {column}");
    }
}
