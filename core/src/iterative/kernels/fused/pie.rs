//! What the PIE family needs beyond LSQML's sweeps: regularised weights, the batch's illumination, and steps with
//! divisor and momentum.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::sweeps::Project;
use super::{BAND_ROWS, Minibatch, Room, Workspace};
use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{Patch, times_conj};
use crate::iterative::PositionMethod;
use crate::iterative::kernels::{Batch, ObjectWeight, ProbeWeight};
use crate::iterative::state::{Planes, State};
use crate::simd::{Aligned, LANES, Real};

/// Values that one thread steps at a time.
const PART: usize = 1 << 14;

/// The greater one; vectorises, unlike `max` with its care for NaN.
#[inline(always)]
fn greater<T: Real>(a: T, b: T) -> T {
    if b > a { b } else { a }
}

/// `(1 - α, α peak)` of a regularised divisor; the second is never 0.
pub(crate) fn regularisation<T: Real>(alpha: f64, peak: f64) -> [T; 2] {
    [
        T::of(1.0 - alpha),
        T::of(alpha * peak).max(T::min_positive_value()),
    ]
}

/// `max |O|²` over a patch.
struct PatchPeak<'a, T> {
    tiling: Tiling,
    object: Patch<'a, T>,
}

impl<T: Real> WithSimd for PatchPeak<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        let Tiling { n, n_strips } = self.tiling;
        let mut peak = T::zero();
        for s in 0..n_strips {
            let mut lanes = [T::zero(); LANES];
            for r in 0..n {
                let at = self.object.start + r * self.object.stride + s * LANES;
                let (re, im) = (
                    &self.object.re[at..at + LANES],
                    &self.object.im[at..at + LANES],
                );
                for l in 0..LANES {
                    lanes[l] = greater(lanes[l], re[l] * re[l] + im[l] * im[l]);
                }
            }
            // Beyond the patch lies object that the pattern does not see.
            let n_lanes = (n - s * LANES).min(LANES);
            peak = lanes[..n_lanes].iter().fold(peak, |a, &b| greater(a, b));
        }
        peak
    }
}

/// `max Σ_k |P_k|²` of fields one after the other, in two places.
struct ProbePeak<'a, T> {
    tiling: Tiling,
    kept: &'a [T],
    rest: &'a [T],
}

impl<T: Real> WithSimd for ProbePeak<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        let plane = self.tiling.plane_len();
        let mut lanes = [T::zero(); LANES];
        for at in (0..plane).step_by(LANES) {
            let mut sum = [T::zero(); LANES];
            let modes = self.kept.chunks_exact(2 * plane);
            for mode in modes.chain(self.rest.chunks_exact(2 * plane)) {
                let (re, im) = (&mode[at..at + LANES], &mode[plane + at..][..LANES]);
                for l in 0..LANES {
                    sum[l] += re[l] * re[l] + im[l] * im[l];
                }
            }
            for l in 0..LANES {
                lanes[l] = greater(lanes[l], sum[l]);
            }
        }
        lanes.iter().fold(T::zero(), |a, &b| greater(a, b))
    }
}

/// What divides `χ conj(O)` of a pattern, if anything does.
pub(crate) fn divisor<T: Real>(
    arch: Arch,
    tiling: Tiling,
    object: Patch<T>,
    weight: ProbeWeight,
) -> Option<[T; 2]> {
    match weight {
        ProbeWeight::Plain => None,
        ProbeWeight::Regularised { alpha } => {
            let peak = arch.dispatch(PatchPeak { tiling, object }).wide();
            Some(regularisation(alpha, peak))
        }
    }
}

/// `to = χ conj(object patch)`, over a divisor where there is one.
pub(crate) fn project<T: Real>(arch: Arch, project: Project<T>, divisor: Option<[T; 2]>) {
    match divisor {
        None => arch.dispatch(project),
        Some(divisor) => arch.dispatch(Regularised { project, divisor }),
    }
}

/// `to = χ conj(O) / (a |O|² + b)`
struct Regularised<'a, T> {
    project: Project<'a, T>,
    divisor: [T; 2],
}

