//! The comparison that is being set up: what is compared with what, how, and what came of it.

pub mod command_line;
pub mod curves;
pub mod draft;
pub mod open;
pub mod shown;
pub mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ptycho_core::metrics::region::Region;
use ptycho_core::metrics::settings::CompareSettings;
use ptycho_core::study::compare::{Inputs, Refusal};

pub use self::draft::{CompareDraft, MOST_PICKS, Pick, Truth};
pub use self::open::Opened;
pub use self::shown::{Column, NotCompared, Quantity, Shown};
use super::document::Scan;
use super::files::parse_path;
use super::training::DEMONSTRATION_FILE;

/// A reconstruction that this window has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionResult {
    pub name: String,
    pub file: PathBuf,
    /// The dataset that it is of.
    pub data: PathBuf,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub inputs: Inputs,
    pub region: Region,
    pub settings: CompareSettings,
    /// Counts how often the files were asked to be read again.
    pub round: u64,
}

/// What the compare view is about.
#[derive(Default)]
pub struct Comparing {
    pub draft: CompareDraft,
    /// Reconstructions of this window, the newest last.
    pub results: Vec<SessionResult>,
    /// The folder under which runs are kept, as a full path.
    pub runs: PathBuf,
    pub shown: Option<Arc<Shown>>,
    /// Why there is no result of the newest choice.
    pub problem: Option<String>,
    /// Reconstructions of the newest choice that cannot be compared.
    pub refused: Vec<Refusal>,
    /// Where the last export went, or why not.
    pub exported: Option<Result<PathBuf, String>>,
    opened: Option<Arc<Opened>>,
    asked: Option<Request>,
    round: u64,
    n_shown: u64,
}

impl Comparing {
    /// Take choices that were there before.
    pub fn set_draft(&mut self, draft: CompareDraft) {
        self.draft = draft;
    }

    /// Keep a reconstruction of this window in the list; one that replaces a file is named and read anew.
    pub fn add_result(&mut self, result: SessionResult) {
        if self.draft.picks.iter().any(|pick| pick.file == result.file) {
            self.look_again();
        }
        self.results.retain(|known| known.file != result.file);
        self.results.push(result);
    }

    /// Reconstructions of the open scan that this window has made, the newest that fit.
    pub fn results_of(&self, scan: &Scan) -> Vec<SessionResult> {
        let file = self.scan_file(scan);
        let of_scan = self
            .results
            .iter()
            .filter(|result| Some(&result.data) == file.as_ref());
        let of_scan: Vec<_> = of_scan.cloned().collect();
        of_scan[of_scan.len().saturating_sub(MOST_PICKS)..].to_vec()
    }

    /// Compare the results of this session with each other and with the truth of the open scan.
    pub fn pick_results(&mut self, scan: &Scan) {
        self.draft.truth = Truth::Scan;
        for result in self.results_of(scan) {
            if self.draft.picks.iter().all(|pick| pick.file != result.file) {
                // The list is no longer than what can be shown.
                let _ = self.draft.add(&result.name, result.file);
            }
        }
    }

    /// The name under which a file is added: that of the session's result, else a short one of its own.
    pub fn name_of(&self, file: &Path) -> String {
        let known = self.results.iter().find(|result| result.file == file);
        known.map_or_else(|| draft::short_name(file), |result| result.name.clone())
    }

    /// The file of the open scan; one that is only in memory gets one under the runs folder.
    pub fn scan_file(&self, scan: &Scan) -> Option<PathBuf> {
        if scan.is_in_memory() {
            return Some(self.runs.join(DEMONSTRATION_FILE));
        }
        scan.path().cloned()
    }

    /// The file of the truth, where there is one.
    pub fn truth(&self, scan: &Scan) -> Option<PathBuf> {
        match self.draft.truth {
            Truth::None => None,
            Truth::File => {
                let typed = parse_path(&self.draft.truth_file);
                (!typed.as_os_str().is_empty())
                    .then(|| std::path::absolute(&typed).unwrap_or(typed))
            }
            Truth::Scan => {
                scan.dataset.as_ref()?.object()?;
                self.scan_file(scan)
            }
        }
    }

    /// Whether the truth is only in memory, so that it has to be written first.
    pub fn is_in_memory(&self, scan: &Scan) -> bool {
        self.draft.truth == Truth::Scan && scan.is_in_memory()
    }

