//! The compare view: pictures of all arms and the reference, numbers and curves on the left; what is compared, and how,
//! on the right.

mod blank;
mod numbers;
mod panes;
mod picks;
mod plots;
mod preparation;
mod side;
mod together;
mod toolbar;
mod values;

use egui::{Panel, Ui};
use egui_tiles::{Linear, LinearDir, Tiles, Tree};
use ptycho_core::paint::component::Source;

use self::panes::{Fit, PANES, PaneRow};
use self::plots::Plots;
use self::together::Together;
use super::super::chrome::central;
use super::super::command::Command;
use super::super::comparison::curves::NamedCurve;
use super::super::comparison::{Column, Quantity, Shown};
use super::super::document::Document;
use super::super::picture_out::{PaneCopy, Values};
use super::super::preferences::Preferences;
use super::super::queue::{Lane, Queue};
use super::pictures::{Context, Pictures};
use super::tiles::{Behavior, Tile};

/// While a comparison is worked out the window looks for the result this often: at what a screen shows.
const LOOK_INTERVAL_S: f32 = 0.008;

/// How the pictures stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A column for each arm.
    #[default]
    SideBySide,
    /// Two in turn, in one place.
    Blink,
    /// Two in one place, with a divider between them.
    Swipe,
}

/// What a drag over a picture does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tool {
    /// Moves the pictures.
    #[default]
    Move,
    /// Draws the region that is compared.
    Region,
    /// Draws the line whose profile is shown.
    Line,
}

/// The choices of the compare view.
pub struct CompareView {
    tree: Tree<CompareTile>,
    pictures: Pictures,
    /// Which of the rows of panes are shown.
    rows: [bool; PANES.len()],
    mode: Mode,
    tool: Tool,
    /// Show pictures as they stand in their files.
    is_raw: bool,
    /// One scale for all panes of a row.
    is_shared: bool,
    fit: Option<Fit>,
    together: Together,
    plots: Plots,
    /// The column whose pane copying and export are about.
    column: usize,
}

/// What a tile shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CompareTile {
    Pictures,
    Numbers,
    Preparation,
    Frc,
    Profile,
    Ratio,
}

impl Tile for CompareTile {
    fn title(&self) -> &'static str {
        match self {
            Self::Pictures => "Pictures",
            Self::Numbers => "Metrics",
            Self::Preparation => "Preparation",
            Self::Frc => "Ring correlation",
            Self::Profile => "Line profile",
            Self::Ratio => "Ratio",
        }
    }
}

impl Default for CompareView {
    fn default() -> Self {
        Self {
            tree: layout(),
            pictures: Pictures::new(panes::panes()),
            rows: [true, true, true, false],
            mode: Mode::default(),
            tool: Tool::default(),
            is_raw: false,
            is_shared: true,
            fit: None,
            together: Together::default(),
            plots: Plots::default(),
            column: 0,
        }
    }
}

/// Pictures above; numbers and curves below.
fn layout() -> Tree<CompareTile> {
    let mut tiles = Tiles::default();
    let pictures = tiles.insert_pane(CompareTile::Pictures);
    let mut tabs = |shown: &[CompareTile]| {
        let shown = shown.iter().map(|tile| tiles.insert_pane(*tile)).collect();
        tiles.insert_tab_tile(shown)
    };
    let numbers = tabs(&[CompareTile::Numbers, CompareTile::Preparation]);
    let curves = tabs(&[CompareTile::Frc, CompareTile::Profile, CompareTile::Ratio]);
    let below = tiles.insert_horizontal_tile(vec![numbers, curves]);
    let mut root = Linear::new(LinearDir::Vertical, vec![pictures, below]);
    root.shares.set_share(pictures, 0.66);
    root.shares.set_share(below, 0.34);
    let root = tiles.insert_container(root);
    Tree::new(egui::Id::unique("compare tiles"), root, tiles)
}

