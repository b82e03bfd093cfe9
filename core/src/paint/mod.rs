//! Arrays to pixels: what the window shows and what is exported come from the same code.
//!
//! [`picture::Picture::new`] turns a source (real or complex) and a [`picture::Look`] (component,
//! colour map, limits, logarithm) into values, resolved limits and RGBA pixels, row 0 on top.
//! [`export::Figure`] puts such a picture with its colour bar, caption and scale bar into a PNG.
//! [`sheet::sheet`] lays several pictures side by side with a few words each.
//! Nothing here knows a window or a graphics adapter.

pub mod colormap;
pub mod component;
pub mod export;
pub mod limits;
pub mod picture;
pub mod raster;
pub mod sheet;
pub mod text;
pub mod ticks;
