//! The figure of a study: rows and columns, limits, crop, everything that is missing named at once, provenance, files.

use std::path::Path;

use ptycho_core::Error;
use ptycho_core::disk;
use ptycho_core::figure::{Figure, ImagePanel, Panel};
use ptycho_core::study::panels::{
    Choice, FigureDesign, FigurePart, FigureStyle, PanelMetric, Scaling, figures, views,
};
use ptycho_core::study::plan::{Plan, TaskKind};
use serde_json::json;

use crate::made_study::made;

fn image(figure: &Figure, row: usize, column: usize) -> &ImagePanel {
    match &figure.rows[row][column] {
        Panel::Image(image) => image,
        Panel::Plot(_) | Panel::Empty => panic!("no picture at {row}, {column}"),
    }
}

fn of(columns: &[&str], doses: &[f64]) -> FigureDesign {
    FigureDesign {
        columns: columns.iter().map(|&column| column.to_owned()).collect(),
        doses: doses.to_vec(),
        ..FigureDesign::default()
    }
}

fn drawn(plan: &Plan, runs: &Path, design: &FigureDesign) -> Figure {
    figures(plan, runs, design).unwrap().panels
}

fn ends(image: &ImagePanel) -> [f64; 2] {
    [image.limits.min, image.limits.max]
}

#[test]
fn six_panels_high_dose_first_with_one_scale_for_diffraction() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, runs) = made(folder.path());
    let figure = drawn(&plan, &runs, &FigureDesign::default());
    assert_eq!(figure.rows.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
    assert_eq!(
        figure.row_labels,
        ["10⁶ photons per pattern", "10³ photons per pattern"]
    );
    let titles = [0, 1, 2].map(|column| image(&figure, 0, column).title.as_str());
    assert_eq!(
        titles,
        [
            "Diffraction",
            "PINN, MAE loss, gridsize\u{a0}2",
            "PINN, NLL loss, gridsize\u{a0}2"
        ]
    );
    let [high, low] = [0, 1].map(|row| image(&figure, row, 0));
    assert_eq!(ends(high), ends(low));
    assert_eq!(high.limits.min, 0.0);
    // 1e6 / 100 counts, the speckle at most 2.2 of that, in the bright middle.
    assert!((4.0..4.35).contains(&high.limits.max), "{:?}", high.limits);
    assert_eq!(high.quantity, "log₁₀(1 + photons)");
    assert!(low.limits.data_max < 1.6 && low.values.iter().any(|value| *value == 0.0));
    for row in 0..2 {
        let [mae, nll] = [1, 2].map(|column| image(&figure, row, column));
        assert_eq!(ends(mae), ends(nll), "one scale for each row");
        assert_eq!(mae.quantity, "amplitude");
        assert!(nll.note.starts_with("Pearson 0."), "{}", nll.note);
    }
    assert_ne!(ends(image(&figure, 0, 1)), ends(image(&figure, 1, 1)));
}

#[test]
fn numbers_and_pictures_are_those_of_the_comparison() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, runs) = made(folder.path());
    let mut design = of(&["truth", "lsqml"], &[1e6]);
    design.style.part = FigurePart::Phase;
    design.style.metric = PanelMetric::Psnr;
    let figure = drawn(&plan, &runs, &design);
    let compared = plan.folder(&runs).join("compare-1e6-full-test");
    let text = std::fs::read(compared.join("comparison_metrics.json")).unwrap();
    let metrics: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let arms = metrics["arms"].as_array().unwrap();
    let lsqml = arms.iter().find(|arm| arm["name"] == "lsqml").unwrap();
    let psnr = lsqml["metrics"]["psnr"]["phase"].as_f64().unwrap();
    assert_eq!(image(&figure, 0, 1).note, format!("PSNR {psnr:.2} dB"));
    assert!(image(&figure, 0, 0).note.is_empty());
    assert_eq!(image(&figure, 0, 1).quantity, "phase (rad)");
    let arrays =
        ptycho_core::data::Archive::open(&compared.join("reconstructions_aligned.npz")).unwrap();
    let whole = arrays.array_f64("lsqml_phase").unwrap();
    let shown = &image(&figure, 0, 1).values;
    let (n_rows, n_columns) = (whole.shape()[0], whole.shape()[1]);
    let side = n_rows.min(n_columns);
    assert_eq!(shown.dim(), (side, side), "128 px are more than there are");
    let [top, left] = [(n_rows - side) / 2, (n_columns - side) / 2];
    for ((row, column), value) in shown.indexed_iter() {
        assert_eq!(*value, whole[[top + row, left + column]] as f32);
    }
    assert!(
        figure.caption.contains("128 px were asked for"),
        "{}",
        figure.caption
    );
}

