//! What the window is about: one scan, the parameters, the run and its result.

use std::path::PathBuf;
use std::sync::Arc;

use egui::util::undoer::Undoer;
use ptycho_core::data::npz::KeyInfo;
use ptycho_core::data::statistics::Statistics;
use ptycho_core::data::{Dataset, Finding, Inspection, Severity, Verdict};
use ptycho_core::fields::Fields as _;
use ptycho_core::iterative::{EngineKind, IterativeSettings, KernelChoice, ObjectInit};
use ptycho_core::phase::Region;
use ptycho_core::study::generate::GenerateTask;
use ptycho_core::study::memory::{available_bytes, estimate_bytes};
use ptycho_core::study::run::Source;

use super::command::Action;
use super::comparison::{CompareDraft, Comparing};
use super::figure::{Figuring, OwnFigure};
use super::files::shell_word;
use super::generation::Generation;
use super::reconstruction::devices::Devices;
use super::reconstruction::trials::Trials;
use super::reconstruction::{FinishedRun, How, Run, kernels_word};
use super::study::{StudyDraft, Studying};
use super::thinning::{Thinning, ThinningSettings};
use super::training::{TrainDraft, Training};
use super::views::pictures::Context as PaneContext;
use super::widgets::notice::{Level, Notice};
use super::work::FrameSummary;
use crate::units::bytes_text;

/// The scan that is open, or on its way.
#[derive(Default)]
pub struct Scan {
    /// Counts the scans of this window, so that late results of an older one are dropped.
    pub id: u64,
    pub source: Option<Source>,
    pub inspection: Option<Inspection>,
    pub statistics: Vec<Statistics>,
    pub dataset: Option<Arc<Dataset>>,
    /// One sentence for each repair applied in memory.
    pub repairs: Vec<String>,
    /// Why it cannot be used.
    pub problem: Option<String>,
    pub summary: Option<Arc<FrameSummary>>,
    /// Rows and columns of the object that the scan covers.
    pub scanned: Option<Region>,
}

impl Scan {
    /// The file, unless the scan was made in memory.
    pub fn path(&self) -> Option<&PathBuf> {
        match &self.source {
            Some(Source::File(path)) => Some(path),
            Some(Source::Demonstration) | None => None,
        }
    }

    /// Whether it was made in memory and stands in no file.
    pub fn is_in_memory(&self) -> bool {
        self.source == Some(Source::Demonstration)
    }

    /// A name for titles and the status bar.
    pub fn name(&self) -> String {
        match &self.source {
            Some(Source::File(path)) => path.file_name().map_or_else(
                || path.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
            Some(Source::Demonstration) => "demonstration scan".to_owned(),
            None => "no scan open".to_owned(),
        }
    }

    /// What every pane that shows a part of it needs to know.
    pub fn pane_context(&self) -> PaneContext {
        PaneContext {
            pixel_size_m: self.pixel_size_m(),
            from: self.name(),
            region: self.scanned.clone(),
        }
    }

    /// Side of an object pixel in metres, where the file tells.
    pub fn pixel_size_m(&self) -> Option<f64> {
        self.dataset.as_ref()?.metadata().pixel_size_m
    }
}

/// The verdict on one key: the gravest of its findings.
pub fn key_verdict<'a>(
    inspection: &'a Inspection,
    key: &KeyInfo,
) -> (Option<Severity>, Vec<&'a Finding>) {
    let findings: Vec<_> = inspection
        .findings
        .iter()
        .filter(|finding| finding.key == key.key)
        .collect();
    let gravity = |severity: Severity| match severity {
        Severity::Note => 0,
        Severity::Repairable => 1,
        Severity::Refused => 2,
    };
    let gravest = findings
        .iter()
        .map(|finding| finding.severity)
        .max_by_key(|severity| gravity(*severity));
    (gravest, findings)
}

/// How one line of the pre-flight list stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckState {
    Good,
    Warning,
    Blocking,
}

