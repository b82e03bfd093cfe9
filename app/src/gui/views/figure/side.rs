//! The right side: what is drawn, how, and where it goes.

use egui::{Button, CollapsingHeader, Label, RichText, ScrollArea, Ui};
use ptycho_core::study::panels::{FigureDesign, FigureStyle};
use ptycho_core::study::plan::Plan;

use super::super::super::chrome::action_button;
use super::super::super::command::{Action, Command};
use super::super::super::document::Document;
use super::super::super::figure::{Drawn, Figuring, Page, Problem};
use super::super::super::files::Purpose;
use super::super::super::preferences::Preferences;
use super::super::super::queue::{FIGURE, Lane, Queue};
use super::super::super::study::Ask;
use super::super::super::theme;
use super::super::super::widgets::field_table::Aids;
use super::super::side::{heading, large_button, pressed, problem, title_row};
use super::{blank, picks};

/// Draw the side.
pub(super) fn side(
    ui: &mut Ui,
    document: &mut Document,
    (queue, preferences): (&Queue, &mut Preferences),
    commands: &mut Vec<Command>,
) {
    ui.add_space(4.0);
    title_row(ui, "Figure", document, commands);
    buttons(ui, document, queue, commands);
    state(ui, &document.figuring, queue);
    exported(ui, &document.figuring, commands);
    ui.separator();
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            study(ui, document, commands);
            let Document {
                figuring, studying, ..
            } = document;
            let mut kept = None;
            if let Some(plan) = studying.plan() {
                picks::picks(ui, figuring, plan);
                kept = look(ui, (figuring, plan), preferences);
            }
            if let Some(design) = kept {
                figuring.own = None;
                studying.change(|study| study.figure = design);
            }
            if let Some(drawn) = figuring.drawn.clone() {
                numbers(ui, &drawn);
                provenance(ui, &drawn);
            }
            ui.add_space(theme::GAP);
        });
}

fn buttons(ui: &mut Ui, document: &Document, queue: &Queue, commands: &mut Vec<Command>) {
    let Document {
        figuring, studying, ..
    } = document;
    ui.horizontal_wrapped(|ui| {
        let is_exporting = queue.row(Lane::Files).is_some_and(|row| row.scan == FIGURE);
        let why_not = match &figuring.drawn {
            None => Some("There is no figure yet."),
            Some(_) if is_exporting => Some("The files are being written."),
            Some(_) if !figuring.is_current(studying) => {
                Some("The figure is out of date: wait for it, or mend what is wrong.")
            }
            Some(_) => None,
        };
        for (words, purpose, tip) in [
            (
                "PNG…",
                Purpose::FigurePng,
                "Write what is shown as pixels, as many an inch as the options say",
            ),
            (
                "SVG…",
                Purpose::FigureSvg,
                "Write what is shown as shapes and text that can be edited",
            ),
            (
                "PDF…",
                Purpose::FigurePdf,
                "Write what is shown as a page with text as text, the fonts embedded",
            ),
        ] {
            let button = large_button(RichText::new(words).strong(), 56.0);
            if pressed(ui, button, tip, why_not) {
                commands.push(Command::ChooseForFigure(purpose));
            }
        }
        let tip = "Write convergence and ring correlations into a folder, each as PNG, SVG and PDF";
        if pressed(ui, Button::new("Companions…"), tip, why_not) {
            commands.push(Command::ChooseForFigure(Purpose::FigureCompanions));
        }
        let has_study = studying.draft.is_some();
        action_button(ui, Action::CopyAsCommand, has_study, commands);
        let why_not = figuring
            .request(studying)
            .is_none()
            .then_some("There is nothing to read yet.");
        let tip = "Read study and inputs again: they may hold something else now (F5)";
        if pressed(ui, Button::new("↻ Read again"), tip, why_not) {
            commands.push(Command::Do(Action::Run));
        }
    });
}

/// What is missing or wrong, or how long it took.
fn state(ui: &mut Ui, figuring: &Figuring, queue: &Queue) {
    let palette = theme::palette(ui);
    if queue.is_busy(Lane::Figure) {
        ui.label(RichText::new("⌛ drawing…").color(palette.weak));
        return;
    }
    match (&figuring.problem, &figuring.drawn) {
        // Without a figure the problem stands in its place.
        (Some(Problem::Words(words)), Some(_)) => problem(ui, words),
        (Some(Problem::Missing(missing)), Some(_)) => blank::missing_inputs(ui, missing),
        (None, Some(drawn)) => {
            let words = format!("✔ drawn in {:.0} ms", 1e3 * drawn.seconds);
            ui.label(RichText::new(words).color(palette.ok));
            for note in &drawn.figures.notes {
                let words = RichText::new(format!("⚠ {note}")).color(palette.warn);
                ui.add(Label::new(words).wrap().selectable(true));
            }
        }
        _ => {}
    }
}

