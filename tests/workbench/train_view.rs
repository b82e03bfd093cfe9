//! See `main.rs`. The train view by label: pre-flight, losses, panes, arms, a real training and what its bundle makes.

use std::path::PathBuf;
use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use ndarray::Array2;
use num_complex::Complex32;
use ptycho_core::compute::DeviceChoice;
use ptycho_core::data::Reconstruction;
use ptycho_core::job::{Quiet, StopReason};
use ptycho_core::nn::infer::{InferSettings, StitchWeight};
use ptycho_core::nn::{
    EpochRecord, Loss, Model, Schedule, StepRecord, TrainPreview, TrainSettings, TrainSnapshot,
    TrainingHistory,
};
use ptycho_core::study::generate::{GenerateTask, generate};
use ptycho_core::study::infer::InferTask;
use ptycho_core::study::train::{TrainPlan, TrainTask};
use ptychobench::cli::Command as CliCommand;
use ptychobench::gui::command::{Action, Command};
use ptychobench::gui::files::Purpose;
use ptychobench::gui::training::command_line::{infer_command, train_command};
use ptychobench::gui::training::curves::{Curves, Per, curves_csv};
use ptychobench::gui::training::{Arm, ArmState, BundleState, PlanProblem, Planned, ShownTraining};
use ptychobench::gui::views::View;
use ptychobench::gui::widgets::line_plot::log_from;
use ptychobench::gui::workbench::Workbench;

use crate::flows::{Window, is_idle};
use crate::snapshots::object;
use crate::support::parsed_command;

/// Sets of `n` x `n` patterns at one dose, in the window's own folder: the training set.
fn sets(window: &Window, n: usize, positions: usize) -> PathBuf {
    let folder = window.in_folder("sets");
    let mut task = GenerateTask::default();
    task.scene.object.object_size = 4 * n;
    task.scene.probe.n = n;
    task.scene.scan.positions = positions;
    task.doses = vec![1e4];
    task.output.clone_from(&folder);
    generate(&task, &Quiet::default()).unwrap();
    folder.join("dose_10000/train.npz")
}

/// The view with a training set of small patterns open, and no question of the pre-flight unanswered.
fn open(size: [f32; 2]) -> Window {
    let mut window = Window::open(size, None);
    let file = sets(&window, 16, 60);
    window.harness.state_mut().send(Command::Open(file));
    window.until("the set is open", |app| {
        app.document.scan.dataset.is_some() && is_idle(app)
    });
    answer(&mut window, Ok(plan()));
    window.harness.state_mut().send(Command::Show(View::Train));
    window.harness.run_steps(3);
    window
}

fn plan() -> TrainPlan {
    TrainPlan {
        n: 16,
        n_patterns: 512,
        n_groups: 486,
        n_validation_groups: 26,
        steps_per_epoch: 31,
        n_steps: 1550,
        n_parameters: 566_184,
        canvas_px: 22,
        largest_offset_px: [2.6, 2.25],
        n_bytes: 300_000_000,
        seconds_estimated: Some(90.0),
        device: "cpu".to_owned(),
        device_reason: "asked for".to_owned(),
        notes: vec!["only 512 groups, one for each pattern".to_owned()],
    }
}

/// Answer the question that the pre-flight would ask next.
fn answer(window: &mut Window, plan: Result<TrainPlan, PlanProblem>) {
    let document = &mut window.harness.state_mut().document;
    let scan = &document.scan;
    let asked = document.training.take_request(scan, document.n_threads);
    let request = match asked {
        Some((request, _)) => request,
        None => document.training.request(scan, document.n_threads).unwrap(),
    };
    document.training.take_plan(Planned {
        request,
        plan,
        loaded: Vec::new(),
        free_bytes: Some(8_000_000_000),
    });
}

fn epoch(i: usize, loss: f64) -> EpochRecord {
    EpochRecord {
        epoch: i,
        steps: 4 * i,
        loss: Some(loss),
        nll: Some(loss),
        mae: Some(0.5),
        validation: Some(loss + 2.0),
        lr: 1e-3,
        seconds: 0.5,
        amplitude_spread: Some(0.02),
        amplitude_correlation: Some(0.9),
        collapsed: false,
        ..EpochRecord::default()
    }
}

/// A course of losses that fall from `first` by one an epoch.
fn history(first: f64, n_epochs: usize) -> TrainingHistory {
    let step = |i: usize| StepRecord {
        loss: Some(first - i as f64 / 4.0),
        objective: Some(1.0),
        lr: 1e-3,
        gradient_norm: Some(0.1),
    };
    TrainingHistory {
        loss_name: "nll".to_owned(),
        steps: (0..4 * n_epochs).map(step).collect(),
        epochs: (1..=n_epochs).map(|i| epoch(i, first - i as f64)).collect(),
        best_epoch: Some(n_epochs),
        ..TrainingHistory::default()
    }
}

