//! `losses`.

use ptycho_core::error::Result;
use ptycho_core::figure::Format;
use ptycho_core::study::losses::{Losses, figure};
use serde_json::json;

use super::inspect::columns;
use super::settings::number;
use super::{Exit, Session, print, print_json};
use crate::cli::compare::names;
use crate::cli::losses::LossesArgs;

pub(super) fn losses(args: &LossesArgs, session: &Session) -> Result<Exit> {
    if let Some(output) = &args.output {
        Format::of(output)?;
    }
    let all = names(&args.results)
        .into_iter()
        .map(|(name, file)| Losses::read(name, file))
        .collect::<Result<Vec<_>>>()?;
    if let Some(output) = &args.output {
        let mut drawn = figure(&all, &args.title);
        drawn.width_mm = args.width_mm;
        drawn.write(output, args.dpi)?;
        session.say(format_args!("wrote {}", output.display()));
    }
    if args.json {
        let results: Vec<_> = all
            .iter()
            .map(|one| {
                json!({
                    "name": one.name, "file": one.file, "algorithm": one.algorithm, "loss": one.loss,
                    "least": one.least().map(|(epoch, loss)| json!({"epoch": epoch, "loss": loss})),
                })
            })
            .collect();
        print_json(&json!({"results": results, "output": args.output}))?;
    } else {
        print(&table(&all))?;
    }
    Ok(Exit::Done)
}

fn table(all: &[Losses]) -> String {
    let heads = ["NAME", "ALGORITHM", "EPOCHS", "FIRST", "LAST", "LEAST"];
    let rows = all.iter().map(|one| {
        let finite = |loss: Option<&f64>| number(loss.copied().filter(|loss| loss.is_finite()));
        let least = one.least().map_or_else(
            || "none".to_owned(),
            |(epoch, loss)| format!("{loss:.6} in epoch {epoch}"),
        );
        vec![
            one.name.clone(),
            one.algorithm.clone(),
            one.loss.len().to_string(),
            finite(one.loss.first()),
            finite(one.loss.last()),
            least,
        ]
    });
    columns(&heads, rows)
}
