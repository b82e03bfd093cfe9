//! See `main.rs`.

use std::time::Duration;

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, MouseWheelUnit, Pos2, Ui, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use ndarray::Array2;
use num_complex::Complex32;
use ptycho_core::Error;
use ptycho_core::job::{JobState, Progress};
use ptycho_core::paint::colormap::Map;
use ptycho_core::paint::component::Component;
use ptycho_core::paint::limits::Limits;
use ptychobench::gui::texture::block_px;
use ptychobench::gui::theme::{self, Appearance, ThemeChoice};
use ptychobench::gui::widgets::field_table::FieldTable;
use ptychobench::gui::widgets::image_pane::{ImagePane, PaneData, PaneResponse};
use ptychobench::gui::widgets::job_row::{JobRow, duration_text};
use ptychobench::gui::widgets::line_plot::{LinePlot, PlotData, Series, csv};
use ptychobench::gui::widgets::notice::{Notice, NoticeAction};
use ptychobench::gui::widgets::scan_plot::{self, ScanData};
use ptychobench::gui::widgets::viewport::{LinkedView, Viewport};

fn harness<'a, S: 'a>(state: S, mut ui: impl FnMut(&mut Ui, &mut S) + 'a) -> Harness<'a, S> {
    Harness::builder()
        .with_size(vec2(480.0, 400.0))
        .with_context_setup(theme::install)
        .build_ui_state(move |root, state| ui(root, state), state)
}

/// Values tell their place: row in the hundreds, column below.
fn places(n_rows: usize, n_columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((n_rows, n_columns), |(row, column)| {
        (100 * row + column) as f32
    })
}

struct PaneState {
    pane: ImagePane,
    view: LinkedView,
    values: Array2<f32>,
    version: u64,
    response: PaneResponse,
    clicked: Vec<(usize, usize)>,
}

impl PaneState {
    fn new(values: Array2<f32>) -> Self {
        Self {
            pane: ImagePane::default(),
            view: LinkedView::default(),
            values,
            version: 0,
            response: PaneResponse::default(),
            clicked: Vec::new(),
        }
    }
}

fn one_pane(ui: &mut Ui, state: &mut PaneState) {
    let data = PaneData {
        pixel_size_m: Some(1e-8),
        ..PaneData::real(state.values.view(), state.version, "amplitude", "√photons")
    };
    ui.set_max_height(360.0);
    state.response = state.pane.ui(ui, "pane", "frame", &data, &mut state.view);
    state.clicked.extend(state.response.clicked);
    state.view.value_line(ui);
}

fn image_rect<S>(harness: &Harness<'_, S>, title: &str) -> egui::Rect {
    harness.get_by_role_and_label(Role::Image, title).rect()
}

/// Where a pixel's middle is on the screen.
fn place(harness: &Harness<'_, PaneState>, row: f64, column: f64) -> Pos2 {
    let state = harness.state();
    Viewport::new(
        image_rect(harness, "frame"),
        state.values.dim(),
        &state.view,
    )
    .screen([row, column])
}

fn click(harness: &mut Harness<'_, PaneState>, at: Pos2) {
    harness.drag_at(at);
    harness.drop_at(at);
    harness.run();
}

#[test]
fn hovering_tells_pixel_length_and_value_with_its_unit() {
    let mut harness = harness(PaneState::new(places(20, 30)), one_pane);
    harness.run();
    let at = place(&harness, 7.0, 21.0);
    harness.hover_at(at);
    harness.run();
    let line = "row 7, col 21  |  x 210 nm, y 70 nm  |  frame: amplitude 721 √photons";
    harness.get_by_label(line);
    let pane = harness.get_by_role_and_label(Role::Image, "frame");
    assert_eq!(pane.value().as_deref(), Some("amplitude 721 √photons"));
    harness.remove_cursor();
    harness.run();
    harness.get_by_label("Point at a picture to read its values");
}

#[test]
fn row_0_is_on_top_and_a_click_gives_the_pixel() {
    let mut harness = harness(PaneState::new(places(20, 30)), one_pane);
    harness.run();
    let rect = image_rect(&harness, "frame");
    let (first, last) = (place(&harness, 0.0, 0.0), place(&harness, 19.0, 29.0));
    assert!(first.y < last.y && first.x < last.x);
    assert!(rect.contains(first) && rect.contains(last));
    let right = place(&harness, 0.0, 1.0) - first;
    let down = place(&harness, 1.0, 0.0) - first;
    assert!((right.x - down.y).abs() < 1e-3 && right.y == 0.0 && down.x == 0.0);
    click(&mut harness, first);
    assert_eq!(harness.state().clicked, [(0, 0)]);
    // A click beside the array hits no pixel.
    click(&mut harness, rect.left_top() + vec2(2.0, 2.0));
    assert_eq!(harness.state().clicked, [(0, 0)]);
}

#[test]
fn the_wheel_zooms_where_the_pointer_is_and_home_fits_again() {
    let mut harness = harness(PaneState::new(places(20, 30)), one_pane);
    harness.run();
    let at = place(&harness, 5.0, 8.0);
    let zoom = |harness: &Harness<'_, PaneState>| {
        let rect = image_rect(harness, "frame");
        Viewport::new(rect, (20, 30), &harness.state().view).zoom
    };
    let before = zoom(&harness);
    harness.hover_at(at);
    harness.event(Event::MouseWheel {
        source: egui::MouseWheelSource::Wheel,
        unit: MouseWheelUnit::Point,
        delta: Vec2::new(0.0, 100.0),
        phase: egui::TouchPhase::Move,
        modifiers: Modifiers::NONE,
    });
    // The toolkit spreads one turn of the wheel over several frames.
    harness.run_steps(12);
    assert!(zoom(&harness) > 1.3 * before);
    // The pixel under the pointer has stayed there.
    assert!((place(&harness, 5.0, 8.0) - at).length() < 0.5);

    click(&mut harness, at);
    harness.key_press(Key::Minus);
    harness.run();
    harness.key_press(Key::Home);
    harness.run();
    assert_eq!(harness.state().view.points_per_px, None);
    assert!((zoom(&harness) - before).abs() < 1e-3);
    harness.key_press(Key::Plus);
    harness.run();
    assert!((zoom(&harness) / before - 1.5).abs() < 1e-3);
}

