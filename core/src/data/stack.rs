//! Stacks of square frames as they lie in a file: any number type, byte order and memory order.

use crate::data::npy::Dtype;
use crate::disk::Map;

/// Where the bytes of a stack are.
#[derive(Clone)]
pub(crate) enum Bytes {
    /// In a memory-mapped file, from `start`, `length` of them.
    Map {
        map: Map,
        start: usize,
        length: usize,
    },
    /// In memory.
    Owned(std::sync::Arc<Vec<u8>>),
}

impl std::ops::Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Map { map, start, length } => map
                .get(*start..start.saturating_add(*length))
                .unwrap_or_default(),
            Self::Owned(bytes) => bytes,
        }
    }
}

/// How the elements of a stack lie, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) n_frames: usize,
    /// Side of a frame.
    pub(crate) n: usize,
    /// From one frame, row and column to the next.
    pub(crate) strides: [usize; 3],
}

impl Layout {
    /// Layout of an array whose axes, apart from those of length 1, are (frame, row, column), or (row, column,
    /// frame) with `is_frame_last`; `None` if there are others.
    #[expect(
        clippy::fn_params_excessive_bools,
        reason = "the two facts of an NPY layout"
    )]
    pub(crate) fn of(shape: &[usize], is_fortran: bool, is_frame_last: bool) -> Option<Self> {
        let [a, b, c] = three_axes(shape)?;
        let (n_frames, n) = if is_frame_last { (c, a) } else { (a, b) };
        // Fortran order is row-major order of the reversed axes.
        let (first, second, third) = if is_fortran {
            (1, a, a * b)
        } else {
            (b * c, c, 1)
        };
        let strides = if is_frame_last {
            [third, first, second]
        } else {
            [first, second, third]
        };
        Some(Self {
            n_frames,
            n,
            strides,
        })
    }

    /// Whether the elements of a frame lie side by side, row by row.
    pub(crate) fn is_row_major(&self) -> bool {
        self.strides[1] == self.n && self.strides[2] == 1
    }
}

/// The three axes of a shape, those of length 1 dropped at the ends until three are left; `None` if that cannot be.
pub(crate) fn three_axes(shape: &[usize]) -> Option<[usize; 3]> {
    let mut rest = shape;
    while 3 < rest.len() {
        rest = match rest {
            [1, tail @ ..] | [tail @ .., 1] => tail,
            _ => return None,
        };
    }
    rest.try_into().ok()
}

/// A stack of square frames in a file or in memory.
#[derive(Clone)]
pub(crate) struct Stack {
    pub(crate) bytes: Bytes,
    pub(crate) dtype: Dtype,
    pub(crate) layout: Layout,
    /// Frames in use, by their index in the file; `None` = all.
    pub(crate) kept: Option<Vec<usize>>,
}

impl Stack {
    /// Number of frames in use.
    pub(crate) fn n_frames(&self) -> usize {
        self.kept.as_ref().map_or(self.layout.n_frames, Vec::len)
    }

    /// Whether the bytes come from a mapped file.
    pub(crate) fn is_mapped(&self) -> bool {
        matches!(self.bytes, Bytes::Map { .. })
    }

    /// The bytes of frame `i` in row-major order, directly or gathered into `buffer`.
    pub(crate) fn frame<'a>(&'a self, i: usize, buffer: &'a mut Vec<u8>) -> &'a [u8] {
        let i = self.kept.as_ref().map_or(i, |kept| kept[i]);
        let Layout { n, strides, .. } = self.layout;
        let size = self.dtype.size;
        let start = i * strides[0] * size;
        if self.layout.is_row_major() {
            return self
                .bytes
                .get(start..start + n * n * size)
                .unwrap_or_default();
        }
        buffer.clear();
        for row in 0..n {
            for column in 0..n {
                let at = start + (row * strides[1] + column * strides[2]) * size;
                buffer.extend_from_slice(self.bytes.get(at..at + size).unwrap_or_default());
            }
        }
        buffer
    }
}
