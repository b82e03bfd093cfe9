//! The compute device, opened once for the whole program, with the reason why it is this one.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place that opens devices"
)]

use std::sync::{Mutex, PoisonError};

use candle_core::Device;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Which device the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// CUDA, else Metal, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
    /// An Apple GPU.
    Metal,
}

impl DeviceChoice {
    /// The word in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
        }
    }
}

/// An open device, the number of threads, and why it is this device.
#[derive(Clone, Debug)]
pub struct Compute {
    device: Device,
    reason: String,
    n_threads: usize,
}

impl Compute {
    /// Open the device of `choice`; `n_threads` 0 means one for each core.
    ///
    /// `Auto` tries CUDA, then Metal, then the CPU, and keeps why the others were passed over. A GPU that is open is not
    /// opened again: what looks for it, checks and runs share one context and its compiled kernels.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a device asked for by name is not there, with the driver's words.
    pub fn open(choice: DeviceChoice, n_threads: usize) -> Result<Self> {
        let available = std::thread::available_parallelism().map_or(1, usize::from);
        let n_threads = if n_threads == 0 { available } else { n_threads };
        let named = |name: &str, opened: std::result::Result<Device, String>| {
            opened.map_err(|found| {
                Error::invalid("open the compute device", "device", name, found)
                    .with_fix("use --device auto or cpu")
            })
        };
        let (device, reason) = match choice {
            DeviceChoice::Cpu => (Device::Cpu, "asked for".to_owned()),
            DeviceChoice::Cuda => (named("cuda", open_cuda())?, "asked for".to_owned()),
            DeviceChoice::Metal => (named("metal", open_metal())?, "asked for".to_owned()),
            DeviceChoice::Auto => match (open_cuda(), open_metal()) {
                (Ok(device), _) => (device, "CUDA device found".to_owned()),
                (Err(_), Ok(device)) => (device, "Metal device found".to_owned()),
                (Err(cuda), Err(metal)) => {
                    (Device::Cpu, format!("no CUDA ({cuda}), no Metal ({metal})"))
                }
            },
        };
        Ok(Self {
            device,
            reason,
            n_threads,
        })
    }

    /// Candle's handle of the device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// `cpu`, `cuda` or `metal`.
    pub fn name(&self) -> &'static str {
        match self.device {
            Device::Cpu => "cpu",
            Device::Cuda(_) => "cuda",
            Device::Metal(_) => "metal",
        }
    }

    /// Why it is this device.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Threads for work on the CPU.
    pub fn n_threads(&self) -> usize {
        self.n_threads
    }

    /// A rayon pool of [`Compute::n_threads`] threads with names.
    ///
    /// # Errors
    /// [`Error::Run`] if the system gives no threads.
    pub fn pool(&self) -> Result<rayon::ThreadPool> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(self.n_threads)
            .thread_name(|i| format!("compute {i}"))
            .build()
            .map_err(|error| Error::Run(format!("no threads for the computation: {error}")))
    }
}

fn open_cuda() -> std::result::Result<Device, String> {
    if !cfg!(feature = "cuda") {
        return Err("built without CUDA".to_owned());
    }
    static OPEN: Mutex<Option<Device>> = Mutex::new(None);
    once(&OPEN, || open_guarded(|| Device::new_cuda(0)))
}

fn open_metal() -> std::result::Result<Device, String> {
    if !cfg!(feature = "metal") {
        return Err("built without Metal".to_owned());
    }
    static OPEN: Mutex<Option<Device>> = Mutex::new(None);
    once(&OPEN, || open_guarded(|| Device::new_metal(0)))
}

/// What is in `slot`, or what `open` puts there. A failure is not kept: the device may be there the next time.
fn once<T: Clone>(
    slot: &Mutex<Option<T>>,
    open: impl FnOnce() -> std::result::Result<T, String>,
) -> std::result::Result<T, String> {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(open) = slot.as_ref() {
        return Ok(open.clone());
    }
    let opened = open()?;
    Ok(slot.insert(opened).clone())
}

/// Some drivers panic instead of returning an error when their library is missing.
fn open_guarded(
    open: impl Fn() -> candle_core::Result<Device> + std::panic::UnwindSafe,
) -> std::result::Result<Device, String> {
    match std::panic::catch_unwind(open) {
        Ok(Ok(device)) => Ok(device),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the driver's library could not be loaded".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there() {
        let compute = Compute::open(DeviceChoice::Cpu, 2).unwrap();
        assert_eq!((compute.name(), compute.n_threads()), ("cpu", 2));
    }

    #[test]
    fn a_device_is_opened_once_and_looked_for_again_after_a_failure() {
        let slot = Mutex::new(None);
        let missing = once(&slot, || Err::<u8, _>("no driver".to_owned()));
        assert_eq!(missing.unwrap_err(), "no driver");
        assert_eq!(once(&slot, || Ok(1)).unwrap(), 1);
        assert_eq!(once(&slot, || Ok(2)).unwrap(), 1);
    }

    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    #[test]
    fn without_a_gpu_auto_is_the_cpu_and_says_why() {
        let compute = Compute::open(DeviceChoice::Auto, 0).unwrap();
        assert_eq!(compute.name(), "cpu");
        assert_eq!(
            compute.reason(),
            "no CUDA (built without CUDA), no Metal (built without Metal)"
        );
        let error = Compute::open(DeviceChoice::Cuda, 0).unwrap_err();
        assert!(error.to_string().contains("built without CUDA"), "{error}");
    }
}
