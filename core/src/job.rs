//! Work off the caller's thread: a cancel flag, a latest-snapshot slot, one loop for every engine.
//!
//! Call sequence of a [`Monitor`]: `progress` after every step, `snapshot` at most ten times a
//! second and always once at the end (also after an interruption), `stop` whenever the engine asks.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The shortest time between two snapshots, so that previews cost little.
pub const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(100);

/// A flag that asks work to stop, shared by all its holders.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ask the work to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How far an engine is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Whole epochs done.
    pub epoch: usize,
    /// Epochs in all.
    pub n_epochs: usize,
    /// Share of the present epoch that is done, 0 to 1.
    pub epoch_share: f64,
    /// Loss of the last whole epoch; NaN before there is one.
    pub loss: f64,
    /// Patterns (or samples) a second over the last whole epoch; 0 before there is one.
    pub rate_per_s: f64,
}

impl Progress {
    /// Share of the whole work that is done, 0 to 1.
    pub fn share(&self) -> f64 {
        if self.n_epochs == 0 {
            return 1.0;
        }
        ((self.epoch as f64 + self.epoch_share) / self.n_epochs as f64).clamp(0.0, 1.0)
    }
}

/// How an engine reports and hears of a stop; it knows nothing of windows or terminals.
pub trait Monitor<S>: Sync {
    /// The flag that asks the engine to stop.
    fn stop(&self) -> &Stop;
    /// Called after every step.
    fn progress(&self, progress: Progress);
    /// The latest state, at most ten times a second, and the final one always.
    fn snapshot(&self, snapshot: S);
}

/// A monitor that listens to nothing and can only be stopped.
#[derive(Debug, Default)]
pub struct Quiet(pub Stop);

impl<S> Monitor<S> for Quiet {
    fn stop(&self) -> &Stop {
        &self.0
    }
    fn progress(&self, _: Progress) {}
    fn snapshot(&self, _: S) {}
}

/// What one step of an engine did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Part of an epoch.
    Within,
    /// The step ended an epoch.
    EpochEnd,
    /// The engine saw the stop flag and dropped the unfinished step; its state is valid.
    Dropped,
}

/// Why [`drive`] stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// All epochs are done.
    Finished,
    /// The user asked.
    Cancelled,
    /// NaN or a vanishing probe in the epoch named (counted from 1); the last good state was kept.
    Diverged {
        /// The epoch in which it happened, counted from 1.
        epoch: usize,
        /// What happened, in words.
        why: String,
    },
    /// The time allowed was used up.
    TimedOut,
}

/// Work that advances in steps of about 0.2 s or less.
pub trait Engine {
    /// What a monitor is shown.
    type Snapshot;

    /// Advance by one step; look at `stop` inside when the step may be long.
    ///
    /// # Errors
    /// [`Error::Run`] if the engine cannot go on at all. Divergence is not an error here: see [`Engine::health`].
    fn step(&mut self, stop: &Stop) -> Result<Step>;

    /// Whether all epochs are done.
    fn is_finished(&self) -> bool;

    /// How far it is.
    fn progress(&self) -> Progress;

    /// A copy of what is worth showing.
    fn snapshot(&self) -> Self::Snapshot;

    /// Words that say what went wrong numerically (NaN, vanishing probe), if anything has.
    fn health(&self) -> Option<String>;

    /// Go back to the last good state, after [`Engine::health`] complained.
    fn restore_last_good(&mut self);

    /// Write the whole state so that a resumed run equals a straight one bit for bit.
    ///
    /// # Errors
    /// [`Error::Io`].
    fn checkpoint(&self, file: &std::path::Path) -> Result<()>;
}

/// How [`drive`] runs an engine.
#[derive(Clone, Debug, Default)]
pub struct DriveOptions {
    /// Where to write checkpoints, if anywhere.
    pub checkpoint: Option<PathBuf>,
    /// Time between checkpoints; one is always written at the end when `checkpoint` is given.
    pub checkpoint_interval: Option<Duration>,
    /// Stop after this long.
    pub time_limit: Option<Duration>,
}

