//! A study is opened, edited, saved, planned, run, steered, shown, reported.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Context, ViewportCommand};
use ptycho_core::study::design::{Study, Template};
use ptycho_core::study::execute::{Control, StudyOutcome, StudySnapshot, TaskState};
use ptycho_core::study::report;
use ptycho_core::{Error, disk};

use super::super::files::Purpose;
use super::super::queue::{Lane, Report, STUDY};
use super::super::study::command_line::task_command;
use super::super::study::open::plan_file;
use super::super::study::run::RunEnd;
use super::super::study::{
    AfterSave, Ask, Done, Estimated, OpenedStudy, OtherStudy, PlannedStudy, ReadNotes, StudyDraft,
    StudyRun,
};
use super::super::views::View;
use super::super::widgets::notice::{Level, Notice};
use super::super::work::{self, Event, Outcome};
use super::super::workbench::Workbench;
use super::absolute;

impl Workbench {
    pub(super) fn ask_study(&mut self, ctx: &Context, ask: Ask) {
        let studying = &mut self.document.studying;
        match ask {
            Ask::New(name) => self.new_study(name),
            Ask::Open(path) => self.open_study(&path),
            Ask::Save => self.save_study(AfterSave::Nothing),
            Ask::Close => studying.close(),
            Ask::Choose(purpose) => {
                studying.after_save = AfterSave::Nothing;
                self.choose_for_study(purpose);
            }
            Ask::Take(purpose, path) => self.take_for_study(purpose, &path),
            Ask::Run => self.run_study(None),
            Ask::RunOnly(id) => self.run_study(Some(id)),
            Ask::Pause => studying.steer(|run| run.control.pause()),
            Ask::GoOn => studying.steer(|run| run.control.go_on()),
            Ask::Cancel(id) => studying.steer(|run| run.control.cancel(&id)),
            Ask::CancelAll => studying.steer(StudyRun::cancel_all),
            Ask::PutFirst(id) => studying.steer(|run| run.control.put_first(&id)),
            Ask::MoveUp(id) => studying.steer(|run| run.move_up(&id)),
            Ask::Show(id) => self.show_task(&id),
            Ask::CopyTask(id) => {
                if let Some(text) = task_command(studying, &id) {
                    tracing::info!("copied: {text}");
                    ctx.copy_text(text);
                }
            }
            Ask::LookAgain => studying.look_again(),
            Ask::SaveNotes => self.save_notes(),
            Ask::CompareWith(path) => self.read_other_study(absolute(&path)),
            Ask::WriteReport => self.write_report(),
            Ask::MakeReference => self.make_reference(),
        }
    }

    /// Plan the newest study, unless the one before is still being planned: what is newest when that is done comes next,
    /// so the last one is never lost.
    pub(in super::super) fn start_study_plan(&mut self) {
        let studying = &mut self.document.studying;
        if !studying.has_own_runs {
            studying.runs = absolute(&self.preferences.studies_folder);
        }
        if self.view != View::Study && self.view != View::Figure {
            return;
        }
        if !self.queue.is_busy(Lane::Study) {
            if let Some((request, known)) = studying.take_request() {
                let name = "Look what the study comes to";
                self.queue.add(Lane::Study, STUDY, name, move |_| {
                    let planned = PlannedStudy::new(request, known);
                    Ok(Outcome::Study(Done::Planned(Box::new(planned))))
                });
            } else if let Some(file) = studying.take_notes_request() {
                self.queue
                    .add(Lane::Study, STUDY, "Read the notes", move |_| {
                        Ok(Outcome::Study(Done::Notes(ReadNotes::new(file))))
                    });
            }
        }
        self.start_study_estimate();
    }

    /// Trial steps beside a run would disturb it, and tell too long a time.
    fn start_study_estimate(&mut self) {
        if self.queue.is_busy(Lane::Compute) || self.queue.is_busy(Lane::Outlook) {
            return;
        }
        let Some(planned) = self.document.studying.take_estimate_request() else {
            return;
        };
        let n_threads = self.document.n_threads;
        let device = self.document.studying.options(None, n_threads).device;
        let name = "Look how long the study takes";
        self.queue.add(Lane::Outlook, STUDY, name, move |_| {
            let estimated = Estimated::new(&planned.plan, device, n_threads);
            Ok(Outcome::Study(Done::Estimated(Box::new(estimated))))
        });
    }

