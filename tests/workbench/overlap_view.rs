//! See `main.rs`. The overlap view by label: what is kept while one slides, hover, pin, views written, command line.

use std::path::PathBuf;

use egui::accesskit::Role;
use egui::{Key, Modifiers, pos2};
use egui_kittest::kittest::Queryable as _;
use ptycho_core::data::{Dataset, Strictness};
use ptycho_core::fields::AutoReal;
use ptycho_core::grouping::{
    ApplyTo, GroupSettings, Order, SpacingSettings, Standing, View as Thin,
};
use ptycho_core::job::Quiet;
use ptycho_core::study::generate::{GenerateTask, generate};
use ptycho_core::study::overlap::OverlapTask;
use ptychobench::cli::Command as CliCommand;
use ptychobench::gui::command::{Action, Command};
use ptychobench::gui::files::Purpose;
use ptychobench::gui::thinning::command_line::overlap_command;
use ptychobench::gui::thinning::export::points_csv;
use ptychobench::gui::thinning::plan::ShownHalf;
use ptychobench::gui::thinning::{Request, Shown, Subject};
use ptychobench::gui::views::View;
use ptychobench::gui::widgets::viewport::{LinkedView, Viewport};
use ptychobench::gui::workbench::Workbench;

use crate::flows::{Window, is_idle};
use crate::support::parsed_command;

/// Sets of 16x16 patterns at two doses, in the window's own folder.
fn sets(window: &Window, positions: usize) -> PathBuf {
    let folder = window.in_folder("sets");
    let mut task = GenerateTask::default();
    task.scene.object.object_size = 96;
    task.scene.probe.n = 16;
    task.scene.scan.positions = positions;
    task.doses = vec![100.0, 1e4];
    task.output.clone_from(&folder);
    generate(&task, &Quiet::default()).unwrap();
    folder
}

fn is_settled(app: &Workbench) -> bool {
    app.document.thinning.is_current() && is_idle(app)
}

/// The view with a training set open.
fn open(positions: usize) -> Window {
    let mut window = Window::open([1440.0, 900.0], None);
    let file = sets(&window, positions).join("dose_100/train.npz");
    let app = window.harness.state_mut();
    app.send(Command::Open(file));
    app.send(Command::Show(View::Overlap));
    window.until("the scan is thinned", is_settled);
    window
}

fn half(window: &Window, index: usize) -> &ShownHalf {
    let shown = window.app().document.thinning.shown.as_ref().unwrap();
    shown.half(index).unwrap()
}

#[test]
fn numbers_follow_the_slider_of_f() {
    let mut window = open(300);
    for label in [
        "Open scan: train.npz",
        "dense 0.7",
        "× 16 = S = 4.8 px",
        "at most (Oler)",
        "geometry bound",
        "canvas needed",
        "Positions",
        "Ready to write.",
    ] {
        assert!(window.shows(label), "{label} is not shown");
    }
    let before = half(&window, 0).metrics.clone();
    assert_eq!(before.spacing_threshold_px, 4.8);
    let slider = window
        .harness
        .get_by_role_and_label(Role::Slider, "Overlap f");
    slider.focus();
    window.harness.run_steps(2);
    for _ in 0..10 {
        window.key(Modifiers::NONE, Key::ArrowLeft);
    }
    window.until("the scan is thinned anew", |app| {
        app.document.thinning.view().unwrap().overlap < 0.7 && is_settled(app)
    });
    let after = half(&window, 0).metrics.clone();
    assert!(before.spacing_threshold_px < after.spacing_threshold_px);
    assert!(after.n_accepted <= before.n_accepted);
    assert!(after.n_accepted <= after.most_possible);
    assert!(after.spacing_threshold_px <= after.spacing.min_px + 1e-9);
    // Gridsize 1: as many groups as patterns.
    let settings = &mut window.harness.state_mut().document.thinning.settings;
    settings.groups.gridsize = 1;
    settings.spacing.apply_to = ApplyTo::Positions;
    window.until("positions are thinned", is_settled);
    let metrics = &half(&window, 0).metrics;
    assert_eq!(
        (metrics.c, metrics.n_groups_actual),
        (1, metrics.n_images_kept)
    );
    assert!(metrics.metric_1_group_based_avg.is_none());
}

