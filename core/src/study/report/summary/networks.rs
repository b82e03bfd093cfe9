//! Networks with their losses, and the guard rail.

use super::super::document::{Block, Cell, Document, Inline, Table, Tone};
use crate::study::plan::dose_word;

use super::super::guard::{Guard, TOLERANCE};
use super::super::metrics::number_words;
use super::super::trainings::{NetworkRecord, TrainingFlag, TrainingManifest};

pub(super) fn add(text: &mut Document, trainings: &TrainingManifest, guard: &Guard) {
    if trainings.arms.is_empty() && trainings.not_done.is_empty() {
        return;
    }
    text.heading(2, "Trainings");
    let mut table = Table::new(&[
        "Dose",
        "View",
        "Network",
        "First loss",
        "Final loss",
        "Validation",
        "Epochs",
        "Best epoch",
        "Parameters",
        "Seed",
        "Remark",
    ]);
    table.rows.extend(trainings.arms.iter().map(row));
    text.table(table);
    text.say(
        "Losses are means over the groups of an epoch, of the loss that the network was trained with: numbers of different \
         losses cannot be compared with each other.",
    );
    add_guard(text, guard);
}

fn row(network: &NetworkRecord) -> Vec<Cell> {
    let losses = &network.losses;
    let loss =
        |loss: Option<f64>| loss.map_or_else(Cell::none, |loss| Cell::number(number_words(loss)));
    let count = |n: Option<usize>| n.map_or_else(Cell::none, |n| Cell::number(n.to_string()));
    let remarks: Vec<&str> = network
        .flags
        .iter()
        .map(|flag| match flag {
            TrainingFlag::EndedAboveFirstLoss => "ended above its first loss",
            TrainingFlag::NoFiniteLoss => "no finite loss",
            TrainingFlag::Flat => "flat",
        })
        .collect();
    let tone = if remarks.is_empty() {
        Tone::Plain
    } else {
        Tone::Note
    };
    vec![
        Cell::words(losses.photons.map_or_else(String::new, dose_word)),
        Cell::words(losses.view.clone().unwrap_or_default()),
        Cell::words(&network.arm),
        loss(losses.loss_first),
        loss(losses.loss_last),
        loss(losses.validation_last),
        count(network.epochs),
        count(network.best_epoch),
        count(network.n_parameters),
        Cell::number(network.seed.to_string()),
        Cell::words(remarks.join(", ")).toned(tone),
    ]
}

fn add_guard(text: &mut Document, guard: &Guard) {
    text.heading(3, "Loss guard rail");
    let checked = match guard {
        Guard::None => {
            let words = |words: &str| Inline::Text(words.to_owned());
            text.blocks.push(Block::Paragraph(vec![
                words("No run of this study has been made the reference yet ("),
                Inline::Code("ptychobench study reference".to_owned()),
                words(")."),
            ]));
            return;
        }
        Guard::Unknown(cause) => {
            text.say(format!("It could not be checked: {cause}."));
            return;
        }
        Guard::Checked(checked) => checked,
    };
    let verdict = if 0 < checked.failures().count() {
        "fails"
    } else {
        "passes"
    };
    text.say(format!(
        "It {verdict}: a final loss may be worse than that of the reference by {} % of its size.",
        100.0 * TOLERANCE
    ));
    let mut table = Table::new(&["Network", "Reference", "Limit", "Found", "Verdict"]);
    let number =
        |loss: Option<f64>| loss.map_or_else(Cell::none, |loss| Cell::number(number_words(loss)));
    for verdict in &checked.check.verdicts {
        let word = if verdict.passes {
            Cell::words("passes").toned(Tone::Good)
        } else if checked.pending.contains(&verdict.arm) {
            Cell::words("not done yet").toned(Tone::Note)
        } else {
            let why = verdict.why.as_deref().unwrap_or_default();
            Cell::words(format!("fails: {why}")).toned(Tone::Bad)
        };
        table.rows.push(vec![
            Cell::words(&verdict.arm),
            number(verdict.reference),
            number(verdict.limit),
            number(verdict.candidate),
            word,
        ]);
    }
    text.table(table);
}
