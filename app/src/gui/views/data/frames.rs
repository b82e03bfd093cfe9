//! The frame browser and the plot of scan positions: two faces of one chosen pattern.

use std::sync::Arc;

use egui::Ui;
use ndarray::{Array2, ArrayView2};
use ptycho_core::data::Dataset;
use ptycho_core::paint::component::Source;

use super::super::super::document::{Document, Scan};
use super::super::super::widgets::scan_marks::{Divide, Marks, PointGroup};
use super::super::super::widgets::scan_plot::{self, ScanData};
use super::super::super::widgets::viewport::LinkedView;
use super::super::pictures::Pictures;
use super::{PATTERN, version};

/// Seconds that a pattern stands while playing.
const PLAY_INTERVAL_S: f64 = 0.1;

/// Stand for the mean and the maximum where a pattern's number stands for the pattern.
const MEAN: usize = u32::MAX as usize;
const MAX: usize = MEAN - 1;

/// What of the stack is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Of {
    #[default]
    One,
    Mean,
    Max,
}

/// One chosen pattern of the stack.
#[derive(Default)]
pub(super) struct FrameBrowser {
    of: Of,
    index: usize,
    is_playing: bool,
    last_step_s: f64,
    /// The pattern that was read last, with the scan and index it belongs to.
    read: Option<(u64, usize, Array2<f32>)>,
}

impl FrameBrowser {
    /// The first pattern again.
    pub(super) fn begin_scan(&mut self) {
        let of = self.of;
        *self = Self {
            of,
            ..Self::default()
        };
    }

    /// The chosen pattern.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// Go on by so many patterns, round the ends.
    pub(super) fn step(&mut self, step: isize, document: &Document) {
        let Some(dataset) = &document.scan.dataset else {
            return;
        };
        let n_patterns = dataset.n_patterns().max(1) as isize;
        self.index = (self.index as isize + step).rem_euclid(n_patterns) as usize;
        self.of = Of::One;
    }

    /// While playing: the next pattern when its time has come.
    pub(super) fn advance(&mut self, ui: &Ui, document: &Document) {
        if !self.is_playing {
            return;
        }
        let now_s = ui.input(|input| input.time);
        if PLAY_INTERVAL_S <= now_s - self.last_step_s {
            self.last_step_s = now_s;
            self.step(1, document);
        }
        ui.ctx().request_repaint_after_secs(PLAY_INTERVAL_S as f32);
    }

    /// The picture of the chosen pattern, with its controls above.
    pub(super) fn pattern_tile(
        &mut self,
        ui: &mut Ui,
        scan: &Scan,
        dataset: &Arc<Dataset>,
        pictures: &mut Pictures,
    ) {
        self.controls(ui, scan, dataset, pictures);
        let summary = scan.summary.as_deref();
        match (self.of, summary) {
            (Of::Mean, Some(summary)) => {
                pictures.show(
                    ui,
                    PATTERN,
                    Source::Real(summary.mean.view()),
                    version(scan, MEAN),
                );
            }
            (Of::Max, Some(summary)) => {
                pictures.show(
                    ui,
                    PATTERN,
                    Source::Real(summary.max.view()),
                    version(scan, MAX),
                );
            }
            (Of::Mean | Of::Max, None) => {
                ui.weak("The patterns are being read…");
            }
            (Of::One, _) => {
                let index = self.index;
                let frame = self.frame(scan.id, dataset);
                pictures.show(ui, PATTERN, Source::Real(frame), version(scan, index));
            }
        }
    }

