//! The one place that acts: commands of the user and reports of the jobs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Context, ViewportCommand};
use ndarray::{Array2, Array3};
use num_complex::Complex32;
use ptycho_core::data::{Inspection, Opened, Verdict};
use ptycho_core::job::StopReason;
use ptycho_core::study::run::{ReconstructOutcome, ReconstructTask, Source};

use super::chooser::Chooser;
use super::command::{Action, Command};
use super::dialogs::{Dialog, PreferencesDraft, RepairDraft};
use super::document::{CheckState, FinishedRun};
use super::files::{self, Purpose};
use super::preview::{Preview, scanned_region};
use super::queue::{Lane, Report};
use super::theme::UI_SCALE_RANGE;
use super::views::View;
use super::widgets::line_plot::{PlotData, Series, csv};
use super::widgets::notice::{Level, Notice};
use super::work::{self, Event, Outcome};
use super::workbench::Workbench;

/// A state of the run that is to be prepared for display.
pub struct PreviewRequest {
    object: Array2<Complex32>,
    probe: Array3<Complex32>,
}

const SCALE_STEP: f32 = 0.1;

impl Workbench {
    pub(super) fn apply(&mut self, ctx: &Context, command: Command) {
        match command {
            Command::Do(action) => self.act(ctx, action),
            Command::Open(path) => self.open(Source::File(absolute(&path))),
            Command::Repair(output) => self.repair_to(&output),
            Command::ChooseRepaired => {
                let output = files::parse_path(&self.repair.output);
                self.choose(Purpose::SaveRepaired, &output);
            }
            Command::SaveResult(path) => self.save_result(path),
            Command::SaveLoss(path) => self.save_loss(path),
            Command::SaveScan(path) => self.save_scan(path),
            Command::ExportPane(path) => self.export_pane(path),
            Command::FocusPane(name) => match self.view {
                View::Data => self.data.focus(&name),
                View::Reconstruct => self.reconstruct.focus(&name),
            },
            Command::Show(view) => self.view = view,
            Command::ForgetRecent(path) => self.preferences.recent.retain(|known| *known != path),
            Command::CopyText(text) => ctx.copy_text(text),
            Command::Theme(theme) => self.preferences.appearance.theme = theme,
            Command::OpenFolder(folder) => ctx.open_url(egui::OpenUrl::new_tab(format!(
                "file://{}",
                folder.display()
            ))),
            Command::Dismiss(id) => self.document.messages.retain(|message| message.id != id),
            Command::StopJob(id) => self.queue.stop(id),
        }
    }

    fn act(&mut self, ctx: &Context, action: Action) {
        match action {
            Action::OpenFile => {
                let folder = self
                    .preferences
                    .last_open_folder
                    .clone()
                    .or_else(files::home);
                self.choose(Purpose::OpenScan, &folder.unwrap_or_default());
            }
            Action::OpenDemonstration => self.open(Source::Demonstration),
            Action::RepairFile => self.begin_repair(),
            Action::SaveScanAs => self.choose_beside(Purpose::SaveScan, "_contract", "npz"),
            Action::SaveResultAs => self.choose_beside(Purpose::SaveResult, "_lsqml", "npz"),
            Action::SaveLoss => self.choose_beside(Purpose::SaveLoss, "_loss", "csv"),
            Action::ExportPane => {
                let name = self.focused_pane().replace(' ', "_");
                self.choose_beside(Purpose::ExportPane, &format!("_{name}"), "png");
            }
            Action::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            Action::CopyImage => self.copy_image(ctx),
            Action::CopyValues => self.copy_values(ctx),
            Action::CopyAsCommand => self.copy_as_command(ctx),
            Action::Undo => self.document.undo(),
            Action::Redo => self.document.redo(),
            Action::Preferences => {
                self.preferences_draft = PreferencesDraft {
                    runs: self.preferences.runs_folder.display().to_string(),
                };
                self.dialog = Some(Dialog::Preferences);
            }
            Action::LargerUi => self.set_scale(self.preferences.appearance.ui_scale + SCALE_STEP),
            Action::SmallerUi => self.set_scale(self.preferences.appearance.ui_scale - SCALE_STEP),
            Action::NormalUi => self.set_scale(1.0),
            Action::ResetLayout => {
                self.data.reset_layout();
                self.reconstruct.reset_layout();
            }
            Action::ToggleLog => self.log_pane.is_open = !self.log_pane.is_open,
            Action::NextView => self.view = self.view.next(),
            Action::Run => self.start_run(false),
            Action::Stop => self.queue.stop_lane(Lane::Compute),
            Action::Continue => self.start_run(true),
            Action::Shortcuts => self.dialog = Some(Dialog::Shortcuts),
            Action::DataContract => self.dialog = Some(Dialog::DataContract),
            Action::About => self.dialog = Some(Dialog::About),
            Action::FrameTimes => self.dialog = Some(Dialog::FrameTimes),
            Action::PreviousFrame => self.data.step_frame(-1, &self.document),
            Action::NextFrame => self.data.step_frame(1, &self.document),
            Action::FitPanes => self.fit_panes(),
            Action::AutoContrast => self.auto_contrast(),
        }
    }

