//! Which fields of a training's settings belong together, and which have no effect with the present choice.

use ptycho_core::nn::{AmplitudeHead, Model, Schedule, TrainSettings};

use super::super::super::widgets::field_table::Relevance;

/// The parts of the settings, in the order of the side.
pub(super) const PARTS: [(&str, &[&str]); 4] = [
    (
        "Groups",
        &[
            "gridsize",
            "groups",
            "neighbors",
            "oversample",
            "validation_fraction",
        ],
    ),
    (
        "Network",
        &[
            "model",
            "filters_scale",
            "amplitude_head",
            "amplitude_max",
            "pad_object",
            "border_head",
            "train_probe",
        ],
    ),
    (
        "Loss",
        &["loss", "loss_weight", "other_loss_weight", "tv_weight"],
    ),
    (
        "Training",
        &[
            "epochs",
            "batch_size",
            "lr",
            "seed",
            "schedule",
            "warmup_epochs",
            "lr_min",
            "plateau_factor",
            "plateau_patience",
            "clip_norm",
            "early_stop",
        ],
    ),
];

/// Whether a field has any effect with these settings.
pub(in super::super) fn relevance(settings: &TrainSettings, name: &str) -> Relevance {
    let is_pinn = settings.model == Model::Pinn;
    let has_effect = match name {
        "amplitude_max" => settings.amplitude_head == AmplitudeHead::Sigmoid,
        "lr_min" => settings.schedule != Schedule::Constant,
        "plateau_factor" | "plateau_patience" => settings.schedule == Schedule::Plateau,
        "loss" | "train_probe" | "other_loss_weight" => is_pinn,
        "border_head" => is_pinn && settings.pad_object,
        _ => true,
    };
    if has_effect {
        Relevance::ByLevel
    } else {
        Relevance::Never
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ptycho_core::fields::Fields as _;

    #[test]
    fn every_field_stands_in_one_part() {
        let mut placed: Vec<_> = PARTS.iter().flat_map(|(_, names)| names.iter()).collect();
        let mut fields: Vec<_> = TrainSettings::fields()
            .iter()
            .map(|field| &field.name)
            .collect();
        placed.sort_unstable();
        fields.sort_unstable();
        assert_eq!(placed, fields);
    }
}
