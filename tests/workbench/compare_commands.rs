//! Compare and frc as a user runs them.

use std::path::Path;

use ndarray::Array2;
use num_complex::Complex32;
use ptycho_core::data::Reconstruction;
use ptycho_core::data::write::{Compression, write_npz};
use ptycho_core::disk;
use serde_json::{Value, json};

use crate::support::{check_json, check_run};

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

const TEST: &str = "sweep/dose_1000000/test.npz";

/// A small test set and two reconstructions of it, one from ones and one from the truth.
fn reconstructed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let simulate = "simulate --object lines --object-size 128 --n 64 --positions 80 --doses 1e6 --seed 5 -q -o sweep";
    check_run(root, &words(simulate), 0);
    let run = format!("reconstruct {TEST} -q --threads 2 --batch-size 8 -o");
    check_run(root, &words(&format!("{run} ones.npz --epochs 6")), 0);
    check_run(
        root,
        &words(&format!("{run} started.npz --epochs 2 --object-init file")),
        0,
    );
    folder
}

fn save(path: &Path, key: &str, object: &Array2<Complex32>) {
    write_npz(path, |npz| {
        npz.array(key, Compression::Deflated, &object.view())
    })
    .unwrap();
}

#[test]
fn arms_are_compared_with_the_truth_and_everything_is_written() {
    let folder = reconstructed();
    let root = folder.path();
    let args = format!("compare --truth {TEST} --recon lsqml=ones.npz started.npz -o out");
    let answer = check_json(root, &words(&format!("{args} --json")), 0);
    assert_eq!(
        (&answer["reference"], &answer["n_failed"]),
        (&json!("truth"), &json!(0))
    );
    let names: Vec<_> = answer["arms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arm| &arm["name"])
        .collect();
    assert_eq!(names, ["lsqml", "started"]);
    for arm in answer["arms"].as_array().unwrap() {
        for key in ["mae", "psnr", "ssim"] {
            assert!(arm["metrics"][key]["phase"].is_f64(), "{key}: {arm}");
            assert!(arm["metrics"][key]["amplitude"].is_f64(), "{key}: {arm}");
        }
        assert!(arm["steps"]["registration"]["shift_px"].is_array(), "{arm}");
        assert!(
            0.0 < arm["metrics"]["computation_time_s"]["value"]
                .as_f64()
                .unwrap()
        );
        assert!(arm["frc_cutoffs"]["phase"]["frc_half_bit"]["of_nyquist"].is_f64());
    }
    let started = answer["inputs"]["arms"].as_array().unwrap().iter();
    let started: Vec<_> = started
        .map(|arm| arm["started_from_truth"].as_bool().unwrap())
        .collect();
    assert_eq!(started, [false, true]);
    let files: Vec<&str> = answer["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file.as_str().unwrap())
        .collect();
    for name in [
        "comparison_plot.png",
        "comparison_plot.svg",
        "comparison_metrics.csv",
        "comparison_metrics.json",
        "frc_curves.csv",
        "frc_plot.png",
        "frc_plot.svg",
        "reconstructions_aligned.npz",
        "manifest.json",
    ] {
        assert!(
            root.join("out").join(name).is_file()
                && files.contains(&format!("out/{name}").as_str()),
            "{name}"
        );
    }
    assert_eq!(answer["definitions"], "out/comparison_metrics.json");

    let (stdout, _) = check_run(root, &words(&args), 0);
    let phase = stdout.find("phase").unwrap();
    assert!(phase < stdout.find("amplitude").unwrap(), "{stdout}");
    for part in [
        "truth: sweep",
        "moved (row, column)",
        "* the best",
        "no independent result",
        "computation time",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
}

#[test]
fn a_refused_arm_is_named_the_others_are_compared_and_the_exit_code_is_one() {
    let folder = reconstructed();
    let root = folder.path();
    let object = Reconstruction::load(&root.join("ones.npz")).unwrap().object;
    save(
        &root.join("zeros.npz"),
        "reconstructed_object",
        &Array2::zeros(object.dim()),
    );
    save(
        &root.join("small.npz"),
        "reconstructed_object",
        &Array2::ones((30, 20)),
    );
    save(&root.join("other.npz"), "object", &object);
    let args = format!(
        "compare --truth {TEST} --recon zeros.npz --recon good=ones.npz --recon small.npz --recon other.npz -o out --json"
    );
    let (stdout, stderr) = check_run(root, &words(&args), 1);
    let answer: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&answer["n_failed"], &answer["exit_code"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(answer["arms"].as_array().unwrap().len(), 1);
    let refused = answer["refused"].as_array().unwrap();
    let names: Vec<_> = refused
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["zeros", "small", "other"]);
    for words in [
        "error: zeros: ",
        "zeros only",
        "(30, 20)",
        "no such key; keys: object",
        "fix: ",
    ] {
        assert!(stderr.contains(words), "{words}: {stderr}");
    }
    assert!(root.join("out/comparison_metrics.csv").is_file());

    let alone = format!("compare --truth {TEST} --recon zeros.npz -o none --json");
    let answer = check_json(root, &words(&alone), 1);
    assert_eq!(
        (&answer["n_failed"], &answer["refused"][0]["name"]),
        (&json!(1), &json!("zeros"))
    );
    assert!(!root.join("none").exists());
    // Another key is another question.
    let keyed = format!("compare --truth {TEST} --recon other.npz --key object --json");
    assert_eq!(check_json(root, &words(&keyed), 0)["n_failed"], 0);
}

#[test]
fn steps_can_be_switched_off_and_the_region_chosen() {
    let folder = reconstructed();
    let root = folder.path();
    let run = |more: &str| {
        let args = format!("compare --truth {TEST} --recon ones.npz --json {more}");
        check_json(root, &words(&args), 0)
    };
    let bare = run("--no-register --phase none --amplitude none --region 30:90,70:110");
    let arm = &bare["arms"][0];
    assert_eq!(arm["steps"]["registration"], Value::Null);
    assert_eq!(arm["steps"]["amplitude_factor"], 1.0);
    assert_eq!(bare["settings"]["register"], false);
    assert_eq!(
        (&bare["region"]["rows"], &bare["region"]["columns"]),
        (&json!([30, 90]), &json!([70, 110]))
    );
    assert_eq!(bare["files"], json!([]));
    let scaled = run("--amplitude least-squares --register true --pixel-size-nm 12.5");
    assert_ne!(scaled["arms"][0]["steps"]["amplitude_factor"], 1.0);
    assert_eq!(scaled["pixel_size_m"], 12.5e-9);
    assert!(scaled["arms"][0]["frc_cutoffs"]["phase"]["frc50"]["half_period_nm"].is_f64());

    for (more, part) in [
        ("--region 3:2,0:9", "--region"),
        ("--region 0:900,0:9", "a part of"),
        ("--no-register --register true", "cannot be used with"),
        ("--phase flat", "plane"),
        ("--recon ones.npz", "ones"),
        ("--reference ones", "--truth"),
        ("--pixel-size-nm 0", "above 0"),
    ] {
        let args = format!("compare --truth {TEST} --recon ones.npz {more}");
        let (_, stderr) = check_run(root, &words(&args), 2);
        assert!(stderr.contains(part), "{more}: {stderr}");
    }
    disk::write(&root.join("taken/notes.txt"), b"mine").unwrap();
    let args = format!("compare --truth {TEST} --recon ones.npz -o taken");
    let (_, stderr) = check_run(root, &words(&args), 2);
    assert!(stderr.contains("notes.txt"), "{stderr}");
}

#[test]
fn halves_of_a_scan_are_made_reconstructed_and_correlated() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    check_run(root, &words("demo -o demo.npz"), 0);
    for (half, from) in [("even", 0), ("odd", 1)] {
        let args = format!("subset demo.npz -o {half}.npz --every 2 --from {from} --json");
        let answer = check_json(root, &words(&args), 0);
        assert!(
            (150..=250).contains(&answer["patterns"].as_u64().unwrap()),
            "{answer}"
        );
        let args = format!("reconstruct {half}.npz -q --threads 2 --epochs 4 -o {half}/result.npz");
        check_run(root, &words(&args), 0);
    }
    let args = "frc odd/result.npz even/result.npz -o curves.csv";
    let answer = check_json(
        root,
        &words(&format!("{args} --pixel-size-nm 10 --json")),
        0,
    );
    assert_eq!(
        (&answer["reference"], &answer["arm"]),
        (&json!("odd/result.npz"), &json!("even/result.npz"))
    );
    for of in ["amplitude", "phase", "complex"] {
        for threshold in ["frc50", "frc_1_7", "frc_1bit", "frc_half_bit"] {
            let cutoff = &answer["frc_cutoffs"][of][threshold];
            let (rings, of_nyquist) = (
                cutoff["rings"].as_f64().unwrap(),
                cutoff["of_nyquist"].as_f64().unwrap(),
            );
            let half_side = answer["side_px"].as_f64().unwrap() / 2.0;
            assert!(
                (rings / half_side - of_nyquist).abs() < 1e-12,
                "{of} {threshold}: {cutoff}"
            );
            if let Some(nm) = cutoff["half_period_nm"].as_f64() {
                assert!(
                    (nm * of_nyquist - 10.0).abs() < 1e-9,
                    "half a period is a pixel at Nyquist: {cutoff}"
                );
            }
        }
    }
    let half_bit = &answer["frc_cutoffs"]["complex"]["frc_half_bit"]["of_nyquist"];
    assert!(0.05 < half_bit.as_f64().unwrap(), "{answer}");
    let curves = std::fs::read_to_string(root.join("curves.csv")).unwrap();
    assert!(
        curves.starts_with(
            "arm,ring,of_nyquist,per_nm,n_pixels,amplitude,phase,complex,frc50_threshold,"
        ),
        "{curves}"
    );

    let (stdout, _) = check_run(
        root,
        &words("frc odd/result.npz odd/result.npz --no-window --no-register"),
        0,
    );
    for part in ["not reached", "1/7", "half bit", "HALF PERIOD nm", "again"] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    let (_, stderr) = check_run(
        root,
        &words("subset demo.npz -o x.npz --every 2 --from 2"),
        2,
    );
    assert!(stderr.contains("0 to 1"), "{stderr}");
    check_run(root, &words("frc odd/result.npz even.npz"), 1);
}
