//! A comparison prepared for display, off the window's thread.

use std::sync::Arc;
use std::time::Instant;

use ndarray::{Array2, Zip, s};
use ptycho_core::Error;
use ptycho_core::metrics::prepare::Area;
use ptycho_core::paint::limits::Limits;
use ptycho_core::study::compare::pictures::{self, Pictures};
use ptycho_core::study::compare::{Compared, Comparison, Refusal, difference, measure_all};

use super::Request;
use super::curves::Ratios;
use super::open::{Opened, Pair};

/// What of a complex object is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quantity {
    #[default]
    Phase,
    Amplitude,
}

impl Quantity {
    /// Both, the phase first.
    pub const ALL: [Self; 2] = [Self::Phase, Self::Amplitude];

    /// Place in a [`Pair`].
    pub fn index(self) -> usize {
        match self {
            Self::Phase => 0,
            Self::Amplitude => 1,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Phase => "phase",
            Self::Amplitude => "amplitude",
        }
    }

    /// Its unit, or empty.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Phase => "rad",
            Self::Amplitude => "",
        }
    }
}

/// One column of panes: an arm, or the reference. All arrays have the shape of the object frame; NaN is what was not
/// compared.
pub struct Column {
    pub name: String,
    pub is_reference: bool,
    /// As it was compared.
    pub prepared: Pair,
    /// As it stands in its file.
    pub raw: Pair,
    /// Arm less reference, phases wrapped; none for the reference itself.
    pub difference: Option<Pair>,
}

/// Limits of the colours: one scale for all panes of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
    /// Of phase and amplitude, as they were compared.
    pub prepared: [Limits; 2],
    /// As they stand in their files.
    pub raw: [Limits; 2],
    /// Of the differences, zero in the middle.
    pub difference: [Limits; 2],
}

/// Why nothing can be compared.
pub struct NotCompared {
    /// In words.
    pub words: String,
    /// The reconstructions that are to blame, each with its own reason.
    pub refused: Vec<Refusal>,
}

impl From<Error> for NotCompared {
    fn from(error: Error) -> Self {
        Self {
            words: error.to_string(),
            refused: Vec::new(),
        }
    }
}

/// What came of a request.
pub struct Shown {
    pub request: Request,
    pub opened: Arc<Opened>,
    pub comparison: Comparison,
    /// The arms in their order, then the reference.
    pub columns: Vec<Column>,
    pub scales: Scales,
    pub ratios: Ratios,
    /// Another number for another result.
    pub version: u64,
    /// Time that measuring and preparing took, without reading files.
    pub seconds: f64,
}

