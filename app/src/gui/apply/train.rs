//! A training is set up, looked at beforehand, started, watched, resumed; its bundle is checked and used.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ptycho_core::job::StopReason;
use ptycho_core::study::train::{TrainOutcome, TrainTask};

use super::super::command::Action;
use super::super::document::CheckState;
use super::super::files::{self, Purpose};
use super::super::queue::{INFERENCE, Lane, Report, TRAINING};
use super::super::training::command_line::{infer_command, train_command};
use super::super::training::curves::curves_csv;
use super::super::training::preflight::preflight;
use super::super::training::sets::matching_test;
use super::super::training::{
    ArmState, BundleRead, BundleState, KeptRun, Planned, ShownInference, bundles,
};
use super::super::views::View;
use super::super::views::train::Page;
use super::super::widgets::notice::{Level, Notice};
use super::super::work::{self, Event, Outcome};
use super::super::workbench::Workbench;
use super::absolute;

impl Workbench {
    /// Look what the newest settings would come to, unless those before are still being looked at: what is newest when
    /// they are done comes next, so the last ones are never lost.
    pub(in super::super) fn start_train_plan(&mut self) {
        let document = &mut self.document;
        document.training.runs = absolute(&self.preferences.runs_folder);
        if let Some(row) = self.queue.training()
            && let Some(arm) = document.training.arm_of(row.id)
        {
            arm.state = ArmState::Running;
            arm.progress = row.progress;
            arm.elapsed = row.elapsed;
        }
        if self.view != View::Train || self.queue.is_busy(Lane::TrainPlan) {
            return;
        }
        let n_threads = document.n_threads;
        if let Some((request, known)) = document.training.take_request(&document.scan, n_threads) {
            let scan = request.scan.and(document.scan.dataset.clone());
            let name = "Look what the training would be";
            self.queue.add(Lane::TrainPlan, TRAINING, name, move |_| {
                Ok(Outcome::TrainPlanned(Box::new(Planned::new(
                    request, scan, known,
                ))))
            });
        }
    }

    /// Whether the settings as they stand can be trained with, now or after others.
    pub(super) fn can_train(&self) -> bool {
        let document = &self.document;
        let checks = preflight(&document.training, &document.scan, document.n_threads);
        checks
            .iter()
            .all(|check| check.state != CheckState::Blocking)
    }

    pub(super) fn train_now(&mut self) {
        if !self.queue.is_busy(Lane::Compute) {
            self.start_training();
        }
    }

    /// Train with the settings as they stand, after whatever runs and waits.
    pub(super) fn start_training(&mut self) {
        let document = &self.document;
        let Some(task) = document.training.task(&document.scan, document.n_threads) else {
            return;
        };
        if self.can_train() {
            self.queue_training(task);
        }
    }

    fn queue_training(&mut self, task: TrainTask) {
        let document = &mut self.document;
        let training = &mut document.training;
        let in_memory = training
            .is_in_memory(&document.scan)
            .then(|| document.scan.dataset.clone())
            .flatten()
            .filter(|_| !task.resume);
        let index = training.add_arm(task.clone());
        let arm = &mut training.arms[index];
        tracing::info!("{} is kept in {}", arm.name, task.output.display());
        let name = format!("Train {}", arm.name);
        arm.job = self
            .queue
            .add(Lane::Compute, TRAINING, name, move |monitor| {
                work::run_training(&task, in_memory.as_deref(), monitor)
            });
        // What runs stays in sight while others are queued behind it.
        let is_first = !training
            .arms
            .iter()
            .any(|arm| arm.state == ArmState::Running);
        if is_first {
            training.choose(index);
        }
        self.train.show(Page::Training);
    }

    /// Go on with the chosen training, in its own run folder and with its own settings.
    pub(super) fn resume_training(&mut self) {
        let training = &self.document.training;
        if training.resume_problem().is_some() {
            return;
        }
        let (Some(arm), epochs) = (training.arm(), training.resume_epochs) else {
            return;
        };
        let mut task = arm.task.clone();
        task.settings.epochs = epochs;
        task.resume = true;
        let (id, before) = (arm.id, Arc::clone(&arm.history));
        // The continued run takes the place of the one before in lists and plots.
        let (preview, revision) = (arm.preview.clone(), arm.revision);
        self.document.training.arms.retain(|arm| arm.id != id);
        for (_, path) in bundles::bundles_of(&task.output) {
            self.document.training.bundles.remove(&path);
        }
        self.queue_training(task);
        if let Some(arm) = self.document.training.arms.last_mut() {
            arm.id = id;
            arm.history = before;
            arm.preview = preview;
            arm.revision = revision;
        }
        let last = self.document.training.arms.len() - 1;
        self.document.training.chosen = last;
    }

