//! Layers, golden losses and gradients.

mod golden; // the developers' numbers
mod gradients; // the double-precision twin and central differences, for every kind of layer

use ptycho_core::nn::architecture::Feed;
use ptycho_core::nn::{Architecture, Head, Model, Parameters, TrainSettings};

fn settings(gridsize: usize, filters_scale: usize) -> TrainSettings {
    TrainSettings {
        gridsize,
        filters_scale,
        ..TrainSettings::default()
    }
}

#[test]
fn parameters_are_as_many_as_the_models_published() {
    // (n, gridsize, scale, border head, parameters)
    for (n, gridsize, filters_scale, border_head, expected) in [
        (64, 1, 2, false, 2_252_026),
        (64, 2, 2, false, 2_257_000),
        (128, 1, 2, false, 4_639_770),
        (128, 2, 2, false, 4_643_880),
        (256, 1, 2, false, 12_906_154),
        (256, 2, 2, false, 12_909_832),
        (64, 1, 2, true, 2_331_772),
        (64, 2, 2, true, 2_340_208),
        (128, 1, 2, true, 4_661_212),
        (128, 2, 2, true, 4_667_056),
        (256, 1, 2, true, 12_912_268),
        (256, 2, 2, true, 12_916_816),
        (64, 1, 1, false, 563_802),
        (64, 1, 1, true, 585_244),
        (64, 2, 1, false, 566_184),
    ] {
        let settings = TrainSettings {
            border_head,
            ..settings(gridsize, filters_scale)
        };
        let architecture = Architecture::new(&settings, n, 1).unwrap();
        assert_eq!(
            architecture.n_parameters(),
            expected,
            "n = {n}, {settings:?}"
        );
    }
    for (filters_scale, expected) in [(2, 4_612_418), (1, 1_154_210)] {
        for n in [64, 128, 256] {
            let settings = TrainSettings {
                model: Model::Baseline,
                ..settings(2, filters_scale)
            };
            let architecture = Architecture::new(&settings, n, 1).unwrap();
            assert_eq!(architecture.n_parameters(), expected, "baseline, n = {n}");
        }
    }
}

#[test]
fn layers_fit_onto_each_other_and_heads_onto_the_patch() {
    for (n, gridsize, filters_scale, pad_object, border_head, model) in [
        (64, 2, 1, true, false, Model::Pinn),
        (128, 1, 2, true, true, Model::Pinn),
        (256, 3, 4, false, false, Model::Pinn),
        (256, 1, 3, true, true, Model::Pinn),
        (64, 3, 1, true, false, Model::Baseline),
    ] {
        let settings = TrainSettings {
            model,
            pad_object,
            border_head,
            train_probe: model == Model::Pinn,
            ..settings(gridsize, filters_scale)
        };
        let architecture = Architecture::new(&settings, n, 3).unwrap();
        let nodes = architecture.nodes();
        for (i, node) in nodes.iter().enumerate() {
            let (side, n_channels) = match node.feed {
                Feed::Input => (n, architecture.n_channels),
                Feed::Layer(from) => {
                    assert!(from < i, "{} reads a later layer", node.name);
                    (nodes[from].layer.output_side(), nodes[from].layer.n_out)
                }
            };
            assert_eq!(node.layer.input_side(), side, "{}", node.name);
            assert_eq!(node.layer.n_stored, n_channels, "{}", node.name);
            assert!(node.layer.channels.end <= n_channels, "{}", node.name);
            assert_eq!(node.layer.side % 4, 0, "{}", node.name);
        }
        let inner = if architecture.pad_object { n / 2 } else { n };
        let mut heads = vec![(Head::Amplitude, inner), (Head::Phase, inner)];
        if border_head {
            heads.insert(1, (Head::BorderAmplitude, n));
            heads.push((Head::BorderPhase, n));
        }
        let drawn: Vec<_> = nodes
            .iter()
            .filter_map(|node| Some((node.head?, node.layer.output_side())))
            .collect();
        assert_eq!(drawn, heads, "n = {n}");
        let entries = architecture.entries();
        for pair in entries.windows(2) {
            assert_eq!(pair[0].start + pair[0].len(), pair[1].start);
        }
        if model == Model::Pinn {
            assert_eq!(entries.last().unwrap().shape, [3, n, n, 2]);
        }
    }
}

#[test]
fn settings_that_make_no_network_are_named() {
    let base = TrainSettings::default();
    for (settings, n, key) in [
        (base.clone(), 96, "n"),
        (
            TrainSettings {
                border_head: true,
                pad_object: false,
                ..base.clone()
            },
            64,
            "border_head",
        ),
        (
            TrainSettings {
                model: Model::Baseline,
                train_probe: true,
                ..base.clone()
            },
            64,
            "train_probe",
        ),
        (
            TrainSettings {
                amplitude_max: f64::NAN,
                ..base.clone()
            },
            64,
            "amplitude_max",
        ),
    ] {
        let error = Architecture::new(&settings, n, 1).unwrap_err();
        let problem = error.problem().unwrap();
        assert_eq!(problem.key.as_deref(), Some(key), "{error}");
    }
}

#[test]
fn first_weights_are_uniform_within_glorots_bound_and_the_seeds_own() {
    let architecture = Architecture::new(&settings(2, 1), 64, 1).unwrap();
    let parameters = Parameters::first(&architecture, 7);
    for entry in parameters.entries() {
        let values = parameters.get(&entry.name).unwrap();
        if entry.name.ends_with(".bias") {
            assert!(values.iter().all(|value| *value == 0.0), "{}", entry.name);
            continue;
        }
        let bound = (6.0 / (9.0 * (entry.shape[0] + entry.shape[1]) as f64)).sqrt();
        let largest = values.iter().fold(0_f32, |max, value| max.max(value.abs()));
        assert!(f64::from(largest) <= bound && 0.95 * bound < f64::from(largest));
        let square: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
        let variance = square / values.len() as f64 / (bound * bound / 3.0);
        // The variance of a square of a uniform number is 4/5 of its mean squared.
        let tolerance = 5.0 * (0.8 / values.len() as f64).sqrt();
        assert!(
            (variance - 1.0).abs() < tolerance,
            "{}: {variance}",
            entry.name
        );
    }
    let again = Parameters::first(&architecture, 7);
    assert_eq!(parameters.values(), again.values());
    let other = Parameters::first(&architecture, 8);
    assert_ne!(parameters.values(), other.values());
    assert_ne!(
        parameters.get("amp0.a.weight").unwrap(),
        parameters.get("phi0.a.weight").unwrap(),
        "the decoders must not begin alike"
    );
}
