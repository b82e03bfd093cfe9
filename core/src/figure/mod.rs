//! Figures of several panels, drawn once and written as SVG (text as text) or PNG.
//!
//! A [`Figure`] is laid out into SVG; the PNG is that SVG rendered with the font the program carries, so both show the same, and
//! window and command line write the same bytes.
//!
//! Layout is arithmetic in points (1/72 inch). Every panel tells how much room it needs around its frame (ticks, labels,
//! colour bar, title, notes), measured with the font's own widths; frames of a row are equally wide, and rows of the same
//! kinds of panels stand exactly below one another. So no text is cut off and none lies on another.

mod axes;
mod check;
mod frame;
mod layout;
mod panel;
mod png;
mod style;
pub mod svg;
mod text;

use std::path::Path;

use ndarray::Array2;

use crate::disk;
use crate::error::{Error, Result};
use crate::paint::colormap::ColorMap;
use crate::paint::limits::ResolvedLimits;

/// One panel of a figure.
#[derive(Clone, Debug)]
pub enum Panel {
    /// A picture with colour bar.
    Image(ImagePanel),
    /// Curves with axes.
    Plot(PlotPanel),
    /// Left free.
    Empty,
}

/// A picture with colour bar.
///
/// Pictures of a row that share limits, colours and quantity get one bar at the right of the row, and those that also
/// share shape and pixel size get one scale bar, in the first of them.
#[derive(Clone, Debug)]
pub struct ImagePanel {
    /// Heading.
    pub title: String,
    /// Words below the picture, as metrics.
    pub note: String,
    /// Values `(h, w)`, row 0 on top; NaN is drawn as unseen.
    pub values: Array2<f32>,
    /// Limits of the colours.
    pub limits: ResolvedLimits,
    /// Colours.
    pub map: ColorMap,
    /// Quantity and unit beside the colour bar, as `phase (rad)`; empty = no bar.
    pub quantity: String,
    /// Pixel size, for the scale bar; `None` gives one in pixels.
    pub pixel_size_m: Option<f64>,
}

/// One curve.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Name in the legend; empty = not in it.
    pub name: String,
    /// (x, y); a NaN breaks the line, as a value that is not positive does on a logarithmic axis.
    pub points: Vec<[f64; 2]>,
    /// Drawn with dashes in grey, as thresholds are; the others take the colours.
    pub is_dashed: bool,
}

/// A value of x that is marked by a vertical line.
#[derive(Clone, Debug, PartialEq)]
pub struct Marker {
    /// Where.
    pub x: f64,
    /// What it means, for the legend; empty = not in it.
    pub name: String,
}

/// Curves with axes.
#[derive(Clone, Debug, Default)]
pub struct PlotPanel {
    /// Heading.
    pub title: String,
    /// Words below the plot, as metrics.
    pub note: String,
    /// Words of the axes, with units.
    pub x_label: String,
    /// As above.
    pub y_label: String,
    /// Limits of x, the lower one first; `None` = of the data.
    pub x_limits: Option<[f64; 2]>,
    /// Limits of y.
    pub y_limits: Option<[f64; 2]>,
    /// Whether x is logarithmic.
    pub is_log_x: bool,
    /// Whether y is logarithmic.
    pub is_log_y: bool,
    /// The curves, in the order of their colours.
    pub curves: Vec<Curve>,
    /// Marked values of x.
    pub markers: Vec<Marker>,
}

/// Panels in rows of equal width.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Panels by row; rows may differ in length.
    pub rows: Vec<Vec<Panel>>,
    /// Words at the left of each row, read upwards; empty = none.
    pub row_labels: Vec<String>,
    /// Width of the whole in mm.
    pub width_mm: f64,
    /// Size of the letters in pt; ticks and notes are a tenth smaller.
    pub font_pt: f64,
    /// Whether panels get letters a, b, c.
    pub has_letters: bool,
    /// Key and text, written into the file: program, inputs' hashes, limits.
    pub metadata: Vec<(String, String)>,
}

impl Default for Figure {
    /// No panel yet; two columns of a journal wide.
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            row_labels: Vec::new(),
            width_mm: 180.0,
            font_pt: 8.0,
            has_letters: true,
            metadata: Vec::new(),
        }
    }
}

impl Figure {
    /// The figure as SVG.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a figure without a panel, a panel without a value, limits that are none, and panels
    /// that the width has no room for.
    pub fn svg(&self) -> Result<String> {
        check::check(self)?;
        layout::draw(self)
    }

    /// The figure as PNG of so many dots an inch.
    ///
    /// # Errors
    /// As [`Figure::svg`]; [`crate::Error::Invalid`] for a resolution out of range.
    pub fn png(&self, dpi: f64) -> Result<Vec<u8>> {
        png::render(&self.svg()?, dpi, &self.described())
    }

    /// The figure as PDF, text as text.
    ///
    /// # Errors
    /// As [`Figure::svg`].
    pub fn pdf(&self) -> Result<Vec<u8>> {
        unimplemented!("figure")
    }

    /// Write as the suffix says: `.svg` or `.png`.
    ///
    /// # Errors
    /// As [`Figure::svg`]; [`crate::Error::Io`].
    pub fn write(&self, path: &Path, dpi: f64) -> Result<()> {
        let suffix = path.extension().and_then(|suffix| suffix.to_str());
        let bytes = match suffix.map(str::to_ascii_lowercase).as_deref() {
            Some("svg") => self.svg().map(String::into_bytes),
            Some("png") => self.png(dpi),
            _ => Err(Error::invalid(
                "write the figure",
                "file name",
                "one that ends in .svg or .png",
                path.display().to_string(),
            )),
        };
        disk::write(path, &bytes.map_err(|error| error.with_file(path))?)
    }

    /// The metadata as written: the program first, unless they name one.
    fn described(&self) -> Vec<(String, String)> {
        const PROGRAM: &str = "Software";
        let mut entries = self.metadata.clone();
        if !entries.iter().any(|(key, _)| key == PROGRAM) {
            let program = concat!("Ptychobench ", env!("CARGO_PKG_VERSION"));
            entries.insert(0, (PROGRAM.to_owned(), program.to_owned()));
        }
        entries
    }
}
