//! Work that is a part of other work, as its monitor sees it.

use crate::job::{Monitor, Progress, Stop};

/// Hands the stop on, and tells progress as that of one part among several.
pub(super) struct Part<'a> {
    pub(super) monitor: &'a dyn Monitor<()>,
    /// Parts done before.
    pub(super) index: usize,
    pub(super) n_parts: usize,
}

impl Part<'_> {
    /// Tell that the part has begun.
    pub(super) fn begin(&self) {
        self.tell(0.0);
    }

    fn tell(&self, share: f64) {
        self.monitor.progress(Progress {
            epoch: self.index,
            n_epochs: self.n_parts,
            epoch_share: share,
            loss: f64::NAN,
            rate_per_s: 0.0,
        });
    }
}

impl<S> Monitor<S> for Part<'_> {
    fn stop(&self) -> &Stop {
        self.monitor.stop()
    }

    fn progress(&self, progress: Progress) {
        self.tell(progress.share());
    }

    fn snapshot(&self, _: S) {}
}
