//! Fast patterns against the forward model in double precision; photon statistics against the Poisson distribution.

use std::sync::Arc;

use candle_core::Device;
use ndarray::{Array2, Array3};
use num_complex::{Complex32, Complex64};
use ptycho_core::Error;
use ptycho_core::forward::{Forward, Subpixel};
use ptycho_core::job::{Monitor, Progress, Quiet, Stop};
use ptycho_core::rng::{Purpose, stream, stream_at};
use ptycho_core::sim::Simulator;
use ptycho_core::sim::noise::{draw_amplitudes, draw_counts, noise_seed, poisson};
use rand::{RngExt as _, TryRng};
use rayon::prelude::*;

/// A random object, a Gaussian probe in `n_modes` modes with `photons` in all, and positions over the whole object.
struct Case {
    object: Array2<Complex32>,
    probe: Array3<Complex32>,
    positions_px: Vec<[f64; 2]>,
}

fn case(n: usize, n_modes: usize, photons: f64) -> Case {
    let mut rng = stream_at(5, Purpose::Simulation, (n * 8 + n_modes) as u64);
    let shape = (2 * n + 3, 2 * n + 10);
    let object = Array2::from_shape_simple_fn(shape, || {
        let amplitude = 0.5 + rng.random::<f64>();
        single(Complex64::from_polar(amplitude, rng.random::<f64>()))
    });
    let wave = |k: usize, row: usize, column: usize| {
        let half = (n / 2) as f64;
        let (y, x) = (row as f64 - half, column as f64 - half);
        let sigma = n as f64 / 6.0;
        let envelope = (-(y * y + x * x) / (2.0 * sigma * sigma)).exp();
        let bend = Complex64::cis(0.4 * (y * y + 1.5 * x * x) / (sigma * sigma));
        bend * envelope * (x / sigma).powi(k as i32) / (k + 1) as f64
    };
    let probe = Array3::from_shape_fn((n_modes, n, n), |(k, row, column)| wave(k, row, column));
    let power: f64 = probe.iter().map(Complex64::norm_sqr).sum();
    let probe = probe.mapv(|value| single(value * (photons / power).sqrt()));
    let span = |side: usize| (n / 2) as f64 + 0.5..(side - n + n / 2) as f64 - 0.5;
    let mut positions_px: Vec<[f64; 2]> = (0..12)
        .map(|_| [shape.0, shape.1].map(|side| rng.random_range(span(side))))
        .collect();
    // The corners, and positions of which one or both coordinates are whole.
    let last = [shape.0, shape.1].map(|side| (side - n + n / 2) as f64);
    let half = (n / 2) as f64;
    positions_px.extend([
        [half, half],
        last,
        [half, last[1]],
        [half + 0.5, last[1]],
        [half + 1.0, half + 0.25],
    ]);
    Case {
        object,
        probe,
        positions_px,
    }
}

fn single(value: Complex64) -> Complex32 {
    Complex32::new(value.re as f32, value.im as f32)
}

fn double(value: Complex32) -> Complex64 {
    Complex64::new(f64::from(value.re), f64::from(value.im))
}

impl Case {
    fn simulator(&self, subpixel: Subpixel, seed: u64) -> Simulator {
        self.try_simulator(subpixel, seed).unwrap()
    }

    fn try_simulator(&self, subpixel: Subpixel, seed: u64) -> ptycho_core::Result<Simulator> {
        let (object, probe) = (Arc::new(self.object.clone()), Arc::new(self.probe.clone()));
        let positions_px = self.positions_px.as_slice().into();
        Simulator::new(object, probe, positions_px, subpixel, seed)
    }
}

impl Case {
    /// The forward model as tensors, here on the CPU.
    fn on_tensors(&self, subpixel: Subpixel, seed: u64) -> Simulator {
        let (object, probe) = (Arc::new(self.object.clone()), Arc::new(self.probe.clone()));
        let positions_px = self.positions_px.as_slice().into();
        Simulator::on(object, probe, positions_px, (subpixel, seed), &Device::Cpu).unwrap()
    }
}

