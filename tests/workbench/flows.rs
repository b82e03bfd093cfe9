//! See `main.rs`. The window without a screen: found by label, worked by clicks and keys.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use ptycho_core::compute::{Compute, DeviceChoice};
use ptycho_core::data::{Reconstruction, Verdict};
use ptycho_core::job::StopReason;
use ptychobench::gui::command::{Action, Command};
use ptychobench::gui::document::CheckState;
use ptychobench::gui::log::LogRing;
use ptychobench::gui::queue::Lane;
use ptychobench::gui::reconstruction::command_line::reconstruct_command;
use ptychobench::gui::views::View;
use ptychobench::gui::workbench::{WindowOptions, Workbench};
use tempfile::TempDir;

use crate::support::data;

/// Longer than any of these jobs takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A window of its own, with preferences and runs in a folder that goes with it.
pub(crate) struct Window {
    pub(crate) harness: Harness<'static, Workbench>,
    folder: TempDir,
}

impl Window {
    pub(crate) fn open(size: [f32; 2], file: Option<PathBuf>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = WindowOptions {
            file,
            compute: Compute::open(DeviceChoice::Cpu, 1).unwrap(),
            runs: Some(folder.path().join("runs")),
            preferences: Some(folder.path().join("preferences.toml")),
            log: LogRing::default(),
            open_demonstration: false,
        };
        let mut harness = Harness::builder()
            .with_size(vec2(size[0], size[1]))
            .build_eframe(|creation| Workbench::new(&creation.egui_ctx, options));
        let preferences = &mut harness.state_mut().preferences;
        preferences.system_file_dialogs = false;
        preferences.last_save_folder = Some(folder.path().to_path_buf());
        Self { harness, folder }
    }

    /// A window with this file of `tests/data/contract`, read to the end.
    fn with_file(name: &str) -> Self {
        let mut window = Self::open([1440.0, 900.0], Some(data("contract").join(name)));
        window.until("the file is read", |app| {
            let scan = &app.document.scan;
            (scan.dataset.is_some() || scan.problem.is_some()) && is_idle(app)
        });
        window
    }

    /// Draw until `is_so`.
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&Workbench) -> bool) {
        let start = Instant::now();
        loop {
            self.harness.step();
            if is_so(self.harness.state()) {
                break;
            }
            let app = self.harness.state();
            let told: Vec<_> = app
                .document
                .messages
                .iter()
                .map(|told| told.notice.to_text())
                .collect();
            assert!(
                start.elapsed() < PATIENCE,
                "never: {what}; notices: {told:?}"
            );
            std::thread::sleep(Duration::from_millis(3));
        }
        // Once more, so that what is drawn is what holds now.
        self.harness.run_steps(2);
    }

    pub(crate) fn click(&mut self, label: &str) {
        self.harness.get_all_by_label(label).next().unwrap().click();
        // A dialog takes a frame to be asked for, one to find its size and one to be seen.
        self.harness.run_steps(4);
    }

    pub(crate) fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(4);
    }

    pub(crate) fn shows(&self, text: &str) -> bool {
        self.harness
            .query_all_by_label_contains(text)
            .next()
            .is_some()
    }

    /// Check that each of these is one line high and within the window.
    pub(crate) fn check_one_line(&self, labels: &[&str]) {
        let window_right = self.harness.ctx.content_rect().right();
        for label in labels {
            let rect = self.harness.get_all_by_label(label).next().unwrap().rect();
            assert!(
                rect.height() < 40.0 && rect.right() < window_right,
                "{label}: {rect:?}"
            );
        }
    }

    pub(crate) fn app(&self) -> &Workbench {
        self.harness.state()
    }

    pub(crate) fn in_folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

pub(crate) fn is_idle(app: &Workbench) -> bool {
    [
        Lane::Files,
        Lane::Background,
        Lane::Compute,
        Lane::Preview,
        Lane::Sketch,
        Lane::Plan,
        Lane::Subject,
        Lane::Thinning,
        Lane::Compare,
        Lane::Outlook,
        Lane::Study,
    ]
    .into_iter()
    .all(|lane| !app.queue.is_busy(lane))
}

