//! A study read, its figure drawn: the work of a job.

use std::sync::Arc;

use ptycho_core::figure::Figure;
use ptycho_core::paint::raster::Rgba;
use ptycho_core::study::panels::{FigureDesign, Figures, Material, Unready, planned};
use ptycho_core::study::plan::Plan;

use super::{Page, Request};
use crate::headless::study::source::Source;

const MM_PER_INCH: f64 = 25.4;

/// The study that a figure is of.
#[derive(Debug)]
pub struct Subject {
    pub plan: Plan,
    /// The folder that holds its run folder.
    pub runs: std::path::PathBuf,
    /// What it was asked for as.
    request: (std::path::PathBuf, std::path::PathBuf, u64),
}

/// A figure that was drawn.
#[derive(Debug)]
pub struct Drawn {
    pub request: Request,
    /// Tells pictures apart.
    pub version: u64,
    pub material: Arc<Material>,
    /// What is drawn and how.
    pub design: FigureDesign,
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

/// What came of a request.
#[derive(Debug)]
pub struct Worked {
    /// The study, if it could be read.
    pub subject: Option<Arc<Subject>>,
    pub drawn: Result<Drawn, Problem>,
}

fn words(error: &ptycho_core::Error) -> Problem {
    Problem::Words(error.to_string())
}

impl Subject {
    fn key(request: &Request) -> (std::path::PathBuf, std::path::PathBuf, u64) {
        (request.study.clone(), request.runs.clone(), request.round)
    }

    fn read(request: &Request) -> ptycho_core::Result<Self> {
        let source = Source::named(&request.study, &request.runs)?;
        Ok(Self {
            plan: planned(&source.study, &source.folder, &source.runs)?,
            runs: source.runs,
            request: Self::key(request),
        })
    }
}

impl Worked {
    /// Do what is asked; what was read before is read again only where it has to be.
    pub fn new(
        request: Request,
        (subject, known): (Option<Arc<Subject>>, Option<Arc<Drawn>>),
        version: u64,
    ) -> Self {
        let subject = subject.filter(|subject| subject.request == Subject::key(&request));
        let subject = match subject.map_or_else(|| Subject::read(&request).map(Arc::new), Ok) {
            Ok(subject) => subject,
            Err(error) => {
                return Self {
                    subject: None,
                    drawn: Err(words(&error)),
                };
            }
        };
        let drawn = Drawn::new(request, (&subject, known.as_deref()), version);
        Self {
            subject: Some(subject),
            drawn,
        }
    }
}

/// A design without what changes only the look.
fn read_for(design: &FigureDesign) -> FigureDesign {
    let mut plain = FigureDesign {
        style: ptycho_core::study::panels::FigureStyle::default(),
        ..design.clone()
    };
    plain.style.pattern = design.style.pattern;
    plain
}

impl Drawn {
    fn new(
        request: Request,
        (subject, known): (&Subject, Option<&Self>),
        version: u64,
    ) -> Result<Self, Problem> {
        let start = std::time::Instant::now();
        let of_study = &subject.plan.study.figure;
        let design = request.design.as_ref().unwrap_or(of_study).clone();
        let wanted = read_for(&design);
        let is_known = |known: &&Self| {
            Subject::key(&known.request) == subject.request && read_for(&known.design) == wanted
        };
        let material = match known.filter(is_known) {
            Some(known) => Arc::clone(&known.material),
            None => match Material::read(&subject.plan, &subject.runs, &design) {
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
            design,
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
