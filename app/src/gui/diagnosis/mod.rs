//! The report on a scan or a run: what was asked, what is on its way, what is shown.

pub mod panel;

use std::path::PathBuf;
use std::sync::Arc;

use ptycho_core::Result;
use ptycho_core::job::Monitor;
use ptycho_core::study::diagnose::{
    DiagnoseSettings, Report, Scan, beside, diagnose, diagnose_scan,
};

/// What can be asked of the reports.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Look at the scan that is open.
    OpenScan,
    /// Look at this dataset or run folder.
    Of(PathBuf),
    /// Choose another file or folder beside which the subject is put.
    ChooseOther,
    /// Put the subject beside this one.
    Beside(PathBuf),
    /// Choose where the report goes.
    ChooseFile,
    /// Write the report here, as Markdown or JSON by the name's ending.
    Save(PathBuf),
    /// Close the report.
    Close,
}

/// What a report is about.
#[derive(Clone)]
pub enum Subject {
    /// The scan that was open, which need not stand in a file.
    Open(Scan),
    /// A dataset or a run folder.
    At(PathBuf),
    /// Two of them beside each other.
    Pair([PathBuf; 2]),
}

impl Subject {
    /// Words of the job that looks at it.
    pub fn job_name(&self) -> String {
        match self {
            Self::Open(scan) => format!("Diagnose {}", short(&scan.path)),
            Self::At(path) => format!("Diagnose {}", short(path)),
            Self::Pair([first, second]) => {
                format!("Diagnose {} beside {}", short(first), short(second))
            }
        }
    }

    /// The file or folder, where it is one alone that stands on a disk.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Open(scan) => Some(&scan.path).filter(|path| path.is_file()),
            Self::At(path) | Self::Pair([path, _]) => Some(path),
        }
    }

    /// Look at it: slow, off the window's thread.
    ///
    /// # Errors
    /// As [`diagnose`] and [`beside`].
    pub fn look(&self, monitor: &dyn Monitor<()>) -> Result<Report> {
        let settings = DiagnoseSettings::default();
        match self {
            Self::Open(scan) => diagnose_scan(scan, &settings, monitor),
            Self::At(path) => diagnose(path, &settings, monitor),
            Self::Pair([first, second]) => beside(first, second, &settings, monitor),
        }
    }
}

fn short(path: &std::path::Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// How the report that was asked for last stands.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Nothing was asked, or the report was closed.
    #[default]
    Closed,
    /// It is being made.
    Running,
    /// Here it is.
    Shown(Arc<Report>),
    /// It could not be made, for this reason.
    Failed(String),
}

/// The report of this window.
#[derive(Default)]
pub struct Diagnosis {
    pub subject: Option<Subject>,
    pub state: State,
    /// Number of the job that makes it.
    pub job: u64,
}

impl Diagnosis {
    /// The report, once it is there.
    pub fn report(&self) -> Option<&Arc<Report>> {
        match &self.state {
            State::Shown(report) => Some(report),
            State::Closed | State::Running | State::Failed(_) => None,
        }
    }

    /// The command line that makes the same report; none of a scan that stands in no file.
    pub fn command_line(&self) -> Option<String> {
        use super::files::shell_word;
        let paths = match self.subject.as_ref()? {
            Subject::Pair(pair) => pair.to_vec(),
            subject => vec![subject.path()?.clone()],
        };
        let words: Vec<_> = paths
            .iter()
            .map(|path| shell_word(&path.display().to_string()))
            .collect();
        Some(format!("ptychobench diagnose {}", words.join(" ")))
    }
}
