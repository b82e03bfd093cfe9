//! What a run knows at one moment: plain data, all of it in a checkpoint.

use crate::simd::{Aligned, Real};

/// A complex array as two planes, real and imaginary, each with its own length.
#[derive(Debug, Default)]
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
    /// Batches that had a loss.
    pub(crate) n_losses: f64,
    /// `Σ |change of ψ|²`, of DM and RAAR.
    pub(crate) change: f64,
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
            n_losses: 0.0,
            change: 0.0,
        }
    }
}

impl Partial {
    pub(crate) fn to_array(self) -> [f64; 10] {
        let Self {
            loss,
            error,
            measured,
            predicted,
            probe_steps,
            least_object_step,
            n_patterns,
            seconds,
            n_losses,
            change,
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
            n_losses,
            change,
        ]
    }

    pub(crate) fn from_array(values: [f64; 10]) -> Self {
        let [
            loss,
            error,
            measured,
            predicted,
            probe_steps,
            least_object_step,
            n_patterns,
            seconds,
            n_losses,
            change,
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
            n_losses,
            change,
        }
    }
}

/// Where a patch lies on the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Place {
    /// First row and column.
    pub(crate) corner: [usize; 2],
    /// Sub-pixel part of the position.
    pub(crate) shift_px: [f64; 2],
}

/// Numbers of every whole epoch, for plots and records.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Traces {
    /// Loss.
    pub(crate) loss: Vec<f64>,
    /// Engine time.
    pub(crate) seconds: Vec<f64>,
    /// Fourier errors, which momentum looks at.
    pub(crate) fourier_errors: Vec<f64>,
    /// Power of all probe modes together, in counts.
    pub(crate) probe_power: Vec<f64>,
    /// Rms distance of the positions from the given ones, in px.
    pub(crate) position_rms_px: Vec<f64>,
}

/// The whole state. The probe's scale is the file's (orthonormal transform, √photons).
#[derive(Debug, Default)]
pub(crate) struct State<T> {
    /// Object on the padded canvas, row-major with a stride.
    pub(crate) object: Planes<T>,
    /// Probe modes, one tiled field after the other.
    pub(crate) probe: Aligned<T>,
    /// Modes of orthogonal probe relaxation beside the first probe mode, as tiled fields.
    pub(crate) opr_modes: Aligned<T>,
    /// Weights `(m, 1 + n_opr)`, row by row: of the first probe mode, then of the OPR modes.
    pub(crate) opr_weights: Vec<f64>,
    /// Positions (row, column) in the object frame, in px.
    pub(crate) positions_px: Vec<[f64; 2]>,
    /// Where these lie; follows from them.
    pub(crate) places: Vec<Place>,
    /// Steps at the detector of every pattern, of pty-chi's Poisson model.
    pub(crate) detector_steps: Vec<f64>,
    /// Illumination `W` on the canvas; 0 before the first epoch.
    pub(crate) illumination: Aligned<T>,
    /// Epochs whose illumination is in: `epoch + 1` once the epoch's update is done.
    pub(crate) n_illuminated: usize,
    /// Compact batches: object direction summed over the epoch so far. Other batches with momentum: the object at the
    /// epoch's start. DM and RAAR: numerator of the object.
    pub(crate) carried_object: Planes<T>,
    /// RAAR: numerator of the object of the other projection.
    pub(crate) carried_other: Planes<T>,
    /// DM and RAAR: denominator of the object, on the canvas.
    pub(crate) carried_weight: Aligned<T>,
    /// Momentum: probe direction of the epoch, all modes. DM and RAAR: numerator of the probe, in the Fourier plane.
    pub(crate) carried_probe: Aligned<T>,
    /// DM and RAAR: denominator of the probe, a field in the Fourier plane.
    pub(crate) carried_probe_weight: Aligned<T>,
    pub(crate) object_velocity: Planes<T>,
    pub(crate) probe_velocity: Aligned<T>,
    /// DM and RAAR: exit waves, pattern by pattern, mode by mode, as tiled fields; empty before the first epoch.
    pub(crate) waves: Aligned<T>,
    /// Past object steps in the box of patch centres, each of rms 1, oldest first.
    pub(crate) object_history: Vec<Vec<T>>,
    /// Past steps of the first probe mode, each of rms 1, oldest first.
    pub(crate) probe_history: Vec<Vec<T>>,
    pub(crate) traces: Traces,
    /// Whole epochs done.
    pub(crate) epoch: usize,
    /// Steps done of the epoch under way: batches, phase after phase.
    pub(crate) cursor: usize,
    pub(crate) partial: Partial,
}

impl<T: Real> State<T> {
    /// Modes that OPR weights belong to, the first probe mode among them.
    pub(crate) fn n_opr(&self) -> usize {
        if self.places.is_empty() {
            return 1;
        }
        self.opr_weights.len() / self.places.len()
    }

    /// Copy everything but the exit waves, keeping the room already there; without them a state starts them anew.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.object.copy_from(&other.object);
        self.probe.clone_from(&other.probe);
        self.opr_modes.clone_from(&other.opr_modes);
        self.opr_weights.clone_from(&other.opr_weights);
        self.positions_px.clone_from(&other.positions_px);
        self.places.clone_from(&other.places);
        self.detector_steps.clone_from(&other.detector_steps);
        self.illumination.clone_from(&other.illumination);
        self.n_illuminated = other.n_illuminated;
        self.carried_object.copy_from(&other.carried_object);
        self.carried_other.copy_from(&other.carried_other);
        self.carried_weight.clone_from(&other.carried_weight);
        self.carried_probe.clone_from(&other.carried_probe);
        self.carried_probe_weight
            .clone_from(&other.carried_probe_weight);
        self.object_velocity.copy_from(&other.object_velocity);
        self.probe_velocity.clone_from(&other.probe_velocity);
        self.object_history.clone_from(&other.object_history);
        self.probe_history.clone_from(&other.probe_history);
        self.traces.clone_from(&other.traces);
        self.epoch = other.epoch;
        self.cursor = other.cursor;
        self.partial = other.partial;
    }
}