    /// Stop the training that runs and start none of those that wait.
    pub(super) fn stop_arms(&mut self) {
        for arm in &mut self.document.training.arms {
            if arm.state == ArmState::Waiting {
                self.queue.stop(arm.job);
                arm.state = ArmState::Dropped;
            }
        }
        self.queue.stop_running(Lane::Compute);
    }

    /// Take a training off the list; its run folder stays.
    pub(super) fn drop_arm(&mut self, id: usize) {
        let training = &mut self.document.training;
        let Some(index) = training.arms.iter().position(|arm| arm.id == id) else {
            return;
        };
        if training.arms[index].state == ArmState::Running {
            return;
        }
        self.queue.stop(training.arms[index].job);
        training.arms.remove(index);
        let chosen = training.chosen;
        training.choose(if index < chosen { chosen - 1 } else { chosen });
        if training.arms.len() <= training.chosen && !training.arms.is_empty() {
            training.choose(training.arms.len() - 1);
        }
    }

    /// What the running training tells, and its end.
    pub(super) fn take_training_report(&mut self, report: Report) {
        let training = &mut self.document.training;
        training.revision += 1;
        let revision = training.revision;
        let Some(arm) = training.arm_of(report.id) else {
            return;
        };
        arm.progress = report.progress;
        arm.elapsed = report.elapsed;
        if arm.state == ArmState::Waiting {
            arm.state = ArmState::Running;
        }
        if let Some(Event::Training(shown)) = report.event {
            arm.take(*shown, revision);
        }
        match report.ended {
            Some(Ok(Outcome::Trained(outcome))) => self.trained(report.id, *outcome),
            Some(Ok(_)) | None => {}
            Some(Err(error)) => self.training_failed(report.id, &report.name, &error),
        }
        self.tell_collapse(report.id);
    }

    fn trained(&mut self, job: u64, outcome: TrainOutcome) {
        let folder = outcome.run_folder.display().to_string();
        let Some(arm) = self.document.training.arm_of(job) else {
            return;
        };
        let name = arm.name.clone();
        match &outcome.reason {
            StopReason::Diverged { epoch, why } => {
                let text = format!(
                    "{name} diverged in epoch {epoch} ({why}); the last good state is kept. Try a lower learning rate or a clip norm."
                );
                self.document.tell(Level::Error, text, None);
            }
            StopReason::TimedOut => {
                let text = format!("The time of {name} is used up; what was learnt is kept.");
                self.document.tell(Level::Warning, text, None);
            }
            StopReason::Finished => tracing::info!("{name}: finished; kept in {folder}"),
            StopReason::Cancelled => {
                tracing::info!("{name}: stopped; what was learnt is kept in {folder}");
            }
        }
        let training = &mut self.document.training;
        if let Some(arm) = training.arm_of(job) {
            arm.end(outcome);
            for (_, path) in bundles::bundles_of(&arm.task.output.clone()) {
                self.read_bundle(path);
            }
        }
        let training = &mut self.document.training;
        let is_chosen = training.arm().is_some_and(|arm| arm.job == job);
        if is_chosen {
            let chosen = training.chosen;
            training.choose(chosen);
        }
        self.show_next_arm(job);
    }

    /// After the end of what was looked at, look at the training that comes next.
    fn show_next_arm(&mut self, ended: u64) {
        let training = &mut self.document.training;
        if training.arm().is_none_or(|arm| arm.job != ended) {
            return;
        }
        let next = training
            .arms
            .iter()
            .position(|arm| arm.state == ArmState::Waiting);
        if let Some(next) = next {
            training.choose(next);
        }
    }

