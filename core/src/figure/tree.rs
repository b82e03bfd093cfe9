//! The SVG read back, as PNG and PDF are made of it: with the fonts that the program carries, and none of the machine's.

use std::sync::Arc;

use resvg::usvg::{ImageHrefResolver, Options, Tree};

use super::text::database;
use crate::error::{Error, Result};

/// usvg counts 96 px to the inch.
pub(super) const PX_PER_INCH: f64 = 96.0;

/// Shapes and text of an SVG that this module's neighbours wrote.
pub(super) fn parse(svg: &str) -> Result<Tree> {
    let mut options = Options {
        fontdb: Arc::new(database()),
        ..Options::default()
    };
    // Everything is inside the SVG; no file is opened.
    options.image_href_resolver = ImageHrefResolver {
        resolve_string: Box::new(|_, _| None),
        ..ImageHrefResolver::default()
    };
    Tree::from_str(svg, &options).map_err(|error| failed(&error))
}

pub(super) fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::Run(format!("the figure could not be drawn: {error}"))
}
