//! The fast convolution against its plain twin: direct sums in double precision.

use ptycho_core::rng::{Purpose, stream};
use ptycho_core::tensor::conv::{Conv3x3, ConvLayer};
use ptycho_core::tensor::{Activations, Kernel};
use rand::{Rng, RngExt as _};

/// Relative rms difference that a pass may have from double precision.
const TOLERANCE: f64 = 5e-6;

/// Everything that goes into the passes of a layer and comes out.
struct Case {
    layer: ConvLayer,
    n_batch: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
    x: Activations,
    y: Activations,
    codes: Vec<u8>,
    dy: Activations,
    dx: Activations,
    d_weights: Vec<f32>,
    d_bias: Vec<f32>,
}

fn layer(side: usize, channels: (usize, usize), options: &str) -> ConvLayer {
    ConvLayer {
        side,
        n_stored: channels.0,
        channels: 0..channels.0,
        n_out: channels.1,
        upsample: options.contains("upsample"),
        relu: options.contains("relu"),
        pool: options.contains("pool"),
    }
}

fn sliced(
    side: usize,
    n_stored: usize,
    channels: std::ops::Range<usize>,
    n_out: usize,
) -> ConvLayer {
    ConvLayer {
        channels,
        ..layer(side, (n_stored, n_out), "upsample")
    }
}

/// Every kind of layer that networks have, and odd ones.
fn layers() -> Vec<ConvLayer> {
    vec![
        layer(4, (1, 1), ""),
        layer(4, (3, 5), "relu pool"),
        layer(8, (1, 33), "relu"),
        layer(8, (17, 16), "relu upsample"),
        layer(8, (48, 40), "relu pool"),
        layer(8, (130, 70), "upsample relu pool"),
        layer(16, (4, 64), "relu"),
        layer(16, (64, 47), "relu pool"),
        layer(12, (20, 20), "pool"),
        layer(16, (96, 33), "upsample"),
        layer(32, (33, 31), "relu upsample"),
        layer(32, (16, 48), "relu pool"),
        layer(64, (4, 8), "relu"),
        sliced(16, 64, 0..60, 4),
        sliced(16, 64, 56..64, 2),
        sliced(8, 80, 37..41, 9),
        sliced(8, 100, 3..99, 9),
    ]
}

fn fill(maps: &mut Activations, rng: &mut impl Rng) {
    let (stride, n_channels) = (maps.stride(), maps.n_channels());
    for pixel in maps.values_mut().chunks_mut(stride) {
        for value in &mut pixel[..n_channels] {
            *value = rng.random_range(-1.0..1.0);
        }
    }
}

impl Case {
    /// Random numbers in, and all passes of the first `n_batch` of `planned` items on `n_threads` threads.
    fn run(
        layer: &ConvLayer,
        n_batch: usize,
        planned: usize,
        kernel: Kernel,
        n_threads: usize,
    ) -> Self {
        let mut rng = stream(7, Purpose::Weights);
        let n_stored = layer.n_stored;
        let scale = (3.0 / (9 * layer.n_in()) as f32).sqrt();
        let mut case = Self {
            layer: layer.clone(),
            n_batch,
            weights: (0..layer.n_weights())
                .map(|_| rng.random_range(-scale..scale))
                .collect(),
            bias: (0..layer.n_out)
                .map(|_| rng.random_range(-0.5..0.5))
                .collect(),
            x: Activations::zeros(planned, layer.input_side(), n_stored),
            y: Activations::zeros(planned, layer.output_side(), layer.n_out),
            codes: Vec::new(),
            dy: Activations::zeros(planned, layer.output_side(), layer.n_out),
            dx: Activations::zeros(planned, layer.input_side(), n_stored),
            d_weights: vec![f32::NAN; layer.n_weights()],
            d_bias: vec![f32::NAN; layer.n_out],
        };
        fill(&mut case.x, &mut rng);
        fill(&mut case.dy, &mut rng);
        case.y.values_mut().fill(7.0);
        case.dx.values_mut().fill(7.0);
        case.codes = vec![9; if layer.pool { case.y.values().len() } else { 0 }];
        let mut conv = Conv3x3::new(layer.clone(), planned, n_threads).with_kernel(kernel);
        conv.load(&case.weights, &case.bias, false);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        pool.install(|| case.passes(&conv, false));
        case
    }

