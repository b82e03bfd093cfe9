//! What makes a figure impossible, by name, before anything is drawn.

use super::panel::axes;
use super::{Figure, ImagePanel, Panel, PlotPanel};
use crate::error::{Error, Result};

const ATTEMPTED: &str = "draw the figure";

pub(super) fn invalid(key: &str, expected: &str, found: impl Into<String>) -> Error {
    Error::invalid(ATTEMPTED, key, expected, found)
}

/// The first thing that is wrong.
pub(super) fn check(figure: &Figure) -> Result<()> {
    within("width_mm", figure.width_mm, [20.0, 1000.0], "mm")?;
    within("font_pt", figure.font_pt, [3.0, 48.0], "pt")?;
    let n_labels = figure.row_labels.len();
    if n_labels != 0 && n_labels != figure.rows.len() {
        let expected = format!("one for each of {} rows, or none", figure.rows.len());
        return Err(invalid("row_labels", &expected, n_labels.to_string()));
    }
    for (key, _) in &figure.metadata {
        check_keyword(key)?;
    }
    let mut panels = figure.rows.iter().flatten();
    if panels.all(|panel| matches!(panel, Panel::Empty)) {
        return Err(invalid("rows", "a panel at least", "none"));
    }
    for (i, row) in figure.rows.iter().enumerate() {
        if row.is_empty() {
            let key = format!("row {}", i + 1);
            return Err(invalid(&key, "a panel at least", "none"));
        }
        for (j, panel) in row.iter().enumerate() {
            let of = format!("row {}, panel {}", i + 1, j + 1);
            match panel {
                Panel::Image(image) => check_image(image, &of)?,
                Panel::Plot(plot) => check_plot(plot, &of)?,
                Panel::Empty => {}
            }
        }
    }
    Ok(())
}

/// Refuse a number outside a range, NaN among them.
pub(super) fn within(key: &str, value: f64, [least, most]: [f64; 2], unit: &str) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let expected = format!("{least} to {most} {unit}");
    Err(invalid(key, &expected, value.to_string()))
}

/// PNG takes keywords of 1 to 79 letters; only those of ASCII are sure to be read by everything.
fn check_keyword(key: &str) -> Result<()> {
    let is_fit = (1..=79).contains(&key.len())
        && key.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && key.trim() == key
        && !key.contains("  ");
    if is_fit {
        return Ok(());
    }
    let expected = "keys of 1 to 79 letters of ASCII, without blanks at the ends or two in a row";
    Err(invalid("metadata", expected, format!("{key:?}")))
}

fn name(of: &str, title: &str) -> String {
    if title.is_empty() {
        of.to_owned()
    } else {
        format!("{of} ({title})")
    }
}

fn check_image(image: &ImagePanel, of: &str) -> Result<()> {
    let of = name(of, &image.title);
    let values = &image.values;
    if !values.iter().any(|value| value.is_finite()) {
        let found = format!("none in {} x {}", values.nrows(), values.ncols());
        return Err(invalid(&of, "a finite value at least", found));
    }
    let (min, max) = (image.limits.min, image.limits.max);
    if !(min.is_finite() && max.is_finite() && min <= max) {
        let expected = "limits of the colours that are numbers, the lower one first";
        return Err(invalid(&of, expected, format!("{min} to {max}")));
    }
    Ok(())
}

fn check_plot(plot: &PlotPanel, of: &str) -> Result<()> {
    let of = name(of, &plot.title);
    for (axis, limits, is_log) in [
        ("x", plot.x_limits, plot.is_log_x),
        ("y", plot.y_limits, plot.is_log_y),
    ] {
        let Some([min, max]) = limits else {
            continue;
        };
        if !(min.is_finite() && max.is_finite() && min < max) {
            let expected = format!("limits of {axis} that are numbers, the lower one first");
            return Err(invalid(&of, &expected, format!("{min} to {max}")));
        }
        if is_log && min <= 0.0 {
            let expected = format!("limits of {axis} above 0 on a logarithmic axis");
            return Err(invalid(&of, &expected, format!("{min} to {max}")));
        }
    }
    if axes(plot).is_none() {
        let expected = if plot.is_log_x || plot.is_log_y {
            "a point at least that is finite, and positive on logarithmic axes"
        } else {
            "a finite point at least"
        };
        let found = format!("none in {} curves", plot.curves.len());
        return Err(invalid(&of, expected, found));
    }
    Ok(())
}
