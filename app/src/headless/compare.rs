//! `compare`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ptycho_core::error::{Error, Result};
use ptycho_core::metrics::definitions::{DEFINITIONS, Definition};
use ptycho_core::metrics::evaluate::MetricValue;
use ptycho_core::metrics::settings::CompareSettings;
use ptycho_core::study::compare::export::{EXTRA_DEFINITIONS, check_folder, report, rows, write};
use ptycho_core::study::compare::notes::notes;
use ptycho_core::study::compare::{Compared, Comparison, Inputs, Loaded, Refusal, measure_all};
use serde_json::{Value, json};

use super::inspect::columns;
use super::{Exit, Session, print, print_json};
use crate::cli::compare::{CompareArgs, HowArgs};

/// What the table shows of all that is measured; the rest stands in JSON and CSV.
const SHOWN: [&str; 26] = [
    "mae",
    "rmse",
    "max_error",
    "psnr",
    "psnr_2pi",
    "ssim",
    "ssim_wang",
    "ms_ssim",
    "ms_ssim_legacy",
    "pearson",
    "complex_error",
    "frc50",
    "frc_1_7",
    "frc_1bit",
    "frc_half_bit",
    "frc50_nm",
    "frc_1_7_nm",
    "frc_1bit_nm",
    "frc_half_bit_nm",
    "amplitude_factor",
    "amplitude_factor_least_squares",
    "plane_column_rad_per_px",
    "plane_row_rad_per_px",
    "n_pixels",
    "n_left_out",
    "computation_time_s",
];

/// Which number of a row a line of the table shows.
type Choose = fn(&MetricValue) -> Option<f64>;

pub(super) fn compare(args: &CompareArgs, session: &Session) -> Result<Exit> {
    if let Some(folder) = &args.output {
        check_folder(folder)?;
    }
    let measured = measure(&args.inputs(), &args.how, &args.how.settings()?)?;
    let (loaded, comparison) = match measured {
        Measured::All(loaded, comparison) => (loaded, comparison),
        Measured::None(refused, error) => return none_left(&refused, &error, args.json),
    };
    say_refused(&comparison.refused);
    let files = match &args.output {
        Some(folder) => write(&loaded, &comparison, folder)?.files,
        None => Vec::new(),
    };
    if args.json {
        print_json(&object(&loaded, &comparison, &files))?;
    } else {
        print(&words(&loaded, &comparison))?;
        if let Some(folder) = &args.output {
            session.say(format_args!(
                "wrote {} files: {}",
                files.len(),
                folder.display()
            ));
        }
    }
    Ok(exit(&comparison.refused))
}

/// What came of the files.
pub(super) enum Measured {
    /// Some could be compared.
    All(Box<Loaded>, Box<Comparison>),
    /// None could, each for a reason of its own.
    None(Vec<Refusal>, Error),
}

/// Read and measure.
pub(super) fn measure(
    inputs: &Inputs,
    how: &HowArgs,
    settings: &CompareSettings,
) -> Result<Measured> {
    let mut loaded = Loaded::read(inputs)?;
    match loaded.check_enough() {
        Ok(()) => {}
        Err(error @ Error::Run(_)) => return Ok(Measured::None(loaded.refused, error)),
        Err(error) => return Err(error),
    }
    loaded.pixel_size_m = how.pixel_size_m().or(loaded.pixel_size_m);
    let comparison = measure_all(&loaded, &how.region, settings)?;
    if comparison.arms.is_empty() {
        let error = Error::Run("no reconstruction could be measured".to_owned());
        return Ok(Measured::None(comparison.refused, error));
    }
    Ok(Measured::All(Box::new(loaded), Box::new(comparison)))
}

/// The others were compared, yet not all that was asked for is done.
pub(super) fn exit(refused: &[Refusal]) -> Exit {
    if refused.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    }
}

pub(super) fn say_refused(refused: &[Refusal]) {
    for Refusal { name, file, reason } in refused {
        super::say(format_args!("error: {name}: {reason}: {}", file.display()));
    }
}

pub(super) fn none_left(refused: &[Refusal], error: &Error, is_json: bool) -> Result<Exit> {
    say_refused(refused);
    super::say("error: no reconstruction is left to compare");
    if is_json {
        print_json(&json!({
            "error": error.to_string(), "arms": [], "refused": refused, "n_failed": refused.len(),
            "exit_code": Exit::Failed as u8,
        }))?;
    }
    Ok(Exit::Failed)
}

/// The report as written, with the definitions left to the file that holds them.
fn object(loaded: &Loaded, comparison: &Comparison, files: &[PathBuf]) -> Value {
    let mut object = report(loaded, comparison);
    let is_json = |file: &&PathBuf| file.file_name() == Some("comparison_metrics.json".as_ref());
    object["definitions"] = json!(files.iter().find(is_json));
    object["files"] = json!(files);
    let seconds = comparison
        .arms
        .iter()
        .map(|arm| (arm.name.clone(), json!(arm.seconds)));
    object["measured_in_s"] = Value::Object(seconds.collect());
    object["exit_code"] = json!(exit(&comparison.refused) as u8);
    object
}

