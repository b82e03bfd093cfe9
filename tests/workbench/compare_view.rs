//! See `main.rs`. The compare view by label: picks, refusals, region, numbers, blink, swipe, curves, export, undo.

use std::path::{Path, PathBuf};

use egui::accesskit::Role;
use egui::{Key, Modifiers, Pos2};
use egui_kittest::kittest::Queryable as _;
use ndarray::{Array1, Array2, Array3};
use num_complex::Complex32;
use ptycho_core::data::npz::Archive;
use ptycho_core::data::{Dataset, Reconstruction, Strictness};
use ptycho_core::metrics::region::Region;
use ptycho_core::metrics::settings::PhaseRemoval;
use ptycho_core::study::compare::Inputs;
use ptychobench::cli::Command as CliCommand;
use ptychobench::gui::command::{Action, Command};
use ptychobench::gui::comparison::command_line::compare_command;
use ptychobench::gui::comparison::{Request, SessionResult, Shown, Truth, table};
use ptychobench::gui::files::Purpose;
use ptychobench::gui::views::View;
use ptychobench::gui::views::compare::{Mode, Tool};
use ptychobench::gui::workbench::Workbench;

use crate::flows::{Window, is_idle};
use crate::support::parsed_command;

/// Side of the object.
const SIDE: usize = 72;

/// An F on a slope, so that every turn and mirror image is another picture.
fn letter() -> Array2<Complex32> {
    Array2::from_shape_fn((SIDE, SIDE), |(row, column)| {
        let (r, c) = (row / 6, column / 6);
        let is_ink = (2..10).contains(&r) && c == 3
            || r == 2 && (3..9).contains(&c)
            || r == 5 && (3..7).contains(&c);
        let phase = if is_ink { 0.9 } else { 0.1 };
        let amplitude = if is_ink { 0.6 } else { 1.0 };
        let ripple = 0.05 * ((row * row + 3 * column) as f32 * 0.37).sin();
        Complex32::from_polar(amplitude + ripple, phase + ripple)
    })
}

fn positions() -> Vec<[f64; 2]> {
    let line = || (0..12).map(|i| 10.0 + 4.5 * f64::from(i));
    line()
        .flat_map(|row| line().map(move |column| [row, column]))
        .collect()
}

fn probe() -> Array3<Complex32> {
    Array3::from_shape_fn((1, 16, 16), |(_, row, column)| {
        let square = (row as f32 - 8.0).powi(2) + (column as f32 - 8.0).powi(2);
        Complex32::new((-square / 20.0).exp(), 0.0)
    })
}

/// A dataset whose truth is the letter.
fn truth(window: &Window) -> PathBuf {
    let file = window.in_folder("truth.npz");
    let positions = positions();
    let along = |axis: usize| Array1::from_iter(positions.iter().map(|at| at[axis]));
    let frames = Array3::from_elem((positions.len(), 16, 16), 1.0_f32);
    ptycho_core::data::write::write_npz(&file, |npz| {
        let stored = ptycho_core::data::write::Compression::Deflated;
        npz.array("diffraction", stored, &frames.view())?;
        npz.array("probeGuess", stored, &probe().view())?;
        npz.array("objectGuess", stored, &letter().view())?;
        npz.array("xcoords", stored, &along(1).view())?;
        npz.array("ycoords", stored, &along(0).view())
    })
    .unwrap();
    assert!(Dataset::open(&file, Strictness::Repair).is_ok());
    file
}

/// The letter with this much noise, phase plane and factor, as a result file.
fn result(window: &Window, name: &str, noise: f32) -> PathBuf {
    let file = window.in_folder(&format!("{name}.npz"));
    let object = Array2::from_shape_fn((SIDE, SIDE), |at| {
        let (row, column) = at;
        let wild = noise * ((row * 7919 + column * 104_729) as f32 * 0.618).sin();
        let plane = 0.3 + 0.004 * row as f32 - 0.002 * column as f32;
        letter()[at] * Complex32::from_polar(0.8 + wild, plane + wild)
    });
    Reconstruction {
        object,
        coverage: None,
        probe: probe(),
        positions_px: positions(),
        loss: vec![1.0],
        algorithm: "lsqml".to_owned(),
        provenance: serde_json::json!({}),
    }
    .save(&file)
    .unwrap();
    file
}

