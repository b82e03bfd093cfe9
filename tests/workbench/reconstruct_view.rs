//! See `main.rs`. The reconstruct view by label: engines and their fields, course, shifts, variation, trials, going on.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use ndarray::{Array2, Array3};
use num_complex::Complex32;
use ptycho_core::compute::DeviceChoice;
use ptycho_core::data::Reconstruction;
use ptycho_core::iterative::{Course, EngineKind, KernelChoice};
use ptycho_core::job::Quiet;
use ptycho_core::study::generate::{GenerateTask, generate};
use ptychobench::cli::Command as CliCommand;
use ptychobench::gui::command::{Action, Command};
use ptychobench::gui::files::Purpose;
use ptychobench::gui::preview::Preview;
use ptychobench::gui::reconstruction::Curve;
use ptychobench::gui::reconstruction::command_line::{continue_command, reconstruct_command};
use ptychobench::gui::views::View;
use ptychobench::gui::workbench::Workbench;

use crate::flows::{Window, is_idle};
use crate::support::parsed_command;

/// The view with a scan of a few small patterns open.
fn open(size: [f32; 2]) -> Window {
    open_scan(size, (64, 60))
}

/// The view with a scan of small patterns open: side of the object, positions before the split.
fn open_scan(size: [f32; 2], (object_px, positions): (usize, usize)) -> Window {
    let mut window = Window::open(size, None);
    let folder = window.in_folder("sets");
    let mut task = GenerateTask::default();
    task.scene.object.object_size = object_px;
    task.scene.probe.n = 16;
    task.scene.scan.positions = positions;
    task.doses = vec![1e4];
    task.output.clone_from(&folder);
    generate(&task, &Quiet::default()).unwrap();
    let app = window.harness.state_mut();
    app.send(Command::Open(folder.join("dose_10000/train.npz")));
    app.send(Command::Show(View::Reconstruct));
    app.document.settings.batch_size = 8;
    app.document.settings.epochs = 3;
    window.until("the scan is open", |app| {
        app.document.scan.dataset.is_some()
            && app.document.devices.of(app.document.how.device).is_some()
            && is_idle(app)
    });
    window
}

fn choose_engine(window: &mut Window, title: &str) {
    let combo = window
        .harness
        .get_by_role_and_label(Role::ComboBox, "Engine");
    combo.click();
    window.harness.run_steps(4);
    let items = window.harness.get_all_by_label(title);
    items.last().unwrap().click();
    window.harness.run_steps(4);
}

/// A run whose positions have moved, whose probe has two modes and varies along two more.
fn make_up(app: &mut Workbench) {
    let given = app.document.scan.dataset.as_ref().unwrap().positions_px();
    let n_paired = given.len() / 2 * 2;
    let moved = |(i, at): (usize, &[f64; 2])| {
        let apart_px = match i % 2 {
            _ if i == n_paired => 0.0,
            0 => 0.3,
            _ => -0.3,
        };
        [at[0] + 1.0 + apart_px, at[1] - 0.5]
    };
    let positions_px: Vec<_> = given.iter().enumerate().map(moved).collect();
    let m = positions_px.len();
    let weights = |(i, column): (usize, usize)| match column {
        0 => 1.0 + 0.01 * (i % 3) as f64,
        column => 0.1 * (i % 5) as f64 / column as f64,
    };
    app.document.run.engine = EngineKind::Lsqml;
    app.document.run.take_course(Course {
        loss: vec![0.5, 0.3, 0.2],
        seconds_per_epoch: vec![0.1; 3],
        probe_power: vec![9.0e3, 1.0e4, 1.0e4],
        position_rms_px: vec![0.0, 0.5, 1.16],
        positions_px,
        opr_weights: Array2::from_shape_fn((m, 3), weights),
        opr_modes: Array3::from_elem((2, 16, 16), Complex32::new(0.6, 0.8)),
    });
    let probe = Array3::from_shape_fn((2, 16, 16), |(mode, _, _)| {
        Complex32::new(if mode == 0 { 3.0 } else { 1.0 }, 0.0)
    });
    let object = Array2::from_elem((64, 64), Complex32::new(1.0, 0.1));
    let preview = Preview::new(object, probe, &(10..50, 10..50));
    app.document.run.preview = Some(std::sync::Arc::new(preview));
    app.document.run.revision += 1;
}

