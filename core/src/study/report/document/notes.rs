//! What people write in notes, read as blocks: headings, paragraphs, lists, fenced code; strong, emphasised, code, links.
//!
//! Anything else, HTML too, stays as it was typed.

use super::{Block, Inline};

/// The lines between one fence and the next, or blocks of the lines between them.
pub(super) fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    let mut list: Vec<Vec<Inline>> = Vec::new();
    let mut code: Option<Vec<&str>> = None;
    for line in markdown.lines() {
        if let Some(lines) = &mut code {
            if line.trim_start().starts_with("```") {
                blocks.push(Block::Code(lines.join("\n")));
                code = None;
            } else {
                lines.push(line);
            }
            continue;
        }
        let kind = Line::of(line);
        if !matches!(kind, Line::Words(_)) {
            end_paragraph(&mut paragraph, &mut blocks);
        }
        let goes_on = match kind {
            Line::Entry(_) => true,
            Line::Words(_) => line.starts_with(' '),
            _ => false,
        };
        if !goes_on {
            end_list(&mut list, &mut blocks);
        }
        match kind {
            Line::Fence => code = Some(Vec::new()),
            Line::Heading(level, words) => {
                blocks.push(Block::Heading((level + 2).min(6), inlines(words)));
            }
            Line::Entry(words) => list.push(inlines(words)),
            Line::Words(words) => match list.last_mut() {
                Some(entry) => {
                    entry.push(Inline::Text(" ".to_owned()));
                    entry.extend(inlines(words));
                }
                None => paragraph.push(words),
            },
            Line::Empty => {}
        }
    }
    end_paragraph(&mut paragraph, &mut blocks);
    end_list(&mut list, &mut blocks);
    blocks.extend(code.map(|lines| Block::Code(lines.join("\n"))));
    blocks
}

enum Line<'a> {
    Empty,
    Fence,
    Heading(usize, &'a str),
    Entry(&'a str),
    Words(&'a str),
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let words = line.trim();
        if words.is_empty() {
            return Self::Empty;
        }
        if words.starts_with("```") {
            return Self::Fence;
        }
        let after_hashes = line.trim_start_matches('#');
        let level = line.len() - after_hashes.len();
        if (1..=6).contains(&level) && after_hashes.starts_with(' ') {
            return Self::Heading(level, after_hashes.trim());
        }
        let entry = ["- ", "* ", "+ "]
            .iter()
            .find_map(|mark| words.strip_prefix(mark));
        entry.map_or(Self::Words(words), |words| Self::Entry(words.trim()))
    }
}

fn end_paragraph(paragraph: &mut Vec<&str>, blocks: &mut Vec<Block>) {
    if !paragraph.is_empty() {
        blocks.push(Block::Paragraph(inlines(&paragraph.join(" "))));
        paragraph.clear();
    }
}

fn end_list(list: &mut Vec<Vec<Inline>>, blocks: &mut Vec<Block>) {
    if !list.is_empty() {
        blocks.push(Block::List(std::mem::take(list)));
    }
}

/// What stands between two marks, and what follows.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<(&'a str, &'a str)> {
    let (inside, rest) = text.strip_prefix(open)?.split_once(close)?;
    (!inside.is_empty() && inside.trim() == inside).then_some((inside, rest))
}

fn inlines(words: &str) -> Vec<Inline> {
    let mut found = Vec::new();
    let mut plain = String::new();
    let mut rest = words;
    while let Some(letter) = rest.chars().next() {
        if let Some((inline, after)) = marked(rest, plain.chars().last()) {
            if !plain.is_empty() {
                found.push(Inline::Text(std::mem::take(&mut plain)));
            }
            found.push(inline);
            rest = after;
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        // A backslash before a mark makes it a letter.
        match rest.chars().next().filter(char::is_ascii_punctuation) {
            Some(mark) if letter == '\\' => {
                plain.push(mark);
                rest = &rest[1..];
            }
            _ => plain.push(letter),
        }
    }
    if !plain.is_empty() {
        found.push(Inline::Text(plain));
    }
    found
}

/// What begins here, if a mark does.
fn marked(rest: &str, before: Option<char>) -> Option<(Inline, &str)> {
    let owned = str::to_owned;
    if let Some((code, after)) = between(rest, "`", "`") {
        return Some((Inline::Code(owned(code)), after));
    }
    if let Some((strong, after)) = between(rest, "**", "**") {
        return Some((Inline::Strong(owned(strong)), after));
    }
    // An underscore inside a word, as in a name, is a letter.
    let is_in_word = before.is_some_and(char::is_alphanumeric);
    let emphasis = match rest.chars().next()? {
        '*' => between(rest, "*", "*"),
        '_' if !is_in_word => {
            between(rest, "_", "_").filter(|(_, after)| !after.starts_with(char::is_alphanumeric))
        }
        _ => None,
    };
    if let Some((words, after)) = emphasis {
        return Some((Inline::Emphasis(owned(words)), after));
    }
    let (words, after) = between(rest, "[", "](")?;
    let (target, after) = after.split_once(')')?;
    is_harmless(target).then(|| {
        let (words, target) = (owned(words), owned(target));
        (Inline::Link { words, target }, after)
    })
}

/// Whether a link leads to a page or a file, and nowhere else.
fn is_harmless(target: &str) -> bool {
    let scheme = target.split(['/', '?', '#']).next().unwrap_or_default();
    let is_page = ["https://", "http://", "mailto:"]
        .iter()
        .any(|begin| target.starts_with(begin));
    is_page || !scheme.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> Inline {
        Inline::Text(words.to_owned())
    }

    #[test]
    fn notes_become_blocks() {
        let found = blocks("# Why\nOne\ntwo\n\n- a\n  b\n- c\n```\n# code\n```\nend");
        let expected = [
            Block::Heading(3, vec![text("Why")]),
            Block::Paragraph(vec![text("One two")]),
            Block::List(vec![vec![text("a"), text(" "), text("b")], vec![text("c")]]),
            Block::Code("# code".to_owned()),
            Block::Paragraph(vec![text("end")]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn marks_and_links_are_read_and_names_stay_whole() {
        let link = Inline::Link {
            words: "page".to_owned(),
            target: "https://a.b/c".to_owned(),
        };
        assert_eq!(
            inlines("a **b** pinn_nll_gs2 `c*` [page](https://a.b/c) \\*d"),
            [
                text("a "),
                Inline::Strong("b".to_owned()),
                text(" pinn_nll_gs2 "),
                Inline::Code("c*".to_owned()),
                text(" "),
                link,
                text(" *d"),
            ]
        );
        assert_eq!(
            inlines("[x](javascript:alert) <b>"),
            [text("[x](javascript:alert) <b>")]
        );
        assert_eq!(inlines("2 * 3 * 4"), [text("2 * 3 * 4")]);
    }
}