    /// A study from a template; it has no file yet.
    fn new_study(&mut self, name: &str) {
        let Some(template) = Template::named(name) else {
            return;
        };
        match Study::parse(template.text) {
            Ok(study) => self.document.studying.take_opened(OpenedStudy {
                file: None,
                // Every default is visible, whatever the template names.
                draft: StudyDraft::new(study),
                problem: None,
                runs: None,
            }),
            Err(error) => self.document.tell_notice(Notice::error(&error), None),
        }
        self.view = View::Study;
    }

    fn open_study(&mut self, path: &Path) {
        let path = absolute(path);
        // The figure view draws whatever study is open.
        if self.view != View::Figure {
            self.view = View::Study;
        }
        self.queue
            .add(Lane::Files, STUDY, "Open the study", move |_| {
                let opened = OpenedStudy::read(&path)?;
                Ok(Outcome::Study(Done::Opened(Box::new(opened))))
            });
    }

    /// Write the study file; one that has none yet is asked where to.
    fn save_study(&mut self, after: AfterSave) {
        let studying = &mut self.document.studying;
        studying.after_save = after;
        match studying.file.clone() {
            Some(file) => self.save_study_to(file),
            None => self.choose_for_study(Purpose::SaveStudy),
        }
    }

    fn save_study_to(&mut self, file: PathBuf) {
        let Some(draft) = &self.document.studying.draft else {
            return;
        };
        let text = draft.text.clone();
        self.queue
            .add(Lane::Files, STUDY, "Save the study", move |_| {
                disk::write(&file, text.as_bytes())?;
                Ok(Outcome::Study(Done::Saved(file, text)))
            });
    }

    fn choose_for_study(&mut self, purpose: Purpose) {
        let studying = &self.document.studying;
        let name = studying.name().unwrap_or("study");
        let suggested = match purpose {
            Purpose::SaveStudy => {
                let known = studying.file.clone();
                known.unwrap_or_else(|| studying.home().join(format!("{name}.toml")))
            }
            Purpose::StudyRuns => studying.runs.clone(),
            Purpose::SaveSummary => {
                let folder = self.preferences.last_save_folder.clone();
                let folder = folder.unwrap_or_else(|| studying.home());
                folder.join(format!("{name}_summary.html"))
            }
            _ => studying.home(),
        };
        self.choose(purpose, &suggested);
    }

    fn take_for_study(&mut self, purpose: Purpose, path: &Path) {
        let path = absolute(path);
        let studying = &mut self.document.studying;
        match purpose {
            Purpose::StudyFile => self.open_study(&path),
            Purpose::SaveStudy => self.save_study_to(path),
            Purpose::StudyRuns => {
                studying.has_own_runs = false;
                self.preferences.studies_folder = path;
            }
            Purpose::StudyBase => {
                if let Some(draft) = &mut studying.draft {
                    let before = draft.study.clone();
                    draft.study.base = Some(path);
                    studying.form_changed(&before);
                }
            }
            Purpose::OtherStudy => self.read_other_study(path),
            _ => self.export_summary(path),
        }
    }

    /// Do what is not done yet; a study that differs from its file is saved first.
    fn run_study(&mut self, only: Option<String>) {
        let studying = &self.document.studying;
        if self.queue.is_busy(Lane::Compute) || studying.run_problem().is_some() {
            return;
        }
        if studying.is_changed() {
            self.save_study(AfterSave::Run(only));
        } else {
            self.start_study(only);
        }
    }

    fn start_study(&mut self, only: Option<String>) {
        let n_threads = self.document.n_threads;
        let studying = &mut self.document.studying;
        let Some((planned, _)) = &studying.planned else {
            return;
        };
        let planned = Arc::clone(planned);
        let options = studying.options(only, n_threads);
        let control = Control::default();
        let (plan, how) = (Arc::clone(&planned), (options.clone(), control.clone()));
        let name = format!("Study {}", planned.plan.study.name);
        let job = self.queue.add(Lane::Compute, STUDY, name, move |monitor| {
            work::run_study(&plan.plan, (&how.0, &how.1), monitor)
        });
        studying.run = Some(StudyRun {
            planned,
            options,
            control,
            snapshot: StudySnapshot::default(),
            job,
            ended: None,
        });
        self.view = View::Study;
    }

