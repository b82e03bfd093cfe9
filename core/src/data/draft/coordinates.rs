//! Where each pattern was taken.

use super::{CoordinatesPart, Draft};
use crate::data::check::shown;
use crate::data::npy::Kind;
use crate::data::npz::Archive;

impl Draft {
    pub(super) fn find_coordinates(&mut self, archive: &Archive, is_tike: bool) {
        if is_tike
            && !archive.has("xcoords")
            && let Some(index) = archive.index("scan")
        {
            self.repairable(
                "scan",
                "ALIAS-001",
                [
                    "xcoords, ycoords",
                    "tike's name, (row, column) of each pattern",
                    "rename its columns to ycoords and xcoords",
                ],
            );
            let Some((info, header)) = self.required(archive, index, "(m, 2)") else {
                return;
            };
            let squeezed: Vec<usize> = header
                .shape
                .iter()
                .copied()
                .skip_while(|side| *side == 1)
                .collect();
            let fits = match (squeezed.as_slice(), header.shape.as_slice()) {
                ([rows, 2], _) => self.m.is_none_or(|m| m == *rows),
                (_, [.., 1, 2]) => self.m.is_none_or(|m| m == 1),
                _ => false,
            };
            if fits && header.dtype.is_real() {
                self.coordinates = Some(CoordinatesPart::Scan(index));
            } else {
                let expected = format!("({}, 2)", self.m.map_or("m".to_owned(), |m| m.to_string()));
                self.refuse(
                    "scan",
                    "SHAPE-001",
                    [
                        &expected,
                        &shown(&info.shape),
                        "none: which pattern lacks its position is unknown",
                    ],
                );
            }
            return;
        }
        let columns = self.coordinate(archive, "xcoords");
        let rows = self.coordinate(archive, "ycoords");
        if let (Some(rows), Some(columns)) = (rows, columns) {
            self.coordinates = Some(CoordinatesPart::Pair { rows, columns });
        }
    }

    fn coordinate(&mut self, archive: &Archive, key: &str) -> Option<usize> {
        let expected = match self.m {
            Some(m) => format!("({m},): one for each of the {m} patterns"),
            None => "(m,): one for each pattern".to_owned(),
        };
        let Some(index) = archive.index(key) else {
            self.missing(
                archive,
                key,
                &expected,
                "none: name a file with the positions",
            );
            return None;
        };
        let (_, header) = self.required(archive, index, &expected)?;
        if !header.dtype.is_real() || header.dtype.kind == Kind::Bool {
            self.refuse(key, "DTYPE-002", ["float64", &header.dtype.name, "none"]);
            return None;
        }
        let is_line =
            header.shape.iter().filter(|side| **side != 1).count() <= 1 && !header.shape.is_empty();
        if !is_line || self.m.is_some_and(|m| m != header.n_values) {
            let fix = "none: which pattern lacks its coordinate is unknown";
            self.refuse(key, "SHAPE-001", [&expected, &shown(&header.shape), fix]);
            return None;
        }
        self.form(key, header, 1, "float64");
        Some(index)
    }
}
