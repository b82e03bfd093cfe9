//! What a figure is drawn with.

use std::fmt::Write as _;

use super::{base64, escaped};
use crate::figure::frame::Rect;
use crate::figure::text::{FAMILY, Weight};
use crate::paint::export::encode;
use crate::paint::raster::Rgba;

/// Where the anchor of a text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::figure) enum Anchor {
    #[default]
    Start,
    Middle,
    End,
}

/// How a text is written.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::figure) struct TextStyle {
    pub(in crate::figure) size: f64,
    pub(in crate::figure) weight: Weight,
    pub(in crate::figure) anchor: Anchor,
    /// Read from the bottom to the top.
    pub(in crate::figure) is_upwards: bool,
    /// Empty for black.
    pub(in crate::figure) colour: &'static str,
}

/// How a line is drawn; no dashes for an empty pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::figure) struct Stroke {
    pub(in crate::figure) colour: &'static str,
    pub(in crate::figure) width: f64,
    pub(in crate::figure) dashes: &'static str,
}

impl Stroke {
    pub(in crate::figure) const fn solid(colour: &'static str, width: f64) -> Self {
        Self {
            colour,
            width,
            dashes: "",
        }
    }

    fn attributes(self) -> String {
        let dashes = if self.dashes.is_empty() {
            String::new()
        } else {
            format!(" stroke-dasharray=\"{}\"", self.dashes)
        };
        format!(
            "stroke=\"{}\" stroke-width=\"{}\"{dashes}",
            self.colour,
            number(self.width)
        )
    }
}

/// The shapes of a figure, in the order in which they are drawn.
#[derive(Default)]
pub(in crate::figure) struct Canvas {
    body: String,
    n_clips: usize,
}

/// A coordinate to a hundredth of a point, without needless zeros.
pub(in crate::figure) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        return "0".to_owned();
    }
    text.to_owned()
}

fn place(rect: Rect) -> String {
    format!(
        "x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
        number(rect.left),
        number(rect.top),
        number(rect.width),
        number(rect.height)
    )
}

// Writing into a string cannot fail, so what `writeln!` answers is dropped.
impl Canvas {
    /// A filled rectangle.
    pub(in crate::figure) fn fill(&mut self, rect: Rect, colour: &str, opacity: f64) {
        let opacity = if opacity < 1.0 {
            format!(" fill-opacity=\"{}\"", number(opacity))
        } else {
            String::new()
        };
        let _ = writeln!(
            self.body,
            "<rect {} fill=\"{colour}\"{opacity}/>",
            place(rect)
        );
    }

    /// The outline of a rectangle.
    pub(in crate::figure) fn outline(&mut self, rect: Rect, stroke: Stroke) {
        let _ = writeln!(
            self.body,
            "<rect {} fill=\"none\" {}/>",
            place(rect),
            stroke.attributes()
        );
    }

    /// Straight lines, as path data tell.
    pub(in crate::figure) fn path(&mut self, data: &str, stroke: Stroke) {
        if !data.is_empty() {
            let _ = writeln!(
                self.body,
                "<path d=\"{data}\" fill=\"none\" stroke-linejoin=\"round\" {}/>",
                stroke.attributes()
            );
        }
    }

    /// A line between two points.
    pub(in crate::figure) fn line(&mut self, [from, to]: [[f64; 2]; 2], stroke: Stroke) {
        let [x1, y1, x2, y2] = [from[0], from[1], to[0], to[1]].map(number);
        self.path(&format!("M{x1} {y1}L{x2} {y2}"), stroke);
    }

    /// A filled polygon with its outline.
    pub(in crate::figure) fn polygon(
        &mut self,
        corners: &[[f64; 2]],
        colour: &str,
        stroke: Stroke,
    ) {
        let corners: Vec<String> = corners
            .iter()
            .map(|[x, y]| format!("{},{}", number(*x), number(*y)))
            .collect();
        let _ = writeln!(
            self.body,
            "<polygon points=\"{}\" fill=\"{colour}\" stroke-linejoin=\"round\" {}/>",
            corners.join(" "),
            stroke.attributes()
        );
    }