#[test]
fn arrow_keys_move_the_cursor_and_enter_chooses_its_pixel() {
    let mut harness = harness(PaneState::new(places(20, 30)), one_pane);
    harness.run();
    harness.get_by_role_and_label(Role::Image, "frame").focus();
    harness.run();
    harness.state_mut().view.cursor = Some([3.0, 4.0]);
    harness.key_press(Key::ArrowDown);
    harness.key_press(Key::ArrowRight);
    harness.run();
    assert_eq!(harness.state().view.cursor, Some([4.0, 5.0]));
    assert!(
        harness
            .get_by_role_and_label(Role::Image, "frame")
            .is_focused()
    );
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().clicked, [(4, 5)]);
}

#[test]
fn dragging_pans_and_all_linked_panes_follow() {
    let object = Array2::from_elem((40, 40), Complex32::new(0.0, 2.0));
    let mut harness = harness(LinkedView::default(), move |ui, view| {
        let data = PaneData::complex(object.view(), 0, "");
        ui.columns(2, |columns| {
            for (ui, component) in columns
                .iter_mut()
                .zip([Component::Amplitude, Component::Phase])
            {
                ui.set_max_height(300.0);
                let title = component.name();
                ImagePane::new(component).ui(ui, title, title, &data, view);
            }
        });
        view.value_line(ui);
    });
    harness.run();
    let rect = image_rect(&harness, "amplitude");
    let middle = rect.center();
    harness.drag_at(middle);
    harness.run();
    harness.hover_at(middle + vec2(30.0, 0.0));
    harness.run();

    harness.drop_at(middle + vec2(30.0, 0.0));
    harness.run();
    harness.hover_at(middle);
    harness.run();
    let zoom = rect.width() / 40.0;
    let [row, column] = harness.state().centre.unwrap();
    assert!((row - 19.5).abs() < 1e-3);
    assert!(
        (column - (19.5 - f64::from(30.0 / zoom))).abs() < 0.2,
        "{column}"
    );
    // Both panes read the same pixel.
    for title in ["amplitude", "phase"] {
        let pane = harness.get_by_role_and_label(Role::Image, title);
        assert_eq!(pane.value().unwrap(), "amplitude 2, phase 1.5708 rad");
    }
}

