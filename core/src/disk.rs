//! Files written whole or not at all, memory maps, content hashes, room on the disk.

use std::fs::{File, TryLockError};
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// A writer that can go back, as archives need.
pub trait WriteSeek: Write + Seek + Send {}
impl<T: Write + Seek + Send> WriteSeek for T {}

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
    // The file itself, since the errors of the temporary one name a path that nobody knows.
    let mut writer = BufWriter::with_capacity(1 << 20, temporary.as_file());
    fill(&mut writer)?;
    writer
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

/// Add one line to a log, in one write to its end: whole lines of several writers may alternate, but never mix.
///
/// # Errors
/// [`Error::Io`].
pub fn append_line(path: &Path, line: &str) -> Result<()> {
    let folder = parent(path);
    std::fs::create_dir_all(&folder).map_err(Error::io("make the folder", &folder))?;
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(Error::io("write to", path))?;
    file.write_all(format!("{line}\n").as_bytes())
        .map_err(Error::io("write to", path))
}

const STAGING_PREFIX: &str = ".ptychobench-";
const STAGING_SUFFIX: &str = ".tmp";

/// A new folder beside where its files shall go, gone with all that is in it when dropped.
///
/// Files are made here and then moved by [`StagingFolder::publish`].
pub struct StagingFolder(tempfile::TempDir);

impl StagingFolder {
    /// Make a folder for the files of `target`, in the folder that holds `target`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn beside(target: &Path) -> Result<Self> {
        let folder = parent(target);
        std::fs::create_dir_all(&folder).map_err(Error::io("make the folder", &folder))?;
        tempfile::Builder::new()
            .prefix(STAGING_PREFIX)
            .suffix(STAGING_SUFFIX)
            .tempdir_in(&folder)
            .map(Self)
            .map_err(Error::io("make a folder beside", target))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Move all files to `target`: the folder itself where there is no `target` yet, else file by file over those of the
    /// same names; other files there stay.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn publish(self, target: &Path) -> Result<()> {
        if target.is_dir() {
            move_files(self.path(), target)?;
        } else {
            set_folder_permissions(self.path()).map_err(Error::io("set permissions of", target))?;
            std::fs::rename(self.path(), target).map_err(Error::io("rename into", target))?;
        }
        sync_folder(target);
        sync_folder(&parent(target));
        Ok(())
    }
}

/// A file that one holder at a time has locked; gone with the holder, also with a killed one.
///
/// Locks are those of the system, so none is left behind; the file is removed when the lock is given back, and one that
/// stays is in nobody's way.
#[derive(Debug)]
pub struct FileLock {
    path: PathBuf,
    file: Option<File>,
}

impl FileLock {
    /// Lock `path`, which is made where it is missing; `None` while somebody else holds it.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be made.
    pub fn take(path: &Path) -> Result<Option<Self>> {
        loop {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)
                .map_err(Error::io("write", path))?;
            match file.try_lock() {
                // Some file systems know no locks.
                Ok(()) | Err(TryLockError::Error(_)) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
            }
            // Its last holder may have removed the file in between: then this lock is of nothing.
            if is_at(&file, path) {
                let path = path.to_path_buf();
                return Ok(Some(Self {
                    path,
                    file: Some(file),
                }));
            }
        }
    }

    /// Whether somebody holds the lock of `path`. One who takes it at this very moment is not hindered for long.
    pub fn is_held(path: &Path) -> bool {
        File::open(path)
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // While it is held, so that nobody can have taken the file that goes; some systems want it closed before.
        if std::fs::remove_file(&self.path).is_err() {
            drop(self.file.take());
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Whether the open file is still the one of that name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let inode = |of: &std::fs::Metadata| (of.dev(), of.ino());
    matches!((file.metadata(), std::fs::metadata(path)), (Ok(a), Ok(b)) if inode(&a) == inode(&b))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// How long a staging folder lies untouched before it counts as left behind by a program that was killed.
const ABANDONED_AFTER: Duration = Duration::from_hours(24);

/// Remove the staging folders and temporary files in `folder` that killed programs left behind: those in which nothing has
/// changed for a day.
///
/// One that cannot be removed stays; it is in nobody's way.
pub fn remove_abandoned(folder: &Path) {
    remove_temporary(folder, |path| is_untouched_for(path, ABANDONED_AFTER));
}

/// Remove the staging folders and temporary files in a folder that nobody else writes: killed programs left them.
///
/// One that cannot be removed stays; it is in nobody's way.
pub fn remove_left(folder: &Path) {
    remove_temporary(folder, |_| true);
}

fn remove_temporary(folder: &Path, is_left: impl Fn(&Path) -> bool) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = entry.path();
        if name.starts_with(STAGING_PREFIX) && name.ends_with(STAGING_SUFFIX) && is_left(&path) {
            let _ = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
        }
    }
}