    fn controls(&mut self, ui: &mut Ui, scan: &Scan, dataset: &Dataset, pictures: &mut Pictures) {
        let last = dataset.n_patterns().saturating_sub(1);
        self.index = self.index.min(last);
        // What the button, the label and the number beside the slider leave.
        let slider_width = (ui.available_width() - 230.0).clamp(50.0, 400.0);
        ui.horizontal_wrapped(|ui| {
            let words = if self.is_playing {
                "⏸ Pause"
            } else {
                "▶ Play"
            };
            if ui
                .button(words)
                .on_hover_text("Show the patterns one after the other")
                .clicked()
            {
                self.is_playing = !self.is_playing;
                self.of = Of::One;
            }
            ui.spacing_mut().slider_width = slider_width;
            let label = ui.label("Pattern");
            let slider = egui::Slider::new(&mut self.index, 0..=last).show_value(true);
            let response = ui
                .add(slider)
                .labelled_by(label.id)
                .on_hover_text("Keys [ and ]; type a number to go there");
            if response.changed() {
                self.of = Of::One;
            }
        });
        let counts = scan
            .summary
            .as_ref()
            .and_then(|summary| summary.counts.get(self.index))
            .filter(|_| self.of == Of::One);
        ui.horizontal_wrapped(|ui| {
            for (of, words) in [(Of::One, "one"), (Of::Mean, "mean"), (Of::Max, "maximum")] {
                ui.selectable_value(&mut self.of, of, words);
            }
            let look = pictures.look(PATTERN);
            ui.checkbox(&mut look.is_log10, "log scale");
            if look.is_log10 {
                let label = ui.label("floor");
                let floor = egui::DragValue::new(&mut look.log_floor)
                    .range(1e-6..=1e3)
                    .speed(0.01)
                    .max_decimals(3);
                ui.add(floor).labelled_by(label.id).on_hover_text(
                    "√photons: smaller amplitudes are raised to this before the logarithm",
                );
            }
            if let Some(counts) = counts {
                let text = egui::RichText::new(format!("{counts:.0} photons")).weak();
                ui.add(egui::Label::new(text).extend());
            }
        });
    }

    /// A copy of what is shown.
    pub(super) fn values(&self, scan: &Scan, dataset: &Dataset) -> Option<Array2<f32>> {
        match self.of {
            Of::One => Some(read_frame(dataset, self.index)),
            Of::Mean => scan.summary.as_ref().map(|summary| summary.mean.clone()),
            Of::Max => scan.summary.as_ref().map(|summary| summary.max.clone()),
        }
    }

    fn frame(&mut self, scan: u64, dataset: &Dataset) -> ArrayView2<'_, f32> {
        let index = self.index;
        let is_read = self
            .read
            .as_ref()
            .is_some_and(|(of, i, _)| (*of, *i) == (scan, index));
        if !is_read {
            self.read = Some((scan, index, read_frame(dataset, index)));
        }
        self.read.as_ref().map_or_else(
            || ArrayView2::from(&[[0.0_f32; 0]; 0]),
            |(_, _, values)| values.view(),
        )
    }

    /// The plot of positions: a click chooses a pattern, the chosen one is marked.
    pub(super) fn positions_tile(
        &mut self,
        ui: &mut Ui,
        (scan, dataset): (&Scan, &Arc<Dataset>),
        marks: Option<&(Vec<PointGroup<'_>>, Option<Divide>)>,
        view: &mut LinkedView,
    ) {
        let [rows, columns] = dataset.object_shape();
        let marked = marks.map_or_else(Marks::default, |(groups, divide)| Marks {
            groups,
            divide: *divide,
        });
        let data = ScanData {
            positions_px: ArrayView2::from(dataset.positions_px()),
            frame_px: (rows, columns),
            underlay: None,
            selected: Some(self.index),
            pixel_size_m: scan.pixel_size_m(),
        };
        let response =
            scan_plot::show_marked(ui, ("positions", "Scan positions"), &data, &marked, view);
        if let Some(index) = response.chosen {
            self.index = index;
            self.of = Of::One;
        }
    }
}

fn read_frame(dataset: &Dataset, index: usize) -> Array2<f32> {
    let n = dataset.n();
    let mut values = vec![0.0; n * n];
    if index < dataset.n_patterns() {
        dataset.frames().read(index, &mut values);
    }
    Array2::from_shape_vec((n, n), values).unwrap_or_default()
}
