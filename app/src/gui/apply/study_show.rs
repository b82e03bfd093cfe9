//! What a task of a study has made, shown in the view that it belongs to.

use std::path::{Path, PathBuf};

use ptycho_core::metrics::region::Region;
use ptycho_core::study::compare::Inputs;
use ptycho_core::study::plan::{CompareWork, Task, Work};
use ptycho_core::study::run::Source;

use super::super::comparison::Truth;
use super::super::views::View;
use super::super::widgets::notice::Level;
use super::super::workbench::Workbench;

impl Workbench {
    /// Show what a task has made.
    pub(super) fn show_task(&mut self, id: &str) {
        let studying = &self.document.studying;
        let Some(plan) = studying.plan() else { return };
        let (Some(task), folder) = (plan.task(id).cloned(), plan.folder(&studying.runs)) else {
            return;
        };
        let own = folder.join(id);
        if !own.is_dir() && !matches!(task.work, Work::Figure(_)) {
            let text = format!("{id} has made nothing yet.");
            return self.document.tell(Level::Info, text, None);
        }
        match &task.work {
            Work::Simulate(_) | Work::View(_) => self.show_dataset(&task, &own),
            Work::Train(_) => {
                self.add_run(own);
                self.view = View::Train;
            }
            Work::Reconstruct(work) => {
                let truth = match &work.source {
                    Source::File(file) => Some(file.clone()),
                    Source::Demonstration => None,
                };
                self.show_result(&task, (&folder, truth));
            }
            Work::Infer(work) => self.show_result(&task, (&folder, Some(work.data.clone()))),
            Work::Compare(work) => self.show_comparison(work, &folder),
            Work::Scenario(_) => self.show_scenario(own),
            Work::Figure(_) => self.show_study_figure(),
        }
    }
}

impl Workbench {
    /// The training set of a dose or view; the test set where that is all there is.
    fn show_dataset(&mut self, task: &Task, own: &Path) {
        let found = find(own, "train.npz", 3).or_else(|| find(own, "test.npz", 3));
        match found {
            Some(file) => {
                self.open(Source::File(file));
                self.view = View::Data;
            }
            None => self.tell_nothing(&task.id),
        }
    }

    /// A reconstruction beside the truth that it is of, as the study compares; what is compared with another truth makes room.
    fn show_result(&mut self, task: &Task, (folder, truth): (&Path, Option<PathBuf>)) {
        let result = folder.join(&task.id).join("result.npz");
        if !result.is_file() {
            return self.tell_nothing(&task.id);
        }
        let truth = truth.map(|file| folder.join(file));
        self.compare_with(truth);
        let document = &mut self.document;
        if let Some(plan) = document.studying.plan() {
            let design = &plan.study.comparison;
            let draft = &mut document.comparing.draft;
            draft.region = Region::parse(&design.region).unwrap_or_default();
            draft.settings = design.how.clone();
        }
        self.add_to_comparison(vec![result]);
    }

    /// All arms of a comparison as the study compares them.
    fn show_comparison(&mut self, work: &CompareWork, folder: &Path) {
        let Inputs { truth, arms, .. } = &work.inputs;
        self.compare_with(truth.as_ref().map(|file| folder.join(file)));
        let draft = &mut self.document.comparing.draft;
        draft.picks.clear();
        draft.region = Region::parse(&work.region).unwrap_or_default();
        draft.settings = work.settings.clone();
        let mut refused = Vec::new();
        for (name, file) in arms {
            refused.extend(draft.add(name, folder.join(file)).err());
        }
        for words in refused {
            self.document.tell(Level::Warning, words, None);
        }
        self.view = View::Compare;
    }

    /// Compare with this truth from now on; reconstructions of another scan go.
    fn compare_with(&mut self, truth: Option<PathBuf>) {
        let draft = &mut self.document.comparing.draft;
        let Some(truth) = truth.filter(|file| holds_truth(file)) else {
            return;
        };
        let text = truth.display().to_string();
        if draft.truth != Truth::File || draft.truth_file != text {
            draft.picks.clear();
            draft.truth = Truth::File;
            draft.truth_file = text;
        }
    }

    /// The figure of the study that is open.
    fn show_study_figure(&mut self) {
        self.document.figuring.look_again();
        self.view = View::Figure;
    }

    /// The network of a scenario.
    fn show_scenario(&mut self, own: PathBuf) {
        match find(&own, "history.json", 3).and_then(|file| file.parent().map(Path::to_path_buf)) {
            Some(run) => {
                self.add_run(run);
                self.view = View::Train;
            }
            None => self.tell_nothing(&own.display().to_string()),
        }
    }

    fn tell_nothing(&mut self, name: &str) {
        let text = format!("{name} has made nothing that could be shown yet.");
        self.document.tell(Level::Info, text, None);
    }
}

/// Whether a dataset has a truth to compare with.
fn holds_truth(file: &Path) -> bool {
    use ptycho_core::data::npz::Archive;
    Archive::open(file).is_ok_and(|archive| archive.has("objectGuess"))
}

/// The first file of this name in a folder and those within it, at most so deep.
fn find(folder: &Path, name: &str, depth: usize) -> Option<PathBuf> {
    let own = folder.join(name);
    if own.is_file() {
        return Some(own);
    }
    let mut folders: Vec<_> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let depth = depth.checked_sub(1)?;
    folders.iter().find_map(|folder| find(folder, name, depth))
}
