//! Bundle and dataset to an object.

use ndarray::{Array2, Array3};
use num_complex::{Complex32, Complex64};
use ptycho_core::data::{Archive, Reconstruction};
use ptycho_core::nn::infer::Stitcher;
use ptycho_core::patches::cut_bilinear;
use ptycho_core::rng::{Purpose, stream};
use rand::RngExt as _;

const N: usize = 16;

fn uniform() -> Array2<f32> {
    Array2::from_elem((N, N), 1.0)
}

/// A smooth object without symmetry.
fn object(shape: [usize; 2]) -> Array2<Complex32> {
    Array2::from_shape_fn(shape, |(y, x)| {
        let (y, x) = (y as f32, x as f32);
        Complex32::from_polar(
            1.0 + 0.3 * (0.3 * y + 0.1 * x).sin(),
            0.4 * (0.2 * x - 0.05 * y).cos(),
        )
    })
}

fn cut(object: &Array2<Complex32>, centre_px: [f64; 2]) -> Vec<Complex32> {
    let mut patch = Array2::zeros((N, N));
    cut_bilinear(object.view(), centre_px, patch.view_mut());
    patch.into_raw_vec_and_offset().0
}

/// Σ t w p / Σ t w by plain loops over every object pixel and every patch pixel.
fn plain(
    shape: [usize; 2],
    crop: usize,
    weight: &Array2<f32>,
    patches: &[(Vec<Complex32>, [f64; 2])],
) -> (Array2<Complex64>, Array2<f64>) {
    let tent = |x: f64| (1.0 - x.abs()).max(0.0);
    let mut sums = Array2::<Complex64>::zeros(shape);
    let mut weights = Array2::<f64>::zeros(shape);
    let first = N / 2 - crop / 2;
    for (patch, [cy, cx]) in patches {
        for ((y, x), sum) in sums.indexed_iter_mut() {
            for row in first..first + crop {
                for column in first..first + crop {
                    let dy = y as f64 - (cy - (N / 2) as f64 + row as f64);
                    let dx = x as f64 - (cx - (N / 2) as f64 + column as f64);
                    let share = tent(dy) * tent(dx) * f64::from(weight[[row, column]]);
                    let value = patch[row * N + column];
                    *sum += share * Complex64::new(f64::from(value.re), f64::from(value.im));
                    weights[[y, x]] += share;
                }
            }
        }
    }
    ndarray::Zip::from(&mut sums)
        .and(&weights)
        .for_each(|sum, weight| {
            if 0.0 < *weight {
                *sum /= *weight;
            }
        });
    (sums, weights)
}

#[test]
fn stitching_is_the_weighted_mean_by_plain_loops() {
    let mut rng = stream(5, Purpose::Simulation);
    let shape = [30, 27];
    let weight = Array2::from_shape_fn((N, N), |_| rng.random_range(0.1..1.0f32));
    let patches: Vec<_> = (0..12)
        .map(|_| {
            // Some of them reach beyond the frame on every side.
            let centre = [
                rng.random_range(-3.0..33.0f64),
                rng.random_range(-3.0..30.0f64),
            ];
            let mut value = || rng.random_range(-1.0..1.0f32);
            let patch: Vec<_> = (0..N * N)
                .map(|_| Complex32::new(value(), value()))
                .collect();
            (patch, centre)
        })
        .collect();
    for crop in [2, 7, 10, N, 2 * N] {
        let mut stitcher = Stitcher::new(shape, N, crop, weight.clone());
        for (patch, centre) in &patches {
            stitcher.add(patch, *centre);
        }
        let (object, coverage) = stitcher.finish();
        let (expected, weights) = plain(shape, crop.min(N), &weight, &patches);
        for (at, weight) in weights.indexed_iter() {
            assert!((f64::from(coverage[at]) - weight).abs() < 1e-6 * weight.max(1.0));
            if coverage[at] == 0.0 {
                assert!(*weight < 1e-5 && object[at] == Complex32::default());
                continue;
            }
            let off = object[at] - Complex32::new(expected[at].re as f32, expected[at].im as f32);
            assert!(off.norm() < 1e-6, "{crop} {at:?} {off}");
        }
    }
}

