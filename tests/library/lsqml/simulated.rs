//! Simulated scans with known faults, what is made of them, and how close it comes to the truth.

use std::sync::Arc;

use ndarray::{Array2, Array3, Axis};
use num_complex::{Complex, Complex32};
use ptycho_core::data::{Dataset, DatasetParts, Frames};
use ptycho_core::forward::{Forward, Subpixel};
use ptycho_core::iterative::{EngineKind, Iterative, IterativeSettings};
use ptycho_core::rng::{Purpose, stream};
use ptycho_core::sim::probe::DefocusedDisk;
use rand::RngExt as _;
use rand_distr::{Distribution as _, Poisson, StandardNormal};

use super::run_epoch;

pub(crate) type Field = Array2<Complex<f64>>;

/// What is simulated.
pub(crate) struct Recipe {
    pub(crate) n: usize,
    /// Positions along a side.
    pub(crate) side: usize,
    pub(crate) spacing_px: f64,
    /// Photons of a pattern; 0 is noise-free with 1e6.
    pub(crate) photons: f64,
    /// Rms error of each coordinate of the positions that the file states.
    pub(crate) position_error_px: f64,
    /// Power of a second incoherent mode, as a share of all.
    pub(crate) second_mode: f64,
    /// Rms variation of the amplitude of the beam from pattern to pattern.
    pub(crate) flicker: f64,
    /// Rms weight of a second, coherent part of the beam that varies from pattern to pattern.
    pub(crate) wobble: f64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            n: 32,
            side: 11,
            spacing_px: 3.6,
            photons: 0.0,
            position_error_px: 0.0,
            second_mode: 0.0,
            flicker: 0.0,
            wobble: 0.0,
        }
    }
}

/// A scan and the truth behind it.
pub(crate) struct Simulated {
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) object: Field,
    pub(crate) probe: Array3<Complex<f64>>,
    pub(crate) positions_px: Vec<[f64; 2]>,
    /// Amplitude of the beam in every pattern.
    pub(crate) amplitudes: Vec<f64>,
}

impl Recipe {
    pub(crate) fn simulate(&self) -> Simulated {
        let mut random = stream(5, Purpose::Simulation);
        let first_px = self.n as f64 / 2.0 + 4.0;
        let count = self.side * self.side;
        let positions_px: Vec<[f64; 2]> = (0..count)
            .map(|i| {
                [i / self.side, i % self.side]
                    .map(|k| first_px + self.spacing_px * k as f64 + random.random_range(-1.0..1.0))
            })
            .collect();
        let shape = (2.0 * first_px + self.spacing_px * (self.side - 1) as f64) as usize;
        let object = object(shape);
        let probe = self.probe();
        let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
        let amplitudes: Vec<f64> = (0..count).map(|_| 1.0 + self.flicker * normal()).collect();
        let wobbles: Vec<f64> = (0..count).map(|_| self.wobble * normal()).collect();
        let stated = positions_px
            .iter()
            .map(|p| p.map(|c| c + self.position_error_px * normal()));
        let stated: Vec<[f64; 2]> = stated.collect();
        let forward = Forward::<f64>::new(self.n, Subpixel::Fourier);
        let mut frames = Array3::zeros((count, self.n, self.n));
        let mut noise = stream(6, Purpose::Noise);
        for (i, mut frame) in frames.outer_iter_mut().enumerate() {
            let mut beam = probe.clone();
            let tilt = second(&probe.index_axis(Axis(0), 0).to_owned());
            let mut first = beam.index_axis_mut(Axis(0), 0);
            first.zip_mut_with(&tilt, |v, t| *v = *v * amplitudes[i] + t * wobbles[i]);
            let counts = forward.intensity(object.view(), beam.view(), positions_px[i]);
            frame.assign(&counts.mapv(|counts| {
                let drawn = if self.photons == 0.0 || counts <= 0.0 {
                    counts
                } else {
                    Poisson::new(counts).unwrap().sample(&mut noise)
                };
                drawn.sqrt() as f32
            }));
        }
        let guess = DefocusedDisk {
            n: self.n,
            aperture_px: 0.2 * self.n as f64,
            defocus_rad: 5.0,
            photons: self.power(),
        }
        .probe()
        .mapv(|v| Complex32::new(v.re as f32, v.im as f32))
        .insert_axis(Axis(0));
        let parts = DatasetParts::required(Frames::from_array(frames), stated, guess);
        Simulated {
            dataset: Arc::new(Dataset::new(parts).unwrap()),
            object,
            probe,
            positions_px,
            amplitudes,
        }
    }

    fn power(&self) -> f64 {
        if self.photons == 0.0 {
            1e6
        } else {
            self.photons
        }
    }

    fn probe(&self) -> Array3<Complex<f64>> {
        let share = 1.0 - self.second_mode;
        let first = DefocusedDisk {
            n: self.n,
            aperture_px: 0.2 * self.n as f64,
            defocus_rad: 6.0,
            photons: self.power(),
        }
        .probe();
        let second = second(&first) * Complex::from(self.second_mode.sqrt());
        let first = first * Complex::from(share.sqrt());
        if self.second_mode == 0.0 {
            return first.insert_axis(Axis(0));
        }
        ndarray::stack(Axis(0), &[first.view(), second.view()]).unwrap()
    }
}

