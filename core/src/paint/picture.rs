//! One way from an array to a picture, for the window and for exports alike.

use std::f32::consts::PI;

use ndarray::{Array2, ArrayView2};
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

use crate::paint::colormap::{ColorMap, Colour, HueLightness, Map, NAN, UNSEEN};
use crate::paint::component::{Component, Source, amplitude};
use crate::paint::limits::{Limits, ResolvedLimits};
use crate::paint::raster::{self, Rgba};
use crate::phase::{PhaseRamp, Region};

/// How an array is shown; the starting values suit any array.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// What of a complex array is shown; without effect on real ones.
    pub component: Component,
    /// The colour map; `None` takes the one that suits the component.
    pub color_map: Option<ColorMap>,
    /// The limits; `None` takes those that suit the component.
    pub limits: Option<Limits>,
    /// Show the decimal logarithm of amplitudes and of real arrays.
    pub is_log10: bool,
    /// The least value of which the logarithm is taken; lesser ones are raised to it.
    pub log_floor: f64,
    /// Remove the ramp and the offset of a complex array's phase.
    pub is_ramp_removed: bool,
    /// NaN marks pixels that nothing has seen: drawn as such and counted as unseen, not as NaN.
    pub has_unseen: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            component: Component::Amplitude,
            color_map: None,
            limits: None,
            is_log10: false,
            log_floor: 0.1,
            is_ramp_removed: false,
            has_unseen: false,
        }
    }
}

impl Look {
    /// The map that is used for a source of this kind.
    pub fn used_map(&self, is_complex: bool) -> ColorMap {
        self.color_map.unwrap_or_else(|| {
            ColorMap::new(match self.component {
                Component::Phase if is_complex => Map::Twilight,
                Component::Real | Component::Imaginary if is_complex => Map::Diverging,
                _ => Map::Viridis,
            })
        })
    }

    /// The limits that are used for a source of this kind.
    pub fn used_limits(&self, is_complex: bool) -> Limits {
        self.limits.unwrap_or(match self.component {
            Component::Phase if is_complex => Limits::Manual {
                min: -std::f64::consts::PI,
                max: std::f64::consts::PI,
            },
            Component::Real | Component::Imaginary if is_complex => Limits::Symmetric,
            _ if self.is_log10 => Limits::MinMax,
            _ => Limits::AUTO,
        })
    }

    /// Whether the logarithm applies to a source of this kind.
    pub fn takes_log10(&self, is_complex: bool) -> bool {
        self.is_log10 && (!is_complex || self.component == Component::Amplitude)
    }

    fn used_floor(&self) -> f64 {
        if self.log_floor.is_finite() && f64::from(f32::MIN_POSITIVE) <= self.log_floor {
            self.log_floor
        } else {
            Self::default().log_floor
        }
    }
}

/// What the values of an array are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meaning<'a> {
    /// Name of a real array's quantity, as "amplitude"; a complex array's component has its own.
    pub quantity: &'a str,
    /// Unit of the values, or empty; angles are in radians whatever stands here.
    pub unit: &'a str,
}

/// The colours of a colour bar from its lower end to its upper one, and what they stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Value at the lower end.
    pub min: f64,
    /// Value at the upper end.
    pub max: f64,
    /// Colours from the lower end on.
    pub colours: Vec<Colour>,
    /// Quantity and unit, as `phase [rad]` or `log10 amplitude [√photons], floor 0.1`.
    pub label: String,
}

/// An array made visible.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The values shown: component and logarithm taken.
    pub values: Array2<f32>,
    /// The amplitude, where the phase is shown as hue: what the limits are about.
    pub lightness: Option<Array2<f32>>,
    /// The limits and the survey behind them.
    pub limits: ResolvedLimits,
    /// One pixel per value, row 0 on top.
    pub rgba: Rgba,
    /// The colour bar.
    pub bar: Bar,
    /// What was removed from the phase, if anything was.
    pub ramp: Option<PhaseRamp>,
    /// Values that were raised to the logarithm's floor.
    pub n_at_floor: usize,
    /// Whether NaN stands for what was not seen.
    pub has_unseen: bool,
}

impl Picture {
    /// The picture of `source`; a ramp is found over `region`, where one is given.
    ///
    /// Nothing fails: arrays without any finite value, constant ones and empty ones give a picture too.
    pub fn new(
        source: &Source<'_>,
        look: &Look,
        meaning: Meaning<'_>,
        region: Option<&Region>,
    ) -> Self {
        let mut picture = Self::of_source(source, look, meaning, region);
        if look.has_unseen {
            picture.has_unseen = true;
            let pixels = picture.rgba.pixels.iter_mut();
            for pixel in pixels.filter(|pixel| **pixel == NAN) {
                *pixel = UNSEEN;
            }
        }
        picture
    }

