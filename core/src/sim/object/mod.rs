//! Test objects: their kinds, settings, and the range of amplitude and phase that a pattern is laid over.
//!
//! A kind yields a pattern of real numbers; amplitude and phase are laid over it linearly, from least to greatest. The
//! least value stands for the pattern's least pixel, but for lines, where it stands for ground without any line.

mod field;
mod leaves;
mod lines;
mod star;
mod wing;

use ndarray::Array2;
use num_complex::{Complex32, Complex64};
use rand::Rng;

use crate::error::{Error, Result};
use crate::fields::{AutoReal, Fields as _};
use crate::rng::{Purpose, stream_at};

pub use star::SiemensStar;

crate::field_choice! {
    /// The pattern of the object.
    pub enum ObjectKind {
        /// Random straight lines, sharp and blurred: the field's standard test object.
        Lines = "lines",
        /// A Siemens star.
        Siemens = "siemens",
        /// A Gaussian random field with a power-law spectrum.
        Field = "field",
        /// Cells with veins, as of an insect's wing.
        Wing = "wing",
        /// Dead leaves: overlapping discs of all sizes.
        Leaves = "leaves",
        /// White noise.
        Noise = "noise",
        /// `objectGuess` of a file.
        File = "file",
    }
}

crate::field_choice! {
    /// What of the object carries the pattern.
    pub enum ObjectContent {
        /// The amplitude; the phase is zero.
        Amplitude = "amplitude",
        /// The phase; the amplitude is 1.
        Phase = "phase",
        /// Both; see object-phase-pattern.
        Both = "both",
    }
}

crate::field_choice! {
    /// Whether amplitude and phase share a pattern where both carry one.
    pub enum PhasePattern {
        /// The amplitude's: a specimen of one material, which absorbs most where it delays most.
        Same = "same",
        /// A second one of the same kind, so that what leaks from one into the other is seen. A star has no second one.
        Own = "own",
    }
}

crate::field_table! {
    /// The object of a simulation.
    pub struct ObjectSettings {
        /// Object: a pattern, or the objectGuess of a file.
        object: ObjectKind = ObjectKind::Lines, basic, or_file "objectGuess";
        /// Rows and columns of the object. A file brings its own.
        object_size: usize = 192, basic, 16..=16384, unit "px";
        /// What of the object carries the pattern. A file's object is taken as it is.
        object_content: ObjectContent = ObjectContent::Amplitude, basic;
        /// Least amplitude: of the darkest pixel; of ground without lines (lines).
        object_amplitude_min: f64 = 0.5, basic, 0.0..=100.0;
        /// Greatest amplitude.
        object_amplitude_max: f64 = 1.5, basic, 0.0..=100.0;
        /// Least phase: of the pixel that the least amplitude stands for.
        object_phase_min_rad: f64 = -0.5, advanced, -20.0..=20.0, unit "rad";
        /// Greatest phase. Beyond π it wraps.
        object_phase_max_rad: f64 = 0.5, advanced, -20.0..=20.0, unit "rad";
        /// Pattern of the phase where amplitude and phase both carry one.
        object_phase_pattern: PhasePattern = PhasePattern::Same, advanced;
        /// Segments (lines), over a square twice as wide as the object; auto is 400 for 784 px of that square.
        object_lines: AutoReal = AutoReal::Auto, advanced, 1..=1000000;
        /// Pairs of dark and bright spokes (siemens).
        object_spokes: usize = 24, advanced, 3..=720;
        /// Size of features: width of a cell (wing), radius of the greatest disc (leaves), standard deviation of the
        /// smoothing (field, noise). Auto is 1/12 of the object (wing), 1/5 (leaves), 1.5 px (field), 0 (noise).
        object_feature_px: AutoReal = AutoReal::Auto, advanced, 0.0..=4096.0, unit "px";
        /// Power spectrum of the field: power falls with spatial frequency to this power; 0 is white, 3 is cloudy.
        object_field_exponent: f64 = 3.0, advanced, 0.0..=8.0;
    }
}

