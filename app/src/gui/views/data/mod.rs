//! The data view: what is in the scan, is it right, what can be done next.

mod banner;
mod frames;
mod keys;
mod tools;

use std::sync::Arc;

use egui::{Panel, Ui};
use egui_tiles::{LinearDir, Tiles, Tree};
use ndarray::Axis;
use ptycho_core::data::Dataset;
use ptycho_core::paint::component::Source;
use ptycho_core::study::tools::Tool;

use self::frames::FrameBrowser;
pub use self::tools::Foreseen;
use self::tools::ToolsPanel;
use super::super::chrome::central;
use super::super::command::Command;
use super::super::document::{Document, Scan};
use super::super::picture_out::Values;
use super::super::preferences::Preferences;
use super::super::queue::{Lane, Queue};
use super::super::widgets::image_pane::ImagePane;
use super::pictures::{Pane, Pictures};
use super::tiles::{Behavior, Tile, split};

/// The choices of the data view.
pub struct DataView {
    tree: Tree<DataTile>,
    pictures: Pictures,
    frames: FrameBrowser,
    probe_mode: usize,
    tools: ToolsPanel,
}

/// What a tile shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DataTile {
    Keys,
    Pattern,
    Positions,
    Object,
    Probe,
}

impl Tile for DataTile {
    fn title(&self) -> &'static str {
        match self {
            Self::Keys => "Keys and verdicts",
            Self::Pattern => "Diffraction patterns",
            Self::Positions => "Scan positions",
            Self::Object => "Object in the file",
            Self::Probe => "Probe in the file",
        }
    }
}

/// Numbers of the panes, and of the groups that they are linked in.
const PATTERN: usize = 0;
const OBJECT: usize = 1;
const PROBE: usize = 2;

/// Amplitudes below this are raised to it before the logarithm.
const LOG_FLOOR: f64 = 0.5;

fn panes() -> Vec<(Pane, ImagePane)> {
    let pane = |title, unit, group| Pane {
        title,
        quantity: "amplitude",
        unit,
        group,
        has_object_pixels: group != PATTERN,
    };
    vec![
        (
            pane("Diffraction pattern", "√photons", PATTERN),
            ImagePane::log10(LOG_FLOOR),
        ),
        (pane("Object in the file", "", OBJECT), ImagePane::default()),
        (
            pane("Probe in the file", "√photons", PROBE),
            ImagePane::default(),
        ),
    ]
}

impl Default for DataView {
    fn default() -> Self {
        Self {
            tree: layout(),
            pictures: Pictures::new(panes()),
            frames: FrameBrowser::default(),
            probe_mode: 0,
            tools: ToolsPanel::default(),
        }
    }
}

/// Keys above; patterns, positions, object and probe below.
fn layout() -> Tree<DataTile> {
    let mut tiles = Tiles::default();
    let keys = tiles.insert_pane(DataTile::Keys);
    let pattern = tiles.insert_pane(DataTile::Pattern);
    let positions = tiles.insert_pane(DataTile::Positions);
    let object = tiles.insert_pane(DataTile::Object);
    let probe = tiles.insert_pane(DataTile::Probe);
    let arrays = tiles.insert_tab_tile(vec![probe, object]);
    let below = tiles.insert_horizontal_tile(vec![pattern, positions, arrays]);
    let root = split(
        &mut tiles,
        LinearDir::Vertical,
        &[(keys, 0.3), (below, 0.7)],
    );
    Tree::new(egui::Id::unique("data tiles"), root, tiles)
}

