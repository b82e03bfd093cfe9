//! Every engine as a user runs it, and their losses in one plot.

use std::path::Path;

use crate::support::{check_json, check_run};

const ENGINES: [&str; 6] = ["lsqml", "rpie", "epie", "mpie", "dm", "raar"];

#[test]
fn every_engine_reconstructs_and_their_losses_are_plotted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let words =
        |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    let run = |line: &str| {
        let args = words(line);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        check_run(root, &args, 0);
    };
    let json = |line: &str| {
        let args = words(line);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        check_json(root, &args, 0)
    };
    run(
        "simulate --object lines --object-size 96 --n 32 --positions 60 --doses 1e6 --seed 5 -q -o sweep",
    );
    for engine in ENGINES {
        let found = json(&format!(
            "reconstruct sweep/dose_1000000/test.npz -o {engine}.npz --algorithm {engine} --epochs 12 --batch-size 10 \
             --device cpu --threads 2 -q --json"
        ));
        assert_eq!(found["algorithm"], engine);
        assert_eq!(found["device"], "cpu");
        let loss: Vec<f64> = found["loss"]
            .as_array()
            .unwrap()
            .iter()
            .map(|loss| loss.as_f64().unwrap())
            .collect();
        // RAAR rises before it falls on so small a scan.
        let before = match engine {
            "raar" => loss.iter().copied().fold(0.0, f64::max),
            _ => 0.9 * loss[0],
        };
        assert!(loss[11] < before, "{engine}: {loss:?}");
    }
    let found = json("losses lsqml.npz rPIE=rpie.npz dm.npz -o losses.svg --title Lines --json");
    let results = found["results"].as_array().unwrap();
    assert_eq!(results[1]["name"], "rPIE");
    assert_eq!(results[2]["algorithm"], "dm");
    assert_eq!(results[0]["loss"].as_array().unwrap().len(), 12);
    let drawn = std::fs::read_to_string(root.join("losses.svg")).unwrap();
    assert!(drawn.contains("<svg") && !drawn.contains("NaN"));
    // The tensors of a device come to the same loss on the CPU.
    let line = "reconstruct sweep/dose_1000000/test.npz -o tensors.npz --epochs 12 --batch-size 10 --kernels tensors --device cpu -q --json";
    let tensors = json(line)["loss_last"].as_f64().unwrap();
    let fused = results[0]["loss"][11].as_f64().unwrap();
    assert!((tensors / fused - 1.0).abs() < 0.01, "{tensors} {fused}");
    let (stdout, stderr) = check_run(root, &["losses", "sweep/dose_1000000/test.npz"], 3);
    assert!(
        stdout.is_empty() && stderr.contains("reconstructed_object"),
        "{stderr}"
    );
}

/// What a command says that is refused: exit code 2.
fn refused(root: &Path, line: &str) -> String {
    let args: Vec<&str> = line.split_whitespace().collect();
    check_run(root, &args, 2).1
}

#[test]
fn tensors_keep_within_the_device_memory_they_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let line = "simulate --object lines --object-size 96 --n 32 --positions 60 --doses 1e6 --seed 5 -q -o sweep";
    let args: Vec<&str> = line.split_whitespace().collect();
    check_run(root, &args, 0);
    let how = "--epochs 1 --device cpu --kernels tensors --device-memory-gib 0.002";
    let scan = "sweep/dose_1000000/test.npz";
    let error = refused(root, &format!("reconstruct {scan} --batch-size 20 {how}"));
    assert!(
        error.contains("patterns in a batch within 2.0 MiB"),
        "{error}"
    );
    assert!(error.contains("--device-memory-gib"), "{error}");
    let (_, fix) = error.split_once("use --batch-size ").unwrap();
    let largest: usize = fix.split_once(',').unwrap().0.parse().unwrap();
    let line = format!("reconstruct {scan} -o fits.npz --batch-size {largest} {how} --json");
    let args: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(check_json(root, &args, 0)["epochs"], 1);
    // Trials share the flag.
    for trial in ["orient", "halves"] {
        let error = refused(root, &format!("{trial} {scan} --batch-size 20 {how}"));
        assert!(error.contains("within 2.0 MiB"), "{error}");
    }
    let line = format!("reconstruct {scan} --kernels tensors --device cpu --device-memory-gib 0");
    let error = refused(root, &line);
    assert!(error.contains("more than 0 GiB"), "{error}");
}