/// Whether neither the folder nor a file in it has changed for so long.
fn is_untouched_for(folder: &Path, time: Duration) -> bool {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    std::iter::once(folder.to_path_buf())
        .chain(files.map(|file| file.path()))
        .all(|path| {
            let changed = std::fs::metadata(&path).and_then(|of| of.modified());
            changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| time <= age))
        })
}

fn move_files(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).map_err(Error::io("make the folder", to))?;
    let entries = std::fs::read_dir(from).map_err(Error::io("list", from))?;
    for entry in entries {
        let entry = entry.map_err(Error::io("list", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            move_files(&source, &target)?;
        } else {
            std::fs::rename(&source, &target).map_err(Error::io("rename into", &target))?;
        }
    }
    Ok(())
}

/// Bytes that this user can still write where `path` is or would be; `None` where that cannot be known.
#[cfg(unix)]
pub fn free_bytes(path: &Path) -> Option<u64> {
    let path = std::path::absolute(path).ok()?;
    let folder = path.ancestors().find(|folder| folder.exists())?;
    let found = rustix::fs::statvfs(folder).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

/// Bytes that this user can still write where `path` is or would be; `None` where that cannot be known.
#[cfg(not(unix))]
pub fn free_bytes(_: &Path) -> Option<u64> {
    None
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

    /// Give back the memory of bytes `start` to `end`: a pass over a file larger than memory calls it behind itself.
    /// They are read from the file again when needed.
    pub fn release(&self, start: usize, end: usize) {
        let end = end.min(self.0.len());
        if start < end {
            self.release_inside(start, end - start);
        }
    }

    #[cfg(unix)]
    fn release_inside(&self, start: usize, length: usize) {
        #[expect(
            unsafe_code,
            reason = "pages of a map count as memory of the program until they are given back"
        )]
        // SAFETY: the map is shared, read-only and backed by a file, so no byte is lost: whoever reads the range, also at
        // this moment and through another clone, gets the same bytes from the file again.
        let advised = unsafe {
            self.0
                .unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, start, length)
        };
        // It is only advice; without it the pass works, in more memory.
        drop(advised);
    }

    #[cfg(not(unix))]
    fn release_inside(&self, _: usize, _: usize) {}
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

/// A writer that hashes what passes through it.
pub struct Hashing<W> {
    inner: W,
    hash: Sha256,
    n_bytes: u64,
}

impl<W: Write> Hashing<W> {
    /// Begin.
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            n_bytes: 0,
        }
    }

    /// SHA-256 of all that was written, in hexadecimal, and the number of bytes.
    pub fn finish(self) -> (String, u64) {
        (hex(&self.hash.finalize()), self.n_bytes)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.hash.update(&bytes[..n]);
        self.n_bytes += n as u64;
        Ok(n)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
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

#[cfg(unix)]
fn set_folder_permissions(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn set_folder_permissions(_: &Path) -> std::io::Result<()> {
    Ok(())
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
    use std::time::SystemTime;

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
    fn a_lock_has_one_holder_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.lock");
        assert!(!FileLock::is_held(&path));
        let lock = FileLock::take(&path).unwrap().unwrap();
        assert!(FileLock::take(&path).unwrap().is_none());
        assert!(FileLock::is_held(&path));
        drop(lock);
        assert!(!path.exists());
        // What a killed program leaves behind is no lock.
        write(&path, b"").unwrap();
        assert!(!FileLock::is_held(&path));
        assert!(FileLock::take(&path).unwrap().is_some());
    }

    #[test]
    fn only_staging_folders_untouched_for_a_day_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - Duration::from_hours(25);
        let make = |name: &str, is_file_old: bool| {
            let path = folder.path().join(name);
            write(&path.join("train.npz"), b"half").unwrap();
            let file = File::open(path.join("train.npz")).unwrap();
            if is_file_old {
                file.set_modified(old).unwrap();
            }
            File::open(&path).unwrap().set_modified(old).unwrap();
        };
        make(".ptychobench-a.tmp", true);
        make(".ptychobench-b.tmp", false);
        make("dose_1000", true);
        remove_abandoned(folder.path());
        let there = |name: &str| folder.path().join(name).exists();
        assert_eq!(
            [".ptychobench-a.tmp", ".ptychobench-b.tmp", "dose_1000"].map(there),
            [false, true, true]
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
