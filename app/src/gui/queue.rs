//! The window's jobs: one at a time in each lane, polled from `logic`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ptycho_core::Result;
use ptycho_core::job::{Job, JobState, Monitor, Progress, Wake};

use super::work::{Event, Outcome};

/// The window is woken at most ten times a second, and always once after the last event.
const WAKE_INTERVAL: Duration = Duration::from_millis(100);

/// Jobs of one lane wait for each other; lanes do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Opening, repairing and writing files.
    Files,
    /// Statistics and summaries that nobody waits for.
    Background,
    /// Reconstructions, generations, trainings.
    Compute,
    /// Pictures of a running reconstruction.
    Preview,
    /// Pictures of what is about to be generated.
    Sketch,
    /// What a generation would write.
    Plan,
    /// What overlap views are made of, read.
    Subject,
    /// What an overlap view will be, newest settings first.
    Thinning,
    /// What a training would be, newest settings first.
    TrainPlan,
    /// Reports on a scan or a run, the newest question first.
    Diagnosis,
    /// What a comparison comes to, newest choices first.
    Compare,
    /// The figure of a study, newest choices first.
    Figure,
    /// What the window's forms need to know of files, newest question first.
    Outlook,
    /// What a study comes to and where it stands, newest choices first.
    Study,
}

/// What jobs about the generation have in place of a scan's number.
pub const GENERATION: u64 = u64::MAX;
/// What jobs about overlap views have in place of a scan's number.
pub const OVERLAP: u64 = u64::MAX - 1;
/// What jobs about trainings have in place of a scan's number.
pub const TRAINING: u64 = u64::MAX - 2;
/// What jobs about reconstructions by a trained network have in place of a scan's number.
pub const INFERENCE: u64 = u64::MAX - 3;

/// What jobs about comparisons have in place of a scan's number.
pub const COMPARISON: u64 = u64::MAX - 4;
/// What jobs about a study have in place of a scan's number.
pub const STUDY: u64 = u64::MAX - 5;
/// What jobs about a figure have in place of a scan's number.
pub const FIGURE: u64 = u64::MAX - 6;
/// What jobs about reports have in place of a scan's number.
pub const DIAGNOSIS: u64 = u64::MAX - 7;

/// What jobs about devices have in place of a scan's number.
pub const DEVICE: u64 = u64::MAX - 8;
/// What a trial of a scan's orientations has in place of its number.
pub const ORIENTATION: u64 = u64::MAX - 9;
/// What a comparison of a scan's halves has in place of its number.
pub const HALVES: u64 = u64::MAX - 10;

/// Whether this is the number of a scan, not one of those above.
pub fn is_scan(number: u64) -> bool {
    number < HALVES
}

type Work = Box<dyn FnOnce(&dyn Monitor<Event>) -> Result<Outcome> + Send>;

struct Waiting {
    id: u64,
    lane: Lane,
    scan: u64,
    name: String,
    work: Work,
}

struct Running {
    id: u64,
    lane: Lane,
    scan: u64,
    job: Job<Event, Outcome>,
}

/// What a job row shows.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: u64,
    pub lane: Lane,
    /// The scan that it is about, or what stands in its place.
    pub scan: u64,
    pub name: String,
    pub progress: Progress,
    pub elapsed: Duration,
    pub state: JobState,
}

impl Row {
    /// Share of the work that is done; nothing before the work has told how much it is.
    pub fn share(&self) -> f32 {
        if self.progress.n_epochs == 0 {
            0.0
        } else {
            self.progress.share() as f32
        }
    }
}

/// What came out of the jobs since the last look.
pub struct Report {
    /// Number of the job.
    pub id: u64,
    /// The scan that the job is about, or what stands in its place.
    pub scan: u64,
    /// The lane it ran in.
    pub lane: Lane,
    /// Its name.
    pub name: String,
    /// The last progress it told.
    pub progress: Progress,
    /// Time since its start, or until its end.
    pub elapsed: Duration,
    /// The newest snapshot.
    pub event: Option<Event>,
    /// The result, when it has ended.
    pub ended: Option<Result<Outcome>>,
}

/// Jobs that run and jobs that wait.
pub struct Queue {
    wake: Wake,
    waiting: VecDeque<Waiting>,
    running: Vec<Running>,
    next_id: u64,
}

impl Queue {
    /// A queue that wakes this window.
    pub fn new(ctx: &egui::Context) -> Self {
        Self {
            wake: throttled_wake(ctx.clone()),
            waiting: VecDeque::new(),
            running: Vec::new(),
            next_id: 1,
        }
    }

