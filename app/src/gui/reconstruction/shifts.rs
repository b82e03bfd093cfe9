//! How far the refined positions stand from the given ones.

/// The longest arrows but a few are at most this share of the distance between neighbours.
const ARROW_SHARE: f64 = 1.2;

/// Shifts from given to refined positions, and their numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Shifts {
    /// (row, column) of every pattern, in px.
    pub of_px: Vec<[f64; 2]>,
    /// Their mean: a common shift moves the object and means nothing.
    pub common_px: [f64; 2],
    /// Root of the mean square length.
    pub rms_px: f64,
    /// The same without the common shift.
    pub rms_apart_px: f64,
    /// The pattern that has moved furthest, the common shift apart, and how far.
    pub furthest: (usize, f64),
}

impl Shifts {
    /// `None` where no position has moved, or the numbers of positions differ.
    pub fn new(given_px: &[[f64; 2]], now_px: &[[f64; 2]]) -> Option<Self> {
        if given_px.len() != now_px.len() || given_px == now_px {
            return None;
        }
        let of_px: Vec<_> = given_px
            .iter()
            .zip(now_px)
            .map(|(given, now)| [now[0] - given[0], now[1] - given[1]])
            .collect();
        let m = of_px.len() as f64;
        let mean = |axis: usize| of_px.iter().map(|shift| shift[axis]).sum::<f64>() / m;
        let common_px = [mean(0), mean(1)];
        let rms = |from: [f64; 2]| {
            let sum: f64 = of_px.iter().map(|shift| square(apart(*shift, from))).sum();
            (sum / m).sqrt()
        };
        let furthest = of_px
            .iter()
            .map(|shift| square(apart(*shift, common_px)).sqrt())
            .enumerate()
            .max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        Some(Self {
            rms_px: rms([0.0; 2]),
            rms_apart_px: rms(common_px),
            furthest,
            common_px,
            of_px,
        })
    }

    /// The shift of a pattern, with or without the common one.
    pub fn of(&self, pattern: usize, is_common_kept: bool) -> [f64; 2] {
        let shift = self.of_px.get(pattern).copied().unwrap_or_default();
        if is_common_kept {
            shift
        } else {
            apart(shift, self.common_px)
        }
    }

    /// A round factor by which arrows are drawn longer, so that they are seen and hardly cross.
    pub fn magnification(&self, given_px: &[[f64; 2]], is_common_kept: bool) -> f64 {
        let mut lengths: Vec<_> = (0..self.of_px.len())
            .map(|pattern| square(self.of(pattern, is_common_kept)).sqrt())
            .collect();
        let at = lengths.len().saturating_sub(1) * 95 / 100;
        if lengths.is_empty() {
            return 1.0;
        }
        let (_, usual_px, _) = lengths.select_nth_unstable_by(at, f64::total_cmp);
        if *usual_px <= 0.0 {
            return 1.0;
        }
        round_down(ARROW_SHARE * spacing_px(given_px) / *usual_px).max(1.0)
    }
}

fn apart(shift: [f64; 2], from: [f64; 2]) -> [f64; 2] {
    [shift[0] - from[0], shift[1] - from[1]]
}

fn square([row, column]: [f64; 2]) -> f64 {
    row * row + column * column
}

/// About the distance between neighbours: the positions spread evenly over what they span.
fn spacing_px(positions_px: &[[f64; 2]]) -> f64 {
    let span = |axis: usize| {
        let values = positions_px.iter().map(|position| position[axis]);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        (high - low).max(1.0)
    };
    (span(0) * span(1) / positions_px.len().max(1) as f64).sqrt()
}

/// 1, 2 or 5 times a power of ten, at most `value`.
pub fn round_down(value: f64) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return 1.0;
    }
    let decade = 10f64.powf(value.log10().floor());
    let steps = [5.0, 2.0, 1.0].into_iter();
    // Beside the decade itself for rounding errors.
    let mut fitting = steps.filter(|step| step * decade <= value * (1.0 + 1e-12));
    fitting.next().unwrap_or(1.0) * decade
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_are_told_with_and_without_the_common_one() {
        let given = [[0.0, 0.0], [0.0, 10.0], [10.0, 0.0], [10.0, 10.0]];
        let now = [[1.0, 0.0], [1.0, 10.0], [11.0, 0.0], [11.0, 10.4]];
        let shifts = Shifts::new(&given, &now).unwrap();
        assert_eq!(shifts.common_px[0], 1.0);
        assert!((shifts.common_px[1] - 0.1).abs() < 1e-12);
        assert!((shifts.rms_px - (1.0 + 0.04f64).sqrt()).abs() < 1e-12);
        assert!((shifts.rms_apart_px - 0.03f64.sqrt()).abs() < 1e-12);
        assert_eq!(shifts.furthest.0, 3);
        assert!((shifts.of(3, false)[1] - 0.3).abs() < 1e-12);
        // Neighbours are 5 px apart by this measure, the longest shift but one is 0.1 px.
        assert_eq!(shifts.magnification(&given, false), 50.0);
        assert!(Shifts::new(&given, &given).is_none());
        assert!(Shifts::new(&given, &now[..3]).is_none());
    }

    #[test]
    fn magnifications_are_round() {
        let rounded = [0.09, 0.5, 1.0, 4.9, 70.0, 1999.0].map(round_down);
        for (rounded, expected) in rounded.into_iter().zip([0.05, 0.5, 1.0, 2.0, 50.0, 1000.0]) {
            assert!((rounded - expected).abs() < 1e-9 * expected, "{rounded}");
        }
    }
}
