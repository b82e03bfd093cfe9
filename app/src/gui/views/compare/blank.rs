//! What to do, where nothing is compared yet.

use egui::{Label, RichText, ScrollArea, Ui};

use super::super::super::command::Command;
use super::super::super::comparison::Truth;
use super::super::super::document::Document;
use super::super::super::files::Purpose;
use super::super::super::queue::{Lane, Queue};
use super::super::super::theme;
use super::super::side::large_button;

/// Draw what to do next.
pub(super) fn blank(ui: &mut Ui, document: &Document, queue: &Queue, commands: &mut Vec<Command>) {
    let comparing = &document.comparing;
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            ui.vertical_centered(|ui| {
                ui.add_space(0.12 * ui.available_height());
                ui.set_max_width(150.0 * theme::GRID);
                ui.heading("Compare reconstructions");
                ui.add_space(theme::GAP);
                if queue.is_busy(Lane::Compare) {
                    ui.label("⌛ Reading and comparing…");
                    return;
                }
                if let Some(words) = &comparing.problem {
                    let words = RichText::new(format!("✖ {words}")).color(theme::palette(ui).bad);
                    ui.add(Label::new(words).wrap().selectable(true));
                    return;
                }
                steps(ui, document);
                ui.add_space(2.0 * theme::GAP);
                button(ui, document, commands);
            });
        });
}

fn steps(ui: &mut Ui, document: &Document) {
    let comparing = &document.comparing;
    let weak = theme::palette(ui).weak;
    let truth = match (comparing.draft.truth, comparing.truth_note(&document.scan)) {
        (Truth::Scan, None) => {
            "The truth is the objectGuess of the open scan; another file, or none, can be chosen on the right."
        }
        (Truth::Scan, Some(note)) => note,
        (Truth::File, _) => "The truth is the objectGuess of the file on the right.",
        (Truth::None, _) => {
            "There is no truth: one of the reconstructions serves as the reference."
        }
    };
    for words in [
        "See where and why reconstructions of one scan differ: from the truth, and from each other.",
        truth,
        "Add up to six reconstructions: NPZ files with reconstructed_object, as Reconstruct, a trained network or the command line write them. They can also be dropped on this window.",
    ] {
        ui.add(Label::new(words).wrap());
        ui.add_space(theme::GRID);
    }
    if let Some(words) = comparing
        .blocking(&document.scan)
        .filter(|_| !comparing.draft.picks.is_empty())
    {
        ui.label(RichText::new(format!("⚠ {words}")).color(theme::palette(ui).warn));
    } else if comparing.results_of(&document.scan).is_empty() {
        let words = "What Reconstruct and Train make of the open scan is listed on the right as soon as it is there.";
        ui.add(Label::new(RichText::new(words).color(weak)).wrap());
    }
}

/// One button: the results of this session where there are any, else a file.
fn button(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let n = document.comparing.results_of(&document.scan).len();
    let is_new = document.comparing.draft.picks.is_empty();
    if 0 < n && is_new {
        let noun = if n == 1 { "result" } else { "results" };
        let words = format!("▶ Compare the {n} {noun} of this session");
        if ui
            .add(large_button(RichText::new(words).strong(), 200.0))
            .clicked()
        {
            commands.push(Command::CompareSession);
        }
    } else if ui
        .add(large_button(
            RichText::new("➕ Add a reconstruction…").strong(),
            200.0,
        ))
        .clicked()
    {
        commands.push(Command::ChooseForComparison(Purpose::CompareResult));
    }
}
