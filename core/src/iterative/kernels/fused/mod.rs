//! The kernels for the CPU: everything for one pattern while it is in cache.
//!
//! Two passes over the patterns, each in parallel over fixed chunks, and one over bands of the canvas between them.
//! What a chunk or band sums, and in which order, does not depend on the number of threads.

mod modulus;
mod opr;
mod pie;
mod positions;
mod projections;
mod sweeps;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ndarray::{Array2, Array3};
use num_complex::Complex;
use pulp::Arch;
use rayon::prelude::*;

use self::modulus::{LikelihoodSums, Modulus};
pub(crate) use self::pie::{Over, step_planes};
use self::sweeps::{AddRows, Deposit, Project, StepSums, TimesConj, add_assign, add_chunks};
use super::{
    Batch, Canvas, Divisor, FirstPass, Kernels, ObjectWeight, PatternSums, ProbeWeight, Rule,
};
use crate::error::{Error, Result};
use crate::fft::tile::fields::{ApplyRamp, ExitWave, Patch, Ramp};
use crate::fft::tile::{Scratch, TileFft};
use crate::iterative::IterativeSettings;
use crate::iterative::scan::Scan;
use crate::iterative::state::{Planes, State};
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
    /// Those of the OPR modes.
    opr_spectra: Aligned<T>,
    /// `2π f / n²` of the frequencies of a side, for derivatives.
    turns: Aligned<T>,
    /// An OPR mode that is looked at.
    mode: Aligned<T>,
    /// OPR's residuals, pattern by pattern.
    residuals: Aligned<T>,
    /// Residual waves and shifted probes kept for the second pass, pattern by pattern.
    chi: Aligned<T>,
    shifted: Aligned<T>,
    /// Object direction of the modes that are not kept.
    extra: Aligned<T>,
    /// Probe direction, a sum for each chunk.
    adjoint: Aligned<T>,
    sums: Vec<PatternSums>,
    steps: Vec<[f64; 6]>,
    probe_direction: Aligned<T>,
    /// Sum of the object directions of all modes.
    all: Planes<T>,
    /// Preconditioned direction for the step sizes.
    first: Planes<T>,
    /// `1/D`
    pub(crate) inverse_damped: Aligned<T>,
    /// Illumination of the batch, and what divides by it: `(a, b)` of `a W + b`. Room is made when first wanted.
    batch_weight: Aligned<T>,
    batch_divisor: Option<[T; 2]>,
    /// Denominator of the probe, a sum for each chunk. Room is made when first wanted.
    adjoint_weight: Aligned<T>,
}

