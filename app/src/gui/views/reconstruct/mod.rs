//! The reconstruct view: parameters, run, and the object and probe as they converge.

mod side;

use egui::{Panel, Ui};
use egui_tiles::{LinearDir, Tiles, Tree};
use ndarray::Axis;

pub use self::side::Permissions;
use super::super::chrome::central;
use super::super::command::{Action, Command};
use super::super::document::{Document, Run};
use super::super::picture_out::Values;
use super::super::preferences::Preferences;
use super::super::preview::Preview;
use super::super::queue::Queue;
use super::super::widgets::image_pane::ImagePane;
use super::super::widgets::line_plot::{LinePlot, PlotData, Series};
use super::data::mode_selector;
use super::pictures::{Pane, Pictures};
use super::tiles::{Behavior, Tile, split};
use ptycho_core::paint::component::{Component, Source};

/// The choices of the reconstruct view.
pub struct ReconstructView {
    tree: Tree<ReconstructTile>,
    pictures: Pictures,
    loss: LinePlot,
    mode: usize,
    is_ramp_removed: bool,
}

/// What a tile shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReconstructTile {
    ObjectAmplitude,
    ObjectPhase,
    ProbeAmplitude,
    ProbePhase,
    Loss,
}

impl Tile for ReconstructTile {
    fn title(&self) -> &'static str {
        match self {
            Self::ObjectAmplitude => "Object amplitude",
            Self::ObjectPhase => "Object phase",
            Self::ProbeAmplitude => "Probe amplitude",
            Self::ProbePhase => "Probe phase",
            Self::Loss => "Loss",
        }
    }
}

/// The object's panes are linked with each other, and so are the probe's.
fn panes() -> Vec<(Pane, ImagePane)> {
    let pane = |title, unit, group| Pane {
        title,
        quantity: "amplitude",
        unit,
        group,
        has_object_pixels: true,
    };
    let mut object_phase = ImagePane::phase_contrast();
    // The ramp is removed before, off the window's thread.
    object_phase.look.is_ramp_removed = false;
    vec![
        (pane("Object amplitude", "", 0), ImagePane::default()),
        (pane("Object phase", "", 0), object_phase),
        (pane("Probe amplitude", "√photons", 1), ImagePane::default()),
        (
            pane("Probe phase", "√photons", 1),
            ImagePane::new(Component::Phase),
        ),
    ]
}

impl Default for ReconstructView {
    fn default() -> Self {
        Self {
            tree: layout(),
            pictures: Pictures::new(panes()),
            loss: LinePlot::default(),
            mode: 0,
            is_ramp_removed: true,
        }
    }
}

/// Two by two, and the loss below.
fn layout() -> Tree<ReconstructTile> {
    let mut tiles = Tiles::default();
    let mut insert = |tile| tiles.insert_pane(tile);
    let object = [
        insert(ReconstructTile::ObjectAmplitude),
        insert(ReconstructTile::ObjectPhase),
    ];
    let probe = [
        insert(ReconstructTile::ProbeAmplitude),
        insert(ReconstructTile::ProbePhase),
    ];
    let loss = insert(ReconstructTile::Loss);
    let object = tiles.insert_horizontal_tile(object.to_vec());
    let probe = tiles.insert_horizontal_tile(probe.to_vec());
    let root = split(
        &mut tiles,
        LinearDir::Vertical,
        &[(object, 0.45), (probe, 0.32), (loss, 0.23)],
    );
    Tree::new(egui::Id::unique("reconstruct tiles"), root, tiles)
}

