//! See `main.rs`. The generate view, found by label: pictures while one types, pre-flight, run, cancel, command line.

use std::path::Path;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use ptycho_core::fields::AutoReal;
use ptycho_core::job::Quiet;
use ptycho_core::sim::probe::make_probe;
use ptycho_core::sim::{ObjectKind, ProbeKind, ScanKind, SceneSettings, SplitAxis};
use ptycho_core::study::generate::{GenerateTask, StageState};
use ptychobench::cli::Command as CliCommand;
use ptychobench::gui::command::{Action, Command};
use ptychobench::gui::document::CheckState;
use ptychobench::gui::generation::Sketch;
use ptychobench::gui::generation::command_line::simulate_command;
use ptychobench::gui::generation::preflight::preflight;
use ptychobench::gui::generation::sketch::sketch;
use ptychobench::gui::views::View;

use crate::flows::{Window, is_idle};
use crate::support::parsed_command;

/// The view with its pictures and its plan, set up by `set_up`.
fn open(set_up: impl FnOnce(&mut GenerateTask)) -> Window {
    let mut window = Window::open([1440.0, 900.0], None);
    let output = window.in_folder("sets");
    let mut task = GenerateTask::default();
    set_up(&mut task);
    task.output = output;
    let app = window.harness.state_mut();
    app.document.generation.set_task(task);
    app.send(Command::Show(View::Generate));
    window.until("pictures and plan are made", |app| {
        let generation = &app.document.generation;
        app.view == View::Generate && generation.is_plan_current() && is_idle(app)
    });
    window
}

/// 12 patterns of 16x16.
fn tiny(task: &mut GenerateTask) {
    task.scene.object.object_size = 48;
    task.scene.probe.n = 16;
    task.scene.scan.positions = 12;
    task.doses = vec![100.0, 1e4];
}

#[test]
fn the_view_shows_every_part_before_anything_is_written() {
    let window = open(|_| ());
    for label in [
        "Preview of the object",
        "Preview of the probe",
        "Preview of the scan",
        "Preview of the doses",
        "Preview of the split",
        "Positions",
        "Probe amplitude",
        "1e3 photons",
        "1e5 photons",
        "brightest pixel",
        "Ready to generate.",
    ] {
        assert!(window.shows(label), "{label} is not shown");
    }
    let generation = &window.app().document.generation;
    let patterns = generation.sketch.patterns.as_ref().unwrap();
    assert_eq!(patterns.n_surveyed, 512);
    let mean_photons = |i: usize| f64::from(patterns.doses[i].counts.sum());
    assert!(
        mean_photons(2) > 20.0 * mean_photons(0),
        "doses differ by 100"
    );
    assert!(window.app().is_enabled(Action::Generate));
    assert!(
        !generation.output().exists(),
        "nothing is written before Generate"
    );
}

#[test]
fn pictures_answer_within_a_tenth_of_a_second() {
    let before = Sketch::default();
    let task = GenerateTask::default();
    let spent = (0..5).map(|_| {
        let start = Instant::now();
        let made = sketch(&task, 0, &before, &Quiet::default());
        assert!(made.problem.is_none() && made.patterns.is_some());
        start.elapsed()
    });
    let least_ms = spent.min().unwrap().as_millis();
    assert!(
        least_ms < 100,
        "{least_ms} ms for 512 positions of 64x64 at 3 doses"
    );
}

#[test]
fn typing_a_number_draws_the_scan_anew() {
    let mut window = open(|_| ());
    let before = window
        .app()
        .document
        .generation
        .sketch
        .scan
        .clone()
        .unwrap();
    let object = window
        .app()
        .document
        .generation
        .sketch
        .object
        .clone()
        .unwrap();
    window
        .harness
        .get_by_role_and_label(Role::SpinButton, "Positions")
        .click();
    window.harness.run_steps(3);
    window.harness.event(egui::Event::Text("40".to_owned()));
    window.harness.run_steps(2);
    window.key(Modifiers::NONE, Key::Enter);
    window.until("the scan is drawn anew", |app| {
        let generation = &app.document.generation;
        generation.task.scene.scan.positions == 40 && generation.is_plan_current() && is_idle(app)
    });
    let sketch = &window.app().document.generation.sketch;
    let after = sketch.scan.as_ref().unwrap();
    assert_eq!((before.n_positions, after.n_positions), (512, 40));
    // What has not changed is not painted again.
    assert_eq!(sketch.object.as_ref().unwrap().version, object.version);
}

