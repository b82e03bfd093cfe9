//! Arrays of an archive: streamed in chunks, or read whole and converted.

use std::io::Read as _;

use flate2::read::DeflateDecoder;
use ndarray::{ArrayD, IxDyn, ShapeBuilder as _};
use num_complex::Complex64;

use crate::data::npy::{Dtype, Header, Kind};
use crate::data::npz::{Archive, Entry, Storage};
use crate::data::stack::{Bytes, Layout, Stack};
use crate::error::{Error, Problem, Result};

/// Bytes handed out at a time; a whole number of elements of any type.
const CHUNK_BYTES: usize = 1 << 20;
/// Bytes of a mapped array after which a pass gives them back.
const RELEASED_BYTES: usize = 32 << 20;
/// Memory taken before any byte was seen; a false header cannot ask for more.
const TRUSTED_BYTES: usize = 64 << 20;

impl Archive {
    /// An array as real numbers, row-major; complex ones are refused.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] that names the key.
    pub fn array_f64(&self, key: &str) -> Result<ArrayD<f64>> {
        self.convert(key, Dtype::is_real, "real numbers", |dtype, bytes, out| {
            dtype.for_each_real(bytes, |value| out.push(value));
        })
    }

    /// An array as complex numbers, row-major.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] that names the key.
    pub fn array_complex(&self, key: &str) -> Result<ArrayD<Complex64>> {
        self.convert(key, Dtype::is_number, "numbers", |dtype, bytes, out| {
            dtype.for_each_complex(bytes, |value| out.push(value));
        })
    }

    /// An array as whole numbers, row-major; only integer and bool arrays.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] that names the key.
    pub fn array_i64(&self, key: &str) -> Result<ArrayD<i64>> {
        let is_whole = |dtype: &Dtype| dtype.is_whole() || dtype.kind == Kind::Bool;
        self.convert(key, is_whole, "whole numbers", |dtype, bytes, out| {
            dtype.for_each_whole(bytes, |value| out.push(value));
        })
    }

