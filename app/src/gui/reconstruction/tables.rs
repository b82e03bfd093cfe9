//! What the window knows of positions and weights, as comma-separated values.

use std::fmt::Write as _;

use ptycho_core::iterative::Course;

use super::super::document::Document;

/// Given and refined position of every pattern.
pub fn shifts_csv(document: &Document) -> String {
    let mut text = "pattern,given_row_px,given_column_px,row_px,column_px\n".to_owned();
    let given = document.scan.dataset.as_ref();
    let given = given.map_or(&[][..], |dataset| dataset.positions_px());
    let pairs = given.iter().zip(&document.run.course.positions_px);
    for (pattern, (given, now)) in pairs.enumerate() {
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{pattern},{},{},{},{}",
            given[0], given[1], now[0], now[1]
        );
    }
    text
}

/// Weights of the probe and of the OPR modes for every pattern.
pub fn weights_csv(course: &Course) -> String {
    let weights = &course.opr_weights;
    let mut text = "pattern,probe".to_owned();
    for mode in 1..weights.ncols() {
        let _ = write!(text, ",opr_mode_{mode}");
    }
    text.push('\n');
    for (pattern, row) in weights.outer_iter().enumerate() {
        let _ = write!(text, "{pattern}");
        for weight in row {
            let _ = write!(text, ",{weight:e}");
        }
        text.push('\n');
    }
    text
}
