//! A generation is set up, looked at beforehand, started, watched.

use std::path::PathBuf;
use std::sync::Arc;

use ptycho_core::fields::Fields as _;
use ptycho_core::study::generate::{GenerateOutcome, GenerateSnapshot, GenerateTask, Preset};

use super::super::document::CheckState;
use super::super::files::{self, Purpose};
use super::super::generation::sketch::sketch;
use super::super::generation::{FinishedGeneration, Planned, preflight::preflight};
use super::super::queue::{GENERATION, Lane};
use super::super::views::View;
use super::super::work::{self, Outcome};
use super::super::workbench::Workbench;

impl Workbench {
    /// Whether a generation can be started now.
    pub(super) fn can_generate(&self) -> bool {
        let checks = preflight(&self.document.generation);
        let is_blocked = checks
            .iter()
            .any(|check| check.state == CheckState::Blocking);
        !self.queue.is_busy(Lane::Compute) && !is_blocked
    }

    pub(super) fn take_preset(&mut self, preset: Preset) {
        self.document.generation.take_preset(preset);
    }

    /// Choose a file that stands in for a made object, probe or scan, or the folder of the datasets.
    pub(super) fn choose_for_generation(&mut self, purpose: Purpose) {
        let generation = &self.document.generation;
        let sources = &generation.task.scene.sources;
        let known = match purpose {
            Purpose::ObjectFile => sources.object.clone(),
            Purpose::ProbeFile => sources.probe.clone(),
            Purpose::ScanFile => sources.scan.clone(),
            _ => Some(generation.output()),
        };
        let suggested = known
            .or_else(|| self.document.scan.path().cloned())
            .or_else(|| self.preferences.last_open_folder.clone())
            .or_else(files::home);
        self.choose(purpose, &suggested.unwrap_or_default());
    }

    pub(super) fn take_for_generation(&mut self, purpose: Purpose, path: PathBuf) {
        let generation = &mut self.document.generation;
        let sources = &mut generation.task.scene.sources;
        match purpose {
            Purpose::ObjectFile => sources.object = Some(path),
            Purpose::ProbeFile => sources.probe = Some(path),
            Purpose::ScanFile => sources.scan = Some(path),
            _ => generation.task.output = path,
        }
        // The same file may hold something else now.
        generation.look_again();
    }

    pub(super) fn start_generation(&mut self) {
        if !self.can_generate() {
            return;
        }
        self.view = View::Generate;
        let generation = &mut self.document.generation;
        let task = GenerateTask {
            n_threads: self.document.n_threads,
            ..generation.runnable()
        };
        generation.failed = None;
        generation.is_cancelled = false;
        generation.finished = None;
        generation.snapshot = Some((generation.runnable(), GenerateSnapshot::default()));
        tracing::info!("generating into {}", task.output.display());
        let name = "Generate datasets";
        self.queue
            .add(Lane::Compute, GENERATION, name, move |monitor| {
                work::run_generation(&task, monitor)
            });
    }

    pub(super) fn generated(&mut self, outcome: GenerateOutcome) {
        let generation = &mut self.document.generation;
        generation.n_ended += 1;
        let task = match &generation.snapshot {
            Some((task, _)) => task.clone(),
            None => generation.runnable(),
        };
        let seconds = outcome.doses.iter().map(|dose| dose.seconds).sum();
        tracing::info!(
            "generated {} doses in {}",
            outcome.doses.len(),
            task.output.display()
        );
        generation.finished = Some(FinishedGeneration {
            task,
            outcome,
            seconds,
        });
    }

    /// Pictures and plan of the newest parameters, unless those before are still being made: what is newest when they
    /// are done comes next, so the last one is never lost.
    pub(in super::super) fn start_sketch(&mut self) {
        if self.view != View::Generate {
            return;
        }
        let generation = &mut self.document.generation;
        if !self.queue.is_busy(Lane::Sketch)
            && let Some((task, pattern)) = generation.take_sketch_request()
        {
            let before = generation.sketch.clone();
            self.queue
                .add(Lane::Sketch, GENERATION, "Preview", move |monitor| {
                    let sketch = sketch(&task, pattern, &before, monitor);
                    Ok(Outcome::Sketch(Box::new(sketch)))
                });
        }
        let is_valid =
            generation.doses.problem.is_none() && generation.task.split.check_ranges().is_ok();
        if is_valid
            && !self.queue.is_busy(Lane::Plan)
            && let Some((task, n_ended)) = generation.plan_request()
        {
            self.queue.add(
                Lane::Plan,
                GENERATION,
                "Look what will be written",
                move |_| Ok(Outcome::Planned(Box::new(Planned::new(task, n_ended)))),
            );
        }
    }

    pub(super) fn planned(&mut self, planned: Planned) {
        self.document.generation.planned = Some(Arc::new(planned));
    }

    /// A plan that failed in an unforeseen way is not tried again and again.
    pub(super) fn plan_failed(&mut self, words: String) {
        let generation = &self.document.generation;
        let planned = Planned {
            task: generation.runnable(),
            n_ended: generation.n_ended,
            plan: Err(words),
        };
        self.planned(planned);
    }
}
