//! HTML in one file: pictures inside, no script, nothing from elsewhere; it is well-formed XML too.

use std::fmt::Write as _;
use std::path::Path;

use super::{Block, Cell, Document, Inline, Table, Tone, notes};
use crate::figure::svg::{base64, escaped};

const STYLE: &str = include_str!("style.css");

impl Document {
    /// The text as HTML; pictures are read from `folder`, and one that cannot be read is told in its place.
    pub(in crate::study::report) fn html(&self, folder: &Path) -> String {
        let title = escaped(&self.title);
        let mut text = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"/>\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        );
        for block in &self.blocks {
            add(&mut text, block, folder);
        }
        text.push_str("</main>\n</body>\n</html>\n");
        text
    }
}

fn add(text: &mut String, block: &Block, folder: &Path) {
    // Writing to a string cannot fail.
    let _ = match block {
        Block::Heading(level, words) => writeln!(text, "<h{level}>{}</h{level}>", inlines(words)),
        Block::Paragraph(words) => writeln!(text, "<p>{}</p>", inlines(words)),
        Block::List(entries) => {
            text.push_str("<ul>\n");
            for words in entries {
                let _ = writeln!(text, "<li>{}</li>", inlines(words));
            }
            writeln!(text, "</ul>")
        }
        Block::Table(table) => {
            add_table(text, table);
            Ok(())
        }
        Block::Picture { file, words } => {
            let words = escaped(words);
            match std::fs::read(folder.join(file)) {
                Ok(bytes) => writeln!(
                    text,
                    "<figure>\n<img alt=\"{words}\" src=\"data:image/png;base64,{}\"/>\n<figcaption>{words}</figcaption>\n</figure>",
                    base64(&bytes)
                ),
                Err(error) => writeln!(
                    text,
                    "<p class=\"bad\">{words}: cannot read {}: {}</p>",
                    escaped(file),
                    escaped(&error.to_string())
                ),
            }
        }
        Block::Code(lines) => {
            writeln!(
                text,
                "<pre><code>{}</code></pre>",
                escaped(lines.trim_end())
            )
        }
        Block::Markdown(own) => {
            for block in notes::blocks(own) {
                add(text, &block, folder);
            }
            Ok(())
        }
    };
}

fn add_table(text: &mut String, table: &Table) {
    text.push_str("<div class=\"table\"><table>\n<thead><tr>");
    let class = |column| {
        if table.is_numeric(column) {
            " class=\"number\""
        } else {
            ""
        }
    };
    // Writing to a string cannot fail.
    for (column, words) in table.head.iter().enumerate() {
        let _ = write!(text, "<th{}>{}</th>", class(column), escaped(words));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        text.push_str("<tr>");
        for cell in row {
            add_cell(text, cell);
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody>\n</table></div>\n");
}

fn add_cell(text: &mut String, cell: &Cell) {
    let tone = match cell.tone {
        Tone::Plain => "",
        Tone::Good => "good",
        Tone::Note => "note",
        Tone::Bad => "bad",
    };
    let number = if cell.is_number { "number" } else { "" };
    let classes = [number, tone].join(" ");
    let class = match classes.trim() {
        "" => String::new(),
        classes => format!(" class=\"{classes}\""),
    };
    let words = escaped(&cell.words);
    // Writing to a string cannot fail.
    let _ = if cell.is_strong {
        write!(text, "<td{class}><strong>{words}</strong></td>")
    } else {
        write!(text, "<td{class}>{words}</td>")
    };
}

fn inlines(words: &[Inline]) -> String {
    let text = words.iter().map(|inline| match inline {
        Inline::Text(words) => escaped(words),
        Inline::Strong(words) => format!("<strong>{}</strong>", escaped(words)),
        Inline::Emphasis(words) => format!("<em>{}</em>", escaped(words)),
        Inline::Code(words) => format!("<code>{}</code>", escaped(words)),
        Inline::Link { words, target } => {
            format!("<a href=\"{}\">{}</a>", escaped(target), escaped(words))
        }
    });
    text.collect()
}
