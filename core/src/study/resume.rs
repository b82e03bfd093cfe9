//! Which run belongs to a result, so that it can go on.

use std::path::Path;

use crate::error::{Error, Problem, Result};
use crate::study::run::run_folder_of;
use crate::study::store::RunFolder;

/// The newest run with a checkpoint that was to write `output`.
///
/// Candidates are the runs under `runs` whose manifest names `output` (also a run that was killed and never
/// wrote it) and the run that the result in `output` names. Folder names start with the time, so the
/// greatest name is the newest.
///
/// # Errors
/// [`Error::Refused`] if there is none.
pub fn run_of_output(output: &Path, runs: &Path) -> Result<RunFolder> {
    let wanted = std::path::absolute(output).map_err(Error::io("find", output))?;
    let writes_it = |folder: &RunFolder| {
        let manifest = folder.manifest().ok();
        let target = manifest.and_then(|manifest| manifest.task.output);
        target
            .and_then(|target| std::path::absolute(target).ok())
            .as_ref()
            == Some(&wanted)
    };
    let mut candidates = RunFolder::list(runs);
    candidates.retain(writes_it);
    let named = run_folder_of(output).ok().flatten();
    candidates.extend(named.and_then(|folder| RunFolder::open(&folder).ok()));
    candidates.retain(|folder| folder.checkpoint_file().is_file());
    let newest = candidates
        .into_iter()
        .max_by(|a, b| a.path().file_name().cmp(&b.path().file_name()));
    newest.ok_or_else(|| {
        Error::Refused(Box::new(Problem {
            attempted: "resume a reconstruction".to_owned(),
            file: Some(output.to_path_buf()),
            expected: "a run with a checkpoint that wrote this output".to_owned(),
            found: format!("none in {}", runs.display()),
            fix: "run it once without --resume, or name its run folder by --resume-from".to_owned(),
            ..Problem::default()
        }))
    })
}
