//! Several files at once: one that cannot be read must not hide the verdict on the others.

use std::path::Path;

use ptycho_core::error::{Error, Result};
use serde_json::{Value, json};

use super::{Exit, print_json, say};

/// What a command found.
pub(super) struct Several {
    /// The gravest so far.
    pub(super) exit: Exit,
    /// Objects of the files that could be read.
    pub(super) files: Vec<Value>,
    errors: Vec<Value>,
}

impl Several {
    pub(super) fn new() -> Self {
        Self {
            exit: Exit::Done,
            files: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Tell why a file could not be read, and go on.
    ///
    /// # Errors
    /// Those that are not about the file.
    pub(super) fn failed(&mut self, path: &Path, error: Error) -> Result<()> {
        if !matches!(error, Error::Io { .. } | Error::Refused(_)) {
            return Err(error);
        }
        say(format_args!("error: {error}"));
        self.exit = self.exit.max(Exit::of(&error));
        self.errors
            .push(json!({"path": path, "error": error.to_string()}));
        Ok(())
    }

    /// The code, and one object where a program reads the answer.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(super) fn finish(self, is_json: bool) -> Result<Exit> {
        if is_json {
            let mut object = json!({"files": self.files});
            if !self.errors.is_empty() {
                object["errors"] = Value::Array(self.errors);
            }
            print_json(&object)?;
        }
        Ok(self.exit)
    }
}
