//! One driver for every iterative engine: batches, epochs, state, result.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use candle_core::Device;
use ndarray::{Array2, Array3};
use num_complex::{Complex, Complex32};

use crate::data::{Dataset, Reconstruction};
use crate::error::{Error, Result};
use crate::fields::Fields as _;
use crate::iterative::algorithm::{n_kept, n_phases, step};
use crate::iterative::batches::{BatchSource, EpochBatches};
use crate::iterative::epoch::Ending;
use crate::iterative::kernels::fused::Fused;
use crate::iterative::kernels::tensors::tensors;
use crate::iterative::kernels::{Batch, Kernels};
use crate::iterative::scan::{Scan, first_probe, with_modes};
use crate::iterative::state::{Planes, State};
use crate::iterative::{
    EngineKind, IterativeSettings, ObjectInit, ProbeScale, checkpoint, epoch, opr,
};
use crate::job::{Engine, Progress, Step, Stop};
use crate::simd::{Aligned, Real};

/// A probe whose power is below this share of the mean measured counts has vanished.
const VANISHED: f64 = 1e-6;

/// What a window shows of a running reconstruction.
#[derive(Clone, Debug)]
pub struct IterativeSnapshot {
    /// The engine.
    pub engine: EngineKind,
    /// `(h, w)` in the object frame.
    pub object: Array2<Complex32>,
    /// Probe modes `(k, n, n)`.
    pub probe: Array3<Complex32>,
    /// What goes on beside the pictures.
    pub course: Course,
}

/// How a run went: numbers of every whole epoch, and where positions and weights have come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Loss of every whole epoch so far.
    pub loss: Vec<f64>,
    /// Seconds of every whole epoch so far.
    pub seconds_per_epoch: Vec<f64>,
    /// Power of all probe modes together, in counts, after every epoch.
    pub probe_power: Vec<f64>,
    /// Rms distance of the positions from the given ones after every epoch, in px; zeros where they are not refined.
    pub position_rms_px: Vec<f64>,
    /// Positions (row, column) in px, as used or refined.
    pub positions_px: Vec<[f64; 2]>,
    /// Weights `(m, 1 + r)` of the first probe mode and of the OPR modes; empty where neither is refined.
    pub opr_weights: Array2<f64>,
    /// OPR modes `(r, n, n)` in √photons at a weight of 1: each has the power of the first probe mode, so that weights are
    /// shares of its amplitude; empty where there are none.
    pub opr_modes: Array3<Complex32>,
}

/// Where and how an engine computes.
#[derive(Clone, Debug, Default)]
pub struct Computing {
    /// Threads; 0 = one for each core.
    pub n_threads: usize,
    /// Device for the tensor kernels, which may be the CPU; `None` = the fused kernels for the CPU.
    pub device: Option<Device>,
    /// What the tensor kernels may take of the device's memory; `None` = what there is.
    pub memory_bytes: Option<u64>,
}

/// The batches of a whole run, given instead of drawn: `batches[epoch][batch]` are pattern indices.
pub type GivenBatches = Vec<Vec<Vec<usize>>>;

/// An engine in single precision.
pub type Iterative = IterativeOf<f32>;

/// An engine, in single or double precision.
pub struct IterativeOf<T: Real> {
    engine: EngineKind,
    settings: IterativeSettings,
    computing: Computing,
    scan: Scan<T>,
    batches: BatchSource,
    state: State<T>,
    /// State at the end of the last good epoch.
    good: State<T>,
    kernels: Box<dyn Kernels<T>>,
    /// `1/D`
    inverse_damped: Aligned<T>,
    pool: Arc<rayon::ThreadPool>,
    /// The batches of the epoch under way.
    under_way: Option<(usize, EpochBatches)>,
    /// The epoch that `1/D` stands for.
    prepared: Option<usize>,
    probe_scale: f64,
    /// Power of the probe that the run started with.
    first_power: f64,
    /// Where object and probe start, if not from the settings.
    started_from: Option<String>,
    trouble: Option<String>,
    dataset_sha256: OnceLock<String>,
}

impl<T: Real> IterativeOf<T> {
    /// Prepare a run from the start with the fused kernels; `n_threads` 0 means one for each core.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a setting does not suit the dataset.
    pub fn new(
        engine: EngineKind,
        dataset: Arc<Dataset>,
        settings: IterativeSettings,
        n_threads: usize,
    ) -> Result<Self> {
        let computing = Computing {
            n_threads,
            ..Computing::default()
        };
        Self::on(engine, dataset, settings, computing)
    }

