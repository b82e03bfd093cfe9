//! One task from begin to record.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::SystemTime;

use super::folder::TaskFolder;
use super::given::{Given, Inputs};
use super::watch::Clock;
use super::work::{self, Made};
use super::{Ended, SCHEMA, TaskRecord, is_running};
use crate::compute::DeviceChoice;
use crate::error::{Error, Result};
use crate::job::{Monitor, panic_message};
use crate::study::plan::{Plan, Task};
use crate::study::store::{OutputRecord, utc};

/// A task about to be executed, with all that it takes.
pub(super) struct Doing<'a> {
    pub(super) plan: &'a Plan,
    pub(super) task: &'a Task,
    /// The study's run folder.
    pub(super) folder: &'a Path,
    /// What the tasks that it needs have come to.
    pub(super) inputs: Inputs,
    pub(super) device: DeviceChoice,
    pub(super) n_threads: usize,
}

impl Doing<'_> {
    /// Execute the task: go on from its checkpoint if it was left with the same settings and inputs, else clear its folder and
    /// begin; record how it ended. A task that fails is recorded, no error.
    ///
    /// # Errors
    /// [`Error::Refused`] while another program executes it; [`Error::Io`] where its folder cannot be written.
    pub(super) fn execute(self, monitor: &dyn Monitor<Vec<f64>>) -> Result<TaskRecord> {
        let folder = TaskFolder::new(self.folder, &self.task.id);
        let lock = folder.lock()?;
        let _lock = lock.ok_or_else(|| is_running(folder.path(), &self.task.id))?;
        let given = Given::new(self.task, self.inputs.clone());
        let left = folder.record().filter(|record| {
            let is_open = matches!(record.ended, Ended::Running | Ended::Stopped);
            is_open
                && record.key == self.task.key
                && folder
                    .given()
                    .is_some_and(|before| before.inputs == given.inputs)
        });
        let can_resume = left.is_some() && work::has_checkpoint(self.task, folder.path());
        if !can_resume {
            folder.clear()?;
        }
        let record = TaskRecord {
            ended: Ended::Running,
            ..self.record(left.filter(|_| can_resume))
        };
        folder.write_given(&given)?;
        folder.write_record(&record)?;
        let clock = Clock::new(monitor, &folder, &record);
        let mut made = self.work(can_resume, &clock);
        if let (true, Err(Error::Refused(_) | Error::Invalid(_))) = (can_resume, &made) {
            // A checkpoint that cannot be used is worth no more than none.
            folder.clear()?;
            folder.write_given(&given)?;
            folder.write_record(&record)?;
            made = self.work(false, &clock);
        }
        let seconds = clock.seconds();
        let record = ended(record, made, folder.path(), seconds);
        folder.write_record(&record)?;
        Ok(record)
    }

    /// The record of a task that begins, or goes on.
    fn record(&self, left: Option<TaskRecord>) -> TaskRecord {
        let (started, seconds) = left.map_or((utc(SystemTime::now()), 0.0), |left| {
            (left.started, left.seconds)
        });
        TaskRecord {
            schema: SCHEMA,
            version: format!("ptychobench {}", env!("CARGO_PKG_VERSION")),
            id: self.task.id.clone(),
            kind: self.task.kind,
            key: self.task.key.clone(),
            ended: Ended::Running,
            outputs: Vec::new(),
            numbers: BTreeMap::new(),
            notes: Vec::new(),
            seeds: work::seeds(&self.task.work),
            device: [String::new(), String::new()],
            n_threads: self.n_threads,
            started,
            finished: None,
            seconds,
        }
    }

    /// A panic is the task's failure, not the study's.
    fn work(&self, resume: bool, monitor: &dyn Monitor<Vec<f64>>) -> Result<Made> {
        let work = AssertUnwindSafe(|| work::execute(self, resume, monitor));
        catch_unwind(work).unwrap_or_else(|panic| Err(Error::Run(panic_message(panic.as_ref()))))
    }
}

/// The record of a task that has ended, one way or the other.
fn ended(record: TaskRecord, made: Result<Made>, folder: &Path, seconds: f64) -> TaskRecord {
    let hashed = made.and_then(|made| {
        let output = |file: &std::path::PathBuf| OutputRecord::within(file, folder);
        let outputs: Result<Vec<OutputRecord>> = made.files.iter().map(output).collect();
        Ok((outputs?, made))
    });
    let finished = Some(utc(SystemTime::now()));
    let failed = |ended: Ended| TaskRecord {
        ended,
        seconds,
        finished: finished.clone(),
        ..record.clone()
    };
    match hashed {
        Err(Error::Cancelled) => failed(Ended::Stopped),
        Err(error) => failed(Ended::Failed(error.to_string())),
        Ok((outputs, made)) => TaskRecord {
            ended: made.ended,
            outputs,
            numbers: made.numbers,
            notes: made.notes,
            device: made.device,
            seconds,
            finished,
            ..record
        },
    }
}
