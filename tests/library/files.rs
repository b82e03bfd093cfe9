//! NPZ in and out, maps, statistics, reconstructions.

use std::io::{Read as _, Write as _};
use std::path::Path;

use ndarray::{Array1, Array2, Array3, ArrayD, IxDyn, arr2};
use num_complex::Complex32;
use proptest::prelude::*;
use ptycho_core::Error;
use ptycho_core::data::inspect::inspect_full;
use ptycho_core::data::statistics::file_statistics;
use ptycho_core::data::write::{Compression, write_npz};
use ptycho_core::data::{
    Archive, Dataset, DatasetParts, Frames, Patches, Reconstruction, Strictness, Verdict,
};
use ptycho_core::job::{Quiet, Stop};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::support::data;

/// An NPY array with any header text.
fn npy(header: &str, bytes: &[u8]) -> Vec<u8> {
    let mut all = b"\x93NUMPY\x01\x00".to_vec();
    all.extend((header.len() as u16).to_le_bytes());
    all.extend(header.as_bytes());
    all.extend(bytes);
    all
}

/// A ZIP of these members, as some other program might write it.
fn zip_of(path: &Path, options: SimpleFileOptions, members: &[(&str, Vec<u8>)]) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in members {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored)
}

/// A dataset of numbered values, none of them whole.
fn numbered(m: usize, n: usize) -> Dataset {
    let frames = Array3::from_shape_fn((m, n, n), |(i, y, x)| (i * 100 + y * 10 + x) as f32 + 0.25);
    let probe = Array3::from_elem((2, n, n), Complex32::new(1.5, -0.5));
    let positions = (0..m)
        .map(|i| [n as f64 + i as f64 * 1.25, n as f64 + 3.5])
        .collect();
    let patches = Array3::from_shape_fn((m, n, n), |(i, y, x)| {
        Complex32::new(i as f32, (y * n + x) as f32)
    });
    let side = 3 * n + 2 * m;
    Dataset::new(DatasetParts {
        object: Some(Array2::from_elem((side, side), Complex32::new(0.5, 0.25))),
        detector_mask: Some(Array2::from_shape_fn((n, n), |(y, _)| y != 0)),
        patches: Some(Patches::from_array(patches)),
        scan_index: Some((0..m as i64).rev().collect()),
        rows_start_px: Some(vec![1.0; m]),
        columns_start_px: Some(vec![2.0; m]),
        group_index: Some(arr2(&[[0, 1], [1, 0]])),
        ..DatasetParts::required(Frames::from_array(frames), positions, probe)
    })
    .unwrap()
}

fn frame(frames: &Frames, i: usize) -> Vec<f32> {
    let mut out = vec![0.0; frames.n() * frames.n()];
    frames.read(i, &mut out);
    out
}

#[test]
fn a_saved_dataset_is_mapped_and_equal() {
    let folder = tempfile::tempdir().unwrap();
    let (path, again) = (folder.path().join("a.npz"), folder.path().join("b.npz"));
    let dataset = numbered(5, 8);
    dataset.save(&path).unwrap();
    let opened = Dataset::open(&path, Strictness::Strict).unwrap().dataset;
    assert!(opened.frames().is_mapped() && !dataset.frames().is_mapped());
    assert_eq!(opened.frames().bytes_in_memory(), 0);
    assert_eq!(dataset.frames().bytes_in_memory(), 5 * 64 * 4);
    for i in 0..5 {
        assert_eq!(frame(opened.frames(), i), frame(dataset.frames(), i));
    }
    assert_eq!(opened.mean_counts(), dataset.mean_counts());
    assert_eq!(opened.content_sha256(), dataset.content_sha256());
    assert_eq!(opened.object_shape(), dataset.object_shape());
    opened.save(&again).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(
        bytes,
        std::fs::read(&again).unwrap(),
        "same content, same bytes"
    );
    let values = 0.25f32.to_le_bytes();
    let at = bytes
        .windows(8)
        .position(|w| w[..4] == values && w[4..] == 1.25f32.to_le_bytes());
    assert_eq!(at.unwrap() % 64, 0, "stored arrays are aligned");
}

