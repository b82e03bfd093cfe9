//! What each kind of task does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Ended;
use super::task::Doing;
use super::watch::Watch;
use crate::compute::DeviceChoice;
use crate::data::Strictness;
use crate::error::{Error, Result};
use crate::job::{Monitor, Progress, StopReason};
use crate::metrics::region::Region;
use crate::study::compare::{Loaded, compare, export};
use crate::study::diagnose::scenario::{Scenario, ScenarioOptions, scenario};
use crate::study::generate::{GenerateTask, generate};
use crate::study::infer::{InferTask, infer_naming};
use crate::study::overlap::{OverlapTask, write_views};
use crate::study::panels::{FigureDesign, figures};
use crate::study::plan::{CompareWork, Task, Work};
use crate::study::run::{ReconstructTask, Source, in_words, open_source, reconstruct_in};
use crate::study::store::Naming;
use crate::study::train::{TrainTask, train};

/// Whoever listens to a task.
type Listener<'a> = &'a dyn Monitor<Vec<f64>>;

/// What a task has made.
pub(super) struct Made {
    pub(super) ended: Ended,
    /// Outputs whose bytes depend on settings and inputs alone.
    pub(super) files: Vec<PathBuf>,
    pub(super) numbers: BTreeMap<String, f64>,
    pub(super) notes: Vec<String>,
    pub(super) device: [String; 2],
}

impl Made {
    /// Done, on the CPU.
    fn done(files: Vec<PathBuf>) -> Self {
        Self {
            ended: Ended::Done,
            files,
            numbers: BTreeMap::new(),
            notes: Vec::new(),
            device: ["cpu", "this work runs on the CPU"].map(str::to_owned),
        }
    }

    /// Note a number that JSON can hold.
    fn number(&mut self, key: impl Into<String>, number: Option<f64>) {
        if let Some(number) = number.filter(|number| number.is_finite()) {
            self.numbers.insert(key.into(), number);
        }
    }
}

/// Whether a task left a checkpoint in its folder.
pub(super) fn has_checkpoint(task: &Task, folder: &Path) -> bool {
    let file = match task.work {
        Work::Train(_) => "checkpoint/state.safetensors",
        Work::Reconstruct(_) => "checkpoint/state.npz",
        _ => return false,
    };
    folder.join("manifest.json").is_file() && folder.join(file).is_file()
}

/// Seeds by purpose.
pub(super) fn seeds(work: &Work) -> BTreeMap<String, u64> {
    let seeds = match work {
        Work::Simulate(task) => vec![
            ("simulation", task.simulation.seed),
            ("test_scan", task.split.test_seed),
        ],
        Work::View(task) => vec![
            ("grouping", task.groups.seed),
            ("subsampling", task.groups.seed),
        ],
        Work::Train(task) => ["weights", "grouping", "subsampling", "batches"]
            .map(|purpose| (purpose, task.settings.seed))
            .to_vec(),
        Work::Reconstruct(task) => vec![("batches", task.settings.seed)],
        Work::Infer(task) => vec![("grouping", task.settings.seed)],
        Work::Compare(_) | Work::Scenario(_) | Work::Figure(_) => Vec::new(),
    };
    let named = seeds.into_iter();
    named
        .map(|(purpose, seed)| (purpose.to_owned(), seed))
        .collect()
}

/// Do it. With `resume` it goes on from the checkpoint in its folder.
pub(super) fn execute(doing: &Doing<'_>, resume: bool, monitor: Listener<'_>) -> Result<Made> {
    if monitor.stop().is_requested() {
        return Err(Error::Cancelled);
    }
    monitor.progress(Progress {
        n_epochs: 1,
        loss: f64::NAN,
        ..Progress::default()
    });
    let folder = doing.folder.join(&doing.task.id);
    let made = match &doing.task.work {
        Work::Simulate(task) => simulate(doing, (task, folder), monitor),
        Work::View(task) => view(doing, (task, folder), monitor),
        Work::Train(task) => training(doing, (task, folder), resume, monitor),
        Work::Reconstruct(task) => reconstruction(doing, (task, folder), resume, monitor),
        Work::Infer(task) => inference(doing, (task, folder), monitor),
        Work::Compare(task) => comparison(doing, task, &folder),
        Work::Scenario(name) => diagnosis(doing, (name, folder), monitor),
        Work::Figure(design) => figure(doing, design, &folder),
    }?;
    Ok(made)
}

fn simulate(
    doing: &Doing<'_>,
    (task, folder): (&GenerateTask, PathBuf),
    monitor: Listener<'_>,
) -> Result<Made> {
    let task = GenerateTask {
        output: folder.clone(),
        n_threads: doing.n_threads,
        ..task.clone()
    };
    let outcome = generate(&task, &Watch::new(monitor))?;
    let mut made = Made::done(files_in(&folder, &["npz"])?);
    if let Some(dose) = outcome.doses.first() {
        made.number("photons_measured", Some(dose.photons_measured));
        made.number("leak_percent", Some(dose.leak_percent));
    }
    Ok(made)
}

