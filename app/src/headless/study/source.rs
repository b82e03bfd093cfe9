//! Which study a command means: a file, a template, or what lies in a run folder.

use std::path::{Path, PathBuf};

use ptycho_core::error::{Error, Problem, Result};
use ptycho_core::study::design::{Study, Template};
use ptycho_core::study::plan::Plan;

use crate::cli::study::StudyFile;

/// The file in a study's run folder that tells what was planned.
const PLAN: &str = "plan.json";

/// A study with the folder that relative paths in it begin at, and the folder of its runs.
pub(in crate::headless) struct Source {
    pub(in crate::headless) study: Study,
    pub(in crate::headless) folder: PathBuf,
    pub(in crate::headless) runs: PathBuf,
}

impl Source {
    /// The study that `args` mean.
    ///
    /// # Errors
    /// As [`Study::load`]; [`Error::Invalid`] that names templates where there is no such file.
    pub(in crate::headless) fn of(args: &StudyFile) -> Result<Self> {
        Self::named(&args.file, &args.runs)
    }

    /// The study at `file`, with its runs in `runs`, unless it is a run folder itself.
    ///
    /// # Errors
    /// As [`Source::of`].
    pub(in crate::headless) fn named(file: &Path, runs: &Path) -> Result<Self> {
        let planned = if file.is_dir() {
            file.join(PLAN)
        } else {
            file.to_path_buf()
        };
        if planned.ends_with(PLAN) {
            return Self::planned(&planned);
        }
        if file.is_file() {
            let folder = file.parent().unwrap_or_else(|| Path::new(""));
            return Ok(Self {
                study: Study::load(file)?,
                folder: folder.to_path_buf(),
                runs: runs.to_path_buf(),
            });
        }
        let template = file.to_str().and_then(Template::named);
        let template = template.ok_or_else(|| unknown(file))?;
        Ok(Self {
            study: Study::parse(template.text)?,
            folder: PathBuf::new(),
            runs: runs.to_path_buf(),
        })
    }

    /// The study of a `plan.json`; its run folder is where that lies, or will not be found under its name.
    fn planned(file: &Path) -> Result<Self> {
        let plan = Plan::load(file)?;
        let folder = file.parent().unwrap_or_else(|| Path::new("")).to_path_buf();
        // `runs/lines/plan.json` and, from within `runs/lines`, `plan.json` alike.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Ok(Self {
            study: plan.study,
            runs: folder.parent().unwrap_or(&folder).to_path_buf(),
            folder: PathBuf::new(),
        })
    }

    /// What the study comes to.
    ///
    /// # Errors
    /// As [`Plan::of`].
    pub(in crate::headless) fn plan(&self) -> Result<Plan> {
        Plan::of(&self.study, &self.folder)
    }
}

fn unknown(file: &Path) -> Error {
    let names: Vec<&str> = Template::ALL.iter().map(|template| template.name).collect();
    Error::Invalid(Box::new(Problem {
        attempted: "open a study".to_owned(),
        file: Some(file.to_path_buf()),
        expected: format!(
            "a study file, a run folder, or a template ({})",
            names.join(", ")
        ),
        found: "nothing of that name".to_owned(),
        fix: "write one by: ptychobench study new NAME".to_owned(),
        ..Problem::default()
    }))
}
