//! The window: polls jobs in `logic`, draws in `ui`, applies commands in one place.

use std::path::PathBuf;
use std::time::Duration;

use eframe::{App, Frame};
use egui::{Context, Ui};
use ptycho_core::compute::Compute;

use super::chooser::{Choice, Chooser};
use super::command::{self, Command};
use super::diagnosis::{Ask, Diagnosis};
use super::dialogs::{Dialog, PreferencesDraft, RepairDraft};
use super::document::Document;
use super::files::Purpose;
use super::log::LogRing;
use super::meter::{self, Meter};
use super::preferences::Preferences;
use super::queue::Queue;
use super::study::Ask as AskStudy;
use super::theme::Appearance;
use super::views::{
    CompareView, DataView, FigureView, GenerateView, OverlapView, ReconstructView, StudyView,
    TrainView, View,
};
use super::widgets::notice::Level;
use super::{chrome, theme};

/// How the window starts.
pub struct WindowOptions {
    /// The file to open; none shows the demonstration.
    pub file: Option<PathBuf>,
    /// The device, opened once in `main`.
    pub compute: Compute,
    /// The folder under which run folders are made; none takes the preferences'.
    pub runs: Option<PathBuf>,
    /// Where preferences are kept; none keeps nothing.
    pub preferences: Option<PathBuf>,
    /// The records of this program.
    pub log: LogRing,
    /// Whether the demonstration is opened where no file is given.
    pub open_demonstration: bool,
}

/// Open the window and stay until it is closed.
///
/// # Errors
/// [`eframe::Error`] where the system gives no window.
pub fn run(options: WindowOptions) -> eframe::Result {
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Ptychobench")
            .with_app_id("ptychobench")
            .with_inner_size([1440.0, 900.0])
            .with_min_inner_size([640.0, 400.0])
            .with_drag_and_drop(true),
        ..eframe::NativeOptions::default()
    };
    eframe::run_native(
        "Ptychobench",
        native,
        Box::new(|creation| Ok(Box::new(Workbench::new(&creation.egui_ctx, options)))),
    )
}

/// What the log pane shows.
pub struct LogPane {
    pub is_open: bool,
    pub least: tracing::Level,
    pub text: String,
}

/// The window's whole state.
pub struct Workbench {
    pub document: Document,
    pub queue: Queue,
    pub preferences: Preferences,
    pub view: View,
    pub meter: Meter,
    pub(super) data: DataView,
    pub(super) generate: GenerateView,
    pub(super) overlap: OverlapView,
    pub(super) train: TrainView,
    pub(super) reconstruct: ReconstructView,
    pub diagnosis: Diagnosis,
    pub(super) compare: CompareView,
    pub(super) study: StudyView,
    pub(super) figure: FigureView,
    pub(super) dialog: Option<Dialog>,
    pub(super) chooser: Option<Chooser>,
    pub(super) repair: RepairDraft,
    pub(super) preferences_draft: PreferencesDraft,
    pub(super) log: LogRing,
    pub(super) log_pane: LogPane,
    pub(super) compute: Compute,
    pub(super) commands: Vec<Command>,
    /// The newest state of the run that waits to be prepared for display.
    pub(super) next_preview: Option<super::apply::PreviewRequest>,
    /// The path box of the data view.
    pub(super) path_text: String,
    preferences_file: Option<PathBuf>,
    saved: Preferences,
    applied: Appearance,
    logic_time: Duration,
}

impl Workbench {
    /// The window's state at the start; work begins at the first `logic`.
    pub fn new(ctx: &Context, options: WindowOptions) -> Self {
        let WindowOptions {
            file,
            compute,
            runs,
            preferences: preferences_file,
            log,
            open_demonstration,
        } = options;
        let (mut preferences, problem) = preferences_file
            .as_deref()
            .map_or_else(|| (Preferences::default(), None), Preferences::load);
        let saved = preferences.clone();
        if let Some(runs) = runs {
            preferences.studies_folder.clone_from(&runs);
            preferences.runs_folder = runs;
        }
        theme::install(ctx);
        let applied = preferences.appearance;
        applied.apply(ctx);
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        log.wake(ctx);
        let mut document = Document::new(compute.n_threads());
        if let Some(problem) = problem {
            document.tell(Level::Warning, problem, None);
        }
        let mut commands = Vec::new();
        match file {
            Some(file) => commands.push(Command::Open(file)),
            None if open_demonstration => {
                commands.push(Command::Do(command::Action::OpenDemonstration));
            }
            None => {}
        }
        Self {
            document,
            queue: Queue::new(ctx),
            preferences,
            view: View::Data,
            meter: Meter::default(),
            data: DataView::default(),
            generate: GenerateView::default(),
            overlap: OverlapView::default(),
            train: TrainView::default(),
            reconstruct: ReconstructView::default(),
            diagnosis: Diagnosis::default(),
            compare: CompareView::default(),
            study: StudyView::default(),
            figure: FigureView::default(),
            dialog: None,
            chooser: None,
            repair: RepairDraft::default(),
            preferences_draft: PreferencesDraft::default(),
            log,
            log_pane: LogPane {
                is_open: false,
                least: tracing::Level::INFO,
                text: String::new(),
            },
            compute,
            commands,
            next_preview: None,
            path_text: String::new(),
            preferences_file,
            saved,
            applied,
            logic_time: Duration::ZERO,
        }
    }

    /// The choices of the compare view.
    pub fn compare(&self) -> &CompareView {
        &self.compare
    }

    /// Ask for a command as menus and buttons do.
    pub fn send(&mut self, command: Command) {
        self.commands.push(command);
    }

