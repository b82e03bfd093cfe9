//! Verdicts and repairs of good, bent and broken files.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ndarray::{Array1, Array2, Array3, Array4, ArrayView, Dimension, s};
use num_complex::{Complex32, Complex64};
use ptycho_core::Error;
use ptycho_core::data::inspect::{inspect_full, inspect_headers};
use ptycho_core::data::repair::{preview, repair};
use ptycho_core::data::write::{Compression, Element, NpzWriter, write_npz};
use ptycho_core::data::{Archive, Dataset, Inspection, Severity, Strictness, Verdict};
use ptycho_core::job::{Quiet, Stop};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{data, shared};

fn full(path: &Path) -> Inspection {
    inspect_full(path, &Quiet::default()).unwrap()
}

fn keys_at_fault(inspection: &Inspection) -> BTreeSet<String> {
    inspection
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Note)
        .map(|finding| finding.key.clone())
        .filter(|key| !key.is_empty())
        .collect()
}

fn texts(value: &Value) -> BTreeSet<String> {
    let list = value.as_array().unwrap();
    list.iter()
        .map(|v| v.as_str().unwrap().to_owned())
        .collect()
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Repairable => "repairable",
        Verdict::Refused => "refused",
    }
}

fn expected() -> serde_json::Map<String, Value> {
    let text = std::fs::read_to_string(data("contract/expected.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    all["files"].as_object().unwrap().clone()
}

#[test]
fn all_golden_verdicts_come_out_right() {
    for (name, expected) in expected() {
        let inspection = full(&data(&format!("contract/{name}")));
        let shown = format!("{name}: {:#?}", inspection.findings);
        assert_eq!(word(inspection.verdict), expected["verdict"], "{shown}");
        assert_eq!(
            keys_at_fault(&inspection),
            texts(&expected["keys"]),
            "{shown}"
        );
        let ignored: BTreeSet<String> = inspection.ignored.iter().cloned().collect();
        assert_eq!(ignored, texts(&expected["ignored"]), "{shown}");
        for finding in &inspection.findings {
            assert!(
                !finding.rule.is_empty() && !finding.found.is_empty(),
                "{shown}"
            );
        }
    }
}

#[test]
fn golden_repairs_give_the_good_data_in_memory_and_on_disk() {
    let good = Dataset::open(&data("contract/good.npz"), Strictness::Strict).unwrap();
    assert_eq!(good.repairs, Vec::<String>::new());
    let folder = TempDir::new().unwrap();
    for (name, expected) in expected() {
        if expected["verdict"] != "repairable" {
            continue;
        }
        let path = data(&format!("contract/{name}"));
        assert!(matches!(
            Dataset::open(&path, Strictness::Strict),
            Err(Error::Refused(_))
        ));
        let opened = Dataset::open(&path, Strictness::Repair).unwrap();
        assert!(!opened.repairs.is_empty(), "{name}");
        assert_eq!(opened.dataset.metadata().repairs, opened.repairs);
        let repaired = &expected["repaired"];
        assert_same(&name, &opened.dataset, &good.dataset, repaired);

        let output = folder.path().join(&name);
        let steps = preview(&path, &Quiet::default()).unwrap();
        let changed: BTreeSet<String> = steps.iter().map(|step| step.key.clone()).collect();
        assert!(
            texts(&expected["keys"]).is_subset(&changed),
            "{name}: {steps:?}"
        );
        let again = repair(&path, &output, &Quiet::default()).unwrap();
        assert_eq!(again.verdict, Verdict::Ok, "{name}: {:?}", again.findings);
        let reopened = Dataset::open(&output, Strictness::Strict).unwrap();
        assert_same(&name, &reopened.dataset, &good.dataset, repaired);
        assert_eq!(
            reopened.dataset.content_sha256(),
            opened.dataset.content_sha256(),
            "{name}"
        );
        assert_eq!(reopened.dataset.metadata().repairs, opened.repairs);
        assert!(reopened.dataset.metadata().parent_sha256.is_some());
    }
}

fn assert_same(name: &str, dataset: &Dataset, good: &Dataset, repaired: &Value) {
    let frames: Vec<usize> = repaired["frames"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i.as_u64().unwrap() as usize)
        .collect();
    assert_eq!(dataset.n_patterns(), frames.len(), "{name}");
    let n = dataset.n();
    let (mut a, mut b) = (vec![0.0; n * n], vec![0.0; n * n]);
    let origin = if repaired["coordinates"].is_null() {
        [0.0; 2]
    } else {
        [0, 1].map(|axis| dataset.positions_px()[0][axis] - good.positions_px()[frames[0]][axis])
    };
    for (i, frame) in frames.iter().enumerate() {
        dataset.frames().read(i, &mut a);
        good.frames().read(*frame, &mut b);
        for (a, b) in a.iter().zip(&b) {
            assert!(
                (a - b).abs() <= 1e-6 * b.abs(),
                "{name}, frame {frame}: {a} {b}"
            );
        }
        for axis in [0, 1] {
            let moved = dataset.positions_px()[i][axis] - origin[axis];
            let error = (moved - good.positions_px()[*frame][axis]).abs();
            // tike's scan is single precision.
            assert!(error < 1e-5, "{name}, frame {frame}: off by {error}");
        }
    }
    assert_eq!(dataset.probe(), good.probe(), "{name}");
}

// ---- files of our own kinds ----

const M: usize = 6;
const N: usize = 16;

/// A file in the making: arrays by key, changed by each test.
/// Writes one array.
type Fill = Box<dyn Fn(&mut NpzWriter)>;

struct Bench {
    folder: TempDir,
    arrays: Vec<(String, Fill)>,
}

impl Bench {
    /// The keys of good.npz that are required, and `objectGuess`.
    fn new() -> Self {
        let good = Archive::open(&data("contract/good.npz")).unwrap();
        let mut bench = Self {
            folder: TempDir::new().unwrap(),
            arrays: Vec::new(),
        };
        bench.set(
            "diffraction",
            good.array_f64("diffraction")
                .unwrap()
                .map(|v| *v as f32)
                .view(),
        );
        for key in ["xcoords", "ycoords"] {
            bench.set(key, good.array_f64(key).unwrap().view());
        }
        for key in ["probeGuess", "objectGuess"] {
            let single = |z: &Complex64| Complex32::new(z.re as f32, z.im as f32);
            bench.set(key, good.array_complex(key).unwrap().map(single).view());
        }
        bench
    }

    fn set<T: Element + 'static, D: Dimension + 'static>(
        &mut self,
        key: &str,
        array: ArrayView<T, D>,
    ) -> &mut Self {
        let (name, array) = (key.to_owned(), array.into_owned());
        self.remove(key);
        self.arrays.push((
            key.to_owned(),
            Box::new(move |npz| {
                npz.array(&name, Compression::Stored, &array.view())
                    .unwrap();
            }),
        ));
        self
    }

    fn remove(&mut self, key: &str) -> &mut Self {
        self.arrays.retain(|(name, _)| name != key);
        self
    }

    fn write(&self) -> PathBuf {
        let path = self.folder.path().join("bent.npz");
        write_npz(&path, |npz| {
            self.arrays.iter().for_each(|(_, add)| add(npz));
            Ok(())
        })
        .unwrap();
        path
    }

    /// The full verdict must be this one, by a finding of this rule about this key.
    fn expect(&self, verdict: Verdict, key: &str, rule: &str) -> PathBuf {
        let path = self.write();
        let inspection = full(&path);
        let shown = format!("{:#?}", inspection.findings);
        assert_eq!(inspection.verdict, verdict, "{shown}");
        assert!(
            inspection
                .findings
                .iter()
                .any(|f| f.key == key && f.rule == rule),
            "{rule} of {key}: {shown}"
        );
        match verdict {
            Verdict::Refused => {
                let Err(error) = Dataset::open(&path, Strictness::Repair) else {
                    panic!("{rule} of {key} was opened");
                };
                let text = error.to_string();
                assert!(text.contains("bent.npz") && text.contains(key), "{text}");
            }
            Verdict::Repairable => {
                let output = self.folder.path().join("mended.npz");
                let again = repair(&path, &output, &Quiet::default()).unwrap();
                assert_eq!(again.verdict, Verdict::Ok, "{:#?}", again.findings);
            }
            Verdict::Ok => {}
        }
        path
    }
}

fn amplitudes() -> Array3<f32> {
    let good = Archive::open(&data("contract/good.npz")).unwrap();
    let values = good.array_f64("diffraction").unwrap().map(|v| *v as f32);
    values.into_dimensionality().unwrap()
}

#[test]
fn names_and_axes_are_mended() {
    let frames = amplitudes();
    let mut bench = Bench::new();
    bench.set("diff3d", frames.view());
    bench.expect(Verdict::Ok, "diff3d", "ALIAS-002");
    bench.set("diff3d", frames.mapv(|v| v + 1.0).view());
    bench.expect(Verdict::Refused, "diff3d", "ALIAS-002");
    bench.set("diff3d", frames.slice(s![..5, .., ..]));
    bench.expect(Verdict::Refused, "diff3d", "ALIAS-002");
    bench.set("diff3d", frames.view()).remove("diffraction");
    bench.expect(Verdict::Repairable, "diff3d", "ALIAS-001");

    let mut bench = Bench::new();
    bench.set("diffraction", frames.to_shape((M, N, N, 1)).unwrap().view());
    bench.expect(Verdict::Repairable, "diffraction", "FORMAT-002");
    bench.set("diffraction", frames.to_shape((M * N, N)).unwrap().view());
    bench.expect(Verdict::Refused, "diffraction", "SHAPE-001");
    bench.set("diffraction", Array4::<f32>::zeros((2, 3, N, N)).view());
    bench.expect(Verdict::Refused, "diffraction", "SHAPE-001");
    bench
        .remove("diffraction")
        .set("log_diffraction", frames.view());
    bench.expect(Verdict::Refused, "diffraction", "KEY-001");
}

#[test]
fn scales_are_told_from_each_other() {
    let frames = amplitudes();
    let mut bench = Bench::new();
    bench.set("diffraction", frames.mapv(|v| (v * v).round()).view());
    let counts = bench.expect(Verdict::Repairable, "diffraction", "SCALE-001");
    let opened = Dataset::open(&counts, Strictness::Repair).unwrap().dataset;
    let good = Dataset::open(&data("contract/good.npz"), Strictness::Strict)
        .unwrap()
        .dataset;
    assert!((opened.mean_counts() / good.mean_counts() - 1.0).abs() < 1e-6);

    bench.set("diffraction", frames.mapv(|v| v * 0.0137).view());
    let divided = bench.expect(Verdict::Repairable, "diffraction", "SCALE-002");
    let opened = Dataset::open(&divided, Strictness::Repair).unwrap().dataset;
    assert!((opened.mean_counts() / good.mean_counts() - 1.0).abs() < 1e-6);
    let power = |dataset: &Dataset| {
        dataset
            .probe()
            .iter()
            .map(|z| f64::from(z.norm_sqr()))
            .sum::<f64>()
    };
    let factor = 1.0 / 0.0137f64.powi(2);
    assert!((power(&opened) / power(&good) / factor - 1.0).abs() < 1e-5);

    bench.set(
        "diffraction",
        frames.mapv(|v| (v * v).round().ln_1p()).view(),
    );
    bench.expect(Verdict::Refused, "diffraction", "SCALE-003");
    bench.set(
        "diffraction",
        frames.mapv(|v| (v * v).round() * 0.0137).view(),
    );
    bench.expect(Verdict::Ok, "diffraction", "SCALE-004");
    bench.set("diffraction", frames.mapv(|v| (v + 0.3).ln()).view());
    bench.expect(Verdict::Refused, "diffraction", "VALUE-002");
    bench.set("diffraction", frames.mapv(f32::ln).view());
    bench.expect(Verdict::Refused, "diffraction", "VALUE-001");
    // Real amplitudes of no unit are fine.
    bench.set("diffraction", frames.mapv(|v| (v + 0.123).powf(0.9)).view());
    assert_eq!(full(&bench.write()).verdict, Verdict::Ok);
}

#[test]
fn a_zero_frequency_in_the_corner_is_moved() {
    let frames = amplitudes();
    let rolled = Array3::from_shape_fn(frames.dim(), |(i, y, x)| {
        frames[[i, (y + N / 2) % N, (x + N / 2) % N]]
    });
    let mut bench = Bench::new();
    bench.set("diffraction", rolled.view());
    let inspection = full(&bench.write());
    let light = frames.mapv(|v| v * v);
    let middle = light.slice(s![.., 4..12, 4..12]).sum() / light.sum();
    // The rule speaks only where there is no doubt.
    assert_eq!(
        inspection.findings.iter().any(|f| f.rule == "DC-001"),
        0.8 <= middle,
        "{middle}"
    );
}

#[test]
fn probes_that_cannot_be_used_are_refused_and_odd_forms_mended() {
    let mut bench = Bench::new();
    let good = Archive::open(&data("contract/good.npz")).unwrap();
    let probe = good.array_complex("probeGuess").unwrap();
    bench.set("probeGuess", probe.view());
    bench.expect(Verdict::Repairable, "probeGuess", "DTYPE-001");
    bench.set("probeGuess", probe.map(|z| z.re as f32).view());
    bench.expect(Verdict::Repairable, "probeGuess", "DTYPE-001");
    bench.set("probeGuess", probe.to_shape((N, N, 1)).unwrap().view());
    bench.expect(Verdict::Repairable, "probeGuess", "FORMAT-002");
    bench.set("probeGuess", probe.to_shape((1, 1, N, N)).unwrap().view());
    bench.expect(Verdict::Repairable, "probeGuess", "FORMAT-002");
    let modes = Array3::from_shape_fn((N, N, 3), |(y, x, k)| {
        Complex32::new((y + 2 * x + k) as f32, k as f32)
    });
    bench.set("probeGuess", modes.view());
    let path = bench.expect(Verdict::Repairable, "probeGuess", "FORMAT-001");
    let opened = Dataset::open(&path, Strictness::Repair).unwrap().dataset;
    assert_eq!(opened.probe()[[2, 5, 7]], modes[[5, 7, 2]]);
    bench.set("probeGuess", Array2::<Complex32>::zeros((N, N)).view());
    bench.expect(Verdict::Refused, "probeGuess", "VALUE-003");
    let mut holed = probe.map(|z| Complex32::new(z.re as f32, z.im as f32));
    holed[[3, 4]].re = f32::NAN;
    bench.set("probeGuess", holed.view());
    bench.expect(Verdict::Refused, "probeGuess", "VALUE-003");
}

#[test]
fn coordinates_are_mended_where_no_guess_is_needed() {
    let good = Archive::open(&data("contract/good.npz")).unwrap();
    let x = good.array_f64("xcoords").unwrap();
    let mut bench = Bench::new();
    bench.set("xcoords", x.map(|v| v.round() as i64).view());
    bench.expect(Verdict::Repairable, "xcoords", "DTYPE-001");
    bench.set("xcoords", x.to_shape((M, 1)).unwrap().view());
    bench.expect(Verdict::Repairable, "xcoords", "FORMAT-002");
    let mut holed = x.clone();
    holed[[4]] = f64::NAN;
    bench.set("xcoords", holed.view());
    let path = bench.expect(Verdict::Repairable, "xcoords", "COORD-004");
    assert_eq!(
        Dataset::open(&path, Strictness::Repair)
            .unwrap()
            .dataset
            .n_patterns(),
        M - 1
    );
    bench.set("xcoords", x.map(|v| v * 1e-6).view());
    bench.set("ycoords", x.map(|v| v * 2e-6).view());
    bench.expect(Verdict::Refused, "xcoords", "COORD-005");
    bench.set("xcoords", x.map(|v| v + 1e4).view());
    bench.expect(Verdict::Refused, "diffraction", "VALUE-001");
    bench.remove("ycoords");
    bench.expect(Verdict::Refused, "ycoords", "KEY-001");
}

#[test]
fn without_an_object_coordinates_about_zero_move_by_whole_pixels() {
    let good = Archive::open(&data("contract/good.npz")).unwrap();
    let x = good.array_f64("xcoords").unwrap();
    let mut bench = Bench::new();
    bench.remove("objectGuess");
    bench.set("xcoords", x.map(|v| v - 20.25).view());
    let path = bench.expect(Verdict::Repairable, "xcoords", "COORD-001");
    let opened = Dataset::open(&path, Strictness::Repair).unwrap().dataset;
    let least = opened
        .positions_px()
        .iter()
        .map(|p| p[1])
        .fold(f64::INFINITY, f64::min);
    assert!((8.0..9.0).contains(&least), "{least}");
    let moved = opened.positions_px()[0][1] - (x[[0]] - 20.25);
    assert_eq!(moved, moved.round());
}

#[test]
fn near_patches_extend_the_object_by_zeros() {
    let good = Archive::open(&data("contract/good.npz")).unwrap();
    let mut x = good.array_f64("xcoords").unwrap();
    x[[2]] = 5.0;
    let mut bench = Bench::new();
    bench
        .set("xcoords", x.view())
        .set("xcoords_start", x.view());
    let path = bench.expect(Verdict::Repairable, "xcoords", "COORD-003");
    let opened = Dataset::open(&path, Strictness::Repair).unwrap().dataset;
    assert_eq!(opened.object_shape(), [40, 39]);
    assert_eq!(opened.positions_px()[2][1], 8.0);
    assert_eq!(opened.parts().columns_start_px.as_ref().unwrap()[2], 8.0);
    let object = opened.object().unwrap();
    assert!(object.slice(s![.., ..3]).iter().all(|z| z.norm() == 0.0));
    let old = good.array_complex("objectGuess").unwrap();
    assert_eq!(f64::from(object[[7, 9]].re), old[[7, 6]].re);
}

#[test]
fn frames_are_left_out_with_all_that_belongs_to_them() {
    let good = Archive::open(&data("contract/good.npz")).unwrap();
    let mut frames = amplitudes();
    frames[[2, 3, 4]] = f32::INFINITY;
    let mut bench = Bench::new();
    bench.set("diffraction", frames.view());
    bench.set("scan_index", Array1::from_iter(10..10 + M as i64).view());
    bench.set("ycoords_start", good.array_f64("ycoords").unwrap().view());
    let single = |z: &Complex64| Complex32::new(z.re as f32, z.im as f32);
    let patches = good.array_complex("Y").unwrap().map(single);
    bench.set("Y", patches.view());
    bench.set(
        "group_index",
        ndarray::arr2(&[[0, 1], [2, 3], [5, 3]]).view(),
    );
    bench.set("detector_mask", Array2::<u8>::ones((N, N)).view());
    let path = bench.expect(Verdict::Repairable, "diffraction", "VALUE-001");
    for path in [path, bench.folder.path().join("mended.npz")] {
        let dataset = Dataset::open(&path, Strictness::Repair).unwrap().dataset;
        let parts = dataset.parts();
        assert_eq!(parts.scan_index.as_deref().unwrap(), [10, 11, 13, 14, 15]);
        assert_eq!(
            parts.rows_start_px.as_ref().unwrap()[2],
            dataset.positions_px()[2][0]
        );
        assert_eq!(
            parts.group_index.as_ref().unwrap(),
            &ndarray::arr2(&[[0, 1], [4, 2]])
        );
        let mut patch = vec![Complex32::default(); N * N];
        parts.patches.as_ref().unwrap().read(2, &mut patch);
        assert_eq!(patch[1], patches[[3, 0, 1]]);
        assert!(dataset.detector_mask().unwrap().iter().all(|used| *used));
    }
    frames.fill(f32::NAN);
    bench.set("diffraction", frames.view());
    bench.expect(Verdict::Refused, "diffraction", "VALUE-001");
}

#[test]
fn optional_keys_that_do_not_fit_are_left_out_or_refused() {
    let mut bench = Bench::new();
    bench.set("Y", Array4::<Complex32>::zeros((1, N, N, 1)).view());
    bench.expect(Verdict::Repairable, "Y", "OPTION-001");
    bench
        .remove("Y")
        .set("scan_index", Array1::<i64>::zeros(M + 1).view());
    bench.expect(Verdict::Repairable, "scan_index", "OPTION-001");
    bench.remove("scan_index");
    bench.set("group_index", ndarray::arr2(&[[0, M as i32]]).view());
    bench.expect(Verdict::Refused, "group_index", "GROUP-001");
    bench
        .remove("group_index")
        .set("detector_mask", Array2::<u8>::ones((N, N)).view());
    bench.expect(Verdict::Repairable, "detector_mask", "DTYPE-001");
    bench.set("detector_mask", Array2::<u8>::from_elem((N, N), 3).view());
    bench.expect(Verdict::Refused, "detector_mask", "VALUE-003");
    bench
        .remove("detector_mask")
        .set("objectGuess", Array2::<Complex32>::ones((8, 8)).view());
    bench.expect(Verdict::Refused, "objectGuess", "SHAPE-001");
    let mut holed = Array2::<Complex32>::ones((40, 36));
    holed[[1, 1]].im = f32::NAN;
    bench.set("objectGuess", holed.view());
    bench.expect(Verdict::Refused, "objectGuess", "VALUE-003");
}

#[test]
fn types_without_meaning_are_refused_and_dark_patterns_told() {
    let mut bench = Bench::new();
    bench.set(
        "diffraction",
        Array3::<bool>::from_elem((M, N, N), true).view(),
    );
    bench.expect(Verdict::Refused, "diffraction", "DTYPE-002");
    bench.set("diffraction", Array3::<Complex32>::ones((M, N, N)).view());
    bench.expect(Verdict::Refused, "diffraction", "DTYPE-002");
    bench.set("diffraction", Array3::<f32>::zeros((M, N, N)).view());
    bench.expect(Verdict::Refused, "diffraction", "VALUE-004");
    let mut frames = amplitudes();
    frames.slice_mut(s![1, .., ..]).fill(0.0);
    bench.set("diffraction", frames.view());
    bench.expect(Verdict::Ok, "diffraction", "VALUE-004");
}

/// Bytes of no archive, of damaged ones, and of archives that numpy would not write.
#[test]
fn broken_bytes_are_refused_in_words() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("broken.npz");
    let good = std::fs::read(data("contract/stored_and_deflated.npz")).unwrap();
    let refused = |bytes: &[u8], word: &str| {
        std::fs::File::create(&path)
            .unwrap()
            .write_all(bytes)
            .unwrap();
        let inspection = full(&path);
        let shown = format!("{word}: {:#?}", inspection.findings);
        assert_eq!(inspection.verdict, Verdict::Refused, "{shown}");
        assert!(
            shown.to_lowercase().contains(&word.to_lowercase()),
            "{shown}"
        );
        assert!(Dataset::open(&path, Strictness::Repair).is_err());
    };
    refused(b"", "an empty file");
    refused(b"\x89HDF\r\n\x1a\n rest", "HDF5");
    refused(b"\x80\x04\x95 pickle", "never executed");
    refused(b"a,b\n1,2\n", "text");
    refused(&good[..good.len() - 30], "ends early");
    let mut flipped = good.clone();
    flipped[300] ^= 0x10;
    refused(&flipped, "checksum");
    let needle = b"diffraction.npy";
    let places = |bytes: &[u8]| -> Vec<usize> {
        (0..bytes.len() - needle.len())
            .filter(|i| bytes[*i..].starts_with(needle))
            .collect()
    };
    let (local, central) = (places(&good)[0], places(&good)[1]);
    let mut encrypted = good.clone();
    encrypted[local - 24] |= 1;
    encrypted[central - 38] |= 1;
    refused(&encrypted, "encrypted");
    let mut lzma = good.clone();
    lzma[local - 22] = 14;
    lzma[central - 36] = 14;
    refused(&lzma, "lzma");
    let doubled = [b"xcoords.npy", b"ycoords.npy"].map(|name| name.to_vec());
    let mut twice = good.clone();
    for i in 0..twice.len() - 11 {
        if twice[i..].starts_with(&doubled[1]) {
            twice[i..i + 11].copy_from_slice(&doubled[0]);
        }
    }
    refused(&twice, "same name");
    let mut huge = good.clone();
    let at = (0..huge.len())
        .find(|i| huge[*i..].starts_with(b"(6, 16, 16)"))
        .unwrap();
    huge[at..at + 11].copy_from_slice(b"(9999, 9,9)");
    refused(&huge, "end early");
    let inspection = inspect_headers(folder.path()).unwrap();
    assert_eq!(inspection.verdict, Verdict::Refused);
    assert!(inspection.findings[0].found.contains("folder"));
    assert!(matches!(
        inspect_headers(&folder.path().join("absent.npz")),
        Err(Error::Io { .. })
    ));
}

#[test]
fn a_repair_is_never_in_place_and_always_the_same() {
    let folder = TempDir::new().unwrap();
    let input = folder.path().join("scan.npz");
    std::fs::copy(data("contract/uint16_counts.npz"), &input).unwrap();
    let before = std::fs::read(&input).unwrap();
    let link = folder.path().join("link.npz");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&input, &link).unwrap();
    for output in [&input, &folder.path().join(".").join("scan.npz"), &link] {
        if output.exists() {
            assert!(matches!(
                repair(&input, output, &Quiet::default()),
                Err(Error::Invalid(_))
            ));
        }
    }
    assert_eq!(std::fs::read(&input).unwrap(), before);
    let (a, b) = (folder.path().join("a.npz"), folder.path().join("b.npz"));
    repair(&input, &a, &Quiet::default()).unwrap();
    repair(&input, &b, &Quiet::default()).unwrap();
    assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap());
    assert!(
        preview(&data("contract/good.npz"), &Quiet::default())
            .unwrap()
            .is_empty()
    );
    assert!(matches!(
        preview(&data("contract/no_probe.npz"), &Quiet::default()),
        Err(Error::Refused(_))
    ));
}

