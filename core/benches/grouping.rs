//! Time of neighbours, groups, filter and measures: `cargo bench -p ptycho_core --bench grouping`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::sync::Arc;
use std::time::Instant;

use ptycho_core::grouping::groups::form_of_neighbours;
use ptycho_core::grouping::{
    GroupSettings, Measures, Neighbours, Order, Planner, SpacingSettings, Thinner, View,
    form_groups,
};
use ptycho_core::rng::{Purpose, stream};
use rand::RngExt as _;

/// Repeats, of which the best counts.
const N_REPEATS: usize = 5;
/// A focused spot of the size of the study's probe.
const DIAMETER_PX: f64 = 43.7;

fn uniform(n: usize, [height, width]: [f64; 2]) -> Vec<[f64; 2]> {
    let mut rng = stream(1, Purpose::Simulation);
    let mut draw = |side: f64| rng.random_range(0.0..side);
    (0..n).map(|_| [draw(height), draw(width)]).collect()
}

fn best_ms<T>(mut work: impl FnMut() -> T) -> f64 {
    let once = |_| {
        let start = Instant::now();
        std::hint::black_box(work());
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..N_REPEATS).map(once).fold(f64::INFINITY, f64::min)
}

fn bench(name: &str, points: &[[f64; 2]]) {
    let settings = GroupSettings::default();
    let neighbours = best_ms(|| Neighbours::of(points, 7));
    let formed = form_groups(points, &settings);
    let Ok(formed) = formed else { return };
    let near = Neighbours::of(points, 7);
    let groups = best_ms(|| form_of_neighbours(points, &near, &settings));
    let centres = formed.groups.centres_px();
    let thin = |order| best_ms(|| Thinner::new(centres, 38.4).thin(order, 1, 0));
    let (scan, most) = (thin(Order::Scan), thin(Order::Most));
    let measures = best_ms(|| Measures::of(&formed.groups, points, 6, DIAMETER_PX));
    let sum = neighbours + groups + scan + measures;
    println!(
        "{name:<28} neighbours {neighbours:7.1} ms, groups {groups:6.1} ms, filter {scan:6.1} ms (most {most:6.1} ms), \
         measures of all groups {measures:7.1} ms; sum {sum:7.1} ms"
    );
}

/// What a slider costs: a new S, everything else known; and a new seed, K known.
fn bench_slider(points: &[[f64; 2]]) {
    let mut planner = Planner::new(Arc::from(points), 128);
    let spacing = SpacingSettings::default();
    let mut step = 0u32;
    let mut plan = |overlap: f64, seed: u64| {
        let view = View {
            name: "view".to_owned(),
            overlap,
        };
        let settings = GroupSettings {
            seed,
            ..GroupSettings::default()
        };
        planner
            .plan(&view, &settings, &spacing, DIAMETER_PX)
            .is_ok()
    };
    let moved = best_ms(|| {
        step += 1;
        plan(0.7 + 0.01 * f64::from(step), 1)
    });
    let tight = best_ms(|| plan(0.98, 1));
    let whole = best_ms(|| plan(1.0, 1));
    let seeded = best_ms(|| {
        step += 1;
        plan(0.7, u64::from(step))
    });
    println!(
        "a slider over {} points: f about 0.7 {moved:.1} ms, f = 0.98 {tight:.1} ms, f = 1 (all groups) {whole:.1} ms, \
         seed {seeded:.1} ms",
        points.len()
    );
}

fn main() {
    let preset = uniform(10_304, [336.0, 336.0]);
    bench("10,304 points, 336 px square", &preset);
    bench_slider(&preset);
    // The same density.
    bench(
        "100,000 points, 1047 px",
        &uniform(100_000, [1046.7, 1046.7]),
    );
    let raster: Vec<[f64; 2]> = (0..100_000)
        .map(|i| [f64::from(i / 316) * 3.0, f64::from(i % 316) * 3.0])
        .collect();
    bench("100,000 points, raster", &raster);
    let line: Vec<[f64; 2]> = (0..100_000).map(|i| [7.0, f64::from(i) * 0.5]).collect();
    bench("100,000 points, one row", &line);
}