    fn passes(&mut self, conv: &Conv3x3, accumulate: bool) {
        conv.forward(self.n_batch, &self.x, &mut self.y, &mut self.codes);
        conv.backward(
            self.n_batch,
            &self.x,
            &self.y,
            &self.codes,
            &self.dy,
            Some((&mut self.dx, accumulate)),
            &mut self.d_weights,
            &mut self.d_bias,
        );
    }

    /// `x` where the layer sees it, after upsampling.
    fn seen(&self, item: usize, r: isize, c: isize, channel: usize) -> f64 {
        let side = self.layer.side as isize;
        if r < 0 || c < 0 || r >= side || c >= side {
            return 0.0;
        }
        let half = isize::from(self.layer.upsample);
        let at = self.x.at(
            item,
            (r >> half) as usize,
            (c >> half) as usize,
            self.layer.channels.start + channel,
        );
        f64::from(self.x.values()[at])
    }

    fn weight(&self, out: usize, channel: usize, tap: usize) -> f64 {
        f64::from(self.weights[(out * self.layer.n_in() + channel) * 9 + tap])
    }

    /// The twin's output: values of all four pixels of a pool, or one.
    fn output(&self, item: usize, r: usize, c: usize, out: usize) -> Vec<f64> {
        let (n, step) = if self.layer.pool { (4, 2) } else { (1, 1) };
        let mut values = Vec::new();
        for code in 0..n {
            let mut sum = f64::from(self.bias[out]);
            for tap in 0..9 {
                let row = (step * r + code / 2 + tap / 3) as isize - 1;
                let column = (step * c + code % 2 + tap % 3) as isize - 1;
                for channel in 0..self.layer.n_in() {
                    sum += self.seen(item, row, column, channel) * self.weight(out, channel, tap);
                }
            }
            values.push(if self.layer.relu { sum.max(0.0) } else { sum });
        }
        values
    }

    /// The twin's gradients for `x`, weights and bias: with the maxima and signs of the fast pass, since of two that are
    /// equal but for rounding either may be the greater.
    fn gradients(&self) -> [Vec<f64>; 3] {
        let layer = &self.layer;
        let side = layer.output_side();
        let mut dx = vec![0.0; self.dx.values().len()];
        let mut d_weights = vec![0.0; layer.n_weights()];
        let mut d_bias = vec![0.0; layer.n_out];
        let half = isize::from(layer.upsample);
        for place in 0..self.n_batch * side * side {
            let (item, r, c) = (place / (side * side), place / side % side, place % side);
            for out in 0..layer.n_out {
                let at = self.y.at(item, r, c, out);
                let slope = f64::from(self.dy.values()[at]);
                if layer.relu && self.y.values()[at] <= 0.0 {
                    continue;
                }
                let (r, c) = if layer.pool {
                    let code = usize::from(self.codes[at]);
                    (2 * r + code / 2, 2 * c + code % 2)
                } else {
                    (r, c)
                };
                d_bias[out] += slope;
                for tap in 0..9 {
                    let (row, column) = ((r + tap / 3) as isize - 1, (c + tap % 3) as isize - 1);
                    let whole = layer.side as isize;
                    if row < 0 || column < 0 || row >= whole || column >= whole {
                        continue;
                    }
                    let (low_row, low_column) = ((row >> half) as usize, (column >> half) as usize);
                    let at = self.dx.at(item, low_row, low_column, layer.channels.start);
                    for channel in 0..layer.n_in() {
                        dx[at + channel] += slope * self.weight(out, channel, tap);
                        d_weights[(out * layer.n_in() + channel) * 9 + tap] +=
                            slope * f64::from(self.x.values()[at + channel]);
                    }
                }
            }
        }
        [dx, d_weights, d_bias]
    }

