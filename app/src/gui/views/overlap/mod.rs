//! The overlap view: settings on the left; what they keep and drop, and the numbers about it, on the right.

mod histogram;
mod hover;
mod run_bar;
mod scan;
mod side;
mod tables;

use egui::{Panel, Ui};
use egui_tiles::{LinearDir, Tiles, Tree};
use ndarray::{Array2, ArrayView2};
use ptycho_core::data::Dataset;
use ptycho_core::paint::component::Source;

use self::scan::{Beneath, Underlays};
use super::super::chrome::central;
use super::super::command::Command;
use super::super::document::Document;
use super::super::picture_out::Values;
use super::super::preferences::Preferences;
use super::super::queue::{Lane, Queue};
use super::super::thinning::{ColourBy, Subject, Thinning};
use super::super::widgets::image_pane::ImagePane;
use super::pictures::{Context, Pane, Pictures};
use super::side::left_side;
use super::tiles::{Behavior, Tile, split, taken};

/// While settings are worked out the window looks for the result this often: at what a screen shows, not at the ten
/// times a second that other jobs are content with.
const LOOK_INTERVAL_S: f32 = 0.008;

/// The choices of the overlap view.
pub struct OverlapView {
    tree: Tree<OverlapTile>,
    pictures: Pictures,
    underlays: Underlays,
    colour_by: ColourBy,
    beneath: Beneath,
    shows_circles: bool,
    has_log_counts: bool,
    /// A position was pinned: its pattern is to be seen.
    opens_pattern: bool,
    /// The half whose histogram is shown.
    half: usize,
    /// The position under the cursor, a row of the subject.
    hovered: Option<usize>,
    /// The pattern that was read last: number of the subject, row, amplitudes.
    read: Option<(u64, usize, Array2<f32>)>,
}

/// What a tile shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OverlapTile {
    Scan,
    Pattern,
    Histogram,
    Numbers,
}

impl Tile for OverlapTile {
    fn title(&self) -> &'static str {
        match self {
            Self::Scan => "Scan",
            Self::Pattern => "Diffraction pattern",
            Self::Histogram => "Nearest neighbours",
            Self::Numbers => "Numbers",
        }
    }
}

const PATTERN: usize = 0;
const PATTERN_GROUP: usize = 0;
const SCAN_GROUP: usize = 1;

/// Amplitudes below this are raised to it before the logarithm.
const LOG_FLOOR: f64 = 0.5;

fn panes() -> Vec<(Pane, ImagePane)> {
    let pane = |group| Pane {
        title: "Diffraction pattern",
        quantity: "amplitude",
        unit: "√photons",
        group,
        has_object_pixels: false,
    };
    let shown = ImagePane {
        shows_histogram: false,
        shows_caption: false,
        ..ImagePane::log10(LOG_FLOOR)
    };
    // The second pane is never drawn: its group is the view of the scan plot.
    vec![
        (pane(PATTERN_GROUP), shown),
        (pane(SCAN_GROUP), ImagePane::default()),
    ]
}

impl Default for OverlapView {
    fn default() -> Self {
        Self {
            tree: layout(),
            pictures: Pictures::new(panes()),
            underlays: Underlays::default(),
            colour_by: ColourBy::default(),
            beneath: Beneath::default(),
            shows_circles: false,
            has_log_counts: true,
            opens_pattern: false,
            half: 0,
            hovered: None,
            read: None,
        }
    }
}

/// The scan large on the left, pattern and histogram beside it, the numbers below those.
fn layout() -> Tree<OverlapTile> {
    let mut tiles = Tiles::default();
    let scan = tiles.insert_pane(OverlapTile::Scan);
    let pattern = tiles.insert_pane(OverlapTile::Pattern);
    let histogram = tiles.insert_pane(OverlapTile::Histogram);
    let numbers = tiles.insert_pane(OverlapTile::Numbers);
    let pictures = tiles.insert_tab_tile(vec![pattern, histogram]);
    let beside = split(
        &mut tiles,
        LinearDir::Vertical,
        &[(pictures, 0.42), (numbers, 0.58)],
    );
    let root = split(
        &mut tiles,
        LinearDir::Horizontal,
        &[(scan, 0.6), (beside, 0.4)],
    );
    Tree::new(egui::Id::unique("overlap tiles"), root, tiles)
}

