//! What belongs to one position: its group, its neighbours, what rejected it, in lines and in a sentence.

use egui::{Color32, Label, Painter, RichText, Sense, Stroke, TextStyle, Ui, UiBuilder, vec2};
use ptycho_core::grouping::Standing;

use super::super::super::theme;
use super::super::super::thinning::subject::Half;
use super::super::super::thinning::{Shown, Subject, Thinning};
use super::super::super::widgets::viewport::Viewport;

/// More circles than this would hide each other and cost every frame.
const MOST_CIRCLES: usize = 1500;
/// A plot narrower than this has three lines for the sentence in place of two.
const NARROW: f32 = 120.0 * theme::GRID;

/// Circles of the probe's diameter about the kept positions that are seen.
pub(super) fn circles(
    painter: &Painter,
    viewport: &Viewport,
    (subject, shown): (&Subject, &Shown),
) {
    let (light, dark) = theme::overlay();
    let mut n_left = MOST_CIRCLES;
    for (half, of_half) in subject.halves.iter().zip(&shown.halves) {
        let Ok(of_half) = of_half else { continue };
        let radius = of_half.plan.diameter_px as f32 / 2.0 * viewport.zoom;
        let seen = viewport.rect.expand(radius);
        for row in &of_half.plan.rows {
            let at = viewport.screen(subject.positions_px[half.rows.start + row]);
            if seen.contains(at) && 0 < n_left {
                n_left -= 1;
                painter.circle_stroke(at, radius, (2.0, dark.gamma_multiply(0.5)));
                painter.circle_stroke(at, radius, (0.75, light));
            }
        }
    }
}

/// The K nearest others thin, the group strong, and a line to what rejected the position.
pub(super) fn group_of(
    painter: &Painter,
    viewport: &Viewport,
    (subject, shown): (&Subject, &Shown),
    row: usize,
) {
    let Some((i, half, own)) = subject.half_of(row) else {
        return;
    };
    let Some(of_half) = shown.half(i) else { return };
    let at = |own: usize| viewport.screen(subject.positions_px[half.rows.start + own]);
    let palette = theme::palette_of(true);
    let (light, dark) = theme::overlay();
    for other in nearest(subject, half, own, of_half.plan.k) {
        line(
            painter,
            [at(own), at(other)],
            (1.0, light.gamma_multiply(0.7)),
            dark,
        );
    }
    let plan = &of_half.plan;
    let mut groups: Vec<(Vec<u32>, Color32)> = plan
        .groups_of(own as u32)
        .map(|g| (plan.groups.index().row(g).to_vec(), palette.series[2]))
        .collect();
    if groups.is_empty() {
        let drawn = plan.group_drawn_at(own as u32);
        groups.extend(drawn.map(|members| (members, palette.series[1])));
    }
    for (members, colour) in &groups {
        polygon(
            painter,
            members.iter().map(|member| at(*member as usize)).collect(),
            *colour,
            dark,
        );
    }
    if let Some(Standing::TooCloseTo(other)) = of_half.standings.get(own) {
        let other = at(*other as usize);
        line(painter, [at(own), other], (2.0, palette.bad), dark);
        painter.circle_stroke(other, 6.0, (2.0, palette.bad));
    }
}

fn line(painter: &Painter, ends: [egui::Pos2; 2], stroke: impl Into<Stroke>, dark: Color32) {
    let stroke = stroke.into();
    painter.line_segment(ends, (stroke.width + 2.0, dark));
    painter.line_segment(ends, stroke);
}

/// The members joined around their middle, so that the outline does not cross itself.
fn polygon(painter: &Painter, mut corners: Vec<egui::Pos2>, colour: Color32, dark: Color32) {
    let n = corners.len().max(1) as f32;
    let sum = corners
        .iter()
        .fold(egui::Vec2::ZERO, |sum, at| sum + at.to_vec2());
    let middle = (sum / n).to_pos2();
    corners.sort_by(|a, b| (*a - middle).angle().total_cmp(&(*b - middle).angle()));
    for i in 0..corners.len() {
        let ends = [corners[i], corners[(i + 1) % corners.len()]];
        line(painter, ends, (2.0, colour), dark);
    }
    for at in corners {
        painter.circle_filled(at, 4.0, dark);
        painter.circle_filled(at, 3.0, colour);
    }
}

/// The `k` nearest others of a position within its half; asked for one position at a time, so that counting all is
/// quick enough.
fn nearest(subject: &Subject, half: &Half, own: usize, k: usize) -> Vec<usize> {
    let positions = &subject.positions_px[half.rows.clone()];
    let [row, column] = positions[own];
    let mut others: Vec<(f64, usize)> = positions
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != own)
        .map(|(other, at)| ((at[0] - row).powi(2) + (at[1] - column).powi(2), other))
        .collect();
    if k < others.len() {
        others.select_nth_unstable_by(k, |a, b| {
            a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal)
        });
        others.truncate(k);
    }
    others.into_iter().map(|(_, other)| other).collect()
}

/// What becomes of the position and why; of the same height always, so that nothing moves when the pointer does.
pub(super) fn reason_lines(
    ui: &mut Ui,
    (thinning, subject): (&Thinning, &Subject),
    row: Option<usize>,
) {
    let words = row
        .and_then(|row| reason(thinning, subject, row))
        .unwrap_or_else(|| {
            "Point at a position to see its group and neighbours; click to pin it.".to_owned()
        });
    let width = ui.available_width();
    let n_lines = if width < NARROW { 3.0 } else { 2.0 };
    let height = n_lines * ui.text_style_height(&TextStyle::Small) + theme::GRID;
    // The place is taken first: were it to follow the words, the plot would move from under the pointer.
    let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let text = RichText::new(&words).small().color(theme::palette(ui).weak);
    let mut inside = ui.new_child(UiBuilder::new().max_rect(rect));
    inside.shrink_clip_rect(rect);
    inside.add(Label::new(text).wrap().selectable(true));
}

/// What becomes of a position and why, with its groups.
pub(super) fn reason(thinning: &Thinning, subject: &Subject, row: usize) -> Option<String> {
    let (i, half, own) = subject.half_of(row)?;
    let shown = thinning.shown.as_ref()?.half(i)?;
    let standing = shown.standings.get(own)?;
    let mut words = format!(
        "{}: {}",
        half.name,
        shown.plan.reason(own as u32, *standing)
    );
    let groups: Vec<usize> = shown.plan.groups_of(own as u32).collect();
    if let Some(first) = groups.first() {
        words = match groups.len() {
            1 => format!("{words}, in group {first}"),
            n => format!("{words}, in {n} groups, the first is {first}"),
        };
    }
    let distance_px = subject.nearest_px.get(row)?;
    Some(format!("{words}; nearest other {distance_px:.2} px away"))
}
