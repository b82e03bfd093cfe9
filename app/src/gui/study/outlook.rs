//! How much of a study is done, and what time and room are still needed.

use std::collections::BTreeMap;

use ptycho_core::study::execute::{TaskState, TaskStatus};
use ptycho_core::study::plan::{Plan, Task, TaskKind};

use super::plan::Estimated;

/// A study in numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outlook {
    pub n_tasks: usize,
    pub n_done: usize,
    pub n_failed: usize,
    pub n_blocked: usize,
    pub n_skipped: usize,
    /// Those that a run would do.
    pub n_left: usize,
    /// Seconds of what is left; none while that is not known.
    pub seconds_left: Option<f64>,
    /// Bytes that what is left will write.
    pub bytes_left: u64,
    /// Seconds of everything that can be done.
    pub seconds_all: Option<f64>,
    /// Bytes of everything that can be done.
    pub bytes_all: u64,
    /// Greatest memory of a task.
    pub memory_bytes: Option<u64>,
    pub kinds: Vec<KindOutlook>,
}

/// The tasks of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct KindOutlook {
    pub kind: TaskKind,
    pub n_tasks: usize,
    pub n_left: usize,
    pub n_skipped: usize,
    pub seconds_left: Option<f64>,
    pub bytes_left: u64,
}

/// Whether a run has this still to do, and which share of it.
fn share_left(state: &TaskState) -> f64 {
    match state {
        TaskState::Done | TaskState::Skipped(_) => 0.0,
        TaskState::Running(progress) if progress.n_epochs != 0 => 1.0 - progress.share(),
        _ => 1.0,
    }
}

impl Outlook {
    /// Count; `n_jobs` tasks are done at a time.
    pub fn new(
        plan: &Plan,
        tasks: &[TaskStatus],
        (estimated, n_jobs): (Option<&Estimated>, usize),
    ) -> Self {
        let estimated = estimated.filter(|one| one.study_sha256 == plan.study_sha256);
        let estimated = estimated.filter(|one| one.problem.is_none());
        let speed = speeds(plan, tasks, estimated);
        let seconds = |task: &Task| -> Option<f64> {
            let estimate = estimated?.estimates.get(&task.id)?;
            Some(estimate.seconds * speed.get(&task.kind).copied().unwrap_or(1.0))
        };
        let mut outlook = Self {
            seconds_left: estimated.map(|_| 0.0),
            seconds_all: estimated.map(|_| 0.0),
            memory_bytes: estimated.and_then(|one| {
                let memory = one.estimates.values().map(|one| one.memory_bytes);
                memory.max()
            }),
            ..Self::default()
        };
        for (task, status) in plan.tasks.iter().zip(tasks) {
            outlook.count(task, &status.state, seconds(task));
        }
        let at_a_time = n_jobs.max(1) as f64;
        outlook.seconds_left = outlook.seconds_left.map(|seconds| seconds / at_a_time);
        outlook.seconds_all = outlook.seconds_all.map(|seconds| seconds / at_a_time);
        outlook
    }

    /// The place of a kind among those counted; it is made where there is none.
    fn kind_at(&mut self, kind: TaskKind) -> usize {
        let known = self.kinds.iter().position(|of| of.kind == kind);
        known.unwrap_or_else(|| {
            self.kinds.push(KindOutlook {
                kind,
                n_tasks: 0,
                n_left: 0,
                n_skipped: 0,
                seconds_left: self.seconds_left.map(|_| 0.0),
                bytes_left: 0,
            });
            self.kinds.len() - 1
        })
    }

    fn count(&mut self, task: &Task, state: &TaskState, seconds: Option<f64>) {
        let left = share_left(state);
        let is_left = 0.0 < left;
        self.n_tasks += 1;
        self.n_left += usize::from(is_left);
        match state {
            TaskState::Done => self.n_done += 1,
            TaskState::Failed(_) => self.n_failed += 1,
            TaskState::Blocked(_) => self.n_blocked += 1,
            TaskState::Skipped(_) => self.n_skipped += 1,
            _ => {}
        }
        let is_skipped = matches!(state, TaskState::Skipped(_));
        let bytes_left = (task.n_bytes as f64 * left) as u64;
        let at = self.kind_at(task.kind);
        let kind = &mut self.kinds[at];
        kind.n_tasks += 1;
        kind.n_left += usize::from(is_left);
        kind.n_skipped += usize::from(is_skipped);
        kind.bytes_left += bytes_left;
        self.bytes_left += bytes_left;
        if is_skipped {
            return;
        }
        self.bytes_all += task.n_bytes;
        for (sum, share) in [
            (&mut kind.seconds_left, left),
            (&mut self.seconds_left, left),
            (&mut self.seconds_all, 1.0),
        ] {
            if let (Some(sum), Some(seconds)) = (sum.as_mut(), seconds) {
                *sum += share * seconds;
            }
        }
    }
}

/// How much slower or faster than estimated the tasks of each kind were that are done.
fn speeds(
    plan: &Plan,
    tasks: &[TaskStatus],
    estimated: Option<&Estimated>,
) -> BTreeMap<TaskKind, f64> {
    let mut sums: BTreeMap<TaskKind, [f64; 2]> = BTreeMap::new();
    for (task, status) in plan.tasks.iter().zip(tasks) {
        let record = status.record.as_ref();
        let record = record.filter(|_| status.state == TaskState::Done);
        let estimate = estimated.and_then(|one| one.estimates.get(&task.id));
        if let (Some(record), Some(estimate)) = (record, estimate) {
            let sum = sums.entry(task.kind).or_default();
            sum[0] += record.seconds;
            sum[1] += estimate.seconds;
        }
    }
    sums.into_iter()
        .filter(|(_, [_, estimated])| 0.0 < *estimated)
        .map(|(kind, [taken, estimated])| (kind, (taken / estimated).clamp(0.05, 20.0)))
        .collect()
}
