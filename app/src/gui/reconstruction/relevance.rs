//! Which fields of the iterative engines' settings have no effect with the present choice.

use ptycho_core::iterative::{EngineKind, IterativeSettings, Noise, PositionMethod, StepSchedule};

use super::super::widgets::field_table::Relevance;

/// Whether a field has any effect with this engine and these settings.
pub fn relevance(engine: EngineKind, settings: &IterativeSettings, name: &str) -> Relevance {
    let refines_positions = settings.refine_positions != PositionMethod::Off;
    let varies = 0 < settings.opr_modes || settings.vary_intensity;
    let has_effect = match name {
        "position_start" | "position_step" | "position_limit_px" | "hold_scale"
        | "affine_positions" => refines_positions,
        "affine_relaxation" | "affine_error_px" => refines_positions && settings.affine_positions,
        "opr_start" | "opr_weight_relaxation" => varies,
        "opr_mode_relaxation" => 0 < settings.opr_modes,
        "added_mode_power" => 1 < settings.probe_modes,
        "noise_sigma" => settings.noise == Noise::Gaussian,
        "step_end" => settings.step_schedule != StepSchedule::Constant,
        "probe_start" | "probe_step" | "probe_step_scaler" | "probe_alpha" => settings.refine_probe,
        _ => true,
    };
    if has_effect && engine.uses(name) {
        Relevance::ByLevel
    } else {
        Relevance::Never
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ptycho_core::fields::Fields as _;

    fn shown(engine: EngineKind, settings: &IterativeSettings) -> Vec<&'static str> {
        IterativeSettings::fields()
            .iter()
            .map(|field| field.name)
            .filter(|name| relevance(engine, settings, name) == Relevance::ByLevel)
            .collect()
    }

    #[test]
    fn an_engine_shows_its_own_fields_only() {
        let default = IterativeSettings::default();
        let lsqml = shown(EngineKind::Lsqml, &default);
        assert!(lsqml.contains(&"noise") && !lsqml.contains(&"beta"));
        let raar = shown(EngineKind::Raar, &default);
        assert!(raar.contains(&"beta") && !raar.contains(&"noise"));
        assert!(shown(EngineKind::Rpie, &default).contains(&"object_alpha"));
        assert!(!shown(EngineKind::Epie, &default).contains(&"object_alpha"));
    }

    #[test]
    fn what_a_switch_is_about_shows_only_when_it_is_on() {
        let mut settings = IterativeSettings::default();
        assert!(!shown(EngineKind::Lsqml, &settings).contains(&"position_step"));
        settings.refine_positions = PositionMethod::Gradient;
        assert!(shown(EngineKind::Lsqml, &settings).contains(&"position_step"));
        assert!(!shown(EngineKind::Lsqml, &settings).contains(&"affine_error_px"));
        assert!(!shown(EngineKind::Dm, &settings).contains(&"position_step"));
    }
}