    /// What the jobs about studies tell.
    pub(super) fn take_study_report(&mut self, report: Report) {
        let studying = &mut self.document.studying;
        if let (Some(Event::Study(snapshot)), Some(run)) = (report.event, &mut studying.run)
            && run.job == report.id
        {
            run.snapshot = *snapshot;
        }
        match report.ended {
            Some(Ok(Outcome::Study(done))) => self.study_done(done),
            Some(Ok(_)) | None => {}
            Some(Err(error)) => self.study_failed((report.lane, report.id), &report.name, &error),
        }
    }

    fn study_done(&mut self, done: Done) {
        let studying = &mut self.document.studying;
        match done {
            Done::Opened(opened) => {
                if let Some(file) = &opened.file {
                    self.preferences.remember_study(file);
                }
                studying.take_opened(*opened);
            }
            Done::Saved(file, text) => {
                self.preferences.remember_study(&file);
                studying.saved(file, text);
                // The plan may be that of another folder now: it is made anew, then the run begins.
                studying.runs_next = std::mem::take(&mut studying.after_save);
            }
            Done::Planned(planned) => studying.take_plan(*planned),
            Done::Estimated(estimated) => studying.estimated = Some(*estimated),
            Done::Ran(outcome) => self.study_ended(&outcome),
            Done::Notes(read) => studying.notes.take(read),
            Done::NotesSaved(file, text) => {
                studying.notes.file = Some(file);
                studying.notes.saved = text;
            }
            Done::Other(other) => studying.other = Some(*other),
            Done::Reported(folder, findings) => {
                studying.findings = findings;
                let text = format!("The report is written: {}", folder.display());
                self.document.tell(Level::Info, text, None);
            }
            Done::Reference(file) => {
                let text = format!(
                    "Later runs of this study are held against these trainings: {}",
                    file.display()
                );
                self.document.tell(Level::Info, text, None);
            }
        }
        self.run_when_planned();
    }

    /// A run that was asked for begins once the plan is of the study as it stands.
    fn run_when_planned(&mut self) {
        let studying = &mut self.document.studying;
        if studying.problem().is_some() {
            studying.runs_next = AfterSave::Nothing;
        } else if studying.is_plan_current()
            && let AfterSave::Run(only) = std::mem::take(&mut studying.runs_next)
        {
            self.run_study(only);
        }
    }

    fn study_ended(&mut self, outcome: &StudyOutcome) {
        let studying = &mut self.document.studying;
        let is_failed = |state: &TaskState| matches!(state, TaskState::Failed(_));
        let n_failed = outcome
            .tasks
            .iter()
            .filter(|task| is_failed(&task.state))
            .count();
        if let Some(run) = &mut studying.run {
            run.snapshot.tasks.clone_from(&outcome.tasks);
            run.snapshot.queue.clear();
            run.ended = Some(if outcome.is_stopped {
                RunEnd::Stopped
            } else {
                RunEnd::Done(n_failed)
            });
            // What is shown from now on is what lies in the folder.
            if let Some((planned, tasks)) = &mut studying.planned
                && planned.plan.study_sha256 == run.planned.plan.study_sha256
            {
                tasks.clone_from(&outcome.tasks);
            }
        }
        studying.look_again();
        studying.read_notes_again();
        let name = studying.name().unwrap_or("the study").to_owned();
        if n_failed != 0 && !outcome.is_stopped {
            let noun = if n_failed == 1 { "task" } else { "tasks" };
            let text = format!(
                "{name}: {n_failed} {noun} failed; the matrix of the Study view shows the causes. Run again tries them again."
            );
            self.document.tell(Level::Error, text, None);
        }
        tracing::info!("{name}: ended; kept in {}", outcome.folder.display());
    }

