//! Least-squares maximum likelihood (LSQML).
//!
//! The method of Odstrčil, Menzel and Guizar-Sicairos (Opt. Express 26, 3108, 2018) as pty-chi 2.2.0 carries it out,
//! with its constants and defaults: Gaussian noise model, incoherent probe modes, a preconditioned object direction and
//! step sizes solved pattern by pattern for object and probe together.
//!
//! For pattern i of a batch, with P̃ the probe shifted to the sub-pixel position and O the whole-pixel patch:
//!
//! ```text
//! Ψ = F{O P̃},  y = Σ_modes |Ψ|²,  χ = F⁻¹{ w (√I / (√y + 1e-9) - 1) Ψ },  w = 1/(2σ)²
//! ΔO = Σ_i χ P̃* / D,   D = √(W² + (c max W)²),   W = Σ_i |P|²
//! ΔP = mean_i shift⁻¹(χ O*)
//! O += trimmed mean of α · ΔO,   P += mean of β · ΔP       (α, β: a 2x2 system for each pattern)
//! ```
//!
//! Where the original has faults, this engine does the right thing by default: every probe mode is shifted (not the
//! first alone), odd sizes are centred, batches are drawn from the seed. [`Compatibility::Ptychi`](crate::iterative::Compatibility::Ptychi) keeps the first two.
//! With the rescale of the first epoch on, n epochs are n - 1 updates.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use ndarray::{Array2, Array3};
use num_complex::{Complex, Complex32};

use crate::data::{Dataset, Reconstruction};
use crate::error::{Error, Result};
use crate::fields::Fields as _;
use crate::iterative::batches::{BatchSource, EpochBatches};
use crate::iterative::minibatch::{Minibatch, Workspace};
use crate::iterative::scan::{Scan, first_probe};
use crate::iterative::state::{Partial, Planes, State};
use crate::iterative::{LsqmlSettings, ObjectInit, ProbeScale, checkpoint, epoch};
use crate::job::{Engine, Progress, Step, Stop};
use crate::simd::{Aligned, Real};

/// A probe whose power is below this share of the mean measured counts has vanished.
const VANISHED: f64 = 1e-6;

/// What a window shows of a running reconstruction.
#[derive(Clone, Debug)]
pub struct LsqmlSnapshot {
    /// `(h, w)` in the object frame.
    pub object: Array2<Complex32>,
    /// Probe modes `(k, n, n)`.
    pub probe: Array3<Complex32>,
    /// Loss of every whole epoch so far.
    pub loss: Vec<f64>,
    /// Seconds of every whole epoch so far.
    pub seconds_per_epoch: Vec<f64>,
}

/// The batches of a whole run, given instead of drawn: `batches[epoch][batch]` are pattern indices.
pub type GivenBatches = Vec<Vec<Vec<usize>>>;

/// The engine in single precision.
pub type Lsqml = LsqmlOf<f32>;

/// The engine, in single or double precision.
pub struct LsqmlOf<T: Real> {
    settings: LsqmlSettings,
    scan: Scan<T>,
    batches: BatchSource,
    state: State<T>,
    /// State at the end of the last good epoch.
    good: State<T>,
    work: Workspace<T>,
    pool: rayon::ThreadPool,
    n_threads: usize,
    /// The batches of the epoch under way.
    under_way: Option<(usize, EpochBatches)>,
    /// The epoch that `1/D` stands for.
    damped: Option<usize>,
    probe_scale: f64,
    trouble: Option<String>,
    dataset_sha256: OnceLock<String>,
}

