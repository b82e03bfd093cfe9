//! The PIE family, the difference map and RAAR against golden trajectories of pty-chi and their slow twins.

use std::sync::Arc;

use ndarray::{Array2, ArrayD, Axis};
use num_complex::Complex;
use ptycho_core::data::Dataset;
use ptycho_core::iterative::{
    Compatibility, Computing, EngineKind, Iterative, IterativeOf, IterativeSettings,
    PositionMethod, ProbeScale,
};
use ptycho_core::patches;
use ptycho_core::simd::Real;

use crate::jobs::resumes_bit_for_bit;
use crate::lsqml::{
    Field, Twin, golden_batches, golden_input, modes, read, relative, run_epoch, same_phase, scan,
    wide,
};

/// All but LSQML.
const OTHERS: [EngineKind; 5] = [
    EngineKind::Rpie,
    EngineKind::Epie,
    EngineKind::Mpie,
    EngineKind::Dm,
    EngineKind::Raar,
];

/// Follow a golden trajectory, object and probe with this step; the worst relative difference of object, probe and loss.
pub(crate) fn follow<T: Real>(
    engine: EngineKind,
    case: &str,
    step: f64,
    computing: Computing,
) -> f64 {
    let settings = IterativeSettings {
        epochs: 6,
        probe_scale: ProbeScale::Keep,
        compat: Compatibility::Ptychi,
        object_step: step,
        probe_step: step,
        relaxation: 1.0,
        ..IterativeSettings::default()
    };
    let start = modes(read("lsqml_input", "probe_1mode"));
    let mut engine = IterativeOf::<T>::on(engine, golden_input(""), settings, computing)
        .unwrap()
        .with_probe(&start.mapv(|v| Complex::new(T::of(v.re), T::of(v.im))))
        .unwrap()
        .with_batches(golden_batches(case))
        .unwrap();
    // An exit wave is n times pty-chi's, whose transform is unnormalised.
    let unit = if case == "lsqml_dm" { 32.0 } else { 1.0 };
    let loss = read::<f64>(case, "loss");
    let mut worst: f64 = 0.0;
    for epoch in 1..=6 {
        run_epoch(&mut engine);
        worst = worst.max((engine.loss()[epoch - 1] / (unit * loss[epoch - 1]) - 1.0).abs());
        if [1, 2, 6].contains(&epoch) {
            let object: ArrayD<Complex<f64>> = read(case, &format!("object_e{epoch}"));
            let probe = modes(read(case, &format!("probe_e{epoch}")));
            worst = worst.max(relative(&wide(&engine.object()), &object));
            worst = worst.max(relative(&wide(&engine.probe()), &probe));
        }
    }
    worst
}

fn follow_both(engine: EngineKind, case: &str, step: f64) {
    let computing = Computing {
        n_threads: 2,
        ..Computing::default()
    };
    let (single, double) = (
        follow::<f32>(engine, case, step, computing.clone()),
        follow::<f64>(engine, case, step, computing),
    );
    assert!(single < 1e-3, "{case} in single precision: {single:e}");
    assert!(double < 1e-9, "{case} in double precision: {double:e}");
}

#[test]
fn epie_follows_the_golden_trajectory() {
    follow_both(EngineKind::Epie, "lsqml_epie", 0.1);
}

#[test]
fn rpie_follows_the_golden_trajectory() {
    follow_both(EngineKind::Rpie, "lsqml_rpie", 0.1);
}

#[test]
fn the_difference_map_follows_the_golden_trajectory() {
    follow_both(EngineKind::Dm, "lsqml_dm", 1.0);
}

/// One pattern of a slow twin: its place, sub-pixel shift, patch and shifted probe modes.
struct View {
    i: usize,
    shift: [f64; 2],
    patch: Field,
    probe: Vec<Field>,
}

/// What the slow engines share; the formulas are written down plainly, in double precision.
struct Slow {
    twin: Twin,
    settings: IterativeSettings,
    /// Exit waves, pattern by pattern.
    waves: Vec<Vec<Field>>,
}

impl Slow {
    fn view(&self, i: usize) -> View {
        let shift = self.twin.start(i).1;
        let is_shifted = |k: usize| k == 0 || self.settings.compat == Compatibility::None;
        let probe = self.twin.probe.iter().enumerate().map(|(k, mode)| {
            if is_shifted(k) {
                self.twin.forward.shift(mode.view(), shift)
            } else {
                mode.clone()
            }
        });
        View {
            i,
            shift,
            patch: self.twin.cut(&self.twin.object, i),
            probe: probe.collect(),
        }
    }

