//! The study as it is edited: by form and as text, in step.

use ptycho_core::Error;
use ptycho_core::study::design::Study;

use super::patch::{line_of_key, patched};
use crate::words::problem_words;

/// What is edited, and what can be undone.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyDraft {
    /// The last study that the text spelled, or that the form made.
    pub study: Study,
    /// The text of its file.
    pub text: String,
}

/// What is wrong with a study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyProblem {
    /// The line of the text, counted from 1, where it is known.
    pub line: Option<usize>,
    /// The path of the field, as `training.epochs`, where it is known.
    pub key: Option<String>,
    /// What is wrong and what would mend it.
    pub words: String,
    /// Whether the text spells no study, so that form and text are out of step.
    pub is_of_text: bool,
}

impl StudyProblem {
    /// What an error says of this text.
    pub fn new(error: &Error, text: &str) -> Self {
        let key = error.problem().and_then(|problem| problem.key.clone());
        let words = error
            .problem()
            .map_or_else(|| error.to_string(), problem_words);
        let line = line_in(&error.to_string())
            .or_else(|| key.as_deref().and_then(|key| line_of_key(text, key)))
            .filter(|line| *line <= text.lines().count().max(1));
        Self {
            line,
            key,
            words,
            is_of_text: true,
        }
    }

    /// Section and field that it is about, as `training` and `epochs`.
    pub fn place(&self) -> (&str, &str) {
        let key = self.key.as_deref().unwrap_or_default();
        key.rsplit_once('.').unwrap_or((key, key))
    }
}

/// The number after the word "line".
fn line_in(words: &str) -> Option<usize> {
    let (_, after) = words.split_once("line ")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

impl StudyDraft {
    /// A study and the text that spells it.
    pub fn new(study: Study) -> Self {
        let text = study.text();
        Self { study, text }
    }

    /// A text that spells a study.
    ///
    /// # Errors
    /// As [`Study::parse`].
    pub fn parse(text: String) -> Result<Self, Error> {
        let study = Study::parse(&text)?;
        Ok(Self { study, text })
    }

    /// The text was edited: the study follows where it spells one, else stays as it was.
    pub fn follow_text(&mut self) -> Option<StudyProblem> {
        match Study::parse(&self.text) {
            Ok(study) => {
                self.study = study;
                None
            }
            Err(error) => Some(StudyProblem::new(&error, &self.text)),
        }
    }

    /// The form was edited: only the lines that have to change do, so that comments stay.
    pub fn follow_form(&mut self, before: &Study) -> Option<StudyProblem> {
        self.text = patched(&self.text, before, &self.study).unwrap_or_else(|| self.study.text());
        let error = Study::parse(&self.text).err()?;
        let problem = StudyProblem::new(&error, &self.text);
        Some(StudyProblem {
            is_of_text: false,
            ..problem
        })
    }

    /// What is wrong with the text as it stands.
    pub fn problem(&self) -> Option<StudyProblem> {
        let error = Study::parse(&self.text).err()?;
        let problem = StudyProblem::new(&error, &self.text);
        // A form that makes a wrong study keeps its text in step.
        let is_in_step = toml::from_str::<Study>(&self.text).is_ok_and(|read| read == self.study);
        Some(StudyProblem {
            is_of_text: !is_in_step,
            ..problem
        })
    }
}
