//! The reconstruct view: parameters, run, and the object and probe as they converge.

mod course;
mod halves;
mod layout;
mod orientation;
mod parameters;
mod shifts;
mod side;
mod trial_row;
mod variation;

use egui::{Panel, Ui};
use ndarray::Axis;

pub use self::layout::Page;
use self::layout::{ReconstructTile, Trees};
use self::shifts::ShiftsPlot;
pub use self::side::Permissions;
use self::variation::Variation;
use super::super::chrome::central;
use super::super::command::Command;
use super::super::document::Document;
use super::super::picture_out::Values;
use super::super::preferences::Preferences;
use super::super::preview::Preview;
use super::super::queue::Queue;
use super::super::reconstruction::{Curve, Run};
use super::super::widgets::image_pane::ImagePane;
use super::super::widgets::line_plot::LinePlot;
use super::data::mode_selector;
use super::pictures::{Pane, Pictures};
use super::tiles::{Behavior, Tile as _};
use ptycho_core::paint::component::{Component, Source};

/// The choices of the reconstruct view.
pub struct ReconstructView {
    page: Page,
    trees: Trees,
    shown: Shown,
    halves: LinePlot,
}

/// The choices of what the tiles show.
struct Shown {
    pictures: Pictures,
    plots: course::Plots,
    shifts: ShiftsPlot,
    variation: Variation,
    mode: usize,
    is_ramp_removed: bool,
}

/// Numbers of the panes beyond object and probe.
const OPR_AMPLITUDE: usize = 4;
const OPR_PHASE: usize = 5;
const ORIENTATION: usize = 6;
const HALVES: [usize; 2] = [7, 8];

/// The object's panes are linked with each other, and so are the probe's.
fn panes() -> Vec<(Pane, ImagePane)> {
    let pane = |title, unit, group| Pane {
        title,
        quantity: "amplitude",
        unit,
        group,
        has_object_pixels: true,
    };
    let mut object_phase = ImagePane::phase_contrast();
    // The ramp is removed before, off the window's thread.
    object_phase.look.is_ramp_removed = false;
    // The trials' own, with what lets several stand side by side.
    let plain = ImagePane {
        shows_histogram: false,
        shows_colour_bar: false,
        shows_caption: false,
        shows_scale_bar: false,
        ..ImagePane::phase_contrast()
    };
    let half = ImagePane {
        shows_histogram: false,
        shows_caption: false,
        ..ImagePane::phase_contrast()
    };
    let phases = Pane {
        quantity: "phase",
        ..pane("Phases of the halves", "rad", 3)
    };
    vec![
        (pane("Object amplitude", "", 0), ImagePane::default()),
        (pane("Object phase", "", 0), object_phase),
        (pane("Probe amplitude", "√photons", 1), ImagePane::default()),
        (
            pane("Probe phase", "√photons", 1),
            ImagePane::new(Component::Phase),
        ),
        (
            pane("OPR mode amplitude", "√photons", 1),
            ImagePane::default(),
        ),
        (
            pane("OPR mode phase", "√photons", 1),
            ImagePane::new(Component::Phase),
        ),
        (pane("Orientation", "", 2), plain.clone()),
        (pane("Half", "", 3), half.clone()),
        (phases, half),
    ]
}

impl Default for ReconstructView {
    fn default() -> Self {
        Self {
            page: Page::default(),
            trees: Trees::default(),
            shown: Shown {
                pictures: Pictures::new(panes()),
                plots: course::Plots::default(),
                shifts: ShiftsPlot::default(),
                variation: Variation::default(),
                mode: 0,
                is_ramp_removed: true,
            },
            halves: LinePlot {
                is_log_y: false,
                ..LinePlot::default()
            },
        }
    }
}