impl OverlapView {
    /// Draw the view.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        document: &mut Document,
        (queue, preferences): (&Queue, &mut Preferences),
        commands: &mut Vec<Command>,
    ) {
        if queue.is_busy(Lane::Thinning) || queue.is_busy(Lane::Subject) {
            ui.ctx().request_repaint_after_secs(LOOK_INTERVAL_S);
        }
        left_side(ui, "overlap side", 260.0..=320.0, |ui| {
            side::side(ui, document, preferences, commands);
        });
        Panel::top("overlap run").show(ui, |ui| {
            run_bar::run_bar(ui, document, queue, commands);
        });
        let Some(subject) = document.thinning.subject.clone() else {
            return central(ui, |ui| nothing(ui, document, queue));
        };
        self.pictures.context = Context {
            pixel_size_m: subject.pixel_size_m,
            from: subject.name.clone(),
            region: None,
        };
        Panel::bottom("overlap values").show(ui, |ui| self.pictures.finish(ui, commands));
        let thinning = &mut document.thinning;
        central(ui, |ui| {
            let mut tree = taken(&mut self.tree);
            let mut draw = |ui: &mut Ui, tile: &OverlapTile| match tile {
                OverlapTile::Scan => self.scan_tile(ui, thinning, &subject, commands),
                OverlapTile::Pattern => self.pattern_tile(ui, thinning, &subject),
                OverlapTile::Histogram => self.histogram_tile(ui, thinning, &subject, commands),
                OverlapTile::Numbers => tables::numbers(ui, thinning, &subject),
            };
            tree.ui(&mut Behavior { draw: &mut draw }, ui);
            if std::mem::take(&mut self.opens_pattern) {
                tree.make_active(|_, tile| {
                    matches!(tile, egui_tiles::Tile::Pane(OverlapTile::Pattern))
                });
            }
            self.tree = tree;
        });
    }

    /// The pattern under the cursor, else the pinned one.
    fn pattern_tile(&mut self, ui: &mut Ui, thinning: &Thinning, subject: &Subject) {
        let Some(row) = self.hovered.or(thinning.pinned) else {
            ui.centered_and_justified(|ui| {
                ui.weak("Point at a position to see its pattern; click to keep it.")
            });
            return;
        };
        let Some((_, half, own)) = subject.half_of(row) else {
            return;
        };
        let is_read = self
            .read
            .as_ref()
            .is_some_and(|(version, of, _)| (*version, *of) == (subject.version, row));
        if !is_read {
            self.read = Some((subject.version, row, read_frame(&half.dataset, own)));
        }
        let values = self.read.as_ref().map_or_else(
            || ArrayView2::from(&[[0.0_f32; 0]; 0]),
            |(_, _, values)| values.view(),
        );
        ui.label(format!("pattern {own} of {}", half.name));
        let version = (subject.version << 32) | row as u64;
        self.pictures
            .show(ui, PATTERN, Source::Real(values), version);
    }

    /// Put every pane back to its place.
    pub fn reset_layout(&mut self) {
        self.tree = layout();
    }

    /// Make a pane the one that copying and export are about.
    pub fn focus(&mut self, name: &str) {
        self.pictures.focus(name);
    }

    /// The pattern that is shown.
    pub fn values(&self) -> Option<Values> {
        let (_, _, values) = self.read.as_ref()?;
        Some(Values::Real(values.clone()))
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

/// Why there is nothing to see.
fn nothing(ui: &mut Ui, document: &Document, queue: &Queue) {
    let thinning = &document.thinning;
    let words = match &thinning.problem {
        Some(problem) => format!("✖ {problem}"),
        None if queue.is_busy(Lane::Subject) || queue.is_busy(Lane::Files) => "Reading…".to_owned(),
        None if thinning.is_of_folder => {
            "Name a folder of generated datasets on the left.".to_owned()
        }
        None => "Open a scan, or choose a folder of generated datasets on the left.".to_owned(),
    };
    ui.centered_and_justified(|ui| ui.add(egui::Label::new(words).wrap()));
}

fn read_frame(dataset: &Dataset, index: usize) -> Array2<f32> {
    let n = dataset.n();
    let mut values = vec![0.0; n * n];
    if index < dataset.n_patterns() {
        dataset.frames().read(index, &mut values);
    }
    Array2::from_shape_vec((n, n), values).unwrap_or_default()
}
