//! Beside the panels: how the losses went, and how fine the reconstructions agree with the truth.

use super::choice::{arm_words, dose_words};
use super::material::{Material, Row};
use super::read::{Course, RingCurves};
use super::{FigurePart, FigureStyle};
use crate::figure::{Curve, Figure, Marker, Panel, PlotPanel};

/// Plots of ring correlations beside one another.
const MOST_BESIDE: usize = 3;
/// A loss that falls by more than this factor is drawn on a logarithmic axis.
const LOG_FROM: f64 = 10.0;

impl Material {
    /// `convergence` and `frc`; none where no reconstruction is drawn.
    pub(super) fn companions(&self, style: &FigureStyle) -> Vec<(String, Figure)> {
        if self.choice.arms().is_empty() {
            return Vec::new();
        }
        [
            ("convergence", self.convergence(style)),
            ("frc", self.frc(style)),
        ]
        .map(|(name, mut figure)| {
            figure.metadata = self.metadata(name, style, None);
            (name.to_owned(), figure)
        })
        .into()
    }

    /// A row for each dose, a plot for each arm: losses of different arms are different things.
    fn convergence(&self, style: &FigureStyle) -> Figure {
        let row = |(i, row): (usize, &Row)| -> Vec<Panel> {
            let courses = row.courses.iter();
            courses
                .map(|(arm, course)| {
                    let title = if i == 0 {
                        arm_words(arm)
                    } else {
                        String::new()
                    };
                    Panel::Plot(course_plot(course, title))
                })
                .collect()
        };
        Figure {
            rows: self.rows.iter().enumerate().map(row).collect(),
            row_labels: self.rows.iter().map(|row| dose_words(row.dose)).collect(),
            ..Self::page(style)
        }
    }

    /// A plot for each dose, a curve for each arm.
    fn frc(&self, style: &FigureStyle) -> Figure {
        let quantity = match style.part {
            FigurePart::Amplitude => "amplitude",
            FigurePart::Phase => "phase",
        };
        let plots: Vec<Panel> = self
            .rows
            .iter()
            .map(|row| {
                Panel::Plot(PlotPanel {
                    title: dose_words(row.dose),
                    x_label: "spatial frequency (fraction of Nyquist)".to_owned(),
                    y_label: format!("{quantity} correlation"),
                    x_limits: Some([0.0, 1.0]),
                    y_limits: Some([0.0, 1.05]),
                    curves: ring_curves(&row.rings[style.part.index()]),
                    ..PlotPanel::default()
                })
            })
            .collect();
        let mut rows: Vec<Vec<Panel>> = plots.chunks(MOST_BESIDE).map(<[Panel]>::to_vec).collect();
        let n = rows.first().map_or(0, Vec::len);
        if let Some(last) = rows.last_mut() {
            last.resize(n, Panel::Empty);
        }
        Figure {
            rows,
            ..Self::page(style)
        }
    }
}

fn ring_curves(rings: &RingCurves) -> Vec<Curve> {
    let arms = rings.arms.iter().map(|(arm, points)| Curve {
        name: arm_words(arm),
        points: points.clone(),
        is_dashed: false,
    });
    let thresholds = rings.thresholds.iter().map(|(name, points)| Curve {
        name: name.clone(),
        points: points.clone(),
        is_dashed: true,
    });
    arms.chain(thresholds).collect()
}

fn course_plot(course: &Course, title: String) -> PlotPanel {
    let curve = |name: &str, values: &[f64]| Curve {
        name: name.to_owned(),
        points: values
            .iter()
            .enumerate()
            .map(|(epoch, loss)| [(epoch + 1) as f64, *loss])
            .collect(),
        is_dashed: false,
    };
    let mut curves = Vec::new();
    if course.validation.is_empty() {
        curves.push(curve("", &course.loss));
    } else {
        curves.push(curve("training", &course.loss));
        curves.push(curve("validation", &course.validation));
    }
    let all = || course.loss.iter().chain(&course.validation);
    let finite = || all().copied().filter(|loss| loss.is_finite());
    let least = finite().fold(f64::INFINITY, f64::min);
    let most = finite().fold(f64::NEG_INFINITY, f64::max);
    let marker = course.best_epoch.map(|epoch| Marker {
        x: epoch as f64,
        name: "best epoch".to_owned(),
    });
    PlotPanel {
        title,
        x_label: "epoch".to_owned(),
        y_label: format!("{} loss", course.loss_name).trim().to_owned(),
        is_log_y: 0.0 < least && LOG_FROM * least < most,
        curves,
        markers: marker.into_iter().collect(),
        ..PlotPanel::default()
    }
}
