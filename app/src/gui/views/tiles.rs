//! Tiled panes: resizable, with a title each.

use egui::{Id, Ui, WidgetText};
use egui_tiles::{Linear, LinearDir, SimplificationOptions, TileId, Tiles, Tree, UiResponse};

/// Tiles beside or over each other, each with its share of the room.
pub fn split<T>(tiles: &mut Tiles<T>, dir: LinearDir, shares: &[(TileId, f32)]) -> TileId {
    let children = shares.iter().map(|(tile, _)| *tile).collect();
    let mut split = Linear::new(dir, children);
    for (tile, share) in shares {
        split.shares.set_share(*tile, *share);
    }
    tiles.insert_container(split)
}

/// Take the tiles out of a view, which may then be borrowed while they are drawn; to be put back.
pub fn taken<T>(tree: &mut Tree<T>) -> Tree<T> {
    std::mem::replace(tree, Tree::empty(Id::unique("no tiles")))
}

/// What stands in a tile.
pub trait Tile {
    /// Words of its tab.
    fn title(&self) -> &'static str;
}

/// Draws tiles by a function.
pub struct Behavior<'a, T> {
    pub draw: &'a mut dyn FnMut(&mut Ui, &T),
}

impl<T: Tile> egui_tiles::Behavior<T> for Behavior<'_, T> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, pane: &mut T) -> UiResponse {
        egui::Frame::new()
            .inner_margin(4)
            .show(ui, |ui| (self.draw)(ui, pane));
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &T) -> WidgetText {
        pane.title().into()
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions {
            all_panes_must_have_tabs: false,
            ..SimplificationOptions::default()
        }
    }

    fn gap_width(&self, _: &egui::Style) -> f32 {
        4.0
    }

    fn min_size(&self) -> f32 {
        80.0
    }
}
