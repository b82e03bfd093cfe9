//! The one image widget: an array with its colour bar, histogram, cursor and limits.
//!
//! Pixels are square and sharp, row 0 is on top, and everything shown comes from
//! [`ptycho_core::paint`], as an export does. Pictures are made anew only when the data's version or
//! the choices change; what would take longer than a frame is made on a thread of its own.

use std::sync::{Arc, PoisonError};

use egui::{Rect, Role, Sense, TextureId, Ui, WidgetInfo, pos2, vec2};
use ndarray::ArrayView2;
use num_complex::Complex32;
use ptycho_core::paint::component::{Component, Source};
use ptycho_core::paint::export::Figure;
use ptycho_core::paint::limits::Limits;
use ptycho_core::paint::picture::{Look, Meaning, Picture};
use ptycho_core::phase::Region;
use serde::{Deserialize, Serialize};

use crate::gui::texture::color_image;
use crate::gui::theme;
use crate::gui::widgets::image_cache::{Cache, Finished, cache};
use crate::gui::widgets::pane_rects::Rects;
use crate::gui::widgets::viewport::{
    Asked, LinkedView, Viewport, cursor_cross, pixel_at, scale_bar, with_unit,
};
use crate::gui::widgets::{colour_bar, histogram as strip, pane_menu};

/// The choices of one pane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each part is shown or not by itself"
)]
pub struct ImagePane {
    /// How the array is turned into colours.
    pub look: Look,
    /// Show the histogram strip.
    pub shows_histogram: bool,
    /// Logarithmic counts in the histogram.
    pub has_log_counts: bool,
    /// Show the scale bar.
    pub shows_scale_bar: bool,
    /// Show the colour bar; panes side by side on one scale share one.
    pub shows_colour_bar: bool,
    /// Show size and remarks below.
    pub shows_caption: bool,
}

impl Default for ImagePane {
    fn default() -> Self {
        Self {
            look: Look::default(),
            shows_histogram: true,
            has_log_counts: true,
            shows_scale_bar: true,
            shows_colour_bar: true,
            shows_caption: true,
        }
    }
}

impl ImagePane {
    /// A pane that shows this component of a complex array.
    pub fn new(component: Component) -> Self {
        let mut pane = Self::default();
        pane.look.component = component;
        pane
    }

    /// Phase of an object that hardly wraps: ramp and offset removed, gray, limits by percentiles.
    pub fn phase_contrast() -> Self {
        let mut pane = Self::new(Component::Phase);
        pane.look.is_ramp_removed = true;
        pane.look.color_map = Some(ptycho_core::paint::colormap::ColorMap::new(
            ptycho_core::paint::colormap::Map::Gray,
        ));
        pane.look.limits = Some(Limits::AUTO);
        pane
    }

    /// Decimal logarithm of a real array, as of diffraction amplitudes.
    pub fn log10(floor: f64) -> Self {
        let mut pane = Self::default();
        pane.look.is_log10 = true;
        pane.look.log_floor = floor;
        pane
    }
}

/// What a pane shows.
#[derive(Clone, Debug)]
pub struct PaneData<'a> {
    /// The array.
    pub image: Source<'a>,
    /// Another number for other content: pictures are kept for as long as it stays.
    pub version: u64,
    /// Name of a real array's quantity, as "amplitude"; a complex array's component has its own.
    pub quantity: &'a str,
    /// Unit of the values (of the amplitude, for complex ones), or empty.
    pub unit: &'a str,
    /// Edge of a pixel, where known.
    pub pixel_size_m: Option<f64>,
    /// Points to mark, (row, column).
    pub points: &'a [[f64; 2]],
    /// Where a phase ramp is found; the whole array where `None`.
    pub region: Option<Region>,
}

impl<'a> PaneData<'a> {
    /// A real array.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a view is small and made on the spot"
    )]
    pub fn real(
        values: ArrayView2<'a, f32>,
        version: u64,
        quantity: &'a str,
        unit: &'a str,
    ) -> Self {
        Self {
            image: Source::Real(values),
            version,
            quantity,
            unit,
            pixel_size_m: None,
            points: &[],
            region: None,
        }
    }

    /// A complex array; `unit` is that of its amplitude.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a view is small and made on the spot"
    )]
    pub fn complex(values: ArrayView2<'a, Complex32>, version: u64, unit: &'a str) -> Self {
        Self {
            image: Source::Complex(values),
            version,
            quantity: "",
            unit,
            pixel_size_m: None,
            points: &[],
            region: None,
        }
    }

    fn meaning(&self) -> Meaning<'a> {
        Meaning {
            quantity: self.quantity,
            unit: self.unit,
        }
    }
}

/// An array under its title.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a, 'd> {
    pub(super) title: &'a str,
    pub(super) data: &'a PaneData<'d>,
}