    /// The compute device and why it is this one.
    pub fn device_text(&self) -> String {
        format!(
            "{} × {} threads: {}",
            self.compute.name(),
            self.compute.n_threads(),
            self.compute.reason()
        )
    }

    fn poll(&mut self, ctx: &Context) {
        self.poll_queue();
        if let Some(chooser) = &mut self.chooser {
            let purpose = chooser.purpose();
            match chooser.poll() {
                Choice::Chosen(path) => self.chosen(purpose, path),
                Choice::Closed => self.chooser = None,
                Choice::Open => {}
            }
        }
        let commands = std::mem::take(&mut self.commands);
        for command in commands {
            self.apply(ctx, command);
        }
        // What the commands have queued starts now, not at the next event.
        self.poll_queue();
        self.keep_preferences();
    }

    fn poll_queue(&mut self) {
        loop {
            self.start_preview();
            self.look_for_device();
            self.start_sketch();
            self.start_thinning();
            self.start_train_plan();
            self.start_comparison();
            self.start_outlook();
            self.start_figure();
            self.start_study_plan();
            let reports = self.queue.poll();
            if reports.is_empty() {
                return;
            }
            for report in reports {
                self.take_report(report);
            }
        }
    }

    pub(super) fn chosen(&mut self, purpose: Purpose, path: PathBuf) {
        self.chooser = None;
        if purpose.is_save() {
            self.preferences.last_save_folder = path.parent().map(std::path::Path::to_path_buf);
        }
        self.commands.push(match purpose {
            Purpose::OpenScan => Command::Open(path),
            Purpose::SaveRepaired => Command::Repair(path),
            Purpose::SaveScan => Command::SaveScan(path),
            Purpose::SaveResult => Command::SaveResult(path),
            Purpose::ExportPane => Command::ExportPane(path),
            Purpose::ObjectFile
            | Purpose::ProbeFile
            | Purpose::ScanFile
            | Purpose::OutputFolder => Command::TakeForGeneration(purpose, path),
            Purpose::SetsFolder
            | Purpose::ViewsFolder
            | Purpose::ExportPlot
            | Purpose::SavePoints
            | Purpose::SaveHistogram => Command::TakeForViews(purpose, path),
            Purpose::TrainFile
            | Purpose::ValidationFile
            | Purpose::RunFolder
            | Purpose::KeptRun
            | Purpose::BundleFile
            | Purpose::InferData
            | Purpose::InferOutput
            | Purpose::SaveCurves => Command::TakeForTraining(purpose, path),
            Purpose::SaveLoss
            | Purpose::StartFile
            | Purpose::SaveProbePower
            | Purpose::SavePositionRms
            | Purpose::SaveShifts
            | Purpose::SaveWeights
            | Purpose::SaveHalves
            | Purpose::SaveTurned => Command::TakeForReconstruction(purpose, path),
            Purpose::OtherScan | Purpose::OtherRun => Command::Diagnosis(Ask::Beside(path)),
            Purpose::SaveReport => Command::Diagnosis(Ask::Save(path)),
            Purpose::CompareTruth
            | Purpose::CompareResult
            | Purpose::CompareFolder
            | Purpose::SaveCompareCurves => Command::TakeForComparison(purpose, path),
            Purpose::FigurePng
            | Purpose::FigureSvg
            | Purpose::FigurePdf
            | Purpose::FigureCompanions => Command::TakeForFigure(purpose, path),
            Purpose::StudyFile
            | Purpose::SaveStudy
            | Purpose::StudyRuns
            | Purpose::StudyBase
            | Purpose::OtherStudy
            | Purpose::SaveSummary => Command::Study(AskStudy::Take(purpose, path)),
        });
    }

    /// Written when they change; failing to write them never stops the program.
    fn keep_preferences(&mut self) {
        if self.preferences == self.saved {
            return;
        }
        self.saved = self.preferences.clone();
        if let Some(file) = &self.preferences_file
            && let Err(error) = self.preferences.save(file)
        {
            tracing::warn!("the preferences are not kept: {error}");
        }
    }

    /// After drawing, since a theme that changes within a frame leaves it half in the old one.
    fn apply_appearance(&mut self, ctx: &Context) {
        let wanted = self.preferences.appearance;
        if self.applied != wanted {
            wanted.apply(ctx);
            self.applied = wanted;
            ctx.request_repaint();
        }
    }

    fn take_input(&mut self, ctx: &Context) {
        if self.chooser.is_none() && self.dialog.is_none() {
            for action in command::pressed(ctx) {
                self.commands.push(Command::Do(action));
            }
        }
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        let dropped: Vec<_> = dropped
            .into_iter()
            .map(|file| file.path().to_path_buf())
            .collect();
        self.commands.extend(match dropped.as_slice() {
            [] => None,
            [one] if self.view != View::Compare => Some(Command::Open(one.clone())),
            _ => Some(Command::AddToComparison(dropped)),
        });
        self.document.note_settings(ctx.input(|input| input.time));
        self.hold_close(ctx);
    }
}

impl App for Workbench {
    fn logic(&mut self, ctx: &Context, _: &mut Frame) {
        let start = meter::thread_cpu_time();
        self.poll(ctx);
        self.logic_time = meter::thread_cpu_time().saturating_sub(start);
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut Frame) {
        let start = meter::thread_cpu_time();
        self.take_input(ui.ctx());
        chrome::show(self, ui);
        self.apply_appearance(ui.ctx());
        if !self.commands.is_empty() {
            ui.ctx().request_repaint();
        }
        let spent = meter::thread_cpu_time().saturating_sub(start);
        self.meter
            .record(spent + std::mem::take(&mut self.logic_time));
    }

    fn on_exit(&mut self) {
        self.keep_preferences();
    }
}
