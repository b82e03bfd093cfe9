//! Bundle and dataset to an object.

use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, Array3, s};
use num_complex::{Complex32, Complex64};
use ptycho_core::compute::{Compute, DeviceChoice};
use ptycho_core::data::{Archive, Dataset, DatasetParts, Frames, Reconstruction};
use ptycho_core::error::Error;
use ptycho_core::grouping::{Groups, form_groups};
use ptycho_core::job::Quiet;
use ptycho_core::nn::infer::{
    InferSettings, Inferred, Rescale, StitchWeight, Stitcher, grouping, infer,
};
use ptycho_core::nn::parameters::Parameters;
use ptycho_core::nn::samples::Samples;
use ptycho_core::nn::settings::Model;
use ptycho_core::nn::{Architecture, Bundle, TrainSettings};
use ptycho_core::patches::cut_bilinear;
use ptycho_core::rng::{Purpose, stream};
use ptycho_core::study::infer::{InferTask, infer as infer_task};
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
fn every_member_of_a_group_lies_at_its_own_position() {
    let truth = object([44, 44]);
    let points: Vec<[f64; 2]> = [[10, 10], [10, 30], [30, 12], [28, 31], [20, 20], [32, 22]]
        .map(|at| at.map(f64::from))
        .to_vec();
    let index = ndarray::array![[0u32, 1, 2, 3], [4, 5, 1, 0]];
    let groups = Groups::new(index, &points).unwrap();
    // The second group first; patches stand in the order of its members.
    let patches: Vec<Complex32> = [4, 5, 1, 0, 0, 1, 2, 3]
        .iter()
        .flat_map(|member| cut(&truth, points[*member]))
        .collect();
    let mut stitcher = Stitcher::new([44, 44], N, N, uniform());
    stitcher.add_groups(&patches, &groups, &[1, 0]);
    let (stitched, coverage) = stitcher.finish();
    let mut n_seen = 0;
    for (at, weight) in coverage.indexed_iter() {
        if 0.0 < *weight {
            n_seen += 1;
            assert!((stitched[at] - truth[at]).norm() < 1e-5, "{at:?}");
        }
    }
    assert!(N * N * 4 < n_seen, "{n_seen}");
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

const SIDE: usize = 64;
const N_PATTERNS: usize = 14;

/// Patterns of noise at positions of whole eighths of a pixel, so that shifts by whole pixels round nothing; no object.
fn noise(shift_px: [f64; 2], probe_factor: f32) -> Dataset {
    let mut rng = stream(11, Purpose::Simulation);
    let positions = (0..N_PATTERNS)
        .map(|_| {
            [0, 1].map(|axis| 34.0 + f64::from(rng.random_range(0..160)) / 8.0 + shift_px[axis])
        })
        .collect();
    let frames = Array3::from_shape_fn((N_PATTERNS, SIDE, SIDE), |_| rng.random_range(0.0..3.0f32));
    let probe = Array3::from_shape_fn((1, SIDE, SIDE), |(_, y, x)| {
        let (y, x) = (y as f32 - 32.0, x as f32 - 30.0);
        Complex32::from_polar(probe_factor * (-(y * y + x * x) / 200.0).exp(), 0.02 * y)
    });
    let parts = DatasetParts::required(Frames::from_array(frames), positions, probe);
    Dataset::new(parts).unwrap()
}

fn settings(model: Model) -> TrainSettings {
    TrainSettings {
        model,
        filters_scale: 1,
        ..TrainSettings::default()
    }
}

/// A network that has learnt nothing.
fn untrained(model: Model, dataset: &Dataset) -> Bundle {
    let settings = settings(model);
    let architecture = Architecture::new(&settings, SIDE, 1).unwrap();
    let samples = samples(model, dataset);
    Bundle {
        parameters: Parameters::first(&architecture, 3),
        architecture,
        normalisation: samples.normalisation(),
        probe: dataset.probe().clone(),
        settings,
        group_reach_px: 4.0,
        data_sha256: dataset.content_sha256(),
        epoch: 0,
    }
}

fn samples(model: Model, dataset: &Dataset) -> Samples {
    let dataset = Dataset::new(dataset.parts().clone()).unwrap();
    Samples::to_predict(Arc::new(dataset), &settings(model)).unwrap()
}

fn check_infer(
    model: Model,
    dataset: &Dataset,
    settings: &InferSettings,
    n_threads: usize,
) -> Inferred {
    let compute = Compute::open(DeviceChoice::Cpu, n_threads).unwrap();
    let bundle = untrained(model, &noise([0.0; 2], 1.0));
    infer(
        &bundle,
        &samples(model, dataset),
        settings,
        &compute,
        &Quiet::default(),
    )
    .unwrap()
}

#[test]
fn neither_batches_nor_threads_change_the_object() {
    let dataset = noise([0.0; 2], 1.0);
    for model in [Model::Pinn, Model::Baseline] {
        let of = |batch_size: usize, n_threads: usize| {
            let settings = InferSettings {
                batch_size,
                ..InferSettings::default()
            };
            check_infer(model, &dataset, &settings, n_threads)
        };
        let one = of(N_PATTERNS, 1);
        assert_eq!(one.n_groups, N_PATTERNS);
        assert!(0.0 < one.amplitude_spread && one.n_unseen < one.coverage.len());
        assert_eq!(one.amplitude_correlation.is_some(), model == Model::Pinn);
        for (batch_size, n_threads) in [(1, 2), (5, 2), (100, 1)] {
            let many = of(batch_size, n_threads);
            assert_eq!(
                many.object, one.object,
                "{model:?} {batch_size} {n_threads}"
            );
            assert_eq!(many.coverage, one.coverage);
            assert_eq!(many.amplitude_correlation, one.amplitude_correlation);
        }
    }
}

#[test]
fn shifting_all_positions_shifts_the_inferred_object() {
    let settings = InferSettings {
        weight: StitchWeight::Probe,
        ..InferSettings::default()
    };
    let here = check_infer(Model::Pinn, &noise([0.0; 2], 1.0), &settings, 2);
    let there = check_infer(Model::Pinn, &noise([3.0, 8.0], 1.0), &settings, 2);
    let (h, w) = here.object.dim();
    assert_eq!(there.object.dim(), (h + 3, w + 8));
    assert_eq!(there.object.slice(s![3.., 8..]), here.object);
    assert_eq!(there.coverage.slice(s![3.., 8..]), here.coverage);
    let outside = there
        .object
        .iter()
        .filter(|value| value.norm() != 0.0)
        .count();
    assert_eq!(outside, here.object.len() - here.n_unseen);
}

#[test]
fn rescaling_multiplies_by_the_factor_that_it_tells() {
    let dataset = noise([0.0; 2], 1.0);
    let of = |rescale: Rescale| {
        let settings = InferSettings {
            rescale,
            ..InferSettings::default()
        };
        check_infer(Model::Pinn, &dataset, &settings, 2)
    };
    let (plain, scaled) = (of(Rescale::None), of(Rescale::LeastSquares));
    assert_eq!(plain.factor, 1.0);
    assert!((scaled.factor - 1.0).abs() > 1e-3, "{}", scaled.factor);
    let off = &plain.object.mapv(|value| value * scaled.factor as f32) - &scaled.object;
    assert!(off.iter().all(|off| off.norm() < 1e-6));
    let ratio = scaled.amplitude_spread / plain.amplitude_spread;
    assert!((ratio - scaled.factor).abs() < 1e-4 * scaled.factor);
}

fn task(bundle: &Path, data: &Path, output: &Path) -> InferTask {
    InferTask {
        bundle: bundle.to_path_buf(),
        data: data.to_path_buf(),
        settings: InferSettings::default(),
        n_threads: 2,
        device: DeviceChoice::Cpu,
        output: output.to_path_buf(),
    }
}

#[test]
fn a_baseline_infers_data_without_patches_and_predicts_no_counts() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.npz");
    let dataset = noise([0.0; 2], 1.0);
    dataset.save(&data).unwrap();
    untrained(Model::Baseline, &dataset)
        .save(folder.path(), "best")
        .unwrap();
    let output = folder.path().join("out.npz");
    let mut task = task(folder.path(), &data, &output);
    let outcome = infer_task(&task, &Quiet::default()).unwrap();
    let written = Reconstruction::load(&output).unwrap();
    assert_eq!(written, outcome.reconstruction);
    assert_eq!(written.algorithm, "baseline");
    assert_eq!(written.positions_px, dataset.positions_px());
    assert_eq!(outcome.inferred.amplitude_correlation, None);
    task.settings.rescale = Rescale::LeastSquares;
    let error = infer_task(&task, &Quiet::default()).unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error}");
    let quiet = Quiet::default();
    quiet.0.request();
    task.settings.rescale = Rescale::None;
    let stopped = infer_task(&task, &quiet);
    assert!(matches!(stopped, Err(Error::Cancelled)));
}

