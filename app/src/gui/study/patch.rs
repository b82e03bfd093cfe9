//! The text of a study changed line by line, so that a change by the form leaves the user's comments and order alone.

use ptycho_core::study::design::Study;
use toml::{Table, Value};

/// The text with those lines changed that spell `after` in place of `before`; none where lines alone do not do.
pub(super) fn patched(text: &str, before: &Study, after: &Study) -> Option<String> {
    let (old, new) = (Table::try_from(before).ok()?, Table::try_from(after).ok()?);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    replace_changes(&mut lines, "", (&old, &new))?;
    let mut text = lines.join("\n");
    text.push('\n');
    // Whatever the lines look like, the text is taken only if it says what is meant.
    spells(&text, after).then_some(text)
}

/// Whether a text says what this study says, be it right or wrong.
pub(super) fn spells(text: &str, study: &Study) -> bool {
    let read = Study::parse(text).ok();
    let read = read.or_else(|| toml::from_str(text).ok());
    read.is_some_and(|read: Study| read.text() == study.text())
}

fn replace_changes(
    lines: &mut Vec<String>,
    section: &str,
    (old, new): (&Table, &Table),
) -> Option<()> {
    for (key, value) in new {
        if old.get(key) == Some(value) {
            continue;
        }
        match (old.get(key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => {
                let section = joined(section, key);
                replace_changes(lines, &section, (old, new))?;
            }
            (_, Value::Table(_)) => return None,
            (_, Value::Array(rows)) if holds_tables(rows) || is_of_tables(old.get(key)) => {
                let before = old.get(key).and_then(Value::as_array);
                let before = before.map_or(&[][..], Vec::as_slice);
                replace_blocks(lines, &joined(section, key), (before, rows))?;
            }
            _ => replace_value(lines, section, (key, value))?,
        }
    }
    // A key that is gone, as `base`.
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        let at = find(lines, section, key)?;
        lines.remove(at);
    }
    Some(())
}

fn joined(section: &str, key: &str) -> String {
    if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    }
}

fn holds_tables(rows: &[Value]) -> bool {
    rows.iter().any(Value::is_table)
}

fn is_of_tables(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::Array(rows)) if holds_tables(rows))
}

/// The section that a line opens: its name, and whether it is a row of a list.
fn header(line: &str) -> Option<(&str, bool)> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("[[") {
        return Some((rest.split("]]").next()?.trim(), true));
    }
    let rest = line.strip_prefix('[')?;
    Some((rest.split(']').next()?.trim(), false))
}

/// The number of the line that gives this key of this section.
fn find(lines: &[String], section: &str, key: &str) -> Option<usize> {
    let mut is_here = section.is_empty();
    for (i, line) in lines.iter().enumerate() {
        if let Some((name, is_row)) = header(line) {
            is_here = !is_row && name == section;
        } else if is_here && key_of(line) == Some(key) {
            return Some(i);
        }
    }
    None
}

fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim().trim_matches('"');
    (!key.is_empty() && !key.starts_with('#')).then_some(key)
}

fn replace_value(
    lines: &mut Vec<String>,
    section: &str,
    (key, value): (&str, &Value),
) -> Option<()> {
    let Some(at) = find(lines, section, key) else {
        insert(lines, section, format!("{key} = {}", spelled(value)));
        return Some(());
    };
    let (before, after) = lines[at].split_once('=')?;
    let n_value = value_length(after)?;
    let comment = after[n_value..].trim();
    let space = if comment.is_empty() { "" } else { "  " };
    lines[at] = format!("{} = {}{space}{comment}", before.trim_end(), spelled(value));
    Some(())
}

/// How far the value after an equals sign reaches; none where it goes on in the next line.
fn value_length(text: &str) -> Option<usize> {
    let (mut quote, mut depth) = (None, 0_i32);
    if text.trim_start().starts_with("\"\"\"") || text.trim_start().starts_with("'''") {
        return None;
    }
    let mut is_escaped = false;
    let mut length = text.len();
    for (i, letter) in text.char_indices() {
        match (quote, letter) {
            _ if is_escaped => is_escaped = false,
            (Some('"'), '\\') => is_escaped = true,
            (Some(open), letter) if open == letter => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, '#') => {
                length = i;
                break;
            }
            _ => {}
        }
    }
    (quote.is_none() && depth == 0).then_some(length)
}

