//! A report is asked for, shown, saved, put beside another.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ptycho_core::study::diagnose::{Scan, check_ending};

use super::super::diagnosis::{Ask, Diagnosis, State, Subject};
use super::super::files::{self, Purpose};
use super::super::queue::{DIAGNOSIS, Lane, Report};
use super::super::widgets::notice::Notice;
use super::super::work::{self, Outcome};
use super::super::workbench::Workbench;
use super::absolute;

impl Workbench {
    pub(super) fn ask_diagnosis(&mut self, ask: Ask) {
        match ask {
            Ask::OpenScan => self.diagnose_open_scan(),
            Ask::Of(path) => self.start_diagnosis(Subject::At(absolute(&path))),
            Ask::ChooseOther => self.choose_other(),
            Ask::Beside(other) => {
                let subject = self.diagnosis.subject.as_ref();
                if let Some(first) = subject.and_then(Subject::path).cloned() {
                    self.start_diagnosis(Subject::Pair([first, absolute(&other)]));
                }
            }
            Ask::ChooseFile => self.choose_report_file(),
            Ask::Save(path) => self.save_report(&path),
            Ask::Close => {
                self.queue.stop_lane(Lane::Diagnosis);
                self.diagnosis = Diagnosis::default();
            }
        }
    }

    /// The open scan is in memory already, with its verdict.
    fn diagnose_open_scan(&mut self) {
        let scan = &self.document.scan;
        let Some(inspection) = scan.inspection.clone() else {
            return;
        };
        let path = scan.path().cloned();
        let subject = Subject::Open(Scan {
            path: path.unwrap_or_else(|| PathBuf::from(scan.name())),
            inspection,
            dataset: scan.dataset.clone(),
        });
        self.start_diagnosis(subject);
    }

    fn start_diagnosis(&mut self, subject: Subject) {
        self.queue.stop_lane(Lane::Diagnosis);
        let name = subject.job_name();
        self.diagnosis.subject = Some(subject.clone());
        self.diagnosis.state = State::Running;
        self.diagnosis.job = self
            .queue
            .add(Lane::Diagnosis, DIAGNOSIS, name, move |monitor| {
                work::diagnose(&subject, monitor)
            });
    }

    /// Only the report that was asked for last is shown.
    pub(super) fn take_diagnosis_report(&mut self, report: Report) {
        let diagnosis = &mut self.diagnosis;
        if diagnosis.job != report.id || !matches!(diagnosis.state, State::Running) {
            return;
        }
        diagnosis.state = match report.ended {
            Some(Ok(Outcome::Diagnosed(report))) => State::Shown(Arc::new(*report)),
            Some(Err(ptycho_core::Error::Cancelled)) => State::Closed,
            Some(Err(error)) => State::Failed(error.to_string()),
            Some(Ok(_)) | None => return,
        };
    }

    fn choose_other(&mut self) {
        let subject = self.diagnosis.subject.as_ref();
        let Some(path) = subject.and_then(Subject::path) else {
            return;
        };
        let purpose = if path.is_dir() {
            Purpose::OtherRun
        } else {
            Purpose::OtherScan
        };
        let folder = path.parent().map(Path::to_path_buf);
        let folder = folder.or_else(files::home).unwrap_or_default();
        self.choose(purpose, &folder);
    }

    fn choose_report_file(&mut self) {
        let subject = self.diagnosis.subject.as_ref();
        let path = subject.and_then(Subject::path).cloned();
        let source = path.unwrap_or_else(|| PathBuf::from("demonstration"));
        let name = files::beside(&source, "_diagnosis", "md");
        let folder = self.preferences.last_save_folder.clone();
        let suggested = match (folder, name.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => name,
        };
        self.choose(Purpose::SaveReport, &suggested);
    }

    fn save_report(&mut self, path: &Path) {
        let Some(report) = self.diagnosis.report().cloned() else {
            return;
        };
        if let Err(error) = check_ending(path) {
            return self.document.tell_notice(Notice::error(&error), None);
        }
        let path = absolute(path);
        let scan = self.document.scan.id;
        self.queue
            .add(Lane::Files, scan, "Save the report", move |_| {
                report.save(&path)?;
                Ok(Outcome::Written(path))
            });
    }
}
