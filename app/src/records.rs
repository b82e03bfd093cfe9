//! Where the program's messages go besides the window's log: the run's own `run.log` and standard error.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use ptycho_core::study::store::{RunFolder, utc};
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// The name of the span that the library opens around a run, with the field `folder`.
const RUN_SPAN: &str = "run";

/// What is worth keeping; the drawing libraries' own messages come with every frame.
fn is_ours(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.target().starts_with("ptycho") && *metadata.level() <= Level::DEBUG
}

/// Send messages to `run.log`, to standard error, and to `window` where there is one.
///
/// Without `verbose` standard error gets warnings only: errors rise to `main`, which prints them once.
pub fn start<L>(verbose: u8, is_quiet: bool, window: Option<L>)
where
    L: Layer<tracing_subscriber::layer::Layered<RunLog, tracing_subscriber::Registry>>
        + Send
        + Sync,
{
    let level = match (is_quiet, verbose) {
        (true, _) => None,
        (false, 0) => Some(Level::WARN),
        (false, 1) => Some(Level::INFO),
        (false, _) => Some(Level::DEBUG),
    };
    let subscriber = tracing_subscriber::registry()
        .with(RunLog::default())
        .with(window)
        .with(level.map(Stderr))
        .with(filter_fn(is_ours));
    // Only a second call could fail, and the first one's set-up is as good.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Writes the messages of each run to its `run.log`, as JSON lines.
///
/// A message belongs to the run in whose span it was sent. One from a thread without a span (a worker of
/// a pool) belongs to the run that is open, if there is just one.
#[derive(Default)]
pub struct RunLog(Mutex<BTreeMap<u64, File>>);

impl RunLog {
    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for RunLog {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if attributes.metadata().name() != RUN_SPAN {
            return;
        }
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let folder = fields.0.get("folder").and_then(Value::as_str);
        let folder = folder.map(PathBuf::from).filter(|path| path.is_dir());
        let file = folder.and_then(|folder| {
            let path = RunFolder::log_file_in(&folder);
            OpenOptions::new().create(true).append(true).open(path).ok()
        });
        if let Some(file) = file {
            self.open().insert(id.into_u64(), file);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let mut open = self.open();
        if open.is_empty() {
            return;
        }
        let spans = ctx.event_scope(event).into_iter().flatten();
        let own = spans.map(|span| span.id().into_u64());
        let run = own
            .into_iter()
            .find(|id| open.contains_key(id))
            .or_else(|| match open.len() {
                1 => open.keys().next().copied(),
                _ => None,
            });
        if let Some(file) = run.and_then(|id| open.get_mut(&id)) {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let mut line = json!({
                "time": utc(SystemTime::now()),
                "level": event.metadata().level().as_str(),
                "target": event.metadata().target(),
            });
            if let Some(map) = line.as_object_mut() {
                map.append(&mut fields.0);
            }
            // A full disk shows where the result is written; a log line must not stop a run.
            let _ = writeln!(file, "{line}");
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.open().remove(&id.into_u64());
    }
}

/// Prints messages of at least this gravity, but no errors unless more is asked for.
struct Stderr(Level);

impl<S: Subscriber> Layer<S> for Stderr {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        if self.0 < level || level == Level::ERROR {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.remove("message");
        let message = message.as_ref().and_then(Value::as_str).unwrap_or_default();
        let mut rest = String::new();
        for (name, value) in &fields.0 {
            let _ = write!(rest, " {name}={value}");
        }
        let word = level.as_str().to_lowercase();
        let _ = writeln!(std::io::stderr(), "{word}: {message}{rest}");
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, json!(format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_a_run_reach_its_log_and_no_others() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let subscriber = tracing_subscriber::registry().with(RunLog::default());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("before");
            let first = tracing::info_span!("run", folder = %folders[0].path().display());
            let second = tracing::info_span!("run", folder = %folders[1].path().display());
            second.in_scope(|| tracing::info!(loss = 0.5, "second"));
            tracing::info!("whose?");
            drop(second);
            first.in_scope(|| tracing::debug!(epoch = 3_u64, "inside"));
            tracing::warn!("from a worker");
            drop(first);
            tracing::info!("after");
        });
        let lines = |folder: &tempfile::TempDir| -> Vec<Value> {
            let text = std::fs::read_to_string(RunFolder::log_file_in(folder.path())).unwrap();
            let lines = text.lines();
            lines
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        };
        let first = lines(&folders[0]);
        let messages: Vec<_> = first.iter().map(|line| &line["message"]).collect();
        assert_eq!(messages, ["inside", "from a worker"]);
        assert_eq!(
            (&first[0]["epoch"], &first[0]["level"]),
            (&json!(3), &json!("DEBUG"))
        );
        let second = lines(&folders[1]);
        assert_eq!((second.len(), &second[0]["loss"]), (1, &json!(0.5)));
    }
}
