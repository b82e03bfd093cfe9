//! Trials about the open scan: started, watched, kept; an orientation is adopted.

use std::path::PathBuf;

use ptycho_core::data::tools::turn::turn;
use ptycho_core::study::halves::HalvesOutcome;
use ptycho_core::study::orientation::OrientationOutcome;
use ptycho_core::study::tools::Tool;

use super::super::files::Purpose;
use super::super::queue::{HALVES, Lane, ORIENTATION};
use super::super::reconstruction::trials::{
    HalvesState, OrientationState, halves_task, orientation_task,
};
use super::super::views::View;
use super::super::views::reconstruct::{Page, why_no_trial};
use super::super::work::{self, Outcome};
use super::super::workbench::Workbench;
use super::absolute;

impl Workbench {
    pub(super) fn start_orientations(&mut self) {
        let (Some(source), Some(dataset), None) = (
            self.document.scan.source.clone(),
            self.document.scan.dataset.clone(),
            why_no_trial(&self.document, &self.queue),
        ) else {
            return;
        };
        let runs = absolute(&self.preferences.runs_folder);
        let task = orientation_task(&self.document, source, &runs);
        let trials = &mut self.document.trials;
        trials.revision += 1;
        trials.orientations = OrientationState {
            begun: trials.revision,
            ..OrientationState::default()
        };
        self.view = View::Reconstruct;
        self.reconstruct.show_page(Page::Orientation);
        let name = "Try the eight orientations";
        self.queue
            .add(Lane::Compute, ORIENTATION, name, move |monitor| {
                work::run_orientations(&task, &dataset, monitor)
            });
    }

    pub(super) fn start_halves(&mut self) {
        let (Some(source), Some(dataset), None) = (
            self.document.scan.source.clone(),
            self.document.scan.dataset.clone(),
            why_no_trial(&self.document, &self.queue),
        ) else {
            return;
        };
        let runs = absolute(&self.preferences.runs_folder);
        let task = halves_task(&self.document, source, &runs);
        self.document.trials.halves = HalvesState::default();
        self.document.trials.revision += 1;
        self.view = View::Reconstruct;
        self.reconstruct.show_page(Page::Halves);
        let name = "Compare even and odd patterns";
        self.queue.add(Lane::Compute, HALVES, name, move |monitor| {
            work::run_halves(&task, &dataset, monitor)
        });
    }

    pub(super) fn oriented(&mut self, outcome: OrientationOutcome) {
        tracing::info!("orientations: {}", outcome.verdict.words);
        let trials = &mut self.document.trials;
        trials.orientations.outcome = Some(outcome);
        trials.orientations.snapshot = None;
        trials.revision += 1;
    }

    pub(super) fn halved(&mut self, outcome: HalvesOutcome) {
        let trials = &mut self.document.trials;
        trials.halves.take(outcome);
        trials.revision += 1;
    }

    pub(super) fn trial_failed(&mut self, trial: u64, error: &ptycho_core::Error) {
        let words = match error {
            ptycho_core::Error::Cancelled => "Stopped.".to_owned(),
            _ => error.to_string(),
        };
        let trials = &mut self.document.trials;
        if trial == ORIENTATION {
            trials.orientations.failed = Some(words);
        } else {
            trials.halves.failed = Some(words);
        }
    }

    /// Ask where the scan with its patterns in the chosen orientation goes.
    pub(super) fn choose_turned(&mut self) {
        if let Some(orientation) = self.document.trials.orientations.chosen() {
            let suffix = format!("_{orientation}");
            self.choose_beside(Purpose::SaveTurned, &suffix, "npz");
        }
    }

    /// Write the scan with its patterns in the chosen orientation, then open it.
    pub(super) fn save_turned(&mut self, path: PathBuf) {
        let (Some(dataset), Some(orientation)) = (
            self.document.scan.dataset.clone(),
            self.document.trials.orientations.chosen(),
        ) else {
            return;
        };
        if self.document.scan.path().is_some() {
            return self.use_tool(Tool::Turn { orientation }, &path, true);
        }
        // The tools work on files; the demonstration scan is in none.
        let name = "Tool: turn";
        self.queue
            .add(Lane::Files, self.document.scan.id, name, move |_| {
                let made = turn(&dataset, orientation)?;
                made.dataset.save(&path)?;
                Ok(Outcome::Turned(path, made.notes))
            });
    }
}
