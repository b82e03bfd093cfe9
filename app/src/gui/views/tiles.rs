//! Tiled panes: resizable, with a title each.

use egui::{Ui, WidgetText};
use egui_tiles::{SimplificationOptions, TileId, UiResponse};

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