#[test]
fn another_dose_or_probe_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let trained = noise([0.0; 2], 1.0);
    untrained(Model::Pinn, &trained)
        .save(folder.path(), "last")
        .unwrap();
    let mut other = trained.parts().clone();
    other.probe.mapv_inplace(|value| value.conj());
    let of = |dataset: &Dataset| {
        let data = folder.path().join("data.npz");
        dataset.save(&data).unwrap();
        let task = task(folder.path(), &data, &folder.path().join("out.npz"));
        let outcome = infer_task(&task, &Quiet::default()).unwrap();
        (outcome.notes.join("\n"), outcome.reconstruction)
    };
    let (notes, reconstruction) = of(&trained);
    assert!(
        !notes.contains("dose") && !notes.contains("probe"),
        "{notes}"
    );
    assert!(notes.contains("were seen by no patch"), "{notes}");
    assert_eq!(reconstruction.probe, *trained.probe());
    let brighter = noise([0.0; 2], 2.0);
    let (notes, reconstruction) = of(&brighter);
    assert!(notes.contains("4.0000 times the power"), "{notes}");
    let off = &reconstruction.probe - brighter.probe();
    assert!(off.iter().all(|off| off.norm() < 1e-6));
    let (notes, _) = of(&Dataset::new(other).unwrap());
    assert!(notes.contains("not the one in training"), "{notes}");
}

