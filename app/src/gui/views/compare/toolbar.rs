//! How the pictures stand, what of them is shown, what a drag does.

use egui::{Button, RichText, Ui};

use super::super::super::comparison::{Comparing, Shown};
use super::super::super::theme;
use super::panes::PANES;
use super::{CompareView, Mode, Tool};

impl CompareView {
    pub(super) fn toolbar(
        &mut self,
        ui: &mut Ui,
        shown: &Shown,
        is_current: bool,
        comparing: &Comparing,
    ) {
        ui.horizontal_wrapped(|ui| {
            for (mode, words, tip) in [
                (Mode::SideBySide, "Side by side", "A column for each arm"),
                (Mode::Blink, "Blink", "Two in turn in one place: what differs jumps"),
                (Mode::Swipe, "Swipe", "Two in one place, with a divider to drag between them"),
            ] {
                ui.selectable_value(&mut self.mode, mode, words)
                    .on_hover_text(tip);
            }
            if self.mode != Mode::SideBySide {
                let mode = self.mode;
                self.together.ui(ui, shown, mode);
            }
            ui.separator();
            let rows = PANES.iter().zip(&mut self.rows);
            let n_rows = if self.mode == Mode::SideBySide { 4 } else { 2 };
            for (row, is_shown) in rows.take(n_rows) {
                ui.toggle_value(is_shown, row.label())
                    .accessible_name(format!("Show {}", row.label()));
            }
            ui.separator();
            let tip = "Registered, without the phase plane, with the amplitude factor, within the region: what the numbers are about";
            ui.selectable_value(&mut self.is_raw, false, "Prepared")
                .on_hover_text(tip);
            let tip = "As it stands in its file. Differences are of the prepared pictures always";
            ui.selectable_value(&mut self.is_raw, true, "Raw")
                .on_hover_text(tip);
            let tip = "All panes of a row on one colour scale, whose limits stand at the bar: equal colours are equal values. Without it each pane has a scale and a bar of its own";
            ui.checkbox(&mut self.is_shared, "One scale").on_hover_text(tip);
            ui.separator();
            self.tools(ui, shown);
            stale(ui, is_current, comparing);
        });
    }

    fn tools(&mut self, ui: &mut Ui, shown: &Shown) {
        let swipes = self.mode == Mode::Swipe;
        for (tool, words, tip) in [
            (
                Tool::Move,
                "Move",
                "A drag moves the pictures; the wheel zooms",
            ),
            (
                Tool::Region,
                "Region",
                "Drag a rectangle over a picture: it becomes the region that is compared",
            ),
            (
                Tool::Line,
                "Line",
                "Drag a line over a picture: its profile is shown below",
            ),
        ] {
            let button = Button::selectable(self.tool == tool && !swipes, words);
            let response = ui.add_enabled(!swipes, button).on_hover_text(tip);
            if response
                .on_disabled_hover_text("A drag moves the divider")
                .clicked()
            {
                self.tool = tool;
            }
        }
        ui.separator();
        if ui
            .button("Fit region")
            .on_hover_text("Show what is compared as large as fits (Home, or a double click)")
            .clicked()
        {
            self.pictures.fit();
        }
        if ui
            .button("Whole")
            .on_hover_text("Show the whole object frame")
            .clicked()
        {
            self.fit_whole(shown);
        }
    }
}

/// Pictures and numbers are of other choices than those that stand now.
pub(super) fn stale(ui: &mut Ui, is_current: bool, comparing: &Comparing) {
    if is_current {
        return;
    }
    let palette = theme::palette(ui);
    let (words, colour) = if comparing.problem.is_some() {
        ("⚠ out of date: see what is wrong on the right", palette.bad)
    } else {
        ("⌛ out of date", palette.warn)
    };
    ui.label(RichText::new(words).color(colour))
        .on_hover_text("What is shown is of the choices before");
}
