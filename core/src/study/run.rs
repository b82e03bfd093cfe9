//! Execute one task.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::compute::{Compute, DeviceChoice};
use crate::data::write::{Compression, write_npz};
use crate::data::{Dataset, Opened, Reconstruction, Strictness};
use crate::disk;
use crate::error::{Error, Result};
use crate::fields::Fields as _;
use crate::iterative::{
    Computing, Course, EngineKind, Iterative, IterativeSettings, IterativeSnapshot, KernelChoice,
    ObjectInit, PositionMethod,
};
use crate::job::{DriveOptions, Engine as _, Monitor, Progress, Stop, StopReason, drive};
use crate::sim::demo::demonstration;
use crate::study::batches::given_batches;
use crate::study::store::{
    History, InputRecord, Manifest, Naming, OutputRecord, RunFolder, RunState,
};

/// Seed of the demonstration scan where none is asked for.
pub const DEMONSTRATION_SEED: u64 = 0;

/// Where the data of a task come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// The built-in demonstration scan.
    Demonstration,
}

/// One reconstruction, self-contained: everything that decides the result stands here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconstructTask {
    /// Where the data come from.
    pub source: Source,
    /// Engine.
    pub engine: EngineKind,
    /// Its settings.
    pub settings: IterativeSettings,
    /// Threads; 0 = one for each core.
    pub n_threads: usize,
    /// NPZ with `batch_index` and `batch_offset`, given instead of drawn batches.
    pub batches: Option<PathBuf>,
    /// Where the result goes besides the run folder.
    pub output: Option<PathBuf>,
    /// The folder under which the run folder is made, as `runs/scratch`.
    pub runs: PathBuf,
    /// Run folder whose checkpoint to go on from.
    pub resume: Option<PathBuf>,
    /// Result to start from instead of object, probe and positions of the file, as an earlier engine left it.
    #[serde(default)]
    pub start: Option<PathBuf>,
    /// Device asked for.
    #[serde(default)]
    pub device: DeviceChoice,
    /// Kernels asked for.
    #[serde(default)]
    pub kernels: KernelChoice,
    /// What the tensor kernels may take of the device's memory, in GiB; `None` = what there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_memory_gib: Option<f64>,
    /// Stop after this long, keeping the result so far.
    #[serde(default)]
    pub time_limit_s: Option<f64>,
    /// Time between checkpoints; one is always written at the end.
    #[serde(default = "checkpoint_interval_s")]
    pub checkpoint_interval_s: f64,
}

/// Half a minute is what a killed run may lose.
fn checkpoint_interval_s() -> f64 {
    30.0
}

impl Default for ReconstructTask {
    fn default() -> Self {
        Self {
            source: Source::Demonstration,
            engine: EngineKind::Lsqml,
            settings: IterativeSettings::default(),
            n_threads: 0,
            batches: None,
            output: None,
            runs: PathBuf::from("runs/scratch"),
            resume: None,
            start: None,
            device: DeviceChoice::Auto,
            kernels: KernelChoice::Auto,
            device_memory_gib: None,
            time_limit_s: None,
            checkpoint_interval_s: checkpoint_interval_s(),
        }
    }
}

impl ReconstructTask {
    /// Whether the task can run at all, whatever the data.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the field.
    pub fn check(&self) -> Result<()> {
        self.settings.check_ranges()?;
        for (key, seconds) in [
            ("time_limit_s", self.time_limit_s),
            ("checkpoint_interval_s", Some(self.checkpoint_interval_s)),
        ] {
            if let Some(seconds) = seconds
                && Duration::try_from_secs_f64(seconds).is_err()
            {
                let found = format!("{seconds} s");
                return Err(Error::invalid("reconstruct", key, "0 s or more", found));
            }
        }
        Ok(())
    }

    /// What the task computes with, and why.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the device asked for is not there, the kernels cannot run on it, or it may take no memory.
    pub fn computing(&self) -> Result<(Computing, String)> {
        let memory_bytes = self.device_memory_gib.map(device_bytes).transpose()?;
        let compute = Compute::open(self.device, self.n_threads)?;
        let is_cpu = matches!(compute.device(), candle_core::Device::Cpu);
        if self.kernels == KernelChoice::Fused && !is_cpu {
            let error = Error::invalid("reconstruct", "kernels", "auto or tensors", "fused");
            return Err(error.with_fix("fused kernels run on the CPU: use --device cpu"));
        }
        let is_fused = is_cpu && self.kernels != KernelChoice::Tensors;
        let computing = Computing {
            n_threads: compute.n_threads(),
            device: (!is_fused).then(|| compute.device().clone()),
            memory_bytes,
        };
        Ok((computing, compute.reason().to_owned()))
    }