impl<T: Real> WithSimd for Regularised<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Project {
            tiling,
            object,
            chi,
            to,
        } = self.project;
        let [share, floor] = self.divisor.map(|value| T::splat(simd, value));
        let plane = tiling.plane_len();
        let (c_re, c_im) = chi.split_at(plane);
        let (to_re, to_im) = to.split_at_mut(plane);
        let rows = c_re.chunks_exact(LANES).zip(c_im.chunks_exact(LANES));
        let outs = to_re
            .chunks_exact_mut(LANES)
            .zip(to_im.chunks_exact_mut(LANES));
        for (i, ((c_re, c_im), (to_re, to_im))) in rows.zip(outs).enumerate() {
            let (o_re, o_im) = object.row::<S>(i / tiling.n, i % tiling.n);
            let (c_re, c_im) = (T::vectors::<S>(c_re), T::vectors::<S>(c_im));
            let (to_re, to_im) = (T::vectors_mut::<S>(to_re), T::vectors_mut::<S>(to_im));
            for g in 0..to_re.len() {
                let power = T::v_fma(simd, o_im[g], o_im[g], T::v_mul(simd, o_re[g], o_re[g]));
                let divisor = T::v_fma(simd, share, power, floor);
                let (re, im) = times_conj::<S, T>(simd, (c_re[g], c_im[g]), (o_re[g], o_im[g]));
                (to_re[g], to_im[g]) = (T::v_div(simd, re, divisor), T::v_div(simd, im, divisor));
            }
        }
    }
}

impl<T: Real> Minibatch<'_, T> {
    /// The greatest intensity of a pattern's probe, all modes together.
    pub(super) fn probe_peak(&self, work: &Workspace<T>, room: &Room<T>, kept: &[T]) -> f64 {
        let tiling = self.batch.scan.tiling;
        let rest = &room.shifted[kept.len()..];
        let peak = ProbePeak { tiling, kept, rest };
        work.arch().dispatch(peak).wide()
    }

    /// Object direction of the PIE family. Where it is to be divided by the batch's illumination, that is summed along,
    /// while the probes are in cache.
    pub(super) fn sum_weighted_direction(
        &self,
        state: &State<T>,
        work: &mut Workspace<T>,
        weight: ObjectWeight,
    ) {
        let share = match weight {
            ObjectWeight::Plain => Share::Weighted,
            ObjectWeight::Regularised { alpha, largest } => {
                Share::Regularised(regularisation(alpha, largest))
            }
        };
        let canvas = work.all.re.len();
        if work.batch_weight.len() != canvas {
            work.batch_weight = Aligned::zeros(canvas);
        }
        let band = BAND_ROWS * self.batch.scan.stride;
        let mut all = std::mem::take(&mut work.all);
        let mut sums = std::mem::take(&mut work.batch_weight);
        let shared = &*work;
        let (field, modes) = (self.batch.scan.tiling.field_len(), self.pass.n_kept);
        let wave = |j: usize, k: usize| &shared.chi[(j * modes + k) * field..][..field];
        (
            all.re.par_chunks_mut(band),
            all.im.par_chunks_mut(band),
            sums.par_chunks_mut(band),
        )
            .into_par_iter()
            .enumerate()
            .for_each(|(b, (re, im, weight))| {
                re.fill(T::zero());
                im.fill(T::zero());
                weight.fill(T::zero());
                self.add_products((state, shared), b, (&wave, share), (re, im, weight));
            });
        if self.batch.settings.refine_positions == PositionMethod::CrossCorrelation {
            work.first.copy_from(&all);
        }
        (work.all, work.batch_weight) = (all, sums);
    }

    /// Add the rows of band `b` of all patterns; `wave` is that of the batch's pattern j and mode k.
    pub(super) fn add_products<'w>(
        &self,
        (state, shared): (&State<T>, &Workspace<T>),
        b: usize,
        (wave, share): (&dyn Fn(usize, usize) -> &'w [T], Share<T>),
        (re, im, weight): (&mut [T], &mut [T], &mut [T]),
    ) {
        let (tiling, stride) = (self.batch.scan.tiling, self.batch.scan.stride);
        let (field, modes) = (tiling.field_len(), self.batch.settings.probe_modes);
        let rows = b * BAND_ROWS..b * BAND_ROWS + re.len() / stride;
        for (j, &i) in self.batch.patterns.iter().enumerate() {
            let [row, column] = state.places[i].corner;
            let (from, to) = (rows.start.max(row), rows.end.min(row + tiling.n));
            if to <= from {
                continue;
            }
            for k in 0..modes {
                shared.arch().dispatch(AddProduct {
                    tiling,
                    share,
                    chi: wave(j, k),
                    probe: &shared.shifted[(j * modes + k) * field..][..field],
                    rows: from - row..to - row,
                    re: &mut *re,
                    im: &mut *im,
                    weight: &mut *weight,
                    start: (from - rows.start) * stride + column,
                    stride,
                });
            }
        }
    }
}

