//! Ring correlations as a table and as a plot.

use std::fmt::Write as _;

use super::super::Comparison;
use super::report::threshold_key;
use super::tables::{number, quoted};
use crate::figure::{Curve, Figure, Panel, PlotPanel};
use crate::metrics::evaluate::FrcCurves;
use crate::metrics::frc::{FrcCurve, Threshold};

const NM_PER_M: f64 = 1e9;
/// One of the three curves of an arm.
type Choose = fn(&FrcCurves) -> &FrcCurve;

/// Width of one plot.
const PLOT_MM: f64 = 90.0;

/// One line for each ring of each arm: ring, fraction of Nyquist, spatial frequency (where the pixel size is known), pixels of
/// the ring, correlations of amplitudes, phases and complex objects, the four thresholds.
pub fn curves_csv(comparison: &Comparison) -> String {
    let mut text = String::from("arm,ring,of_nyquist,per_nm,n_pixels,amplitude,phase,complex");
    for threshold in Threshold::ALL {
        // Writing to a string cannot fail.
        let _ = write!(text, ",{}_threshold", threshold_key(threshold));
    }
    text.push('\n');
    for arm in &comparison.arms {
        let name = quoted(&arm.name);
        let FrcCurves {
            amplitude,
            phase,
            complex,
        } = &arm.evaluation.frc;
        let thresholds = Threshold::ALL.map(|threshold| complex.threshold(threshold));
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
            curves.extend(Threshold::ALL.map(|threshold| {
                line(threshold.label(), curve, &curve.threshold(threshold), true)
            }));
        }
        Panel::Plot(PlotPanel {
            title: format!("FRC of the {title} with {}", comparison.reference),
            x_label: "spatial frequency (fraction of Nyquist)".to_owned(),
            y_label: "correlation".to_owned(),
            x_limits: Some([0.0, 1.0]),
            y_limits: Some([0.0, 1.05]),
            curves,
            ..PlotPanel::default()
        })
    });
    Figure {
        rows: vec![panels.into()],
        width_mm: 3.0 * PLOT_MM,
        ..Figure::default()
    }
}

fn line(name: &str, curve: &FrcCurve, values: &[f64], is_dashed: bool) -> Curve {
    let points = curve.of_nyquist().into_iter().zip(values);
    Curve {
        name: name.to_owned(),
        points: points.map(|(at, value)| [at, *value]).collect(),
        is_dashed,
    }
}
