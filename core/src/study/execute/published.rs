//! The figure where readers look for it: `figures/` in the study's folder.

use std::path::Path;

use super::{TaskState, TaskStatus};
use crate::disk;
use crate::error::{Error, Result};
use crate::study::plan::{Plan, TaskKind};

/// The folder of figures, in the study's run folder.
const FIGURES: &str = "figures";

/// Copy the files of a figure that is done to `figures/`, where they are not there yet; other files there stay.
pub(super) fn publish_figures(plan: &Plan, folder: &Path, tasks: &[TaskStatus]) -> Result<()> {
    let both = plan.tasks.iter().zip(tasks);
    let done = both
        .filter(|(task, status)| task.kind == TaskKind::Figure && status.state == TaskState::Done);
    for (task, status) in done {
        let outputs = status.record.iter().flat_map(|record| &record.outputs);
        for output in outputs {
            let from = folder.join(&task.id).join(&output.path);
            let to = folder.join(FIGURES).join(&output.path);
            let there = std::fs::read(&to).unwrap_or_default();
            if disk::sha256_hex(&there) != output.sha256 {
                let bytes = std::fs::read(&from).map_err(Error::io("read", &from))?;
                disk::write(&to, &bytes)?;
            }
        }
    }
    Ok(())
}