impl<T: Real> LsqmlOf<T> {
    /// Prepare a run from the start; `n_threads` 0 means one for each core.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a setting does not suit the dataset.
    pub fn new(dataset: Arc<Dataset>, settings: LsqmlSettings, n_threads: usize) -> Result<Self> {
        settings.check_ranges()?;
        check_probe(&dataset)?;
        let available = std::thread::available_parallelism().map_or(1, usize::from);
        let n_threads = if n_threads == 0 { available } else { n_threads };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .thread_name(|i| format!("lsqml {i}"))
            .build()
            .map_err(|error| Error::Run(format!("no threads for the computation: {error}")))?;
        let scan = pool.install(|| Scan::new(dataset, settings.compat))?;
        let dataset = &scan.dataset;
        let mut probe = first_probe(dataset, &settings);
        let mut probe_scale = 1.0;
        if settings.probe_scale == ProbeScale::Match {
            let power: f64 = probe.iter().map(Complex::norm_sqr).sum();
            probe_scale = (scan.mean_counts / power).sqrt();
            probe.mapv_inplace(|value| value * probe_scale);
        }
        let probe = scan.tiled(&probe.mapv(|v| Complex::new(T::of(v.re), T::of(v.im))));
        let batches = BatchSource::new(&settings, dataset.positions_px());
        let state = first_state(&scan, scan.first_object(settings.object_init)?, probe);
        let mut good = first_state(&scan, Planes::zeros(scan.canvas_len()), state.probe.clone());
        good.copy_from(&state);
        let work = Workspace::new(&scan, &settings, batches.largest(), n_threads);
        Ok(Self {
            settings,
            scan,
            batches,
            state,
            good,
            work,
            pool,
            n_threads,
            under_way: None,
            damped: None,
            probe_scale,
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
        self.work = Workspace::new(
            &self.scan,
            &self.settings,
            self.batches.largest(),
            self.n_threads,
        );
        self.under_way = None;
        self.damped = None;
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
        self.good.copy_from(&self.state);
        self.probe_scale = 1.0;
        Ok(self)
    }

    /// Go on from a checkpoint; `settings.epochs` is the new total, the other settings must be those of the checkpoint.
    ///
    /// Batches that were given have to be given again.
    ///
    /// # Errors
    /// [`Error::Invalid`] if dataset or settings differ; [`Error::Refused`] if the file is none of ours.
    pub fn resume(
        dataset: Arc<Dataset>,
        settings: LsqmlSettings,
        n_threads: usize,
        checkpoint: &Path,
    ) -> Result<Self> {
        let mut engine = Self::new(dataset, settings, n_threads)?;
        let dataset_sha256 = engine.dataset_sha256().to_owned();
        let identity = checkpoint::Identity {
            dataset_sha256: &dataset_sha256,
            settings: &engine.settings,
        };
        checkpoint::read(checkpoint, &identity, &mut engine.state)?;
        engine.good.copy_from(&engine.state);
        Ok(engine)
    }

    /// The total number of epochs, to continue a finished run.
    pub fn set_epochs(&mut self, epochs: usize) {
        self.settings.epochs = epochs;
    }

    /// The settings in use.
    pub fn settings(&self) -> &LsqmlSettings {
        &self.settings
    }

    /// Engine time of every whole epoch so far, in seconds.
    pub fn seconds_per_epoch(&self) -> &[f64] {
        &self.state.seconds
    }

    /// Loss of every whole epoch so far: the mean over batches of `mean (√(y + 1e-7) - √(I + 1e-7))²`, each batch
    /// predicted before its update.
    pub fn loss(&self) -> &[f64] {
        &self.state.loss
    }

    /// Factor put on the file's probe before the first epoch.
    pub fn probe_scale(&self) -> f64 {
        self.probe_scale
    }

    /// Threads in use.
    pub fn n_threads(&self) -> usize {
        self.n_threads
    }

    /// The object `(h, w)` in the object frame, in the engine's precision.
    pub fn object(&self) -> Array2<Complex<T>> {
        self.scan.object(&self.state.object)
    }

    /// The probe modes `(k, n, n)` in the engine's precision.
    pub fn probe(&self) -> Array3<Complex<T>> {
        self.scan.probe(&self.state.probe)
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
            positions_px: self.scan.dataset.positions_px().to_vec(),
            loss: self.state.loss.clone(),
            algorithm: "lsqml".to_owned(),
            provenance: self.provenance(),
        }
    }

    fn provenance(&self) -> serde_json::Value {
        let start = match self.settings.object_init {
            ObjectInit::Ones => "ones",
            ObjectInit::File => {
                "the file's objectGuess: a start from the truth is no reconstruction"
            }
        };
        serde_json::json!({
            "program": "ptychobench",
            "version": env!("CARGO_PKG_VERSION"),
            "algorithm": "lsqml",
            "precision": T::NAME,
            "settings": &self.settings,
            "seed": self.settings.seed,
            "batches": if matches!(self.batches, BatchSource::Given(_)) { "given" } else { "drawn" },
            "object_start": start,
            "epochs_done": self.state.epoch,
            "batches_done_of_next_epoch": self.state.cursor,
            "probe_scale": self.probe_scale,
            "input_sha256": self.dataset_sha256(),
            "input_repairs": &self.scan.dataset.metadata().repairs,
        })
    }

    fn dataset_sha256(&self) -> &str {
        self.dataset_sha256
            .get_or_init(|| self.scan.dataset.content_sha256())
    }

    fn scale_only(&self) -> bool {
        self.state.epoch == 0 && self.settings.rescale_first_epoch
    }

    fn batch_step(&mut self, stop: &Stop) -> Step {
        let now = self.state.epoch;
        let scale_only = self.scale_only();
        let batches = match self.under_way.take() {
            Some((epoch, batches)) if epoch == now => batches,
            _ => self.batches.epoch(now),
        };
        self.prepare_epoch();
        let n_batches = batches.len();
        let minibatch = Minibatch {
            scan: &self.scan,
            settings: &self.settings,
            batch: &batches[self.state.cursor],
            n_batches,
            scale_only,
            stop,
        };
        let (state, work) = (&mut self.state, &mut self.work);
        let size = minibatch.batch.len();
        let result = self.pool.install(|| minibatch.run(state, work));
        self.under_way = Some((now, batches));
        let Some(result) = result else {
            return Step::Dropped;
        };
        epoch::note(&mut self.state, result, size);
        if !result.loss.is_finite() {
            self.trouble = Some(format!("the loss of a batch is {}", result.loss));
        }
        if self.state.cursor < n_batches {
            Step::Within
        } else {
            Step::EpochEnd
        }
    }

    /// Illumination and `1/D`, once an epoch.
    fn prepare_epoch(&mut self) {
        if self.damped == Some(self.state.epoch) {
            return;
        }
        let (scan, state, work) = (&self.scan, &mut self.state, &mut self.work);
        let damping = self.settings.preconditioner_damping;
        self.pool.install(|| {
            epoch::illuminate(scan, state, &mut work.inverse_damped);
            epoch::damp(&state.illumination, damping, &mut work.inverse_damped);
        });
        self.damped = Some(self.state.epoch);
    }

    fn look_for_trouble(&mut self) {
        let power: f64 = self.state.probe.iter().map(|v| v.wide().powi(2)).sum();
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

fn first_state<T: Real>(scan: &Scan<T>, object: Planes<T>, probe: Aligned<T>) -> State<T> {
    let (canvas, field) = (scan.canvas_len(), scan.tiling.field_len());
    State {
        object,
        illumination: Aligned::zeros(canvas),
        n_illuminated: 0,
        carried_object: Planes::zeros(canvas),
        carried_probe: Aligned::zeros(probe.len()),
        object_velocity: Planes::zeros(canvas),
        probe_velocity: Aligned::zeros(field),
        object_history: Vec::new(),
        probe_history: Vec::new(),
        loss: Vec::new(),
        seconds: Vec::new(),
        fourier_errors: Vec::new(),
        epoch: 0,
        cursor: 0,
        partial: Partial::default(),
        probe,
    }
}

impl<T: Real> Engine for LsqmlOf<T> {
    type Snapshot = LsqmlSnapshot;

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
        let step = self.batch_step(stop);
        if step == Step::EpochEnd {
            let scale_only = self.scale_only();
            let (scan, settings, state) = (&self.scan, &self.settings, &mut self.state);
            let inverse_damped = &self.work.inverse_damped;
            self.pool
                .install(|| epoch::end(scan, settings, state, inverse_damped, scale_only));
            self.look_for_trouble();
        }
        let seconds = start.elapsed().as_secs_f64();
        match self.state.seconds.last_mut() {
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
        let seconds = self.state.seconds.last().copied().unwrap_or(0.0);
        Progress {
            epoch: self.state.epoch,
            n_epochs: self.settings.epochs,
            epoch_share: self.state.cursor as f64 / n_batches as f64,
            loss: self.state.loss.last().copied().unwrap_or(f64::NAN),
            rate_per_s: if seconds > 0.0 {
                self.scan.n_patterns() as f64 / seconds
            } else {
                0.0
            },
        }
    }

    fn snapshot(&self) -> LsqmlSnapshot {
        LsqmlSnapshot {
            object: self.object().mapv(single),
            probe: self.probe().mapv(single),
            loss: self.state.loss.clone(),
            seconds_per_epoch: self.state.seconds.clone(),
        }
    }

    fn health(&self) -> Option<String> {
        self.trouble.clone()
    }

    fn restore_last_good(&mut self) {
        self.state.copy_from(&self.good);
        self.trouble = None;
        self.under_way = None;
        self.damped = None;
    }

    fn checkpoint(&self, file: &Path) -> Result<()> {
        let identity = checkpoint::Identity {
            dataset_sha256: self.dataset_sha256(),
            settings: &self.settings,
        };
        checkpoint::write(file, &identity, &self.state)
    }
}