/// A line at the end of a section; the section is made where there is none.
fn insert(lines: &mut Vec<String>, section: &str, line: String) {
    let is_start = |line: &String| header(line) == Some((section, false));
    let start = if section.is_empty() {
        0
    } else if let Some(at) = lines.iter().position(is_start) {
        at + 1
    } else {
        return lines.extend([String::new(), format!("[{section}]"), line]);
    };
    let end = lines[start..]
        .iter()
        .position(|line| header(line).is_some())
        .map_or(lines.len(), |n| start + n);
    let last = lines[start..end]
        .iter()
        .rposition(|line| key_of(line).is_some())
        .map_or(start, |n| start + n + 1);
    lines.insert(last, line);
}

/// The rows of a list of tables: those that have changed are written anew, with the comments within them gone.
fn replace_blocks(
    lines: &mut Vec<String>,
    name: &str,
    (before, rows): (&[Value], &[Value]),
) -> Option<()> {
    let is_start = |line: &String| header(line) == Some((name, true));
    let starts: Vec<usize> = (0..lines.len()).filter(|i| is_start(&lines[*i])).collect();
    let mut blocks = Vec::new();
    for row in rows {
        blocks.push(block_of(name, row.as_table()?));
    }
    if starts.len() == before.len() && !rows.is_empty() {
        let end = match starts.last() {
            Some(start) => block_end(lines, *start),
            None => lines.len(),
        };
        let mut added = blocks.split_off(before.len().min(rows.len()));
        if !added.is_empty() && 0 < end && !lines[end - 1].trim().is_empty() {
            added.insert(0, vec![String::new()]);
        }
        lines.splice(end..end, added.into_iter().flatten());
        // From the last one, so that the others stay where they are.
        for (i, start) in starts.into_iter().enumerate().rev() {
            if rows.get(i) != before.get(i) {
                let end = block_end(lines, start);
                lines.splice(start..end, blocks.get(i).cloned().unwrap_or_default());
            }
        }
    } else {
        while let Some(start) = lines.iter().position(is_start) {
            let end = block_end(lines, start);
            lines.drain(start..end);
        }
        let at = starts.first().copied().unwrap_or(lines.len());
        lines.splice(at..at, blocks.into_iter().flatten());
    }
    // An empty list stands as `views = []` before every section.
    if let Some(at) = find(lines, "", name) {
        lines.remove(at);
    }
    if rows.is_empty() {
        insert(lines, "", format!("{name} = []"));
    }
    Some(())
}

/// The lines of a row: its own values, then its tables, as `[engines.settings]`.
fn block_of(name: &str, row: &Table) -> Vec<String> {
    let mut block = vec![format!("[[{name}]]")];
    let values = row.iter().filter(|(_, value)| !value.is_table());
    block.extend(values.map(|(key, value)| format!("{key} = {}", spelled(value))));
    for (key, value) in row {
        if let Value::Table(own) = value {
            block.push(format!("[{name}.{key}]"));
            block.extend(
                own.iter()
                    .map(|(key, value)| format!("{key} = {}", spelled(value))),
            );
        }
    }
    block.push(String::new());
    block
}

/// Where a block ends: at the next section that is no table of its row, without the comment that stands right above it.
fn block_end(lines: &[String], start: usize) -> usize {
    let of_row = |name: &str| {
        let (row, _) = header(&lines[start]).unwrap_or_default();
        name.strip_prefix(row)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    let is_next =
        |line: &String| header(line).is_some_and(|(name, is_row)| is_row || !of_row(name));
    let next = lines[start + 1..]
        .iter()
        .position(is_next)
        .map_or(lines.len(), |n| start + 1 + n);
    let mut end = next;
    while start + 1 < end && lines[end - 1].trim_start().starts_with('#') {
        end -= 1;
    }
    end
}

/// A value as short as can be: `1e9` for a billion photons.
fn spelled(value: &Value) -> String {
    match value {
        Value::Float(number) => float(*number),
        Value::Array(values) => {
            let words: Vec<_> = values.iter().map(spelled).collect();
            format!("[{}]", words.join(", "))
        }
        other => other.to_string(),
    }
}

fn float(number: f64) -> String {
    if !number.is_finite() {
        return Value::Float(number).to_string();
    }
    let (plain, scientific) = (format!("{number:?}"), format!("{number:e}"));
    if scientific.len() < plain.len() {
        scientific
    } else {
        plain
    }
}

/// The line, counted from 1, of a field given by its path, as `training.epochs`; of its section where it has none.
pub(super) fn line_of_key(text: &str, path: &str) -> Option<usize> {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    let plain = |name: &str| name.split('[').next().unwrap_or_default().to_owned();
    let (section, key) = (plain(section), plain(key));
    find(&lines, &section, &key)
        .or_else(|| {
            let names = [section.as_str(), key.as_str()];
            lines.iter().position(|line| {
                header(line).is_some_and(|(name, _)| !name.is_empty() && names.contains(&name))
            })
        })
        .map(|at| at + 1)
}
