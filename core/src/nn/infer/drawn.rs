//! Which pixels around a group's centre its members have drawn.

use crate::nn::architecture::Architecture;

/// Of a pixel on a support's edge at least this part must be drawn: what is drawn less goes to zero there by the merge's
/// denominator.
const LEAST_DRAWN: f64 = 0.5;

/// The part of a patch on which the network draws.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drawn {
    first: f64,
    last: f64,
}

impl Drawn {
    /// The central half where the object is padded and has no border, else all of it.
    pub(crate) fn of(architecture: &Architecture) -> Self {
        let n = architecture.n;
        let (first, end) = if architecture.pad_object && !architecture.border_head {
            (n / 4, n / 4 + n / 2)
        } else {
            (0, n)
        };
        Self {
            first: first as f64,
            last: end as f64 - 1.0,
        }
    }

    /// Whether a member at one of these offsets from the centre has drawn this pixel of the group's object, whose pixel
    /// n/2 is the centre.
    pub(crate) fn has(self, row: usize, column: usize, relative_px: &[[f64; 2]]) -> bool {
        let share = relative_px.iter().map(|relative| {
            self.share(row as f64 - relative[0]) * self.share(column as f64 - relative[1])
        });
        LEAST_DRAWN <= share.sum::<f64>()
    }

    /// The support, interpolated between pixels.
    fn share(self, at: f64) -> f64 {
        (at - self.first + 1.0)
            .min(self.last + 1.0 - at)
            .clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_members_leave_the_centre_undrawn() {
        let drawn = Drawn {
            first: 16.0,
            last: 47.0,
        };
        assert!(drawn.has(16, 47, &[[0.0; 2]]));
        assert!(!drawn.has(15, 32, &[[0.0; 2]]) && !drawn.has(32, 48, &[[0.0; 2]]));
        // Half a pixel further is still half drawn.
        assert!(drawn.has(48, 32, &[[0.5, 0.0]]));
        assert!(!drawn.has(48, 32, &[[0.4, 0.0]]));
        assert!(drawn.has(48, 32, &[[0.4, 0.0], [0.2, 0.0]]));
        let corners = [[-20.0, -20.0], [-20.0, 20.0], [20.0, -20.0], [20.0, 20.0]];
        assert!(!drawn.has(32, 32, &corners));
        assert!(drawn.has(22, 22, &corners));
    }
}
