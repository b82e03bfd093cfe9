//! Layers in milliseconds: `cargo bench -p ptycho_core --bench convolution [-- threads=N layer=TEXT kernel=NAME batch=N seconds=S]`.
//!
//! Batch 16 unless told otherwise; forward, backward to weights and bias, and the whole backward pass, with the widest vectors and with the
//! portable ones; GFLOP/s count the operations of direct convolution, whatever the method.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::time::{Duration, Instant};

use ptycho_core::tensor::conv::{Conv3x3, ConvLayer};
use ptycho_core::tensor::{Activations, Kernel};

/// Side, channels in and out, and what else the layer does: the network of N = 64, gridsize 2, scale 2, and the large
/// planes of N = 256.
const LAYERS: [(usize, usize, usize, &str); 15] = [
    (64, 4, 64, "relu"),
    (64, 64, 64, "relu pool"),
    (64, 64, 64, "relu"),
    (32, 64, 128, "relu"),
    (32, 128, 128, "relu pool"),
    (32, 128, 128, "relu"),
    (16, 128, 256, "relu"),
    (16, 256, 256, "relu pool"),
    (16, 256, 256, "relu"),
    (8, 256, 128, "relu"),
    (8, 128, 128, "relu"),
    (16, 128, 64, "relu upsample"),
    (16, 64, 64, "relu"),
    (32, 60, 4, "upsample"),
    (256, 16, 16, "relu"),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let find = |name: &str| {
        let start = format!("{name}=");
        arguments
            .iter()
            .find_map(|a| a.strip_prefix(&start).map(str::to_owned))
    };
    let threads: Option<usize> = find("threads").and_then(|text| text.parse().ok());
    let seconds: f64 = find("seconds")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0.3);
    let batch: usize = find("batch")
        .and_then(|text| text.parse().ok())
        .unwrap_or(16);
    println!("batch {batch}; ms best (median), GFLOP/s of direct convolution at best");
    for n_threads in [1, 2]
        .into_iter()
        .filter(|&n| threads.is_none_or(|t| t == n))
    {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        for (side, n_in, n_out, options) in LAYERS {
            let name = format!("{n_in}->{n_out}@{side} {options}");
            if find("layer").is_some_and(|text| !name.contains(&text)) {
                continue;
            }
            for kernel in [Kernel::best(), Kernel::Portable] {
                if find("kernel").is_some_and(|text| format!("{kernel:?}") != text) {
                    continue;
                }
                let layer = ConvLayer {
                    side,
                    n_stored: n_in,
                    channels: 0..n_in,
                    n_out,
                    upsample: options.contains("upsample"),
                    relu: options.contains("relu"),
                    pool: options.contains("pool"),
                };
                let times = pool.install(|| measure(layer, kernel, (batch, n_threads), seconds));
                println!(
                    "{n_threads} threads  {:9} {name:24} {times}",
                    format!("{kernel:?}")
                );
            }
        }
    }
}

fn measure(
    layer: ConvLayer,
    kernel: Kernel,
    (batch, n_threads): (usize, usize),
    seconds: f64,
) -> String {
    let operations = 2.0 * (batch * layer.n_weights() * layer.side * layer.side) as f64;
    let mut x = Activations::zeros(batch, layer.input_side(), layer.n_stored);
    let mut y = Activations::zeros(batch, layer.output_side(), layer.n_out);
    let mut dx = x.clone();
    let (stride, n_stored) = (x.stride(), x.n_channels());
    for (n, pixel) in x.values_mut().chunks_mut(stride).enumerate() {
        for (channel, value) in pixel[..n_stored].iter_mut().enumerate() {
            *value = ((n * 31 + channel * 17) % 101) as f32 / 50.0 - 1.0;
        }
    }
    let weights: Vec<f32> = (0..layer.n_weights())
        .map(|n| (n * 37 % 19) as f32 / 90.0 - 0.1)
        .collect();
    let bias = vec![0.1; layer.n_out];
    let mut codes = vec![0; if layer.pool { y.values().len() } else { 0 }];
    let mut conv = Conv3x3::new(layer.clone(), batch, n_threads).with_kernel(kernel);
    conv.load(&weights, &bias, false);
    let forward = times(seconds, || conv.forward(batch, &x, &mut y, &mut codes));
    let dy = y.clone();
    let (mut d_weights, mut d_bias) = (weights.clone(), bias.clone());
    let to_weights = times(seconds, || {
        conv.backward(
            batch,
            &x,
            &y,
            &codes,
            &dy,
            None,
            &mut d_weights,
            &mut d_bias,
        );
    });
    let whole = times(seconds, || {
        let dx = Some((&mut dx, false));
        conv.backward(batch, &x, &y, &codes, &dy, dx, &mut d_weights, &mut d_bias);
    });
    let show = |name: &str, (best, median): (f64, f64), passes: f64| {
        let rate = passes * operations / best / 1e9;
        format!(
            "{name} {:6.2} ({:6.2}) {rate:5.0}",
            best * 1e3,
            median * 1e3
        )
    };
    format!(
        "{} | {} | {}",
        show("forward", forward, 1.0),
        show("weights", to_weights, 1.0),
        show("backward", whole, 2.0)
    )
}

/// Best and median in seconds.
fn times(seconds: f64, mut pass: impl FnMut()) -> (f64, f64) {
    pass();
    let mut all = Vec::new();
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    while all.len() < 5 || Instant::now() < end {
        let start = Instant::now();
        pass();
        all.push(start.elapsed().as_secs_f64());
    }
    all.sort_by(f64::total_cmp);
    (all[0], all[all.len() / 2])
}
