//! What a study comes to and where it stands, worked out off the window's thread.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ptycho_core::compute::DeviceChoice;
use ptycho_core::study::design::Study;
use ptycho_core::study::execute::{TaskStatus, status};
use ptycho_core::study::plan::{Estimate, Plan, estimate};

use super::draft::StudyProblem;
use super::matrix::Matrix;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub study: Study,
    /// The folder of the study file, for relative paths in it.
    pub folder: PathBuf,
    /// The folder of all runs, as a full path.
    pub runs: PathBuf,
    /// Counts how often it was asked to look again.
    pub round: u64,
}

/// A plan with its places in the matrix.
#[derive(Clone, Debug)]
pub struct PlannedMatrix {
    pub plan: Plan,
    pub matrix: Matrix,
}

impl PlannedMatrix {
    /// Sort the tasks of a plan into its matrix.
    pub fn new(plan: Plan) -> Self {
        let matrix = Matrix::new(&plan);
        Self { plan, matrix }
    }

    /// The place in the plan of the task with this id.
    pub fn index(&self, id: &str) -> Option<usize> {
        self.plan.tasks.iter().position(|task| task.id == id)
    }
}

/// A plan and where its tasks stand, or what is in the way.
pub struct PlannedStudy {
    pub request: Request,
    pub planned: Result<(Arc<PlannedMatrix>, Vec<TaskStatus>), StudyProblem>,
}

impl PlannedStudy {
    /// Plan, and look what is done; `known` saves the plan where only the files may have changed.
    pub fn new(request: Request, known: Option<Arc<PlannedMatrix>>) -> Self {
        let planned = Self::make(&request, known).map_err(|error| {
            let text = request.study.text();
            StudyProblem::of_plan(&error, &text)
        });
        Self { request, planned }
    }

    fn make(
        request: &Request,
        known: Option<Arc<PlannedMatrix>>,
    ) -> ptycho_core::Result<(Arc<PlannedMatrix>, Vec<TaskStatus>)> {
        let planned = match known {
            Some(known) => known,
            None => Arc::new(PlannedMatrix::new(Plan::of(
                &request.study,
                &request.folder,
            )?)),
        };
        let tasks = status(&planned.plan, &request.runs)?;
        Ok((planned, tasks))
    }
}

/// What the tasks of a plan will take.
pub struct Estimated {
    /// [`Plan::study_sha256`] of the plan.
    pub study_sha256: String,
    pub estimates: BTreeMap<String, Estimate>,
    /// Why there are none.
    pub problem: Option<String>,
}

impl Estimated {
    /// Take trial steps.
    pub fn new(plan: &Plan, device: DeviceChoice, n_threads: usize) -> Self {
        let (estimates, problem) = match estimate(plan, device, n_threads) {
            Ok(estimates) => (estimates, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        Self {
            study_sha256: plan.study_sha256.clone(),
            estimates: estimates
                .into_iter()
                .map(|estimate| (estimate.id.clone(), estimate))
                .collect(),
            problem,
        }
    }
}

/// The folder of a study file; the current one where there is no file yet.
pub fn folder_of(file: Option<&Path>) -> PathBuf {
    let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
    std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.to_path_buf())
}
