//! Overlap views are set up, looked at beforehand, written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ptycho_core::study::overlap::OverlapOutcome;

use super::super::files::{self, Purpose};
use super::super::queue::{Lane, OVERLAP};
use super::super::thinning::export::{histogram_csv, points_csv};
use super::super::thinning::{Shown, Subject, SubjectKey};
use super::super::views::View;
use super::super::work::{self, Outcome};
use super::super::workbench::Workbench;

impl Workbench {
    /// Read what the views are made of and work the newest settings out, unless those before are still being worked
    /// out: what is newest when they are done comes next, so the last one is never lost.
    pub(in super::super) fn start_thinning(&mut self) {
        if self.view != View::Overlap {
            return;
        }
        if !self.queue.is_busy(Lane::Subject)
            && let Some(key) = self
                .document
                .thinning
                .take_subject_request(&self.document.scan)
        {
            self.read_subject(key);
        }
        if !self.queue.is_busy(Lane::Thinning)
            && let Some((subject, request)) = self.document.thinning.take_request()
        {
            self.queue
                .add(Lane::Thinning, OVERLAP, "Thin the scan", move |_| {
                    let shown = Shown::new(&subject, request);
                    Ok(Outcome::Thinned(Box::new(shown)))
                });
        }
    }

    fn read_subject(&mut self, key: SubjectKey) {
        let scan = &self.document.scan;
        let (name, path, dataset) = (scan.name(), scan.path().cloned(), scan.dataset.clone());
        let words = "Read what the views are made of";
        self.queue
            .add(Lane::Subject, OVERLAP, words, move |monitor| {
                let subject = match (key, dataset) {
                    (SubjectKey::Folder(folder, dose), _) => {
                        Subject::of_folder(&folder, dose, monitor)?
                    }
                    (SubjectKey::Scan(id), Some(dataset)) => {
                        Subject::of_scan(id, (name, path.as_deref()), dataset, monitor)?
                    }
                    (SubjectKey::Scan(_), None) => return Err(ptycho_core::Error::Cancelled),
                };
                Ok(Outcome::Subject(Box::new(subject)))
            });
    }

    pub(super) fn thinned(&mut self, shown: Shown) {
        let thinning = &mut self.document.thinning;
        let is_of_subject = thinning
            .subject
            .as_ref()
            .is_some_and(|subject| subject.version == shown.request.subject);
        if is_of_subject {
            thinning.shown = Some(Arc::new(shown));
        }
    }

    /// Whether the views can be written now.
    pub(super) fn can_write_views(&self) -> bool {
        let document = &self.document;
        !self.queue.is_busy(Lane::Compute) && document.thinning.blocking(&document.scan).is_none()
    }

    pub(super) fn write_views(&mut self) {
        if !self.can_write_views() {
            return;
        }
        let document = &mut self.document;
        let Some(task) = document.thinning.task(&document.scan, document.n_threads) else {
            return;
        };
        tracing::info!("writing views into {}", task.output.display());
        document.thinning.written = None;
        document.thinning.writing = Some(task.clone());
        let name = "Write overlap views";
        self.queue
            .add(Lane::Compute, OVERLAP, name, move |monitor| {
                work::write_overlap_views(&task, monitor)
            });
    }

    pub(super) fn views_written(&mut self, outcome: OverlapOutcome) {
        let thinning = &mut self.document.thinning;
        let task = thinning.writing.take();
        thinning.written = task.map(|task| (task, Ok(outcome)));
    }

    pub(super) fn views_failed(&mut self, error: &ptycho_core::Error) {
        let thinning = &mut self.document.thinning;
        let words = match error {
            ptycho_core::Error::Cancelled => {
                "Cancelled: views that were complete are kept, nothing half-written is.".to_owned()
            }
            _ => error.to_string(),
        };
        let task = thinning.writing.take();
        thinning.written = task.map(|task| (task, Err(words)));
    }

    /// Make views of a generated folder.
    pub(super) fn show_sets(&mut self, folder: &Path) {
        let thinning = &mut self.document.thinning;
        thinning.is_of_folder = true;
        thinning.folder = folder.display().to_string();
        thinning.dose = 0;
        // The same folder may hold something else now.
        thinning.look_again();
        self.view = View::Overlap;
    }

    pub(super) fn choose_for_views(&mut self, purpose: Purpose) {
        let document = &self.document;
        let thinning = &document.thinning;
        let suggested = match purpose {
            Purpose::SetsFolder => thinning
                .source_folder()
                .filter(|folder| folder.is_dir())
                .or_else(|| self.preferences.last_open_folder.clone())
                .or_else(files::home),
            Purpose::ViewsFolder => thinning.output(&document.scan).or_else(files::home),
            Purpose::ExportPlot => return self.choose_beside(purpose, "_overlap", "png"),
            Purpose::SavePoints => return self.choose_beside(purpose, "_points", "csv"),
            _ => return self.choose_beside(purpose, "_spacing", "csv"),
        };
        self.choose(purpose, &suggested.unwrap_or_default());
    }

    pub(super) fn take_for_views(&mut self, purpose: Purpose, path: PathBuf) {
        match purpose {
            Purpose::SetsFolder => self.show_sets(&path),
            Purpose::ViewsFolder => self.document.thinning.settings.output = Some(path),
            _ => self.export_views(purpose, path),
        }
    }

    /// Write what is shown: the plot as PNG or SVG, points or histogram as CSV.
    fn export_views(&mut self, purpose: Purpose, path: PathBuf) {
        let thinning = &self.document.thinning;
        let (Some(subject), Some(shown)) = (thinning.subject.clone(), thinning.shown.clone())
        else {
            return;
        };
        let drawing =
            (purpose == Purpose::ExportPlot).then(|| self.overlap.figure(&subject, &shown));
        let name = "Export the overlap view";
        self.queue.add(Lane::Files, OVERLAP, name, move |_| {
            match (drawing, purpose) {
                (Some(drawing), _) => drawing.write(&path, &subject.name)?,
                (None, Purpose::SavePoints) => {
                    ptycho_core::disk::write(&path, points_csv(&subject, &shown).as_bytes())?;
                }
                (None, _) => {
                    ptycho_core::disk::write(&path, histogram_csv(&subject, &shown).as_bytes())?;
                }
            }
            Ok(Outcome::Written(path))
        });
    }
}