/// Rounding of single precision over the passes of two transforms; measured 3e-7 at most.
const AMPLITUDE_TOLERANCE: f64 = 1e-6;
/// The same over the products that stand for the transforms on a device.
const TENSOR_TOLERANCE: f64 = 3e-6;

#[test]
fn amplitudes_are_those_of_the_forward_model_for_every_kind_of_size() {
    let mut worst = 0.0_f64;
    for (n, n_modes) in [
        (1, 1),
        (2, 1),
        (15, 2),
        (16, 1),
        (31, 1),
        (32, 3),
        (63, 1),
        (64, 2),
        (100, 1),
        (128, 2),
    ] {
        let case = case(n, n_modes, 1e6);
        let (object, probe) = (case.object.mapv(double), case.probe.mapv(double));
        for subpixel in [Subpixel::Fourier, Subpixel::Bilinear] {
            let forward = Forward::<f64>::new(n, subpixel);
            let simulator = case.simulator(subpixel, 0);
            assert_eq!(
                (simulator.n(), simulator.n_patterns()),
                (n, case.positions_px.len())
            );
            let mut found = vec![f32::NAN; n * n];
            for (i, &position_px) in case.positions_px.iter().enumerate() {
                simulator.intensity(i, &mut found);
                let expected = forward.intensity(object.view(), probe.view(), position_px);
                let largest = expected.iter().copied().fold(0.0, f64::max).sqrt();
                let error = expected
                    .iter()
                    .zip(&found)
                    .map(|(expected, found)| (expected.sqrt() - f64::from(*found).sqrt()).abs())
                    .fold(0.0, f64::max);
                worst = worst.max(error / largest);
                assert!(
                    error <= AMPLITUDE_TOLERANCE * largest,
                    "{subpixel:?}, n {n}, {n_modes} modes, pattern {i} at {position_px:?}: {:e}",
                    error / largest
                );
            }
        }
    }
    eprintln!("worst amplitude error, relative to the largest of the pattern: {worst:e}");
}

#[test]
fn a_device_gives_the_same_counts_and_draws_the_same_photons_but_for_rounding() {
    let mut worst = 0.0_f64;
    for (n, n_modes) in [(15, 2), (32, 3), (100, 1), (128, 2)] {
        let case = case(n, n_modes, 1e4);
        for subpixel in [Subpixel::Fourier, Subpixel::Bilinear] {
            let (fused, device) = (case.simulator(subpixel, 3), case.on_tensors(subpixel, 3));
            let (mut expected, mut found) = (vec![0.0; n * n], vec![0.0; n * n]);
            // Backwards, so that patterns are read out of the order of blocks.
            for i in (0..case.positions_px.len()).rev() {
                fused.intensity(i, &mut expected);
                device.intensity(i, &mut found);
                let largest = expected.iter().copied().fold(0.0, f32::max).sqrt();
                for (expected, found) in expected.iter().zip(&found) {
                    worst = worst.max(f64::from((expected.sqrt() - found.sqrt()).abs() / largest));
                }
                fused.amplitude(i, &mut expected);
                device.amplitude(i, &mut found);
                let n_other = expected.iter().zip(&found).filter(|(a, b)| a != b).count();
                assert!(n_other <= n * n / 100, "{n_other} of {} pixels", n * n);
            }
            assert_eq!(device.device_failure(), None);
        }
    }
    assert!(worst <= TENSOR_TOLERANCE, "{worst:e}");
}

#[test]
fn the_photons_of_a_pattern_are_those_expected_without_its_far_field() {
    for (n, n_modes) in [(15, 1), (32, 3), (64, 1), (100, 2)] {
        let case = case(n, n_modes, 3e5);
        for subpixel in [Subpixel::Fourier, Subpixel::Bilinear] {
            let simulator = case.simulator(subpixel, 0);
            let expected = simulator.expected_photons(&Quiet::default()).unwrap();
            assert_eq!(expected.len(), case.positions_px.len());
            let mut pattern = vec![0.0; n * n];
            for (i, expected) in expected.into_iter().enumerate() {
                simulator.intensity(i, &mut pattern);
                let found: f64 = pattern.iter().map(|&value| f64::from(value)).sum();
                assert!(
                    (found / expected - 1.0).abs() < 1e-6,
                    "{subpixel:?}, n {n}, pattern {i}: {found} against {expected}"
                );
            }
        }
    }
}