    fn training_failed(&mut self, job: u64, name: &str, error: &ptycho_core::Error) {
        let is_cancelled = matches!(error, ptycho_core::Error::Cancelled);
        if let Some(arm) = self.document.training.arm_of(job) {
            arm.state = if is_cancelled {
                ArmState::Dropped
            } else {
                ArmState::Failed(error.to_string())
            };
        }
        if is_cancelled {
            tracing::info!("{name}: stopped");
        } else {
            let mut notice = Notice::error(error);
            notice.text = format!("{name}: {}", notice.text);
            self.document.tell_notice(notice, None);
        }
        self.show_next_arm(job);
    }

    /// A network that draws a flat image learns nothing any more: told once, loudly.
    fn tell_collapse(&mut self, job: u64) {
        let Some(arm) = self.document.training.arm_of(job) else {
            return;
        };
        let collapsed = arm.history.epochs.iter().find(|epoch| epoch.collapsed);
        let (false, Some(epoch)) = (arm.is_collapse_told, collapsed) else {
            return;
        };
        let spread = epoch
            .amplitude_spread
            .map_or_else(|| "—".to_owned(), |spread| format!("{spread:.2e}"));
        let text = format!(
            "{} has collapsed to a flat image in epoch {}: its amplitude spreads by {spread} only. Stop it and try another seed, a lower learning rate or some warm-up epochs.",
            arm.name, epoch.epoch
        );
        arm.is_collapse_told = true;
        let fix = (arm.state == ArmState::Running).then_some(Action::Stop);
        self.document.tell(Level::Error, text, fix);
    }

    /// Read a training that was kept, to compare with it, go on with it or use its bundle.
    pub(super) fn add_run(&mut self, folder: PathBuf) {
        let folder = absolute(&folder);
        let training = &mut self.document.training;
        let known = training.arms.iter().position(|arm| *arm.folder() == folder);
        if let Some(known) = known {
            return training.choose(known);
        }
        let name = "Read the training";
        self.queue.add(Lane::Files, TRAINING, name, move |_| {
            let kept = KeptRun::read(&folder)?;
            Ok(Outcome::RunRead(Box::new(kept), folder))
        });
    }

    pub(super) fn run_read(&mut self, kept: KeptRun, folder: PathBuf) {
        let training = &mut self.document.training;
        let mut task = kept.manifest.task.clone();
        task.output.clone_from(&folder);
        let index = training.add_arm(task);
        training.arms[index].take_kept(kept, folder.clone());
        training.choose(index);
        for (_, path) in bundles::bundles_of(&folder) {
            self.read_bundle(path);
        }
        self.train.show(Page::Training);
    }

    /// Train on this file.
    pub(super) fn train_on(&mut self, path: &Path) {
        let draft = &mut self.document.training.draft;
        draft.is_of_scan = false;
        draft.train = path.display().to_string();
        self.document.training.look_again();
        self.view = View::Train;
    }

    pub(super) fn choose_for_training(&mut self, purpose: Purpose) {
        let document = &self.document;
        let (training, scan) = (&document.training, &document.scan);
        let inference = &training.inference;
        let known = match purpose {
            Purpose::TrainFile | Purpose::ValidationFile => training.train(scan),
            Purpose::RunFolder => training.output(scan),
            Purpose::KeptRun => Some(training.runs.clone()),
            Purpose::BundleFile => inference.bundle().or_else(|| Some(training.runs.clone())),
            Purpose::InferData => inference.data(scan, &training.runs),
            Purpose::InferOutput => inference.output(scan, &training.runs),
            _ => training
                .arm()
                .map(|arm| training.runs.join(format!("{}_losses.csv", arm.name))),
        };
        let suggested = known
            .or_else(|| self.preferences.last_open_folder.clone())
            .or_else(files::home);
        self.choose(purpose, &suggested.unwrap_or_default());
    }

    pub(super) fn take_for_training(&mut self, purpose: Purpose, path: PathBuf) {
        let training = &mut self.document.training;
        let text = path.display().to_string();
        match purpose {
            Purpose::TrainFile => self.train_on(&path),
            Purpose::ValidationFile => training.draft.validation = text,
            Purpose::RunFolder => training.draft.output = Some(text),
            Purpose::KeptRun => self.add_run(path),
            Purpose::BundleFile => self.use_bundle(&path, None),
            Purpose::InferData => training.inference.draft.data = Some(text),
            Purpose::InferOutput => training.inference.draft.output = Some(text),
            _ => self.save_curves(path),
        }
    }