#[test]
fn a_path_that_is_typed_opens_with_a_verdict_for_every_key() {
    let mut window = Window::open([1440.0, 900.0], None);
    window.harness.run_steps(2);
    assert!(window.shows("Reconstruct a ptychographic scan"));
    let path = data("contract").join("good.npz");
    window.harness.get_by_label("Path").focus();
    window.harness.run_steps(2);
    let typed = format!("\"{}\"", path.display());
    window.harness.get_by_label("Path").type_text(&typed);
    window.harness.run_steps(2);
    window.click("Open path");
    window.until("the scan is open and measured", |app| {
        app.document.scan.dataset.is_some()
            && !app.document.scan.statistics.is_empty()
            && is_idle(app)
    });
    assert!(window.shows("This scan obeys the data contract."));
    for label in [
        "diffraction",
        "probeGuess",
        "✔ ok",
        "Diffraction pattern",
        "Scan positions",
    ] {
        assert!(window.shows(label), "{label} is not shown");
    }
    let app = window.app();
    assert_eq!(app.preferences.recent.len(), 1);
    assert!(app.document.messages.is_empty());
    assert!(window.in_folder("preferences.toml").is_file());
}

#[test]
fn a_repairable_file_is_previewed_mended_and_judged_again() {
    let mut window = Window::open([1440.0, 900.0], None);
    let file = window.in_folder("foreign.npz");
    let original = std::fs::read(data("contract").join("diff3d_frames_last.npz")).unwrap();
    ptycho_core::disk::write(&file, &original).unwrap();
    window.harness.state_mut().send(Command::Open(file.clone()));
    // Idle, since a job's row that comes or goes moves the buttons.
    window.until("the scan is usable at once", |app| {
        app.document.scan.dataset.is_some() && is_idle(app)
    });
    assert!(window.shows("This scan needs a repair."));
    assert!(!window.app().document.scan.repairs.is_empty());
    window.click("Repair…");
    window.until("the repair is previewed", is_idle);
    for label in ["Before", "After", "Write and open"] {
        assert!(window.shows(label), "{label} is not shown");
    }
    window.click("Write and open");
    let repaired = window.in_folder("foreign_repaired.npz");
    window.until("the repaired file is open", |app| {
        app.document.scan.path() == Some(&repaired)
            && app.document.scan.dataset.is_some()
            && is_idle(app)
    });
    let inspection = window.app().document.scan.inspection.as_ref().unwrap();
    assert_eq!(inspection.verdict, Verdict::Ok);
    assert_eq!(std::fs::read(&file).unwrap(), original);
}

#[test]
fn a_refused_file_says_why_and_cannot_be_run() {
    let mut window = Window::with_file("no_probe.npz");
    assert!(window.shows("cannot be used as a scan"));
    assert!(window.shows("✖ refused"));
    window
        .harness
        .state_mut()
        .send(Command::Show(View::Reconstruct));
    window.harness.run_steps(3);
    assert!(!window.app().is_enabled(Action::Run));
    let checks = window.app().document.preflight();
    assert_eq!(checks[0].state, CheckState::Blocking);
    assert!(
        checks[0].text.contains("no_probe.npz"),
        "{}",
        checks[0].text
    );
}

