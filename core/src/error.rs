//! The one error type of the library, split by who can mend it.

use std::path::{Path, PathBuf};

/// A result with the library's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a user has to know to mend bad input: which file and key, what was expected and found, and the fix.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// What was attempted, as "open as a ptychography data set".
    pub attempted: String,
    /// The file, where there is one.
    pub file: Option<PathBuf>,
    /// The key or field at fault, where there is one.
    pub key: Option<String>,
    /// What was expected.
    pub expected: String,
    /// What was found instead.
    pub found: String,
    /// What would mend it.
    pub fix: String,
    /// Rule id, as "DATA-001", where a rule was broken.
    pub rule: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot {}", self.attempted)?;
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        if !self.expected.is_empty() {
            write!(f, ": expected {}", self.expected)?;
        }
        if !self.found.is_empty() {
            let separator = if self.expected.is_empty() { ":" } else { "," };
            write!(f, "{separator} found {}", self.found)?;
        }
        if let Some(rule) = &self.rule {
            write!(f, " ({rule})")?;
        }
        if !self.fix.is_empty() {
            write!(f, "; fix: {}", self.fix)?;
        }
        if let Some(file) = &self.file {
            write!(f, ": {}", file.display())?;
        }
        Ok(())
    }
}

/// Every way in which the library fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file does not obey the data contract and cannot be mended without a guess.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The caller's choice cannot work: a parameter out of range, shapes that do not fit.
    #[error("{0}")]
    Invalid(Box<Problem>),
    /// The environment failed: disk full, no permission, no such file.
    #[error("cannot {attempted}: {source}: {}", path.display())]
    Io {
        /// What was attempted.
        attempted: String,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's words.
        source: std::io::Error,
    },
    /// A run failed: diverged, panicked, lost its device.
    #[error("{0}")]
    Run(String),
    /// The work was stopped by its user.
    #[error("stopped by the user")]
    Cancelled,
}

impl Error {
    /// An [`Error::Io`] with its context, for `map_err(Error::io("read", path))`.
    pub fn io(attempted: impl Into<String>, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let (attempted, path) = (attempted.into(), path.to_path_buf());
        move |source| Self::Io {
            attempted,
            path,
            source,
        }
    }

    /// An [`Error::Invalid`] about one field.
    pub fn invalid(
        attempted: impl Into<String>,
        key: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Invalid(Box::new(Problem {
            attempted: attempted.into(),
            key: Some(key.into()),
            expected: expected.into(),
            found: found.into(),
            ..Problem::default()
        }))
    }

    /// The fields of the message, where the error is about input.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) | Self::Invalid(problem) => Some(problem),
            Self::Io { .. } | Self::Run(_) | Self::Cancelled => None,
        }
    }

    /// The same error with the words that tell how to mend it.
    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<String>) -> Self {
        if let Self::Refused(problem) | Self::Invalid(problem) = &mut self {
            problem.fix = fix.into();
        }
        self
    }

    /// The same error where what is said of `from` is meant for `to`: files made in a folder of their own, then moved.
    #[must_use]
    pub fn relocated(mut self, from: &Path, to: &Path) -> Self {
        let moved = |path: &Path| path.strip_prefix(from).map(|rest| to.join(rest)).ok();
        match &mut self {
            Self::Refused(problem) | Self::Invalid(problem) => {
                if let Some(path) = problem.file.as_deref().and_then(moved) {
                    problem.file = Some(path);
                }
            }
            Self::Io { path, .. } => {
                if let Some(to) = moved(path) {
                    *path = to;
                }
            }
            Self::Run(_) | Self::Cancelled => {}
        }
        self
    }

    /// The same error with the file it is about.
    #[must_use]
    pub fn with_file(mut self, file: &Path) -> Self {
        if let Self::Refused(problem) | Self::Invalid(problem) = &mut self {
            problem.file = Some(file.to_path_buf());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_all_its_fields_with_the_path_last() {
        let error = Error::invalid("reconstruct", "batch_size", "1 to 516", "0")
            .with_fix("give --batch-size 96")
            .with_file(Path::new("scan.npz"));
        assert_eq!(
            error.to_string(),
            "cannot reconstruct: batch_size: expected 1 to 516, found 0; fix: give --batch-size 96: scan.npz"
        );
    }
}
