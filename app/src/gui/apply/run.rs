//! A reconstruction is started, watched, kept.

use std::path::PathBuf;
use std::sync::Arc;

use ndarray::{Array2, Array3};
use num_complex::Complex32;
use ptycho_core::iterative::{EngineKind, IterativeSettings};
use ptycho_core::job::StopReason;
use ptycho_core::study::run::{ReconstructOutcome, ReconstructTask};
use ptycho_core::study::store::RunFolder;

use super::super::command::Action;
use super::super::document::Document;
use super::super::files::{self, Purpose};
use super::super::preview::Preview;
use super::super::queue::{DEVICE, Lane};
use super::super::reconstruction::devices::Found;
use super::super::reconstruction::tables::{shifts_csv, weights_csv};
use super::super::reconstruction::trials::FrcLine;
use super::super::reconstruction::{Curve, FinishedRun, How, Trace, used};
use super::super::views::View;
use super::super::widgets::line_plot::{PlotData, csv};
use super::super::widgets::notice::Level;
use super::super::work::{self, Outcome};
use super::super::workbench::Workbench;
use super::absolute;

/// What the next run does.
struct Next {
    engine: EngineKind,
    settings: IterativeSettings,
    how: How,
    resume: Option<PathBuf>,
}

impl Next {
    fn from_start(document: &Document) -> Self {
        Self {
            engine: document.engine,
            settings: used(document.engine, &document.settings),
            how: document.how.clone(),
            resume: None,
        }
    }

    /// With the same engine from the checkpoint, which goes on only with the settings that it was made with; with another
    /// from the result.
    fn going_on(document: &Document) -> Self {
        let mut next = Self::from_start(document);
        let Some(finished) = document.finished() else {
            return next;
        };
        if finished.engine == document.engine {
            next.settings = finished.settings.clone();
            next.settings.epochs = finished.n_epochs + document.more_epochs;
            next.how.start.clear();
            next.resume = Some(finished.run_folder.clone());
        } else {
            next.settings.epochs = document.more_epochs;
            next.how.start = finished.result.display().to_string();
        }
        next
    }
}

/// A state of the run that is to be prepared for display.
pub struct PreviewRequest {
    pub(super) object: Array2<Complex32>,
    pub(super) probe: Array3<Complex32>,
}

impl Workbench {
    pub(super) fn start_run(&mut self, continues: bool) {
        let action = if continues {
            Action::Continue
        } else {
            Action::Run
        };
        if !self.is_enabled(action) {
            return;
        }
        let (Some(source), Some(dataset)) = (
            self.document.scan.source.clone(),
            self.document.scan.dataset.clone(),
        ) else {
            return;
        };
        let next = if continues {
            Next::going_on(&self.document)
        } else {
            Next::from_start(&self.document)
        };
        let task = ReconstructTask {
            source,
            engine: next.engine,
            settings: next.settings.clone(),
            n_threads: self.document.n_threads,
            runs: absolute(&self.preferences.runs_folder),
            resume: next.resume.clone(),
            start: next.how.start(),
            device: next.how.device,
            kernels: next.how.kernels,
            device_memory_gib: next.how.device_memory_gib,
            ..ReconstructTask::default()
        };
        let run = &mut self.document.run;
        if next.resume.is_none() {
            run.begin_stage(continues);
        }
        run.engine = next.engine;
        run.settings = next.settings;
        run.how = next.how;
        run.failed = None;
        self.view = View::Reconstruct;
        self.queue.add(
            Lane::Compute,
            self.document.scan.id,
            format!("{} reconstruction", task.engine.title()),
            move |monitor| work::run(&task, dataset, monitor),
        );
    }

    /// Look what the choice of the device comes to, once for each.
    pub(in super::super) fn look_for_device(&mut self) {
        let choice = self.document.how.device;
        if self.view != View::Reconstruct || !self.document.devices.ask(choice) {
            return;
        }
        let name = "Look for the device";
        self.queue.add(Lane::Outlook, DEVICE, name, move |_| {
            Ok(Outcome::Device(Found::look(choice)))
        });
    }

    pub(super) fn choose_for_reconstruction(&mut self, purpose: Purpose) {
        match purpose {
            Purpose::StartFile => {
                let known = self.document.how.start();
                let suggested = known
                    .or_else(|| self.document.present_result())
                    .or_else(|| self.preferences.last_open_folder.clone())
                    .or_else(files::home);
                self.choose(purpose, &suggested.unwrap_or_default());
            }
            Purpose::SaveTurned => self.choose_turned(),
            Purpose::SaveProbePower => self.choose_beside(purpose, "_probe_power", "csv"),
            Purpose::SavePositionRms => self.choose_beside(purpose, "_position_rms", "csv"),
            Purpose::SaveShifts => self.choose_beside(purpose, "_positions", "csv"),
            Purpose::SaveWeights => self.choose_beside(purpose, "_weights", "csv"),
            Purpose::SaveHalves => self.choose_beside(purpose, "_halves_frc", "csv"),
            _ => self.choose_beside(purpose, "_loss", "csv"),
        }
    }

    pub(super) fn take_for_reconstruction(&mut self, purpose: Purpose, path: PathBuf) {
        match purpose {
            Purpose::StartFile => self.document.how.start = path.display().to_string(),
            Purpose::SaveTurned => self.save_turned(path),
            Purpose::SaveShifts => {
                let text = shifts_csv(&self.document);
                self.save_text("Save the positions", path, text);
            }
            Purpose::SaveWeights => {
                let text = weights_csv(&self.document.run.course);
                self.save_text("Save the weights", path, text);
            }
            Purpose::SaveHalves => {
                let curves = &self.document.trials.halves.curves;
                let series: Vec<_> = curves.iter().map(FrcLine::series).collect();
                let data = PlotData {
                    x_label: "frequency, share of Nyquist",
                    y_label: "ring correlation",
                    series: &series,
                };
                let text = csv(&data);
                self.save_text("Save the ring correlation", path, text);
            }
            Purpose::SaveProbePower => self.save_curve(Curve::ProbePower, path),
            Purpose::SavePositionRms => self.save_curve(Curve::PositionRms, path),
            _ => self.save_curve(Curve::Loss, path),
        }
    }

    fn save_curve(&mut self, curve: Curve, path: PathBuf) {
        let traces = self.document.run.traces(curve);
        let series: Vec<_> = traces.iter().map(Trace::series).collect();
        let (title, y_label) = curve.words();
        let data = PlotData {
            x_label: "epoch",
            y_label,
            series: &series,
        };
        let text = csv(&data);
        self.save_text(&format!("Save: {title}"), path, text);
    }

    fn save_text(&mut self, name: &str, path: PathBuf, text: String) {
        self.queue
            .add(Lane::Files, self.document.scan.id, name, move |_| {
                ptycho_core::disk::write(&path, text.as_bytes())?;
                Ok(Outcome::Written(path))
            });
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
            device,
            device_reason,
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
        run.take_course(course);
        self.next_preview = Some(PreviewRequest {
            object: reconstruction.object.clone(),
            probe: reconstruction.probe.clone(),
        });
        run.finished = Some(FinishedRun {
            n_epochs: run.progress.epoch.max(reconstruction.loss.len()),
            reconstruction: Arc::new(reconstruction),
            reason,
            result: RunFolder::open(&run_folder)
                .map_or_else(|_| run_folder.clone(), |folder| folder.result_file()),
            run_folder,
            settings: run.settings.clone(),
            engine: run.engine,
            how: run.how.clone(),
            device: (device, device_reason),
            scan,
        });
        self.start_preview();
    }
}
