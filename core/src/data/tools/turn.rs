//! Patterns the other way round: the eight ways in which a detector's rows and columns may be stored.

use std::str::FromStr;
use std::sync::Arc;

use super::{Made, descendant};
use crate::data::{Dataset, DatasetParts, Frames};
use crate::error::{Error, Result};

crate::field_choice! {
    /// What is done to every pattern and to the detector's mask; positions, probe and object stay as they are.
    ///
    /// A flip goes about DC at `[n/2, n/2]`: pixel `i` goes to `(2 (n/2) - i) mod n`, so that DC stays in its place.
    pub enum Orientation {
        /// Nothing.
        AsStored = "as-stored",
        /// Top and bottom change places.
        FlipRows = "flip-rows",
        /// Left and right change places.
        FlipColumns = "flip-columns",
        /// Both flips.
        HalfTurn = "half-turn",
        /// Rows and columns change places.
        Transpose = "transpose",
        /// Rows and columns change places, then top and bottom: a quarter turn to the left.
        TransposeFlipRows = "transpose-flip-rows",
        /// Rows and columns change places, then left and right: a quarter turn to the right.
        TransposeFlipColumns = "transpose-flip-columns",
        /// Rows and columns change places, then both flips: a mirror in the other diagonal.
        TransposeHalfTurn = "transpose-half-turn",
    }
}

impl Orientation {
    /// All eight, each followed by its [`Orientation::twin`].
    pub const ALL: [Self; 8] = [
        Self::AsStored,
        Self::HalfTurn,
        Self::FlipRows,
        Self::FlipColumns,
        Self::Transpose,
        Self::TransposeHalfTurn,
        Self::TransposeFlipRows,
        Self::TransposeFlipColumns,
    ];

    /// The word in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsStored => "as-stored",
            Self::FlipRows => "flip-rows",
            Self::FlipColumns => "flip-columns",
            Self::HalfTurn => "half-turn",
            Self::Transpose => "transpose",
            Self::TransposeFlipRows => "transpose-flip-rows",
            Self::TransposeFlipColumns => "transpose-flip-columns",
            Self::TransposeHalfTurn => "transpose-half-turn",
        }
    }

    /// The one that differs by a half turn. A half turn of a pattern is the pattern of the complex conjugate wave, so that both
    /// fit the data equally well: with probe and object of one, the conjugate probe and object fit the other.
    #[must_use]
    pub fn twin(self) -> Self {
        match self {
            Self::AsStored => Self::HalfTurn,
            Self::HalfTurn => Self::AsStored,
            Self::FlipRows => Self::FlipColumns,
            Self::FlipColumns => Self::FlipRows,
            Self::Transpose => Self::TransposeHalfTurn,
            Self::TransposeHalfTurn => Self::Transpose,
            Self::TransposeFlipRows => Self::TransposeFlipColumns,
            Self::TransposeFlipColumns => Self::TransposeFlipRows,
        }
    }

    /// Whether rows and columns change places, and whether rows and columns of what results are flipped.
    fn parts(self) -> (bool, [bool; 2]) {
        match self {
            Self::AsStored => (false, [false, false]),
            Self::FlipRows => (false, [true, false]),
            Self::FlipColumns => (false, [false, true]),
            Self::HalfTurn => (false, [true, true]),
            Self::Transpose => (true, [false, false]),
            Self::TransposeFlipRows => (true, [true, false]),
            Self::TransposeFlipColumns => (true, [false, true]),
            Self::TransposeHalfTurn => (true, [true, true]),
        }
    }

    /// For each pixel of a turned plane of side `n`, row by row, the pixel that it comes from.
    pub fn sources(self, n: usize) -> Vec<usize> {
        let (is_transposed, flips) = self.parts();
        let flipped = |i: usize, is_flipped: bool| {
            if is_flipped {
                (2 * (n / 2) + n - i) % n
            } else {
                i
            }
        };
        let pixels = (0..n).flat_map(|row| (0..n).map(move |column| (row, column)));
        pixels
            .map(|(row, column)| {
                let (row, column) = (flipped(row, flips[0]), flipped(column, flips[1]));
                if is_transposed {
                    column * n + row
                } else {
                    row * n + column
                }
            })
            .collect()
    }
}

impl std::fmt::Display for Orientation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Orientation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let named = Self::ALL.into_iter().find(|choice| choice.name() == text);
        named.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid("turn patterns", "orientation", names, text)
        })
    }
}

/// The arrays with every pattern and the detector's mask turned; patterns are turned when they are read.
pub fn turned(parts: &DatasetParts, orientation: Orientation) -> DatasetParts {
    let n = parts.frames.n();
    let sources: Arc<[usize]> = orientation.sources(n).into();
    let mask = parts.detector_mask.as_ref().map(|mask| {
        let from = |at: usize| mask[[at / n, at % n]];
        ndarray::Array2::from_shape_fn((n, n), |(row, column)| from(sources[row * n + column]))
    });
    let frames = parts.frames.clone();
    DatasetParts {
        frames: Frames::from_fn(frames.n_frames(), n, move |i, out| {
            let mut plane = vec![0.0; out.len()];
            frames.read(i, &mut plane);
            for (to, &from) in out.iter_mut().zip(&*sources) {
                *to = plane[from];
            }
        }),
        detector_mask: mask,
        ..parts.clone()
    }
}

/// A dataset whose patterns are turned.
///
/// # Errors
/// As [`descendant`].
pub fn turn(dataset: &Dataset, orientation: Orientation) -> Result<Made> {
    let parts = turned(dataset.parts(), orientation);
    let settings = format!("--orientation {orientation}");
    Ok(Made {
        dataset: descendant(dataset, parts, "turn", &settings)?,
        notes: vec![format!(
            "{} patterns of {} x {} pixels turned: {orientation}; positions, probe and object as they were",
            dataset.n_patterns(),
            dataset.n(),
            dataset.n()
        )],
    })
}
