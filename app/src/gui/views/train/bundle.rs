//! The bundles of the training that is looked at: what they are, whether they can be loaded, and their use.

use std::path::PathBuf;

use egui::{Grid, Label, RichText, ScrollArea, Ui};
use ptycho_core::fields::{FieldValue as _, Fields as _};
use ptycho_core::nn::BundleCard;

use super::super::super::command::Command;
use super::super::super::theme;
use super::super::super::training::bundles::bundles_of;
use super::super::super::training::{BundleRead, BundleState, Training};
use super::super::side::pressed;
use crate::units::bytes_text;
use crate::words::with_separators;

/// Draw the cards of best and last.
pub(super) fn bundle(ui: &mut Ui, training: &Training, commands: &mut Vec<Command>) {
    let Some(arm) = training.arm().filter(|arm| arm.ended.is_some()) else {
        ui.centered_and_justified(|ui| {
            ui.weak("The bundles of the chosen run are shown here once it has ended.")
        });
        return;
    };
    ScrollArea::both()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for (name, path) in bundles_of(arm.folder()) {
                let state = training.bundles.get(&path);
                let train = Some(arm.task.train.clone());
                card(ui, name, (path, state), train, commands);
                ui.add_space(theme::GAP);
            }
        });
}

fn card(
    ui: &mut Ui,
    name: &str,
    (path, state): (PathBuf, Option<&BundleState>),
    train: Option<PathBuf>,
    commands: &mut Vec<Command>,
) {
    ui.horizontal_wrapped(|ui| {
        ui.strong(name);
        verdict(ui, state);
        let is_good = matches!(state, Some(BundleState::Read(read)) if read.card.is_ok());
        let button = egui::Button::new("Reconstruct with this bundle");
        let tip = "Choose data and result, then reconstruct";
        let why_not = (!is_good).then_some("The bundle has to be loaded first");
        if pressed(ui, button, tip, why_not) {
            commands.push(Command::UseBundle(path.clone(), train));
        }
        if ui
            .button("Check again")
            .on_hover_text("Read the bundle again: hash, names, shapes")
            .clicked()
        {
            commands.push(Command::ReadBundle(path));
        }
    });
    match state {
        Some(BundleState::Read(BundleRead { card: Ok(card), .. })) => {
            facts(ui, name, card, commands);
        }
        Some(BundleState::Read(BundleRead {
            card: Err(words), ..
        })) => {
            ui.add(Label::new(words).wrap().selectable(true));
        }
        _ => {}
    }
}

/// Whether a bundle could be loaded, in a sign and words.
pub(super) fn verdict(ui: &mut Ui, state: Option<&BundleState>) {
    let palette = theme::palette(ui);
    match state {
        None => ui.colored_label(palette.weak, "· not yet checked"),
        Some(BundleState::Reading) => ui.colored_label(palette.weak, "⌛ being checked…"),
        Some(BundleState::Read(read)) if read.card.is_ok() => ui
            .colored_label(palette.ok, "✔ loads")
            .on_hover_text("Hash, names and shapes of all parameters agree"),
        Some(BundleState::Read(_)) => ui.colored_label(palette.bad, "✖ does not load"),
    };
}

fn facts(ui: &mut Ui, id_salt: &str, card: &BundleCard, commands: &mut Vec<Command>) {
    let architecture = &card.architecture;
    let changed = card.settings.flags().join(" ");
    let changed = if changed.is_empty() {
        "all at their default".to_owned()
    } else {
        changed
    };
    let rows = [
        ("file", card.file.display().to_string()),
        ("SHA-256", card.sha256.clone()),
        ("size", bytes_text(card.n_bytes)),
        ("parameters", with_separators(card.n_parameters)),
        ("epochs", card.epoch.to_string()),
        (
            "network",
            format!(
                "{} for {1}×{1} patterns in groups of {2}, filters scale {3}",
                architecture.model.to_value(),
                architecture.n,
                architecture.n_channels,
                architecture.filters_scale
            ),
        ),
        (
            "photons",
            format!(
                "{:.4e} a pattern in training",
                card.normalisation.mean_counts_per_pattern
            ),
        ),
        ("data", card.data_sha256.clone()),
        ("settings", changed),
        ("version", card.version.clone()),
    ];
    Grid::new(("bundle", id_salt))
        .num_columns(2)
        .spacing([theme::GAP, theme::GRID / 2.0])
        .show(ui, |ui| {
            for (name, value) in rows {
                ui.label(RichText::new(name).color(theme::palette(ui).weak));
                ui.horizontal(|ui| {
                    if name == "SHA-256" && ui.small_button("Copy").clicked() {
                        commands.push(Command::CopyText(value.clone()));
                    }
                    let value = RichText::new(value).monospace();
                    ui.add(Label::new(value).extend().selectable(true));
                });
                ui.end_row();
            }
        });
}
