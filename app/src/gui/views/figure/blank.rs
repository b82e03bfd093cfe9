//! What to do, where no figure can be drawn yet.

use egui::{Label, RichText, ScrollArea, Ui};

use super::super::super::command::Command;
use super::super::super::document::Document;
use super::super::super::figure::Problem;
use super::super::super::files::Purpose;
use super::super::super::queue::{Lane, Queue};
use super::super::super::study::Ask;
use super::super::super::theme;
use super::super::super::views::View;
use super::super::side::large_button;

/// Draw what to do next.
pub(super) fn blank(ui: &mut Ui, document: &Document, queue: &Queue, commands: &mut Vec<Command>) {
    let studying = &document.studying;
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            ui.vertical_centered(|ui| {
                ui.add_space(0.12 * ui.available_height());
                ui.set_max_width(150.0 * theme::GRID);
                ui.heading("The figure of a study");
                ui.add_space(theme::GAP);
                match (&document.figuring.problem, studying.problem()) {
                    _ if studying.draft.is_none() => start(ui, commands),
                    _ if queue.is_busy(Lane::Figure) || queue.is_busy(Lane::Study) => {
                        ui.label("⌛ Reading and drawing…");
                    }
                    (Some(problem), _) => wrong(ui, problem, commands),
                    (None, Some(problem)) => {
                        wrong(ui, &Problem::Words(problem.words.clone()), commands);
                    }
                    (None, None) => {
                        ui.label("⌛ Looking what the study comes to…");
                    }
                }
            });
        });
}

fn start(ui: &mut Ui, commands: &mut Vec<Command>) {
    for words in [
        "Doses in rows; diffraction and reconstructions in columns; convergence and ring correlations beside them.",
        "It is drawn from what a study has made: open a study file, or the plan.json in the run folder of a study.",
        "Every option changes the picture at once; PNG, SVG and PDF show the very same.",
    ] {
        ui.add(Label::new(words).wrap());
        ui.add_space(theme::GRID);
    }
    ui.add_space(2.0 * theme::GAP);
    let button = large_button(RichText::new("🗁 Open a study…").strong(), 200.0);
    if ui.add(button).clicked() {
        commands.push(Command::Study(Ask::Choose(Purpose::StudyFile)));
    }
}

fn wrong(ui: &mut Ui, problem: &Problem, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    match problem {
        Problem::Words(words) => {
            let words = RichText::new(format!("✖ {words}")).color(palette.bad);
            ui.add(Label::new(words).wrap().selectable(true));
        }
        Problem::Missing(missing) => {
            missing_inputs(ui, missing);
            ui.add_space(theme::GAP);
            ui.label("Run the study to make them, or choose other rows and columns on the right.");
            let button = large_button(RichText::new("☰ Go to the study").strong(), 200.0);
            if ui.add(button).clicked() {
                commands.push(Command::Show(View::Study));
            }
        }
    }
}

/// One line for each input that is missing.
pub(super) fn missing_inputs(ui: &mut Ui, missing: &[String]) {
    let palette = theme::palette(ui);
    let noun = if missing.len() == 1 {
        "input is"
    } else {
        "inputs are"
    };
    let words = format!("⚠ {} {noun} missing:", missing.len());
    ui.label(RichText::new(words).color(palette.warn));
    for words in missing {
        ui.add(
            Label::new(RichText::new(words).monospace())
                .wrap()
                .selectable(true),
        );
    }
}
