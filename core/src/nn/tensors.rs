//! Named arrays in safetensors files, for bundles and checkpoints.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, SafeTensors, TensorView, View};

use crate::simd::Real;

/// An array on its way to a file.
pub(crate) struct Named {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Named {
    /// Single precision.
    pub(crate) fn f32(name: impl Into<String>, shape: Vec<usize>, values: &[f32]) -> Self {
        Self::new(name.into(), Dtype::F32, shape, values)
    }

    /// Double precision.
    pub(crate) fn f64(name: impl Into<String>, shape: Vec<usize>, values: &[f64]) -> Self {
        Self::new(name.into(), Dtype::F64, shape, values)
    }

    fn new<T: Real>(name: String, dtype: Dtype, shape: Vec<usize>, values: &[T]) -> Self {
        let mut bytes = Vec::with_capacity(values.len() * T::BYTES);
        for value in values {
            value.put_bytes(&mut bytes);
        }
        Self {
            name,
            dtype,
            shape,
            bytes,
        }
    }
}

impl View for &Named {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        (&self.bytes).into()
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// A safetensors file of these arrays and, under `state`, one text: the same bytes for the same content.
pub(crate) fn to_bytes(all: &[Named], state: Option<String>) -> Vec<u8> {
    let state = state.map(|text| HashMap::from([("state".to_owned(), text)]));
    let named = all.iter().map(|array| (array.name.as_str(), array));
    // It fails only where shape and bytes do not fit, which `Named` does not make; such a file would be refused when read.
    safetensors::serialize(named, state).unwrap_or_default()
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
