//! What is wrong with a study, and where in its text.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem};

const ATTEMPTED: &str = "read the study";

/// Something in a study file that has to be mended, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StudyProblem {
    /// Line of the text, from 1.
    pub line: usize,
    /// Letter of the line, from 1.
    pub column: usize,
    /// Path of the field, as `training.epochs`; empty where the text is no TOML.
    pub key: String,
    /// What was expected and found and what would mend it, in one sentence.
    pub message: String,
    /// What was expected.
    pub expected: String,
    /// What was found instead.
    pub found: String,
    /// What would mend it.
    pub fix: String,
}

impl StudyProblem {
    /// As an error; `n_more` others are in the same text.
    pub(super) fn into_error(self, others: &[Self]) -> Error {
        let mut fix = self.fix;
        if !others.is_empty() {
            let lines: Vec<String> = others
                .iter()
                .map(|other| format!("line {} {}", other.line, other.key))
                .collect();
            let more = format!("then mend {} more: {}", others.len(), lines.join(", "));
            fix = if fix.is_empty() {
                more
            } else {
                format!("{fix}; {more}")
            };
        }
        Error::Refused(Box::new(Problem {
            attempted: format!("{ATTEMPTED}, line {}", self.line),
            key: Some(self.key).filter(|key| !key.is_empty()),
            expected: self.expected,
            found: self.found,
            fix,
            ..Problem::default()
        }))
    }
}

/// What is wrong with a study, wherever its text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) key: String,
    pub(super) expected: String,
    pub(super) found: String,
    pub(super) fix: String,
}

impl Finding {
    pub(super) fn new(
        key: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            key: key.into(),
            expected: expected.into(),
            found: found.into(),
            fix: fix.into(),
        }
    }

    /// What another check of the program found, about the field `key`.
    pub(super) fn of_error(key: impl Into<String>, error: &Error) -> Self {
        match error.problem() {
            Some(problem) => Self::new(key, &problem.expected, &problem.found, &problem.fix),
            None => Self::new(key, "", error.to_string(), ""),
        }
    }

    pub(super) fn into_error(self) -> Error {
        let error = Error::invalid("use the study", self.key, self.expected, self.found);
        error.with_fix(self.fix)
    }

    /// At a byte of a text.
    pub(super) fn at(self, text: &str, offset: usize) -> StudyProblem {
        let (line, column) = place(text, offset);
        let Self {
            key,
            expected,
            found,
            fix,
        } = self;
        let parts = [
            (!expected.is_empty()).then(|| format!("expected {expected}")),
            (!found.is_empty()).then(|| format!("found {found}")),
        ];
        let mut message = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        if !fix.is_empty() {
            message = format!("{message}; fix: {fix}");
        }
        StudyProblem {
            line,
            column,
            key,
            message,
            expected,
            found,
            fix,
        }
    }
}

/// Line and letter of a byte, from 1.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

/// The known name that is meant by `name`, if one is near: so many letters apart as a slip of the keyboard.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(1);
    let near = known
        .into_iter()
        .map(|other| (distance(name, other), other));
    near.filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, other)| other)
}

/// Letters to insert, remove, replace or exchange with their neighbour until `a` is `b`; capitals count as small ones.
fn distance(a: &str, b: &str) -> usize {
    let letters = |word: &str| word.to_lowercase().chars().collect::<Vec<_>>();
    let (a, b) = (letters(a), letters(b));
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            let is_exchanged = 1 < i && 1 < j && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if is_exchanged {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_keyboard_are_seen_through() {
        let known = ["epochs", "batch_size", "lr", "full"];
        for (name, meant) in [
            ("epoch", Some("epochs")),
            ("epohcs", Some("epochs")),
            ("batch-size", Some("batch_size")),
            ("BatchSize", Some("batch_size")),
            ("ful", Some("full")),
            ("momentum", None),
        ] {
            assert_eq!(nearest(name, known), meant, "{name}");
        }
    }

    #[test]
    fn places_count_lines_and_letters_from_one() {
        let text = "a = 1\nbéé = 2";
        assert_eq!(place(text, 0), (1, 1));
        assert_eq!(place(text, text.find('=').unwrap()), (1, 3));
        assert_eq!(place(text, text.rfind('=').unwrap()), (2, 5));
        assert_eq!(place(text, 1000), (2, 8));
    }
}
