//! Axes: values to shares of a length, round ticks, and as many of them as there is room for.

use super::text::with_powers;
use crate::paint::ticks;

/// The most words on an axis.
const MOST_TICKS: usize = 7;

/// One axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) limits: [f64; 2],
    pub(super) is_log: bool,
}

/// A value with its words; empty for one without.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

impl Axis {
    /// Where a value stands between the limits, not clamped; `None` for what has no place on the axis.
    pub(super) fn share(self, value: f64) -> Option<f64> {
        let [min, max] = self.limits;
        let share = if self.is_log {
            (value > 0.0).then(|| (value / min).ln() / (max / min).ln())
        } else {
            Some((value - min) / (max - min))
        };
        share.filter(|share| share.is_finite())
    }

    /// The most ticks whose words, of this extent along the axis, keep `apart` from each other on `length`.
    pub(super) fn ticks(self, length: f64, apart: f64, extent: &dyn Fn(&str) -> f64) -> Vec<Tick> {
        let fits = |ticks: &[Tick]| {
            let ends = |tick: &Tick| {
                let at = self.share(tick.value).unwrap_or(0.0) * length;
                let half = extent(&tick.label) / 2.0;
                [at - half, at + half]
            };
            let labelled: Vec<_> = ticks.iter().filter(|tick| !tick.label.is_empty()).collect();
            labelled.len() <= MOST_TICKS
                && labelled
                    .windows(2)
                    .all(|pair| ends(pair[0])[1] + apart <= ends(pair[1])[0])
        };
        let mut ticks = Vec::new();
        for n_wanted in (1..=MOST_TICKS).rev() {
            ticks = self.round(n_wanted);
            if fits(&ticks) {
                return ticks;
            }
        }
        // Not even two stand beside each other.
        for tick in ticks.iter_mut().skip(1) {
            tick.label.clear();
        }
        ticks
    }

    fn round(self, n_wanted: usize) -> Vec<Tick> {
        let [min, max] = self.limits;
        if self.is_log && (max / min).log10() >= 1.0 {
            return few_decades(min, max, n_wanted).unwrap_or_else(|| decades(min, max, n_wanted));
        }
        let values = ticks::ticks(min, max, n_wanted);
        let labels = ticks::labels(&values);
        values
            .into_iter()
            .zip(labels)
            .map(|(value, label)| Tick {
                value,
                label: with_powers(&label),
            })
            .collect()
    }
}

/// Numbers beyond these are written as powers of ten.
const PLAIN: std::ops::RangeInclusive<f64> = 1e-3..=1e4;

/// 1, 2 and 5 times the powers of ten with words and the rest without, if those are no more than wanted: an axis of one or
/// two powers of ten cannot be read by these alone.
fn few_decades(min: f64, max: f64, n_wanted: usize) -> Option<Vec<Tick>> {
    if !(PLAIN.contains(&min) && PLAIN.contains(&max)) {
        return None;
    }
    let powers = min.log10().floor() as i32..=max.log10().ceil() as i32;
    let within = min * (1.0 - 1e-9)..=max * (1.0 + 1e-9);
    let ticks: Vec<Tick> = powers
        .flat_map(|power| (1..10).map(move |digit| (digit, power)))
        .filter_map(|(digit, power)| {
            let words = format!("{digit}e{power}");
            let value: f64 = words.parse().ok()?;
            let label = match digit {
                1 | 2 | 5 => value.to_string(),
                _ => String::new(),
            };
            within.contains(&value).then_some(Tick { value, label })
        })
        .collect();
    let n_words = ticks.iter().filter(|tick| !tick.label.is_empty()).count();
    (n_words <= n_wanted).then_some(ticks)
}

/// Powers of ten with words, and 2 to 9 times those without where every power has words.
fn decades(min: f64, max: f64, n_wanted: usize) -> Vec<Tick> {
    let (first, last) = (
        (min.log10() - 1e-9).ceil() as i32,
        (max.log10() + 1e-9).floor() as i32,
    );
    let n = (last - first + 1).max(1) as usize;
    let step = n.div_ceil(n_wanted.max(1)) as i32;
    let mut ticks = Vec::new();
    for power in first - 1..=last {
        let unit = 10f64.powi(power);
        if first <= power {
            let has_words = (power - first) % step == 0;
            let label = if has_words {
                with_powers(&format!("1e{power}").replace('-', "−"))
            } else {
                String::new()
            };
            ticks.push(Tick { value: unit, label });
        }
        if step == 1 {
            let between = (2..10).map(|i| f64::from(i) * unit);
            ticks.extend(
                between
                    .filter(|value| (min..=max).contains(value))
                    .map(|value| Tick {
                        value,
                        label: String::new(),
                    }),
            );
        }
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, length: f64) -> String {
        let ticks = axis.ticks(length, 3.0, &|label| 5.0 * label.chars().count() as f64);
        let labels: Vec<_> = ticks
            .into_iter()
            .map(|tick| tick.label)
            .filter(|label| !label.is_empty())
            .collect();
        labels.join(" ")
    }

    #[test]
    fn ticks_are_as_many_as_there_is_room_for() {
        let axis = Axis {
            limits: [0.0, 1.0],
            is_log: false,
        };
        assert_eq!(labels(axis, 200.0), "0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(labels(axis, 60.0), "0 0.5 1.0");
        assert_eq!(labels(axis, 1.0), "0");
        let log = Axis {
            limits: [2e-4, 3e2],
            is_log: true,
        };
        assert_eq!(labels(log, 300.0), "10⁻³ 10⁻² 10⁻¹ 10⁰ 10¹ 10²");
        assert_eq!(labels(log, 60.0), "10⁻³ 10⁰");
        assert_eq!(log.share(0.0), None);
        assert_eq!(log.share(2e-4), Some(0.0));
        let loss = Axis {
            limits: [0.3, 6.5],
            is_log: true,
        };
        assert_eq!(labels(loss, 300.0), "0.5 1 2 5");
        assert_eq!(loss.ticks(300.0, 3.0, &|_| 9.0).len(), 13);
        assert_eq!(labels(loss, 30.0), "10⁰");
        let epochs = Axis {
            limits: [1.0, 100.0],
            is_log: true,
        };
        assert_eq!(labels(epochs, 300.0), "1 2 5 10 20 50 100");
        let narrow = Axis {
            limits: [2.0, 5.0],
            is_log: true,
        };
        assert_eq!(labels(narrow, 200.0), "2.0 2.5 3.0 3.5 4.0 4.5 5.0");
    }
}
