//! Points of a scan in groups told apart by colour and shape, and the line and band that part them.

use egui::{Color32, Mesh, Pos2, Rect, Sense, Ui, pos2, vec2};

use ptycho_core::paint::colormap::Colour;

use super::viewport::Viewport;
use crate::gui::theme;

/// Half the side of a point's mark, in points of the screen.
const HALF: f32 = 1.5;

/// The shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    Square,
    Diamond,
    Cross,
    /// A cross that is larger than a point of the scan: something is wrong there.
    Alarm,
}

/// Points that belong together.
#[derive(Clone, Copy, Debug)]
pub struct PointGroup<'a> {
    /// Its word in the legend.
    pub name: &'a str,
    /// Which points: indices into the positions.
    pub rows: &'a [usize],
    /// Number of its colour in the palette.
    pub colour_index: usize,
    pub marker: Marker,
}

/// The colour of a layer of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerColour {
    /// Of the palette, by number.
    Series(usize),
    /// Steps back behind the others.
    Weak,
    /// A colour of a map.
    Shade(Colour),
}

impl LayerColour {
    /// Over a picture that of the dark theme, which is seen over any grey.
    pub fn on_screen(self, ui: &Ui, is_over_picture: bool) -> Color32 {
        self.of_theme(is_over_picture || ui.visuals().dark_mode)
    }

    /// In the dark or the light theme.
    pub fn of_theme(self, is_dark: bool) -> Color32 {
        let palette = theme::palette_of(is_dark);
        match self {
            Self::Series(index) => palette.series[index % palette.series.len()],
            Self::Weak => palette.weak,
            Self::Shade(colour) => theme::screen_colour(colour),
        }
    }
}

/// The line between two halves, and the band about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Divide {
    /// 0: a line along a row, 1: along a column.
    pub axis: usize,
    /// Where it is along that axis.
    pub middle_px: f64,
    /// Width of the band; 0 is none.
    pub width_px: f64,
}

/// What is told of the points beyond where they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks<'a> {
    /// Groups, drawn in this order; none: every point looks the same.
    pub groups: &'a [PointGroup<'a>],
    pub divide: Option<Divide>,
}

impl PointGroup<'_> {
    /// Its colour; over a picture that of the dark theme, which is seen over any grey.
    pub fn colour(&self, ui: &Ui, is_over_picture: bool) -> Color32 {
        let is_dark = is_over_picture || ui.visuals().dark_mode;
        let series = &theme::palette_of(is_dark).series;
        series[self.colour_index % series.len()]
    }
}

/// The legend: mark, word and number of points of every group that has some.
pub fn legend(ui: &mut Ui, groups: &[PointGroup<'_>]) {
    for group in groups.iter().filter(|group| !group.rows.is_empty()) {
        let mark = (group.marker, group.colour(ui, false));
        legend_entry(ui, mark, &format!("{} {}", group.name, group.rows.len()));
    }
}

/// One mark with its words.
fn legend_entry(ui: &mut Ui, mark: (Marker, Color32), words: &str) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme::GRID;
        let size = vec2(3.0 * theme::GRID, 3.0 * theme::GRID);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let mut mesh = Mesh::default();
        add(&mut mesh, rect.center(), mark, 2.0);
        ui.painter().add(mesh);
        ui.label(words);
    });
}

/// One mark with its words, which a line that is full moves to the next as a whole.
pub fn legend_mark(ui: &mut Ui, mark: (Marker, Color32), words: &str) {
    let font = egui::TextStyle::Body.resolve(ui.style());
    let colour = theme::palette(ui).text;
    let galley = ui.painter().layout_no_wrap(words.to_owned(), font, colour);
    let side = 3.0 * theme::GRID;
    let size = vec2(side + theme::GRID + galley.size().x, galley.size().y);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, words));
    let mut mesh = Mesh::default();
    let at = pos2(rect.left() + side / 2.0, rect.center().y);
    add(&mut mesh, at, mark, 2.0);
    ui.painter().add(mesh);
    let at = pos2(rect.left() + side + theme::GRID, rect.top());
    ui.painter().galley(at, galley, colour);
}

/// One mark of `marker` at `at`, larger by `scale`.
fn add(mesh: &mut Mesh, at: Pos2, (marker, colour): (Marker, Color32), scale: f32) {
    let half = HALF * scale;
    match marker {
        Marker::Square => {
            mesh.add_colored_rect(
                Rect::from_center_size(at, vec2(2.0 * half, 2.0 * half)),
                colour,
            );
        }
        Marker::Diamond => {
            let reach = 1.5 * half;
            let corners = [(0.0, -reach), (reach, 0.0), (0.0, reach), (-reach, 0.0)];
            quad(mesh, corners.map(|(x, y)| at + vec2(x, y)), colour);
        }
        Marker::Cross | Marker::Alarm => {
            let reach = if marker == Marker::Alarm {
                3.0 * half
            } else {
                1.5 * half
            };
            let width = 0.5 * half;
            for (x, y) in [(reach, reach), (reach, -reach)] {
                let (along, across) = (vec2(x, y), vec2(-y, x) * (width / reach));
                let corners = [
                    along + across,
                    along - across,
                    -along - across,
                    across - along,
                ];
                quad(mesh, corners.map(|corner| at + corner), colour);
            }
        }
    }
}