#[test]
fn an_engine_is_chosen_with_its_own_fields_and_undone() {
    let mut window = open([1440.0, 900.0]);
    assert!(window.shows("Noise") && window.shows("Refine positions"));
    assert!(window.shows("Computes on cpu × 1 threads with fused kernels"));
    assert!(!window.shows("Relaxation"));
    choose_engine(&mut window, "DM");
    assert_eq!(window.app().document.engine, EngineKind::Dm);
    assert!(window.shows("Relaxation") && !window.shows("Noise"));
    assert!(window.shows("DM takes all patterns at once."));
    choose_engine(&mut window, "rPIE");
    assert!(window.shows("Object alpha") && !window.shows("Relaxation"));

    // The undo history takes a value once it has stood still for a second.
    window.harness.run_steps(8);
    window.until("the change is known", |app| app.document.can_undo());
    window.click("Undo");
    assert_ne!(window.app().document.engine, EngineKind::Rpie);
}

/// The pages by their titles.
const PAGES: [&str; 6] = [
    "Pictures",
    "Curves",
    "Positions",
    "Probe variation",
    "Orientation",
    "Even and odd",
];

/// Arrows stand over the object or not, and their scale follows the factor.
fn check_scale(window: &mut Window) {
    let scale_px = |window: &Window| -> f64 {
        let label = window.harness.get_by_label_contains("= ");
        let words = label.value().unwrap();
        let number = words.trim_start_matches("= ").trim_end_matches(" px");
        number.parse().unwrap()
    };
    let with_object = scale_px(window);
    window.click("Object");
    assert_eq!(scale_px(window), with_object);
    let arrows = window
        .harness
        .get_by_role_and_label(Role::ComboBox, "Arrows");
    arrows.click();
    window.harness.run_steps(4);
    window.click("× 1000");
    assert!(scale_px(window) < with_object);
}

#[test]
fn a_course_is_told_in_curves_arrows_and_numbers() {
    for size in [[1440.0, 900.0], [1024.0, 640.0]] {
        let mut window = open(size);
        make_up(window.harness.state_mut());
        window.harness.run_steps(4);
        window.click("Curves");
        for label in ["Probe power", "Position correction", "90.00 %", "10.00 %"] {
            assert!(window.shows(label), "{label} is not shown");
        }
        window.click("Positions");
        // 1 px down and 0.5 px to the left together, 0.3 px up and down apart.
        for label in [
            "+1.000, -0.500 px",
            "0.300 px (pattern",
            "Without the common shift",
        ] {
            assert!(window.shows(label), "{label} is not shown");
        }
        check_scale(&mut window);
        window.click("Probe variation");
        for label in ["OPR mode amplitude", "Variation in numbers", "mode 2"] {
            assert!(window.shows(label), "{label} is not shown");
        }
        window.click("of the OPR modes");
        window.check_one_line(&["Pictures", "Even and odd", "of the OPR modes"]);
        let tops = PAGES.map(|page| window.harness.get_by_label(page).rect().top());
        assert!(tops.iter().all(|top| *top == tops[0]), "{tops:?}");
    }
}

#[test]
fn what_is_drawn_is_saved() {
    let mut window = open([1440.0, 900.0]);
    make_up(window.harness.state_mut());
    let save = |window: &mut Window, purpose, name: &str| {
        let path = window.in_folder(name);
        let app = window.harness.state_mut();
        app.send(Command::TakeForReconstruction(purpose, path.clone()));
        window.until("the file is written", |app| path.is_file() && is_idle(app));
        std::fs::read_to_string(&path).unwrap()
    };
    let positions = save(&mut window, Purpose::SaveShifts, "positions.csv");
    assert!(positions.starts_with("pattern,given_row_px,given_column_px,row_px,column_px\n0,"));
    let m = window.app().document.run.course.positions_px.len();
    assert_eq!(positions.lines().count(), m + 1);
    let weights = save(&mut window, Purpose::SaveWeights, "weights.csv");
    assert!(
        weights.starts_with(
            "pattern,probe,opr_mode_1,opr_mode_2\n0,1e0,0e0,0e0\n1,1.01e0,1e-1,5e-2\n"
        )
    );
    let loss = save(&mut window, Purpose::SaveLoss, "loss.csv");
    assert_eq!(loss.lines().nth(2), Some("\"LSQML\",2,3e-1"));
}

