//! Trained networks on disk.

use std::path::Path;

use ptycho_core::nn::{Bundle, TrainSettings};

use crate::training::{dataset, finish, tiny, trainer};

/// An untrained bundle with a trained probe among its parameters.
fn bundle() -> Bundle {
    let settings = TrainSettings {
        train_probe: true,
        ..tiny()
    };
    trainer(&dataset(), &settings).last()
}

fn refuse(path: &Path) -> String {
    Bundle::load(path).err().unwrap().to_string()
}

#[test]
fn a_bundle_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = bundle();
    let card = bundle.save(folder.path(), "last").unwrap();
    assert_eq!(card.n_bytes, std::fs::metadata(&card.file).unwrap().len());
    for path in [
        folder.path().to_path_buf(),
        folder.path().join("last.json"),
        folder.path().join("last.safetensors"),
    ] {
        let (loaded, read) = Bundle::load(&path).unwrap();
        assert_eq!(read, card);
        assert_eq!(loaded.parameters.values(), bundle.parameters.values());
        assert_eq!(loaded.normalisation, bundle.normalisation);
        assert_eq!(loaded.architecture, bundle.architecture);
        assert_eq!(loaded.probe, bundle.probe);
        assert_eq!(loaded.settings, bundle.settings);
    }
    // A probe trained along begins as the file's.
    let worst = bundle
        .trained_probe()
        .iter()
        .zip(&bundle.probe)
        .map(|(a, b)| (a - b).norm())
        .fold(0.0, f32::max);
    assert!(worst < 1e-4, "{worst}");
    // A folder can be moved; the best comes first.
    let other = tempfile::tempdir().unwrap();
    for name in ["last.json", "last.safetensors"] {
        std::fs::copy(folder.path().join(name), other.path().join(name)).unwrap();
    }
    assert!(Bundle::load(other.path()).is_ok());
    bundle.save(other.path(), "best").unwrap();
    let (_, best) = Bundle::load(other.path()).unwrap();
    assert_eq!(best.file, other.path().join("best.safetensors"));
}

#[test]
fn other_content_is_told_from_other_networks() {
    let folder = tempfile::tempdir().unwrap();
    let card = bundle().save(folder.path(), "last").unwrap();
    let json = folder.path().join("last.json");
    let text = std::fs::read_to_string(&json).unwrap();
    let rewrite = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        ptycho_core::disk::write(&json, text.replacen(from, to, 1).as_bytes()).unwrap();
    };
    // The architecture's number comes first, then that of the settings.
    rewrite("\"filters_scale\": 1", "\"filters_scale\": 2");
    let message = refuse(&json);
    assert!(
        message.contains("enc0.a.weight is [32, 1, 3, 3] and not [64, 1, 3, 3]"),
        "{message}"
    );
    rewrite("\"trained_probe_modes\": 1", "\"trained_probe_modes\": 0");
    assert!(refuse(&json).contains("probe is surplus"));
    rewrite("\"border_head\": false", "\"border_head\": true");
    assert!(refuse(&json).contains("is missing"));
    rewrite("\"schema\": 1", "\"schema\": 2");
    let message = refuse(&json);
    assert!(
        message.contains("schema 1 at most") && message.contains("newer"),
        "{message}"
    );
    ptycho_core::disk::write(&json, b"{}").unwrap();
    assert!(refuse(&json).contains("the description of a trained network"));
    ptycho_core::disk::write(&json, text.as_bytes()).unwrap();
    let mut bytes = std::fs::read(&card.file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    ptycho_core::disk::write(&card.file, &bytes).unwrap();
    assert!(refuse(&json).contains("SHA-256"));
    std::fs::remove_file(&json).unwrap();
    assert!(refuse(folder.path()).contains("best.json or last.json"));
}

#[test]
fn a_training_alone_and_one_after_another_give_the_same_bytes() {
    let settings = TrainSettings {
        epochs: 1,
        ..tiny()
    };
    let (a, b) = (dataset(), crate::lsqml::scan(64, 4, 40.0, true));
    let train = |dataset, settings: &TrainSettings| {
        let folder = tempfile::tempdir().unwrap();
        let mut trainer = trainer(dataset, settings);
        finish(&mut trainer);
        trainer.last().save(folder.path(), "last").unwrap().sha256
    };
    let alone = train(&a, &settings);
    let other = TrainSettings {
        gridsize: 2,
        seed: 9,
        ..settings.clone()
    };
    let after = train(&b, &other);
    assert_eq!(train(&a, &settings), alone);
    assert_ne!(after, alone);
}