    fn back(&self, k: usize, field: &Field, shift: [f64; 2]) -> Field {
        if k == 0 || self.settings.compat == Compatibility::None {
            let shift = [-shift[0], -shift[1]];
            return self.twin.forward.shift(field.view(), shift);
        }
        field.clone()
    }

    fn used(&self) -> Array2<f64> {
        let n = self.twin.dataset.n();
        self.twin.dataset.detector_mask().map_or_else(
            || Array2::ones((n, n)),
            |mask| mask.mapv(|used| f64::from(u8::from(used))),
        )
    }

    /// Waves with the measured modulus, and the sum of the loss.
    fn revise(&self, i: usize, waves: &[Field]) -> (Vec<Field>, f64) {
        let counts = self.twin.counts(i);
        let used = self.used();
        let far: Vec<Field> = waves.iter().map(|w| self.twin.transform(w, true)).collect();
        let mut y = Array2::<f64>::zeros(counts.dim());
        for wave in &far {
            y += &wave.mapv(|v| v.norm_sqr());
        }
        let loss =
            ndarray::Zip::from(&y)
                .and(&counts)
                .and(&used)
                .fold(0.0, |sum, &y, &counts, &used| {
                    sum + used * ((y + 1e-7).sqrt() - (counts + 1e-7).sqrt()).powi(2)
                });
        let factor =
            ndarray::Zip::from(&y)
                .and(&counts)
                .and(&used)
                .map_collect(|&y, &counts, &used| {
                    let factor = (counts + 1e-7).sqrt() / (y.sqrt() + 1e-7);
                    Complex::from(if used > 0.0 { factor } else { 1.0 })
                });
        let revised = far
            .iter()
            .map(|w| self.twin.transform(&(w * &factor), false))
            .collect();
        (revised, loss / used.len() as f64)
    }

    fn place(&self, to: &mut Field, i: usize, field: &Field) {
        patches::add(to.view_mut(), self.twin.start(i).0, field.view());
    }

    /// One batch of the PIE family with this engine's divisor; returns the loss.
    fn pie_batch(&mut self, batch: &[usize], (object_alpha, probe_alpha): (f64, f64)) -> f64 {
        let dim = self.twin.object.dim();
        let (mut direction, mut weight) = (Field::zeros(dim), Field::zeros(dim));
        let mut probe_steps = vec![Field::zeros(self.twin.probe[0].dim()); self.twin.probe.len()];
        let mut loss = 0.0;
        for &i in batch {
            let view = self.view(i);
            let waves: Vec<Field> = view.probe.iter().map(|p| p * &view.patch).collect();
            let (revised, sum) = self.revise(i, &waves);
            loss += sum / batch.len() as f64;
            let largest = view.patch.iter().map(Complex::norm_sqr).fold(0.0, f64::max);
            for (k, p) in view.probe.iter().enumerate() {
                let chi = &revised[k] - &waves[k];
                self.place(&mut direction, i, &(&chi * &p.mapv(|v| v.conj())));
                self.place(&mut weight, i, &p.mapv(|v| Complex::from(v.norm_sqr())));
                let step = ndarray::Zip::from(&chi)
                    .and(&view.patch)
                    .map_collect(|chi, o| {
                        chi * o.conj()
                            / ((1.0 - probe_alpha) * o.norm_sqr() + probe_alpha * largest)
                    });
                let step = self.back(k, &step, view.shift);
                probe_steps[k] += &(step / Complex::from(batch.len() as f64));
            }
        }
        let caution = 1.0 - 0.5 / (batch.len() as f64).sqrt();
        let largest = weight.iter().map(|w| w.re).fold(0.0, f64::max);
        let divisor = weight.mapv(|w| (1.0 - object_alpha) * w + object_alpha * largest);
        self.twin.object +=
            &(direction / divisor * Complex::from(caution * self.settings.object_step));
        for (mode, step) in self.twin.probe.iter_mut().zip(probe_steps) {
            *mode += &(step * Complex::from(caution * self.settings.probe_step));
        }
        loss
    }

    fn divide(numerator: &Field, weight: &Field, present: &Field, floor: f64) -> Field {
        let largest = weight.iter().map(|w| w.re).fold(0.0, f64::max);
        ndarray::Zip::from(numerator)
            .and(weight)
            .and(present)
            .map_collect(|n, w, old| {
                if floor > 0.0 {
                    n / w.re.hypot(floor * largest)
                } else if w.re > f64::MIN_POSITIVE {
                    n / w.re
                } else {
                    *old
                }
            })
    }

