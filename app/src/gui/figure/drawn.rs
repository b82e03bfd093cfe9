//! What a study has made, read and drawn: the work of a job.

use std::sync::Arc;

use ptycho_core::figure::Figure;
use ptycho_core::paint::raster::Rgba;
use ptycho_core::study::panels::{FigureDesign, Figures, Material, Unready};

use super::{Page, Request};

const MM_PER_INCH: f64 = 25.4;

/// A figure that was drawn.
#[derive(Debug)]
pub struct Drawn {
    pub request: Request,
    /// Tells pictures apart.
    pub version: u64,
    pub material: Arc<Material>,
    pub figures: Figures,
    /// The page that was asked for, as on the screen.
    pub pixels: Rgba,
    /// Seconds that it took.
    pub seconds: f64,
}

/// Why there is no figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Inputs that are not there.
    Missing(Vec<String>),
    /// Anything else, in words.
    Words(String),
}

fn words(error: &ptycho_core::Error) -> Problem {
    Problem::Words(error.to_string())
}

/// A design without what changes only the look.
fn read_for(design: &FigureDesign) -> FigureDesign {
    let mut plain = FigureDesign {
        style: ptycho_core::study::panels::FigureStyle::default(),
        ..design.clone()
    };
    plain.style.pattern = design.style.pattern;
    plain.style.split = design.style.split;
    plain
}

impl Drawn {
    /// Draw what is asked for; what was read before is read again only where it has to be.
    ///
    /// # Errors
    /// [`Problem`].
    pub fn new(request: Request, known: Option<&Self>, version: u64) -> Result<Self, Problem> {
        let start = std::time::Instant::now();
        let Request {
            subject, design, ..
        } = &request;
        let is_known = |known: &&Self| {
            let before = &known.request;
            before.subject == *subject
                && before.round == request.round
                && read_for(&before.design) == read_for(design)
        };
        let material = match known.filter(is_known) {
            Some(known) => Arc::clone(&known.material),
            None => match Material::read(subject.plan(), &subject.runs, design) {
                Ok(material) => Arc::new(material),
                Err(Unready::Missing(missing)) => return Err(Problem::Missing(missing)),
                Err(Unready::Wrong(error)) => return Err(words(&error)),
            },
        };
        let figures = material
            .draw(&design.style)
            .map_err(|error| words(&error))?;
        let none = || {
            Problem::Words("No column is a reconstruction: there is nothing to plot.".to_owned())
        };
        let page = page(&figures, request.page).ok_or_else(none)?;
        let dpi = request.width_px as f64 * MM_PER_INCH / page.width_mm;
        let pixels = page.pixels(dpi).map_err(|error| words(&error))?;
        Ok(Self {
            version,
            pixels,
            seconds: start.elapsed().as_secs_f64(),
            request,
            material,
            figures,
        })
    }

    /// The page that is shown.
    pub fn page(&self) -> Option<&Figure> {
        page(&self.figures, self.request.page)
    }
}

fn page(figures: &Figures, page: Page) -> Option<&Figure> {
    if page == Page::Panels {
        return Some(&figures.panels);
    }
    let mut companions = figures.companions.iter();
    companions
        .find(|(name, _)| name == page.name())
        .map(|(_, figure)| figure)
}
