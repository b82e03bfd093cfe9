//! The study that is open: how it is edited, what it comes to, where it stands, how its run is steered.

pub mod ask;
pub mod command_line;
pub mod draft;
pub mod matrix;
pub mod notes;
pub mod open;
pub mod other;
pub mod outlook;
mod patch;
pub mod plan;
pub mod run;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ptycho_core::compute::DeviceChoice;
use ptycho_core::study::design::Study;
use ptycho_core::study::execute::{RunOptions, Selection, TaskStatus};
use ptycho_core::study::plan::Plan;

pub use self::ask::{Ask, Done};
pub use self::draft::{StudyDraft, StudyProblem};
pub use self::matrix::Matrix;
pub use self::notes::{Notes, ReadNotes};
pub use self::open::OpenedStudy;
pub use self::other::OtherStudy;
pub use self::plan::{Estimated, PlannedMatrix, PlannedStudy, Request};
pub use self::run::StudyRun;

/// What waits for the study file to be saved.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AfterSave {
    /// Nothing.
    #[default]
    Nothing,
    /// The run begins: all of it, or this task alone.
    Run(Option<String>),
    /// What was asked for before.
    Do(Box<Ask>),
}

/// What the study view is about.
#[derive(Default)]
pub struct Studying {
    /// The study as it is edited; none while no study is open.
    pub draft: Option<StudyDraft>,
    /// Its file, once it has one.
    pub file: Option<PathBuf>,
    /// What is wrong with the text.
    pub problem: Option<StudyProblem>,
    /// The folder under which studies are run, as a full path.
    pub runs: PathBuf,
    /// The newest plan with its matrix, and where its tasks stood when they were last looked at.
    pub planned: Option<(Arc<PlannedMatrix>, Vec<TaskStatus>)>,
    /// Why the study as it stands cannot be planned.
    pub plan_problem: Option<StudyProblem>,
    /// What the tasks will take.
    pub estimated: Option<Estimated>,
    /// The run that is on its way or was the last one of this window.
    pub run: Option<StudyRun>,
    pub notes: Notes,
    /// Another study beside this one.
    pub other: Option<OtherStudy>,
    /// Where the other one is looked for, as typed.
    pub other_path: String,
    /// What the last report has found.
    pub findings: Vec<String>,
    /// Tasks at a time.
    pub n_jobs: usize,
    /// What is done once the file is saved.
    pub after_save: AfterSave,
    /// The run that begins once the plan is of the study as it stands.
    pub runs_next: AfterSave,
    /// Whether the runs folder is that of the run that was opened, not that of the preferences.
    pub has_own_runs: bool,
    /// Whether the window closes once the run has stopped.
    pub quits_after_run: bool,
    /// What would lose changes, until the user has said what becomes of them.
    pub pending: Option<Ask>,
    /// The text in the file.
    saved: Option<String>,
    /// The text as it was when the study was opened or begun.
    opened: String,
    n_opened: u64,
    /// What the plan that is shown belongs to.
    plan_of: Option<Request>,
    asked: Option<Request>,
    estimated_for: Option<String>,
    notes_asked: Option<PathBuf>,
    round: u64,
}

impl Studying {
    /// Take a study that was read or made; its file, where it has one, holds this text.
    pub fn take_opened(&mut self, opened: OpenedStudy) {
        let OpenedStudy {
            file,
            mut draft,
            problem,
            runs,
        } = opened;
        draft.id = self.n_opened + 1;
        *self = Self {
            // A study from its run folder is kept there.
            saved: (file.is_some() || runs.is_some()).then(|| draft.text.clone()),
            file,
            opened: draft.text.clone(),
            n_opened: draft.id,
            draft: Some(draft),
            problem,
            has_own_runs: runs.is_some(),
            runs: runs.unwrap_or_else(|| self.runs.clone()),
            n_jobs: self.n_jobs.max(1),
            round: self.round + 1,
            // A run goes on whatever is looked at.
            run: self.run.take().filter(StudyRun::is_running),
            ..Self::default()
        };
    }

    /// Close the study; a run goes on.
    pub fn close(&mut self) {
        *self = Self {
            runs: self.runs.clone(),
            n_opened: self.n_opened,
            n_jobs: self.n_jobs.max(1),
            round: self.round + 1,
            run: self.run.take().filter(StudyRun::is_running),
            ..Self::default()
        };
    }

