//! The overlap views that are being set up: what they are made of, the settings, what will come of them.

pub mod command_line;
pub mod drawing;
pub mod export;
pub mod figure;
pub mod layers;
pub mod plan;
pub mod subject;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ptycho_core::fields::Fields as _;
use ptycho_core::grouping::groups::check;
use ptycho_core::grouping::{GroupSettings, SpacingSettings, View};
use ptycho_core::study::overlap::{OverlapOutcome, OverlapTask};

pub use self::layers::{ColourBy, Layer};
pub use self::plan::{Request, Shown};
pub use self::subject::{Subject, SubjectKey};
use super::document::Scan;
use super::files::parse_path;

/// What a user chooses, and what can be undone.
#[derive(Clone, Debug, PartialEq)]
pub struct ThinningSettings {
    pub views: Vec<View>,
    pub groups: GroupSettings,
    pub spacing: SpacingSettings,
    /// The folder that gets the views; none is found by [`Thinning::output`].
    pub output: Option<PathBuf>,
}

impl Default for ThinningSettings {
    fn default() -> Self {
        let view = |name: &str, overlap| View {
            name: name.to_owned(),
            overlap,
        };
        Self {
            views: vec![view("dense", 0.7), view("sparse", 0.2)],
            groups: GroupSettings::default(),
            spacing: SpacingSettings::default(),
            output: None,
        }
    }
}

/// What the overlap view is about.
#[derive(Default)]
pub struct Thinning {
    pub settings: ThinningSettings,
    /// Which of the views is looked at.
    pub chosen: usize,
    /// Whether views are made of a generated folder, not of the scan that is open.
    pub is_of_folder: bool,
    /// That folder, as typed.
    pub folder: String,
    /// Number of the dose that is looked at.
    pub dose: usize,
    pub subject: Option<Arc<Subject>>,
    /// Why there is no subject.
    pub problem: Option<String>,
    /// What the newest settings that were worked through come to.
    pub shown: Option<Arc<Shown>>,
    /// The position that was clicked, a row of the subject.
    pub pinned: Option<usize>,
    /// The task of the last writing, and what came of it.
    pub written: Option<(OverlapTask, Result<OverlapOutcome, String>)>,
    /// The task that is being written.
    pub writing: Option<OverlapTask>,
    asked_subject: Option<SubjectKey>,
    asked: Option<Request>,
}

impl Thinning {
    /// The view that is looked at.
    pub fn view(&self) -> Option<&View> {
        let last = self.settings.views.len().checked_sub(1)?;
        self.settings.views.get(self.chosen.min(last))
    }

    /// Take settings that were there before.
    pub fn set_settings(&mut self, settings: ThinningSettings) {
        self.settings = settings;
    }

    /// The folder that is the source, as a full path; none where none is named.
    pub fn source_folder(&self) -> Option<PathBuf> {
        let typed = parse_path(&self.folder);
        (!typed.as_os_str().is_empty()).then(|| std::path::absolute(&typed).unwrap_or(typed))
    }

    /// What the views are to be made of now.
    pub fn wanted_subject(&self, scan: &Scan) -> Option<SubjectKey> {
        if self.is_of_folder {
            return self
                .source_folder()
                .map(|folder| SubjectKey::Folder(folder, self.dose));
        }
        scan.dataset.is_some().then_some(SubjectKey::Scan(scan.id))
    }

    /// Another subject that has to be read, once.
    pub fn take_subject_request(&mut self, scan: &Scan) -> Option<SubjectKey> {
        let wanted = self.wanted_subject(scan);
        if self.asked_subject == wanted {
            return None;
        }
        self.asked_subject.clone_from(&wanted);
        self.problem = None;
        if wanted.is_none() {
            (self.subject, self.shown) = (None, None);
        }
        wanted
    }

