//! A study is opened, edited, saved, planned, run, steered, shown, reported.

use std::path::{Path, PathBuf};

use egui::{Context, ViewportCommand};
use ptycho_core::study::design::{Study, Template};
use ptycho_core::study::report;
use ptycho_core::{Error, disk};

use super::super::command::Command;
use super::super::files::Purpose;
use super::super::queue::{Lane, Report, STUDY};
use super::super::study::command_line::task_command;
use super::super::study::open::plan_file;
use super::super::study::{
    AfterSave, Ask, Done, Estimated, OpenedStudy, OtherStudy, PlannedStudy, ReadNotes, StudyDraft,
    StudyRun,
};
use super::super::views::View;
use super::super::widgets::notice::{Level, Notice};
use super::super::work::{Event, Outcome};
use super::super::workbench::Workbench;
use super::absolute;

impl Workbench {
    pub(super) fn ask_study(&mut self, ctx: &Context, ask: Ask) {
        let studying = &mut self.document.studying;
        let leaves = matches!(ask, Ask::New(_) | Ask::Open(_) | Ask::Close | Ask::Quit);
        if leaves && studying.has_unsaved_work() {
            self.view = View::Study;
            studying.pending = Some(ask);
            return;
        }
        self.do_for_study(ctx, ask);
    }

    fn do_for_study(&mut self, ctx: &Context, ask: Ask) {
        let studying = &mut self.document.studying;
        match ask {
            Ask::KeepEditing => studying.pending = None,
            Ask::Discard => {
                studying.forget_changes();
                if let Some(ask) = studying.pending.take() {
                    self.do_for_study(ctx, ask);
                }
            }
            Ask::SaveFirst => {
                if let Some(ask) = studying.pending.take() {
                    self.save_study(AfterSave::Do(Box::new(ask)));
                }
            }
            Ask::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
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
    pub(super) fn save_study(&mut self, after: AfterSave) {
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
                match std::mem::take(&mut studying.after_save) {
                    // The plan may be that of another folder now: it is made anew, then the run begins.
                    run @ AfterSave::Run(_) => studying.runs_next = run,
                    AfterSave::Do(ask) => self.commands.push(Command::Study(*ask)),
                    AfterSave::Nothing => {}
                }
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