#[test]
fn crop_scaling_and_marks_follow_the_style() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, runs) = made(folder.path());
    let mut design = of(
        &["diffraction", "pinn_mae_gs2", "lsqml", "truth"],
        &[1e3, 1e6],
    );
    design.style = FigureStyle {
        crop: 20,
        scaling: Scaling::Panel,
        metric: PanelMetric::None,
        scale_bar: false,
        letters: false,
        caption: false,
        width_mm: 120.0,
        ..FigureStyle::default()
    };
    let figure = drawn(&plan, &runs, &design);
    assert_eq!(
        figure.row_labels[0], "10³ photons per pattern",
        "doses in the order given"
    );
    assert_eq!(image(&figure, 0, 2).values.dim(), (20, 20));
    assert_ne!(ends(image(&figure, 0, 1)), ends(image(&figure, 0, 2)));
    assert!(image(&figure, 0, 1).note.is_empty() && figure.caption.is_empty());
    assert!(!figure.has_letters && !image(&figure, 0, 1).has_scale_bar);
    assert_eq!(figure.width_mm, 120.0);
    let pattern = |pattern: usize| {
        let mut design = of(&["diffraction"], &[1e6]);
        design.style.pattern = pattern;
        image(&drawn(&plan, &runs, &design), 0, 0).values.clone()
    };
    assert_ne!(pattern(0), pattern(3));
}

#[test]
fn every_missing_input_is_named_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, runs) = made(folder.path());
    let study = plan.folder(&runs);
    for gone in [
        "simulate-1e6",
        "compare-1e3-full-test",
        "train-1e6-full-pinn_nll_gs2",
    ] {
        std::fs::remove_dir_all(study.join(gone)).unwrap();
    }
    let error = figures(&plan, &runs, &FigureDesign::default()).unwrap_err();
    assert!(matches!(error, Error::Invalid(_)));
    let words = error.to_string();
    for named in [
        "simulate-1e6/dose_1000000/test.npz (by simulate-1e6, not done)",
        "compare-1e3-full-test/comparison_metrics.json",
        "compare-1e3-full-test/reconstructions_aligned.npz",
        "compare-1e3-full-test/frc_curves.csv",
        "train-1e6-full-pinn_nll_gs2/history.json",
        "study run",
    ] {
        assert!(words.contains(named), "{named} is not in {words}");
    }
    assert!(!words.contains("lsqml"), "no column shows it: {words}");
    let broken = study.join("compare-1e6-full-test/comparison_metrics.json");
    disk::write(&broken, b"{").unwrap();
    let words = figures(&plan, &runs, &FigureDesign::default())
        .unwrap_err()
        .to_string();
    assert!(words.contains("JSON of this program"), "{words}");
    let mut design = FigureDesign::default();
    design.style.pattern = 5000;
    let words = figures(&plan, &runs, &design).unwrap_err().to_string();
    assert!(
        words.contains("pattern") && words.contains("found 5000"),
        "{words}"
    );
}

#[test]
fn an_arm_that_was_refused_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, runs) = made(folder.path());
    let file = plan
        .folder(&runs)
        .join("compare-1e6-full-test/comparison_metrics.json");
    let text = std::fs::read(&file).unwrap();
    let mut metrics: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let arms = metrics["arms"].as_array_mut().unwrap();
    arms.retain(|arm| arm["name"] != "lsqml");
    metrics["refused"] = json!([{"name": "lsqml", "file": "x", "reason": "zeros alone"}]);
    disk::write_json(&file, &metrics).unwrap();
    let error = figures(&plan, &runs, &of(&["lsqml"], &[1e6])).unwrap_err();
    assert!(error.to_string().contains("zeros alone"), "{error}");
}

#[test]
fn unknown_rows_and_columns_are_refused_with_those_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, runs) = made(folder.path());
    let words = |design: &FigureDesign| figures(&plan, &runs, design).unwrap_err().to_string();
    let found = words(&of(&["pinn_nll_gs1"], &[]));
    assert!(
        found.contains("expected one of diffraction, truth, pinn_nll_gs2, pinn_mae_gs2, lsqml, found pinn_nll_gs1"),
        "{found}"
    );
    let found = words(&of(&[], &[1e5]));
    assert!(
        found.contains("doses: expected one of 1e3, 1e6, found 1e5"),
        "{found}"
    );
    let design = FigureDesign {
        view: "dense".to_owned(),
        ..FigureDesign::default()
    };
    assert!(words(&design).contains("view: expected one of full, found dense"));
    let choice = Choice::of(&plan, &FigureDesign::default()).unwrap();
    assert_eq!(choice.doses, [1e6, 1e3]);
    assert_eq!(
        views(&plan)[0].arms,
        ["pinn_nll_gs2", "pinn_mae_gs2", "lsqml"]
    );
}