/// A raster of 12 x 12 positions this far apart.
fn raster(step_px: f64) -> Dataset {
    let positions: Vec<[f64; 2]> = (0..144)
        .map(|i| {
            [
                40.0 + step_px * f64::from(i / 12),
                40.0 + step_px * f64::from(i % 12),
            ]
        })
        .collect();
    let frames = Array3::from_elem((144, SIDE, SIDE), 1.0f32);
    let probe = Array3::from_elem((1, SIDE, SIDE), Complex32::new(1.0, 0.0));
    let parts = DatasetParts::required(Frames::from_array(frames), positions, probe);
    Dataset::new(parts).unwrap()
}

#[test]
fn groups_are_as_wide_as_those_of_the_training() {
    let settings = InferSettings::default();
    let reach = |dataset: &Dataset, wanted: &TrainSettings| {
        let formed = form_groups(dataset.positions_px(), &wanted.grouping()).unwrap();
        formed.groups.reach_px()
    };
    let of = |bundle: &Bundle, step_px: f64, settings: &InferSettings| {
        let dataset = raster(step_px);
        let (wanted, notes) = grouping(bundle, &dataset, settings).unwrap();
        (reach(&dataset, &wanted), wanted, notes.join("\n"))
    };
    let trained = raster(4.0);
    let mut bundle = untrained(Model::Pinn, &trained);
    bundle.group_reach_px = reach(&trained, &bundle.settings);
    // The same spacing: the same K, and no word.
    let (_, wanted, notes) = of(&bundle, 4.0, &settings);
    assert_eq!(wanted.grouping().k(), bundle.settings.grouping().k());
    assert!(notes.is_empty(), "{notes}");
    assert_eq!(wanted.groups, 1000, "of few patterns more groups");
    // A denser scan: more neighbours, groups as wide.
    let (found, wanted, notes) = of(&bundle, 1.5, &settings);
    assert!(bundle.settings.grouping().k() < wanted.neighbors && notes.contains("K ="));
    assert!(
        (found / bundle.group_reach_px - 1.0).abs() < 0.15,
        "{found}"
    );
    // A sparser one: as narrow as can be, and told.
    let (found, wanted, notes) = of(&bundle, 9.0, &settings);
    assert_eq!(wanted.neighbors, 6);
    assert!(
        bundle.group_reach_px < found && notes.contains("sparser"),
        "{notes}"
    );
    // What is given is taken.
    let given = InferSettings {
        neighbors: 20,
        groups: 33,
        ..settings
    };
    let (_, wanted, notes) = of(&bundle, 9.0, &given);
    assert_eq!((wanted.neighbors, wanted.groups), (20, 33));
    assert!(notes.is_empty(), "{notes}");
    // The baseline has single patterns.
    let baseline = untrained(Model::Baseline, &trained);
    let (_, wanted, _) = of(&baseline, 9.0, &InferSettings::default());
    assert_eq!(wanted.groups, 0);
}