fn preview() -> TrainPreview {
    let patch = object(16);
    let mut coverage = Array2::from_elem((40, 50), 3.0_f32);
    coverage.row_mut(0).fill(0.0);
    TrainPreview {
        epoch: 3,
        measured: Array2::from_shape_fn((16, 16), |(r, c)| (r * c) as f32),
        predicted: Array2::from_shape_fn((16, 16), |(r, c)| 1.1 * (r * c) as f32),
        patch,
        object: Array2::from_elem((40, 50), Complex32::new(1.0, 0.2)),
        coverage,
    }
}

fn task(name: &str) -> TrainTask {
    TrainTask {
        train: "/data/dose_10000/train.npz".into(),
        validation: None,
        settings: TrainSettings::default(),
        n_threads: 1,
        device: DeviceChoice::Auto,
        output: format!("/runs/{name}").into(),
        resume: false,
        time_limit_s: None,
    }
}

/// A training that runs, as far as the view knows.
fn add_arm(window: &mut Window, name: &str, history: TrainingHistory) -> usize {
    let training = &mut window.harness.state_mut().document.training;
    let index = training.add_arm(task(name));
    let snapshot = TrainSnapshot {
        history: Arc::new(history),
        preview: Some(Arc::new(preview())),
        samples_per_s: 120.0,
    };
    let arm = &mut training.arms[index];
    arm.state = ArmState::Ended(StopReason::Finished);
    arm.take(ShownTraining::new(snapshot, &mut None), 1 + index as u64);
    training.choose(index);
    index
}

#[test]
fn the_preflight_tells_groups_steps_time_memory_and_canvas() {
    let mut window = open([1440.0, 900.0]);
    for words in [
        "Open scan: train.npz",
        "486 groups of 4 patterns for training and 26 for validation, from 512 patterns of 16×16.",
        "1550 steps: 50 epochs of 31 with 16 groups each.",
        "Canvas 22×22 px, patterns reach 2.6 and 2.2 px from the middle of their group: it fits.",
        "566,184 parameters, about 1 min 30 s on cpu: asked for.",
        "About 300.0 MB of memory, 8.00 GB free.",
        "Only 512 groups, one for each pattern.",
        "Ready to train: 1,550 steps, about 1 min 30 s on cpu.",
    ] {
        assert!(window.shows(words), "{words} is not shown");
    }
    assert!(window.app().is_enabled(Action::Train) && window.app().is_enabled(Action::Run));
    let output = window
        .app()
        .document
        .training
        .output(&window.app().document.scan);
    let runs = window.in_folder("runs");
    assert_eq!(output, Some(runs.join("1e4_pinn_nll_g2_seed0")));
    // More offsets than the canvas holds, and less memory than is needed.
    answer(
        &mut window,
        Ok(TrainPlan {
            largest_offset_px: [3.5, 0.0],
            n_bytes: 64 << 30,
            ..plan()
        }),
    );
    window.harness.run_steps(2);
    assert!(window.shows("but only 3.0 px have room") && window.shows("only 8.00 GB are free"));
    assert!(!window.app().is_enabled(Action::Train));
}

#[test]
fn a_problem_is_told_at_its_field() {
    let mut window = open([1440.0, 900.0]);
    let problem = PlanProblem {
        field: Some("neighbors".to_owned()),
        words: "neighbors: expected at least 4, found 2. give --neighbors 7".to_owned(),
    };
    answer(&mut window, Err(problem));
    window.harness.run_steps(3);
    assert!(window.shows("✖ Neighbors"));
    assert!(window.shows("expected at least 4, found 2"));
    assert!(!window.app().is_enabled(Action::Train));
    let error = ptycho_core::Error::invalid("train", "batch-size", "1 to 4096", "0");
    let problem = PlanProblem::new(&error);
    assert_eq!(problem.field.as_deref(), Some("batch_size"));
}