    /// A text: a unicode scalar, or UTF-8 in a uint8 array.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] that names the key.
    pub fn text(&self, key: &str) -> Result<String> {
        let bytes_of = |index| -> Result<(Header, Vec<u8>)> {
            let header = self.header(index)?.clone();
            let mut bytes = Vec::new();
            self.stream(index, &mut |chunk| {
                bytes.extend_from_slice(chunk);
                Ok(())
            })?;
            Ok((header, bytes))
        };
        let (header, bytes) = bytes_of(self.require(key)?)?;
        let text = match (&header.dtype.kind, header.dtype.size) {
            (Kind::Uint, 1) => String::from_utf8(bytes).ok(),
            (Kind::Text, _) => bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| {
                    char::from_u32(if header.dtype.is_big_endian {
                        u32::from_be_bytes(*b)
                    } else {
                        u32::from_le_bytes(*b)
                    })
                })
                .take_while(|letter| *letter != Some('\0'))
                .collect(),
            _ => None,
        };
        text.ok_or_else(|| self.bad_member(key, "a text", &header.dtype.name))
    }

    /// The data of an array as they lie in the file, in chunks of whole elements.
    ///
    /// Returns whether the checksum of the archive agrees.
    pub(crate) fn stream(
        &self,
        index: usize,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<bool> {
        let header = self.header(index)?;
        let entry = &self.entries[index];
        let key = &self.keys[index].key;
        let wanted = header.data_bytes().unwrap_or(0);
        let bytes = self.member_bytes(entry);
        let mut crc = crc32fast::Hasher::new();
        if entry.storage == Storage::Stored {
            let (head, data) = bytes.split_at(header.length.min(bytes.len()));
            crc.update(head);
            let (data, rest) = data.split_at(wanted.min(data.len()));
            let mut released = entry.start;
            let mut at = entry.start + head.len();
            for chunk in data.chunks(chunk_bytes(header)) {
                crc.update(chunk);
                sink(chunk)?;
                at += chunk.len();
                // Of a large array no more than a few chunks stay in memory at a time.
                if RELEASED_BYTES <= at - released {
                    self.map.release(released, at);
                    released = at;
                }
            }
            crc.update(rest);
            return Ok(entry.crc.is_none_or(|crc32| crc32 == crc.finalize()));
        }
        let mut reader = DeflateDecoder::new(bytes);
        let mut buffer = vec![0; header.length];
        let failed = |error: std::io::Error| {
            self.bad_member(
                key,
                &format!("{wanted} bytes of data"),
                &format!("damaged data ({error})"),
            )
        };
        reader.read_exact(&mut buffer).map_err(failed)?;
        crc.update(&buffer);
        let mut left = wanted;
        while left != 0 {
            buffer.resize(chunk_bytes(header).min(left), 0);
            reader.read_exact(&mut buffer).map_err(failed)?;
            crc.update(&buffer);
            sink(&buffer)?;
            left -= buffer.len();
        }
        buffer.resize(CHUNK_BYTES, 0);
        loop {
            match reader.read(&mut buffer).map_err(failed)? {
                0 => break,
                n => crc.update(&buffer[..n]),
            }
        }
        Ok(entry.crc.is_none_or(|crc32| crc32 == crc.finalize()))
    }

    /// All data bytes of an array, as they lie in the file.
    pub(crate) fn raw(&self, index: usize) -> Result<Vec<u8>> {
        let wanted = self.header(index)?.data_bytes().unwrap_or(0);
        let mut bytes = Vec::with_capacity(wanted.min(TRUSTED_BYTES));
        self.stream(index, &mut |chunk| {
            bytes.extend_from_slice(chunk);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// An array as a stack: mapped where it is stored, else in memory.
    pub(crate) fn stack(&self, index: usize, layout: Layout) -> Result<Stack> {
        let header = self.header(index)?;
        let entry = &self.entries[index];
        let bytes = match entry.storage {
            Storage::Stored => Bytes::Map {
                map: self.map.clone(),
                start: entry.start + header.length,
                length: header.data_bytes().unwrap_or(0),
            },
            _ => Bytes::Owned(std::sync::Arc::new(self.raw(index)?)),
        };
        Ok(Stack {
            bytes,
            dtype: header.dtype.clone(),
            layout,
            kept: None,
        })
    }

    /// Whether the array lies in the file as it is, so that it can be mapped.
    pub(crate) fn is_stored(&self, index: usize) -> bool {
        self.entries[index].storage == Storage::Stored
    }

    /// The header at `index`, or a refusal that says why there is none.
    pub(crate) fn header(&self, index: usize) -> Result<&Header> {
        let (info, entry) = (&self.keys[index], &self.entries[index]);
        entry
            .header
            .as_ref()
            .map_err(|why| self.bad_member(&info.key, "an NPY array", why))
    }

    /// Index of a key that must be there.
    pub(crate) fn require(&self, key: &str) -> Result<usize> {
        self.index(key).ok_or_else(|| {
            let names: Vec<&str> = self.keys.iter().map(|info| info.key.as_str()).collect();
            self.bad_member(
                key,
                "this key",
                &format!("no such key; keys: {}", names.join(", ")),
            )
        })
    }

    /// A refusal about one key.
    pub(crate) fn bad_member(&self, key: &str, expected: &str, found: &str) -> Error {
        Error::Refused(Box::new(Problem {
            attempted: "read an array".to_owned(),
            file: Some(self.path.clone()),
            key: Some(key.to_owned()),
            expected: expected.to_owned(),
            found: found.to_owned(),
            ..Problem::default()
        }))
    }

    fn member_bytes(&self, entry: &Entry) -> &[u8] {
        let end = entry.start.saturating_add(entry.length);
        self.map.get(entry.start..end).unwrap_or_default()
    }

    fn convert<T: Clone>(
        &self,
        key: &str,
        suits: impl Fn(&Dtype) -> bool,
        expected: &str,
        mut add: impl FnMut(&Dtype, &[u8], &mut Vec<T>),
    ) -> Result<ArrayD<T>> {
        let index = self.require(key)?;
        let header = self.header(index)?;
        if !suits(&header.dtype) {
            return Err(self.bad_member(key, expected, &header.dtype.name));
        }
        let mut values = Vec::with_capacity(header.n_values.min(TRUSTED_BYTES / size_of::<T>()));
        self.stream(index, &mut |chunk| {
            add(&header.dtype, chunk, &mut values);
            Ok(())
        })?;
        let shape = IxDyn(&header.shape).set_f(header.is_fortran);
        let array = ArrayD::from_shape_vec(shape, values)
            .map_err(|error| self.bad_member(key, "data that fit the shape", &error.to_string()))?;
        Ok(if header.is_fortran {
            array.as_standard_layout().into_owned()
        } else {
            array
        })
    }
}

/// Largest whole number of elements below [`CHUNK_BYTES`], in bytes; at least one element.
fn chunk_bytes(header: &Header) -> usize {
    let size = header.dtype.size.max(1);
    (CHUNK_BYTES / size * size).max(size)
}