/// Where a position is on the screen.
fn on_screen(window: &Window, row: usize) -> egui::Pos2 {
    let node = window
        .harness
        .get_by_role_and_label(Role::Image, "Positions");
    let rect = node.rect();
    let subject = window.app().document.thinning.subject.as_ref().unwrap();
    let viewport = Viewport::new(rect, subject.frame_px, &LinkedView::default());
    viewport.screen(subject.positions_px[row])
}

#[test]
fn a_position_tells_what_rejected_it_and_is_pinned_by_a_click() {
    let mut window = open(120);
    let standings = &half(&window, 0).standings;
    let is_rejected = |standing: &Standing| matches!(standing, Standing::TooCloseTo(_));
    let row = standings.iter().position(is_rejected).unwrap();
    let Standing::TooCloseTo(other) = standings[row] else {
        panic!("{row} is not rejected");
    };
    let at = on_screen(&window, row);
    window.harness.hover_at(at);
    window.harness.run_steps(4);
    let sentence = format!("pattern {row} is dropped");
    assert!(window.shows(&sentence), "{sentence} is not shown");
    assert!(window.shows(&format!("that of {other}, which was kept")));
    assert!(
        window.shows(&format!("pattern {row} of scan")),
        "its pattern is shown"
    );
    assert!(window.app().document.thinning.pinned.is_none());
    window.click("Nearest neighbours");
    assert!(!window.shows(&format!("pattern {row} of scan")));
    window.harness.hover_at(at);
    window.harness.run_steps(2);
    window.harness.drag_at(at);
    window.harness.drop_at(at);
    window.harness.run_steps(4);
    assert_eq!(window.app().document.thinning.pinned, Some(row));
    window.harness.hover_at(pos2(5.0, 5.0));
    window.harness.run_steps(4);
    assert!(window.shows(&sentence), "pinned, it stays");
    assert!(
        window.shows(&format!("pattern {row} of scan")),
        "its frame is opened"
    );
    assert!(window.app().is_enabled(Action::ExportPane));
}

#[test]
fn a_small_window_holds_the_view() {
    let mut window = Window::open([1024.0, 640.0], None);
    let folder = sets(&window, 300);
    window.harness.state_mut().send(Command::ShowSets(folder));
    window.until("both halves are shown", is_settled);
    let plot = window
        .harness
        .get_by_role_and_label(Role::Image, "Positions")
        .rect();
    assert!(200.0 < plot.width() && 150.0 < plot.height(), "{plot:?}");
    window.check_one_line(&["Colour", "Over", "probe circles", "Plot…", "▶ Write views"]);
}

#[test]
fn every_colour_and_ground_can_be_chosen() {
    let mut window = open(120);
    let n_points = half(&window, 0).metrics.n_images_total;
    let of_half = format!("scan {n_points}");
    for (label, word) in [
        ("group", "in groups, a colour each"),
        ("spacing", "px"),
        ("split", of_half.as_str()),
        ("kept", "too close"),
    ] {
        window.click(label);
        assert!(window.shows(word), "{label}: {word} is not shown");
    }
    for label in ["object", "nothing", "illumination", "probe circles"] {
        window.click(label);
    }
    assert!(window.shows("split at row"), "the halves' line is known");
    window.click("Nearest neighbours");
    assert!(window.shows("│ S = 4.8 px"));
    assert!(
        window
            .harness
            .query_by_role_and_label(Role::Image, "Histogram of nearest neighbours")
            .is_some()
    );
}

