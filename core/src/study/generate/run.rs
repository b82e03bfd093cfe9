//! Execution: every dose that has to run, in a hidden folder that appears as a whole or not at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use serde_json::json;

use crate::disk;
use crate::error::{Error, Result};
use crate::job::Monitor;
use crate::sim::noise::noise_seed;
use crate::sim::stages::{expected_photons, probe_factor};
use crate::study::generate::manifest::{DoseRecord, FileRecord, RunManifest, SCHEMA, StageRecord};
use crate::study::generate::plan::check_room;
use crate::study::generate::progress::{Part, Watch};
use crate::study::generate::scene::{Parted, Prepared, Prior};
use crate::study::generate::{
    GenerateOutcome, GenerateSnapshot, GenerateTask, Stage, StageState, dose_name, make, summary,
};
use crate::study::store::utc;

/// The log's file in a folder.
const LOG: &str = "dataset_generation.log";

/// Generate the datasets; a dose's files appear together when all its stages have passed, or not at all.
///
/// Doses that are done already with the same inputs are left as they are.
///
/// # Errors
/// [`Error::Invalid`] for a task that cannot work, a disk without room; [`Error::Refused`] where a written file does not
/// pass validation; [`Error::Io`]; [`Error::Cancelled`]. Doses that were done before the error stay, with their manifest.
pub fn generate(
    task: &GenerateTask,
    monitor: &dyn Monitor<GenerateSnapshot>,
) -> Result<GenerateOutcome> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(task.threads())
        .build()
        .map_err(|error| Error::Run(format!("cannot start the threads: {error}")))?;
    pool.install(|| {
        let watch = Watch::new(&task.doses, monitor);
        let prepared = Prepared::new(task)?;
        disk::remove_abandoned(&task.output);
        check_room(&prepared)?;
        Generation::begin(&prepared, &watch).run()
    })
}

/// A generation under way.
struct Generation<'a> {
    prepared: &'a Prepared<'a>,
    watch: &'a Watch<'a>,
    manifest: RunManifest,
    /// Photons that each position expects under the unscaled probe, and the seconds that took; once for all doses.
    expected: Option<(Vec<f64>, f64)>,
}

impl<'a> Generation<'a> {
    fn begin(prepared: &'a Prepared<'a>, watch: &'a Watch<'a>) -> Self {
        let task = prepared.task;
        let simulation = &task.simulation;
        let mut seeds = BTreeMap::from([("simulation".to_owned(), simulation.seed)]);
        if task.split.test_positions != 0 {
            seeds.insert("test_scan".to_owned(), task.split.test_seed);
        }
        let manifest = RunManifest {
            schema: SCHEMA,
            program: "ptychobench".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            task: task.clone(),
            seeds,
            n_threads: task.threads(),
            scene: prepared.record.clone(),
            doses: others(prepared),
            started: utc(SystemTime::now()),
            ended: None,
        };
        Self {
            prepared,
            watch,
            manifest,
            expected: None,
        }
    }

    fn run(mut self) -> Result<GenerateOutcome> {
        let prepared = self.prepared;
        self.log("begin", None, json!({"task": prepared.task}))?;
        let mut doses = Vec::new();
        for (i, prior) in prepared.doses.iter().enumerate() {
            let start = Instant::now();
            let record = self
                .dose(i, prior)
                .inspect_err(|error| self.failed(i, prior, error))?;
            let seconds = start.elapsed().as_secs_f64();
            doses.push(record.outcome(&prepared.task.output, seconds));
            self.manifest.doses.insert(i, record);
            self.manifest.write()?;
            self.watch.progress(i, 1.0);
        }
        self.manifest.ended = Some(utc(SystemTime::now()));
        self.manifest.write()?;
        let summary = prepared.task.output.join("summary.md");
        disk::write(&summary, summary::markdown(&self.manifest).as_bytes())?;
        self.log("end", None, json!({"doses": doses.len()}))?;
        Ok(GenerateOutcome { doses })
    }

    /// One dose, made or found.
    fn dose(&mut self, i: usize, prior: &Prior) -> Result<DoseRecord> {
        if self.watch.stop().is_requested() {
            return Err(Error::Cancelled);
        }
        if let (true, Some(record)) = (prior.is_unchanged, &prior.record) {
            for stage in &record.stages {
                let state = StageState::Done {
                    is_unchanged: true,
                    seconds: stage.seconds,
                };
                self.watch.set(i, stage.stage, state);
            }
            self.log("unchanged", Some(prior.photons), json!({}))?;
            return Ok(DoseRecord {
                is_stale: false,
                ..record.clone()
            });
        }
        let stages: Vec<&str> = prior.stages().into_iter().map(Stage::word).collect();
        self.log("make", Some(prior.photons), json!({"stages": stages}))?;
        let factor = self.probe_factor(i, prior)?;
        let folder = self.prepared.task.dose_folder(prior.photons);
        let staging = disk::StagingFolder::beside(&folder)?;
        let record = make::make(
            self.prepared,
            prior,
            self.watch,
            (i, factor),
            staging.path(),
        )
        .and_then(|made| self.record(prior, made, factor, staging.path()))
        .map_err(|error| error.relocated(staging.path(), &folder))?;
        staging.publish(&folder)?;
        self.remove_outdated(prior, &record)?;
        let words = json!({
            "photons_measured": record.photons_measured, "seconds": record.seconds, "files": record.files,
        });
        self.log("made", Some(prior.photons), words)?;
        Ok(record)
    }