/// One line of the pre-flight list.
#[derive(Clone, Debug)]
pub struct Check {
    pub state: CheckState,
    pub text: String,
    pub fix: Option<Action>,
}

impl Check {
    pub(super) fn new(state: CheckState, text: impl Into<String>) -> Self {
        Self {
            state,
            text: text.into(),
            fix: None,
        }
    }

    /// Whether the memory that is needed is free, where that is known.
    pub(super) fn of_memory(words: &str, (needed, free): (u64, Option<u64>), fix: &str) -> Self {
        match free.map(|free| (free, bytes_text(free))) {
            Some((free, text)) if free < needed => {
                let words =
                    format!("{words}; only {text} are free. {fix}, or close other programs.");
                Self::new(CheckState::Warning, words)
            }
            Some((_, text)) => Self::new(CheckState::Good, format!("{words}, {text} free.")),
            None => Self::new(CheckState::Good, format!("{words}.")),
        }
    }

    pub fn with_fix(mut self, fix: Action) -> Self {
        self.fix = Some(fix);
        self
    }
}

/// One notice that stays until it is closed.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: u64,
    pub notice: Notice,
    /// What its button does.
    pub fix: Option<Action>,
}

/// What can be undone: parameters, never results.
type Parameters = (
    (EngineKind, IterativeSettings, How),
    GenerateTask,
    ThinningSettings,
    TrainDraft,
    CompareDraft,
    Option<StudyDraft>,
    Option<OwnFigure>,
);

/// Everything that views borrow.
pub struct Document {
    pub scan: Scan,
    pub engine: EngineKind,
    pub settings: IterativeSettings,
    pub how: How,
    pub devices: Devices,
    /// Epochs that Continue adds.
    pub more_epochs: usize,
    pub n_threads: usize,
    pub run: Run,
    pub trials: Trials,
    pub generation: Generation,
    pub thinning: Thinning,
    pub training: Training,
    pub comparing: Comparing,
    pub figuring: Figuring,
    pub studying: Studying,
    pub messages: Vec<Message>,
    undoer: Undoer<Parameters>,
    next_message: u64,
}

impl Default for Document {
    fn default() -> Self {
        Self {
            scan: Scan::default(),
            engine: EngineKind::Lsqml,
            settings: IterativeSettings::default(),
            how: How::default(),
            devices: Devices::default(),
            more_epochs: 50,
            n_threads: 0,
            run: Run::default(),
            trials: Trials::default(),
            generation: Generation::default(),
            thinning: Thinning::default(),
            training: Training::default(),
            comparing: Comparing::default(),
            figuring: Figuring::default(),
            studying: Studying::default(),
            messages: Vec::new(),
            undoer: Undoer::default(),
            next_message: 1,
        }
    }
}

impl Document {
    /// Nothing open yet; runs use so many threads.
    pub fn new(n_threads: usize) -> Self {
        Self {
            n_threads,
            ..Self::default()
        }
    }

    /// Begin another scan; results of the one before stay in their run folders.
    pub fn begin_scan(&mut self, source: Source) {
        self.scan = Scan {
            id: self.scan.id + 1,
            source: Some(source),
            ..Scan::default()
        };
        self.run = self.run.anew();
        self.trials = self.trials.anew();
    }

    /// Tell the user something that stays; the button of `fix` goes with it.
    pub fn tell(&mut self, level: Level, text: impl Into<String>, fix: Option<Action>) {
        self.tell_notice(Notice::new(level, text), fix);
    }

    /// As [`Document::tell`], with the fields of a message where it has some.
    pub fn tell_notice(&mut self, mut notice: Notice, fix: Option<Action>) {
        let text = notice.to_text().replace('\n', "; ");
        match notice.level {
            Level::Info => tracing::info!("{text}"),
            Level::Warning => tracing::warn!("{text}"),
            Level::Error => tracing::error!("{text}"),
        }
        if let Some(fix) = fix {
            notice = notice.with_fix(fix.entry().label);
        }
        self.messages.retain(|message| message.notice != notice);
        self.messages.push(Message {
            id: self.next_message,
            notice,
            fix,
        });
        self.next_message += 1;
    }

