//! What a study is, and how to begin one, where none is open.

use egui::{Button, Label, RichText, ScrollArea, Ui};
use ptycho_core::study::design::Template;

use super::super::super::command::Command;
use super::super::super::files::Purpose;
use super::super::super::preferences::Preferences;
use super::super::super::study::Ask;
use super::super::super::theme;
use super::super::side::large_button;

/// Draw what to do next.
pub(super) fn blank(ui: &mut Ui, preferences: &Preferences, commands: &mut Vec<Command>) {
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            let margin = 0.5 * (ui.available_width() - 170.0 * theme::GRID).max(0.0);
            ui.add_space(0.08 * ui.available_height());
            ui.horizontal(|ui| {
                ui.add_space(margin);
                ui.vertical(|ui| {
                    ui.set_max_width(170.0 * theme::GRID);
                    ui.heading("Studies");
                    ui.add_space(theme::GAP);
                    for words in [
                        "A study is one file that decides everything: object, probe, scan, photon doses, overlap views, networks, iterative engines, comparison, figure, and every seed.",
                        "The program works out which tasks it comes to, shows them as a matrix of doses and variants, and does what is not done yet. It can be stopped at any time and goes on where it was left. In the end there are tables, the figure, and a summary that can be published and repeated.",
                    ] {
                        ui.add(Label::new(words).wrap());
                        ui.add_space(theme::GRID);
                    }
                    templates(ui, commands);
                    recent(ui, preferences, commands);
                });
            });
        });
}

fn templates(ui: &mut Ui, commands: &mut Vec<Command>) {
    ui.add_space(theme::GAP);
    ui.strong("New from a template");
    for template in Template::ALL {
        ui.horizontal_wrapped(|ui| {
            let words = RichText::new(template.name).strong();
            if ui.add(large_button(words, 36.0 * theme::GRID)).clicked() {
                commands.push(Command::Study(Ask::New(template.name)));
            }
            ui.add(Label::new(template.doc).wrap());
        });
        ui.add_space(theme::GRID);
    }
}

fn recent(ui: &mut Ui, preferences: &Preferences, commands: &mut Vec<Command>) {
    ui.add_space(theme::GAP);
    ui.strong("Open");
    if ui
        .add(large_button("🗁 Open a study…", 36.0 * theme::GRID))
        .on_hover_text("A study file (.toml), or the plan.json of a run")
        .clicked()
    {
        commands.push(Command::Study(Ask::Choose(Purpose::StudyFile)));
    }
    for path in preferences
        .recent_studies
        .iter()
        .filter(|path| path.is_file())
    {
        let words = path.display().to_string();
        if ui
            .add(Button::new(words).frame(false))
            .on_hover_text("Open this study")
            .clicked()
        {
            commands.push(Command::Study(Ask::Open(path.clone())));
        }
    }
}