/// The one loop for every engine: step, report, checkpoint, until done, stopped, diverged or out of time.
///
/// The final snapshot is always delivered, and the checkpoint (if asked for) always holds the state
/// that the engine ends with.
///
/// # Errors
/// Whatever [`Engine::step`] or [`Engine::checkpoint`] return.
pub fn drive<E: Engine>(
    engine: &mut E,
    options: &DriveOptions,
    monitor: &dyn Monitor<E::Snapshot>,
) -> Result<StopReason> {
    let start = Instant::now();
    let mut last_snapshot: Option<Instant> = None;
    let mut last_checkpoint = start;
    let reason = loop {
        if engine.is_finished() {
            break StopReason::Finished;
        }
        if monitor.stop().is_requested() {
            break StopReason::Cancelled;
        }
        if options
            .time_limit
            .is_some_and(|limit| limit <= start.elapsed())
        {
            break StopReason::TimedOut;
        }
        let step = engine.step(monitor.stop())?;
        if let Some(why) = engine.health() {
            let epoch = engine.progress().epoch + usize::from(step != Step::EpochEnd);
            engine.restore_last_good();
            break StopReason::Diverged { epoch, why };
        }
        monitor.progress(engine.progress());
        if last_snapshot.is_none_or(|at| SNAPSHOT_INTERVAL <= at.elapsed()) {
            monitor.snapshot(engine.snapshot());
            last_snapshot = Some(Instant::now());
        }
        if let (Some(file), Some(interval)) = (&options.checkpoint, options.checkpoint_interval)
            && interval <= last_checkpoint.elapsed()
        {
            engine.checkpoint(file)?;
            last_checkpoint = Instant::now();
        }
    };
    monitor.progress(engine.progress());
    monitor.snapshot(engine.snapshot());
    if let Some(file) = &options.checkpoint {
        engine.checkpoint(file)?;
    }
    Ok(reason)
}

/// What a job's holder sees of it at one moment.
#[derive(Clone, Debug, PartialEq)]
pub enum JobState {
    /// It runs.
    Running,
    /// It was asked to stop and has not yet.
    Stopping,
    /// It ended well; [`Job::take`] gives the result once.
    Done,
    /// It ended by the user's wish, without a result.
    Cancelled,
    /// It failed or panicked, with the message.
    Failed(String),
}

/// Wakes whoever shows the job: called after progress, a snapshot or the end.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

struct Shared<S, T> {
    stop: Stop,
    wake: Wake,
    slot: Mutex<Slot<S, T>>,
}

struct Slot<S, T> {
    progress: Progress,
    snapshot: Option<S>,
    result: Option<Result<T>>,
    state: JobState,
    ended: Option<Instant>,
}

