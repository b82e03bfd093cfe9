//! Each operation: its gradient against differences in `f64`, its result and gradient against the fused twin in `f32`.

use candle_core::{DType, Device, Result, Tensor, Var};
use num_complex::Complex;
use ptycho_core::fft::Fft2;
use ptycho_core::tensor::conv::{Conv3x3, ConvLayer};
use ptycho_core::tensor::portable::{self, Dft, Placement};
use ptycho_core::tensor::{Activations, poisson, shift};

use super::{CPU, norm, unit};

/// Values in [-1, 1) that look random.
fn values(n: usize, which: u32) -> Vec<f64> {
    (0..n).map(|i| unit(i, which)).collect()
}

fn tensor(values: &[f64], shape: &[usize], dtype: DType) -> Tensor {
    portable::upload(values, shape, dtype, &CPU).unwrap()
}

fn to_f64(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
    flat.to_vec1().unwrap()
}

/// The gradients of `Σ f(x) g` with fixed g, for every argument, against central differences along a direction.
fn check_gradient(
    what: &str,
    arguments: &[(Vec<f64>, &[usize])],
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    let weighted = |arguments: &[Tensor]| {
        let y = f(arguments).unwrap();
        let g = tensor(&values(y.elem_count(), 77), y.dims(), DType::F64);
        (y * g).unwrap().sum_all().unwrap()
    };
    let vars: Vec<Tensor> = arguments
        .iter()
        .map(|(values, shape)| {
            let var = Var::from_tensor(&tensor(values, shape, DType::F64)).unwrap();
            var.into_inner()
        })
        .collect();
    let gradients = weighted(&vars).backward().unwrap();
    let step = 1e-6;
    for (which, (at, shape)) in arguments.iter().enumerate() {
        let direction = values(at.len(), 99);
        let moved = |sign: f64| {
            let mut all: Vec<Tensor> = vars.iter().map(Tensor::detach).collect();
            let place: Vec<f64> = at
                .iter()
                .zip(&direction)
                .map(|(x, d)| x + sign * step * d)
                .collect();
            all[which] = tensor(&place, shape, DType::F64);
            weighted(&all).to_scalar::<f64>().unwrap()
        };
        let expected = (moved(1.0) - moved(-1.0)) / (2.0 * step);
        let gradient = to_f64(gradients.get(&vars[which]).unwrap());
        let found: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        assert!(
            (found - expected).abs() < 1e-7 * norm(&gradient).max(1.0),
            "{what}, argument {which}: {found} for {expected}"
        );
    }
}

#[test]
fn gradients_of_layers_are_those_of_differences() {
    let weights = (values(5 * 3 * 9, 1), &[5, 3, 3, 3][..]);
    let arguments = [
        (values(3 * 2 * 8 * 8, 2), &[3, 2, 8, 8][..]),
        weights,
        (values(5, 3), &[5][..]),
    ];
    for with_relu in [false, true] {
        check_gradient("convolution", &arguments, |x| {
            portable::conv3x3(&x[0], &x[1], &x[2], with_relu)
        });
    }
    let maps = [arguments[0].clone()];
    check_gradient("pool", &maps, |x| portable::max_pool2(&x[0]));
    check_gradient("upsampling", &maps, |x| portable::upsample2(&x[0]));
    let wide = [(values(64, 4).iter().map(|v| 30.0 * v).collect(), &[64][..])];
    for of in [portable::relu, portable::sigmoid, portable::softplus] {
        check_gradient("activation", &wide, |x| of(&x[0]));
    }
}

