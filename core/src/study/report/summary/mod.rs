//! `summary.md` and `summary.html`: what was studied, what came of it, how to do it again.

mod computing;
mod matrix;
mod networks;
mod pictures;
mod studied;

use crate::study::plan::dose_word;
use std::fmt::Write as _;

use crate::study::execute::TaskState;

use super::document::{Block, Cell, Document, Inline, Table, Tone};
use super::findings::{Facts, Finding, deviations};
use super::gather::Gathered;
use super::likeness::Likeness;
use super::metrics::{self, Part, Row};

/// Correlations over fewer pixels than a square of 32 px holds say little.
const FEW_PIXELS: usize = 32 * 32;

/// The whole summary.
pub(super) fn document(
    facts: &Facts<'_>,
    findings: &[Finding],
    (rows, notes): (&[Row], &str),
) -> Document {
    let gathered = facts.gathered;
    let study = &gathered.plan.study;
    let mut text = Document {
        title: format!("Study {}", study.name),
        ..Document::default()
    };
    for paragraph in study.notes.split("\n\n") {
        text.say(paragraph.trim());
    }
    text.say(standing(gathered));
    add_findings(&mut text, findings);
    matrix::add(&mut text, gathered);
    pictures::add_figure(&mut text, gathered);
    add_likeness(&mut text, facts.likeness, gathered.patterned());
    add_metrics(&mut text, rows, gathered.patterned());
    networks::add(&mut text, facts.trainings, facts.guard);
    pictures::add_comparisons(&mut text, gathered);
    add_skips(&mut text, facts);
    let deviations = deviations(gathered);
    if !deviations.is_empty() {
        text.heading(2, "What the tasks noted");
        text.list(deviations);
    }
    if !notes.trim().is_empty() {
        text.heading(2, "Notes");
        text.blocks.push(Block::Markdown(notes.to_owned()));
    }
    studied::add(&mut text, gathered);
    computing::add(&mut text, gathered);
    text
}

/// How much is done, in one paragraph.
fn standing(gathered: &Gathered<'_>) -> String {
    let count = |is: fn(&TaskState) -> bool| {
        let tasks = gathered.tasks.iter();
        tasks.filter(|seen| is(&seen.state)).count()
    };
    let n_done = count(|state| *state == TaskState::Done);
    let n_failed = count(|state| matches!(state, TaskState::Failed(_)));
    let n_skipped = count(|state| matches!(state, TaskState::Skipped(_)));
    let mut words = format!("{n_done} of {} tasks are done", gathered.tasks.len());
    if 0 < n_failed {
        // Writing to a string cannot fail.
        let _ = write!(words, ", {n_failed} failed");
    }
    if 0 < n_skipped {
        let _ = write!(words, ", {n_skipped} cannot be done");
    }
    words.push('.');
    words
}

fn add_findings(text: &mut Document, findings: &[Finding]) {
    text.heading(2, "Findings");
    if findings.is_empty() {
        text.say("Everything that is done is as it should be.");
        return;
    }
    let entries = findings.iter().map(|finding| {
        let mark = match finding.tone {
            Tone::Bad => "✖ ",
            Tone::Note => "⚠ ",
            Tone::Good => "✔ ",
            Tone::Plain => "",
        };
        let words = finding.words.trim_end_matches('.');
        vec![Inline::Text(format!("{mark}{words}."))]
    });
    text.blocks.push(Block::List(entries.collect()));
}

fn add_likeness(text: &mut Document, likeness: &[Likeness], parts: &[Part]) {
    if likeness.is_empty() {
        return;
    }
    text.heading(2, "Likeness to the truth");
    text.say("Pearson's correlation with the truth over the compared region, of what carries the object's pattern.");
    let mut table = Table::new(&["Dose", "View", "Split", "Arm"]);
    table
        .head
        .extend(parts.iter().map(|part| part.title().to_owned()));
    table.head.extend(["Pixels", "Remark"].map(str::to_owned));
    for found in likeness {
        let place = [
            found.dose.map(dose_word),
            found.view.clone(),
            found.split.clone(),
            Some(found.arm.clone()),
        ];
        let place = place.map(|words| Cell::words(words.unwrap_or_default()));
        let number = |part: &Part| {
            let number = match part {
                Part::Phase => found.phase,
                _ => found.amplitude,
            };
            number.map_or_else(Cell::none, |number| {
                Cell::number(metrics::number_words(number))
            })
        };
        let pixels = found
            .n_pixels
            .map_or_else(Cell::none, |n| Cell::number(n.to_string()));
        let is_few = found.n_pixels.is_some_and(|n| n < FEW_PIXELS);
        let remark = match found.is_flat {
            Some(true) => Cell::words("flat").toned(Tone::Note),
            _ if is_few => Cell::words("few pixels").toned(Tone::Note),
            _ => Cell::default(),
        };
        let cells = place.into_iter().chain(parts.iter().map(number));
        table.rows.push(cells.chain([pixels, remark]).collect());
    }
    text.table(table);
}

fn add_metrics(text: &mut Document, rows: &[Row], patterned: &[Part]) {
    text.heading(2, "Metrics");
    if rows.is_empty() {
        text.say("No comparison is done yet.");
        return;
    }
    let is_phase = patterned.contains(&Part::Phase);
    let of_phase = if is_phase {
        ""
    } else {
        " The phase of this object is zero: its numbers tell how flat the reconstructed phase is."
    };
    text.say(format!(
        "An arrow says which way a number is better; the best of each comparison is set in bold. {}{of_phase}",
        metrics::BEYOND_NYQUIST
    ));
    let files = [
        "metrics_summary.md",
        "metrics_summary.csv",
        "metrics_summary.json",
    ];
    let mut words = vec![Inline::Text("All numbers and what they mean: ".to_owned())];
    for (i, file) in files.into_iter().enumerate() {
        if i != 0 {
            words.push(Inline::Text(", ".to_owned()));
        }
        words.push(Inline::Link {
            words: file.to_owned(),
            target: file.to_owned(),
        });
    }
    words.push(Inline::Text(".".to_owned()));
    text.blocks.push(Block::Paragraph(words));
    for (title, table) in metrics::value_tables(rows) {
        text.heading(3, title);
        text.table(table);
    }
    for (title, table) in metrics::mean_tables(rows) {
        text.heading(3, &format!("{title}: means over doses and views"));
        text.table(table);
    }
    for (title, table) in metrics::mean_difference_tables(rows) {
        text.heading(3, &format!("{title}: mean differences"));
        text.table(table);
    }
}

fn add_skips(text: &mut Document, facts: &Facts<'_>) {
    let skipped = &facts.skips.skipped_views;
    if skipped.is_empty() {
        return;
    }
    text.heading(2, "Views left out");
    let mut table = Table::new(&["Dose", "View", "Reason"]);
    for view in skipped {
        let dose = view.dose.map_or_else(String::new, dose_word);
        table.rows.push(
            [dose, view.view.clone(), view.reason.clone()]
                .map(Cell::words)
                .into(),
        );
    }
    text.table(table);
}
