//! One minibatch: forward model, residual wave, directions, step sizes, update (section 1.2 to 1.7 of the method).
//!
//! Two passes over the patterns, each in parallel over fixed chunks, and one over bands of the canvas between them.
//! What a chunk or band sums, and in which order, does not depend on the number of threads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use num_traits::Zero as _;
use pulp::Arch;
use rayon::prelude::*;

use crate::fft::tile::fields::{ApplyRamp, ExitWave, Patch, Ramp};
use crate::fft::tile::{Scratch, TileFft};
use crate::iterative::scan::Scan;
use crate::iterative::state::{Planes, State};
use crate::iterative::sweeps::{
    AddRows, Deposit, Modulus, PatternSums, Project, StepSums, TimesConj, add_assign,
};
use crate::iterative::{Batching, Compatibility, LsqmlSettings};
use crate::job::Stop;
use crate::simd::{Aligned, Real};

/// Chunks of a batch; their sums are added in order.
const N_CHUNKS: usize = 16;
/// Rows of a band of the canvas.
const BAND_ROWS: usize = 16;

/// What one thread works in.
struct Room<T> {
    /// Shifted probe modes that are not kept for the second pass.
    shifted: Aligned<T>,
    /// Detector waves of all modes.
    waves: Aligned<T>,
    a: Aligned<T>,
    b: Aligned<T>,
    intensity: Aligned<T>,
    amplitude: Aligned<T>,
    frame: Vec<f32>,
    ramp: Ramp<T>,
    scratch: Scratch<T>,
}

/// What a batch works in; nothing is allocated while it runs.
pub(crate) struct Workspace<T> {
    fft: TileFft<T>,
    rooms: Vec<Mutex<Room<T>>>,
    /// Transforms of the shifted probe modes, over n².
    spectra: Aligned<T>,
    /// Residual waves and shifted probes kept for the second pass, pattern by pattern.
    chi: Aligned<T>,
    shifted: Aligned<T>,
    /// Object direction of the modes that are not kept.
    extra: Aligned<T>,
    /// Probe direction, a sum for each chunk.
    adjoint: Aligned<T>,
    sums: Vec<PatternSums>,
    probe_direction: Aligned<T>,
    /// Sum of the object directions of all modes.
    all: Planes<T>,
    /// Preconditioned direction for the step sizes.
    first: Planes<T>,
    /// `1/D`
    pub(crate) inverse_damped: Aligned<T>,
}

/// What the epoch needs to know of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BatchResult {
    pub(crate) loss: f64,
    pub(crate) error: f64,
    pub(crate) measured: f64,
    pub(crate) predicted: f64,
    /// Trimmed mean of the object steps.
    pub(crate) object_step: f64,
    /// Sum of the probe steps.
    pub(crate) probe_steps: f64,
}

impl<T: Real> Workspace<T> {
    pub(crate) fn new(
        scan: &Scan<T>,
        settings: &LsqmlSettings,
        batch: usize,
        n_threads: usize,
    ) -> Self {
        let fft = TileFft::<T>::new(scan.tiling.n);
        let (field, plane, n) = (
            scan.tiling.field_len(),
            scan.tiling.plane_len(),
            scan.tiling.n,
        );
        let modes = settings.probe_modes;
        let kept = n_kept(settings);
        let room = |_| {
            Mutex::new(Room {
                shifted: Aligned::zeros(modes * field),
                waves: Aligned::zeros(modes * field),
                a: Aligned::zeros(field),
                b: Aligned::zeros(field),
                intensity: Aligned::zeros(plane),
                amplitude: Aligned::zeros(plane),
                frame: vec![0.0; n * n],
                ramp: Ramp::new(scan.tiling),
                scratch: fft.scratch(),
            })
        };
        let rooms = (0..n_threads.max(1)).map(room).collect();
        Self {
            rooms,
            fft,
            spectra: Aligned::zeros(modes * field),
            chi: Aligned::zeros(batch * kept * field),
            shifted: Aligned::zeros(batch * kept * field),
            extra: Aligned::zeros(batch * extra_len(settings, field)),
            adjoint: Aligned::zeros(N_CHUNKS * modes * field),
            sums: vec![PatternSums::default(); batch],
            probe_direction: Aligned::zeros(modes * field),
            all: Planes::zeros(scan.canvas_len()),
            first: Planes::zeros(scan.canvas_len()),
            inverse_damped: Aligned::zeros(scan.canvas_len()),
        }
    }