#[test]
fn companions_have_a_plot_for_each_arm_and_each_dose() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, runs) = made(folder.path());
    let design = of(&["diffraction", "pinn_nll_gs2", "lsqml"], &[]);
    let found = figures(&plan, &runs, &design).unwrap();
    let names: Vec<_> = found
        .companions
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["convergence", "frc"]);
    let plot = |figure: &Figure, row: usize, column: usize| match &figure.rows[row][column] {
        Panel::Plot(plot) => plot.clone(),
        _ => panic!("no plot"),
    };
    let convergence = &found.companions[0].1;
    assert_eq!(
        convergence.rows.iter().map(Vec::len).collect::<Vec<_>>(),
        [2, 2]
    );
    let network = plot(convergence, 0, 0);
    let names: Vec<_> = network
        .curves
        .iter()
        .map(|curve| curve.name.as_str())
        .collect();
    assert_eq!(names, ["training", "validation"]);
    assert_eq!(network.curves[0].points[3], [4.0, 0.75]);
    assert_eq!(
        (network.y_label.as_str(), network.markers[0].x),
        ("NLL loss", 4.0)
    );
    assert!(plot(convergence, 1, 1).is_log_y, "a loss that falls by 40");
    let frc = plot(&found.companions[1].1, 0, 1);
    let names: Vec<_> = frc.curves.iter().map(|curve| curve.name.as_str()).collect();
    assert_eq!(names[..2], ["PINN, NLL loss, gridsize 2", "LSQML"]);
    assert!(frc.curves[0].points.len() > 20 && frc.curves[2].is_dashed);
    for (_, companion) in &found.companions {
        assert!(companion.svg().unwrap().contains(&plan.study_sha256));
    }
    assert!(
        figures(&plan, &runs, &of(&["truth"], &[]))
            .unwrap()
            .companions
            .is_empty()
    );
}

#[test]
fn provenance_stands_in_every_file_and_files_are_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, runs) = made(folder.path());
    let figure = drawn(&plan, &runs, &FigureDesign::default());
    let of = |key: &str| -> Vec<&str> {
        let entries = figure.metadata.iter().filter(|(name, _)| name == key);
        entries.map(|(_, words)| words.as_str()).collect()
    };
    assert_eq!(of("Study SHA-256"), [plan.study_sha256.as_str()]);
    assert_eq!(
        of("Software"),
        [concat!("Ptychobench ", env!("CARGO_PKG_VERSION"))]
    );
    assert_eq!(of("Limits").len(), 6);
    assert_eq!(of("Scaling"), ["row"]);
    let npz = "compare-1e6-full-test/reconstructions_aligned.npz";
    let sha256 = disk::sha256_hex(&std::fs::read(plan.folder(&runs).join(npz)).unwrap());
    assert!(of("Input SHA-256").contains(&format!("{npz} {sha256}").as_str()));
    let words: String = figure
        .metadata
        .iter()
        .map(|(_, words)| words.as_str())
        .collect();
    assert!(
        !words.contains(folder.path().to_str().unwrap()),
        "no paths of this machine"
    );
    let again = drawn(&plan, &runs, &FigureDesign::default());
    assert_eq!(figure.svg().unwrap(), again.svg().unwrap());
    assert_eq!(figure.png(100.0).unwrap(), again.png(100.0).unwrap());
    assert_eq!(figure.pdf().unwrap(), again.pdf().unwrap());
}

#[test]
fn inputs_of_other_settings_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, runs) = made(folder.path());
    assert!(
        figures(&plan, &runs, &FigureDesign::default())
            .unwrap()
            .notes
            .is_empty()
    );
    let train = plan
        .tasks
        .iter()
        .find(|task| task.kind == TaskKind::Train)
        .unwrap();
    let record = plan.folder(&runs).join(&train.id).join("task.json");
    disk::write_json(&record, &json!({"key": "other"})).unwrap();
    let found = figures(&plan, &runs, &FigureDesign::default()).unwrap();
    assert_eq!(found.notes.len(), 1);
    assert!(found.notes[0].starts_with(&train.id), "{:?}", found.notes);
    let is_stale = |(key, _): &&(String, String)| key == "Stale";
    assert_eq!(found.panels.metadata.iter().filter(is_stale).count(), 1);
}

#[test]
fn one_bar_reaches_over_all_rows_of_diffraction() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, runs) = made(folder.path());
    let svg = |design: &FigureDesign| drawn(&plan, &runs, design).svg().unwrap();
    let count = |svg: &str, words: &str| svg.matches(words).count();
    let text = svg(&FigureDesign::default());
    assert_eq!(count(&text, ">log₁₀(1 + photons)</text>"), 1);
    assert_eq!(count(&text, ">amplitude</text>"), 2, "one for each row");
    let mut design = FigureDesign::default();
    design.style.scaling = Scaling::Panel;
    assert_eq!(count(&svg(&design), ">amplitude</text>"), 4);
}