/// What the user asked of a pane, and what it drew.
#[derive(Clone, Debug, Default)]
pub struct PaneResponse {
    /// The pixel that was clicked, (row, column).
    pub clicked: Option<(usize, usize)>,
    /// Save the pane as PNG: ask for a path, then call [`ImagePane::export`].
    pub is_export_asked: bool,
    /// The picture shown; `None` while the first one is still being made.
    pub picture: Option<Arc<Picture>>,
    /// Its texture, to lay under a scan plot.
    pub texture: Option<TextureId>,
    /// Where the array is on the screen, for marks over it.
    pub viewport: Option<Viewport>,
}

impl ImagePane {
    /// Write the picture with its colour bar and caption to `path`; `source` names the file or run.
    ///
    /// What is seen and what is saved come from the same code, so this needs no window.
    ///
    /// # Errors
    /// [`ptycho_core::Error::Io`].
    pub fn export(
        &self,
        path: &std::path::Path,
        (title, source): (&str, &str),
        data: &PaneData<'_>,
    ) -> ptycho_core::Result<()> {
        let picture = Picture::new(
            &data.image,
            &self.look,
            data.meaning(),
            data.region.as_ref(),
        );
        let map = self.look.used_map(data.image.is_complex());
        Figure {
            title,
            picture: &picture,
            map: map.map.name(),
            source,
            pixel_size_m: data.pixel_size_m,
            has_scale_bar: self.shows_scale_bar,
        }
        .write_png(path)
    }

    /// Draw the pane in the space that is left.
    #[expect(
        clippy::too_many_arguments,
        reason = "name, title, data and view are what a pane is, and all views call it"
    )]
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        id_salt: &str,
        title: &str,
        data: &PaneData<'_>,
        view: &mut LinkedView,
    ) -> PaneResponse {
        ui.push_id(id_salt, |ui| {
            let cache = cache(ui, ui.scope_id());
            // Held for this pane alone, on the window's thread: nobody waits.
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache.update(ui, &self.look, data);
            let shown = Shown { title, data };
            let asked = self.header(ui, shown, &cache, view);
            let mut response = self.body(ui, shown, &mut cache, view);
            response.is_export_asked = asked.is_export_asked;
            if asked.is_copy_asked {
                copy(ui, &cache);
            }
            response.picture = cache.picture().cloned();
            response
        })
        .inner
    }

    fn header(
        &mut self,
        ui: &mut Ui,
        Shown { title, data }: Shown<'_, '_>,
        cache: &Cache,
        view: &mut LinkedView,
    ) -> pane_menu::Asked {
        ui.horizontal(|ui| {
            let right_to_left = egui::Layout::right_to_left(egui::Align::Center);
            ui.with_layout(right_to_left, |ui| {
                let asked = pane_menu::show(ui, self, Shown { title, data }, cache.picture(), view);
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.add(egui::Label::new(egui::RichText::new(title).strong()).truncate());
                });
                asked
            })
            .inner
        })
        .inner
    }

    fn body(
        &mut self,
        ui: &mut Ui,
        Shown { title, data }: Shown<'_, '_>,
        cache: &mut Cache,
        view: &mut LinkedView,
    ) -> PaneResponse {
        let rects = Rects::allocate(ui, self);
        let viewport = Viewport::new(rects.image, data.image.dim(), view);
        let id = ui.scope_id().with("image");
        let response = ui.interact(rects.image, id, Sense::click_and_drag());
        let asked = viewport.interact(ui, &response, view);
        let reading = self.read(data, cache, view);
        response.widget_info(|| WidgetInfo {
            current_text_value: reading.clone(),
            ..WidgetInfo::labeled(Role::Image, true, title)
        });
        if let Some(reading) = reading {
            view.tell(title, reading, data.pixel_size_m);
        }
        let viewport = Viewport::new(rects.image, data.image.dim(), view);
        let texture = draw(ui, &viewport, data, cache);
        let painter = ui.painter_at(viewport.rect);
        if self.shows_scale_bar {
            scale_bar(ui, &painter, &viewport, data.pixel_size_m);
        }
        if let Some(cursor) = view.cursor {
            cursor_cross(&painter, &viewport, cursor);
        }
        if response.has_focus() {
            let stroke = (2.0, theme::palette(ui).accent);
            ui.painter()
                .rect_stroke(rects.image, 0.0, stroke, egui::StrokeKind::Outside);
        }
        self.beside(ui, &rects, title, cache);
        self.obey(ui, &asked, cache);
        PaneResponse {
            clicked: asked.clicked.and_then(|at| pixel_at(at, data.image.dim())),
            texture,
            viewport: Some(viewport),
            ..PaneResponse::default()
        }
    }

    fn obey(&mut self, ui: &Ui, asked: &Asked, cache: &Cache) {
        if asked.auto_contrast {
            self.look.limits = None;
        }
        if asked.copy {
            copy(ui, cache);
        }
    }

    /// Colour bar, histogram and caption.
    fn beside(&mut self, ui: &mut Ui, rects: &Rects, title: &str, cache: &Cache) {
        let Some(Finished {
            picture, counts, ..
        }) = &cache.finished
        else {
            return;
        };
        if let Some(bar) = rects.bar {
            colour_bar::show(ui, bar, &picture.bar, title);
        }
        if let Some(rect) = rects.histogram {
            let counts = (counts.as_slice(), &picture.limits);
            if let Some(limits) = strip::show(ui, rect, counts, self.has_log_counts, title) {
                self.look.limits = Some(limits);
            }
        }
        if !self.shows_caption {
            return;
        }
        let text = egui::RichText::new(caption(picture, cache)).small();
        let label = egui::Label::new(text.color(theme::palette(ui).weak)).truncate();
        let place = egui::UiBuilder::new()
            .max_rect(rects.caption)
            .layout(egui::Layout::left_to_right(egui::Align::Center));
        ui.scope_builder(place, |ui| ui.add(label));
    }

    /// The value under the cursor in words.
    fn read(&self, data: &PaneData<'_>, cache: &Cache, view: &LinkedView) -> Option<String> {
        let (row, column) = view.pixel(data.image.dim())?;
        let shown = cache
            .picture()
            .filter(|picture| picture.values.dim() == data.image.dim());
        match &data.image {
            Source::Real(values) => {
                let value = with_unit(values[[row, column]], data.unit);
                Some(format!("{} {value}", data.quantity).trim_start().to_owned())
            }
            Source::Complex(values) => {
                let value = values[[row, column]];
                let ramp = shown.and_then(|picture| picture.ramp);
                let phase_rad = ramp.map_or_else(
                    || value.arg(),
                    |ramp| {
                        let removed = ramp.offset_rad
                            + ramp.row_slope_rad_per_px * row as f64
                            + ramp.column_slope_rad_per_px * column as f64;
                        (value * Complex32::cis(-removed as f32)).arg()
                    },
                );
                let mut text = format!(
                    "amplitude {}, phase {}",
                    with_unit(value.norm(), data.unit),
                    with_unit(phase_rad, "rad")
                );
                if ramp.is_some() {
                    text.push_str(" (ramp removed)");
                }
                if let (Component::UnwrappedPhase, Some(picture)) = (self.look.component, shown) {
                    let unwrapped = with_unit(picture.values[[row, column]], "rad");
                    text = format!("{text}, unwrapped {unwrapped}");
                }
                Some(text)
            }
        }
    }
}