#[test]
fn drawn_patterns_hold_the_photons_asked_for() {
    for photons in [10.0, 1e3, 1e5, 1e9] {
        let case = case(64, 1, photons);
        let simulator = case.simulator(Subpixel::Fourier, 17);
        let expected = simulator.expected_photons(&Quiet::default()).unwrap();
        let mut pattern = vec![0.0; 64 * 64];
        let mut total = 0.0;
        for i in 0..simulator.n_patterns() {
            simulator.amplitude(i, &mut pattern);
            total += pattern.iter().map(|&a| f64::from(a).powi(2)).sum::<f64>();
        }
        let expected: f64 = expected.iter().sum();
        // Amplitudes are single precision: counts come back to 1e-7, and so do the expected ones.
        let allowed = 3.0 * expected.sqrt() + 2e-7 * expected;
        assert!(
            (total - expected).abs() < allowed,
            "{photons}: {total} against {expected}"
        );
    }
}

#[test]
fn a_pattern_is_the_same_on_any_thread_in_any_order_and_its_noise_its_own() {
    let case = case(32, 2, 1e4);
    let simulator = Arc::new(case.simulator(Subpixel::Fourier, 3));
    let m = simulator.n_patterns();
    let draw = |i: usize| {
        let mut pattern = vec![0.0; 32 * 32];
        simulator.frames().read(i, &mut pattern);
        pattern
    };
    let on = |n_threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        pool.install(|| {
            let patterns: Vec<Vec<f32>> = (0..m).into_par_iter().map(draw).collect();
            (
                patterns,
                simulator.expected_photons(&Quiet::default()).unwrap(),
            )
        })
    };
    let (one, two) = (on(1), on(2));
    assert_eq!(one, two);
    let mut backwards: Vec<_> = (0..m).rev().map(draw).collect();
    backwards.reverse();
    assert_eq!(one.0, backwards);
    let other = case.simulator(Subpixel::Fourier, 4);
    let mut pattern = vec![0.0; 32 * 32];
    other.amplitude(0, &mut pattern);
    assert_ne!(one.0[0], pattern, "another seed, other noise");
    assert_ne!(one.0[0], one.0[1]);
}

#[test]
fn the_noise_of_a_dose_depends_on_seed_and_dose_alone() {
    let seeds = [(42, 1e3), (42, 1e4), (43, 1e3), (42, 1000.0000000000001)]
        .map(|(seed, photons)| noise_seed(seed, photons));
    for (i, seed) in seeds.iter().enumerate() {
        assert!(!seeds[..i].contains(seed), "{seeds:?}");
    }
    assert_eq!(noise_seed(42, 1e3), seeds[0]);
}

struct StopAt(Stop, std::sync::Mutex<Vec<f64>>);

impl Monitor<()> for StopAt {
    fn stop(&self) -> &Stop {
        &self.0
    }
    fn progress(&self, progress: Progress) {
        self.1.lock().unwrap().push(progress.share());
        if progress.share() > 0.5 {
            self.0.request();
        }
    }
    fn snapshot(&self, (): ()) {}
}

#[test]
fn expected_photons_report_progress_and_stop_when_asked() {
    let mut case = case(16, 1, 1e3);
    case.positions_px = vec![[10.3, 11.7]; 1000];
    let simulator = case.simulator(Subpixel::Fourier, 0);
    let monitor = StopAt(Stop::default(), std::sync::Mutex::default());
    let result = simulator.expected_photons(&monitor);
    assert!(matches!(result, Err(Error::Cancelled)));
    let shares = monitor.1.into_inner().unwrap();
    assert!(shares.is_sorted() && shares.len() < 16, "{shares:?}");
}

