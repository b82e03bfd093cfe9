//! The phases that are measured, free of wraps.

use ndarray::{Array2, Zip};
use num_complex::Complex64;

use crate::metrics::pair::Pair;
use crate::metrics::plane::{self, plane_of};
use crate::metrics::prepare::Prepared;
use crate::phase::unwrap;

/// Phases of reference and reconstruction beside each other, in rad; NaN where a pixel does not count.
#[derive(Clone, Debug, PartialEq)]
pub struct Phases {
    /// Of the reference.
    pub reference: Array2<f64>,
    /// Of the reconstruction.
    pub other: Array2<f64>,
}

impl Phases {
    /// The phases that the numbers are of.
    ///
    /// The reference's phase is unwrapped (quality-guided) and loses its least-squares plane, which carries nothing. The
    /// reconstruction's is that plus the wrapped difference `arg(r conj(t))`, after what was removed from it: so a whole turn more
    /// or less, wherever a phase happens to wrap, changes no number.
    pub fn of(prepared: &Prepared) -> Self {
        let mask = prepared.area.mask.as_ref();
        let wrapped = angles(&prepared.reference, mask);
        let mut reference = unwrap(&wrapped.view());
        subtract_plane(&mut reference, mask);
        let mut other = reference.clone();
        Zip::from(&mut other)
            .and(&prepared.other)
            .and(&prepared.reference)
            .for_each(|phase, r, t| *phase += (r * t.conj()).arg());
        Self { reference, other }
    }

    /// The phases of PtychoPINN's numbers: wrapped angles as they are, before anything was removed, each less its own
    /// least-squares plane. Meaningless where angles wrap.
    pub fn legacy(prepared: &Prepared) -> Self {
        let mask = prepared.area.mask.as_ref();
        let mut original = prepared.other.clone();
        plane::remove(&mut original, prepared.steps.plane_rad.map(|part| -part));
        let (mut reference, mut other) =
            (angles(&prepared.reference, mask), angles(&original, mask));
        subtract_plane(&mut reference, mask);
        subtract_plane(&mut other, mask);
        Self { reference, other }
    }

    /// Both, with the mask of the comparison.
    pub fn pair<'a>(&'a self, mask: Option<&'a Array2<bool>>) -> Pair<'a> {
        Pair {
            reference: self.reference.view(),
            other: self.other.view(),
            mask,
        }
    }
}

/// Wrapped angles; NaN where a pixel does not count.
fn angles(object: &Array2<Complex64>, mask: Option<&Array2<bool>>) -> Array2<f64> {
    let mut angles = object.mapv(Complex64::arg);
    if let Some(mask) = mask {
        Zip::from(&mut angles).and(mask).for_each(|angle, &counts| {
            if !counts {
                *angle = f64::NAN;
            }
        });
    }
    angles
}

fn subtract_plane(phase: &mut Array2<f64>, mask: Option<&Array2<bool>>) {
    let fitted = plane_of(phase.view(), mask);
    for (at, value) in phase.indexed_iter_mut() {
        *value -= plane::at(fitted, at);
    }
}
