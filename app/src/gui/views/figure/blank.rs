//! What to do, where no figure can be drawn yet.

use egui::{Label, RichText, ScrollArea, Ui};

use super::super::super::command::Command;
use super::super::super::figure::{Figuring, Problem};
use super::super::super::files::Purpose;
use super::super::super::queue::{Lane, Queue};
use super::super::super::theme;
use super::super::super::views::View;
use super::super::side::large_button;

/// Draw what to do next.
pub(super) fn blank(ui: &mut Ui, figuring: &Figuring, queue: &Queue, commands: &mut Vec<Command>) {
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            ui.vertical_centered(|ui| {
                ui.add_space(0.12 * ui.available_height());
                ui.set_max_width(150.0 * theme::GRID);
                ui.heading("The figure of a study");
                ui.add_space(theme::GAP);
                match &figuring.problem {
                    _ if queue.is_busy(Lane::Figure) => {
                        ui.label("⌛ Reading and drawing…");
                    }
                    None => start(ui, commands),
                    Some(problem) => wrong(ui, problem, commands),
                }
            });
        });
}

fn start(ui: &mut Ui, commands: &mut Vec<Command>) {
    for words in [
        "Doses in rows; diffraction and reconstructions in columns; convergence and ring correlations beside them.",
        "It is drawn from what a study has made: open a study file, or the run folder of a study, on the right.",
        "Every option changes the picture at once; PNG, SVG and PDF show the very same.",
    ] {
        ui.add(Label::new(words).wrap());
        ui.add_space(theme::GRID);
    }
    ui.add_space(2.0 * theme::GAP);
    let button = large_button(RichText::new("🗁 Open a study…").strong(), 200.0);
    if ui.add(button).clicked() {
        commands.push(Command::ChooseForFigure(Purpose::FigureStudy));
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
            let button = large_button(RichText::new("▦ Go to the study").strong(), 200.0);
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
