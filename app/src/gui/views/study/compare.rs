//! Another study beside this one: settings that differ key by key, and how both came out.

use egui::{Grid, Label, RichText, ScrollArea, Ui};
use ptycho_core::metrics::definitions::definition;
use ptycho_core::paint::ticks::value_text;

use super::super::super::command::Command;
use super::super::super::files::{Purpose, parse_path};
use super::super::super::study::other::{Numbers, differences, numbers_of};
use super::super::super::study::{Ask, Studying};
use super::super::super::theme;
use super::super::side::{PathRow, heading, problem};

/// Draw the page.
pub(super) fn compare(ui: &mut Ui, studying: &mut Studying, commands: &mut Vec<Command>) {
    let row = PathRow {
        label: "Beside",
        what: "other study",
        hint: "study file or run folder",
        tip: "A study file (.toml), a run folder, or its plan.json",
        label_width_pt: 12.0 * theme::GRID,
        beside_pt: 16.0 * theme::GRID,
    };
    let response = ui
        .horizontal(|ui| row.ui(ui, &mut studying.other_path))
        .inner;
    if response.is_browse_asked {
        commands.push(Command::Study(Ask::Choose(Purpose::OtherStudy)));
    }
    let is_typed = !studying.other_path.trim().is_empty();
    // In a row of its own: beside the field it would widen the panel with every frame.
    if ui
        .add_enabled(is_typed, egui::Button::new("Compare studies"))
        .clicked()
    {
        let path = parse_path(&studying.other_path);
        commands.push(Command::Study(Ask::CompareWith(path)));
    }
    let Some(other) = &studying.other else {
        let words = "Choose another study, or an earlier run of this one: every setting that differs is listed, and where both were run, the numbers stand side by side.";
        ui.add(Label::new(RichText::new(words).color(theme::palette(ui).weak)).wrap());
        return;
    };
    let (study, numbers) = match &other.read {
        Ok(read) => read,
        Err(words) => return problem(ui, words),
    };
    let names = [
        studying.name().unwrap_or_default().to_owned(),
        study.name.clone(),
    ];
    ScrollArea::both()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            if let Some(draft) = &studying.draft {
                settings(ui, &names, differences(&draft.study, study));
            }
            let own = studying
                .shown()
                .map(|(planned, tasks)| numbers_of(&planned.plan, tasks));
            side_by_side(ui, &names, (&own.unwrap_or_default(), numbers));
        });
}

fn heads(ui: &mut Ui, words: [&str; 3]) {
    for words in words {
        ui.label(RichText::new(words).small().color(theme::palette(ui).weak));
    }
    ui.end_row();
}

fn settings(
    ui: &mut Ui,
    names: &[String; 2],
    found: Vec<super::super::super::study::other::Difference>,
) {
    heading(ui, "Settings that differ");
    if found.is_empty() {
        ui.label("✔ None: both studies ask for the same.");
        return;
    }
    Grid::new("study differences")
        .num_columns(3)
        .striped(true)
        .max_col_width(60.0 * theme::GRID)
        .spacing([2.0 * theme::GAP, theme::GRID])
        .show(ui, |ui| {
            heads(ui, ["setting", &names[0], &format!("{} (other)", names[1])]);
            for difference in found {
                ui.add(Label::new(RichText::new(difference.key).monospace()).selectable(true));
                for words in [difference.here, difference.there] {
                    ui.add(Label::new(words).wrap().selectable(true));
                }
                ui.end_row();
            }
        });
}

/// Losses and the metrics that a reader asks for first; all of them stand in the reports.
const FIRST: [&str; 6] = ["loss_last", "mae", "psnr", "ssim", "pearson", "frc50"];

fn is_first(name: &str) -> bool {
    let key = name.split('.').nth(1).unwrap_or(name);
    FIRST.contains(&key)
}

fn side_by_side(ui: &mut Ui, names: &[String; 2], (here, there): (&Numbers, &Numbers)) {
    heading(ui, "Numbers");
    let rows: Vec<_> = here
        .iter()
        .filter(|((_, name), _)| is_first(name))
        .filter_map(|(key, value)| Some((key, *value, *there.get(key)?)))
        .collect();
    if rows.is_empty() {
        ui.weak("Nothing was done in both studies yet: losses and metrics of tasks of the same name stand here.");
        return;
    }
    Grid::new("study numbers")
        .num_columns(5)
        .striped(true)
        .spacing([2.0 * theme::GAP, theme::GRID])
        .show(ui, |ui| {
            for words in [
                "task",
                "number",
                &names[0],
                &format!("{} (other)", names[1]),
                "difference",
            ] {
                ui.label(RichText::new(words).small().color(theme::palette(ui).weak));
            }
            ui.end_row();
            for ((task, name), here, there) in rows {
                ui.label(RichText::new(task).monospace());
                ui.label(number_words(name));
                ui.monospace(value_text(here));
                ui.monospace(value_text(there));
                ui.monospace(value_text(here - there))
                    .on_hover_text("The first less the second");
                ui.end_row();
            }
        });
}

/// `lsqml.ssim.phase` as `lsqml: SSIM, phase`.
fn number_words(name: &str) -> String {
    match name.split('.').collect::<Vec<_>>().as_slice() {
        [arm, key, part] => {
            let label = definition(key).map_or(*key, |definition| definition.label);
            format!("{arm}: {label}, {part}")
        }
        _ => name.replace('_', " "),
    }
}
