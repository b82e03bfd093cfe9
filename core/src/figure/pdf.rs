//! The SVG as PDF: text as text with the fonts that the program carries.

use krilla::Document;
use krilla::geom::Size;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt as _, SvgSettings};

use super::tree::{PX_PER_INCH, failed, parse};
use crate::error::Result;

const POINTS_PER_INCH: f64 = 72.0;
/// The entry of the metadata that becomes the document's title.
const TITLE: &str = "Title";
/// The entry that names the program.
const PROGRAM: &str = "Software";

/// PDF of an SVG that this module's neighbours wrote.
pub(super) fn render(svg: &str, metadata: &[(String, String)]) -> Result<Vec<u8>> {
    let tree = parse(svg)?;
    let [width, height] = [tree.size().width(), tree.size().height()]
        .map(|px| (f64::from(px) * POINTS_PER_INCH / PX_PER_INCH) as f32);
    let size = Size::from_wh(width, height).ok_or_else(|| failed(&"it has no size"))?;
    let mut document = Document::new();
    let mut page = document.start_page_with(PageSettings::new(size));
    let mut surface = page.surface();
    surface
        .draw_svg(&tree, size, SvgSettings::default())
        .ok_or_else(|| failed(&"a shape has no place in a PDF"))?;
    surface.finish();
    page.finish();
    document.set_metadata(described(metadata));
    document.finish().map_err(|error| failed(&error))
}

/// Title and program where PDF has fields for them; everything, a line each, as the subject.
fn described(metadata: &[(String, String)]) -> Metadata {
    let of = |key: &str| {
        let found = metadata.iter().find(|(name, _)| name == key);
        found.map_or_else(String::new, |(_, words)| words.clone())
    };
    let lines: Vec<String> = metadata
        .iter()
        .map(|(key, words)| format!("{key}: {words}"))
        .collect();
    Metadata::new()
        .title(of(TITLE))
        .creator(of(PROGRAM))
        .producer(of(PROGRAM))
        .description(lines.join("\n"))
        .language("en".to_owned())
}