#[test]
fn what_cannot_be_simulated_is_refused_in_words() {
    let refused = |change: &dyn Fn(&mut Case), subpixel: Subpixel| {
        let mut case = case(16, 1, 1e3);
        change(&mut case);
        case.try_simulator(subpixel, 0).err().unwrap().to_string()
    };
    let message = refused(
        &|case| case.positions_px = vec![[7.0, 9.0], [20.0, 20.0]],
        Subpixel::Fourier,
    );
    assert!(message.contains("1 outside: 0 at (7, 9)"), "{message}");
    // The last whole position fits; beyond it the bilinear patch needs a pixel more, the shifted probe only at a half.
    let edge = (35 - 16 + 8) as f64;
    let message = refused(
        &|case| case.positions_px = vec![[edge + 0.25, 20.0]],
        Subpixel::Bilinear,
    );
    assert!(message.contains("1 outside"), "{message}");
    let mut case = case(16, 1, 1e3);
    case.positions_px = vec![[edge + 0.25, 20.0]];
    assert!(case.try_simulator(Subpixel::Fourier, 0).is_ok());
    case.positions_px = vec![[edge, 20.0]];
    assert!(case.try_simulator(Subpixel::Bilinear, 0).is_ok());
    for (change, words) in [
        (
            &(|case: &mut Case| case.positions_px.clear()) as &dyn Fn(&mut Case),
            "at least one",
        ),
        (
            &|case| case.positions_px = vec![[f64::NAN, 20.0]; 12],
            "12 outside",
        ),
        (&|case| case.positions_px = vec![[1e300, 20.0]], "1 outside"),
        (&|case| case.object = Array2::zeros((12, 40)), "12 x 40"),
        (&|case| case.object[[3, 4]].re = f32::NAN, "1 values"),
        (&|case| case.probe = Array3::zeros((1, 16, 15)), "16 x 15"),
        (
            &|case| case.probe = Array3::zeros((0, 16, 16)),
            "at least one mode",
        ),
        (
            &|case| case.probe.mapv_inplace(|value| value * 1e12),
            "1e18",
        ),
    ] {
        let message = refused(change, Subpixel::Fourier);
        assert!(message.contains(words), "{message}");
    }
}

/// Draws of one mean by the sampler of patterns and by the one of single values.
fn draws(mean: f64, n: usize) -> [Vec<f64>; 2] {
    let mut rng = stream_at(23, Purpose::Noise, mean.to_bits() >> 16);
    let mut many = vec![f64::NAN; n];
    draw_counts(&mut rng, &vec![mean as f32; n], &mut many);
    let single = (0..n).map(|_| poisson(&mut rng, mean)).collect();
    [many, single]
}

#[test]
fn counts_have_the_mean_and_variance_of_their_rate_over_a_million_draws() {
    const N: usize = 1_000_000;
    [
        1e-3, 0.061, 0.6, 2.0, 2.44, 6.0, 9.99, 10.0, 12.0, 31.7, 50.0, 65.5, 200.3, 255.99, 256.0,
        1e3, 1e6, 1e8,
    ]
    .into_par_iter()
    .for_each(|mean| {
        for (sampler, counts) in draws(mean, N).iter().enumerate() {
            assert!(counts.iter().all(|&k| k >= 0.0 && k.fract() == 0.0));
            let found = counts.iter().map(|k| k - mean).sum::<f64>() / N as f64;
            let variance = counts.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / N as f64;
            let mean_error = (mean / N as f64).sqrt();
            // Of a Poisson distribution: Var (k - mean)² = mean + 2 mean².
            let variance_error = ((mean + 2.0 * mean * mean) / N as f64).sqrt();
            assert!(
                found.abs() < 4.5 * mean_error,
                "{sampler}: mean {mean} is off by {found}, {mean_error} expected"
            );
            assert!(
                (variance - mean).abs() < 4.5 * variance_error,
                "{sampler}: variance of {mean} is {variance}, within {variance_error}"
            );
        }
    });
}

