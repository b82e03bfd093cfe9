//! The run of a study begins, ends, and holds the window until it has stopped.

use std::sync::Arc;

use egui::{Context, ViewportCommand};
use ptycho_core::Error;
use ptycho_core::study::execute::{Control, StudyOutcome, StudySnapshot, TaskState};

use super::super::queue::{Lane, STUDY};
use super::super::study::run::RunEnd;
use super::super::study::{AfterSave, Ask, StudyRun};
use super::super::views::View;
use super::super::widgets::notice::{Level, Notice};
use super::super::work;
use super::super::workbench::Workbench;

impl Workbench {
    /// Do what is not done yet; a study that differs from its file is saved first.
    pub(super) fn run_study(&mut self, only: Option<String>) {
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

    /// A run that was asked for begins once the plan is of the study as it stands.
    pub(super) fn run_when_planned(&mut self) {
        let studying = &mut self.document.studying;
        if studying.problem().is_some() {
            studying.runs_next = AfterSave::Nothing;
        } else if studying.is_plan_current()
            && let AfterSave::Run(only) = std::mem::take(&mut studying.runs_next)
        {
            self.run_study(only);
        }
    }

    pub(super) fn study_ended(&mut self, outcome: &StudyOutcome) {
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
        self.document.figuring.look_again();
        let studying = &self.document.studying;
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

    pub(super) fn study_failed(&mut self, (lane, job): (Lane, u64), name: &str, error: &Error) {
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
        if !is_asked || studying.quits_after_run {
            return;
        }
        if studying.has_unsaved_work() && studying.pending != Some(Ask::Quit) {
            studying.pending = Some(Ask::Quit);
            self.view = View::Study;
            return ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        }
        if !studying.is_running() {
            return;
        }
        studying.quits_after_run = true;
        ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        self.queue.stop_lane(Lane::Compute);
        let text = "The study is being stopped and keeps what it has; then the window closes. Run goes on with it the next time. Close the window again to leave at once.";
        self.document.tell(Level::Info, text, None);
    }
}