    /// Values of the items that were asked for.
    fn used(maps: &Activations, n_batch: usize) -> &[f32] {
        &maps.values()[..n_batch * maps.side() * maps.side() * maps.stride()]
    }
}

fn relative_rms(got: &[f32], expected: &[f64]) -> f64 {
    assert!(got.len() <= expected.len());
    let (mut error, mut power) = (0.0, 0.0);
    for (&got, &expected) in got.iter().zip(expected) {
        error += (f64::from(got) - expected).powi(2);
        power += expected.powi(2);
    }
    assert!(power > 0.0);
    (error / power).sqrt()
}

fn check_output(case: &Case, what: &str) {
    let (y, layer) = (&case.y, &case.layer);
    let (mut error, mut power) = (0.0, 0.0);
    for (n, &got) in y.values().iter().enumerate() {
        let (pixel, channel) = (n / y.stride(), n % y.stride());
        let side = y.side();
        let item = pixel / (side * side);
        if item >= case.n_batch {
            assert_eq!(got, 7.0, "{what}: wrote behind the batch");
            continue;
        }
        if channel >= layer.n_out {
            assert_eq!(got, 0.0, "{what}: channel {channel}");
            continue;
        }
        let values = case.output(item, pixel / side % side, pixel % side, channel);
        let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        error += (f64::from(got) - greatest).powi(2);
        power += greatest.powi(2);
        if layer.pool {
            let taken = values[usize::from(case.codes[n])];
            assert!(
                (taken - greatest).abs() < 1e-4,
                "{what}: {taken} for {greatest}"
            );
        }
    }
    let error = (error / power).sqrt();
    assert!(error < TOLERANCE, "{what}: forward {error:e}");
}

#[test]
fn all_passes_are_those_of_the_twin_with_every_kernel() {
    for layer in layers() {
        let mut twin = None;
        for kernel in Kernel::ALL
            .into_iter()
            .filter(|kernel| kernel.is_available())
        {
            let what = format!("{kernel:?} {layer:?}");
            let case = Case::run(&layer, 3, 4, kernel, 2);
            check_output(&case, &what);
            // The maxima of another kernel may differ where two are equal but for rounding.
            let signs: Vec<bool> = case.y.values().iter().map(|&y| y > 0.0).collect();
            let fresh = twin
                .take()
                .filter(|(codes, pattern, _)| *codes == case.codes && *pattern == signs);
            let (codes, signs, gradients) =
                fresh.unwrap_or_else(|| (case.codes.clone(), signs, case.gradients()));
            let used = Case::used(&case.dx, case.n_batch);
            let errors = [
                relative_rms(used, &gradients[0]),
                relative_rms(&case.d_weights, &gradients[1]),
                relative_rms(&case.d_bias, &gradients[2]),
            ];
            assert!(
                errors.iter().all(|&error| error < TOLERANCE),
                "{what}: {errors:?}"
            );
            assert!(
                case.dx.values()[used.len()..].iter().all(|&dx| dx == 7.0),
                "{what}"
            );
            twin = Some((codes, signs, gradients));
        }
    }
}

#[test]
fn the_bits_do_not_depend_on_the_threads() {
    for layer in [
        layer(32, (40, 64), "relu pool"),
        layer(16, (128, 130), "relu upsample"),
    ] {
        let one = Case::run(&layer, 5, 6, Kernel::best(), 1);
        for n_threads in [2, 3] {
            let more = Case::run(&layer, 5, 6, Kernel::best(), n_threads);
            assert_eq!(one.y.values(), more.y.values());
            assert_eq!(one.codes, more.codes);
            assert_eq!(one.dx.values(), more.dx.values());
            assert_eq!(one.d_weights, more.d_weights);
            assert_eq!(one.d_bias, more.d_bias);
        }
    }
}

