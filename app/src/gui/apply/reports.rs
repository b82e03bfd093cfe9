//! What the jobs have told.

use std::sync::Arc;

use super::super::dialogs::Dialog;
use super::super::queue::{
    COMPARISON, FIGURE, GENERATION, HALVES, INFERENCE, Lane, ORIENTATION, OVERLAP, Report, STUDY,
    TRAINING, is_scan,
};
use super::super::widgets::notice::{Level, Notice};
use super::super::work::{Event, Outcome};
use super::super::workbench::Workbench;
use super::PreviewRequest;

impl Workbench {
    pub(in super::super) fn take_report(&mut self, report: Report) {
        let is_of_scan = is_scan(report.scan);
        if is_of_scan && report.scan != self.document.scan.id {
            return;
        }
        if report.lane == Lane::Compute && is_of_scan {
            self.document.run.progress = report.progress;
        }
        if report.lane == Lane::Compute && report.scan == TRAINING {
            return self.take_training_report(report);
        }
        if report.scan == STUDY {
            return self.take_study_report(report);
        }
        if report.lane == Lane::Diagnosis {
            return self.take_diagnosis_report(report);
        }
        match report.event {
            Some(Event::Inspected(inspection)) => self.document.scan.inspection = Some(*inspection),
            Some(Event::Statistics(statistics)) => self.document.scan.statistics = statistics,
            Some(Event::Reconstruction(snapshot)) => {
                self.document.run.take_course(snapshot.course);
                self.next_preview = Some(PreviewRequest {
                    object: snapshot.object,
                    probe: snapshot.probe,
                });
            }
            Some(Event::Generation(snapshot)) => {
                if let Some((_, last)) = &mut self.document.generation.snapshot {
                    *last = *snapshot;
                }
            }
            Some(Event::Orientations(snapshot)) => {
                let trials = &mut self.document.trials;
                trials.orientations.snapshot = Some(*snapshot);
                trials.revision += 1;
            }
            Some(Event::Halves(snapshot)) => {
                let trials = &mut self.document.trials;
                trials.halves.snapshot = Some(*snapshot);
                trials.revision += 1;
            }
            Some(Event::Sketch(sketch)) => self.document.generation.sketch.update(*sketch),
            // Trainings and studies are told above.
            Some(Event::Training(_) | Event::Study(_)) | None => {}
        }
        match report.ended {
            Some(Ok(outcome)) => self.take_outcome(outcome),
            Some(Err(error)) => self.take_failure((report.lane, report.scan), &report.name, &error),
            None => {}
        }
    }

    pub(super) fn take_outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Opened(opened) => self.opened(*opened),
            Outcome::Unusable => self.refused(),
            Outcome::Statistics(statistics) => self.document.scan.statistics = statistics,
            Outcome::Summary(summary) => self.document.scan.summary = Some(Arc::new(*summary)),
            Outcome::RepairPreview(steps) => self.repair.steps = Some(Ok(steps)),
            Outcome::Repaired(path, inspection) => self.repaired(path, &inspection),
            Outcome::ToolDone(outcome, opens) => self.tool_done(&outcome, opens),
            Outcome::Written(path) => {
                let text = format!("Written: {}", path.display());
                self.document.tell(Level::Info, text, None);
            }
            Outcome::Reconstructed(outcome) => self.reconstructed(*outcome),
            Outcome::Preview(preview) => {
                self.document.run.preview = Some(Arc::new(*preview));
                self.document.run.revision += 1;
            }
            Outcome::Oriented(outcome) => self.oriented(*outcome),
            Outcome::Halved(outcome) => self.halved(*outcome),
            Outcome::Turned(path, notes) => self.turned(path, &notes),
            Outcome::Device(found) => self.document.devices.take(found),
            Outcome::Sketch(sketch) => self.document.generation.sketch.update(*sketch),
            Outcome::Planned(planned) => self.planned(*planned),
            Outcome::Generated(outcome) => self.generated(*outcome),
            Outcome::Subject(subject) => self.document.thinning.take_subject(*subject),
            Outcome::Thinned(shown) => self.thinned(*shown),
            Outcome::ViewsWritten(outcome) => self.views_written(*outcome),
            Outcome::TrainPlanned(planned) => self.document.training.take_plan(*planned),
            // The end of a training or a report is told with the number of its job.
            Outcome::Trained(_) | Outcome::Diagnosed(_) | Outcome::Study(_) => {}
            Outcome::RunRead(kept, folder) => self.run_read(*kept, folder),
            Outcome::BundleRead(read) => self.bundle_read(*read),
            Outcome::Inferred(shown) => self.inferred(*shown),
            Outcome::Compared(worked) => self.document.comparing.take(*worked),
            Outcome::Figured(drawn) => self.document.figuring.take(*drawn),
            Outcome::FigureWritten(path) => self.figure_exported(Ok(path)),
            Outcome::Exported(folder) => self.comparison_exported(Ok(folder)),
            Outcome::Foreseen(foreseen) => self.data.foreseen(*foreseen),
        }
    }

    pub(super) fn take_failure(
        &mut self,
        (lane, scan): (Lane, u64),
        name: &str,
        error: &ptycho_core::Error,
    ) {
        if (lane, scan) == (Lane::Compute, GENERATION) {
            self.document.generation.n_ended += 1;
            self.document.generation.is_cancelled = matches!(error, ptycho_core::Error::Cancelled);
        }
        if (lane, scan) == (Lane::Compute, OVERLAP) {
            self.views_failed(error);
        }
        if (lane, scan) == (Lane::Compute, INFERENCE) {
            self.inference_failed(error);
        }
        if lane == Lane::Compute && matches!(scan, ORIENTATION | HALVES) {
            self.trial_failed(scan, error);
        }
        if matches!(error, ptycho_core::Error::Cancelled) {
            tracing::info!("{name}: stopped");
            if lane == Lane::Files && self.document.scan.dataset.is_none() {
                self.document.scan.problem = Some("Opening was stopped.".to_owned());
            }
            return;
        }
        match lane {
            Lane::Files if scan == COMPARISON => {
                self.comparison_exported(Err(error.to_string()));
            }
            Lane::Files if scan == FIGURE => self.figure_exported(Err(error.to_string())),
            Lane::Files if self.dialog == Some(Dialog::Repair) => {
                self.repair.steps = Some(Err(error.to_string()));
            }
            Lane::Files if self.document.scan.dataset.is_none() => {
                self.document.scan.problem = Some(error.to_string());
            }
            Lane::Compute if scan == GENERATION => {
                self.document.generation.failed = Some(error.to_string());
            }
            Lane::Compute if matches!(scan, OVERLAP | INFERENCE | ORIENTATION | HALVES) => {}
            Lane::Compute => self.document.run.failed = Some(error.to_string()),
            Lane::Figure => return self.figure_failed(error),
            Lane::Compare => return self.comparison_failed(error),
            Lane::Plan => return self.plan_failed(error.to_string()),
            Lane::TrainPlan => return self.document.training.plan_failed(error.to_string()),
            Lane::Outlook if scan == TRAINING => self.bundles_failed(error),
            Lane::Outlook => return self.data.outlook_failed(error.to_string()),
            Lane::Subject => {
                return self.document.thinning.subject_failed(error.to_string());
            }
            Lane::Files
            | Lane::Background
            | Lane::Preview
            | Lane::Sketch
            | Lane::Thinning
            | Lane::Diagnosis
            | Lane::Study => {}
        }
        let mut notice = Notice::error(error);
        notice.text = format!("{name}: {}", notice.text);
        self.document.tell_notice(notice, None);
    }
}
