//! What divides the directions of the PIE family: object and probe, over their greatest values.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Arch, Simd, WithSimd};

use super::Minibatch;
use super::rooms::{Room, Workspace};
use super::sweeps::Project;
use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{Patch, times_conj};
use crate::iterative::kernels::ProbeWeight;
use crate::simd::{LANES, Real};

/// The greater one; vectorises, unlike `max` with its care for NaN.
#[inline(always)]
pub(super) fn greater<T: Real>(a: T, b: T) -> T {
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
}