    fn study_failed(&mut self, (lane, job): (Lane, u64), name: &str, error: &Error) {
        let studying = &mut self.document.studying;
        let is_cancelled = matches!(error, Error::Cancelled);
        studying.after_save = AfterSave::Nothing;
        studying.runs_next = AfterSave::Nothing;
        if lane == Lane::Compute
            && let Some(run) = studying.run.as_mut().filter(|run| run.job == job)
        {
            run.ended = Some(if is_cancelled {
                RunEnd::Stopped
            } else {
                RunEnd::Failed(error.to_string())
            });
            studying.look_again();
        }
        if is_cancelled {
            tracing::info!("{name}: stopped");
            return;
        }
        let mut notice = Notice::error(error);
        notice.text = format!("{name}: {}", notice.text);
        self.document.tell_notice(notice, None);
    }

    /// The window stays until a study that runs has written its checkpoint; closed again, it goes at once.
    pub(in super::super) fn hold_close(&mut self, ctx: &Context) {
        let studying = &mut self.document.studying;
        if studying.quits_after_run && !studying.is_running() {
            studying.quits_after_run = false;
            ctx.send_viewport_cmd(ViewportCommand::Close);
            return;
        }
        let is_asked = ctx.input(|input| input.viewport().close_requested());
        if !is_asked || !studying.is_running() || studying.quits_after_run {
            return;
        }
        studying.quits_after_run = true;
        ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        self.queue.stop_lane(Lane::Compute);
        let text = "The study is being stopped and keeps what it has; then the window closes. Run goes on with it the next time. Close the window again to leave at once.";
        self.document.tell(Level::Info, text, None);
    }

    fn save_notes(&mut self) {
        let studying = &self.document.studying;
        let (Some(file), text) = (studying.notes.file.clone(), studying.notes.text.clone()) else {
            return;
        };
        self.queue
            .add(Lane::Files, STUDY, "Save the notes", move |_| {
                disk::write(&file, text.as_bytes())?;
                Ok(Outcome::Study(Done::NotesSaved(file, text)))
            });
    }

    fn read_other_study(&mut self, path: PathBuf) {
        let studying = &mut self.document.studying;
        studying.other_path = path.display().to_string();
        let runs = studying.runs.clone();
        let name = "Read the other study";
        self.queue.add(Lane::Files, STUDY, name, move |_| {
            // Of the files of a run its folder is meant.
            let path = plan_file(&path)
                .filter(|_| path.is_file())
                .and_then(|file| file.parent().map(Path::to_path_buf))
                .unwrap_or(path);
            let other = OtherStudy::read(path, &runs);
            Ok(Outcome::Study(Done::Other(Box::new(other))))
        });
    }

    fn write_report(&mut self) {
        let studying = &self.document.studying;
        let Some((planned, _)) = studying.planned.clone() else {
            return;
        };
        let runs = studying.runs.clone();
        self.queue
            .add(Lane::Files, STUDY, "Write the report", move |_| {
                let written = report::write(&planned.plan, &runs)?;
                let folder = planned.plan.folder(&runs);
                Ok(Outcome::Study(Done::Reported(folder, written.findings)))
            });
    }

    /// The summary of what is done so far, as one file that holds its pictures.
    fn export_summary(&mut self, output: PathBuf) {
        let studying = &self.document.studying;
        let Some((planned, _)) = studying.planned.clone() else {
            return;
        };
        let runs = studying.runs.clone();
        let name = "Export the summary";
        self.queue.add(Lane::Files, STUDY, name, move |_| {
            let written = report::write(&planned.plan, &runs)?;
            let html = planned.plan.folder(&runs).join("summary.html");
            let bytes = std::fs::read(&html).map_err(Error::io("read the summary", &html))?;
            disk::write(&output, &bytes)?;
            Ok(Outcome::Study(Done::Reported(output, written.findings)))
        });
    }

    fn make_reference(&mut self) {
        let studying = &self.document.studying;
        let Some((planned, _)) = studying.planned.clone() else {
            return;
        };
        let runs = studying.runs.clone();
        let name = "Make these trainings the reference";
        self.queue.add(Lane::Files, STUDY, name, move |_| {
            let file = report::make_reference(&planned.plan, &runs)?;
            Ok(Outcome::Study(Done::Reference(file)))
        });
    }
}