    /// Tell the run what is wished, where one is on its way.
    pub fn steer(&self, wish: impl FnOnce(&StudyRun)) {
        if let Some(run) = self.run.as_ref().filter(|run| run.is_running()) {
            wish(run);
        }
    }

    /// Read the notes again: the run may have made their folder.
    pub fn read_notes_again(&mut self) {
        self.notes_asked = None;
    }

    /// Take what this study was before; what another one was is of no use.
    pub fn set_draft(&mut self, draft: Option<StudyDraft>) {
        let id = self.draft.as_ref().map(|draft| draft.id);
        if let Some(draft) = draft.filter(|draft| Some(draft.id) == id)
            && self.draft.as_ref() != Some(&draft)
        {
            self.problem = draft.problem();
            self.draft = Some(draft);
        }
    }

    /// The text was edited.
    pub fn text_changed(&mut self) {
        if let Some(draft) = &mut self.draft {
            self.problem = draft.follow_text();
        }
    }

    /// The form was edited; `before` is the study as it was.
    pub fn form_changed(&mut self, before: &Study) {
        if let Some(draft) = &mut self.draft {
            self.problem = draft.follow_form(before);
        }
    }

    /// Throw a text away that spells no study, and take that of the last one that did.
    pub fn restore_text(&mut self) {
        if let Some(draft) = &mut self.draft {
            draft.text = draft.study.text();
            self.problem = draft.problem();
        }
    }

    /// Change the study as its form does.
    pub fn change(&mut self, edit: impl FnOnce(&mut Study)) {
        if let Some(draft) = &mut self.draft {
            let before = draft.study.clone();
            edit(&mut draft.study);
            self.form_changed(&before);
        }
    }

    /// The file was written with this text.
    pub fn saved(&mut self, file: PathBuf, text: String) {
        self.file = Some(file);
        self.saved = Some(text);
    }

    /// Whether the study differs from its file, or has none.
    pub fn is_changed(&self) -> bool {
        let text = self.draft.as_ref().map(|draft| &draft.text);
        text.is_some() && text != self.saved.as_ref()
    }

    /// Whether something would be lost that the user has typed.
    pub fn has_unsaved_work(&self) -> bool {
        let text = self.draft.as_ref().map(|draft| &draft.text);
        self.is_changed() && text != Some(&self.opened)
    }

    /// The user does not want what has been typed.
    pub fn forget_changes(&mut self) {
        if let Some(draft) = &self.draft {
            self.opened.clone_from(&draft.text);
        }
    }

    /// The name of the study that is open.
    pub fn name(&self) -> Option<&str> {
        self.draft.as_ref().map(|draft| draft.study.name.as_str())
    }

    /// The folder of the runs of the study as it stands.
    pub fn run_folder(&self) -> Option<PathBuf> {
        let name = self.name().filter(|name| !name.is_empty())?;
        Some(self.runs.join(name))
    }

    /// Whether a study is being run by this window.
    pub fn is_running(&self) -> bool {
        self.run.as_ref().is_some_and(StudyRun::is_running)
    }

    /// The run that is on its way, if it is of the study that is open.
    pub fn own_run(&self) -> Option<&StudyRun> {
        let run = self.run.as_ref().filter(|run| run.is_running())?;
        (Some(run.planned.plan.study.name.as_str()) == self.name()).then_some(run)
    }

    /// The plan that is shown with its tasks as they stand: that of the run while one is on its way.
    pub fn shown(&self) -> Option<(&PlannedMatrix, &[TaskStatus])> {
        if let Some(run) = self.own_run()
            && !run.snapshot.tasks.is_empty()
        {
            return Some((&run.planned, &run.snapshot.tasks));
        }
        let (planned, tasks) = self.planned.as_ref()?;
        Some((planned, tasks))
    }

    /// The plan that is shown, for whoever draws what it has made.
    pub fn plan(&self) -> Option<&Plan> {
        self.shown().map(|(planned, _)| &planned.plan)
    }

    /// Counts how often files may have changed.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// What a plan is to be about now; none without a study that makes sense.
    pub fn request(&self) -> Option<Request> {
        let draft = self.draft.as_ref().filter(|_| self.problem.is_none())?;
        Some(Request {
            study: draft.study.clone(),
            folder: plan::folder_of(self.file.as_deref()),
            runs: self.runs.clone(),
            round: self.round,
        })
    }

