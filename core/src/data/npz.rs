//! NPZ and NPY files, header first: what is in them without reading the data.
//!
//! The file is memory-mapped; of a compressed member only the first bytes are inflated. Arrays of
//! Python objects (pickles) are listed as `object` and never executed.

use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};

use flate2::read::DeflateDecoder;
use serde::Serialize;

use crate::data::npy::{self, Header, Kind};
use crate::disk::Map;
use crate::error::{Error, Problem, Result};

/// One array of a file, from its header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// Name without `.npy`.
    pub key: String,
    /// As numpy spells it without byte order: `float32`, `complex64`, `uint16`, `bool`, `object`, `<U12` …;
    /// `unreadable` where there is no valid header.
    pub dtype: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// `C` or `F`.
    pub order: String,
    /// `little`, `big` or `none`.
    pub byte_order: String,
    /// `stored` or `deflated` (`file` for a bare NPY); else the compression method, which cannot be read.
    pub storage: String,
    /// Bytes of the array's data, uncompressed.
    pub bytes: u64,
}

/// How a member's bytes lie in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    Stored,
    Deflated,
    /// Encrypted, or compressed in another way.
    Unreadable,
}

/// One member of an archive.
pub(crate) struct Entry {
    pub(crate) storage: Storage,
    /// Where the member's bytes begin in the file, and how many there are.
    pub(crate) start: usize,
    pub(crate) length: usize,
    /// CRC-32 of the uncompressed member; a bare NPY has none.
    pub(crate) crc: Option<u32>,
    /// The header, or why there is none.
    pub(crate) header: Result<Header, String>,
}

/// An open file whose headers are read.
pub struct Archive {
    /// The file.
    pub path: PathBuf,
    /// Its arrays in file order.
    pub keys: Vec<KeyInfo>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) map: Map,
}

impl Archive {
    /// Open an NPZ or NPY and read its headers only.
    ///
    /// A bare NPY appears as one key, named after the file.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] if it is neither; [`crate::Error::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        let kind = std::fs::metadata(path).map_err(Error::io("open", path))?;
        if kind.is_dir() {
            return Err(not_an_archive(
                path,
                "an NPZ or NPY file",
                "a folder",
                "name a file in it",
            ));
        }
        let map = Map::open(path)?;
        let members = if map.starts_with(b"\x93NUMPY") {
            vec![bare_npy(path, &map)]
        } else {
            zip_members(path, &map)?
        };
        let (mut keys, mut entries) = (Vec::new(), Vec::new());
        for (mut key, mut entry) in members {
            if let Ok(header) = &entry.header {
                describe(&mut key, header);
            }
            if let Some(why) = shortage(&key, &entry) {
                entry.header = Err(why);
            }
            keys.push(key);
            entries.push(entry);
        }
        Ok(Self {
            path: path.to_path_buf(),
            keys,
            entries,
            map,
        })
    }

    /// Whether the file has the key.
    pub fn has(&self, key: &str) -> bool {
        self.index(key).is_some()
    }

    /// SHA-256 over the archive's directory: names, types, shapes, sizes and checksums of all members. It differs where
    /// any byte of any array does, and costs no reading of them.
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for (info, entry) in self.keys.iter().zip(&self.entries) {
            let KeyInfo {
                key,
                dtype,
                shape,
                bytes,
                ..
            } = info;
            let crc = entry.crc.unwrap_or_default();
            text.push_str(&format!("{key}\0{dtype}\0{shape:?}\0{bytes}\0{crc:08x}\n"));
        }
        crate::disk::sha256_hex(text.as_bytes())
    }

    /// Index of a key.
    pub(crate) fn index(&self, key: &str) -> Option<usize> {
        self.keys.iter().position(|info| info.key == key)
    }

    /// The header at `index`, where it can be read and its values are numbers.
    pub(crate) fn numbers(&self, index: usize) -> Option<&Header> {
        self.entries
            .get(index)
            .and_then(|entry| entry.header.as_ref().ok())
            .filter(|header| header.dtype.is_number())
    }
}

/// A refused file, as a whole.
pub(crate) fn not_an_archive(path: &Path, expected: &str, found: &str, fix: &str) -> Error {
    Error::Refused(Box::new(Problem {
        attempted: "open as an NPZ or NPY file".to_owned(),
        file: Some(path.to_path_buf()),
        expected: expected.to_owned(),
        found: found.to_owned(),
        fix: fix.to_owned(),
        rule: Some("FILE-001".to_owned()),
        ..Problem::default()
    }))
}

fn blank(key: &str, storage: &str, bytes: u64) -> KeyInfo {
    KeyInfo {
        key: key.to_owned(),
        dtype: "unreadable".to_owned(),
        shape: Vec::new(),
        order: "C".to_owned(),
        byte_order: "none".to_owned(),
        storage: storage.to_owned(),
        bytes,
    }
}

fn describe(key: &mut KeyInfo, header: &Header) {
    key.dtype.clone_from(&header.dtype.name);
    key.shape.clone_from(&header.shape);
    if header.is_fortran { "F" } else { "C" }.clone_into(&mut key.order);
    header.dtype.byte_order().clone_into(&mut key.byte_order);
    key.bytes = match header.data_bytes() {
        Some(bytes) if header.dtype.size != 0 => bytes as u64,
        _ => key.bytes.saturating_sub(header.length as u64),
    };
}

/// Words for an array whose data are shorter than its header says.
fn shortage(key: &KeyInfo, entry: &Entry) -> Option<String> {
    let header = entry.header.as_ref().ok()?;
    if entry.storage != Storage::Stored || header.dtype.kind == Kind::Object {
        return None;
    }
    let there = entry.length.saturating_sub(header.length) as u64;
    (there < key.bytes).then(|| format!("the data end early: {there} of {} bytes", key.bytes))
}

