//! The folder of a task with its records.

use std::path::{Path, PathBuf};

use super::given::Given;
use super::{SCHEMA, TaskRecord};
use crate::disk::{self, FileLock};
use crate::error::{Error, Result};
use crate::study::store::RECORD_FILES;

const RECORD: &str = RECORD_FILES[0];
const GIVEN: &str = RECORD_FILES[1];
const LOCK: &str = RECORD_FILES[2];

/// The folder of a task.
pub(super) struct TaskFolder(PathBuf);

impl TaskFolder {
    /// That of a task in the study's folder.
    pub(super) fn new(study: &Path, id: &str) -> Self {
        Self(study.join(id))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Make the folder and hold it; `None` while another program does.
    pub(super) fn lock(&self) -> Result<Option<FileLock>> {
        std::fs::create_dir_all(&self.0).map_err(Error::io("make the folder", &self.0))?;
        FileLock::take(&self.0.join(LOCK))
    }

    /// Whether a program executes the task at this moment.
    pub(super) fn is_held(&self) -> bool {
        FileLock::is_held(&self.0.join(LOCK))
    }

    /// The record of the last execution; `None` where there is none of this schema.
    pub(super) fn record(&self) -> Option<TaskRecord> {
        let text = std::fs::read(self.0.join(RECORD)).ok()?;
        let record: TaskRecord = serde_json::from_slice(&text).ok()?;
        (record.schema == SCHEMA).then_some(record)
    }

    pub(super) fn write_record(&self, record: &TaskRecord) -> Result<()> {
        disk::write_json(&self.0.join(RECORD), record)
    }

    /// What the last execution was given, as far as it can be read.
    pub(super) fn given(&self) -> Option<Given> {
        let text = std::fs::read(self.0.join(GIVEN)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub(super) fn write_given(&self, given: &Given) -> Result<()> {
        disk::write_json(&self.0.join(GIVEN), given)
    }

    /// Remove everything but the lock, the record first: whenever the program is killed, no record tells of files that are
    /// gone.
    pub(super) fn clear(&self) -> Result<()> {
        for name in [RECORD, GIVEN] {
            remove(&self.0.join(name))?;
        }
        let entries = std::fs::read_dir(&self.0).map_err(Error::io("list", &self.0))?;
        for entry in entries {
            let entry = entry.map_err(Error::io("list", &self.0))?;
            if entry.file_name() != LOCK {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// Remove a file or a folder with all that is in it, if it is there.
fn remove(path: &Path) -> Result<()> {
    // A link is removed, not what it points to.
    let is_folder = std::fs::symlink_metadata(path).is_ok_and(|of| of.is_dir());
    let removed = if is_folder {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}
