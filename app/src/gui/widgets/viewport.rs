//! Pan, zoom and cursor over a picture, shared by all panes that show the same frame.

use egui::{Event, EventFilter, Id, Key, Modifiers, Pos2, Rect, Response, Ui, pos2};
use ptycho_core::paint::ticks::{length_text, value_text};

use crate::gui::theme;

/// Least and greatest zoom, in points per pixel.
const ZOOM_RANGE: std::ops::RangeInclusive<f32> = 1e-3..=256.0;
/// What one press of `+` or `-` multiplies the zoom by.
const ZOOM_STEP: f32 = 1.5;

/// What the panes of a group share. Coordinates are (row, column) of the array, pixel middles whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkedView {
    /// What stands in the middle of a pane; `None`: the middle of the array.
    pub centre: Option<[f64; 2]>,
    /// Points per pixel; `None`: as much as fits.
    pub points_per_px: Option<f32>,
    /// Where the cursor is, in every pane.
    pub cursor: Option<[f64; 2]>,
    /// Whether a drag draws instead of moving the picture.
    pub draws: bool,
    /// What is being drawn, or was drawn last.
    pub stroke: Option<Stroke>,
    /// The pane that the pointer is over.
    owner: Option<Id>,
    pixel_size_m: Option<f64>,
    readings: Vec<(String, String)>,
}

/// A drag over a picture, from where it began to where the pointer is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    /// (row, column), not rounded.
    pub from: [f64; 2],
    /// As above.
    pub to: [f64; 2],
    /// Whether the button was let go.
    pub is_over: bool,
}

impl LinkedView {
    /// Show the whole array.
    pub fn fit(&mut self) {
        self.centre = None;
        self.points_per_px = None;
    }

    /// The pixel under the cursor of an array, if it lies inside.
    pub fn pixel(&self, dim: (usize, usize)) -> Option<(usize, usize)> {
        pixel_at(self.cursor?, dim)
    }

    /// A pane tells what it shows under the cursor; the value line prints it.
    pub(super) fn tell(&mut self, title: &str, reading: String, pixel_size_m: Option<f64>) {
        self.pixel_size_m = self.pixel_size_m.or(pixel_size_m);
        // Panes of one array say the same.
        if self.readings.iter().all(|(_, other)| *other != reading) {
            self.readings.push((title.to_owned(), reading));
        }
    }

    /// Empty what the panes told, where a view has a value line of its own.
    pub fn forget_readings(&mut self) {
        self.readings.clear();
        self.pixel_size_m = None;
    }

    /// One line for the group: row and column, length from pixel (0, 0), and each pane's value.
    ///
    /// Call it after the panes, in every frame: it empties what they told.
    pub fn value_line(&mut self, ui: &mut Ui) {
        let readings = std::mem::take(&mut self.readings);
        let pixel_size_m = self.pixel_size_m.take();
        let text = match self.cursor {
            None => "Point at a picture to read its values".to_owned(),
            Some([row, column]) => {
                let mut parts = vec![format!("row {:.0}, col {:.0}", row.round(), column.round())];
                if let Some(size_m) = pixel_size_m {
                    parts.push(format!(
                        "x {}, y {}",
                        length_text(column.round() * size_m),
                        length_text(row.round() * size_m)
                    ));
                }
                parts.extend(
                    readings
                        .into_iter()
                        .map(|(title, reading)| format!("{title}: {reading}")),
                );
                parts.join("  |  ")
            }
        };
        let label = egui::Label::new(egui::RichText::new(text).monospace()).truncate();
        ui.add(label);
    }
}

/// Which part of an array is seen where.
#[derive(Clone, Copy, Debug)]
pub struct Viewport {
    /// Where on the screen.
    pub rect: Rect,
    /// Points per pixel.
    pub zoom: f32,
    centre: [f64; 2],
    /// Rows and columns of the array.
    pub dim: (usize, usize),
}

/// What keys and pointer asked of a pane beyond pan and zoom.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// A click, or Enter over the cursor: (row, column), not rounded.
    pub clicked: Option<[f64; 2]>,
    /// Limits that suit the picture.
    pub auto_contrast: bool,
    /// The picture on the clipboard.
    pub copy: bool,
}

impl Viewport {
    /// The part of an array of shape `dim` that `view` shows in `rect`.
    pub fn new(rect: Rect, dim: (usize, usize), view: &LinkedView) -> Self {
        let (n_rows, n_columns) = (dim.0.max(1) as f32, dim.1.max(1) as f32);
        let fit = (rect.width() / n_columns).min(rect.height() / n_rows);
        let middle = [(dim.0 as f64 - 1.0) / 2.0, (dim.1 as f64 - 1.0) / 2.0];
        Self {
            rect,
            zoom: view
                .points_per_px
                .unwrap_or(fit)
                .clamp(*ZOOM_RANGE.start(), *ZOOM_RANGE.end()),
            centre: view.centre.unwrap_or(middle),
            dim,
        }
    }