    /// The object of exit waves, with the present probe.
    fn object_of(&self, waves: &[Vec<Field>], floor: f64) -> Field {
        let dim = self.twin.object.dim();
        let (mut sum, mut weight) = (Field::zeros(dim), Field::zeros(dim));
        for (i, waves) in waves.iter().enumerate() {
            for (p, wave) in self.view(i).probe.iter().zip(waves) {
                self.place(&mut sum, i, &(wave * &p.mapv(|v| v.conj())));
                self.place(&mut weight, i, &p.mapv(|v| Complex::from(v.norm_sqr())));
            }
        }
        Self::divide(&sum, &weight, &self.twin.object, floor)
    }

    /// The probe of exit waves, with the present object.
    fn probe_of(&self, waves: &[Vec<Field>], floor: f64) -> Vec<Field> {
        let dim = self.twin.probe[0].dim();
        let mut sums = vec![Field::zeros(dim); self.twin.probe.len()];
        let mut weight = Field::zeros(dim);
        for (i, waves) in waves.iter().enumerate() {
            let view = self.view(i);
            let turned = view.patch.mapv(|v| v.conj());
            for (k, wave) in waves.iter().enumerate() {
                sums[k] += &self.back(k, &(wave * &turned), view.shift);
            }
            weight += &self.back(0, &(&view.patch * &turned), view.shift);
        }
        let weight = weight.mapv(|w| Complex::from(w.re));
        let modes = sums.iter().zip(&self.twin.probe);
        modes
            .map(|(sum, present)| Self::divide(sum, &weight, present, floor))
            .collect()
    }

    fn views(&self) -> Vec<View> {
        (0..self.twin.dataset.n_patterns())
            .map(|i| self.view(i))
            .collect()
    }

    /// `O P̃` of every pattern, and the mean loss.
    fn predict(&self, views: &[View]) -> (Vec<Vec<Field>>, f64) {
        let waves: Vec<Vec<Field>> = views
            .iter()
            .map(|v| v.probe.iter().map(|p| p * &v.patch).collect())
            .collect();
        let sum: f64 = views
            .iter()
            .zip(&waves)
            .map(|(view, waves)| self.revise(view.i, waves).1)
            .sum();
        (waves, sum / views.len() as f64)
    }

    fn map_epoch(&mut self) -> f64 {
        let views = self.views();
        let (model, loss) = self.predict(&views);
        if self.waves.is_empty() {
            self.waves.clone_from(&model);
        }
        let relaxation = Complex::from(self.settings.relaxation);
        for (i, model) in model.iter().enumerate() {
            let mirrored: Vec<Field> = model
                .iter()
                .zip(&self.waves[i])
                .map(|(m, psi)| m * Complex::from(2.0) - psi)
                .collect();
            let (revised, _) = self.revise(i, &mirrored);
            for ((psi, revised), m) in self.waves[i].iter_mut().zip(&revised).zip(model) {
                *psi += &((revised - m) * relaxation);
            }
        }
        let floor = self.settings.projection_floor;
        self.twin.probe = self.probe_of(&self.waves, floor);
        self.twin.object = self.object_of(&self.waves, floor);
        loss
    }

    fn reflection_epoch(&mut self) -> f64 {
        let views = self.views();
        let (model, loss) = self.predict(&views);
        if self.waves.is_empty() {
            self.waves = model;
        }
        let floor = match self.settings.compat {
            Compatibility::Ptychi => 0.0,
            Compatibility::None => self.settings.projection_floor,
        };
        let revised = self.revised();
        let own = self.object_of(&self.waves, floor);
        let other = self.object_of(&revised, floor);
        let beta = self.settings.beta;
        let sign = match self.settings.compat {
            Compatibility::Ptychi => 1.0,
            Compatibility::None => -1.0,
        };
        let [twice, rest, once] = [2.0 * beta, 1.0 - 2.0 * beta, sign * beta].map(Complex::from);
        for (view, revised) in views.iter().zip(&revised) {
            let (own, other) = (self.twin.cut(&own, view.i), self.twin.cut(&other, view.i));
            for ((psi, revised), p) in self.waves[view.i].iter_mut().zip(revised).zip(&view.probe) {
                let averaged = &other * p * twice + revised * rest + (&own * p - &*psi) * once;
                *psi = averaged;
            }
        }
        self.twin.object = self.object_of(&self.waves, floor);
        let waves = match self.settings.compat {
            Compatibility::Ptychi => self.waves.clone(),
            Compatibility::None => self.revised(),
        };
        self.twin.probe = self.probe_of(&waves, floor);
        loss
    }