/// The picture with its marked points, or why there is none.
fn draw(ui: &Ui, viewport: &Viewport, data: &PaneData<'_>, cache: &mut Cache) -> Option<TextureId> {
    let painter = ui.painter_at(viewport.rect);
    painter.rect_filled(viewport.rect, 0.0, theme::palette(ui).image_ground);
    let texture = cache.texture(ui, viewport);
    if let Some(texture) = texture {
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.image(texture, viewport.array_rect(), whole, egui::Color32::WHITE);
    } else {
        let font = egui::TextStyle::Body.resolve(ui.style());
        let (at, colour) = (viewport.rect.center(), theme::palette(ui).text);
        let text = if viewport.dim.0 * viewport.dim.1 == 0 {
            "empty array"
        } else {
            "drawing…"
        };
        painter.text(at, egui::Align2::CENTER_CENTER, text, font, colour);
    }
    mark_points(&painter, viewport, data.points);
    texture
}

fn caption(picture: &Picture, cache: &Cache) -> String {
    let (rows, columns) = picture.values.dim();
    let mut parts = vec![format!("{rows} × {columns} px")];
    parts.extend(picture.remark().map(|remark| format!("⚠ {remark}")));
    if let Some(ramp) = &picture.ramp {
        parts.push(format!(
            "ramp removed: {} rad/row, {} rad/col",
            ptycho_core::paint::ticks::value_text(ramp.row_slope_rad_per_px),
            ptycho_core::paint::ticks::value_text(ramp.column_slope_rad_per_px)
        ));
    }
    if cache.drawn_block_px > 1 {
        parts.push(format!(
            "shown at 1:{block} (means of {block} × {block} px)",
            block = cache.drawn_block_px
        ));
    }
    // A live preview is drawn ten times a second; only what takes long is worth a word.
    if cache.is_slow() {
        parts.push("drawing…".to_owned());
    }
    parts.join(" · ")
}

fn copy(ui: &Ui, cache: &Cache) {
    if let Some(picture) = cache.picture() {
        ui.ctx().copy_image(color_image(&picture.rgba));
    }
}

/// Small squares, as one mesh: a scan has thousands of points.
fn mark_points(painter: &egui::Painter, viewport: &Viewport, points: &[[f64; 2]]) {
    let (light, dark) = theme::overlay();
    let mut mesh = egui::Mesh::default();
    for &point in points {
        let at = viewport.screen(point);
        if viewport.rect.contains(at) {
            mesh.add_colored_rect(Rect::from_center_size(at, vec2(4.0, 4.0)), dark);
            mesh.add_colored_rect(Rect::from_center_size(at, vec2(2.0, 2.0)), light);
        }
    }
    painter.add(mesh);
}
