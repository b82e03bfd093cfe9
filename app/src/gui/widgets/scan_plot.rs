//! The scan's points over the object's frame: where each frame was taken, which one is shown.

use egui::{
    Color32, Key, Mesh, Painter, Rect, Role, Sense, TextStyle, TextureId, Ui, WidgetInfo, pos2,
    vec2,
};
use ndarray::ArrayView2;
use ptycho_core::paint::ticks;

use crate::gui::theme;
use crate::gui::widgets::scan_marks::{Crowd, Marks, draw_divide, groups_mesh};
use crate::gui::widgets::viewport::{LinkedView, Viewport, cursor_cross, scale_bar};

/// A click this near to a point takes it, in points of the screen.
const REACH: f32 = 3.0 * theme::GRID;
const LEFT_MARGIN: f32 = 11.0 * theme::GRID;
const LOWER_MARGIN: f32 = 5.0 * theme::GRID;
const LEAST_SIDE: f32 = 24.0 * theme::GRID;

/// What a scan plot shows.
#[derive(Clone, Copy, Debug)]
pub struct ScanData<'a> {
    /// `(m, 2)`: row and column of each point, in pixels of the object.
    pub positions_px: ArrayView2<'a, f64>,
    /// Rows and columns of the object's frame.
    pub frame_px: (usize, usize),
    /// A picture of the object to lay under the points.
    pub underlay: Option<TextureId>,
    /// The point whose frame is shown.
    pub selected: Option<usize>,
    /// Edge of a pixel, where known.
    pub pixel_size_m: Option<f64>,
}

/// What the user asked of the plot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanResponse {
    /// The point that was chosen, by a click or by an arrow key.
    pub chosen: Option<usize>,
    /// The point under the cursor.
    pub hovered: Option<usize>,
}

/// Draw the points in the space that is left: the row axis runs down, both axes have one scale.
///
/// `view` may be shared with panes that show the object.
pub fn show(
    ui: &mut Ui,
    id_salt: &str,
    title: &str,
    data: &ScanData<'_>,
    view: &mut LinkedView,
) -> ScanResponse {
    show_marked(ui, (id_salt, title), data, &Marks::default(), view)
}

/// As [`show`], with the points in groups and the line and band between them.
pub fn show_marked(
    ui: &mut Ui,
    (id_salt, title): (&str, &str),
    data: &ScanData<'_>,
    marks: &Marks<'_>,
    view: &mut LinkedView,
) -> ScanResponse {
    show_painted(
        ui,
        (id_salt, title),
        data,
        view,
        |ui, painter, viewport, _| {
            if let Some(divide) = marks.divide {
                draw_divide(painter, viewport, divide);
            }
            painter.add(marked_mesh(ui, viewport, data, marks));
        },
    )
}

/// As [`show`], with `paint` drawing the points and what belongs to the one under the cursor.
pub fn show_painted(
    ui: &mut Ui,
    (id_salt, title): (&str, &str),
    data: &ScanData<'_>,
    view: &mut LinkedView,
    paint: impl FnOnce(&Ui, &Painter, &Viewport, Option<usize>),
) -> ScanResponse {
    ui.push_id(id_salt, |ui| {
        let n_points = data.positions_px.nrows();
        ui.horizontal(|ui| {
            ui.strong(title);
            let weak = theme::palette(ui).weak;
            ui.add(
                egui::Label::new(
                    egui::RichText::new(format!("{n_points} points, row down, column right, px"))
                        .color(weak),
                )
                .truncate(),
            );
        });
        let rect = allocate(ui);
        let viewport = Viewport::new(rect, data.frame_px, view);
        let response = ui.interact(rect, ui.scope_id().with("points"), Sense::click_and_drag());
        // The arrow keys of this pane step through the points, not through the pixels.
        let asked = viewport.interact(ui, &response, view);
        let clicked = asked
            .clicked
            .and_then(|at| nearest(data, at, f64::from(REACH / viewport.zoom)));
        let stepped = response
            .has_focus()
            .then(|| step(ui, data.selected, n_points))
            .flatten();
        response.widget_info(|| {
            let value = data
                .selected
                .map(|i| format!("point {i} of {n_points} selected"));
            WidgetInfo {
                current_text_value: Some(value.unwrap_or_else(|| format!("{n_points} points"))),
                ..WidgetInfo::labeled(Role::Image, true, title)
            }
        });
        let viewport = Viewport::new(rect, data.frame_px, view);
        let hovered = hovered_point(data, view, &viewport);
        draw(ui, &viewport, data, view, |ui, painter| {
            paint(ui, painter, &viewport, hovered);
        });
        if response.has_focus() {
            let stroke = (2.0, theme::palette(ui).accent);
            ui.painter()
                .rect_stroke(rect, 0.0, stroke, egui::StrokeKind::Outside);
        }
        if let Some(point) = hovered {
            let row = data.positions_px.row(point);
            let reading = format!("point {point} at ({:.2}, {:.2}) px", row[0], row[1]);
            view.tell(title, reading, data.pixel_size_m);
        }
        ScanResponse {
            chosen: clicked.or(stepped),
            hovered,
        }
    })
    .inner
}

fn allocate(ui: &mut Ui) -> Rect {
    let width = ui.available_width().max(LEAST_SIDE + LEFT_MARGIN);
    let height = if ui.available_height().is_finite() {
        ui.available_height()
    } else {
        width
    };
    let (_, whole) = ui.allocate_space(vec2(width, height.max(LEAST_SIDE + LOWER_MARGIN)));
    Rect::from_min_max(
        whole.min + vec2(LEFT_MARGIN, 0.0),
        whole.max - vec2(0.0, LOWER_MARGIN),
    )
}

