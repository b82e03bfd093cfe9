//! What patterns add to the canvas, band by band: each band adds its rows of all patterns in the order of the batch.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::rooms::Workspace;
use super::weights::regularisation;
use super::{BAND_ROWS, Minibatch};
use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{row_of, times_conj};
use crate::iterative::PositionMethod;
use crate::iterative::kernels::ObjectWeight;
use crate::iterative::state::{Planes, State};
use crate::simd::{Aligned, LANES, Real};

impl<T: Real> Minibatch<'_, T> {
    /// Object directions, band by band: each band adds its rows of all patterns in the order of the batch.
    pub(super) fn sum_object_direction(
        &self,
        state: &State<T>,
        work: &mut Workspace<T>,
        carries: bool,
    ) {
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
        let (field, kept) = (self.batch.scan.tiling.field_len(), self.pass.n_kept);
        for (j, place) in self.places(state, b, re.len()) {
            let mut add = |deposit: Deposit<T>| {
                shared.arch().dispatch(AddRows {
                    place: place.clone(),
                    deposit,
                    re: &mut *re,
                    im: &mut *im,
                    weight: &mut [],
                });
            };
            if extra {
                add(Deposit::Field(&shared.extra[j * field..(j + 1) * field]));
                continue;
            }
            for k in j * kept..(j + 1) * kept {
                let at = k * field..(k + 1) * field;
                let (chi, probe) = (&shared.chi[at.clone()], &shared.shifted[at]);
                add(Deposit::Product(chi, probe, Share::Plain));
            }
        }
    }

    /// The patterns of the batch, by their index in it, that meet band `b` of so many values, and where.
    fn places(
        &self,
        state: &State<T>,
        b: usize,
        len: usize,
    ) -> impl Iterator<Item = (usize, Place)> {
        let (tiling, stride) = (self.batch.scan.tiling, self.batch.scan.stride);
        let band = b * BAND_ROWS..b * BAND_ROWS + len / stride;
        let patterns = self.batch.patterns.iter().enumerate();
        patterns.filter_map(move |(j, &i)| {
            let [row, column] = state.places[i].corner;
            let (from, to) = (band.start.max(row), band.end.min(row + tiling.n));
            if to <= from {
                return None;
            }
            let place = Place {
                tiling,
                rows: from - row..to - row,
                start: (from - band.start) * stride + column,
                stride,
            };
            Some((j, place))
        })
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
        let (field, modes) = (
            self.batch.scan.tiling.field_len(),
            self.batch.settings.probe_modes,
        );
        for (j, place) in self.places(state, b, re.len()) {
            for k in 0..modes {
                let probe = &shared.shifted[(j * modes + k) * field..][..field];
                shared.arch().dispatch(AddRows {
                    place: place.clone(),
                    deposit: Deposit::Product(wave(j, k), probe, share),
                    re: &mut *re,
                    im: &mut *im,
                    weight: &mut *weight,
                });
            }
        }
    }
}

/// Where a pattern meets a band of the canvas.
#[derive(Clone)]
struct Place {
    tiling: Tiling,
    /// Rows of the pattern.
    rows: std::ops::Range<usize>,
    /// Place in the band of the first of these rows.
    start: usize,
    stride: usize,
}

/// How `χ conj(P)` is added.
#[derive(Clone, Copy)]
pub(super) enum Share<T> {
    /// `χ conj(P) / (a |P|² + b)`
    Regularised([T; 2]),
    /// `χ conj(P)`, and `|P|²` to the weight.
    Weighted,
    /// `χ conj(P)` alone.
    Plain,
}

/// What a pattern adds.
#[derive(Clone, Copy)]
enum Deposit<'a, T> {
    /// A field as it is.
    Field(&'a [T]),
    /// `χ conj(P)` of these two, as the share says.
    Product(&'a [T], &'a [T], Share<T>),
}

/// Add some rows of a pattern to a band of the canvas.
struct AddRows<'a, T> {
    place: Place,
    deposit: Deposit<'a, T>,
    re: &'a mut [T],
    im: &'a mut [T],
    /// Empty where no weight is summed.
    weight: &'a mut [T],
}

impl<T: Real> WithSimd for AddRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let none = [T::zero(); 2];
        match self.deposit {
            Deposit::Field(field) => self.field(simd, field),
            Deposit::Product(chi, probe, Share::Regularised(divisor)) => {
                self.product::<S, true, false>(simd, (chi, probe), divisor);
            }
            Deposit::Product(chi, probe, Share::Weighted) => {
                self.product::<S, false, true>(simd, (chi, probe), none);
            }
            Deposit::Product(chi, probe, Share::Plain) => {
                self.product::<S, false, false>(simd, (chi, probe), none);
            }
        }
    }
}

impl<T: Real> AddRows<'_, T> {
    #[inline(always)]
    fn field<S: Simd>(self, simd: S, field: &[T]) {
        let Tiling { n, n_strips } = self.place.tiling;
        for s in 0..n_strips {
            for (i, r) in self.place.rows.clone().enumerate() {
                let to = self.place.start + i * self.place.stride + s * LANES;
                let (re, im) = row_of::<S, T>(field, (s * n + r) * LANES);
                let to_re = T::vectors_mut::<S>(&mut self.re[to..to + LANES]);
                let to_im = T::vectors_mut::<S>(&mut self.im[to..to + LANES]);
                for g in 0..to_re.len() {
                    to_re[g] = T::v_add(simd, to_re[g], re[g]);
                    to_im[g] = T::v_add(simd, to_im[g], im[g]);
                }
            }
        }
    }

    #[inline(always)]
    fn product<S: Simd, const DIVIDED: bool, const WEIGHTED: bool>(
        self,
        simd: S,
        (chi, probe): (&[T], &[T]),
        divisor: [T; 2],
    ) {
        let Tiling { n, n_strips } = self.place.tiling;
        let [share, floor] = [T::splat(simd, divisor[0]), T::splat(simd, divisor[1])];
        for s in 0..n_strips {
            for (i, r) in self.place.rows.clone().enumerate() {
                let at = (s * n + r) * LANES;
                let to = self.place.start + i * self.place.stride + s * LANES;
                let (c_re, c_im) = row_of::<S, T>(chi, at);
                let (p_re, p_im) = row_of::<S, T>(probe, at);
                let to_re = T::vectors_mut::<S>(&mut self.re[to..to + LANES]);
                let to_im = T::vectors_mut::<S>(&mut self.im[to..to + LANES]);
                for g in 0..to_re.len() {
                    let (mut re, mut im) =
                        times_conj::<S, T>(simd, (c_re[g], c_im[g]), (p_re[g], p_im[g]));
                    if DIVIDED {
                        let power =
                            T::v_fma(simd, p_im[g], p_im[g], T::v_mul(simd, p_re[g], p_re[g]));
                        let divisor = T::v_fma(simd, share, power, floor);
                        (re, im) = (T::v_div(simd, re, divisor), T::v_div(simd, im, divisor));
                    }
                    to_re[g] = T::v_add(simd, to_re[g], re);
                    to_im[g] = T::v_add(simd, to_im[g], im);
                }
                if WEIGHTED {
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

/// `to = a b`
fn multiply<T: Real>(to: &mut [T], a: &[T], b: &[T]) {
    for ((to, &a), &b) in to.iter_mut().zip(a).zip(b) {
        *to = a * b;
    }
}