    /// Where the object starts, for the record: a start from the truth is no reconstruction.
    pub fn object_start(&self) -> &'static str {
        match self.settings.object_init {
            ObjectInit::Ones => "ones",
            ObjectInit::File => "objectGuess of the file",
        }
    }

    /// Threads in number.
    pub fn threads(&self) -> usize {
        match self.n_threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n_threads => n_threads,
        }
    }
}

/// Note in the log that a limit of the device's memory was given to kernels that do not take any of it.
pub(super) fn warn_of_idle_limit(computing: &Computing) {
    if computing.device.is_none() && computing.memory_bytes.is_some() {
        tracing::warn!("the limit of the device's memory means nothing to the fused kernels");
    }
}

/// A limit in GiB as bytes.
fn device_bytes(limit_gib: f64) -> Result<u64> {
    if limit_gib.is_finite() && 0.0 < limit_gib {
        return Ok((limit_gib * (1_u64 << 30) as f64) as u64);
    }
    let found = format!("{limit_gib} GiB");
    let error = Error::invalid("reconstruct", "device_memory_gib", "more than 0 GiB", found);
    Err(error.with_fix("give --device-memory-gib what the device may hold, or leave it out"))
}

/// What a task yields.
pub struct ReconstructOutcome {
    /// The result.
    pub reconstruction: Reconstruction,
    /// Why the run stopped.
    pub reason: StopReason,
    /// How it went.
    pub course: Course,
    /// Device that computed: `cpu`, `cuda` or `metal`.
    pub device: &'static str,
    /// Why it was this device.
    pub device_reason: String,
    /// Factor put on the file's probe before the first epoch.
    pub probe_scale: f64,
    /// The run folder with manifest, history, log, checkpoint and result.
    pub run_folder: PathBuf,
}

/// Read the data of a task.
///
/// # Errors
/// As [`Dataset::open`].
pub fn open_source(source: &Source, strictness: Strictness) -> Result<Opened> {
    match source {
        Source::File(path) => Dataset::open(path, strictness),
        Source::Demonstration => Ok(Opened {
            dataset: demonstration(DEMONSTRATION_SEED)?,
            repairs: Vec::new(),
            path: PathBuf::from("demonstration"),
        }),
    }
}

/// Run one reconstruction: make a run folder, drive the engine, keep checkpoint, history and result.
///
/// A run that was stopped or diverged yields its last good state; [`ReconstructOutcome::reason`] says which.
/// Messages are `tracing` events within a span `run` whose field `folder` is the run folder.
/// With [`ReconstructTask::resume`] the run goes on from that folder's checkpoint in a folder of its own,
/// so that the earlier result stays as it is.
///
/// # Errors
/// [`Error::Invalid`] if it cannot start; [`Error::Io`] if the folder cannot be written; [`Error::Run`].
pub fn reconstruct(
    task: &ReconstructTask,
    dataset: Arc<Dataset>,
    monitor: &dyn Monitor<IterativeSnapshot>,
) -> Result<ReconstructOutcome> {
    reconstruct_into(task, dataset, None, monitor)
}

/// As [`reconstruct`], in this folder instead of a new one. With [`ReconstructTask::resume`] the same folder, the run goes on
/// where it was left, in its own place.
///
/// The result names its files from its folder ([`Naming::Beside`]).
///
/// # Errors
/// As [`reconstruct`].
pub fn reconstruct_in(
    task: &ReconstructTask,
    dataset: Arc<Dataset>,
    folder: &Path,
    monitor: &dyn Monitor<IterativeSnapshot>,
) -> Result<ReconstructOutcome> {
    reconstruct_into(task, dataset, Some(folder), monitor)
}

