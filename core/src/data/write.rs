//! The deterministic NPZ writer: same content, same bytes, and numpy opens it.
//!
//! Dates are 1980-01-01, keys stand in the order given, nothing depends on the machine. Stored
//! arrays begin at multiples of 64 bytes, so that they can be mapped; members near 4 GiB get ZIP64.

use std::borrow::Cow;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ndarray::{ArrayView, Dimension};
use num_complex::{Complex32, Complex64};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

use crate::data::npy::header_bytes;
use crate::disk::{self, WriteSeek};
use crate::error::{Error, Result};

/// Members from this size on are written with 64-bit lengths; the margin covers incompressible data.
const LARGE_MEMBER_BYTES: u64 = 4_000_000_000;

/// Whether a member is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As it is: large arrays that are to be memory-mapped.
    Stored,
    /// Deflated.
    Deflated,
}

/// A type of elements that NPY files hold.
pub trait Element: bytemuck::NoUninit {
    /// numpy's description, as `<f4`.
    const DESCR: &'static str;
    /// Append the little-endian bytes.
    fn put(self, bytes: &mut Vec<u8>);
}

/// The little-endian bytes of values, without a copy where the machine has them so.
pub(crate) fn le_bytes<T: Element>(values: &[T]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        return Cow::Borrowed(bytemuck::cast_slice(values));
    }
    let mut bytes = Vec::with_capacity(size_of_val(values));
    values.iter().for_each(|value| value.put(&mut bytes));
    Cow::Owned(bytes)
}

macro_rules! element {
    ($($type:ty => $descr:literal),+ $(,)?) => {
        $(impl Element for $type {
            const DESCR: &'static str = $descr;
            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        })+
    };
}
element!(f32 => "<f4", f64 => "<f8", i32 => "<i4", i64 => "<i8", u8 => "|u1");

impl Element for bool {
    const DESCR: &'static str = "|b1";
    fn put(self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self));
    }
}

impl Element for Complex32 {
    const DESCR: &'static str = "<c8";
    fn put(self, bytes: &mut Vec<u8>) {
        self.re.put(bytes);
        self.im.put(bytes);
    }
}

impl Element for Complex64 {
    const DESCR: &'static str = "<c16";
    fn put(self, bytes: &mut Vec<u8>) {
        self.re.put(bytes);
        self.im.put(bytes);
    }
}

/// Write an NPZ file whole or not at all; `fill` adds its arrays.
///
/// # Errors
/// [`crate::Error::Io`], and whatever `fill` returns.
pub fn write_npz(path: &Path, fill: impl FnOnce(&mut NpzWriter) -> Result<()>) -> Result<()> {
    disk::write_with(path, |writer| {
        let mut npz = NpzWriter {
            zip: ZipWriter::new(Output {
                writer,
                has_failed: false,
            }),
            path: path.to_path_buf(),
        };
        fill(&mut npz)?;
        let path = &npz.path;
        npz.zip.finish().map_err(|error| failed(path, error))?;
        Ok(())
    })
}

/// An NPZ file in the making.
pub struct NpzWriter<'a> {
    zip: ZipWriter<Output<'a>>,
    path: PathBuf,
}

/// A writer that takes no more after it has failed: an archive that is dropped tries to write its end, and complains
/// on standard error where it cannot.
struct Output<'a> {
    writer: &'a mut dyn WriteSeek,
    has_failed: bool,
}

impl Output<'_> {
    fn attempt<T>(
        &mut self,
        after_failure: T,
        of: impl FnOnce(&mut dyn WriteSeek) -> std::io::Result<T>,
    ) -> std::io::Result<T> {
        if self.has_failed {
            return Ok(after_failure);
        }
        let result = of(self.writer);
        self.has_failed = result.is_err();
        result
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.attempt(bytes.len(), |writer| writer.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.attempt((), |writer| writer.flush())
    }
}

impl Seek for Output<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.attempt(0, |writer| writer.seek(to))
    }
}

