//! One cell of the matrix and one task of a stage: its state, its numbers, what hides behind it and what can be done.

use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Color32, FontId, Label, Rect, Response, RichText, Sense, Stroke, StrokeKind, TextFormat, Ui,
    WidgetInfo, pos2, vec2,
};
use ptycho_core::paint::ticks::value_text;
use ptycho_core::study::execute::{TaskState, TaskStatus};
use ptycho_core::study::plan::{Task, TaskKind};

use super::super::super::command::Command;
use super::super::super::meter::seconds_text;
use super::super::super::study::{Ask, PlannedMatrix, Studying, matrix};
use super::super::super::theme;
use super::numbers::{self, CellNumbers};
use super::state::{Look, leads_to, look, meaning};

/// Width of a cell, in points.
pub(super) const WIDTH: f32 = 32.0 * theme::GRID;
/// Height of a cell, in points.
pub(super) const HEIGHT: f32 = 15.0 * theme::GRID;
/// The bar at the left of a cell that has the colour of its state.
const BAR: f32 = theme::GRID;
/// How much of the colour of a state its cell has behind it.
const TINT: f32 = 0.12;

/// Draw a cell of the matrix.
pub(super) fn cell(
    ui: &mut Ui,
    (studying, metric): (&Studying, Option<&str>),
    (planned, tasks): (&PlannedMatrix, &[TaskStatus]),
    (row, column): (usize, usize),
    commands: &mut Vec<Command>,
) {
    let own = planned.matrix.cell(row, column);
    let Some(first) = own.first() else {
        let (_, response) = ui.allocate_exact_size(vec2(WIDTH, HEIGHT), Sense::hover());
        response.on_hover_text("The study has no such run.");
        return;
    };
    let gravest = matrix::gravest(own, tasks).unwrap_or(*first);
    let Some(status) = tasks.get(gravest) else {
        return;
    };
    let look = look(ui, &status.state);
    let numbers = numbers::of_cell((planned, tasks), (row, column), metric);
    let lines = lines(
        (look.words(), &planned.plan.tasks[gravest]),
        own.len(),
        numbers,
        metric,
    );
    let (rect, response) = ui.allocate_exact_size(vec2(WIDTH, HEIGHT), Sense::click());
    paint(ui, rect, &response, (&look, &status.state), &lines);
    let place = &planned.plan.tasks[*first].id;
    let name = format!("{place}: {}", look.word);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
    behind(response, studying, (planned, tasks), own, commands);
}

/// State; loss; metric.
fn lines(
    (state, task): (String, &Task),
    n_tasks: usize,
    numbers: CellNumbers,
    metric: Option<&str>,
) -> [String; 3] {
    let is_other = n_tasks > 1 && !matches!(task.kind, TaskKind::Train | TaskKind::Reconstruct);
    let state = if is_other && !state.contains("done") {
        format!("{state}: {}", short_kind(task.kind))
    } else {
        state
    };
    let loss = numbers
        .loss
        .map_or_else(String::new, |loss| format!("loss {}", short(loss)));
    let metric = match (metric, numbers.metric) {
        (Some(metric), Some(value)) => {
            let label = numbers::metric_words(metric);
            let label = label.split(',').next().unwrap_or_default().to_owned();
            let star = if numbers.is_best { " ★" } else { "" };
            format!("{}{star} {label}", short(value))
        }
        _ => String::new(),
    };
    [state, loss, metric]
}

/// What of a cell is in that state, where it has several tasks.
fn short_kind(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Infer => "infer",
        TaskKind::Train => "train",
        _ => "run",
    }
}

/// Four digits are enough to look over a matrix.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value_text(value);
    }
    let unit = 10_f64.powi(value.abs().log10().floor() as i32 - 3);
    value_text((value / unit).round() * unit)
}

fn paint(
    ui: &Ui,
    rect: Rect,
    response: &Response,
    (look, state): (&Look, &TaskState),
    lines: &[String; 3],
) {
    let palette = theme::palette(ui);
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 3.0, palette.field);
    painter.rect_filled(rect, 3.0, look.colour.gamma_multiply(TINT));
    let bar = Rect::from_min_max(rect.min, pos2(rect.left() + BAR, rect.bottom()));
    painter.rect_filled(bar, 2.0, look.colour);
    if let TaskState::Running(progress) = state {
        let right = rect.left() + rect.width() * progress.share() as f32;
        let done = Rect::from_min_max(
            pos2(rect.left(), rect.bottom() - BAR),
            pos2(right, rect.bottom()),
        );
        painter.rect_filled(done, 1.0, look.colour);
    }
    let is_marked = response.hovered() || response.has_focus();
    let colour = if is_marked {
        palette.accent
    } else {
        palette.line
    };
    painter.rect_stroke(rect, 3.0, Stroke::new(1.0, colour), StrokeKind::Inside);
    let fonts = [
        (FontId::proportional(13.0), look.colour),
        (FontId::monospace(11.5), palette.text),
        (FontId::monospace(11.5), palette.text),
    ];
    let left = rect.left() + BAR + 1.5 * theme::GRID;
    let mut top = rect.top() + theme::GRID;
    for (text, (font, colour)) in lines.iter().zip(fonts) {
        let galley = one_line(ui, text, font, colour, rect.right() - left - theme::GRID);
        let height = galley.size().y;
        painter.galley(pos2(left, top), galley, colour);
        top += height.max(4.0 * theme::GRID) + 1.0;
    }
}

