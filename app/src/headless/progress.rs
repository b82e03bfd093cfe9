//! Progress on standard error, only where a person looks at it.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ptycho_core::job::{Monitor, Progress, Stop};

use super::Session;

const REDRAW_INTERVAL: Duration = Duration::from_millis(100);

/// One line that redraws itself.
pub(super) struct Terminal {
    stop: Stop,
    what: String,
    unit: &'static str,
    is_shown: bool,
    started: Instant,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    drawn: Option<Instant>,
    first_share: Option<f64>,
}

impl Terminal {
    pub(super) fn new(session: &Session, what: &str) -> Self {
        Self {
            stop: session.stop.clone(),
            what: what.to_owned(),
            unit: "patterns",
            is_shown: !session.is_quiet && std::io::stderr().is_terminal(),
            started: Instant::now(),
            line: Mutex::default(),
        }
    }

    /// The same for work whose rate counts something else than patterns.
    pub(super) fn counting(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// Remove the line, so that what follows starts on a clean one.
    pub(super) fn clear(&self) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if line.drawn.take().is_some() {
            say_raw("\r\x1b[K");
        }
    }

    fn draw(&self, progress: Progress) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_shown || line.drawn.is_some_and(|at| at.elapsed() < REDRAW_INTERVAL) {
            return;
        }
        line.drawn = Some(Instant::now());
        let share = progress.share();
        let first_share = *line.first_share.get_or_insert(share);
        let elapsed_s = self.started.elapsed().as_secs_f64();
        let mut text = format!("{} {:3.0} %", self.what, 100.0 * share);
        if 0 < progress.n_epochs && 0.0 < progress.rate_per_s {
            let _ = write!(
                text,
                "  epoch {}/{}  loss {:.4}  {:.0} {}/s",
                progress.epoch, progress.n_epochs, progress.loss, progress.rate_per_s, self.unit
            );
        }
        if first_share < share {
            let left_s = elapsed_s * (1.0 - share) / (share - first_share);
            let _ = write!(text, "  {left_s:.0} s left");
        }
        say_raw(&format!("\r\x1b[K{text}"));
    }
}

impl<S> Monitor<S> for Terminal {
    fn stop(&self) -> &Stop {
        &self.stop
    }

    fn progress(&self, progress: Progress) {
        self.draw(progress);
    }

    fn snapshot(&self, _: S) {}
}

/// Without a line's end; nothing can be done where even that fails.
fn say_raw(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), text.as_bytes());
}
