//! The loop that begins tasks, watches them and tells how they stand.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::{Duration, Instant};

use super::control::Wishes;
use super::hashes::Hashes;
use super::schedule::{order, place_of};
use super::standing::{self, Standing, skipped_with, stand, survey};
use super::task::Doing;
use super::{Control, Ended, RunOptions, StudySnapshot, TaskRecord, TaskState, TaskStatus};
use crate::error::{Error, Result};
use crate::job::{Monitor, Progress, SNAPSHOT_INTERVAL, Stop};
use crate::study::plan::{Plan, Task};

/// How often wishes are looked at.
const TICK: Duration = Duration::from_millis(50);

/// What a task is in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not wanted, or nothing to be done.
    Idle,
    /// To be done.
    Waiting,
    Running,
    /// Its turn has come and gone.
    Over,
}

/// What keeps a task from beginning.
enum Obstacle {
    /// One that it needs is not there yet.
    Early,
    /// One that it needs failed, or was cancelled.
    Blocked(String),
    /// One that it needs cannot be done.
    Skipped(TaskState),
}

/// What a running task has told last.
#[derive(Default)]
struct Told {
    progress: Progress,
    losses: Arc<Vec<f64>>,
}

/// The ear of a running task.
#[derive(Default)]
struct Live {
    stop: Stop,
    told: Mutex<Told>,
}

impl Live {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Monitor<Vec<f64>> for Live {
    fn stop(&self) -> &Stop {
        &self.stop
    }

    fn progress(&self, progress: Progress) {
        self.told().progress = progress;
    }

    fn snapshot(&self, losses: Vec<f64>) {
        self.told().losses = Arc::new(losses);
    }
}

/// A task that has ended: its place and how.
type End = (usize, Result<TaskRecord>);

/// A run under way.
pub(super) struct Runner<'a> {
    plan: &'a Plan,
    options: &'a RunOptions,
    folder: PathBuf,
    hashes: Hashes,
    standings: Vec<Standing>,
    phases: Vec<Phase>,
    running: BTreeMap<usize, Arc<Live>>,
    wishes: Wishes,
    is_stopped: bool,
    n_to_do: usize,
    told: Option<Instant>,
}

impl<'a> Runner<'a> {
    /// Look where everything stands; `wanted` tells what of the plan is to be done.
    pub(super) fn new(
        plan: &'a Plan,
        options: &'a RunOptions,
        (folder, wanted): (PathBuf, Vec<bool>),
    ) -> Result<Self> {
        let hashes = Hashes::open(&folder);
        let standings = survey(plan, &folder, &hashes)?;
        let phase = |(is_wanted, standing): (bool, &Standing)| {
            let is_over = matches!(standing.state, TaskState::Done | TaskState::Skipped(_));
            if is_wanted && !is_over {
                Phase::Waiting
            } else {
                Phase::Idle
            }
        };
        let phases: Vec<Phase> = wanted.into_iter().zip(&standings).map(phase).collect();
        Ok(Self {
            plan,
            options,
            folder,
            hashes,
            standings,
            n_to_do: phases
                .iter()
                .filter(|phase| **phase == Phase::Waiting)
                .count(),
            phases,
            running: BTreeMap::new(),
            wishes: Wishes::default(),
            is_stopped: false,
            told: None,
        })
    }

    /// Do all that can be done; every task as it stands then, and whether somebody stopped it.
    pub(super) fn run(
        mut self,
        control: &Control,
        monitor: &dyn Monitor<StudySnapshot>,
    ) -> Result<(Vec<TaskStatus>, bool)> {
        let outcome = std::thread::scope(|scope| {
            let outcome = self.loop_until_done(scope, control, monitor);
            // Whatever ended the loop, nothing goes on without it.
            self.running.values().for_each(|live| live.stop.request());
            outcome
        });
        outcome?;
        let tasks = self.final_tasks()?;
        self.hashes.save();
        let snapshot = StudySnapshot {
            tasks: tasks.clone(),
            ..StudySnapshot::default()
        };
        monitor.progress(self.progress());
        monitor.snapshot(snapshot);
        Ok((tasks, self.is_stopped))
    }

    fn loop_until_done<'scope, 'env>(
        &mut self,
        scope: &'scope Scope<'scope, 'env>,
        control: &Control,
        monitor: &dyn Monitor<StudySnapshot>,
    ) -> Result<()>
    where
        'a: 'env,
    {
        let n_jobs = self.options.n_jobs.max(1);
        let (sender, receiver) = sync_channel::<End>(n_jobs);
        loop {
            self.listen(control, monitor.stop());
            while !self.is_stopped && !self.wishes.is_paused && self.running.len() < n_jobs {
                let Some(place) = self.next()? else { break };
                self.begin(place, scope, &sender)?;
            }
            let waits = || (0..self.phases.len()).any(|place| self.can_still_begin(place));
            if self.running.is_empty() && (self.is_stopped || !waits()) {
                return Ok(());
            }
            self.tell(monitor);
            self.receive(&receiver);
        }
    }