impl<T: Real> Workspace<T> {
    pub(crate) fn new(
        scan: &Scan<T>,
        settings: &IterativeSettings,
        batch: usize,
        kept: usize,
        n_threads: usize,
    ) -> Self {
        let fft = TileFft::<T>::new(scan.tiling.n);
        let (field, plane, n) = (
            scan.tiling.field_len(),
            scan.tiling.plane_len(),
            scan.tiling.n,
        );
        let modes = settings.probe_modes;
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
            opr_spectra: Aligned::zeros(settings.opr_modes * field),
            turns: positions::turns(scan.tiling),
            mode: Aligned::zeros(field),
            residuals: Aligned::zeros(if settings.opr_modes > 0 {
                batch * field
            } else {
                0
            }),
            chi: Aligned::zeros(batch * kept * field),
            shifted: Aligned::zeros(batch * kept * field),
            extra: Aligned::zeros(batch * extra_len(kept, modes, field)),
            adjoint: Aligned::zeros(N_CHUNKS * modes * field),
            sums: vec![PatternSums::default(); batch],
            steps: vec![[0.0; 6]; batch],
            probe_direction: Aligned::zeros(modes * field),
            all: Planes::zeros(scan.canvas_len()),
            first: Planes::zeros(scan.canvas_len()),
            inverse_damped: Aligned::zeros(scan.canvas_len()),
            batch_weight: Aligned::default(),
            batch_divisor: None,
            adjoint_weight: Aligned::default(),
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

/// Values a pattern keeps for the modes whose residual wave is not; at least one, so that all stores have chunks.
fn extra_len(kept: usize, modes: usize, field: usize) -> usize {
    if kept < modes { field } else { 1 }
}

/// The fused kernels and the threads they run on.
pub(crate) struct Fused<T> {
    work: Workspace<T>,
    pool: Arc<rayon::ThreadPool>,
    /// How the last first pass went.
    pass: Option<FirstPass>,
}

impl<T: Real> Fused<T> {
    /// Kernels for batches of up to `batch` patterns of which `n_kept` modes are looked at twice.
    pub(crate) fn new(
        scan: &Scan<T>,
        settings: &IterativeSettings,
        (batch, n_kept): (usize, usize),
        pool: Arc<rayon::ThreadPool>,
    ) -> Self {
        Self {
            work: Workspace::new(scan, settings, batch, n_kept, pool.current_num_threads()),
            pool,
            pass: None,
        }
    }

    /// The last first pass; the operations after it need it.
    fn pass(&self) -> Result<FirstPass> {
        self.pass
            .ok_or_else(|| Error::Run("a batch was not gone through first".to_owned()))
    }
}

/// A batch and how it is gone through.
struct Minibatch<'a, T> {
    batch: &'a Batch<'a, T>,
    pass: FirstPass,
}

impl<T: Real> Minibatch<'_, T> {
    fn transform_probe(&self, state: &State<T>, work: &mut Workspace<T>) {
        let field = self.batch.scan.tiling.field_len();
        let per_pixel = T::of(1.0 / (self.batch.scan.tiling.n * self.batch.scan.tiling.n) as f64);
        let Workspace {
            fft,
            rooms,
            spectra,
            opr_spectra,
            ..
        } = work;
        let Some(room) = rooms.first_mut() else {
            return;
        };
        let room = room.get_mut().unwrap_or_else(PoisonError::into_inner);
        let modes = spectra
            .chunks_exact_mut(field)
            .zip(state.probe.chunks_exact(field));
        let shifted = modes.enumerate().filter(|&(k, _)| self.batch.is_shifted(k));
        let varying = opr_spectra
            .chunks_exact_mut(field)
            .zip(state.opr_modes.chunks_exact(field));
        for (spectrum, probe) in shifted.map(|(_, mode)| mode).chain(varying) {
            room.a.copy_from_slice(probe);
            fft.forward(&mut room.a, spectrum, &mut room.scratch);
            for value in spectrum.iter_mut() {
                *value *= per_pixel;
            }
        }
    }

    /// Patterns of a chunk.
    fn chunk_len(&self) -> usize {
        self.batch.patterns.len().div_ceil(N_CHUNKS)
    }

