//! Where image, colour bar, histogram and caption of a pane are.

use egui::{Rect, Ui, pos2, vec2};

use super::image_pane::ImagePane;
use super::{colour_bar, histogram as strip};
use crate::gui::theme;

const LEAST_IMAGE_SIDE: f32 = 16.0 * theme::GRID;

/// Where the parts of a pane are.
pub(super) struct Rects {
    pub(super) image: Rect,
    pub(super) bar: Option<Rect>,
    pub(super) histogram: Option<Rect>,
    pub(super) caption: Rect,
}

impl Rects {
    /// In the space that is left.
    pub(super) fn allocate(ui: &mut Ui, pane: &ImagePane) -> Self {
        let has_histogram = pane.shows_histogram;
        let bar_width = if pane.shows_colour_bar {
            colour_bar::WIDTH
        } else {
            0.0
        };
        let caption_height = if pane.shows_caption {
            ui.text_style_height(&egui::TextStyle::Small)
        } else {
            0.0
        };
        let histogram_height = if has_histogram {
            strip::HEIGHT + theme::GRID
        } else {
            0.0
        };
        let below = histogram_height + caption_height + theme::GRID;
        let width = ui.available_width().max(LEAST_IMAGE_SIDE + bar_width);
        // Within a list that scrolls there is no end to the height.
        let height = if ui.available_height().is_finite() {
            ui.available_height()
        } else {
            width - bar_width + below
        };
        let height = height.max(LEAST_IMAGE_SIDE + below);
        let (_, whole) = ui.allocate_space(vec2(width, height));
        let image_size = vec2(width - bar_width, height - below);
        let image = Rect::from_min_size(whole.min, image_size);
        let bar = pane
            .shows_colour_bar
            .then(|| Rect::from_min_max(image.right_top(), pos2(whole.right(), image.bottom())));
        let histogram = has_histogram.then(|| {
            let corner = image.left_bottom() + vec2(0.0, theme::GRID);
            Rect::from_min_size(corner, vec2(image.width(), strip::HEIGHT))
        });
        let caption = Rect::from_min_max(
            pos2(whole.left(), whole.bottom() - caption_height),
            whole.right_bottom(),
        );
        Self {
            image,
            bar,
            histogram,
            caption,
        }
    }
}
