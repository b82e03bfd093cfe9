//! Which fields the present choices are about, so that none is shown that has no effect.

use ptycho_core::fields::AutoReal;
use ptycho_core::sim::{ObjectContent, ObjectKind, ProbeKind, ScanKind};
use ptycho_core::study::generate::GenerateTask;

use super::super::super::generation::Sketch;
use super::super::super::widgets::field_table::Relevance;

/// Whether a field is shown.
pub(in super::super) fn relevance(task: &GenerateTask, name: &str) -> Relevance {
    let object = &task.scene.object;
    let is_made = object.object != ObjectKind::File;
    let (content, probe, scan) = (
        object.object_content,
        task.scene.probe.probe,
        task.scene.scan.scan,
    );
    let is_split = task.split.test_positions == 0;
    let always = |is_so: bool| {
        if is_so {
            Relevance::Always
        } else {
            Relevance::Never
        }
    };
    let never = |is_so: bool| {
        if is_so {
            Relevance::Never
        } else {
            Relevance::ByLevel
        }
    };
    match name {
        "object_size" | "object_content" => never(!is_made),
        "object_amplitude_min" | "object_amplitude_max" => {
            never(!is_made || content == ObjectContent::Phase)
        }
        "object_phase_min_rad" | "object_phase_max_rad" => {
            always(is_made && content != ObjectContent::Amplitude)
        }
        "n" | "n_probe_modes" => never(probe == ProbeKind::File),
        "default_probe_scale" => always(probe == ProbeKind::Disk),
        "probe_sigma_n" => always(probe == ProbeKind::Gaussian),
        "probe_aperture_n" | "probe_defocus_rad" => {
            always(matches!(probe, ProbeKind::Defocused | ProbeKind::ZonePlate))
        }
        "probe_stop" => always(probe == ProbeKind::ZonePlate),
        "probe_mode_decay" => {
            always(probe != ProbeKind::File && task.scene.probe.n_probe_modes > 1)
        }
        "positions" | "buffer_px" => never(scan == ScanKind::File),
        "scan_step_px" => always(!matches!(scan, ScanKind::Random | ScanKind::File)),
        "split_axis" | "guard_px" => never(!is_split),
        "test_seed" => always(!is_split),
        _ => Relevance::ByLevel,
    }
}

/// What `auto` stands for, where that is known.
pub(super) fn found(task: &GenerateTask, sketch: &Sketch, name: &str) -> Option<f64> {
    match name {
        "buffer_px" => Some((task.scene.probe.n / 2) as f64),
        "guard_px" if task.split.guard_px == AutoReal::Auto => {
            Some(sketch.scan.as_ref()?.divide?.width_px)
        }
        _ => None,
    }
}