#[test]
fn a_full_inspection_can_be_stopped() {
    let stop = Stop::default();
    stop.request();
    let stopped = inspect_full(&data("contract/good.npz"), &Quiet(stop));
    assert!(matches!(stopped, Err(Error::Cancelled)));
}

#[test]
fn the_json_form_has_the_agreed_fields() {
    let inspection = full(&data("contract/uint16_counts.npz"));
    let json = serde_json::to_value(&inspection).unwrap();
    let fields =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(
        fields(&json),
        ["findings", "ignored", "keys", "path", "verdict"]
    );
    assert_eq!(
        fields(&json["findings"][0]),
        ["expected", "fix", "found", "key", "rule", "severity"]
    );
    assert_eq!(
        fields(&json["keys"][0]),
        [
            "byte_order",
            "bytes",
            "dtype",
            "key",
            "order",
            "shape",
            "storage"
        ]
    );
    assert_eq!(json["findings"][0]["severity"], "repairable");
    let row = inspection
        .rows
        .iter()
        .find(|row| row.key == "detector_mask")
        .unwrap();
    assert_eq!((row.verdict, row.found.as_ref()), (Verdict::Ok, None));
}

#[test]
fn headers_alone_tell_what_headers_can() {
    for (name, word) in [
        ("diff3d_frames_last", "repairable"),
        ("uint16_counts", "repairable"),
        ("no_probe", "refused"),
        ("nan_frame", "ok"),
    ] {
        let inspection = inspect_headers(&data(&format!("contract/{name}.npz"))).unwrap();
        assert!(!inspection.is_full);
        assert_eq!(self::word(inspection.verdict), word, "{name}");
    }
}