impl ReconstructView {
    /// Draw the view.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        document: &mut Document,
        (queue, preferences, permissions): (&Queue, &mut Preferences, Permissions),
        commands: &mut Vec<Command>,
    ) {
        let width = (ui.available_width() * 0.32).clamp(230.0, 350.0);
        Panel::right("reconstruct side")
            .resizable(true)
            .default_size(width)
            .min_size(200.0)
            .show(ui, |ui| {
                side::side(ui, document, (queue, preferences), permissions, commands);
            });
        let Self {
            page,
            trees,
            shown,
            halves,
        } = self;
        shown.pictures.context = document.scan.pane_context();
        Panel::top("reconstruct pages").show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                for choice in Page::ALL {
                    let (words, tip) = choice.words();
                    ui.selectable_value(page, choice, words).on_hover_text(tip);
                }
            });
        });
        if *page == Page::Course {
            shown.pictures.finish_unread(commands);
        } else {
            Panel::bottom("reconstruct values").show(ui, |ui| shown.pictures.finish(ui, commands));
        }
        central(ui, |ui| {
            let pictures = &mut shown.pictures;
            let about = (&mut *document, queue);
            let why_not = why_no_trial(about.0, queue);
            match *page {
                Page::Orientation => {
                    let pane = (pictures, ORIENTATION);
                    orientation::page(ui, about, pane, why_not.as_deref(), commands);
                }
                Page::Halves => {
                    let panes = (pictures, HALVES, halves);
                    self::halves::page(ui, about, panes, why_not.as_deref(), commands);
                }
                page => {
                    shown.options(ui, page, document);
                    let Some(tree) = trees.of(page) else {
                        return;
                    };
                    let is_running = queue.reconstruction().is_some();
                    let mut draw = |ui: &mut Ui, tile: &ReconstructTile| {
                        shown.tile(ui, *tile, (document, is_running), commands);
                    };
                    tree.ui(&mut Behavior { draw: &mut draw }, ui);
                }
            }
        });
    }

    /// Look at this page.
    pub fn show_page(&mut self, page: Page) {
        self.page = page;
    }

    /// Forget what belongs to the scan before.
    pub fn begin_scan(&mut self) {
        self.shown.mode = 0;
        self.shown.variation.mode = 0;
        self.shown.shifts.begin_scan();
        self.shown.pictures.begin_scan();
    }

    /// Put every pane back to its place.
    pub fn reset_layout(&mut self) {
        self.trees = Trees::default();
    }

    /// Make a pane the one that copying and export are about.
    pub fn focus(&mut self, name: &str) {
        self.shown.pictures.focus(name);
    }

    /// The array behind a pane, as it is shown.
    pub fn values(&self, pane: usize, document: &Document) -> Option<Values> {
        let shown = &self.shown;
        let (run, trials) = (&document.run, &document.trials);
        let mode_of = |modes: &ndarray::Array3<_>, mode: usize| {
            (mode < modes.len_of(Axis(0)))
                .then(|| Values::Complex(modes.index_axis(Axis(0), mode).to_owned()))
        };
        match pane {
            0 | 1 => Some(Values::Complex(shown.object(run.preview.as_ref()?).clone())),
            2 | 3 => mode_of(&run.preview.as_ref()?.probe, shown.mode),
            OPR_AMPLITUDE | OPR_PHASE => mode_of(&run.course.opr_modes, shown.variation.mode),
            ORIENTATION => {
                let chosen = trials.orientations.chosen()?;
                let object = trials.orientations.cell(chosen).object?;
                Some(Values::Complex(object.clone()))
            }
            _ => {
                let agreement = trials.halves.outcome.as_ref()?.agreement.as_ref()?;
                Some(Values::Real(agreement.phases_rad[0].clone()))
            }
        }
    }

    /// The panes.
    pub fn pictures(&mut self) -> &mut Pictures {
        &mut self.shown.pictures
    }

    /// The panes, to look at.
    pub fn pictures_ref(&self) -> &Pictures {
        &self.shown.pictures
    }
}

/// Why no trial can begin; `None` where one can.
pub fn why_no_trial(document: &Document, queue: &Queue) -> Option<String> {
    let busy = queue.busy_words();
    if busy.is_empty() {
        return document.blocking();
    }
    Some(busy.to_owned())
}

