//! What stands around the views: menus, sidebar, messages, jobs, log, status bar, dialogs.

use egui::{Align, Button, CentralPanel, Context, Layout, Panel, RichText, ScrollArea, Ui};

use super::chooser::Choice;
use super::command::{Action, Command};
use super::diagnosis;
use super::dialogs::{self, Dialog};
use super::document::Message;
use super::log::Record;
use super::menus;
use super::queue::{COMPARISON, GENERATION, INFERENCE, Lane, OVERLAP, Row, STUDY, TRAINING};
use super::theme;
use super::views::View;
use super::widgets::job_row::JobRow;
use super::widgets::notice::NoticeAction;
use super::workbench::Workbench;
use crate::units::bytes_text;

/// Draw the whole window.
pub fn show(app: &mut Workbench, ui: &mut Ui) {
    Panel::top("menu").show(ui, |ui| menus::menu_bar(app, ui));
    Panel::bottom("status").show(ui, |ui| status_bar(app, ui));
    if app.log_pane.is_open {
        Panel::bottom("log")
            .resizable(true)
            .default_size(150.0)
            .min_size(60.0)
            .show(ui, |ui| log_pane(app, ui));
    }
    let rows: Vec<_> = app
        .queue
        .rows()
        .into_iter()
        .filter(|row| is_worth_a_row(row.lane))
        // A view shows its own run, larger.
        .filter(|row| row.lane != Lane::Compute || !is_shown_at_home(app, row))
        .collect();
    if !rows.is_empty() {
        Panel::bottom("jobs").show(ui, |ui| {
            for row in &rows {
                job_row(ui, row, &mut app.commands);
            }
        });
    }
    if !app.document.messages.is_empty() {
        Panel::top("messages").show(ui, |ui| messages(app, ui));
    }
    Panel::left("views")
        .resizable(false)
        .exact_size(132.0)
        .show(ui, |ui| sidebar(app, ui));
    view(app, ui);
    diagnosis::panel::show(ui.ctx(), &app.diagnosis, &app.queue, &mut app.commands);
    show_dialogs(app, ui.ctx());
    drop_overlay(ui.ctx(), app.view);
}

/// The view that is shown.
fn view(app: &mut Workbench, ui: &mut Ui) {
    let enabled = app.permissions();
    match app.view {
        View::Data => {
            let Workbench {
                data,
                document,
                commands,
                queue,
                preferences,
                path_text,
                ..
            } = app;
            data.ui(ui, document, (queue, preferences), (path_text, commands));
        }
        View::Generate => {
            let Workbench {
                generate,
                document,
                commands,
                queue,
                preferences,
                ..
            } = app;
            generate.ui(ui, document, (queue, preferences), commands);
        }
        View::Overlap => {
            let Workbench {
                overlap,
                document,
                commands,
                queue,
                preferences,
                ..
            } = app;
            overlap.ui(ui, document, (queue, preferences), commands);
        }
        View::Train => {
            let Workbench {
                train,
                document,
                commands,
                queue,
                preferences,
                ..
            } = app;
            train.ui(ui, document, (queue, preferences), commands);
        }
        View::Reconstruct => {
            let Workbench {
                reconstruct,
                document,
                commands,
                queue,
                preferences,
                ..
            } = app;
            reconstruct.ui(ui, document, (queue, preferences, enabled), commands);
        }
        View::Compare => {
            let Workbench {
                compare,
                document,
                commands,
                queue,
                preferences,
                ..
            } = app;
            compare.ui(ui, document, (queue, preferences), commands);
        }
        View::Study => {
            let Workbench {
                study,
                document,
                commands,
                queue,
                preferences,
                ..
            } = app;
            study.ui(ui, document, (queue, preferences), commands);
        }
        View::Figure => {
            let Workbench {
                figure,
                document,
                commands,
                queue,
                preferences,
                ..
            } = app;
            figure.ui(ui, document, (queue, preferences), commands);
        }
    }
}

/// Whether a user wants to know of the jobs of a lane; the others prepare what a view shows.
fn is_worth_a_row(lane: Lane) -> bool {
    matches!(lane, Lane::Files | Lane::Background | Lane::Compute)
}

