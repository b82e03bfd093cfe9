//! The generate view: object, probe, scan, doses and split on the left; what will come of them on the right.

mod pictures;
mod relevance;
mod run_bar;
mod sections;
mod side;
mod tables;

use egui::{Panel, Ui};
use egui_tiles::{LinearDir, Tiles, Tree};
use ndarray::Axis;
use ptycho_core::paint::component::Component;

pub(super) use self::relevance::relevance as field_relevance;

use self::pictures::Underlay;
use self::sections::Thumbnails;
use super::super::chrome::central;
use super::super::command::Command;
use super::super::document::Document;
use super::super::generation::Sketch;
use super::super::generation::sketch::COUNTS_FLOOR;
use super::super::picture_out::Values;
use super::super::preferences::Preferences;
use super::super::queue::Queue;
use super::super::widgets::image_pane::ImagePane;
use super::pictures::{Pane, Pictures};
use super::side::left_side;
use super::tiles::{Behavior, Tile, split, taken};

/// The choices of the generate view.
pub struct GenerateView {
    tree: Tree<GenerateTile>,
    pictures: Pictures,
    underlay: Underlay,
    thumbnails: Thumbnails,
    probe_mode: usize,
    /// The dose whose pattern copying and export are about.
    dose: usize,
}

/// What a tile shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GenerateTile {
    Scan,
    Object,
    ProbeAmplitude,
    ProbePhase,
    ProbeReport,
    Patterns,
    Preflight,
    Doses,
}

impl Tile for GenerateTile {
    fn title(&self) -> &'static str {
        match self {
            Self::Scan => "Scan over the object",
            Self::Object => "Object",
            Self::ProbeAmplitude => "Probe amplitude",
            Self::ProbePhase => "Probe phase",
            Self::ProbeReport => "Probe report",
            Self::Patterns => "Diffraction patterns",
            Self::Preflight => "Before the run",
            Self::Doses => "Doses and stages",
        }
    }
}

/// Numbers of the panes, and of the groups that they are linked in.
const OBJECT: usize = 0;
const PROBE_AMPLITUDE: usize = 1;
const PROBE_PHASE: usize = 2;
const PATTERN: usize = 3;
const OBJECT_GROUP: usize = 0;
const PROBE_GROUP: usize = 1;
const PATTERN_GROUP: usize = 2;

fn panes() -> Vec<(Pane, ImagePane)> {
    let pane = |title, quantity, group| Pane {
        title,
        quantity,
        unit: "",
        group,
        has_object_pixels: group != PATTERN_GROUP,
    };
    let without_histogram = |pane: ImagePane| ImagePane {
        shows_histogram: false,
        ..pane
    };
    let pattern = ImagePane {
        shows_colour_bar: false,
        shows_scale_bar: false,
        shows_caption: false,
        ..without_histogram(ImagePane::log10(COUNTS_FLOOR))
    };
    vec![
        (
            pane("Object", "amplitude", OBJECT_GROUP),
            ImagePane::default(),
        ),
        (
            pane("Probe amplitude", "amplitude", PROBE_GROUP),
            without_histogram(ImagePane::default()),
        ),
        (
            pane("Probe phase", "amplitude", PROBE_GROUP),
            without_histogram(ImagePane::new(Component::Phase)),
        ),
        (
            pane("Diffraction pattern", "counts", PATTERN_GROUP),
            pattern,
        ),
    ]
}

impl Default for GenerateView {
    fn default() -> Self {
        Self {
            tree: layout(),
            pictures: Pictures::new(panes()),
            underlay: Underlay::default(),
            thumbnails: Thumbnails::default(),
            probe_mode: 0,
            dose: 0,
        }
    }
}

