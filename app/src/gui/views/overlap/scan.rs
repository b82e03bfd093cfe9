//! The scan plot: positions by what becomes of them over the object or the illumination.

use egui::{Button, ComboBox, Label, TextureId, Ui};
use ndarray::ArrayView2;

use super::super::super::command::Command;
use super::super::super::files::Purpose;
use super::super::super::texture::{PictureTexture, block_px};
use super::super::super::theme;
use super::super::super::thinning::drawing::Drawing;
use super::super::super::thinning::figure::figure;
use super::super::super::thinning::{ColourBy, Layer, Shown, Subject, Thinning};
use super::super::super::widgets::scan_marks::{draw_divide, layers_mesh, legend_mark};
use super::super::super::widgets::scan_plot::{self, ScanData};
use super::{OverlapView, SCAN_GROUP, hover};

/// What lies under the positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Beneath {
    Nothing,
    Object,
    #[default]
    Illumination,
}

impl Beneath {
    const ALL: [Self; 3] = [Self::Nothing, Self::Object, Self::Illumination];

    fn label(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Object => "object",
            Self::Illumination => "illumination",
        }
    }

    fn tooltip(self) -> &'static str {
        match self {
            Self::Nothing => "The positions alone",
            Self::Object => "Amplitude of the object in the file",
            Self::Illumination => "Σ |probe|² over all positions, rounded to whole pixels",
        }
    }
}

/// A plot narrower than this has its choices in menus.
const NARROW: f32 = 120.0 * theme::GRID;

/// One of several values.
struct Choice<T> {
    value: T,
    label: &'static str,
    tip: &'static str,
    is_there: bool,
}

/// Choose one of `choices`: side by side, or in a menu where there is little room.
fn choose<T: Copy + PartialEq>(
    ui: &mut Ui,
    (name, is_narrow): (&str, bool),
    value: &mut T,
    choices: &[Choice<T>],
) {
    ui.label(name);
    if !is_narrow {
        offer(ui, value, choices);
        ui.separator();
        return;
    }
    let shown = choices.iter().find(|choice| choice.value == *value);
    ComboBox::from_id_salt(name)
        .selected_text(shown.map_or("", |choice| choice.label))
        .show_ui(ui, |ui| offer(ui, value, choices))
        .response
        .accessible_name(name);
}

fn offer<T: Copy + PartialEq>(ui: &mut Ui, value: &mut T, choices: &[Choice<T>]) {
    for choice in choices {
        let button = Button::selectable(*value == choice.value, choice.label);
        let chosen = ui
            .add_enabled(choice.is_there, button)
            .on_hover_text(choice.tip)
            .on_disabled_hover_text("The file holds no objectGuess");
        if chosen.clicked() {
            *value = choice.value;
        }
    }
}

/// The two pictures on the graphics adapter.
#[derive(Default)]
pub(super) struct Underlays {
    object: PictureTexture,
    illumination: PictureTexture,
    version: u64,
}

impl Underlays {
    fn get(&mut self, ui: &Ui, subject: &Subject, beneath: Beneath) -> Option<TextureId> {
        if self.version != subject.version {
            self.object.invalidate();
            self.illumination.invalidate();
            self.version = subject.version;
        }
        let (texture, picture, name) = match beneath {
            Beneath::Nothing => return None,
            Beneath::Object => (&mut self.object, subject.object.as_ref()?, "object below"),
            Beneath::Illumination => (
                &mut self.illumination,
                &subject.illumination,
                "illumination below",
            ),
        };
        let picture = &picture.rgba;
        if picture.width * picture.height == 0 {
            return None;
        }
        let max_side_px = ui.input(|input| input.max_texture_side);
        let block = block_px(picture.width.max(picture.height), max_side_px, 1.0);
        Some(texture.get(ui.ctx(), name, picture, block).id())
    }
}

impl OverlapView {
    /// The plot as it is coloured, as a figure.
    pub fn figure(&self, subject: &Subject, shown: &Shown) -> Drawing {
        let beneath = match self.beneath {
            Beneath::Nothing => None,
            Beneath::Object => subject.object.as_ref(),
            Beneath::Illumination => Some(&subject.illumination),
        };
        let layers = shown.layers.of(self.colour_by);
        figure(subject, shown, layers, beneath.map(|picture| &picture.rgba))
    }