    /// Whether the scan needs a repair and can be repaired.
    pub fn can_repair(&self) -> bool {
        let inspection = self.scan.inspection.as_ref();
        self.scan.path().is_some()
            && inspection.is_some_and(|inspection| inspection.verdict == Verdict::Repairable)
    }

    /// The finished run of the scan that is open.
    pub fn finished(&self) -> Option<&FinishedRun> {
        self.run
            .finished
            .as_ref()
            .filter(|run| run.scan == self.scan.id)
    }

    /// The result that another engine may go on from.
    pub fn present_result(&self) -> Option<PathBuf> {
        self.finished().map(|finished| finished.result.clone())
    }

    /// Feed the undo history; `time_s` is the window's clock.
    pub fn note_settings(&mut self, time_s: f64) {
        let now = self.parameters();
        self.undoer.feed_state(time_s, &now);
    }

    fn parameters(&self) -> Parameters {
        (
            (self.engine, self.settings.clone(), self.how.clone()),
            self.generation.task.clone(),
            self.thinning.settings.clone(),
            self.training.draft.clone(),
            self.comparing.draft.clone(),
            self.studying.draft.clone(),
            self.figuring.own.clone(),
        )
    }

    fn restore(&mut self, parameters: Parameters) {
        let (run, task, thinning, training, comparing, study, figure) = parameters;
        (self.engine, self.settings, self.how) = run;
        self.generation.set_task(task);
        self.thinning.set_settings(thinning);
        self.training.set_draft(training);
        self.comparing.set_draft(comparing);
        self.studying.set_draft(study);
        self.figuring.own = figure;
    }

    pub fn can_undo(&self) -> bool {
        self.undoer.has_undo(&self.parameters())
    }

    pub fn can_redo(&self) -> bool {
        self.undoer.has_redo(&self.parameters())
    }

    pub fn undo(&mut self) {
        let now = self.parameters();
        if let Some(before) = self.undoer.undo(&now).cloned() {
            self.restore(before);
        }
    }

    pub fn redo(&mut self) {
        let now = self.parameters();
        if let Some(after) = self.undoer.redo(&now).cloned() {
            self.restore(after);
        }
    }

    /// What stands in the way of a run, and what is worth knowing before it.
    pub fn preflight(&self) -> Vec<Check> {
        let Some(dataset) = &self.scan.dataset else {
            let text = match (&self.scan.source, &self.scan.problem) {
                (None, _) => "No scan is open.".to_owned(),
                (Some(_), Some(problem)) => problem.clone(),
                (Some(_), None) => "The scan is being read.".to_owned(),
            };
            return vec![Check::new(CheckState::Blocking, text).with_fix(Action::OpenFile)];
        };
        let mut checks = vec![self.dataset_check(dataset)];
        checks.extend(self.settings_checks(dataset));
        checks.extend(self.start_check());
        checks.extend(self.device_check());
        checks.push(memory_check(dataset, self.engine, &self.settings));
        checks
    }

    /// What stands in the way of a run.
    pub fn blocking(&self) -> Option<String> {
        let mut checks = self.preflight().into_iter();
        let blocking = checks.find(|check| check.state == CheckState::Blocking);
        blocking.map(|check| check.text)
    }

    fn dataset_check(&self, dataset: &Dataset) -> Check {
        let (m, n) = (dataset.n_patterns(), dataset.n());
        match self.scan.repairs.len() {
            0 => Check::new(CheckState::Good, format!("{m} patterns of {n}×{n}, valid.")),
            repairs => {
                let s = if repairs == 1 { "" } else { "s" };
                let text =
                    format!("{m} patterns of {n}×{n}, with {repairs} repair{s} applied in memory.");
                Check::new(CheckState::Warning, text).with_fix(Action::RepairFile)
            }
        }
    }

