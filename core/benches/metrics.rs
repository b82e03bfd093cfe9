//! Time of SSIM, ring correlation and a whole comparison: `cargo bench -p ptycho_core --bench metrics [-- size=N threads=N repeats=N]`.
//!
//! The keys of the JSON line are those of the program it is measured against (scikit-image and numpy); `evaluate_s` and `prepare_s`
//! are of a complex pair of 512x512.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::time::Instant;

use ndarray::Array2;
use num_complex::Complex32;
use ptycho_core::metrics::evaluate::evaluate;
use ptycho_core::metrics::frc::FrcCurve;
use ptycho_core::metrics::pair::Pair;
use ptycho_core::metrics::prepare::{Area, prepare};
use ptycho_core::metrics::settings::CompareSettings;
use ptycho_core::metrics::ssim::{Window, ssim};
use ptycho_core::rng::{Purpose, stream_at};
use rand::RngExt as _;

/// Side of the complex pair.
const SIDE_PX: usize = 512;

fn noise(side: usize, seed: u64) -> Array2<f64> {
    let mut rng = stream_at(seed, Purpose::Simulation, 0);
    Array2::from_shape_simple_fn((side, side), || rng.random_range(0.0..1.0))
}

/// Smooth enough to be registered, rough enough to look like noise to the kernels.
fn object(seed: u64) -> Array2<Complex32> {
    let (amplitude, phase) = (noise(SIDE_PX, 1), noise(SIDE_PX, 2));
    let error = noise(SIDE_PX, seed);
    Array2::from_shape_fn((SIDE_PX, SIDE_PX), |at| {
        let amplitude = 1.0 + 0.3 * amplitude[at] + 0.05 * error[at];
        Complex32::from_polar(amplitude as f32, (phase[at] + 0.05 * error[at]) as f32)
    })
}

fn best_s<T>(repeats: usize, mut work: impl FnMut() -> T) -> f64 {
    let once = |_| {
        let start = Instant::now();
        std::hint::black_box(work());
        start.elapsed().as_secs_f64()
    };
    (0..repeats).map(once).fold(f64::INFINITY, f64::min)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let find = |name: &str, default: usize| {
        let start = format!("{name}=");
        let found = arguments.iter().find_map(|a| a.strip_prefix(&start));
        found.map_or(default, |text| text.parse().unwrap())
    };
    let (size, n_threads, repeats) = (find("size", 1024), find("threads", 2), find("repeats", 5));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(n_threads)
        .build()
        .unwrap();
    let a = noise(size, 0);
    let b = &a + &(noise(size, 1) * 0.1);
    let (reference, other) = (object(3), object(4));
    let settings = CompareSettings::default();
    let area = Area {
        rows: 0..SIDE_PX,
        columns: 0..SIDE_PX,
        mask: None,
    };
    pool.install(|| {
        let pair = Pair::whole(a.view(), b.view());
        let prepared = || prepare(reference.view(), other.view(), &area, &settings).unwrap();
        let ready = prepared();
        let times = serde_json::json!({
            "size": size,
            "threads": n_threads,
            "ssim_gaussian_s": best_s(repeats, || ssim(pair, Window::Gaussian11, 1.0)),
            "ssim_uniform_s": best_s(repeats, || ssim(pair, Window::Uniform7, 1.0)),
            "frc_s": best_s(repeats, || FrcCurve::of_real(a.view(), b.view(), false).unwrap()),
            "prepare_s": best_s(repeats, prepared),
            "evaluate_s": best_s(repeats, || evaluate(&ready, &settings, None).unwrap()),
        });
        println!("{times}");
    });
}