    pub(crate) fn arch(&self) -> Arch {
        self.fft.arch()
    }

    fn room(&self) -> MutexGuard<'_, Room<T>> {
        let thread = rayon::current_thread_index().unwrap_or(0) % self.rooms.len();
        self.rooms[thread]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Modes whose residual wave is kept for the step sizes.
fn n_kept(settings: &LsqmlSettings) -> usize {
    if settings.first_mode_step {
        1
    } else {
        settings.probe_modes
    }
}

/// Values a pattern keeps for the modes whose residual wave is not; at least one, so that all stores have chunks.
fn extra_len(settings: &LsqmlSettings, field: usize) -> usize {
    if n_kept(settings) < settings.probe_modes {
        field
    } else {
        1
    }
}

/// One batch of a run.
pub(crate) struct Minibatch<'a, T> {
    pub(crate) scan: &'a Scan<T>,
    pub(crate) settings: &'a LsqmlSettings,
    pub(crate) batch: &'a [usize],
    pub(crate) n_batches: usize,
    /// Only sum measured and predicted counts.
    pub(crate) scale_only: bool,
    pub(crate) stop: &'a Stop,
}

impl<T: Real> Minibatch<'_, T> {
    /// Run the batch and update the state; `None`, with the state as it was, if the stop flag was seen.
    pub(crate) fn run(&self, state: &mut State<T>, work: &mut Workspace<T>) -> Option<BatchResult> {
        self.transform_probe(state, work);
        self.first_pass(state, work);
        if self.stop.is_requested() {
            return None;
        }
        let mut result = self.sum_up(work);
        if self.scale_only {
            return Some(result);
        }
        self.sum_probe_direction(work);
        self.sum_object_direction(state, work);
        self.second_pass(state, work);
        if self.stop.is_requested() {
            return None;
        }
        let (object_steps, probe_steps) = self.solve(work);
        result.object_step = trimmed_mean(object_steps);
        result.probe_steps = probe_steps.iter().sum();
        self.update(state, work, result);
        Some(result)
    }

    fn is_compact(&self) -> bool {
        self.settings.batching == Batching::Compact
    }

    /// Whether mode `k` is shifted to the sub-pixel position.
    fn is_shifted(&self, k: usize) -> bool {
        k == 0 || self.settings.compat != Compatibility::Ptychi
    }

    fn transform_probe(&self, state: &State<T>, work: &mut Workspace<T>) {
        let field = self.scan.tiling.field_len();
        let per_pixel = T::of(1.0 / (self.scan.tiling.n * self.scan.tiling.n) as f64);
        let Workspace {
            fft,
            rooms,
            spectra,
            ..
        } = work;
        let Some(room) = rooms.first_mut() else {
            return;
        };
        let room = room.get_mut().unwrap_or_else(PoisonError::into_inner);
        let modes = spectra
            .chunks_exact_mut(field)
            .zip(state.probe.chunks_exact(field));
        for (_, (spectrum, probe)) in modes.enumerate().filter(|&(k, _)| self.is_shifted(k)) {
            room.a.copy_from_slice(probe);
            fft.forward(&mut room.a, spectrum, &mut room.scratch);
            for value in spectrum.iter_mut() {
                *value *= per_pixel;
            }
        }
    }

    /// Patterns of a chunk.
    fn chunk_len(&self) -> usize {
        self.batch.len().div_ceil(N_CHUNKS)
    }

    fn first_pass(&self, state: &State<T>, work: &mut Workspace<T>) {
        let field = self.scan.tiling.field_len();
        let (kept, extra) = (
            n_kept(self.settings) * field,
            extra_len(self.settings, field),
        );
        let (chunk, size) = (self.chunk_len(), self.batch.len());
        let mut chi = std::mem::take(&mut work.chi);
        let mut shifted = std::mem::take(&mut work.shifted);
        let mut extras = std::mem::take(&mut work.extra);
        let mut adjoint = std::mem::take(&mut work.adjoint);
        let mut sums = std::mem::take(&mut work.sums);
        let shared = &*work;
        (
            self.batch.par_chunks(chunk),
            chi[..size * kept].par_chunks_mut(chunk * kept),
            shifted[..size * kept].par_chunks_mut(chunk * kept),
            extras[..size * extra].par_chunks_mut(chunk * extra),
            adjoint.par_chunks_mut(self.settings.probe_modes * field),
            sums[..size].par_chunks_mut(chunk),
        )
            .into_par_iter()
            .for_each(|(patterns, chi, shifted, extra_chunk, adjoint, sums)| {
                let mut room = shared.room();
                adjoint.fill(T::zero());
                for (j, (&i, sums)) in patterns.iter().zip(sums).enumerate() {
                    if self.stop.is_requested() {
                        return;
                    }
                    let mut store = Store {
                        chi: &mut chi[j * kept..(j + 1) * kept],
                        shifted: &mut shifted[j * kept..(j + 1) * kept],
                        extra: &mut extra_chunk[j * extra..(j + 1) * extra],
                    };
                    *sums = self.pattern(state, shared, &mut room, i, &mut store, adjoint);
                }
            });
        (work.chi, work.shifted, work.extra) = (chi, shifted, extras);
        (work.adjoint, work.sums) = (adjoint, sums);
    }

    fn patch<'b>(&self, planes: &'b Planes<T>, i: usize) -> Patch<'b, T> {
        Patch {
            re: &planes.re,
            im: &planes.im,
            start: self.scan.start(i),
            stride: self.scan.stride,
        }
    }

    /// Everything for one pattern that does not need the others.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is read, what is worked in, what is left"
    )]
    fn pattern(
        &self,
        state: &State<T>,
        shared: &Workspace<T>,
        room: &mut Room<T>,
        i: usize,
        store: &mut Store<T>,
        adjoint: &mut [T],
    ) -> PatternSums {
        let (tiling, arch, field) = (
            self.scan.tiling,
            shared.arch(),
            self.scan.tiling.field_len(),
        );
        let object = self.patch(&state.object, i);
        let kept = n_kept(self.settings);
        room.ramp.set(tiling, self.scan.shifts_px[i]);
        for k in 0..self.settings.probe_modes {
            let at = k * field..(k + 1) * field;
            let probe = if k < kept {
                &mut store.shifted[at.clone()]
            } else {
                &mut room.shifted[at.clone()]
            };
            if self.is_shifted(k) {
                let from = &shared.spectra[at.clone()];
                let (to, conjugate, add) = (&mut *room.a, false, false);
                arch.dispatch(ApplyRamp {
                    tiling,
                    ramp: &room.ramp,
                    from,
                    to,
                    conjugate,
                    add,
                });
                shared.fft.inverse(&mut room.a, probe, &mut room.scratch);
            } else {
                probe.copy_from_slice(&state.probe[at.clone()]);
            }
            arch.dispatch(ExitWave {
                tiling,
                object,
                probe,
                to: &mut room.a,
            });
            shared
                .fft
                .forward(&mut room.a, &mut room.waves[at], &mut room.scratch);
        }
        let amplitude = self.scan.amplitude(i, &mut room.frame, &mut room.amplitude);
        let sums = arch.dispatch(Modulus {
            tiling,
            waves: &mut room.waves,
            amplitude,
            mask: self.scan.mask.as_deref(),
            intensity: &mut room.intensity,
            weight: T::of(0.25 / (self.settings.noise_sigma * self.settings.noise_sigma)),
        });
        if !self.scale_only {
            self.back(shared, room, object, store, adjoint);
        }
        sums
    }

    /// From the changed detector waves to the residual wave and the directions.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is read, what is worked in, what is left"
    )]
    fn back(
        &self,
        shared: &Workspace<T>,
        room: &mut Room<T>,
        object: Patch<T>,
        store: &mut Store<T>,
        adjoint: &mut [T],
    ) {
        let (tiling, arch, field) = (
            self.scan.tiling,
            shared.arch(),
            self.scan.tiling.field_len(),
        );
        let kept = n_kept(self.settings);
        for k in 0..self.settings.probe_modes {
            let at = k * field..(k + 1) * field;
            let chi = if k < kept {
                &mut store.chi[at.clone()]
            } else {
                &mut *room.b
            };
            shared
                .fft
                .inverse(&mut room.waves[at.clone()], chi, &mut room.scratch);
            if k >= kept {
                let (b, to, add) = (&room.shifted[at.clone()], &mut *store.extra, k > kept);
                arch.dispatch(TimesConj { a: chi, b, to, add });
            }
            arch.dispatch(Project {
                tiling,
                object,
                chi,
                to: &mut room.a,
            });
            let sum = &mut adjoint[at.clone()];
            if self.is_shifted(k) {
                let wave = &mut room.waves[at];
                shared.fft.forward(&mut room.a, wave, &mut room.scratch);
                let (from, to, conjugate, add) = (&*wave, sum, true, true);
                arch.dispatch(ApplyRamp {
                    tiling,
                    ramp: &room.ramp,
                    from,
                    to,
                    conjugate,
                    add,
                });
            } else {
                add_assign(sum, &room.a);
            }
        }
    }

    fn sum_up(&self, work: &Workspace<T>) -> BatchResult {
        let pixels = (self.scan.tiling.n * self.scan.tiling.n) as f64;
        let sums = &work.sums[..self.batch.len()];
        let total = |f: fn(&PatternSums) -> f64| sums.iter().map(f).sum::<f64>();
        BatchResult {
            loss: total(|s| s.loss) / pixels / self.batch.len() as f64,
            error: total(|s| s.error) / pixels,
            measured: total(|s| s.measured),
            predicted: total(|s| s.predicted),
            ..BatchResult::default()
        }
    }

    /// `ΔP_k`, the mean over the batch.
    fn sum_probe_direction(&self, work: &mut Workspace<T>) {
        let field = self.scan.tiling.field_len();
        let all_modes = self.settings.probe_modes * field;
        let n_chunks = self.batch.len().div_ceil(self.chunk_len());
        let Workspace {
            adjoint,
            probe_direction,
            fft,
            rooms,
            ..
        } = work;
        let (total, rest) = adjoint[..n_chunks * all_modes].split_at_mut(all_modes);
        let rest = &*rest;
        const PART: usize = 4096;
        total
            .par_chunks_mut(PART)
            .enumerate()
            .for_each(|(part, to)| {
                for chunk in rest.chunks_exact(all_modes) {
                    add_assign(to, &chunk[part * PART..]);
                }
            });
        let Some(room) = rooms.first_mut() else {
            return;
        };
        let room = room.get_mut().unwrap_or_else(PoisonError::into_inner);
        let pixels = (self.scan.tiling.n * self.scan.tiling.n) as f64;
        let modes = total
            .chunks_exact_mut(field)
            .zip(probe_direction.chunks_exact_mut(field));
        for (k, (from, to)) in modes.enumerate() {
            let mut factor = 1.0 / self.batch.len() as f64;
            if self.is_shifted(k) {
                fft.inverse(from, to, &mut room.scratch);
                factor /= pixels;
            } else {
                to.copy_from_slice(from);
            }
            for value in to.iter_mut() {
                *value *= T::of(factor);
            }
        }
    }

    /// Object directions, band by band: each band adds its rows of all patterns in the order of the batch.
    fn sum_object_direction(&self, state: &State<T>, work: &mut Workspace<T>) {
        let stride = self.scan.stride;
        let band = BAND_ROWS * stride;
        let mut all = std::mem::replace(&mut work.all, Planes::zeros(0));
        let mut first = std::mem::replace(&mut work.first, Planes::zeros(0));
        let shared = &*work;
        (
            all.re.par_chunks_mut(band),
            all.im.par_chunks_mut(band),
            first.re.par_chunks_mut(band),
            first.im.par_chunks_mut(band),
        )
            .into_par_iter()
            .enumerate()
            .for_each(|(b, (all_re, all_im, first_re, first_im))| {
                let values = b * band..b * band + all_re.len();
                if self.is_compact() {
                    all_re.copy_from_slice(&state.carried_object.re[values.clone()]);
                    all_im.copy_from_slice(&state.carried_object.im[values.clone()]);
                } else {
                    all_re.fill(T::zero());
                    all_im.fill(T::zero());
                }
                let has_extra = n_kept(self.settings) < self.settings.probe_modes;
                self.add_patterns(shared, b, false, all_re, all_im);
                let damping = &shared.inverse_damped[values];
                multiply(first_re, all_re, damping);
                multiply(first_im, all_im, damping);
                if has_extra {
                    self.add_patterns(shared, b, true, all_re, all_im);
                }
            });
        (work.all, work.first) = (all, first);
    }

    /// Add the rows of band `b` of all patterns: the modes kept, or the others.
    #[expect(clippy::too_many_arguments, reason = "a band is two planes")]
    fn add_patterns(
        &self,
        shared: &Workspace<T>,
        b: usize,
        extra: bool,
        re: &mut [T],
        im: &mut [T],
    ) {
        let (tiling, stride, n) = (self.scan.tiling, self.scan.stride, self.scan.tiling.n);
        let field = tiling.field_len();
        let rows = b * BAND_ROWS..b * BAND_ROWS + re.len() / stride;
        let kept = n_kept(self.settings);
        for (j, &i) in self.batch.iter().enumerate() {
            let [row, column] = self.scan.corner(i);
            let (from, to) = (rows.start.max(row), rows.end.min(row + n));
            if to <= from {
                continue;
            }
            let mut add = |deposit: Deposit<T>| {
                shared.arch().dispatch(AddRows {
                    tiling,
                    deposit,
                    rows: from - row..to - row,
                    re: &mut *re,
                    im: &mut *im,
                    start: (from - rows.start) * stride + column,
                    stride,
                });
            };
            if extra {
                add(Deposit::Field(&shared.extra[j * field..(j + 1) * field]));
            } else {
                for k in j * kept..(j + 1) * kept {
                    let at = k * field..(k + 1) * field;
                    add(Deposit::Product(
                        &shared.chi[at.clone()],
                        &shared.shifted[at],
                    ));
                }
            }
        }
    }

    fn second_pass(&self, state: &State<T>, work: &mut Workspace<T>) {
        let field = self.scan.tiling.field_len();
        let kept = n_kept(self.settings);
        let mut sums = std::mem::take(&mut work.sums);
        let shared = &*work;
        sums[..self.batch.len()]
            .par_iter_mut()
            .zip(self.batch)
            .enumerate()
            .for_each(|(j, (sums, &i))| {
                if self.stop.is_requested() {
                    return;
                }
                sums.step = [0.0; 6];
                for k in 0..kept {
                    let at = (j * kept + k) * field..(j * kept + k + 1) * field;
                    let step = shared.arch().dispatch(StepSums {
                        tiling: self.scan.tiling,
                        direction: self.patch(&shared.first, i),
                        object: self.patch(&state.object, i),
                        probe: &shared.shifted[at.clone()],
                        probe_direction: &shared.probe_direction[k * field..(k + 1) * field],
                        chi: &shared.chi[at],
                    });
                    sums.step
                        .iter_mut()
                        .zip(step)
                        .for_each(|(sum, step)| *sum += step);
                }
            });
        work.sums = sums;
    }

    /// The step sizes of every pattern: object, then probe.
    fn solve(&self, work: &Workspace<T>) -> (Vec<f64>, Vec<f64>) {
        let settings = self.settings;
        let size = self.batch.len() as f64;
        let floor = 1.2e-7 * (self.scan.tiling.n * self.scan.tiling.n * n_kept(settings)) as f64;
        let sums: Vec<[f64; 6]> = work.sums[..self.batch.len()]
            .iter()
            .map(|s| s.step)
            .collect();
        let mean = |at: usize| sums.iter().map(|s| s[at] + floor).sum::<f64>() / size;
        let (mean_11, mean_22) = (mean(0), mean(1));
        let one = |&[u2, v2, uv_re, uv_im, b1, b2]: &[f64; 6]| {
            let (object, probe) = if settings.joint_step {
                let (a11, a22) = (u2 + floor + 0.1 * mean_11, v2 + floor + 0.1 * mean_22);
                let det = a11 * a22 - uv_re * uv_re - uv_im * uv_im;
                ((a22 * b1 - uv_re * b2) / det, (a11 * b2 - uv_re * b1) / det)
            } else {
                (
                    0.5 * b1 / u2.max(f64::MIN_POSITIVE),
                    0.5 * b2 / v2.max(f64::MIN_POSITIVE),
                )
            };
            let object = clip(object) * settings.object_step_scaler / settings.probe_modes as f64;
            (object, clip(probe) * settings.probe_step_scaler)
        };
        sums.iter().map(one).unzip()
    }

    /// Apply the updates: object, then probe.
    fn update(&self, state: &mut State<T>, work: &Workspace<T>, result: BatchResult) {
        if self.is_compact() {
            state.carried_object.copy_from(&work.all);
        } else {
            let step = T::of(self.settings.object_step * result.object_step);
            step_along(&mut state.object, step, &work.all, &work.inverse_damped);
        }
        let n_batches = self.n_batches as f64;
        if self.settings.momentum > 0.0 {
            // In random and uniform batches the original keeps only the last batch's direction.
            let keep = if self.is_compact() {
                T::one()
            } else {
                T::zero()
            };
            let share = T::of(1.0 / n_batches);
            for (sum, &value) in state.carried_probe.iter_mut().zip(&*work.probe_direction) {
                *sum = *sum * keep + value * share;
            }
        }
        if self.settings.refine_probe {
            let mean = result.probe_steps / self.batch.len() as f64;
            let step =
                mean * self.settings.probe_step / if self.is_compact() { n_batches } else { 1.0 };
            let step = T::of(step);
            for (value, &direction) in state.probe.iter_mut().zip(&*work.probe_direction) {
                *value += step * direction;
            }
        }
    }
}