impl Shown {
    fn options(&mut self, ui: &mut Ui, page: Page, document: &Document) {
        let n_opr_modes = document.run.course.opr_modes.len_of(Axis(0));
        if page == Page::Variation && 1 < n_opr_modes {
            self.variation.choices(ui, n_opr_modes);
        }
        if page != Page::Pictures {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.checkbox(&mut self.is_ramp_removed, "Remove phase offset and ramp")
                .on_hover_text("For display only: ptychography leaves them free. Files keep what was reconstructed.");
            if let Some(preview) = &document.run.preview {
                let n_modes = preview.probe.len_of(Axis(0));
                self.mode = self.mode.min(n_modes.saturating_sub(1));
                mode_selector(ui, &mut self.mode, n_modes, Some(&preview.mode_power));
            }
        });
    }

    fn tile(
        &mut self,
        ui: &mut Ui,
        tile: ReconstructTile,
        (document, is_running): (&Document, bool),
        commands: &mut Vec<Command>,
    ) {
        use ReconstructTile as T;
        let run = &document.run;
        match tile {
            T::Loss | T::CourseLoss => self.plots.ui(ui, Curve::Loss, run, commands),
            T::ProbePower => self.plots.ui(ui, Curve::ProbePower, run, commands),
            T::PositionRms => self.plots.ui(ui, Curve::PositionRms, run, commands),
            T::Modes => course::modes(ui, run),
            T::Shifts => {
                let view = self.pictures.group(0);
                self.shifts.ui(ui, document, view, commands);
            }
            T::ShiftNumbers => self.shifts.numbers(ui, document),
            T::Weights => self.variation.weights(ui, run, commands),
            T::VariationNumbers => Variation::numbers(ui, run),
            T::OprAmplitude => self.opr_mode(ui, OPR_AMPLITUDE, run),
            T::OprPhase => self.opr_mode(ui, OPR_PHASE, run),
            T::ObjectAmplitude | T::ObjectPhase | T::ProbeAmplitude | T::ProbePhase => {
                if let Some(preview) = &run.preview {
                    return self.picture(ui, tile, (preview, run.revision));
                }
                let words = if is_running {
                    "The first epoch is on its way…"
                } else if document.scan.dataset.is_none() {
                    "There is nothing to reconstruct yet: see “Before the run”."
                } else {
                    "Press Run to see it converge."
                };
                course::nothing(ui, tile.title(), words);
            }
        }
    }

    fn object<'a>(&self, preview: &'a Preview) -> &'a ndarray::Array2<num_complex::Complex32> {
        if self.is_ramp_removed {
            &preview.object_flat
        } else {
            &preview.object
        }
    }

    fn picture(
        &mut self,
        ui: &mut Ui,
        tile: ReconstructTile,
        (preview, revision): (&Preview, u64),
    ) {
        let object = self.object(preview).view();
        let probe = preview.probe.index_axis(Axis(0), self.mode);
        let object_version = revision << 32 | u64::from(self.is_ramp_removed);
        let probe_version = revision << 32 | self.mode as u64;
        let (pane, shown, version) = match tile {
            // The ramp leaves the amplitude as it is.
            ReconstructTile::ObjectAmplitude => (0, preview.object.view(), revision),
            ReconstructTile::ObjectPhase => (1, object, object_version),
            ReconstructTile::ProbeAmplitude => (2, probe, probe_version),
            _ => (3, probe, probe_version),
        };
        self.pictures
            .show(ui, pane, Source::Complex(shown), version);
    }

    fn opr_mode(&mut self, ui: &mut Ui, pane: usize, run: &Run) {
        let modes = &run.course.opr_modes;
        let mode = self
            .variation
            .mode
            .min(modes.len_of(Axis(0)).saturating_sub(1));
        if modes.len_of(Axis(0)) <= mode {
            let title = if pane == OPR_AMPLITUDE {
                "OPR mode amplitude"
            } else {
                "OPR mode phase"
            };
            let words = if run.course.opr_weights.is_empty() {
                variation::NOTHING
            } else {
                "The intensity alone varies: there is no OPR mode."
            };
            return course::nothing(ui, title, words);
        }
        let shown = modes.index_axis(Axis(0), mode);
        let version = run.course_revision << 32 | mode as u64;
        self.pictures
            .show(ui, pane, Source::Complex(shown), version);
    }
}