    /// Take up what is wished since.
    fn listen(&mut self, control: &Control, stop: &Stop) {
        let wishes = control.wished();
        for id in &wishes.cancelled {
            if let Some(live) = place_of(self.plan, id).and_then(|place| self.running.get(&place)) {
                live.stop.request();
            }
        }
        // What was stopped and is wished for again waits again.
        for id in &wishes.first {
            if let Some(place) = place_of(self.plan, id)
                && self.phases[place] == Phase::Over
                && self.wishes.cancelled.contains(id)
            {
                self.phases[place] = Phase::Waiting;
            }
        }
        self.wishes = wishes;
        if stop.is_requested() {
            self.is_stopped = true;
            self.running.values().for_each(|live| live.stop.request());
        }
    }

    fn is_cancelled(&self, place: usize) -> bool {
        self.wishes.cancelled.contains(&self.plan.tasks[place].id)
    }

    /// What keeps a waiting task from beginning, if anything does.
    fn obstacle(&self, task: &Task) -> Option<Obstacle> {
        let mut obstacle = None;
        for id in &task.after {
            let Some(place) = place_of(self.plan, id) else {
                return Some(Obstacle::Blocked(id.clone()));
            };
            match (self.phases[place], &self.standings[place].state) {
                (_, TaskState::Skipped(reason)) => {
                    return Some(Obstacle::Skipped(skipped_with(id, reason)));
                }
                (Phase::Idle | Phase::Over, TaskState::Done) => {}
                (Phase::Idle | Phase::Over, _) => return Some(Obstacle::Blocked(id.clone())),
                (Phase::Running, _) => obstacle = Some(Obstacle::Early),
                (Phase::Waiting, _) if self.is_cancelled(place) => {
                    return Some(Obstacle::Blocked(id.clone()));
                }
                (Phase::Waiting, _) => match self.obstacle(&self.plan.tasks[place]) {
                    Some(Obstacle::Early) | None => obstacle = Some(Obstacle::Early),
                    Some(Obstacle::Skipped(TaskState::Skipped(reason))) => {
                        return Some(Obstacle::Skipped(skipped_with(id, &reason)));
                    }
                    Some(other) => return Some(other),
                },
            }
        }
        obstacle
    }

    fn can_still_begin(&self, place: usize) -> bool {
        let is_free = || {
            matches!(
                self.obstacle(&self.plan.tasks[place]),
                None | Some(Obstacle::Early)
            )
        };
        self.phases[place] == Phase::Waiting && !self.is_cancelled(place) && is_free()
    }

    /// The next task that can begin. One that turns out to be done, since its inputs were made again the same, is passed over.
    fn next(&mut self) -> Result<Option<usize>> {
        for place in order(self.plan, &self.wishes.first) {
            let task = &self.plan.tasks[place];
            let waits = self.phases[place] == Phase::Waiting && !self.is_cancelled(place);
            if !waits || self.obstacle(task).is_some() {
                continue;
            }
            let standing = stand(
                self.plan,
                task,
                &self.standings,
                (&self.folder, &self.hashes),
            )?;
            let is_over = matches!(standing.state, TaskState::Done | TaskState::Skipped(_));
            self.standings[place] = standing;
            if is_over {
                self.phases[place] = Phase::Over;
                // What waited for it may stand before it in the order.
                return self.next();
            }
            return Ok(Some(place));
        }
        Ok(None)
    }

    fn begin<'scope, 'env>(
        &mut self,
        place: usize,
        scope: &'scope Scope<'scope, 'env>,
        sender: &SyncSender<End>,
    ) -> Result<()>
    where
        'a: 'env,
    {
        let (plan, options) = (self.plan, self.options);
        let task = &plan.tasks[place];
        let inputs = standing::inputs(plan, task, &self.standings).map_err(|needed| {
            Error::Run(format!("{} needs {needed}, which is not done", task.id))
        })?;
        let n_threads = threads_each(options);
        let (folder, sender, live) = (self.folder.clone(), sender.clone(), Arc::<Live>::default());
        let ear = Arc::clone(&live);
        tracing::info!("{} begins", task.id);
        std::thread::Builder::new()
            .name(task.id.clone())
            .spawn_scoped(scope, move || {
                let doing = Doing {
                    plan,
                    task,
                    folder: &folder,
                    inputs,
                    device: options.device,
                    n_threads,
                };
                let ended = doing.execute(&*ear);
                // A run that is gone needs no answer.
                let _ = sender.send((place, ended));
            })
            .map_err(|error| Error::Run(format!("no thread for {}: {error}", task.id)))?;
        self.phases[place] = Phase::Running;
        self.running.insert(place, live);
        Ok(())
    }