    /// Where a coordinate is on the screen; the middle of pixel (r, c) is at (r, c).
    pub fn screen(&self, [row, column]: [f64; 2]) -> Pos2 {
        let middle = self.rect.center();
        pos2(
            middle.x + ((column - self.centre[1]) * f64::from(self.zoom)) as f32,
            middle.y + ((row - self.centre[0]) * f64::from(self.zoom)) as f32,
        )
    }

    /// The coordinate at a place of the screen.
    pub fn coordinate(&self, at: Pos2) -> [f64; 2] {
        let from_middle = at - self.rect.center();
        [
            self.centre[0] + f64::from(from_middle.y / self.zoom),
            self.centre[1] + f64::from(from_middle.x / self.zoom),
        ]
    }

    /// The rectangle of the whole array on the screen: half a pixel beyond the outer middles.
    pub fn array_rect(&self) -> Rect {
        let (n_rows, n_columns) = (self.dim.0 as f64, self.dim.1 as f64);
        Rect::from_two_pos(
            self.screen([-0.5, -0.5]),
            self.screen([n_rows - 0.5, n_columns - 0.5]),
        )
    }

    /// Let pointer and keys move `view`; for single letters the pane must have the focus.
    pub fn interact(&self, ui: &Ui, response: &Response, view: &mut LinkedView) -> Asked {
        let before = view.clone();
        self.follow_pointer(response, view);
        if response.hovered() {
            self.wheel(ui, response, view);
        }
        if view.draws {
            self.draw(ui, response, view);
        } else if response.dragged() {
            let moved = response.drag_delta() / self.zoom;
            view.points_per_px = Some(self.zoom);
            view.centre = Some([
                self.centre[0] - f64::from(moved.y),
                self.centre[1] - f64::from(moved.x),
            ]);
        }
        if response.clicked() {
            response.request_focus();
        }
        let mut asked = Asked::default();
        if response.double_clicked() {
            view.fit();
        } else if response.clicked() {
            asked.clicked = response
                .interact_pointer_pos()
                .map(|at| self.coordinate(at))
                .or(view.cursor);
        }
        if response.has_focus() {
            self.keys(ui, response.id, view, &mut asked);
        }
        if (before.cursor, before.centre, before.points_per_px)
            != (view.cursor, view.centre, view.points_per_px)
        {
            // Panes drawn before this one have shown the old state.
            ui.ctx().request_repaint();
        }
        asked
    }

    fn follow_pointer(&self, response: &Response, view: &mut LinkedView) {
        if let Some(at) = response.hover_pos() {
            view.cursor = Some(self.coordinate(at));
            view.owner = Some(response.id);
        } else if view.owner == Some(response.id) {
            view.cursor = None;
            view.owner = None;
        }
    }

    /// The stroke begins where the button went down, not where the drag was told from a click.
    fn draw(&self, ui: &Ui, response: &Response, view: &mut LinkedView) {
        let origin = ui.input(|input| input.pointer.press_origin());
        if let (true, Some(from)) = (response.drag_started(), origin) {
            let from = self.coordinate(from);
            view.stroke = Some(Stroke {
                from,
                to: from,
                is_over: false,
            });
        }
        let is_over = response.drag_stopped();
        let Some(stroke) = view.stroke.as_mut() else {
            return;
        };
        if response.dragged() || is_over {
            // The pointer may be gone when the button is let go; the stroke then ends where it was last.
            let at = response.interact_pointer_pos().or(response.hover_pos());
            stroke.to = at.map_or(stroke.to, |at| self.coordinate(at));
            stroke.is_over = is_over;
            ui.ctx().request_repaint();
        }
    }

    fn wheel(&self, ui: &Ui, response: &Response, view: &mut LinkedView) {
        let by = ui.input_mut(|input| {
            // Taken, so that a list around the pane does not scroll as well.
            let scrolled = std::mem::take(&mut input.smooth_scroll_delta).y;
            input.zoom_delta() * (scrolled * 0.005).exp()
        });
        if by != 1.0
            && let Some(at) = response.hover_pos()
        {
            self.zoom_by(by, self.coordinate(at), view);
        }
    }

    fn zoom_by(&self, by: f32, at: [f64; 2], view: &mut LinkedView) {
        let zoom = (self.zoom * by).clamp(*ZOOM_RANGE.start(), *ZOOM_RANGE.end());
        let share = f64::from(self.zoom / zoom);
        let centre = |axis: usize| at[axis] + (self.centre[axis] - at[axis]) * share;
        view.centre = Some([centre(0), centre(1)]);
        view.points_per_px = Some(zoom);
    }

