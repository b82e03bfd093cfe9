//! One running job on one line: how far, how fast, how long still, and a button that stops it.

use std::time::Duration;

use egui::{ProgressBar, RichText, Ui};
use ptycho_core::job::{JobState, Progress};
use ptycho_core::paint::ticks::value_text;

use crate::gui::theme;

/// What a row shows of a job.
#[derive(Clone, Debug)]
pub struct JobRow<'a> {
    /// The job's name.
    pub name: &'a str,
    /// What it is doing.
    pub state: &'a JobState,
    /// How far it is.
    pub progress: Progress,
    /// Time since its start, or until its end.
    pub elapsed: Duration,
    /// What the rate counts, as "patterns/s".
    pub rate_unit: &'a str,
}

impl JobRow<'_> {
    /// Draw the row; true where the user asks the job to stop.
    pub fn ui(&self, ui: &mut Ui) -> bool {
        let Self {
            name,
            state,
            progress,
            elapsed,
            rate_unit,
        } = self;
        let mut is_stop_asked = false;
        ui.horizontal_wrapped(|ui| {
            let weak = theme::palette(ui).weak;
            // A number and its unit stay on one line.
            ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
            ui.label(RichText::new(*name).strong());
            let share = progress.share() as f32;
            let percent = format!("{:.0} %", share * 100.0);
            ui.add(
                ProgressBar::new(share)
                    .desired_width(40.0 * theme::GRID)
                    .text(percent),
            )
            .accessible_name(format!("Progress of {name}"));
            ui.label(format!("{}/{}", progress.epoch, progress.n_epochs));
            ui.label(RichText::new(format!("elapsed {}", duration_text(*elapsed))).color(weak));
            if **state == JobState::Running {
                let remaining = remaining(progress, *elapsed).map_or("—".to_owned(), duration_text);
                ui.label(RichText::new(format!("left {remaining}")).color(weak));
            }
            if progress.rate_per_s > 0.0 {
                ui.label(format!("{} {rate_unit}", value_text(progress.rate_per_s)));
            }
            is_stop_asked = state_or_stop(ui, state, name);
        });
        is_stop_asked
    }
}

fn state_or_stop(ui: &mut Ui, state: &JobState, name: &str) -> bool {
    let palette = theme::palette(ui);
    match state {
        JobState::Running => {
            return ui
                .button("⏹ Stop")
                .on_hover_text("Stop after the present step and keep what there is")
                .accessible_name(format!("Stop {name}"))
                .clicked();
        }
        JobState::Stopping => {
            ui.add_enabled(false, egui::Button::new("stopping…"));
        }
        JobState::Done => {
            ui.colored_label(palette.ok, "✔ done");
        }
        JobState::Cancelled => {
            ui.colored_label(palette.warn, "⏹ cancelled");
        }
        JobState::Failed(why) => {
            ui.colored_label(palette.bad, format!("✖ failed: {why}"));
        }
    }
    false
}

/// Time still needed, once two hundredths or two epochs are done: earlier guesses mislead.
fn remaining(progress: &Progress, elapsed: Duration) -> Option<Duration> {
    let share = progress.share();
    let is_known = progress.epoch >= 2 || share >= 0.02;
    (is_known && share > 0.0).then(|| elapsed.mul_f64((1.0 - share) / share))
}

/// A duration as `3.2 s`, `4:05` or `1:02:33`.
pub fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        return format!("{:.1} s", duration.as_secs_f64());
    }
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 {
        format!("{minutes}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}
