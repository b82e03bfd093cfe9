//! The SVG as pixels: the fonts that the program carries, and none of the machine's.

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Group, Node};

use super::check::within;
use super::tree::{PX_PER_INCH, failed, parse};
use crate::error::Result;
use crate::paint::export::encode_sized;
use crate::paint::raster::{Rgba, area_average};

const INCH_M: f64 = 0.0254;
/// The most pixels that are drawn at once: 600 MB.
const MOST_PIXELS: f64 = 1.5e8;
/// The finest grid of points at which pictures are looked up, for a pixel of the page.
const MOST_SAMPLES: usize = 4;

/// PNG of an SVG that this module's neighbours wrote.
pub(super) fn render(svg: &str, dpi: f64, metadata: &[(String, String)]) -> Result<Vec<u8>> {
    let pixels = pixels(svg, dpi)?;
    let metadata = metadata
        .iter()
        .map(|(key, words)| (key.as_str(), words.as_str()));
    let per_m = (dpi / INCH_M).round() as u32;
    encode_sized(&pixels, metadata, Some(per_m)).map_err(|error| failed(&error))
}

/// Pixels of an SVG that this module's neighbours wrote.
pub(super) fn pixels(svg: &str, dpi: f64) -> Result<Rgba> {
    within("dpi", dpi, [20.0, 2400.0], "dots an inch")?;
    let tree = parse(svg)?;
    let dots_per_px = dpi / PX_PER_INCH;
    let [width, height] =
        [tree.size().width(), tree.size().height()].map(|side| f64::from(side) * dots_per_px);
    let most = MOST_PIXELS / (width * height);
    if most < 1.0 {
        let expected = format!("{} at most for this figure", (dpi * most.sqrt()).floor());
        return Err(super::check::invalid("dpi", &expected, dpi.to_string()));
    }
    // Where a picture has more pixels than the page has dots, several of them make one dot: skipping the others would
    // show patterns that are not in the data.
    let n_samples = (finest(tree.root()) / dots_per_px).ceil() as usize;
    let n_samples = n_samples.clamp(1, MOST_SAMPLES.min(most.sqrt() as usize));
    let side = |dots: f64| (dots.round() as u32).max(1) * n_samples as u32;
    let mut pixmap = Pixmap::new(side(width), side(height))
        .ok_or_else(|| failed(&"no memory for its pixels"))?;
    pixmap.fill(Color::WHITE);
    let scale = (dots_per_px * n_samples as f64) as f32;
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixmap.as_mut(),
    );
    let (pixels, _) = pixmap.data().as_chunks::<4>();
    let fine = Rgba {
        width: pixmap.width() as usize,
        height: pixmap.height() as usize,
        pixels: pixels.to_vec(),
    };
    Ok(area_average(&fine, n_samples))
}

/// The most pixels of a picture along one px of the page.
fn finest(group: &Group) -> f64 {
    let of_node = |node: &Node| match node {
        Node::Group(group) => finest(group),
        Node::Image(image) => {
            let (pixels, place) = (image.size(), image.abs_bounding_box());
            let across = pixels.width() / place.width();
            let down = pixels.height() / place.height();
            f64::from(across.max(down))
        }
        Node::Path(_) | Node::Text(_) => 0.0,
    };
    group.children().iter().map(of_node).fold(0.0, f64::max)
}
