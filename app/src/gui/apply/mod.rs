//! The one place that acts: commands of the user and reports of the jobs.

mod compare;
mod diagnose;
mod figure;
mod generate;
mod overlap;
mod reports;
mod run;
mod scan;
mod study;
mod study_run;
mod study_show;
mod train;
mod trial;

use std::path::{Path, PathBuf};

use egui::{Context, ViewportCommand};
use ptycho_core::study::run::Source;

pub use self::run::PreviewRequest;
use super::chooser::Chooser;
use super::command::{Action, Command};
use super::dialogs::{Dialog, PreferencesDraft};
use super::document::Document;
use super::figure::command_line::figure_command;
use super::files::{self, Purpose};
use super::generation::command_line::simulate_command;
use super::queue::Lane;
use super::reconstruction::Curve;
use super::reconstruction::command_line::reconstruct_command;
use super::study::Ask;
use super::study::command_line::study_command;
use super::theme::UI_SCALE_RANGE;
use super::thinning::command_line::overlap_command;
use super::views::View;
use super::workbench::Workbench;

const SCALE_STEP: f32 = 0.1;

impl Workbench {
    pub(super) fn apply(&mut self, ctx: &Context, command: Command) {
        match command {
            Command::Do(action) => self.act(ctx, action),
            Command::Open(path) if is_study(&path) => self.ask_study(ctx, Ask::Open(path)),
            Command::Open(path) => self.open(Source::File(absolute(&path))),
            Command::Repair(output) => self.repair_to(&output),
            Command::ChooseRepaired => {
                let output = files::parse_path(&self.repair.output);
                self.choose(Purpose::SaveRepaired, &output);
            }
            Command::SaveResult(path) => self.save_result(path),
            Command::SaveScan(path) => self.save_scan(path),
            Command::UseTool(tool, output, opens) => self.use_tool(*tool, &output, opens),
            Command::ExportPane(path) => self.export_pane(path),
            Command::FocusPane(name) => match self.view {
                View::Data => self.data.focus(&name),
                View::Generate => self.generate.focus(&name),
                View::Overlap => self.overlap.focus(&name),
                View::Train => self.train.focus(&name),
                View::Reconstruct => self.reconstruct.focus(&name),
                View::Compare => self.compare.focus(&name),
                View::Study => self.study.focus(&name),
                View::Figure => self.figure.focus(&name),
            },
            Command::Show(view) => self.view = view,
            Command::ForgetRecent(path) => self.preferences.recent.retain(|known| *known != path),
            Command::TakePreset(preset) => self.take_preset(preset),
            Command::ChooseForGeneration(purpose) => self.choose_for_generation(purpose),
            Command::TakeForGeneration(purpose, path) => self.take_for_generation(purpose, path),
            Command::WriteViews => self.write_views(),
            Command::ChooseForViews(purpose) => self.choose_for_views(purpose),
            Command::TakeForViews(purpose, path) => self.take_for_views(purpose, path),
            Command::ShowSets(folder) => self.show_sets(&folder),
            Command::QueueArm => self.start_training(),
            Command::StopArms => self.stop_arms(),
            Command::DropArm(id) => self.drop_arm(id),
            Command::AddRun(folder) => self.add_run(folder),
            Command::TrainOn(path) => self.train_on(&path),
            Command::ChooseForTraining(purpose) => self.choose_for_training(purpose),
            Command::TakeForTraining(purpose, path) => self.take_for_training(purpose, path),
            Command::ReadBundle(path) => self.read_bundle(path),
            Command::UseBundle(path, train) => self.use_bundle(&path, train.as_deref()),
            Command::Infer => self.start_inference(),
            Command::Diagnosis(ask) => self.ask_diagnosis(ask),
            Command::Study(ask) => self.ask_study(ctx, ask),
            Command::AddToComparison(files) => self.add_to_comparison(files),
            Command::CompareSession => self.compare_session(),
            Command::ChooseForComparison(purpose) => self.choose_for_comparison(purpose),
            Command::TakeForComparison(purpose, path) => self.take_for_comparison(purpose, path),
            Command::ChooseForFigure(purpose) => self.choose_for_figure(purpose),
            Command::TakeForFigure(purpose, path) => self.take_for_figure(purpose, path),
            Command::ChooseForReconstruction(purpose) => self.choose_for_reconstruction(purpose),
            Command::TakeForReconstruction(purpose, path) => {
                self.take_for_reconstruction(purpose, path);
            }
            Command::TryOrientations => self.start_orientations(),
            Command::CompareHalves => self.start_halves(),
            Command::OpenInData(path) => {
                self.open(Source::File(absolute(&path)));
                self.view = View::Data;
            }
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
            Action::SaveResultAs => {
                let suffix = format!("_{}", self.document.run.engine.name());
                self.choose_beside(Purpose::SaveResult, &suffix, "npz");
            }
            Action::SaveLoss if self.view == View::Train => {
                self.choose_for_training(Purpose::SaveCurves);
            }
            Action::SaveLoss => self.choose_beside(Purpose::SaveLoss, "_loss", "csv"),
            Action::ExportPane if self.view == View::Figure => {
                self.choose_for_figure(Purpose::FigurePng);
            }
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
                self.generate.reset_layout();
                self.overlap.reset_layout();
                self.train.reset_layout();
                self.reconstruct.reset_layout();
                self.compare.reset_layout();
                self.study.reset_layout();
                self.figure.reset_layout();
            }
            Action::ToggleLog => self.log_pane.is_open = !self.log_pane.is_open,
            Action::NextView => self.view = self.view.next(),
            Action::Generate => self.start_generation(),
            Action::Train => {
                self.view = View::Train;
                self.train_now();
            }
            Action::Run if self.view == View::Train => self.train_now(),
            Action::Run if self.view == View::Generate => self.start_generation(),
            Action::Run if self.view == View::Overlap => self.write_views(),
            Action::Run if self.view == View::Compare => self.document.comparing.look_again(),
            Action::Run if self.view == View::Figure => self.document.figuring.look_again(),
            Action::Run if self.view == View::Study => self.ask_study(ctx, Ask::Run),
            Action::Run => self.start_run(false),
            Action::Stop => self.queue.stop_running(Lane::Compute),
            Action::Continue if self.view == View::Train => self.resume_training(),
            Action::Continue if self.view == View::Study => self.ask_study(ctx, Ask::Run),
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
            Action::ExportPane if self.view == View::Figure => self.can_export_figure(),
            Action::ExportPane | Action::CopyImage | Action::CopyValues => self.has_focused_pane(),
            Action::SaveLoss if self.view == View::Train => !document.training.arms.is_empty(),
            Action::SaveLoss => !document.run.traces(Curve::Loss).is_empty(),
            Action::Undo => document.can_undo(),
            Action::Redo => document.can_redo(),
            Action::Generate => self.can_generate(),
            Action::Train => !runs && self.can_train(),
            Action::Run if self.view == View::Train => !runs && self.can_train(),
            Action::Run if self.view == View::Generate => self.can_generate(),
            Action::Run if self.view == View::Overlap => self.can_write_views(),
            Action::Run if self.view == View::Compare => {
                document.comparing.request(&document.scan).is_some()
            }
            Action::Run if self.view == View::Figure => {
                document.figuring.request(&document.studying).is_some()
            }
            Action::Run | Action::Continue if self.view == View::Study => {
                !runs && document.studying.run_problem().is_none()
            }
            Action::Run => !runs && document.blocking().is_none(),
            Action::Stop => runs,
            Action::Continue if self.view == View::Train => {
                document.training.resume_problem().is_none()
            }
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

    fn copy_as_command(&self, ctx: &Context) {
        let text = match self.view {
            View::Data => self.document.inspect_command(),
            View::Generate => simulate_command(&self.document.generation.task),
            View::Overlap => {
                let Document {
                    thinning,
                    scan,
                    n_threads,
                    ..
                } = &self.document;
                overlap_command(thinning, scan, *n_threads)
            }
            View::Train => self.train_page_command(),
            View::Reconstruct => reconstruct_command(&self.document),
            View::Compare => self.compare_page_command(),
            View::Study => study_command(&self.document.studying, self.document.n_threads),
            View::Figure => figure_command(&self.document),
        };
        tracing::info!("copied: {text}");
        ctx.copy_text(text);
    }
}

/// Whether a file is a study, not a scan.
fn is_study(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml")
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