    fn keys(&self, ui: &Ui, id: Id, view: &mut LinkedView, asked: &mut Asked) {
        let filter = EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        let anchor = view.cursor.unwrap_or(self.centre);
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        let has_command = ui.input(|input| input.modifiers.command);
        if !has_command {
            if pressed(Key::Plus) || pressed(Key::Equals) {
                self.zoom_by(ZOOM_STEP, anchor, view);
            }
            if pressed(Key::Minus) {
                self.zoom_by(1.0 / ZOOM_STEP, anchor, view);
            }
            if pressed(Key::Home) {
                view.fit();
            }
            asked.auto_contrast = pressed(Key::A);
        }
        asked.copy = ui.input(|input| input.events.contains(&Event::Copy));
        let step = if ui.input(|input| input.modifiers.matches_logically(Modifiers::SHIFT)) {
            10.0
        } else {
            1.0
        };
        for (key, [down, right]) in [
            (Key::ArrowUp, [-step, 0.0]),
            (Key::ArrowDown, [step, 0.0]),
            (Key::ArrowLeft, [0.0, -step]),
            (Key::ArrowRight, [0.0, step]),
        ] {
            if pressed(key) {
                let [row, column] = view.cursor.unwrap_or(self.centre).map(f64::round);
                view.cursor = Some([
                    (row + down).clamp(0.0, self.dim.0.max(1) as f64 - 1.0),
                    (column + right).clamp(0.0, self.dim.1.max(1) as f64 - 1.0),
                ]);
                view.owner = None;
            }
        }
    }
}

/// The pixel that holds a coordinate, if it lies inside an array of shape `dim`.
pub fn pixel_at(
    [row, column]: [f64; 2],
    (n_rows, n_columns): (usize, usize),
) -> Option<(usize, usize)> {
    let (row, column) = (row.round(), column.round());
    let is_inside =
        row >= 0.0 && column >= 0.0 && (row as usize) < n_rows && (column as usize) < n_columns;
    is_inside.then_some((row as usize, column as usize))
}

/// A cross at the cursor, seen over dark and light pixels alike.
pub fn cursor_cross(painter: &egui::Painter, viewport: &Viewport, cursor: [f64; 2]) {
    let at = viewport.screen(cursor);
    let rect = viewport.rect;
    if !rect.contains(at) {
        return;
    }
    let (light, dark) = theme::overlay();
    for (width, colour) in [(3.0 * theme::MARK_WIDTH, dark), (theme::MARK_WIDTH, light)] {
        let gap = 2.0 * theme::GRID;
        let arm = 5.0 * theme::GRID;
        for (start, end) in [(gap, arm), (-gap, -arm)] {
            painter.line_segment(
                [at + egui::vec2(start, 0.0), at + egui::vec2(end, 0.0)],
                (width, colour),
            );
            painter.line_segment(
                [at + egui::vec2(0.0, start), at + egui::vec2(0.0, end)],
                (width, colour),
            );
        }
    }
}

/// The bar of round length in the lower left corner.
pub fn scale_bar(ui: &Ui, painter: &egui::Painter, viewport: &Viewport, pixel_size_m: Option<f64>) {
    let limit_px = f64::from(viewport.rect.width() / 4.0 / viewport.zoom);
    let Some(bar) = ptycho_core::paint::ticks::scale_bar(limit_px, pixel_size_m) else {
        return;
    };
    let (light, dark) = theme::overlay();
    let length = bar.length_px as f32 * viewport.zoom;
    let font = egui::TextStyle::Small.resolve(ui.style());
    let galley = painter.layout_no_wrap(bar.text, font, light);
    let size = egui::vec2(
        length.max(galley.size().x) + 2.0 * theme::GRID,
        galley.size().y + 3.0 * theme::GRID,
    );
    let corner = viewport.rect.left_bottom() + egui::vec2(theme::GRID, -theme::GRID - size.y);
    painter.rect_filled(Rect::from_min_size(corner, size), 2.0, dark);
    let text_at = corner + egui::vec2((size.x - galley.size().x) / 2.0, theme::GRID / 2.0);
    painter.galley(text_at, galley, light);
    let bar_at = corner + egui::vec2((size.x - length) / 2.0, size.y - 2.0 * theme::GRID);
    let bar_rect = Rect::from_min_size(bar_at, egui::vec2(length, 3.0));
    painter.rect_filled(bar_rect, 0.0, light);
}

/// A value with its unit, for reading off.
pub fn with_unit(value: f32, unit: &str) -> String {
    format!("{} {unit}", value_text(f64::from(value)))
        .trim_end()
        .to_owned()
}
