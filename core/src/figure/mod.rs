//! Figures of several panels, drawn once and written as SVG (text as text) or PNG.
//!
//! A [`Figure`] is laid out into SVG; the PNG is that SVG rendered with the font the program carries, so both show the same, and
//! window and command line write the same bytes.

use ndarray::Array2;

use crate::error::Result;
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
#[derive(Clone, Debug)]
pub struct ImagePanel {
    /// Heading.
    pub title: String,
    /// Words below the heading or the picture, as metrics.
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
    /// (x, y); a NaN breaks the line.
    pub points: Vec<[f64; 2]>,
    /// Drawn with dashes, as thresholds are.
    pub is_dashed: bool,
}

/// Curves with axes.
#[derive(Clone, Debug)]
pub struct PlotPanel {
    /// Heading.
    pub title: String,
    /// Words of the axes, with units.
    pub x_label: String,
    /// As above.
    pub y_label: String,
    /// Limits of x; `None` = of the data.
    pub x_limits: Option<[f64; 2]>,
    /// Limits of y.
    pub y_limits: Option<[f64; 2]>,
    /// Whether y is logarithmic.
    pub is_log_y: bool,
    /// The curves, in the order of their colours.
    pub curves: Vec<Curve>,
}

/// Panels in rows of equal width.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Panels by row; rows may differ in length.
    pub rows: Vec<Vec<Panel>>,
    /// Width of the whole in mm.
    pub width_mm: f64,
    /// Size of the letters in pt.
    pub font_pt: f64,
    /// Whether panels get letters a, b, c.
    pub has_letters: bool,
    /// Key and text, written into the file: program, inputs' hashes, limits.
    pub metadata: Vec<(String, String)>,
}

impl Figure {
    /// The figure as SVG.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a figure without a panel or a panel without a value.
    pub fn svg(&self) -> Result<String> {
        unimplemented!()
    }

    /// The figure as PNG of so many dots an inch.
    ///
    /// # Errors
    /// As [`Figure::svg`].
    pub fn png(&self, dpi: f64) -> Result<Vec<u8>> {
        unimplemented!()
    }

    /// Write as the suffix says: `.svg` or `.png`.
    ///
    /// # Errors
    /// As [`Figure::svg`]; [`crate::Error::Io`].
    pub fn write(&self, path: &std::path::Path, dpi: f64) -> Result<()> {
        unimplemented!()
    }
}