#[test]
fn means_and_maxima_of_frames_stream() {
    let dataset = numbered(4, 8);
    let quiet = Quiet::default();
    assert_eq!(dataset.frames().mean_frame(&quiet).unwrap()[[2, 3]], 173.25);
    assert_eq!(dataset.frames().max_frame(&quiet).unwrap()[[2, 3]], 323.25);
    let stop = Stop::default();
    stop.request();
    assert!(matches!(
        dataset.frames().mean_frame(&Quiet(stop)),
        Err(Error::Cancelled)
    ));
}

/// Row-major values in every form that a file may hold them in.
#[test]
fn every_type_and_order_reads_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forms.npz");
    let values = Array2::from_shape_fn((3, 4), |(y, x)| (10 * y + x) as f64);
    let mut members = Vec::new();
    macro_rules! form {
        ($name:literal, $type:ty, $code:literal) => {
            for (end, order, is_fortran) in [
                ('<', "C", false),
                ('>', "C", false),
                ('<', "F", true),
                ('>', "F", true),
            ] {
                let view = if is_fortran {
                    values.t()
                } else {
                    values.view()
                };
                let bytes: Vec<u8> = view
                    .iter()
                    .flat_map(|v| {
                        if end == '<' {
                            (*v as $type).to_le_bytes()
                        } else {
                            (*v as $type).to_be_bytes()
                        }
                    })
                    .collect();
                let fortran = if is_fortran { "True" } else { "False" };
                let header = format!(
                    "{{'descr': '{end}{}', 'fortran_order': {fortran}, 'shape': (3, 4), }}\n",
                    $code
                );
                members.push((format!("{}{end}{order}.npy", $name), npy(&header, &bytes)));
            }
        };
    }
    form!("i8", i8, "i1");
    form!("i2", i16, "i2");
    form!("i4", i32, "i4");
    form!("i64", i64, "i8");
    form!("u1", u8, "u1");
    form!("u2", u16, "u2");
    form!("u4", u32, "u4");
    form!("u8", u64, "u8");
    form!("f4", f32, "f4");
    form!("f8", f64, "f8");
    let members: Vec<(&str, Vec<u8>)> = members
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.clone()))
        .collect();
    for options in [
        stored(),
        SimpleFileOptions::default(),
        stored().large_file(true),
    ] {
        zip_of(&path, options, &members);
        let archive = Archive::open(&path).unwrap();
        assert_eq!(archive.keys.len(), 40);
        for info in &archive.keys {
            assert_eq!(
                archive.array_f64(&info.key).unwrap(),
                values.clone().into_dyn(),
                "{info:?}"
            );
            assert_eq!(archive.array_complex(&info.key).unwrap()[[2, 1]].re, 21.0);
        }
    }
}

#[test]
fn strided_and_foreign_frames_are_read_from_the_map() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strided.npz");
    let (m, n) = (5, 8);
    let value = |i: usize, y: usize, x: usize| (i * 100 + y * 10 + x) as f64 + 0.25;
    let last = Array3::from_shape_fn((n, n, m), |(y, x, i)| value(i, y, x));
    let first = Array3::from_shape_fn((m, n, n), |(i, y, x)| value(i, y, x));
    let big: Vec<u8> = last.iter().flat_map(|v| v.to_be_bytes()).collect();
    let fortran: Vec<u8> = first.t().iter().flat_map(|v| v.to_le_bytes()).collect();
    let line: Vec<u8> = (0..m)
        .flat_map(|i| (10.0 + i as f64).to_le_bytes())
        .collect();
    let line = npy(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (5,), }",
        &line,
    );
    let probe: Vec<u8> = (0..2 * n * n).flat_map(|_| 1f32.to_le_bytes()).collect();
    let probe = npy(
        "{'descr': '<c8', 'fortran_order': False, 'shape': (8, 8), }",
        &probe,
    );
    let forms = [
        npy(
            "{'descr': '>f8', 'fortran_order': False, 'shape': (8, 8, 5), }",
            &big,
        ),
        npy(
            "{'descr': '<f8', 'fortran_order': True, 'shape': (5, 8, 8), }",
            &fortran,
        ),
    ];
    for form in forms {
        zip_of(
            &path,
            stored(),
            &[
                ("diffraction.npy", form),
                ("xcoords.npy", line.clone()),
                ("ycoords.npy", line.clone()),
                ("probeGuess.npy", probe.clone()),
            ],
        );
        let opened = Dataset::open(&path, Strictness::Repair).unwrap().dataset;
        assert!(opened.frames().is_mapped());
        for i in 0..m {
            let expected: Vec<f32> = (0..n * n).map(|p| value(i, p / n, p % n) as f32).collect();
            assert_eq!(frame(opened.frames(), i), expected);
        }
    }
}