#[test]
fn losses_below_zero_are_drawn_on_a_logarithmic_axis_and_saved_as_they_are() {
    let mut window = open([1440.0, 900.0]);
    add_arm(&mut window, "first", history(-100.0, 6));
    add_arm(&mut window, "second", history(-103.0, 8));
    window.harness.run_steps(4);
    assert!(!window.shows("not drawn"), "nothing is left out");
    window.click("per step");
    assert!(!window.shows("not drawn"), "nor of the steps");
    let arms = &window.app().document.training.arms;
    let curves = Curves::new(&arms[0].history, Per::Epoch);
    assert_eq!(curves.train[5], [6.0, -106.0]);
    assert_eq!(curves.validation[5], [6.0, -104.0]);
    let steps = Curves::new(&arms[1].history, Per::Step);
    assert_eq!((steps.train.len(), steps.validation[0][0]), (32, 4.0));
    let of = |points: &[[f64; 2]]| log_from(std::iter::once(points));
    let falling = [[1.0, -1.0], [2.0, -3.0], [3.0, f64::NAN]];
    assert_eq!(of(&falling), Some(-3.0 - 0.002));
    assert_eq!(
        of(&[[1.0, 2.0], [2.0, 1.0]]),
        None,
        "MAE needs no such axis"
    );
    let text = curves_csv(arms, Per::Epoch);
    assert!(text.starts_with("series,\"epoch\",\"NLL\"\n"), "{text}");
    assert!(
        text.contains("\"first\",6,-1.06e2\n") && text.contains("\"second validation\",8,-1.09e2")
    );
    let path = window.in_folder("losses.csv");
    let command = Command::TakeForTraining(Purpose::SaveCurves, path.clone());
    window.harness.state_mut().send(command);
    window.until("the losses are saved", |app| path.is_file() && is_idle(app));
    let saved = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        saved,
        curves_csv(&window.app().document.training.arms, Per::Step)
    );
}

#[test]
fn six_panes_show_pattern_patch_and_object_with_what_is_unseen() {
    let mut window = open([1440.0, 900.0]);
    let index = add_arm(&mut window, "first", history(-100.0, 3));
    window.until("the pictures are made", |app| {
        app.is_enabled(Action::ExportPane)
    });
    for title in [
        "Measured",
        "Predicted",
        "Patch amplitude",
        "Patch phase",
        "Object amplitude",
        "Object phase",
    ] {
        let pane = window.harness.query_by_role_and_label(Role::Image, title);
        assert!(pane.is_some(), "{title} is not shown");
    }
    for words in [
        "preview after epoch 3",
        "every 2 s at most",
        "50 of 2,000 object pixels unseen",
        "50 unseen",
    ] {
        assert!(window.shows(words), "{words} is not shown");
    }
    assert!(!window.shows("NaN"));
    window.click("History");
    assert!(window.shows("spread") && window.shows("3★"));
    // The baseline predicts no diffraction.
    let arm = &mut window.harness.state_mut().document.training.arms[index];
    let baseline = TrainPreview {
        predicted: Array2::zeros((0, 0)),
        ..preview()
    };
    let snapshot = TrainSnapshot {
        history: Arc::clone(&arm.history),
        preview: Some(Arc::new(baseline)),
        samples_per_s: 1.0,
    };
    arm.take(ShownTraining::new(snapshot, &mut None), 9);
    window.harness.run_steps(3);
    assert!(window.shows("The baseline predicts no diffraction."));
}

#[test]
fn a_collapse_is_loud_wherever_the_run_is() {
    let mut window = open([1440.0, 900.0]);
    let mut collapsed = history(-100.0, 3);
    collapsed.epochs[2].collapsed = true;
    add_arm(&mut window, "flat", collapsed);
    window.harness.run_steps(3);
    assert!(window.shows("⚠ collapsed in epoch 3"));
    window.click("History");
    let n_told = window.harness.query_all_by_label("⚠ collapsed").count();
    assert_eq!(n_told, 1, "in the line of its epoch");
}

#[test]
fn a_small_window_holds_the_view() {
    let mut window = open([1024.0, 640.0]);
    add_arm(&mut window, "first", history(-100.0, 6));
    window.until("the pictures are made", |app| {
        app.is_enabled(Action::ExportPane)
    });
    for title in ["Measured", "Patch phase", "Object amplitude"] {
        let rect = window
            .harness
            .get_by_role_and_label(Role::Image, title)
            .rect();
        assert!(
            50.0 < rect.width() && 40.0 < rect.height() && rect.right() < 1024.0,
            "{title}: {rect:?}"
        );
    }
    window.check_one_line(&[
        "▶ Train",
        "⏹ Stop",
        "➕ Queue arm",
        "↻ Resume",
        "Copy as command",
    ]);
}

