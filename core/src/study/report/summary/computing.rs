//! Versions, devices, threads and times; how to do it again.

use super::super::STUDY_FILE;
use super::super::document::{Block, Cell, Document, Inline, Table};
use super::super::gather::Gathered;

pub(super) fn add(text: &mut Document, gathered: &Gathered<'_>) {
    let plan = gathered.plan;
    text.heading(2, "Computing");
    let mut table = Table::new(&[
        "Task",
        "Seconds",
        "Threads",
        "Device",
        "Why this device",
        "Begun",
        "Version",
    ]);
    let mut seconds = 0.0;
    for seen in &gathered.tasks {
        let Some(record) = seen.done() else { continue };
        seconds += record.seconds;
        let [device, why] = &record.device;
        table.rows.push(vec![
            Cell::words(&record.id),
            Cell::number(format!("{:.1}", record.seconds)),
            Cell::number(record.n_threads.to_string()),
            Cell::words(device),
            Cell::words(why),
            Cell::words(&record.started),
            Cell::words(&record.version),
        ]);
    }
    text.table(table);
    text.say(format!(
        "{seconds:.0} seconds in all. This summary was written by ptychobench {}.",
        env!("CARGO_PKG_VERSION")
    ));
    text.heading(2, "How to repeat it");
    let link = |words: &str| Inline::Link {
        words: words.to_owned(),
        target: words.to_owned(),
    };
    let plain = |words: &str| Inline::Text(words.to_owned());
    text.blocks.push(Block::Paragraph(vec![
        link(STUDY_FILE),
        plain(
            ", beside this file, is the whole study with every setting and seed. In this folder:",
        ),
    ]));
    let commands = ["plan", "run", "report"]
        .map(|command| format!("ptychobench study {command} {STUDY_FILE} --runs again"));
    text.blocks.push(Block::Code(commands.join("\n")));
    text.say(
        "On the CPU the same version gives the same bytes on the same kind of processor, whatever the number of threads: \
         metrics_summary.csv and metrics_summary.json are then the same files.",
    );
    text.blocks.push(Block::Paragraph(vec![
        plain("SHA-256 of what the study comes to: "),
        Inline::Code(plan.study_sha256.clone()),
        plain("."),
    ]));
}
