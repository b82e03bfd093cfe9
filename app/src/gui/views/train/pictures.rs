//! The panes: a validation pattern measured and predicted, the patch, the object so far; the reconstruction.

use egui::{RichText, Ui};
use ptycho_core::nn::trainer::{PREVIEW_GROUPS, PREVIEW_INTERVAL, PREVIEW_SHARE};
use ptycho_core::paint::colormap::{ColorMap, Map};
use ptycho_core::paint::component::{Component, Source};
use ptycho_core::paint::limits::Limits;
use ptycho_core::paint::picture::Look;

use super::super::super::command::{Action, Command};
use super::super::super::picture_out::Values;
use super::super::super::theme;
use super::super::super::training::{ArmState, ShownInference, ShownPreview, Training};
use super::super::super::widgets::image_pane::ImagePane;
use super::super::pictures::{Pane, Pictures};
use crate::words::with_separators;

/// Numbers of the panes, and of the groups that they are linked in.
pub(super) const MEASURED: usize = 0;
pub(super) const PREDICTED: usize = 1;
pub(super) const PATCH_AMPLITUDE: usize = 2;
pub(super) const PATCH_PHASE: usize = 3;
pub(super) const OBJECT_AMPLITUDE: usize = 4;
pub(super) const OBJECT_PHASE: usize = 5;
pub(super) const RESULT_AMPLITUDE: usize = 6;
pub(super) const RESULT_PHASE: usize = 7;
pub(super) const COVERAGE: usize = 8;
const PATTERN_GROUP: usize = 0;
const PATCH_GROUP: usize = 1;
const OBJECT_GROUP: usize = 2;
const RESULT_GROUP: usize = 3;

/// Titles of the panes.
pub(super) const TITLES: [&str; 9] = [
    "Measured",
    "Predicted",
    "Patch amplitude",
    "Patch phase",
    "Object amplitude",
    "Object phase",
    "Result amplitude",
    "Result phase",
    "Coverage",
];

/// What will be seen in the panes.
const HINTS: [&str; 9] = [
    "One validation pattern as it was measured.",
    "The same pattern as the network predicts it, on the same scale.",
    "The amplitude that the network draws for it.",
    "The phase that it draws.",
    "The object stitched of all patches so far.",
    "Its phase.",
    "The object stitched of all patches.",
    "Its phase.",
    "How much the patches weigh at each pixel.",
];

/// Amplitudes below this are raised to it before the logarithm.
const LOG_FLOOR: f64 = 0.5;

pub(super) fn panes() -> Vec<(Pane, ImagePane)> {
    let pane = |index: usize, quantity, unit, group| Pane {
        title: TITLES[index],
        quantity,
        unit,
        group,
        has_object_pixels: group != PATTERN_GROUP,
    };
    let small = |pane: ImagePane| ImagePane {
        shows_histogram: false,
        shows_caption: false,
        ..pane
    };
    let gray = Some(ColorMap::new(Map::Gray));
    let seen_only = |mut pane: ImagePane| {
        pane.look.has_unseen = true;
        pane.shows_histogram = false;
        pane
    };
    let phase = || {
        let mut pane = ImagePane::phase_contrast();
        pane.look.is_ramp_removed = false;
        pane.look.color_map = gray;
        pane
    };
    let amplitude = || ImagePane::new(Component::Amplitude);
    let pattern = || small(ImagePane::log10(LOG_FLOOR));
    let counts = "√photons";
    vec![
        (pane(MEASURED, "", counts, PATTERN_GROUP), pattern()),
        (pane(PREDICTED, "", counts, PATTERN_GROUP), pattern()),
        (
            pane(PATCH_AMPLITUDE, "", "", PATCH_GROUP),
            small(amplitude()),
        ),
        (pane(PATCH_PHASE, "", "", PATCH_GROUP), small(phase())),
        (
            pane(OBJECT_AMPLITUDE, "", "", OBJECT_GROUP),
            seen_only(amplitude()),
        ),
        (pane(OBJECT_PHASE, "", "", OBJECT_GROUP), seen_only(phase())),
        (
            pane(RESULT_AMPLITUDE, "", "", RESULT_GROUP),
            seen_only(amplitude()),
        ),
        (pane(RESULT_PHASE, "", "", RESULT_GROUP), seen_only(phase())),
        (
            pane(COVERAGE, "weight of the patches", "", RESULT_GROUP),
            seen_only(ImagePane::default()),
        ),
    ]
}

