//! What a run shows of itself: settings, course, result.

use ndarray::{Array2, Array3};
use num_complex::{Complex, Complex32};

use super::{Course, IterativeOf};
use crate::data::Reconstruction;
use crate::iterative::batches::BatchSource;
use crate::iterative::state::State;
use crate::iterative::{EngineKind, IterativeSettings, ObjectInit};
use crate::simd::Real;

impl<T: Real> IterativeOf<T> {
    /// The settings in use.
    pub fn settings(&self) -> &IterativeSettings {
        &self.settings
    }

    /// Positions (row, column) in px as the dataset gives them.
    pub fn given_positions_px(&self) -> &[[f64; 2]] {
        self.scan.dataset.positions_px()
    }

    /// Which engine it is.
    pub fn engine(&self) -> EngineKind {
        self.engine
    }

    /// Engine time of every whole epoch so far, in seconds.
    pub fn seconds_per_epoch(&self) -> &[f64] {
        &self.shown().traces.seconds
    }

    /// Loss of every whole epoch so far: the mean over batches of `mean (√(y + 1e-7) - √(I + 1e-7))²`, each batch
    /// predicted before its update, over all pixels; those left out count 0. The same in every engine, so that they can be compared; with
    /// [`Compatibility::Ptychi`](crate::iterative::Compatibility::Ptychi) that of DM and RAAR is the norm of the exit waves' change.
    pub fn loss(&self) -> &[f64] {
        &self.shown().traces.loss
    }

    /// How the run went so far.
    pub fn course(&self) -> Course {
        let state = self.shown();
        let n_opr = state.n_opr();
        let is_refined = self.settings.opr_modes > 0 || self.settings.vary_intensity;
        let rows = if is_refined { state.places.len() } else { 0 };
        let weights = state.opr_weights[..rows * n_opr].to_vec();
        Course {
            loss: state.traces.loss.clone(),
            seconds_per_epoch: state.traces.seconds.clone(),
            probe_power: state.traces.probe_power.clone(),
            position_rms_px: state.traces.position_rms_px.clone(),
            positions_px: state.positions_px.clone(),
            opr_weights: Array2::from_shape_vec((rows, n_opr), weights).unwrap_or_default(),
            opr_modes: self.opr_modes().mapv(single),
        }
    }

    /// `cpu`, `cuda` or `metal`.
    pub fn device(&self) -> &'static str {
        self.kernels.device()
    }

    /// The state that is whole: while an epoch runs on a device, that of the last one's end.
    pub(super) fn shown(&self) -> &State<T> {
        if self.kernels.is_remote() && self.state.cursor != 0 {
            &self.good
        } else {
            &self.state
        }
    }

    /// Factor put on the file's probe before the first epoch.
    pub fn probe_scale(&self) -> f64 {
        self.probe_scale
    }

    /// Threads in use.
    pub fn n_threads(&self) -> usize {
        self.computing.n_threads
    }

    /// The object `(h, w)` in the object frame, in the engine's precision.
    pub fn object(&self) -> Array2<Complex<T>> {
        self.scan.object(&self.shown().object)
    }

    /// The probe modes `(k, n, n)` in the engine's precision.
    pub fn probe(&self) -> Array3<Complex<T>> {
        self.scan.probe(&self.shown().probe)
    }

    /// The modes `(r, n, n)` of orthogonal probe relaxation in the engine's precision, in √photons at a weight of 1.
    pub fn opr_modes(&self) -> Array3<Complex<T>> {
        self.scan.probe(&self.shown().opr_modes)
    }

    /// The batches of an epoch, counted from 0.
    pub fn epoch_batches(&self, epoch: usize) -> Vec<Vec<usize>> {
        self.batches.epoch(epoch)
    }

    /// The result so far; valid after any number of steps.
    pub fn reconstruction(&self) -> Reconstruction {
        Reconstruction {
            object: self.object().mapv(single),
            coverage: None,
            probe: self.probe().mapv(single),
            positions_px: self.shown().positions_px.clone(),
            loss: self.loss().to_vec(),
            algorithm: self.engine.name().to_owned(),
            provenance: self.provenance(),
        }
    }

    pub(super) fn provenance(&self) -> serde_json::Value {
        let start = match (&self.started_from, self.settings.object_init) {
            (Some(algorithm), _) => format!("a result of {algorithm}"),
            (None, ObjectInit::Ones) => "ones".to_owned(),
            (None, ObjectInit::File) => {
                "the file's objectGuess: a start from the truth is no reconstruction".to_owned()
            }
        };
        serde_json::json!({
            "program": "ptychobench",
            "version": env!("CARGO_PKG_VERSION"),
            "algorithm": self.engine.name(),
            "device": self.kernels.device(),
            "precision": T::NAME,
            "settings": &self.settings,
            "seed": self.settings.seed,
            "batches": if matches!(self.batches, BatchSource::Given(_)) { "given" } else { "drawn" },
            "object_start": start,
            "epochs_done": self.shown().epoch,
            "batches_done_of_next_epoch": self.shown().cursor,
            "probe_scale": self.probe_scale,
            "input_sha256": self.dataset_sha256(),
            "input_repairs": &self.scan.dataset.metadata().repairs,
        })
    }
}

pub(super) fn single<T: Real>(value: Complex<T>) -> Complex32 {
    Complex32::new(value.re.wide() as f32, value.im.wide() as f32)
}