impl ReconstructView {
    /// Draw the view.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        document: &mut Document,
        (queue, preferences, permissions): (&Queue, &mut Preferences, Permissions),
        commands: &mut Vec<Command>,
    ) {
        let width = (ui.available_width() * 0.32).clamp(230.0, 350.0);
        Panel::right("reconstruct side")
            .resizable(true)
            .default_size(width)
            .min_size(200.0)
            .show(ui, |ui| {
                side::side(ui, document, (queue, preferences), permissions, commands);
            });
        if document.run.preview.is_some() {
            Panel::bottom("reconstruct values").show(ui, |ui| self.pictures.finish(ui, commands));
        }
        central(ui, |ui| {
            self.options(ui, document);
            let is_running = queue.reconstruction().is_some();
            let Self {
                tree,
                pictures,
                loss,
                mode,
                is_ramp_removed,
            } = self;
            pictures.context = document.scan.pane_context();
            let run = &document.run;
            let mut wants_csv = false;
            let mut draw = |ui: &mut Ui, tile: &ReconstructTile| match (&run.preview, tile) {
                (_, ReconstructTile::Loss) => wants_csv |= draw_loss(ui, loss, run),
                (Some(preview), _) => {
                    let choice = (*mode, *is_ramp_removed);
                    draw_picture(ui, *tile, (preview, run.revision), pictures, choice);
                }
                (None, _) => {
                    let words = if is_running {
                        "The first epoch is on its way…"
                    } else {
                        "Press Run to see it converge."
                    };
                    ui.centered_and_justified(|ui| ui.weak(words));
                }
            };
            tree.ui(&mut Behavior { draw: &mut draw }, ui);
            if wants_csv {
                commands.push(Command::Do(Action::SaveLoss));
            }
        });
    }

    fn options(&mut self, ui: &mut Ui, document: &Document) {
        ui.horizontal_wrapped(|ui| {
            ui.checkbox(&mut self.is_ramp_removed, "Remove phase offset and ramp")
                .on_hover_text("For display only: ptychography leaves them free. Files keep what was reconstructed.");
            if let Some(preview) = &document.run.preview {
                let n_modes = preview.probe.len_of(Axis(0));
                self.mode = self.mode.min(n_modes.saturating_sub(1));
                mode_selector(ui, &mut self.mode, n_modes, Some(&preview.mode_power));
            }
        });
    }

    /// Forget what belongs to the scan before.
    pub fn begin_scan(&mut self) {
        self.mode = 0;
        self.pictures.begin_scan();
    }

    /// Put every pane back to its place.
    pub fn reset_layout(&mut self) {
        self.tree = layout();
    }

    /// Make a pane the one that copying and export are about.
    pub fn focus(&mut self, name: &str) {
        self.pictures.focus(name);
    }

    /// The array behind a pane, as it is shown.
    pub fn values(&self, pane: usize, preview: &Preview) -> Option<Values> {
        let object = if self.is_ramp_removed {
            &preview.object_flat
        } else {
            &preview.object
        };
        if pane < 2 {
            return Some(Values::Complex(object.clone()));
        }
        (self.mode < preview.probe.len_of(Axis(0)))
            .then(|| Values::Complex(preview.probe.index_axis(Axis(0), self.mode).to_owned()))
    }

    /// The panes.
    pub fn pictures(&mut self) -> &mut Pictures {
        &mut self.pictures
    }

    /// The panes, to look at.
    pub fn pictures_ref(&self) -> &Pictures {
        &self.pictures
    }
}

fn draw_picture(
    ui: &mut Ui,
    tile: ReconstructTile,
    (preview, revision): (&Preview, u64),
    pictures: &mut Pictures,
    (mode, is_ramp_removed): (usize, bool),
) {
    let object = if is_ramp_removed {
        &preview.object_flat
    } else {
        &preview.object
    };
    let probe = preview.probe.index_axis(Axis(0), mode);
    let object_version = revision << 32 | u64::from(is_ramp_removed);
    let probe_version = revision << 32 | mode as u64;
    let (pane, shown, version) = match tile {
        // The ramp leaves the amplitude as it is.
        ReconstructTile::ObjectAmplitude => (0, preview.object.view(), revision),
        ReconstructTile::ObjectPhase => (1, object.view(), object_version),
        ReconstructTile::ProbeAmplitude => (2, probe, probe_version),
        ReconstructTile::ProbePhase => (3, probe, probe_version),
        ReconstructTile::Loss => return,
    };
    pictures.show(ui, pane, Source::Complex(shown), version);
}

/// Draws the loss; true where its numbers are to be saved.
fn draw_loss(ui: &mut Ui, plot: &mut LinePlot, run: &Run) -> bool {
    if run.loss.is_empty() {
        ui.centered_and_justified(|ui| ui.weak("The loss of every epoch is drawn here."));
        return false;
    }
    let points = run.loss_points();
    let series = [Series {
        name: "loss",
        points: &points,
        colour_index: 0,
        is_dashed: false,
        log_from: None,
    }];
    let data = PlotData {
        x_label: "epoch",
        y_label: "loss",
        series: &series,
    };
    plot.ui(ui, "loss", "Loss", &data).is_csv_asked
}
