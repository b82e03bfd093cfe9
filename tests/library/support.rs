//! Paths and small helpers.

use std::path::{Path, PathBuf};

/// A file of `tests/data`.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/data")
        .join(name)
}

/// A file of the developers' shared folder, or `None` (said on standard error) where there is none.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared")
        .join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not on this machine", path.display());
        return None;
    }
    Some(path)
}

/// An NPZ of `tests/data`, by a reader that is not ours.
pub(crate) fn npz(name: &str) -> ndarray_npy::NpzReader<std::fs::File> {
    ndarray_npy::NpzReader::new(std::fs::File::open(data(name)).unwrap()).unwrap()
}
