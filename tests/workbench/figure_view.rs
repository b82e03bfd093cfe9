//! The figure view by label: what to do, what is missing, options, pickers, pages, export, command.

use std::path::Path;

use egui_kittest::kittest::Queryable as _;
use ptycho_core::fields::Fields as _;
use ptycho_core::study::panels::{FigurePart, Material};
use ptychobench::cli::Command as CliCommand;
use ptychobench::gui::command::{Action, Command};
use ptychobench::gui::figure::command_line::figure_command;
use ptychobench::gui::figure::{Drawn, Page, Problem};
use ptychobench::gui::files::Purpose;
use ptychobench::gui::queue::Lane;
use ptychobench::gui::study::Ask;
use ptychobench::gui::views::View;
use ptychobench::gui::workbench::Workbench;

use crate::flows::Window;
use crate::made_study::made;
use crate::support::parsed_command;

const SIZE: [f32; 2] = [1440.0, 900.0];

fn is_drawn(app: &Workbench) -> bool {
    app.document.figuring.is_current(&app.document.studying) && !app.queue.is_busy(Lane::Figure)
}

fn drawn(window: &Window) -> &Drawn {
    window.app().document.figuring.drawn.as_ref().unwrap()
}

/// The figure view with the made study of this window open.
fn open(window: &mut Window) {
    let root = window.in_folder("");
    made(&root);
    window.harness.state_mut().view = View::Figure;
    show(window, &root);
}

fn show(window: &mut Window, root: &Path) {
    let file = root.join("runs/made/plan.json");
    window
        .harness
        .state_mut()
        .send(Command::Study(Ask::Open(file)));
    window.until("the figure is drawn", is_drawn);
    assert_eq!(window.app().view, View::Figure);
}

#[test]
fn without_a_study_it_says_what_to_do() {
    let mut window = Window::open(SIZE, None);
    window.harness.state_mut().view = View::Figure;
    window.harness.run_steps(3);
    assert!(window.shows("The figure of a study") && window.shows("Open a study"));
    assert!(!window.app().is_enabled(Action::ExportPane));
}

#[test]
fn options_and_pickers_change_the_figure() {
    let mut window = Window::open(SIZE, None);
    open(&mut window);
    assert_eq!(drawn(&window).figures.panels.rows[0].len(), 3);
    assert!(drawn(&window).pixels.width > 500);
    window.click("Add Truth");
    window.until("the truth is drawn", |app| {
        is_drawn(app)
            && app
                .document
                .figuring
                .drawn
                .as_ref()
                .unwrap()
                .material
                .choice()
                .columns
                .len()
                == 4
    });
    window.click("Move Truth to the left");
    window.click("Leave Diffraction out");
    window.click("1e3");
    window.until("the picks are drawn", is_drawn);
    let choice = drawn(&window).material.choice().clone();
    assert_eq!(choice.columns, ["pinn_mae_gs2", "truth", "pinn_nll_gs2"]);
    assert_eq!(choice.doses, [1e6]);
    let document = &mut window.harness.state_mut().document;
    let plan = document.studying.plan().unwrap().clone();
    let mut design = document.figuring.design(&plan);
    design.style.part = FigurePart::Phase;
    document.figuring.set_design(&plan, design);
    window.until("the phase is drawn", is_drawn);
    assert_eq!(drawn(&window).request.design.style.part, FigurePart::Phase);
    assert!(window.shows("Correlation with the truth"));
    window.click("As the study says");
    window.until("the study's own figure is drawn", is_drawn);
    assert_eq!(drawn(&window).figures.panels.rows.len(), 2);
    assert!(window.app().document.figuring.own.is_none());
}

