//! The panels.

use std::ops::Range;

use ndarray::{Array2, s};

use super::choice::{DIFFRACTION, TRUTH, arm_words, dose_words};
use super::material::{Material, Row};
use super::provenance::{self, how_words};
use super::{FigurePart, FigureStyle, Figures, Scaling};
use crate::error::{Error, Result};
use crate::fields::{FieldValue as _, Fields as _};
use crate::figure::{Figure, ImagePanel, Panel};
use crate::paint::colormap::{ColorMap, Map};
use crate::paint::limits::Limits;
use crate::study::compare::export::metric_words;

impl FigurePart {
    /// Where it stands in pairs of amplitude and phase.
    pub(super) fn index(self) -> usize {
        match self {
            Self::Amplitude => 0,
            Self::Phase => 1,
        }
    }

    /// Quantity and unit, as beside colour bars.
    pub(super) fn quantity(self) -> &'static str {
        match self {
            Self::Amplitude => "amplitude",
            Self::Phase => "phase (rad)",
        }
    }

    fn map(self) -> ColorMap {
        ColorMap::new(match self {
            Self::Amplitude => Map::Gray,
            Self::Phase => Map::Viridis,
        })
    }
}

impl Material {
    /// Draw it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a style out of range, or panels that the width has no room for.
    pub fn draw(&self, style: &FigureStyle) -> Result<Figures> {
        style.check_ranges()?;
        let panels = self.panels(style)?;
        Ok(Figures {
            panels,
            companions: self.companions(style),
            notes: self.notes.clone(),
        })
    }

    /// A figure of this style without rows.
    pub(super) fn page(style: &FigureStyle) -> Figure {
        Figure {
            width_mm: style.width_mm,
            font_pt: style.font_pt,
            has_letters: style.letters,
            ..Figure::default()
        }
    }

    fn panels(&self, style: &FigureStyle) -> Result<Figure> {
        let square = self.square(style.crop)?;
        let diffraction = self.diffraction();
        let mut rows = Vec::new();
        for (i, row) in self.rows.iter().enumerate() {
            let objects = self.objects(row, style, &square);
            let objects = objects.into_iter().zip(&diffraction[i]);
            let mut panels: Vec<ImagePanel> = objects
                .map(|(object, pattern)| object.unwrap_or_else(|| pattern.clone()))
                .collect();
            // Columns have their names on top.
            for panel in panels.iter_mut().filter(|_| 0 < i) {
                panel.title.clear();
            }
            rows.push(panels.into_iter().map(Panel::Image).collect());
        }
        let mut figure = Figure {
            rows,
            row_labels: self.rows.iter().map(|row| dose_words(row.dose)).collect(),
            has_common_bars: true,
            caption: if style.caption {
                self.caption(style, &square)
            } else {
                String::new()
            },
            ..Self::page(style)
        };
        figure.metadata = self.metadata("figure", style, Some(&square));
        figure.metadata.extend(provenance::limits(&figure));
        Ok(figure)
    }

    /// Rows and columns of the object frame that are drawn: a square in the middle of what all pictures show.
    pub(super) fn square(&self, crop: usize) -> Result<Square> {
        let mut shared: Option<[Range<usize>; 2]> = None;
        for row in &self.rows {
            for pictures in row.pictures.iter().flatten() {
                let (n_rows, n_columns) = pictures.amplitude.dim();
                let [top, left] = row.corner;
                let own = [top..top + n_rows, left..left + n_columns];
                shared = Some(match shared {
                    None => own,
                    Some(both) => [0, 1].map(|axis| {
                        both[axis].start.max(own[axis].start)..both[axis].end.min(own[axis].end)
                    }),
                });
            }
        }
        let Some(shared) = shared else {
            return Ok(Square {
                first: [0; 2],
                side: 0,
                asked: crop,
            });
        };
        let side = crop.min(shared[0].len()).min(shared[1].len());
        if side == 0 {
            let expected = "pictures of one part of the object in all rows";
            return Err(Error::invalid(
                super::ATTEMPTED,
                "crop",
                expected,
                "no pixel in common",
            ));
        }
        Ok(Square {
            first: [0, 1].map(|axis| shared[axis].start + (shared[axis].len() - side) / 2),
            side,
            asked: crop,
        })
    }

    /// The pattern of every row and column, with one scale for all of them.
    fn diffraction(&self) -> Vec<Vec<ImagePanel>> {
        let patterns: Vec<Array2<f32>> = self
            .rows
            .iter()
            .map(|row| {
                row.counts
                    .mapv(|count| (1.0 + f64::from(count)).log10() as f32)
            })
            .collect();
        let shared = Limits::MinMax.shared(patterns.iter().map(|picture| picture.view()));
        let panel = |pattern: &Array2<f32>| ImagePanel {
            title: "Diffraction".to_owned(),
            note: String::new(),
            limits: shared.resolve(&pattern.view()),
            values: pattern.clone(),
            map: ColorMap::new(Map::Inferno),
            quantity: "log₁₀(1 + photons)".to_owned(),
            pixel_size_m: None,
            has_scale_bar: false,
        };
        let columns = self.choice.columns.len();
        patterns
            .iter()
            .map(|pattern| vec![panel(pattern); columns])
            .collect()
    }