#[test]
fn gradients_of_the_physics_are_those_of_differences() {
    let plane = |which| (values(3 * 8 * 8, which), &[3, 8, 8][..]);
    let dft = Dft::new(8, DType::F64, &CPU).unwrap();
    let pair = |x: &[Tensor]| portable::Complex {
        re: x[0].clone(),
        im: x[1].clone(),
    };
    check_gradient("polar", &[plane(1), plane(2)], |x| {
        let z = portable::Complex::polar(&x[0], &x[1])?;
        z.re + (z.im * 0.7)?
    });
    check_gradient("product", &[plane(1), plane(2), plane(3)], |x| {
        let z = pair(x).broadcast_mul(&pair(&x[1..]))?;
        z.re + (z.im * 0.7)?
    });
    check_gradient("Fourier transform", &[plane(1), plane(2)], |x| {
        let z = dft.forward(&pair(x))?;
        z.intensity()? + (z.re + (z.im * 0.7)?)?
    });
    let shifts = Placement::new(8, 12, 2, DType::F64, &CPU)
        .unwrap()
        .at(&[[0.25, -1.5], [2.0, 0.0], [-3.7, 9.9]])
        .unwrap();
    check_gradient("shift", &[plane(1)], |x| shifts.apply(&x[0]));
    check_gradient("shared shift", &[(values(64, 5), &[1, 8, 8])], |x| {
        shifts.apply_shared(&x[0])
    });
    check_gradient("roughness", &[plane(1), plane(2)], |x| {
        portable::roughness(&pair(x))
    });
    let positive = |which| {
        let (values, shape) = plane(which);
        (values.iter().map(|v| 1.5 + v).collect::<Vec<_>>(), shape)
    };
    let counts = tensor(&positive(8).0, &[3, 8, 8], DType::F64);
    check_gradient("likelihood", &[positive(7)], |x| {
        portable::negative_log_likelihood(&x[0], &counts, 1e-6)
    });
    check_gradient("amplitude error", &[positive(7)], |x| {
        portable::amplitude_error(&x[0], &counts, 1e-12)
    });
}

#[test]
fn the_first_of_equal_maxima_and_no_relu_at_zero_take_a_gradient() {
    let x = Var::from_tensor(&tensor(&[2.0, 2.0, 1.0, 2.0], &[1, 1, 2, 2], DType::F64)).unwrap();
    let gradients = portable::max_pool2(&x).unwrap().backward().unwrap();
    assert_eq!(to_f64(gradients.get(&x).unwrap()), [1.0, 0.0, 0.0, 0.0]);
    let x = Var::from_tensor(&tensor(&[-1.0, 0.0, 1.0], &[3], DType::F64)).unwrap();
    let gradients = portable::relu(&x).unwrap().backward().unwrap();
    assert_eq!(to_f64(gradients.get(&x).unwrap()), [0.0, 0.0, 1.0]);
    // Nor where no light and no bias meet in a convolution.
    let x = Var::from_tensor(&tensor(&[0.0; 4], &[1, 1, 2, 2], DType::F64)).unwrap();
    let weights = tensor(&[1.0; 9], &[1, 1, 3, 3], DType::F64);
    let bias = Var::from_tensor(&tensor(&[0.0], &[1], DType::F64)).unwrap();
    let y = portable::conv3x3(&x, &weights, &bias, true).unwrap();
    let gradients = y.backward().unwrap();
    assert_eq!(to_f64(gradients.get(&bias).unwrap()), [0.0]);
    assert_eq!(to_f64(gradients.get(&x).unwrap()), [0.0; 4]);
}

#[test]
fn activations_hold_for_great_arguments_in_single_precision() {
    let x = Var::from_tensor(&tensor(&[-2e4, -90.0, 90.0, 2e4], &[4], DType::F32)).unwrap();
    type Activation = fn(&Tensor) -> Result<Tensor>;
    let cases: [(Activation, [f64; 4], [f64; 4]); 2] = [
        (portable::sigmoid, [0.0, 0.0, 1.0, 1.0], [0.0; 4]),
        (
            portable::softplus,
            [0.0, 0.0, 90.0, 2e4],
            [0.0, 0.0, 1.0, 1.0],
        ),
    ];
    for (of, expected, slopes) in cases {
        let y = of(&x).unwrap();
        let gradient = y.backward().unwrap();
        let near = |found: Vec<f64>, expected: [f64; 4]| {
            found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-6)
        };
        assert!(near(to_f64(&y), expected), "{y}");
        let found = gradient.get(&x).unwrap();
        assert!(near(to_f64(found), slopes), "{found}");
    }
}

#[test]
fn the_transform_is_the_planned_one() {
    for n in [8, 15, 64] {
        let (re, im) = (values(2 * n * n, 1), values(2 * n * n, 2));
        let pair = portable::Complex {
            re: tensor(&re, &[2, n, n], DType::F64),
            im: tensor(&im, &[2, n, n], DType::F64),
        };
        let found = Dft::new(n, DType::F64, &CPU)
            .unwrap()
            .forward(&pair)
            .unwrap();
        let mut expected: Vec<Complex<f64>> = re
            .iter()
            .zip(&im)
            .map(|(&re, &im)| Complex::new(re, im))
            .collect();
        Fft2::new(n, n).forward_stack(&mut expected);
        for ((re, im), z) in to_f64(&found.re)
            .iter()
            .zip(to_f64(&found.im))
            .zip(expected)
        {
            assert!((re - z.re).abs() + (im - z.im).abs() < 1e-12, "{n}");
        }
    }
}

