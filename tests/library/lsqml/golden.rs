//! Golden trajectories of pty-chi, and the engine that follows them.

use std::fs::File;
use std::sync::Arc;

use ndarray::{Array1, Array2, Array3, ArrayD, Axis};
use ndarray_npy::{ReadNpyExt as _, ReadableElement};
use num_complex::{Complex, Complex32};
use ptycho_core::data::{Dataset, DatasetParts, Frames};
use ptycho_core::iterative::{
    Batching, Compatibility, Computing, EngineKind, IterativeOf, IterativeSettings, Noise,
    PositionMethod, ProbeScale,
};
use ptycho_core::simd::Real;

use super::{relative, run_epoch, same_phase, wide, widen};
use crate::support::data;

/// An array of a golden file.
pub(crate) fn read<T: ReadableElement>(file: &str, key: &str) -> ArrayD<T> {
    let mut archive =
        zip::ZipArchive::new(File::open(data(&format!("lsqml/{file}.npz"))).unwrap()).unwrap();
    let member = archive.by_name(&format!("{key}.npy")).unwrap();
    ArrayD::read_npy(member).unwrap_or_else(|error| panic!("{file}: {key}: {error}"))
}

/// The golden scan with the true positions, or with `_wrong` ones.
pub(crate) fn golden_input(positions: &str) -> Arc<Dataset> {
    let frames: Array3<f32> = read("lsqml_input", "diffraction")
        .into_dimensionality()
        .unwrap();
    let (y, x) = (
        read::<f64>("lsqml_input", &format!("ycoords{positions}")),
        read::<f64>("lsqml_input", &format!("xcoords{positions}")),
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

pub(crate) fn golden_batches(case: &str) -> Vec<Vec<Vec<usize>>> {
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
pub(crate) fn modes(array: ArrayD<Complex<f64>>) -> Array3<Complex<f64>> {
    let array = if array.ndim() == 2 {
        array.insert_axis(Axis(0))
    } else {
        array
    };
    array.into_dimensionality().unwrap()
}

/// A golden trajectory to follow.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    settings: IterativeSettings,
    /// Empty or `_wrong`.
    positions: &'static str,
    /// Epochs whose state is stored.
    stored: &'static [usize],
}

impl Case {
    fn new(name: &'static str, settings: IterativeSettings) -> Self {
        Self {
            name,
            settings,
            positions: "",
            stored: &[1, 2, 6],
        }
    }

    fn engine<T: Real>(&self, computing: Computing) -> IterativeOf<T> {
        let settings = IterativeSettings {
            epochs: *self.stored.last().unwrap(),
            probe_scale: ProbeScale::Keep,
            compat: Compatibility::Ptychi,
            ..self.settings.clone()
        };
        let modes_of = |key: &str| {
            modes(read("lsqml_input", key)).mapv(|v| Complex::new(T::of(v.re), T::of(v.im)))
        };
        let start = if settings.probe_modes == 3 {
            "probe_3modes"
        } else {
            "probe_1mode"
        };
        let has_opr = settings.opr_modes > 0;
        let input = golden_input(self.positions);
        let engine = IterativeOf::<T>::on(EngineKind::Lsqml, input, settings, computing)
            .unwrap()
            .with_probe(&modes_of(start))
            .unwrap()
            .with_batches(golden_batches(self.name))
            .unwrap();
        if !has_opr {
            return engine;
        }
        let weights = read("lsqml_input", "weights_opr");
        let weights: Array2<f64> = weights.into_dimensionality().unwrap();
        engine.with_opr(&modes_of("probe_opr"), &weights).unwrap()
    }

    /// The worst relative difference of object, probe, loss, and what else changes.
    pub(crate) fn follow<T: Real>(&self, computing: Computing) -> f64 {
        let mut engine = self.engine::<T>(computing);
        let loss = read::<f64>(self.name, "loss");
        let mut worst: f64 = 0.0;
        for epoch in 1..=*self.stored.last().unwrap() {
            run_epoch(&mut engine);
            worst = worst.max((engine.loss()[epoch - 1] / loss[epoch - 1] - 1.0).abs());
            if self.stored.contains(&epoch) {
                worst = worst.max(self.difference(&engine, epoch));
            }
        }
        worst
    }

    fn difference<T: Real>(&self, engine: &IterativeOf<T>, epoch: usize) -> f64 {
        let object: ArrayD<Complex<f64>> = read(self.name, &format!("object_e{epoch}"));
        let probe = modes(read(self.name, &format!("probe_e{epoch}")));
        let mut worst = relative(&wide(&engine.object()), &object);
        let mut found = wide(&engine.probe());
        let course = engine.course();
        if self.settings.opr_modes > 0 {
            let weights = read::<f64>(self.name, &format!("weights_e{epoch}"));
            for (found, expected) in course.opr_weights.iter().zip(&weights) {
                worst = worst.max((found - expected).abs());
            }
            found
                .append(Axis(0), engine.opr_modes().mapv(widen).view())
                .unwrap();
        }
        if self.settings.refine_positions != PositionMethod::Off {
            let rows = read::<f64>(self.name, &format!("ycoords_e{epoch}"));
            let columns = read::<f64>(self.name, &format!("xcoords_e{epoch}"));
            for ((found, row), column) in course.positions_px.iter().zip(&rows).zip(&columns) {
                worst = worst
                    .max((found[0] - row).abs())
                    .max((found[1] - column).abs());
            }
        }
        worst.max(relative(&same_phase(found, &probe), &probe))
    }

    fn follow_both(&self, tolerance: f64) {
        let computing = Computing {
            n_threads: 2,
            ..Computing::default()
        };
        let (single, double) = (
            self.follow::<f32>(computing.clone()),
            self.follow::<f64>(computing),
        );
        assert!(
            single < tolerance,
            "{} in single precision: {single:e}",
            self.name
        );
        assert!(
            double < 1e-9,
            "{} in double precision: {double:e}",
            self.name
        );
    }
}

/// The golden trajectory of this name.
pub(crate) fn golden(name: &'static str) -> Case {
    let default = IterativeSettings::default();
    match name {
        "lsqml_poisson" => Case {
            stored: &[1, 2],
            ..Case::new(
                name,
                IterativeSettings {
                    noise: Noise::Poisson,
                    ..default
                },
            )
        },
        "lsqml_positions" => Case {
            positions: "_wrong",
            ..Case::new(
                name,
                IterativeSettings {
                    refine_positions: PositionMethod::Gradient,
                    position_start: 0,
                    position_step: 0.3,
                    position_limit_px: 0.1,
                    ..default
                },
            )
        },
        "lsqml_opr" => Case {
            stored: &[1, 2, 4],
            ..Case::new(
                name,
                IterativeSettings {
                    opr_modes: 2,
                    vary_intensity: true,
                    opr_start: 0,
                    opr_weight_relaxation: 0.1,
                    ..default
                },
            )
        },
        "lsqml_gaussian_3modes" => Case::new(
            name,
            IterativeSettings {
                probe_modes: 3,
                rescale_first_epoch: false,
                ..default
            },
        ),
        "lsqml_compact_momentum" => Case::new(
            name,
            IterativeSettings {
                batching: Batching::Compact,
                momentum: 0.5,
                ..default
            },
        ),
        "lsqml_frozen_probe" => Case::new(
            name,
            IterativeSettings {
                refine_probe: false,
                ..default
            },
        ),
        _ => Case::new(name, default),
    }
}

#[test]
fn the_poisson_steps_follow_the_golden_trajectory() {
    golden("lsqml_poisson").follow_both(1e-3);
}

#[test]
fn refined_positions_follow_the_golden_trajectory() {
    golden("lsqml_positions").follow_both(1e-3);
}

#[test]
fn a_varying_probe_follows_the_golden_trajectory() {
    golden("lsqml_opr").follow_both(1e-3);
}

#[test]
fn one_mode_follows_the_golden_trajectory() {
    golden("lsqml_gaussian_1mode").follow_both(1e-3);
}

#[test]
fn three_modes_follow_the_golden_trajectory() {
    golden("lsqml_gaussian_3modes").follow_both(1e-3);
}

#[test]
fn compact_batches_with_momentum_follow_the_golden_trajectory() {
    golden("lsqml_compact_momentum").follow_both(1e-3);
}

#[test]
fn a_frozen_probe_follows_the_golden_trajectory() {
    golden("lsqml_frozen_probe").follow_both(1e-3);
}