    /// The pictures of a row that are objects; `None` for diffraction.
    fn objects(&self, row: &Row, style: &FigureStyle, square: &Square) -> Vec<Option<ImagePanel>> {
        let part = style.part;
        let crops: Vec<Option<Array2<f32>>> = row
            .pictures
            .iter()
            .map(|pictures| {
                let pictures = pictures.as_ref()?;
                Some(square.of(pictures.part(part), row.corner))
            })
            .collect();
        let shared = Limits::AUTO.shared(crops.iter().flatten().map(|picture| picture.view()));
        let limits = match style.scaling {
            Scaling::Row => shared,
            Scaling::Panel => Limits::AUTO,
        };
        let columns = self.choice.columns.iter().zip(crops).enumerate();
        columns
            .map(|(at, (column, values))| {
                let values = values?;
                Some(ImagePanel {
                    title: title(column),
                    note: note(row, at, style),
                    limits: limits.resolve(&values.view()),
                    values,
                    map: part.map(),
                    quantity: part.quantity().to_owned(),
                    pixel_size_m: self.pixel_size_m,
                    has_scale_bar: style.scale_bar,
                })
            })
            .collect()
    }

    /// Whether something that is drawn was not compared.
    fn has_holes(&self, part: FigurePart, square: &Square) -> bool {
        let pictures = |row: &Row| -> bool {
            let drawn = row.pictures.iter().flatten();
            drawn
                .map(|pictures| square.of(pictures.part(part), row.corner))
                .any(|picture| picture.iter().any(|value| value.is_nan()))
        };
        0 < square.side && self.rows.iter().any(pictures)
    }

    fn caption(&self, style: &FigureStyle, square: &Square) -> String {
        let mut sentences = Vec::new();
        let columns = &self.choice.columns;
        if columns.iter().any(|column| column == DIFFRACTION) {
            let set = match self.split.as_str() {
                "train" => "training",
                other => other,
            };
            sentences.push(format!(
                "Diffraction: pattern {} of the {set} set, one scale for all doses.",
                self.pattern
            ));
        }
        if 0 < square.side {
            let [registered, of_phase, of_amplitude] = how_words(&self.how);
            let (what, how) = match style.part {
                FigurePart::Amplitude => ("Amplitude", of_amplitude),
                FigurePart::Phase => ("Phase", of_phase),
            };
            let clipped = if square.side < square.asked {
                format!(
                    " (all that is compared; {} px were asked for)",
                    square.asked
                )
            } else {
                String::new()
            };
            let scaling = match style.scaling {
                Scaling::Row => "one scale for each row",
                Scaling::Panel => "a scale for each picture",
            };
            sentences.push(format!(
                "{what}: central {side} × {side} px{clipped}, {registered}, {how}; {scaling} (0.5 to 99.5 % of the values).",
                side = square.side,
            ));
        }
        if self.has_holes(style.part, square) {
            sentences
                .push("Blue-grey: too little light, or seen by no patch; not compared.".to_owned());
        }
        sentences.join(" ")
    }
}

fn title(column: &str) -> String {
    match column {
        DIFFRACTION => "Diffraction".to_owned(),
        TRUTH => "Truth".to_owned(),
        // What belongs together stays in one line.
        arm => arm_words(arm).replace("gridsize ", "gridsize\u{a0}"),
    }
}

/// The number below a reconstruction; nothing below the truth.
fn note(row: &Row, at: usize, style: &FigureStyle) -> String {
    let key = style.metric.to_value().to_string();
    let numbers = row.numbers.get(at).into_iter().flatten();
    let Some((_, parts)) = numbers.into_iter().find(|(name, _)| *name == key) else {
        return String::new();
    };
    let is_phase = style.part == FigurePart::Phase;
    let number = parts[style.part.index()].unwrap_or(f64::NAN);
    metric_words(&key, number, is_phase).unwrap_or_default()
}

/// A square of the object frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Square {
    /// First row and column.
    pub(super) first: [usize; 2],
    /// 0 where no column shows an object.
    pub(super) side: usize,
    /// What was asked for.
    pub(super) asked: usize,
}

impl Square {
    /// Its part of a picture that begins at `corner`.
    fn of(&self, picture: &Array2<f32>, corner: [usize; 2]) -> Array2<f32> {
        let [top, left] = [0, 1].map(|axis| self.first[axis] - corner[axis]);
        let part = s![top..top + self.side, left..left + self.side];
        picture.slice(part).to_owned()
    }
}
