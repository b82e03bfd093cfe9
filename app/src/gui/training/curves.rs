//! Losses as curves: of every step or of every epoch, with the validation beside them.

use ptycho_core::nn::TrainingHistory;

use super::super::widgets::line_plot::{PlotData, Series, csv};
use super::Arm;

/// More points than this are not drawn: of each stretch its least and its greatest are.
const MOST_DRAWN: usize = 4000;

/// What the x axis counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Per {
    Step,
    #[default]
    Epoch,
}

impl Per {
    /// The x axis.
    pub fn label(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Epoch => "epoch",
        }
    }
}

/// The curves of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    pub train: Vec<[f64; 2]>,
    pub validation: Vec<[f64; 2]>,
}

impl Curves {
    /// All points of a history; what was not finite is NaN.
    pub fn new(history: &TrainingHistory, per: Per) -> Self {
        let value = |loss: Option<f64>| loss.unwrap_or(f64::NAN);
        let at = |epoch: &ptycho_core::nn::EpochRecord| match per {
            Per::Step => epoch.steps as f64,
            Per::Epoch => epoch.epoch as f64,
        };
        let epochs = &history.epochs;
        let train = match per {
            Per::Step => {
                let steps = history.steps.iter().enumerate();
                steps
                    .map(|(i, step)| [(i + 1) as f64, value(step.loss)])
                    .collect()
            }
            Per::Epoch => epochs
                .iter()
                .map(|epoch| [at(epoch), value(epoch.loss)])
                .collect(),
        };
        let validated = epochs.iter().filter(|epoch| epoch.validation.is_some());
        Self {
            train,
            validation: validated
                .map(|epoch| [at(epoch), value(epoch.validation)])
                .collect(),
        }
    }

    /// The same with no more points than a screen can tell apart.
    pub fn thinned(self) -> Self {
        Self {
            train: thin(self.train),
            validation: thin(self.validation),
        }
    }
}

/// Least and greatest of each stretch, in their order; short curves as they are.
fn thin(points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    if points.len() <= MOST_DRAWN {
        return points;
    }
    let stretch = points.len().div_ceil(MOST_DRAWN / 2);
    let mut thinned = Vec::with_capacity(MOST_DRAWN);
    for stretch in points.chunks(stretch) {
        let by_value = |a: &&[f64; 2], b: &&[f64; 2]| a[1].total_cmp(&b[1]);
        let ends = (
            stretch.iter().min_by(by_value),
            stretch.iter().max_by(by_value),
        );
        if let (Some(least), Some(greatest)) = ends {
            let (first, second) = if least[0] <= greatest[0] {
                (least, greatest)
            } else {
                (greatest, least)
            };
            thinned.push(*first);
            if first[0] < second[0] {
                thinned.push(*second);
            }
        }
    }
    thinned
}

/// The names of both curves of a run.
pub fn names(arm: &Arm) -> [String; 2] {
    [arm.name.clone(), format!("{} validation", arm.name)]
}

/// The y axis: the one loss that all runs are measured by, or the word for several.
pub fn loss_label(arms: &[Arm]) -> String {
    let mut names = arms.iter().map(Arm::loss_name);
    let Some(first) = names.next() else {
        return "loss".to_owned();
    };
    if names.all(|name| name == first) {
        first.to_uppercase()
    } else {
        "loss".to_owned()
    }
}

/// All curves of these runs as comma-separated values, whole and as they are.
pub fn curves_csv(arms: &[Arm], per: Per) -> String {
    let curves: Vec<_> = arms
        .iter()
        .map(|arm| (arm, names(arm), Curves::new(&arm.history, per)))
        .collect();
    let mut series = Vec::new();
    for (arm, [train, validation], curves) in &curves {
        for (name, points, is_dashed) in [
            (train, &curves.train, false),
            (validation, &curves.validation, true),
        ] {
            series.push(Series {
                name,
                points,
                colour_index: arm.id,
                is_dashed,
                log_from: None,
            });
        }
    }
    csv(&PlotData {
        x_label: per.label(),
        y_label: &loss_label(arms),
        series: &series,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_extremes_in_order() {
        let mut points: Vec<_> = (0..100_000).map(|i| [f64::from(i), 1.0]).collect();
        points[54_321][1] = 9.0;
        points[54_322][1] = -9.0;
        let thinned = thin(points);
        assert!(thinned.len() <= MOST_DRAWN);
        assert!(thinned.windows(2).all(|pair| pair[0][0] < pair[1][0]));
        for point in [[54_321.0, 9.0], [54_322.0, -9.0]] {
            assert!(thinned.contains(&point));
        }
    }
}
