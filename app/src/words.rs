//! Words and numbers as sentences of the window have them.

use ptycho_core::error::Problem;
use ptycho_core::fields::capitalised;

/// 566184 as `566,184`.
pub fn with_separators(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i != 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Words for the command line as a sentence of the window.
pub fn sentence(words: &str) -> String {
    format!("{}.", capitalised(words.trim_end_matches('.')))
}

/// Expected, found and fix: what was attempted is known where it is shown.
pub fn problem_words(problem: &Problem) -> String {
    let mut words = String::new();
    if let Some(key) = &problem.key {
        words = format!("{key}: ");
    }
    if !problem.expected.is_empty() {
        words = format!("{words}expected {}", problem.expected);
    }
    if !problem.found.is_empty() {
        let separator = if problem.expected.is_empty() {
            ""
        } else {
            ", "
        };
        words = format!("{words}{separator}found {}", problem.found);
    }
    if !problem.fix.is_empty() {
        words = format!("{words}. {}", problem.fix);
    }
    if words.is_empty() {
        words = format!("cannot {}", problem.attempted);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sentences() {
        assert_eq!(with_separators(566_184), "566,184");
        assert_eq!(with_separators(12), "12");
        assert_eq!(sentence("only 16 groups"), "Only 16 groups.");
    }
}
