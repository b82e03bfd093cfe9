//! Short reconstructions of variants of one scan, one after the other, as parts of one task.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::json;

use crate::compute::DeviceChoice;
use crate::data::{Dataset, Reconstruction};
use crate::disk;
use crate::error::{Error, Result};
use crate::fields::Fields as _;
use crate::iterative::{
    Computing, EngineKind, Iterative, IterativeSettings, IterativeSnapshot, KernelChoice,
    ObjectInit,
};
use crate::job::{DriveOptions, Monitor, Progress, Stop, StopReason, drive};
use crate::study::run::{ReconstructTask, Source, warn_of_idle_limit};
use crate::study::store::{InputRecord, RunFolder, utc};

/// What all parts are reconstructed with.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) what: &'static str,
    pub(super) source: &'a Source,
    pub(super) engine: EngineKind,
    pub(super) settings: &'a IterativeSettings,
    pub(super) n_threads: usize,
    pub(super) device: DeviceChoice,
    pub(super) kernels: KernelChoice,
    pub(super) device_memory_gib: Option<f64>,
}

impl Common<'_> {
    /// What to compute with, and why; settings that cannot work are told before anything is done.
    fn computing(&self) -> Result<(Computing, String)> {
        self.settings.check_ranges()?;
        if self.settings.object_init != ObjectInit::Ones {
            let error = Error::invalid(self.what, "object_init", "ones", "file");
            return Err(error.with_fix(
                "use --object-init ones: what starts from an object shows that object, whatever the data say",
            ));
        }
        let task = ReconstructTask {
            engine: self.engine,
            settings: self.settings.clone(),
            n_threads: self.n_threads,
            device: self.device,
            kernels: self.kernels,
            device_memory_gib: self.device_memory_gib,
            ..ReconstructTask::default()
        };
        task.computing()
    }

    /// Open what computes, and a run folder for it under `runs`.
    pub(super) fn begin(&self, runs: &Path) -> Result<UnderWay> {
        let (computing, device_reason) = self.computing()?;
        warn_of_idle_limit(&computing);
        let started = utc(SystemTime::now());
        let folder = RunFolder::create(runs)?;
        let span = tracing::info_span!("run", folder = %folder.path().display());
        Ok(UnderWay {
            computing,
            device_reason,
            started,
            folder,
            span,
        })
    }
}

/// A task of parts that has begun.
pub(super) struct UnderWay {
    pub(super) computing: Computing,
    device_reason: String,
    started: String,
    pub(super) folder: RunFolder,
    /// What is noted within it goes to the folder's log.
    pub(super) span: tracing::Span,
}

impl UnderWay {
    /// Leave the record of the task in its folder, under this name and schema number.
    pub(super) fn record(
        &self,
        (name, schema): (&str, u32),
        (task, input): (&impl Serialize, &InputRecord),
        outcome: &serde_json::Value,
    ) -> Result<()> {
        let record = json!({
            "schema": schema,
            "program": "ptychobench",
            "version": env!("CARGO_PKG_VERSION"),
            "started": self.started,
            "ended": utc(SystemTime::now()),
            "task": task,
            "input": input,
            "device_reason": self.device_reason,
            "outcome": outcome,
        });
        disk::write_json(&self.folder.path().join(name), &record)
    }
}

/// What one part yields.
pub(super) struct Ended {
    pub(super) reconstruction: Reconstruction,
    pub(super) reason: StopReason,
    pub(super) device: &'static str,
}

/// One part among several.
pub(super) struct Part<'a, S> {
    pub(super) monitor: &'a dyn Monitor<S>,
    pub(super) index: usize,
    pub(super) n_parts: usize,
    pub(super) wrap: &'a (dyn Fn(IterativeSnapshot) -> S + Sync),
}

impl<S> Monitor<IterativeSnapshot> for Part<'_, S> {
    fn stop(&self) -> &Stop {
        self.monitor.stop()
    }

    fn progress(&self, progress: Progress) {
        self.monitor.progress(Progress {
            epoch: self.index * progress.n_epochs + progress.epoch,
            n_epochs: self.n_parts * progress.n_epochs,
            ..progress
        });
    }

    fn snapshot(&self, snapshot: IterativeSnapshot) {
        self.monitor.snapshot((self.wrap)(snapshot));
    }
}

/// Reconstruct one variant and write its result; `provenance` is added to that of the engine.
pub(super) fn part<S>(
    common: &Common<'_>,
    dataset: Arc<Dataset>,
    computing: &Computing,
    (file, provenance): (&Path, serde_json::Value),
    monitor: &Part<'_, S>,
) -> Result<Ended> {
    let (engine, settings) = (common.engine, common.settings.clone());
    let input = InputRecord::of(common.source, &dataset);
    let mut engine = Iterative::on(engine, dataset, settings, computing.clone())?;
    let reason = drive(&mut engine, &DriveOptions::default(), monitor)?;
    let mut reconstruction = engine.reconstruction();
    let added = [("input", json!(input)), ("reason", json!(reason))];
    let given = provenance.as_object().cloned().unwrap_or_default();
    for (key, value) in added
        .map(|(key, value)| (key.to_owned(), value))
        .into_iter()
        .chain(given)
    {
        reconstruction.provenance[key] = value;
    }
    reconstruction.save(file)?;
    Ok(Ended {
        reconstruction,
        reason,
        device: engine.device(),
    })
}