    /// Whether the plan that is shown is of the study as it stands.
    pub fn is_plan_current(&self) -> bool {
        self.planned.is_some()
            && self.plan_problem.is_none()
            && self.plan_of.is_some()
            && self.plan_of == self.request()
    }

    /// What is wrong with the study as it stands, in its text or in what it comes to.
    pub fn problem(&self) -> Option<&StudyProblem> {
        self.problem.as_ref().or(self.plan_problem.as_ref())
    }

    /// The newest choices, if the last ones that were asked for differ, and the plan where only files may have changed.
    pub fn take_request(&mut self) -> Option<(Request, Option<Arc<PlannedMatrix>>)> {
        let wanted = self.request();
        if self.asked == wanted {
            return None;
        }
        self.asked.clone_from(&wanted);
        let wanted = wanted?;
        let is_same = self
            .plan_of
            .as_ref()
            .is_some_and(|before| before.study == wanted.study && before.folder == wanted.folder);
        let known = self.planned.as_ref().filter(|_| is_same);
        let known = known.map(|(planned, _)| Arc::clone(planned));
        Some((wanted, known))
    }

    /// Take a plan; one of a study that was closed meanwhile is dropped.
    pub fn take_plan(&mut self, planned: PlannedStudy) {
        if self.draft.is_none() {
            return;
        }
        match planned.planned {
            Ok((matrix, tasks)) => {
                self.planned = Some((matrix, tasks));
                self.plan_of = Some(planned.request);
                self.plan_problem = None;
            }
            Err(problem) => self.plan_problem = Some(problem),
        }
    }

    /// The plan whose tasks are to be estimated, if that was not asked for yet.
    pub fn take_estimate_request(&mut self) -> Option<Arc<PlannedMatrix>> {
        if !self.is_plan_current() {
            return None;
        }
        let (planned, _) = self.planned.as_ref()?;
        let sha256 = &planned.plan.study_sha256;
        if self.estimated_for.as_ref() == Some(sha256) {
            return None;
        }
        self.estimated_for = Some(sha256.clone());
        Some(Arc::clone(planned))
    }

    /// The file whose notes are to be read, if that was not asked for yet.
    pub fn take_notes_request(&mut self) -> Option<PathBuf> {
        let file = notes::notes_file(&self.run_folder()?);
        if self.notes_asked.as_ref() == Some(&file) {
            return None;
        }
        self.notes_asked = Some(file.clone());
        Some(file)
    }

    /// Look again what is done: files may have changed.
    pub fn look_again(&mut self) {
        self.round += 1;
    }

    /// Why the study cannot be run now; none where it can.
    pub fn run_problem(&self) -> Option<String> {
        if self.draft.is_none() {
            return Some("No study is open.".to_owned());
        }
        if let Some(problem) = self.problem() {
            return Some(problem.words.clone());
        }
        if !self.is_plan_current() {
            return Some("Looking what the study comes to…".to_owned());
        }
        None
    }

    /// How the plan that is shown would be run.
    pub fn options(&self, only: Option<String>, n_threads: usize) -> RunOptions {
        RunOptions {
            runs: self.runs.clone(),
            selection: Selection {
                only: only.into_iter().collect(),
                ..Selection::default()
            },
            n_jobs: self.n_jobs.max(1),
            n_threads,
            device: DeviceChoice::Auto,
        }
    }

    /// The folder of a task of the plan that is shown.
    pub fn task_folder(&self, id: &str) -> Option<PathBuf> {
        Some(self.plan()?.folder(&self.runs).join(id))
    }

    /// The file of the study as text, for command lines; a study without one is in its run folder.
    pub fn file_text(&self) -> String {
        let in_run = || {
            self.run_folder()
                .filter(|folder| folder.join(open::PLAN_FILE).is_file())
        };
        match self.file.clone().or_else(in_run) {
            Some(file) => file.display().to_string(),
            None => format!("{}.toml", self.name().unwrap_or("STUDY")),
        }
    }

    /// The folder in which another file of the study would be looked for.
    pub fn home(&self) -> PathBuf {
        self.file
            .as_deref()
            .and_then(Path::parent)
            .map_or_else(|| plan::folder_of(None), Path::to_path_buf)
    }
}
