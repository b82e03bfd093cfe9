//! The train view: data, network and loss on the left; how it learns, and what the network reconstructs, on the right.

mod bundle;
mod form;
mod history;
mod pictures;
mod plots;
mod preflight;
mod relevance;
mod run_bar;
mod runs;
mod side;

use egui::{Panel, RichText, Ui};
use egui_tiles::{LinearDir, Tiles, Tree};

pub(super) use self::relevance::relevance as field_relevance;

use self::pictures::Scale;
use self::plots::Plots;
use super::super::chrome::central;
use super::super::command::Command;
use super::super::document::Document;
use super::super::picture_out::Values;
use super::super::preferences::Preferences;
use super::super::queue::Queue;
use super::super::theme;
use super::super::training::Training;
use super::super::training::curves::Per;
use super::pictures::{Context, Pictures};
use super::side::left_side;
use super::tiles::{Behavior, Tile, split, taken};

/// Which half of the work is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// How a network learns.
    #[default]
    Training,
    /// What a trained network makes of other data.
    Reconstruction,
}

/// The choices of the train view.
pub struct TrainView {
    page: Page,
    learning: Tree<TrainTile>,
    using: Tree<TrainTile>,
    pictures: Pictures,
    scale: Scale,
    plots: Plots,
    /// The list of runs is to come to the front.
    opens_runs: bool,
}

/// What a tile shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TrainTile {
    /// The picture of this number.
    Picture(usize),
    Loss,
    Preflight,
    Runs,
    History,
    Bundle,
    Form,
    Numbers,
}

impl Tile for TrainTile {
    fn title(&self) -> &'static str {
        match self {
            Self::Picture(pane) => pictures::TITLES[*pane],
            Self::Loss => "Loss",
            Self::Preflight => "Before the run",
            Self::Runs => "Runs",
            Self::History => "History",
            Self::Bundle => "Bundle",
            Self::Form => "Reconstruct with a bundle",
            Self::Numbers => "Numbers",
        }
    }
}

impl Default for TrainView {
    fn default() -> Self {
        Self {
            page: Page::default(),
            learning: learning(),
            using: using(),
            pictures: Pictures::new(pictures::panes()),
            scale: Scale::default(),
            plots: Plots::default(),
            opens_runs: false,
        }
    }
}

/// Pairs over each other above: pattern, patch, object; losses and lists below.
fn learning() -> Tree<TrainTile> {
    let mut tiles = Tiles::default();
    let mut column = |upper, lower| {
        let upper = tiles.insert_pane(TrainTile::Picture(upper));
        let lower = tiles.insert_pane(TrainTile::Picture(lower));
        tiles.insert_vertical_tile(vec![upper, lower])
    };
    let columns = vec![
        column(pictures::MEASURED, pictures::PREDICTED),
        column(pictures::PATCH_AMPLITUDE, pictures::PATCH_PHASE),
        column(pictures::OBJECT_AMPLITUDE, pictures::OBJECT_PHASE),
    ];
    let above = tiles.insert_horizontal_tile(columns);
    let loss = tiles.insert_pane(TrainTile::Loss);
    let lists = [
        TrainTile::Preflight,
        TrainTile::Runs,
        TrainTile::History,
        TrainTile::Bundle,
    ];
    let lists = lists.map(|tile| tiles.insert_pane(tile)).to_vec();
    let lists = tiles.insert_tab_tile(lists);
    let below = split(
        &mut tiles,
        LinearDir::Horizontal,
        &[(loss, 0.5), (lists, 0.5)],
    );
    let root = split(
        &mut tiles,
        LinearDir::Vertical,
        &[(above, 0.58), (below, 0.42)],
    );
    Tree::new(egui::Id::unique("train tiles"), root, tiles)
}

/// The result above, what it is made of and its numbers below.
fn using() -> Tree<TrainTile> {
    let mut tiles = Tiles::default();
    let shown = [
        pictures::RESULT_AMPLITUDE,
        pictures::RESULT_PHASE,
        pictures::COVERAGE,
    ];
    let shown = shown.map(|pane| tiles.insert_pane(TrainTile::Picture(pane)));
    let above = tiles.insert_horizontal_tile(shown.to_vec());
    let form = tiles.insert_pane(TrainTile::Form);
    let numbers = tiles.insert_pane(TrainTile::Numbers);
    let below = split(
        &mut tiles,
        LinearDir::Horizontal,
        &[(form, 0.58), (numbers, 0.42)],
    );
    let root = split(
        &mut tiles,
        LinearDir::Vertical,
        &[(above, 0.56), (below, 0.44)],
    );
    Tree::new(egui::Id::unique("inference tiles"), root, tiles)
}