impl NpzWriter<'_> {
    /// Add an array.
    ///
    /// # Errors
    /// [`crate::Error::Io`]; a key given twice.
    pub fn array<T: Element, D: Dimension>(
        &mut self,
        key: &str,
        compression: Compression,
        array: &ArrayView<T, D>,
    ) -> Result<()> {
        let array = array.as_standard_layout();
        let values = array.as_slice().unwrap_or_default();
        self.stream(key, compression, array.shape(), |sink| sink(values))
    }

    /// Add values with one axis.
    ///
    /// # Errors
    /// As [`NpzWriter::array`].
    pub fn values<T: Element>(&mut self, key: &str, values: &[T]) -> Result<()> {
        self.stream(key, Compression::Deflated, &[values.len()], |sink| {
            sink(values)
        })
    }

    /// Add a text as a unicode scalar.
    ///
    /// # Errors
    /// As [`NpzWriter::array`].
    pub fn text(&mut self, key: &str, text: &str) -> Result<()> {
        let letters: Vec<u8> = text
            .chars()
            .flat_map(|letter| u32::from(letter).to_le_bytes())
            .collect();
        // numpy has no text of length 0 with data: `<U1` holding NUL reads as ''.
        let n_letters = (letters.len() / 4).max(1);
        self.start(
            key,
            Compression::Deflated,
            &format!("<U{n_letters}"),
            &[],
            letters.len() as u64,
        )?;
        let letters = if letters.is_empty() {
            vec![0; 4]
        } else {
            letters
        };
        self.put(&letters)
    }

    /// Add a value as UTF-8 JSON in a `uint8` array, which any reader can take.
    ///
    /// # Errors
    /// As [`NpzWriter::array`].
    pub fn json(&mut self, key: &str, value: &impl serde::Serialize) -> Result<()> {
        let text = serde_json::to_vec(value)
            .map_err(|error| Error::io("write", &self.path)(error.into()))?;
        self.values(key, &text)
    }

    /// Add an array part by part: `fill` gets a sink for values in row-major order.
    ///
    /// # Errors
    /// As [`NpzWriter::array`]; [`crate::Error::Invalid`] if the number of values does not fit the shape.
    pub fn stream<T: Element>(
        &mut self,
        key: &str,
        compression: Compression,
        shape: &[usize],
        fill: impl FnOnce(&mut (dyn FnMut(&[T]) -> Result<()> + Send)) -> Result<()>,
    ) -> Result<()> {
        let n_values: usize = shape.iter().product();
        self.start(
            key,
            compression,
            T::DESCR,
            shape,
            (n_values * size_of::<T>()) as u64,
        )?;
        let mut n_given = 0;
        fill(&mut |values| {
            n_given += values.len();
            self.put(&le_bytes(values))
        })?;
        if n_given != n_values {
            return Err(Error::invalid(
                "write an array",
                key,
                format!("{n_values} values for shape {shape:?}"),
                n_given.to_string(),
            ));
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the header of one array")]
    fn start(
        &mut self,
        key: &str,
        compression: Compression,
        descr: &str,
        shape: &[usize],
        bytes: u64,
    ) -> Result<()> {
        let options = SimpleFileOptions::default()
            .last_modified_time(DateTime::default())
            .system(System::Unix)
            .unix_permissions(0o644)
            .large_file(LARGE_MEMBER_BYTES <= bytes);
        let options = match compression {
            Compression::Stored => options
                .compression_method(CompressionMethod::Stored)
                .with_alignment(64),
            Compression::Deflated => options
                .compression_method(CompressionMethod::Deflated)
                .compression_level(Some(6)),
        };
        self.zip
            .start_file(format!("{key}.npy"), options)
            .map_err(|error| failed(&self.path, error))?;
        self.put(&header_bytes(descr, shape))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.zip
            .write_all(bytes)
            .map_err(Error::io("write", &self.path))
    }
}

fn failed(path: &Path, error: ZipError) -> Error {
    Error::io("write", path)(match error {
        ZipError::Io(error) => error,
        other => other.into(),
    })
}