fn is_compared(app: &Workbench) -> bool {
    let document = &app.document;
    document.comparing.is_current(&document.scan) && is_idle(app)
}

fn shown(window: &Window) -> &Shown {
    window.app().document.comparing.shown.as_ref().unwrap()
}

/// The view with the truth open and two results of it compared.
fn open(size: [f32; 2]) -> Window {
    let mut window = Window::open(size, None);
    let file = truth(&window);
    let arms = vec![result(&window, "rough", 0.2), result(&window, "fine", 0.02)];
    let app = window.harness.state_mut();
    app.send(Command::Open(file));
    app.send(Command::AddToComparison(arms));
    window.until("both are compared", is_compared);
    window
}

fn pane(window: &Window, title: &str) -> egui::Rect {
    window
        .harness
        .get_by_role_and_label(Role::Image, title)
        .rect()
}

fn drag(window: &mut Window, from: Pos2, to: Pos2) {
    window.harness.drag_at(from);
    window.harness.step();
    window.harness.hover_at(from.lerp(to, 0.5));
    window.harness.step();
    window.harness.hover_at(to);
    window.harness.step();
    window.harness.drop_at(to);
    window.harness.run_steps(3);
}

#[test]
fn a_newcomer_reads_what_to_do_and_one_button_compares_the_session() {
    let mut window = Window::open([1440.0, 900.0], None);
    window
        .harness
        .state_mut()
        .send(Command::Show(View::Compare));
    window.harness.run_steps(3);
    for words in [
        "Compare reconstructions",
        "See where and why reconstructions of one scan differ",
        "➕ Add a reconstruction…",
        "Add the reconstructions to compare.",
    ] {
        assert!(window.shows(words), "{words} is not shown");
    }
    let file = truth(&window);
    let results = ["rough", "fine"].map(|name| (name, result(&window, name, 0.1)));
    let app = window.harness.state_mut();
    app.send(Command::Open(file.clone()));
    for (name, file_of) in results {
        app.document.comparing.add_result(SessionResult {
            name: name.to_owned(),
            file: file_of,
            data: file.clone(),
        });
    }
    window.until("the scan is open", |app| {
        app.document.scan.dataset.is_some() && is_idle(app)
    });
    window.click("▶ Compare the 2 results of this session");
    window.until("they are compared", is_compared);
    let names: Vec<_> = shown(&window)
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["rough", "fine", "truth"]);
}

#[test]
fn panes_numbers_and_curves_of_all_arms_are_shown_the_best_marked() {
    let window = open([1440.0, 900.0]);
    for title in [
        "rough: phase",
        "fine: phase",
        "truth: phase",
        "rough: amplitude",
        "truth: amplitude",
        "fine − truth: phase",
    ] {
        let rect = pane(&window, title);
        assert!(
            60.0 < rect.width() && 60.0 < rect.height(),
            "{title}: {rect:?}"
        );
    }
    let shown = shown(&window);
    // Arms then reference, in the object's frame; what is not compared is unseen.
    assert_eq!(shown.frame(), (SIDE, SIDE));
    let rows = table::rows(&shown.comparison);
    assert_eq!(rows[0].about, table::About::Phase);
    let mae = rows.iter().find(|row| row.definition.key == "mae").unwrap();
    assert_eq!(mae.best, [false, true], "{mae:?}");
    assert!(window.shows("★") && window.shows("Against truth") && window.shows("MAE"));
    assert!(window.shows("✔ 2 reconstructions compared in"));
    let [csv, markdown] = [
        table::csv(&shown.comparison),
        table::markdown(&shown.comparison),
    ];
    assert!(csv.starts_with("about,metric,unit,rough,fine\n"), "{csv}");
    assert!(csv.contains("\nphase,mae,") && csv.contains("\namplitude,mae,"));
    assert!(markdown.starts_with("| metric | rough | fine |\n|---|---:|---:|\n"));
    assert!(markdown.contains("**"), "{markdown}");
    // One scale for a row, whose limits stand at its bar.
    let bars = window
        .harness
        .query_all_by_label_contains("Colour bar of")
        .count();
    assert_eq!(bars, 3, "a bar for each row of panes");
}

