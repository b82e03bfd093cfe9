//! The menus: files, edits, views, runs, help.

use egui::{Align, Button, Layout, RichText, Ui};

use super::command::{Action, Command};
use super::theme::ThemeChoice;
use super::views::View;
use super::workbench::Workbench;

/// Draw the menus, and theme and scale at their end.
pub(super) fn menu_bar(app: &mut Workbench, ui: &mut Ui) {
    egui::MenuBar::new().ui(ui, |ui| {
        ui.menu_button("File", |ui| file_menu(app, ui));
        ui.menu_button("Edit", |ui| {
            items(
                app,
                ui,
                &[Action::CopyImage, Action::CopyValues, Action::CopyAsCommand],
            );
            ui.separator();
            items(app, ui, &[Action::Undo, Action::Redo]);
            ui.separator();
            items(app, ui, &[Action::Preferences]);
        });
        ui.menu_button("View", |ui| view_menu(app, ui));
        ui.menu_button("Run", |ui| {
            items(
                app,
                ui,
                &[
                    Action::Generate,
                    Action::Train,
                    Action::Run,
                    Action::Stop,
                    Action::Continue,
                ],
            );
        });
        ui.menu_button("Help", |ui| {
            items(
                app,
                ui,
                &[
                    Action::Shortcuts,
                    Action::DataContract,
                    Action::FrameTimes,
                    Action::About,
                ],
            );
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let (icon, next, words) = if ui.visuals().dark_mode {
                ("☀", ThemeChoice::Light, "Light theme")
            } else {
                ("🌙", ThemeChoice::Dark, "Dark theme")
            };
            if ui.button(format!("{icon} {words}")).clicked() {
                app.commands.push(Command::Theme(next));
            }
            ui.label(
                RichText::new(format!(
                    "{:.0} %",
                    100.0 * app.preferences.appearance.ui_scale
                ))
                .weak(),
            )
            .on_hover_text("UI scale: View > Larger, Smaller");
        });
    });
}

fn file_menu(app: &mut Workbench, ui: &mut Ui) {
    items(app, ui, &[Action::OpenFile]);
    let recent = app.preferences.recent.clone();
    ui.add_enabled_ui(!recent.is_empty(), |ui| {
        ui.menu_button("Open recent", |ui| {
            for path in recent {
                recent_item(app, ui, path);
            }
        });
    });
    items(app, ui, &[Action::OpenDemonstration]);
    ui.separator();
    items(app, ui, &[Action::RepairFile, Action::SaveScanAs]);
    ui.separator();
    items(
        app,
        ui,
        &[Action::SaveResultAs, Action::SaveLoss, Action::ExportPane],
    );
    ui.separator();
    items(app, ui, &[Action::Quit]);
}

fn recent_item(app: &mut Workbench, ui: &mut Ui, path: std::path::PathBuf) {
    let exists = path.is_file();
    ui.horizontal(|ui| {
        let words = if exists {
            path.display().to_string()
        } else {
            format!("{} (missing)", path.display())
        };
        if ui.add_enabled(exists, Button::new(words)).clicked() {
            app.commands.push(Command::Open(path.clone()));
            ui.close();
        }
        let forget = ui.small_button("✖").on_hover_text("Forget this file");
        if forget.clicked() {
            app.commands.push(Command::ForgetRecent(path));
        }
    });
}

fn view_menu(app: &mut Workbench, ui: &mut Ui) {
    for view in View::ALL {
        if ui.radio(app.view == view, view.label()).clicked() {
            app.commands.push(Command::Show(view));
            ui.close();
        }
    }
    items(app, ui, &[Action::NextView]);
    ui.separator();
    ui.menu_button("Theme", |ui| {
        for theme in ThemeChoice::ALL {
            if ui
                .radio(app.preferences.appearance.theme == theme, theme.label())
                .clicked()
            {
                app.commands.push(Command::Theme(theme));
                ui.close();
            }
        }
    });
    ui.menu_button("UI scale", |ui| {
        items(
            app,
            ui,
            &[Action::LargerUi, Action::SmallerUi, Action::NormalUi],
        );
    });
    ui.separator();
    items(
        app,
        ui,
        &[
            Action::FitPanes,
            Action::AutoContrast,
            Action::ResetLayout,
            Action::ToggleLog,
        ],
    );
}

fn items(app: &mut Workbench, ui: &mut Ui, actions: &[Action]) {
    for action in actions {
        let entry = action.entry();
        let mut button = Button::new(entry.label);
        if let Some(shortcut) = entry.shortcut {
            button = button.shortcut_text(ui.ctx().format_shortcut(&shortcut));
        }
        let response = ui
            .add_enabled(app.is_enabled(*action), button)
            .on_hover_text(entry.tooltip);
        if response.clicked() {
            app.commands.push(Command::Do(*action));
            ui.close();
        }
    }
}