#[test]
fn the_settings_of_a_training_can_be_undone() {
    let mut window = open([1440.0, 900.0]);
    window.harness.run_steps(8);
    let draft = &mut window.harness.state_mut().document.training.draft;
    draft.settings.loss = Loss::Mae;
    answer(&mut window, Ok(plan()));
    window.harness.run_steps(8);
    window.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(
        window.app().document.training.draft.settings.loss,
        Loss::Nll
    );
}

#[test]
fn the_copied_commands_mean_the_same_training_and_reconstruction() {
    let mut train = task("my run");
    train.validation = Some("/data/dose_10000/test.npz".into());
    train.settings.model = Model::Baseline;
    train.settings.loss = Loss::Mae;
    train.settings.schedule = Schedule::Cosine;
    train.settings.lr = 5e-4;
    train.settings.pad_object = false;
    train.n_threads = 2;
    train.device = DeviceChoice::Cpu;
    train.resume = true;
    let text = train_command(&train, false);
    let CliCommand::Train(args) = parsed_command(&text) else {
        panic!("{text} is no training");
    };
    let parsed = TrainTask {
        train: args.file,
        validation: args.validation,
        settings: args.settings.over(&TrainSettings::default()).unwrap(),
        n_threads: args.computing.threads.n,
        device: args.computing.device.into(),
        output: args.output.unwrap(),
        resume: args.resume,
        time_limit_s: args.time_limit,
    };
    assert_eq!(parsed, train, "{text}");
    assert!(train_command(&train, true).starts_with("ptychobench demo -o /data/dose"));
    let infer = InferTask {
        bundle: "/runs/my run/best.json".into(),
        data: "/data/test.npz".into(),
        settings: InferSettings {
            stitch_crop: 12,
            weight: StitchWeight::Probe,
            ..InferSettings::default()
        },
        n_threads: 0,
        device: DeviceChoice::Auto,
        output: "/runs/result.npz".into(),
    };
    let text = infer_command(&infer, false);
    let CliCommand::Infer(args) = parsed_command(&text) else {
        panic!("{text} is no inference");
    };
    let parsed = InferTask {
        bundle: args.bundle,
        data: args.data,
        settings: args.settings.over(&InferSettings::default()).unwrap(),
        n_threads: args.computing.threads.n,
        device: args.computing.device.into(),
        output: args.output,
    };
    assert_eq!(parsed, infer, "{text}");
}

/// The settings of a training of a second or two.
fn make_tiny(window: &mut Window) {
    let settings = &mut window.harness.state_mut().document.training.draft.settings;
    settings.filters_scale = 1;
    settings.groups = 20;
    settings.validation_fraction = 0.2;
    settings.batch_size = 4;
    settings.epochs = 2;
}

fn is_planned(app: &Workbench) -> bool {
    let document = &app.document;
    document
        .training
        .is_plan_current(&document.scan, document.n_threads)
}

/// The view with a real training set of 64 x 64 patterns and its real pre-flight.
fn open_real() -> Window {
    let mut window = Window::open([1440.0, 900.0], None);
    let file = sets(&window, 64, 60);
    let app = window.harness.state_mut();
    app.send(Command::Open(file));
    app.send(Command::Show(View::Train));
    make_tiny(&mut window);
    window.until("the scan is open and planned", |app| {
        is_planned(app) && is_idle(app)
    });
    window
}

fn arm(app: &Workbench, index: usize) -> &Arm {
    &app.document.training.arms[index]
}

fn is_ended(app: &Workbench, index: usize, reason: &StopReason) -> bool {
    let arms = &app.document.training.arms;
    arms.get(index)
        .is_some_and(|arm| arm.state == ArmState::Ended(reason.clone()))
}