#[test]
fn another_engine_goes_on_from_the_present_state() {
    let mut window = open([1440.0, 900.0]);
    window.click("▶ Run");
    window.until("the first engine has ended", |app| {
        app.document.finished().is_some() && is_idle(app)
    });
    let first = window.app().document.finished().unwrap().result.clone();
    assert!(window.shows("Goes on from the checkpoint"));
    let text = continue_command(&window.app().document).unwrap();
    let CliCommand::Reconstruct(args) = parsed_command(&text) else {
        panic!("{text}");
    };
    assert!(args.resume_from.is_some() && args.start_from.is_none());

    choose_engine(&mut window, "rPIE");
    assert!(window.shows("Goes on from the result of LSQML with rPIE"));
    let text = continue_command(&window.app().document).unwrap();
    let CliCommand::Reconstruct(args) = parsed_command(&text) else {
        panic!("{text}");
    };
    assert_eq!(args.start_from.as_deref(), Some(first.as_path()));
    window.harness.state_mut().document.more_epochs = 2;
    window.click("Continue");
    window.until("the second engine has ended", |app| {
        app.document
            .finished()
            .is_some_and(|run| run.engine == EngineKind::Rpie)
            && is_idle(app)
    });
    let app = window.app();
    let names: Vec<_> = app
        .document
        .run
        .traces(Curve::Loss)
        .into_iter()
        .map(|trace| (trace.name, trace.points.len()))
        .collect();
    assert_eq!(names, [("1 LSQML".to_owned(), 3), ("2 rPIE".to_owned(), 2)]);
    let result = Reconstruction::load(&app.document.finished().unwrap().result).unwrap();
    assert_eq!(result.provenance["object_start"], "a result of lsqml");
    assert!(app.is_enabled(Action::Continue));

    // The same start can be asked for by hand, and stands in the command.
    window.click("Start from the present result");
    let text = reconstruct_command(&window.app().document);
    assert!(
        text.contains("--start-from") && text.contains("--algorithm rpie"),
        "{text}"
    );
}

#[test]
fn the_device_memory_is_limited_and_told() {
    let mut window = open([1440.0, 900.0]);
    assert!(window.harness.query_by_label("limit").is_none());
    let app = window.harness.state_mut();
    app.document.how.device = DeviceChoice::Cpu;
    app.document.how.kernels = KernelChoice::Tensors;
    window.until("the device is known", |app| {
        app.document.devices.of(DeviceChoice::Cpu).is_some() && is_idle(app)
    });
    window.click("limit");
    assert_eq!(window.app().document.how.device_memory_gib, Some(4.0));
    assert!(window.shows("with tensor kernels within 4 GiB"));
    let text = reconstruct_command(&window.app().document);
    let CliCommand::Reconstruct(args) = parsed_command(&text) else {
        panic!("{text}");
    };
    assert_eq!(args.kernels.device_memory_gib, Some(4.0));

    // What does not fit is said with the largest batch that would.
    let document = &mut window.harness.state_mut().document;
    document.how.device_memory_gib = Some(0.001);
    document.settings.probe_modes = 10;
    window.harness.run_steps(2);
    window.click("▶ Run");
    window.until("the run is refused", |app| {
        app.document.run.failed.is_some() && is_idle(app)
    });
    let failed = window.app().document.run.failed.clone().unwrap();
    assert!(failed.contains("in a batch within"), "{failed}");
    assert!(failed.contains("--device-memory-gib"), "{failed}");

    window.harness.state_mut().document.how.kernels = KernelChoice::Fused;
    window.harness.run_steps(2);
    assert!(window.shows("means nothing to the fused kernels"));
}

#[test]
fn orientations_are_tried_and_one_is_adopted() {
    let mut window = open([1440.0, 900.0]);
    window
        .harness
        .state_mut()
        .document
        .trials
        .orientation_epochs = 2;
    window.click("Orientation");
    window.click("▶ Try orientations");
    window.until("the trial has ended", |app| {
        app.document.trials.orientations.outcome.is_some() && is_idle(app)
    });
    assert!(window.shows("★") && window.shows("transpose-flip-rows"));
    window.click("flip-rows");
    window.click("Adopt “flip-rows”: write the turned scan…");
    window.click("Save");
    window.until("the turned scan is open", |app| {
        let name = app.document.scan.name();
        name == "train_flip-rows.npz" && app.document.scan.dataset.is_some() && is_idle(app)
    });
    // What was found about the scan before does not stand beside this one.
    assert!(window.app().document.trials.orientations.outcome.is_none());
}

#[test]
fn halves_are_compared() {
    // Each half has to light an area without a gap.
    let mut window = open_scan([1024.0, 640.0], (96, 600));
    window.harness.state_mut().document.trials.halves_epochs = 4;
    window.click("Even and odd");
    window.click("▶ Compare halves");
    window.until("the comparison has ended", |app| {
        app.document.trials.halves.outcome.is_some() && is_idle(app)
    });
    for label in [
        "Resolution (half bit)",
        "Resolution (1/7)",
        "Ring correlation",
    ] {
        assert!(window.shows(label), "{label} is not shown");
    }
    let curves = &window.app().document.trials.halves.curves;
    assert!(curves.iter().all(|curve| 2 < curve.points.len()));
}
