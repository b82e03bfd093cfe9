//! The small arrays: positions, probe, object, mask, groups.

use ndarray::{Array3, ArrayD, Axis, Ix3};
use num_complex::Complex32;

use super::Source;
use crate::data::draft::CoordinatesPart;
use crate::error::Result;

impl Source {
    pub(super) fn read_small(&mut self) -> Result<()> {
        self.read_positions()?;
        if let Some(index) = self.draft.probe {
            let key = self.key(index);
            let n = self.draft.n;
            if let Some(array) = self.attempt(&key, |archive| archive.array_complex(&key))? {
                let probe = probe_modes(array.map(|z| Complex32::new(z.re as f32, z.im as f32)), n);
                self.judge_probe(&key, probe.as_ref());
                self.probe = probe;
            }
        }
        if let Some(index) = self.draft.object {
            let key = self.key(index);
            if let Some(array) = self.attempt(&key, |archive| archive.array_complex(&key))? {
                let n_bad = array.iter().filter(|z| !z.is_finite()).count();
                if n_bad != 0 {
                    let found = format!("{n_bad} of {} values are not finite", array.len());
                    self.draft.refuse(
                        &key,
                        "VALUE-003",
                        [
                            "finite values",
                            &found,
                            "none: mend the object or leave the key out",
                        ],
                    );
                }
            }
        }
        self.judge_mask()?;
        self.judge_groups()
    }

    fn read_positions(&mut self) -> Result<()> {
        let positions = match self.draft.coordinates {
            None => return Ok(()),
            Some(CoordinatesPart::Pair { rows, columns }) => {
                let (rows, columns) = (self.key(rows), self.key(columns));
                let rows = self.attempt(&rows, |archive| archive.array_f64(&rows))?;
                let columns = self.attempt(&columns, |archive| archive.array_f64(&columns))?;
                rows.zip(columns).map(|(rows, columns)| {
                    rows.iter()
                        .zip(&columns)
                        .map(|(row, column)| [*row, *column])
                        .collect()
                })
            }
            Some(CoordinatesPart::Scan(index)) => {
                let key = self.key(index);
                self.attempt(&key, |archive| archive.array_f64(&key))?
                    .map(|scan| {
                        scan.iter()
                            .copied()
                            .collect::<Vec<f64>>()
                            .as_chunks::<2>()
                            .0
                            .to_vec()
                    })
            }
        };
        self.positions_px = positions.unwrap_or_default();
        Ok(())
    }

    fn judge_probe(&mut self, key: &str, probe: Option<&Array3<Complex32>>) {
        let Some(probe) = probe else { return };
        let n_bad = probe.iter().filter(|z| !z.is_finite()).count();
        let fix = "name a file that holds a probe";
        if n_bad != 0 {
            let found = format!("{n_bad} of {} values are not finite", probe.len());
            self.draft
                .refuse(key, "VALUE-003", ["finite values", &found, fix]);
        } else if probe.iter().all(|z| z.norm_sqr() == 0.0) {
            self.draft
                .refuse(key, "VALUE-003", ["a probe with power", "zeros only", fix]);
        }
    }

    fn judge_mask(&mut self) -> Result<()> {
        let Some(index) = self.draft.mask else {
            return Ok(());
        };
        let key = self.key(index);
        if let Some(mask) = self.attempt(&key, |archive| archive.array_f64(&key))? {
            let found = if mask.iter().any(|value| *value != 0.0 && *value != 1.0) {
                "values beyond 0 and 1"
            } else if mask.iter().all(|value| *value == 0.0) {
                "no pixel that is used"
            } else {
                return Ok(());
            };
            self.draft.refuse(
                &key,
                "VALUE-003",
                ["true = use, false = not", found, "none"],
            );
        }
        Ok(())
    }

    fn judge_groups(&mut self) -> Result<()> {
        let (Some(index), Some(m)) = (self.draft.groups, self.draft.m) else {
            return Ok(());
        };
        let key = self.key(index);
        if let Some(groups) = self.attempt(&key, |archive| archive.array_i64(&key))? {
            let outside = groups
                .iter()
                .find(|row| !usize::try_from(**row).is_ok_and(|row| row < m));
            if let Some(row) = outside {
                let expected = format!("rows 0 to {}", m - 1);
                self.draft.refuse(
                    &key,
                    "GROUP-001",
                    [
                        &expected,
                        &row.to_string(),
                        "none: leave the key out or make the groups again",
                    ],
                );
            } else if self.archive.keys[index].dtype != "int32" {
                let dtype = self.archive.keys[index].dtype.clone();
                self.draft
                    .repairable(&key, "DTYPE-001", ["int32", &dtype, "convert to int32"]);
            }
        }
        Ok(())
    }
}

/// A probe as `(k, n, n)`; see [`crate::data::draft::probe_form`].
pub(crate) fn probe_modes(
    mut probe: ArrayD<Complex32>,
    n: Option<usize>,
) -> Option<Array3<Complex32>> {
    let fits = |a: usize, b: usize| a == b && n.is_none_or(|n| n == a);
    loop {
        match *probe.shape() {
            [a, b] if fits(a, b) => probe.insert_axis_inplace(Axis(0)),
            [_, a, b] if fits(a, b) => return probe.into_dimensionality::<Ix3>().ok(),
            [a, b, _] if fits(a, b) => {
                let probe = probe.into_dimensionality::<Ix3>().ok()?;
                return Some(
                    probe
                        .permuted_axes([2, 0, 1])
                        .as_standard_layout()
                        .into_owned(),
                );
            }
            [1, ..] if 2 < probe.ndim() => probe = probe.index_axis_move(Axis(0), 0),
            [.., 1] if 2 < probe.ndim() => {
                let last = Axis(probe.ndim() - 1);
                probe = probe.index_axis_move(last, 0);
            }
            _ => return None,
        }
    }
}