#[test]
fn views_of_all_doses_are_written_or_skipped_with_the_reason() {
    let mut window = Window::open([1440.0, 900.0], None);
    let folder = sets(&window, 60);
    window
        .harness
        .state_mut()
        .send(Command::ShowSets(folder.clone()));
    window.until("both halves are shown", is_settled);
    for label in ["train", "test", "Shown dose", "split at row"] {
        assert!(window.shows(label), "{label} is not shown");
    }
    assert_eq!(
        window
            .app()
            .document
            .thinning
            .subject
            .as_ref()
            .unwrap()
            .doses
            .len(),
        2
    );
    let app = window.harness.state_mut();
    app.document.thinning.settings.spacing.apply_to = ApplyTo::Positions;
    app.document.thinning.settings.groups.gridsize = 3;
    app.document.thinning.settings.views[1].overlap = 0.0;
    app.document.thinning.chosen = 1;
    window.until("the sparse view is judged", is_settled);
    let shown = window.app().document.thinning.shown.as_ref().unwrap();
    assert!(shown.halves.iter().any(Result::is_err));
    assert!(window.shows("would be skipped") && window.shows("--apply-to groups"));
    window.key(Modifiers::NONE, Key::F5);
    window.until("the views are written", |app| {
        app.document.thinning.written.is_some() && is_idle(app)
    });
    let (_, outcome) = window.app().document.thinning.written.as_ref().unwrap();
    let outcome = outcome.as_ref().unwrap();
    assert_eq!((outcome.views.len(), outcome.skipped.len()), (2, 2));
    assert!(window.shows("⚠ skipped") && window.shows("sparse at 100 photons"));
    let train = folder.join("dose_100/dense/train.npz");
    let view = Dataset::open(&train, Strictness::Strict).unwrap().dataset;
    assert!(view.parts().group_index.is_some());
    assert_eq!(
        view.n_patterns(),
        outcome.views[0].splits[0].metrics.n_images_kept
    );
    assert!(
        window.app().is_enabled(Action::Run),
        "they can be written again"
    );
    window.click("Open train");
    window.until("the view is open", |app| {
        app.document.scan.path() == Some(&train) && is_idle(app)
    });
    assert_eq!(window.app().view, View::Data);
}

#[test]
fn plot_points_and_histogram_are_saved() {
    let mut window = open(120);
    for (purpose, name) in [
        (Purpose::ExportPlot, "plot.png"),
        (Purpose::ExportPlot, "plot.svg"),
        (Purpose::SavePoints, "points.csv"),
        (Purpose::SaveHistogram, "spacing.csv"),
    ] {
        let path = window.in_folder(name);
        let command = Command::TakeForViews(purpose, path.clone());
        window.harness.state_mut().send(command);
        window.until(name, |app| path.is_file() && is_idle(app));
    }
    let read = |name: &str| std::fs::read(window.in_folder(name)).unwrap();
    assert!(read("plot.png").starts_with(b"\x89PNG"));
    let svg = String::from_utf8(read("plot.svg")).unwrap();
    assert!(
        svg.starts_with("<svg")
            && svg.contains("data:image/png;base64,")
            && svg.contains("too close")
    );
    let points = String::from_utf8(read("points.csv")).unwrap();
    let subject = window.app().document.thinning.subject.as_ref().unwrap();
    assert_eq!(points.lines().count(), 1 + subject.positions_px.len());
    let n_kept = points
        .lines()
        .filter(|line| line.contains(",kept,"))
        .count();
    assert_eq!(n_kept, half(&window, 0).metrics.n_images_kept);
    let counted: usize = String::from_utf8(read("spacing.csv"))
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(3).unwrap().parse::<usize>().unwrap())
        .sum();
    assert_eq!(counted, half(&window, 0).metrics.n_candidates);
}