fn words(loaded: &Loaded, comparison: &Comparison) -> String {
    let area = &comparison.area;
    let mut text = format!(
        "reference  {}\nregion     {}: rows {}:{}, columns {}:{}\n",
        reference_words(loaded, comparison),
        comparison.region,
        area.rows.start,
        area.rows.end,
        area.columns.start,
        area.columns.end,
    );
    text.push_str(&table(loaded, comparison));
    if 1 < comparison.arms.len() {
        text.push_str("  * the best\n");
    }
    for note in notes(loaded, comparison) {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

fn reference_words(loaded: &Loaded, comparison: &Comparison) -> String {
    let file: Option<&Path> = match &loaded.inputs.truth {
        Some(file) => Some(file),
        None => loaded.reference_arm().map(|arm| arm.file.as_path()),
    };
    file.map_or_else(String::new, |file| {
        format!("{}: {}", comparison.reference, file.display())
    })
}

/// Phase first, then amplitude, then the whole and what was done to each arm.
fn table(loaded: &Loaded, comparison: &Comparison) -> String {
    let arms: Vec<(&Compared, Vec<MetricValue>)> = comparison
        .arms
        .iter()
        .map(|arm| (arm, rows(loaded.arm(&arm.name), arm)))
        .collect();
    let parts: [(&str, Choose); 3] = [
        ("phase", |row| row.phase),
        ("amplitude", |row| row.amplitude),
        ("whole", |row| row.value),
    ];
    let definitions = || {
        let all = DEFINITIONS.iter().chain(EXTRA_DEFINITIONS);
        all.filter(|definition| SHOWN.contains(&definition.key))
    };
    let mut lines: Vec<Vec<String>> = parts
        .iter()
        .flat_map(|(part, of)| {
            let arms = &arms;
            definitions().filter_map(move |definition| line(part, *of, definition, arms))
        })
        .collect();
    lines.push(shifts(comparison));
    let mut times = vec!["whole".to_owned(), "measured in".to_owned(), "s".to_owned()];
    times.extend(
        comparison
            .arms
            .iter()
            .map(|arm| format!("{:.3}", arm.seconds)),
    );
    lines.push(times);
    let mut head = vec!["OF", "METRIC", "UNIT"];
    head.extend(comparison.arms.iter().map(|arm| arm.name.as_str()));
    columns(&head, lines.into_iter())
}

/// One number of all arms; `None` where no arm has it.
fn line(
    part: &str,
    of: Choose,
    definition: &Definition,
    arms: &[(&Compared, Vec<MetricValue>)],
) -> Option<Vec<String>> {
    let number = |rows: &[MetricValue]| {
        let row = rows.iter().find(|row| row.key == definition.key)?;
        of(row)
    };
    let numbers: Vec<Option<f64>> = arms.iter().map(|(_, rows)| number(rows)).collect();
    if numbers.iter().all(Option::is_none) {
        return None;
    }
    let best = definition.better.best(&numbers);
    let unit = if part == "phase" {
        definition.unit_of_phase()
    } else {
        definition.unit
    };
    let mut cells: Vec<String> = [part, definition.label, unit].map(str::to_owned).into();
    let reaches_corner = |place: usize, number: f64| {
        let curve = &arms[place].0.evaluation.frc.complex;
        let corner = curve.values.len() as f64 / (curve.side_px as f64 / 2.0);
        definition.unit == "of Nyquist" && corner <= number
    };
    cells.extend(
        numbers
            .iter()
            .enumerate()
            .map(|(place, number)| match number {
                Some(number) if reaches_corner(place, *number) => "not reached".to_owned(),
                Some(number) if Some(*number) == best => format!("{} *", short(*number)),
                Some(number) => short(*number),
                None => "-".to_owned(),
            }),
    );
    Some(cells)
}

/// Five digits; whole numbers as they are.
fn short(value: f64) -> String {
    let magnitude = value.abs();
    if value.fract() == 0.0 && magnitude < 1e9 {
        return format!("{value}");
    }
    if (1e-3..1e6).contains(&magnitude) {
        let digits = (4 - magnitude.log10().floor() as i32).clamp(0, 7) as usize;
        return format!("{value:.digits$}");
    }
    format!("{value:.4e}")
}

fn shifts(comparison: &Comparison) -> Vec<String> {
    let mut cells = vec![
        "whole".to_owned(),
        "moved (row, column)".to_owned(),
        "px".to_owned(),
    ];
    cells.extend(comparison.arms.iter().map(|arm| {
        arm.prepared.steps.registration.map_or_else(
            || "not registered".to_owned(),
            |found| {
                let [dy, dx] = found.shift_px;
                let mark = if arm.prepared.steps.is_far {
                    " (!)"
                } else {
                    ""
                };
                format!("({dy:.2}, {dx:.2}){mark}")
            },
        )
    }));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_five_digits() {
        let shown = [
            0.012_345_678,
            31.415_926,
            1_234.567_8,
            24_000.0,
            1e-9,
            f64::INFINITY,
        ]
        .map(short);
        assert_eq!(
            shown,
            ["0.012346", "31.416", "1234.6", "24000", "1.0000e-9", "inf"]
        );
    }
}
