//! A study is read: from its file, from `plan.json`, or from a run folder with that.

use std::path::{Path, PathBuf};

use ptycho_core::study::design::Study;
use ptycho_core::study::plan::Plan;
use ptycho_core::{Error, Result};

use super::draft::{StudyDraft, StudyProblem};

/// The plan in a study's run folder.
pub const PLAN_FILE: &str = "plan.json";

/// A study that was read.
pub struct OpenedStudy {
    /// The study file; none where it comes from a run.
    pub file: Option<PathBuf>,
    pub draft: StudyDraft,
    /// What is wrong with the text; the draft's study is then the program's default.
    pub problem: Option<StudyProblem>,
    /// The folder of all runs, where it comes from one.
    pub runs: Option<PathBuf>,
}

/// The `plan.json` that a path means, if it means one.
pub fn plan_file(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.join(PLAN_FILE));
    }
    let is_json = path.extension().is_some_and(|ending| ending == "json");
    is_json.then(|| path.to_path_buf())
}

impl OpenedStudy {
    /// Read it. A text that spells no study is opened all the same, to be mended.
    ///
    /// # Errors
    /// [`ptycho_core::Error::Io`]; for a plan as [`Plan::load`].
    pub fn read(path: &Path) -> Result<Self> {
        if let Some(file) = plan_file(path) {
            let plan = Plan::load(&file)?;
            let runs = file.parent().and_then(Path::parent);
            return Ok(Self {
                file: None,
                draft: StudyDraft::new(plan.study),
                problem: None,
                runs: runs.map(Path::to_path_buf),
            });
        }
        let text = std::fs::read_to_string(path).map_err(Error::io("read the study", path))?;
        let problem = StudyProblem::of_text(&text);
        let study = Study::parse(&text).unwrap_or_default();
        let draft = StudyDraft { id: 0, study, text };
        Ok(Self {
            file: Some(path.to_path_buf()),
            draft,
            problem,
            runs: None,
        })
    }
}
