//! The iterative engines in patterns per second:
//! `cargo bench -p ptycho_core --bench lsqml [-- MODES THREADS EPOCHS engine=lsqml kernels=tensors device=cuda batch=96]`.
//!
//! Without `kernels=tensors` the fused kernels; with it those on Candle tensors, on `device` (auto, cpu, cuda or metal).
//! On the Siemens star of the developers' shared folder, or on the demonstration scan where there is none. The first
//! epoch only rescales the probe and does not count.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use candle_core::Device;
use num_complex::Complex32;
use ptycho_core::compute::{Compute, DeviceChoice};
use ptycho_core::data::{Dataset, Strictness};
use ptycho_core::fft::Fft2;
use ptycho_core::fft::tile::TileFft;
use ptycho_core::iterative::{Compatibility, Computing, EngineKind, Iterative, IterativeSettings};
use ptycho_core::job::{Engine as _, Stop};
use ptycho_core::simd::Aligned;

/// What stands on the command line as `key=value`.
fn given(key: &str) -> Option<String> {
    std::env::args().find_map(|arg| {
        let (name, value) = arg.split_once('=')?;
        (name == key).then(|| value.to_owned())
    })
}

/// The device of the tensor kernels; `None` for the fused ones.
fn device() -> Option<Device> {
    if given("kernels").as_deref() != Some("tensors") {
        return None;
    }
    let choice = match given("device").as_deref() {
        Some("cpu") => DeviceChoice::Cpu,
        Some("cuda") => DeviceChoice::Cuda,
        Some("metal") => DeviceChoice::Metal,
        _ => DeviceChoice::Auto,
    };
    let compute = Compute::open(choice, 0).unwrap();
    println!("tensors on {} ({})", compute.name(), compute.reason());
    Some(compute.device().clone())
}

fn engine_kind() -> EngineKind {
    let name = given("engine").unwrap_or_else(|| "lsqml".to_owned());
    let kind = EngineKind::ALL.into_iter().find(|kind| kind.name() == name);
    kind.unwrap()
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let epochs = numbers.get(2).copied().unwrap_or(12);
    let batch_size = given("batch").map_or(96, |size| size.parse().unwrap());
    let (device, kind) = (device(), engine_kind());
    transforms();
    let star = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/siemens_star_aps.npz");
    let dataset = if star.exists() {
        Dataset::open(&star, Strictness::Repair).unwrap().dataset
    } else {
        ptycho_core::sim::demo::demonstration(0).unwrap()
    };
    let dataset = Arc::new(dataset);
    let n = dataset.n();
    println!(
        "{}: {} patterns of {n}x{n}, batches of {batch_size}, {} epochs",
        kind.title(),
        dataset.n_patterns(),
        epochs - 1
    );
    println!("modes threads shifted      best/s  median/s  ms an epoch (best)");
    for probe_modes in [1, 3] {
        for n_threads in [1, 2] {
            if numbers.first().is_some_and(|&m| m != probe_modes)
                || numbers.get(1).is_some_and(|&t| t != n_threads)
            {
                continue;
            }
            for compat in [Compatibility::None, Compatibility::Ptychi] {
                if probe_modes == 1 && compat == Compatibility::Ptychi {
                    continue;
                }
                let settings = IterativeSettings {
                    epochs,
                    batch_size,
                    probe_modes,
                    compat,
                    ..IterativeSettings::default()
                };
                let computing = Computing {
                    n_threads,
                    device: device.clone(),
                    memory_bytes: None,
                };
                engine(kind, &dataset, settings, computing);
            }
        }
    }
}

fn engine(
    kind: EngineKind,
    dataset: &Arc<Dataset>,
    settings: IterativeSettings,
    computing: Computing,
) {
    let (modes, compat) = (settings.probe_modes, settings.compat);
    let n_threads = computing.n_threads;
    let mut engine = Iterative::on(kind, Arc::clone(dataset), settings, computing).unwrap();
    let stop = Stop::default();
    while !engine.is_finished() {
        engine.step(&stop).unwrap();
    }
    let mut seconds = engine.seconds_per_epoch()[1..].to_vec();
    seconds.sort_by(f64::total_cmp);
    let (best, median) = (seconds[0], seconds[seconds.len() / 2]);
    let rate = |seconds: f64| dataset.n_patterns() as f64 / seconds;
    let shifted = if compat == Compatibility::None {
        "all modes"
    } else {
        "the first"
    };
    println!(
        "{modes:5} {n_threads:7} {shifted} {:9.0} {:9.0} {:9.1}",
        rate(best),
        rate(median),
        best * 1e3
    );
}

/// One 128x128 transform on one core: ours and the general one by rustfft.
fn transforms() {
    const N: usize = 128;
    const REPEATS: usize = 200;
    let plan = TileFft::<f32>::new(N);
    let mut scratch = plan.scratch();
    let mut a = Aligned::<f32>::zeros(plan.tiling().field_len());
    let mut b = Aligned::<f32>::zeros(plan.tiling().field_len());
    a[0] = 1.0;
    let general = Fft2::<f32>::new(N, N);
    let mut plane = vec![Complex32::new(1.0, 0.0); N * N];
    let mut room = general.scratch();
    let mut ours = best_us(REPEATS, || {
        plan.forward(&mut a, &mut b, &mut scratch);
        plan.inverse(&mut b, &mut a, &mut scratch);
    });
    ours /= 2.0;
    a.fill(0.0);
    let theirs = best_us(REPEATS, || general.forward_plain(&mut plane, &mut room));
    println!("one {N}x{N} transform: {ours:.1} us tiled, {theirs:.1} us by rustfft");
}

fn best_us(repeats: usize, mut work: impl FnMut()) -> f64 {
    (0..repeats)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e6
        })
        .fold(f64::INFINITY, f64::min)
}
