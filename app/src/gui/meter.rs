//! What the window itself costs: thread CPU time of every frame, and the program's memory.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use crate::units::seconds_text;

/// Frames over which percentiles are taken.
const N_FRAMES: usize = 2000;
/// Reading the memory of the process costs little, but not every frame.
const MEMORY_INTERVAL: Duration = Duration::from_secs(1);

/// Thread CPU time of the window's own work, frame by frame.
#[derive(Default)]
pub struct Meter {
    frames_ms: VecDeque<f64>,
    n_frames: u64,
    memory: Option<(Instant, Option<u64>)>,
}

impl Meter {
    /// Record one frame's `logic` and `ui`.
    pub fn record(&mut self, cpu_time: Duration) {
        if self.frames_ms.len() == N_FRAMES {
            self.frames_ms.pop_front();
        }
        self.frames_ms.push_back(1e3 * cpu_time.as_secs_f64());
        self.n_frames += 1;
    }

    /// Frames drawn since the start.
    pub fn n_frames(&self) -> u64 {
        self.n_frames
    }

    /// The time that a share of the last frames stayed under, in ms.
    pub fn percentile_ms(&self, share: f64) -> f64 {
        let mut sorted: Vec<f64> = self.frames_ms.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted
            .get(((last as f64) * share).ceil() as usize)
            .copied()
            .unwrap_or(0.0)
    }

    /// Forget the frames so far, to look at what follows.
    pub fn clear(&mut self) {
        self.frames_ms.clear();
    }

    /// Resident memory of the program in bytes, where the system tells.
    pub fn memory_bytes(&mut self) -> Option<u64> {
        match self.memory {
            Some((at, bytes)) if at.elapsed() < MEMORY_INTERVAL => bytes,
            _ => {
                let bytes = proc_value("/proc/self/status", "VmRSS:");
                self.memory = Some((Instant::now(), bytes));
                bytes
            }
        }
    }
}

fn proc_value(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// CPU time of this thread so far.
#[cfg(unix)]
pub fn thread_cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or(0),
        time.tv_nsec.try_into().unwrap_or(0),
    )
}

/// Wall time, where the system does not tell the thread's own.
#[cfg(not(unix))]
pub fn thread_cpu_time() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_frames() {
        let mut meter = Meter::default();
        for i in 0..=100 {
            meter.record(Duration::from_millis(i));
        }
        assert_eq!(meter.percentile_ms(0.99).round(), 99.0);
        assert_eq!(meter.n_frames(), 101);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn work_takes_thread_time_and_memory_is_known() {
        let before = thread_cpu_time();
        let sum: f64 = (0..2_000_000).map(|i| f64::from(i).sqrt()).sum();
        assert!(sum > 0.0 && before < thread_cpu_time());
        assert!(
            Meter::default()
                .memory_bytes()
                .is_some_and(|bytes| 100_000 < bytes)
        );
    }
}
