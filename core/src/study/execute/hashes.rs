//! Hashes of files, kept so that large ones are not read again and again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::disk;
use crate::error::{Error, Result};

/// The file in a study's folder.
const FILE: &str = ".hashes.json";
/// A file that was written this recently is read again: within the grain of its time it could change once more.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// Hashes of the files in a study's folder, with the size and the time that they had.
pub(super) struct Hashes {
    folder: PathBuf,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    files: BTreeMap<PathBuf, Entry>,
    is_changed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    n_bytes: u64,
    /// Nanoseconds since 1970.
    modified_ns: u64,
    sha256: String,
}

impl Hashes {
    /// Those that are known of a study's folder.
    pub(super) fn open(folder: &Path) -> Self {
        let text = std::fs::read(folder.join(FILE)).unwrap_or_default();
        let known = Known {
            // It only spares work: one that cannot be read is as good as none.
            files: serde_json::from_slice(&text).unwrap_or_default(),
            is_changed: false,
        };
        Self {
            folder: folder.to_path_buf(),
            known: Mutex::new(known),
        }
    }

    /// Keep what is known for the next time; where that cannot be written it is found anew.
    pub(super) fn save(&self) {
        let mut known = self.known();
        if known.is_changed {
            known.is_changed = disk::write_json(&self.folder.join(FILE), &known.files).is_err();
        }
    }

    /// SHA-256 and size of a file; `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Io`] for one that cannot be read.
    pub(super) fn of(&self, file: &Path) -> Result<Option<(String, u64)>> {
        let metadata = match std::fs::metadata(file) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("look at", file)(error)),
        };
        let n_bytes = metadata.len();
        let modified = metadata.modified().map_err(Error::io("look at", file))?;
        let since = modified.duration_since(SystemTime::UNIX_EPOCH);
        let modified_ns = since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(0));
        let name = file
            .strip_prefix(&self.folder)
            .unwrap_or(file)
            .to_path_buf();
        if let Some(entry) = self.known().files.get(&name)
            && (entry.n_bytes, entry.modified_ns) == (n_bytes, modified_ns)
        {
            return Ok(Some((entry.sha256.clone(), n_bytes)));
        }
        let sha256 = sha256(file, n_bytes)?;
        if modified.elapsed().is_ok_and(|age| SETTLED_AFTER <= age) {
            let entry = Entry {
                n_bytes,
                modified_ns,
                sha256: sha256.clone(),
            };
            let mut known = self.known();
            known.files.insert(name, entry);
            known.is_changed = true;
        }
        Ok(Some((sha256, n_bytes)))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sha256(file: &Path, n_bytes: u64) -> Result<String> {
    // A map of nothing is refused by some systems.
    if n_bytes == 0 {
        return Ok(disk::sha256_hex(&[]));
    }
    Ok(disk::sha256_hex(&disk::Map::open(file)?))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn age(file: &Path, seconds: u64) {
        let then = SystemTime::now() - Duration::from_secs(seconds);
        File::options()
            .append(true)
            .open(file)
            .unwrap()
            .set_modified(then)
            .unwrap();
    }

    #[test]
    fn a_file_is_read_again_when_size_or_time_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.bin");
        assert_eq!(Hashes::open(folder.path()).of(&file).unwrap(), None);
        disk::write(&file, b"abc").unwrap();
        age(&file, 60);
        let hashes = Hashes::open(folder.path());
        let first = hashes.of(&file).unwrap().unwrap();
        assert_eq!(first, (disk::sha256_hex(b"abc"), 3));
        hashes.save();
        // The same size, another time.
        disk::write(&file, b"abd").unwrap();
        age(&file, 30);
        let again = Hashes::open(folder.path());
        assert_eq!(
            again.of(&file).unwrap().unwrap().0,
            disk::sha256_hex(b"abd")
        );
        // Neither: what is known is taken.
        let time = std::fs::metadata(&file).unwrap().modified().unwrap();
        disk::write(&file, b"abe").unwrap();
        File::options()
            .append(true)
            .open(&file)
            .unwrap()
            .set_modified(time)
            .unwrap();
        assert_eq!(
            again.of(&file).unwrap().unwrap().0,
            disk::sha256_hex(b"abd")
        );
    }
}