fn bare_npy(path: &Path, map: &Map) -> (KeyInfo, Entry) {
    let key = path.file_stem().unwrap_or_default().to_string_lossy();
    let entry = Entry {
        storage: Storage::Stored,
        start: 0,
        length: map.len(),
        crc: None,
        header: npy::parse_header(map),
    };
    (blank(&key, "file", map.len() as u64), entry)
}

fn zip_members(path: &Path, map: &Map) -> Result<Vec<(KeyInfo, Entry)>> {
    let refused = |found: &str, fix: &str| {
        Err(not_an_archive(
            path,
            "a ZIP archive (NPZ) or an NPY array",
            found,
            fix,
        ))
    };
    if !map.starts_with(b"PK\x03\x04") && !map.starts_with(b"PK\x05\x06") {
        let (found, fix) = foreign(map);
        return refused(found, fix);
    }
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(&map[..])) else {
        return refused(
            "the beginning of a ZIP archive that ends early or lacks its directory at the end",
            "none: fetch the file again",
        );
    };
    if archive.has_duplicate_names() {
        return refused(
            "two members of the same name",
            "none: which of the two is meant is unknown; write the file again with each key once",
        );
    }
    let mut members = Vec::new();
    for index in 0..archive.len() {
        match zip_member(&mut archive, index, map) {
            Ok(Some(member)) => members.push(member),
            Ok(None) => {}
            Err(error) => {
                return refused(
                    &format!("a damaged directory ({error})"),
                    "none: fetch the file again",
                );
            }
        }
    }
    Ok(members)
}

/// One member; `None` for folders.
fn zip_member(
    archive: &mut zip::ZipArchive<Cursor<&[u8]>>,
    index: usize,
    map: &[u8],
) -> zip::result::ZipResult<Option<(KeyInfo, Entry)>> {
    let file = archive.by_index_raw(index)?;
    if file.is_dir() {
        return Ok(None);
    }
    let name = file.name()?.into_owned();
    let key = name.strip_suffix(".npy").unwrap_or(&name);
    let (storage, words) = match file.compression() {
        _ if file.encrypted() => (Storage::Unreadable, "encrypted".to_owned()),
        zip::CompressionMethod::Stored => (Storage::Stored, "stored".to_owned()),
        zip::CompressionMethod::Deflated => (Storage::Deflated, "deflated".to_owned()),
        other => (Storage::Unreadable, other.to_string().to_lowercase()),
    };
    let start = file.data_start().unwrap_or(u64::MAX);
    let mut entry = Entry {
        storage,
        start: usize::try_from(start).unwrap_or(usize::MAX),
        length: usize::try_from(file.compressed_size()).unwrap_or(usize::MAX),
        crc: Some(file.crc32()),
        header: Err(String::new()),
    };
    let end = entry.start.checked_add(entry.length);
    entry.header = match end.and_then(|end| map.get(entry.start..end)) {
        None => Err("its bytes lie beyond the end of the file".to_owned()),
        Some(bytes) => member_header(&name, storage, &words, bytes),
    };
    Ok(Some((blank(key, &words, file.size()), entry)))
}

#[expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "numpy writes the suffix in lower case and reads no other"
)]
fn member_header(
    name: &str,
    storage: Storage,
    words: &str,
    bytes: &[u8],
) -> Result<Header, String> {
    if !name.ends_with(".npy") {
        return Err("no NPY array".to_owned());
    }
    match storage {
        Storage::Unreadable => Err(format!(
            "{words}: cannot be read; write it stored or deflated"
        )),
        Storage::Stored => npy::parse_header(bytes),
        Storage::Deflated => {
            let mut reader = DeflateDecoder::new(bytes);
            let mut start = Vec::new();
            let failed = |error: std::io::Error| format!("cannot be inflated: {error}");
            reader
                .by_ref()
                .take(12)
                .read_to_end(&mut start)
                .map_err(failed)?;
            let length = npy::header_length(&start)?;
            let rest = length.saturating_sub(start.len()) as u64;
            reader.take(rest).read_to_end(&mut start).map_err(failed)?;
            npy::parse_header(&start)
        }
    }
}

/// What a file is that is neither NPZ nor NPY, and what helps.
fn foreign(bytes: &[u8]) -> (&'static str, &'static str) {
    let is_text = |sample: &[u8]| {
        std::str::from_utf8(sample).map_or_else(|error| error.error_len().is_none(), |_| true)
            && !sample.contains(&0)
    };
    match bytes {
        [] => ("an empty file", "none: fetch the file again"),
        [0x89, b'H', b'D', b'F', ..] => (
            "an HDF5 file",
            "export its arrays with numpy.savez(path, diffraction=..., xcoords=..., ycoords=..., probeGuess=...)",
        ),
        [0x1f, 0x8b, ..] => ("a gzip file", "unpack it first"),
        [b'B', b'Z', b'h', ..] => ("a bzip2 file", "unpack it first"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => ("an xz file", "unpack it first"),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => ("a TIFF picture", "none"),
        [0x89, b'P', b'N', b'G', ..] => ("a PNG picture", "none"),
        [b'M', b'A', b'T', b'L', b'A', b'B', ..] => {
            ("a MATLAB file", "export its arrays with numpy.savez")
        }
        [0x80, 2..=5, ..] => (
            "a Python pickle, which is never executed",
            "save the arrays with numpy.savez",
        ),
        _ if is_text(&bytes[..bytes.len().min(4096)]) => ("text", "none"),
        _ => ("bytes of an unknown kind", "none"),
    }
}