#[test]
fn a_letter_stands_upright_in_panes_values_and_arrays() {
    let mut window = open([1440.0, 900.0]);
    let (ink, paper) = ([14, 50], [50, 50]);
    // The upper bar of the F is ink, what lies below it at the right is paper: no turn or mirror image has both.
    for column in &shown(&window).columns {
        for pair in [&column.prepared, &column.raw] {
            let amplitude = &pair[1];
            assert!(amplitude[ink] + 0.15 < amplitude[paper], "{}", column.name);
        }
    }
    // The pane shows it there: up and right of the middle of what is compared stands the bar, and its value is read.
    let rect = pane(&window, "truth: amplitude");
    let middle = |range: &std::ops::Range<usize>| (range.start + range.end - 1) / 2;
    let area = shown(&window).comparison.area.clone();
    let up_right = rect.center() + egui::vec2(rect.height() * 0.15, -rect.height() * 0.25);
    window.harness.hover_at(up_right);
    window.harness.run_steps(3);
    let view = window.app().compare().pictures_ref().cursor(0).unwrap();
    let ink = [view[0].round() as usize, view[1].round() as usize];
    assert!(
        ink[0] < middle(&area.rows) && middle(&area.columns) < ink[1],
        "{ink:?}"
    );
    assert!(window.shows(&format!("row {}, col {}", ink[0], ink[1])));
    let read = window
        .harness
        .get_by_role_and_label(Role::Image, "truth: amplitude")
        .value()
        .unwrap();
    let value = f64::from(shown(&window).columns[2].prepared[1][ink]);
    let expected = ptycho_core::paint::ticks::value_text(value);
    assert!(read.contains(&expected), "{read} without {expected}");
}

#[test]
fn every_switch_compares_anew_and_can_be_undone() {
    let mut window = open([1440.0, 900.0]);
    window.harness.run_steps(8);
    let error = |window: &Window| {
        let rows = table::rows(&shown(window).comparison);
        let mae = rows.iter().find(|row| row.definition.key == "mae").unwrap();
        mae.cells[1].unwrap()
    };
    let with_plane = error(&window);
    let draft = &mut window.harness.state_mut().document.comparing.draft;
    draft.settings.phase = PhaseRemoval::None;
    window.harness.step();
    let comparing = &window.app().document.comparing;
    assert!(!comparing.is_current(&window.app().document.scan));
    window.until("it is compared anew", is_compared);
    assert!(3.0 * with_plane < error(&window), "a plane is left");
    window.harness.run_steps(8);
    window.key(Modifiers::COMMAND, Key::Z);
    let comparing = &window.app().document.comparing;
    assert_eq!(comparing.draft.settings.phase, PhaseRemoval::Plane);
    window.until("it is compared as before", is_compared);
    assert_eq!(error(&window).to_bits(), with_plane.to_bits());
    // A new name and another order read no file again.
    let draft = &mut window.harness.state_mut().document.comparing.draft;
    draft.picks[0].name = "worse".to_owned();
    draft.picks.swap(0, 1);
    window.until("names and order are taken", is_compared);
    let names: Vec<_> = shown(&window)
        .columns
        .iter()
        .map(|column| column.name.clone())
        .collect();
    assert_eq!(names, ["fine", "worse", "truth"]);
}

