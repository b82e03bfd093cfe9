//! The study as text, in step with the form; what is wrong is marked at its line.

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{Align, Color32, FontId, Label, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::super::super::study::{StudyProblem, Studying};
use super::super::super::theme;
use super::super::side::problem as problem_line;

/// Size of the letters.
const FONT: f32 = 12.0;
/// More mistakes would leave no room for the text.
const MOST_LINES: usize = 4;

/// Draw the page; `goes_to` is set where a line is to be brought into sight.
pub(super) fn text(ui: &mut Ui, studying: &mut Studying, goes_to: &mut Option<usize>) {
    let problem = studying.problem.clone();
    head(ui, studying, problem.as_ref(), goes_to);
    let wrong = problem
        .as_ref()
        .map_or_else(Vec::new, |problem| problem.lines());
    let wrong: Vec<usize> = wrong.into_iter().map(|(line, _)| line).collect();
    let Some(draft) = &mut studying.draft else {
        return;
    };
    let font = FontId::monospace(FONT);
    let n_lines = draft.text.lines().count().max(1);
    let digits = n_lines.to_string().len();
    let mut is_changed = false;
    let width = text_width(ui, &draft.text, &font);
    ScrollArea::both()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing = vec2(theme::GRID, 0.0);
                let numbers = numbers(ui, (n_lines, digits), &wrong, &font);
                ui.add(Label::new(numbers).selectable(false));
                let bad = theme::palette(ui).bad;
                let colour = theme::palette(ui).text;
                let weak = theme::palette(ui).weak;
                let mut layouter = |ui: &Ui, text: &dyn egui::TextBuffer, _: f32| {
                    let job = coloured(text.as_str(), &font, (colour, weak, (&wrong, bad)));
                    ui.fonts_mut(|fonts| fonts.layout_job(job))
                };
                let edit = TextEdit::multiline(&mut draft.text)
                    .id_salt("study text")
                    .code_editor()
                    .frame(egui::Frame::new())
                    .margin(egui::Margin::ZERO)
                    .desired_width(width)
                    .desired_rows(n_lines)
                    .layouter(&mut layouter);
                let output = edit.show(ui);
                is_changed = output.response.changed();
                if let Some(line) = goes_to.take() {
                    let row = line.saturating_sub(1) as f32 / n_lines as f32;
                    let mut rect = output.response.rect;
                    rect.min.y += row * rect.height();
                    rect.max.y = rect.min.y + 2.0 * FONT;
                    rect.max.x = rect.min.x + 10.0;
                    ui.scroll_to_rect(rect, Some(Align::Center));
                }
                output.response.response.accessible_name("Study as text");
            });
        });
    if is_changed {
        studying.text_changed();
    }
}

fn head(
    ui: &mut Ui,
    studying: &mut Studying,
    problem: Option<&StudyProblem>,
    goes_to: &mut Option<usize>,
) {
    let Some(problem) = problem else {
        let words = RichText::new("✔ The text spells a study; the form shows the same.");
        ui.label(words.color(theme::palette(ui).ok));
        return;
    };
    let lines = problem.lines();
    if lines.is_empty() {
        problem_line(ui, &problem.words);
    }
    for (line, words) in lines.iter().take(MOST_LINES) {
        problem_line(ui, &format!("Line {line}: {words}"));
    }
    if MOST_LINES < lines.len() {
        ui.weak(format!("and {} more", lines.len() - MOST_LINES));
    }
    ui.horizontal_wrapped(|ui| {
        if let Some(line) = problem.line
            && ui.button(format!("Go to line {line}")).clicked()
        {
            *goes_to = Some(line);
        }
        if problem.is_of_text {
            let words =
                "The form, the matrix and the plan are of the last text that spelled a study.";
            ui.label(RichText::new(words).color(theme::palette(ui).warn));
            let tip = "Throw the text away and take that of the form";
            if ui
                .button("Take the last valid study")
                .on_hover_text(tip)
                .clicked()
            {
                studying.restore_text();
            }
        }
    });
}

/// Room for the longest line, and no less than there is.
fn text_width(ui: &Ui, text: &str, font: &FontId) -> f32 {
    let longest = text.lines().map(|line| line.chars().count()).max();
    let letter = ui.fonts_mut(|fonts| fonts.glyph_width(font, '0'));
    let needed = letter * (longest.unwrap_or(0) + 2) as f32;
    needed.max(ui.available_width() - 14.0 * theme::GRID)
}

/// The numbers of the lines; that of the line with a mistake is marked.
fn numbers(
    ui: &Ui,
    (n_lines, digits): (usize, usize),
    wrong: &[usize],
    font: &FontId,
) -> LayoutJob {
    let palette = theme::palette(ui);
    let mut job = LayoutJob::default();
    for line in 1..=n_lines {
        let is_wrong = wrong.contains(&line);
        let (mark, colour) = if is_wrong {
            ("!", palette.bad)
        } else {
            (" ", palette.weak)
        };
        let end = if line == n_lines { "" } else { "\n" };
        job.append(
            &format!("{mark}{line:>digits$}{end}"),
            0.0,
            TextFormat::simple(font.clone(), colour),
        );
    }
    job.wrap = TextWrapping::no_max_width();
    job
}

/// Comments step back, the line with a mistake stands out.
fn coloured(
    text: &str,
    font: &FontId,
    (colour, weak, wrong): (Color32, Color32, (&[usize], Color32)),
) -> LayoutJob {
    let mut job = LayoutJob::default();
    for (i, line) in text.split_inclusive('\n').enumerate() {
        let mut format = TextFormat::simple(font.clone(), colour);
        if wrong.0.contains(&(i + 1)) {
            format.background = wrong.1.gamma_multiply(0.25);
        }
        let comment = line
            .trim_start()
            .starts_with('#')
            .then_some(0)
            .or_else(|| line.find("  #"));
        let at = comment.unwrap_or(line.len());
        job.append(&line[..at], 0.0, format.clone());
        format.color = weak;
        job.append(&line[at..], 0.0, format);
    }
    job.wrap = TextWrapping::no_max_width();
    job
}
