//! The notes of the run: the user's own words, which go into the summary.

use egui::{Button, Label, RichText, ScrollArea, TextEdit, Ui};

use super::super::super::command::Command;
use super::super::super::study::{Ask, Studying};
use super::super::super::theme;
use super::super::side::{pressed, problem};

/// Draw the page.
pub(super) fn notes(ui: &mut Ui, studying: &mut Studying, commands: &mut Vec<Command>) {
    let findings = studying.findings.clone();
    let notes = &mut studying.notes;
    ui.horizontal_wrapped(|ui| {
        let why_not = match (&notes.file, notes.is_changed()) {
            (None, _) => Some("The notes are being read"),
            (Some(_), false) => Some("They are in the file as they stand"),
            (Some(_), true) => None,
        };
        let tip = "Write notes.md in the run folder; the summary takes it in";
        if pressed(ui, Button::new("Save notes"), tip, why_not) {
            commands.push(Command::Study(Ask::SaveNotes));
        }
        let words = if notes.is_changed() {
            "• not saved"
        } else {
            ""
        };
        ui.label(RichText::new(words).color(theme::palette(ui).warn));
    });
    if let Some(file) = &notes.file {
        let words = RichText::new(file.display().to_string())
            .small()
            .color(theme::palette(ui).weak);
        ui.add(Label::new(words).wrap());
    }
    if let Some(words) = &notes.problem {
        problem(ui, words);
    }
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for words in findings {
                ui.add(
                    Label::new(RichText::new(format!("⚠ {words}")).color(theme::palette(ui).warn))
                        .wrap()
                        .selectable(true),
                );
            }
            let edit = TextEdit::multiline(&mut notes.text)
                .desired_width(f32::INFINITY)
                .desired_rows(18)
                .hint_text("What this run is for, what you saw, what comes next. Markdown.");
            ui.add(edit).accessible_name("Notes of the run");
        });
}
