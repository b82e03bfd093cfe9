//! Ring correlations as a table and as a plot.

use std::fmt::Write as _;

use super::super::Comparison;
use super::report::THRESHOLDS;
use super::tables::{number, quoted};
use crate::figure::{Curve, Figure, Panel, PlotPanel};
use crate::metrics::evaluate::FrcCurves;
use crate::metrics::frc::FrcCurve;

const NM_PER_M: f64 = 1e9;
/// One of the three curves of an arm.
type Choose = fn(&FrcCurves) -> &FrcCurve;

/// Width of one plot.
const PLOT_MM: f64 = 90.0;

/// One line for each ring of each arm: ring, fraction of Nyquist, spatial frequency (where the pixel size is known), pixels of
/// the ring, correlations of amplitudes, phases and complex objects, the four thresholds.
pub fn curves_csv(comparison: &Comparison) -> String {
    let mut text = String::from(
        "arm,ring,of_nyquist,per_nm,n_pixels,amplitude,phase,complex,half,seventh,one_bit,half_bit\n",
    );
    for arm in &comparison.arms {
        let name = quoted(&arm.name);
        let FrcCurves {
            amplitude,
            phase,
            complex,
        } = &arm.evaluation.frc;
        let thresholds = THRESHOLDS.map(|(threshold, ..)| complex.threshold(threshold));
        let side_px = complex.side_px as f64;
        for ring in 0..complex.values.len() {
            let of_nyquist = ring as f64 / (side_px / 2.0);
            let per_nm = comparison
                .pixel_size_m
                .map_or(f64::NAN, |pixel| ring as f64 / (side_px * pixel * NM_PER_M));
            let at = |curve: &FrcCurve| curve.values.get(ring).copied().unwrap_or(f64::NAN);
            let mut cells = vec![
                name.clone(),
                ring.to_string(),
                number(of_nyquist),
                number(per_nm),
            ];
            cells.push(complex.n_pixels[ring].to_string());
            cells.extend([amplitude, phase, complex].map(|curve| number(at(curve))));
            cells.extend(
                thresholds
                    .iter()
                    .map(|curve| number(curve.get(ring).copied().unwrap_or(f64::NAN))),
            );
            let _ = writeln!(text, "{}", cells.join(","));
        }
    }
    text
}

/// Correlations of phases, amplitudes and complex objects over the fraction of Nyquist, with the thresholds dashed.
pub fn curves_plot(comparison: &Comparison) -> Figure {
    let choose: [(&str, Choose); 3] = [
        ("phase", |curves| &curves.phase),
        ("amplitude", |curves| &curves.amplitude),
        ("complex", |curves| &curves.complex),
    ];
    let panels = choose.map(|(title, of)| {
        let mut curves: Vec<Curve> = comparison
            .arms
            .iter()
            .map(|arm| {
                let curve = of(&arm.evaluation.frc);
                line(&arm.name, curve, &curve.values, false)
            })
            .collect();
        if let Some(arm) = comparison.arms.first() {
            let curve = of(&arm.evaluation.frc);
            curves.extend(THRESHOLDS.map(|(threshold, _, words)| {
                line(words, curve, &curve.threshold(threshold), true)
            }));
        }
        Panel::Plot(PlotPanel {
            title: format!("FRC of the {title} with {}", comparison.reference),
            x_label: "spatial frequency (fraction of Nyquist)".to_owned(),
            y_label: "correlation".to_owned(),
            x_limits: Some([0.0, 1.0]),
            y_limits: Some([0.0, 1.05]),
            is_log_y: false,
            curves,
        })
    });
    Figure {
        rows: vec![panels.into()],
        width_mm: 3.0 * PLOT_MM,
        font_pt: 8.0,
        has_letters: true,
        metadata: Vec::new(),
    }
}

fn line(name: &str, curve: &FrcCurve, values: &[f64], is_dashed: bool) -> Curve {
    let half_side = curve.side_px as f64 / 2.0;
    let points = values.iter().enumerate();
    Curve {
        name: name.to_owned(),
        points: points
            .map(|(ring, value)| [ring as f64 / half_side, *value])
            .collect(),
        is_dashed,
    }
}
