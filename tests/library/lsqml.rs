//! The engine against golden trajectories of pty-chi and against its slow twin.

#[path = "lsqml/refinement.rs"]
mod refinement;
#[path = "lsqml/simulated.rs"]
mod simulated;

use std::fs::File;
use std::sync::Arc;

use ndarray::{Array1, Array2, Array3, ArrayD, Axis};
use ndarray_npy::{ReadNpyExt as _, ReadableElement};
use num_complex::{Complex, Complex32};
use ptycho_core::data::{Dataset, DatasetParts, Frames};
use ptycho_core::fft::Fft2;
use ptycho_core::forward::{Forward, Subpixel};
use ptycho_core::iterative::{
    Batching, Compatibility, Computing, EngineKind, IterativeOf, IterativeSettings, Noise,
    ObjectInit, PositionMethod, ProbeScale,
};
use ptycho_core::job::{Engine as _, Step, Stop};
use ptycho_core::patches;
use ptycho_core::simd::Real;

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

pub(crate) fn relative<'a>(
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

pub(crate) fn wide<T: Real, D: ndarray::Dimension>(
    array: &ndarray::Array<Complex<T>, D>,
) -> ndarray::Array<Complex<f64>, D> {
    array.mapv(widen)
}

pub(crate) fn run_epoch<T: Real>(engine: &mut IterativeOf<T>) {
    let stop = Stop::default();
    while engine.step(&stop).unwrap() != Step::EpochEnd {}
    assert_eq!(engine.health(), None);
}