/// The object, `(h, w)`, dimensionless; the same settings and seed give the same object.
///
/// `O = a exp(iφ)`, `a` and `φ` each `min + (max - min) v` of a pattern `v` from 0 to 1. Draws come from
/// `stream_at(seed, Purpose::Simulation, 0)`.
///
/// # Errors
/// [`Error::Invalid`] for settings out of range or that contradict each other (least above greatest), and for
/// [`ObjectKind::File`], which has no pattern of its own.
pub fn make_object(settings: &ObjectSettings, seed: u64) -> Result<Array2<Complex32>> {
    settings.check_ranges()?;
    let has_amplitude = settings.object_content != ObjectContent::Phase;
    let has_phase = settings.object_content != ObjectContent::Amplitude;
    let amplitude = Span {
        name: "amplitude",
        least: settings.object_amplitude_min,
        greatest: settings.object_amplitude_max,
    };
    let phase = Span {
        name: "phase",
        least: settings.object_phase_min_rad,
        greatest: settings.object_phase_max_rad,
    };
    let amplitude = has_amplitude.then(|| amplitude.checked()).transpose()?;
    let phase = has_phase.then(|| phase.checked()).transpose()?;
    let mut rng = stream_at(seed, Purpose::Simulation, 0);
    let first = pattern(settings, &mut rng)?;
    let is_own = settings.object_phase_pattern == PhasePattern::Own;
    let second = (has_amplitude && has_phase && is_own)
        .then(|| pattern(settings, &mut rng))
        .transpose()?;
    let value = |own: f64, of_phase: f64| {
        let amplitude = amplitude.map_or(1.0, |span| span.at(own));
        let value = Complex64::from_polar(amplitude, phase.map_or(0.0, |span| span.at(of_phase)));
        Complex32::new(value.re as f32, value.im as f32)
    };
    let mut object = first.mapv(|own| value(own, own));
    if let Some(second) = second {
        ndarray::Zip::from(&mut object)
            .and(&first)
            .and(&second)
            .for_each(|pixel, own, of_phase| *pixel = value(*own, *of_phase));
    }
    Ok(object)
}

/// Range that a pattern is laid over.
#[derive(Clone, Copy)]
struct Span {
    name: &'static str,
    least: f64,
    greatest: f64,
}

impl Span {
    fn checked(self) -> Result<Self> {
        if self.least <= self.greatest {
            return Ok(self);
        }
        let expected = format!(
            "least {} at or below the greatest, {}",
            self.name, self.greatest
        );
        let key = format!("object {}", self.name);
        Err(
            Error::invalid("make an object", key, expected, self.least.to_string())
                .with_fix("exchange the two"),
        )
    }

    fn at(self, value: f64) -> f64 {
        self.least + (self.greatest - self.least) * value
    }
}

/// The pattern of a kind, `(side, side)`, from 0 to 1.
fn pattern(settings: &ObjectSettings, rng: &mut impl Rng) -> Result<Array2<f64>> {
    let side_px = settings.object_size;
    let side = side_px as f64;
    let feature_px = |auto: f64| settings.object_feature_px.or_else(|| auto);
    let pattern = match settings.object {
        ObjectKind::Lines => {
            let standard = || lines::standard_number(side_px).max(1) as f64;
            let n_lines = settings.object_lines.or_else(standard).round() as usize;
            let lines = lines::lines(side_px, n_lines, rng);
            // Ground without lines is 0 whether or not the picture has some.
            return Ok(over_greatest(lines));
        }
        // Material is dark and delays the wave: the spokes stand for the least value.
        ObjectKind::Siemens => {
            let star = SiemensStar::filling(side_px, settings.object_spokes);
            star.pattern().mapv(|cover| 1.0 - cover)
        }
        ObjectKind::Field => field::field(
            side_px,
            settings.object_field_exponent,
            feature_px(1.5),
            rng,
        ),
        ObjectKind::Wing => wing::wing(side_px, feature_px(side / 12.0).max(4.0), rng),
        ObjectKind::Leaves => leaves::leaves(side_px, feature_px(side / 5.0).max(1.0), rng),
        ObjectKind::Noise => field::noise(side_px, feature_px(0.0), rng),
        ObjectKind::File => {
            return Err(Error::invalid(
                "make an object",
                "object",
                "a pattern",
                "file, without one",
            )
            .with_fix("name the NPZ whose objectGuess is the object"));
        }
    };
    Ok(stretched(pattern))
}

/// `v / max`; zeros stay.
fn over_greatest(pattern: Array2<f64>) -> Array2<f64> {
    let greatest = pattern.iter().copied().fold(0.0, f64::max);
    if greatest > 0.0 {
        pattern / greatest
    } else {
        pattern
    }
}

/// `(v - min) / (max - min)`; a flat pattern is 0.
fn stretched(pattern: Array2<f64>) -> Array2<f64> {
    let least = pattern.iter().copied().fold(f64::INFINITY, f64::min);
    over_greatest(pattern - least)
}