fn view(
    doing: &Doing<'_>,
    (task, folder): (&OverlapTask, PathBuf),
    monitor: Listener<'_>,
) -> Result<Made> {
    let task = OverlapTask {
        source: doing.folder.join(&task.source),
        output: folder.clone(),
        n_threads: doing.n_threads,
        ..task.clone()
    };
    let outcome = write_views(&task, &Watch::<()>::new(monitor))?;
    if let Some(skipped) = outcome.skipped.first() {
        return Ok(Made {
            ended: Ended::Skipped(skipped.reason.clone()),
            ..Made::done(Vec::new())
        });
    }
    let mut files = Vec::new();
    let mut made = Made::done(Vec::new());
    for view in &outcome.views {
        files.push(view.folder.join("metrics_bundle.json"));
        for split in &view.splits {
            files.extend([split.output_path.clone(), split.spacing_stats_path.clone()]);
            made.notes.push(format!("{}: {}", split.split, split.words));
            let n_patterns = split.metrics.n_images_kept as f64;
            made.number(format!("n_patterns.{}", split.split), Some(n_patterns));
        }
    }
    Ok(Made { files, ..made })
}

fn training(
    doing: &Doing<'_>,
    (task, folder): (&TrainTask, PathBuf),
    resume: bool,
    monitor: Listener<'_>,
) -> Result<Made> {
    let task = TrainTask {
        train: doing.folder.join(&task.train),
        validation: task.validation.as_ref().map(|file| doing.folder.join(file)),
        n_threads: doing.n_threads,
        device: doing.device,
        output: folder.clone(),
        resume,
        ..task.clone()
    };
    let outcome = train(&task, &Watch::new(monitor))?;
    let history = &outcome.history;
    let (first, last) = (history.epochs.first(), history.epochs.last());
    let mut notes = outcome.notes;
    check_reason(&outcome.reason, 0 < outcome.best.epoch, &mut notes)?;
    if last.is_some_and(|epoch| epoch.collapsed) {
        notes.push("the network draws a flat image: it has collapsed".to_owned());
    }
    let names = [
        "best.json",
        "best.safetensors",
        "last.json",
        "last.safetensors",
    ];
    let mut made = Made::done(names.map(|name| folder.join(name)).to_vec());
    made.number("loss_first", first.and_then(|epoch| epoch.loss));
    made.number("loss_last", last.and_then(|epoch| epoch.loss));
    made.number("validation_last", last.and_then(|epoch| epoch.validation));
    made.number("best_epoch", history.best_epoch.map(|epoch| epoch as f64));
    made.number("epochs", Some(history.epochs.len() as f64));
    Ok(Made {
        notes,
        device: [outcome.device, outcome.device_reason],
        ..made
    })
}

/// How a run that stopped counts: what diverged after a good epoch is done, with a note.
fn check_reason(reason: &StopReason, is_usable: bool, notes: &mut Vec<String>) -> Result<()> {
    match reason {
        StopReason::Finished => {}
        StopReason::Cancelled => return Err(Error::Cancelled),
        StopReason::Diverged { .. } if !is_usable => return Err(Error::Run(in_words(reason))),
        StopReason::Diverged { .. } | StopReason::TimedOut => notes.push(in_words(reason)),
    }
    Ok(())
}

fn reconstruction(
    doing: &Doing<'_>,
    (task, folder): (&ReconstructTask, PathBuf),
    resume: bool,
    monitor: Listener<'_>,
) -> Result<Made> {
    let task = ReconstructTask {
        source: match &task.source {
            Source::File(file) => Source::File(doing.folder.join(file)),
            Source::Demonstration => Source::Demonstration,
        },
        batches: task.batches.as_ref().map(|file| doing.folder.join(file)),
        n_threads: doing.n_threads,
        output: None,
        resume: resume.then(|| folder.clone()),
        // The device of a study is that of its networks.
        device: match doing.device {
            DeviceChoice::Cpu => DeviceChoice::Cpu,
            _ => DeviceChoice::Auto,
        },
        ..task.clone()
    };
    let opened = open_source(&task.source, Strictness::Repair)?;
    let mut notes = opened.repairs;
    let dataset = Arc::new(opened.dataset);
    let outcome = reconstruct_in(&task, dataset, &folder, &Watch::new(monitor))?;
    let loss = &outcome.reconstruction.loss;
    check_reason(&outcome.reason, !loss.is_empty(), &mut notes)?;
    let mut made = Made::done(vec![folder.join("result.npz")]);
    made.number("loss_first", loss.first().copied());
    made.number("loss_last", loss.last().copied());
    Ok(Made {
        notes,
        device: [outcome.device.to_owned(), outcome.device_reason],
        ..made
    })
}