    /// The exit waves with the measured modulus.
    fn revised(&self) -> Vec<Vec<Field>> {
        let waves = self.waves.iter().enumerate();
        waves.map(|(i, psi)| self.revise(i, psi).0).collect()
    }
}

/// An engine beside its slow twin over three epochs.
fn compare(kind: EngineKind, dataset: &Arc<Dataset>, settings: &IterativeSettings, tolerance: f64) {
    let settings = IterativeSettings {
        epochs: 3,
        remove_ambiguity: false,
        ..settings.clone()
    };
    let dataset = Arc::clone(dataset);
    let mut engine =
        IterativeOf::<f64>::new(kind, Arc::clone(&dataset), settings.clone(), 2).unwrap();
    let mut slow = Slow {
        twin: Twin::new(dataset, &engine.probe()),
        settings: settings.clone(),
        waves: Vec::new(),
    };
    for epoch in 0..settings.epochs {
        let batches = engine.epoch_batches(epoch);
        let loss = match kind {
            EngineKind::Dm => slow.map_epoch(),
            EngineKind::Raar => slow.reflection_epoch(),
            _ => {
                let alphas = match kind {
                    EngineKind::Epie => (1.0, 1.0),
                    _ => (settings.object_alpha, settings.probe_alpha),
                };
                let losses = batches.iter().map(|batch| slow.pie_batch(batch, alphas));
                losses.sum::<f64>() / batches.len() as f64
            }
        };
        slow.twin.loss.push(loss);
        run_epoch(&mut engine);
        if kind.is_in_batches() && settings.probe_modes > 1 {
            slow.twin.orthogonalize();
        }
    }
    let twin = &slow.twin;
    let views: Vec<_> = twin.probe.iter().map(|mode| mode.view()).collect();
    let expected = ndarray::stack(Axis(0), &views).unwrap();
    let object = relative(&engine.object(), &twin.object);
    let probe = relative(&same_phase(engine.probe(), &expected), &expected);
    let losses = engine.loss().iter().zip(&twin.loss);
    let loss = losses.map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max);
    let n = engine.probe().dim().1;
    // pty-chi's loss of RAAR is another one.
    let loss = match settings.compat {
        Compatibility::None => loss,
        Compatibility::Ptychi => 0.0,
    };
    assert!(
        object < tolerance && probe < tolerance && loss < tolerance,
        "{kind:?}, n {n}: {object:e} {probe:e} {loss:e}"
    );
}

#[test]
fn engines_equal_their_slow_twins_on_odd_and_even_sizes_with_masks_and_two_modes() {
    for (n, probe_modes, mask) in [(24, 1, true), (31, 2, false), (32, 2, true), (21, 1, false)] {
        let dataset = scan(n, 4, 20.0, mask);
        let settings = IterativeSettings {
            probe_modes,
            ..IterativeSettings::default()
        };
        for kind in [
            EngineKind::Rpie,
            EngineKind::Epie,
            EngineKind::Dm,
            EngineKind::Raar,
        ] {
            // The loss is a mean over batches, that of the projecting twins over patterns.
            let settings = IterativeSettings {
                batch_size: if kind.is_in_batches() { 7 } else { 8 },
                ..settings.clone()
            };
            compare(kind, &dataset, &settings, 1e-9);
        }
    }
}

#[test]
fn ptychis_undamped_raar_equals_its_slow_twin() {
    let settings = IterativeSettings {
        batch_size: 7,
        compat: Compatibility::Ptychi,
        ..IterativeSettings::default()
    };
    // Rounding grows a thousandfold an epoch, as it does in the original.
    compare(EngineKind::Raar, &scan(24, 4, 20.0, false), &settings, 1e-4);
}

fn run(kind: EngineKind, dataset: &Arc<Dataset>, settings: &IterativeSettings) -> Iterative {
    let mut engine = Iterative::new(kind, Arc::clone(dataset), settings.clone(), 2).unwrap();
    for _ in 0..settings.epochs {
        run_epoch(&mut engine);
    }
    engine
}

