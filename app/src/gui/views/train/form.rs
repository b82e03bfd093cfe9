//! Reconstruct with a bundle: which one, of which data, how, and what came of it.

use egui::{Button, Grid, Label, RichText, ScrollArea, Ui};
use ptycho_core::paint::ticks::value_text;

use super::super::super::command::{Action, Command};
use super::super::super::document::Document;
use super::super::super::files::Purpose;
use super::super::super::queue::{Lane, Queue};
use super::super::super::theme;
use super::super::super::training::Training;
use super::super::super::widgets::field_table::{Aids, FieldTable};
use super::super::side::{PathRow, pressed, reset_button};
use super::bundle::verdict;
use crate::words::{sentence, with_separators};

const LABEL_WIDTH: f32 = 17.0 * theme::GRID;
const SUGGESTED: &str = "Take what is suggested";

/// Draw the form.
pub(super) fn form(
    ui: &mut Ui,
    document: &mut Document,
    (queue, table): (&Queue, FieldTable),
    commands: &mut Vec<Command>,
) {
    ui.strong("Reconstruct with a bundle");
    // Above the settings, so that it is in sight in a low window too.
    buttons(ui, document, queue, commands);
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            bundle_row(ui, &mut document.training, commands);
            data_row(ui, document, commands);
            output_row(ui, document, commands);
            let settings = &mut document.training.inference.draft.settings;
            let mut aids = Aids {
                widths: [LABEL_WIDTH, 26.0 * theme::GRID, 0.0],
                ..Aids::NONE
            };
            table.rows(ui, "infer", settings, &mut aids);
        });
}

/// The field of a path, with room beside it for what can be done with that.
fn row<'a>(label: &'a str, what: &'a str, hint: &'a str, tip: &'a str) -> PathRow<'a> {
    PathRow {
        label,
        what,
        hint,
        tip,
        label_width_pt: LABEL_WIDTH,
        beside_pt: 44.0 * theme::GRID,
    }
}

fn bundle_row(ui: &mut Ui, training: &mut Training, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        let inference = &mut training.inference;
        let before = inference.bundle();
        let tip = "The JSON of a bundle, or a run folder: its best bundle is taken";
        let row = row("Bundle", "bundle", "run folder, or best.json", tip);
        let response = row.ui(ui, &mut inference.draft.bundle);
        if response.is_changed {
            inference.test_set = None;
        }
        if response.is_browse_asked {
            commands.push(Command::ChooseForTraining(Purpose::BundleFile));
        }
        let Some(path) = before else { return };
        let state = training.bundles.get(&path);
        if state.is_none() {
            if ui
                .button("Check")
                .on_hover_text("Read hash, names and shapes")
                .clicked()
            {
                commands.push(Command::ReadBundle(path));
            }
        } else {
            verdict(ui, state);
        }
    });
}

fn data_row(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let Document { training, scan, .. } = document;
    let found = training.inference.data(scan, &training.runs);
    let inference = &mut training.inference;
    ui.horizontal_wrapped(|ui| {
        let mut text = inference.draft.data.clone().unwrap_or_else(|| {
            found.map_or_else(String::new, |path| path.display().to_string())
        });
        let tip = "NPZ of the same geometry: by default the test set beside the training set, else the open scan";
        let response = row("Data", "data", "data.npz", tip).ui(ui, &mut text);
        if response.is_changed {
            inference.draft.data = Some(text);
        }
        if response.is_browse_asked {
            commands.push(Command::ChooseForTraining(Purpose::InferData));
        }
        if reset_button(ui, "Data", SUGGESTED, inference.draft.data.is_some()) {
            inference.draft.data = None;
        }
        let path = scan.path().map(|path| path.display().to_string());
        if let Some(path) = path.filter(|path| inference.draft.data.as_ref() != Some(path))
            && ui.button("Open scan").on_hover_text(format!("Take {path}")).clicked()
        {
            inference.draft.data = Some(path);
        }
    });
}

