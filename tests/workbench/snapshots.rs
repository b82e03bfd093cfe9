//! See `main.rs`. Pictures are made anew with `UPDATE_SNAPSHOTS=true cargo test --test workbench snapshots`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use egui::{Theme, Ui, vec2};
use egui_kittest::wgpu::WgpuTestRenderer;
use egui_kittest::{Harness, SnapshotOptions, SnapshotResults};
use ndarray::Array2;
use num_complex::Complex32;
use ptycho_core::Error;
use ptycho_core::job::{JobState, Progress};
use ptycho_core::paint::component::Component;
use ptychobench::gui::theme;
use ptychobench::gui::widgets::image_pane::{ImagePane, PaneData};
use ptychobench::gui::widgets::job_row::JobRow;
use ptychobench::gui::widgets::line_plot::{LinePlot, PlotData, Series};
use ptychobench::gui::widgets::notice::{Level, Notice};
use ptychobench::gui::widgets::scan_marks::{self, Divide, Marker, Marks, PointGroup};
use ptychobench::gui::widgets::scan_plot::{self, ScanData};
use ptychobench::gui::widgets::viewport::LinkedView;

/// The one tolerance: drivers differ in how they smooth the edges of letters.
const N_FAILED_PIXELS: usize = 100;

/// A renderer, or `None` (said on standard error) where the machine has no graphics adapter.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn renderer(test: &str) -> Option<WgpuTestRenderer> {
    let made = std::panic::catch_unwind(WgpuTestRenderer::new);
    if made.is_err() {
        eprintln!("skipped: {test}: no graphics adapter");
    }
    made.ok()
}

/// Draw `ui` in both themes and compare; the names are `NAME_dark` and `NAME_light`.
fn check_themes(name: &str, size: [f32; 2], ui: impl Fn(&mut Ui) + Copy) {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/snapshots");
    let mut results = SnapshotResults::new();
    for (theme, word) in [(Theme::Dark, "dark"), (Theme::Light, "light")] {
        let Some(renderer) = renderer(name) else {
            return;
        };
        let options = SnapshotOptions::new()
            .output_path(&folder)
            .max_failed_pixels(N_FAILED_PIXELS);
        let mut harness = Harness::builder()
            .with_size(vec2(size[0], size[1]))
            .with_theme(theme)
            .with_options(options)
            .with_context_setup(theme::install)
            .renderer(renderer)
            .build_ui(|root| {
                egui::CentralPanel::default().show(root, ui);
            });
        harness.run();
        harness.snapshot(format!("{name}_{word}"));
        results.extend_harness(&mut harness);
    }
    results.unwrap();
}

/// A round thing on a ramp, so that amplitude and phase both have something to show.
pub(crate) fn object(side: usize) -> Array2<Complex32> {
    let middle = side as f32 / 2.0;
    Array2::from_shape_fn((side, side), |(row, column)| {
        let (y, x) = (
            (row as f32 - middle) / middle,
            (column as f32 - middle) / middle,
        );
        let spoke = (8.0 * y.atan2(x)).sin() > 0.0 && (0.15..0.85).contains(&y.hypot(x));
        let (amplitude, phase) = if spoke { (0.7, 0.9) } else { (1.0, 0.0) };
        Complex32::from_polar(amplitude, phase + 0.8 * x)
    })
}

fn pane_group(ui: &mut Ui) {
    let object = object(96);
    let mut view = LinkedView::default();
    view.cursor = Some([30.0, 24.0]);
    let data = PaneData {
        pixel_size_m: Some(6e-9),
        ..PaneData::complex(object.view(), 1, "")
    };
    let height = ui.available_height() - 24.0;
    ui.columns(2, |columns| {
        for (ui, component) in columns
            .iter_mut()
            .zip([Component::Amplitude, Component::Phase])
        {
            ui.set_max_height(height);
            let title = format!("object {}", component.name());
            ImagePane::new(component).ui(ui, &title, &title, &data, &mut view);
        }
    });
    view.value_line(ui);
}

#[test]
fn image_panes() {
    check_themes("image_panes", [480.0, 300.0], pane_group);
}

