//! Probe and object.

use super::Draft;
use crate::data::check::shown;
use crate::data::npz::Archive;

impl Draft {
    pub(super) fn find_probe(&mut self, archive: &Archive, is_tike: bool) {
        let n = self.n.map_or("n".to_owned(), |n| n.to_string());
        let expected = format!("complex64 ({n}, {n}), as the patterns");
        let mut found = archive.index("probeGuess");
        if found.is_none() && is_tike {
            found = archive.index("probe");
            if found.is_some() {
                self.repairable(
                    "probe",
                    "ALIAS-001",
                    ["probeGuess", "tike's name", "rename to probeGuess"],
                );
            }
        }
        let Some(index) = found else {
            return self.missing(
                archive,
                "probeGuess",
                &expected,
                "name a file that holds a probe",
            );
        };
        let Some((info, header)) = self.required(archive, index, &expected) else {
            return;
        };
        match probe_form(&header.shape, self.n) {
            ProbeForm::Fits => {}
            ProbeForm::Squeezed => self.repairable(
                &info.key,
                "FORMAT-002",
                [
                    &expected,
                    &shown(&header.shape),
                    "drop the axes of length 1",
                ],
            ),
            ProbeForm::ModesLast => self.repairable(
                &info.key,
                "FORMAT-001",
                [
                    &expected,
                    &format!("{}: the mode axis is last", shown(&header.shape)),
                    "move the last axis first",
                ],
            ),
            ProbeForm::No => {
                let fix = "none: cropping would change the pixel size or cut the beam";
                return self.refuse(
                    &info.key,
                    "SHAPE-001",
                    [&expected, &shown(&header.shape), fix],
                );
            }
        }
        if header.dtype.name != "complex64" {
            self.repairable(
                &info.key,
                "DTYPE-001",
                ["complex64", &header.dtype.name, "convert to complex64"],
            );
        }
        self.probe = Some(index);
    }

    pub(super) fn find_object(&mut self, archive: &Archive) {
        let Some(index) = archive.index("objectGuess") else {
            return;
        };
        let n = self.n.unwrap_or(1);
        let expected = format!("complex64 (h, w), each at least {n}");
        let Some((info, header)) = self.required(archive, index, &expected) else {
            return;
        };
        let leading = header.shape.len().saturating_sub(2);
        let (extra, sides) = header.shape.split_at(leading);
        if sides.len() != 2
            || extra.iter().any(|side| *side != 1)
            || sides.iter().any(|side| *side < n.max(1))
        {
            let fix = "none: name an object that covers the scan, or leave the key out";
            return self.refuse(
                &info.key,
                "SHAPE-001",
                [&expected, &shown(&header.shape), fix],
            );
        }
        self.form(&info.key, header, 2, "complex64");
        self.object = Some(index);
    }
}

/// How a probe array relates to `(k, n, n)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeForm {
    Fits,
    Squeezed,
    ModesLast,
    No,
}

/// `n` unknown: any square will do.
pub(crate) fn probe_form(shape: &[usize], n: Option<usize>) -> ProbeForm {
    let square = |a: usize, b: usize| a == b && n.is_none_or(|n| n == a) && a != 0;
    match shape {
        [a, b] if square(*a, *b) => ProbeForm::Fits,
        [k, a, b] if *k != 0 && square(*a, *b) => ProbeForm::Fits,
        [a, b, 1] if square(*a, *b) => ProbeForm::Squeezed,
        [a, b, k] if *k != 0 && square(*a, *b) => ProbeForm::ModesLast,
        [1, tail @ ..] | [tail @ .., 1] if 2 < tail.len() => match probe_form(tail, n) {
            ProbeForm::Fits => ProbeForm::Squeezed,
            other => other,
        },
        _ => ProbeForm::No,
    }
}
