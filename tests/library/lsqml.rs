//! The engine against golden trajectories of pty-chi and against its slow twin.

use std::fs::File;
use std::sync::Arc;

use ndarray::{Array1, Array2, Array3, ArrayD, Axis};
use ndarray_npy::{ReadNpyExt as _, ReadableElement};
use num_complex::{Complex, Complex32};
use ptycho_core::data::{Dataset, DatasetParts, Frames};
use ptycho_core::iterative::simd::Real;
use ptycho_core::iterative::{Batching, Compatibility, LsqmlOf, LsqmlSettings, ProbeScale};
use ptycho_core::job::{Engine as _, Step, Stop};

use crate::support::data;

/// An array of a golden file.
fn read<T: ReadableElement>(file: &str, key: &str) -> ArrayD<T> {
    let mut archive =
        zip::ZipArchive::new(File::open(data(&format!("lsqml/{file}.npz"))).unwrap()).unwrap();
    let member = archive.by_name(&format!("{key}.npy")).unwrap();
    ArrayD::read_npy(member).unwrap_or_else(|error| panic!("{file}: {key}: {error}"))
}

fn golden_input() -> Arc<Dataset> {
    let frames: Array3<f32> = read("lsqml_input", "diffraction")
        .into_dimensionality()
        .unwrap();
    let (y, x) = (
        read::<f64>("lsqml_input", "ycoords"),
        read::<f64>("lsqml_input", "xcoords"),
    );
    let shape = read::<i64>("lsqml_input", "object_shape");
    let probe: Array2<Complex<f64>> = read("lsqml_input", "probe_1mode")
        .into_dimensionality()
        .unwrap();
    let positions = y.iter().zip(&x).map(|(&y, &x)| [y, x]).collect();
    let probe = probe
        .mapv(|v| Complex32::new(v.re as f32, v.im as f32))
        .insert_axis(Axis(0));
    let object = Array2::from_elem(
        (shape[0] as usize, shape[1] as usize),
        Complex32::new(1.0, 0.0),
    );
    let parts = DatasetParts {
        object: Some(object),
        ..DatasetParts::required(Frames::from_array(frames), positions, probe)
    };
    Arc::new(Dataset::new(parts).unwrap())
}

fn golden_batches(case: &str) -> Vec<Vec<Vec<usize>>> {
    let sizes: Array2<i32> = read(case, "batch_sizes").into_dimensionality().unwrap();
    let order: Array1<i32> = read(case, "batch_index").into_dimensionality().unwrap();
    let mut order = order.into_iter().map(|i| i as usize);
    sizes
        .outer_iter()
        .map(|epoch| {
            epoch
                .iter()
                .map(|&size| order.by_ref().take(size as usize).collect())
                .collect()
        })
        .collect()
}

/// Modes as `(k, n, n)`.
fn modes(array: ArrayD<Complex<f64>>) -> Array3<Complex<f64>> {
    let array = if array.ndim() == 2 {
        array.insert_axis(Axis(0))
    } else {
        array
    };
    array.into_dimensionality().unwrap()
}

fn relative<'a>(
    found: impl IntoIterator<Item = &'a Complex<f64>>,
    expected: impl IntoIterator<Item = &'a Complex<f64>>,
) -> f64 {
    let (mut error, mut norm) = (0.0, 0.0);
    for (found, expected) in found.into_iter().zip(expected) {
        error += (found - expected).norm_sqr();
        norm += expected.norm_sqr();
    }
    (error / norm).sqrt()
}

fn wide<T: Real, D: ndarray::Dimension>(
    array: &ndarray::Array<Complex<T>, D>,
) -> ndarray::Array<Complex<f64>, D> {
    array.mapv(|v| Complex::new(v.re.wide(), v.im.wide()))
}

fn run_epoch<T: Real>(engine: &mut LsqmlOf<T>) {
    let stop = Stop::default();
    while engine.step(&stop).unwrap() != Step::EpochEnd {}
    assert_eq!(engine.health(), None);
}

/// Each mode turned to the phase of the expected one.
fn same_phase(
    mut found: Array3<Complex<f64>>,
    expected: &Array3<Complex<f64>>,
) -> Array3<Complex<f64>> {
    for (mut found, expected) in found.outer_iter_mut().zip(expected.outer_iter()) {
        let overlap: Complex<f64> = expected.iter().zip(&found).map(|(e, f)| e * f.conj()).sum();
        let turn = overlap / overlap.norm();
        found.mapv_inplace(|value| value * turn);
    }
    found
}

/// Follow a golden trajectory; the worst relative difference of object, probe and loss.
fn follow<T: Real>(case: &str, settings: LsqmlSettings, n_threads: usize) -> f64 {
    let settings = LsqmlSettings {
        epochs: 6,
        probe_scale: ProbeScale::Keep,
        compat: Compatibility::Ptychi,
        ..settings
    };
    let start = modes(read(
        "lsqml_input",
        if settings.probe_modes == 3 {
            "probe_3modes"
        } else {
            "probe_1mode"
        },
    ));
    let mut engine = LsqmlOf::<T>::new(golden_input(), settings, n_threads)
        .unwrap()
        .with_probe(&start.mapv(|v| Complex::new(T::of(v.re), T::of(v.im))))
        .unwrap()
        .with_batches(golden_batches(case))
        .unwrap();
    let loss = read::<f64>(case, "loss");
    let mut worst: f64 = 0.0;
    for epoch in 1..=6 {
        run_epoch(&mut engine);
        worst = worst.max((engine.loss()[epoch - 1] / loss[epoch - 1] - 1.0).abs());
        if [1, 2, 6].contains(&epoch) {
            let object: ArrayD<Complex<f64>> = read(case, &format!("object_e{epoch}"));
            let probe = modes(read(case, &format!("probe_e{epoch}")));
            worst = worst.max(relative(&wide(&engine.object()), &object));
            worst = worst.max(relative(&same_phase(wide(&engine.probe()), &probe), &probe));
        }
        println!(
            "{case} {} epoch {epoch}: worst relative difference {worst:.1e}",
            T::NAME
        );
    }
    worst
}

fn follow_both(case: &str, settings: &LsqmlSettings) {
    let (single, double) = (
        follow::<f32>(case, settings.clone(), 2),
        follow::<f64>(case, settings.clone(), 2),
    );
    assert!(single < 1e-3, "{case} in single precision: {single:e}");
    assert!(double < 1e-9, "{case} in double precision: {double:e}");
}

#[test]
fn one_mode_follows_the_golden_trajectory() {
    follow_both("lsqml_gaussian_1mode", &LsqmlSettings::default());
}

#[test]
fn three_modes_follow_the_golden_trajectory() {
    let settings = LsqmlSettings {
        probe_modes: 3,
        rescale_first_epoch: false,
        ..LsqmlSettings::default()
    };
    follow_both("lsqml_gaussian_3modes", &settings);
}

#[test]
fn compact_batches_with_momentum_follow_the_golden_trajectory() {
    let settings = LsqmlSettings {
        batching: Batching::Compact,
        momentum: 0.5,
        ..LsqmlSettings::default()
    };
    follow_both("lsqml_compact_momentum", &settings);
}

#[test]
fn a_frozen_probe_follows_the_golden_trajectory() {
    follow_both(
        "lsqml_frozen_probe",
        &LsqmlSettings {
            refine_probe: false,
            ..LsqmlSettings::default()
        },
    );
}