impl CompareView {
    /// Draw the view.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        document: &mut Document,
        (queue, preferences): (&Queue, &mut Preferences),
        commands: &mut Vec<Command>,
    ) {
        if queue.is_busy(Lane::Compare) {
            ui.ctx().request_repaint_after_secs(LOOK_INTERVAL_S);
        }
        let width = (ui.available_width() * 0.27).clamp(250.0, 320.0);
        Panel::right("compare side")
            .resizable(true)
            .default_size(width)
            .min_size(220.0)
            .show(ui, |ui| {
                side::side(ui, document, (queue, preferences), commands);
            });
        let Some(shown) = document.comparing.shown.clone() else {
            return central(ui, |ui| blank::blank(ui, document, queue, commands));
        };
        Panel::bottom("compare values").show(ui, |ui| {
            let cursor = self.pictures.group(0).cursor;
            values::value_lines(ui, &shown, cursor, self.is_raw);
            self.pictures.finish_unread(commands);
        });
        self.pictures.context = Context {
            pixel_size_m: shown.comparison.pixel_size_m,
            from: format!("compared with {}", shown.comparison.reference),
            region: None,
        };
        let is_current = document.comparing.is_current(&document.scan);
        central(ui, |ui| {
            let empty = Tree::empty(egui::Id::unique("no tiles"));
            let mut tree = std::mem::replace(&mut self.tree, empty);
            let mut draw = |ui: &mut Ui, tile: &CompareTile| match tile {
                CompareTile::Pictures => {
                    self.toolbar(ui, &shown, is_current, &document.comparing);
                    self.picture_tile(ui, &shown, &mut document.comparing.draft.region);
                }
                CompareTile::Numbers => numbers::numbers(ui, &shown, is_current, commands),
                CompareTile::Preparation => preparation::preparation(ui, &shown, is_current),
                CompareTile::Frc => self.plots.frc(ui, &shown, commands),
                CompareTile::Profile => self.plots.profile(ui, (&shown, self.is_raw), commands),
                CompareTile::Ratio => self.plots.ratio(ui, &shown, commands),
            };
            tree.ui(&mut Behavior { draw: &mut draw }, ui);
            if std::mem::take(&mut self.plots.opens_profile) {
                tree.make_active(|_, tile| {
                    matches!(tile, egui_tiles::Tile::Pane(CompareTile::Profile))
                });
            }
            self.tree = tree;
        });
    }

    /// Put every pane back to its place.
    pub fn reset_layout(&mut self) {
        self.tree = layout();
        self.rows = Self::default().rows;
    }

    /// Make a pane the one that copying and export are about.
    pub fn focus(&mut self, name: &str) {
        self.pictures.focus(name);
    }

    /// The panes.
    pub fn pictures(&mut self) -> &mut Pictures {
        &mut self.pictures
    }

    /// The panes, to look at.
    pub fn pictures_ref(&self) -> &Pictures {
        &self.pictures
    }

    /// A copy of the pane that was clicked last, as it is shown.
    pub fn copy(&self, document: &Document) -> Option<PaneCopy> {
        let shown = document.comparing.shown.as_ref()?;
        let row = PANES[self.pictures.focused().0];
        let column = shown.columns.get(self.column)?;
        let values = self.values_of(row, column)?;
        let mut copy = self.pictures.copy(Values::Real(values.clone()));
        copy.title = row.title(column, &shown.comparison.reference);
        copy.context.from = format!(
            "{}, {}",
            file_of(shown, column),
            if self.is_raw {
                "as in the file"
            } else {
                "as compared"
            }
        );
        let look = &mut copy.pane.look;
        look.limits = look.limits.or(self.shared_limits(row, shown));
        Some(copy)
    }

    /// The curves of the plot that was last asked to be saved, and the words of its axes.
    pub fn curves(&self, shown: &Shown) -> (Vec<NamedCurve>, [String; 2]) {
        self.plots.curves(shown, self.is_raw)
    }

    /// What those curves are called in the names of files.
    pub fn curves_name(&self) -> &'static str {
        self.plots.saved.name()
    }

    /// How the pictures stand, and what a drag does.
    pub fn choices(&self) -> (Mode, Tool) {
        (self.mode, self.tool)
    }

    /// The line whose profile is shown, from (row, column) to (row, column).
    pub fn line(&self) -> Option<[[f64; 2]; 2]> {
        self.plots.line
    }

    /// Where the divider of the swipe stands, in columns of the object.
    pub fn divider(&self) -> Option<f64> {
        self.together.divider
    }
}

/// The file that a column is of.
fn file_of(shown: &Shown, column: &Column) -> String {
    let loaded = &shown.opened.loaded;
    let arm = loaded.arms.iter().find(|arm| arm.name == column.name);
    let file = arm.map(|arm| &arm.file).or(loaded.inputs.truth.as_ref());
    file.map_or_else(String::new, |file| file.display().to_string())
}

/// A picture of real values.
fn real(values: &ndarray::Array2<f32>) -> Source<'_> {
    Source::Real(values.view())
}

/// The quantity of a row of values.
fn value_row(quantity: Quantity) -> PaneRow {
    PANES[quantity.index()]
}