#[test]
fn members_that_are_no_numbers_are_listed_and_left_alone() {
    let archive = Archive::open(&data("contract/extra_keys.npz")).unwrap();
    let dtype = |key: &str| {
        archive
            .keys
            .iter()
            .find(|info| info.key == key)
            .unwrap()
            .dtype
            .clone()
    };
    assert_eq!(
        [dtype("comment"), dtype("table"), dtype("energy_keV")],
        ["<U13", "record", "float64"]
    );
    assert_eq!(archive.text("comment").unwrap(), "tilted sample");
    assert!(matches!(
        archive.array_f64("comment"),
        Err(Error::Refused(_))
    ));
    let archive = Archive::open(&data("contract/pickled_metadata.npz")).unwrap();
    let info = archive
        .keys
        .iter()
        .find(|info| info.key == "_metadata")
        .unwrap();
    assert_eq!(
        (info.dtype.as_str(), info.byte_order.as_str()),
        ("object", "none")
    );
    assert!(archive.array_f64("_metadata").is_err() && archive.text("_metadata").is_err());
    assert!(archive.array_f64("xcoords").is_ok());
}

#[test]
fn a_bare_npy_has_one_key_named_after_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.npy");
    let bytes = npy(
        "{'descr': '|b1', 'fortran_order': False, 'shape': (2, 2), }",
        &[1, 0, 0, 1],
    );
    std::fs::File::create(&path)
        .unwrap()
        .write_all(&bytes)
        .unwrap();
    let archive = Archive::open(&path).unwrap();
    assert_eq!(
        (
            archive.keys[0].key.as_str(),
            archive.keys[0].storage.as_str()
        ),
        ("mask", "file")
    );
    assert_eq!(
        archive.array_i64("mask").unwrap(),
        arr2(&[[1, 0], [0, 1]]).into_dyn()
    );
    assert_eq!(
        inspect_full(&path, &Quiet::default()).unwrap().verdict,
        Verdict::Refused
    );
}

