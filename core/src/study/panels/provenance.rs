//! What is written into every file: study, program, inputs, limits.

use super::FigureStyle;
use super::draw::Square;
use super::material::Material;
use crate::fields::Fields as _;
use crate::figure::{Figure, Panel};
use crate::metrics::settings::{AmplitudeFactor, CompareSettings, PhaseRemoval};

impl Material {
    /// Key and text of all that decided what a figure shows, without paths of this machine and without times.
    pub(super) fn metadata(
        &self,
        name: &str,
        style: &FigureStyle,
        square: Option<&Square>,
    ) -> Vec<(String, String)> {
        let entry = |key: &str, words: String| (key.to_owned(), words);
        let doses: Vec<String> = self
            .rows
            .iter()
            .map(|row| format!("{:e}", row.dose))
            .collect();
        let mut entries = vec![
            entry(
                "Title",
                format!("{} of the study {}", titled(name), self.study),
            ),
            entry(
                "Software",
                concat!("Ptychobench ", env!("CARGO_PKG_VERSION")).to_owned(),
            ),
            entry("Study", self.study.clone()),
            entry("Study SHA-256", self.study_sha256.clone()),
            entry("View", self.choice.view.clone()),
            entry("Split", self.split.clone()),
            entry("Doses", doses.join(" ")),
            entry("Columns", self.choice.columns.join(" ")),
        ];
        for field in FigureStyle::fields() {
            if let Some(value) = style.get(field.name) {
                let unit = format!(" {}", field.unit);
                let words = format!("{value}{}", unit.trim_end());
                entries.push(entry(&field.label(), words));
            }
        }
        if let Some(square) = square.filter(|square| 0 < square.side) {
            let [rows, columns] = square
                .first
                .map(|first| format!("{first}:{}", first + square.side));
            entries.push(entry(
                "Object part",
                format!("rows {rows}, columns {columns}"),
            ));
        }
        entries.push(entry(
            "Reconstructions",
            "as compared: registered to the truth, phase plane removed, amplitude scaled"
                .to_owned(),
        ));
        let inputs = self.inputs.iter();
        entries.extend(
            inputs.map(|input| entry("Input SHA-256", format!("{} {}", input.path, input.sha256))),
        );
        entries.extend(self.notes.iter().map(|note| entry("Stale", note.clone())));
        entries
    }
}

/// What was done to the reconstructions before they were measured and drawn: to both, to phases, to amplitudes.
pub(super) fn how_words(how: &CompareSettings) -> [&'static str; 3] {
    let registered = if how.register {
        "registered to the truth"
    } else {
        "not registered"
    };
    let phase = match how.phase {
        PhaseRemoval::Plane => "plane of the phase difference removed",
        PhaseRemoval::Offset => "offset of the phase removed",
        PhaseRemoval::None => "phase as it is",
    };
    let amplitude = match how.amplitude {
        AmplitudeFactor::Mean => "scaled to the mean amplitude of the truth",
        AmplitudeFactor::LeastSquares => "amplitude scaled to the truth by least squares",
        AmplitudeFactor::None => "amplitude as it is",
    };
    [registered, phase, amplitude]
}

fn titled(name: &str) -> &str {
    match name {
        "convergence" => "Convergence",
        "frc" => "Ring correlations",
        _ => "Figure",
    }
}

/// Limits of the colours of every picture, and where the values lie.
pub(super) fn limits(figure: &Figure) -> Vec<(String, String)> {
    let mut entries = Vec::new();
    for (i, row) in figure.rows.iter().enumerate() {
        for (j, panel) in row.iter().enumerate() {
            let Panel::Image(image) = panel else { continue };
            let limits = &image.limits;
            let words = format!(
                "row {}, column {}: {} from {:e} to {:e}, values from {:e} to {:e}",
                i + 1,
                j + 1,
                image.quantity,
                limits.min,
                limits.max,
                limits.data_min,
                limits.data_max
            );
            entries.push(("Limits".to_owned(), words));
        }
    }
    entries
}