#[test]
fn a_rectangle_drawn_on_a_picture_is_the_region_of_the_numbers() {
    let mut window = open([1440.0, 900.0]);
    window.click("Region");
    assert_eq!(window.app().document.comparing.draft.region, Region::Auto);
    let rect = pane(&window, "fine: phase");
    let (from, to) = (
        rect.center() - egui::vec2(20.0, 16.0),
        rect.center() + egui::vec2(24.0, 12.0),
    );
    drag(&mut window, from, to);
    let region = window.app().document.comparing.draft.region.clone();
    let Region::Rectangle { rows, columns } = region.clone() else {
        panic!("no region was drawn");
    };
    let ratio = columns.len() as f32 / rows.len() as f32;
    assert!((1.2..2.1).contains(&ratio), "{rows:?}, {columns:?}");
    window.until("it is compared there", is_compared);
    assert_eq!(shown(&window).comparison.region, region);
    assert_eq!(shown(&window).comparison.area.rows, rows);
    assert!(window.shows("First of the rows") && window.shows("End of the columns"));
    window.click("Automatic region");
    window.until("it is compared everywhere", is_compared);
    assert_eq!(shown(&window).comparison.region, Region::Auto);
}

#[test]
fn a_line_drawn_on_a_picture_gives_the_profile_of_all() {
    let mut window = open([1440.0, 900.0]);
    window.click("Line");
    let rect = pane(&window, "rough: amplitude");
    let (from, to) = (
        rect.center() - egui::vec2(30.0, 0.0),
        rect.center() + egui::vec2(30.0, 0.0),
    );
    drag(&mut window, from, to);
    window.harness.run_steps(3);
    assert!(window.shows("distance along the line") || window.shows("Save Line profile as CSV"));
    let saved = window.in_folder("profile.csv");
    window.click("Save Line profile as CSV");
    window.harness.state_mut().send(Command::TakeForComparison(
        Purpose::SaveCompareCurves,
        saved.clone(),
    ));
    window.until("the profile is saved", |app| {
        saved.is_file() && is_idle(app)
    });
    let text = std::fs::read_to_string(&saved).unwrap();
    for name in ["\"rough\",", "\"fine\",", "\"truth\","] {
        assert!(text.contains(name), "{name} in {text}");
    }
    assert!(text.starts_with("series,\"distance along the line (px)\",\"phase (rad)\"\n"));
}

