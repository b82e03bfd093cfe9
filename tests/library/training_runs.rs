//! Run folders of trainings, the loss guard rail.

use std::path::{Path, PathBuf};

use ptycho_core::error::Error;
use ptycho_core::study::loss_check::{LossCheck, check_loss};
use serde_json::{Value, json};

fn write(path: &Path, manifest: &Value) -> PathBuf {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, manifest.to_string()).unwrap();
    path.to_path_buf()
}

fn arm(photons: f64, view: Option<&str>, gridsize: usize, loss_last: Value) -> Value {
    json!({
        "photons": photons, "view": view, "gridsize": gridsize, "model": "pinn", "loss": "nll",
        "loss_last": loss_last,
    })
}

#[test]
fn a_loss_passes_up_to_reference_plus_tolerance_of_its_size() {
    let folder = tempfile::tempdir().unwrap();
    // (reference, candidate, tolerance, passes)
    let table = [
        (json!(2.0), json!(2.0), 0.0, true),
        (json!(2.0), json!(2.1), 0.05, true),
        (json!(2.0), json!(2.100_001), 0.05, false),
        (json!(2.0), json!(-7.0), 0.05, true),
        // Below 0 the tolerance still allows for worse, not for better.
        (json!(-3.0), json!(-3.0), 0.0, true),
        (json!(-3.0), json!(-2.85), 0.05, true),
        (json!(-3.0), json!(-2.84), 0.05, false),
        (json!(-3.0), json!(-3.2), 0.05, true),
        (json!(0.0), json!(0.0), 0.05, true),
        (json!(0.0), json!(1e-9), 0.05, false),
        (json!(2.0), json!(null), 0.05, false),
        (json!(2.0), json!("NaN"), 0.05, false),
        (json!(null), json!(2.0), 0.05, false),
    ];
    for (i, (reference, candidate, tolerance, passes)) in table.iter().enumerate() {
        let manifest =
            |loss: &Value| json!({"kind": "training", "arm": arm(1e9, None, 2, loss.clone())});
        let reference = write(
            &folder.path().join(format!("{i}/good/manifest.json")),
            &manifest(reference),
        );
        let candidate = write(
            &folder.path().join(format!("{i}/new/manifest.json")),
            &manifest(candidate),
        );
        let check = check_loss(&reference, &candidate, *tolerance).unwrap();
        assert_eq!(check.passes, *passes, "{:?}", table[i]);
        assert_eq!(check.verdicts.len(), 1);
        assert_eq!(check.verdicts[0].why.is_none(), *passes);
        let written = std::fs::read(candidate.with_file_name("loss_check.json")).unwrap();
        let written: LossCheck = serde_json::from_slice(&written).unwrap();
        assert_eq!(written, check);
        assert!(!reference.with_file_name("loss_check.json").exists());
    }
}

#[test]
fn arms_are_compared_by_dose_view_and_gridsize() {
    let folder = tempfile::tempdir().unwrap();
    let reference = write(
        &folder.path().join("good/training_manifest.json"),
        &json!({"schema": 1, "arms": [
            arm(1e4, Some("dense"), 2, json!(1.0)),
            arm(1e4, Some("sparse"), 2, json!(2.0)),
            arm(1e9, Some("dense"), 2, json!(-3.0)),
            arm(1e9, Some("dense"), 1, json!(-4.0)),
        ]}),
    );
    let candidate = write(
        &folder.path().join("new/training_manifest.json"),
        &json!({"schema": 1, "arms": [
            arm(1e9, Some("dense"), 1, json!(-3.0)),
            arm(1e9, Some("dense"), 2, json!(-3.0)),
            arm(1e4, Some("dense"), 2, json!(1.04)),
            arm(1e3, Some("dense"), 2, json!(9.0)),
        ]}),
    );
    let check = check_loss(&reference, &candidate, 0.05).unwrap();
    let passes: Vec<bool> = check
        .verdicts
        .iter()
        .map(|verdict| verdict.passes)
        .collect();
    assert_eq!(passes, [true, false, true, false]);
    assert_eq!(
        check.verdicts[1].arm,
        "photons=1e4 view=sparse gridsize=2 model=pinn loss=nll"
    );
    assert_eq!(
        check.verdicts[1].why.as_deref(),
        Some("the candidate has no such arm")
    );
    assert_eq!(check.verdicts[3].limit, Some(-3.8));
    // Folders stand for the manifests in them.
    let again = check_loss(
        &folder.path().join("good"),
        &folder.path().join("new"),
        0.05,
    );
    assert_eq!(again.unwrap(), check);
}

#[test]
fn what_is_no_manifest_is_refused_and_bare_nan_is_not_finite() {
    let folder = tempfile::tempdir().unwrap();
    let good = write(
        &folder.path().join("good/manifest.json"),
        &json!({"arm": arm(1e9, None, 2, json!(1.0))}),
    );
    let path = folder.path().join("new/manifest.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let loss = |loss: &str| {
        let text = json!({"arm": arm(1e9, None, 2, json!(0.125))}).to_string();
        std::fs::write(&path, text.replace("0.125", loss)).unwrap();
        check_loss(&good, &path, 0.05).unwrap().passes
    };
    assert!(loss("1.0"));
    assert!(!loss("NaN") && !loss("Infinity") && !loss("-Infinity"));
    for text in ["{}", "[]", "{\"arms\": []}", "loss: 3", "{\"arm\": 3}"] {
        std::fs::write(&path, text).unwrap();
        let error = check_loss(&good, &path, 0.05).unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{text}: {error}");
        assert!(error.to_string().contains("manifest.json"), "{error}");
    }
    let twice = arm(1e9, None, 2, json!(1.0));
    write(&path, &json!({"arms": [twice, twice]}));
    let error = check_loss(&good, &path, 0.05).unwrap_err().to_string();
    assert!(error.contains("twice"), "{error}");
    for tolerance in [-0.1, f64::NAN, f64::INFINITY] {
        let error = check_loss(&good, &good, tolerance).unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{error}");
    }
    let missing = check_loss(&good, &folder.path().join("none.json"), 0.05);
    assert!(matches!(missing, Err(Error::Io { .. })));
}