#[test]
fn the_window_answers_while_one_drags_and_shows_the_last_state() {
    let mut window = open(|_| ());
    window.harness.state_mut().meter.clear();
    for i in 1..=60 {
        let task = &mut window.harness.state_mut().document.generation.task;
        task.scene.probe.default_probe_scale = 0.7 + 0.01 * f64::from(i);
        window.harness.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    let slow_ms = window.app().meter.percentile_ms(0.95);
    assert!(
        slow_ms < 16.0,
        "95th percentile of a frame's CPU time: {slow_ms} ms"
    );
    window.until("the last state is shown", is_idle);
    let generation = &window.app().document.generation;
    let last = make_probe(&generation.task.scene.probe).unwrap();
    assert_eq!(*generation.sketch.probe.as_ref().unwrap().values, last);
    assert_eq!(
        generation.planned.as_ref().unwrap().task,
        generation.runnable()
    );
}

#[test]
fn doses_are_typed_and_their_mistakes_told_in_place() {
    let mut window = open(tiny);
    let doses = |window: &Window, text: Option<&str>| {
        let field = window
            .harness
            .get_by_role_and_label(Role::TextInput, "Doses");
        match text {
            Some(text) => field.type_text(text),
            None => field.focus(),
        }
    };
    doses(&window, None);
    window.harness.run_steps(2);
    window.key(Modifiers::COMMAND, Key::A);
    doses(&window, Some("200, x"));
    window.harness.run_steps(3);
    assert!(window.shows("\"x\" is no number"));
    assert!(!window.app().is_enabled(Action::Generate));
    window.key(Modifiers::COMMAND, Key::A);
    doses(&window, Some("200, 5e3, 1e6"));
    window.until("the doses are drawn", |app| {
        let generation = &app.document.generation;
        generation.is_plan_current() && is_idle(app) && generation.task.doses.len() == 3
    });
    let sketch = &window.app().document.generation.sketch;
    let photons: Vec<_> = sketch
        .patterns
        .as_ref()
        .unwrap()
        .doses
        .iter()
        .map(|dose| dose.photons)
        .collect();
    assert_eq!(photons, [200.0, 5e3, 1e6]);
    assert!(window.shows("5e3 photons") && window.app().is_enabled(Action::Generate));
}

#[test]
fn what_cannot_work_is_told_before_and_blocks() {
    fn too_wide(task: &mut GenerateTask) {
        tiny(task);
        task.split.guard_px = AutoReal::Given(500.0);
    }
    fn too_small(task: &mut GenerateTask) {
        task.scene.object.object_size = 40;
    }
    fn no_file(task: &mut GenerateTask) {
        task.scene.probe.probe = ProbeKind::File;
    }
    type Change = fn(&mut GenerateTask);
    let changes: [Change; 3] = [too_wide, too_small, no_file];
    for (change, word) in changes.into_iter().zip(["guard", "object", "probeGuess"]) {
        let window = open(change);
        let checks = preflight(&window.app().document.generation);
        let blocking: Vec<_> = checks
            .iter()
            .filter(|check| check.state == CheckState::Blocking)
            .collect();
        assert!(
            blocking.iter().any(|check| check.text.contains(word)),
            "{word}: {checks:?}"
        );
        assert!(window.shows(&blocking[0].text));
        assert!(!window.app().is_enabled(Action::Generate));
        assert!(!window.app().is_enabled(Action::Run), "F5 is blocked too");
    }
}

#[test]
fn a_set_is_generated_shown_as_unchanged_and_opened() {
    let mut window = open(tiny);
    assert!(window.shows("· to do"));
    window.click("▶ Generate");
    window.until("the sets are generated", |app| {
        let generation = &app.document.generation;
        generation.current_result().is_some() && generation.is_plan_current() && is_idle(app)
    });
    let generation = &window.app().document.generation;
    let (_, snapshot) = generation.snapshot.as_ref().unwrap();
    let is_done = |state: &StageState| matches!(state, StageState::Done { .. });
    assert!(
        snapshot
            .doses
            .iter()
            .all(|(_, stages)| stages.iter().all(is_done))
    );
    for dose in &generation.current_result().unwrap().outcome.doses {
        let off = dose.photons_measured / dose.photons_requested - 1.0;
        assert!(
            off.abs() < 0.2,
            "12 patterns of {} photons: {off}",
            dose.photons_requested
        );
    }
    let output = generation.output();
    for name in [
        "dose_100/train.npz",
        "dose_10000/test.npz",
        "run_manifest.json",
        "summary.md",
    ] {
        assert!(output.join(name).is_file(), "{name} is missing");
    }
    assert!(window.shows("nothing has to be done") && window.shows("2 doses"));
    window.click("Open train set");
    window.until("the training set is open", |app| {
        app.document.scan.dataset.is_some() && is_idle(app)
    });
    assert_eq!(window.app().view, View::Data);
    assert_eq!(
        window.app().document.scan.path(),
        Some(&output.join("dose_100/train.npz"))
    );

    // Object, probe and positions of a file.
    let scene = &mut window.harness.state_mut().document.generation.task.scene;
    let file = Some(output.join("dose_100/train.npz"));
    let kinds = (ObjectKind::File, ProbeKind::File, ScanKind::File);
    (scene.object.object, scene.probe.probe, scene.scan.scan) = kinds;
    scene.sources.object.clone_from(&file);
    scene.sources.probe.clone_from(&file);
    scene.sources.scan = file;
    window
        .harness
        .state_mut()
        .send(Command::Show(View::Generate));
    window.until("the file's scan is shown", |app| {
        app.document.generation.is_plan_current() && is_idle(app)
    });
    let sketch = &window.app().document.generation.sketch;
    assert!(sketch.problem.is_none() && window.shows("Browse for the probe file"));
    assert!(sketch.scan.as_ref().unwrap().n_positions < 12);
    let made = GenerateTask::default().scene;
    let task = &mut window.harness.state_mut().document.generation.task;
    (task.scene.object.object, task.scene.probe.probe) = (made.object.object, made.probe.probe);
    task.scene.scan.scan = made.scan.scan;

    // Another guard makes what is there stale.
    window
        .harness
        .state_mut()
        .document
        .generation
        .task
        .split
        .guard_px = AutoReal::Given(2.0);
    window
        .harness
        .state_mut()
        .send(Command::Show(View::Generate));
    window.until("the plan is made anew", |app| {
        app.document.generation.is_plan_current() && is_idle(app)
    });
    assert!(window.shows("⚠ stale") && window.shows("Replaces an older result"));
}

#[test]
fn a_cancelled_run_leaves_nothing_half_written() {
    let mut window = open(|task| {
        task.scene.object.object_size = 400;
        task.scene.probe.n = 128;
        task.scene.scan.positions = 3000;
    });
    window.key(Modifiers::NONE, Key::F5);
    window.until("it runs", |app| app.queue.generation().is_some());
    window.click("⏹ Cancel");
    window.until("it has stopped", |app| app.queue.generation().is_none());
    assert!(window.app().document.generation.is_cancelled);
    assert!(window.shows("Cancelled"));
    let output = window.app().document.generation.output();
    assert!(!output.join("dose_1000").exists());
    let left = files_below(&output);
    assert!(
        left.iter()
            .all(|name| !name.contains("tmp") && !name.contains(".npz")),
        "{left:?}"
    );
}

fn files_below(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            names.extend(files_below(&path));
        } else {
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    names
}

#[test]
fn parameters_of_the_generation_can_be_undone() {
    let mut window = open(|_| ());
    window.harness.run_steps(8);
    let generation = &mut window.harness.state_mut().document.generation;
    generation.task.doses = vec![7.0];
    generation.doses.follow(&[7.0]);
    // The undo history takes a value once it has stood still for a second.
    window.harness.run_steps(8);
    window.key(Modifiers::COMMAND, Key::Z);
    let generation = &window.app().document.generation;
    assert_eq!(generation.task.doses, [1e3, 1e4, 1e5]);
    assert_eq!(generation.doses.text, "1e3, 1e4, 1e5");
}

/// What the command line makes of its flags.
fn parsed(text: &str) -> GenerateTask {
    let CliCommand::Simulate(args) = parsed_command(text) else {
        panic!("{text} is no simulate");
    };
    let default = GenerateTask::default();
    let mut scene = SceneSettings {
        object: args.object.over(&default.scene.object).unwrap(),
        probe: args.probe.over(&default.scene.probe).unwrap(),
        scan: args.scan.over(&default.scene.scan).unwrap(),
        ..SceneSettings::default()
    };
    scene.sources.object = args.object.file("object").map(Path::to_path_buf);
    scene.sources.probe = args.probe.file("probe").map(Path::to_path_buf);
    scene.sources.scan = args.scan.file("scan").map(Path::to_path_buf);
    GenerateTask {
        scene,
        doses: if args.doses.is_empty() {
            default.doses
        } else {
            args.doses
        },
        simulation: args.simulation.over(&default.simulation).unwrap(),
        split: args.split.over(&default.split).unwrap(),
        output: args.output,
        n_threads: args.threads.n,
        device: args.device.into(),
    }
}

#[test]
fn the_copied_command_means_the_same_task() {
    let mut task = GenerateTask {
        output: "my sets/a".into(),
        ..GenerateTask::default()
    };
    assert_eq!(
        simulate_command(&task),
        "ptychobench simulate -o 'my sets/a'"
    );
    assert_eq!(parsed(&simulate_command(&task)), task);
    task.scene.object.object = ObjectKind::File;
    task.scene.sources.object = Some("/data/a scan.npz".into());
    task.scene.probe.n_probe_modes = 3;
    task.scene.scan.scan = ScanKind::Snake;
    task.scene.scan.buffer_px = AutoReal::Given(40.5);
    task.doses = vec![250.0, 1e9];
    task.simulation.patches = false;
    task.simulation.seed = 7;
    task.split.split_axis = SplitAxis::X;
    task.split.guard_px = AutoReal::Auto;
    task.n_threads = 2;
    assert_eq!(
        parsed(&simulate_command(&task)),
        task,
        "{}",
        simulate_command(&task)
    );
}