/// One scale for what is measured and what is predicted: that of the measured pattern.
#[derive(Default)]
pub(super) struct Scale {
    /// How the predicted pattern was shown last; another look means that its pane was changed by hand.
    last: Option<Look>,
    limits: Option<Limits>,
}

impl Scale {
    /// Before the measured pattern is drawn: a change of the other pane is one of both.
    fn before(&self, pictures: &mut Pictures) {
        let predicted = *pictures.look(PREDICTED);
        if self.last.is_some_and(|last| last != predicted) {
            *pictures.look(MEASURED) = predicted;
        }
    }

    /// After it was drawn.
    fn after(&mut self, pictures: &mut Pictures) {
        let mut look = *pictures.look(MEASURED);
        look.limits = look.limits.or(self.limits);
        *pictures.look(PREDICTED) = look;
        self.last = Some(look);
    }
}

/// Draw a pane; the words in its place where there is nothing to show.
pub(super) fn draw(
    ui: &mut Ui,
    pane: usize,
    training: &Training,
    (pictures, scale): (&mut Pictures, &mut Scale),
) -> Result<(), &'static str> {
    if RESULT_AMPLITUDE <= pane {
        let inference = &training.inference;
        let shown = inference.done.as_ref().ok_or(HINTS[pane])?;
        draw_result(ui, pane, (shown, inference.revision), pictures);
        return Ok(());
    }
    let Some(arm) = training.arm() else {
        return Err(HINTS[pane]);
    };
    let Some(shown) = &arm.preview else {
        return Err(match &arm.state {
            ArmState::Waiting => "This training waits for others.",
            ArmState::Running => "The first preview is on its way…",
            _ => "This training has left no preview.",
        });
    };
    let version = arm.revision;
    let preview = &shown.preview;
    match pane {
        MEASURED => {
            scale.before(pictures);
            let title = (MEASURED, TITLES[MEASURED]);
            let source = Source::Real(preview.measured.view());
            let response = pictures.show_titled(ui, title, source, version);
            scale.limits = response.picture.map(|picture| Limits::Manual {
                min: picture.limits.min,
                max: picture.limits.max,
            });
            scale.after(pictures);
        }
        PREDICTED if preview.predicted.is_empty() => {
            return Err("The baseline predicts no diffraction.");
        }
        PREDICTED => {
            pictures.show(ui, pane, Source::Real(preview.predicted.view()), version);
        }
        PATCH_AMPLITUDE | PATCH_PHASE => {
            pictures.show(ui, pane, Source::Complex(preview.patch.view()), version);
        }
        _ => {
            pictures.show(ui, pane, Source::Complex(shown.object.view()), version);
        }
    }
    Ok(())
}

fn draw_result(
    ui: &mut Ui,
    pane: usize,
    (shown, revision): (&ShownInference, u64),
    pictures: &mut Pictures,
) {
    let source = match pane {
        COVERAGE => Source::Real(shown.coverage.view()),
        _ => Source::Complex(shown.object.view()),
    };
    pictures.show(ui, pane, source, revision);
}

