//! A drawing of polygons, texts and pictures, written as PNG or as SVG.

use std::fmt::Write as _;
use std::path::Path;

use ptycho_core::error::{Error, Result};
use ptycho_core::figure::svg::{base64, escaped};
use ptycho_core::paint::colormap::Colour;
use ptycho_core::paint::export::encode;
use ptycho_core::paint::raster::Rgba;
use ptycho_core::paint::text::{self, Direction, Size};

const WHITE: Colour = [255, 255, 255, 255];
/// Samples along a side of a pixel, for smooth edges.
const N_SAMPLES: usize = 4;
/// Height of the letters of [`Size::Small`], from the baseline to the top of the line, px.
const ASCENT_PX: f64 = 14.0;

/// Where the anchor of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// One thing that is drawn; coordinates are (x, y) in px from the upper left corner.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    /// Convex.
    Polygon(Vec<[f64; 2]>, Colour),
    Text {
        at: [f64; 2],
        words: String,
        anchor: Anchor,
        is_upwards: bool,
        colour: Colour,
    },
    Image {
        at: [f64; 2],
        size: [f64; 2],
        picture: Rgba,
    },
}

/// Things on white, in the order in which they are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    size_px: [usize; 2],
    shapes: Vec<Shape>,
}

impl Drawing {
    /// An empty one of this width and height.
    pub fn new(size_px: [usize; 2]) -> Self {
        Self {
            size_px,
            shapes: Vec::new(),
        }
    }

    /// A convex polygon.
    pub fn polygon(&mut self, corners: impl Into<Vec<[f64; 2]>>, colour: Colour) {
        self.shapes.push(Shape::Polygon(corners.into(), colour));
    }

    /// A rectangle between two corners.
    pub fn rect(&mut self, [left, top]: [f64; 2], [right, bottom]: [f64; 2], colour: Colour) {
        let corners = [[left, top], [right, top], [right, bottom], [left, bottom]];
        self.polygon(corners, colour);
    }

    /// A line of this width.
    pub fn line(&mut self, [from, to]: [[f64; 2]; 2], width_px: f64, colour: Colour) {
        let along = [to[0] - from[0], to[1] - from[1]];
        let length = along[0].hypot(along[1]).max(f64::MIN_POSITIVE);
        let half = width_px / 2.0 / length;
        let across = [-along[1] * half, along[0] * half];
        let beside = |at: [f64; 2], sign: f64| [at[0] + sign * across[0], at[1] + sign * across[1]];
        let corners = [
            beside(from, 1.0),
            beside(to, 1.0),
            beside(to, -1.0),
            beside(from, -1.0),
        ];
        self.polygon(corners, colour);
    }

    /// A line of text whose upper edge is at `at`; upwards: whose left edge is.
    pub fn text(
        &mut self,
        at: [f64; 2],
        words: &str,
        (anchor, is_upwards): (Anchor, bool),
        colour: Colour,
    ) {
        self.shapes.push(Shape::Text {
            at,
            words: words.to_owned(),
            anchor,
            is_upwards,
            colour,
        });
    }

    /// A picture stretched to `size`.
    pub fn image(&mut self, at: [f64; 2], size: [f64; 2], picture: &Rgba) {
        self.shapes.push(Shape::Image {
            at,
            size,
            picture: picture.clone(),
        });
    }

    /// Write it: SVG where the path ends so, else PNG.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: &Path, title: &str) -> Result<()> {
        let is_svg = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("svg"));
        let draw = Error::io("draw", path);
        let bytes = if is_svg {
            self.svg(title).map_err(draw)?.into_bytes()
        } else {
            let program = concat!("Ptychobench ", env!("CARGO_PKG_VERSION")).to_owned();
            let about = [("Software", program), ("Title", title.to_owned())];
            encode(&self.pixels(), &about).map_err(draw)?
        };
        ptycho_core::disk::write(path, &bytes)
    }

    /// As pixels.
    pub fn pixels(&self) -> Rgba {
        let [width, height] = self.size_px;
        let mut pixels = Rgba::filled(width, height, WHITE);
        for shape in &self.shapes {
            match shape {
                Shape::Polygon(corners, colour) => fill(&mut pixels, corners, *colour),
                Shape::Text {
                    at,
                    words,
                    anchor,
                    is_upwards,
                    colour,
                } => {
                    let length = text::width_px(words, Size::Small) as f64;
                    let back = match anchor {
                        Anchor::Start => 0.0,
                        Anchor::Middle => length / 2.0,
                        Anchor::End => length,
                    };
                    let (at, direction) = if *is_upwards {
                        ([at[0], at[1] + back], Direction::Up)
                    } else {
                        ([at[0] - back, at[1]], Direction::Right)
                    };
                    let corner = (at[1].round() as i64, at[0].round() as i64);
                    text::draw(
                        &mut pixels,
                        corner,
                        words,
                        (Size::Small, direction),
                        *colour,
                    );
                }
                Shape::Image { at, size, picture } => paste(&mut pixels, *at, *size, picture),
            }
        }
        pixels
    }

    /// As SVG text; neighbouring polygons of one colour are one path.
    ///
    /// # Errors
    /// What the PNG encoder says of a picture.
    pub fn svg(&self, title: &str) -> std::io::Result<String> {
        let [width, height] = self.size_px;
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"DejaVu Sans, sans-serif\" font-size=\"15\">\n<title>{}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
            escaped(title)
        );
        let mut of_path = None;
        for shape in &self.shapes {
            let colour = match shape {
                Shape::Polygon(_, colour) => Some(*colour),
                Shape::Text { .. } | Shape::Image { .. } => None,
            };
            // Writing into a string cannot fail.
            if of_path != colour && of_path.is_some() {
                text.push_str("\"/>\n");
            }
            match shape {
                Shape::Polygon(corners, fill) => {
                    if of_path != colour {
                        let _ = write!(text, "<path {} d=\"", paint(*fill));
                    }
                    for (i, [x, y]) in corners.iter().enumerate() {
                        let _ = write!(text, "{}{x:.2} {y:.2}", if i == 0 { "M" } else { "L" });
                    }
                    text.push('Z');
                }
                Shape::Text {
                    at: [x, y],
                    words,
                    anchor,
                    is_upwards,
                    colour,
                } => {
                    let anchor = match anchor {
                        Anchor::Start => "start",
                        Anchor::Middle => "middle",
                        Anchor::End => "end",
                    };
                    let place = if *is_upwards {
                        format!(
                            "transform=\"translate({:.2} {y:.2}) rotate(-90)\"",
                            x + ASCENT_PX
                        )
                    } else {
                        format!("x=\"{x:.2}\" y=\"{:.2}\"", y + ASCENT_PX)
                    };
                    let words = escaped(words);
                    let fill = paint(*colour);
                    let _ = writeln!(
                        text,
                        "<text {place} text-anchor=\"{anchor}\" {fill}>{words}</text>"
                    );
                }
                Shape::Image {
                    at: [x, y],
                    size: [width, height],
                    picture,
                } => {
                    let png = base64(&encode(picture, &[])?);
                    let _ = writeln!(
                        text,
                        "<image x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" \
                         preserveAspectRatio=\"none\" href=\"data:image/png;base64,{png}\"/>"
                    );
                }
            }
            of_path = colour;
        }
        if of_path.is_some() {
            text.push_str("\"/>\n");
        }
        text.push_str("</svg>\n");
        Ok(text)
    }
}

