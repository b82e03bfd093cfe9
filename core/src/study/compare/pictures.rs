//! Phases and amplitudes as they are drawn and exported.

use ndarray::{Array2, Zip};
use num_complex::{Complex32, Complex64};

use crate::metrics::prepare::Prepared;
use crate::metrics::settings::PhaseRemoval;
use crate::phase::{PhaseRamp, unwrap};

/// Phase and amplitude of one object over the area `(h, w)`; NaN where nothing is compared.
#[derive(Clone, Debug)]
pub struct Pictures {
    /// Without jumps by 2π, rad.
    pub phase_rad: Array2<f32>,
    /// As compared, the factor included.
    pub amplitude: Array2<f32>,
}

/// The reference: its phase unwrapped, after its own plane (or offset) is taken off where the settings take one off the others.
pub fn of_reference(prepared: &Prepared, removal: PhaseRemoval) -> Pictures {
    let reference = masked(prepared, &prepared.reference);
    let narrow = reference.mapv(|value| Complex32::new(value.re as f32, value.im as f32));
    let ramp = match removal {
        PhaseRemoval::Plane => PhaseRamp::of(&narrow.view(), None),
        PhaseRemoval::Offset => PhaseRamp {
            offset_rad: reference
                .iter()
                .filter(|value| value.is_finite())
                .sum::<Complex64>()
                .arg(),
            ..PhaseRamp::default()
        },
        PhaseRemoval::None => PhaseRamp::default(),
    };
    let flat = ramp.removed_from(&narrow.view());
    Pictures {
        phase_rad: unwrap(&flat.mapv(Complex32::arg).view()),
        amplitude: reference.mapv(|value| value.norm() as f32),
    }
}

/// An arm: its phase on the same branch as the reference's, less than half a turn from it.
pub fn of_arm(prepared: &Prepared, reference: &Pictures) -> Pictures {
    let difference = super::difference(prepared, true);
    let phase_rad = Zip::from(&reference.phase_rad)
        .and(&difference)
        .map_collect(|reference, difference| reference + *difference as f32);
    // A reference may be seen where the arm is not.
    let amplitude = masked(prepared, &prepared.other).mapv(|value| value.norm() as f32);
    let phase_rad = Zip::from(&phase_rad)
        .and(&amplitude)
        .map_collect(|phase, amplitude| if amplitude.is_nan() { f32::NAN } else { *phase });
    Pictures {
        phase_rad,
        amplitude,
    }
}

/// NaN where the mask leaves out.
fn masked(prepared: &Prepared, object: &Array2<Complex64>) -> Array2<Complex64> {
    let mut object = object.clone();
    if let Some(mask) = &prepared.area.mask {
        let nan = Complex64::new(f64::NAN, f64::NAN);
        Zip::from(&mut object).and(mask).for_each(|value, is_kept| {
            if !is_kept {
                *value = nan;
            }
        });
    }
    object
}