    /// That of the first scan's mean, also where a kept result is gone on from, which was made with the same.
    fn probe_factor(&mut self, i: usize, prior: &Prior) -> Result<f64> {
        if let (Some(_), Some(record)) = (&prior.start, &prior.record) {
            return Ok(record.probe_factor);
        }
        if self.expected.is_none() {
            let start = Instant::now();
            let part = Part {
                watch: self.watch,
                dose: i,
                span: [0.0, 0.05],
                stages: vec![(Stage::Simulate, 1.0)],
                stage_span: [0.0, 0.05],
            };
            let subpixel = self.prepared.task.simulation.subpixel;
            let photons = expected_photons(&self.prepared.scene, subpixel, &part)?;
            self.expected = Some((photons, start.elapsed().as_secs_f64()));
        }
        let photons = self
            .expected
            .as_ref()
            .map_or(&[][..], |(photons, _)| photons);
        probe_factor(photons, prior.photons)
    }

    fn record(
        &self,
        prior: &Prior,
        made: make::Made,
        probe_factor: f64,
        staging: &Path,
    ) -> Result<DoseRecord> {
        let task = self.prepared.task;
        let folder = PathBuf::from(dose_name(prior.photons));
        let mut files: Vec<FileRecord> = Vec::new();
        for (name, sha256) in &made.files {
            files.push(FileRecord::of(
                folder.join(name),
                &staging.join(name),
                sha256,
            )?);
        }
        // What was gone on from stays where it is.
        if let (Some(_), Some(record)) = (&prior.start, &prior.record) {
            let kept = record.files.iter().filter(|file| {
                file.path.starts_with(folder.join("stages"))
                    && files.iter().all(|new| new.path != file.path)
                    && file.is_there(&task.output)
            });
            let kept: Vec<FileRecord> = kept.cloned().collect();
            files.extend(kept);
        }
        let test_seed = match self.prepared.parted {
            Parted::Rows(_) => task.simulation.seed,
            Parted::Scans(_) => task.split.test_seed,
        };
        let noise = |seed: u64| noise_seed(seed, prior.photons);
        let stages = Stage::ALL.into_iter().map(|stage| StageRecord {
            stage,
            key: prior.keys[stage as usize].clone(),
            seconds: made.seconds[stage as usize],
        });
        Ok(DoseRecord {
            photons_requested: prior.photons,
            photons_measured: made.photons_measured,
            folder,
            is_stale: false,
            probe_factor,
            noise_seeds: BTreeMap::from([
                ("train".to_owned(), noise(task.simulation.seed)),
                ("test".to_owned(), noise(test_seed)),
            ]),
            stages: stages.collect(),
            writing_s: made.writing_s,
            seconds: made.total_s,
            patterns_per_s: made.patterns_per_s,
            split: self.prepared.split(),
            light: made.light,
            findings: made.findings,
            files,
            written: utc(SystemTime::now()),
        })
    }

    /// Kept results of other settings would only mislead.
    fn remove_outdated(&self, prior: &Prior, record: &DoseRecord) -> Result<()> {
        let before = prior.record.iter().flat_map(|record| &record.files);
        for file in before {
            let path = self.prepared.task.output.join(&file.path);
            if record.files.iter().all(|new| new.path != file.path) && path.exists() {
                std::fs::remove_file(&path).map_err(Error::io("remove the outdated", &path))?;
            }
        }
        Ok(())
    }

    fn failed(&self, i: usize, prior: &Prior, error: &Error) {
        self.watch.fail(i, &error.to_string());
        let event = match error {
            Error::Cancelled => "stopped",
            _ => "failed",
        };
        // The error itself matters more than that the log cannot tell it.
        let _ = self.log(
            event,
            Some(prior.photons),
            json!({"error": error.to_string()}),
        );
    }

    /// One line of the log: time, event, dose, and what else there is to say.
    fn log(&self, event: &str, photons: Option<f64>, words: serde_json::Value) -> Result<()> {
        let mut line = json!({"time": utc(SystemTime::now()), "event": event});
        if let Some(photons) = photons {
            line["photons"] = json!(photons);
        }
        if let (Some(line), serde_json::Value::Object(words)) = (line.as_object_mut(), words) {
            line.extend(words);
        }
        disk::append_line(&self.prepared.task.output.join(LOG), &line.to_string())
    }
}

/// Doses of earlier runs in the same folder that are none of this task.
fn others(prepared: &Prepared<'_>) -> Vec<DoseRecord> {
    let Some(earlier) = &prepared.earlier else {
        return Vec::new();
    };
    let is_other = |record: &&DoseRecord| {
        let own = prepared.task.doses.iter();
        own.map(|photons| PathBuf::from(dose_name(*photons)))
            .all(|folder| folder != record.folder)
    };
    let stale = |record: &DoseRecord| {
        let now = super::keys::keys(
            prepared.task,
            &prepared.record.sha256,
            record.photons_requested,
        );
        let fits = |now: super::keys::Keys| {
            let mut stages = Stage::ALL.into_iter().zip(now);
            stages.all(|(stage, key)| record.key(stage) == Some(&key))
        };
        DoseRecord {
            is_stale: !now.is_ok_and(fits),
            ..record.clone()
        }
    };
    earlier.doses.iter().filter(is_other).map(stale).collect()
}
