//! A text in blocks, written as Markdown and as HTML, so that both say the same.
//!
//! Words in blocks are plain: whatever letters they hold, they come out as those letters in either form.

mod html;
mod markdown;
mod notes;

/// Words of a paragraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Inline {
    Text(String),
    Strong(String),
    Emphasis(String),
    Code(String),
    Link { words: String, target: String },
}

/// What a cell means, by colour beside its words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Plain,
    Good,
    Note,
    Bad,
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) words: String,
    pub(super) is_strong: bool,
    pub(super) is_number: bool,
    pub(super) tone: Tone,
}

impl Cell {
    pub(super) fn words(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            ..Self::default()
        }
    }

    /// Right-aligned.
    pub(super) fn number(words: impl Into<String>) -> Self {
        Self {
            is_number: true,
            ..Self::words(words)
        }
    }

    /// Nothing to tell.
    pub(super) fn none() -> Self {
        Self::number("–")
    }

    pub(super) fn strong_if(mut self, is_strong: bool) -> Self {
        self.is_strong = is_strong;
        self
    }

    pub(super) fn toned(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

/// A table; every row has as many cells as there are heads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new(head: &[&str]) -> Self {
        Self {
            head: head.iter().map(|&words| words.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Whether a column holds numbers.
    fn is_numeric(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.all(|cell| cell.is_number)
    }
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Level from 2, the title being the first, and words.
    Heading(usize, Vec<Inline>),
    Paragraph(Vec<Inline>),
    List(Vec<Vec<Inline>>),
    Table(Table),
    /// A PNG by its path from the text's folder, and what it shows.
    Picture {
        file: String,
        words: String,
    },
    /// Lines as typed.
    Code(String),
    /// The user's own Markdown.
    Markdown(String),
}

/// A text with a title.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) title: String,
    pub(super) blocks: Vec<Block>,
}

impl Document {
    pub(super) fn heading(&mut self, level: usize, words: &str) {
        let words = vec![Inline::Text(words.to_owned())];
        self.blocks.push(Block::Heading(level, words));
    }

    /// A paragraph of plain words; none of empty ones.
    pub(super) fn say(&mut self, words: impl Into<String>) {
        let words = words.into();
        if !words.trim().is_empty() {
            self.blocks
                .push(Block::Paragraph(vec![Inline::Text(words)]));
        }
    }

    /// A list of plain words; none without entries.
    pub(super) fn list(&mut self, entries: impl IntoIterator<Item = String>) {
        let entries: Vec<_> = entries
            .into_iter()
            .map(|words| vec![Inline::Text(words)])
            .collect();
        if !entries.is_empty() {
            self.blocks.push(Block::List(entries));
        }
    }

    /// A table; none without rows.
    pub(super) fn table(&mut self, table: Table) {
        if !table.rows.is_empty() {
            self.blocks.push(Block::Table(table));
        }
    }
}
