//! The one forward model: from object, probe and position to the far field.
//!
//! `I[u, v] = Σ_k | F{ P_k · O_patch }[u, v] |²`, `F` orthonormal and centred (DC at `[n/2, n/2]`), so the
//! photons of the exit wave are those of the pattern. Faster code elsewhere is tested against this.

use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis, Zip};
use num_complex::Complex;
use num_traits::Float;
use rustfft::FftNum;

use crate::data::Dataset;
use crate::fft::Fft2;
use crate::patches;

crate::field_choice! {
    /// How a position that is no whole pixel is modelled.
    pub enum Subpixel {
        /// Whole-pixel object patch, probe shifted in Fourier space by the rest (as pty-chi).
        Fourier = "fourier",
        /// Bilinear object patch, probe as it is (as `PtychoPINN`).
        Bilinear = "bilinear",
    }
}

/// The forward model for patterns of `n` x `n` pixels.
pub struct Forward<T: FftNum> {
    n: usize,
    subpixel: Subpixel,
    fft: Fft2<T>,
}

impl<T: FftNum + Float> Forward<T> {
    /// Plan for patterns of `n` x `n` pixels.
    pub fn new(n: usize, subpixel: Subpixel) -> Self {
        Self {
            n,
            subpixel,
            fft: Fft2::new(n, n),
        }
    }

    /// `P` moved by `shift_px` (row, column) by the Fourier shift theorem.
    ///
    /// `F⁻¹[ F[P] · exp(-2πi (f_y s_y + f_x s_x)) ]`, `f = fftfreq(n)`; the Nyquist frequency counts as -1/2 and its
    /// phase is not made symmetric.
    ///
    /// # Shapes
    /// - `probe`: `(n, n)`; the result too.
    pub fn shift(
        &self,
        probe: ArrayView2<'_, Complex<T>>,
        shift_px: [f64; 2],
    ) -> Array2<Complex<T>> {
        let mut wave = probe.as_standard_layout().into_owned();
        if shift_px == [0.0, 0.0] {
            return wave;
        }
        let mut scratch = self.fft.scratch();
        if let Some(plane) = wave.as_slice_mut() {
            self.fft.forward_plain(plane, &mut scratch);
        }
        let [rows, columns] = shift_px.map(|shift| self.ramp(shift));
        for ((row, column), value) in wave.indexed_iter_mut() {
            *value = *value * rows[row] * columns[column];
        }
        if let Some(plane) = wave.as_slice_mut() {
            self.fft.inverse_plain(plane, &mut scratch);
        }
        wave
    }

    /// Exit waves `P_k · O_patch` of the pattern at `position_px`.
    ///
    /// # Shapes
    /// - `object`: `(h, w)`; `probe`: `(k, n, n)`, √photons; result: `(k, n, n)`, √photons.
    pub fn exit_waves(
        &self,
        object: ArrayView2<'_, Complex<T>>,
        probe: ArrayView3<'_, Complex<T>>,
        position_px: [f64; 2],
    ) -> Array3<Complex<T>> {
        let mut patch = Array2::from_elem((self.n, self.n), Complex::new(T::zero(), T::zero()));
        let mut waves = probe.as_standard_layout().into_owned();
        match self.subpixel {
            Subpixel::Fourier => {
                let (start_px, fraction_px) = patches::whole_start(position_px, self.n);
                patches::cut(object, start_px, patch.view_mut());
                for mut wave in waves.axis_iter_mut(Axis(0)) {
                    let shifted = self.shift(wave.view(), fraction_px);
                    wave.assign(&shifted);
                }
            }
            Subpixel::Bilinear => patches::cut_bilinear(object, position_px, patch.view_mut()),
        }
        for mut wave in waves.axis_iter_mut(Axis(0)) {
            Zip::from(&mut wave)
                .and(&patch)
                .for_each(|wave, &patch| *wave = *wave * patch);
        }
        waves
    }

    /// Expected counts of the pattern at `position_px`, DC at `[n/2, n/2]`.
    ///
    /// # Shapes
    /// - `object`: `(h, w)`; `probe`: `(k, n, n)`, √photons; result: `(n, n)`, photons.
    pub fn intensity(
        &self,
        object: ArrayView2<'_, Complex<T>>,
        probe: ArrayView3<'_, Complex<T>>,
        position_px: [f64; 2],
    ) -> Array2<T> {
        let mut waves = self.exit_waves(object, probe, position_px);
        let mut scratch = self.fft.scratch();
        let mut intensity = Array2::from_elem((self.n, self.n), T::zero());
        for mut wave in waves.axis_iter_mut(Axis(0)) {
            if let Some(plane) = wave.as_slice_mut() {
                self.fft.forward(plane, &mut scratch);
            }
            Zip::from(&mut intensity)
                .and(&wave)
                .for_each(|sum, wave| *sum = *sum + wave.norm_sqr());
        }
        intensity
    }

    /// `exp(-2πi f shift)` for every frequency of one axis, DC first.
    fn ramp(&self, shift_px: f64) -> Vec<Complex<T>> {
        let n = self.n as isize;
        let frequency = |i: isize| (if i < (n + 1) / 2 { i } else { i - n }) as f64 / n as f64;
        let convert = |value: f64| T::from_f64(value).unwrap_or_else(T::zero);
        (0..n)
            .map(|i| {
                let turn = Complex::cis(-std::f64::consts::TAU * frequency(i) * shift_px);
                Complex::new(convert(turn.re), convert(turn.im))
            })
            .collect()
    }
}

/// How far a dataset is from the forward model of its own object and probe: `√(Σ (√I - A)² / Σ A²)` over at most
/// `n_most` patterns, evenly chosen, and the pixels in use; `None` without an object.
///
/// Photon noise alone gives about `½ √(pixels with light / photons)`.
pub fn residual(dataset: &Dataset, subpixel: Subpixel, n_most: usize) -> Option<f64> {
    let object = dataset
        .object()?
        .mapv(|z| Complex::new(f64::from(z.re), f64::from(z.im)));
    let probe = dataset
        .probe()
        .mapv(|z| Complex::new(f64::from(z.re), f64::from(z.im)));
    let (m, n) = (dataset.n_patterns(), dataset.n());
    let forward = Forward::<f64>::new(n, subpixel);
    let mut frame = vec![0.0_f32; n * n];
    let (mut difference, mut all) = (0.0, 0.0);
    let n_looked_at = n_most.min(m);
    for i in (0..n_looked_at).map(|i| i * m / n_looked_at) {
        dataset.frames().read(i, &mut frame);
        let expected = forward.intensity(object.view(), probe.view(), dataset.positions_px()[i]);
        for (pixel, (expected, found)) in expected.iter().zip(&frame).enumerate() {
            let is_used = dataset
                .detector_mask()
                .is_none_or(|mask| mask[[pixel / n, pixel % n]]);
            if is_used {
                difference += (expected.sqrt() - f64::from(*found)).powi(2);
                all += f64::from(*found).powi(2);
            }
        }
    }
    (0.0 < all).then(|| (difference / all).sqrt())
}