fn output_row(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let Document { training, scan, .. } = document;
    let found = training.inference.output(scan, &training.runs);
    let inference = &mut training.inference;
    ui.horizontal_wrapped(|ui| {
        let mut text = inference.draft.output.clone().unwrap_or_else(|| {
            found
                .as_ref()
                .map_or_else(String::new, |path| path.display().to_string())
        });
        let tip = "NPZ with reconstructed_object, coverage, probe and positions";
        let response = row("Result", "result", "result.npz", tip).ui(ui, &mut text);
        if response.is_changed {
            inference.draft.output = Some(text);
        }
        if response.is_browse_asked {
            commands.push(Command::ChooseForTraining(Purpose::InferOutput));
        }
        if reset_button(ui, "Result", SUGGESTED, inference.draft.output.is_some()) {
            inference.draft.output = None;
        }
        if found.is_some_and(|path| path.is_file()) {
            ui.colored_label(theme::palette(ui).warn, "⚠ will be replaced");
        }
    });
}

fn buttons(ui: &mut Ui, document: &Document, queue: &Queue, commands: &mut Vec<Command>) {
    let training = &document.training;
    let how = (
        training.runs.as_path(),
        document.n_threads,
        training.draft.device,
    );
    let problem = training.inference.task(&document.scan, how).err();
    let busy = queue
        .is_busy(Lane::Compute)
        .then(|| queue.busy_words().to_owned());
    let why = problem.or(busy);
    ui.horizontal_wrapped(|ui| {
        let button = Button::new(RichText::new("▶ Reconstruct").strong());
        let tip = "Run the data through the network and stitch the patches";
        if pressed(ui, button, tip, why.as_deref()) {
            commands.push(Command::Infer);
        }
        if let Some(why) = why {
            ui.add(Label::new(RichText::new(why).color(theme::palette(ui).weak)).wrap());
        }
    });
    if let Some(words) = &training.inference.failed {
        let words = RichText::new(format!("✖ {words}")).color(theme::palette(ui).bad);
        ui.add(Label::new(words).wrap().selectable(true));
    }
}

/// What came of it.
pub(super) fn numbers(ui: &mut Ui, training: &Training, commands: &mut Vec<Command>) {
    ui.strong("Numbers");
    let inference = &training.inference;
    let (Some(shown), Some(task)) = (&inference.done, &inference.task) else {
        ui.weak("They follow the reconstruction.");
        return;
    };
    let outcome = &shown.outcome;
    let inferred = &outcome.inferred;
    let n_all = inferred.object.len().max(1);
    let unseen_percent = 100.0 * inferred.n_unseen as f64 / n_all as f64;
    let correlation = inferred.amplitude_correlation;
    let rows = [
        (
            "groups",
            with_separators(inferred.n_groups),
            "Groups that went through the network",
        ),
        (
            "rate",
            format!(
                "{} groups/s on {}",
                value_text(inferred.groups_per_s),
                outcome.device
            ),
            "Reading and stitching included",
        ),
        (
            "unseen",
            format!(
                "{} of {} px, {unseen_percent:.1} %",
                with_separators(inferred.n_unseen),
                with_separators(n_all)
            ),
            "Pixels that no patch saw; 0 in the file",
        ),
        (
            "factor",
            value_text(inferred.factor),
            "What the amplitude was multiplied by",
        ),
        (
            "spread",
            value_text(inferred.amplitude_spread),
            "Standard deviation of the amplitude over the pixels seen",
        ),
        (
            "correlation",
            correlation.map_or_else(|| "—".to_owned(), value_text),
            "Of predicted and measured amplitudes",
        ),
        (
            "result",
            task.output.display().to_string(),
            "NPZ as written",
        ),
    ];
    ScrollArea::both()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            Grid::new("inference numbers")
                .num_columns(2)
                .spacing([theme::GAP, theme::GRID])
                .show(ui, |ui| {
                    for (name, value, tip) in rows {
                        let name = RichText::new(name).color(theme::palette(ui).weak);
                        ui.label(name).on_hover_text(tip);
                        ui.add(
                            Label::new(RichText::new(value).monospace())
                                .extend()
                                .selectable(true),
                        );
                        ui.end_row();
                    }
                });
            for note in &outcome.notes {
                ui.horizontal_wrapped(|ui| {
                    ui.colored_label(theme::palette(ui).warn, "⚠");
                    ui.label(sentence(note));
                });
            }
            ui.horizontal(|ui| {
                if ui.button("Copy as command").clicked() {
                    commands.push(Command::Do(Action::CopyAsCommand));
                }
                if let Some(folder) = task.output.parent()
                    && ui.button("Open folder").clicked()
                {
                    commands.push(Command::OpenFolder(folder.to_path_buf()));
                }
            });
        });
}