fn hovered_point(data: &ScanData<'_>, view: &LinkedView, viewport: &Viewport) -> Option<usize> {
    nearest(data, view.cursor?, f64::from(REACH / viewport.zoom))
}

/// The nearest point within `reach_px`.
fn nearest(data: &ScanData<'_>, [row, column]: [f64; 2], reach_px: f64) -> Option<usize> {
    data.positions_px
        .outer_iter()
        .map(|point| (point[0] - row).powi(2) + (point[1] - column).powi(2))
        .enumerate()
        .filter(|(_, square)| *square <= reach_px * reach_px)
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(index, _)| index)
}

/// Comma and full stop step through the points, as `<` and `>` stand on many keyboards.
fn step(ui: &Ui, selected: Option<usize>, n_points: usize) -> Option<usize> {
    let last = n_points.checked_sub(1)?;
    let pressed = |key| ui.input(|input| input.key_pressed(key));
    if pressed(Key::Period) || pressed(Key::CloseBracket) {
        return Some(selected.map_or(0, |point| (point + 1).min(last)));
    }
    if pressed(Key::Comma) || pressed(Key::OpenBracket) {
        return Some(selected.map_or(last, |point| point.saturating_sub(1)));
    }
    None
}

fn draw(
    ui: &Ui,
    viewport: &Viewport,
    data: &ScanData<'_>,
    view: &LinkedView,
    paint: impl FnOnce(&Ui, &Painter),
) {
    let palette = theme::palette(ui);
    let painter = ui.painter_at(viewport.rect);
    painter.rect_filled(viewport.rect, 0.0, palette.field);
    let frame = viewport.array_rect();
    if let Some(texture) = data.underlay {
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.image(texture, frame, whole, Color32::WHITE);
    }
    painter.rect_stroke(frame, 0.0, (1.0, palette.line), egui::StrokeKind::Outside);
    paint(ui, &painter);
    if let Some(point) = data.selected.filter(|&i| i < data.positions_px.nrows()) {
        let row = data.positions_px.row(point);
        let at = viewport.screen([row[0], row[1]]);
        let (light, dark) = theme::overlay();
        painter.circle_stroke(at, 7.0, (4.0, dark));
        painter.circle_stroke(at, 7.0, (2.0, light));
        painter.circle_filled(at, 3.0, palette.warn);
    }
    scale_bar(ui, &painter, viewport, data.pixel_size_m);
    if let Some(cursor) = view.cursor {
        cursor_cross(&painter, viewport, cursor);
    }
    axes(ui, viewport);
}

fn marked_mesh(ui: &Ui, viewport: &Viewport, data: &ScanData<'_>, marks: &Marks<'_>) -> Mesh {
    if marks.groups.is_empty() {
        return points_mesh(ui, viewport, data);
    }
    let position = |row: usize| {
        let point = (row < data.positions_px.nrows()).then(|| data.positions_px.row(row))?;
        Some([point[0], point[1]])
    };
    let groups = (marks.groups, data.underlay.is_some());
    groups_mesh(ui, viewport, groups, position)
}

/// One square per point; where points crowd into the same half point of the screen, one for all.
fn points_mesh(ui: &Ui, viewport: &Viewport, data: &ScanData<'_>) -> Mesh {
    let colour = if data.underlay.is_some() {
        theme::palette_of(true).series[4]
    } else {
        theme::series_colour(ui, 0)
    };
    let mut crowd = Crowd::new(viewport.rect);
    let mut mesh = Mesh::default();
    for point in data.positions_px.outer_iter() {
        let at = viewport.screen([point[0], point[1]]);
        if crowd.takes(at) {
            mesh.add_colored_rect(Rect::from_center_size(at, vec2(3.0, 3.0)), colour);
        }
    }
    mesh
}

/// Round values along the left and the lower edge.
fn axes(ui: &Ui, viewport: &Viewport) {
    let palette = theme::palette(ui);
    let font = TextStyle::Small.resolve(ui.style());
    let rect = viewport.rect;
    let [top, left] = viewport.coordinate(rect.min);
    let [bottom, right] = viewport.coordinate(rect.max);
    let n_ticks = |length: f32| ((length / (14.0 * theme::GRID)) as usize).clamp(2, 10);
    let painter = ui.painter();
    let rows = ticks::ticks(top, bottom, n_ticks(rect.height()));
    for (&row, label) in rows.iter().zip(ticks::labels(&rows)) {
        let y = viewport.screen([row, 0.0]).y;
        painter.hline(
            rect.left() - theme::GRID..=rect.left(),
            y,
            (1.0, palette.text),
        );
        let at = pos2(rect.left() - 1.5 * theme::GRID, y);
        painter.text(
            at,
            egui::Align2::RIGHT_CENTER,
            label,
            font.clone(),
            palette.text,
        );
    }
    let columns = ticks::ticks(left, right, n_ticks(rect.width()));
    for (&column, label) in columns.iter().zip(ticks::labels(&columns)) {
        let x = viewport.screen([0.0, column]).x;
        painter.vline(
            x,
            rect.bottom()..=rect.bottom() + theme::GRID,
            (1.0, palette.text),
        );
        let at = pos2(x, rect.bottom() + theme::GRID);
        painter.text(
            at,
            egui::Align2::CENTER_TOP,
            label,
            font.clone(),
            palette.text,
        );
    }
}