#[test]
fn statistics_count_what_is_not_finite_and_name_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("values.npz");
    let mut values = Array3::from_shape_fn((4, 30, 17), |(i, y, x)| {
        ((i * 7919 + y * 104_729 + x * 31) % 1009) as f32 - 300.5
    });
    values[[1, 2, 3]] = f32::NAN;
    values[[2, 0, 0]] = f32::NEG_INFINITY;
    let mut sorted: Vec<f32> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f32::total_cmp);
    write_npz(&path, |npz| {
        npz.array("values", Compression::Deflated, &values.view())?;
        npz.array(
            "z",
            Compression::Stored,
            &Array1::from_elem(3, Complex32::new(3.0, 4.0)).view(),
        )?;
        npz.values("nothing", &[f64::NAN])?;
        npz.text("word", "no number")
    })
    .unwrap();
    let list = file_statistics(&path, &Quiet::default()).unwrap();
    assert_eq!(
        list.iter().map(|s| s.key.as_str()).collect::<Vec<_>>(),
        ["values", "z", "nothing"]
    );
    let of = &list[0];
    assert_eq!((of.n_values, of.n_nan, of.n_infinite), (2040, 1, 1));
    assert_eq!(of.first_non_finite.as_deref(), Some([1, 2, 3].as_slice()));
    assert_eq!(
        (of.min, of.max),
        (f64::from(sorted[0]), f64::from(sorted[sorted.len() - 1]))
    );
    for (rank, value) in [0.01, 0.05, 0.5, 0.95, 0.99]
        .into_iter()
        .zip(of.percentiles)
    {
        let at = (rank * (sorted.len() - 1) as f64) as usize;
        assert_eq!(value, f64::from(sorted[at]), "{rank}");
    }
    let mean = sorted.iter().map(|v| f64::from(*v)).sum::<f64>() / sorted.len() as f64;
    assert!((of.mean - mean).abs() < 1e-9);
    assert_eq!(list[1].percentiles, [5.0; 5]);
    assert!(list[2].min.is_nan() && list[2].percentiles.iter().all(|v| v.is_nan()));
    let stop = Stop::default();
    stop.request();
    assert!(matches!(
        file_statistics(&path, &Quiet(stop)),
        Err(Error::Cancelled)
    ));
}

#[test]
fn a_reconstruction_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.npz");
    let reconstruction = Reconstruction {
        object: Array2::from_shape_fn((5, 7), |(y, x)| Complex32::new(y as f32, x as f32)),
        coverage: None,
        probe: Array3::from_elem((2, 4, 4), Complex32::new(0.5, 2.0)),
        positions_px: vec![[3.25, 2.0], [3.0, 4.5]],
        loss: vec![2.0, 1.0, 0.5],
        algorithm: "lsqml".to_owned(),
        provenance: serde_json::json!({"seed": 3, "object_init": "ones"}),
    };
    reconstruction.save(&path).unwrap();
    assert_eq!(Reconstruction::load(&path).unwrap(), reconstruction);
    let archive = Archive::open(&path).unwrap();
    let dtypes: Vec<&str> = archive
        .keys
        .iter()
        .map(|info| info.dtype.as_str())
        .collect();
    assert_eq!(
        dtypes,
        [
            "complex64",
            "complex64",
            "float64",
            "float64",
            "float64",
            "<U5",
            "uint8"
        ]
    );
    let Err(error) = Reconstruction::load(&data("contract/good.npz")) else {
        panic!("a data set is no reconstruction");
    };
    assert!(
        error.to_string().contains("reconstructed_object"),
        "{error}"
    );
}

#[test]
fn a_dataset_is_checked_once_and_precisely() {
    let n = 8;
    let frames = || Array3::from_elem((2, n, n), 1.5f32);
    let probe = || Array3::from_elem((1, n, n), Complex32::new(1.0, 0.0));
    let at = |row: f64| vec![[row, 8.0], [9.0, 9.0]];
    let key = |parts: DatasetParts| match Dataset::new(parts) {
        Ok(_) => String::new(),
        Err(error) => error.problem().unwrap().key.clone().unwrap(),
    };
    let parts = |frames, positions, probe| {
        DatasetParts::required(Frames::from_array(frames), positions, probe)
    };
    assert_eq!(key(parts(frames(), at(8.0), probe())), "");
    assert_eq!(key(parts(frames(), at(3.0), probe())), "ycoords");
    assert_eq!(key(parts(frames(), at(f64::NAN), probe())), "ycoords");
    assert_eq!(
        key(parts(frames(), vec![[8.0, 8.0]], probe())),
        "xcoords, ycoords"
    );
    assert_eq!(key(parts(frames() * -1.0, at(8.0), probe())), "diffraction");
    assert_eq!(
        key(parts(frames() * f32::NAN, at(8.0), probe())),
        "diffraction"
    );
    assert_eq!(key(parts(frames() * 0.0, at(8.0), probe())), "diffraction");
    assert_eq!(
        key(parts(Array3::ones((2, n, 7)), at(8.0), probe())),
        "diffraction"
    );
    assert_eq!(
        key(parts(Array3::ones((0, n, n)), vec![], probe())),
        "diffraction"
    );
    assert_eq!(
        key(parts(frames(), at(8.0), Array3::ones((1, 4, 4)))),
        "probeGuess"
    );
    assert_eq!(
        key(parts(frames(), at(8.0), Array3::zeros((1, n, n)))),
        "probeGuess"
    );
    let small = DatasetParts {
        object: Some(Array2::ones((n, 12))),
        ..parts(frames(), at(8.0), probe())
    };
    assert_eq!(key(small), "ycoords");
    let dataset = Dataset::new(parts(frames(), at(8.25), probe())).unwrap();
    assert_eq!(dataset.object_shape(), [13, 13]);
    assert_eq!(dataset.mean_counts(), 1.5 * 1.5 * 64.0);
}

