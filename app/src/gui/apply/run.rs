//! A reconstruction is started, watched, kept.

use std::path::PathBuf;
use std::sync::Arc;

use ndarray::{Array2, Array3};
use num_complex::Complex32;
use ptycho_core::job::StopReason;
use ptycho_core::study::run::{ReconstructOutcome, ReconstructTask};

use super::super::command::Action;
use super::super::document::FinishedRun;
use super::super::preview::Preview;
use super::super::queue::Lane;
use super::super::views::View;
use super::super::widgets::line_plot::{PlotData, Series, csv};
use super::super::widgets::notice::Level;
use super::super::work::{self, Outcome};
use super::super::workbench::Workbench;
use super::absolute;

/// A state of the run that is to be prepared for display.
pub struct PreviewRequest {
    pub(super) object: Array2<Complex32>,
    pub(super) probe: Array3<Complex32>,
}

impl Workbench {
    pub(super) fn start_run(&mut self, continues: bool) {
        if !self.is_enabled(if continues {
            Action::Continue
        } else {
            Action::Run
        }) {
            return;
        }
        let (Some(source), Some(dataset)) = (
            self.document.scan.source.clone(),
            self.document.scan.dataset.clone(),
        ) else {
            return;
        };
        let mut settings = self.document.settings.clone();
        let mut engine = self.document.engine;
        let mut resume = None;
        if let (true, Some(finished)) = (continues, self.document.finished()) {
            // A checkpoint goes on only with the settings that it was made with.
            settings = finished.settings.clone();
            engine = finished.engine;
            settings.epochs = finished.n_epochs + self.document.more_epochs;
            resume = Some(finished.run_folder.clone());
        }
        let task = ReconstructTask {
            source,
            engine,
            settings: settings.clone(),
            n_threads: self.document.n_threads,
            runs: absolute(&self.preferences.runs_folder),
            resume,
            ..ReconstructTask::default()
        };
        let run = &mut self.document.run;
        run.settings = settings;
        run.engine = engine;
        run.failed = None;
        if !continues {
            run.loss.clear();
            run.seconds_per_epoch.clear();
        }
        self.view = View::Reconstruct;
        self.queue.add(
            Lane::Compute,
            self.document.scan.id,
            format!("{} reconstruction", engine.title()),
            move |monitor| work::run(&task, dataset, monitor),
        );
    }

    pub(super) fn save_result(&mut self, path: PathBuf) {
        let Some(finished) = self.document.finished() else {
            return;
        };
        let reconstruction = Arc::clone(&finished.reconstruction);
        self.queue.add(
            Lane::Files,
            self.document.scan.id,
            "Save the result",
            move |_| reconstruction.save(&path).map(|()| Outcome::Written(path)),
        );
    }

    pub(super) fn save_loss(&mut self, path: PathBuf) {
        let points = self.document.run.loss_points();
        let engine = self.document.run.engine;
        self.queue.add(
            Lane::Files,
            self.document.scan.id,
            "Save the loss",
            move |_| {
                let series = [Series {
                    name: engine.title(),
                    points: &points,
                    colour_index: 0,
                    is_dashed: false,
                    log_from: None,
                }];
                let data = PlotData {
                    x_label: "epoch",
                    y_label: "loss",
                    series: &series,
                };
                ptycho_core::disk::write(&path, csv(&data).as_bytes())?;
                Ok(Outcome::Written(path))
            },
        );
    }

    /// Prepare the newest state for display, unless the one before is still being prepared.
    pub(in super::super) fn start_preview(&mut self) {
        if self.queue.is_busy(Lane::Preview) {
            return;
        }
        let Some(PreviewRequest { object, probe }) = self.next_preview.take() else {
            return;
        };
        let scanned = self.document.scan.scanned.clone().unwrap_or_default();
        self.queue
            .add(Lane::Preview, self.document.scan.id, "Preview", move |_| {
                Ok(Outcome::Preview(Box::new(Preview::new(
                    object, probe, &scanned,
                ))))
            });
    }

    pub(super) fn reconstructed(&mut self, outcome: ReconstructOutcome) {
        let ReconstructOutcome {
            reconstruction,
            reason,
            course,
            run_folder,
            ..
        } = outcome;
        let folder = run_folder.display();
        match &reason {
            StopReason::Finished => tracing::info!("finished; kept in {folder}"),
            StopReason::Cancelled => {
                tracing::info!("stopped; the result so far is kept in {folder}");
            }
            StopReason::TimedOut => {
                self.document.tell(
                    Level::Warning,
                    "The run's time is used up; its result is kept.",
                    None,
                );
            }
            StopReason::Diverged { epoch, why } => {
                let text = format!(
                    "The run diverged in epoch {epoch} ({why}); the last good state is kept. Try a larger batch size, less momentum or smaller steps."
                );
                self.document.tell(Level::Error, text, None);
            }
        }
        let scan = self.document.scan.id;
        self.keep_run(&run_folder, &reconstruction);
        let run = &mut self.document.run;
        run.loss.clone_from(&reconstruction.loss);
        run.seconds_per_epoch.clone_from(&course.seconds_per_epoch);
        run.course = course;
        self.next_preview = Some(PreviewRequest {
            object: reconstruction.object.clone(),
            probe: reconstruction.probe.clone(),
        });
        run.finished = Some(FinishedRun {
            n_epochs: run.progress.epoch.max(reconstruction.loss.len()),
            reconstruction: Arc::new(reconstruction),
            reason,
            run_folder,
            settings: run.settings.clone(),
            engine: run.engine,
            scan,
        });
        self.start_preview();
    }
}
