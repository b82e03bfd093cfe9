//! Where everything stands: frames of a row equally wide, rows of the same kinds of panels exactly below one another.

use super::check::invalid;
use super::frame::{Around, Rect};
use super::panel::Cell;
use super::style::{QUIET, Style};
use super::svg::{Anchor, Canvas, TextStyle};
use super::text::wrapped;
use super::{Figure, Panel};
use crate::error::{Error, Result};
use crate::paint::ticks;

const MM_PER_POINT: f64 = 25.4 / 72.0;
/// The narrowest frame, in heights of a letter.
const LEAST_FRAME: f64 = 4.0;
/// Room only grows from one round to the next, by whole lines of text, so few rounds are enough.
const MOST_ROUNDS: usize = 50;

struct Row<'a> {
    cells: Vec<Cell<'a>>,
    around: Vec<Around>,
    /// Width and height of every frame of the row.
    frame: [f64; 2],
    label: &'a str,
    /// Counted from 1.
    number: usize,
    /// Rows of the same number share their columns.
    group: usize,
    /// How many rows the colour bar of each panel reaches over.
    bar_rows: Vec<usize>,
}

/// A figure that [`super::check::check`] has passed, as SVG.
pub(super) fn draw(figure: &Figure) -> Result<String> {
    let style = Style::new(figure.font_pt);
    let mut rows = rows(figure);
    let width = figure.width_mm / MM_PER_POINT;
    let left = fit(&mut rows, width, style)?;
    let margin = style.margin();
    let mut canvas = Canvas::default();
    let tops = tops(&rows, style);
    for (i, row) in rows.iter().enumerate() {
        let reach = |n_rows: usize| {
            let last = i + n_rows - 1;
            tops[last][1] + rows[last].frame[1] - tops[i][1] - row.frame[1]
        };
        row.draw(&mut canvas, (left, tops[i], &reach), style)
            .map_err(|error| Error::Run(format!("a picture of the figure: {error}")))?;
    }
    let last = rows.last().zip(tops.last());
    let bottom = last.map_or(margin, |(row, [_, frame_top])| {
        frame_top + row.frame[1] + row.bounds().bottom
    });
    let bottom = caption(figure, &mut canvas, [margin, bottom, width - margin], style);
    let height = bottom + margin;
    let size_mm = [figure.width_mm, height * MM_PER_POINT];
    Ok(canvas.document(size_mm, [width, height], &figure.described()))
}

/// Where each row begins, and where its frames do.
fn tops(rows: &[Row<'_>], style: Style) -> Vec<[f64; 2]> {
    let mut top = style.margin();
    let place = |row: &Row<'_>| {
        let around = row.bounds();
        let at = [top, top + around.top];
        top = at[1] + row.frame[1] + around.bottom + style.between();
        at
    };
    rows.iter().map(place).collect()
}

/// Write the caption below everything; the answer is where it ends.
fn caption(
    figure: &Figure,
    canvas: &mut Canvas,
    [left, top, right]: [f64; 3],
    style: Style,
) -> f64 {
    let lines = wrapped(&figure.caption, style.small, right - left);
    if lines.is_empty() {
        return top;
    }
    let first = top + style.between();
    for (i, line) in lines.iter().enumerate() {
        let baseline = first + i as f64 * Style::line(style.small) + Style::ascent(style.small);
        let words = TextStyle {
            colour: QUIET,
            ..style.small_text(Anchor::Start)
        };
        canvas.text([left, baseline], line, words);
    }
    first + lines.len() as f64 * Style::line(style.small)
}

fn rows(figure: &Figure) -> Vec<Row<'_>> {
    let mut n_letters = 0;
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut groups: Vec<Vec<&Panel>> = Vec::new();
    for (i, panels) in figure.rows.iter().enumerate() {
        let cells = Cell::of_row(panels, |panel| {
            if !figure.has_letters || matches!(panel, Panel::Empty) {
                return None;
            }
            n_letters += 1;
            Some(letter(n_letters - 1))
        });
        rows.push(Row {
            around: vec![Around::default(); cells.len()],
            cells,
            frame: [0.0; 2],
            label: figure.row_labels.get(i).map_or("", String::as_str),
            number: i + 1,
            group: group_of(panels, &mut groups),
            bar_rows: vec![1; panels.len()],
        });
    }
    if figure.has_common_bars {
        join_bars(&mut rows);
    }
    rows
}

/// Of bars below one another that show the same, the first stays and reaches down to the last.
fn join_bars(rows: &mut [Row<'_>]) {
    for first in 0..rows.len() {
        for at in 0..rows[first].cells.len() {
            let Some(mut bar) = rows[first].cells[at].bar().cloned() else {
                continue;
            };
            let group = rows[first].group;
            let mut n_rows = 1;
            for row in &mut rows[first + 1..] {
                let other = row.cells[..].get(at).and_then(|cell| cell.bar());
                let Some(other) = other.filter(|other| row.group == group && bar.is_same(other))
                else {
                    break;
                };
                bar.take(other);
                if let Some(theirs) = row.cells[at].bar_mut() {
                    *theirs = None;
                }
                n_rows += 1;
            }
            rows[first].bar_rows[at] = n_rows;
            if let Some(own) = rows[first].cells[at].bar_mut() {
                *own = Some(bar);
            }
        }
    }
}

/// The number of the group of rows with the same kinds of panels, a free place being of any kind.
fn group_of<'a>(panels: &'a [Panel], groups: &mut Vec<Vec<&'a Panel>>) -> usize {
    let is_alike = |a: &Panel, b: &Panel| {
        matches!(
            (a, b),
            (Panel::Empty, _)
                | (_, Panel::Empty)
                | (Panel::Image(_), Panel::Image(_))
                | (Panel::Plot(_), Panel::Plot(_))
        )
    };
    let found = groups.iter().position(|group| {
        group.len() == panels.len() && group.iter().zip(panels).all(|(a, b)| is_alike(a, b))
    });
    let Some(at) = found else {
        groups.push(panels.iter().collect());
        return groups.len() - 1;
    };
    for (known, panel) in groups[at].iter_mut().zip(panels) {
        if matches!(known, Panel::Empty) {
            *known = panel;
        }
    }
    at
}

