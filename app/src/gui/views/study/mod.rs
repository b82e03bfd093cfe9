//! The study view: the matrix in the middle, the queue below it, the study itself on the right.

mod bar;
mod blank;
mod cell;
mod compare;
mod engines;
mod form;
mod matrix;
mod notes;
mod numbers;
mod preflight;
mod queue;
mod rows;
mod state;
mod text;
mod words;

use egui::{Panel, Ui};

use self::form::Form;
use super::super::chrome::central;
use super::super::command::Command;
use super::super::document::Document;
use super::super::preferences::Preferences;
use super::super::queue::Queue;
use super::super::study::{Ask, Studying};
use super::super::theme;
use super::pictures::Pictures;

/// What the side shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// The study as a form.
    #[default]
    Form,
    /// The study as text.
    Text,
    /// What a run will do.
    Preflight,
    /// The notes of the run.
    Notes,
    /// Another study beside this one.
    Compare,
}

impl Page {
    const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Form, "Form", "Edit the study field by field"),
        (Self::Text, "Text", "Edit the study as the text of its file"),
        (
            Self::Preflight,
            "Pre-flight",
            "What will be done, how long, how large, what cannot be done and why",
        ),
        (
            Self::Notes,
            "Notes",
            "Your own words about the run, which go into the summary",
        ),
        (
            Self::Compare,
            "Compare studies",
            "Another study beside this one: settings and numbers that differ",
        ),
    ];
}

/// The choices of the study view.
pub struct StudyView {
    page: Page,
    form: Form,
    /// The metric that cells show, as chosen.
    metric: Option<String>,
    /// The line of the text that is to be brought into sight.
    line: Option<usize>,
    pictures: Pictures,
}

impl Default for StudyView {
    fn default() -> Self {
        Self {
            page: Page::default(),
            form: Form::default(),
            metric: None,
            line: None,
            pictures: Pictures::new(Vec::new()),
        }
    }
}

impl StudyView {
    /// Draw the view.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        document: &mut Document,
        (queue, preferences): (&Queue, &mut Preferences),
        commands: &mut Vec<Command>,
    ) {
        if document.studying.pending.is_some() {
            unsaved(ui, &document.studying, commands);
        }
        if document.studying.draft.is_none() {
            return central(ui, |ui| blank::blank(ui, preferences, commands));
        }
        Panel::top("study bar").show(ui, |ui| {
            bar::bar(ui, document, (queue, preferences), commands);
        });
        let width = ui.available_width();
        Panel::right("study side")
            .resizable(true)
            .default_size((width * 0.38).clamp(300.0, 520.0))
            .min_size(260.0)
            .show(ui, |ui| {
                ui.add_space(theme::GRID);
                self.side(ui, document, preferences, commands);
            });
        if let Some(run) = document.studying.own_run() {
            Panel::bottom("study queue")
                .resizable(true)
                .default_size(ui.available_height() * 0.28)
                .min_size(60.0)
                .show(ui, |ui| {
                    queue::queue(ui, &document.studying, run, commands);
                });
        }
        central(ui, |ui| {
            matrix::matrix(ui, &document.studying, &mut self.metric, commands);
        });
    }

    fn side(
        &mut self,
        ui: &mut Ui,
        document: &mut Document,
        preferences: &mut Preferences,
        commands: &mut Vec<Command>,
    ) {
        let studying = &mut document.studying;
        ui.horizontal_wrapped(|ui| {
            for (page, words, tip) in Page::ALL {
                let is_wrong = page == Page::Text && studying.problem.is_some();
                let words = if is_wrong {
                    format!("✖ {words}")
                } else {
                    words.to_owned()
                };
                ui.selectable_value(&mut self.page, page, words)
                    .on_hover_text(tip);
            }
        });
        ui.separator();
        match self.page {
            Page::Form => self.form.ui(ui, studying, preferences, commands),
            Page::Text => text::text(ui, studying, &mut self.line),
            Page::Preflight => preflight::preflight(ui, studying, commands),
            Page::Notes => notes::notes(ui, studying, commands),
            Page::Compare => compare::compare(ui, studying, commands),
        }
    }

    /// What the side shows.
    pub fn page(&self) -> Page {
        self.page
    }

    /// Show a page of the side.
    pub fn show(&mut self, page: Page) {
        self.page = page;
    }

    /// Put every pane back to its place; the panels of this view have no other.
    pub fn reset_layout(&mut self) {
        self.page = Page::default();
    }

    /// There is no pane that copying and export are about.
    pub fn focus(&mut self, name: &str) {
        self.pictures.focus(name);
    }

    /// The pictures of the view: none.
    pub fn pictures(&mut self) -> &mut Pictures {
        &mut self.pictures
    }

    /// The pictures of the view: none.
    pub fn pictures_ref(&self) -> &Pictures {
        &self.pictures
    }
}

/// What becomes of changes that are in no file yet.
fn unsaved(ui: &Ui, studying: &Studying, commands: &mut Vec<Command>) {
    let modal = egui::Modal::new(egui::Id::unique("unsaved study")).show(ui.ctx(), |ui| {
        ui.set_max_width(100.0 * theme::GRID);
        ui.heading("Changes are not saved");
        let name = studying.name().unwrap_or_default();
        ui.label(format!(
            "The study {name} has changes that are in no file yet."
        ));
        ui.add_space(theme::GAP);
        ui.horizontal(|ui| {
            for (words, ask) in [
                ("Save first", Ask::SaveFirst),
                ("Discard changes", Ask::Discard),
                ("Keep editing", Ask::KeepEditing),
            ] {
                if ui.button(words).clicked() {
                    commands.push(Command::Study(ask));
                }
            }
        });
    });
    if modal.should_close() {
        commands.push(Command::Study(Ask::KeepEditing));
    }
}