#[test]
fn pages_are_drawn_and_inputs_are_read_once() {
    let mut window = Window::open(SIZE, None);
    open(&mut window);
    let before = std::sync::Arc::as_ptr(&drawn(&window).material);
    for (tab, page) in [
        ("Convergence", Page::Convergence),
        ("Ring correlations", Page::Frc),
        ("Panels", Page::Panels),
    ] {
        window.click(tab);
        window.until(tab, is_drawn);
        assert_eq!(drawn(&window).request.page, page);
    }
    let after: *const Material = std::sync::Arc::as_ptr(&drawn(&window).material);
    assert_eq!(before, after);
    window.harness.get_by_label("Preview of the figure");
}

#[test]
fn what_is_missing_is_named() {
    let mut window = Window::open(SIZE, None);
    let root = window.in_folder("");
    let (plan, runs) = made(&root);
    std::fs::remove_dir_all(plan.folder(&runs).join("simulate-1e3")).unwrap();
    window.harness.state_mut().view = View::Figure;
    let file = root.join("runs/made/plan.json");
    window
        .harness
        .state_mut()
        .send(Command::Study(Ask::Open(file)));
    window.until("the problem is told", |app| {
        app.document.figuring.problem.is_some()
    });
    let problem = window.app().document.figuring.problem.clone();
    assert!(
        matches!(&problem, Some(Problem::Missing(missing)) if missing.len() == 1),
        "{problem:?}"
    );
    assert!(window.shows("simulate-1e3/dose_1000/test.npz"));
    // The other dose can be drawn.
    window.click("1e3");
    window.until("the other dose is drawn", is_drawn);
    assert_eq!(drawn(&window).figures.panels.rows.len(), 1);
}

#[test]
fn the_window_writes_the_bytes_of_the_command() {
    let mut window = Window::open(SIZE, None);
    open(&mut window);
    window.click("Add LSQML");
    window.until("LSQML is drawn", is_drawn);
    for (purpose, name) in [
        (Purpose::FigurePng, "a.png"),
        (Purpose::FigureSvg, "a.svg"),
        (Purpose::FigurePdf, "a.pdf"),
    ] {
        let file = window.in_folder(name);
        window
            .harness
            .state_mut()
            .send(Command::TakeForFigure(purpose, file.clone()));
        window.until(
            name,
            |app| matches!(&app.document.figuring.exported, Some(Ok(path)) if *path == file),
        );
    }
    assert!(window.shows("written"));
    let text = figure_command(&window.app().document);
    let CliCommand::Figure(args) = parsed_command(&text) else {
        panic!("{text}")
    };
    assert_eq!(args.output, [window.in_folder("a.pdf")]);
    let base = &window.app().document.studying.plan().unwrap().study.figure;
    let design = args.design.over(base).unwrap();
    assert_eq!(design, drawn(&window).request.design);
    assert!(design.style.check_ranges().is_ok());
    let root = window.in_folder("");
    for name in ["png", "svg", "pdf"] {
        let line = "figure runs/made --columns diffraction,pinn_mae_gs2,pinn_nll_gs2,lsqml -o";
        let written = format!("b.{name}");
        let words: Vec<&str> = line.split_whitespace().chain([written.as_str()]).collect();
        crate::support::check_run(&root, &words, 0);
        let bytes = |letter: &str| std::fs::read(root.join(format!("{letter}.{name}"))).unwrap();
        assert!(bytes("a") == bytes("b"), "{name} differs");
    }
}

#[test]
fn companions_are_written_in_every_format() {
    let mut window = Window::open([1024.0, 640.0], None);
    open(&mut window);
    window.check_one_line(&["PNG…", "SVG…", "PDF…"]);
    let folder = window.in_folder("beside");
    window.harness.state_mut().send(Command::TakeForFigure(
        Purpose::FigureCompanions,
        folder.clone(),
    ));
    window.until("they are written", |app| {
        app.document.figuring.exported.is_some()
    });
    for name in ["convergence", "frc"] {
        for suffix in ["png", "svg", "pdf"] {
            assert!(folder.join(format!("{name}.{suffix}")).is_file());
        }
    }
}