    /// Wakes the window, at most ten times a second.
    pub fn wake(&self) -> Wake {
        Arc::clone(&self.wake)
    }

    /// Run `work` when its lane is free; gives the number of the job.
    pub fn add(
        &mut self,
        lane: Lane,
        scan: u64,
        name: impl Into<String>,
        work: impl FnOnce(&dyn Monitor<Event>) -> Result<Outcome> + Send + 'static,
    ) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.waiting.push_back(Waiting {
            id,
            lane,
            scan,
            name: name.into(),
            work: Box::new(work),
        });
        id
    }

    /// Drop what waits and stop what runs in this lane.
    pub fn stop_lane(&mut self, lane: Lane) {
        self.waiting.retain(|waiting| waiting.lane != lane);
        for running in self.running.iter().filter(|running| running.lane == lane) {
            running.job.stop();
        }
    }

    /// Stop what runs in this lane; what waits is next.
    pub fn stop_running(&self, lane: Lane) {
        for running in self.running.iter().filter(|running| running.lane == lane) {
            running.job.stop();
        }
    }

    /// Whether this job has not yet started.
    pub fn is_waiting(&self, id: u64) -> bool {
        self.waiting.iter().any(|waiting| waiting.id == id)
    }

    /// Stop one job.
    pub fn stop(&mut self, id: u64) {
        self.waiting.retain(|waiting| waiting.id != id);
        for running in self.running.iter().filter(|running| running.id == id) {
            running.job.stop();
        }
    }

    /// Whether a job runs or waits in this lane.
    pub fn is_busy(&self, lane: Lane) -> bool {
        self.running.iter().any(|running| running.lane == lane)
            || self.waiting.iter().any(|waiting| waiting.lane == lane)
    }

    /// The job of a lane, as shown.
    pub fn row(&self, lane: Lane) -> Option<Row> {
        self.rows().into_iter().find(|row| row.lane == lane)
    }

    /// The reconstruction that runs, as shown.
    pub fn reconstruction(&self) -> Option<Row> {
        self.row(Lane::Compute).filter(|row| is_scan(row.scan))
    }

    /// The generation that runs, as shown.
    pub fn generation(&self) -> Option<Row> {
        self.row(Lane::Compute).filter(|row| row.scan == GENERATION)
    }

    /// The writing of overlap views that runs, as shown.
    pub fn overlap(&self) -> Option<Row> {
        self.row(Lane::Compute).filter(|row| row.scan == OVERLAP)
    }

    /// The training that runs, as shown.
    pub fn training(&self) -> Option<Row> {
        self.row(Lane::Compute).filter(|row| row.scan == TRAINING)
    }

    /// The reconstruction by a trained network that runs, as shown.
    pub fn inference(&self) -> Option<Row> {
        self.row(Lane::Compute).filter(|row| row.scan == INFERENCE)
    }

    /// The study that runs, as shown.
    pub fn study(&self) -> Option<Row> {
        self.row(Lane::Compute).filter(|row| row.scan == STUDY)
    }

    /// The trial about a scan that runs, as shown.
    pub fn trial(&self) -> Option<Row> {
        self.row(Lane::Compute)
            .filter(|row| matches!(row.scan, ORIENTATION | HALVES))
    }

    /// Why nothing else can be computed now; empty where it can.
    pub fn busy_words(&self) -> &'static str {
        match self.row(Lane::Compute).map(|row| row.scan) {
            Some(GENERATION) => {
                "Datasets are being generated: wait, or cancel that in the Generate view."
            }
            Some(OVERLAP) => {
                "Overlap views are being written: wait, or cancel that in the Overlap view."
            }
            Some(TRAINING) => "A training is running: wait, or stop it in the Train view.",
            Some(INFERENCE) => {
                "A trained network is reconstructing: wait, or stop it in the Train view."
            }
            Some(STUDY) => "A study is running: wait, or stop it in the Study view.",
            Some(ORIENTATION | HALVES) => {
                "A trial is running: wait, or stop it in the Reconstruct view."
            }
            Some(_) => "A reconstruction is running: wait, or stop it.",
            None if self.is_busy(Lane::Compute) => "Another job is about to start.",
            None => "",
        }
    }

    /// Every running job, as shown.
    pub fn rows(&self) -> Vec<Row> {
        let rows = self.running.iter().map(|running| Row {
            id: running.id,
            lane: running.lane,
            scan: running.scan,
            name: running.job.name().to_owned(),
            progress: running.job.progress(),
            elapsed: running.job.elapsed(),
            state: running.job.state(),
        });
        rows.collect()
    }

    /// Collect what the jobs have told, and start the next of every free lane.
    pub fn poll(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        self.running.retain(|running| {
            // Asked before the snapshot is taken, so that the last one is not lost.
            let has_ended = running.job.is_ended();
            let event = running.job.take_snapshot();
            let ended = has_ended.then(|| running.job.take()).flatten();
            if event.is_some() || has_ended {
                reports.push(Report {
                    id: running.id,
                    elapsed: running.job.elapsed(),
                    scan: running.scan,
                    lane: running.lane,
                    name: running.job.name().to_owned(),
                    progress: running.job.progress(),
                    event,
                    ended,
                });
            }
            !has_ended
        });
        reports.extend(self.start_next());
        reports
    }

    fn start_next(&mut self) -> Vec<Report> {
        let mut failed = Vec::new();
        let mut still_waiting = VecDeque::new();
        for waiting in std::mem::take(&mut self.waiting) {
            if self
                .running
                .iter()
                .any(|running| running.lane == waiting.lane)
            {
                still_waiting.push_back(waiting);
                continue;
            }
            let Waiting {
                id,
                lane,
                scan,
                name,
                work,
            } = waiting;
            match Job::spawn(name.clone(), self.wake(), work) {
                Ok(job) => self.running.push(Running {
                    id,
                    lane,
                    scan,
                    job,
                }),
                Err(error) => failed.push(Report {
                    id,
                    elapsed: Duration::ZERO,
                    scan,
                    lane,
                    name,
                    progress: Progress::default(),
                    event: None,
                    ended: Some(Err(error)),
                }),
            }
        }
        self.waiting = still_waiting;
        failed
    }
}