fn plots(ui: &mut Ui) {
    let positions = Array2::from_shape_fn((100, 2), |(i, axis)| {
        let turn = i as f64 * 2.4;
        let (sin, cos) = turn.sin_cos();
        60.0 + 5.0 * (i as f64).sqrt() * if axis == 0 { sin } else { cos }
    });
    let scan = ScanData {
        positions_px: positions.view(),
        frame_px: (120, 120),
        underlay: None,
        selected: Some(60),
        pixel_size_m: None,
    };
    let loss: Vec<_> = (1..=60)
        .map(|i| [f64::from(i), 50.0 / f64::from(i * i)])
        .collect();
    let series = [Series {
        name: "LSQML",
        points: &loss,
        colour_index: 0,
        is_dashed: false,
        log_from: None,
    }];
    let data = PlotData {
        x_label: "epoch",
        y_label: "loss",
        series: &series,
    };
    ui.columns(2, |columns| {
        scan_plot::show(
            &mut columns[0],
            "scan",
            "Scan",
            &scan,
            &mut LinkedView::default(),
        );
        LinePlot::default().ui(&mut columns[1], "loss", "Loss", &data);
    });
}

#[test]
fn scan_and_loss() {
    check_themes("scan_and_loss", [480.0, 260.0], plots);
}

fn split_scan(ui: &mut Ui) {
    let positions = Array2::from_shape_fn((100, 2), |(i, axis)| {
        let turn = i as f64 * 2.4;
        let (sin, cos) = turn.sin_cos();
        60.0 + 5.0 * (i as f64).sqrt() * if axis == 0 { sin } else { cos }
    });
    let rows = |is_in: &dyn Fn(f64) -> bool| -> Vec<usize> {
        (0..100)
            .filter(|&i| is_in(positions[[i, 0]] - 60.0))
            .collect()
    };
    let train = rows(&|from_middle| from_middle < -6.0);
    let test = rows(&|from_middle| from_middle >= 6.0);
    let guarded = rows(&|from_middle| (-6.0..6.0).contains(&from_middle));
    let group = |name, rows, colour_index, marker| PointGroup {
        name,
        rows,
        colour_index,
        marker,
    };
    let groups = [
        group("train", train.as_slice(), 0, Marker::Square),
        group("test", test.as_slice(), 1, Marker::Diamond),
        group("guarded", guarded.as_slice(), 3, Marker::Cross),
    ];
    let marks = Marks {
        groups: &groups,
        divide: Some(Divide {
            axis: 0,
            middle_px: 60.0,
            width_px: 12.0,
        }),
    };
    let scan = ScanData {
        positions_px: positions.view(),
        frame_px: (120, 120),
        underlay: None,
        selected: None,
        pixel_size_m: None,
    };
    ui.horizontal_wrapped(|ui| scan_marks::legend(ui, &groups));
    let title = ("scan", "Scan");
    scan_plot::show_marked(ui, title, &scan, &marks, &mut LinkedView::default());
}

#[test]
fn split_scans() {
    check_themes("split_scan", [280.0, 280.0], split_scan);
}

fn messages(ui: &mut Ui) {
    let error = Error::invalid(
        "open as a ptychography data set",
        "diffraction",
        "(M, N, N) with M = 1087",
        "(64, 64, 1087)",
    )
    .with_fix("transpose to (M, N, N)")
    .with_file(Path::new("fly64.npz"));
    let _ = Notice::error(&error).with_fix("Transpose…").ui(ui);
    let _ = Notice::new(Level::Warning, "3 frames with NaN were left out").ui(ui);
    JobRow {
        name: "LSQML",
        state: &JobState::Running,
        progress: Progress {
            epoch: 42,
            n_epochs: 100,
            epoch_share: 0.0,
            loss: 1.0,
            rate_per_s: 4321.0,
        },
        elapsed: Duration::from_secs(5),
        rate_unit: "patterns/s",
    }
    .ui(ui);
}

#[test]
fn notices_and_a_job() {
    check_themes("notices_and_a_job", [480.0, 320.0], messages);
}
