//! Text in lines that fit a width.

use super::{Weight, width};

/// The lines of `words` at this size, none wider than `limit`; line ends in the text stay.
///
/// A word that is too long for a line is broken between letters; a line has one letter at least. Blanks in a row count as
/// one, as in SVG.
pub(in crate::figure) fn wrapped(words: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in words.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            add(&mut lines, &mut line, word, &|text| {
                width(text, size, Weight::Regular) <= limit
            });
        }
        if !line.is_empty() {
            lines.push(line);
        }
    }
    lines
}

fn add(lines: &mut Vec<String>, line: &mut String, word: &str, fits: &dyn Fn(&str) -> bool) {
    let joined = if line.is_empty() {
        word.to_owned()
    } else {
        format!("{line} {word}")
    };
    if fits(&joined) {
        *line = joined;
        return;
    }
    if !line.is_empty() {
        lines.push(std::mem::take(line));
    }
    for letter in word.chars() {
        line.push(letter);
        if !fits(line) && line.chars().count() > 1 {
            line.pop();
            lines.push(std::mem::take(line));
            line.push(letter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_nothing_is_lost() {
        let words = "Phase of the  reconstruction\nby a_network_with_a_very_long_name";
        for limit in [5.0, 30.0, 80.0, 1000.0] {
            let lines = wrapped(words, 8.0, limit);
            let fits = |line: &String| {
                width(line, 8.0, Weight::Regular) <= limit || line.chars().count() == 1
            };
            assert!(lines.iter().all(fits), "{limit}: {lines:?}");
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(letters(&lines.concat()), letters(words));
        }
        assert_eq!(wrapped(words, 8.0, 1000.0).len(), 2);
        assert!(wrapped(" \n ", 8.0, 10.0).is_empty());
    }
}