#[test]
fn real_files_come_out_as_they_should() {
    if let Some(path) = shared("data/siemens_star_aps.npz") {
        let opened = Dataset::open(&path, Strictness::Strict).unwrap();
        assert!(opened.repairs.is_empty());
        assert!((opened.dataset.mean_counts() - 461_212.9).abs() < 1.0);
    }
    for dose in ["1e9", "1e4"] {
        for half in ["train", "test"] {
            let Some(path) = shared(&format!("data/ptychopinn_lines_{dose}_{half}.npz")) else {
                continue;
            };
            let opened = Dataset::open(&path, Strictness::Repair).unwrap();
            let rules: BTreeSet<&str> = ["SCALE-002", "COORD-003"].into();
            for rule in rules {
                assert!(
                    opened.repairs.iter().any(|line| line.contains(rule)),
                    "{:?}",
                    opened.repairs
                );
            }
            let dose: f64 = dose.parse().unwrap();
            let ratio = opened.dataset.mean_counts() / dose;
            // The dose is the mean over both halves.
            assert!((ratio - 1.0).abs() < 0.02, "{ratio}");
            let mut frame = vec![0.0; 64 * 64];
            opened.dataset.frames().read(3, &mut frame);
            let small = frame
                .iter()
                .map(|v| f64::from(*v).powi(2))
                .filter(|counts| *counts < 1e4);
            for counts in small {
                assert!(
                    (counts - counts.round()).abs() <= 1e-6 * counts.max(1.0),
                    "{counts}"
                );
            }
            assert!(opened.dataset.positions_px().len() == opened.dataset.n_patterns());
        }
    }
}