/// Each mode turned to the phase of the expected one.
pub(crate) fn same_phase(
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

fn widen<T: Real>(value: Complex<T>) -> Complex<f64> {
    Complex::new(value.re.wide(), value.im.wide())
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

/// A small noise-free scan: `side` x `side` positions, about 3.3 px apart, the first at `first_px`.
pub(crate) fn scan(n: usize, side: usize, first_px: f64, mask: bool) -> Arc<Dataset> {
    let positions: Vec<[f64; 2]> = (0..side * side)
        .map(|i| {
            let jitter = |phase: f64| 0.8 * (i as f64 * 2.4 + phase).sin();
            let at = |k: usize, phase: f64| first_px + 3.3 * k as f64 + jitter(phase);
            [at(i / side, 0.3), at(i % side, 1.9)]
        })
        .collect();
    let shape = (first_px + 3.3 * side as f64) as usize + n / 2 + 6;
    let truth = Array2::from_shape_fn((shape, shape), |(r, c)| {
        let (r, c) = (r as f64 - first_px, c as f64 - first_px);
        Complex::from_polar(
            1.0 - 0.2 * (0.5 * r).sin().powi(2),
            0.6 * (0.35 * r + 0.2 * c).sin(),
        )
    });
    let bell = |r: usize, c: usize, width: f64| {
        let (r, c) = (r as f64 - (n / 2) as f64, c as f64 - (n / 2) as f64);
        let r2 = r * r + c * c;
        Complex::from_polar(
            60.0 * (-r2 / (2.0 * width * width)).exp(),
            6.0 * r2 / (n * n) as f64,
        )
    };
    let probe =
        Array2::from_shape_fn((n, n), |(r, c)| bell(r, c, 0.16 * n as f64)).insert_axis(Axis(0));
    let forward = Forward::<f64>::new(n, Subpixel::Fourier);
    let mut frames = Array3::zeros((positions.len(), n, n));
    for (mut frame, &position) in frames.outer_iter_mut().zip(&positions) {
        let intensity = forward.intensity(truth.view(), probe.view(), position);
        frame.assign(&intensity.mapv(|counts| counts.sqrt() as f32));
    }
    let guess = Array2::from_shape_fn((n, n), |(r, c)| bell(r, c, 0.18 * n as f64));
    let guess = guess
        .mapv(|v| Complex32::new(v.re as f32, v.im as f32))
        .insert_axis(Axis(0));
    let detector_mask = mask.then(|| Array2::from_shape_fn((n, n), |(r, c)| (r + 2 * c) % 11 != 0));
    let object = Array2::from_elem((shape, shape), Complex32::new(1.0, 0.0));
    let parts = DatasetParts {
        object: Some(object),
        detector_mask,
        ..DatasetParts::required(Frames::from_array(frames), positions, guess)
    };
    Arc::new(Dataset::new(parts).unwrap())
}

pub(crate) type Field = Array2<Complex<f64>>;

/// LSQML written down slowly from its formulas, over the one forward model, in double precision.
pub(crate) struct Twin {
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) forward: Forward<f64>,
    pub(crate) fft: Fft2<f64>,
    pub(crate) object: Field,
    pub(crate) probe: Vec<Field>,
    pub(crate) illumination: Array2<f64>,
    pub(crate) loss: Vec<f64>,
}

impl Twin {
    pub(crate) fn new(dataset: Arc<Dataset>, probe: &Array3<Complex<f64>>) -> Self {
        let n = dataset.n();
        let [h, w] = dataset.object_shape();
        Self {
            forward: Forward::new(n, Subpixel::Fourier),
            fft: Fft2::new(n, n),
            object: Array2::from_elem((h, w), Complex::from(1.0)),
            probe: probe.outer_iter().map(|mode| mode.to_owned()).collect(),
            illumination: Array2::zeros((h, w)),
            loss: Vec::new(),
            dataset,
        }
    }

    pub(crate) fn start(&self, i: usize) -> ([isize; 2], [f64; 2]) {
        patches::whole_start(self.dataset.positions_px()[i], self.dataset.n())
    }

    pub(crate) fn cut(&self, canvas: &Field, i: usize) -> Field {
        let n = self.dataset.n();
        let mut patch = Array2::zeros((n, n));
        patches::cut(canvas.view(), self.start(i).0, patch.view_mut());
        patch
    }

    pub(crate) fn transform(&self, field: &Field, forward: bool) -> Field {
        let mut field = field.as_standard_layout().into_owned();
        let mut scratch = self.fft.scratch();
        let plane = field.as_slice_mut().unwrap();
        if forward {
            self.fft.forward(plane, &mut scratch);
        } else {
            self.fft.inverse(plane, &mut scratch);
        }
        field
    }

    pub(crate) fn counts(&self, i: usize) -> Array2<f64> {
        let n = self.dataset.n();
        let mut frame = vec![0.0; n * n];
        self.dataset.frames().read(i, &mut frame);
        Array2::from_shape_fn((n, n), |(r, c)| f64::from(frame[r * n + c]).powi(2))
    }

    /// 1 where a pixel is used.
    fn used(&self) -> Array2<f64> {
        let n = self.dataset.n();
        match self.dataset.detector_mask() {
            Some(mask) => mask.mapv(|used| f64::from(u8::from(used))),
            None => Array2::ones((n, n)),
        }
    }

    fn illuminate(&mut self, epoch: usize) {
        let n = self.dataset.n();
        let mut sum = Field::zeros(self.object.dim());
        let power = self.probe[0].mapv(|v| Complex::from(v.norm_sqr()));
        let mut most: f64 = 0.0;
        for i in 0..self.dataset.n_patterns() {
            patches::add(sum.view_mut(), self.start(i).0, power.view());
            most = most.max((self.counts(i) * self.used()).sum());
        }
        let sum = sum.mapv(|v| v.re);
        if epoch == 0 {
            self.illumination = &sum * (most / (4.0 * (n as f64).powi(4)));
        }
        self.illumination = (&self.illumination + &sum) * 0.5;
    }

    fn epoch(&mut self, epoch: usize, batches: &[Vec<usize>]) {
        self.illuminate(epoch);
        let largest = self.illumination.iter().copied().fold(0.0, f64::max);
        let damped = self
            .illumination
            .mapv(|w| Complex::from(w.hypot(0.1 * largest)));
        let (mut loss, mut measured, mut predicted) = (0.0, 0.0, 0.0);
        for batch in batches {
            let sums = self.batch(batch, &damped, epoch == 0);
            loss += sums[0] / batches.len() as f64;
            measured += sums[1];
            predicted += sums[2];
        }
        if epoch == 0 {
            let factor = Complex::from((measured / predicted).sqrt());
            self.probe.iter_mut().for_each(|mode| *mode *= factor);
        }
        self.orthogonalize();
        if epoch == 0 {
            self.remove_ambiguity();
        }
        self.loss.push(loss);
    }

    fn batch(&mut self, batch: &[usize], damped: &Field, scale_only: bool) -> [f64; 3] {
        let n = self.dataset.n();
        let modes = self.probe.len();
        let (mut first, mut all) = (
            Field::zeros(self.object.dim()),
            Field::zeros(self.object.dim()),
        );
        let mut direction = vec![Field::zeros((n, n)); modes];
        let (mut kept, mut sums) = (Vec::new(), [0.0; 3]);
        for &i in batch {
            let (start, shift) = self.start(i);
            let patch = self.cut(&self.object, i);
            let counts = self.counts(i);
            let shifted: Vec<Field> = self
                .probe
                .iter()
                .map(|mode| self.forward.shift(mode.view(), shift))
                .collect();
            let waves: Vec<Field> = shifted
                .iter()
                .map(|p| self.transform(&(p * &patch), true))
                .collect();
            let intensity = waves.iter().fold(Array2::<f64>::zeros((n, n)), |sum, w| {
                sum + w.mapv(|v| v.norm_sqr())
            });
            let pixels = (n * n * batch.len()) as f64;
            let used = self.used();
            let error = intensity.mapv(|y| (y + 1e-7).sqrt()) - counts.mapv(|d| (d + 1e-7).sqrt());
            sums[0] += (error.mapv(|d| d * d) * &used).sum() / pixels;
            sums[1] += (&counts * &used).sum();
            sums[2] += (&intensity * &used).sum();
            if scale_only {
                continue;
            }
            let mut change = Array2::from_shape_fn((n, n), |at| {
                Complex::from(counts[at].sqrt() / (intensity[at].sqrt() + 1e-9) - 1.0)
            });
            change.zip_mut_with(&used, |change, used| *change *= used);
            for (k, (wave, p)) in waves.iter().zip(&shifted).enumerate() {
                let chi = self.transform(&(wave * &change), false);
                let deposit = &chi * &p.mapv(|v| v.conj());
                patches::add(all.view_mut(), start, deposit.view());
                let back = &chi * &patch.mapv(|v| v.conj());
                let back = self.forward.shift(back.view(), [-shift[0], -shift[1]]);
                direction[k] += &(back / Complex::from(batch.len() as f64));
                if k == 0 {
                    patches::add(first.view_mut(), start, deposit.view());
                    kept.push((i, patch.clone(), p.clone(), chi));
                }
            }
        }
        if scale_only {
            return sums;
        }
        let first = first / damped;
        let dot = |a: &Field, b: &Field| {
            a.iter()
                .zip(b)
                .map(|(a, b)| a * b.conj())
                .sum::<Complex<f64>>()
        };
        let systems: Vec<_> = kept
            .iter()
            .map(|(i, patch, p, chi)| {
                let (u, v) = (self.cut(&first, *i) * p, &direction[0] * patch);
                (
                    dot(&u, &u).re + 1.2e-7 * (n * n) as f64,
                    dot(&v, &v).re + 1.2e-7 * (n * n) as f64,
                    dot(&u, &v),
                    dot(chi, &u).re,
                    dot(chi, &v).re,
                )
            })
            .collect();
        let n_systems = systems.len() as f64;
        let mean_u = systems.iter().map(|s| s.0).sum::<f64>() / n_systems;
        let mean_v = systems.iter().map(|s| s.1).sum::<f64>() / n_systems;
        let (mut object_steps, mut probe_step) = (Vec::new(), 0.0);
        for (uu, vv, uv, b1, b2) in &systems {
            let (a11, a22) = (uu + 0.1 * mean_u, vv + 0.1 * mean_v);
            let det = a11 * a22 - uv.norm_sqr();
            object_steps.push(((a22 * b1 - uv.re * b2) / det).max(0.0) * 0.9 / modes as f64);
            probe_step += ((a11 * b2 - uv.re * b1) / det).max(0.0) * 0.9 / systems.len() as f64;
        }
        object_steps.sort_by(f64::total_cmp);
        let cut = (object_steps.len() as f64 * 0.05 - 0.5).ceil().max(0.0) as usize;
        let middle = &object_steps[cut..object_steps.len() - cut];
        let step = middle.iter().sum::<f64>() / middle.len() as f64;
        self.object += &(all / damped * Complex::from(step));
        for (mode, direction) in self.probe.iter_mut().zip(&direction) {
            *mode += &(direction * Complex::from(probe_step));
        }
        sums
    }

    /// Two modes: the closed form of a 2x2 Hermitian eigenproblem.
    pub(crate) fn orthogonalize(&mut self) {
        let [p, q] = self.probe.as_slice() else {
            return;
        };
        let gram = |a: &Field, b: &Field| {
            a.iter()
                .zip(b)
                .map(|(a, b)| a * b.conj())
                .sum::<Complex<f64>>()
        };
        let (a, d, b) = (gram(p, p).re, gram(q, q).re, gram(p, q));
        let largest = 0.5 * (a + d) + (0.25 * (a - d).powi(2) + b.norm_sqr()).sqrt();
        let (v0, v1) = (b, Complex::from(largest - a));
        let norm = Complex::from((v0.norm_sqr() + v1.norm_sqr()).sqrt());
        let (v0, v1) = (v0 / norm, v1 / norm);
        let strong = p * v0.conj() + q * v1.conj();
        let weak = q * v0 - p * v1;
        self.probe = vec![strong, weak];
    }

    fn remove_ambiguity(&mut self) {
        let positions = self.dataset.positions_px();
        let origin = if self.dataset.n().is_multiple_of(2) {
            -0.5
        } else {
            0.0
        };
        let range = |axis: usize| {
            let low = positions
                .iter()
                .map(|p| p[axis])
                .fold(f64::INFINITY, f64::min);
            let high = positions.iter().map(|p| p[axis]).fold(0.0, f64::max);
            (low + origin) as usize..(high + origin) as usize
        };
        let (mut weighted, mut square, mut count) = (0.0, 0.0, 0.0);
        for (r, c) in range(0).flat_map(|r| range(1).map(move |c| (r, c))) {
            weighted += self.object[[r, c]].norm_sqr() * self.illumination[[r, c]];
            square += self.illumination[[r, c]].powi(2);
            count += 1.0;
        }
        let scale = Complex::from((weighted / count / (square / count).sqrt()).sqrt());
        self.object.mapv_inplace(|v| v / scale);
        self.probe.iter_mut().for_each(|mode| *mode *= scale);
    }
}

#[test]
fn the_engine_equals_its_slow_twin_on_odd_and_even_sizes_with_masks_and_two_modes() {
    for (n, probe_modes, mask) in [(24, 1, true), (31, 2, false), (32, 2, true), (21, 1, false)] {
        let dataset = scan(n, 4, 20.0, mask);
        let settings = IterativeSettings {
            epochs: 4,
            probe_modes,
            batch_size: 7,
            ..IterativeSettings::default()
        };
        let mut engine =
            IterativeOf::<f64>::new(EngineKind::Lsqml, Arc::clone(&dataset), settings, 2).unwrap();
        let mut twin = Twin::new(dataset, &engine.probe());
        for epoch in 0..4 {
            twin.epoch(epoch, &engine.epoch_batches(epoch));
            run_epoch(&mut engine);
        }
        let expected = ndarray::stack(
            Axis(0),
            &twin
                .probe
                .iter()
                .map(|mode| mode.view())
                .collect::<Vec<_>>(),
        )
        .unwrap();
        let object = relative(&engine.object(), &twin.object);
        let probe = relative(&same_phase(engine.probe(), &expected), &expected);
        let loss = engine
            .loss()
            .iter()
            .zip(&twin.loss)
            .map(|(a, b)| (a / b - 1.0).abs())
            .fold(0.0, f64::max);
        println!(
            "n {n}, {probe_modes} modes: object {object:.1e}, probe {probe:.1e}, loss {loss:.1e}"
        );
        assert!(
            object < 1e-9 && probe < 1e-9 && loss < 1e-9,
            "n {n}: {object:e} {probe:e} {loss:e}"
        );
        assert!(
            engine.loss()[3] < 0.8 * engine.loss()[1],
            "{:?}",
            engine.loss()
        );
    }
}

#[test]
fn the_same_bytes_come_out_whatever_the_number_of_threads() {
    let dataset = scan(32, 5, 20.0, false);
    let settings = IterativeSettings {
        epochs: 3,
        probe_modes: 2,
        batch_size: 9,
        ..IterativeSettings::default()
    };
    let run = |n_threads: usize| {
        let mut engine = IterativeOf::<f32>::new(
            EngineKind::Lsqml,
            Arc::clone(&dataset),
            settings.clone(),
            n_threads,
        )
        .unwrap();
        (0..3).for_each(|_| run_epoch(&mut engine));
        (engine.object(), engine.probe(), engine.loss().to_vec())
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
}

#[test]
fn patches_that_leave_the_object_frame_are_reconstructed_all_the_same() {
    let settings = IterativeSettings {
        epochs: 3,
        batch_size: 7,
        ..IterativeSettings::default()
    };
    let inside = scan(24, 4, 20.0, false);
    let moved = {
        let parts = inside.parts();
        let mut frames = Array3::zeros((parts.frames.n_frames(), 24, 24));
        for (i, mut frame) in frames.outer_iter_mut().enumerate() {
            parts.frames.read(i, frame.as_slice_mut().unwrap());
        }
        let positions = parts
            .positions_px
            .iter()
            .map(|p| [p[0] - 7.0, p[1] - 7.0])
            .collect();
        Arc::new(
            Dataset::new(DatasetParts::required(
                Frames::from_array(frames),
                positions,
                parts.probe.clone(),
            ))
            .unwrap(),
        )
    };
    let run = |dataset: &Arc<Dataset>| {
        let mut engine =
            IterativeOf::<f64>::new(EngineKind::Lsqml, Arc::clone(dataset), settings.clone(), 2)
                .unwrap();
        (0..3).for_each(|_| run_epoch(&mut engine));
        engine.object()
    };
    let (whole, part) = (run(&inside), run(&moved));
    let (h, w) = part.dim();
    let expected = whole.slice(ndarray::s![7..7 + h, 7..7 + w]);
    assert!(relative(&part, expected) < 1e-9);
}

#[test]
fn uniform_and_compact_batches_hold_each_pattern_once() {
    let dataset = scan(16, 6, 12.0, false);
    for batching in [Batching::Random, Batching::Uniform, Batching::Compact] {
        let settings = IterativeSettings {
            batching,
            batch_size: 8,
            epochs: 2,
            ..IterativeSettings::default()
        };
        let engine =
            IterativeOf::<f32>::new(EngineKind::Lsqml, Arc::clone(&dataset), settings, 1).unwrap();
        for epoch in 0..3 {
            let batches = engine.epoch_batches(epoch);
            let mut all: Vec<usize> = batches.iter().flatten().copied().collect();
            all.sort_unstable();
            assert_eq!(all, (0..36).collect::<Vec<_>>(), "{batching:?}");
            assert!(batches.iter().all(|batch| batch.len() <= 8), "{batching:?}");
            assert_eq!(batches, engine.epoch_batches(epoch), "{batching:?}");
        }
        let positions_px = dataset.positions_px();
        let spread = |batch: &Vec<usize>| {
            let at = |axis: usize| batch.iter().map(move |&i| positions_px[i][axis]);
            (0..2)
                .map(|axis| at(axis).fold(0.0, f64::max) - at(axis).fold(f64::INFINITY, f64::min))
                .fold(0.0, f64::max)
        };
        let widest = engine
            .epoch_batches(0)
            .iter()
            .map(&spread)
            .fold(0.0, f64::max);
        let narrowest = engine
            .epoch_batches(0)
            .iter()
            .map(&spread)
            .fold(f64::INFINITY, f64::min);
        match batching {
            Batching::Compact => assert!(widest < 13.0, "{widest}"),
            Batching::Uniform => assert!(narrowest > 11.0, "{narrowest}"),
            Batching::Random => assert_ne!(engine.epoch_batches(0), engine.epoch_batches(1)),
        }
    }
}

#[test]
fn batches_that_cannot_be_used_are_refused_in_words() {
    let dataset = scan(16, 2, 12.0, false);
    let settings = IterativeSettings {
        epochs: 2,
        ..IterativeSettings::default()
    };
    let refuse = |batches: Vec<Vec<Vec<usize>>>| {
        let engine =
            IterativeOf::<f32>::new(EngineKind::Lsqml, Arc::clone(&dataset), settings.clone(), 1)
                .unwrap();
        engine.with_batches(batches).err().unwrap().to_string()
    };
    let epoch = vec![vec![0, 1], vec![2, 3]];
    assert!(refuse(vec![epoch.clone()]).contains("expected batches for 2 epochs, found 1 epochs"));
    assert!(
        refuse(vec![epoch.clone(), vec![vec![4]]])
            .contains("expected indices below 4, found 4 in epoch 2")
    );
    assert!(refuse(vec![epoch.clone(), vec![vec![1, 1]]]).contains("found 1 in epoch 2"));
    assert!(refuse(vec![epoch.clone(), vec![vec![]]]).contains("an empty one in epoch 2"));
    assert!(refuse(vec![epoch, vec![]]).contains("none in epoch 2"));
}

#[test]
fn the_start_from_the_files_object_is_recorded() {
    let dataset = scan(16, 2, 12.0, false);
    let start = |object_init| {
        let settings = IterativeSettings {
            object_init,
            ..IterativeSettings::default()
        };
        let engine =
            IterativeOf::<f32>::new(EngineKind::Lsqml, Arc::clone(&dataset), settings, 1).unwrap();
        engine.reconstruction().provenance["object_start"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(start(ObjectInit::Ones), "ones");
    assert!(start(ObjectInit::File).contains("no reconstruction"));
}

#[test]
fn added_modes_are_orthogonal_and_hold_the_power_asked_for() {
    let settings = IterativeSettings {
        probe_modes: 4,
        ..IterativeSettings::default()
    };
    let dataset = scan(24, 2, 16.0, false);
    let engine =
        IterativeOf::<f64>::new(EngineKind::Lsqml, Arc::clone(&dataset), settings, 1).unwrap();
    let probe = engine.probe();
    let dot = |a: usize, b: usize| {
        let (a, b) = (probe.index_axis(Axis(0), a), probe.index_axis(Axis(0), b));
        a.iter()
            .zip(&b)
            .map(|(a, b)| a * b.conj())
            .sum::<Complex<f64>>()
    };
    let total: f64 = (0..4).map(|k| dot(k, k).re).sum();
    assert!((total / dataset.mean_counts() - 1.0).abs() < 1e-6);
    for k in 1..4 {
        assert!((dot(k, k).re / total - 0.02).abs() < 1e-9);
        assert!((0..k).all(|j| dot(k, j).norm() < 1e-9 * total));
    }
}
