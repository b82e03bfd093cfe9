//! Test objects: their kinds, settings, and the range of amplitude and phase that a pattern is laid over.

mod star;

use ndarray::Array2;
use num_complex::Complex32;

use crate::error::Result;

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
        /// Both.
        Both = "both",
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
        /// Least amplitude.
        object_amplitude_min: f64 = 0.5, basic, 0.0..=100.0;
        /// Greatest amplitude.
        object_amplitude_max: f64 = 1.5, basic, 0.0..=100.0;
        /// Least phase.
        object_phase_min_rad: f64 = -0.5, advanced, -3.14159..=3.14159, unit "rad";
        /// Greatest phase.
        object_phase_max_rad: f64 = 0.5, advanced, -3.14159..=3.14159, unit "rad";
    }
}

/// The object, `(h, w)`, dimensionless; the same settings and seed give the same object.
///
/// # Errors
/// [`crate::Error::Invalid`] for settings that contradict each other (least above greatest), and for
/// [`ObjectKind::File`], which has no pattern of its own.
pub fn make_object(settings: &ObjectSettings, seed: u64) -> Result<Array2<Complex32>> {
    let _ = (settings, seed);
    unimplemented!("objects")
}
