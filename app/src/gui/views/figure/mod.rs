//! The figure for the paper: a live preview with every option beside it.

mod blank;
mod page;
mod picks;
mod side;

use egui::{Panel, RichText, Ui};

use self::page::PageView;
use super::super::chrome::central;
use super::super::command::Command;
use super::super::document::Document;
use super::super::figure::{Figuring, Page};
use super::super::preferences::Preferences;
use super::super::queue::{Lane, Queue};
use super::super::theme;
use super::pictures::Pictures;

/// Width of the side, in points: at first, and at least.
const SIDE_PT: [f32; 2] = [340.0, 250.0];
/// While a figure is drawn the window looks for it this often.
const LOOK_INTERVAL_S: f32 = 0.05;

/// The choices of the figure view.
pub struct FigureView {
    pictures: Pictures,
    page: PageView,
}

impl Default for FigureView {
    fn default() -> Self {
        Self {
            pictures: Pictures::new(Vec::new()),
            page: PageView::default(),
        }
    }
}

impl FigureView {
    /// Draw the view.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        document: &mut Document,
        (queue, preferences): (&Queue, &mut Preferences),
        commands: &mut Vec<Command>,
    ) {
        if queue.is_busy(Lane::Figure) {
            ui.ctx().request_repaint_after_secs(LOOK_INTERVAL_S);
        }
        let [first, least] = SIDE_PT;
        Panel::right("figure side")
            .resizable(true)
            .default_size((0.3 * ui.available_width()).clamp(least, first))
            .min_size(least)
            .show(ui, |ui| {
                side::side(ui, document, (queue, preferences), commands);
            });
        central(ui, |ui| {
            if document.figuring.drawn.is_none() {
                // The size of what is to be drawn is that of the room for it.
                document.figuring.width_px = page::width_px(ui, ui.available_width());
                return blank::blank(ui, document, queue, commands);
            }
            let is_current = document.figuring.is_current(&document.studying);
            self.tabs(ui, &mut document.figuring, is_current);
            self.page.ui(ui, &mut document.figuring);
        });
    }

    /// Which figure is shown, and how to look at it.
    fn tabs(&mut self, ui: &mut Ui, figuring: &mut Figuring, is_current: bool) {
        ui.horizontal_wrapped(|ui| {
            for page in Page::ALL {
                let tab = ui.selectable_label(figuring.page == page, page.label());
                if tab.clicked() {
                    figuring.page = page;
                    self.page.view.fit();
                }
            }
            ui.separator();
            if ui
                .button("Fit")
                .on_hover_text("Show the figure whole; a double click does the same")
                .clicked()
            {
                self.page.view.fit();
            }
            let tip = "As large as on paper, at 96 points of the screen an inch";
            if ui.button("Paper size").on_hover_text(tip).clicked() {
                self.page.paper_size();
            }
            if !is_current {
                let words = RichText::new("⌛ out of date").color(theme::palette(ui).weak);
                ui.label(words)
                    .on_hover_text("What is shown is not yet of the options as they stand");
            }
        });
    }

    /// Put every pane back to its place.
    pub fn reset_layout(&mut self) {
        self.page.view.fit();
    }

    /// Make this pane the one that copying and export are about.
    pub fn focus(&mut self, name: &str) {
        self.pictures.focus(name);
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