/// A text on one line; what does not fit is cut with dots.
fn one_line(
    ui: &Ui,
    text: &str,
    font: FontId,
    colour: Color32,
    width: f32,
) -> std::sync::Arc<egui::Galley> {
    let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, colour));
    job.wrap = TextWrapping::truncate_at_width(width);
    ui.fonts_mut(|fonts| fonts.layout_job(job))
}

/// One task of a stage as a button.
pub(super) fn chip(
    ui: &mut Ui,
    studying: &Studying,
    (planned, tasks): (&PlannedMatrix, &[TaskStatus]),
    index: usize,
    commands: &mut Vec<Command>,
) {
    let (Some(task), Some(status)) = (planned.plan.tasks.get(index), tasks.get(index)) else {
        return;
    };
    let look = look(ui, &status.state);
    let place = super::words::place_words(task);
    let text = RichText::new(format!("{} {place}", look.icon)).color(look.colour);
    let response = ui
        .add(egui::Button::new(text).fill(look.colour.gamma_multiply(TINT)))
        .accessible_name(format!("{}: {}", task.id, look.word));
    behind(response, studying, (planned, tasks), &[index], commands);
}

/// What the pointer, a click and the other button of the mouse tell and do.
fn behind(
    response: Response,
    studying: &Studying,
    (planned, tasks): (&PlannedMatrix, &[TaskStatus]),
    own: &[usize],
    commands: &mut Vec<Command>,
) {
    if response.clicked()
        && let Some(first) = own.first()
    {
        let id = planned.plan.tasks[*first].id.clone();
        commands.push(Command::Study(Ask::Show(id)));
    }
    let _ = response.context_menu(|ui| menu(ui, studying, (planned, tasks), own, commands));
    response.on_hover_ui(|ui| {
        ui.set_max_width(110.0 * theme::GRID);
        for (i, index) in own.iter().enumerate() {
            if i != 0 {
                ui.separator();
            }
            if let (Some(task), Some(status)) = (planned.plan.tasks.get(*index), tasks.get(*index))
            {
                about(ui, task, status);
            }
        }
        ui.separator();
        let leads = own
            .first()
            .map_or("", |index| leads_to(planned.plan.tasks[*index].kind));
        let words = format!("Click: {}. Right click: more.", leads.to_lowercase());
        ui.label(RichText::new(words).small().color(theme::palette(ui).weak));
    });
}

/// Everything that is known of a task.
fn about(ui: &mut Ui, task: &Task, status: &TaskStatus) {
    let palette = theme::palette(ui);
    ui.label(RichText::new(&task.id).monospace().strong());
    ui.label(&task.words);
    let look = look(ui, &status.state);
    ui.colored_label(look.colour, look.words());
    ui.add(Label::new(meaning(&status.state)).wrap());
    let Some(record) = &status.record else {
        return;
    };
    let mut numbers: Vec<String> = record
        .numbers
        .iter()
        .filter(|(name, _)| !name.contains('.'))
        .map(|(name, value)| format!("{} {}", name.replace('_', " "), value_text(*value)))
        .collect();
    numbers.push(format!("took {}", seconds_text(record.seconds)));
    ui.add(Label::new(RichText::new(numbers.join(", ")).monospace()).wrap());
    let words = format!(
        "{} threads on {}, from {}",
        record.n_threads, record.device[0], record.started
    );
    ui.label(RichText::new(words).small().color(palette.weak));
    for note in &record.notes {
        ui.colored_label(palette.warn, format!("⚠ {note}"));
    }
}

/// What can be done with the tasks of a cell.
fn menu(
    ui: &mut Ui,
    studying: &Studying,
    (planned, tasks): (&PlannedMatrix, &[TaskStatus]),
    own: &[usize],
    commands: &mut Vec<Command>,
) {
    let is_running = studying.own_run().is_some();
    for (i, index) in own.iter().enumerate() {
        let (Some(task), Some(status)) = (planned.plan.tasks.get(*index), tasks.get(*index)) else {
            continue;
        };
        if i != 0 {
            ui.separator();
        }
        if own.len() > 1 {
            ui.label(RichText::new(task.kind.title()).small());
        }
        let id = || task.id.clone();
        let mut items = vec![(leads_to(task.kind), Command::Study(Ask::Show(id())), true)];
        if let Some(folder) = studying.task_folder(&task.id) {
            let is_there = folder.is_dir();
            items.push(("Open its folder", Command::OpenFolder(folder), is_there));
        }
        items.push((
            "Copy its command",
            Command::Study(Ask::CopyTask(id())),
            true,
        ));
        let is_waiting = status.state == TaskState::Waiting;
        let is_active = is_waiting || matches!(status.state, TaskState::Running(_));
        if is_running {
            items.push((
                "Do it first",
                Command::Study(Ask::PutFirst(id())),
                is_waiting,
            ));
            items.push(("Cancel it", Command::Study(Ask::Cancel(id())), is_active));
        } else {
            let can_run = studying.run_problem().is_none() && task.skip.is_none();
            let run = Command::Study(Ask::RunOnly(id()));
            items.push(("Run only this, and what it needs", run, can_run));
        }
        for (words, command, is_enabled) in items {
            if ui
                .add_enabled(is_enabled, egui::Button::new(words))
                .clicked()
            {
                commands.push(command);
                ui.close();
            }
        }
    }
}
