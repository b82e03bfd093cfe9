//! The log pane's records: a `tracing` layer into a bounded ring.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Older records fall out.
const N_KEPT: usize = 5000;

/// One line of the log.
#[derive(Clone, Debug)]
pub struct Record {
    /// Time of day in UTC.
    pub time: String,
    /// How grave.
    pub level: Level,
    /// Message and fields.
    pub text: String,
}

impl Record {
    /// As copied to the clipboard.
    pub fn line(&self) -> String {
        format!("{} {:5} {}", self.time, self.level.as_str(), self.text)
    }
}

/// The newest records, shared by the layer that fills it and the pane that shows it.
#[derive(Clone, Default)]
pub struct LogRing(Arc<Inner>);

#[derive(Default)]
struct Inner {
    records: Mutex<VecDeque<Record>>,
    ctx: OnceLock<egui::Context>,
}

impl LogRing {
    /// Repaint this window when a record arrives.
    pub fn wake(&self, ctx: &egui::Context) {
        let _ = self.0.ctx.set(ctx.clone());
    }

    /// Add one record.
    pub fn push(&self, level: Level, text: String) {
        let mut records = self.lock();
        if records.len() == N_KEPT {
            records.pop_front();
        }
        records.push_back(Record {
            time: time_of_day(),
            level,
            text,
        });
        drop(records);
        if let Some(ctx) = self.0.ctx.get() {
            ctx.request_repaint();
        }
    }

    /// The records of at least this gravity that hold `text`, oldest first.
    pub fn filtered(&self, least: Level, text: &str) -> Vec<Record> {
        let text = text.to_lowercase();
        let records = self.lock();
        let found = records
            .iter()
            .filter(|record| record.level <= least && record.text.to_lowercase().contains(&text));
        found.cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Record>> {
        self.0
            .records
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts this program's records into a [`LogRing`].
pub struct LogLayer(pub LogRing);

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Records of the drawing libraries come with every frame; showing them would keep the window drawing.
        if !event.metadata().target().starts_with("ptycho") {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        self.0.push(*event.metadata().level(), text.0);
    }
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let separator = if self.0.is_empty() { "" } else { " " };
        let _ = match field.name() {
            "message" => write!(self.0, "{separator}{value:?}"),
            name => write!(self.0, "{separator}{name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let separator = if self.0.is_empty() { "" } else { " " };
        let _ = match field.name() {
            "message" => write!(self.0, "{separator}{value}"),
            name => write!(self.0, "{separator}{name}={value}"),
        };
    }
}

fn time_of_day() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_is_bounded_and_filters_by_level_and_text() {
        let ring = LogRing::default();
        for i in 0..N_KEPT + 3 {
            ring.push(Level::INFO, format!("record {i}"));
        }
        ring.push(Level::WARN, "Something odd".to_owned());
        assert_eq!(ring.filtered(Level::TRACE, "").len(), N_KEPT);
        assert_eq!(ring.filtered(Level::WARN, "").len(), 1);
        assert_eq!(ring.filtered(Level::INFO, "something").len(), 1);
        assert!(ring.filtered(Level::INFO, "record 0").is_empty());
    }

    #[test]
    fn the_layer_keeps_our_records_with_their_fields() {
        use tracing_subscriber::layer::SubscriberExt as _;
        let ring = LogRing::default();
        let subscriber = tracing_subscriber::registry().with(LogLayer(ring.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "ptycho_core::data", key = "diffraction", "negative values");
            tracing::warn!(target: "wgpu", "noise");
        });
        let records = ring.filtered(Level::TRACE, "");
        assert_eq!(records.len(), 1);
        assert!(
            records[0]
                .line()
                .contains("WARN  negative values key=diffraction"),
            "{}",
            records[0].line()
        );
    }
}
