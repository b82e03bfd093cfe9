//! Probes that a lens makes: a defocused disk, and a zone plate's with a central stop.

use ndarray::{Array2, ArrayViewMut2};
use num_complex::Complex64;
use num_traits::Zero as _;

use crate::fft::Fft2;

/// The focus of a lens with a soft round aperture, defocused: a curved disk in the object plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DefocusedDisk {
    /// Rows and columns of the probe.
    pub n: usize,
    /// Radius of the bright field on the detector.
    pub aperture_px: f64,
    /// Phase of the defocus at the aperture's edge.
    pub defocus_rad: f64,
    /// Power: photons a pattern through an empty object.
    pub photons: f64,
}

impl DefocusedDisk {
    /// The probe, `(n, n)`, √photons.
    ///
    /// `P = F⁻¹{ A(q) exp(i δ |q|²/a²) }` with a soft-edged aperture `A` of radius `a` and defocus `δ`,
    /// scaled to `Σ|P|² = photons`.
    pub fn probe(&self) -> Array2<Complex64> {
        let lens = ZonePlate {
            n: self.n,
            aperture_px: self.aperture_px,
            stop: 0.0,
            defocus_rad: self.defocus_rad,
            photons: self.photons,
        };
        lens.probe()
    }
}

/// The first-order focus of a zone plate with a central stop, defocused: a curved ring in the object plane.
///
/// The other orders are taken to be stopped by the order-sorting aperture, so that the plate is a lens whose middle is
/// dark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZonePlate {
    /// Rows and columns of the probe.
    pub n: usize,
    /// Radius of the bright field on the detector.
    pub aperture_px: f64,
    /// Radius of the central stop over that of the plate.
    pub stop: f64,
    /// Phase of the defocus at the aperture's edge.
    pub defocus_rad: f64,
    /// Power: photons a pattern through an empty object.
    pub photons: f64,
}

impl ZonePlate {
    /// The probe, `(n, n)`, √photons: as [`DefocusedDisk::probe`] with an aperture `A` that is dark within `stop · a`.
    pub fn probe(&self) -> Array2<Complex64> {
        let half = (self.n / 2) as f64;
        let mut wave = Array2::from_shape_fn((self.n, self.n), |(row, column)| {
            let squared = ((row as f64 - half).powi(2) + (column as f64 - half).powi(2))
                / self.aperture_px.powi(2);
            let inside = |radius: f64| {
                ((radius - squared.sqrt()) * self.aperture_px / 2.0).clamp(-0.5, 0.5) + 0.5
            };
            let mut edge = inside(1.0);
            if self.stop > 0.0 {
                edge *= 1.0 - inside(self.stop);
            }
            Complex64::from_polar(edge, self.defocus_rad * squared)
        });
        let fft = Fft2::new(self.n, self.n);
        if let Some(plane) = wave.as_slice_mut() {
            fft.inverse(plane, &mut fft.scratch());
        }
        scale_power(wave.view_mut(), self.photons);
        wave
    }
}

/// Scale a wave so that `Σ|P|² = photons`; a wave of zeros stays.
pub fn scale_power(mut wave: ArrayViewMut2<'_, Complex64>, photons: f64) {
    let power: f64 = wave.iter().map(Complex64::norm_sqr).sum();
    if !power.is_zero() {
        let factor = (photons / power).sqrt();
        wave.mapv_inplace(|value| value * factor);
    }
}
