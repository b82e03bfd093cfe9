//! `repair`: what would be done, then a new file that is inspected again.

use std::fmt::Write as _;

use ptycho_core::data::Verdict;
use ptycho_core::data::repair::{RepairStep, preview, repair as write_repaired};
use ptycho_core::error::{Error, Result};
use serde_json::json;

use super::{Exit, Session, print, print_json, terminal};
use crate::cli::RepairArgs;

pub(super) fn repair(args: &RepairArgs, session: &Session) -> Result<Exit> {
    let monitor = terminal(session, "repairing");
    let steps = preview(&args.file, monitor.as_ref());
    monitor.clear();
    let steps = steps?;
    let written = match &args.output {
        Some(output) if !args.dry_run => {
            let inspection = write_repaired(&args.file, output, monitor.as_ref());
            monitor.clear();
            let inspection = inspection?;
            if inspection.verdict != Verdict::Ok {
                return Err(Error::Run(format!(
                    "the repaired file is still not right, which is a fault of this program: {}",
                    output.display()
                )));
            }
            Some(output)
        }
        _ => None,
    };
    if args.json {
        print_json(&json!({"path": args.file, "output": written, "steps": steps}))?;
        return Ok(Exit::Done);
    }
    let mut text = table(&steps);
    if let Some(output) = written {
        let _ = writeln!(text, "wrote and inspected again, ok: {}", output.display());
    }
    print(&text)?;
    Ok(Exit::Done)
}

fn table(steps: &[RepairStep]) -> String {
    if steps.is_empty() {
        return "the file is ok as it is\n".to_owned();
    }
    let mut text = String::new();
    for step in steps {
        let _ = writeln!(text, "{}", step.what);
        let _ = writeln!(text, "  before  {}", step.before);
        let _ = writeln!(text, "  after   {}", step.after);
    }
    text
}
