//! Simulation in patterns per second:
//! `cargo bench -p ptycho_core --bench simulate [-- --n 64 --positions 2000 --photons 1e5 --threads 2 --repeats 9]`.
//!
//! A random object of side 4n, a Gaussian probe of width n/6 and uniform positions: what the `NumPy` program does that
//! this is measured against. Without `--n`, sides 64 and 128. `patterns/s` is the forward model and the draw, to `f32`
//! in memory; `with dose` counts the expected photons too, from which the probe's scale follows, once a scan.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::sync::Arc;
use std::time::Instant;

use ndarray::{Array2, Array3};
use num_complex::Complex32;
use ptycho_core::fft::tile::TileFft;
use ptycho_core::forward::Subpixel;
use ptycho_core::job::Quiet;
use ptycho_core::rng::{Purpose, stream, stream_at};
use ptycho_core::sim::Simulator;
use ptycho_core::sim::noise::draw_amplitudes;
use ptycho_core::simd::Aligned;
use rand::{Rng as _, RngExt as _};
use rayon::prelude::*;

struct Options {
    n_positions: usize,
    photons: f64,
    n_threads: usize,
    n_repeats: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let given = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        Some(arguments[at + 1].parse::<f64>().unwrap())
    };
    let options = Options {
        n_positions: given("--positions").unwrap_or(2000.0) as usize,
        photons: given("--photons").unwrap_or(1e5),
        n_threads: given("--threads").unwrap_or(2.0) as usize,
        n_repeats: given("--repeats").unwrap_or(9.0) as usize,
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(options.n_threads)
        .build_global()
        .unwrap();
    println!(
        "{} positions, {:e} photons, {} threads; the parts: us a pattern on one thread",
        options.n_positions, options.photons, options.n_threads
    );
    println!(
        "  n      best/s  median/s  with dose   shift multiply  fft  draw  expected  mean counts"
    );
    let sides = given("--n").map_or(vec![64, 128], |n| vec![n as usize]);
    for n in sides {
        measure(n, &options);
    }
    draws(options.n_repeats);
}

/// Nanoseconds a pixel of drawing, by mean, and of the random words alone.
fn draws(n_repeats: usize) {
    const N: usize = 1 << 16;
    let mut rng = stream(0, Purpose::Noise);
    let mut words = vec![0_u8; 4 * N];
    let nanoseconds = |seconds: Vec<f64>| seconds[0] / N as f64 * 1e9;
    let filling = nanoseconds(times(n_repeats, || rng.fill_bytes(&mut words)));
    println!("ns a draw: {filling:.2} for 32 random bits");
    let mut pattern = vec![0.0_f32; N];
    for mean in [0.0, 0.01, 0.3, 2.0, 6.0, 12.0, 20.0, 30.0, 100.0, 1e4, 1e8] {
        let all = nanoseconds(times(n_repeats, || {
            pattern.fill(mean);
            draw_amplitudes(&mut rng, &mut pattern);
        }));
        println!("  mean {mean:9}: {all:5.2}");
    }
}

fn measure(n: usize, options: &Options) {
    let scan = Scan::new(n, options);
    let simulator = scan.simulator(&scan.positions_px);
    let m = options.n_positions;
    let mut patterns = vec![0.0_f32; m * n * n];
    let seconds = times(options.n_repeats, || {
        patterns
            .par_chunks_exact_mut(n * n)
            .enumerate()
            .for_each(|(i, pattern)| simulator.amplitude(i, pattern));
    });
    let dose_seconds = times(options.n_repeats, || {
        simulator.expected_photons(&Quiet::default()).unwrap();
    });
    let rate = |seconds: f64| m as f64 / seconds;
    let median = |seconds: &[f64]| seconds[seconds.len() / 2];
    let counts =
        patterns.iter().map(|&a| f64::from(a).powi(2)).sum::<f64>() / patterns.len() as f64;
    let parts = parts(n, &scan, &simulator, options);
    println!(
        "{n:3} {:11.0} {:9.0} {:10.0} {:7.1} {:8.1} {:4.1} {:5.1} {:9.1}  {counts:11.2}",
        rate(seconds[0]),
        rate(median(&seconds)),
        rate(median(&seconds) + median(&dose_seconds)),
        parts[0],
        parts[1],
        parts[2],
        parts[3],
        parts[4],
    );
}

