//! One line for each number.

use std::fmt::Write as _;

use super::Row;
use crate::study::compare::export::quoted;

/// `statistic,dose,view,split,arm,part,metric,unit,value,n,is_best`: `statistic` is `value`, `mean`, `best`,
/// `difference_to_baseline` and so on; `dose` and `view` are empty where a number is taken over all of them; `n` is the
/// number of comparisons it is taken over. Every digit that a reader needs to have the very same number.
pub(in crate::study::report) fn csv(rows: &[Row]) -> String {
    let mut text = "statistic,dose,view,split,arm,part,metric,unit,value,n,is_best\n".to_owned();
    for row in rows {
        let dose = row.dose.map_or_else(String::new, |dose| dose.to_string());
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{},{dose},{},{},{},{},{},{},{},{},{}",
            row.statistic.word(),
            quoted(row.view.as_deref().unwrap_or_default()),
            quoted(&row.split),
            quoted(&row.arm),
            row.key.part.word(),
            quoted(&row.key.name),
            quoted(row.key.unit()),
            row.value,
            row.n,
            row.is_best,
        );
    }
    text
}