#[test]
fn counts_are_distributed_as_the_formula_says() {
    const N: usize = 400_000;
    for mean in [
        0.3, 1.9, 2.44, 9.0, 20.0, 24.5, 30.0, 64.0, 80.0, 255.9, 256.0, 300.0,
    ] {
        let last = (mean + 12.0 * f64::sqrt(mean) + 10.0) as usize;
        // exp(-300) is still a number, 5e-131.
        let mut probability = vec![f64::exp(-mean)];
        for k in 1..=last {
            probability.push(probability[k - 1] * mean / k as f64);
        }
        for (sampler, counts) in draws(mean, N).iter().enumerate() {
            let mut found = vec![0.0; last + 1];
            for &k in counts {
                found[k as usize] += 1.0;
            }
            // Counts that are expected less than 10 times are taken together, at each end.
            let (mut chi2, mut n_bins, mut rest) = (0.0, 0.0, [0.0; 2]);
            for (p, found) in probability.iter().zip(&found) {
                rest[0] += p * N as f64;
                rest[1] += found;
                if rest[0] >= 10.0 {
                    chi2 += (rest[1] - rest[0]).powi(2) / rest[0];
                    n_bins += 1.0;
                    rest = [0.0; 2];
                }
            }
            let freedom: f64 = n_bins - 1.0;
            assert!(
                chi2 < freedom + 4.5 * (2.0 * freedom).sqrt() + 5.0,
                "{sampler}: mean {mean}: chi² {chi2} with {freedom} degrees of freedom"
            );
        }
    }
}

/// Some words, then others.
struct Words {
    first: u32,
    n_first: usize,
    then: u32,
}

impl TryRng for Words {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let word = if self.n_first > 0 {
            self.first
        } else {
            self.then
        };
        self.n_first = self.n_first.saturating_sub(1);
        Ok(word)
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let low = u64::from(self.try_next_u32()?);
        Ok(u64::from(self.try_next_u32()?) << 32 | low)
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in bytes.chunks_mut(4) {
            let word = self.try_next_u32()?.to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

#[test]
fn the_rarest_counts_come_from_bits_beyond_the_first_32() {
    let mean = 0.5_f64;
    // The least count beyond which there is less probability than this.
    let least = |beyond: f64| {
        let tail = |k: usize| {
            let mut term = (-mean).exp();
            let mut sum = 0.0;
            for j in 1..40 {
                term *= mean / j as f64;
                sum += if j > k { term } else { 0.0 };
            }
            sum
        };
        (0..40).find(|&k| tail(k) < beyond).unwrap() as f64
    };
    let count = |first: u32, then: u32| {
        let mut counts = [f64::NAN; 3];
        let mut words = Words {
            first,
            n_first: 3,
            then,
        };
        draw_counts(&mut words, &[mean as f32; 3], &mut counts);
        assert_eq!(counts, [counts[0]; 3]);
        counts[0]
    };
    let unit = 2.0_f64.powi(-32);
    assert_eq!(count(u32::MAX, 0), least(unit));
    assert_eq!(
        count(u32::MAX, u32::MAX - 65536),
        least(unit * unit * 65536.0)
    );
    assert!(count(u32::MAX, 0) < count(u32::MAX, u32::MAX - 65536));
    assert_eq!(count(0, 0), 0.0);
    assert_eq!(count(u32::MAX - 1, u32::MAX), count(u32::MAX - 1, 0));
}

#[test]
fn no_light_means_no_photons_and_nothing_else_leaks_into_a_pattern() {
    let mut rng = stream(1, Purpose::Noise);
    let means = [0.0, -0.0, -3.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    assert_eq!(means.map(|mean| poisson(&mut rng, mean)), [0.0; 6]);
    let mut counts = [f64::NAN; 6];
    draw_counts(&mut rng, &means.map(|mean| mean as f32), &mut counts);
    assert_eq!(counts, [0.0; 6]);
    let mut pattern = vec![0.0; 1000];
    pattern[100] = 1e6;
    pattern[999] = 4e6;
    draw_amplitudes(&mut rng, &mut pattern);
    for (i, &amplitude) in pattern.iter().enumerate() {
        let expected = match i {
            100 => 1e3,
            999 => 2e3,
            _ => 0.0,
        };
        assert!(
            (amplitude - expected).abs() <= 4.0 * f32::from(expected > 0.0),
            "{i}: {amplitude}"
        );
    }
}