fn reconstruct_into(
    task: &ReconstructTask,
    dataset: Arc<Dataset>,
    folder: Option<&Path>,
    monitor: &dyn Monitor<IterativeSnapshot>,
) -> Result<ReconstructOutcome> {
    task.check()?;
    let input = InputRecord::of(&task.source, &dataset);
    let repairs = dataset.metadata().repairs.clone();
    let (computing, device_reason) = task.computing()?;
    warn_of_idle_limit(&computing);
    let engine = prepare(task, dataset, computing)?;
    let (folder, naming) = match folder {
        Some(folder) => (RunFolder::at(folder)?, Naming::Beside),
        None => (RunFolder::create(&task.runs)?, Naming::Absolute),
    };
    let span = tracing::info_span!("run", folder = %folder.path().display());
    let _inside = span.enter();
    tracing::info!(
        patterns = input.n_patterns,
        n = input.n,
        epochs = task.settings.epochs,
        "reconstruction started"
    );
    let mut manifest = Manifest::begin(task, input, (engine.device(), &device_reason));
    manifest.repairs = repairs;
    folder.write_manifest(&manifest)?;
    let outcome = execute(task, engine, (&folder, naming), &mut manifest, monitor);
    match &outcome {
        Ok(outcome) => {
            manifest.end(RunState::Ended);
            manifest.reason = Some(outcome.reason.clone());
            tracing::info!(
                epochs = manifest.epochs_done,
                "{}",
                in_words(&outcome.reason)
            );
        }
        Err(error) => {
            manifest.end(RunState::Failed);
            manifest.error = Some(error.to_string());
            tracing::error!("{error}");
        }
    }
    let recorded = folder.write_manifest(&manifest);
    // The run's own error matters more than that of its record.
    let outcome = outcome?;
    recorded?;
    Ok(outcome)
}

/// A reason for stopping, for a log or a terminal.
pub fn in_words(reason: &StopReason) -> String {
    match reason {
        StopReason::Finished => "all epochs are done".to_owned(),
        StopReason::Cancelled => "stopped by the user; the result so far was kept".to_owned(),
        StopReason::Diverged { epoch, why } => {
            format!("diverged in epoch {epoch}: {why}; the last good state was kept")
        }
        StopReason::TimedOut => {
            "the time allowed is used up; the result so far was kept".to_owned()
        }
    }
}

fn prepare(
    task: &ReconstructTask,
    dataset: Arc<Dataset>,
    computing: Computing,
) -> Result<Iterative> {
    let n_patterns = dataset.n_patterns();
    let settings = task.settings.clone();
    let mut engine = match &task.resume {
        Some(folder) => {
            let folder = RunFolder::open(folder)?;
            let checkpoint = folder.checkpoint_file();
            Iterative::resume(task.engine, dataset, settings, computing, &checkpoint)?
        }
        None => Iterative::on(task.engine, dataset, settings, computing)?,
    };
    if let (Some(file), None) = (&task.start, &task.resume) {
        let start = Reconstruction::load(file)?;
        engine = engine
            .with_start(&start)
            .map_err(|error| error.with_file(file))?;
    }
    match &task.batches {
        Some(file) => engine.with_batches(given_batches(file, n_patterns)?),
        None => Ok(engine),
    }
}

fn execute(
    task: &ReconstructTask,
    mut engine: Iterative,
    (folder, naming): (&RunFolder, Naming),
    manifest: &mut Manifest,
    monitor: &dyn Monitor<IterativeSnapshot>,
) -> Result<ReconstructOutcome> {
    let checkpoint = folder.checkpoint_file();
    let options = DriveOptions {
        checkpoint: Some(checkpoint.clone()),
        checkpoint_interval: Some(Duration::from_secs_f64(task.checkpoint_interval_s)),
        time_limit: task.time_limit_s.map(Duration::from_secs_f64),
    };
    let reason = drive(&mut engine, &options, &EpochLog::new(monitor))?;
    manifest.epochs_done = engine.progress().epoch;
    let mut reconstruction = engine.reconstruction();
    let course = engine.course();
    add_provenance(&mut reconstruction, manifest, (folder, naming), &reason);
    let history = History::of(&course);
    folder.write_history(&history)?;
    let result = folder.result_file();
    reconstruction.save(&result)?;
    let mut files = vec![folder.history_file(), checkpoint, result];
    files.extend(write_varied(folder, &engine, &course)?);
    for file in &files {
        manifest.outputs.push(OutputRecord::of(file, folder)?);
    }
    if let Some(output) = &task.output {
        reconstruction.save(output)?;
        let output = std::path::absolute(output).map_err(Error::io("find", output))?;
        manifest.outputs.push(OutputRecord::of(&output, folder)?);
    }
    let probe_scale = engine.probe_scale();
    Ok(ReconstructOutcome {
        reconstruction,
        reason,
        course,
        device: engine.device(),
        device_reason: manifest.device_reason.clone(),
        probe_scale,
        run_folder: folder.path().to_path_buf(),
    })
}