/// Asks for a repaint now, or for one when the interval is over.
fn throttled_wake(ctx: egui::Context) -> Wake {
    let last = Mutex::new(None::<Instant>);
    Arc::new(move || {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let since = last.map_or(WAKE_INTERVAL, |last| last.elapsed());
        if WAKE_INTERVAL <= since {
            *last = Some(Instant::now());
            ctx.request_repaint();
        } else {
            ctx.request_repaint_after(WAKE_INTERVAL.saturating_sub(since));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ptycho_core::Error;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn poll_until_idle(queue: &mut Queue) -> Vec<Report> {
        let mut reports = Vec::new();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            reports.extend(queue.poll());
            if queue.rows().is_empty() && queue.waiting.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        reports
    }

    #[test]
    fn jobs_of_a_lane_follow_each_other_and_failures_are_reported() {
        let mut queue = Queue::new(&egui::Context::default());
        let at_once = Arc::new(AtomicUsize::new(0));
        for i in 0..3 {
            let at_once = Arc::clone(&at_once);
            queue.add(Lane::Files, 7, format!("write {i}"), move |_| {
                assert_eq!(at_once.fetch_add(1, Ordering::SeqCst), 0);
                std::thread::sleep(Duration::from_millis(5));
                at_once.fetch_sub(1, Ordering::SeqCst);
                match i {
                    1 => Err(Error::Run("disk full".to_owned())),
                    _ => Ok(Outcome::Written("x".into())),
                }
            });
        }
        let reports = poll_until_idle(&mut queue);
        let words: Vec<_> = reports
            .iter()
            .map(|report| {
                (
                    report.name.as_str(),
                    matches!(report.ended, Some(Ok(_))),
                    report.scan,
                )
            })
            .collect();
        assert_eq!(
            words,
            [
                ("write 0", true, 7),
                ("write 1", false, 7),
                ("write 2", true, 7)
            ]
        );
    }

    #[test]
    fn a_stopped_lane_drops_what_waits() {
        let mut queue = Queue::new(&egui::Context::default());
        for name in ["first", "second"] {
            queue.add(Lane::Compute, 0, name, |monitor| {
                while !monitor.stop().is_requested() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(Error::Cancelled)
            });
        }
        assert!(queue.poll().is_empty());
        assert!(queue.is_busy(Lane::Compute) && !queue.is_busy(Lane::Files));
        queue.stop_lane(Lane::Compute);
        let reports = poll_until_idle(&mut queue);
        assert_eq!(reports.len(), 1);
        assert!(matches!(reports[0].ended, Some(Err(Error::Cancelled))));
    }
}
