//! The image panes of one view: linked zoom and cursor within a group, one pane in focus.

use egui::{TextureId, Ui};
use ptycho_core::paint::component::Source;
use ptycho_core::paint::picture::Look;
use ptycho_core::phase::Region;

use super::super::command::{Action, Command};
use super::super::picture_out::{PaneCopy, Values};
use super::super::widgets::image_pane::{ImagePane, PaneData, PaneResponse};
use super::super::widgets::viewport::LinkedView;

/// What a pane is called, what its values are, and which panes it is linked with.
#[derive(Clone, Copy, Debug)]
pub struct Pane {
    pub title: &'static str,
    pub quantity: &'static str,
    pub unit: &'static str,
    pub group: usize,
    /// Whether its pixels are those of the object, of known size.
    pub has_object_pixels: bool,
}

/// What all panes of a view know of the scan.
#[derive(Clone, Debug, Default)]
pub struct Context {
    pub pixel_size_m: Option<f64>,
    /// The file or run that the arrays come from.
    pub from: String,
    /// Where a phase ramp is found.
    pub region: Option<Region>,
}

/// The image panes of one view.
pub struct Pictures {
    pub context: Context,
    panes: Vec<(Pane, ImagePane)>,
    groups: Vec<LinkedView>,
    focused: usize,
    is_export_asked: bool,
}

impl Pictures {
    /// These panes; a group's number stands in each.
    pub fn new(panes: Vec<(Pane, ImagePane)>) -> Self {
        let n_groups = panes
            .iter()
            .map(|(pane, _)| pane.group + 1)
            .max()
            .unwrap_or(0);
        Self {
            context: Context::default(),
            panes,
            groups: vec![LinkedView::default(); n_groups],
            focused: 0,
            is_export_asked: false,
        }
    }

    /// How the pane numbered `index` is shown.
    pub fn look(&mut self, index: usize) -> &mut Look {
        &mut self.panes[index].1.look
    }

    /// The choices of the pane numbered `index`.
    pub fn pane(&mut self, index: usize) -> &mut ImagePane {
        &mut self.panes[index].1
    }

    /// The shared view of a group, for a plot that is linked with it.
    pub fn group(&mut self, index: usize) -> &mut LinkedView {
        &mut self.groups[index]
    }

    /// Draw the pane numbered `index` in the space that is left.
    ///
    /// `version` is another number for other content; the texture is given for use under a plot.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        index: usize,
        image: Source<'_>,
        version: u64,
    ) -> Option<TextureId> {
        let title = self.panes[index].0.title;
        self.show_titled(ui, (index, title), image, version).texture
    }

    /// As [`Pictures::show`], under a title of its own, for one of several pictures that share a pane's choices.
    pub fn show_titled(
        &mut self,
        ui: &mut Ui,
        (index, title): (usize, &str),
        image: Source<'_>,
        version: u64,
    ) -> PaneResponse {
        let (pane, shown) = &mut self.panes[index];
        let is_complex = image.is_complex();
        let data = PaneData {
            image,
            version,
            quantity: if is_complex { "" } else { pane.quantity },
            unit: pane.unit,
            pixel_size_m: self.context.pixel_size_m.filter(|_| pane.has_object_pixels),
            points: &[],
            region: self.context.region.clone().filter(|_| is_complex),
        };
        let response = shown.ui(ui, title, title, &data, &mut self.groups[pane.group]);
        if response.clicked.is_some() || response.is_export_asked {
            self.focused = index;
        }
        self.is_export_asked |= response.is_export_asked;
        response
    }

    /// Where the cursor of a group is.
    pub fn cursor(&self, group: usize) -> Option<[f64; 2]> {
        self.groups[group].cursor
    }

    /// The values under the cursor, and what was asked of a pane; once, after the panes.
    pub fn finish(&mut self, ui: &mut Ui, commands: &mut Vec<Command>) {
        let with_cursor = self.groups.iter().position(|group| group.cursor.is_some());
        let shown = with_cursor.unwrap_or(0);
        for (i, group) in self.groups.iter_mut().enumerate() {
            if i == shown {
                group.value_line(ui);
            } else if group.cursor.is_some() {
                // One line is enough; the others' readings are emptied unseen.
                ui.scope(|ui| {
                    ui.set_invisible();
                    ui.set_max_height(0.0);
                    group.value_line(ui);
                });
            }
        }
        self.hand_on(commands);
    }

    /// As [`Pictures::finish`], for a view that has a value line of its own.
    pub fn finish_unread(&mut self, commands: &mut Vec<Command>) {
        for group in &mut self.groups {
            group.forget_readings();
        }
        self.hand_on(commands);
    }

    fn hand_on(&mut self, commands: &mut Vec<Command>) {
        if std::mem::take(&mut self.is_export_asked) {
            commands.push(Command::Do(Action::ExportPane));
        }
    }

    /// Another scan: every picture whole again.
    pub fn begin_scan(&mut self) {
        self.fit();
        for group in &mut self.groups {
            group.cursor = None;
        }
    }

    /// Show every picture whole.
    pub fn fit(&mut self) {
        for group in &mut self.groups {
            group.fit();
        }
    }

    /// Let every picture find its colour limits again.
    pub fn auto_limits(&mut self) {
        for (_, pane) in &mut self.panes {
            pane.look.limits = None;
        }
    }

    /// The number and title of the pane that copying and export are about; no title where a view has no panes.
    pub fn focused(&self) -> (usize, &'static str) {
        let pane = self.panes.get(self.focused);
        (self.focused, pane.map_or("", |(pane, _)| pane.title))
    }

    /// Make a pane the one that copying and export are about.
    pub fn focus(&mut self, title: &str) {
        if let Some(index) = self.panes.iter().position(|(pane, _)| pane.title == title) {
            self.focused = index;
        }
    }

    /// A copy of the pane in focus with these values.
    pub fn copy(&self, values: Values) -> PaneCopy {
        let (pane, shown) = &self.panes[self.focused];
        let is_complex = matches!(values, Values::Complex(_));
        PaneCopy {
            title: pane.title.to_lowercase(),
            values,
            pane: shown.clone(),
            quantity: if is_complex { "" } else { pane.quantity },
            unit: pane.unit,
            context: Context {
                pixel_size_m: self.context.pixel_size_m.filter(|_| pane.has_object_pixels),
                ..self.context.clone()
            },
        }
    }
}
