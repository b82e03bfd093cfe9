//! The figure of a study that is being set up: what is drawn, how, and what came of it.

pub mod command_line;
pub mod drawn;

use std::path::PathBuf;
use std::sync::Arc;

use ptycho_core::study::panels::{Choice, FigureDesign};

pub use self::drawn::{Drawn, Problem, Subject, Worked};
use super::files::parse_path;

/// Which of the figures is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// The panels.
    #[default]
    Panels,
    /// How the losses went.
    Convergence,
    /// Ring correlations.
    Frc,
}

impl Page {
    /// Every page, in the order of the tabs.
    pub const ALL: [Self; 3] = [Self::Panels, Self::Convergence, Self::Frc];

    /// Words of the tab.
    pub fn label(self) -> &'static str {
        match self {
            Self::Panels => "Panels",
            Self::Convergence => "Convergence",
            Self::Frc => "Ring correlations",
        }
    }

    /// What it is called among the figures of a study and in names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Panels => "figure",
            Self::Convergence => "convergence",
            Self::Frc => "frc",
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Study file, template or run folder.
    pub study: PathBuf,
    /// The folder that holds the studies' run folders.
    pub runs: PathBuf,
    /// What is drawn; none takes what the study says.
    pub design: Option<FigureDesign>,
    pub page: Page,
    /// Pixels of the screen across the figure.
    pub width_px: usize,
    /// Counts how often the files were asked to be read again.
    pub round: u64,
}

/// What the figure view is about.
#[derive(Default)]
pub struct Figuring {
    /// The study as typed.
    pub path: String,
    /// The folder that holds the studies' run folders, as a full path.
    pub runs: PathBuf,
    /// What is drawn and how; none takes what the study says.
    pub design: Option<FigureDesign>,
    pub page: Page,
    /// Pixels of the screen across the figure.
    pub width_px: usize,
    /// The study that was read last.
    pub subject: Option<Arc<Subject>>,
    pub drawn: Option<Arc<Drawn>>,
    /// Why there is no figure of the newest choice.
    pub problem: Option<Problem>,
    /// Where the last export went, or why not.
    pub exported: Option<Result<PathBuf, String>>,
    asked: Option<Request>,
    round: u64,
    n_drawn: u64,
}

impl Figuring {
    /// Turn to another study; what is drawn is what it says.
    pub fn open(&mut self, study: &str) {
        study.clone_into(&mut self.path);
        self.path_changed();
    }

    /// Another study was typed.
    pub fn path_changed(&mut self) {
        self.design = None;
        self.exported = None;
    }

    /// What is drawn, as chosen or as the study says.
    pub fn used_design(&self) -> Option<FigureDesign> {
        let of_study = || Some(self.subject.as_ref()?.plan.study.figure.clone());
        self.design.clone().or_else(of_study)
    }

    /// Rows and columns that the design comes to.
    pub fn choice(&self) -> Option<Choice> {
        let subject = self.subject.as_ref()?;
        Choice::of(&subject.plan, &self.used_design()?).ok()
    }

    /// The choices as they stand; none without a study.
    pub fn request(&self) -> Option<Request> {
        let study = parse_path(&self.path);
        let is_known = !study.as_os_str().is_empty() && 0 < self.width_px;
        is_known.then(|| Request {
            study,
            runs: self.runs.clone(),
            design: self.design.clone(),
            page: self.page,
            width_px: self.width_px,
            round: self.round,
        })
    }

    /// The newest choices, if the last ones that were asked for differ.
    pub fn take_request(&mut self) -> Option<Request> {
        let wanted = self.request();
        if self.asked == wanted {
            return None;
        }
        self.asked.clone_from(&wanted);
        if self.path.trim().is_empty() {
            (self.subject, self.drawn, self.problem) = (None, None, None);
        }
        wanted
    }

    /// A number for another picture.
    pub fn next_version(&mut self) -> u64 {
        self.n_drawn += 1;
        self.n_drawn
    }

    /// Take what came of a request.
    pub fn take(&mut self, worked: Worked) {
        let Worked { subject, drawn } = worked;
        if subject.is_some() {
            self.subject = subject;
        }
        match drawn {
            Ok(drawn) => {
                self.problem = None;
                self.drawn = Some(Arc::new(drawn));
            }
            Err(problem) => self.failed(problem),
        }
    }

    /// What stands in the way of a figure; one of another study does not stay.
    pub fn failed(&mut self, problem: Problem) {
        let is_same_study = match (&self.drawn, &self.asked) {
            (Some(drawn), Some(asked)) => drawn.request.study == asked.study,
            _ => false,
        };
        if !is_same_study {
            self.drawn = None;
        }
        self.problem = Some(problem);
    }

    /// Read the files again: they may hold something else now.
    pub fn look_again(&mut self) {
        self.round += 1;
    }

    /// Whether what is shown is of the choices as they stand, however large it is on the screen.
    pub fn is_current(&self) -> bool {
        let (Some(drawn), Some(wanted)) = (&self.drawn, self.request()) else {
            return false;
        };
        let width_px = wanted.width_px;
        self.problem.is_none()
            && wanted
                == Request {
                    width_px,
                    ..drawn.request.clone()
                }
    }
}