/// What an engine refined beside object and probe, as files of its own: OPR modes and weights, and positions beside those given.
fn write_varied(folder: &RunFolder, engine: &Iterative, course: &Course) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !course.opr_weights.is_empty() {
        let file = folder.opr_file();
        write_npz(&file, |npz| {
            npz.array("opr_modes", Compression::Deflated, &course.opr_modes.view())?;
            npz.array(
                "opr_weights",
                Compression::Deflated,
                &course.opr_weights.view(),
            )
        })?;
        files.push(file);
    }
    let settings = engine.settings();
    let is_refined = settings.refine_positions != PositionMethod::Off;
    if is_refined && engine.engine().uses("refine_positions") {
        let mut text = String::from("pattern,row_px,column_px,row_given_px,column_given_px\n");
        let pairs = course.positions_px.iter().zip(engine.given_positions_px());
        for (i, ([row, column], [row_given, column_given])) in pairs.enumerate() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{i},{row},{column},{row_given},{column_given}");
        }
        let file = folder.positions_file();
        disk::write(&file, text.as_bytes())?;
        files.push(file);
    }
    Ok(files)
}

/// What a reader of the result alone has to know; no times, they stand in the manifest.
fn add_provenance(
    reconstruction: &mut Reconstruction,
    manifest: &Manifest,
    (folder, naming): (&RunFolder, Naming),
    reason: &StopReason,
) {
    let name = |path: &Path| naming.name(path, folder.path());
    let input = InputRecord {
        path: manifest.input.path.as_deref().map(name),
        ..manifest.input.clone()
    };
    if !reconstruction.provenance.is_object() {
        reconstruction.provenance = json!({});
    }
    let added = [
        ("schema", json!(manifest.schema)),
        ("program", json!(manifest.program)),
        ("version", json!(manifest.version)),
        ("run_folder", json!(name(folder.path()))),
        ("input", json!(input)),
        ("settings", json!(manifest.task.settings)),
        ("seeds", json!(manifest.seeds)),
        ("repairs", json!(manifest.repairs)),
        ("reason", json!(reason)),
        ("epochs_done", json!(manifest.epochs_done)),
        ("device", json!(manifest.device)),
        ("pixel_size_m", json!(manifest.input.pixel_size_m)),
    ];
    for (key, value) in added {
        reconstruction.provenance[key] = value;
    }
}

/// The shortest time between two epochs noted in the log: those of a small scan come by the thousand.
const LOG_INTERVAL: Duration = Duration::from_millis(100);

/// Passes everything on and notes whole epochs in the log.
struct EpochLog<'a> {
    inner: &'a dyn Monitor<IterativeSnapshot>,
    noted: Mutex<Option<(usize, Instant)>>,
}

impl<'a> EpochLog<'a> {
    fn new(inner: &'a dyn Monitor<IterativeSnapshot>) -> Self {
        Self {
            inner,
            noted: Mutex::new(None),
        }
    }
}

impl Monitor<IterativeSnapshot> for EpochLog<'_> {
    fn stop(&self) -> &Stop {
        self.inner.stop()
    }

    fn progress(&self, progress: Progress) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = noted.is_none_or(|(epoch, at)| {
            epoch < progress.epoch
                && (LOG_INTERVAL <= at.elapsed() || progress.epoch == progress.n_epochs)
        });
        if is_new && 0 < progress.epoch {
            *noted = Some((progress.epoch, Instant::now()));
            tracing::debug!(
                epoch = progress.epoch,
                n_epochs = progress.n_epochs,
                loss = progress.loss,
                patterns_per_s = progress.rate_per_s,
                "epoch done"
            );
        }
        drop(noted);
        self.inner.progress(progress);
    }

    fn snapshot(&self, snapshot: IterativeSnapshot) {
        self.inner.snapshot(snapshot);
    }
}

/// The file that another one names, as [`Naming`] says.
pub(crate) fn named_by(file: &Path, name: &str) -> PathBuf {
    match file.parent() {
        Some(folder) => folder.join(name),
        None => PathBuf::from(name),
    }
}

/// The path of a run folder that a result names, if it does.
pub fn run_folder_of(result: &Path) -> Result<Option<PathBuf>> {
    let reconstruction = Reconstruction::load(result)?;
    let folder = reconstruction.provenance["run_folder"].as_str();
    Ok(folder.map(|folder| named_by(result, folder)))
}