impl DataView {
    /// Draw the view.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        document: &Document,
        (queue, preferences): (&Queue, &Preferences),
        (path_text, commands): (&mut String, &mut Vec<Command>),
    ) {
        Panel::top("data top").show(ui, |ui| {
            ui.add_space(4.0);
            banner::path_row(ui, path_text, commands);
            if document.scan.source.is_some() {
                banner::banner(ui, document, queue, (&mut self.tools.is_open, commands));
            }
            ui.add_space(2.0);
        });
        if document.scan.dataset.is_some() {
            Panel::bottom("data values").show(ui, |ui| self.pictures.finish(ui, commands));
        }
        if self.tools.is_open && document.scan.source.is_some() {
            let width = (ui.available_width() * 0.3).clamp(230.0, 330.0);
            Panel::right("data tools")
                .resizable(true)
                .default_size(width)
                .min_size(200.0)
                .show(ui, |ui| {
                    let is_busy = queue.is_busy(Lane::Files);
                    self.tools.ui(ui, &document.scan, is_busy, commands);
                });
        }
        central(ui, |ui| {
            if document.scan.source.is_none() {
                return banner::welcome(ui, preferences, commands);
            }
            let Self {
                tree,
                pictures,
                frames,
                probe_mode,
                tools,
            } = self;
            frames.advance(ui, document);
            pictures.context = document.scan.pane_context();
            let mut draw = |ui: &mut Ui, tile: &DataTile| {
                draw_tile(
                    ui,
                    *tile,
                    &document.scan,
                    (pictures, frames, probe_mode, tools),
                );
            };
            tree.ui(&mut Behavior { draw: &mut draw }, ui);
        });
    }

    /// Forget what belongs to the scan before.
    pub fn begin_scan(&mut self) {
        self.frames.begin_scan();
        self.probe_mode = 0;
        self.pictures.begin_scan();
    }

    /// The newest choice of the tools, if nobody has looked what comes out of it.
    pub fn take_outlook_request(&mut self) -> Option<(u64, Tool)> {
        self.tools.take_request()
    }

    /// Take what a tool would write.
    pub fn foreseen(&mut self, foreseen: Foreseen) {
        self.tools.take(foreseen);
    }

    /// A look at what a tool would write that failed in an unforeseen way.
    pub fn outlook_failed(&mut self, words: String) {
        self.tools.failed(words);
    }

    /// Show the pattern before or after.
    pub fn step_frame(&mut self, step: isize, document: &Document) {
        self.frames.step(step, document);
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
    pub fn values(&self, pane: usize, scan: &Scan, dataset: &Dataset) -> Option<Values> {
        if pane == OBJECT {
            return dataset
                .object()
                .map(|object| Values::Complex(object.clone()));
        }
        if pane == PROBE {
            let mode = self.probe_mode;
            let probe = dataset.probe();
            return (mode < probe.len_of(Axis(0)))
                .then(|| Values::Complex(probe.index_axis(Axis(0), mode).to_owned()));
        }
        self.frames.values(scan, dataset).map(Values::Real)
    }

    /// The panes.
    pub fn pictures(&mut self) -> &mut Pictures {
        &mut self.pictures
    }

    /// The panes, to look at.
    pub fn pictures_ref(&self) -> &Pictures {
        &self.pictures
    }

    /// The pattern that is shown.
    pub fn frame_index(&self) -> usize {
        self.frames.index()
    }
}

fn draw_tile(
    ui: &mut Ui,
    tile: DataTile,
    scan: &Scan,
    (pictures, frames, probe_mode, tools): (
        &mut Pictures,
        &mut FrameBrowser,
        &mut usize,
        &ToolsPanel,
    ),
) {
    if tile == DataTile::Keys {
        match &scan.inspection {
            Some(inspection) => keys::keys_table(ui, inspection, &scan.statistics),
            None => nothing(ui, scan),
        }
        return;
    }
    let Some(dataset) = &scan.dataset else {
        return nothing(ui, scan);
    };
    match tile {
        DataTile::Keys => {}
        DataTile::Pattern => frames.pattern_tile(ui, scan, dataset, pictures),
        DataTile::Positions => {
            let marks = tools.marks(scan);
            frames.positions_tile(ui, (scan, dataset), marks.as_ref(), pictures.group(OBJECT));
        }
        DataTile::Object => object_tile(ui, scan, dataset, pictures),
        DataTile::Probe => probe_tile(ui, scan, dataset, pictures, probe_mode),
    }
}

/// Another number for another array of this window's scans.
fn version(scan: &Scan, part: usize) -> u64 {
    (scan.id << 32) | part as u64
}

/// An empty tile says why it is empty.
fn nothing(ui: &mut Ui, scan: &Scan) {
    let words = if scan.problem.is_some() {
        "Nothing to show: the file cannot be used."
    } else {
        "Reading…"
    };
    ui.centered_and_justified(|ui| ui.weak(words));
}

fn object_tile(ui: &mut Ui, scan: &Scan, dataset: &Arc<Dataset>, pictures: &mut Pictures) {
    match dataset.object() {
        Some(object) => {
            pictures.show(ui, OBJECT, Source::Complex(object.view()), version(scan, 0));
        }
        None => {
            ui.centered_and_justified(|ui| {
                ui.weak("The file holds no objectGuess. A reconstruction does not need one.")
            });
        }
    }
}

fn probe_tile(
    ui: &mut Ui,
    scan: &Scan,
    dataset: &Arc<Dataset>,
    pictures: &mut Pictures,
    mode: &mut usize,
) {
    let n_modes = dataset.probe().len_of(Axis(0));
    *mode = (*mode).min(n_modes.saturating_sub(1));
    mode_selector(ui, mode, n_modes, None);
    let probe = dataset.probe().index_axis(Axis(0), *mode);
    pictures.show(ui, PROBE, Source::Complex(probe), version(scan, *mode));
}

/// Chooses one of several probe modes; nothing is drawn for a single one.
pub fn mode_selector(ui: &mut Ui, mode: &mut usize, n_modes: usize, power: Option<&[f64]>) {
    if n_modes < 2 {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.label("Probe mode");
        for i in 0..n_modes {
            let words = match power.and_then(|power| power.get(i)) {
                Some(share) => format!("{} ({:.1} %)", i + 1, 100.0 * share),
                None => (i + 1).to_string(),
            };
            ui.selectable_value(mode, i, words);
        }
    });
}