    fn first_pass(&self, state: &State<T>, work: &mut Workspace<T>) {
        let field = self.batch.scan.tiling.field_len();
        let (kept, extra) = (
            self.pass.n_kept * field,
            extra_len(self.pass.n_kept, self.batch.settings.probe_modes, field),
        );
        let (chunk, size) = (self.chunk_len(), self.batch.patterns.len());
        let mut chi = std::mem::take(&mut work.chi);
        let mut shifted = std::mem::take(&mut work.shifted);
        let mut extras = std::mem::take(&mut work.extra);
        let mut adjoint = std::mem::take(&mut work.adjoint);
        let mut sums = std::mem::take(&mut work.sums);
        let shared = &*work;
        (
            self.batch.patterns.par_chunks(chunk),
            chi[..size * kept].par_chunks_mut(chunk * kept),
            shifted[..size * kept].par_chunks_mut(chunk * kept),
            extras[..size * extra].par_chunks_mut(chunk * extra),
            adjoint.par_chunks_mut(self.batch.settings.probe_modes * field),
            sums[..size].par_chunks_mut(chunk),
        )
            .into_par_iter()
            .for_each(|(patterns, chi, shifted, extra_chunk, adjoint, sums)| {
                let mut room = shared.room();
                adjoint.fill(T::zero());
                for (j, (&i, sums)) in patterns.iter().zip(sums).enumerate() {
                    if self.batch.stop.is_requested() {
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

    fn patch<'b>(&self, planes: &'b Planes<T>, state: &State<T>, i: usize) -> Patch<'b, T> {
        Patch {
            re: &planes.re,
            im: &planes.im,
            start: self.batch.scan.start(&state.places[i]),
            stride: self.batch.scan.stride,
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
        let object = self.patch(&state.object, state, i);
        self.predict(state, shared, room, i, store.shifted);
        let amplitude = self
            .batch
            .scan
            .amplitude(i, &mut room.frame, &mut room.amplitude);
        let mut sums = shared.arch().dispatch(Modulus {
            tiling: self.batch.scan.tiling,
            waves: &mut room.waves,
            amplitude,
            used: self.batch.scan.used(),
            intensity: &mut room.intensity,
            rule: self.pass.rule,
            step: state.detector_steps[i],
        });
        if self.pass.probe_weight != ProbeWeight::Plain {
            sums.probe_peak = self.probe_peak(shared, room, store.shifted);
        }
        if !self.pass.only_sums {
            self.back(shared, room, object, store, adjoint);
        }
        sums
    }

    /// The detector waves of pattern `i`, in the room; the shifted probes in `kept_probes` or the room.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is read, what is worked in, what is left"
    )]
    fn predict(
        &self,
        state: &State<T>,
        shared: &Workspace<T>,
        room: &mut Room<T>,
        i: usize,
        kept_probes: &mut [T],
    ) {
        let (tiling, arch, field) = (
            self.batch.scan.tiling,
            shared.arch(),
            self.batch.scan.tiling.field_len(),
        );
        let object = self.patch(&state.object, state, i);
        let kept = kept_probes.len() / field;
        room.ramp.set(tiling, state.places[i].shift_px);
        for k in 0..self.batch.settings.probe_modes {
            let at = k * field..(k + 1) * field;
            let probe = if k < kept {
                &mut kept_probes[at.clone()]
            } else {
                &mut room.shifted[at.clone()]
            };
            let parts = (&room.ramp, &mut *room.a, &mut *room.b, &mut room.scratch);
            self.shift_probe(state, shared, parts, (i, k), probe);
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
    }

    /// Mode `k` of the probe at the sub-pixel position of pattern `i`, whose ramp is set, in `to`.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is read, what is worked in, what is left"
    )]
    fn shift_probe(
        &self,
        state: &State<T>,
        shared: &Workspace<T>,
        (ramp, a, b, scratch): (&Ramp<T>, &mut [T], &mut [T], &mut Scratch<T>),
        (i, k): (usize, usize),
        to: &mut [T],
    ) {
        let tiling = self.batch.scan.tiling;
        let field = tiling.field_len();
        let at = k * field..(k + 1) * field;
        if !self.batch.is_shifted(k) {
            to.copy_from_slice(&state.probe[at]);
            return;
        }
        let weights = self.batch.weights(state, i).filter(|_| k == 0);
        let from = match weights {
            None => &shared.spectra[at],
            Some(weights) => {
                mix(b, &shared.spectra, &shared.opr_spectra, weights);
                &*b
            }
        };
        shared.arch().dispatch(ApplyRamp {
            tiling,
            ramp,
            from,
            to: a,
            conjugate: false,
            add: false,
        });
        shared.fft.inverse(a, to, scratch);
    }

    /// Sums of the pattern-wise steps of pty-chi's Poisson model.
    fn likelihood_sums(
        &self,
        state: &State<T>,
        work: &Workspace<T>,
        mean_step: f64,
    ) -> Vec<[f64; 2]> {
        let one = |&i: &usize| {
            let mut room = work.room();
            let room = &mut *room;
            self.predict(state, work, room, i, &mut []);
            let amplitude = self
                .batch
                .scan
                .amplitude(i, &mut room.frame, &mut room.amplitude);
            work.arch().dispatch(LikelihoodSums {
                tiling: self.batch.scan.tiling,
                waves: &room.waves,
                amplitude,
                used: self.batch.scan.used(),
                intensity: &mut room.intensity,
                mean_step,
            })
        };
        self.batch.patterns.par_iter().map(one).collect()
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
            self.batch.scan.tiling,
            shared.arch(),
            self.batch.scan.tiling.field_len(),
        );
        let kept = self.pass.n_kept;
        let divisor = pie::divisor(arch, tiling, object, self.pass.probe_weight);
        for k in 0..self.batch.settings.probe_modes {
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
            let product = Project {
                tiling,
                object,
                chi,
                to: &mut room.a,
            };
            pie::project(arch, product, divisor);
            let sum = &mut adjoint[at.clone()];
            if self.batch.is_shifted(k) {
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

    /// `ΔP_k`, the mean over the batch.
    fn sum_probe_direction(&self, work: &mut Workspace<T>) {
        let field = self.batch.scan.tiling.field_len();
        let all_modes = self.batch.settings.probe_modes * field;
        let n_chunks = self.batch.patterns.len().div_ceil(self.chunk_len());
        let Workspace {
            adjoint,
            probe_direction,
            fft,
            rooms,
            ..
        } = work;
        add_chunks(&mut adjoint[..n_chunks * all_modes], all_modes);
        let total = &mut adjoint[..all_modes];
        let Some(room) = rooms.first_mut() else {
            return;
        };
        let room = room.get_mut().unwrap_or_else(PoisonError::into_inner);
        let pixels = (self.batch.scan.tiling.n * self.batch.scan.tiling.n) as f64;
        let modes = total
            .chunks_exact_mut(field)
            .zip(probe_direction.chunks_exact_mut(field));
        for (k, (from, to)) in modes.enumerate() {
            let mut factor = 1.0 / self.batch.patterns.len() as f64;
            if self.batch.is_shifted(k) {
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
    fn sum_object_direction(&self, state: &State<T>, work: &mut Workspace<T>, carries: bool) {
        let stride = self.batch.scan.stride;
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
                if carries {
                    all_re.copy_from_slice(&state.carried_object.re[values.clone()]);
                    all_im.copy_from_slice(&state.carried_object.im[values.clone()]);
                } else {
                    all_re.fill(T::zero());
                    all_im.fill(T::zero());
                }
                let has_extra = self.pass.n_kept < self.batch.settings.probe_modes;
                self.add_patterns((state, shared), b, false, all_re, all_im);
                let damping = &shared.inverse_damped[values];
                multiply(first_re, all_re, damping);
                multiply(first_im, all_im, damping);
                if has_extra {
                    self.add_patterns((state, shared), b, true, all_re, all_im);
                }
            });
        (work.all, work.first) = (all, first);
    }

    /// Add the rows of band `b` of all patterns: the modes kept, or the others.
    #[expect(clippy::too_many_arguments, reason = "a band is two planes")]
    fn add_patterns(
        &self,
        (state, shared): (&State<T>, &Workspace<T>),
        b: usize,
        extra: bool,
        re: &mut [T],
        im: &mut [T],
    ) {
        let (tiling, stride, n) = (
            self.batch.scan.tiling,
            self.batch.scan.stride,
            self.batch.scan.tiling.n,
        );
        let field = tiling.field_len();
        let rows = b * BAND_ROWS..b * BAND_ROWS + re.len() / stride;
        let kept = self.pass.n_kept;
        for (j, &i) in self.batch.patterns.iter().enumerate() {
            let [row, column] = state.places[i].corner;
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
        let field = self.batch.scan.tiling.field_len();
        let kept = self.pass.n_kept;
        let mut steps = std::mem::take(&mut work.steps);
        let shared = &*work;
        steps[..self.batch.patterns.len()]
            .par_iter_mut()
            .zip(self.batch.patterns)
            .enumerate()
            .for_each(|(j, (sums, &i))| {
                if self.batch.stop.is_requested() {
                    return;
                }
                *sums = [0.0; 6];
                for k in 0..kept {
                    let at = (j * kept + k) * field..(j * kept + k + 1) * field;
                    let step = shared.arch().dispatch(StepSums {
                        tiling: self.batch.scan.tiling,
                        direction: self.patch(&shared.first, state, i),
                        object: self.patch(&state.object, state, i),
                        probe: &shared.shifted[at.clone()],
                        probe_direction: &shared.probe_direction[k * field..(k + 1) * field],
                        chi: &shared.chi[at],
                    });
                    sums.iter_mut()
                        .zip(step)
                        .for_each(|(sum, step)| *sum += step);
                }
            });
        work.steps = steps;
    }
}

impl<T: Real> Kernels<T> for Fused<T> {
    fn device(&self) -> &'static str {
        "cpu"
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn upload(&mut self, _: &Scan<T>, _: &State<T>, inverse_damped: &[T]) -> Result<()> {
        self.work.inverse_damped.copy_from_slice(inverse_damped);
        Ok(())
    }

    fn download(&mut self, _: &Scan<T>, _: &mut State<T>) -> Result<()> {
        Ok(())
    }

    fn first_pass(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        pass: &FirstPass,
    ) -> Result<Option<Vec<PatternSums>>> {
        let minibatch = Minibatch { batch, pass: *pass };
        self.pass = Some(*pass);
        let work = &mut self.work;
        self.pool.install(|| {
            minibatch.transform_probe(state, work);
            minibatch.first_pass(state, work);
            if batch.stop.is_requested() {
                return Ok(None);
            }
            if !pass.only_sums {
                minibatch.sum_probe_direction(work);
            }
            Ok(Some(work.sums[..batch.patterns.len()].to_vec()))
        })
    }

    fn likelihood_sums(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        mean_step: f64,
    ) -> Result<Vec<[f64; 2]>> {
        let pass = FirstPass {
            rule: Rule::PoissonSteps,
            probe_weight: ProbeWeight::Plain,
            only_sums: true,
            n_kept: batch.settings.probe_modes.min(1),
        };
        let minibatch = Minibatch { batch, pass };
        let work = &mut self.work;
        Ok(self.pool.install(|| {
            minibatch.transform_probe(state, work);
            minibatch.likelihood_sums(state, work, mean_step)
        }))
    }

    fn object_direction(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        weight: ObjectWeight,
        carries: bool,
    ) -> Result<()> {
        let minibatch = Minibatch {
            batch,
            pass: self.pass()?,
        };
        let work = &mut self.work;
        work.batch_divisor = None;
        self.pool.install(|| {
            if minibatch.pass.probe_weight == ProbeWeight::Plain && weight == ObjectWeight::Plain {
                minibatch.sum_object_direction(state, work, carries);
            } else {
                minibatch.sum_weighted_direction(state, work, weight);
            }
        });
        Ok(())
    }

    fn divide_by_batch(&mut self, batch: &Batch<T>, _: &State<T>, alpha: f64) -> Result<()> {
        let work = &mut self.work;
        self.pool
            .install(|| pie::divide_by_batch(batch, work, alpha));
        Ok(())
    }

    fn step_sums(&mut self, batch: &Batch<T>, state: &State<T>) -> Result<Option<Vec<[f64; 6]>>> {
        let minibatch = Minibatch {
            batch,
            pass: self.pass()?,
        };
        let work = &mut self.work;
        self.pool.install(|| minibatch.second_pass(state, work));
        if batch.stop.is_requested() {
            return Ok(None);
        }
        Ok(Some(self.work.steps[..batch.patterns.len()].to_vec()))
    }

    fn position_sums(&mut self, batch: &Batch<T>, state: &State<T>) -> Result<Vec<[f64; 4]>> {
        let kept = self.pass()?.n_kept;
        let work = &mut self.work;
        Ok(self
            .pool
            .install(|| positions::position_sums(batch, state, work, kept)))
    }

    fn patches(&mut self, batch: &Batch<T>, state: &State<T>) -> Result<[Array3<Complex<T>>; 4]> {
        let kept = self.pass()?.n_kept;
        let work = &self.work;
        Ok(self
            .pool
            .install(|| positions::patches(batch, state, work, kept)))
    }

    fn opr_begin(&mut self, batch: &Batch<T>, state: &State<T>) -> Result<()> {
        let kept = self.pass()?.n_kept;
        let work = &mut self.work;
        self.pool
            .install(|| opr::keep_residuals(batch, state, work, kept));
        Ok(())
    }

    fn opr_project(&mut self, batch: &Batch<T>, mode: &Array2<Complex<T>>) -> Result<Vec<f64>> {
        let work = &mut self.work;
        Ok(self.pool.install(|| opr::project(batch, work, mode)))
    }

    fn opr_combine(&mut self, batch: &Batch<T>, c: &[f64]) -> Result<Array2<Complex<T>>> {
        let work = &mut self.work;
        Ok(self.pool.install(|| opr::combine(batch, work, c)))
    }

    fn opr_deflate(&mut self, batch: &Batch<T>, mode: &Array2<Complex<T>>) -> Result<()> {
        let work = &mut self.work;
        self.pool.install(|| opr::deflate(batch, work, mode));
        Ok(())
    }

    fn opr_wave_sums(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        mode: Option<&Array2<Complex<T>>>,
    ) -> Result<Vec<[f64; 2]>> {
        let kept = self.pass()?.n_kept;
        let work = &mut self.work;
        Ok(self
            .pool
            .install(|| opr::wave_sums((batch, state), work, kept, mode)))
    }

    fn carry_object(&mut self, state: &mut State<T>) -> Result<()> {
        state.carried_object.copy_from(&self.work.all);
        Ok(())
    }

    fn carry_probe(&mut self, state: &mut State<T>, keep: f64, share: f64) -> Result<()> {
        let (keep, share) = (T::of(keep), T::of(share));
        let direction = &self.work.probe_direction;
        for (sum, &value) in state.carried_probe.iter_mut().zip(&**direction) {
            *sum = *sum * keep + value * share;
        }
        Ok(())
    }

    fn step_object(
        &mut self,
        state: &mut State<T>,
        step: f64,
        divisor: Divisor,
        momentum: f64,
    ) -> Result<()> {
        let work = &self.work;
        let over = match (divisor, work.batch_divisor) {
            (Divisor::None, _) => Over::Nothing,
            (Divisor::Epoch, _) => Over::Inverse(&work.inverse_damped),
            (Divisor::Batch, Some(divisor)) => Over::Weight(&work.batch_weight, divisor),
            (Divisor::Batch, None) => {
                return Err(Error::Run(
                    "a batch's illumination was not summed".to_owned(),
                ));
            }
        };
        let velocity = (momentum != 0.0).then_some((&mut state.object_velocity, T::of(momentum)));
        self.pool.install(|| {
            pie::step_planes(&mut state.object, velocity, T::of(step), &work.all, over);
        });
        Ok(())
    }

    fn step_probe(&mut self, state: &mut State<T>, step: f64, momentum: f64) -> Result<()> {
        let velocity = (momentum != 0.0).then_some((&mut state.probe_velocity, T::of(momentum)));
        let direction = &self.work.probe_direction;
        self.pool.install(|| {
            pie::step_field(&mut state.probe, velocity, T::of(step), direction);
        });
        Ok(())
    }

    fn begin_waves(&mut self, batch: &Batch<T>, state: &mut State<T>) -> Result<()> {
        let minibatch = Minibatch::projecting(batch);
        let work = &mut self.work;
        if state.waves.is_empty() && !batch.stop.is_requested() {
            self.pool.install(|| {
                minibatch.transform_probe(state, work);
                minibatch.begin_waves(state, work);
            });
        }
        Ok(())
    }

    fn difference_map(
        &mut self,
        batch: &Batch<T>,
        state: &mut State<T>,
        relaxation: f64,
    ) -> Result<Option<Vec<(PatternSums, f64)>>> {
        let minibatch = Minibatch::projecting(batch);
        let work = &mut self.work;
        if batch.stop.is_requested() {
            return Ok(None);
        }
        Ok(Some(self.pool.install(|| {
            minibatch.transform_probe(state, work);
            minibatch.difference_map(state, work, relaxation)
        })))
    }

    fn sum_object(&mut self, batch: &Batch<T>, state: &mut State<T>, both: bool) -> Result<bool> {
        let minibatch = Minibatch::projecting(batch);
        let work = &mut self.work;
        if batch.stop.is_requested() {
            return Ok(false);
        }
        self.pool.install(|| {
            minibatch.transform_probe(state, work);
            minibatch.sum_object(state, work, both);
        });
        Ok(true)
    }

    fn reflect(
        &mut self,
        batch: &Batch<T>,
        state: &mut State<T>,
        beta: f64,
    ) -> Result<Option<Vec<(PatternSums, f64)>>> {
        let minibatch = Minibatch::projecting(batch);
        let work = &mut self.work;
        if batch.stop.is_requested() {
            return Ok(None);
        }
        Ok(Some(self.pool.install(|| {
            minibatch.transform_probe(state, work);
            minibatch.reflect(state, work, beta)
        })))
    }

    fn sum_probe(&mut self, batch: &Batch<T>, state: &mut State<T>) -> Result<bool> {
        let minibatch = Minibatch::projecting(batch);
        let work = &mut self.work;
        if batch.stop.is_requested() {
            return Ok(false);
        }
        self.pool.install(|| minibatch.sum_probe(state, work));
        Ok(true)
    }

    fn divide_object(
        &mut self,
        state: &mut State<T>,
        canvas: Canvas,
        floor: f64,
        replaces: bool,
    ) -> Result<()> {
        self.pool
            .install(|| projections::divide_object(state, canvas, floor, replaces));
        Ok(())
    }

    fn clear_object_sums(&mut self, state: &mut State<T>) -> Result<()> {
        for canvas in [&mut state.carried_object, &mut state.carried_other] {
            canvas.re.fill(T::zero());
            canvas.im.fill(T::zero());
        }
        state.carried_weight.fill(T::zero());
        Ok(())
    }

    fn divide_probe(&mut self, state: &mut State<T>, floor: f64) -> Result<()> {
        let work = &mut self.work;
        self.pool
            .install(|| projections::divide_probe(state, work, floor));
        Ok(())
    }
}

/// Where a pattern leaves what the second pass needs.
struct Store<'a, T> {
    chi: &'a mut [T],
    shifted: &'a mut [T],
    extra: &'a mut [T],
}

/// `to = w_0 first + Σ_r w_r other_r`
fn mix<T: Real>(to: &mut [T], first: &[T], others: &[T], weights: &[f64]) {
    let (field, weight) = (to.len(), T::of(weights[0]));
    for (to, &from) in to.iter_mut().zip(first) {
        *to = weight * from;
    }
    for (other, &weight) in others.chunks_exact(field).zip(&weights[1..]) {
        let weight = T::of(weight);
        for (to, &from) in to.iter_mut().zip(other) {
            *to += weight * from;
        }
    }
}

/// `to = a b`
fn multiply<T: Real>(to: &mut [T], a: &[T], b: &[T]) {
    for ((to, &a), &b) in to.iter_mut().zip(a).zip(b) {
        *to = a * b;
    }
}