#[test]
fn backward_passes_are_adjoints() {
    for layer in [
        layer(16, (20, 36), ""),
        layer(16, (20, 36), "upsample"),
        sliced(16, 64, 10..60, 4),
    ] {
        let mut case = Case::run(&layer, 2, 2, Kernel::best(), 2);
        // <dy, y(x)> is linear in x and in the weights once the bias is 0.
        let mut conv = Conv3x3::new(layer.clone(), 2, 2);
        conv.load(&case.weights, &vec![0.0; layer.n_out], false);
        case.passes(&conv, false);
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter()
                .zip(b)
                .map(|(&a, &b)| f64::from(a) * f64::from(b))
                .sum()
        };
        let size = (dot(case.dy.values(), case.dy.values())
            * dot(case.y.values(), case.y.values()))
        .sqrt();
        let forward = dot(case.dy.values(), case.y.values());
        let to_input = dot(case.dx.values(), case.x.values());
        let to_weights = dot(&case.d_weights, &case.weights);
        assert!(
            (forward - to_input).abs() < 1e-6 * size,
            "{layer:?}: {forward} {to_input}"
        );
        assert!(
            (forward - to_weights).abs() < 1e-6 * size,
            "{layer:?}: {forward} {to_weights}"
        );
    }
}

#[test]
fn a_gradient_is_added_to_another_where_wanted() {
    for layer in [layer(8, (40, 24), "relu pool"), sliced(16, 96, 40..60, 4)] {
        let mut case = Case::run(&layer, 2, 3, Kernel::best(), 2);
        let once = case.dx.values().to_vec();
        let mut conv = Conv3x3::new(layer, 3, 2);
        conv.load(&case.weights, &case.bias, false);
        case.passes(&conv, true);
        let used = Case::used(&case.dx, 2).len();
        for (twice, once) in case.dx.values()[..used].iter().zip(&once) {
            assert!((twice - 2.0 * once).abs() <= 1e-6 * once.abs());
        }
        assert!(case.dx.values()[used..].iter().all(|&dx| dx == 7.0));
    }
}

#[test]
fn of_equal_values_the_first_is_the_greatest() {
    for kernel in Kernel::ALL {
        let layer = layer(8, (2, 20), "pool");
        let mut conv = Conv3x3::new(layer.clone(), 1, 1).with_kernel(kernel);
        let bias: Vec<f32> = (0..20).map(|channel| channel as f32 - 10.0).collect();
        conv.load(&vec![0.0; layer.n_weights()], &bias, false);
        let x = Activations::zeros(1, 8, 2);
        let mut y = Activations::zeros(1, 4, 20);
        let mut codes = vec![9; y.values().len()];
        conv.forward(1, &x, &mut y, &mut codes);
        assert!(codes.iter().all(|&code| code == 0));
        assert!(
            y.values()
                .chunks(y.stride())
                .all(|pixel| pixel[..20] == bias)
        );
    }
}

#[test]
fn layers_that_share_their_scratch_do_not_disturb_each_other() {
    let layers = [
        layer(16, (20, 64), "relu pool"),
        layer(8, (64, 100), "relu"),
        layer(32, (5, 7), "relu"),
    ];
    let mut shared = Conv3x3::plan(&layers, 2, 2);
    for _ in 0..2 {
        for (conv, layer) in shared.iter_mut().zip(&layers) {
            let mut case = Case::run(layer, 2, 2, Kernel::best(), 2);
            let (y, dx, d_weights) = (case.y.clone(), case.dx.clone(), case.d_weights.clone());
            conv.load(&case.weights, &case.bias, false);
            case.passes(conv, false);
            assert_eq!(case.y.values(), y.values());
            assert_eq!(case.dx.values(), dx.values());
            assert_eq!(case.d_weights, d_weights);
        }
    }
}
