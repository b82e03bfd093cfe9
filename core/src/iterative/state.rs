//! What a run of LSQML knows at one moment: plain data, all of it in a checkpoint.

use crate::simd::{Aligned, Real};

/// A complex array as two planes, real and imaginary, each with its own length.
#[derive(Debug)]
pub(crate) struct Planes<T> {
    pub(crate) re: Aligned<T>,
    pub(crate) im: Aligned<T>,
}

impl<T: Real> Planes<T> {
    pub(crate) fn zeros(len: usize) -> Self {
        Self {
            re: Aligned::zeros(len),
            im: Aligned::zeros(len),
        }
    }

    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.re.clone_from(&other.re);
        self.im.clone_from(&other.im);
    }
}

/// Sums over the batches of the epoch under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Partial {
    /// Batch losses.
    pub(crate) loss: f64,
    /// Fourier errors of the patterns.
    pub(crate) error: f64,
    /// Measured counts.
    pub(crate) measured: f64,
    /// Predicted counts.
    pub(crate) predicted: f64,
    /// Probe steps of the patterns.
    pub(crate) probe_steps: f64,
    /// Least object step of a batch.
    pub(crate) least_object_step: f64,
    /// Patterns seen.
    pub(crate) n_patterns: f64,
    /// Engine time.
    pub(crate) seconds: f64,
}

impl Default for Partial {
    fn default() -> Self {
        Self {
            loss: 0.0,
            error: 0.0,
            measured: 0.0,
            predicted: 0.0,
            probe_steps: 0.0,
            least_object_step: f64::INFINITY,
            n_patterns: 0.0,
            seconds: 0.0,
        }
    }
}

impl Partial {
    pub(crate) fn to_array(self) -> [f64; 8] {
        let Self {
            loss,
            error,
            measured,
            predicted,
            probe_steps,
            least_object_step,
            n_patterns,
            seconds,
        } = self;
        [
            loss,
            error,
            measured,
            predicted,
            probe_steps,
            least_object_step,
            n_patterns,
            seconds,
        ]
    }

    pub(crate) fn from_array(values: [f64; 8]) -> Self {
        let [
            loss,
            error,
            measured,
            predicted,
            probe_steps,
            least_object_step,
            n_patterns,
            seconds,
        ] = values;
        Self {
            loss,
            error,
            measured,
            predicted,
            probe_steps,
            least_object_step,
            n_patterns,
            seconds,
        }
    }
}

/// The whole state. The probe's scale is the file's (orthonormal transform, √photons).
#[derive(Debug)]
pub(crate) struct State<T> {
    /// Object on the padded canvas, row-major with a stride.
    pub(crate) object: Planes<T>,
    /// Probe modes, one tiled field after the other.
    pub(crate) probe: Aligned<T>,
    /// Illumination `W` on the canvas; 0 before the first epoch.
    pub(crate) illumination: Aligned<T>,
    /// Epochs whose illumination is in: `epoch + 1` once the epoch's update is done.
    pub(crate) n_illuminated: usize,
    /// Compact batches: object direction summed over the epoch so far.
    pub(crate) carried_object: Planes<T>,
    /// Momentum: probe direction of the epoch, all modes.
    pub(crate) carried_probe: Aligned<T>,
    pub(crate) object_velocity: Planes<T>,
    pub(crate) probe_velocity: Aligned<T>,
    /// Past object steps in the box of patch centres, each of rms 1, oldest first.
    pub(crate) object_history: Vec<Vec<T>>,
    /// Past steps of the first probe mode, each of rms 1, oldest first.
    pub(crate) probe_history: Vec<Vec<T>>,
    pub(crate) loss: Vec<f64>,
    pub(crate) seconds: Vec<f64>,
    pub(crate) fourier_errors: Vec<f64>,
    /// Whole epochs done.
    pub(crate) epoch: usize,
    /// Batches done of the epoch under way.
    pub(crate) cursor: usize,
    pub(crate) partial: Partial,
}

impl<T: Real> State<T> {
    /// Copy everything, keeping the room already there.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.object.copy_from(&other.object);
        self.probe.clone_from(&other.probe);
        self.illumination.clone_from(&other.illumination);
        self.n_illuminated = other.n_illuminated;
        self.carried_object.copy_from(&other.carried_object);
        self.carried_probe.clone_from(&other.carried_probe);
        self.object_velocity.copy_from(&other.object_velocity);
        self.probe_velocity.clone_from(&other.probe_velocity);
        self.object_history.clone_from(&other.object_history);
        self.probe_history.clone_from(&other.probe_history);
        self.loss.clone_from(&other.loss);
        self.seconds.clone_from(&other.seconds);
        self.fourier_errors.clone_from(&other.fourier_errors);
        self.epoch = other.epoch;
        self.cursor = other.cursor;
        self.partial = other.partial;
    }
}
