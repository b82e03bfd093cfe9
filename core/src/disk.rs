//! Files written whole or not at all, memory maps, content hashes.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// A writer that can go back, as archives need.
pub trait WriteSeek: Write + Seek {}
impl<T: Write + Seek> WriteSeek for T {}

/// Write `path` through a temporary file in the same folder: written, synced, then renamed.
///
/// A killed program leaves the old file or none, never half of one. Missing folders are made.
///
/// # Errors
/// [`Error::Io`]; the temporary file is gone then.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut dyn WriteSeek) -> Result<()>) -> Result<()> {
    let folder = parent(path);
    std::fs::create_dir_all(&folder).map_err(Error::io("make the folder", &folder))?;
    let temporary = tempfile::Builder::new()
        .prefix(".ptychobench-")
        .suffix(".tmp")
        .tempfile_in(&folder)
        .map_err(Error::io("write beside", path))?;
    let mut writer = BufWriter::with_capacity(1 << 20, temporary);
    fill(&mut writer)?;
    let temporary = writer
        .into_inner()
        .map_err(|error| Error::io("write", path)(error.into_error()))?;
    set_default_permissions(temporary.as_file()).map_err(Error::io("set permissions of", path))?;
    temporary
        .as_file()
        .sync_all()
        .map_err(Error::io("sync", path))?;
    temporary
        .persist(path)
        .map_err(|error| Error::io("rename into", path)(error.error))?;
    sync_folder(&folder);
    Ok(())
}

/// Write bytes as [`write_with`] does.
///
/// # Errors
/// [`Error::Io`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |writer| {
        writer.write_all(bytes).map_err(Error::io("write", path))
    })
}

/// Write a value as indented JSON, as [`write_with`] does.
///
/// # Errors
/// [`Error::Io`].
pub fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let mut text =
        serde_json::to_vec_pretty(value).map_err(|error| Error::io("write", path)(error.into()))?;
    text.push(b'\n');
    write(path, &text)
}

/// A file's bytes through the page cache; cheap to clone.
#[derive(Clone)]
pub struct Map(Arc<memmap2::Mmap>);

impl Map {
    /// Map a file for reading.
    ///
    /// The file must not be cut short while it is mapped; this program never writes in place.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        #[expect(
            unsafe_code,
            reason = "memory maps are the only way to read scans larger than memory"
        )]
        // SAFETY: the map is read-only and private to this process; files of this program are replaced by
        // rename, never changed in place, so the mapped inode keeps its bytes.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(Error::io("map", path))?;
        Ok(Self(Arc::new(map)))
    }
}

impl std::ops::Deref for Map {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// SHA-256 of bytes, in hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 over named arrays: name, dtype, shape and little-endian row-major bytes of each, in the order given.
///
/// It does not depend on how a file stores them (compression, byte or memory order).
#[derive(Default)]
pub struct ContentHash(Sha256);

impl ContentHash {
    /// Begin an array; its bytes follow by [`ContentHash::update`].
    pub fn begin(&mut self, name: &str, dtype: &str, shape: &[usize]) {
        self.0.update(format!("{name}\0{dtype}\0{shape:?}\0"));
    }

    /// More little-endian bytes of the array begun last.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest in hex.
    pub fn finish_hex(self) -> String {
        hex(&self.0.finalize())
    }
}

fn hex(digest: &[u8]) -> String {
    use std::fmt::Write as _;
    digest
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Temporary files are private to their owner; results are as readable as any other file.
#[cfg(unix)]
fn set_default_permissions(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_default_permissions(_: &File) -> std::io::Result<()> {
    Ok(())
}

/// Without this the rename itself may be lost in a power cut; some file systems refuse it, which is no failure.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/result.bin");
        write(&path, b"old").unwrap();
        let failed = write_with(&path, |writer| {
            writer.write_all(b"half").unwrap();
            Err(Error::Run("power cut".to_owned()))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1
        );
    }

    #[test]
    fn a_map_holds_the_file_and_outlives_its_replacement() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        write(&path, b"first").unwrap();
        let map = Map::open(&path).unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(&*map, b"first");
        assert_eq!(&*Map::open(&path).unwrap(), b"second");
    }

    #[test]
    fn hashes_tell_shape_from_content() {
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let digest = |shape: &[usize]| {
            let mut hash = ContentHash::default();
            hash.begin("x", "float32", shape);
            hash.update(&[0; 16]);
            hash.finish_hex()
        };
        assert_ne!(digest(&[2, 2]), digest(&[4]));
        assert_eq!(digest(&[4]), digest(&[4]));
    }
}