#[test]
fn a_run_is_watched_stopped_continued_and_kept() {
    let mut window = Window::with_file("good.npz");
    window.click("▶ Go to Reconstruct");
    window.harness.state_mut().document.settings.epochs = 1_000_000;
    window.harness.run_steps(2);
    window.click("▶ Run");
    window.until("object and probe are drawn", |app| {
        app.document.run.preview.is_some() && 2 < app.document.run.course.loss.len()
    });
    assert!(window.shows("Object phase") && window.shows("Probe amplitude"));
    window.click("⏹ Stop");
    window.until("the run has stopped", |app| {
        app.document.finished().is_some() && is_idle(app)
    });
    let finished = window.app().document.finished().unwrap();
    assert_eq!(finished.reason, StopReason::Cancelled);
    let (n_epochs, first_folder) = (finished.n_epochs, finished.run_folder.clone());
    assert!(2 < n_epochs && n_epochs < 1_000_000);

    window.harness.state_mut().document.more_epochs = 3;
    window.harness.run_steps(2);
    window.click("Continue");
    window.until("the continued run has finished", |app| {
        app.document
            .finished()
            .is_some_and(|run| run.reason == StopReason::Finished)
            && is_idle(app)
    });
    let finished = window.app().document.finished().unwrap();
    assert_eq!(finished.n_epochs, n_epochs + 3);
    assert!(finished.run_folder.join("manifest.json").is_file() && first_folder.is_dir());
    assert_eq!(
        finished.reconstruction.loss.len(),
        window.app().document.run.course.loss.len()
    );

    window.click("Save result as…");
    window.click("Save");
    window.until("the result is written", |app| {
        is_idle(app) && !app.document.messages.is_empty()
    });
    let saved = Reconstruction::load(&window.in_folder("good_lsqml.npz")).unwrap();
    let kept = &window.app().document.finished().unwrap().reconstruction;
    assert_eq!(saved.object, kept.object);
}

#[test]
fn a_pane_is_exported_with_the_keyboard_alone() {
    let mut window = Window::with_file("good.npz");
    window.key(Modifiers::NONE, Key::CloseBracket);
    window.key(Modifiers::COMMAND, Key::E);
    assert!(window.shows("Export the pane as PNG"));
    window.key(Modifiers::NONE, Key::Enter);
    window.until("the picture is written", |app| {
        is_idle(app) && !app.document.messages.is_empty()
    });
    let picture = window.in_folder("good_diffraction_pattern.png");
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn keys_reach_views_frames_runs_log_and_help() {
    let mut window = Window::with_file("good.npz");
    for view in [
        View::Generate,
        View::Overlap,
        View::Train,
        View::Reconstruct,
    ] {
        window.key(Modifiers::CTRL, Key::Tab);
        assert_eq!(window.app().view, view);
    }
    window.harness.state_mut().document.settings.epochs = 1_000_000;
    window.key(Modifiers::NONE, Key::F5);
    window.until("F5 has started the run", |app| {
        !app.document.run.course.loss.is_empty()
    });
    window.key(Modifiers::COMMAND, Key::Period);
    window.until("Ctrl+. has stopped it", |app| {
        app.document.finished().is_some() && is_idle(app)
    });
    window.key(Modifiers::COMMAND, Key::J);
    assert!(window.shows("Hide log"));
    window.key(Modifiers::NONE, Key::F1);
    assert!(window.shows("Keyboard shortcuts"));
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Tab moves between controls"));
    // Every control can be reached by Tab: the focus visits more than a handful of widgets.
    let mut visited = std::collections::HashSet::new();
    for _ in 0..40 {
        window.key(Modifiers::NONE, Key::Tab);
        visited.extend(window.harness.ctx.memory(egui::Memory::focused));
    }
    assert!(20 < visited.len(), "Tab reaches {} controls", visited.len());
}

#[test]
fn parameters_can_be_undone_and_redone() {
    let mut window = Window::with_file("good.npz");
    window.harness.state_mut().view = View::Reconstruct;
    window.harness.run_steps(2);
    window.harness.state_mut().document.settings.epochs = 7;
    // The undo history takes a value once it has stood still for a second.
    window.harness.run_steps(8);
    window.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.app().document.settings.epochs, 100);
    window.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(window.app().document.settings.epochs, 7);
}