impl TrainView {
    /// Draw the view.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        document: &mut Document,
        (queue, preferences): (&Queue, &mut Preferences),
        commands: &mut Vec<Command>,
    ) {
        left_side(ui, "train side", 260.0..=330.0, |ui| {
            side::side(ui, document, preferences, commands);
        });
        Panel::top("train run").show(ui, |ui| {
            run_bar::run_bar(ui, document, queue, commands);
        });
        if self.has_pictures(&document.training) {
            Panel::bottom("train values").show(ui, |ui| self.pictures.finish(ui, commands));
        }
        central(ui, |ui| {
            self.options(ui, document, commands);
            let tree = match self.page {
                Page::Training => &mut self.learning,
                Page::Reconstruction => &mut self.using,
            };
            let mut tree = taken(tree);
            if std::mem::take(&mut self.opens_runs) {
                tree.make_active(|_, tile| matches!(tile, egui_tiles::Tile::Pane(TrainTile::Runs)));
            }
            let table = preferences.parameters;
            let mut draw = |ui: &mut Ui, tile: &TrainTile| match tile {
                TrainTile::Form => form::form(ui, document, (queue, table), commands),
                tile => self.tile(ui, *tile, (document, queue), commands),
            };
            tree.ui(&mut Behavior { draw: &mut draw }, ui);
            match self.page {
                Page::Training => self.learning = tree,
                Page::Reconstruction => self.using = tree,
            }
        });
    }

    fn tile(
        &mut self,
        ui: &mut Ui,
        tile: TrainTile,
        (document, queue): (&mut Document, &Queue),
        commands: &mut Vec<Command>,
    ) {
        match tile {
            TrainTile::Picture(pane) => self.picture_tile(ui, pane, document),
            TrainTile::Loss => self.plots.ui(ui, &document.training, commands),
            TrainTile::Preflight => preflight::preflight(ui, document, commands),
            TrainTile::Runs => runs::runs(ui, &mut document.training, queue, commands),
            TrainTile::History => history::history(ui, &document.training),
            TrainTile::Bundle => bundle::bundle(ui, &document.training, commands),
            // Drawn with the choice of its table.
            TrainTile::Form => {}
            TrainTile::Numbers => form::numbers(ui, &document.training, commands),
        }
    }

    /// The switch between both pages, and what the pictures are of.
    fn options(&mut self, ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
        ui.horizontal_wrapped(|ui| {
            ui.selectable_value(&mut self.page, Page::Training, "Training")
                .on_hover_text("How a network learns");
            ui.selectable_value(&mut self.page, Page::Reconstruction, "Reconstruction")
                .on_hover_text("What a trained network makes of other data");
            ui.separator();
            match self.page {
                Page::Training => pictures::preview_line(ui, &mut document.training),
                Page::Reconstruction => pictures::result_line(ui, &document.training, commands),
            }
        });
    }

    fn has_pictures(&self, training: &Training) -> bool {
        match self.page {
            Page::Training => training.arm().is_some_and(|arm| arm.preview.is_some()),
            Page::Reconstruction => training.inference.done.is_some(),
        }
    }

    fn picture_tile(&mut self, ui: &mut Ui, pane: usize, document: &Document) {
        let training = &document.training;
        let from = match self.page {
            Page::Training => training.arm().map(|arm| arm.name.clone()),
            Page::Reconstruction => training
                .inference
                .task
                .as_ref()
                .map(|task| task.output.display().to_string()),
        };
        self.pictures.context = Context {
            from: from.unwrap_or_default(),
            ..Context::default()
        };
        let drawn = pictures::draw(ui, pane, training, (&mut self.pictures, &mut self.scale));
        if let Err(words) = drawn {
            ui.strong(pictures::TITLES[pane]);
            ui.centered_and_justified(|ui| {
                let words = RichText::new(words).color(theme::palette(ui).weak);
                ui.add(egui::Label::new(words).wrap())
            });
        }
    }

    /// Which half of the work is looked at.
    pub fn page(&self) -> Page {
        self.page
    }

    /// Look at a half of the work; at the training with the list of runs before the settings' pre-flight.
    pub fn show(&mut self, page: Page) {
        self.page = page;
        self.opens_runs = page == Page::Training;
    }

    /// What the x axis of the losses counts.
    pub fn per(&self) -> Per {
        self.plots.per
    }

    /// Put every pane back to its place.
    pub fn reset_layout(&mut self) {
        self.learning = learning();
        self.using = using();
    }

    /// Make a pane the one that copying and export are about.
    pub fn focus(&mut self, name: &str) {
        self.pictures.focus(name);
    }

    /// The array behind a pane, as it is shown.
    pub fn values(pane: usize, training: &Training) -> Option<Values> {
        pictures::values(pane, training)
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
