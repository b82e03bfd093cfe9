//! The comparison plot.

use super::super::pictures::{self, Pictures};
use super::super::{Compared, Comparison, Loaded};
use crate::figure::{Figure, ImagePanel, Panel};
use crate::metrics::definitions::definition;
use crate::paint::colormap::{ColorMap, Map};
use crate::paint::limits::Limits;

/// Width of one panel.
const PANEL_MM: f64 = 55.0;
/// Numbers below each picture.
const SHOWN: [&str; 4] = ["mae", "psnr", "ssim", "ms_ssim"];

/// The comparison plot: phase (first row), amplitude, of every arm and the reference, with one shared scale for each row.
pub fn plot(comparison: &Comparison) -> Figure {
    let (reference, others) = pictures::all(comparison).unzip();
    let arms = comparison.arms.iter().map(Some).chain([None]);
    let columns: Vec<(Option<&Compared>, Pictures)> = arms
        .zip(others.into_iter().flatten().chain(reference))
        .collect();
    let row = |is_phase: bool| -> Vec<Panel> {
        let values = |pictures: &Pictures| {
            if is_phase {
                pictures.phase_rad.clone()
            } else {
                pictures.amplitude.clone()
            }
        };
        let pictures: Vec<_> = columns
            .iter()
            .map(|(_, pictures)| values(pictures))
            .collect();
        let shared = Limits::AUTO.shared(pictures.iter().map(|picture| picture.view()));
        let panels = columns.iter().zip(pictures);
        panels
            .map(|((arm, _), values)| {
                Panel::Image(ImagePanel {
                    title: arm
                        .map_or(comparison.reference.as_str(), |arm| arm.name.as_str())
                        .to_owned(),
                    note: arm.map_or_else(String::new, |arm| note(arm, is_phase)),
                    limits: shared.resolve(&values.view()),
                    values,
                    map: map(is_phase),
                    quantity: if is_phase { "phase (rad)" } else { "amplitude" }.to_owned(),
                    pixel_size_m: comparison.pixel_size_m,
                    has_scale_bar: true,
                })
            })
            .collect()
    };
    Figure {
        rows: vec![row(true), row(false)],
        width_mm: PANEL_MM * columns.len() as f64,
        has_letters: false,
        ..Figure::default()
    }
}

fn map(is_phase: bool) -> ColorMap {
    ColorMap::new(if is_phase { Map::Viridis } else { Map::Gray })
}

/// The numbers of one row's quantity, and what was done to the arm.
fn note(arm: &Compared, is_phase: bool) -> String {
    let mut words: Vec<String> = SHOWN
        .iter()
        .filter_map(|key| {
            let value = arm
                .evaluation
                .values
                .iter()
                .find(|value| value.key == *key)?;
            let number = if is_phase {
                value.phase
            } else {
                value.amplitude
            }?;
            metric_words(key, number, is_phase)
        })
        .collect();
    if is_phase {
        if let Some(found) = arm.prepared.steps.registration {
            let [dy, dx] = found.shift_px;
            let mark = if arm.prepared.steps.is_far {
                " (!)"
            } else {
                ""
            };
            words.push(format!("moved ({dy:.2}, {dx:.2}) px{mark}"));
        }
    } else {
        words.push(format!("factor {:.4}", arm.prepared.steps.amplitude_factor));
    }
    words.join("\n")
}

/// A number as it stands below a picture: `PSNR 31.27 dB`; a dash for NaN, `None` without a definition.
pub fn metric_words(key: &str, number: f64, is_phase: bool) -> Option<String> {
    let definition = definition(key)?;
    let text = match (key, is_phase) {
        _ if number.is_nan() => "–".to_owned(),
        ("mae", true) => format!("{number:.4} rad"),
        ("psnr", _) => format!("{number:.2} dB"),
        _ => format!("{number:.4}"),
    };
    Some(format!("{} {text}", definition.label))
}

/// What goes into the files of a figure: program, inputs' hashes, how it was compared.
pub(super) fn metadata(loaded: &Loaded, comparison: &Comparison) -> Vec<(String, String)> {
    let entry = |key: &str, text: String| (key.to_owned(), text);
    let mut metadata = vec![
        entry(
            "Software",
            format!("ptychobench {}", env!("CARGO_PKG_VERSION")),
        ),
        entry("Reference", comparison.reference.clone()),
        entry("Region", comparison.region.to_string()),
    ];
    metadata.extend(
        loaded
            .truth_sha256
            .clone()
            .map(|sha256| entry("Truth SHA-256", sha256)),
    );
    metadata.extend(
        loaded
            .arms
            .iter()
            .map(|arm| entry("Input SHA-256", format!("{} {}", arm.name, arm.sha256))),
    );
    if let Ok(settings) = serde_json::to_string(&comparison.settings) {
        metadata.push(entry("Settings", settings));
    }
    metadata
}