/// Norm of the difference relative to that of what is expected.
fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let difference: Vec<f64> = found.iter().zip(expected).map(|(a, b)| a - b).collect();
    norm(&difference) / norm(expected)
}

#[test]
fn shifts_and_their_adjoints_are_the_fused_ones() {
    let n = 24;
    let (plane, back) = (values(n * n, 1), values(n * n, 2));
    let placement = Placement::new(n, n, 0, DType::F64, &CPU).unwrap();
    for shift_px in [
        [0.0, 0.0],
        [0.25, -1.5],
        [-3.7, 2.0],
        [-0.001, 23.4],
        [40.0, 0.5],
    ] {
        let x = Var::from_tensor(&tensor(&plane, &[1, n, n], DType::F64)).unwrap();
        let y = placement.at(&[shift_px]).unwrap().apply(&x).unwrap();
        let mut expected = vec![0.0; n * n];
        shift::shift(&plane, &mut expected, n, shift_px);
        let nearly = |found: &[f64], expected: &[f64]| {
            found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-13)
        };
        assert!(nearly(&to_f64(&y), &expected), "{shift_px:?}");
        let weighted = (y * tensor(&back, &[1, n, n], DType::F64)).unwrap();
        let gradient = weighted.sum_all().unwrap().backward().unwrap();
        let mut expected = vec![0.0; n * n];
        shift::shift_adjoint_add(&back, &mut expected, n, shift_px);
        assert!(
            nearly(&to_f64(gradient.get(&x).unwrap()), &expected),
            "{shift_px:?}"
        );
    }
}

#[test]
fn likelihoods_and_their_slopes_are_the_fused_ones() {
    let n = 16 * 20;
    let rate: Vec<f64> = values(n, 1).iter().map(|v| 50.0 * (1.001 + v)).collect();
    let amplitude: Vec<f64> = values(n, 2)
        .iter()
        .map(|v| (60.0 * (1.0 + v)).floor().sqrt())
        .collect();
    let fused = poisson::Likelihood {
        rate_epsilon: 1e-6,
        amplitude_epsilon: 1e-9,
        nll_weight: 0.5,
        mae_weight: 0.25,
    };
    let single = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<_>>();
    let mut slopes = vec![0.0; n];
    let sums = fused.sums(&single(&rate), &single(&amplitude), &mut slopes);
    let x = Var::from_tensor(&tensor(&rate, &[n], DType::F32)).unwrap();
    let amplitude = tensor(&amplitude, &[n], DType::F32);
    let nll = portable::negative_log_likelihood(&x, &amplitude.sqr().unwrap(), 1e-6).unwrap();
    let mae = portable::amplitude_error(&x, &amplitude, 1e-9).unwrap();
    for (found, expected) in [(&nll, sums.nll), (&mae, sums.mae)] {
        let sum: f64 = to_f64(found).iter().sum();
        assert!((sum / expected - 1.0).abs() < 1e-6, "{sum} for {expected}");
    }
    let root = ((nll * 0.5).unwrap() + (mae * 0.25).unwrap()).unwrap();
    let gradient = root.sum_all().unwrap().backward().unwrap();
    let slopes: Vec<f64> = slopes.iter().map(|&v| f64::from(v)).collect();
    assert!(distance(&to_f64(gradient.get(&x).unwrap()), &slopes) < 1e-6);
}

/// Channels-last maps from `(channels, batch, side, side)`.
fn activations(values: &[f64], n_channels: usize, n_batch: usize, side: usize) -> Activations {
    let mut maps = Activations::zeros(n_batch, side, n_channels);
    for (i, &value) in values.iter().enumerate() {
        let (column, row) = (i % side, i / side % side);
        let (item, channel) = (i / side / side % n_batch, i / side / side / n_batch);
        let at = maps.at(item, row, column, channel);
        maps.values_mut()[at] = value as f32;
    }
    maps
}

/// The reverse of [`activations`].
fn planes(maps: &Activations) -> Vec<f64> {
    let (side, n_batch) = (maps.side(), maps.n_batch());
    (0..maps.n_channels() * n_batch * side * side)
        .map(|i| {
            let (column, row) = (i % side, i / side % side);
            let (item, channel) = (i / side / side % n_batch, i / side / side / n_batch);
            f64::from(maps.values()[maps.at(item, row, column, channel)])
        })
        .collect()
}