impl<S, T> Shared<S, T> {
    fn slot(&self) -> MutexGuard<'_, Slot<S, T>> {
        // A poisoned lock only means that a holder panicked between two plain assignments.
        self.slot
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<S: Send, T: Send> Monitor<S> for Shared<S, T> {
    fn stop(&self) -> &Stop {
        &self.stop
    }

    fn progress(&self, progress: Progress) {
        self.slot().progress = progress;
        (self.wake)();
    }

    fn snapshot(&self, snapshot: S) {
        self.slot().snapshot = Some(snapshot);
        (self.wake)();
    }
}

/// Work on one named thread, with one stop flag and one latest-snapshot slot.
///
/// A panic in the work becomes [`JobState::Failed`]; dropping the job asks it to stop and does not wait.
pub struct Job<S, T> {
    shared: Arc<Shared<S, T>>,
    name: String,
    started: Instant,
}

impl<S: Send + 'static, T: Send + 'static> Job<S, T> {
    /// Start `work` on a thread called `name`.
    ///
    /// # Errors
    /// [`Error::Run`] if the system gives no thread.
    pub fn spawn(
        name: impl Into<String>,
        wake: Wake,
        work: impl FnOnce(&dyn Monitor<S>) -> Result<T> + Send + 'static,
    ) -> Result<Self> {
        let name = name.into();
        let shared = Arc::new(Shared {
            stop: Stop::default(),
            wake,
            slot: Mutex::new(Slot {
                progress: Progress::default(),
                snapshot: None,
                result: None,
                state: JobState::Running,
                ended: None,
            }),
        });
        let inner = Arc::clone(&shared);
        std::thread::Builder::new()
            .name(name.clone())
            .spawn(move || {
                let outcome =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(inner.as_ref())))
                        .unwrap_or_else(|panic| Err(Error::Run(panic_message(panic.as_ref()))));
                {
                    let mut slot = inner.slot();
                    slot.state = match &outcome {
                        Ok(_) => JobState::Done,
                        Err(Error::Cancelled) => JobState::Cancelled,
                        Err(error) => JobState::Failed(error.to_string()),
                    };
                    slot.result = Some(outcome);
                    slot.ended = Some(Instant::now());
                }
                (inner.wake)();
            })
            .map_err(|error| Error::Run(format!("no thread for {name}: {error}")))?;
        Ok(Self {
            shared,
            name,
            started: Instant::now(),
        })
    }

    /// The name given at the start.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ask the work to stop.
    pub fn stop(&self) {
        self.shared.stop.request();
    }

    /// What the job is doing.
    pub fn state(&self) -> JobState {
        let state = self.shared.slot().state.clone();
        if state == JobState::Running && self.shared.stop.is_requested() {
            return JobState::Stopping;
        }
        state
    }

    /// Whether the work has ended, well or not.
    pub fn is_ended(&self) -> bool {
        self.shared.slot().ended.is_some()
    }

    /// The last progress reported.
    pub fn progress(&self) -> Progress {
        self.shared.slot().progress
    }

    /// Time since the start, or between start and end once ended.
    pub fn elapsed(&self) -> Duration {
        let ended = self.shared.slot().ended;
        ended
            .unwrap_or_else(Instant::now)
            .duration_since(self.started)
    }

    /// The newest snapshot, once.
    pub fn take_snapshot(&self) -> Option<S> {
        self.shared.slot().snapshot.take()
    }

    /// The result, once, when the work has ended.
    pub fn take(&self) -> Option<Result<T>> {
        self.shared.slot().result.take()
    }
}

impl<S, T> Drop for Job<S, T> {
    fn drop(&mut self) {
        self.shared.stop.request();
    }
}

