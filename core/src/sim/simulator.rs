//! Patterns by the forward model, fast: one core's cache holds everything of a pattern, nothing is allocated for it.
//!
//! [`crate::forward::Forward`] in double precision is the slow twin that tests this.

use std::sync::Arc;

use ndarray::{Array2, Array3};
use num_complex::Complex32;

use crate::data::Frames;
use crate::error::Result;
use crate::forward::Subpixel;
use crate::job::Monitor;

/// Patterns of one scan at one dose.
pub struct Simulator {
    _private: (),
}

impl Simulator {
    /// Patterns of `object` `(h, w)` under `probe` `(k, n, n)` (√photons: its scale is the dose) at `positions_px`;
    /// photon noise of pattern `i` comes from `stream_at(noise_seed, Purpose::Noise, i)`.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] if a patch leaves the object, or shapes do not fit.
    pub fn new(
        object: Arc<Array2<Complex32>>,
        probe: Arc<Array3<Complex32>>,
        positions_px: Arc<[[f64; 2]]>,
        subpixel: Subpixel,
        noise_seed: u64,
    ) -> Result<Self> {
        let _ = (object, probe, positions_px, subpixel, noise_seed);
        unimplemented!("simulator")
    }

    /// Number of patterns.
    pub fn n_patterns(&self) -> usize {
        unimplemented!("simulator")
    }

    /// Side of a pattern.
    pub fn n(&self) -> usize {
        unimplemented!("simulator")
    }

    /// Expected counts of pattern `i`, row-major, DC at `[n/2, n/2]`.
    pub fn intensity(&self, i: usize, out: &mut [f32]) {
        let _ = (i, out);
        unimplemented!("simulator")
    }

    /// `√Poisson(intensity)` of pattern `i`: the same every time, on any thread.
    pub fn amplitude(&self, i: usize, out: &mut [f32]) {
        let _ = (i, out);
        unimplemented!("simulator")
    }

    /// Photons that each pattern is expected to have: `Σ|P · O_patch|²` over modes and pixels (Parseval), in the order
    /// of the positions, computed in parallel on the current rayon pool.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn expected_photons(&self, monitor: &dyn Monitor<()>) -> Result<Vec<f64>> {
        let _ = monitor;
        unimplemented!("simulator")
    }

    /// All amplitudes, drawn whenever they are read.
    pub fn frames(self: &Arc<Self>) -> Frames {
        let simulator = Arc::clone(self);
        Frames::from_fn(self.n_patterns(), self.n(), move |i, out| {
            simulator.amplitude(i, out);
        })
    }
}