/// Whether the view that is shown shows this run itself; that of studies does so of the study that is open.
fn is_shown_at_home(app: &Workbench, row: &Row) -> bool {
    let is_open = row.scan != STUDY || app.document.studying.own_run().is_some();
    app.view == home(row) && is_open
}

/// The view that a run belongs to.
fn home(row: &Row) -> View {
    match row.scan {
        GENERATION => View::Generate,
        OVERLAP => View::Overlap,
        TRAINING | INFERENCE => View::Train,
        COMPARISON => View::Compare,
        STUDY => View::Study,
        _ => View::Reconstruct,
    }
}

/// A button for an action, with its tooltip and key from the table.
pub fn action_button(ui: &mut Ui, action: Action, is_enabled: bool, commands: &mut Vec<Command>) {
    let entry = action.entry();
    let mut tooltip = entry.tooltip.to_owned();
    if let Some(shortcut) = entry.shortcut {
        tooltip = format!("{tooltip} ({})", ui.ctx().format_shortcut(&shortcut));
    }
    let response = ui.add_enabled(is_enabled, Button::new(entry.label));
    if response
        .on_hover_text(&tooltip)
        .on_disabled_hover_text(tooltip)
        .clicked()
    {
        commands.push(Command::Do(action));
    }
}

fn sidebar(app: &mut Workbench, ui: &mut Ui) {
    ui.add_space(6.0);
    for view in View::ALL {
        let text = RichText::new(format!("{} {}", view.icon(), view.label())).size(15.0);
        let button = Button::selectable(app.view == view, text)
            .min_size(egui::vec2(ui.available_width(), 30.0))
            .wrap_mode(egui::TextWrapMode::Extend);
        if ui.add(button).on_hover_text(view.tooltip()).clicked() {
            app.commands.push(Command::Show(view));
        }
        ui.add_space(2.0);
    }
}

/// Room for one notice with all its fields.
const NOTICES_HEIGHT: f32 = 42.0 * theme::GRID;

fn messages(app: &mut Workbench, ui: &mut Ui) {
    let Workbench {
        document, commands, ..
    } = app;
    // A panel asks for no more than the least height of what scrolls.
    ScrollArea::vertical()
        .min_scrolled_height(NOTICES_HEIGHT)
        .max_height(NOTICES_HEIGHT)
        .show(ui, |ui| {
            for message in document.messages.iter().rev() {
                message_row(ui, message, commands);
            }
        });
}

fn message_row(ui: &mut Ui, message: &Message, commands: &mut Vec<Command>) {
    match message.notice.ui(ui) {
        Some(NoticeAction::Dismiss) => commands.push(Command::Dismiss(message.id)),
        Some(NoticeAction::Fix) => commands.extend(message.fix.map(Command::Do)),
        None => {}
    }
}

fn job_row(ui: &mut Ui, row: &Row, commands: &mut Vec<Command>) {
    let shown = JobRow {
        name: &row.name,
        state: &row.state,
        progress: row.progress,
        elapsed: row.elapsed,
        rate_unit: if matches!(row.scan, TRAINING | INFERENCE) {
            "groups/s"
        } else {
            "patterns/s"
        },
    };
    if shown.ui(ui) {
        commands.push(Command::StopJob(row.id));
    }
}

fn status_bar(app: &mut Workbench, ui: &mut Ui) {
    let device = app.device_text();
    let memory = app.meter.memory_bytes();
    ui.horizontal(|ui| {
        let short = device.split(':').next().unwrap_or_default().to_owned();
        ui.label(short).on_hover_text(device);
        ui.separator();
        ui.label(memory.map_or_else(
            || "memory —".to_owned(),
            |bytes| format!("memory {}", bytes_text(bytes)),
        ))
        .on_hover_text("Resident memory of this program");
        ui.separator();
        let scan = &app.document.scan;
        let words = match &scan.dataset {
            Some(dataset) => format!(
                "{}: {} patterns of {}×{2}",
                scan.name(),
                dataset.n_patterns(),
                dataset.n()
            ),
            None => scan.name(),
        };
        ui.label(words);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let n = app.document.messages.len();
            let noun = if n == 1 { "notice" } else { "notices" };
            ui.label(format!("{n} {noun}"));
            ui.separator();
            let job = app
                .queue
                .row(Lane::Compute)
                .or_else(|| app.queue.row(Lane::Files));
            ui.label(job.map_or_else(|| "idle".to_owned(), |row| row.name));
        });
    });
}