#[test]
fn every_engine_converges_at_its_defaults_whatever_the_size_of_a_batch() {
    let dataset = scan(32, 7, 24.0, false);
    for kind in OTHERS {
        for batch_size in [1, 9, 49] {
            let settings = IterativeSettings {
                epochs: 40,
                batch_size,
                ..IterativeSettings::default()
            };
            let engine = run(kind, &dataset, &settings);
            let loss = engine.loss();
            assert!(loss[39] < 0.6 * loss[0], "{kind:?}, {batch_size}: {loss:?}");
            assert!(loss[39] < loss[9], "{kind:?}, {batch_size}: {loss:?}");
        }
    }
}

#[test]
fn several_modes_converge_in_every_engine() {
    let dataset = scan(32, 6, 24.0, true);
    let settings = IterativeSettings {
        epochs: 25,
        probe_modes: 3,
        batch_size: 12,
        ..IterativeSettings::default()
    };
    for kind in OTHERS {
        let loss = run(kind, &dataset, &settings).loss().to_vec();
        assert!(loss[24] < 0.5 * loss[0], "{kind:?}: {loss:?}");
    }
}

#[test]
fn momentum_is_faster_than_none() {
    let dataset = scan(32, 7, 24.0, false);
    let settings = IterativeSettings {
        epochs: 20,
        batch_size: 12,
        ..IterativeSettings::default()
    };
    let last = |kind| run(kind, &dataset, &settings).loss()[19];
    let (with, without) = (last(EngineKind::Mpie), last(EngineKind::Rpie));
    assert!(with < without, "{with:e} {without:e}");
    let still = IterativeSettings {
        pie_momentum: 0.0,
        ..settings.clone()
    };
    let (object, other) = (
        run(EngineKind::Mpie, &dataset, &still).object(),
        run(EngineKind::Rpie, &dataset, &settings).object(),
    );
    assert_eq!(object, other);
}

#[test]
fn a_frozen_probe_is_only_scaled_until_it_is_set_free() {
    let dataset = scan(24, 4, 20.0, false);
    for kind in OTHERS {
        let settings = IterativeSettings {
            epochs: 4,
            probe_start: 2,
            remove_ambiguity: false,
            ..IterativeSettings::default()
        };
        let mut engine = Iterative::new(kind, Arc::clone(&dataset), settings, 2).unwrap();
        let first = engine.probe();
        run_epoch(&mut engine);
        run_epoch(&mut engine);
        assert_eq!(first, engine.probe(), "{kind:?}");
        run_epoch(&mut engine);
        assert_ne!(first, engine.probe(), "{kind:?}");
    }
}

#[test]
fn the_same_bytes_come_out_of_every_engine_whatever_the_number_of_threads() {
    let dataset = scan(31, 5, 20.0, false);
    let settings = IterativeSettings {
        epochs: 3,
        probe_modes: 2,
        batch_size: 9,
        ..IterativeSettings::default()
    };
    for kind in OTHERS {
        let run = |n_threads: usize| {
            let mut engine =
                Iterative::new(kind, Arc::clone(&dataset), settings.clone(), n_threads).unwrap();
            (0..3).for_each(|_| run_epoch(&mut engine));
            (engine.object(), engine.probe(), engine.loss().to_vec())
        };
        let one = run(1);
        assert!(one == run(2) && one == run(3), "{kind:?}");
    }
}

#[test]
fn resumed_runs_equal_straight_ones_in_every_phase() {
    let dataset = scan(24, 4, 16.0, false);
    let settings = IterativeSettings {
        epochs: 3,
        batch_size: 5,
        probe_modes: 2,
        refine_positions: PositionMethod::Off,
        ..IterativeSettings::default()
    };
    for kind in OTHERS {
        // Four batches in up to four phases.
        for n_steps in [0, 2, 6, 10, 14] {
            let settings = || settings.clone();
            resumes_bit_for_bit(
                || Iterative::new(kind, Arc::clone(&dataset), settings(), 2).unwrap(),
                |file| {
                    let threads = Computing {
                        n_threads: 1,
                        ..Computing::default()
                    };
                    Iterative::resume(kind, Arc::clone(&dataset), settings(), threads, file)
                        .unwrap()
                },
                |engine| (engine.object(), engine.probe(), engine.loss().to_vec()),
                // The PIE family has four steps an epoch.
                if kind.is_in_batches() {
                    n_steps % 12
                } else {
                    n_steps
                },
            );
        }
    }
}
