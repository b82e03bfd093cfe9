//! `frc`.

use std::fmt::Write as _;

use ptycho_core::disk;
use ptycho_core::error::Result;
use ptycho_core::metrics::evaluate::FrcCurves;
use ptycho_core::metrics::frc::Threshold;
use ptycho_core::study::compare::export::{curves_csv, report};
use ptycho_core::study::compare::notes::notes;
use ptycho_core::study::compare::{Compared, Comparison, Loaded};
use serde_json::{Value, json};

use super::compare::{Measured, measure, none_left};
use super::inspect::columns;
use super::{Exit, Session, print, print_json};
use crate::cli::frc::FrcArgs;

pub(super) fn frc(args: &FrcArgs, session: &Session) -> Result<Exit> {
    let mut settings = args.how.settings()?;
    settings.frc_window &= !args.no_window;
    let (loaded, comparison) = match measure(&args.inputs(), &args.how, &settings)? {
        Measured::All(loaded, comparison) => (loaded, comparison),
        Measured::None(refused, error) => return none_left(&refused, &error, args.json),
    };
    if let Some(output) = &args.output {
        disk::write(output, curves_csv(&comparison).as_bytes())?;
        session.say(format_args!("wrote the curves: {}", output.display()));
    }
    if args.json {
        print_json(&object(args, &loaded, &comparison))?;
    } else {
        print(&words(&loaded, &comparison))?;
    }
    Ok(Exit::Done)
}

fn object(args: &FrcArgs, loaded: &Loaded, comparison: &Comparison) -> Value {
    let report = report(loaded, comparison);
    let arm = &report["arms"][0];
    json!({
        "reference": comparison.reference, "arm": arm["name"], "frc_cutoffs": arm["frc_cutoffs"],
        "side_px": comparison.arms.first().map(|arm| arm.evaluation.frc.complex.side_px),
        "region": report["region"], "steps": arm["steps"], "pixel_size_m": report["pixel_size_m"],
        "settings": report["settings"], "inputs": report["inputs"], "notes": report["notes"],
        "n_failed": 0, "output": args.output,
    })
}

fn words(loaded: &Loaded, comparison: &Comparison) -> String {
    let mut text = String::new();
    for arm in &comparison.arms {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} with {}", arm.name, comparison.reference);
        text.push_str(&table(arm, comparison));
    }
    for note in notes(loaded, comparison) {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

fn table(arm: &Compared, comparison: &Comparison) -> String {
    let FrcCurves {
        amplitude,
        phase,
        complex,
    } = &arm.evaluation.frc;
    let parts = [
        ("phase", phase),
        ("amplitude", amplitude),
        ("complex", complex),
    ];
    let lines = parts.iter().flat_map(|(part, curve)| {
        Threshold::ALL.map(|threshold| {
            let words = threshold.label();
            let cutoff = curve.cutoff(threshold, comparison.pixel_size_m);
            let nm = cutoff.half_period_nm;
            if curve.values.len() as f64 <= cutoff.rings {
                let never = "not reached".to_owned();
                return vec![(*part).to_owned(), words.to_owned(), never];
            }
            vec![
                (*part).to_owned(),
                words.to_owned(),
                format!("{:.4}", cutoff.of_nyquist),
                format!("{:.2}", cutoff.rings),
                nm.map_or_else(|| "-".to_owned(), |nm| format!("{nm:.2}")),
            ]
        })
    });
    let head = ["OF", "THRESHOLD", "OF NYQUIST", "RINGS", "HALF PERIOD nm"];
    columns(&head, lines)
}
