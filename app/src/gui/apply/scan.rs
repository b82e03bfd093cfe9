//! A scan is opened, judged, repaired, saved.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ptycho_core::data::{Inspection, Opened, Verdict};
use ptycho_core::study::run::Source;
use ptycho_core::study::tools::{Tool, ToolOutcome};

use super::super::command::Action;
use super::super::dialogs::{Dialog, RepairDraft};
use super::super::files;
use super::super::preview::scanned_region;
use super::super::queue::Lane;
use super::super::views::data::Foreseen;
use super::super::widgets::notice::Level;
use super::super::work::{self, Outcome};
use super::super::workbench::Workbench;
use super::absolute;

impl Workbench {
    pub(super) fn open(&mut self, source: Source) {
        // Generations and views in the making have nothing to do with the scan that is open.
        if self.queue.reconstruction().is_some() {
            let text = "A reconstruction is running. Stop it before opening another scan.";
            return self.document.tell(Level::Warning, text, Some(Action::Stop));
        }
        if self.queue.trial().is_some() {
            let text = "A trial of the open scan is running. Stop it before opening another one.";
            return self.document.tell(Level::Warning, text, Some(Action::Stop));
        }
        for lane in [Lane::Files, Lane::Background, Lane::Preview] {
            self.queue.stop_lane(lane);
        }
        self.next_preview = None;
        self.document.begin_scan(source.clone());
        self.path_text = self
            .document
            .scan
            .path()
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        self.data.begin_scan();
        self.reconstruct.begin_scan();
        let name = format!("Open {}", self.document.scan.name());
        tracing::info!("{name}");
        self.queue
            .add(Lane::Files, self.document.scan.id, name, move |monitor| {
                work::open(&source, monitor)
            });
    }

    pub(super) fn begin_repair(&mut self) {
        let Some(path) = self.document.scan.path().cloned() else {
            return;
        };
        self.repair = RepairDraft {
            steps: None,
            output: files::beside(&path, "_repaired", "npz")
                .display()
                .to_string(),
            input: path.display().to_string(),
        };
        self.dialog = Some(Dialog::Repair);
        self.queue.add(
            Lane::Files,
            self.document.scan.id,
            "Preview the repair",
            move |monitor| work::preview_repair(&path, monitor),
        );
    }

    pub(super) fn repair_to(&mut self, output: &Path) {
        let Some(path) = self.document.scan.path().cloned() else {
            return;
        };
        let output = absolute(output);
        self.queue.add(
            Lane::Files,
            self.document.scan.id,
            "Repair",
            move |monitor| work::repair(&path, &output, monitor),
        );
    }

    pub(super) fn use_tool(&mut self, tool: Tool, output: &Path, opens: bool) {
        let Some(path) = self.document.scan.path().cloned() else {
            return;
        };
        let output = absolute(output);
        let name = format!("Tool: {}", tool.name());
        self.queue
            .add(Lane::Files, self.document.scan.id, name, move |monitor| {
                work::use_tool(&tool, (&path, &output), opens, monitor)
            });
    }

    /// Look what the newest choice of the tools would write, unless the one before is still being looked at.
    pub(in super::super) fn start_outlook(&mut self) {
        if self.queue.is_busy(Lane::Outlook) {
            return;
        }
        let scan = &self.document.scan;
        let Some(dataset) = scan.dataset.clone() else {
            return;
        };
        let id = scan.id;
        let Some(request) = self.data.take_outlook_request() else {
            return;
        };
        // What is wanted of a scan that was closed is not asked for again.
        if request.0 != id {
            return;
        }
        let name = "Look what the tool would write";
        self.queue.add(Lane::Outlook, id, name, move |_| {
            Ok(Outcome::Foreseen(Box::new(Foreseen::new(
                request, &dataset,
            ))))
        });
    }