    /// A subject that was read; a late one of what is no longer wanted is dropped.
    pub fn take_subject(&mut self, subject: Subject) {
        if self.asked_subject.as_ref() != Some(&subject.key) {
            return;
        }
        self.pinned = None;
        self.shown = None;
        self.subject = Some(Arc::new(subject));
    }

    /// What stands in the way of reading the subject.
    pub fn subject_failed(&mut self, words: String) {
        (self.subject, self.shown) = (None, None);
        self.problem = Some(words);
    }

    /// Read the subject again: its files may hold something else now.
    pub fn look_again(&mut self) {
        self.asked_subject = None;
    }

    /// The settings as they stand, for the subject that is there.
    pub fn request(&self) -> Option<Request> {
        Some(Request {
            subject: self.subject.as_ref()?.version,
            view: self.view()?.clone(),
            groups: self.settings.groups.clone(),
            spacing: self.settings.spacing.clone(),
        })
    }

    /// The newest settings, if the last ones that were asked for differ.
    pub fn take_request(&mut self) -> Option<(Arc<Subject>, Request)> {
        let wanted = self.request()?;
        if self.asked.as_ref() == Some(&wanted) {
            return None;
        }
        self.asked = Some(wanted.clone());
        Some((Arc::clone(self.subject.as_ref()?), wanted))
    }

    /// Whether what is shown is of the settings as they stand.
    pub fn is_current(&self) -> bool {
        let shown = self.shown.as_ref().map(|shown| &shown.request);
        shown.is_some() && shown == self.request().as_ref()
    }

    /// The file or folder that views are written of.
    pub fn source(&self, scan: &Scan) -> Option<PathBuf> {
        if self.is_of_folder {
            return self.source_folder();
        }
        scan.path().cloned()
    }

    /// The folder that gets the views, as a full path: as chosen, else the generated folder itself or, for a file, one
    /// beside it.
    pub fn output(&self, scan: &Scan) -> Option<PathBuf> {
        if let Some(output) = &self.settings.output {
            let typed = parse_path(&output.display().to_string());
            return Some(std::path::absolute(&typed).unwrap_or(typed));
        }
        let source = self.source(scan)?;
        Some(if self.is_of_folder {
            source
        } else {
            views_beside(&source)
        })
    }

    /// What would be written; none without a source in files.
    pub fn task(&self, scan: &Scan, n_threads: usize) -> Option<OverlapTask> {
        Some(OverlapTask {
            source: self.source(scan)?,
            views: self.settings.views.clone(),
            groups: self.settings.groups.clone(),
            spacing: self.settings.spacing.clone(),
            output: self.output(scan)?,
            n_threads,
        })
    }

    /// What stands in the way of writing the views, in words.
    pub fn blocking(&self, scan: &Scan) -> Option<String> {
        if self.source(scan).is_none() {
            let words = if self.is_of_folder {
                "Choose the folder of generated datasets."
            } else if scan.source.is_some() {
                "The demonstration is in no file: save it (File > Save scan as…) and open that, then views of it can be written."
            } else {
                "Open a scan, or choose a folder of generated datasets."
            };
            return Some(words.to_owned());
        }
        if self.settings.views.is_empty() {
            return Some("No view is named: add one.".to_owned());
        }
        if let Some(error) = self
            .settings
            .views
            .iter()
            .find_map(|view| view.check().err())
        {
            return Some(error.to_string());
        }
        let Self { settings, .. } = self;
        let refused = settings
            .groups
            .check_ranges()
            .and_then(|()| settings.spacing.check_ranges())
            .and_then(|()| check(usize::MAX, &settings.groups));
        if let Err(error) = refused {
            return Some(error.to_string());
        }
        let names = |i: usize| &self.settings.views[i].name;
        let n = self.settings.views.len();
        let twice = (1..n).find(|i| (0..*i).any(|j| names(j) == names(*i)));
        twice.map(|i| format!("Two views are named {}: rename one.", names(i)))
    }
}

/// `scan.npz` gives `scan_views` in the same folder.
fn views_beside(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}_views"))
}
