//! SVG text: shapes, texts and pictures in points (1/72 inch), row by row as they are drawn.

mod base64;
mod canvas;
mod escape;

pub use base64::base64;
pub(super) use canvas::{Anchor, Canvas, Stroke, TextStyle, number};
pub use escape::escaped;
