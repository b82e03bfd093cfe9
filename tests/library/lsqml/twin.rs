//! The slow twin of the engine.

use std::sync::Arc;

use ndarray::{Array2, Array3, Axis};
use num_complex::Complex;
use ptycho_core::data::Dataset;
use ptycho_core::fft::Fft2;
use ptycho_core::forward::{Forward, Subpixel};
use ptycho_core::iterative::{EngineKind, IterativeOf, IterativeSettings};
use ptycho_core::patches;

use super::{relative, run_epoch, same_phase, scan};

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
