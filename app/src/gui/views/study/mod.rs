//! The study: its matrix of tasks, how it is edited, and how it came out.

use egui::Ui;

use super::super::command::Command;
use super::super::document::Document;
use super::super::preferences::Preferences;
use super::super::queue::Queue;
use super::pictures::Pictures;

/// The choices of the study view.
pub struct StudyView {
    pictures: Pictures,
}

impl Default for StudyView {
    fn default() -> Self {
        Self {
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
        let _ = (ui, document, queue, preferences, commands);
    }

    /// Put every pane back to its place.
    pub fn reset_layout(&mut self) {}

    /// Make this pane the one that copying and export are about.
    pub fn focus(&mut self, name: &str) {
        let _ = name;
    }

    /// The pictures of the view.
    pub fn pictures(&mut self) -> &mut Pictures {
        &mut self.pictures
    }

    /// The pictures of the view.
    pub fn pictures_ref(&self) -> &Pictures {
        &self.pictures
    }
}
