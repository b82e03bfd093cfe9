//! What of a complex array is shown.

use ndarray::{Array2, ArrayView2};
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

use crate::phase::unwrap;

/// The array behind a picture.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Real values.
    Real(ArrayView2<'a, f32>),
    /// Complex values.
    Complex(ArrayView2<'a, Complex32>),
}

impl Source<'_> {
    /// Rows and columns.
    pub fn dim(&self) -> (usize, usize) {
        match self {
            Self::Real(values) => values.dim(),
            Self::Complex(values) => values.dim(),
        }
    }

    /// Whether the values are complex.
    pub fn is_complex(&self) -> bool {
        matches!(self, Self::Complex(_))
    }
}

/// What of a complex array is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// The magnitude.
    #[default]
    Amplitude,
    /// The angle in (-π, π].
    Phase,
    /// The angle made continuous by whole turns.
    UnwrappedPhase,
    /// The real part.
    Real,
    /// The imaginary part.
    Imaginary,
    /// Both at once: the angle as hue, the magnitude as lightness.
    HueLightness,
}

impl Component {
    /// All components, in the order of a menu.
    pub const ALL: [Self; 6] = [
        Self::Amplitude,
        Self::Phase,
        Self::UnwrappedPhase,
        Self::Real,
        Self::Imaginary,
        Self::HueLightness,
    ];

    /// The quantity's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amplitude => "amplitude",
            Self::Phase => "phase",
            Self::UnwrappedPhase => "unwrapped phase",
            Self::Real => "real part",
            Self::Imaginary => "imaginary part",
            Self::HueLightness => "phase as hue, amplitude as lightness",
        }
    }

    /// Whether its values are angles in radians.
    pub fn is_angle(self) -> bool {
        matches!(
            self,
            Self::Phase | Self::UnwrappedPhase | Self::HueLightness
        )
    }

    /// The values; for [`Component::HueLightness`] the phase.
    pub fn of(self, values: &ArrayView2<'_, Complex32>) -> Array2<f32> {
        match self {
            Self::Amplitude => amplitude(values),
            Self::Phase | Self::HueLightness => phase(values),
            Self::UnwrappedPhase => unwrap(&phase(values).view()),
            Self::Real => values.mapv(|value| value.re),
            Self::Imaginary => values.mapv(|value| value.im),
        }
    }
}

/// The magnitude, free of overflow: squares of single-precision numbers fit into double precision.
pub fn amplitude(values: &ArrayView2<'_, Complex32>) -> Array2<f32> {
    values.mapv(|value| {
        let (re, im) = (f64::from(value.re), f64::from(value.im));
        (re * re + im * im).sqrt() as f32
    })
}

/// The angle in (-π, π]; NaN where a part is.
pub fn phase(values: &ArrayView2<'_, Complex32>) -> Array2<f32> {
    values.mapv(|value| value.im.atan2(value.re))
}
