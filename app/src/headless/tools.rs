//! Tools on any dataset: subset, shuffle, split, crop, pad, turn, patches, fixture.

use std::fmt::Write as _;
use std::path::Path;

use ptycho_core::data::tools::crop::CropSettings;
use ptycho_core::data::tools::fixture::verify;
use ptycho_core::error::Result;
use ptycho_core::study::tools::{SplitChoice, Tool, ToolOutcome};
use serde_json::{Value, json};

use super::{Exit, Session, print, print_json, terminal};
use crate::cli::tools::{
    CropArgs, FixtureArgs, InOut, PadArgs, PatchesArgs, ShuffleArgs, SplitArgs, SubsetArgs,
    TurnArgs,
};

pub(super) fn subset(args: &SubsetArgs, session: &Session) -> Result<Exit> {
    run(&args.tool(), &args.io, session)
}

pub(super) fn shuffle(args: &ShuffleArgs, session: &Session) -> Result<Exit> {
    run(&Tool::Shuffle { seed: args.seed }, &args.io, session)
}

pub(super) fn split(args: &SplitArgs, session: &Session) -> Result<Exit> {
    let choice = args.split.over(&SplitChoice::default())?;
    run(&Tool::Split(choice), &args.io, session)
}

pub(super) fn crop(args: &CropArgs, session: &Session) -> Result<Exit> {
    let settings = args.crop.over(&CropSettings::default())?;
    run(&Tool::Crop(settings), &args.io, session)
}

pub(super) fn pad(args: &PadArgs, session: &Session) -> Result<Exit> {
    run(&Tool::Pad { to: args.to }, &args.io, session)
}

pub(super) fn turn(args: &TurnArgs, session: &Session) -> Result<Exit> {
    let orientation = args.orientation;
    run(&Tool::Turn { orientation }, &args.io, session)
}

pub(super) fn patches(args: &PatchesArgs, session: &Session) -> Result<Exit> {
    let subpixel = args.subpixel.map(Into::into);
    run(&Tool::Patches { subpixel }, &args.io, session)
}

pub(super) fn fixture(args: &FixtureArgs, session: &Session) -> Result<Exit> {
    match &args.output {
        Some(output) if !args.verify => {
            let tool = Tool::Fixture(args.settings());
            write(&tool, &args.file, output, args.json, session)
        }
        _ => verify_fixture(args),
    }
}

fn run(tool: &Tool, io: &InOut, session: &Session) -> Result<Exit> {
    write(tool, &io.file, &io.output, io.json, session)
}

fn write(
    tool: &Tool,
    file: &Path,
    output: &Path,
    is_json: bool,
    session: &Session,
) -> Result<Exit> {
    let monitor = terminal(session, tool.name());
    let outcome = tool.run(file, output, monitor.as_ref());
    monitor.clear();
    let outcome = outcome?;
    session.say_repairs(&outcome.repairs);
    if is_json {
        print_json(&object(&outcome, file, output))?;
    } else {
        print(&words(&outcome))?;
    }
    Ok(Exit::Done)
}

fn words(outcome: &ToolOutcome) -> String {
    let mut text = String::new();
    for note in &outcome.done {
        let _ = writeln!(text, "{note}");
    }
    for file in &outcome.files {
        let _ = writeln!(
            text,
            "wrote {} patterns of {1}x{1}: {2}",
            file.patterns,
            file.n,
            file.path.display()
        );
    }
    if let Some(side_car) = &outcome.side_car {
        let _ = writeln!(text, "wrote its side-car: {}", side_car.display());
    }
    text
}

/// One object; `sha256` stands at the top where there is one file.
fn object(outcome: &ToolOutcome, file: &Path, output: &Path) -> Value {
    let patterns: usize = outcome.files.iter().map(|file| file.patterns).sum();
    let mut object = json!({
        "tool": outcome.tool,
        "settings": outcome.settings,
        "input": file,
        "output": output,
        "patterns": patterns,
        "n": outcome.files.first().map(|file| file.n),
        "done": outcome.done,
        "repairs": outcome.repairs,
        "files": outcome.files,
    });
    if let [only] = outcome.files.as_slice() {
        object["sha256"] = json!(only.sha256);
        object["content_sha256"] = json!(only.content_sha256);
    }
    if let Some(leak) = &outcome.leak {
        object["leak_px"] = json!(leak.n_shared_px);
        object["leak_percent"] = json!(leak.percent());
    }
    if let Some(side_car) = &outcome.side_car {
        object["side_car"] = json!(side_car);
    }
    object
}

fn verify_fixture(args: &FixtureArgs) -> Result<Exit> {
    let verified = verify(&args.file, args.source.as_deref())?;
    if args.json {
        print_json(&json!({
            "path": args.file,
            "is_ok": true,
            "source": verified.source,
            "done": verified.notes,
            "sha256": verified.side_car.file.sha256,
        }))?;
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    for note in &verified.notes {
        let _ = writeln!(text, "{note}");
    }
    if verified.source.is_none() {
        let _ = writeln!(
            text,
            "its source, {}, is not beside it: name it by --source to have it made again",
            verified.side_car.source.name
        );
    }
    let _ = writeln!(text, "ok: {}", args.file.display());
    print(&text)?;
    Ok(Exit::Done)
}