fn log_pane(app: &mut Workbench, ui: &mut Ui) {
    let records = app.log.filtered(app.log_pane.least, &app.log_pane.text);
    ui.horizontal(|ui| {
        ui.strong("Log");
        egui::ComboBox::new("log level", "Level")
            .selected_text(app.log_pane.least.as_str().to_lowercase())
            .show_ui(ui, |ui| {
                use tracing::Level;
                for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG] {
                    ui.selectable_value(
                        &mut app.log_pane.least,
                        level,
                        level.as_str().to_lowercase(),
                    );
                }
            });
        let label = ui.label("Filter");
        ui.add(egui::TextEdit::singleline(&mut app.log_pane.text).desired_width(160.0))
            .labelled_by(label.id);
        if ui.button("Copy log").clicked() {
            let lines: Vec<_> = records.iter().map(Record::line).collect();
            app.commands.push(Command::CopyText(lines.join("\n")));
        }
        if ui.button("Hide log").clicked() {
            app.commands.push(Command::Do(Action::ToggleLog));
        }
    });
    let height = ui.text_style_height(&egui::TextStyle::Monospace);
    ScrollArea::both()
        .auto_shrink([false, false])
        .stick_to_bottom(true)
        .show_rows(ui, height, records.len(), |ui, range| {
            for record in &records[range] {
                let text = RichText::new(record.line()).monospace();
                let text = match record.level {
                    tracing::Level::ERROR => text.color(ui.visuals().error_fg_color),
                    tracing::Level::WARN => text.color(ui.visuals().warn_fg_color),
                    _ => text,
                };
                ui.add(egui::Label::new(text).extend().selectable(true));
            }
        });
}

fn show_dialogs(app: &mut Workbench, ctx: &Context) {
    if let Some(mut chooser) = app.chooser.take() {
        match chooser.ui(ctx) {
            Choice::Open => app.chooser = Some(chooser),
            Choice::Closed => {}
            Choice::Chosen(path) => app.chosen(chooser.purpose(), path),
        }
    }
    let Some(dialog) = app.dialog else { return };
    let device = app.device_text();
    let Workbench {
        meter,
        preferences,
        preferences_draft,
        repair,
        commands,
        ..
    } = app;
    let closed = dialogs::show(ctx, dialog, |ui| {
        match dialog {
            Dialog::Shortcuts => dialogs::shortcuts(ui),
            Dialog::DataContract => dialogs::data_contract(ui),
            Dialog::About => dialogs::about(ui, &device),
            Dialog::FrameTimes => dialogs::frame_times(ui, meter),
            Dialog::Preferences => dialogs::preferences(ui, preferences, preferences_draft),
            Dialog::Repair => return dialogs::repair(ui, repair, commands),
        }
        false
    });
    if closed {
        app.dialog = None;
    }
}

/// While a file hovers over the window.
fn drop_overlay(ctx: &Context, view: View) {
    let n_files = ctx.input(|input| input.raw.hovered_files.len());
    let words = match (n_files, view) {
        (0, _) => return,
        (1, view) if view != View::Compare => "Drop to inspect",
        _ => "Drop to compare",
    };
    let rect = ctx.content_rect();
    let painter = ctx.layer_painter(egui::LayerId::new(
        egui::Order::Foreground,
        egui::Id::unique("drop overlay"),
    ));
    let visuals = ctx.global_style().visuals.clone();
    painter.rect_filled(rect, 0.0, visuals.panel_fill.gamma_multiply(0.85));
    let font = egui::FontId::proportional(26.0);
    painter.text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        words,
        font,
        visuals.strong_text_color(),
    );
}

/// The central area of a view, without a margin of its own.
pub fn central(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    CentralPanel::default_margins().show(ui, contents);
}
