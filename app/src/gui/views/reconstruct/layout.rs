//! The pages of the view and the tiles of each.

use egui_tiles::{LinearDir, Tiles, Tree};

use super::super::tiles::{Tile, split};

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// Object and probe as they converge.
    #[default]
    Pictures,
    /// Numbers of every epoch.
    Course,
    /// Where the refined positions have gone.
    Positions,
    /// How the probe varies from pattern to pattern.
    Variation,
    /// The eight orientations side by side.
    Orientation,
    /// Even and odd patterns apart.
    Halves,
}

impl Page {
    /// Every page.
    pub const ALL: [Self; 6] = [
        Self::Pictures,
        Self::Course,
        Self::Positions,
        Self::Variation,
        Self::Orientation,
        Self::Halves,
    ];

    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Pictures => ("Pictures", "Object and probe as they converge"),
            Self::Course => (
                "Curves",
                "How the run goes: loss, power of the probe, correction of the positions and power of the modes",
            ),
            Self::Positions => (
                "Positions",
                "Position shifts: how far the refined positions stand from the given ones",
            ),
            Self::Variation => (
                "Probe variation",
                "Weights and modes of orthogonal probe relaxation (OPR), and varying intensity",
            ),
            Self::Orientation => (
                "Orientation",
                "Orientation trial: which way round are the patterns stored? All eight ways for a few epochs each",
            ),
            Self::Halves => (
                "Even and odd",
                "How far do reconstructions of the even and of the odd patterns agree?",
            ),
        }
    }
}

/// What a tile shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReconstructTile {
    ObjectAmplitude,
    ObjectPhase,
    ProbeAmplitude,
    ProbePhase,
    Loss,
    CourseLoss,
    ProbePower,
    PositionRms,
    Modes,
    Shifts,
    ShiftNumbers,
    Weights,
    VariationNumbers,
    OprAmplitude,
    OprPhase,
}

impl Tile for ReconstructTile {
    fn title(&self) -> &'static str {
        match self {
            Self::ObjectAmplitude => "Object amplitude",
            Self::ObjectPhase => "Object phase",
            Self::ProbeAmplitude => "Probe amplitude",
            Self::ProbePhase => "Probe phase",
            Self::Loss | Self::CourseLoss => "Loss",
            Self::ProbePower => "Probe power",
            Self::PositionRms => "Position correction",
            Self::Modes => "Probe modes",
            Self::Shifts => "Position shifts",
            Self::ShiftNumbers => "Shifts in numbers",
            Self::Weights => "Weights",
            Self::VariationNumbers => "Variation in numbers",
            Self::OprAmplitude => "OPR mode amplitude",
            Self::OprPhase => "OPR mode phase",
        }
    }
}

/// The tiles of the pages that have some.
pub(super) struct Trees {
    pictures: Tree<ReconstructTile>,
    course: Tree<ReconstructTile>,
    positions: Tree<ReconstructTile>,
    variation: Tree<ReconstructTile>,
}

impl Default for Trees {
    fn default() -> Self {
        Self {
            pictures: pictures(),
            course: course(),
            positions: positions(),
            variation: variation(),
        }
    }
}

impl Trees {
    /// The tiles of a page.
    pub(super) fn of(&mut self, page: Page) -> Option<&mut Tree<ReconstructTile>> {
        match page {
            Page::Pictures => Some(&mut self.pictures),
            Page::Course => Some(&mut self.course),
            Page::Positions => Some(&mut self.positions),
            Page::Variation => Some(&mut self.variation),
            Page::Orientation | Page::Halves => None,
        }
    }
}

/// Two by two, and the loss below.
fn pictures() -> Tree<ReconstructTile> {
    use ReconstructTile as T;
    let mut tiles = Tiles::default();
    let object = [T::ObjectAmplitude, T::ObjectPhase].map(|tile| tiles.insert_pane(tile));
    let probe = [T::ProbeAmplitude, T::ProbePhase].map(|tile| tiles.insert_pane(tile));
    let loss = tiles.insert_pane(T::Loss);
    let object = tiles.insert_horizontal_tile(object.to_vec());
    let probe = tiles.insert_horizontal_tile(probe.to_vec());
    let shares = [(object, 0.43), (probe, 0.35), (loss, 0.22)];
    let root = split(&mut tiles, LinearDir::Vertical, &shares);
    Tree::new(egui::Id::unique("reconstruct tiles"), root, tiles)
}

/// Two by two.
fn course() -> Tree<ReconstructTile> {
    use ReconstructTile as T;
    let mut tiles = Tiles::default();
    let above = [T::CourseLoss, T::ProbePower].map(|tile| tiles.insert_pane(tile));
    let below = [T::PositionRms, T::Modes].map(|tile| tiles.insert_pane(tile));
    let above = tiles.insert_horizontal_tile(above.to_vec());
    let below = tiles.insert_horizontal_tile(below.to_vec());
    let root = tiles.insert_vertical_tile(vec![above, below]);
    Tree::new(egui::Id::unique("course tiles"), root, tiles)
}

/// The plot on the left, its numbers on the right.
fn positions() -> Tree<ReconstructTile> {
    let mut tiles = Tiles::default();
    let plot = tiles.insert_pane(ReconstructTile::Shifts);
    let numbers = tiles.insert_pane(ReconstructTile::ShiftNumbers);
    let rms = tiles.insert_pane(ReconstructTile::PositionRms);
    let shares = [(numbers, 0.45), (rms, 0.55)];
    let beside = split(&mut tiles, LinearDir::Vertical, &shares);
    let shares = [(plot, 0.64), (beside, 0.36)];
    let root = split(&mut tiles, LinearDir::Horizontal, &shares);
    Tree::new(egui::Id::unique("position tiles"), root, tiles)
}

/// Modes above, weights below.
fn variation() -> Tree<ReconstructTile> {
    use ReconstructTile as T;
    let mut tiles = Tiles::default();
    let modes = [T::OprAmplitude, T::OprPhase].map(|tile| tiles.insert_pane(tile));
    let above = tiles.insert_horizontal_tile(modes.to_vec());
    let weights = tiles.insert_pane(T::Weights);
    let numbers = tiles.insert_pane(T::VariationNumbers);
    let shares = [(weights, 0.68), (numbers, 0.32)];
    let below = split(&mut tiles, LinearDir::Horizontal, &shares);
    let shares = [(above, 0.5), (below, 0.5)];
    let root = split(&mut tiles, LinearDir::Vertical, &shares);
    Tree::new(egui::Id::unique("variation tiles"), root, tiles)
}
