//! `figure`.

use std::path::{Path, PathBuf};

use ptycho_core::disk;
use ptycho_core::error::Result;
use ptycho_core::figure::{Figure, Format};
use ptycho_core::study::panels::{FigureDesign, Figures, Material, Unready, planned};
use serde_json::{Value, json};

use super::inspect::columns;
use super::study::source::Source;
use super::{Exit, Session, print, print_json};
use crate::cli::figure::FigureArgs;

pub(super) fn figure(args: &FigureArgs, session: &Session) -> Result<Exit> {
    for output in &args.output {
        Format::of(output)?;
    }
    let source = Source::of(&args.study)?;
    let plan = planned(&source.study, &source.folder, &source.runs)?;
    let design = args.design.over(&plan.study.figure)?;
    let material = Material::read(&plan, &source.runs, &design).map_err(Unready::into_error)?;
    let drawn = material.draw(&design.style)?;
    for note in &drawn.notes {
        session.say(format_args!("note: {note}"));
    }
    let written = write(args, &drawn, design.style.dpi)?;
    if args.json {
        print_json(&answer(&material, &design, &written)?)?;
    } else {
        for path in &written {
            session.say(format_args!("wrote {}", path.display()));
        }
        print(&table(&material))?;
    }
    Ok(Exit::Done)
}

fn write(args: &FigureArgs, drawn: &Figures, dpi: f64) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    let mut put = |figure: &Figure, path: &Path| -> Result<()> {
        figure.write(path, dpi)?;
        written.push(path.to_path_buf());
        Ok(())
    };
    for output in &args.output {
        put(&drawn.panels, output)?;
    }
    let Some(folder) = &args.companions else {
        return Ok(written);
    };
    let mut formats = Vec::new();
    for output in &args.output {
        let format = Format::of(output)?;
        if !formats.contains(&format) {
            formats.push(format);
        }
    }
    if formats.is_empty() {
        formats = vec![Format::Png, Format::Pdf];
    }
    for (name, figure) in &drawn.companions {
        for format in &formats {
            put(figure, &folder.join(format!("{name}.{}", format.suffix())))?;
        }
    }
    Ok(written)
}

fn answer(material: &Material, design: &FigureDesign, written: &[PathBuf]) -> Result<Value> {
    let mut outputs = Vec::new();
    for path in written {
        let bytes = disk::Map::open(path)?;
        outputs.push(json!({
            "path": path, "sha256": disk::sha256_hex(&bytes), "n_bytes": bytes.len(),
        }));
    }
    let inputs = material.inputs().iter();
    let inputs = inputs.map(|input| json!({"path": input.path, "sha256": input.sha256}));
    let choice = material.choice();
    Ok(json!({
        "study": material.study(), "study_sha256": material.study_sha256(), "view": choice.view,
        "columns": choice.columns, "doses": choice.doses, "style": design.style, "outputs": outputs,
        "inputs": inputs.collect::<Vec<_>>(), "numbers": material.numbers(), "notes": material.notes(),
    }))
}

/// How well each reconstruction agrees with the truth.
fn table(material: &Material) -> String {
    let cell = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |n| format!("{n:.4}"));
    let lines = material
        .numbers()
        .into_iter()
        .filter(|row| row.metric == "pearson");
    let lines = lines.map(|row| {
        vec![
            format!("{:e}", row.dose),
            row.arm,
            cell(row.amplitude),
            cell(row.phase),
        ]
    });
    let head = ["PHOTONS", "ARM", "PEARSON OF AMPLITUDES", "OF PHASES"];
    columns(&head, lines)
}
