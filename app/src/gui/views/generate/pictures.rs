//! The tiles with pictures: scan over the object, object, probe, one pattern for every dose.

use egui::{Rect, RichText, TextureId, Ui, pos2, vec2};
use ndarray::{ArrayView2, Axis};
use ptycho_core::paint::component::Source;
use ptycho_core::paint::limits::Limits;
use ptycho_core::paint::picture::Look;
use ptycho_core::paint::ticks::value_text;

use super::super::super::generation::sketch::{PatternSketch, ScanSketch};
use super::super::super::generation::{Generation, Sketch};
use super::super::super::texture::{PictureTexture, block_px};
use super::super::super::theme;
use super::super::super::widgets::colour_bar;
use super::super::super::widgets::scan_marks::{Marker, Marks, PointGroup, legend};
use super::super::super::widgets::scan_plot::{self, ScanData};
use super::super::pictures::Pictures;
use super::sections::dose_words;
use super::{OBJECT, OBJECT_GROUP, PATTERN};

/// A pattern narrower than this tells nothing: the row scrolls instead.
const LEAST_PATTERN_WIDTH: f32 = 30.0 * theme::GRID;

/// The object's picture under the points.
#[derive(Default)]
pub(super) struct Underlay {
    texture: PictureTexture,
    version: u64,
}

impl Underlay {
    /// Its texture; in blocks only where the adapter asks for it, since it is seen at any zoom.
    fn get(&mut self, ui: &Ui, sketch: &Sketch) -> Option<TextureId> {
        let object = sketch.object.as_ref()?;
        if self.version != object.version {
            self.texture.invalidate();
            self.version = object.version;
        }
        let picture = &object.picture.rgba;
        if picture.width * picture.height == 0 {
            return None;
        }
        let max_side_px = ui.input(|input| input.max_texture_side);
        let block = block_px(picture.width.max(picture.height), max_side_px, 1.0);
        let texture = self
            .texture
            .get(ui.ctx(), "object under the scan", picture, block);
        Some(texture.id())
    }
}

/// The points by what becomes of them.
pub(super) fn groups(scan: &ScanSketch) -> [PointGroup<'_>; 4] {
    let group = |name, rows, colour_index, marker| PointGroup {
        name,
        rows,
        colour_index,
        marker,
    };
    [
        group("train", &scan.train, 0, Marker::Square),
        group("test", &scan.test, 1, Marker::Diamond),
        group("guarded", &scan.guarded, 3, Marker::Cross),
        group("outside the object", &scan.outside, 5, Marker::Alarm),
    ]
}

/// Words in place of a picture.
fn nothing(ui: &mut Ui, sketch: &Sketch) {
    let words = match &sketch.problem {
        Some(problem) => problem.text.as_str(),
        None => "Drawing…",
    };
    ui.centered_and_justified(|ui| ui.add(egui::Label::new(RichText::new(words).weak()).wrap()));
}

/// The object with the scan over it and the split between its halves; the pattern that was clicked.
pub(super) fn scan_tile(
    ui: &mut Ui,
    generation: &Generation,
    underlay: &mut Underlay,
    pictures: &mut Pictures,
) -> Option<usize> {
    let sketch = &generation.sketch;
    let Some(scan) = &sketch.scan else {
        nothing(ui, sketch);
        return None;
    };
    let groups = groups(scan);
    ui.horizontal_wrapped(|ui| {
        legend(ui, &groups);
        if let Some(divide) = scan.divide {
            let axis = if divide.axis == 0 { "row" } else { "column" };
            let mut words = format!("split at {axis} {:.1}", divide.middle_px);
            if divide.width_px > 0.0 {
                words = format!("{words}, guard band {:.0} px", divide.width_px);
            }
            ui.label(RichText::new(words).weak());
        }
        if let Some(leak) = scan.leak {
            let words = format!("leak {} px, {:.1} %", leak.n_shared_px, leak.percent());
            ui.label(words)
                .on_hover_text("Object pixels that both halves see, and their share of what the test half sees. Seen is what lies under the probe where it has more than 1 % of its greatest intensity.");
        }
    });
    let data = ScanData {
        positions_px: ArrayView2::from(scan.positions_px.as_slice()),
        frame_px: scan.frame_px,
        underlay: underlay.get(ui, sketch),
        selected: Some(generation.pattern / scan.drawn_step)
            .filter(|drawn| *drawn < scan.positions_px.len()),
        pixel_size_m: None,
    };
    let marks = Marks {
        groups: &groups,
        divide: scan.divide,
    };
    let view = pictures.group(OBJECT_GROUP);
    let title = ("generate scan", "Positions");
    let response = scan_plot::show_marked(ui, title, &data, &marks, view);
    let chosen = response.chosen? * scan.drawn_step;
    // The test scan has a simulation of its own.
    let n_first = sketch.patterns.as_ref()?.n_positions;
    (chosen < n_first).then_some(chosen)
}

pub(super) fn object_tile(ui: &mut Ui, sketch: &Sketch, pictures: &mut Pictures) {
    match &sketch.object {
        Some(object) => {
            pictures.show(
                ui,
                OBJECT,
                Source::Complex(object.values.view()),
                object.version,
            );
        }
        None => nothing(ui, sketch),
    }
}