#[test]
fn an_object_that_was_cut_into_patches_comes_back() {
    let truth = object([40, 44]);
    let centres = || {
        (8..=32)
            .step_by(4)
            .flat_map(|y| (8..=36).step_by(4).map(move |x| [y as f64, x as f64]))
    };
    let mut stitcher = Stitcher::new([40, 44], N, N, uniform());
    for centre in centres() {
        stitcher.add(&cut(&truth, centre), centre);
    }
    let (stitched, coverage) = stitcher.finish();
    assert!(coverage.iter().all(|weight| 1.0 <= *weight));
    let off = (&stitched - &truth).map(|off| off.norm());
    assert!(off.iter().all(|off| *off < 1e-6));
    // A plane survives two interpolations, away from the edges of a patch.
    let plane = Array2::from_shape_fn((40, 44), |(y, x)| {
        Complex32::new(0.02 * y as f32, 1.0 - 0.01 * x as f32)
    });
    let mut stitcher = Stitcher::new([40, 44], N, 4, uniform());
    let centre = [20.3, 17.8];
    stitcher.add(&cut(&plane, centre), centre);
    let (stitched, coverage) = stitcher.finish();
    for ((y, x), weight) in coverage.indexed_iter() {
        if 0.999 < *weight {
            assert!((stitched[[y, x]] - plane[[y, x]]).norm() < 1e-6, "{y} {x}");
        }
    }
    assert_eq!(
        coverage.iter().filter(|weight| 0.0 < **weight).count(),
        25,
        "M + 1 pixels along each axis"
    );
}

#[test]
fn a_pixel_that_no_patch_saw_is_zero_and_the_others_are_not_mixed_with_it() {
    let mut stitcher = Stitcher::new([20, 20], N, 6, uniform());
    let ones = vec![Complex32::new(1.0, 0.0); N * N];
    stitcher.add(&ones, [10.0, 10.0]);
    // A patch a hundred-millionth of a pixel further on does not see one pixel more.
    stitcher.add(&ones, [10.0 + 1e-8, 10.0]);
    let (object, coverage) = stitcher.finish();
    for ((y, x), value) in object.indexed_iter() {
        let is_seen = (7..13).contains(&y) && (7..13).contains(&x);
        assert!((value.re - if is_seen { 1.0 } else { 0.0 }).abs() < 1e-7);
        assert_eq!(is_seen, 0.0 < coverage[[y, x]], "{y} {x}");
    }
    // Pixels that a patch has not drawn count for nothing.
    stitcher.add_where(
        &vec![Complex32::new(9.0, 0.0); N * N],
        [10.0, 10.0],
        |y, _| y < 6,
    );
    let (object, _) = stitcher.finish();
    assert!((object[[12, 10]].re - 1.0).abs() < 1e-6);
    assert!((object[[7, 10]].re - (9.0 + 2.0) / 3.0).abs() < 1e-5);
}

#[test]
fn shifting_every_position_by_whole_pixels_shifts_the_object() {
    let truth = object([60, 60]);
    let mut rng = stream(7, Purpose::Simulation);
    let centres: Vec<[f64; 2]> = (0..40)
        .map(|_| [rng.random_range(14.0..36.0), rng.random_range(14.0..36.0)])
        .collect();
    let stitched = |by: [f64; 2]| {
        let mut stitcher = Stitcher::new([60, 60], N, 10, uniform());
        for [y, x] in &centres {
            stitcher.add(&cut(&truth, [*y, *x]), [y + by[0], x + by[1]]);
        }
        stitcher.finish()
    };
    let (here, here_coverage) = stitched([0.0, 0.0]);
    let (there, there_coverage) = stitched([5.0, 9.0]);
    for y in 0..50 {
        for x in 0..50 {
            let off = here[[y, x]] - there[[y + 5, x + 9]];
            let weights = here_coverage[[y, x]] - there_coverage[[y + 5, x + 9]];
            assert!(off.norm() < 1e-5 && weights.abs() < 1e-5, "{y} {x}");
        }
    }
}

#[test]
fn coverage_is_kept_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.npz");
    let mut result = Reconstruction {
        object: object([5, 7]),
        coverage: Some(Array2::from_shape_fn((5, 7), |(y, x)| (y * x) as f32)),
        probe: Array3::from_elem((1, 4, 4), Complex32::new(0.5, 2.0)),
        positions_px: vec![[3.25, 2.0]],
        loss: Vec::new(),
        algorithm: "ptychopinn".to_owned(),
        provenance: serde_json::json!({"n_unseen": 11}),
    };
    result.save(&path).unwrap();
    assert_eq!(Reconstruction::load(&path).unwrap(), result);
    let archive = Archive::open(&path).unwrap();
    let info = archive.keys.iter().find(|info| info.key == "coverage");
    assert_eq!(info.unwrap().dtype, "float32");
    result.coverage = Some(Array2::zeros((5, 6)));
    result.save(&path).unwrap();
    let error = Reconstruction::load(&path).unwrap_err().to_string();
    assert!(
        error.contains("coverage: expected (5, 7) as the object, found (5, 6)"),
        "{error}"
    );
    result.coverage = None;
    result.save(&path).unwrap();
    assert_eq!(Reconstruction::load(&path).unwrap(), result);
}