    /// Whether an action can do anything now; menus and buttons grey out the rest.
    pub fn is_enabled(&self, action: Action) -> bool {
        let document = &self.document;
        let runs = self.queue.is_busy(Lane::Compute);
        match action {
            Action::RepairFile => document.can_repair(),
            Action::SaveResultAs => document.finished().is_some(),
            Action::ExportPane | Action::CopyImage | Action::CopyValues => self.has_focused_pane(),
            Action::SaveLoss => !document.run.loss.is_empty(),
            Action::Undo => document.can_undo(),
            Action::Redo => document.can_redo(),
            Action::Run => {
                !runs
                    && document
                        .preflight()
                        .iter()
                        .all(|check| check.state != CheckState::Blocking)
            }
            Action::Stop => runs,
            Action::Continue => !runs && document.finished().is_some(),
            Action::SaveScanAs | Action::PreviousFrame | Action::NextFrame => {
                document.scan.dataset.is_some()
            }
            _ => true,
        }
    }

    fn set_scale(&mut self, ui_scale: f32) {
        self.preferences.appearance.ui_scale =
            ui_scale.clamp(*UI_SCALE_RANGE.start(), *UI_SCALE_RANGE.end());
    }

    fn choose(&mut self, purpose: Purpose, suggested: &Path) {
        let use_system = self.preferences.system_file_dialogs;
        self.chooser = Some(Chooser::new(
            purpose,
            suggested,
            use_system,
            self.queue.wake(),
        ));
    }

    fn choose_beside(&mut self, purpose: Purpose, suffix: &str, extension: &str) {
        let source = self
            .document
            .scan
            .path()
            .cloned()
            .unwrap_or_else(|| PathBuf::from("demonstration.npz"));
        let name = files::beside(&source, suffix, extension);
        let folder = self.preferences.last_save_folder.clone();
        let suggested = match (folder, name.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => name,
        };
        self.choose(purpose, &suggested);
    }

    fn open(&mut self, source: Source) {
        if self.queue.is_busy(Lane::Compute) {
            let text = "A reconstruction is running. Stop it before opening another scan.";
            return self.document.tell(Level::Warning, text, Some(Action::Stop));
        }
        for lane in [Lane::Files, Lane::Background, Lane::Preview] {
            self.queue.stop_lane(lane);
        }
        self.next_preview = None;
        self.document.begin_scan(source.clone());
        self.path_text = self
            .document
            .scan
            .path()
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        self.data.begin_scan();
        self.reconstruct.begin_scan();
        let name = format!("Open {}", self.document.scan.name());
        tracing::info!("{name}");
        self.queue
            .add(Lane::Files, self.document.scan.id, name, move |monitor| {
                work::open(&source, monitor)
            });
    }

    fn begin_repair(&mut self) {
        let Some(path) = self.document.scan.path().cloned() else {
            return;
        };
        self.repair = RepairDraft {
            steps: None,
            output: files::beside(&path, "_repaired", "npz")
                .display()
                .to_string(),
            input: path.display().to_string(),
        };
        self.dialog = Some(Dialog::Repair);
        self.queue.add(
            Lane::Files,
            self.document.scan.id,
            "Preview the repair",
            move |monitor| work::preview_repair(&path, monitor),
        );
    }

