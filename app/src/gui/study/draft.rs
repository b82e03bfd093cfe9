//! The study as it is edited: by form and as text, in step.

use ptycho_core::Error;
use ptycho_core::study::design::{Study, problems};

use super::patch::{line_of_key, patched, spells};
use crate::words::problem_words;

/// What is edited, and what can be undone.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyDraft {
    /// Counts the studies of this window, so that no undo mixes two of them.
    pub id: u64,
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
    /// Other lines that are wrong, and why.
    pub others: Vec<(usize, String)>,
}

impl StudyProblem {
    /// Everything that is wrong with a text; none where it spells a study.
    pub fn of_text(text: &str) -> Option<Self> {
        let mut found = problems(text).into_iter();
        let first = found.next()?;
        Some(Self {
            line: Some(first.line),
            words: with_key(&first.key, &first.message),
            key: Some(first.key).filter(|key| !key.is_empty()),
            is_of_text: true,
            others: found
                .map(|other| (other.line, with_key(&other.key, &other.message)))
                .collect(),
        })
    }

    /// What an error says of a study with this text.
    pub fn of_plan(error: &Error, text: &str) -> Self {
        let key = error.problem().and_then(|problem| problem.key.clone());
        let words = error
            .problem()
            .map_or_else(|| error.to_string(), problem_words);
        Self {
            line: key.as_deref().and_then(|key| line_of_key(text, key)),
            key,
            words,
            is_of_text: false,
            others: Vec::new(),
        }
    }

    /// Section and field that it is about, as `training` and `epochs`.
    pub fn place(&self) -> (&str, &str) {
        let key = self.key.as_deref().unwrap_or_default();
        key.rsplit_once('.').unwrap_or((key, key))
    }

    /// Every line that is wrong, and why.
    pub fn lines(&self) -> Vec<(usize, &str)> {
        let own = self.line.map(|line| (line, self.words.as_str()));
        let others = self
            .others
            .iter()
            .map(|(line, words)| (*line, words.as_str()));
        own.into_iter().chain(others).collect()
    }
}

fn with_key(key: &str, message: &str) -> String {
    if key.is_empty() {
        message.to_owned()
    } else {
        format!("{key}: {message}")
    }
}

impl StudyDraft {
    /// A study and the text that spells it.
    pub fn new(study: Study) -> Self {
        let text = study.text();
        Self { id: 0, study, text }
    }

    /// The text was edited: the study follows where it spells one, else stays as it was.
    pub fn follow_text(&mut self) -> Option<StudyProblem> {
        match Study::parse(&self.text) {
            Ok(study) => {
                self.study = study;
                None
            }
            Err(_) => StudyProblem::of_text(&self.text),
        }
    }

    /// The form was edited: only the lines that have to change do, so that comments stay.
    pub fn follow_form(&mut self, before: &Study) -> Option<StudyProblem> {
        self.text = patched(&self.text, before, &self.study).unwrap_or_else(|| self.study.text());
        let problem = self.follow_text()?;
        Some(StudyProblem {
            is_of_text: false,
            ..problem
        })
    }

    /// What is wrong with the text as it stands.
    pub fn problem(&self) -> Option<StudyProblem> {
        let problem = StudyProblem::of_text(&self.text)?;
        // A form that makes a wrong study keeps its text in step.
        Some(StudyProblem {
            is_of_text: !spells(&self.text, &self.study),
            ..problem
        })
    }
}
