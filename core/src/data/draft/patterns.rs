//! The stack of patterns, by its names and its form.

use super::{Draft, FramesPart};
use crate::data::check::shown;
use crate::data::npy::{Dtype, Header, Kind};
use crate::data::npz::Archive;
use crate::data::stack::{Layout, three_axes};

impl Draft {
    /// Yields whether the file speaks tike's language.
    pub(super) fn find_frames(&mut self, archive: &Archive) -> bool {
        let found = ["diffraction", "diff3d", "data"]
            .iter()
            .find_map(|key| archive.index(key));
        let Some(index) = found else {
            self.missing_frames(archive);
            return false;
        };
        let key = archive.keys[index].key.as_str();
        let is_tike = key == "data";
        if key != "diffraction" {
            let found = if is_tike {
                "tike's name"
            } else {
                "a legacy name"
            };
            self.repairable(
                key,
                "ALIAS-001",
                ["diffraction", found, "rename to diffraction"],
            );
        }
        let Some((_, header)) = self.required(archive, index, "(m, n, n) float32") else {
            return is_tike;
        };
        let Some(layout) = self.frame_layout(key, header) else {
            return is_tike;
        };
        let is_counts = self.frame_type(key, &header.dtype, is_tike);
        (self.m, self.n) = (Some(layout.n_frames), Some(layout.n));
        self.frames = Some(FramesPart {
            index,
            layout,
            is_counts,
            is_tike,
        });
        if key == "diffraction"
            && let Some(twin) = archive.index("diff3d")
        {
            self.find_twin(archive, twin, layout);
        }
        is_tike
    }

    fn missing_frames(&mut self, archive: &Archive) {
        let logarithm = archive
            .keys
            .iter()
            .find(|info| info.key.to_lowercase().contains("log") && info.shape.len() == 3);
        let fix = match logarithm {
            Some(info) => format!(
                "none: {} looks like a logarithm; name a file with amplitudes or counts",
                info.key
            ),
            None => "none: name a file with the patterns under this key".to_owned(),
        };
        self.missing(archive, "diffraction", "(m, n, n) float32", &fix);
    }

    fn frame_layout(&mut self, key: &str, header: &Header) -> Option<Layout> {
        let shape = shown(&header.shape);
        let Some([a, b, c]) = three_axes(&header.shape) else {
            let found = if header.shape.is_empty() {
                "a scalar, shape ()".to_owned()
            } else {
                shape
            };
            self.refuse(key, "SHAPE-001", ["(m, n, n)", &found, "none"]);
            return None;
        };
        if header.n_values == 0 {
            self.refuse(key, "SHAPE-001", ["at least one pattern", &shape, "none"]);
            return None;
        }
        if b != c && a != b {
            let expected = "(m, n, n): square patterns";
            self.refuse(
                key,
                "SHAPE-001",
                [
                    expected,
                    &shape,
                    "none: crop or pad where the data were made",
                ],
            );
            return None;
        }
        let is_frame_last = b != c;
        if is_frame_last {
            let expected = format!("({c}, {a}, {b})");
            let found = format!("{shape}: the frame axis is last");
            self.repairable(
                key,
                "FORMAT-001",
                [&expected, &found, "move the last axis first"],
            );
        }
        if 3 < header.shape.len() {
            let fix = "drop the axes of length 1";
            self.repairable(key, "FORMAT-002", ["three axes", &shape, fix]);
        }
        Layout::of(&header.shape, header.is_fortran, is_frame_last)
    }

    /// Yields whether the patterns are counts for sure.
    fn frame_type(&mut self, key: &str, dtype: &Dtype, is_tike: bool) -> bool {
        let name = dtype.name.as_str();
        let expected = "float32 amplitude";
        if !dtype.is_real() || dtype.kind == Kind::Bool {
            self.refuse(
                key,
                "DTYPE-002",
                [expected, name, "none: amplitudes are real numbers"],
            );
            return false;
        }
        if dtype.is_whole() || is_tike {
            let found = if is_tike {
                format!("{name} counts, as tike stores them")
            } else {
                format!("{name}: whole numbers are counts, not amplitudes")
            };
            self.repairable(
                key,
                "SCALE-001",
                [expected, &found, "take the square root, as float32"],
            );
            return true;
        }
        if name != "float32" {
            self.repairable(key, "DTYPE-001", [expected, name, "convert to float32"]);
        }
        false
    }

    fn find_twin(&mut self, archive: &Archive, twin: usize, layout: Layout) {
        self.used.push(twin);
        let info = &archive.keys[twin];
        let other = archive.numbers(twin).and_then(|header| {
            let is_frame_last = three_axes(&header.shape).is_some_and(|[_, b, c]| b != c);
            Layout::of(&header.shape, header.is_fortran, is_frame_last)
        });
        match other.filter(|other| [other.n_frames, other.n] == [layout.n_frames, layout.n]) {
            Some(other) => self.twin = Some((twin, other)),
            None => self.refuse(
                "diff3d",
                "ALIAS-002",
                [
                    "the same patterns as diffraction, or one of the two keys",
                    &format!("{} {}", info.dtype, shown(&info.shape)),
                    "none: which of the two is meant is unknown",
                ],
            ),
        }
    }
}