    /// Say what a tool did, and open its first file if that was asked for.
    pub(super) fn tool_done(&mut self, outcome: &ToolOutcome, opens: bool) {
        for note in &outcome.done {
            tracing::info!("{}: {note}", outcome.tool);
        }
        let names: Vec<_> = outcome
            .files
            .iter()
            .map(|file| file.path.display().to_string())
            .collect();
        let text = format!(
            "Written: {}. {}",
            names.join(" and "),
            outcome.done.join("; ")
        );
        match outcome.files.first() {
            Some(first) if opens => {
                self.open(Source::File(first.path.clone()));
                self.document.tell(Level::Info, text, None);
            }
            _ => self.document.tell(Level::Info, text, None),
        }
    }

    /// Open the scan whose patterns were turned.
    pub(super) fn turned(&mut self, path: PathBuf, notes: &[String]) {
        let text = format!("Written: {}. {}", path.display(), notes.join("; "));
        self.open(Source::File(path));
        self.document.tell(Level::Info, text, None);
    }

    pub(super) fn save_scan(&mut self, path: PathBuf) {
        let Some(dataset) = self.document.scan.dataset.clone() else {
            return;
        };
        self.queue.add(
            Lane::Files,
            self.document.scan.id,
            "Save the scan",
            move |_| dataset.save(&path).map(|()| Outcome::Written(path)),
        );
    }

    pub(super) fn opened(&mut self, opened: Opened) {
        let Opened {
            dataset,
            repairs,
            path: _,
        } = opened;
        let dataset = Arc::new(dataset);
        let scan = &mut self.document.scan;
        scan.scanned = Some(scanned_region(
            dataset.positions_px(),
            dataset.object_shape(),
        ));
        scan.dataset = Some(Arc::clone(&dataset));
        scan.repairs = repairs;
        for repair in &scan.repairs {
            tracing::info!("repaired in memory: {repair}");
        }
        tracing::info!(
            "{}: {} patterns of {}×{1}",
            scan.name(),
            dataset.n_patterns(),
            dataset.n()
        );
        let id = scan.id;
        self.queue.add(
            Lane::Background,
            id,
            "Mean and maximum of the patterns",
            move |monitor| work::summarise(&dataset, monitor),
        );
        self.add_statistics();
        if let Some(path) = self.document.scan.path().cloned() {
            self.preferences.remember(&path);
        }
    }

    pub(super) fn refused(&mut self) {
        let scan = &mut self.document.scan;
        let first = scan
            .inspection
            .iter()
            .flat_map(|inspection| &inspection.findings)
            .find(|finding| finding.severity == ptycho_core::data::Severity::Refused);
        let words = first.map_or_else(String::new, |finding| {
            let key = if finding.key.is_empty() {
                "the file"
            } else {
                &finding.key
            };
            format!(
                " {key}: expected {}, found {}. {}",
                finding.expected, finding.found, finding.fix
            )
        });
        let text = format!("{} cannot be used as a scan.{words}", scan.name());
        tracing::error!("{text}");
        scan.problem = Some(text);
        self.add_statistics();
    }

    pub(super) fn add_statistics(&mut self) {
        let Some(path) = self.document.scan.path().cloned() else {
            return;
        };
        self.queue.add(
            Lane::Background,
            self.document.scan.id,
            "Statistics",
            move |monitor| work::statistics(&path, monitor),
        );
    }

    pub(super) fn repaired(&mut self, path: PathBuf, inspection: &Inspection) {
        let verdict = match inspection.verdict {
            Verdict::Ok => "obeys the contract",
            Verdict::Repairable => "still needs a repair",
            Verdict::Refused => "is still refused",
        };
        let gravity = if inspection.verdict == Verdict::Ok {
            Level::Info
        } else {
            Level::Warning
        };
        self.document.tell(
            gravity,
            format!("Repaired: {} {verdict}.", path.display()),
            None,
        );
        self.open(Source::File(path));
    }
}