/// The array behind a pane, as it is shown.
pub(super) fn values(pane: usize, training: &Training) -> Option<Values> {
    if RESULT_AMPLITUDE <= pane {
        let shown = training.inference.done.as_ref()?;
        return Some(match pane {
            COVERAGE => Values::Real(shown.coverage.clone()),
            _ => Values::Complex(shown.object.clone()),
        });
    }
    let shown = training.arm()?.preview.as_ref()?;
    let preview = &shown.preview;
    Some(match pane {
        MEASURED => Values::Real(preview.measured.clone()),
        PREDICTED if preview.predicted.is_empty() => return None,
        PREDICTED => Values::Real(preview.predicted.clone()),
        PATCH_AMPLITUDE | PATCH_PHASE => Values::Complex(preview.patch.clone()),
        _ => Values::Complex(shown.object.clone()),
    })
}

/// Of which run and which epoch the preview is, how often there is a new one, and how much of the object is unseen.
pub(super) fn preview_line(ui: &mut Ui, training: &mut Training) {
    let weak = theme::palette(ui).weak;
    let names: Vec<_> = training.arms.iter().map(|arm| arm.name.clone()).collect();
    if names.is_empty() {
        let rate = format!("A live preview {}.", rate_words());
        ui.label(RichText::new(rate).color(weak))
            .on_hover_text(rate_tip());
        return;
    }
    let mut chosen = training.chosen;
    let shown = names.get(chosen).cloned().unwrap_or_default();
    egui::ComboBox::from_id_salt("looked at")
        .selected_text(shown)
        .show_ui(ui, |ui| {
            for (i, name) in names.iter().enumerate() {
                ui.selectable_value(&mut chosen, i, name);
            }
        })
        .response
        .on_hover_text("The training that is looked at")
        .accessible_name("Training that is looked at");
    if chosen != training.chosen {
        training.choose(chosen);
    }
    let Some(shown) = training.arm().and_then(|arm| arm.preview.clone()) else {
        return;
    };
    let epoch = match shown.preview.epoch {
        0 => "before the first epoch".to_owned(),
        epoch => format!("after epoch {epoch}"),
    };
    ui.label(format!("preview {epoch}"));
    ui.label(RichText::new(rate_words()).color(weak))
        .on_hover_text(rate_tip());
    ui.label(RichText::new(unseen_words(&shown)).color(weak))
        .on_hover_text("Pixels that no patch of the preview's groups has seen; drawn in slate");
}

/// How often there is a new preview.
fn rate_words() -> String {
    format!("every {} s at most", PREVIEW_INTERVAL.as_secs())
}

fn rate_tip() -> String {
    let percent = 100.0 * PREVIEW_SHARE;
    format!(
        "A new preview comes {}, and less often where it would take more than {percent:.0} % of the time. Its object is stitched of up to {PREVIEW_GROUPS} groups.",
        rate_words()
    )
}

fn unseen_words(shown: &ShownPreview) -> String {
    let n_unseen = with_separators(shown.n_unseen);
    let n_all = with_separators(shown.object.len());
    format!("{n_unseen} of {n_all} object pixels unseen")
}

/// Of what the result is.
pub(super) fn result_line(ui: &mut Ui, training: &Training, commands: &mut Vec<Command>) {
    let weak = theme::palette(ui).weak;
    let inference = &training.inference;
    let (Some(shown), Some(task)) = (&inference.done, &inference.task) else {
        ui.label(
            RichText::new("A trained network turns a dataset into an object in seconds.")
                .color(weak),
        );
        return;
    };
    let name = task.data.file_name().unwrap_or_default().to_string_lossy();
    let n_unseen = with_separators(shown.outcome.inferred.n_unseen);
    let n_all = with_separators(shown.object.len());
    ui.label(format!("{name}: {n_unseen} of {n_all} pixels unseen"))
        .on_hover_text("Pixels that no patch has seen are 0 in the file and drawn in slate");
    let tip = "Put it beside the truth and other reconstructions, in the Compare view";
    if ui.button("Compare this").on_hover_text(tip).clicked() {
        commands.push(Command::AddToComparison(vec![task.output.clone()]));
    }
    if ui.button("Export pane…").clicked() {
        commands.push(Command::Do(Action::ExportPane));
    }
}