fn exported(ui: &mut Ui, figuring: &Figuring, commands: &mut Vec<Command>) {
    match &figuring.exported {
        None => {}
        Some(Err(words)) => problem(ui, words),
        Some(Ok(path)) => {
            ui.horizontal_wrapped(|ui| {
                ui.colored_label(theme::palette(ui).ok, "✔ written");
                let folder = if path.is_dir() {
                    Some(path.as_path())
                } else {
                    path.parent()
                };
                let words = path.file_name().unwrap_or_default().to_string_lossy();
                ui.add(Label::new(&*words).truncate())
                    .on_hover_text(path.display().to_string());
                if let Some(folder) = folder
                    && ui.button("Open folder").clicked()
                {
                    commands.push(Command::OpenFolder(folder.to_path_buf()));
                }
            });
        }
    }
}

fn study(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let studying = &document.studying;
    ui.horizontal_wrapped(|ui| {
        ui.strong("Study");
        ui.label(studying.name().unwrap_or("none is open"));
        let tip = "Open a study file, or the plan.json in the run folder of a study";
        if ui.button("🗁 Open…").on_hover_text(tip).clicked() {
            commands.push(Command::Study(Ask::Choose(Purpose::StudyFile)));
        }
    });
    if let Some(folder) = studying.run_folder() {
        let words = format!("runs in {}", folder.display());
        let words = RichText::new(words).color(theme::palette(ui).weak);
        ui.add(Label::new(words).truncate())
            .on_hover_text(folder.display().to_string());
    }
}

/// Draw the options; the answer is what the study is to say from now on.
fn look(
    ui: &mut Ui,
    (figuring, plan): (&mut Figuring, &Plan),
    preferences: &mut Preferences,
) -> Option<FigureDesign> {
    heading(ui, "Look");
    let mut design = figuring.design(plan);
    let before = design.clone();
    let table = &mut preferences.parameters;
    let n_hidden = Aids::NONE.n_hidden_changes(&design.style);
    let can_reset = design.style != FigureStyle::default();
    if table.switch(ui, n_hidden, can_reset) {
        design.style = FigureStyle::default();
    }
    let mut is_kept = false;
    ui.horizontal_wrapped(|ui| {
        let tip = "Rows, columns and look as the study's own [figure] says";
        let why_not = (design == plan.study.figure).then_some("They are.");
        if pressed(ui, Button::new("As the study says"), tip, why_not) {
            design = plan.study.figure.clone();
        }
        let tip = "Write rows, columns and look into [figure] of the study; it is saved in the Study view";
        is_kept = pressed(ui, Button::new("Keep in the study"), tip, why_not);
    });
    let mut aids = Aids::NONE;
    table.rows(ui, "figure", &mut design.style, &mut aids);
    if is_kept {
        return Some(design);
    }
    if design != before {
        figuring.set_design(plan, design);
    }
    None
}

/// How well each reconstruction agrees with the truth.
fn numbers(ui: &mut Ui, drawn: &Drawn) {
    let rows: Vec<_> = drawn
        .material
        .numbers()
        .into_iter()
        .filter(|row| row.metric == "pearson")
        .collect();
    if rows.is_empty() || drawn.request.page != Page::Panels {
        return;
    }
    heading(ui, "Correlation with the truth");
    let cell = |number: Option<f64>| number.map_or_else(|| "–".to_owned(), |n| format!("{n:.4}"));
    egui::Grid::new("figure numbers")
        .num_columns(4)
        .striped(true)
        .show(ui, |ui| {
            for words in ["photons", "arm", "amplitude", "phase"] {
                ui.label(RichText::new(words).color(theme::palette(ui).weak));
            }
            ui.end_row();
            for row in rows {
                ui.label(format!("{:e}", row.dose));
                ui.label(&row.arm);
                ui.label(cell(row.amplitude));
                ui.label(cell(row.phase));
                ui.end_row();
            }
        });
}

/// What is written into every file.
fn provenance(ui: &mut Ui, drawn: &Drawn) {
    let Some(figure) = drawn.page() else { return };
    ui.add_space(theme::GAP);
    CollapsingHeader::new("Written into every file").show(ui, |ui| {
        for (key, words) in &figure.metadata {
            ui.add(
                Label::new(RichText::new(format!("{key}: {words}")).small())
                    .wrap()
                    .selectable(true),
            );
        }
    });
}
