//! The right side: how it stands, what is compared, where, and how; the files that it gives.

use egui::{Button, DragValue, Label, RichText, ScrollArea, Ui};
use ptycho_core::metrics::region::Region;
use ptycho_core::metrics::settings::CompareSettings;

use super::super::super::chrome::action_button;
use super::super::super::command::{Action, Command};
use super::super::super::comparison::Comparing;
use super::super::super::document::Document;
use super::super::super::files::Purpose;
use super::super::super::preferences::Preferences;
use super::super::super::queue::{COMPARISON, Lane, Queue};
use super::super::super::theme;
use super::super::super::widgets::field_table::Aids;
use super::super::side::{heading, large_button, pressed, problem, title_row};
use super::picks;

/// Draw the side.
pub(super) fn side(
    ui: &mut Ui,
    document: &mut Document,
    (queue, preferences): (&Queue, &mut Preferences),
    commands: &mut Vec<Command>,
) {
    ui.add_space(4.0);
    title_row(ui, "Comparison", document, commands);
    buttons(ui, document, queue, commands);
    state(ui, document, queue);
    exported(ui, &document.comparing, commands);
    ui.separator();
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            let Document {
                comparing, scan, ..
            } = document;
            picks::truth(ui, comparing, scan, commands);
            picks::reconstructions(ui, document, commands);
            region(ui, &mut document.comparing);
            settings(ui, &mut document.comparing.draft.settings, preferences);
            ui.add_space(theme::GAP);
        });
}

fn buttons(ui: &mut Ui, document: &Document, queue: &Queue, commands: &mut Vec<Command>) {
    let comparing = &document.comparing;
    ui.horizontal_wrapped(|ui| {
        let is_exporting = queue
            .row(Lane::Files)
            .is_some_and(|row| row.scan == COMPARISON);
        let why_not = match &comparing.shown {
            None => Some("There is nothing to export yet."),
            Some(_) if !comparing.is_current(&document.scan) => {
                Some("The comparison is out of date: wait for it, or mend what is wrong.")
            }
            Some(_) if is_exporting => Some("The files are being written."),
            Some(_) => None,
        };
        let export = large_button(RichText::new("Export…").strong(), 72.0);
        let tip = "Write plot (PNG, SVG), metrics (CSV, JSON with definitions), ring correlations (CSV) and aligned arrays (NPZ) into a folder";
        if pressed(ui, export, tip, why_not) {
            commands.push(Command::ChooseForComparison(Purpose::CompareFolder));
        }
        action_button(ui, Action::CopyAsCommand, true, commands);
        let request = comparing.request(&document.scan);
        let why_not = request.is_none().then_some("There is nothing to read yet.");
        let tip = "Read the files again: they may hold something else now (F5)";
        if pressed(ui, Button::new("↻ Read again"), tip, why_not) {
            commands.push(Command::Do(Action::Run));
        }
    });
}

/// What is missing or wrong, or how long it took.
fn state(ui: &mut Ui, document: &Document, queue: &Queue) {
    let comparing = &document.comparing;
    let palette = theme::palette(ui);
    if let Some(words) = comparing.blocking(&document.scan) {
        let words = RichText::new(format!("⚠ {words}")).color(palette.warn);
        ui.add(Label::new(words).wrap());
    } else if queue.is_busy(Lane::Compare) {
        ui.label(RichText::new("⌛ comparing…").color(palette.weak));
    } else if let Some(words) = &comparing.problem {
        problem(ui, words);
    } else if let Some(shown) = &comparing.shown {
        let n = shown.comparison.arms.len();
        let noun = if n == 1 {
            "reconstruction"
        } else {
            "reconstructions"
        };
        let words = format!("✔ {n} {noun} compared in {:.0} ms", 1e3 * shown.seconds);
        ui.label(RichText::new(words).color(palette.ok));
        let most_px = shown.comparison.settings.most_shift;
        let arms = shown.comparison.arms.iter();
        let far: Vec<_> = arms
            .filter(|arm| arm.prepared.steps.is_far)
            .map(|arm| arm.name.as_str())
            .collect();
        if !far.is_empty() {
            let words = format!(
                "⚠ {} moved further than {most_px} px: see Preparation",
                far.join(", ")
            );
            ui.add(Label::new(RichText::new(words).color(palette.warn)).wrap());
        }
    }
}