pub(super) fn probe_tile(
    ui: &mut Ui,
    sketch: &Sketch,
    (pane, mode): (usize, &mut usize),
    pictures: &mut Pictures,
) {
    let Some(probe) = &sketch.probe else {
        return nothing(ui, sketch);
    };
    *mode = (*mode).min(probe.values.len_of(Axis(0)).saturating_sub(1));
    let shown = probe.values.index_axis(Axis(0), *mode);
    // A mode of another probe has another number.
    let version = probe.version << 8 | *mode as u64;
    pictures.show(ui, pane, Source::Complex(shown), version);
}

/// One pattern at every dose, side by side on one scale.
pub(super) fn patterns_tile(
    ui: &mut Ui,
    generation: &mut Generation,
    dose: &mut usize,
    pictures: &mut Pictures,
) {
    let Generation {
        sketch, pattern, ..
    } = generation;
    let Some(patterns) = sketch.patterns.clone() else {
        return nothing(ui, sketch);
    };
    header(ui, &patterns, pattern, pictures);
    let shared = shared_limits(pictures.look(PATTERN), patterns.log_max);
    let is_auto = pictures.look(PATTERN).limits.is_none();
    if is_auto {
        pictures.look(PATTERN).limits = Some(shared);
    }
    let whole = ui.available_rect_before_wrap();
    let row = Rect::from_min_max(
        whole.min,
        pos2(whole.right() - colour_bar::WIDTH, whole.bottom()),
    );
    let mut bar = None;
    ui.scope_builder(egui::UiBuilder::new().max_rect(row), |ui| {
        egui::ScrollArea::horizontal()
            .auto_shrink([false, false])
            .show(ui, |ui| bar = side_by_side(ui, &patterns, dose, pictures));
    });
    if let Some(bar) = bar {
        let below = 2.0 * theme::GRID;
        let top = whole.top() + theme::ROW_HEIGHT;
        let rect = Rect::from_min_max(
            pos2(row.right(), top),
            pos2(
                whole.right(),
                (whole.bottom() - below).max(top + theme::ROW_HEIGHT),
            ),
        );
        colour_bar::show(ui, rect, &bar, "all patterns");
    }
    if is_auto && pictures.look(PATTERN).limits == Some(shared) {
        pictures.look(PATTERN).limits = None;
    }
}

fn header(ui: &mut Ui, patterns: &PatternSketch, pattern: &mut usize, pictures: &mut Pictures) {
    let last = patterns.n_positions.saturating_sub(1);
    ui.horizontal(|ui| {
        let label = ui.label(RichText::new("Pattern").strong());
        *pattern = (*pattern).min(last);
        ui.add(egui::DragValue::new(pattern).range(0..=last).speed(0.2))
            .labelled_by(label.id)
            .on_hover_text("Number of the position; a click in the scan chooses one too");
        ui.label(format!("of {} at every dose", patterns.n_positions));
        let look = pictures.look(PATTERN);
        ui.checkbox(&mut look.is_log10, "log scale");
        let greatest = 10_f64.powf(patterns.log_max);
        let mut words = format!("one colour scale, 0 to {} counts", value_text(greatest.round()));
        let mut tip = "All patterns have the limits of the colour bar on the right".to_owned();
        if patterns.n_surveyed < patterns.n_positions {
            words = format!("{words}; dose from {} positions", patterns.n_surveyed);
            tip = format!(
                "{tip}. For this preview the mean over the scan is estimated from {} positions; the run takes all.",
                patterns.n_surveyed
            );
        }
        ui.add(egui::Label::new(RichText::new(words).weak()).truncate())
            .on_hover_text(tip);
    });
}

/// From less than a count to the greatest of all patterns.
fn shared_limits(look: &Look, log_max: f64) -> Limits {
    let max = log_max.max(0.0);
    if look.is_log10 {
        Limits::Manual {
            min: look.log_floor.log10(),
            max,
        }
    } else {
        Limits::Manual {
            min: 0.0,
            max: 10_f64.powf(max),
        }
    }
}

fn side_by_side(
    ui: &mut Ui,
    patterns: &PatternSketch,
    dose: &mut usize,
    pictures: &mut Pictures,
) -> Option<ptycho_core::paint::picture::Bar> {
    let n_doses = patterns.doses.len().max(1) as f32;
    let room = ui.available_width() - theme::GAP * (n_doses - 1.0);
    let size = vec2(
        (room / n_doses).max(LEAST_PATTERN_WIDTH),
        ui.available_height(),
    );
    let mut bar = None;
    ui.horizontal_top(|ui| {
        for (i, shown) in patterns.doses.iter().enumerate() {
            ui.allocate_ui(size, |ui| {
                ui.set_min_size(size);
                ui.vertical(|ui| {
                    let title = dose_words(shown.photons);
                    let version = patterns.version << 8 | i as u64;
                    let source = Source::Real(shown.counts.view());
                    let response = pictures.show_titled(ui, (PATTERN, &title), source, version);
                    if response.clicked.is_some() || response.is_export_asked {
                        *dose = i;
                    }
                    bar = response
                        .picture
                        .map(|picture| picture.bar.clone())
                        .or(bar.take());
                });
            });
        }
    });
    bar
}