/// What divides by the illumination of the batch that was summed last.
pub(super) fn divide_by_batch<T: Real>(batch: &Batch<T>, work: &mut Workspace<T>, alpha: f64) {
    let divisor = regularisation(alpha, largest(&work.batch_weight).wide());
    work.batch_divisor = Some(divisor);
    if batch.settings.refine_positions == PositionMethod::CrossCorrelation {
        work.first.re.fill(T::zero());
        work.first.im.fill(T::zero());
        let over = Over::Weight(&work.batch_weight, divisor);
        step_planes(&mut work.first, None, T::one(), &work.all, over);
    }
}

/// What some rows of a pattern add to a band of the canvas beside or instead of `χ conj(P)`.
#[derive(Clone, Copy)]
pub(crate) enum Share<T> {
    /// `χ conj(P) / (a |P|² + b)`
    Regularised([T; 2]),
    /// `χ conj(P)`, and `|P|²` to the weight.
    Weighted,
    /// `χ conj(P)` alone, to a canvas whose weight is another's.
    Plain,
}

/// Add some rows of a pattern to a band of the canvas.
pub(crate) struct AddProduct<'a, T> {
    pub(crate) tiling: Tiling,
    pub(crate) share: Share<T>,
    pub(crate) chi: &'a [T],
    pub(crate) probe: &'a [T],
    /// Rows of the pattern.
    pub(crate) rows: std::ops::Range<usize>,
    pub(crate) re: &'a mut [T],
    pub(crate) im: &'a mut [T],
    /// Empty where no weight is summed.
    pub(crate) weight: &'a mut [T],
    /// Place in the band of the first of these rows.
    pub(crate) start: usize,
    pub(crate) stride: usize,
}

impl<T: Real> WithSimd for AddProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Tiling { n, n_strips } = self.tiling;
        let plane = self.tiling.plane_len();
        for s in 0..n_strips {
            for (i, r) in self.rows.clone().enumerate() {
                let at = (s * n + r) * LANES;
                let to = self.start + i * self.stride + s * LANES;
                let (re, im) = (at, plane + at);
                let c_re = T::vectors::<S>(&self.chi[re..re + LANES]);
                let c_im = T::vectors::<S>(&self.chi[im..im + LANES]);
                let p_re = T::vectors::<S>(&self.probe[re..re + LANES]);
                let p_im = T::vectors::<S>(&self.probe[im..im + LANES]);
                let to_re = T::vectors_mut::<S>(&mut self.re[to..to + LANES]);
                let to_im = T::vectors_mut::<S>(&mut self.im[to..to + LANES]);
                for g in 0..to_re.len() {
                    let (mut re, mut im) =
                        times_conj::<S, T>(simd, (c_re[g], c_im[g]), (p_re[g], p_im[g]));
                    if let Share::Regularised([share, floor]) = self.share {
                        let power =
                            T::v_fma(simd, p_im[g], p_im[g], T::v_mul(simd, p_re[g], p_re[g]));
                        let (share, floor) = (T::splat(simd, share), T::splat(simd, floor));
                        let divisor = T::v_fma(simd, share, power, floor);
                        (re, im) = (T::v_div(simd, re, divisor), T::v_div(simd, im, divisor));
                    }
                    to_re[g] = T::v_add(simd, to_re[g], re);
                    to_im[g] = T::v_add(simd, to_im[g], im);
                }
                if matches!(self.share, Share::Weighted) {
                    let weight = T::vectors_mut::<S>(&mut self.weight[to..to + LANES]);
                    for g in 0..weight.len() {
                        let sum = T::v_fma(simd, p_re[g], p_re[g], weight[g]);
                        weight[g] = T::v_fma(simd, p_im[g], p_im[g], sum);
                    }
                }
            }
        }
    }
}