#[test]
fn two_arms_blink_in_one_place_and_are_parted_by_a_divider() {
    let mut window = open([1440.0, 900.0]);
    window.click("Blink");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..12 {
        window.harness.run_steps(2);
        for name in ["rough: phase", "truth: phase"] {
            if window
                .harness
                .query_by_role_and_label(Role::Image, name)
                .is_some()
            {
                seen.insert(name);
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert_eq!(seen.len(), 2, "both were seen in turn: {seen:?}");
    assert!(window.shows("Blink rate"));
    window.click("Swipe");
    window.harness.run_steps(4);
    assert_eq!(window.app().compare().choices().0, Mode::Swipe);
    let rect = pane(&window, "rough: phase");
    let from = rect.center();
    drag(&mut window, from, from + egui::vec2(80.0, 0.0));
    let first = window.app().compare().divider().unwrap();
    drag(&mut window, from, from - egui::vec2(80.0, 0.0));
    let second = window.app().compare().divider().unwrap();
    assert!(
        second + 10.0 < first,
        "the divider follows: {first}, {second}"
    );
    assert_eq!(window.app().compare().choices().1, Tool::Move);
}

#[test]
fn what_cannot_be_compared_is_refused_by_name_and_the_others_are_compared() {
    let mut window = open([1440.0, 900.0]);
    let file = window.in_folder("truth.npz");
    window
        .harness
        .state_mut()
        .send(Command::AddToComparison(vec![file]));
    window.until("the others are compared", is_compared);
    assert!(window.shows("✖ truth is not compared:") || window.shows("is not compared"));
    assert!(window.shows("reconstructed_object"));
    assert_eq!(shown(&window).comparison.arms.len(), 2);
    // Without the others, nothing is left: the reason stays at its name.
    let draft = &mut window.harness.state_mut().document.comparing.draft;
    draft.picks.drain(..2);
    window.until("the reason is told", |app| {
        app.document.comparing.problem.is_some() && is_idle(app)
    });
    assert!(window.shows("is not compared"));
    window.harness.get_by_label_contains("as the truth").click();
    window.harness.run_steps(3);
    let draft = &window.app().document.comparing.draft;
    assert_eq!((draft.truth, draft.picks.len()), (Truth::File, 0));
}

#[test]
fn without_a_truth_one_of_the_arms_is_the_reference() {
    let mut window = open([1440.0, 900.0]);
    let draft = &mut window.harness.state_mut().document.comparing.draft;
    draft.truth = Truth::None;
    window.until("they are compared", is_compared);
    assert_eq!(shown(&window).comparison.reference, "rough");
    window.click("Make fine the reference");
    window.until("the other way round", is_compared);
    assert_eq!(shown(&window).comparison.reference, "fine");
    let names: Vec<_> = shown(&window)
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["rough", "fine"]);
}

/// The request that a command line stands for.
fn parsed(text: &str) -> Request {
    let CliCommand::Compare(args) = parsed_command(text) else {
        panic!("{text} is no comparison");
    };
    Request {
        settings: args.how.settings().unwrap(),
        region: args.how.region.clone(),
        inputs: Inputs {
            key: None,
            ..args.inputs()
        },
        round: 0,
    }
}

#[test]
fn the_copied_command_means_the_same_and_the_export_is_whole() {
    let mut window = open([1440.0, 900.0]);
    let draft = &mut window.harness.state_mut().document.comparing.draft;
    draft.settings.phase = PhaseRemoval::Offset;
    draft.settings.register = false;
    draft.region = Region::Rectangle {
        rows: 10..60,
        columns: 12..58,
    };
    draft.picks[1].name = "the fine one".to_owned();
    window.until("it is compared", is_compared);
    let request = shown(&window).request.clone();
    let text = compare_command(&request, "out", false);
    let read = parsed(&text);
    assert_eq!(
        (&read.inputs, &read.region, &read.settings),
        (&request.inputs, &request.region, &request.settings),
        "{text}"
    );
    assert!(window.app().is_enabled(Action::Run));
    let folder = window.in_folder("out");
    window.harness.state_mut().send(Command::TakeForComparison(
        Purpose::CompareFolder,
        folder.clone(),
    ));
    window.until("it is exported", |app| {
        app.document.comparing.exported.is_some() && is_idle(app)
    });
    assert!(
        window.shows("✔ exported"),
        "{:?}",
        window.app().document.comparing.exported
    );
    check_export(&folder);
}

fn check_export(folder: &Path) {
    for name in [
        "comparison_plot.png",
        "comparison_plot.svg",
        "comparison_metrics.csv",
        "comparison_metrics.json",
        "frc_curves.csv",
        "reconstructions_aligned.npz",
    ] {
        assert!(folder.join(name).is_file(), "{name} is missing");
    }
    assert!(Archive::open(&folder.join("reconstructions_aligned.npz")).is_ok());
}

#[test]
fn a_small_window_holds_the_view() {
    let mut window = open([1024.0, 640.0]);
    window.harness.run_steps(3);
    let screen = window.harness.ctx.content_rect().expand(0.5);
    for label in [
        "Export…",
        "Copy as command",
        "Swipe",
        "Raw",
        "Region",
        "Copy CSV",
    ] {
        let rects: Vec<_> = window
            .harness
            .query_all_by_label(label)
            .map(|node| node.rect())
            .collect();
        assert!(
            rects.iter().any(|rect| screen.contains_rect(*rect)),
            "{label} at {rects:?}"
        );
    }
    for title in ["rough: phase", "truth: phase"] {
        let rect = pane(&window, title);
        assert!(
            50.0 < rect.width() && 40.0 < rect.height() && rect.right() < 1024.0,
            "{title}: {rect:?}"
        );
    }
}
