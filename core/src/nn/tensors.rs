//! Named arrays in safetensors files, for bundles and checkpoints.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::Write;

use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorInfo, TensorView};

use crate::simd::Real;

/// An array on its way to a file. Its values stay where they are: a network's state is not copied to be written.
pub(crate) struct Named<'a> {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Named<'a> {
    /// Single precision.
    pub(crate) fn f32(name: impl Into<String>, shape: Vec<usize>, values: &'a [f32]) -> Self {
        Self::new(name.into(), Dtype::F32, shape, values)
    }

    /// Double precision.
    pub(crate) fn f64(name: impl Into<String>, shape: Vec<usize>, values: &'a [f64]) -> Self {
        Self::new(name.into(), Dtype::F64, shape, values)
    }

    fn new<T: Real + bytemuck::NoUninit>(
        name: String,
        dtype: Dtype,
        shape: Vec<usize>,
        values: &'a [T],
    ) -> Self {
        let bytes = if cfg!(target_endian = "little") {
            Cow::Borrowed(bytemuck::cast_slice(values))
        } else {
            let mut bytes = Vec::with_capacity(size_of_val(values));
            for value in values {
                value.put_bytes(&mut bytes);
            }
            Cow::Owned(bytes)
        };
        Self {
            name,
            dtype,
            shape,
            bytes,
        }
    }
}

/// Write a safetensors file of these arrays and, under `state`, one text: the same bytes for the same content.
///
/// The layout is that of `safetensors::serialize`, which would hold the whole file in memory: a header of JSON, padded to
/// eight bytes and preceded by its length, then the arrays, widest type first, by name.
pub(crate) fn write(
    writer: &mut (impl Write + ?Sized),
    mut all: Vec<Named>,
    state: Option<String>,
) -> std::io::Result<()> {
    all.sort_by(|a, b| b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name)));
    let mut end = 0;
    let entries = all.iter().map(|array| {
        let start = end;
        end += array.bytes.len();
        let info = TensorInfo {
            dtype: array.dtype,
            shape: array.shape.clone(),
            data_offsets: (start, end),
        };
        (array.name.clone(), info)
    });
    let entries = entries.collect();
    let state = state.map(|text| HashMap::from([("state".to_owned(), text)]));
    let metadata = Metadata::new(state, entries).map_err(std::io::Error::other)?;
    let mut header = serde_json::to_vec(&metadata)?;
    header.resize(header.len().next_multiple_of(size_of::<u64>()), b' ');
    writer.write_all(&(header.len() as u64).to_le_bytes())?;
    writer.write_all(&header)?;
    all.iter()
        .try_for_each(|array| writer.write_all(&array.bytes))
}

/// A file read.
pub(crate) struct Read<'a> {
    tensors: BTreeMap<String, TensorView<'a>>,
    /// The text under `state`.
    pub(crate) state: Option<String>,
}

impl<'a> Read<'a> {
    /// Take a file apart; what is wrong with it, in words.
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self, String> {
        let words = |error: safetensors::SafeTensorError| error.to_string();
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(words)?;
        let read = SafeTensors::deserialize(bytes).map_err(words)?;
        let state = metadata
            .metadata()
            .as_ref()
            .and_then(|all| all.get("state"));
        Ok(Self {
            tensors: read.tensors().into_iter().collect(),
            state: state.cloned(),
        })
    }

    /// Shape of an array, if it is there.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(TensorView::shape)
    }

    /// What is missing, surplus or of another shape, in words; nothing where all is as expected.
    pub(crate) fn differences(&self, expected: &[(String, Vec<usize>)]) -> Vec<String> {
        let mut differences = Vec::new();
        for (name, shape) in expected {
            match self.shape(name) {
                None => differences.push(format!("{name} is missing")),
                Some(found) if found != shape => {
                    differences.push(format!("{name} is {found:?} and not {shape:?}"));
                }
                Some(_) => {}
            }
        }
        let is_expected = |name: &String| expected.iter().any(|(other, _)| other == name);
        let surplus = self.tensors.keys().filter(|name| !is_expected(name));
        differences.extend(surplus.map(|name| format!("{name} is surplus")));
        differences
    }

    /// The values of an array in single precision, if it is there and is such.
    pub(crate) fn f32(&self, name: &str) -> Option<Vec<f32>> {
        self.values(name, Dtype::F32)
    }

    /// The values of an array in double precision, if it is there and is such.
    pub(crate) fn f64(&self, name: &str) -> Option<Vec<f64>> {
        self.values(name, Dtype::F64)
    }

    fn values<T: Real>(&self, name: &str, dtype: Dtype) -> Option<Vec<T>> {
        let tensor = self.tensors.get(name)?;
        (tensor.dtype() == dtype).then(|| {
            let values = tensor.data().chunks_exact(T::BYTES);
            values.map(T::from_le).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::View;

    use super::*;

    impl View for &Named<'_> {
        fn dtype(&self) -> Dtype {
            self.dtype
        }
        fn shape(&self) -> &[usize] {
            &self.shape
        }
        fn data(&self) -> Cow<'_, [u8]> {
            Cow::Borrowed(&self.bytes)
        }
        fn data_len(&self) -> usize {
            self.bytes.len()
        }
    }

    #[test]
    fn a_file_is_what_the_library_makes_of_the_same_arrays() {
        let singles: Vec<f32> = (0..6).map(|i| i as f32 / 7.0).collect();
        let doubles = [1.0 / 3.0, f64::NAN];
        let arrays = || {
            vec![
                Named::f32("z", vec![2, 3], &singles),
                Named::f64("middle", vec![2], &doubles),
                Named::f32("a", vec![6], &singles),
                Named::f32("none", vec![0], &[]),
            ]
        };
        for state in [None, Some("{\"epoch\": 3}".to_owned())] {
            let mut ours = Vec::new();
            write(&mut ours, arrays(), state.clone()).unwrap();
            let all = arrays();
            let named = all.iter().map(|array| (array.name.as_str(), array));
            let metadata = state
                .clone()
                .map(|text| HashMap::from([("state".to_owned(), text)]));
            assert_eq!(ours, safetensors::serialize(named, metadata).unwrap());
            let read = Read::of(&ours).unwrap();
            assert_eq!(read.state, state);
            assert_eq!(read.f32("z").unwrap(), singles);
            assert_eq!(
                read.f64("middle").unwrap()[0].to_bits(),
                doubles[0].to_bits()
            );
        }
    }
}
