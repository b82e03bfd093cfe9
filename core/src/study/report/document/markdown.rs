//! Markdown with the tables of GitHub.

use std::fmt::Write as _;

use super::{Block, Cell, Document, Inline, Table};

impl Document {
    /// The text as Markdown.
    pub(in crate::study::report) fn markdown(&self) -> String {
        let mut text = format!("# {}\n", plain(&self.title));
        for block in &self.blocks {
            text.push('\n');
            add(&mut text, block);
        }
        text
    }
}

fn add(text: &mut String, block: &Block) {
    // Writing to a string cannot fail.
    let _ = match block {
        Block::Heading(level, words) => {
            writeln!(text, "{} {}", "#".repeat(*level), inlines(words))
        }
        Block::Paragraph(words) => writeln!(text, "{}", begin(&inlines(words))),
        Block::List(entries) => {
            for words in entries {
                let _ = writeln!(text, "- {}", begin(&inlines(words)));
            }
            Ok(())
        }
        Block::Table(table) => {
            add_table(text, table);
            Ok(())
        }
        Block::Picture { file, words } => {
            writeln!(text, "![{}]({})", plain(words), target(file))
        }
        Block::Code(lines) => {
            let fence = "`".repeat(longest_run(lines, '`').max(2) + 1);
            writeln!(text, "{fence}\n{}\n{fence}", lines.trim_end())
        }
        Block::Markdown(own) => writeln!(text, "{}", lowered(own).trim_end()),
    };
}

fn add_table(text: &mut String, table: &Table) {
    let heads: Vec<_> = table.head.iter().map(|words| in_cell(words)).collect();
    let rules: Vec<_> = (0..table.head.len())
        .map(|column| {
            if table.is_numeric(column) {
                "---:"
            } else {
                "---"
            }
        })
        .collect();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "| {} |\n| {} |", heads.join(" | "), rules.join(" | "));
    for row in &table.rows {
        let cells: Vec<_> = row.iter().map(cell).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

fn cell(cell: &Cell) -> String {
    let words = in_cell(&cell.words);
    if cell.is_strong && !words.is_empty() {
        return format!("**{words}**");
    }
    words
}

fn in_cell(words: &str) -> String {
    plain(words).replace('|', "\\|")
}

fn inlines(words: &[Inline]) -> String {
    let text = words.iter().map(|inline| match inline {
        Inline::Text(words) => plain(words),
        Inline::Strong(words) => format!("**{}**", plain(words)),
        Inline::Emphasis(words) => format!("*{}*", plain(words)),
        Inline::Code(words) => code(words),
        Inline::Link { words, target: to } => format!("[{}]({})", plain(words), target(to)),
    });
    text.collect()
}

/// Words that mean themselves: on one line, what Markdown or HTML would read otherwise escaped.
fn plain(words: &str) -> String {
    let letters: Vec<char> = words.chars().collect();
    let mut text = String::with_capacity(words.len());
    for (i, &letter) in letters.iter().enumerate() {
        let beside = |at: Option<usize>| at.and_then(|at| letters.get(at));
        let is_inside_word = [i.checked_sub(1), Some(i + 1)]
            .into_iter()
            .all(|at| beside(at).is_some_and(|letter| letter.is_alphanumeric()));
        match letter {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\n' | '\r' | '\t' => text.push(' '),
            '_' if is_inside_word => text.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' => text.extend(['\\', letter]),
            letter if letter.is_control() => text.push('\u{fffd}'),
            letter => text.push(letter),
        }
    }
    text
}

/// The same where a line begins, so that it is no heading, list, rule or quotation.
fn begin(text: &str) -> String {
    let n_digits = text.chars().take_while(char::is_ascii_digit).count();
    if 0 < n_digits && text[n_digits..].starts_with(['.', ')']) {
        return format!("{}\\{}", &text[..n_digits], &text[n_digits..]);
    }
    if text.starts_with(['#', '-', '+', '=']) {
        return format!("\\{text}");
    }
    text.to_owned()
}

/// Words between backticks, more of them than stand inside.
fn code(words: &str) -> String {
    let words = words.replace(['\n', '\r'], " ");
    let fence = "`".repeat(longest_run(&words, '`') + 1);
    let space = if words.starts_with('`') || words.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{space}{words}{space}{fence}")
}

fn longest_run(text: &str, letter: char) -> usize {
    text.split(|other| other != letter)
        .map(|run| run.chars().count())
        .max()
        .unwrap_or(0)
}

/// A path or address that Markdown reads as one: what ends it is written by its bytes.
fn target(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for letter in path.chars() {
        match letter {
            ' ' | '(' | ')' | '<' | '>' | '\\' | '"' | '|' | '`' => {
                let _ = write!(text, "%{:02X}", letter as u32);
            }
            letter if letter.is_control() => {}
            letter => text.push(letter),
        }
    }
    text
}

/// The user's Markdown with its headings two levels lower, so that they stand below ours.
fn lowered(own: &str) -> String {
    let mut text = String::with_capacity(own.len());
    let mut is_code = false;
    for line in own.lines() {
        is_code ^= line.trim_start().starts_with("```");
        if !is_code && line.starts_with('#') {
            text.push_str("##");
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_themselves() {
        assert_eq!(plain("pinn_nll_gs2 _x_ *"), r"pinn_nll_gs2 \_x\_ \*");
        assert_eq!(plain("<b>&\n[a](b)"), r"&lt;b&gt;&amp; \[a\](b)");
        assert_eq!(in_cell("a|b"), r"a\|b");
        assert_eq!(begin("# no heading"), r"\# no heading");
        assert_eq!(begin("12. no list"), r"12\. no list");
        assert_eq!(begin("1.5 times"), r"1\.5 times");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(target("a b/(c).png"), "a%20b/%28c%29.png");
    }

    #[test]
    fn headings_of_notes_stand_below_ours() {
        assert_eq!(
            lowered("# a\n```\n# code\n```\n## b"),
            "### a\n```\n# code\n```\n#### b\n"
        );
    }
}