    fn settings_checks(&self, dataset: &Dataset) -> Vec<Check> {
        let mut checks = Vec::new();
        if let Err(error) = self.settings.check_ranges() {
            checks.push(Check::new(CheckState::Blocking, error.to_string()));
        }
        let (m, batch) = (dataset.n_patterns(), self.settings.batch_size);
        checks.push(if !self.engine.is_in_batches() {
            Check::new(
                CheckState::Good,
                format!("{} takes all patterns at once.", self.engine.title()),
            )
        } else if m < batch {
            Check::new(
                CheckState::Warning,
                format!("Batch size {batch} exceeds the {m} patterns: each epoch is one batch."),
            )
        } else {
            Check::new(
                CheckState::Good,
                format!("{} batches an epoch.", m.div_ceil(batch.max(1))),
            )
        });
        match (self.settings.object_init, dataset.object()) {
            (ObjectInit::File, None) => checks.push(Check::new(
                CheckState::Blocking,
                "Object init is file, but the scan holds no objectGuess: choose ones.",
            )),
            (ObjectInit::File, Some(_)) => checks.push(Check::new(
                CheckState::Warning,
                "The run starts from the file's objectGuess. If that is the truth, this is no reconstruction; the choice is recorded in the result.",
            )),
            (ObjectInit::Ones, _) => {}
        }
        checks
    }

    /// Whether the result to start from is there.
    fn start_check(&self) -> Option<Check> {
        let start = self.how.start()?;
        let name = start.display();
        Some(if start.is_file() {
            let text = format!("Starts from object, probe and positions of {name}.");
            Check::new(CheckState::Good, text)
        } else {
            let text = format!("There is no result {name} to start from.");
            Check::new(CheckState::Blocking, text)
        })
    }

    /// Whether tensor kernels compute, which keep what they work on in the device's memory.
    pub fn takes_device_memory(&self) -> bool {
        let found = self.devices.of(self.how.device);
        let device = found.and_then(|found| found.device.as_ref().ok());
        device.is_some_and(|(device, _)| kernels_word(device, self.how.kernels) == "tensor")
    }

    /// What computes, and why.
    fn device_check(&self) -> Option<Check> {
        let found = self.devices.of(self.how.device)?;
        Some(match &found.device {
            Ok((device, _)) if *device != "cpu" && self.how.kernels == KernelChoice::Fused => {
                let text = format!("Fused kernels run on the CPU, not on {device}.");
                Check::new(CheckState::Blocking, text)
            }
            Ok(_) if self.how.device_memory_gib.is_some() && !self.takes_device_memory() => {
                let text = "The limit of the device's memory means nothing to the fused kernels.";
                Check::new(CheckState::Warning, text)
            }
            Ok((device, why)) => {
                let kernels = kernels_word(device, self.how.kernels);
                let within = self
                    .how
                    .device_memory_gib
                    .map_or_else(String::new, |limit_gib| format!(" within {limit_gib} GiB"));
                let text = format!(
                    "Computes on {device} × {} threads with {kernels} kernels{within}: {why}.",
                    self.n_threads
                );
                Check::new(CheckState::Good, text)
            }
            Err(why) => Check::new(CheckState::Blocking, why.clone()),
        })
    }

    /// The command line that opens and inspects this scan.
    pub fn inspect_command(&self) -> String {
        match &self.scan.source {
            Some(Source::File(path)) => {
                format!(
                    "ptychobench inspect {} --stats",
                    shell_word(&path.display().to_string())
                )
            }
            Some(Source::Demonstration) => {
                "ptychobench demo -o demo.npz && ptychobench inspect demo.npz --stats".to_owned()
            }
            None => "ptychobench inspect SCAN.npz --stats".to_owned(),
        }
    }
}

/// Whether what the run will take is there.
fn memory_check(dataset: &Dataset, engine: EngineKind, settings: &IterativeSettings) -> Check {
    let needed = estimate_bytes(dataset, engine, settings);
    let words = format!("About {} more memory", bytes_text(needed));
    let fix = "Choose a smaller batch size or fewer probe modes";
    Check::of_memory(&words, (needed, available_bytes()), fix)
}