#[test]
fn the_menu_changes_component_map_limits_and_asks_for_an_export() {
    let object = Array2::from_shape_fn((30, 30), |(row, _)| Complex32::cis(0.2 * row as f32));
    let state = (ImagePane::default(), false);
    let mut harness = harness(state, move |ui, (pane, is_export_asked)| {
        let data = PaneData::complex(object.view(), 0, "");
        let mut view = LinkedView::default();
        let response = pane.ui(ui, "pane", "object", &data, &mut view);
        *is_export_asked |= response.is_export_asked;
    });
    harness.run();
    harness.get_by_label("Display of object").click();
    harness.run();
    harness.get_by_label("unwrapped phase").click();
    harness.run();
    harness.get_by_label("cividis").click();
    harness.run();
    harness.get_by_label("min-max").click();
    harness.run();
    harness.get_by_label("Reversed").click();
    harness.run();
    {
        let look = harness.state().0.look;
        assert_eq!(look.component, Component::UnwrappedPhase);
        let map = look.color_map.unwrap();
        assert_eq!((map.map, map.is_reversed), (Map::Cividis, true));
        assert_eq!(look.limits, Some(Limits::MinMax));
    }
    // 29 rows of 0.2 rad, unwrapped beyond half a turn.
    let bar = "Colour bar of object: unwrapped phase [rad], −2.9 to 2.9";
    assert!(
        harness
            .query_by_label_contains("unwrapped phase [rad]")
            .is_some(),
        "{bar}"
    );
    harness.get_by_label("Export PNG…").click();
    harness.run();
    assert!(harness.state().1);
}

#[test]
fn a_limit_handle_moves_by_keys_and_a_sets_the_limits_back() {
    let mut harness = harness(PaneState::new(places(20, 30)), one_pane);
    harness.run();
    harness.get_by_label("Upper limit of frame").focus();
    harness.run();
    harness.key_press(Key::ArrowLeft);
    harness.run();
    let Some(Limits::Manual { min, max }) = harness.state().pane.look.limits else {
        panic!("no manual limits");
    };
    // 1 % of the range 0 to 1929 below the 99.5th percentile, rank 596 of 599.
    assert!((max - (1926.0 - 19.29)).abs() < 1e-3, "{max}");
    assert!((min - 3.0).abs() < 1e-3, "{min}");
    harness.get_by_role_and_label(Role::Image, "frame").focus();
    harness.run();
    harness.key_press(Key::A);
    harness.run();
    assert_eq!(harness.state().pane.look.limits, None);
}

#[test]
fn undefined_constant_and_empty_arrays_are_drawn_with_a_remark() {
    let mut values = places(10, 10);
    values[[0, 0]] = f32::NAN;
    for (values, remark) in [
        (values, "10 × 10 px · ⚠ 1 NaN"),
        (Array2::from_elem((4, 4), 2.0), "4 × 4 px · ⚠ constant 2"),
        (
            Array2::from_elem((4, 4), f32::NAN),
            "4 × 4 px · ⚠ no finite value, 16 NaN",
        ),
        (Array2::zeros((0, 0)), "0 × 0 px · ⚠ no finite value"),
    ] {
        let mut harness = harness(PaneState::new(values), one_pane);
        harness.run();
        harness.get_by_label(remark);
    }
}