fn inference(
    doing: &Doing<'_>,
    (task, folder): (&InferTask, PathBuf),
    monitor: Listener<'_>,
) -> Result<Made> {
    let result = folder.join("result.npz");
    let task = InferTask {
        bundle: doing.folder.join(&task.bundle),
        data: doing.folder.join(&task.data),
        n_threads: doing.n_threads,
        device: doing.device,
        output: result.clone(),
        ..task.clone()
    };
    let outcome = infer_naming(&task, Naming::Beside, &Watch::new(monitor))?;
    let mut made = Made::done(vec![result]);
    made.number("factor", Some(outcome.inferred.factor));
    made.number("amplitude_spread", Some(outcome.inferred.amplitude_spread));
    made.number(
        "amplitude_correlation",
        outcome.inferred.amplitude_correlation,
    );
    Ok(Made {
        notes: outcome.notes,
        device: [outcome.device, outcome.device_reason],
        ..made
    })
}

fn comparison(doing: &Doing<'_>, task: &CompareWork, folder: &Path) -> Result<Made> {
    let mut inputs = task.inputs.clone();
    let rebase = |file: &mut PathBuf| *file = doing.folder.join(&*file);
    inputs.truth.iter_mut().for_each(rebase);
    inputs.arms.iter_mut().for_each(|(_, file)| rebase(file));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(doing.n_threads)
        .build()
        .map_err(|error| Error::Run(format!("cannot start the threads: {error}")))?;
    pool.install(|| {
        let mut loaded = Loaded::open(&inputs)?;
        loaded.make_portable(folder);
        let comparison = compare(&loaded, &Region::parse(&task.region)?, &task.settings)?;
        let written = export::write(&loaded, &comparison, folder)?;
        let is_timeless = |file: &PathBuf| !file.ends_with("manifest.json");
        let mut made = Made::done(written.files.into_iter().filter(is_timeless).collect());
        for compared in &comparison.arms {
            for row in export::rows(None, compared) {
                let parts = [
                    ("phase", row.phase),
                    ("amplitude", row.amplitude),
                    ("value", row.value),
                ];
                for (part, number) in parts {
                    made.number(format!("{}.{}.{part}", compared.name, row.key), number);
                }
            }
        }
        let refused = comparison.refused.iter();
        made.notes = refused
            .map(|refusal| format!("{} is left out: {}", refusal.name, refusal.reason))
            .collect();
        Ok(made)
    })
}

fn diagnosis(
    doing: &Doing<'_>,
    (name, folder): (&str, PathBuf),
    monitor: Listener<'_>,
) -> Result<Made> {
    let mut all = Scenario::ALL.into_iter();
    let Some(chosen) = all.find(|scenario| scenario.name() == name) else {
        let names = Scenario::ALL.map(Scenario::name).join(", ");
        let expected = format!("one of {names}");
        return Err(Error::invalid("run a scenario", "scenario", expected, name));
    };
    let options = ScenarioOptions {
        folder: Some(folder.clone()),
        base: doing.plan.study.base.clone(),
        n_threads: doing.n_threads,
        ..ScenarioOptions::default()
    };
    let outcome = scenario(chosen, &options, &Watch::<()>::new(monitor))?;
    if let (Some(stage), Some(cause)) = (outcome.failed_stage, &outcome.cause) {
        return Err(Error::Run(format!("stage {stage}: {cause}")));
    }
    let mut made = Made::done(files_in(&folder, &["npz", "safetensors"])?);
    // Checkpoints hold times.
    made.files.retain(|file| {
        !file
            .components()
            .any(|part| part.as_os_str() == "checkpoint")
    });
    let stages = outcome.stages.iter();
    made.notes = stages
        .map(|stage| format!("{}: {}", stage.stage, stage.words))
        .collect();
    Ok(made)
}

fn figure(doing: &Doing<'_>, design: &FigureDesign, folder: &Path) -> Result<Made> {
    let (plan, runs) = doing.plan_in_place();
    let figures = figures(&plan, &runs, design)?;
    let mut files = Vec::new();
    let named = figures.companions.iter();
    let named = named.map(|(name, figure)| (name.as_str(), figure));
    for (name, figure) in std::iter::once(("figure", &figures.panels)).chain(named) {
        for suffix in ["png", "svg", "pdf"] {
            let file = folder.join(format!("{name}.{suffix}"));
            figure.write(&file, design.style.dpi)?;
            files.push(file);
        }
    }
    Ok(Made::done(files))
}

/// The files with these suffixes in a folder and all within, sorted; none of hidden ones.
fn files_in(folder: &Path, suffixes: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(Error::io("list", &folder))? {
            let entry = entry.map_err(Error::io("list", &folder))?;
            let path = entry.path();
            let suffix = path.extension().and_then(|suffix| suffix.to_str());
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if suffix.is_some_and(|suffix| suffixes.contains(&suffix)) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