/// What divides a direction on the canvas.
#[derive(Clone, Copy)]
pub(crate) enum Over<'a, T> {
    Nothing,
    /// Times these values.
    Inverse(&'a [T]),
    /// Over `a w + b`.
    Weight(&'a [T], [T; 2]),
}

impl<'a, T: Real> Over<'a, T> {
    /// That of `len` values from part `part` on.
    fn part(self, part: usize, len: usize) -> Self {
        let of = |values: &'a [T]| &values[part * PART..][..len];
        match self {
            Self::Nothing => Self::Nothing,
            Self::Inverse(by) => Self::Inverse(of(by)),
            Self::Weight(w, divisor) => Self::Weight(of(w), divisor),
        }
    }

    #[inline(always)]
    fn divided(self, at: usize, value: T) -> T {
        match self {
            Self::Nothing => value,
            Self::Inverse(by) => value * by[at],
            Self::Weight(w, [share, floor]) => value / (share * w[at] + floor),
        }
    }
}

/// `value += step direction / divisor`; with a velocity `v = momentum v + step direction / divisor`, `value += v`.
pub(crate) fn step_planes<T: Real>(
    object: &mut Planes<T>,
    velocity: Option<(&mut Planes<T>, T)>,
    step: T,
    direction: &Planes<T>,
    over: Over<T>,
) {
    match velocity {
        None => {
            step_plane(&mut object.re, None, step, &direction.re, over);
            step_plane(&mut object.im, None, step, &direction.im, over);
        }
        Some((v, momentum)) => {
            let v_re = Some((&mut v.re, momentum));
            step_plane(&mut object.re, v_re, step, &direction.re, over);
            let v_im = Some((&mut v.im, momentum));
            step_plane(&mut object.im, v_im, step, &direction.im, over);
        }
    }
}

fn step_plane<T: Real>(
    values: &mut [T],
    velocity: Option<(&mut Aligned<T>, T)>,
    step: T,
    direction: &[T],
    over: Over<T>,
) {
    let parts = values.par_chunks_mut(PART).zip(direction.par_chunks(PART));
    let Some((velocity, momentum)) = velocity else {
        parts.enumerate().for_each(|(part, (values, direction))| {
            let changes = over.part(part, direction.len());
            for (at, (value, &direction)) in values.iter_mut().zip(direction).enumerate() {
                *value += step * changes.divided(at, direction);
            }
        });
        return;
    };
    parts
        .zip(velocity.par_chunks_mut(PART))
        .enumerate()
        .for_each(|(part, ((values, direction), velocity))| {
            let changes = over.part(part, direction.len());
            let both = values.iter_mut().zip(velocity);
            for (at, ((value, v), &direction)) in both.zip(direction).enumerate() {
                *v = momentum * *v + step * changes.divided(at, direction);
                *value += *v;
            }
        });
}

/// `value += step direction`, with momentum as [`step_planes`] has it.
pub(crate) fn step_field<T: Real>(
    values: &mut [T],
    velocity: Option<(&mut Aligned<T>, T)>,
    step: T,
    direction: &[T],
) {
    step_plane(values, velocity, step, direction, Over::Nothing);
}

/// The greatest of many values that are not negative.
pub(crate) fn largest<T: Real>(values: &[T]) -> T {
    values
        .par_chunks(PART)
        .map(|part| part.iter().fold(T::zero(), |a, &b| greater(a, b)))
        .reduce(T::zero, greater)
}