#[test]
fn a_picture_is_made_anew_only_for_another_version() {
    let mut harness = harness(PaneState::new(places(10, 10)), one_pane);
    harness.run();
    let greatest = |harness: &Harness<'_, PaneState>| {
        harness
            .state()
            .response
            .picture
            .as_ref()
            .unwrap()
            .limits
            .data_max
    };
    harness.state_mut().values[[9, 9]] = 5000.0;
    harness.run();
    assert_eq!(greatest(&harness), 909.0);
    harness.state_mut().version = 1;
    harness.run();
    assert_eq!(greatest(&harness), 5000.0);
}

#[test]
fn a_large_phase_is_unwrapped_off_the_window_thread() {
    let object = Array2::from_shape_fn((200, 200), |(row, column)| {
        Complex32::cis(0.3 * row as f32 - 0.1 * column as f32)
    });
    let pane = ImagePane::new(Component::UnwrappedPhase);
    let mut harness = harness((pane, None), move |ui, (pane, picture)| {
        let data = PaneData::complex(object.view(), 0, "");
        *picture = pane
            .ui(ui, "pane", "object", &data, &mut LinkedView::default())
            .picture;
    });
    let start = std::time::Instant::now();
    while harness.state().1.is_none() && start.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(5));
        harness.step();
    }
    let limits = harness.state().1.as_ref().unwrap().limits;
    assert!(
        (limits.data_max - limits.data_min - 199.0 * 0.4).abs() < 1e-2,
        "{limits:?}"
    );
}

#[test]
fn pixels_are_averaged_where_they_outnumber_the_screen_or_the_adapter() {
    assert_eq!(block_px(1000, 8192, 1.0), 1);
    assert_eq!(block_px(1000, 8192, 4.0), 1);
    assert_eq!(block_px(1000, 8192, 0.3), 3);
    assert_eq!(block_px(20000, 8192, 1.0), 3);
    assert_eq!(block_px(10, 8192, 1e-9), 10);
    assert_eq!(block_px(0, 8192, f32::NAN), 1);
}

#[test]
fn an_image_wider_than_a_texture_is_shown_smaller_and_says_so() {
    let mut harness = harness(PaneState::new(places(4, 5000)), one_pane);
    harness.run();
    assert!(harness.query_by_label_contains("shown at 1:").is_some());
}

#[test]
fn an_export_of_a_pane_is_a_png() {
    let values = places(20, 30);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pane.png");
    let data = PaneData::real(values.view(), 0, "amplitude", "√photons");
    ImagePane::log10(0.1)
        .export(&path, ("frame 3", "scan.npz"), &data)
        .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(&bytes[1..4], b"PNG");
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(holds("log10 amplitude [√photons], floor 0.1") && holds("scan.npz"));
}

fn scan(n: usize) -> Array2<f64> {
    Array2::from_shape_fn((n, 2), |(i, axis)| {
        let i = if axis == 0 { i / 10 } else { i % 10 };
        10.0 + 10.0 * i as f64
    })
}

struct ScanState {
    positions_px: Array2<f64>,
    selected: Option<usize>,
    view: LinkedView,
}

fn scan_ui(ui: &mut Ui, state: &mut ScanState) {
    let data = ScanData {
        positions_px: state.positions_px.view(),
        frame_px: (120, 120),
        underlay: None,
        selected: state.selected,
        pixel_size_m: None,
    };
    let response = scan_plot::show(ui, "scan", "Scan", &data, &mut state.view);
    state.selected = response.chosen.or(state.selected);
}

fn scan_harness(n: usize) -> Harness<'static, ScanState> {
    let state = ScanState {
        positions_px: scan(n),
        selected: None,
        view: LinkedView::default(),
    };
    harness(state, scan_ui)
}

