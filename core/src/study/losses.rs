//! The losses of several results in one plot: how engines, settings or batches compare as they converge.

use std::path::PathBuf;

use crate::data::Reconstruction;
use crate::error::{Error, Result};
use crate::figure::{Curve, Figure, Panel, PlotPanel};

/// A loss that falls by more than this factor is drawn on logarithmic axes.
const LOG_FROM: f64 = 10.0;

/// The losses of one result.
#[derive(Clone, Debug, PartialEq)]
pub struct Losses {
    /// Name in the legend.
    pub name: String,
    /// The result.
    pub file: PathBuf,
    /// Algorithm that made it, as `lsqml`.
    pub algorithm: String,
    /// Loss of every epoch.
    pub loss: Vec<f64>,
}

impl Losses {
    /// Read them from a result.
    ///
    /// # Errors
    /// As [`Reconstruction::load`]; [`Error::Invalid`] for a result without losses.
    pub fn read(name: String, file: PathBuf) -> Result<Self> {
        let Reconstruction {
            loss, algorithm, ..
        } = Reconstruction::load(&file)?;
        if loss.is_empty() {
            let error = Error::invalid("plot losses", "loss", "at least one epoch", "none");
            return Err(error
                .with_fix("give the result of an iterative engine")
                .with_file(&file));
        }
        Ok(Self {
            name,
            file,
            algorithm,
            loss,
        })
    }

    /// The least loss and its epoch, counted from 1; `None` where no loss is finite.
    pub fn least(&self) -> Option<(usize, f64)> {
        let finite = self
            .loss
            .iter()
            .enumerate()
            .filter(|(_, loss)| loss.is_finite());
        finite
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(epoch, loss)| (epoch + 1, *loss))
    }
}

/// One plot with a curve for each result, with `title` above it.
pub fn figure(all: &[Losses], title: &str) -> Figure {
    let curve = |losses: &Losses| Curve {
        name: losses.name.clone(),
        points: losses
            .loss
            .iter()
            .enumerate()
            .map(|(epoch, loss)| [(epoch + 1) as f64, *loss])
            .collect(),
        is_dashed: false,
    };
    let finite = || {
        let values = all.iter().flat_map(|losses| &losses.loss);
        values.copied().filter(|loss| loss.is_finite())
    };
    let least = finite().fold(f64::INFINITY, f64::min);
    let most = finite().fold(f64::NEG_INFINITY, f64::max);
    let is_log = 0.0 < least && LOG_FROM * least < most;
    let plot = PlotPanel {
        title: title.to_owned(),
        x_label: "epoch".to_owned(),
        y_label: "loss".to_owned(),
        is_log_x: is_log,
        is_log_y: is_log,
        curves: all.iter().map(curve).collect(),
        ..PlotPanel::default()
    };
    Figure {
        rows: vec![vec![Panel::Plot(plot)]],
        has_letters: false,
        metadata: all
            .iter()
            .map(|losses| (losses.name.clone(), losses.file.display().to_string()))
            .collect(),
        ..Figure::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(name: &str, loss: &[f64]) -> Losses {
        Losses {
            name: name.to_owned(),
            file: PathBuf::from(format!("{name}.npz")),
            algorithm: "lsqml".to_owned(),
            loss: loss.to_vec(),
        }
    }

    #[test]
    fn every_result_is_a_curve_and_great_falls_are_logarithmic() {
        let all = [losses("a", &[8.0, 0.5, 0.4]), losses("b", &[f64::NAN, 2.0])];
        let drawn = figure(&all, "Star");
        let Panel::Plot(plot) = &drawn.rows[0][0] else {
            panic!("a plot was expected");
        };
        assert!(plot.is_log_y && plot.is_log_x);
        assert_eq!(plot.curves.len(), 2);
        assert_eq!(plot.curves[0].points[2], [3.0, 0.4]);
        assert_eq!(all[0].least(), Some((3, 0.4)));
        assert_eq!(all[1].least(), Some((2, 2.0)));
        assert!(drawn.svg().is_ok());
        let Panel::Plot(plot) = &figure(&[losses("a", &[8.0, 7.0])], "").rows[0][0] else {
            panic!("a plot was expected");
        };
        assert!(!plot.is_log_y);
    }
}