    pub(super) fn scan_tile(
        &mut self,
        ui: &mut Ui,
        thinning: &mut Thinning,
        subject: &Subject,
        commands: &mut Vec<Command>,
    ) {
        self.choices(ui, subject, commands);
        let shown = thinning.shown.clone();
        let layers: &[Layer] = shown
            .as_ref()
            .map_or(&[], |shown| shown.layers.of(self.colour_by));
        let underlay = self.underlays.get(ui, subject, self.beneath);
        legend(ui, layers, subject, underlay.is_some());
        hover::reason_lines(ui, (thinning, subject), self.hovered.or(thinning.pinned));
        let data = ScanData {
            positions_px: ArrayView2::from(subject.positions_px.as_slice()),
            frame_px: subject.frame_px,
            underlay,
            selected: thinning.pinned,
            pixel_size_m: subject.pixel_size_m,
        };
        let is_over_picture = data.underlay.is_some();
        let shows_circles = self.shows_circles;
        let pinned = thinning.pinned;
        let view = self.pictures.group(SCAN_GROUP);
        let title = ("overlap scan", "Positions");
        let response =
            scan_plot::show_painted(ui, title, &data, view, |ui, painter, viewport, hovered| {
                let shown = shown.as_deref();
                if let Some(divide) = subject.divide {
                    draw_divide(painter, viewport, divide);
                }
                if let (true, Some(shown)) = (shows_circles, shown) {
                    hover::circles(painter, viewport, (subject, shown));
                }
                let marks = layers.iter().map(|layer| {
                    let colour = layer.colour.on_screen(ui, is_over_picture);
                    (layer.rows.as_slice(), (layer.marker, colour, layer.size))
                });
                let position = |row: usize| subject.positions_px.get(row).copied();
                painter.add(layers_mesh(viewport, marks, position));
                if let (Some(row), Some(shown)) = (hovered.or(pinned), shown) {
                    hover::group_of(painter, viewport, (subject, shown), row);
                }
            });
        if self.hovered != response.hovered {
            self.hovered = response.hovered;
            // The pattern and the sentence have been drawn before this was known.
            ui.ctx().request_repaint();
        }
        if let Some(row) = response.chosen {
            thinning.pinned = (thinning.pinned != Some(row)).then_some(row);
            self.opens_pattern = thinning.pinned.is_some();
            self.pictures.focus("Diffraction pattern");
        }
    }

    fn choices(&mut self, ui: &mut Ui, subject: &Subject, commands: &mut Vec<Command>) {
        let is_narrow = ui.available_width() < NARROW;
        ui.horizontal_wrapped(|ui| {
            let colours = ColourBy::ALL.map(|colour_by| Choice {
                value: colour_by,
                label: colour_by.label(),
                tip: colour_by.tooltip(),
                is_there: true,
            });
            choose(ui, ("Colour", is_narrow), &mut self.colour_by, &colours);
            let grounds = Beneath::ALL.map(|beneath| Choice {
                value: beneath,
                label: beneath.label(),
                tip: beneath.tooltip(),
                is_there: beneath != Beneath::Object || subject.object.is_some(),
            });
            choose(ui, ("Over", is_narrow), &mut self.beneath, &grounds);
            ui.checkbox(&mut self.shows_circles, "probe circles")
                .on_hover_text("Circles of the probe's diameter about the kept positions");
            for (words, tip, purpose) in [
                ("Plot…", "Save the plot as PNG or SVG", Purpose::ExportPlot),
                (
                    "Points…",
                    "Save every position and what becomes of it as CSV",
                    Purpose::SavePoints,
                ),
            ] {
                if ui.button(words).on_hover_text(tip).clicked() {
                    commands.push(Command::ChooseForViews(purpose));
                }
            }
        });
    }
}

fn legend(ui: &mut Ui, layers: &[Layer], subject: &Subject, is_over_picture: bool) {
    ui.horizontal_wrapped(|ui| {
        for layer in layers.iter().rev().filter(|layer| !layer.rows.is_empty()) {
            if layer.name.is_empty() {
                continue;
            }
            let mark = (layer.marker, layer.colour.on_screen(ui, is_over_picture));
            legend_mark(ui, mark, &layer.legend());
        }
        if let Some(divide) = subject.divide {
            let axis = if divide.axis == 0 { "row" } else { "column" };
            let mut words = format!("split at {axis} {:.1}", divide.middle_px);
            if divide.width_px > 0.0 {
                words = format!("{words}, guard band {:.0} px", divide.width_px);
            }
            let text = egui::RichText::new(words).color(theme::palette(ui).weak);
            ui.add(Label::new(text).extend());
        }
    });
}
