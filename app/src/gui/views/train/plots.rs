//! The losses of all trainings together, of every step or every epoch.

use std::sync::Arc;

use egui::Ui;
use ptycho_core::nn::TrainingHistory;

use super::super::super::command::{Action, Command};
use super::super::super::training::curves::{Curves, Per, loss_label, names};
use super::super::super::training::{Arm, Training};
use super::super::super::widgets::line_plot::{LinePlot, PlotData, Series, log_from};

/// The choices of the plot, and the curves as they were drawn last.
#[derive(Default)]
pub(super) struct Plots {
    pub(super) per: Per,
    plot: LinePlot,
    drawn: Vec<Drawn>,
}

/// The curves of one run, kept for as long as its history stays.
struct Drawn {
    arm: usize,
    per: Per,
    history: Arc<TrainingHistory>,
    names: [String; 2],
    curves: Curves,
}

impl Plots {
    /// Draw the losses.
    pub(super) fn ui(&mut self, ui: &mut Ui, training: &Training, commands: &mut Vec<Command>) {
        if training.arms.iter().all(|arm| arm.history.steps.is_empty()) {
            ui.centered_and_justified(|ui| {
                ui.weak("The losses of all runs are drawn here, validation dashed.")
            });
            return;
        }
        self.update(&training.arms);
        let offsets = self.offsets(&training.arms);
        let mut series = Vec::new();
        for (drawn, offsets) in self.drawn.iter().zip(&offsets) {
            let [train, validation] = &drawn.names;
            for (name, points, is_dashed) in [
                (train, &drawn.curves.train, false),
                (validation, &drawn.curves.validation, true),
            ] {
                if !points.is_empty() {
                    series.push(Series {
                        name,
                        points,
                        colour_index: drawn.arm,
                        is_dashed,
                        log_from: offsets[usize::from(is_dashed)],
                    });
                }
            }
        }
        let mut per = self.per;
        let mut choices = |ui: &mut Ui| {
            ui.selectable_value(&mut per, Per::Epoch, "per epoch")
                .on_hover_text("Mean of every epoch; validation, dashed, after it");
            ui.selectable_value(&mut per, Per::Step, "per step")
                .on_hover_text("Every batch; validation, dashed, where its epoch ended");
        };
        if series.is_empty() {
            ui.horizontal_wrapped(|ui| {
                ui.strong("Loss");
                choices(ui);
            });
            self.per = per;
            ui.centered_and_justified(|ui| ui.weak("The first epoch is on its way…"));
            return;
        }
        let data = PlotData {
            x_label: self
                .drawn
                .first()
                .map_or(self.per, |drawn| drawn.per)
                .label(),
            y_label: &loss_label(&training.arms),

            series: &series,
        };
        let title = ("train loss", "Loss");
        let response = self.plot.ui_with(ui, title, &data, choices);
        if response.is_csv_asked {
            commands.push(Command::Do(Action::SaveLoss));
        }
        self.per = per;
    }

    /// Where the logarithmic axis begins for training and validation of each run: the same for those of one loss on
    /// the same data.
    fn offsets(&self, arms: &[Arm]) -> Vec<[Option<f64>; 2]> {
        let is_alike = |a: &Arm, b: &Arm| {
            let data = |arm: &Arm| (arm.task.train.clone(), arm.task.validation.clone());
            a.loss_name() == b.loss_name() && data(a) == data(b)
        };
        let of = |arm: &Arm, validation: bool| {
            let alike = arms
                .iter()
                .zip(&self.drawn)
                .filter(|(other, _)| is_alike(arm, other));
            let curves = alike.map(|(_, drawn)| {
                let Curves {
                    train,
                    validation: validated,
                } = &drawn.curves;
                if validation {
                    validated.as_slice()
                } else {
                    train.as_slice()
                }
            });
            log_from(curves)
        };
        arms.iter()
            .map(|arm| [of(arm, false), of(arm, true)])
            .collect()
    }

    /// Make anew the curves whose history has grown.
    fn update(&mut self, arms: &[Arm]) {
        let per = self.per;
        let mut before = std::mem::take(&mut self.drawn);
        for arm in arms {
            let known = before.iter().position(|drawn| {
                drawn.arm == arm.id && drawn.per == per && Arc::ptr_eq(&drawn.history, &arm.history)
            });
            self.drawn.push(match known {
                Some(known) => before.swap_remove(known),
                None => Drawn {
                    arm: arm.id,
                    per,
                    history: Arc::clone(&arm.history),
                    names: names(arm),
                    curves: Curves::new(&arm.history, per).thinned(),
                },
            });
        }
    }
}
