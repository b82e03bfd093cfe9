//! From what a pattern sees to the expected counts, their likelihood, and back.
//!
//! Fields are tiled (see [`tile`](crate::fft::tile)). Space stands transposed, so the Fourier plane, which the tiling
//! stores transposed, comes out in rows as the measured patterns are. The signs of a chessboard and the `1/n` of the
//! orthonormal transform are part of the probe: the zero frequency then stands at `[n/2, n/2]`.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use num_complex::Complex32;

use super::canvas::Plane;
use crate::fft::tile::fields::{ExitWave, Patch};
use crate::fft::tile::{Scratch, TileFft, Tiling};
use crate::simd::{Aligned, LANES};
use crate::tensor::elementary::Sweep;
use crate::tensor::poisson::{LaneSums, Likelihood, LikelihoodSums};

/// The probe's modes as tiled fields, transposed, with signs and normalisation.
#[derive(Debug)]
pub(super) struct TiledProbe {
    tiling: Tiling,
    pub(super) modes: Aligned<f32>,
}

impl TiledProbe {
    pub(super) fn new(n: usize, n_modes: usize) -> Self {
        let tiling = Tiling::new(n);
        Self {
            tiling,
            modes: Aligned::zeros(n_modes * tiling.field_len()),
        }
    }

    /// Take a probe `(k, n, n)`.
    pub(super) fn load(&mut self, probe: &[Complex32]) {
        let tiling = self.tiling;
        let fields = self.modes.chunks_exact_mut(tiling.field_len());
        for (field, mode) in fields.zip(probe.chunks_exact(tiling.n * tiling.n)) {
            let (re, im) = field.split_at_mut(tiling.plane_len());
            for (i, value) in mode.iter().enumerate() {
                let (row, column) = (i / tiling.n, i % tiling.n);
                let (at, sign) = (tiling.at(column, row), sign(tiling.n, row, column));
                (re[at], im[at]) = (value.re * sign, value.im * sign);
            }
        }
    }

    /// Adjoint of [`TiledProbe::load`].
    pub(super) fn gradient(&self, fields: &[f32], d_probe: &mut [Complex32]) {
        let tiling = self.tiling;
        let modes = d_probe.chunks_exact_mut(tiling.n * tiling.n);
        for (mode, field) in modes.zip(fields.chunks_exact(tiling.field_len())) {
            let (re, im) = field.split_at(tiling.plane_len());
            for (i, value) in mode.iter_mut().enumerate() {
                let (row, column) = (i / tiling.n, i % tiling.n);
                let (at, sign) = (tiling.at(column, row), sign(tiling.n, row, column));
                *value = Complex32::new(re[at] * sign, im[at] * sign);
            }
        }
    }
}

fn sign(n: usize, row: usize, column: usize) -> f32 {
    let unit = 1.0 / n as f32;
    if (row + column).is_multiple_of(2) {
        unit
    } else {
        -unit
    }
}

/// Room for the fields of one pattern.
#[derive(Debug)]
pub(super) struct Detector {
    /// A mode's exit wave, or its gradient.
    wave: Aligned<f32>,
    /// Far fields of all modes, or their gradients.
    far: Aligned<f32>,
    scratch: Scratch<f32>,
}

/// One measured pattern and what is wanted of it.
pub(super) struct Exposure<'a> {
    /// `(n, n)`, √counts; NaN where not used.
    pub(super) measured: &'a [f32],
    pub(super) likelihood: Likelihood,
    pub(super) gradient: bool,
    /// Where √λ goes, `(n, n)`, or empty.
    pub(super) predicted: &'a mut [f32],
}

impl Detector {
    pub(super) fn new(fft: &TileFft<f32>, n_modes: usize) -> Self {
        let len = fft.tiling().field_len();
        Self {
            wave: Aligned::zeros(len),
            far: Aligned::zeros(n_modes * len),
            scratch: fft.scratch(),
        }
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.wave.n_bytes() + self.far.n_bytes() + self.scratch.n_bytes()
    }

    /// Likelihood of a pattern under the probe's modes times `view`.
    pub(super) fn expose(
        &mut self,
        fft: &TileFft<f32>,
        probe: &TiledProbe,
        view: &Plane,
        exposure: &mut Exposure<'_>,
    ) -> LikelihoodSums {
        let tiling = fft.tiling();
        let modes = probe.modes.chunks_exact(tiling.field_len());
        for (mode, far) in modes.zip(self.far.chunks_exact_mut(tiling.field_len())) {
            fft.arch().dispatch(ExitWave {
                tiling,
                object: Patch {
                    re: &view.re,
                    im: &view.im,
                    start: 0,
                    stride: tiling.n,
                },
                probe: mode,
                to: &mut self.wave,
            });
            fft.forward(&mut self.wave, far, &mut self.scratch);
        }
        let far = &mut self.far;
        fft.arch().dispatch(Sweep(
            #[inline(always)]
            || measure(tiling, far, exposure),
        ))
    }

