//! The figure of a study that is being set up: what is drawn, how, and what came of it.

pub mod command_line;
pub mod drawn;

use std::path::PathBuf;
use std::sync::Arc;

use ptycho_core::study::execute::TaskState;
use ptycho_core::study::panels::FigureDesign;
use ptycho_core::study::plan::Plan;

pub use self::drawn::{Drawn, Problem};
use super::study::{PlannedMatrix, Studying};

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

/// The study whose figure is drawn, as it stands.
#[derive(Clone, Debug)]
pub struct Subject {
    pub planned: Arc<PlannedMatrix>,
    /// The folder that holds its run folder, as a full path.
    pub runs: PathBuf,
    /// How often its files may have changed: by a look, by a task that was done.
    changes: (u64, usize),
}

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.planned, &other.planned)
            && self.runs == other.runs
            && self.changes == other.changes
    }
}

impl Subject {
    /// Of the study that is open; none before it is known what it comes to.
    pub fn of(studying: &Studying) -> Option<Self> {
        let run = studying
            .own_run()
            .filter(|run| !run.snapshot.tasks.is_empty());
        let (planned, tasks) = match run {
            Some(run) => (&run.planned, &run.snapshot.tasks),
            None => studying
                .planned
                .as_ref()
                .map(|(planned, tasks)| (planned, tasks))?,
        };
        let n_done = tasks
            .iter()
            .filter(|task| task.state == TaskState::Done)
            .count();
        Some(Self {
            planned: Arc::clone(planned),
            runs: studying.runs.clone(),
            changes: (studying.round(), n_done),
        })
    }

    /// What the study comes to.
    pub fn plan(&self) -> &Plan {
        &self.planned.plan
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub subject: Subject,
    /// What is drawn and how.
    pub design: FigureDesign,
    pub page: Page,
    /// Pixels of the screen across the figure.
    pub width_px: usize,
    /// Counts how often the files were asked to be read again.
    pub round: u64,
}

/// What is drawn in place of what a study says.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnFigure {
    /// Name of the study.
    pub study: String,
    pub design: FigureDesign,
}

/// What the figure view is about.
#[derive(Default)]
pub struct Figuring {
    /// What is drawn and how, where it differs from what the study says.
    pub own: Option<OwnFigure>,
    pub page: Page,
    /// Pixels of the screen across the figure.
    pub width_px: usize,
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
    /// What is drawn: as chosen for this study, or as it says.
    pub fn design(&self, plan: &Plan) -> FigureDesign {
        match &self.own {
            Some(own) if own.study == plan.study.name => own.design.clone(),
            _ => plan.study.figure.clone(),
        }
    }

    /// Draw this in place of what the study says.
    pub fn set_design(&mut self, plan: &Plan, design: FigureDesign) {
        self.own = (design != plan.study.figure).then(|| OwnFigure {
            study: plan.study.name.clone(),
            design,
        });
    }

    /// The choices as they stand; none without a study.
    pub fn request(&self, studying: &Studying) -> Option<Request> {
        let subject = Subject::of(studying)?;
        (0 < self.width_px).then(|| Request {
            design: self.design(subject.plan()),
            subject,
            page: self.page,
            width_px: self.width_px,
            round: self.round,
        })
    }

    /// The newest choices, if the last ones that were asked for differ.
    pub fn take_request(&mut self, studying: &Studying) -> Option<Request> {
        let wanted = self.request(studying);
        if self.asked == wanted {
            return None;
        }
        let name = |request: &Request| request.subject.plan().study.name.clone();
        if self.asked.as_ref().map(name) != wanted.as_ref().map(name) {
            (self.drawn, self.problem, self.exported) = (None, None, None);
        }
        self.asked.clone_from(&wanted);
        wanted
    }

    /// A number for another picture.
    pub fn next_version(&mut self) -> u64 {
        self.n_drawn += 1;
        self.n_drawn
    }

    /// Take what came of a request; the figure before stays, marked as out of date, where there is none.
    pub fn take(&mut self, drawn: Result<Drawn, Problem>) {
        match drawn {
            Ok(drawn) => {
                self.problem = None;
                self.drawn = Some(Arc::new(drawn));
            }
            Err(problem) => self.problem = Some(problem),
        }
    }

    /// Read the files again: they may hold something else now.
    pub fn look_again(&mut self) {
        self.round += 1;
    }

    /// Whether what is shown is of the choices as they stand, however large it is on the screen.
    pub fn is_current(&self, studying: &Studying) -> bool {
        let (Some(drawn), Some(wanted)) = (&self.drawn, self.request(studying)) else {
            return false;
        };
        let width_px = drawn.request.width_px;
        self.problem.is_none() && drawn.request == Request { width_px, ..wanted }
    }
}
