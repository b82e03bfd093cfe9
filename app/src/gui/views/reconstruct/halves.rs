//! Even and odd patterns reconstructed apart: both phases side by side, and their ring correlation.

use egui::{DragValue, ProgressBar, RichText, Ui, vec2};
use ptycho_core::metrics::frc::Cutoff;
use ptycho_core::paint::component::Source;
use ptycho_core::study::halves::{Half, HalvesAgreement, HalvesOutcome};

use super::super::super::command::{Action, Command};
use super::super::super::document::Document;
use super::super::super::files::Purpose;
use super::super::super::meter::seconds_text;
use super::super::super::queue::Queue;
use super::super::super::reconstruction::trials::{FrcLine, HalvesState};
use super::super::super::theme;
use super::super::super::widgets::line_plot::{LinePlot, PlotData};
use super::super::pictures::Pictures;
use super::super::side::{large_button, pressed};

/// Draw the page; `panes` are the numbers of the picture while it runs and of both phases.
pub(super) fn page(
    ui: &mut Ui,
    (document, queue): (&mut Document, &Queue),
    (pictures, panes, plot): (&mut Pictures, [usize; 2], &mut LinePlot),
    why_not: Option<&str>,
    commands: &mut Vec<Command>,
) {
    bar(ui, document, queue, why_not, commands);
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
            ui.centered_and_justified(|ui| {
                ui.weak("Even and odd patterns are reconstructed apart, from the same start. Up to which spatial frequency both show the same is told by their Fourier ring correlation: a resolution from the data alone, without the truth.")
            });
        }
    }
}

fn bar(
    ui: &mut Ui,
    document: &mut Document,
    queue: &Queue,
    why_not: Option<&str>,
    commands: &mut Vec<Command>,
) {
    ui.horizontal_wrapped(|ui| {
        let button = large_button(RichText::new("▶ Compare halves").strong(), 130.0);
        let engine = document.engine.title();
        let tip = format!("Reconstruct even and odd patterns apart with {engine} and these parameters, and compare them");
        if pressed(ui, button, &tip, why_not) {
            commands.push(Command::CompareHalves);
        }
        let tip = "Stop, and keep what there is";
        let is_running = queue.trial().is_some();
        if pressed(ui, large_button("⏹ Stop", 64.0), tip, (!is_running).then_some(tip)) {
            commands.push(Command::Do(Action::Stop));
        }
        let drag = DragValue::new(&mut document.trials.halves_epochs)
            .range(1..=100_000)
            .suffix(" epochs each");
        ui.add(drag)
            .accessible_name("Epochs of each half")
            .on_hover_text("As many as the whole scan would get");
        progress(ui, queue);
    });
}

/// How far a trial is.
pub(super) fn progress(ui: &mut Ui, queue: &Queue) {
    let Some(row) = queue.trial() else {
        return;
    };
    let words = format!(
        "epoch {} of {}",
        row.progress.epoch.min(row.progress.n_epochs),
        row.progress.n_epochs
    );
    let bar = ProgressBar::new(row.share()).desired_width(40.0 * theme::GRID);
    ui.add(bar.text(words))
        .accessible_name("Progress of the trial");
    ui.weak(format!(
        "elapsed {}",
        seconds_text(row.elapsed.as_secs_f64())
    ));
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