#[test]
fn a_click_on_a_scan_point_chooses_it_and_brackets_step_on() {
    let mut harness = scan_harness(100);
    harness.run();
    let rect = image_rect(&harness, "Scan");
    let viewport = Viewport::new(rect, (120, 120), &LinkedView::default());
    // Point 23 is in row 2, column 3 of the grid.
    let at = viewport.screen([30.0, 40.0]);
    harness.drag_at(at);
    harness.drop_at(at);
    harness.run();
    assert_eq!(harness.state().selected, Some(23));
    harness.key_press(Key::CloseBracket);
    harness.run();
    assert_eq!(harness.state().selected, Some(24));
    harness.key_press(Key::OpenBracket);
    harness.run();
    let plot = harness.get_by_role_and_label(Role::Image, "Scan");
    assert_eq!(plot.value().as_deref(), Some("point 23 of 100 selected"));
}

#[test]
fn a_hundred_thousand_scan_points_are_drawn_within_a_frame() {
    let mut harness = scan_harness(100_000);
    harness.run();
    let n_frames = 20;
    let start = std::time::Instant::now();
    harness.run_steps(n_frames);
    let per_frame = start.elapsed() / n_frames as u32;
    // Layout and accessibility included; other work on the machine is allowed for by a factor of four.
    eprintln!("scan plot of 100000 points: {per_frame:?} a frame");
    assert!(per_frame < Duration::from_millis(64), "{per_frame:?}");
}

ptycho_core::field_choice! {
    /// How patterns are batched.
    pub enum Batching {
        /// In random order.
        Random = "random",
        /// In compact groups.
        Compact = "compact",
    }
}

ptycho_core::field_table! {
    /// Settings for this test.
    pub struct Settings {
        /// How often every pattern is used.
        epochs: usize = 100, basic, 1..=1000;
        /// Distance between points.
        step_px: f64 = 1.5, basic, 0.0..=10.0, unit "px";
        /// The order of the patterns.
        batching: Batching = Batching::Random, basic;
        /// Whether to hurry.
        hurry: bool = false, advanced;
    }
}

fn table_harness(settings: Settings) -> Harness<'static, (FieldTable, Settings, usize)> {
    let state = (FieldTable::default(), settings, 0);
    harness(state, |ui, (table, settings, n_changes)| {
        *n_changes += usize::from(table.ui(ui, "settings", settings));
    })
}

#[test]
fn a_field_table_edits_resets_and_hides_the_advanced_fields() {
    let changed = Settings {
        epochs: 7,
        hurry: true,
        ..Settings::default()
    };
    let mut harness = table_harness(changed);
    harness.run();
    harness.get_by_label("• Epochs");
    harness.get_by_label("px");
    // What is hidden and changed is told.
    harness.get_by_label("⚠ 1 hidden changed");
    assert!(harness.query_by_label("Hurry").is_none());
    harness.get_by_label("Reset Epochs").click();
    harness.run();
    assert_eq!(harness.state().1.epochs, 100);
    assert_eq!(harness.state().2, 1);
    harness.get_by_label("All").click();
    harness.run();
    harness
        .get_by_role_and_label(Role::CheckBox, "Hurry")
        .click();
    harness.run();
    assert_eq!(harness.state().1, Settings::default());
    assert!(
        harness
            .get_by_label("Reset all")
            .accesskit_node()
            .is_disabled()
    );
}

#[test]
fn a_field_takes_typed_numbers_within_its_range_and_words_of_its_choice() {
    let mut harness = table_harness(Settings::default());
    harness.run();
    let field = harness.get_by_role_and_label(Role::SpinButton, "Step");
    field.click();
    harness.run();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.event(Event::Text("99".to_owned()));
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().1.step_px, 10.0);
    harness
        .get_by_role_and_label(Role::ComboBox, "Batching")
        .click();
    harness.run();
    harness.get_by_label("compact").click();
    harness.run();
    assert_eq!(harness.state().1.batching, Batching::Compact);
}

