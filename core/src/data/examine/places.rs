//! Where the patches lie on the object.

use super::{Source, listed};
use crate::data::check::{overshoot_px, shown};
use crate::data::draft::CoordinatesPart;
use crate::data::geometry::Geometry;
use crate::data::inspect::Severity;

impl Source {
    pub(super) fn judge_geometry(&mut self) {
        let (Some(n), Some(part)) = (self.draft.n, &self.draft.coordinates) else {
            return;
        };
        let keys = match part {
            CoordinatesPart::Pair { rows, columns } => [self.key(*rows), self.key(*columns)],
            CoordinatesPart::Scan(index) => [self.key(*index), self.key(*index)],
        };
        let shape = self.draft.object.and_then(|index| {
            let sides = &self.archive.keys[index].shape;
            sides.last_chunk::<2>().copied()
        });
        self.geometry = Geometry::of(&self.positions_px, n, shape);
        let geometry = self.geometry.clone();
        let inside = match shape {
            Some(shape) => format!("every {n}-pixel patch inside the {} object", shown(&shape)),
            None => format!("every {n}-pixel patch from pixel 0 on"),
        };
        if let Some(why) = &geometry.refusal {
            let fix = "none: give coordinates in object pixels";
            self.per_axis(
                &keys,
                |_| true,
                Severity::Refused,
                "COORD-005",
                |_| [inside.clone(), why.clone(), fix.to_owned()],
            );
            return;
        }
        let not_finite = |axis: usize| {
            let list = &geometry.not_finite[axis];
            let fix = format!("leave {} out", listed(list));
            [
                "finite coordinates".to_owned(),
                format!("{} not finite, of {}", list.len(), listed(list)),
                fix,
            ]
        };
        self.per_axis(
            &keys,
            |axis| !geometry.not_finite[axis].is_empty(),
            Severity::Repairable,
            "COORD-004",
            not_finite,
        );
        if let Some([rows, columns]) = geometry.shift_px {
            let fix = match shape {
                Some(_) => format!("add half the object's size ({rows} rows, {columns} columns)"),
                None => format!(
                    "add whole pixels ({rows} rows, {columns} columns); there is no object that fixes the origin"
                ),
            };
            let found = "coordinates about zero, some too small";
            self.per_axis(
                &keys,
                |_| true,
                Severity::Repairable,
                "COORD-001",
                |_| [inside.clone(), found.to_owned(), fix.clone()],
            );
        }
        let positions = self.positions_px.clone();
        let outside = |axis: usize| {
            let list = &geometry.outside[axis];
            let name = ["row", "column"][axis];
            let first = list.first().map_or(0.0, |i| positions[*i][axis]);
            let found = format!(
                "{} at {name} {first}{}",
                listed(list),
                if 1 < list.len() { " and others" } else { "" }
            );
            [inside.clone(), found, format!("leave {} out", listed(list))]
        };
        self.per_axis(
            &keys,
            |axis| !geometry.outside[axis].is_empty(),
            Severity::Repairable,
            "COORD-002",
            outside,
        );
        if let (Some([top, left, bottom, right]), Some(shape)) = (geometry.padding_px, shape) {
            let found = format!(
                "{} of {} patches pass the object's border by less than {} pixels",
                geometry.n_near,
                positions.len(),
                n / 2
            );
            let fix = format!(
                "extend the object by zeros ({top} rows above, {bottom} below, {left} columns left, {right} right) and move the coordinates with it"
            );
            let is_near = |axis: usize| {
                positions
                    .iter()
                    .any(|position| overshoot_px(position[axis], n, Some(shape[axis])) != 0.0)
            };
            self.per_axis(&keys, is_near, Severity::Repairable, "COORD-003", |_| {
                [inside.clone(), found.clone(), fix.clone()]
            });
        }
    }

    /// A finding for the key of each axis that it is about, once for a common key.
    #[expect(clippy::too_many_arguments, reason = "the fields of one finding")]
    fn per_axis(
        &mut self,
        keys: &[String; 2],
        is_about: impl Fn(usize) -> bool,
        severity: Severity,
        rule: &str,
        words: impl Fn(usize) -> [String; 3],
    ) {
        // Columns first: `xcoords` stands before `ycoords` everywhere.
        for axis in [1, 0] {
            if is_about(axis) && (axis == 1 || keys[0] != keys[1] || !is_about(1)) {
                let [expected, found, fix] = words(axis);
                self.draft
                    .add(severity, &keys[axis], rule, [&expected, &found, &fix]);
            }
        }
    }
}