    fn repair_to(&mut self, output: &Path) {
        let Some(path) = self.document.scan.path().cloned() else {
            return;
        };
        let output = absolute(output);
        self.queue.add(
            Lane::Files,
            self.document.scan.id,
            "Repair",
            move |monitor| work::repair(&path, &output, monitor),
        );
    }

    fn save_result(&mut self, path: PathBuf) {
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

    fn save_loss(&mut self, path: PathBuf) {
        let points = self.document.run.loss_points();
        self.queue.add(
            Lane::Files,
            self.document.scan.id,
            "Save the loss",
            move |_| {
                let series = [Series {
                    name: "LSQML",
                    points: &points,
                    colour_index: 0,
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

    fn save_scan(&mut self, path: PathBuf) {
        let Some(dataset) = self.document.scan.dataset.clone() else {
            return;
        };
        self.queue.add(
            Lane::Files,
            self.document.scan.id,
            "Save the scan",
            move |_| dataset.save(&path).map(|()| Outcome::Written(path)),
        );
    }

    fn copy_as_command(&self, ctx: &Context) {
        let text = match self.view {
            View::Data => self.document.inspect_command(),
            View::Reconstruct => self.document.reconstruct_command(),
        };
        tracing::info!("copied: {text}");
        ctx.copy_text(text);
    }

    fn start_run(&mut self, continues: bool) {
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
        let mut resume = None;
        if let (true, Some(finished)) = (continues, self.document.finished()) {
            // A checkpoint goes on only with the settings that it was made with.
            settings = finished.settings.clone();
            settings.epochs = finished.n_epochs + self.document.more_epochs;
            resume = Some(finished.run_folder.clone());
        }
        let task = ReconstructTask {
            source,
            lsqml: settings.clone(),
            n_threads: self.document.n_threads,
            runs: absolute(&self.preferences.runs_folder),
            resume,
            ..ReconstructTask::default()
        };
        let run = &mut self.document.run;
        run.settings = settings;
        run.failed = None;
        if !continues {
            run.loss.clear();
            run.seconds_per_epoch.clear();
        }
        self.view = View::Reconstruct;
        self.queue.add(
            Lane::Compute,
            self.document.scan.id,
            "LSQML reconstruction",
            move |monitor| work::run(&task, dataset, monitor),
        );
    }

    /// Prepare the newest state for display, unless the one before is still being prepared.
    pub(super) fn start_preview(&mut self) {
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

    pub(super) fn take_report(&mut self, report: Report) {
        if report.scan != self.document.scan.id {
            return;
        }
        if report.lane == Lane::Compute {
            self.document.run.progress = report.progress;
        }
        match report.event {
            Some(Event::Inspected(inspection)) => self.document.scan.inspection = Some(*inspection),
            Some(Event::Statistics(statistics)) => self.document.scan.statistics = statistics,
            Some(Event::Reconstruction(snapshot)) => {
                self.document.run.loss = snapshot.loss;
                self.document.run.seconds_per_epoch = snapshot.seconds_per_epoch;
                self.next_preview = Some(PreviewRequest {
                    object: snapshot.object,
                    probe: snapshot.probe,
                });
            }
            None => {}
        }
        match report.ended {
            Some(Ok(outcome)) => self.take_outcome(outcome),
            Some(Err(error)) => self.take_failure(report.lane, &report.name, &error),
            None => {}
        }
    }

    fn take_outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Opened(opened) => self.opened(*opened),
            Outcome::Unusable => self.refused(),
            Outcome::Statistics(statistics) => self.document.scan.statistics = statistics,
            Outcome::Summary(summary) => self.document.scan.summary = Some(Arc::new(*summary)),
            Outcome::RepairPreview(steps) => self.repair.steps = Some(Ok(steps)),
            Outcome::Repaired(path, inspection) => self.repaired(path, &inspection),
            Outcome::Written(path) => {
                let text = format!("Written: {}", path.display());
                self.document.tell(Level::Info, text, None);
            }
            Outcome::Reconstructed(outcome) => self.reconstructed(*outcome),
            Outcome::Preview(preview) => {
                self.document.run.preview = Some(Arc::new(*preview));
                self.document.run.revision += 1;
            }
        }
    }

    fn opened(&mut self, opened: Opened) {
        let Opened {
            dataset,
            repairs,
            path: _,
        } = opened;
        let dataset = Arc::new(dataset);
        let scan = &mut self.document.scan;
        scan.scanned = Some(scanned_region(
            dataset.positions_px(),
            dataset.object_shape(),
        ));
        scan.dataset = Some(Arc::clone(&dataset));
        scan.repairs = repairs;
        for repair in &scan.repairs {
            tracing::info!("repaired in memory: {repair}");
        }
        tracing::info!(
            "{}: {} patterns of {}×{1}",
            scan.name(),
            dataset.n_patterns(),
            dataset.n()
        );
        let id = scan.id;
        self.queue.add(
            Lane::Background,
            id,
            "Mean and maximum of the patterns",
            move |monitor| work::summarise(&dataset, monitor),
        );
        self.add_statistics();
        if let Some(path) = self.document.scan.path().cloned() {
            self.preferences.remember(&path);
        }
    }

    fn refused(&mut self) {
        let scan = &mut self.document.scan;
        let first = scan
            .inspection
            .iter()
            .flat_map(|inspection| &inspection.findings)
            .find(|finding| finding.severity == ptycho_core::data::Severity::Refused);
        let words = first.map_or_else(String::new, |finding| {
            let key = if finding.key.is_empty() {
                "the file"
            } else {
                &finding.key
            };
            format!(
                " {key}: expected {}, found {}. {}",
                finding.expected, finding.found, finding.fix
            )
        });
        let text = format!("{} cannot be used as a scan.{words}", scan.name());
        tracing::error!("{text}");
        scan.problem = Some(text);
        self.add_statistics();
    }

    fn add_statistics(&mut self) {
        let Some(path) = self.document.scan.path().cloned() else {
            return;
        };
        self.queue.add(
            Lane::Background,
            self.document.scan.id,
            "Statistics",
            move |monitor| work::statistics(&path, monitor),
        );
    }

    fn repaired(&mut self, path: PathBuf, inspection: &Inspection) {
        let verdict = match inspection.verdict {
            Verdict::Ok => "obeys the contract",
            Verdict::Repairable => "still needs a repair",
            Verdict::Refused => "is still refused",
        };
        let gravity = if inspection.verdict == Verdict::Ok {
            Level::Info
        } else {
            Level::Warning
        };
        self.document.tell(
            gravity,
            format!("Repaired: {} {verdict}.", path.display()),
            None,
        );
        self.open(Source::File(path));
    }

    fn reconstructed(&mut self, outcome: ReconstructOutcome) {
        let ReconstructOutcome {
            reconstruction,
            reason,
            seconds_per_epoch,
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
        let run = &mut self.document.run;
        run.loss.clone_from(&reconstruction.loss);
        run.seconds_per_epoch = seconds_per_epoch;
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
            scan,
        });
        self.start_preview();
    }

    fn take_failure(&mut self, lane: Lane, name: &str, error: &ptycho_core::Error) {
        if matches!(error, ptycho_core::Error::Cancelled) {
            tracing::info!("{name}: stopped");
            if lane == Lane::Files && self.document.scan.dataset.is_none() {
                self.document.scan.problem = Some("Opening was stopped.".to_owned());
            }
            return;
        }
        match lane {
            Lane::Files if self.dialog == Some(Dialog::Repair) => {
                self.repair.steps = Some(Err(error.to_string()));
            }
            Lane::Files if self.document.scan.dataset.is_none() => {
                self.document.scan.problem = Some(error.to_string());
            }
            Lane::Compute => self.document.run.failed = Some(error.to_string()),
            Lane::Files | Lane::Background | Lane::Preview => {}
        }
        let mut notice = Notice::error(error);
        notice.text = format!("{name}: {}", notice.text);
        self.document.tell_notice(notice, None);
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
