//! How coordinates lie on the object, and what mends them.

use crate::data::check::{overshoot_px, overshoots_px};

/// Most pixels of an object frame that coordinates may imply.
pub(crate) const MOST_OBJECT_PIXELS: f64 = (1u64 << 28) as f64;
/// Coordinates that differ by less than this over a whole scan are no pixels.
const LEAST_SPAN_PX: f64 = 1e-3;

/// What was found about the coordinates; each axis is 0 for rows, 1 for columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Geometry {
    /// Patterns whose coordinates are not finite, by axis.
    pub(crate) not_finite: [Vec<usize>; 2],
    /// Patterns whose patches lie outside, by axis, to be left out.
    pub(crate) outside: [Vec<usize>; 2],
    /// Added to every coordinate because they lie about zero.
    pub(crate) shift_px: Option<[f64; 2]>,
    /// Zeros to add to the object: top, left, bottom, right.
    pub(crate) padding_px: Option<[usize; 4]>,
    /// Patterns that pass the border by less than n/2.
    pub(crate) n_near: usize,
    /// Words for coordinates that cannot be pixels.
    pub(crate) refusal: Option<String>,
}

impl Geometry {
    /// Judge positions `(row, column)` of patches of side `n` on an object of `shape`, where there is one.
    pub(crate) fn of(positions: &[[f64; 2]], n: usize, shape: Option<[usize; 2]>) -> Self {
        let mut geometry = Self::default();
        for (axis, list) in geometry.not_finite.iter_mut().enumerate() {
            *list = (0..positions.len())
                .filter(|i| !positions[*i][axis].is_finite())
                .collect();
        }
        let finite: Vec<usize> = (0..positions.len())
            .filter(|i| positions[*i].iter().all(|value| value.is_finite()))
            .collect();
        let range = |axis: usize| {
            finite
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), i| {
                    (
                        least.min(positions[*i][axis]),
                        most.max(positions[*i][axis]),
                    )
                })
        };
        let ranges = [range(0), range(1)];
        let spans = ranges.map(|(least, most)| most - least);
        if finite.is_empty() {
            geometry.refusal = Some("no pattern with finite coordinates".to_owned());
        } else if spans.iter().all(|span| *span < LEAST_SPAN_PX)
            && spans.iter().any(|span| 0.0 < *span)
        {
            geometry.refusal = Some(format!(
                "all within {:.3e}: metres perhaps",
                spans[0].max(spans[1])
            ));
        } else if let Some(shape) = shape {
            geometry.on_object(positions, &finite, n, shape, ranges);
        } else {
            geometry.without_object(n, ranges, spans);
        }
        geometry
    }

    fn without_object(&mut self, n: usize, ranges: [(f64, f64); 2], spans: [f64; 2]) {
        let half = (n / 2) as f64;
        // Whole pixels, so that sub-pixel parts stay.
        let shift = ranges.map(|(least, _)| (half - least).ceil().max(0.0));
        let is_before = ranges
            .iter()
            .any(|(least, _)| overshoot_px(*least, n, None) != 0.0);
        let sides = [0, 1].map(|axis| {
            let most = if is_before {
                half + spans[axis]
            } else {
                ranges[axis].1
            };
            most + n as f64
        });
        if MOST_OBJECT_PIXELS < sides[0] * sides[1] {
            self.refusal = Some(format!(
                "they span {:.3e} x {:.3e} pixels",
                sides[0], sides[1]
            ));
        } else if is_before {
            self.shift_px = Some(shift);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the scan and the frame it is judged on"
    )]
    fn on_object(
        &mut self,
        positions: &[[f64; 2]],
        finite: &[usize],
        n: usize,
        shape: [usize; 2],
        ranges: [(f64, f64); 2],
    ) {
        let beyond = |i: usize, axis: usize, shift: f64| {
            overshoot_px(positions[i][axis] + shift, n, Some(shape[axis]))
        };
        let is_outside = |i: usize, shift: [f64; 2]| {
            [0, 1]
                .iter()
                .any(|axis| beyond(i, *axis, shift[*axis]) != 0.0)
        };
        let outside: Vec<usize> = finite
            .iter()
            .copied()
            .filter(|i| is_outside(*i, [0.0; 2]))
            .collect();
        if outside.is_empty() {
            return;
        }
        let half_object = shape.map(|side| side as f64 / 2.0);
        let is_about_zero = ranges.iter().any(|(least, _)| *least < 0.0);
        if is_about_zero && !finite.iter().any(|i| is_outside(*i, half_object)) {
            self.shift_px = Some(half_object);
            return;
        }
        let half = (n / 2) as f64;
        let is_far = |i: usize| [0, 1].iter().any(|axis| half <= beyond(i, *axis, 0.0));
        let (far, near): (Vec<usize>, Vec<usize>) = outside.into_iter().partition(|i| is_far(*i));
        self.n_near = near.len();
        let is_extended = positions.len() < 100 * near.len();
        let left_out = if is_extended {
            far
        } else {
            [far, near.clone()].concat()
        };
        for (axis, list) in self.outside.iter_mut().enumerate() {
            *list = left_out
                .iter()
                .copied()
                .filter(|i| beyond(*i, axis, 0.0) != 0.0)
                .collect();
            list.sort_unstable();
        }
        if is_extended {
            let most = |axis: usize, end: usize| {
                near.iter()
                    .map(|i| overshoots_px(positions[*i][axis], n, Some(shape[axis]))[end])
                    .fold(0.0, f64::max) as usize
            };
            self.padding_px = Some([most(0, 0), most(1, 0), most(0, 1), most(1, 1)]);
        }
    }

    /// What is added to a position.
    pub(crate) fn move_px(&self) -> [f64; 2] {
        let shift = self.shift_px.unwrap_or_default();
        let [top, left, ..] = self.padding_px.unwrap_or_default();
        [shift[0] + top as f64, shift[1] + left as f64]
    }

    /// All patterns that are left out.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = usize> + '_ {
        self.not_finite
            .iter()
            .chain(&self.outside)
            .flatten()
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Option<[usize; 2]> = Some([40, 36]);

    #[test]
    fn patches_inside_need_nothing() {
        let geometry = Geometry::of(&[[8.0, 8.4], [32.0, 28.49]], 16, SHAPE);
        assert_eq!(geometry, Geometry::default());
    }

    #[test]
    fn one_near_patch_of_many_is_left_out_and_more_extend_the_object() {
        let mut positions = vec![[20.0, 18.0]; 200];
        positions[7] = [5.0, 18.0];
        assert_eq!(
            Geometry::of(&positions, 16, SHAPE).outside,
            [vec![7], vec![]]
        );
        positions[8] = [20.0, 31.0];
        positions[9] = [6.0, 30.0];
        positions[10] = [20.0, 60.0];
        let geometry = Geometry::of(&positions, 16, SHAPE);
        assert_eq!(geometry.padding_px, Some([3, 0, 0, 3]));
        assert_eq!(geometry.outside, [vec![], vec![10]]);
        assert_eq!(geometry.move_px(), [3.0, 0.0]);
    }

    #[test]
    fn coordinates_that_cannot_be_pixels_are_refused() {
        assert!(
            Geometry::of(&[[1e-6, 2e-6], [2e-6, 2e-6]], 16, None)
                .refusal
                .is_some()
        );
        assert!(
            Geometry::of(&[[0.0, 0.0], [1e9, 1e9]], 16, None)
                .refusal
                .is_some()
        );
        assert!(Geometry::of(&[[f64::NAN, 0.0]], 16, None).refusal.is_some());
    }
}
