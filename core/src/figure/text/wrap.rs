//! Text in lines that fit a width.

use super::{Weight, width};

/// The lines of `words` at this size, none wider than `limit`; line ends in the text stay.
///
/// A word that is too long for a line is broken between letters; a line has one letter at least. Blanks in a row count as
/// one, as in SVG; one that does not break (U+00A0) keeps its words together.
pub(in crate::figure) fn wrapped(words: &str, size: f64, limit: f64) -> Vec<String> {
    wrapped_after(words, size, [limit, limit])
}

/// As [`wrapped`], with a first line that has less room than the others: it stays empty where its first word fits only
/// them.
pub(in crate::figure) fn wrapped_after(
    words: &str,
    size: f64,
    [first, limit]: [f64; 2],
) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let measure = |text: &str| width(text, size, Weight::Regular);
    for paragraph in words.lines() {
        let mut line = String::new();
        for word in split(paragraph) {
            let joined = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            let room = if lines.is_empty() { first } else { limit };
            if measure(&joined) <= room {
                line = joined;
                continue;
            }
            let has_more_room_below = room < limit && measure(word) <= limit;
            if !line.is_empty() || has_more_room_below {
                lines.push(std::mem::take(&mut line));
            }
            for letter in word.chars() {
                line.push(letter);
                let room = if lines.is_empty() { first } else { limit };
                if measure(&line) > room && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::take(&mut line));
                    line.push(letter);
                }
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
    }
    lines
}

/// Width of the longest word, which cannot be broken well.
pub(in crate::figure) fn longest_word(words: &str, size: f64) -> f64 {
    split(words)
        .map(|word| width(word, size, Weight::Regular))
        .fold(0.0, f64::max)
}

fn split(words: &str) -> impl Iterator<Item = &str> {
    words
        .split(|letter: char| letter.is_whitespace() && letter != '\u{a0}')
        .filter(|word| !word.is_empty())
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
        let (size, limit) = (8.0, width("PSNR 31", 8.0, Weight::Regular));
        assert_eq!(
            wrapped("a PSNR\u{a0}31 b", size, limit),
            ["a", "PSNR\u{a0}31", "b"]
        );
        let rooms = [width("PSNR", size, Weight::Regular), limit];
        assert_eq!(wrapped_after("PSNR 31 dB", size, rooms), ["PSNR", "31 dB"]);
        assert_eq!(
            wrapped_after("PSNR:31 dB", size, [rooms[0], 2.0 * limit]),
            ["", "PSNR:31 dB"]
        );
    }
}