#[test]
fn a_dense_scan_of_ten_thousand_positions_follows_every_change() {
    let mut window = Window::open([1440.0, 900.0], None);
    let mut task = GenerateTask::default();
    task.scene.object.object_size = 464;
    task.scene.probe.n = 16;
    task.scene.scan.positions = 10_304;
    task.doses = vec![1e4];
    task.simulation.patches = false;
    task.output = window.in_folder("many");
    generate(&task, &Quiet::default()).unwrap();
    window
        .harness
        .state_mut()
        .send(Command::ShowSets(task.output));
    window.until("all positions are thinned", is_settled);
    let subject = window.app().document.thinning.subject.clone().unwrap();
    assert_eq!(subject.positions_px.len(), 10_304);
    for i in 0..12 {
        let settings = &mut window.harness.state_mut().document.thinning.settings;
        settings.views[0].overlap = 0.2 + 0.05 * f64::from(i);
        window.until("what is shown is of the last change", |app| {
            app.document.thinning.is_current()
        });
    }
    // The last settings are never lost.
    window.until("the last state is shown", is_settled);
    let shown = window.app().document.thinning.shown.clone().unwrap();
    assert_eq!(shown.request.view.overlap, 0.2 + 0.05 * 11.0);
}

#[test]
fn settings_of_the_views_can_be_undone() {
    let mut window = open(120);
    window.harness.run_steps(8);
    let settings = &mut window.harness.state_mut().document.thinning.settings;
    settings.views[0].overlap = 0.5;
    // The undo history takes a value once it has stood still for a second.
    window.harness.run_steps(8);
    window.key(Modifiers::COMMAND, Key::Z);
    let settings = &window.app().document.thinning.settings;
    assert_eq!(settings.views[0].overlap, 0.7);
    window.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(
        window.app().document.thinning.settings.views[0].overlap,
        0.5
    );
}

#[test]
fn the_copied_command_means_the_same_views() {
    let mut window = open(120);
    let app = window.harness.state_mut();
    let thinning = &mut app.document.thinning;
    thinning.settings.views = Thin::parse_list("dense=0.65,wide=0").unwrap();
    thinning.settings.groups = GroupSettings {
        gridsize: 3,
        neighbors: 12,
        seed: 7,
        subsample_fraction: 0.5,
        ..GroupSettings::default()
    };
    thinning.settings.spacing = SpacingSettings {
        order: Order::Most,
        probe_diameter: AutoReal::Given(5.5),
        ..SpacingSettings::default()
    };
    thinning.settings.output = Some("/tmp/my views".into());
    let task = thinning.task(&app.document.scan, 2).unwrap();
    let text = overlap_command(thinning, &app.document.scan, 2);
    let CliCommand::Overlap(args) = parsed_command(&text) else {
        panic!("{text} is no overlap");
    };
    let parsed = OverlapTask {
        source: args.source,
        views: Thin::parse_list(&args.views).unwrap(),
        groups: args.groups.over(&GroupSettings::default()).unwrap(),
        spacing: args.spacing.over(&SpacingSettings::default()).unwrap(),
        output: args.output,
        n_threads: args.threads.n,
    };
    assert_eq!(parsed, task, "{text}");
}

#[test]
fn a_view_that_cannot_be_formed_leaves_its_points_without_one() {
    let mut window = open(120);
    let subject = window.app().document.thinning.subject.clone().unwrap();
    let mut request = window.app().document.thinning.request().unwrap();
    request.groups.n_groups = 100_000;
    request.view.overlap = 0.0;
    let shown = Shown::new(&subject, request);
    let words = shown.halves[0].as_ref().err().unwrap();
    assert!(words.contains("Oler"), "{words}");
    assert!(points_csv(&subject, &shown).contains(",no_view,"));
    let thinning = &mut window.harness.state_mut().document.thinning;
    thinning.settings.groups.n_groups = 100_000;
    thinning.settings.views[0].overlap = 0.0;
    window.until("the wish is judged", is_settled);
    let n_points = subject.positions_px.len();
    assert!(window.shows("scan: cannot be written"));
    assert!(window.shows(&format!("no view {n_points}")));
}

/// What the view needs to know of a request and a subject can be made by anyone.
#[test]
fn a_subject_is_the_same_for_the_same_settings() {
    let window = open(120);
    let thinning = &window.app().document.thinning;
    let (subject, request): (&Subject, Request) = (
        thinning.subject.as_ref().unwrap(),
        thinning.request().unwrap(),
    );
    let [one, two] = [0, 1].map(|_| points_csv(subject, &Shown::new(subject, request.clone())));
    assert_eq!(one, two);
}