    /// The losses of all trainings of this window, whole and as they are.
    fn save_curves(&mut self, path: PathBuf) {
        let text = curves_csv(&self.document.training.arms, self.train.per());
        let name = "Save the losses";
        self.queue.add(Lane::Files, TRAINING, name, move |_| {
            ptycho_core::disk::write(&path, text.as_bytes())?;
            Ok(Outcome::Written(path))
        });
    }

    /// Read a bundle and check hash, names and shapes.
    pub(super) fn read_bundle(&mut self, path: PathBuf) {
        let bundles = &mut self.document.training.bundles;
        bundles.insert(path.clone(), BundleState::Reading);
        let name = "Check the bundle";
        self.queue.add(Lane::Outlook, TRAINING, name, move |_| {
            Ok(Outcome::BundleRead(Box::new(BundleRead::new(path))))
        });
    }

    pub(super) fn bundle_read(&mut self, read: BundleRead) {
        let bundles = &mut self.document.training.bundles;
        bundles.insert(read.path.clone(), BundleState::Read(read));
    }

    /// Reading failed in an unforeseen way.
    pub(super) fn bundles_failed(&mut self, error: &ptycho_core::Error) {
        for (path, state) in &mut self.document.training.bundles {
            if matches!(state, BundleState::Reading) {
                *state = BundleState::Read(BundleRead {
                    path: path.clone(),
                    card: Err(error.to_string()),
                });
            }
        }
    }

    /// Set a reconstruction by this bundle up, of the test set that belongs to its training set where there is one.
    pub(super) fn use_bundle(&mut self, path: &Path, train: Option<&Path>) {
        let inference = &mut self.document.training.inference;
        inference.draft.bundle = path.display().to_string();
        inference.draft.output = None;
        inference.test_set = train.and_then(matching_test);
        if !self.document.training.bundles.contains_key(path) {
            self.read_bundle(path.to_path_buf());
        }
        self.view = View::Train;
        self.train.show(Page::Reconstruction);
    }

    pub(super) fn start_inference(&mut self) {
        if self.queue.is_busy(Lane::Compute) {
            return;
        }
        let document = &mut self.document;
        let runs = document.training.runs.clone();
        let how = (
            runs.as_path(),
            document.n_threads,
            document.training.draft.device,
        );
        let Ok(task) = document.training.inference.task(&document.scan, how) else {
            return;
        };
        let in_memory = document
            .training
            .inference
            .is_in_memory(&document.scan)
            .then(|| document.scan.dataset.clone())
            .flatten();
        let inference = &mut document.training.inference;
        inference.task = Some(task.clone());
        inference.failed = None;
        self.train.show(Page::Reconstruction);
        let name = "Reconstruct with the bundle";
        self.queue
            .add(Lane::Compute, INFERENCE, name, move |monitor| {
                work::run_inference(&task, in_memory.as_deref(), monitor)
            });
    }

    pub(super) fn inferred(&mut self, shown: ShownInference) {
        self.keep_inference(&shown);
        let inference = &mut self.document.training.inference;
        inference.done = Some(Arc::new(shown));
        inference.revision += 1;
    }

    pub(super) fn inference_failed(&mut self, error: &ptycho_core::Error) {
        let words = match error {
            ptycho_core::Error::Cancelled => "Stopped: nothing was written.".to_owned(),
            _ => error.to_string(),
        };
        self.document.training.inference.failed = Some(words);
    }

    /// The command line of the page that is shown.
    pub(super) fn train_page_command(&self) -> String {
        let document = &self.document;
        let (training, scan) = (&document.training, &document.scan);
        if self.train.page() == Page::Reconstruction {
            let inference = &training.inference;
            let how = (
                training.runs.as_path(),
                document.n_threads,
                training.draft.device,
            );
            let is_demonstration = inference.is_in_memory(scan);
            return inference.task(scan, how).map_or_else(
                |_| "ptychobench infer RUN DATA.npz -o OUT.npz".to_owned(),
                |task| infer_command(&task, is_demonstration),
            );
        }
        training.task(scan, document.n_threads).map_or_else(
            || "ptychobench train TRAIN.npz -o RUN".to_owned(),
            |task| train_command(&task, training.is_in_memory(scan)),
        )
    }
}