/// a, b, ... z, aa, ab, ...
fn letter(number: usize) -> String {
    let last = char::from(b'a' + (number % 26) as u8);
    if number < 26 {
        last.to_string()
    } else {
        letter(number / 26 - 1) + &last.to_string()
    }
}

/// Find frames and the room around them; the answer is where the panels begin, right of the rows' labels.
fn fit(rows: &mut [Row<'_>], page_width: f64, style: Style) -> Result<f64> {
    let mut n_label_lines = 0;
    for _ in 0..MOST_ROUNDS {
        let label = label_width(n_label_lines, style);
        let left = style.margin() + label;
        let mut has_changed = false;
        for row in &mut *rows {
            row.frame = row.fitting(page_width - left - style.margin(), style);
            if row.frame[0] < LEAST_FRAME * style.font {
                return Err(too_narrow(row.cells.len(), page_width));
            }
            has_changed |= row.measure(style);
            let n_lines = wrapped(row.label, style.font, row.frame[1]).len();
            has_changed |= n_label_lines < n_lines;
            n_label_lines = n_label_lines.max(n_lines);
        }
        has_changed |= align(rows);
        if !has_changed {
            return Ok(left);
        }
    }
    Err(too_narrow(rows.len(), page_width))
}

fn label_width(n_lines: usize, style: Style) -> f64 {
    if n_lines == 0 {
        return 0.0;
    }
    n_lines as f64 * Style::line(style.font) + style.gap()
}

fn too_narrow(n_panels: usize, page_width: f64) -> Error {
    let expected = format!("room for {n_panels} panels in a row with their labels");
    let found = format!("{} mm", ticks::value_text(page_width * MM_PER_POINT));
    invalid("width_mm", &expected, found)
        .with_fix("a wider figure, smaller letters, shorter labels, or fewer panels in a row")
}

/// Give the columns of a group the room of the one that needs most; whether anything grew.
fn align(rows: &mut [Row<'_>]) -> bool {
    let mut has_grown = false;
    for i in 0..rows.len() {
        for j in 0..rows[i].around.len() {
            let same = rows.iter().filter(|row| row.group == rows[i].group);
            let most = same.fold(rows[i].around[j], |most, row| Around {
                left: most.left.max(row.around[j].left),
                right: most.right.max(row.around[j].right),
                ..most
            });
            has_grown |= most != rows[i].around[j];
            rows[i].around[j] = most;
        }
    }
    has_grown
}

impl Row<'_> {
    /// The frames' width and height where the panels have this width in all.
    fn fitting(&self, width: f64, style: Style) -> [f64; 2] {
        let n = self.cells.len() as f64;
        let taken: f64 = self.around.iter().map(|room| room.left + room.right).sum();
        let width = (width - taken - (n - 1.0) * style.between()) / n;
        let heights = |is_image: bool| {
            let cells = self
                .cells
                .iter()
                .filter(move |cell| cell.is_image() == is_image);
            cells
                .filter_map(|cell| cell.height(width, style))
                .fold(None, |most: Option<f64>, height| {
                    Some(most.map_or(height, |most| most.max(height)))
                })
        };
        // A plot beside pictures is as high as they are.
        let height = heights(true).or_else(|| heights(false)).unwrap_or(0.0);
        [width, height]
    }

    /// Ask the panels how much room they need; whether that is more than before.
    fn measure(&mut self, style: Style) -> bool {
        let mut has_grown = false;
        for (cell, around) in self.cells.iter().zip(&mut self.around) {
            let needed = around.or_more(cell.around(self.frame, style));
            has_grown |= needed != *around;
            *around = needed;
        }
        has_grown
    }

    /// The most room above and below a frame of the row.
    fn bounds(&self) -> Around {
        self.around
            .iter()
            .fold(Around::default(), |most, &room| most.or_more(room))
    }

    fn draw(
        &self,
        canvas: &mut Canvas,
        (left, [top, frame_top], reach): (f64, [f64; 2], &dyn Fn(usize) -> f64),
        style: Style,
    ) -> std::io::Result<()> {
        let [width, height] = self.frame;
        let lines = wrapped(self.label, style.font, height);
        for (i, line) in lines.iter().enumerate() {
            let back = label_width(lines.len(), style) - i as f64 * Style::line(style.font);
            let at = [
                left - back + Style::ascent(style.font),
                frame_top + height / 2.0,
            ];
            canvas.text(at, line, style.label_text(true));
        }
        let mut x = left;
        for (i, (cell, around)) in self.cells.iter().zip(&self.around).enumerate() {
            let frame = Rect {
                left: x + around.left,
                top: frame_top,
                width,
                height,
            };
            canvas.begin(&format!("row{}-panel{}", self.number, i + 1));
            cell.draw(canvas, (frame, top, reach(self.bar_rows[i])), style)?;
            canvas.end();
            x = frame.right() + around.right + style.between();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!(
            [0, 1, 25, 26, 27, 51, 52].map(letter).join(" "),
            "a b z aa ab az ba"
        );
    }
}
