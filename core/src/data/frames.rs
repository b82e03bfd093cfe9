//! A stack of diffraction amplitudes, in memory or read frame by frame from a memory map.

use ndarray::Array3;

/// Amplitudes `(m, n, n)` in √photons, DC at `[n/2, n/2]`.
pub struct Frames {
    values: Array3<f32>,
}

impl Frames {
    /// Frames in memory.
    pub fn from_array(values: Array3<f32>) -> Self {
        Self { values }
    }

    /// Number of frames.
    pub fn n_frames(&self) -> usize {
        self.values.dim().0
    }

    /// Side of a frame in pixels.
    pub fn n(&self) -> usize {
        self.values.dim().1
    }

    /// Copy frame `i` in row-major order into `out`, of length `n * n`.
    pub fn read(&self, i: usize, out: &mut [f32]) {
        for (to, from) in out
            .iter_mut()
            .zip(self.values.index_axis(ndarray::Axis(0), i))
        {
            *to = *from;
        }
    }
}
