//! The floors of the library, read from the `use` lines and paths: a module uses what stands below it.

use std::path::{Path, PathBuf};

/// Floor and modules; siblings on floors 2 to 4 that may not import each other stand in lines of their own.
const FLOORS: &[&[&str]] = &[
    &[
        "error", "compute", "fields", "rng", "simd", "fft", "disk", "job", "tensor",
    ],
    &["data"],
    &["sim", "grouping", "forward", "patches", "phase", "register"],
    &["iterative", "nn", "metrics"],
    &["paint", "figure"],
    &["study"],
];
/// Floors whose modules do not import each other.
const APART: &[&str] = &["iterative", "nn", "metrics"];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The top modules that a source names after `crate::`, in `use` lines with braces too.
fn modules_named(source: &str) -> Vec<String> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate::` in a macro is resolved where the macro is used.
        if code[..at].ends_with('$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for letter in group.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => names.push(std::mem::take(&mut word)),
                    _ if depth == 0 => word.push(letter),
                    _ => {}
                }
            }
            names.push(word);
        } else {
            names.push(
                rest.chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect(),
            );
        }
    }
    names
        .iter()
        .map(|name| {
            name.trim()
                .split("::")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        })
        .collect()
}

fn breaches(module: &str, source: &str) -> Vec<String> {
    let Some(own) = floor(module) else {
        return vec![format!("{module} stands on no floor")];
    };
    let above = |name: &String| floor(name).is_some_and(|other| own < other);
    let beside = |name: &String| APART.contains(&module) && APART.contains(&name.as_str());
    modules_named(source)
        .into_iter()
        .filter(|name| name != module && (above(name) || beside(name)))
        .collect()
}

#[test]
fn no_module_uses_a_floor_above_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for file in rust_files(&root) {
        let inner = file.strip_prefix(&root).unwrap();
        let module = inner
            .iter()
            .next()
            .unwrap()
            .to_str()
            .unwrap()
            .trim_end_matches(".rs")
            .to_owned();
        if module == "lib" {
            continue;
        }
        let source = std::fs::read_to_string(&file).unwrap();
        found.extend(
            breaches(&module, &source)
                .into_iter()
                .map(|name| format!("{} uses {name}", inner.display())),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_breach_is_named() {
    assert_eq!(breaches("fft", "use crate::study::run;"), ["study"]);
    assert_eq!(
        breaches(
            "data",
            "use crate::{disk, iterative::{Lsqml, X}, error::Error};"
        ),
        ["iterative"]
    );
    assert_eq!(breaches("data", "fn f() { crate::paint::x() }"), ["paint"]);
    assert_eq!(
        breaches("nn", "use crate::iterative::Lsqml;"),
        ["iterative"]
    );
    assert!(breaches("study", "use crate::iterative::Lsqml; // crate::x").is_empty());
    assert!(breaches("data", "// use crate::study;").is_empty());
    assert_eq!(breaches("attic", ""), ["attic stands on no floor"]);
}

#[test]
fn unsafe_stands_only_where_it_may() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in rust_files(&root) {
        let source = std::fs::read_to_string(&file).unwrap();
        let has = source
            .lines()
            .any(|line| !line.trim_start().starts_with("//") && line.contains("unsafe {"));
        let name = file.strip_prefix(&root).unwrap();
        assert!(
            !has || name == Path::new("disk.rs") || name.starts_with("tensor"),
            "unsafe code in {}",
            name.display()
        );
    }
}