    /// Prepare a run from the start.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a setting does not suit the dataset; [`Error::Run`] with the device's words.
    pub fn on(
        engine: EngineKind,
        dataset: Arc<Dataset>,
        settings: IterativeSettings,
        mut computing: Computing,
    ) -> Result<Self> {
        settings.check_ranges()?;
        check_probe(&dataset)?;
        if computing.n_threads == 0 {
            computing.n_threads = std::thread::available_parallelism().map_or(1, usize::from);
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(computing.n_threads)
            .thread_name(|i| format!("engine {i}"))
            .build()
            .map_err(|error| Error::Run(format!("no threads for the computation: {error}")))?;
        let pool = Arc::new(pool);
        let scan = pool.install(|| Scan::new(dataset, &settings))?;
        let dataset = &scan.dataset;
        let mut probe = first_probe(dataset, &settings);
        let mut probe_scale = 1.0;
        if settings.probe_scale == ProbeScale::Match {
            let power: f64 = probe.iter().map(Complex::norm_sqr).sum();
            probe_scale = (scan.mean_counts / power).sqrt();
            probe.mapv_inplace(|value| value * probe_scale);
        }
        let probe = scan.tiled(&probe.mapv(|v| Complex::new(T::of(v.re), T::of(v.im))));
        let batches = if engine.is_in_batches() {
            BatchSource::new(&settings, dataset.positions_px())
        } else {
            BatchSource::in_order(scan.n_patterns(), settings.batch_size)
        };
        let object = scan.first_object(settings.object_init)?;
        let state = first_state(engine, &scan, &settings, object, probe);
        let mut good = State::default();
        good.copy_from(&state);
        let kernels = make_kernels(engine, &scan, &settings, &batches, (&computing, &pool))?;
        let first_power = power(&state.probe);
        Ok(Self {
            inverse_damped: Aligned::zeros(scan.canvas_len()),
            engine,
            settings,
            computing,
            scan,
            batches,
            state,
            good,
            kernels,
            pool,
            under_way: None,
            prepared: None,
            probe_scale,
            first_power,
            started_from: None,
            trouble: None,
            dataset_sha256: OnceLock::new(),
        })
    }

    /// Use these batches instead of drawing them.
    ///
    /// # Errors
    /// [`Error::Invalid`] if an index is out of range or twice in a batch, or there are too few epochs.
    pub fn with_batches(mut self, batches: GivenBatches) -> Result<Self> {
        self.batches = BatchSource::given(batches, self.scan.n_patterns(), self.settings.epochs)?;
        self.kernels = make_kernels(
            self.engine,
            &self.scan,
            &self.settings,
            &self.batches,
            (&self.computing, &self.pool),
        )?;
        self.under_way = None;
        self.prepared = None;
        Ok(self)
    }

    /// Start from the object, probe and positions of an earlier result of the same scan, by whatever engine.
    ///
    /// Probe modes beyond those of the settings are left out, missing ones added as to a file's probe.
    ///
    /// # Errors
    /// [`Error::Invalid`] if object frame, probe or number of positions differ.
    pub fn with_start(mut self, start: &Reconstruction) -> Result<Self> {
        let n = self.scan.tiling.n;
        let frame = self.scan.dataset.object_shape();
        let differs = |key: &str, expected: String, found: String| {
            Err(Error::invalid("start from a result", key, expected, found)
                .with_fix("give a result of the same scan"))
        };
        if start.object.shape() != frame {
            let found = format!("shape {:?}", start.object.shape());
            return differs("reconstructed_object", format!("shape {frame:?}"), found);
        }
        let (n_modes, rows, columns) = start.probe.dim();
        if n_modes == 0 || (rows, columns) != (n, n) {
            let found = format!("shape {:?}", start.probe.dim());
            return differs("reconstructed_probe", format!("shape (k, {n}, {n})"), found);
        }
        if start.positions_px.len() != self.scan.n_patterns() {
            let expected = format!("{} positions", self.scan.n_patterns());
            return differs("xcoords", expected, start.positions_px.len().to_string());
        }
        let probe = with_modes(&start.probe, &self.settings);
        let probe = probe.mapv(|v| Complex::new(T::of(v.re), T::of(v.im)));
        self.state.probe = self.scan.tiled(&probe);
        self.state.object = self.scan.canvas_of(Some(&start.object));
        self.state.positions_px.clone_from(&start.positions_px);
        self.state.places = self.scan.places(&self.state.positions_px);
        self.first_power = power(&self.state.probe);
        self.probe_scale = 1.0;
        self.started_from = Some(start.algorithm.clone());
        self.good.copy_from(&self.state);
        Ok(self)
    }

    /// Start from this probe `(k, n, n)` in √photons, as it is, instead of the file's.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it has another shape.
    pub fn with_probe(mut self, probe: &Array3<Complex<T>>) -> Result<Self> {
        let n = self.scan.tiling.n;
        let expected = (self.settings.probe_modes, n, n);
        if probe.dim() != expected {
            let found = format!("{:?}", probe.dim());
            return Err(Error::invalid(
                "start from a probe",
                "probe",
                format!("shape {expected:?}"),
                found,
            ));
        }
        self.state.probe = self.scan.tiled(probe);
        self.first_power = power(&self.state.probe);
        self.good.copy_from(&self.state);
        self.probe_scale = 1.0;
        Ok(self)
    }

    /// Start from these modes of orthogonal probe relaxation `(r, n, n)` and weights `(m, 1 + r)`, the first probe mode's
    /// first, instead of random ones.
    ///
    /// The modes are brought to the rms of the first probe mode, with [`Compatibility::Ptychi`](crate::iterative::Compatibility::Ptychi) to n √photons; the weights are
    /// taken as they are.
    ///
    /// # Errors
    /// [`Error::Invalid`] if shapes do not fit the settings.
    pub fn with_opr(mut self, modes: &Array3<Complex<T>>, weights: &Array2<f64>) -> Result<Self> {
        let (n, n_opr) = (self.scan.tiling.n, self.state.n_opr());
        let expected = ((n_opr - 1, n, n), (self.scan.n_patterns(), n_opr));
        let found = (modes.dim(), weights.dim());
        if found != expected {
            return Err(Error::invalid(
                "start from OPR modes",
                "modes and weights",
                format!("shapes {expected:?}"),
                format!("{found:?}"),
            ));
        }
        let modes = opr::normalized(&self.scan, &self.settings, &self.state.probe, modes);
        self.state.opr_modes = self.scan.tiled(&modes);
        self.state.opr_weights = weights.iter().copied().collect();
        self.good.copy_from(&self.state);
        Ok(self)
    }

    /// Go on from a checkpoint; `settings.epochs` is the new total, the other settings must be those of the checkpoint.
    ///
    /// Batches that were given have to be given again.
    ///
    /// # Errors
    /// [`Error::Invalid`] if dataset or settings differ; [`Error::Refused`] if the file is none of ours.
    pub fn resume(
        engine: EngineKind,
        dataset: Arc<Dataset>,
        settings: IterativeSettings,
        computing: Computing,
        checkpoint: &Path,
    ) -> Result<Self> {
        let mut engine = Self::on(engine, dataset, settings, computing)?;
        let dataset_sha256 = engine.dataset_sha256().to_owned();
        let identity = checkpoint::Identity {
            dataset_sha256: &dataset_sha256,
            engine: engine.engine,
            settings: &engine.settings,
        };
        checkpoint::read(checkpoint, &identity, &mut engine.state)?;
        engine.state.places = engine.scan.places(&engine.state.positions_px);
        engine.good.copy_from(&engine.state);
        Ok(engine)
    }

    /// The total number of epochs, to continue a finished run.
    pub fn set_epochs(&mut self, epochs: usize) {
        self.settings.epochs = epochs;
    }

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
    fn shown(&self) -> &State<T> {
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

    fn provenance(&self) -> serde_json::Value {
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

    fn dataset_sha256(&self) -> &str {
        self.dataset_sha256
            .get_or_init(|| self.scan.dataset.content_sha256())
    }

    fn batch_step(&mut self, stop: &Stop) -> Result<Step> {
        let now = self.state.epoch;
        let batches = match self.under_way.take() {
            Some((epoch, batches)) if epoch == now => batches,
            _ => self.batches.epoch(now),
        };
        self.prepare_epoch()?;
        let n_batches = batches.len();
        let (phase, at) = (self.state.cursor / n_batches, self.state.cursor % n_batches);
        let batch = Batch {
            scan: &self.scan,
            settings: &self.settings,
            patterns: &batches[at],
            n_batches,
            stop,
        };
        let size = batch.patterns.len();
        let place = (phase, at + 1 == n_batches);
        let (kernels, state) = (&mut *self.kernels, &mut self.state);
        let engine = self.engine;
        let result = self
            .pool
            .install(|| step(engine, kernels, &batch, state, place));
        self.under_way = Some((now, batches));
        let Some(result) = result? else {
            return Ok(Step::Dropped);
        };
        epoch::note(&mut self.state, result, size);
        if !result.loss.is_finite() {
            self.trouble = Some(format!("the loss of a batch is {}", result.loss));
        }
        if self.state.cursor < n_phases(self.engine) * n_batches {
            Ok(Step::Within)
        } else {
            Ok(Step::EpochEnd)
        }
    }

    /// Illumination and `1/D`, once an epoch.
    fn prepare_epoch(&mut self) -> Result<()> {
        if self.prepared == Some(self.state.epoch) {
            return Ok(());
        }
        if self.settings.follows_object(self.engine) && self.state.cursor == 0 {
            // The end of the epoch takes the step from it.
            let State {
                object,
                carried_object,
                ..
            } = &mut self.state;
            carried_object.copy_from(object);
        }
        let (scan, state, room) = (&self.scan, &mut self.state, &mut self.inverse_damped);
        let damping = self.settings.preconditioner_damping;
        self.pool.install(|| {
            epoch::illuminate(scan, state, room);
            epoch::damp(&state.illumination, damping, room);
        });
        self.kernels
            .upload(&self.scan, &self.state, &self.inverse_damped)?;
        self.prepared = Some(self.state.epoch);
        Ok(())
    }

    fn end_epoch(&mut self) -> Result<()> {
        self.kernels.download(&self.scan, &mut self.state)?;
        let ending = Ending {
            engine: self.engine,
            scan: &self.scan,
            settings: &self.settings,
            inverse_damped: &self.inverse_damped,
            first_power: self.first_power,
        };
        let state = &mut self.state;
        self.pool.install(|| epoch::end(&ending, state));
        self.look_for_trouble();
        Ok(())
    }

    fn look_for_trouble(&mut self) {
        let power = power(&self.state.probe);
        if !power.is_finite() {
            self.trouble = Some("the probe holds values that are not finite".to_owned());
        } else if power < VANISHED * self.scan.mean_counts {
            self.trouble = Some(format!(
                "the probe has vanished: its power is {power:.3e}, patterns hold {:.3e} counts",
                self.scan.mean_counts
            ));
        }
        let is_finite = |plane: &[T]| plane.iter().all(|v| v.is_finite());
        if !(is_finite(&self.state.object.re) && is_finite(&self.state.object.im)) {
            self.trouble = Some("the object holds values that are not finite".to_owned());
        }
    }
}

fn single<T: Real>(value: Complex<T>) -> Complex32 {
    Complex32::new(value.re.wide() as f32, value.im.wide() as f32)
}

fn check_probe(dataset: &Dataset) -> Result<()> {
    let power: f64 = dataset
        .probe()
        .iter()
        .map(|v| f64::from(v.norm_sqr()))
        .sum();
    if power > 0.0 && power.is_finite() {
        return Ok(());
    }
    Err(Error::invalid(
        "reconstruct",
        "probeGuess",
        "a probe with finite power above 0",
        format!("power {power}"),
    )
    .with_fix("give a probe that is not empty"))
}

fn power<T: Real>(probe: &[T]) -> f64 {
    probe.iter().map(|value| value.wide().powi(2)).sum()
}

fn make_kernels<T: Real>(
    engine: EngineKind,
    scan: &Scan<T>,
    settings: &IterativeSettings,
    batches: &BatchSource,
    (computing, pool): (&Computing, &Arc<rayon::ThreadPool>),
) -> Result<Box<dyn Kernels<T>>> {
    let sizes = (batches.largest(), n_kept(engine, settings));
    match &computing.device {
        None => Ok(Box::new(Fused::new(
            scan,
            settings,
            sizes,
            Arc::clone(pool),
        ))),
        Some(device) => tensors(scan, settings, sizes, device, computing.memory_bytes),
    }
}

fn first_state<T: Real>(
    engine: EngineKind,
    scan: &Scan<T>,
    settings: &IterativeSettings,
    object: Planes<T>,
    probe: Aligned<T>,
) -> State<T> {
    let (canvas, field) = (scan.canvas_len(), scan.tiling.field_len());
    let is_projected = !engine.is_in_batches();
    let only = |is_used: bool, len: usize| if is_used { len } else { 0 };
    let has_velocity = engine == EngineKind::Lsqml || engine == EngineKind::Mpie;
    let positions_px = scan.dataset.positions_px().to_vec();
    let (opr_modes, opr_weights) = opr::first(engine, scan, settings, &probe);
    State {
        object,
        opr_modes,
        opr_weights,
        places: scan.places(&positions_px),
        detector_steps: vec![0.5; positions_px.len()],
        positions_px,
        illumination: Aligned::zeros(canvas),
        carried_object: Planes::zeros(canvas),
        carried_other: Planes::zeros(only(engine == EngineKind::Raar, canvas)),
        carried_weight: Aligned::zeros(only(is_projected, canvas)),
        carried_probe: Aligned::zeros(probe.len()),
        carried_probe_weight: Aligned::zeros(only(is_projected, field)),
        object_velocity: Planes::zeros(only(has_velocity, canvas)),
        probe_velocity: Aligned::zeros(only(has_velocity, probe.len())),
        probe,
        ..State::default()
    }
}

impl<T: Real> Engine for IterativeOf<T> {
    type Snapshot = IterativeSnapshot;

    fn step(&mut self, stop: &Stop) -> Result<Step> {
        if self.is_finished() {
            return Ok(Step::EpochEnd);
        }
        if self.batches.epoch_is_missing(self.state.epoch) {
            return Err(Error::Run(format!(
                "no batches were given for epoch {}",
                self.state.epoch + 1
            )));
        }
        let start = Instant::now();
        let step = self.batch_step(stop)?;
        if step == Step::EpochEnd {
            self.end_epoch()?;
        }
        let seconds = start.elapsed().as_secs_f64();
        match self.state.traces.seconds.last_mut() {
            Some(last) if step == Step::EpochEnd => *last += seconds,
            _ => self.state.partial.seconds += seconds,
        }
        if step == Step::EpochEnd && self.trouble.is_none() {
            self.good.copy_from(&self.state);
        }
        Ok(step)
    }

    fn is_finished(&self) -> bool {
        self.settings.epochs <= self.state.epoch
    }

    fn progress(&self) -> Progress {
        let n_batches = self
            .under_way
            .as_ref()
            .map_or(1, |(_, batches)| batches.len().max(1));
        let n_steps = n_phases(self.engine) * n_batches;
        let seconds = self.state.traces.seconds.last().copied().unwrap_or(0.0);
        Progress {
            epoch: self.state.epoch,
            n_epochs: self.settings.epochs,
            epoch_share: self.state.cursor as f64 / n_steps as f64,
            loss: self.state.traces.loss.last().copied().unwrap_or(f64::NAN),
            rate_per_s: if seconds > 0.0 {
                self.scan.n_patterns() as f64 / seconds
            } else {
                0.0
            },
        }
    }

    fn snapshot(&self) -> IterativeSnapshot {
        IterativeSnapshot {
            engine: self.engine,
            object: self.object().mapv(single),
            probe: self.probe().mapv(single),
            course: self.course(),
        }
    }

    fn health(&self) -> Option<String> {
        self.trouble.clone()
    }

    fn restore_last_good(&mut self) {
        self.state.copy_from(&self.good);
        self.state.waves = Aligned::default();
        self.trouble = None;
        self.under_way = None;
        self.prepared = None;
    }

    fn checkpoint(&self, file: &Path) -> Result<()> {
        let identity = checkpoint::Identity {
            dataset_sha256: self.dataset_sha256(),
            engine: self.engine,
            settings: &self.settings,
        };
        // A state in the midst of an epoch is not shown, nor are the waves of then.
        let waves = match self.state.cursor {
            0 => self.kernels.waves()?,
            _ => None,
        };
        checkpoint::write(file, &identity, self.shown(), waves.as_deref())
    }
}
