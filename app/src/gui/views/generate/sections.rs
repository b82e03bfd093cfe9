//! A section of the parameters: title, live picture, what it comes to, the fields.

use egui::{ColorImage, RichText, Sense, TextureHandle, TextureOptions, Ui, vec2};
use ptycho_core::paint::ticks::value_text;

use super::super::super::generation::Sketch;
use super::super::super::generation::doses::dose_text;
use super::super::super::generation::sketch::{ScanSketch, Section};
use super::super::super::theme;
use super::super::super::widgets::scan_marks::{self, Marks};
use super::super::side::problem;
use super::pictures::groups;

/// Side of a picture, in points.
const SIDE: f32 = 16.0 * theme::GRID;

/// The pictures of the sections on the graphics adapter.
#[derive(Default)]
pub(super) struct Thumbnails {
    object: Thumbnail,
    probe: Thumbnail,
    doses: Thumbnail,
}

/// One picture and the number of what it shows.
#[derive(Default)]
struct Thumbnail {
    texture: Option<TextureHandle>,
    version: u64,
}

impl Thumbnail {
    fn show(&mut self, ui: &mut Ui, name: &str, version: u64, image: &ColorImage) {
        let texture = match &mut self.texture {
            Some(texture) => {
                if self.version != version {
                    texture.set(image.clone(), TextureOptions::NEAREST);
                }
                texture
            }
            none => none.insert(ui.ctx().load_texture(
                name,
                image.clone(),
                TextureOptions::NEAREST,
            )),
        };
        self.version = version;
        let [width, height] = image.size;
        let size = vec2(SIDE * width as f32 / height.max(1) as f32, SIDE);
        let picture = egui::Image::new((texture.id(), size)).alt_text(name);
        ui.add(picture);
    }
}

impl Section {
    fn title(self) -> &'static str {
        match self {
            Self::Object => "Object",
            Self::Probe => "Probe",
            Self::Scan => "Scan",
            Self::Doses => "Doses",
            Self::Split => "Split",
        }
    }
}

/// Draw a section around its fields.
pub(super) fn section(
    ui: &mut Ui,
    (section, sketch): (Section, &Sketch),
    thumbnails: &mut Thumbnails,
    fields: impl FnOnce(&mut Ui),
) {
    let wrong = sketch.problem_of(section);
    let title = match wrong {
        Some(_) => format!("{} ✖", section.title()),
        None => section.title().to_owned(),
    };
    egui::CollapsingHeader::new(RichText::new(title).strong())
        .id_salt(section.title())
        .default_open(true)
        .show_unindented(ui, |ui| {
            ui.horizontal(|ui| {
                picture(ui, section, sketch, thumbnails);
                ui.vertical(|ui| {
                    for line in lines(section, sketch) {
                        let text = RichText::new(line).small().color(theme::palette(ui).weak);
                        ui.add(egui::Label::new(text).wrap());
                    }
                });
            });
            if let Some(words) = wrong {
                problem(ui, words);
            }
            fields(ui);
            ui.add_space(theme::GRID);
        });
}

fn picture(ui: &mut Ui, section: Section, sketch: &Sketch, thumbnails: &mut Thumbnails) {
    match section {
        Section::Object => {
            if let Some(object) = &sketch.object {
                let name = "Preview of the object";
                return thumbnails
                    .object
                    .show(ui, name, object.version, &object.thumbnail);
            }
        }
        Section::Probe => {
            if let Some(probe) = &sketch.probe {
                let name = "Preview of the probe";
                return thumbnails
                    .probe
                    .show(ui, name, probe.version, &probe.thumbnail);
            }
        }
        Section::Doses => {
            if let Some(patterns) = &sketch.patterns {
                let name = "Preview of the doses";
                return thumbnails
                    .doses
                    .show(ui, name, patterns.version, &patterns.thumbnail);
            }
        }
        Section::Scan | Section::Split => {
            if let Some(scan) = &sketch.scan {
                return positions(ui, section, scan);
            }
        }
    }
    // The place of a picture that is still being made.
    let (rect, _) = ui.allocate_exact_size(vec2(SIDE, SIDE), Sense::hover());
    ui.painter()
        .rect_filled(rect, 0.0, theme::palette(ui).field);
}

/// The positions alone, or how they are split.
fn positions(ui: &mut Ui, section: Section, scan: &ScanSketch) {
    let (rect, response) = ui.allocate_exact_size(vec2(SIDE, SIDE), Sense::hover());
    let all: Vec<usize>;
    if section == Section::Split {
        let groups = groups(scan);
        let marks = Marks {
            groups: &groups,
            divide: scan.divide,
        };
        scan_marks::thumbnail(ui, rect, scan.frame_px, &scan.positions_px, &marks);
    } else {
        all = (0..scan.positions_px.len()).collect();
        let group = scan_marks::PointGroup {
            name: "positions",
            rows: &all,
            colour_index: 0,
            marker: scan_marks::Marker::Square,
        };
        let marks = Marks {
            groups: &[group],
            divide: None,
        };
        scan_marks::thumbnail(ui, rect, scan.frame_px, &scan.positions_px, &marks);
    }
    let name = format!("Preview of the {}", section.title().to_lowercase());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
}

/// What the parameters of a section come to.
fn lines(section: Section, sketch: &Sketch) -> Vec<String> {
    let lines = match section {
        Section::Object => sketch.object.as_ref().map(|object| {
            let (rows, columns) = object.values.dim();
            let [least, greatest] = object.amplitude_range;
            let [from, to] = object.phase_range_rad;
            vec![
                format!("{rows} × {columns} px"),
                format!("amplitude {} to {}", number(least), number(greatest)),
                format!("phase {} to {} rad", number(from), number(to)),
            ]
        }),
        Section::Probe => sketch.probe.as_ref().map(|probe| {
            let (n_modes, n, _) = probe.values.dim();
            let noun = if n_modes == 1 { "mode" } else { "modes" };
            vec![
                format!("{n} × {n} px, {n_modes} {noun}"),
                format!("FWHM {} px", value_text(round(probe.report.fwhm_px))),
            ]
        }),
        Section::Scan => sketch.scan.as_ref().map(|scan| {
            let mut lines = vec![format!("{} positions", scan.n_positions)];
            if scan.n_outside != 0 {
                lines.push(format!("⚠ {} leave the object", scan.n_outside));
            }
            if scan.drawn_step > 1 {
                lines.push(format!("1 of {} is drawn", scan.drawn_step));
            }
            lines
        }),
        Section::Doses => sketch.patterns.as_ref().map(|patterns| {
            let n_more = patterns.doses.len().saturating_sub(4);
            let more = (n_more != 0).then(|| format!("and {n_more} more"));
            more.into_iter().collect()
        }),
        Section::Split => sketch.scan.as_ref().map(|scan| {
            let [train, test, guarded] = scan.n_rows;
            let mut lines = vec![format!("{train} train, {test} test, {guarded} guarded")];
            lines.extend(scan.leak.map(|leak| {
                format!(
                    "leak {} px, {:.1} % of the test area",
                    leak.n_shared_px,
                    leak.percent()
                )
            }));
            lines
        }),
    };
    lines.unwrap_or_else(|| vec!["…".to_owned()])
}

/// Words of the dose numbered `index`.
pub(super) fn dose_words(photons: f64) -> String {
    format!("{} photons", dose_text(photons))
}

fn number(value: f32) -> String {
    value_text(round(f64::from(value)))
}

/// Two decimals are enough beside a small picture.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