    fn of_source(
        source: &Source<'_>,
        look: &Look,
        meaning: Meaning<'_>,
        region: Option<&Region>,
    ) -> Self {
        match source {
            Source::Real(values) => Self::of_values(values.to_owned(), look, meaning, false),
            Source::Complex(values)
                if look.is_ramp_removed && look.component != Component::Amplitude =>
            {
                let ramp = PhaseRamp::of(values, region);
                let flat = ramp.removed_from(values);
                let mut picture = Self::of_complex(&flat.view(), look, meaning);
                picture.ramp = Some(ramp);
                picture
            }
            Source::Complex(values) => Self::of_complex(values, look, meaning),
        }
    }

    /// The values that the limits and a histogram are about.
    pub fn limited(&self) -> ArrayView2<'_, f32> {
        self.lightness.as_ref().unwrap_or(&self.values).view()
    }

    /// What a reader must be told: constant or no values, NaN and infinity counts, values at the floor.
    pub fn remark(&self) -> Option<String> {
        let floor = (self.n_at_floor != 0).then(|| format!("{} at the floor", self.n_at_floor));
        let n_unseen = if self.has_unseen {
            self.limits.n_nan
        } else {
            0
        };
        let unseen = (n_unseen != 0).then(|| format!("{n_unseen} unseen"));
        let seen = ResolvedLimits {
            n_nan: self.limits.n_nan - n_unseen,
            ..self.limits
        };
        let remarks: Vec<_> = seen
            .remark()
            .into_iter()
            .chain(unseen)
            .chain(floor)
            .collect();
        (!remarks.is_empty()).then(|| remarks.join(", "))
    }

    fn of_complex(values: &ArrayView2<'_, Complex32>, look: &Look, meaning: Meaning<'_>) -> Self {
        if look.component == Component::HueLightness {
            return Self::of_hues(values, look, meaning);
        }
        let angle = Meaning {
            quantity: look.component.name(),
            unit: "rad",
        };
        let meaning = if look.component.is_angle() {
            angle
        } else {
            Meaning {
                quantity: look.component.name(),
                ..meaning
            }
        };
        Self::of_values(look.component.of(values), look, meaning, true)
    }

    fn of_values(
        mut values: Array2<f32>,
        look: &Look,
        meaning: Meaning<'_>,
        is_complex: bool,
    ) -> Self {
        let mut n_at_floor = 0;
        let mut label = with_unit(meaning.quantity, meaning.unit);
        if look.takes_log10(is_complex) {
            let floor = look.used_floor();
            n_at_floor = take_log10(&mut values, floor as f32);
            label = format!("log10 {label}, floor {floor}");
        }
        let map = look.used_map(is_complex);
        let limits = look.used_limits(is_complex).resolve(&values.view());
        Self {
            rgba: raster::rgba(&values.view(), &limits, map),
            bar: Bar {
                min: limits.min,
                max: limits.max,
                colours: map.table().to_vec(),
                label,
            },
            values,
            lightness: None,
            limits,
            ramp: None,
            n_at_floor,
            has_unseen: false,
        }
    }

    /// The limits are those of the amplitude, the values the phase.
    fn of_hues(values: &ArrayView2<'_, Complex32>, look: &Look, meaning: Meaning<'_>) -> Self {
        let amplitude = amplitude(values);
        let mut limits = look.used_limits(true).resolve(&amplitude.view());
        // Black means no amplitude, whatever the percentile of the least ones is.
        limits.min = match look.limits {
            Some(Limits::Manual { .. }) => limits.min,
            _ => 0.0,
        };
        let phase = Component::Phase.of(values);
        let wheel = HueLightness::default();
        let colour = |(&phase_rad, &amplitude): (&f32, &f32)| {
            wheel.colour(phase_rad, limits.share(f64::from(amplitude)) as f32)
        };
        let (height, width) = values.dim();
        let pixels = phase.iter().zip(&amplitude).map(colour).collect();
        let turn = |i: usize| (i as f32 / 255.0 * 2.0 - 1.0) * PI;
        let amplitude_text = with_unit("amplitude", meaning.unit);
        Self {
            rgba: Rgba {
                width,
                height,
                pixels,
            },
            bar: Bar {
                min: -std::f64::consts::PI,
                max: std::f64::consts::PI,
                colours: (0..256).map(|i| wheel.colour(turn(i), 1.0)).collect(),
                label: format!(
                    "phase [rad], lightness: {amplitude_text} to {}",
                    crate::paint::ticks::value_text(limits.max)
                ),
            },
            values: phase,
            lightness: Some(amplitude),
            limits,
            ramp: None,
            n_at_floor: 0,
            has_unseen: false,
        }
    }
}

fn with_unit(quantity: &str, unit: &str) -> String {
    if unit.is_empty() {
        quantity.to_owned()
    } else {
        format!("{quantity} [{unit}]")
    }
}

/// NaN stays NaN; what lies below the floor is raised to it and counted.
fn take_log10(values: &mut Array2<f32>, floor: f32) -> usize {
    let mut n_at_floor = 0;
    values.mapv_inplace(|value| {
        if value < floor {
            n_at_floor += 1;
            floor.log10()
        } else {
            value.log10()
        }
    });
    n_at_floor
}