/// Scan and probe above, one pattern for each dose in the middle, words and numbers below.
fn layout() -> Tree<GenerateTile> {
    let mut tiles = Tiles::default();
    let scan = tiles.insert_pane(GenerateTile::Scan);
    let object = tiles.insert_pane(GenerateTile::Object);
    let over_object = tiles.insert_tab_tile(vec![scan, object]);
    let amplitude = tiles.insert_pane(GenerateTile::ProbeAmplitude);
    let phase = tiles.insert_pane(GenerateTile::ProbePhase);
    let waves = tiles.insert_horizontal_tile(vec![amplitude, phase]);
    let report = tiles.insert_pane(GenerateTile::ProbeReport);
    let probe = split(
        &mut tiles,
        LinearDir::Vertical,
        &[(waves, 0.6), (report, 0.4)],
    );
    let above = split(
        &mut tiles,
        LinearDir::Horizontal,
        &[(over_object, 0.5), (probe, 0.5)],
    );
    let patterns = tiles.insert_pane(GenerateTile::Patterns);
    let preflight = tiles.insert_pane(GenerateTile::Preflight);
    let doses = tiles.insert_pane(GenerateTile::Doses);
    let below = split(
        &mut tiles,
        LinearDir::Horizontal,
        &[(preflight, 0.36), (doses, 0.64)],
    );
    let root = split(
        &mut tiles,
        LinearDir::Vertical,
        &[(above, 0.44), (patterns, 0.25), (below, 0.31)],
    );
    Tree::new(egui::Id::unique("generate tiles"), root, tiles)
}

impl GenerateView {
    /// Draw the view.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        document: &mut Document,
        (queue, preferences): (&Queue, &mut Preferences),
        commands: &mut Vec<Command>,
    ) {
        left_side(ui, "generate side", 270.0..=350.0, |ui| {
            side::side(ui, document, preferences, &mut self.thumbnails, commands);
        });
        Panel::top("generate run").show(ui, |ui| {
            run_bar::run_bar(ui, document, queue, commands);
        });
        if document.generation.sketch.object.is_some() {
            Panel::bottom("generate values").show(ui, |ui| self.pictures.finish(ui, commands));
        }
        central(ui, |ui| {
            let mut tree = taken(&mut self.tree);
            let mut draw = |ui: &mut Ui, tile: &GenerateTile| {
                self.draw_tile(ui, *tile, (document, queue), commands);
            };
            tree.ui(&mut Behavior { draw: &mut draw }, ui);
            self.tree = tree;
        });
    }

    fn draw_tile(
        &mut self,
        ui: &mut Ui,
        tile: GenerateTile,
        (document, queue): (&mut Document, &Queue),
        commands: &mut Vec<Command>,
    ) {
        let generation = &mut document.generation;
        match tile {
            GenerateTile::Scan => {
                let chosen =
                    pictures::scan_tile(ui, generation, &mut self.underlay, &mut self.pictures);
                generation.pattern = chosen.unwrap_or(generation.pattern);
            }
            GenerateTile::Object => {
                pictures::object_tile(ui, &generation.sketch, &mut self.pictures);
            }
            GenerateTile::ProbeAmplitude => {
                let which = (PROBE_AMPLITUDE, &mut self.probe_mode);
                pictures::probe_tile(ui, &generation.sketch, which, &mut self.pictures);
            }
            GenerateTile::ProbePhase => {
                let which = (PROBE_PHASE, &mut self.probe_mode);
                pictures::probe_tile(ui, &generation.sketch, which, &mut self.pictures);
            }
            GenerateTile::ProbeReport => {
                tables::probe_report(ui, &generation.sketch, &mut self.probe_mode);
            }
            GenerateTile::Patterns => {
                pictures::patterns_tile(ui, generation, &mut self.dose, &mut self.pictures);
            }
            GenerateTile::Preflight => tables::preflight(ui, generation, commands),
            GenerateTile::Doses => tables::doses(ui, generation, queue, commands),
        }
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
    pub fn values(&self, pane: usize, sketch: &Sketch) -> Option<Values> {
        match pane {
            OBJECT => {
                let object = sketch.object.as_ref()?;
                Some(Values::Complex((*object.values).clone()))
            }
            PATTERN => {
                let dose = sketch.patterns.as_ref()?.doses.get(self.dose)?;
                Some(Values::Real(dose.counts.clone()))
            }
            _ => {
                let modes = &sketch.probe.as_ref()?.values;
                (self.probe_mode < modes.len_of(Axis(0)))
                    .then(|| Values::Complex(modes.index_axis(Axis(0), self.probe_mode).to_owned()))
            }
        }
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
