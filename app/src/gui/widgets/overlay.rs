//! What is laid over an image pane: another picture from a divider on, a region's outline, a line.

use std::sync::PoisonError;

use egui::{Color32, Painter, Rect, Shape, Ui, pos2, vec2};
use ptycho_core::paint::picture::Look;
use ptycho_core::phase::Region;

use super::image_cache::cache;
use super::image_pane::PaneData;
use super::viewport::Viewport;
use crate::gui::theme;

/// Lay another picture of the same frame over a pane, from `from_column` on, with the divider between both.
pub fn lay_over(
    ui: &Ui,
    id_salt: &str,
    (data, look): (&PaneData<'_>, &Look),
    (viewport, from_column): (&Viewport, f64),
) {
    let x = viewport
        .screen([0.0, from_column])
        .x
        .clamp(viewport.rect.left(), viewport.rect.right());
    let shown = Rect::from_min_max(pos2(x, viewport.rect.top()), viewport.rect.max);
    let painter = ui.painter_at(shown.intersect(viewport.rect));
    painter.rect_filled(shown, 0.0, theme::palette(ui).image_ground);
    lay(
        ui,
        &painter,
        id_salt,
        (data, look),
        (viewport, Color32::WHITE),
    );
    let painter = ui.painter_at(viewport.rect);
    let (light, dark) = theme::overlay();
    painter.vline(x, viewport.rect.y_range(), (4.0, dark));
    painter.vline(x, viewport.rect.y_range(), (1.5, light));
    let grip = Rect::from_center_size(pos2(x, viewport.rect.center().y), vec2(8.0, 28.0));
    painter.rect_filled(grip, 3.0, light);
    painter.rect_stroke(grip, 3.0, (1.0, dark), egui::StrokeKind::Outside);
}

/// Lay a picture under what a plot paints over it, darkened so that bright marks are seen everywhere.
pub fn lay_under(
    ui: &Ui,
    painter: &Painter,
    id_salt: &str,
    picture: (&PaneData<'_>, &Look),
    viewport: &Viewport,
) {
    lay(ui, painter, id_salt, picture, (viewport, theme::DARKENED));
}

fn lay(
    ui: &Ui,
    painter: &Painter,
    id_salt: &str,
    (data, look): (&PaneData<'_>, &Look),
    (viewport, tint): (&Viewport, Color32),
) {
    let cache = cache(ui, ui.scope_id().with(id_salt));
    // Held for this pane alone, on the window's thread: nobody waits.
    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    cache.update(ui, look, data);
    if let Some(texture) = cache.texture(ui, viewport) {
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.image(texture, viewport.array_rect(), whole, tint);
    }
}

/// Words in the upper corner of a pane, seen over any image; at the right where `is_right`.
pub fn corner_words(ui: &Ui, viewport: &Viewport, words: &str, is_right: bool) {
    let (light, dark) = theme::overlay();
    let font = egui::TextStyle::Body.resolve(ui.style());
    let painter = ui.painter_at(viewport.rect);
    let galley = painter.layout_no_wrap(words.to_owned(), font, light);
    let size = galley.size() + vec2(2.0 * theme::GRID, theme::GRID);
    let rect = viewport.rect.shrink(theme::GRID);
    let corner = if is_right {
        pos2(rect.right() - size.x, rect.top())
    } else {
        rect.left_top()
    };
    painter.rect_filled(Rect::from_min_size(corner, size), 2.0, dark);
    painter.galley(corner + vec2(theme::GRID, theme::GRID / 2.0), galley, light);
}

/// The outline of a region: dashed, so that it is told from the picture.
pub fn outline(ui: &Ui, viewport: &Viewport, (rows, columns): &Region) {
    let corner = |row: usize, column: usize| [row as f64 - 0.5, column as f64 - 0.5];
    let rect = Rect::from_two_pos(
        viewport.screen(corner(rows.start, columns.start)),
        viewport.screen(corner(rows.end, columns.end)),
    );
    let corners = [
        rect.left_top(),
        rect.right_top(),
        rect.right_bottom(),
        rect.left_bottom(),
        rect.left_top(),
    ];
    dashed(&ui.painter_at(viewport.rect), &corners);
}

/// A line from one coordinate to another, with its ends marked: round where it begins, square where it ends.
pub fn line(ui: &Ui, viewport: &Viewport, [from, to]: [[f64; 2]; 2]) {
    let painter = ui.painter_at(viewport.rect);
    let (from, to) = (viewport.screen(from), viewport.screen(to));
    let (light, dark) = theme::overlay();
    painter.line_segment([from, to], (3.5, dark));
    painter.line_segment([from, to], (1.5, light));
    painter.circle(from, 3.5, light, (1.0, dark));
    let end = Rect::from_center_size(to, vec2(6.0, 6.0));
    painter.rect(end, 0.0, light, (1.0, dark), egui::StrokeKind::Outside);
}

fn dashed(painter: &Painter, path: &[egui::Pos2]) {
    let (light, dark) = theme::overlay();
    painter.add(Shape::line(path.to_vec(), (2.5, dark)));
    painter.extend(Shape::dashed_line(path, (1.5, light), 6.0, 4.0));
}
