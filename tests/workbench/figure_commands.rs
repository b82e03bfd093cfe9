//! The figure command as a user runs it.

use std::path::Path;

use serde_json::json;

use crate::made_study::{STUDY, made};
use crate::support::{check_json, check_run};

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

/// The text chunks of a PNG, a key and its words each.
fn text_chunks(png: &[u8]) -> Vec<(String, String)> {
    let mut at = 8;
    let mut found = Vec::new();
    while at + 8 <= png.len() {
        let length = u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize;
        let kind = &png[at + 4..at + 8];
        let data = &png[at + 8..at + 8 + length];
        if kind == b"tEXt" || kind == b"iTXt" {
            let end = data.iter().position(|byte| *byte == 0).unwrap();
            let key = String::from_utf8_lossy(&data[..end]).into_owned();
            let words = String::from_utf8_lossy(&data[end + 1..]);
            found.push((key, words.trim_start_matches('\0').to_owned()));
        }
        at += length + 12;
    }
    found
}

#[test]
fn one_figure_in_three_formats_with_provenance_in_each() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let (plan, _) = made(root);
    let args = "figure runs/made -o f.png -o f.svg -o f.pdf --dpi 150 --width-mm 150 --companions beside --json";
    let answer = check_json(root, &words(args), 0);
    assert_eq!(answer["study_sha256"], json!(plan.study_sha256));
    assert_eq!(answer["doses"], json!([1e6, 1e3]));
    assert_eq!(answer["outputs"].as_array().unwrap().len(), 3 + 2 * 3);
    assert!(root.join("beside/convergence.pdf").is_file() && root.join("beside/frc.svg").is_file());
    let png = bytes(root, "f.png");
    // 150 mm at 150 dots an inch.
    assert_eq!(u32::from_be_bytes(png[16..20].try_into().unwrap()), 886);
    let chunks = text_chunks(&png);
    let has = |key: &str, words: &str| {
        chunks
            .iter()
            .any(|(name, found)| name == key && found.contains(words))
    };
    assert!(has("Study SHA-256", &plan.study_sha256), "{chunks:?}");
    assert!(has("Software", env!("CARGO_PKG_VERSION")) && has("Limits", "row 1, column 1"));
    assert!(has("Input SHA-256", "simulate-1e6/dose_1000000/test.npz "));
    let svg = String::from_utf8(bytes(root, "f.svg")).unwrap();
    assert!(svg.contains(&plan.study_sha256) && svg.contains(">Diffraction<"));
    let pdf = bytes(root, "f.pdf");
    let pdf_text = String::from_utf8_lossy(&pdf);
    assert!(pdf.starts_with(b"%PDF-") && pdf_text.contains(&plan.study_sha256));
    check_run(
        root,
        &words("figure runs/made -o g.pdf -o g.png --dpi 150 --width-mm 150"),
        0,
    );
    assert!(bytes(root, "g.pdf") == pdf && bytes(root, "g.png") == png);
}

#[test]
fn flags_are_laid_over_the_study_and_numbers_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    made(root);
    ptycho_core::disk::write(&root.join("made.toml"), STUDY.as_bytes()).unwrap();
    let line = "figure made.toml -o f.svg --columns diffraction,truth,lsqml --doses 1e6 --part phase --crop 40";
    let (stdout, _) = check_run(root, &words(line), 0);
    let row = stdout.lines().find(|line| line.contains("lsqml")).unwrap();
    let pearson: f64 = row.split_whitespace().last().unwrap().parse().unwrap();
    assert!((0.5..=1.0).contains(&pearson), "{stdout}");
    let svg = String::from_utf8(bytes(root, "f.svg")).unwrap();
    assert!(svg.contains(">phase (rad)<") && svg.contains("central 40 × 40 px"));
    assert!(svg.contains(">Truth<") && !svg.contains("10³"));
}

#[test]
fn what_is_missing_or_wrong_is_told_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let (plan, runs) = made(root);
    std::fs::remove_dir_all(plan.folder(&runs).join("simulate-1e3")).unwrap();
    let (_, stderr) = check_run(root, &words("figure runs/made -o f.png"), 2);
    assert!(
        stderr.contains("simulate-1e3/dose_1000/test.npz"),
        "{stderr}"
    );
    let (_, stderr) = check_run(root, &words("figure runs/made -o f.jpg"), 2);
    assert!(stderr.contains(".png, .svg or .pdf"), "{stderr}");
    let (_, stderr) = check_run(
        root,
        &words("figure runs/made -o f.png --columns diffraktion"),
        2,
    );
    assert!(stderr.contains("diffraction"), "{stderr}");
    check_run(root, &words("figure nowhere -o f.png"), 2);
    assert!(!root.join("f.png").exists());
    check_run(root, &words("figure runs/made -o f.png --doses 1e6"), 0);
}
