//! Panels: how much room each needs around its frame, and how it is drawn.

mod colour_bar;
mod curves;
mod heading;
mod image;
mod legend;
mod plot;

pub(super) use self::colour_bar::ColourBar;
use self::heading::Heading;
use self::image::ImageCell;
use self::plot::PlotCell;
pub(super) use self::plot::axes;
use super::frame::{Around, Rect};
use super::style::Style;
use super::svg::{Anchor, Canvas, TextStyle};
use super::text::wrapped;
use super::{ImagePanel, Panel};

/// A panel in its place.
pub(super) enum Cell<'a> {
    Image(ImageCell<'a>),
    Plot(PlotCell<'a>),
    Empty,
}

impl<'a> Cell<'a> {
    /// The panels of a row; `letter` gives each its letter, in order.
    pub(super) fn of_row(
        panels: &'a [Panel],
        mut letter: impl FnMut(&Panel) -> Option<String>,
    ) -> Vec<Self> {
        let images: Vec<&ImagePanel> = panels.iter().filter_map(image_of).collect();
        let has_bars = bars(&images);
        let shares_scale = shares(
            &images,
            |image| image.has_scale_bar,
            |a, b| a.values.dim() == b.values.dim() && a.pixel_size_m == b.pixel_size_m,
        );
        let first_scaled = images.iter().position(|image| image.has_scale_bar);
        let mut n_images = 0;
        let cell = |panel: &'a Panel| {
            let letter = letter(panel);
            match panel {
                Panel::Image(image) => {
                    let at = n_images;
                    n_images += 1;
                    Self::Image(ImageCell {
                        panel: image,
                        heading: Heading {
                            letter,
                            title: &image.title,
                        },
                        // The last picture of the row may itself name no quantity.
                        bar: has_bars[at].then(|| ColourBar::of(&images, image)),
                        has_scale_bar: image.has_scale_bar
                            && (!shares_scale || first_scaled == Some(at)),
                    })
                }
                Panel::Plot(plot) => Self::Plot(PlotCell {
                    panel: plot,
                    heading: Heading {
                        letter,
                        title: &plot.title,
                    },
                }),
                Panel::Empty => Self::Empty,
            }
        };
        panels.iter().map(cell).collect()
    }

    pub(super) fn is_image(&self) -> bool {
        matches!(self, Self::Image(_))
    }

    /// How high the frame should be at this width; `None` where that is all the same.
    pub(super) fn height(&self, width: f64, style: Style) -> Option<f64> {
        match self {
            Self::Image(image) => Some(image.height(width, style)),
            Self::Plot(_) => Some(PlotCell::height(width, style)),
            Self::Empty => None,
        }
    }

    /// The room needed around a frame of this width and height.
    pub(super) fn around(&self, frame: [f64; 2], style: Style) -> Around {
        match self {
            Self::Image(image) => image.around(frame, style),
            Self::Plot(plot) => plot.around(frame, style),
            Self::Empty => Around::default(),
        }
    }

    /// The colour bar that it has, if it is a picture with one.
    pub(super) fn bar(&self) -> Option<&ColourBar<'a>> {
        match self {
            Self::Image(image) => image.bar.as_ref(),
            Self::Plot(_) | Self::Empty => None,
        }
    }

    /// As above, to be changed; none for what is no picture.
    pub(super) fn bar_mut(&mut self) -> Option<&mut Option<ColourBar<'a>>> {
        match self {
            Self::Image(image) => Some(&mut image.bar),
            Self::Plot(_) | Self::Empty => None,
        }
    }

    /// Draw into the frame, the heading from the top of the row on; a colour bar reaches `bar_reach` further down than
    /// the frame.
    pub(super) fn draw(
        &self,
        canvas: &mut Canvas,
        (frame, top, bar_reach): (Rect, f64, f64),
        style: Style,
    ) -> std::io::Result<()> {
        match self {
            Self::Image(image) => image.draw(canvas, (frame, top, bar_reach), style),
            Self::Plot(plot) => {
                plot.draw(canvas, (frame, top), style);
                Ok(())
            }
            Self::Empty => Ok(()),
        }
    }
}

fn image_of(panel: &Panel) -> Option<&ImagePanel> {
    match panel {
        Panel::Image(image) => Some(image),
        Panel::Plot(_) | Panel::Empty => None,
    }
}

/// Whether two pictures at least are asked, and all that are asked are alike.
fn shares(
    images: &[&ImagePanel],
    is_asked: impl Fn(&ImagePanel) -> bool,
    is_alike: impl Fn(&ImagePanel, &ImagePanel) -> bool,
) -> bool {
    let asked: Vec<_> = images.iter().filter(|image| is_asked(image)).collect();
    asked.len() > 1 && asked.windows(2).all(|pair| is_alike(pair[0], pair[1]))
}

/// Which pictures of a row have a colour bar: the last of those that share one.
fn bars(images: &[&ImagePanel]) -> Vec<bool> {
    let is_named = |image: &ImagePanel| !image.quantity.is_empty();
    if shares(images, is_named, has_same_bar) {
        // The bar of all stands at the right of the row, whether its last picture names a quantity or not.
        return (1..=images.len()).map(|n| n == images.len()).collect();
    }
    let next_has_same = |at: usize| {
        let next = images.get(at + 1);
        next.is_some_and(|next| has_same_bar(images[at], next))
    };
    (0..images.len())
        .map(|at| is_named(images[at]) && !next_has_same(at))
        .collect()
}

fn has_same_bar(a: &ImagePanel, b: &ImagePanel) -> bool {
    let ends = |image: &ImagePanel| [image.limits.min, image.limits.max];
    ends(a) == ends(b) && a.map == b.map && a.quantity == b.quantity
}

/// Words below a frame, in lines that fit its width.
struct Note<'a>(&'a str);

impl Note<'_> {
    /// Height with the gap above; 0 without words.
    fn height(&self, width: f64, style: Style) -> f64 {
        match wrapped(self.0, style.small, width).len() {
            0 => 0.0,
            n => n as f64 * Style::line(style.small) + style.gap(),
        }
    }

    fn draw(&self, canvas: &mut Canvas, [left, top, width]: [f64; 3], style: Style) {
        let first = top + style.gap() + Style::ascent(style.small);
        for (i, line) in wrapped(self.0, style.small, width).iter().enumerate() {
            let words = TextStyle {
                colour: super::style::QUIET,
                ..style.small_text(Anchor::Start)
            };
            let baseline = first + i as f64 * Style::line(style.small);
            canvas.text([left, baseline], line, words);
        }
    }
}