fn read_all(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arrays_survive_a_round_trip(
        shape in prop::collection::vec(0usize..5, 0..4),
        seed in any::<u64>(),
        is_stored in any::<bool>(),
        word in "\\PC{0,12}",
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trip.npz");
        let mut state = seed | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from((state >> 40) as u32) / 1e3 - 8e3
        };
        let reals = ArrayD::from_shape_simple_fn(IxDyn(&shape), &mut next);
        let wholes = reals.map(|v| *v as i64);
        let complex = reals.map(|v| Complex32::new(*v as f32, -*v as f32));
        let compression = if is_stored { Compression::Stored } else { Compression::Deflated };
        write_npz(&path, |npz| {
            npz.array("reals", compression, &reals.view())?;
            npz.array("wholes", compression, &wholes.view())?;
            npz.array("complex", compression, &complex.view())?;
            npz.text("word", &word)
        }).unwrap();
        let archive = Archive::open(&path).unwrap();
        prop_assert_eq!(archive.array_f64("reals").unwrap(), reals);
        prop_assert_eq!(archive.array_i64("wholes").unwrap(), wholes);
        let single = archive.array_complex("complex").unwrap().map(|z| Complex32::new(z.re as f32, z.im as f32));
        prop_assert_eq!(single, complex);
        prop_assert_eq!(archive.text("word").unwrap(), word.trim_end_matches('\0'));
    }

    #[test]
    fn damaged_files_never_panic(
        which in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        keep in 0.0f64..1.3,
    ) {
        let name = ["good", "stored_and_deflated", "tike_names", "npy_version_2"][which];
        let mut bytes = read_all(&data(&format!("contract/{name}.npz")));
        for (index, value) in &changes {
            let at = index.index(bytes.len());
            bytes[at] = *value;
        }
        let length = (keep * bytes.len() as f64) as usize;
        bytes.truncate(length);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged.npz");
        std::fs::File::create(&path).unwrap().write_all(&bytes).unwrap();
        let inspection = inspect_full(&path, &Quiet::default()).unwrap();
        let opened = Dataset::open(&path, Strictness::Repair);
        prop_assert_eq!(inspection.verdict == Verdict::Refused, opened.is_err(), "{:#?}", inspection.findings);
        let _ = file_statistics(&path, &Quiet::default());
        let _ = Reconstruction::load(&path);
    }

    #[test]
    fn headers_of_any_text_never_panic(
        header in "\\{'descr': '[<>|=]?[biufcOUSV?]?[0-9]{0,20}', 'fortran_order': (True|False), 'shape': \\([0-9L, ]{0,30}\\),? ?\\}?",
        tail in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        std::fs::File::create(&path).unwrap().write_all(&npy(&header, &tail)).unwrap();
        let archive = Archive::open(&path).unwrap();
        let _ = archive.array_f64("a");
        let _ = archive.array_complex("a");
        let _ = archive.text("a");
        let _ = file_statistics(&path, &Quiet::default());
    }
}
