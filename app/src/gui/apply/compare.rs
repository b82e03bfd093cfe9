//! A comparison is set up, worked out, exported; results of this window are kept for it.

use std::path::{Path, PathBuf};

use ptycho_core::Error;
use ptycho_core::data::Reconstruction;
use ptycho_core::study::compare::export;
use ptycho_core::study::store::RunFolder;

use super::super::comparison::command_line::compare_command;
use super::super::comparison::{Request, SessionResult, Shown, Truth};
use super::super::document::Document;
use super::super::files::{self, Purpose};
use super::super::queue::{COMPARISON, Lane};
use super::super::training::ShownInference;
use super::super::training::sets::data_name;
use super::super::views::View;
use super::super::widgets::line_plot::{PlotData, Series, csv};
use super::super::widgets::notice::Level;
use super::super::work::Outcome;
use super::super::workbench::Workbench;
use super::absolute;

impl Workbench {
    /// Work the newest choices out, unless those before are still being worked out: what is newest when they are done
    /// comes next, so the last ones are never lost.
    pub(in super::super) fn start_comparison(&mut self) {
        let Document {
            comparing, scan, ..
        } = &mut self.document;
        comparing.runs = absolute(&self.preferences.runs_folder);
        if self.view != View::Compare || self.queue.is_busy(Lane::Compare) {
            return;
        }
        let Some((request, known)) = comparing.take_request(scan) else {
            return;
        };
        let in_memory = comparing
            .is_in_memory(scan)
            .then(|| scan.dataset.clone())
            .flatten();
        let version = comparing.next_version();
        let name = "Compare";
        self.queue.add(Lane::Compare, COMPARISON, name, move |_| {
            // A scan that is only in memory gets a file, so that a command can name it.
            let is_known = known
                .as_ref()
                .is_some_and(|known| known.is_of(&request.inputs, request.round));
            if let (Some(dataset), Some(file), false) =
                (&in_memory, &request.inputs.truth, is_known)
            {
                dataset.save(file)?;
            }
            let worked = Shown::new(request, known, version);
            Ok(Outcome::Compared(Box::new(worked)))
        });
    }

    pub(super) fn comparison_failed(&mut self, error: &Error) {
        tracing::warn!("compare: {error}");
        self.document
            .comparing
            .failed(error.to_string(), Vec::new());
    }

    /// Add files to those that are compared, and show the comparison.
    pub(super) fn add_to_comparison(&mut self, files: Vec<PathBuf>) {
        self.view = View::Compare;
        for file in files {
            let file = absolute(&file);
            let comparing = &mut self.document.comparing;
            let name = comparing.name_of(&file);
            if let Err(words) = comparing.draft.add(&name, file) {
                self.document.tell(Level::Warning, words, None);
            }
        }
    }

    /// Compare what this window has reconstructed of the open scan.
    pub(super) fn compare_session(&mut self) {
        self.view = View::Compare;
        let Document {
            comparing, scan, ..
        } = &mut self.document;
        comparing.pick_results(scan);
    }

    /// Keep the result of a reconstruction of the open scan for comparisons.
    pub(super) fn keep_run(&mut self, folder: &Path, reconstruction: &Reconstruction) {
        let Document {
            comparing, scan, ..
        } = &mut self.document;
        let (Ok(folder), Some(data)) = (RunFolder::open(folder), comparing.scan_file(scan)) else {
            return;
        };
        let algorithm = reconstruction.algorithm.to_uppercase();
        comparing.add_result(SessionResult {
            name: format!("{algorithm} {}", reconstruction.loss.len()),
            file: folder.result_file(),
            data,
        });
    }

    /// Keep what a network has reconstructed for comparisons.
    pub(super) fn keep_inference(&mut self, shown: &ShownInference) {
        let document = &mut self.document;
        let Some(task) = &document.training.inference.task else {
            return;
        };
        let algorithm = &shown.outcome.reconstruction.algorithm;
        document.comparing.add_result(SessionResult {
            name: format!("{algorithm} {}", data_name(&task.data)),
            file: task.output.clone(),
            data: task.data.clone(),
        });
    }