#[test]
fn an_idle_window_draws_no_frames() {
    let mut window = Window::with_file("good.npz");
    for view in View::ALL {
        window.harness.state_mut().view = view;
        window.until("what the view shows is made", is_idle);
        window.harness.run();
        let delays: Vec<_> = window
            .harness
            .output()
            .viewport_output
            .values()
            .map(|output| output.repaint_delay)
            .collect();
        assert_eq!(delays, [Duration::MAX], "{view:?} asks for frames");
    }
}

#[test]
fn no_control_is_lost_in_a_small_window() {
    for (size, ui_scale) in [([1024.0, 640.0], 1.0), ([1024.0, 640.0], 1.25)] {
        let mut window = Window::open(size, Some(data("contract").join("good.npz")));
        window.harness.state_mut().preferences.appearance.ui_scale = ui_scale;
        window.until("the file is read", |app| {
            app.document.scan.dataset.is_some() && is_idle(app)
        });
        let controls: [(View, &[&str]); 3] = [
            (
                View::Data,
                &[
                    "File",
                    "Help",
                    "Open path",
                    "Open…",
                    "Open demonstration",
                    "▶ Go to Reconstruct",
                    "▶ Play",
                ],
            ),
            (
                View::Generate,
                &[
                    "▶ Generate",
                    "⏹ Cancel",
                    "Open folder",
                    "Copy as command",
                    "dose response",
                ],
            ),
            (
                View::Reconstruct,
                &[
                    "▶ Run",
                    "⏹ Stop",
                    "Continue",
                    "Copy as command",
                    "Remove phase offset and ramp",
                ],
            ),
        ];
        for (view, labels) in controls {
            window.harness.state_mut().view = view;
            window.harness.run_steps(3);
            let screen = window.harness.ctx.content_rect().expand(0.5);
            for label in labels {
                let found: Vec<_> = window
                    .harness
                    .query_all_by_label(label)
                    .map(|node| node.rect())
                    .collect();
                let is_inside = found.iter().any(|rect| screen.contains_rect(*rect));
                assert!(
                    is_inside,
                    "{label} at {found:?} in {screen:?}, scale {ui_scale}"
                );
            }
        }
    }
}

#[test]
fn the_window_answers_while_a_run_goes_on() {
    let mut window = Window::with_file("good.npz");
    window.harness.state_mut().document.settings.epochs = 1_000_000;
    window.harness.state_mut().send(Command::Do(Action::Run));
    window.until("the run is on its way", |app| {
        app.document.run.preview.is_some()
    });
    window.harness.state_mut().meter.clear();
    for _ in 0..100 {
        window.harness.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    let slow_ms = window.app().meter.percentile_ms(0.99);
    assert!(
        slow_ms < 16.0,
        "99th percentile of a frame's CPU time: {slow_ms} ms"
    );
    window.harness.state_mut().send(Command::Do(Action::Stop));
    window.until("the run has stopped", is_idle);
}

#[test]
fn commands_are_spelled_as_the_command_line_takes_them() {
    use clap::Parser as _;
    let mut window = Window::with_file("good.npz");
    let document = &mut window.harness.state_mut().document;
    document.settings.probe_modes = 3;
    document.n_threads = 2;
    for text in [document.inspect_command(), reconstruct_command(document)] {
        let words = text.split(' ').map(|word| word.trim_matches('\''));
        let parsed = ptychobench::cli::Cli::try_parse_from(words);
        assert!(parsed.is_ok(), "{text}: {:?}", parsed.err());
    }
    assert!(reconstruct_command(document).contains("--probe-modes 3 --threads 2"));
}

#[test]
fn a_missing_file_is_told_and_the_window_lives_on() {
    let mut window = Window::open(
        [1024.0, 640.0],
        Some(Path::new("/nowhere/scan.npz").to_path_buf()),
    );
    window.until("the failure is told", |app| {
        !app.document.messages.is_empty()
    });
    let text = window.app().document.messages[0].notice.to_text();
    assert!(text.contains("/nowhere/scan.npz"), "{text}");
    window.click("Dismiss");
    assert!(window.app().document.messages.is_empty());
}