    /// Wait a moment for a task to end.
    fn receive(&mut self, receiver: &Receiver<End>) {
        match receiver.recv_timeout(TICK) {
            Ok((place, ended)) => self.end(place, ended),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }

    fn end(&mut self, place: usize, ended: Result<TaskRecord>) {
        self.running.remove(&place);
        self.phases[place] = Phase::Over;
        let id = &self.plan.tasks[place].id;
        let (state, record) = match ended {
            Ok(record) => {
                let state = match &record.ended {
                    Ended::Done => TaskState::Done,
                    Ended::Skipped(reason) => TaskState::Skipped(reason.clone()),
                    Ended::Failed(cause) => TaskState::Failed(cause.clone()),
                    Ended::Running | Ended::Stopped => TaskState::Interrupted,
                };
                (state, Some(Arc::new(record)))
            }
            // Its folder could not be written, so no record tells.
            Err(error) => (TaskState::Failed(error.to_string()), None),
        };
        match &state {
            TaskState::Failed(cause) => tracing::error!("{id} failed: {cause}"),
            TaskState::Skipped(reason) => tracing::warn!("{id} is skipped: {reason}"),
            TaskState::Interrupted => tracing::info!("{id} is stopped"),
            _ => tracing::info!("{id} is done"),
        }
        self.standings[place] = Standing { state, record };
    }

    /// How a task stands at this moment.
    fn state(&self, place: usize) -> TaskState {
        let standing = &self.standings[place];
        match self.phases[place] {
            Phase::Running => {
                let live = self.running.get(&place);
                TaskState::Running(live.map_or(Progress::default(), |live| live.told().progress))
            }
            Phase::Over if standing.state == TaskState::Interrupted && self.is_cancelled(place) => {
                TaskState::Cancelled
            }
            Phase::Idle | Phase::Over => standing.state.clone(),
            Phase::Waiting if self.is_cancelled(place) => TaskState::Cancelled,
            Phase::Waiting => match self.obstacle(&self.plan.tasks[place]) {
                None | Some(Obstacle::Early) => TaskState::Waiting,
                Some(Obstacle::Blocked(by)) => TaskState::Blocked(by),
                Some(Obstacle::Skipped(state)) => state,
            },
        }
    }

    fn tell(&mut self, monitor: &dyn Monitor<StudySnapshot>) {
        if self.told.is_some_and(|at| at.elapsed() < SNAPSHOT_INTERVAL) {
            return;
        }
        self.told = Some(Instant::now());
        let tasks = self.plan.tasks.iter().enumerate().map(|(place, task)| {
            let record = self.standings[place].record.clone();
            let state = self.state(place);
            Standing { state, record }.status(task)
        });
        let id = |place: &usize| self.plan.tasks[*place].id.clone();
        let queue = order(self.plan, &self.wishes.first);
        let losses = self.running.iter();
        monitor.progress(self.progress());
        monitor.snapshot(StudySnapshot {
            tasks: tasks.collect(),
            queue: queue
                .iter()
                .filter(|place| self.can_still_begin(**place))
                .map(id)
                .collect(),
            is_paused: self.wishes.is_paused,
            losses: losses
                .map(|(place, live)| (id(place), Arc::clone(&live.told().losses)))
                .collect(),
        });
    }

    /// Tasks as epochs.
    fn progress(&self) -> Progress {
        let shares = self
            .running
            .values()
            .map(|live| live.told().progress.share());
        let n_over = self
            .phases
            .iter()
            .filter(|phase| **phase == Phase::Over)
            .count();
        Progress {
            epoch: n_over,
            n_epochs: self.n_to_do,
            epoch_share: shares.sum(),
            loss: f64::NAN,
            rate_per_s: 0.0,
        }
    }

    /// How everything stands at the end, as the files tell, with what only this run knows.
    fn final_tasks(&self) -> Result<Vec<TaskStatus>> {
        let mut standings = survey(self.plan, &self.folder, &self.hashes)?;
        for (place, standing) in standings.iter_mut().enumerate() {
            match self.state(place) {
                state @ (TaskState::Cancelled | TaskState::Blocked(_) | TaskState::Failed(_))
                    if self.phases[place] != Phase::Idle =>
                {
                    standing.state = state;
                }
                _ => {}
            }
        }
        let tasks = self.plan.tasks.iter().zip(standings);
        Ok(tasks
            .map(|(task, standing)| standing.status(task))
            .collect())
    }
}

/// Threads of one of several tasks at a time.
fn threads_each(options: &RunOptions) -> usize {
    let all = match options.n_threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n_threads => n_threads,
    };
    (all / options.n_jobs.max(1)).max(1)
}

impl Doing<'_> {
    /// The plan and the folder of all studies for which [`Plan::folder`] is the study's folder, also where that was renamed.
    pub(super) fn plan_in_place(&self) -> (Cow<'_, Plan>, PathBuf) {
        let runs = self
            .folder
            .parent()
            .unwrap_or_else(|| Path::new(""))
            .to_path_buf();
        if self.plan.folder(&runs) == self.folder {
            return (Cow::Borrowed(self.plan), runs);
        }
        let mut plan = self.plan.clone();
        let name = self.folder.file_name().unwrap_or_default();
        plan.study.name = name.to_string_lossy().into_owned();
        (Cow::Owned(plan), runs)
    }
}
