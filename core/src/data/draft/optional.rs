//! The keys that a file may leave out.

use super::Draft;
use crate::data::check::shown;
use crate::data::npy::Header;
use crate::data::npz::Archive;
use crate::data::stack::{Layout, three_axes};

impl Draft {
    /// An optional key of numbers, marked as used; one that holds none is noted and ignored.
    fn optional<'a>(&mut self, archive: &'a Archive, key: &str) -> Option<(usize, &'a Header)> {
        let index = archive.index(key)?;
        let header = archive.numbers(index)?;
        self.used.push(index);
        Some((index, header))
    }

    /// An optional key that does not fit is left out.
    fn leave_out(&mut self, key: &str, expected: &str, header: &Header) {
        let found = format!("{} {}", header.dtype.name, shown(&header.shape));
        self.repairable(
            key,
            "OPTION-001",
            [expected, &found, "leave this optional key out"],
        );
    }

    pub(super) fn find_optional(&mut self, archive: &Archive) {
        let (Some(m), Some(n)) = (self.m, self.n) else {
            for key in [
                "Y",
                "scan_index",
                "xcoords_start",
                "ycoords_start",
                "group_index",
                "detector_mask",
            ] {
                self.optional(archive, key);
            }
            return;
        };
        if let Some((index, header)) = self.optional(archive, "Y") {
            self.patches = self.find_patches(index, header, [m, n]);
        }
        self.scan_index = self.per_pattern(archive, "scan_index", "int64", m);
        self.columns_start = self.per_pattern(archive, "xcoords_start", "float64", m);
        self.rows_start = self.per_pattern(archive, "ycoords_start", "float64", m);
        if let Some((index, header)) = self.optional(archive, "group_index") {
            if header.shape.len() == 2 && header.dtype.is_whole() {
                self.groups = Some(index);
            } else {
                let found = format!("{} {}", header.dtype.name, shown(&header.shape));
                self.refuse("group_index", "GROUP-001", ["(g, c) int32", &found, "none"]);
            }
        }
        if let Some((index, header)) = self.optional(archive, "detector_mask") {
            let sides: Vec<usize> = header
                .shape
                .iter()
                .copied()
                .filter(|side| *side != 1 || n == 1)
                .collect();
            if sides != [n, n] || !header.dtype.is_real() {
                let found = format!("{} {}", header.dtype.name, shown(&header.shape));
                return self.refuse(
                    "detector_mask",
                    "SHAPE-001",
                    [&format!("({n}, {n}) bool"), &found, "none"],
                );
            }
            self.form("detector_mask", header, 2, "bool");
            self.mask = Some(index);
        }
    }

    fn find_patches(
        &mut self,
        index: usize,
        header: &Header,
        [m, n]: [usize; 2],
    ) -> Option<(usize, Layout)> {
        let expected = format!("({m}, {n}, {n}) complex64");
        let axes = three_axes(&header.shape);
        let is_frame_last = axes == Some([n, n, m]) && m != n;
        if !is_frame_last && axes != Some([m, n, n]) {
            self.leave_out("Y", &expected, header);
            return None;
        }
        if is_frame_last {
            let found = format!("{}: the frame axis is last", shown(&header.shape));
            self.repairable(
                "Y",
                "FORMAT-001",
                [&expected, &found, "move the last axis first"],
            );
        }
        self.form("Y", header, 3, "complex64");
        Some((
            index,
            Layout::of(&header.shape, header.is_fortran, is_frame_last)?,
        ))
    }

    fn per_pattern(
        &mut self,
        archive: &Archive,
        key: &str,
        dtype: &str,
        m: usize,
    ) -> Option<usize> {
        let (index, header) = self.optional(archive, key)?;
        let n_long = header.shape.iter().filter(|side| **side != 1).count();
        if header.n_values != m || 1 < n_long || header.shape.is_empty() || !header.dtype.is_real()
        {
            self.leave_out(key, &format!("({m},) {dtype}"), header);
            return None;
        }
        // Any whole numbers do for an index.
        let dtype = if dtype == "int64" && header.dtype.is_whole() {
            header.dtype.name.as_str()
        } else {
            dtype
        };
        self.form(key, header, 1, dtype);
        Some(index)
    }
}
