//! Notices that say what is wrong, where, and what mends it; their text can be selected and copied.

use egui::{Frame, RichText, Stroke, Ui};
use ptycho_core::Error;
use ptycho_core::error::Problem;

use crate::gui::theme;

/// How grave a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Good to know.
    Info,
    /// Something was done or left out.
    Warning,
    /// Something could not be done.
    Error,
}

impl Level {
    fn icon_and_word(self) -> (&'static str, &'static str) {
        match self {
            Self::Info => ("ℹ", "Note"),
            Self::Warning => ("⚠", "Warning"),
            Self::Error => ("✖", "Error"),
        }
    }

    fn colour(self, ui: &Ui) -> egui::Color32 {
        let palette = theme::palette(ui);
        match self {
            Self::Info => palette.accent,
            Self::Warning => palette.warn,
            Self::Error => palette.bad,
        }
    }
}

/// A message for the user.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// How grave.
    pub level: Level,
    /// One line, or the whole message where there are no fields.
    pub text: String,
    /// The fields of the message, where it is about input.
    pub problem: Option<Problem>,
    /// Words on the button that mends it, where the program can.
    pub fix_label: Option<String>,
}

/// What the user did with a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeAction {
    /// Asked for the fix.
    Fix,
    /// Has read it.
    Dismiss,
}

impl Notice {
    /// A message without fields.
    pub fn new(level: Level, text: impl Into<String>) -> Self {
        Self {
            level,
            text: text.into(),
            problem: None,
            fix_label: None,
        }
    }

    /// The message of an error, with its fields where it has some.
    pub fn error(error: &Error) -> Self {
        let problem = error.problem().cloned();
        let text = problem.as_ref().map_or_else(
            || error.to_string(),
            |problem| format!("Cannot {}", problem.attempted),
        );
        Self {
            problem,
            ..Self::new(Level::Error, text)
        }
    }

    /// The same notice with a button that mends it.
    pub fn with_fix(mut self, label: impl Into<String>) -> Self {
        self.fix_label = Some(label.into());
        self
    }

    /// All of it as text, for the clipboard.
    pub fn to_text(&self) -> String {
        let mut lines = vec![self.text.clone()];
        lines.extend(
            self.fields()
                .into_iter()
                .map(|(name, value)| format!("{name}: {value}")),
        );
        lines.join("\n")
    }

    /// Draw it; says what the user did.
    pub fn ui(&self, ui: &mut Ui) -> Option<NoticeAction> {
        let colour = self.level.colour(ui);
        let (icon, word) = self.level.icon_and_word();
        let mut action = None;
        Frame::group(ui.style())
            .stroke(Stroke::new(1.0, colour))
            .show(ui, |ui| {
                ui.horizontal_wrapped(|ui| {
                    ui.colored_label(colour, format!("{icon} {word}"));
                    ui.label(RichText::new(&self.text).strong());
                });
                for (name, value) in self.fields() {
                    ui.horizontal_wrapped(|ui| {
                        ui.label(RichText::new(name).color(theme::palette(ui).weak));
                        ui.label(value);
                    });
                }
                action = self.buttons(ui);
            });
        action
    }

    fn buttons(&self, ui: &mut Ui) -> Option<NoticeAction> {
        let mut action = None;
        ui.horizontal(|ui| {
            if let Some(label) = &self.fix_label
                && ui.button(label).clicked()
            {
                action = Some(NoticeAction::Fix);
            }
            if ui.button("Copy text").clicked() {
                ui.ctx().copy_text(self.to_text());
            }
            if ui.button("Dismiss").clicked() {
                action = Some(NoticeAction::Dismiss);
            }
        });
        action
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let Some(problem) = &self.problem else {
            return Vec::new();
        };
        let file = problem.file.as_ref().map(|file| file.display().to_string());
        [
            ("File", file),
            ("Key", problem.key.clone()),
            ("Expected", Some(problem.expected.clone())),
            ("Found", Some(problem.found.clone())),
            ("Fix", Some(problem.fix.clone())),
            ("Rule", problem.rule.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .collect()
    }
}