#[test]
fn a_training_runs_is_kept_and_reconstructs() {
    let mut window = open_real();
    let plan = window.app().document.training.planned.clone().unwrap();
    let plan = plan.plan.as_ref().unwrap();
    assert_eq!(
        (plan.n, plan.n_groups, plan.n_validation_groups),
        (64, 16, 4)
    );
    assert!(window.shows("16 groups of 4 patterns for training and 4 for validation"));
    window.key(Modifiers::NONE, Key::F5);
    window.until("it has ended", |app| {
        is_ended(app, 0, &StopReason::Finished) && is_idle(app)
    });
    let folder = arm(window.app(), 0).folder().clone();
    assert!(folder.ends_with("1e4_pinn_nll_g2_seed0"));
    for name in [
        "manifest.json",
        "history.json",
        "best.json",
        "last.safetensors",
    ] {
        assert!(folder.join(name).is_file(), "{name} is missing");
    }
    let history = &arm(window.app(), 0).history;
    assert_eq!((history.epochs.len(), history.steps.len()), (2, 8));
    assert!(arm(window.app(), 0).preview.is_some());
    assert!(window.shows("finished") && window.shows("preview after epoch 2"));
    window.click("Bundle");
    window.until("both bundles are checked", |app| {
        let bundles = &app.document.training.bundles;
        let is_read = |state: &BundleState| matches!(state, BundleState::Read(_));
        bundles.len() == 2 && bundles.values().all(is_read)
    });
    assert!(window.shows("✔ loads") && window.shows("SHA-256"));
    window.click("Reconstruct with this bundle");
    let inference = &window.app().document.training.inference;
    let test = inference.test_set.clone().unwrap();
    assert!(test.ends_with("dose_10000/test.npz"));
    window.click("▶ Reconstruct");
    window.until("the object is there", |app| {
        app.document.training.inference.done.is_some() && is_idle(app)
    });
    for title in ["Result amplitude", "Result phase", "Coverage"] {
        let pane = window.harness.query_by_role_and_label(Role::Image, title);
        assert!(pane.is_some(), "{title} is not shown");
    }
    let inference = &window.app().document.training.inference;
    let shown = inference.done.as_ref().unwrap();
    let output = &inference.task.as_ref().unwrap().output;
    let saved = Reconstruction::load(output).unwrap();
    assert_eq!(saved.object, shown.outcome.inferred.object);
    let n_nan = shown
        .object
        .iter()
        .filter(|value| value.re.is_nan())
        .count();
    assert_eq!(n_nan, shown.outcome.inferred.n_unseen);
    assert!(window.shows("pixels unseen"));
    // Taken off the list and read from its folder again, it is the same.
    let before = arm(window.app(), 0);
    let (id, history) = (before.id, Arc::clone(&before.history));
    let app = window.harness.state_mut();
    app.send(Command::DropArm(id));
    app.send(Command::AddRun(folder));
    window.until("it is back", |app| {
        app.document.training.arms.iter().any(|arm| arm.id != id)
    });
    let back = arm(window.app(), 0);
    let losses = [&history, &back.history].map(|history| Curves::new(history, Per::Step).train);
    assert_eq!(losses[0].len(), losses[1].len());
    for ([_, before], [_, after]) in losses[0].iter().zip(&losses[1]) {
        // A decimal number is read to its last place but one.
        assert!((before - after).abs() < 1e-12 * before.abs());
    }
    assert_eq!(back.state, ArmState::Ended(StopReason::Finished));
    assert!(window.app().is_enabled(Action::Continue));
}

#[test]
fn arms_follow_each_other_stop_and_go_on() {
    let mut window = open_real();
    window
        .harness
        .state_mut()
        .document
        .training
        .draft
        .settings
        .epochs = 10_000;
    window.until("it is planned anew", |app| is_planned(app) && is_idle(app));
    window.click("➕ Queue arm");
    window.until("the first runs", |app| {
        arm(app, 0).state == ArmState::Running && !arm(app, 0).history.epochs.is_empty()
    });
    make_tiny(&mut window);
    window
        .harness
        .state_mut()
        .document
        .training
        .draft
        .settings
        .loss = Loss::Mae;
    window.until("the second is planned", is_planned);
    window.click("➕ Queue arm");
    window.until("the second waits", |app| {
        app.document.training.arms.len() == 2
    });
    assert_eq!(arm(window.app(), 1).state, ArmState::Waiting);
    assert!(window.shows("waiting") && window.shows("groups/s") && window.shows("Stop all"));
    window.click("⏹ Stop");
    window.until("the second has ended", |app| {
        is_ended(app, 1, &StopReason::Finished) && is_idle(app)
    });
    assert_eq!(
        arm(window.app(), 0).state,
        ArmState::Ended(StopReason::Cancelled)
    );
    let loss = [0, 1].map(|i| arm(window.app(), i).loss_name());
    assert_eq!(loss, ["nll", "mae"]);
    // The second goes on for one more epoch, in its own folder.
    let folder = arm(window.app(), 1).folder().clone();
    let training = &mut window.harness.state_mut().document.training;
    training.choose(1);
    training.resume_epochs = 3;
    window.harness.run_steps(2);
    window.click("↻ Resume");
    window.until("it has gone on", |app| {
        app.document.training.arms.len() == 2
            && arm(app, 1).history.epochs.len() == 3
            && is_ended(app, 1, &StopReason::Finished)
            && is_idle(app)
    });
    assert_eq!(arm(window.app(), 1).folder(), &folder);
    assert_eq!(window.app().document.training.arms[1].id, 1);
}