/// One layer of Candle's kernels, as the device steps through it.
fn portable_layer(
    layer: &ConvLayer,
    x: &Tensor,
    weights: &Tensor,
    bias: &Tensor,
) -> Result<Tensor> {
    let x = x.narrow(0, layer.channels.start, layer.n_in())?;
    let x = if layer.upsample {
        portable::upsample2(&x)?
    } else {
        x
    };
    let y = portable::conv3x3(&x, weights, bias, layer.relu)?;
    if layer.pool {
        portable::max_pool2(&y)
    } else {
        Ok(y)
    }
}

fn check_layer(layer: ConvLayer) {
    let n_batch = 2;
    let (side, to) = (layer.input_side(), layer.output_side());
    let x = values(layer.n_stored * n_batch * side * side, 1);
    let weights = values(layer.n_weights(), 2);
    let bias = values(layer.n_out, 3);
    let dy = values(layer.n_out * n_batch * to * to, 4);

    let single = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<_>>();
    let mut fused = Conv3x3::new(layer.clone(), n_batch, 2);
    fused.load(&single(&weights), &single(&bias), false);
    let maps = activations(&x, layer.n_stored, n_batch, side);
    let mut y = Activations::zeros(n_batch, to, layer.n_out);
    let mut codes = vec![0; if layer.pool { y.values().len() } else { 0 }];
    fused.forward(n_batch, &maps, &mut y, &mut codes);
    let mut dx = Activations::zeros(n_batch, side, layer.n_stored);
    let mut d_weights = vec![0.0; weights.len()];
    let mut d_bias = vec![0.0; bias.len()];
    fused.backward(
        n_batch,
        &maps,
        &y,
        &codes,
        &activations(&dy, layer.n_out, n_batch, to),
        Some((&mut dx, false)),
        &mut d_weights,
        &mut d_bias,
    );

    let var = |values: &[f64], shape: &[usize]| {
        Var::from_tensor(&tensor(values, shape, DType::F64)).unwrap()
    };
    let vars = [
        var(&x, &[layer.n_stored, n_batch, side, side]),
        var(&weights, &[layer.n_out, layer.n_in(), 3, 3]),
        var(&bias, &[layer.n_out]),
    ];
    let twin = portable_layer(&layer, &vars[0], &vars[1], &vars[2]).unwrap();
    let near = |what: &str, found: &[f64], expected: &[f64]| {
        let far = distance(found, expected);
        assert!(far < 2e-5, "{layer:?} {what}: {far}");
    };
    near("result", &planes(&y), &to_f64(&twin));
    let root = (twin * tensor(&dy, &[layer.n_out, n_batch, to, to], DType::F64)).unwrap();
    let gradients = root.sum_all().unwrap().backward().unwrap();
    let gradient = |i: usize| to_f64(gradients.get(&vars[i]).unwrap());
    let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
    near("gradient for x", &planes(&dx), &gradient(0));
    near("gradient for weights", &wide(&d_weights), &gradient(1));
    near("gradient for bias", &wide(&d_bias), &gradient(2));
}

#[test]
fn layers_and_their_adjoints_are_the_fused_ones() {
    let layer = ConvLayer {
        side: 16,
        n_stored: 20,
        channels: 0..20,
        n_out: 33,
        upsample: false,
        relu: true,
        pool: false,
    };
    check_layer(layer.clone());
    check_layer(ConvLayer {
        pool: true,
        ..layer.clone()
    });
    check_layer(ConvLayer {
        upsample: true,
        relu: false,
        channels: 0..16,
        n_out: 4,
        ..layer.clone()
    });
    check_layer(ConvLayer {
        upsample: true,
        channels: 16..20,
        ..layer
    });
}

#[test]
fn words_of_the_device_come_through() {
    let x = tensor(&[0.0; 16], &[1, 1, 4, 4], DType::F32);
    let weights = tensor(&[0.0; 18], &[1, 2, 3, 3], DType::F32);
    let bias = tensor(&[0.0], &[1], DType::F32);
    let error = portable::conv3x3(&x, &weights, &bias, true).unwrap_err();
    assert!(error.to_string().contains("matmul"), "{error}");
    assert!(portable::upload(&[1.0; 3], 4, DType::F32, &Device::Cpu).is_err());
}