/// Where a pattern leaves what the second pass needs.
struct Store<'a, T> {
    chi: &'a mut [T],
    shifted: &'a mut [T],
    extra: &'a mut [T],
}

/// `to = a b`
fn multiply<T: Real>(to: &mut [T], a: &[T], b: &[T]) {
    for ((to, &a), &b) in to.iter_mut().zip(a).zip(b) {
        *to = a * b;
    }
}

/// `object += step · direction / D`
pub(crate) fn step_along<T: Real>(
    object: &mut Planes<T>,
    step: T,
    direction: &Planes<T>,
    inverse_damped: &[T],
) {
    const PART: usize = 1 << 14;
    let one = |object: &mut [T], direction: &[T]| {
        object
            .par_chunks_mut(PART)
            .zip(direction.par_chunks(PART))
            .zip(inverse_damped.par_chunks(PART))
            .for_each(|((object, direction), damping)| {
                for ((object, &direction), &damping) in
                    object.iter_mut().zip(direction).zip(damping)
                {
                    *object += step * direction * damping;
                }
            });
    };
    one(&mut object.re, &direction.re);
    one(&mut object.im, &direction.im);
}

/// Below 0 there is no step; NaN stays NaN, so that it is noticed.
fn clip(step: f64) -> f64 {
    if step < 0.0 { 0.0 } else { step }
}

/// The mean without the `ceil(n/20 - ½)` least and greatest values (MATLAB's `trimmean` of 10 %).
pub(crate) fn trimmed_mean(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return f64::zero();
    }
    values.sort_by(f64::total_cmp);
    let cut = (values.len() as f64 * 0.05 - 0.5).ceil().max(0.0) as usize;
    let kept = &values[cut..values.len() - cut];
    kept.iter().sum::<f64>() / kept.len() as f64
}