#[test]
fn a_notice_tells_its_fields_and_offers_the_fix() {
    let error =
        Error::invalid("open", "diffraction", "(M, N, N)", "(N, N, M)").with_fix("transpose");
    let notice = Notice::error(&error).with_fix("Transpose…");
    assert_eq!(
        notice.to_text(),
        "Cannot open\nKey: diffraction\nExpected: (M, N, N)\nFound: (N, N, M)\nFix: transpose"
    );
    let mut harness = harness(Vec::new(), move |ui, actions| actions.extend(notice.ui(ui)));
    harness.run();
    for text in ["✖ Error", "Cannot open", "(N, N, M)", "transpose"] {
        harness.get_by_label(text);
    }
    harness.get_by_label("Transpose…").click();
    harness.run();
    harness.get_by_label("Dismiss").click();
    harness.run();
    assert_eq!(
        harness.state()[..],
        [NoticeAction::Fix, NoticeAction::Dismiss]
    );
}

#[test]
fn a_job_row_stops_its_job_and_says_that_it_is_stopping() {
    let mut harness = harness((JobState::Running, 0), |ui, (state, n_stops)| {
        let row = JobRow {
            name: "LSQML",
            state,
            progress: Progress {
                epoch: 25,
                n_epochs: 100,
                epoch_share: 0.0,
                loss: 1.0,
                rate_per_s: 1234.5,
            },
            elapsed: Duration::from_secs(10),
            rate_unit: "patterns/s",
        };
        if row.ui(ui) {
            *n_stops += 1;
            *state = JobState::Stopping;
        }
    });
    harness.run();
    for text in [
        "25/100",
        "elapsed 10.0 s",
        "left 30.0 s",
        "1234.5 patterns/s",
    ] {
        harness.get_by_label(text);
    }
    harness.get_by_label("Stop LSQML").click();
    harness.run();
    assert_eq!(harness.state().1, 1);
    assert!(
        harness
            .get_by_label("stopping…")
            .accesskit_node()
            .is_disabled()
    );
    assert_eq!(duration_text(Duration::from_secs(3723)), "1:02:03");
}

#[test]
fn a_line_plot_tells_what_it_leaves_out_and_exports_all_of_it() {
    let points = [[1.0, 10.0], [2.0, 0.0], [3.0, 0.5]];
    let data_csv = |points: &[[f64; 2]]| {
        let series = [Series {
            name: "LSQML",
            points,
            colour_index: 0,
            is_dashed: false,
            log_from: None,
        }];
        csv(&PlotData {
            x_label: "epoch",
            y_label: "loss",
            series: &series,
        })
    };
    assert_eq!(
        data_csv(&points),
        "series,\"epoch\",\"loss\"\n\"LSQML\",1,1e1\n\"LSQML\",2,0e0\n\"LSQML\",3,5e-1\n"
    );
    let mut harness = harness((LinePlot::default(), false), move |ui, (plot, is_asked)| {
        let series = [Series {
            name: "LSQML",
            points: &points,
            colour_index: 0,
            is_dashed: false,
            log_from: None,
        }];
        let data = PlotData {
            x_label: "epoch",
            y_label: "loss",
            series: &series,
        };
        *is_asked |= plot.ui(ui, "loss", "Loss", &data).is_csv_asked;
    });
    harness.run();
    harness.get_by_label("⚠ 1 not positive or not finite, not drawn");
    harness.get_by_label("Logarithmic y axis of Loss").click();
    harness.run();
    assert!(!harness.state().0.is_log_y);
    assert!(harness.query_by_label_contains("not drawn").is_none());
    harness.get_by_label("Save Loss as CSV").click();
    harness.run();
    assert!(harness.state().1);
}

#[test]
fn theme_and_scale_are_applied_once_and_kept_in_range() {
    let appearance = Appearance {
        theme: ThemeChoice::Light,
        ui_scale: 99.0,
    };
    let mut harness = harness((), move |ui, ()| appearance.apply(ui.ctx()));
    harness.run();
    assert_eq!(harness.ctx.zoom_factor(), 2.5);
    assert!(!harness.ctx.global_style().visuals.dark_mode);
}