impl Shown {
    /// Read what is not known yet, compare, prepare.
    ///
    /// # Errors
    /// [`NotCompared`] where files cannot be read or nothing is left to compare.
    pub fn new(
        request: Request,
        known: Option<Arc<Opened>>,
        version: u64,
    ) -> Result<Self, NotCompared> {
        let Request { inputs, round, .. } = &request;
        let opened = match known {
            Some(known) if known.is_of(inputs, *round) => known,
            known => {
                let arranged = known.and_then(|known| known.arranged(inputs, *round));
                let opened = match arranged {
                    Some(opened) => opened,
                    None => Opened::new(inputs, *round)?,
                };
                Arc::new(opened)
            }
        };
        let start = Instant::now();
        let refused = &opened.loaded.refused;
        opened.loaded.check_enough().map_err(|error| NotCompared {
            words: error.to_string(),
            refused: refused.clone(),
        })?;
        let comparison = measure_all(&opened.loaded, &request.region, &request.settings)?;
        if comparison.arms.is_empty() {
            return Err(NotCompared {
                words: "None of the reconstructions can be measured: see the reason below each."
                    .to_owned(),
                refused: comparison.refused,
            });
        }
        let columns = columns(&comparison, &opened);
        Ok(Self {
            scales: scales(&columns),
            ratios: Ratios::new(&comparison),
            request,
            opened,
            comparison,
            columns,
            version,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// Rows and columns of the object frame.
    pub fn frame(&self) -> (usize, usize) {
        self.columns
            .first()
            .map_or((0, 0), |column| column.raw[0].dim())
    }

    /// What was compared, after the border was cut.
    pub fn area(&self) -> &Area {
        self.comparison
            .arms
            .first()
            .map_or(&self.comparison.area, |arm| &arm.prepared.area)
    }
}

fn columns(comparison: &Comparison, opened: &Opened) -> Vec<Column> {
    let raw_of = |name: &str| {
        let arms = &opened.loaded.arms;
        let index = arms.iter().position(|arm| arm.name == name)?;
        Some(opened.raw[index].clone())
    };
    let raw_reference = match &opened.raw_truth {
        Some(raw) => Some(raw.clone()),
        None => raw_of(&comparison.reference),
    };
    let (Some((reference, others)), Some(raw_reference)) =
        (pictures::all(comparison), raw_reference)
    else {
        return Vec::new();
    };
    let frame = raw_reference[0].dim();
    let mut columns: Vec<_> = comparison
        .arms
        .iter()
        .zip(others)
        .filter_map(|(arm, own)| {
            let difference = difference_of(arm, frame);
            let area = &arm.prepared.area;
            Some(Column {
                name: arm.name.clone(),
                is_reference: false,
                prepared: pair_in_frame(&own, area, frame),
                raw: raw_of(&arm.name)?,
                difference: Some(difference),
            })
        })
        .collect();
    // All arms have the rows and columns of the area in common.
    let area = comparison.arms.first().map(|arm| &arm.prepared.area);
    columns.push(Column {
        name: comparison.reference.clone(),
        is_reference: true,
        prepared: pair_in_frame(&reference, area.unwrap_or(&comparison.area), frame),
        raw: raw_reference,
        difference: None,
    });
    columns
}

fn difference_of(arm: &Compared, frame: (usize, usize)) -> Pair {
    let prepared = &arm.prepared;
    [true, false].map(|is_phase| {
        let mut values = difference(prepared, is_phase).mapv(|value| value as f32);
        if let Some(mask) = &prepared.area.mask
            && mask.dim() == values.dim()
        {
            Zip::from(&mut values).and(mask).for_each(|value, is_used| {
                if !is_used {
                    *value = f32::NAN;
                }
            });
        }
        in_frame(&values, &prepared.area, frame)
    })
}

fn pair_in_frame(pictures: &Pictures, area: &Area, frame: (usize, usize)) -> Pair {
    [&pictures.phase_rad, &pictures.amplitude].map(|values| in_frame(values, area, frame))
}

/// The values of an area where they are in the object frame; NaN outside.
fn in_frame(values: &Array2<f32>, area: &Area, frame: (usize, usize)) -> Array2<f32> {
    let mut whole = Array2::from_elem(frame, f32::NAN);
    let mut part = whole.slice_mut(s![area.rows.clone(), area.columns.clone()]);
    if part.dim() == values.dim() {
        part.assign(values);
    }
    whole
}

fn scales(columns: &[Column]) -> Scales {
    let of = |pairs: &[&Pair]| [0, 1].map(|i| common(pairs, i, Limits::AUTO));
    let prepared: Vec<_> = columns.iter().map(|column| &column.prepared).collect();
    let raw: Vec<_> = columns.iter().map(|column| &column.raw).collect();
    let differences: Vec<_> = columns
        .iter()
        .filter_map(|column| column.difference.as_ref())
        .collect();
    Scales {
        prepared: of(&prepared),
        raw: of(&raw),
        difference: [0, 1].map(|i| match common(&differences, i, Limits::AUTO) {
            Limits::Manual { min, max } => {
                let most = min.abs().max(max.abs());
                Limits::Manual {
                    min: -most,
                    max: most,
                }
            }
            other => other,
        }),
    }
}

/// Limits over the values of all these pictures together.
fn common(pairs: &[&Pair], index: usize, limits: Limits) -> Limits {
    let values: Vec<f32> = pairs
        .iter()
        .flat_map(|pair| pair[index].iter().copied())
        .filter(|value| value.is_finite())
        .collect();
    let n = values.len();
    let all = Array2::from_shape_vec((1, n), values).unwrap_or_default();
    let found = limits.resolve(&all.view());
    Limits::Manual {
        min: found.min,
        max: found.max,
    }
}