    /// From the far fields' gradients to those of the view (overwritten) and, where wanted, of the probe (added).
    pub(super) fn backward(
        &mut self,
        fft: &TileFft<f32>,
        probe: &TiledProbe,
        (view, d_view): (&Plane, &mut Plane),
        d_probe: &mut [f32],
    ) {
        let tiling = fft.tiling();
        let len = tiling.field_len();
        for (k, far) in self.far.chunks_exact_mut(len).enumerate() {
            fft.inverse(far, &mut self.wave, &mut self.scratch);
            let (wave, mode) = (&self.wave, &probe.modes[k * len..][..len]);
            fft.arch().dispatch(Sweep(
                #[inline(always)]
                || illuminate_adjoint(tiling, wave, mode, d_view, k == 0),
            ));
            if !d_probe.is_empty() {
                let d_mode = &mut d_probe[k * len..][..len];
                fft.arch().dispatch(Sweep(
                    #[inline(always)]
                    || see_adjoint(tiling, wave, view, d_mode),
                ));
            }
        }
    }
}

/// Expected counts, their likelihood, and in place of the far fields their gradients.
#[inline(always)]
fn measure(tiling: Tiling, far: &mut [f32], exposure: &mut Exposure<'_>) -> LikelihoodSums {
    let (n, plane) = (tiling.n, tiling.plane_len());
    let likelihood = exposure.likelihood;
    let mut sums = LaneSums::default();
    for at in (0..plane).step_by(LANES) {
        let (strip, row) = (at / LANES / n, at / LANES % n);
        let first = row * n + strip * LANES;
        let mut amplitude = [0.0; LANES];
        amplitude.copy_from_slice(&exposure.measured[first..][..LANES]);
        let mut rate = [0.0; LANES];
        for far in far.chunks_exact(plane) {
            for (rate, &value) in rate.iter_mut().zip(&far[at..][..LANES]) {
                *rate += value * value;
            }
        }
        let slope = likelihood.lanes(&rate, &amplitude, &mut sums);
        if exposure.gradient {
            for far in far.chunks_exact_mut(plane) {
                for (value, slope) in far[at..][..LANES].iter_mut().zip(&slope) {
                    *value *= 2.0 * slope;
                }
            }
        }
        if !exposure.predicted.is_empty() {
            let to = exposure.predicted[first..][..LANES].iter_mut();
            to.zip(&rate).for_each(|(to, &rate)| *to = rate.sqrt());
        }
    }
    sums.total()
}

/// `d_view (+)= wave conj(probe)`
#[inline(always)]
fn illuminate_adjoint(
    tiling: Tiling,
    wave: &[f32],
    probe: &[f32],
    d_view: &mut Plane,
    is_first: bool,
) {
    let (n, plane) = (tiling.n, tiling.plane_len());
    let ((w_re, w_im), (p_re, p_im)) = (wave.split_at(plane), probe.split_at(plane));
    for at in (0..plane).step_by(LANES) {
        let (strip, row) = (at / LANES / n, at / LANES % n);
        let first = row * n + strip * LANES;
        let wave = w_re[at..][..LANES].iter().zip(&w_im[at..][..LANES]);
        let mode = p_re[at..][..LANES].iter().zip(&p_im[at..][..LANES]);
        let to = d_view.re[first..][..LANES].iter_mut();
        let to = to.zip(&mut d_view.im[first..][..LANES]);
        if is_first {
            for ((to, (a, b)), (c, d)) in to.zip(wave).zip(mode) {
                (*to.0, *to.1) = (a * c + b * d, b * c - a * d);
            }
        } else {
            for ((to, (a, b)), (c, d)) in to.zip(wave).zip(mode) {
                *to.0 += a * c + b * d;
                *to.1 += b * c - a * d;
            }
        }
    }
}

/// `d_probe += wave conj(view)`
#[inline(always)]
fn see_adjoint(tiling: Tiling, wave: &[f32], view: &Plane, d_probe: &mut [f32]) {
    let (n, plane) = (tiling.n, tiling.plane_len());
    let (w_re, w_im) = wave.split_at(plane);
    let (d_re, d_im) = d_probe.split_at_mut(plane);
    for at in (0..plane).step_by(LANES) {
        let (strip, row) = (at / LANES / n, at / LANES % n);
        let first = row * n + strip * LANES;
        let wave = w_re[at..][..LANES].iter().zip(&w_im[at..][..LANES]);
        let view = view.re[first..][..LANES]
            .iter()
            .zip(&view.im[first..][..LANES]);
        let to = d_re[at..][..LANES].iter_mut().zip(&mut d_im[at..][..LANES]);
        for ((to, (a, b)), (c, d)) in to.zip(wave).zip(view) {
            *to.0 += a * c + b * d;
            *to.1 += b * c - a * d;
        }
    }
}