fn quad(mesh: &mut Mesh, corners: [Pos2; 4], colour: Color32) {
    let first = mesh.vertices.len() as u32;
    for corner in corners {
        mesh.colored_vertex(corner, colour);
    }
    mesh.add_triangle(first, first + 1, first + 2);
    mesh.add_triangle(first, first + 2, first + 3);
}

/// Where points crowd into the same point of the screen, one mark for all of a group.
pub(super) struct Crowd {
    rect: Rect,
    width: usize,
    is_taken: Vec<bool>,
}

impl Crowd {
    pub(super) fn new(rect: Rect) -> Self {
        let width = rect.width().max(0.0) as usize + 1;
        let height = rect.height().max(0.0) as usize + 1;
        Self {
            rect,
            width,
            is_taken: vec![false; width * height],
        }
    }

    /// Whether a mark at this place is seen and not hidden by another.
    pub(super) fn takes(&mut self, at: Pos2) -> bool {
        if !self.rect.contains(at) {
            return false;
        }
        let from_corner = at - self.rect.min;
        let cell = from_corner.y as usize * self.width + from_corner.x as usize;
        self.is_taken
            .get_mut(cell)
            .is_some_and(|is_taken| !std::mem::replace(is_taken, true))
    }
}

/// How large marks are: smaller where points are many, so that what lies below is seen.
fn mark_scale(viewport: &Viewport, n_points: usize) -> f32 {
    let seen = viewport.array_rect().intersect(viewport.rect);
    let room = seen.area() / n_points.max(1) as f32;
    (room / 60.0).sqrt().clamp(0.4, 1.0)
}

/// The marks of all groups as one mesh.
pub(super) fn groups_mesh(
    ui: &Ui,
    viewport: &Viewport,
    (groups, is_over_picture): (&[PointGroup<'_>], bool),
    position: impl Fn(usize) -> Option<[f64; 2]>,
) -> Mesh {
    let layers = groups.iter().map(|group| {
        let colour = group.colour(ui, is_over_picture);
        (group.rows, (group.marker, colour, 1.0))
    });
    layers_mesh(viewport, layers, position)
}

/// One mesh of the marks of all layers: rows with shape, colour and relative size of their marks.
pub fn layers_mesh<'a>(
    viewport: &Viewport,
    layers: impl Iterator<Item = (&'a [usize], (Marker, Color32, f32))> + Clone,
    position: impl Fn(usize) -> Option<[f64; 2]>,
) -> Mesh {
    let mut mesh = Mesh::default();
    let n_points = layers.clone().map(|(rows, _)| rows.len()).sum();
    let scale = mark_scale(viewport, n_points);
    for (rows, (marker, colour, size)) in layers {
        let mut crowd = Crowd::new(viewport.rect);
        let seen = rows.iter().filter_map(|&row| position(row));
        for at in seen.map(|position| viewport.screen(position)) {
            if crowd.takes(at) {
                add(&mut mesh, at, (marker, colour), scale * size);
            }
        }
    }
    mesh
}

/// The band as a veil, its edges dashed, and the line in its middle.
pub fn draw_divide(painter: &egui::Painter, viewport: &Viewport, divide: Divide) {
    let rect = viewport.array_rect();
    let (light, dark) = theme::overlay();
    let at = |along_px: f64| {
        let position = if divide.axis == 0 {
            [along_px, 0.0]
        } else {
            [0.0, along_px]
        };
        let screen = viewport.screen(position);
        if divide.axis == 0 { screen.y } else { screen.x }
    };
    let line = |along: f32| {
        if divide.axis == 0 {
            [pos2(rect.left(), along), pos2(rect.right(), along)]
        } else {
            [pos2(along, rect.top()), pos2(along, rect.bottom())]
        }
    };
    if divide.width_px > 0.0 {
        let half = divide.width_px / 2.0;
        let [low, high] = [at(divide.middle_px - half), at(divide.middle_px + half)];
        let [from, _] = line(low);
        let [_, to] = line(high);
        painter.rect_filled(Rect::from_two_pos(from, to), 0.0, dark.gamma_multiply(0.6));
        for edge in [low, high] {
            painter.extend(egui::Shape::dashed_line(
                &line(edge),
                (1.0, light),
                6.0,
                4.0,
            ));
        }
    }
    let middle = line(at(divide.middle_px));
    painter.line_segment(middle, (3.0, dark));
    painter.line_segment(middle, (1.0, light));
}

/// A small picture of a scan: the points and their divide, nothing to click.
pub fn thumbnail(
    ui: &Ui,
    rect: Rect,
    frame_px: (usize, usize),
    positions_px: &[[f64; 2]],
    marks: &Marks<'_>,
) {
    let viewport = Viewport::new(rect, frame_px, &super::viewport::LinkedView::default());
    let painter = ui.painter_at(rect);
    painter.rect_filled(viewport.array_rect(), 0.0, theme::palette(ui).field);
    let position = |row: usize| positions_px.get(row).copied();
    painter.add(groups_mesh(ui, &viewport, (marks.groups, false), position));
    if let Some(divide) = marks.divide {
        draw_divide(&painter, &viewport, divide);
    }
}
