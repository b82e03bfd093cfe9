//! What divides the directions of the PIE family: object and probe, over their greatest values.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Arch, Simd, WithSimd};

use super::Minibatch;
use super::rooms::{Room, Workspace};
use crate::fft::tile::Tiling;
use crate::fft::tile::fields::Patch;
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

impl<T: Real> Minibatch<'_, T> {
    /// The greatest intensity of a pattern's probe, all modes together.
    pub(super) fn probe_peak(&self, work: &Workspace<T>, room: &Room<T>, kept: &[T]) -> f64 {
        let tiling = self.batch.scan.tiling;
        let rest = &room.shifted[kept.len()..];
        let peak = ProbePeak { tiling, kept, rest };
        work.arch().dispatch(peak).wide()
    }
}