/// Microseconds a pattern: shift, multiply and the other sweeps, transform, draw, expected photons.
fn parts(n: usize, scan: &Scan, simulator: &Simulator, options: &Options) -> [f64; 5] {
    let m = options.n_positions.min(300);
    let mut pattern = vec![0.0_f32; n * n];
    let whole_px: Vec<_> = scan
        .positions_px
        .iter()
        .map(|p| p.map(f64::round))
        .collect();
    let whole = scan.simulator(&whole_px);
    let plan = TileFft::<f32>::new(n);
    let mut room = plan.scratch();
    let [mut a, mut b] = [(); 2].map(|()| Aligned::<f32>::zeros(plan.tiling().field_len()));
    let mut of_one = |work: &mut dyn FnMut(usize, &mut [f32])| {
        let seconds = times(options.n_repeats, || {
            (0..m).for_each(|i| work(i, &mut pattern));
        });
        seconds[0] / m as f64 * 1e6
    };
    let with_shift = of_one(&mut |i, out| simulator.intensity(i, out));
    let without = of_one(&mut |i, out| whole.intensity(i, out));
    let fft = of_one(&mut |_, _| plan.forward(&mut a, &mut b, &mut room));
    let all = of_one(&mut |i, out| simulator.amplitude(i, out));
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let expected = one.install(|| {
        times(options.n_repeats, || {
            simulator.expected_photons(&Quiet::default()).unwrap();
        })[0]
    });
    [
        with_shift - without,
        without - fft,
        fft,
        all - with_shift,
        expected / options.n_positions as f64 * 1e6,
    ]
}

/// Seconds of each repeat, the shortest first.
fn times(n_repeats: usize, mut work: impl FnMut()) -> Vec<f64> {
    let mut seconds: Vec<f64> = (0..n_repeats)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds
}

struct Scan {
    object: Arc<Array2<Complex32>>,
    probe: Arc<Array3<Complex32>>,
    positions_px: Vec<[f64; 2]>,
}

impl Scan {
    fn new(n: usize, options: &Options) -> Self {
        let mut rng = stream(0, Purpose::Simulation);
        let side = 4 * n;
        let object = Array2::from_shape_simple_fn((side, side), || {
            Complex32::from_polar(rng.random::<f32>(), rng.random::<f32>()) + 0.5
        });
        let half = (n / 2) as f32;
        let two_sigma2 = 2.0 * (n as f32 / 6.0).powi(2);
        let mut probe = Array3::from_shape_fn((1, n, n), |(_, row, column)| {
            let squared = (row as f32 - half).powi(2) + (column as f32 - half).powi(2);
            Complex32::from((-squared / two_sigma2).exp())
        });
        let power: f64 = probe.iter().map(|v| f64::from(v.norm_sqr())).sum();
        probe *= Complex32::from((options.photons / power).sqrt() as f32);
        let mut rng = stream_at(0, Purpose::Simulation, 1);
        let span = (n / 2 + 1) as f64..(side - n / 2 - 1) as f64;
        let positions_px = (0..options.n_positions)
            .map(|_| [(); 2].map(|()| rng.random_range(span.clone())))
            .collect();
        Self {
            object: Arc::new(object),
            probe: Arc::new(probe),
            positions_px,
        }
    }

    fn simulator(&self, positions_px: &[[f64; 2]]) -> Simulator {
        let (object, probe) = (Arc::clone(&self.object), Arc::clone(&self.probe));
        Simulator::new(object, probe, positions_px.into(), Subpixel::Fourier, 0).unwrap()
    }
}
