//! Even and odd patterns reconstructed apart: both phases side by side, and their ring correlation.

use egui::{RichText, Ui, vec2};
use ptycho_core::metrics::frc::Cutoff;
use ptycho_core::paint::component::Source;
use ptycho_core::study::halves::{Half, HalvesAgreement, HalvesOutcome};

use super::super::super::command::Command;
use super::super::super::document::Document;
use super::super::super::files::Purpose;
use super::super::super::queue::Queue;
use super::super::super::reconstruction::trials::{FrcLine, HalvesState};
use super::super::super::theme;
use super::super::super::widgets::line_plot::{LinePlot, PlotData};
use super::super::pictures::Pictures;
use super::course::explanation;
use super::trial_row::TrialRow;

/// Draw the page; `panes` are the numbers of the picture while it runs and of both phases.
pub(super) fn page(
    ui: &mut Ui,
    (document, queue): (&mut Document, &Queue),
    (pictures, panes, plot): (&mut Pictures, [usize; 2], &mut LinePlot),
    why_not: Option<&str>,
    commands: &mut Vec<Command>,
) {
    let engine = document.engine.title();
    let row = TrialRow {
        label: "▶ Compare halves",
        tip: format!(
            "Reconstruct even and odd patterns apart with {engine} and these parameters, and compare them"
        ),
        command: Command::CompareHalves,
        epochs: (
            &mut document.trials.halves_epochs,
            100_000,
            "Epochs of each half",
            "As many as the whole scan would get",
        ),
    };
    row.ui(ui, queue, why_not, commands);
    let trials = &document.trials;
    let state = &trials.halves;
    if let Some(words) = &state.failed {
        ui.colored_label(theme::palette(ui).bad, format!("✖ {words}"));
    }
    match (&state.outcome, &state.snapshot) {
        (Some(outcome), _) => {
            ended(
                ui,
                (state, outcome),
                (pictures, panes, plot),
                trials.revision,
                commands,
            );
        }
        (None, Some(snapshot)) => {
            let object = snapshot.running.object.view();
            let title = match snapshot.half {
                Half::Even => "Even patterns",
                Half::Odd => "Odd patterns",
            };
            let source = Source::Complex(object);
            pictures.show_titled(ui, (panes[0], title), source, trials.revision);
        }
        (None, None) => {
            explanation(
                ui,
                "Even and odd patterns are reconstructed apart, from the same start. Up to which spatial frequency both show the same is told by their Fourier ring correlation: a resolution from the data alone, without the truth.",
            );
        }
    }
}

fn ended(
    ui: &mut Ui,
    (state, outcome): (&HalvesState, &HalvesOutcome),
    (pictures, panes, plot): (&mut Pictures, [usize; 2], &mut LinePlot),
    revision: u64,
    commands: &mut Vec<Command>,
) {
    ui.horizontal_wrapped(|ui| {
        numbers(ui, outcome);
        let tip = "The run folder: ring correlation, pictures and both results";
        if ui.button("Open folder").on_hover_text(tip).clicked() {
            commands.push(Command::OpenFolder(outcome.run_folder.clone()));
        }
    });
    let Some(agreement) = &outcome.agreement else {
        if let Some(half) = outcome.halves.first() {
            let source = Source::Complex(half.object.view());
            pictures.show_titled(ui, (panes[0], "Even patterns"), source, revision);
        }
        return;
    };
    let room = ui.available_size();
    let above = (0.5 * room.y).max(30.0 * theme::GRID);
    ui.horizontal(|ui| {
        let size = vec2((room.x - ui.spacing().item_spacing.x) / 2.0, above);
        for (i, title) in ["Even patterns", "Odd patterns"].into_iter().enumerate() {
            ui.allocate_ui(size, |ui| {
                ui.set_min_size(size);
                ui.vertical(|ui| {
                    let phases = Source::Real(agreement.phases_rad[i].view());
                    let version = revision << 1 | i as u64;
                    pictures.show_titled(ui, (panes[1], title), phases, version);
                });
            });
        }
    });
    let series: Vec<_> = state.curves.iter().map(FrcLine::series).collect();
    let data = PlotData {
        x_label: "frequency, share of Nyquist",
        y_label: "ring correlation",
        series: &series,
    };
    if plot
        .ui(ui, "halves", "Ring correlation", &data)
        .is_csv_asked
    {
        commands.push(Command::ChooseForReconstruction(Purpose::SaveHalves));
    }
}

fn numbers(ui: &mut Ui, outcome: &HalvesOutcome) {
    let palette = theme::palette(ui);
    let Some(agreement) = &outcome.agreement else {
        ui.colored_label(palette.warn, "⏹ Stopped before both halves were done.");
        return;
    };
    let patterns: Vec<_> = outcome
        .halves
        .iter()
        .map(|half| half.n_patterns.to_string())
        .collect();
    ui.label(format!("{} patterns.", patterns.join(" and ")));
    for (name, cutoff) in [("half bit", agreement.half_bit), ("1/7", agreement.seventh)] {
        let words = cutoff_words(agreement, cutoff);
        ui.label(RichText::new(format!("Resolution ({name}): {words}")).strong());
    }
    for note in &agreement.steps.notes {
        ui.colored_label(palette.warn, format!("⚠ {note}"));
    }
}

/// Half a period where the pixel size is known, else in pixels.
fn cutoff_words(agreement: &HalvesAgreement, cutoff: Cutoff) -> String {
    if agreement.complex.values.len() as f64 <= cutoff.rings {
        return "beyond the highest frequency".to_owned();
    }
    if 1.0 < cutoff.of_nyquist {
        // Rings beyond hold the corners alone: no resolution finer than a pixel is claimed.
        return match agreement.pixel_size_m {
            Some(pixel_m) => format!("a pixel ({:.1} nm) or finer", 1e9 * pixel_m),
            None => "a pixel or finer".to_owned(),
        };
    }
    let percent = 100.0 * cutoff.of_nyquist;
    match cutoff.half_period_nm {
        Some(nm) => format!("{nm:.1} nm ({percent:.0} % of Nyquist)"),
        None if 0.0 < cutoff.of_nyquist => {
            let px = 1.0 / cutoff.of_nyquist;
            format!("{px:.2} px ({percent:.0} % of Nyquist)")
        }
        None => "none".to_owned(),
    }
}
