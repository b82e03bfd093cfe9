//! The notes of a run: the user's own words, kept in `notes.md` of its folder.

use std::path::{Path, PathBuf};

use ptycho_core::study::report::NOTES;

/// Notes as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadNotes {
    pub file: PathBuf,
    /// Their text, or why they cannot be read.
    pub text: Result<String, String>,
}

/// Notes as they are edited.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// The file that they belong to.
    pub file: Option<PathBuf>,
    pub text: String,
    /// The text in the file.
    pub saved: String,
    pub problem: Option<String>,
}

/// The file of the notes of a study's run.
pub fn notes_file(study_folder: &Path) -> PathBuf {
    study_folder.join(NOTES)
}

impl ReadNotes {
    /// Read a file; one that is not there holds none yet.
    pub fn new(file: PathBuf) -> Self {
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(format!("cannot read {}: {error}", file.display())),
        };
        Self { file, text }
    }
}

impl Notes {
    /// Whether there is something that is not in the file yet.
    pub fn is_changed(&self) -> bool {
        self.text != self.saved
    }

    /// Take what was read; words that are not kept yet are not lost.
    pub fn take(&mut self, read: ReadNotes) {
        let is_other = self.file.as_ref() != Some(&read.file);
        let is_changed = self.is_changed();
        self.file = Some(read.file);
        match read.text {
            Ok(text) => {
                if is_other || !is_changed {
                    self.text.clone_from(&text);
                }
                self.saved = text;
                self.problem = None;
            }
            Err(words) => self.problem = Some(words),
        }
    }
}