    /// A filled disc.
    pub(in crate::figure) fn disc(&mut self, [x, y]: [f64; 2], radius: f64, colour: &str) {
        let [x, y, radius] = [x, y, radius].map(number);
        let _ = writeln!(
            self.body,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{colour}\"/>"
        );
    }

    /// One line of text whose baseline is at `at`.
    pub(in crate::figure) fn text(&mut self, [x, y]: [f64; 2], words: &str, style: TextStyle) {
        let (x, y) = (number(x), number(y));
        let mut attributes = format!("x=\"{x}\" y=\"{y}\" font-size=\"{}\"", number(style.size));
        match style.anchor {
            Anchor::Start => {}
            Anchor::Middle => attributes.push_str(" text-anchor=\"middle\""),
            Anchor::End => attributes.push_str(" text-anchor=\"end\""),
        }
        if style.weight == Weight::Bold {
            attributes.push_str(" font-weight=\"bold\"");
        }
        if style.is_upwards {
            let _ = write!(attributes, " transform=\"rotate(-90 {x} {y})\"");
        }
        if !style.colour.is_empty() {
            let _ = write!(attributes, " fill=\"{}\"", style.colour);
        }
        let _ = writeln!(self.body, "<text {attributes}>{}</text>", escaped(words));
    }

    /// A picture stretched over `rect`, each of its pixels a sharp rectangle.
    ///
    /// The attribute is read by every reader of SVG 1.1, the style by those of today.
    ///
    /// # Errors
    /// What the PNG encoder says.
    pub(in crate::figure) fn image(&mut self, rect: Rect, picture: &Rgba) -> std::io::Result<()> {
        let png = base64(&encode(picture, &[])?);
        let _ = writeln!(
            self.body,
            "<image {} preserveAspectRatio=\"none\" image-rendering=\"optimizeSpeed\" \
             style=\"image-rendering:pixelated\" xlink:href=\"data:image/png;base64,{png}\"/>",
            place(rect)
        );
        Ok(())
    }

    /// Begin a group; one with a name can be found again by it.
    pub(in crate::figure) fn begin(&mut self, id: &str) {
        let _ = writeln!(self.body, "<g id=\"{}\">", escaped(id));
    }

    /// Begin a group of which only what lies in `rect` is seen.
    pub(in crate::figure) fn begin_clipped(&mut self, rect: Rect) {
        self.n_clips += 1;
        let n = self.n_clips;
        let _ = writeln!(
            self.body,
            "<clipPath id=\"clip{n}\"><rect {}/></clipPath>\n<g clip-path=\"url(#clip{n})\">",
            place(rect)
        );
    }

    /// End the group begun last.
    pub(in crate::figure) fn end(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// The document: so wide in millimetres, coordinates in points.
    pub(in crate::figure) fn document(
        &self,
        [width_mm, height_mm]: [f64; 2],
        [width, height]: [f64; 2],
        metadata: &[(String, String)],
    ) -> String {
        let mut entries = String::new();
        for (key, words) in metadata {
            let _ = writeln!(
                entries,
                "<entry xmlns=\"urn:ptychobench\" key=\"{}\">{}</entry>",
                escaped(key),
                escaped(words)
            );
        }
        let page = Rect {
            left: 0.0,
            top: 0.0,
            width,
            height,
        };
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{}mm\" height=\"{}mm\" \
             viewBox=\"0 0 {} {}\" font-family=\"{FAMILY}\">\n<metadata>\n{entries}</metadata>\n\
             <rect {} fill=\"#ffffff\"/>\n{}</svg>\n",
            number(width_mm),
            number(height_mm),
            number(width),
            number(height),
            place(page),
            self.body
        )
    }
}