    /// Why there is no truth although the open scan was to give it, in words.
    pub fn truth_note(&self, scan: &Scan) -> Option<&'static str> {
        if self.draft.truth != Truth::Scan || self.truth(scan).is_some() {
            return None;
        }
        Some(match (&scan.source, &scan.dataset) {
            (None, _) => "No scan is open: one of the reconstructions serves as the reference.",
            (Some(_), Some(_)) => {
                "The open scan has no objectGuess: one of the reconstructions serves as the reference."
            }
            (Some(_), None) if scan.problem.is_none() => "The scan is being read.",
            (Some(_), None) => {
                "The open scan cannot be used: one of the reconstructions serves as the reference."
            }
        })
    }

    /// The files to compare.
    pub fn inputs(&self, scan: &Scan) -> Inputs {
        let draft = &self.draft;
        let truth = self.truth(scan);
        let name = |pick: &Pick| pick.name.trim().to_owned();
        Inputs {
            reference: match truth {
                Some(_) => None,
                None => draft.reference_pick().map(name),
            },
            truth,
            arms: draft
                .picks
                .iter()
                .map(|pick| (name(pick), pick.file.clone()))
                .collect(),
            ..Inputs::default()
        }
    }

    /// What is missing before anything can be compared, in words.
    pub fn blocking(&self, scan: &Scan) -> Option<String> {
        let draft = &self.draft;
        if draft.truth == Truth::File && self.truth(scan).is_none() {
            return Some("Name the file of the truth, or choose another.".to_owned());
        }
        let is_read = scan.source.is_none() || scan.dataset.is_some() || scan.problem.is_some();
        if draft.truth == Truth::Scan && !is_read {
            return Some("The scan is being read…".to_owned());
        }
        match (draft.picks.len(), self.truth(scan)) {
            (0, _) => return Some("Add the reconstructions to compare.".to_owned()),
            (1, None) => {
                return Some(
                    "Without a truth it takes two reconstructions: add another, or choose a truth."
                        .to_owned(),
                );
            }
            _ => {}
        }
        draft.name_problem()
    }

    /// The choices as they stand; none where something is missing.
    pub fn request(&self, scan: &Scan) -> Option<Request> {
        self.blocking(scan).is_none().then(|| Request {
            inputs: self.inputs(scan),
            region: self.draft.region.clone(),
            settings: self.draft.settings.clone(),
            round: self.round,
        })
    }

    /// The newest choices and what is known of their files, if the last ones that were asked for differ.
    pub fn take_request(&mut self, scan: &Scan) -> Option<(Request, Option<Arc<Opened>>)> {
        let wanted = self.request(scan);
        if self.asked == wanted {
            return None;
        }
        self.asked.clone_from(&wanted);
        if wanted.is_none() && self.draft.picks.is_empty() {
            (self.shown, self.problem) = (None, None);
            self.refused.clear();
        }
        Some((wanted?, self.opened.clone()))
    }

    /// A number for another result.
    pub fn next_version(&mut self) -> u64 {
        self.n_shown += 1;
        self.n_shown
    }

    /// Take what came of a request.
    pub fn take(&mut self, worked: Result<Shown, NotCompared>) {
        match worked {
            Ok(shown) => self.take_shown(shown),
            Err(NotCompared { words, refused }) => self.failed(words, refused),
        }
    }

    fn take_shown(&mut self, shown: Shown) {
        self.problem = None;
        self.refused.clone_from(&shown.comparison.refused);
        self.opened = Some(Arc::clone(&shown.opened));
        self.shown = Some(Arc::new(shown));
    }

    /// What stands in the way of a result; the one before stays, marked as out of date.
    pub fn failed(&mut self, words: String, refused: Vec<Refusal>) {
        self.problem = Some(words);
        self.refused = refused;
    }

    /// Read the files again: they may hold something else now.
    pub fn look_again(&mut self) {
        self.round += 1;
        self.opened = None;
    }

    /// Whether what is shown is of the choices as they stand.
    pub fn is_current(&self, scan: &Scan) -> bool {
        let shown = self.shown.as_ref().map(|shown| &shown.request);
        self.problem.is_none() && shown.is_some() && shown == self.request(scan).as_ref()
    }

    /// Why a reconstruction cannot be compared.
    pub fn refusal(&self, pick: &Pick) -> Option<&Refusal> {
        self.refused
            .iter()
            .find(|refusal| refusal.file == pick.file)
    }
}
