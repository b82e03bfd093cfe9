//! Figures of several panels, drawn once and written as SVG or PDF (text as text) or PNG.
//!
//! A [`Figure`] is laid out into SVG; PNG and PDF are that SVG rendered with the font the program carries, so all show the
//! same, and window and command line write the same bytes.
//!
//! Layout is arithmetic in points (1/72 inch). Every panel tells how much room it needs around its frame (ticks, labels,
//! colour bar, title, notes), measured with the font's own widths; frames of a row are equally wide, and rows of the same
//! kinds of panels stand exactly below one another. So no text is cut off and none lies on another.

mod axes;
mod check;
mod frame;
mod layout;
mod panel;
mod pdf;
mod png;
mod style;
pub mod svg;
mod text;
mod tree;

use std::path::Path;

use ndarray::Array2;

use crate::disk;
use crate::error::{Error, Result};
use crate::paint::colormap::ColorMap;
use crate::paint::limits::ResolvedLimits;
use crate::paint::raster::Rgba;
pub use text::with_powers;

/// What a figure can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Pixels.
    Png,
    /// Shapes and text, to be edited.
    Svg,
    /// Shapes and text on a page.
    Pdf,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Png, Self::Svg, Self::Pdf];

    /// Its suffix, without the dot.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
            Self::Pdf => "pdf",
        }
    }

    /// What the suffix of a file says.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for another suffix.
    pub fn of(path: &Path) -> Result<Self> {
        let suffix = path.extension().unwrap_or_default();
        let found = Self::ALL
            .into_iter()
            .find(|format| suffix.eq_ignore_ascii_case(format.suffix()));
        found.ok_or_else(|| {
            Error::invalid(
                "write the figure",
                "file name",
                "one that ends in .png, .svg or .pdf",
                path.display().to_string(),
            )
        })
    }
}

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
/// Pictures beside one another that share limits, colours and quantity get one bar, right of the last of them; where all
/// pictures of a row that have a scale bar share shape and pixel size, it stands in the first of them alone.
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
    /// Whether it has a scale bar, where there is room for one.
    pub has_scale_bar: bool,
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
    /// Whether pictures below one another that share limits, colours and quantity get one bar, as high as all of them.
    pub has_common_bars: bool,
    /// Words below all panels; empty = none.
    pub caption: String,
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
            has_common_bars: false,
            caption: String::new(),
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

    /// The figure's pixels at so many dots an inch: those of the PNG.
    ///
    /// # Errors
    /// As [`Figure::png`].
    pub fn pixels(&self, dpi: f64) -> Result<Rgba> {
        png::pixels(&self.svg()?, dpi)
    }

    /// The figure as PDF of one page, as large as the figure: text as text, the fonts embedded, the metadata in the
    /// document's information and in XMP. It holds no time, so the same figure gives the same bytes.
    ///
    /// # Errors
    /// As [`Figure::svg`].
    pub fn pdf(&self) -> Result<Vec<u8>> {
        pdf::render(&self.svg()?, &self.described())
    }

    /// Write as the suffix says: `.svg`, `.png` or `.pdf`.
    ///
    /// # Errors
    /// As [`Figure::svg`]; [`crate::Error::Io`].
    pub fn write(&self, path: &Path, dpi: f64) -> Result<()> {
        let bytes = Format::of(path).and_then(|format| match format {
            Format::Svg => self.svg().map(String::into_bytes),
            Format::Png => self.png(dpi),
            Format::Pdf => self.pdf(),
        });
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
