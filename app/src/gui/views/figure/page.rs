//! The figure as it will be on paper, to zoom into: drawn anew as fine as the screen shows it.

use egui::{Rect, Sense, Ui, pos2, vec2};

use super::super::super::figure::{Drawn, Figuring};
use super::super::super::texture::PictureTexture;
use super::super::super::theme;
use super::super::super::widgets::viewport::{LinkedView, Viewport};

/// Cells of the page along a millimetre, in which zoom is counted.
const CELLS_PER_MM: f64 = 10.0;
/// Bounds of what is drawn across the page, in pixels of the screen.
const WIDTH_PX: [f32; 2] = [320.0, 4096.0];
/// A picture that misses the size of the page by no more is shown pixel by pixel: heights are whole pixels, so that the
/// exact size might never be found.
const NEAR_PX: usize = 3;
/// Points of the screen along an inch of paper.
const POINTS_PER_INCH: f32 = 96.0;
const MM_PER_INCH: f32 = 25.4;

/// The page and how it is looked at.
#[derive(Default)]
pub(super) struct PageView {
    pub(super) view: LinkedView,
    texture: PictureTexture,
    /// Which picture the texture is of.
    version: u64,
}

/// Pixels of the screen along a width in points, within what is drawn.
pub(super) fn width_px(ui: &Ui, width_pt: f32) -> usize {
    let [least, most] = WIDTH_PX;
    (width_pt * ui.ctx().pixels_per_point())
        .round()
        .clamp(least, most) as usize
}

impl PageView {
    /// Show the page as large as on paper.
    pub(super) fn paper_size(&mut self) {
        self.view.centre = None;
        let points_per_mm = POINTS_PER_INCH / MM_PER_INCH;
        self.view.points_per_px = Some(points_per_mm / CELLS_PER_MM as f32);
    }

    /// Draw the page that is there, and ask for one of the size that is looked at.
    pub(super) fn ui(&mut self, ui: &mut Ui, figuring: &mut Figuring) {
        let Some(drawn) = figuring.drawn.clone() else {
            return;
        };
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
        let response = response.accessible_name("Preview of the figure");
        let dim = cells(&drawn);
        let viewport = Viewport::new(rect.shrink(theme::GRID), dim, &self.view);
        viewport.interact(ui, &response, &mut self.view);
        let viewport = Viewport::new(rect.shrink(theme::GRID), dim, &self.view);
        let wanted = width_px(ui, viewport.array_rect().width());
        if NEAR_PX < wanted.abs_diff(figuring.width_px) && !response.dragged() {
            figuring.width_px = wanted;
            ui.ctx().request_repaint();
        }
        self.paint(ui, (rect, viewport.array_rect()), &drawn);
    }

    fn paint(&mut self, ui: &Ui, (rect, page): (Rect, Rect), drawn: &Drawn) {
        if self.version != drawn.version {
            self.version = drawn.version;
            self.texture.invalidate();
        }
        let texture = self.texture.get(ui.ctx(), "figure", &drawn.pixels, 1);
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, 0.0, theme::palette(ui).image_ground);
        // On whole pixels, so that letters stay sharp.
        let scale = ui.ctx().pixels_per_point();
        let corner = pos2(
            (page.left() * scale).round() / scale,
            (page.top() * scale).round() / scale,
        );
        let shown = Rect::from_min_size(corner, page.size());
        let size = vec2(drawn.pixels.width as f32, drawn.pixels.height as f32) / scale;
        let is_near = (size.x - shown.width()).abs() * scale <= 1.0 + NEAR_PX as f32;
        let shown = if is_near {
            Rect::from_min_size(corner, size)
        } else {
            shown
        };
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.image(texture.id(), shown, whole, egui::Color32::WHITE);
    }
}

/// Rows and columns of the page's cells.
fn cells(drawn: &Drawn) -> (usize, usize) {
    let width = drawn.request.design.style.width_mm * CELLS_PER_MM;
    let shape = drawn.pixels.height as f64 / drawn.pixels.width.max(1) as f64;
    ((width * shape).round() as usize, width.round() as usize)
}