    pub(super) fn choose_for_comparison(&mut self, purpose: Purpose) {
        let document = &self.document;
        let comparing = &document.comparing;
        let last = comparing.draft.picks.last();
        let beside = last.and_then(|pick| pick.file.parent().map(Path::to_path_buf));
        let suggested = match purpose {
            Purpose::SaveCompareCurves => {
                let name = self.compare.curves_name();
                return self.choose_beside(purpose, &format!("_{name}"), "csv");
            }
            Purpose::CompareFolder => beside.map(|folder| folder.join("comparison")),
            Purpose::CompareTruth => comparing
                .truth(&document.scan)
                .and_then(|file| file.parent().map(Path::to_path_buf)),
            _ => beside,
        };
        let suggested = suggested
            .or_else(|| self.preferences.last_open_folder.clone())
            .or_else(files::home);
        self.choose(purpose, &suggested.unwrap_or_default());
    }

    pub(super) fn take_for_comparison(&mut self, purpose: Purpose, path: PathBuf) {
        match purpose {
            Purpose::CompareTruth => {
                let draft = &mut self.document.comparing.draft;
                draft.truth = Truth::File;
                draft.truth_file = path.display().to_string();
            }
            Purpose::CompareResult => self.add_to_comparison(vec![path]),
            Purpose::CompareFolder => self.export_comparison(absolute(&path)),
            _ => self.save_comparison_curves(path),
        }
    }

    /// Write every file of the comparison that is shown.
    fn export_comparison(&mut self, folder: PathBuf) {
        let comparing = &mut self.document.comparing;
        let Some(shown) = comparing.shown.clone() else {
            return;
        };
        comparing.exported = None;
        let name = "Export the comparison";
        self.queue.add(Lane::Files, COMPARISON, name, move |_| {
            export::write(&shown.opened.loaded, &shown.comparison, &folder)?;
            Ok(Outcome::Exported(folder))
        });
    }

    pub(super) fn comparison_exported(&mut self, exported: Result<PathBuf, String>) {
        if let Ok(folder) = &exported {
            tracing::info!("the comparison is written into {}", folder.display());
        }
        self.document.comparing.exported = Some(exported);
    }

    /// The curves of the plot that the view was asked to save.
    fn save_comparison_curves(&mut self, path: PathBuf) {
        let Some(shown) = self.document.comparing.shown.clone() else {
            return;
        };
        let (curves, [x_label, y_label]) = self.compare.curves(&shown);
        let name = "Save the curves";
        self.queue.add(Lane::Files, COMPARISON, name, move |_| {
            let series: Vec<Series<'_>> = curves.iter().map(|curve| curve.series()).collect();
            let data = PlotData {
                x_label: &x_label,
                y_label: &y_label,
                series: &series,
            };
            ptycho_core::disk::write(&path, csv(&data).as_bytes())?;
            Ok(Outcome::Written(path))
        });
    }

    /// The command line of the comparison as it stands.
    pub(super) fn compare_page_command(&self) -> String {
        let Document {
            comparing, scan, ..
        } = &self.document;
        let output = match &comparing.exported {
            Some(Ok(folder)) => folder.display().to_string(),
            _ => "comparison".to_owned(),
        };
        let request = comparing.request(scan).unwrap_or_else(|| Request {
            inputs: comparing.inputs(scan),
            region: comparing.draft.region.clone(),
            settings: comparing.draft.settings.clone(),
            round: 0,
        });
        if request.inputs.arms.is_empty() {
            return "ptychobench compare --truth DATA.npz --recon NAME=FILE.npz -o comparison"
                .to_owned();
        }
        compare_command(&request, &output, comparing.is_in_memory(scan))
    }
}