fn exported(ui: &mut Ui, comparing: &Comparing, commands: &mut Vec<Command>) {
    match &comparing.exported {
        None => {}
        Some(Err(words)) => problem(ui, words),
        Some(Ok(folder)) => {
            ui.horizontal_wrapped(|ui| {
                ui.colored_label(theme::palette(ui).ok, "✔ exported");
                let words = folder.file_name().unwrap_or_default().to_string_lossy();
                let open = ui.button(format!("Open {words}"));
                if open.on_hover_text(folder.display().to_string()).clicked() {
                    commands.push(Command::OpenFolder(folder.clone()));
                }
            });
        }
    }
}

/// Which part is compared, as numbers.
fn region(ui: &mut Ui, comparing: &mut Comparing) {
    heading(ui, "Compared region");
    let found = comparing.shown.as_ref().map(|shown| {
        let area = &shown.comparison.area;
        (area.rows.clone(), area.columns.clone(), shown.frame())
    });
    let region = &mut comparing.draft.region;
    ui.horizontal_wrapped(|ui| {
        let is_auto = *region == Region::Auto;
        let tip = "The bounding box of the scan's positions, without pixels that got too little light\n\nFlag: --region";
        if ui
            .selectable_label(is_auto, "Auto")
            .on_hover_text(tip)
            .accessible_name("Automatic region")
            .clicked()
        {
            *region = Region::Auto;
        }
        let tip = "Rows and columns as given; draw them with the tool Region, or type them";
        let by_hand = ui
            .selectable_label(!is_auto, "By hand")
            .on_hover_text(tip)
            .accessible_name("Region by hand");
        if let (true, true, Some((rows, columns, _))) = (by_hand.clicked(), is_auto, &found) {
            *region = Region::Rectangle {
                rows: rows.clone(),
                columns: columns.clone(),
            };
        }
    });
    let Some((rows, columns, frame)) = found else {
        return;
    };
    match region {
        Region::Auto => {
            let words = format!(
                "rows {}:{}, columns {}:{} of {} × {}",
                rows.start, rows.end, columns.start, columns.end, frame.0, frame.1
            );
            ui.label(RichText::new(words).color(theme::palette(ui).weak))
                .on_hover_text("First of each included, last excluded");
        }
        Region::Rectangle { rows, columns } => {
            span(ui, "rows", rows, frame.0);
            span(ui, "columns", columns, frame.1);
        }
    }
}

fn span(ui: &mut Ui, name: &str, range: &mut std::ops::Range<usize>, n: usize) {
    ui.horizontal(|ui| {
        ui.label(name);
        let first = DragValue::new(&mut range.start).range(0..=n.saturating_sub(1));
        ui.add(first)
            .on_hover_text("The first")
            .accessible_name(format!("First of the {name}"));
        ui.label("to");
        let end = DragValue::new(&mut range.end).range(range.start + 1..=n);
        ui.add(end)
            .on_hover_text("One beyond the last")
            .accessible_name(format!("End of the {name}"));
        ui.label(RichText::new(format!("of {n}")).color(theme::palette(ui).weak));
    });
}

fn settings(ui: &mut Ui, settings: &mut CompareSettings, preferences: &mut Preferences) {
    heading(ui, "Settings");
    let table = &mut preferences.parameters;
    let n_hidden = Aids::NONE.n_hidden_changes(settings);
    let can_reset = *settings != CompareSettings::default();
    if table.switch(ui, n_hidden, can_reset) {
        *settings = CompareSettings::default();
    }
    let mut aids = Aids::NONE;
    table.rows(ui, "compare", settings, &mut aids);
}