fn paint([red, green, blue, alpha]: Colour) -> String {
    let opacity = f64::from(alpha) / 255.0;
    let fill = format!("fill=\"#{red:02x}{green:02x}{blue:02x}\"");
    if alpha == 255 {
        fill
    } else {
        format!("{fill} fill-opacity=\"{opacity:.3}\"")
    }
}

/// Fill a convex polygon, its edges smoothed.
fn fill(pixels: &mut Rgba, corners: &[[f64; 2]], colour: Colour) {
    let span = |axis: usize, side: usize| {
        let along = corners.iter().map(|corner| corner[axis]);
        let least = along.clone().fold(f64::INFINITY, f64::min).floor().max(0.0);
        let most = along.fold(f64::NEG_INFINITY, f64::max).ceil();
        (least as usize).min(side)..(most.max(0.0) as usize).min(side)
    };
    let columns = span(0, pixels.width);
    for y in span(1, pixels.height) {
        for x in columns.clone() {
            let n_inside = (0..N_SAMPLES * N_SAMPLES)
                .filter(|sample| {
                    let part = |i: usize| (i as f64 + 0.5) / N_SAMPLES as f64;
                    let at = [
                        x as f64 + part(sample % N_SAMPLES),
                        y as f64 + part(sample / N_SAMPLES),
                    ];
                    is_inside(corners, at)
                })
                .count();
            if n_inside != 0 {
                let share = n_inside as f64 / (N_SAMPLES * N_SAMPLES) as f64;
                blend(&mut pixels.pixels[y * pixels.width + x], colour, share);
            }
        }
    }
}

fn is_inside(corners: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    let n = corners.len();
    let side = |i: usize| {
        let ([ax, ay], [bx, by]) = (corners[i], corners[(i + 1) % n]);
        (bx - ax) * (y - ay) - (by - ay) * (x - ax)
    };
    (0..n).all(|i| 0.0 <= side(i)) || (0..n).all(|i| side(i) <= 0.0)
}

fn blend(pixel: &mut Colour, colour: Colour, share: f64) {
    let share = share * f64::from(colour[3]) / 255.0;
    for (old, new) in pixel.iter_mut().zip(colour).take(3) {
        *old = (f64::from(*old) * (1.0 - share) + f64::from(new) * share).round() as u8;
    }
}

fn paste(pixels: &mut Rgba, [left, top]: [f64; 2], [width, height]: [f64; 2], picture: &Rgba) {
    for y in top.max(0.0) as usize..((top + height).max(0.0) as usize).min(pixels.height) {
        for x in left.max(0.0) as usize..((left + width).max(0.0) as usize).min(pixels.width) {
            let row = (y as f64 + 0.5 - top) / height * picture.height as f64;
            let column = (x as f64 + 0.5 - left) / width * picture.width as f64;
            let (row, column) = (row.max(0.0) as usize, column.max(0.0) as usize);
            if row < picture.height && column < picture.width {
                pixels.pixels[y * pixels.width + x] = picture.at(row, column);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_the_same_in_both_forms() {
        let mut drawing = Drawing::new([20, 10]);
        drawing.rect([2.0, 3.0], [6.0, 5.0], [255, 0, 0, 255]);
        drawing.line([[0.0, 8.5], [20.0, 8.5]], 1.0, [0, 0, 255, 255]);
        drawing.text([1.0, 1.0], "a<b", (Anchor::Start, false), [0, 0, 0, 255]);
        let pixels = drawing.pixels();
        assert_eq!(pixels.at(3, 2), [255, 0, 0, 255]);
        assert_eq!(pixels.at(8, 19), [0, 0, 255, 255]);
        assert_eq!(pixels.at(6, 19), WHITE);
        let svg = drawing.svg("t").unwrap();
        assert!(svg.contains("M2.00 3.00L6.00 3.00L6.00 5.00L2.00 5.00Z"));
        assert!(svg.contains("a&lt;b") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<path").count(), svg.matches("Z\"/>").count());
    }
}