/// The words of a panic that was caught.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!(
        "the job panicked: {}",
        words.as_deref().unwrap_or("no message")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended<S: Send + 'static, T: Send + 'static>(job: &Job<S, T>) -> JobState {
        while !job.is_ended() {
            std::thread::sleep(Duration::from_millis(1));
        }
        job.state()
    }

    #[test]
    fn a_panic_becomes_a_failure_with_its_message() {
        let job = Job::<(), ()>::spawn("panics", Arc::new(|| ()), |_| {
            std::panic::panic_any("out of beam")
        })
        .unwrap();
        assert_eq!(
            ended(&job),
            JobState::Failed("the job panicked: out of beam".to_owned())
        );
        assert!(job.take().unwrap().is_err());
    }

    #[test]
    fn a_job_stops_when_asked_and_keeps_only_the_newest_snapshot() {
        let wakes = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counter = Arc::clone(&wakes);
        let wake: Wake = Arc::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let job = Job::spawn("counts", wake, |monitor: &dyn Monitor<u32>| {
            (0..3).for_each(|i| monitor.snapshot(i));
            while !monitor.stop().is_requested() {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err::<(), _>(Error::Cancelled)
        })
        .unwrap();
        assert_eq!((job.name(), job.state()), ("counts", JobState::Running));
        job.stop();
        assert_eq!(ended(&job), JobState::Cancelled);
        assert_eq!((job.take_snapshot(), job.take_snapshot()), (Some(2), None));
        assert!(
            4 <= wakes.load(Ordering::Relaxed),
            "each snapshot and the end wake the window"
        );
    }

    #[test]
    fn dropping_a_job_asks_it_to_stop() {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let job = Job::<(), ()>::spawn("orphan", Arc::new(|| ()), move |monitor| {
            while !monitor.stop().is_requested() {
                std::thread::sleep(Duration::from_millis(1));
            }
            sender
                .send(())
                .map_err(|error| Error::Run(error.to_string()))
        })
        .unwrap();
        drop(job);
        assert!(receiver.recv_timeout(Duration::from_secs(5)).is_ok());
    }

    /// Counts to `n_epochs`; fails numerically at epoch `bad`.
    struct Counter {
        epoch: usize,
        n_epochs: usize,
        bad: Option<usize>,
    }

    impl Engine for Counter {
        type Snapshot = usize;
        fn step(&mut self, _: &Stop) -> Result<Step> {
            self.epoch += 1;
            Ok(Step::EpochEnd)
        }
        fn is_finished(&self) -> bool {
            self.epoch == self.n_epochs
        }
        fn progress(&self) -> Progress {
            Progress {
                epoch: self.epoch,
                n_epochs: self.n_epochs,
                ..Progress::default()
            }
        }
        fn snapshot(&self) -> usize {
            self.epoch
        }
        fn health(&self) -> Option<String> {
            (self.bad == Some(self.epoch)).then(|| "NaN".to_owned())
        }
        fn restore_last_good(&mut self) {
            self.epoch -= 1;
        }
        fn checkpoint(&self, file: &std::path::Path) -> Result<()> {
            crate::disk::write(file, self.epoch.to_string().as_bytes())
        }
    }

    #[derive(Default)]
    struct Record(Stop, Mutex<Vec<usize>>);

    impl Monitor<usize> for Record {
        fn stop(&self) -> &Stop {
            &self.0
        }
        fn progress(&self, _: Progress) {}
        fn snapshot(&self, snapshot: usize) {
            self.1.lock().unwrap().push(snapshot);
        }
    }

    fn check_drive(
        mut engine: Counter,
        monitor: &Record,
        options: &DriveOptions,
    ) -> (StopReason, usize) {
        let reason = drive(&mut engine, options, monitor).unwrap();
        assert_eq!(
            monitor.1.lock().unwrap().last(),
            Some(&engine.epoch),
            "the final snapshot is never lost"
        );
        (reason, engine.epoch)
    }

    #[test]
    fn the_loop_says_why_it_stopped_and_checkpoints_what_it_ends_with() {
        let folder = tempfile::tempdir().unwrap();
        let options = DriveOptions {
            checkpoint: Some(folder.path().join("state")),
            ..DriveOptions::default()
        };
        let counter = |bad| Counter {
            epoch: 0,
            n_epochs: 5,
            bad,
        };
        assert_eq!(
            check_drive(counter(None), &Record::default(), &options),
            (StopReason::Finished, 5)
        );
        let diverged = StopReason::Diverged {
            epoch: 3,
            why: "NaN".to_owned(),
        };
        assert_eq!(
            check_drive(counter(Some(3)), &Record::default(), &options),
            (diverged, 2)
        );
        assert_eq!(std::fs::read(folder.path().join("state")).unwrap(), b"2");
        let stopped = Record::default();
        stopped.0.request();
        assert_eq!(
            check_drive(counter(None), &stopped, &options),
            (StopReason::Cancelled, 0)
        );
        let options = DriveOptions {
            time_limit: Some(Duration::ZERO),
            ..DriveOptions::default()
        };
        assert_eq!(
            check_drive(counter(None), &Record::default(), &options),
            (StopReason::TimedOut, 0)
        );
    }
}
