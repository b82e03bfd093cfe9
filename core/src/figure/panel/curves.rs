//! Points of curves to lines on the page.

use super::super::axes::Axis;
use super::super::frame::Rect;
use super::super::svg::{Canvas, Stroke, number};

/// How far beyond the frame a line may run; what is not seen of a steep one needs no more digits.
const MOST_BEYOND: f64 = 1e5;

/// The unbroken parts of a curve, in points of the page.
pub(super) fn polylines(points: &[[f64; 2]], [x, y]: [Axis; 2], frame: Rect) -> Vec<Vec<[f64; 2]>> {
    let place = |&[at_x, at_y]: &[f64; 2]| {
        let (across, up) = (x.share(at_x)?, y.share(at_y)?);
        Some([
            (frame.left + across * frame.width).clamp(-MOST_BEYOND, MOST_BEYOND),
            (frame.bottom() - up * frame.height).clamp(-MOST_BEYOND, MOST_BEYOND),
        ])
    };
    let placed: Vec<_> = points.iter().map(place).collect();
    placed
        .split(Option::is_none)
        .filter(|part| !part.is_empty())
        .map(|part| part.iter().copied().flatten().collect())
        .collect()
}

/// Draw the parts as one path, and a disc for each part of a single point.
pub(super) fn draw_curve(canvas: &mut Canvas, lines: &[Vec<[f64; 2]>], stroke: Stroke) {
    let mut data = String::new();
    for line in lines {
        let mut last = String::new();
        let mut n_points = 0;
        for [x, y] in line {
            let at = format!("{} {}", number(*x), number(*y));
            // Points that fall together on the page are one.
            if at != last {
                if n_points < 2 {
                    data.push(if n_points == 0 { 'M' } else { 'L' });
                } else {
                    data.push(' ');
                }
                data.push_str(&at);
                n_points += 1;
                last = at;
            }
        }
        if n_points == 1 {
            canvas.disc(line[0], stroke.width, stroke.colour);
        }
    }
    canvas.path(&data, stroke);
}

/// Whether a line passes through a rectangle.
pub(super) fn crosses(line: &[[f64; 2]], rect: Rect) -> bool {
    let is_hit = |[from, to]: [[f64; 2]; 2]| segment_crosses(from, to, rect);
    match line {
        [only] => is_hit([*only, *only]),
        _ => line.array_windows().any(|&pair| is_hit(pair)),
    }
}

/// Liang and Barsky: the part of the segment that lies between the sides is not empty.
fn segment_crosses(from: [f64; 2], to: [f64; 2], rect: Rect) -> bool {
    let (mut enters, mut leaves) = (0.0f64, 1.0f64);
    let low = [rect.left, rect.top];
    let high = [rect.right(), rect.bottom()];
    for axis in 0..2 {
        let along = to[axis] - from[axis];
        let (a, b) = (low[axis] - from[axis], high[axis] - from[axis]);
        if along == 0.0 {
            if a > 0.0 || b < 0.0 {
                return false;
            }
        } else {
            enters = enters.max((a / along).min(b / along));
            leaves = leaves.min((a / along).max(b / along));
        }
    }
    enters <= leaves
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Rect = Rect {
        left: 10.0,
        top: 20.0,
        width: 100.0,
        height: 50.0,
    };

    #[test]
    fn what_is_no_number_breaks_a_line() {
        let unit = Axis {
            limits: [0.0, 1.0],
            is_log: false,
        };
        let points = [
            [0.0, 0.0],
            [0.5, 1.0],
            [0.6, f64::NAN],
            [f64::INFINITY, 0.2],
            [1.0, 0.5],
        ];
        let lines = polylines(&points, [unit; 2], FRAME);
        assert_eq!(
            lines,
            [vec![[10.0, 70.0], [60.0, 20.0]], vec![[110.0, 45.0]]]
        );
    }

    #[test]
    fn lines_cross_rectangles() {
        assert!(crosses(&[[0.0, 0.0], [200.0, 100.0]], FRAME));
        assert!(crosses(&[[50.0, 30.0], [51.0, 31.0]], FRAME));
        assert!(crosses(&[[50.0, 30.0]], FRAME));
        assert!(!crosses(&[[50.0, 10.0]], FRAME));
        assert!(!crosses(&[[0.0, 0.0], [0.0, 100.0]], FRAME));
        assert!(!crosses(&[[0.0, 60.0], [60.0, 120.0]], FRAME));
    }
}
