//! The window over the window that shows a report: every table with its verdict, and what can be done with it.

use egui::{CollapsingHeader, Color32, Context, Grid, Label, RichText, ScrollArea, Ui, vec2};
use ptycho_core::study::diagnose::{Report, Section, Verdict};

use super::super::command::Command;
use super::super::queue::{Lane, Queue};
use super::super::theme;
use super::super::widgets::job_row::JobRow;
use super::{Ask, Diagnosis, State};

/// Cells wider than this are broken into lines.
const WIDEST_CELL: f32 = 90.0 * theme::GRID;

/// Draw the report, if one was asked for.
pub fn show(ctx: &Context, diagnosis: &Diagnosis, queue: &Queue, commands: &mut Vec<Command>) {
    if matches!(diagnosis.state, State::Closed) {
        return;
    }
    let mut is_open = true;
    let size = ctx.content_rect().size();
    egui::Window::new("Diagnosis")
        .id(egui::Id::unique("diagnosis"))
        .open(&mut is_open)
        .default_size(vec2((size.x * 0.62).min(900.0), size.y * 0.7))
        .min_size([360.0, 200.0])
        .default_pos([size.x * 0.22, size.y * 0.1])
        .show(ctx, |ui| contents(ui, diagnosis, queue, commands));
    if !is_open {
        commands.push(Command::Diagnosis(Ask::Close));
    }
}

fn contents(ui: &mut Ui, diagnosis: &Diagnosis, queue: &Queue, commands: &mut Vec<Command>) {
    match &diagnosis.state {
        State::Closed => {}
        State::Running => running(ui, queue, commands),
        State::Failed(words) => {
            let words = RichText::new(format!("✖ {words}")).color(theme::palette(ui).bad);
            ui.add(Label::new(words).wrap().selectable(true));
        }
        State::Shown(report) => {
            head(ui, report);
            buttons(ui, diagnosis, report, commands);
            ui.separator();
            ScrollArea::both()
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    for section in &report.sections {
                        table(ui, section);
                    }
                });
        }
    }
}

fn running(ui: &mut Ui, queue: &Queue, commands: &mut Vec<Command>) {
    ui.label("Looking at it…");
    let Some(row) = queue.row(Lane::Diagnosis) else {
        return;
    };
    let shown = JobRow {
        name: &row.name,
        state: &row.state,
        progress: row.progress,
        elapsed: row.elapsed,
        rate_unit: "",
    };
    if shown.ui(ui) {
        commands.push(Command::StopJob(row.id));
    }
}

/// What was looked at, and what it comes to.
fn head(ui: &mut Ui, report: &Report) {
    let names = report.subjects.iter().zip(["", "beside "]);
    for (path, before) in names {
        let words = RichText::new(format!("{before}{}", path.display())).monospace();
        ui.add(Label::new(words).wrap().selectable(true));
    }
    ui.horizontal_wrapped(|ui| {
        verdict_label(ui, report.verdict, true);
        ui.add(Label::new(report.words()).wrap().selectable(true));
    });
}

fn buttons(ui: &mut Ui, diagnosis: &Diagnosis, report: &Report, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        let tip = "Copy the whole report as Markdown";
        if ui.button("Copy as Markdown").on_hover_text(tip).clicked() {
            commands.push(Command::CopyText(report.markdown()));
        }
        let tip = "Write the report as Markdown (.md) or JSON (.json)";
        if ui.button("Save report…").on_hover_text(tip).clicked() {
            commands.push(Command::Diagnosis(Ask::ChooseFile));
        }
        let can_pair = diagnosis
            .subject
            .as_ref()
            .is_some_and(|subject| subject.path().is_some());
        let beside = ui.add_enabled(can_pair, egui::Button::new("Beside another…"));
        if beside
            .on_hover_text("Put it beside another dataset or run; differences are marked")
            .on_disabled_hover_text("This scan is only in memory: save it first")
            .clicked()
        {
            commands.push(Command::Diagnosis(Ask::ChooseOther));
        }
        if let Some(line) = diagnosis.command_line()
            && ui
                .button("Copy as command line")
                .on_hover_text("Copy the command line that makes this report")
                .clicked()
        {
            commands.push(Command::CopyText(line));
        }
    });
}

/// Icon, word and colour of a verdict: never the colour alone.
fn verdict_label(ui: &mut Ui, verdict: Verdict, is_strong: bool) {
    let words = RichText::new(verdict_words(verdict)).color(verdict_colour(ui, verdict));
    ui.label(if is_strong { words.strong() } else { words });
}

fn verdict_words(verdict: Verdict) -> String {
    format!("{} {}", verdict.icon(), verdict.word())
}

fn verdict_colour(ui: &Ui, verdict: Verdict) -> Color32 {
    let palette = theme::palette(ui);
    match verdict {
        Verdict::Good => palette.ok,
        Verdict::Note => palette.warn,
        Verdict::Bad => palette.bad,
    }
}

/// One table under its verdict; what is good is folded.
fn table(ui: &mut Ui, section: &Section) {
    let colour = verdict_colour(ui, section.verdict);
    let title = format!("{}: {}", section.title, verdict_words(section.verdict));
    CollapsingHeader::new(RichText::new(title).strong().color(colour))
        .id_salt(&section.key)
        .default_open(section.verdict != Verdict::Good)
        .show(ui, |ui| {
            ui.scope(|ui| {
                // The words are as wide as the window, the table as wide as it needs.
                ui.set_max_width(ui.clip_rect().width() - 8.0 * theme::GRID);
                ui.add(Label::new(&section.words).wrap().selectable(true));
            });
            ui.add_space(theme::GRID);
            cells(ui, section);
            ui.add_space(theme::GAP);
        });
}

fn cells(ui: &mut Ui, section: &Section) {
    if section.rows.is_empty() {
        return;
    }
    let weak = theme::palette(ui).weak;
    Grid::new(("diagnosis", &section.key))
        .num_columns(section.columns.len())
        .striped(true)
        .max_col_width(WIDEST_CELL)
        .spacing([2.0 * theme::GAP, theme::GRID])
        .show(ui, |ui| {
            for words in &section.columns {
                ui.label(RichText::new(words).small().color(weak));
            }
            ui.end_row();
            for row in &section.rows {
                for (column, text) in row.iter().enumerate() {
                    let text = RichText::new(text);
                    let text = if column == 0 { text } else { text.monospace() };
                    ui.add(Label::new(text).wrap().selectable(true));
                }
                ui.end_row();
            }
        });
}
