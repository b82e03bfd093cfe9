//! The sweeps of a pattern that only the simulation needs.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

use crate::fft::tile::Tiling;
use crate::fft::tile::fields::Patch;
use crate::simd::{LANES, Real as _};

/// `to (+)= |wave|²`
pub(super) struct AddIntensity<'a> {
    pub(super) wave: &'a [f32],
    pub(super) is_first: bool,
    pub(super) to: &'a mut [f32],
}

impl WithSimd for AddIntensity<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (re, im) = self.wave.split_at(self.to.len());
        let (re, im) = (f32::vectors::<S>(re), f32::vectors::<S>(im));
        let to = f32::vectors_mut::<S>(self.to);
        for ((to, &re), &im) in to.iter_mut().zip(re).zip(im) {
            let before = if self.is_first {
                f32::splat(simd, 0.0)
            } else {
                *to
            };
            let squared = f32::v_fma(simd, re, re, before);
            *to = f32::v_fma(simd, im, im, squared);
        }
    }
}

/// `Σ |probe|² |object patch|²`
pub(super) struct Power<'a> {
    pub(super) tiling: Tiling,
    pub(super) object: Patch<'a, f32>,
    pub(super) probe: &'a [f32],
}

impl WithSimd for Power<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let Tiling { n, n_strips } = self.tiling;
        let plane = self.tiling.plane_len();
        let mut total = 0.0;
        for s in 0..n_strips {
            let mut sum = f32::splat(simd, 0.0);
            for r in 0..n {
                let (o_re, o_im) = self.object.row::<S>(s, r);
                let at = (s * n + r) * LANES;
                let p_re = f32::vectors::<S>(&self.probe[at..at + LANES]);
                let p_im = f32::vectors::<S>(&self.probe[plane + at..plane + at + LANES]);
                for g in 0..p_re.len() {
                    let probe = f32::v_mul(simd, p_re[g], p_re[g]);
                    let probe = f32::v_fma(simd, p_im[g], p_im[g], probe);
                    let object = f32::v_mul(simd, o_re[g], o_re[g]);
                    let object = f32::v_fma(simd, o_im[g], o_im[g], object);
                    sum = f32::v_fma(simd, probe, object, sum);
                }
            }
            total += f64::from(f32::sum(simd, sum));
        }
        total
    }
}

/// The bilinear patch between four whole-pixel ones.
pub(super) struct Interpolate<'a> {
    pub(super) tiling: Tiling,
    /// The patch whose position is the greatest whole one not beyond.
    pub(super) object: Patch<'a, f32>,
    /// (row, column), 0 to 1.
    pub(super) fraction_px: [f64; 2],
    pub(super) re: &'a mut [f32],
    pub(super) im: &'a mut [f32],
}

impl WithSimd for Interpolate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Tiling { n, n_strips } = self.tiling;
        let [fy, fx] = self.fraction_px;
        // Lanes run over the pattern's rows.
        let corners = [
            ((1.0 - fy) * (1.0 - fx), 0),
            (fy * (1.0 - fx), 1),
            ((1.0 - fy) * fx, self.object.stride),
            (fy * fx, self.object.stride + 1),
        ];
        let corners = corners.map(|(weight, offset)| {
            let corner = Patch {
                start: self.object.start + offset,
                ..self.object
            };
            (weight as f32, corner)
        });
        for r in 0..n {
            for s in 0..n_strips {
                let at = (r * n_strips + s) * LANES;
                let to_re = f32::vectors_mut::<S>(&mut self.re[at..at + LANES]);
                let to_im = f32::vectors_mut::<S>(&mut self.im[at..at + LANES]);
                to_re.fill(f32::splat(simd, 0.0));
                to_im.fill(f32::splat(simd, 0.0));
                for (weight, corner) in &corners {
                    let weight = f32::splat(simd, *weight);
                    let (o_re, o_im) = corner.row::<S>(s, r);
                    for g in 0..to_re.len() {
                        to_re[g] = f32::v_fma(simd, o_re[g], weight, to_re[g]);
                        to_im[g] = f32::v_fma(simd, o_im[g], weight, to_im[g]);
                    }
                }
            }
        }
    }
}

/// A tiled Fourier plane with DC at `[0, 0]`, row-major with DC at `[n/2, n/2]`.
pub(super) fn centre(tiling: Tiling, plane: &[f32], out: &mut [f32]) {
    let n = tiling.n;
    let half = n / 2;
    for (s, strip) in plane.chunks_exact(n * LANES).enumerate() {
        let first = (s * LANES + half) % n;
        let width = LANES.min(n - s * LANES);
        let before_edge = width.min(n - first);
        for (row, lanes) in strip.chunks_exact(LANES).enumerate() {
            let to = &mut out[(row + half) % n * n..][..n];
            let (head, tail) = lanes[..width].split_at(before_edge);
            to[first..first + head.len()].copy_from_slice(head);
            to[..tail.len()].copy_from_slice(tail);
        }
    }
}