/// A wave of the same power, orthogonal to the first: that times the distance from its middle column.
fn second(first: &Field) -> Field {
    let power = |field: &Field| field.iter().map(Complex::norm_sqr).sum::<f64>();
    let mean: f64 = first
        .indexed_iter()
        .map(|((_, c), v)| c as f64 * v.norm_sqr())
        .sum::<f64>()
        / power(first);
    let tilted = Array2::from_shape_fn(first.dim(), |(r, c)| first[[r, c]] * (c as f64 - mean));
    let factor = (power(first) / power(&tilted)).sqrt();
    tilted * Complex::from(factor)
}

/// Waves in irregular directions: structure at every scale, and nothing that repeats.
fn object(side: usize) -> Field {
    let mut random = stream(7, Purpose::Simulation);
    let waves: Vec<[f64; 4]> = (0..40)
        .map(|k| {
            let (angle, phase) = (
                random.random_range(0.0..std::f64::consts::TAU),
                random.random_range(0.0..std::f64::consts::TAU),
            );
            let frequency = 0.1 * 1.07_f64.powi(k);
            [
                frequency * f64::cos(angle),
                frequency * f64::sin(angle),
                phase,
                1.0,
            ]
        })
        .collect();
    Array2::from_shape_fn((side, side), |(r, c)| {
        let sum = |from: usize| {
            let some = waves.iter().skip(from).step_by(2);
            some.map(|[fy, fx, phase, weight]| {
                weight * (fy * r as f64 + fx * c as f64 + phase).sin()
            })
            .sum::<f64>()
        };
        Complex::from_polar((1.0 + 0.05 * sum(0)).max(0.2), 0.2 * sum(1))
    })
}

/// Rms distance of positions from the true ones, each coordinate for itself, without the common shift.
pub(crate) fn position_error_px(found: &[[f64; 2]], truth: &[[f64; 2]]) -> f64 {
    let count = found.len() as f64;
    let mut square = 0.0;
    for axis in 0..2 {
        let differences = found.iter().zip(truth).map(|(f, t)| f[axis] - t[axis]);
        let mean = differences.clone().sum::<f64>() / count;
        square += differences.map(|d| (d - mean).powi(2)).sum::<f64>();
    }
    (square / count / 2.0).sqrt()
}

/// `√(Σ |O - c T|² / Σ |O|²)` over the middle of the frame, the best complex factor c allowed for.
pub(crate) fn object_error(found: &Field, truth: &Field) -> f64 {
    let margin = found.nrows() / 4;
    let middle = ndarray::s![
        margin..found.nrows() - margin,
        margin..found.ncols() - margin
    ];
    let (mut cross, mut power, mut all) = (Complex::from(0.0), 0.0, 0.0);
    for (f, t) in found.slice(middle).iter().zip(truth.slice(middle)) {
        cross += f * t.conj();
        power += t.norm_sqr();
        all += f.norm_sqr();
    }
    (1.0 - cross.norm_sqr() / (power * all)).max(0.0).sqrt()
}

pub(super) fn settings(epochs: usize) -> IterativeSettings {
    IterativeSettings {
        epochs,
        batch_size: 20,
        ..IterativeSettings::default()
    }
}

pub(super) fn run(dataset: &Arc<Dataset>, settings: &IterativeSettings) -> Iterative {
    let (dataset, settings) = (Arc::clone(dataset), settings.clone());
    let epochs = settings.epochs;
    let mut engine = Iterative::new(EngineKind::Lsqml, dataset, settings, 2).unwrap();
    (0..epochs).for_each(|_| run_epoch(&mut engine));
    engine
}

/// How far the object is from the true one.
pub(super) fn error(engine: &Iterative, simulated: &Simulated) -> f64 {
    let wide = |v: Complex<f32>| Complex::new(f64::from(v.re), f64::from(v.im));
    object_error(&engine.object().mapv(wide), &simulated.object)
}

/// A simulated scan, what each of some settings makes of it, and how far its object is from the true one.
pub(super) struct Tried<const N: usize> {
    pub(super) simulated: Simulated,
    pub(super) engines: [Iterative; N],
    pub(super) errors: [f64; N],
}

pub(super) fn try_all<const N: usize>(
    recipe: Recipe,
    settings: [&IterativeSettings; N],
) -> Tried<N> {
    let simulated = recipe.simulate();
    let engines = settings.map(|settings| run(&simulated.dataset, settings));
    let errors = engines.each_ref().map(|engine| error(engine, &simulated));
    Tried {
        simulated,
        engines,
        errors,
    }
}

/// The last loss of a run.
pub(super) fn last_loss(engine: &Iterative) -> f64 {
    engine.loss()[engine.loss().len() - 1]
}
