//! Points sorted into square cells, so that what lies near a point is found in constant time.

/// No cell, no point.
pub(crate) const NONE: u32 = u32::MAX;

/// Square cells that hold points; empty cells take no memory.
pub(crate) struct Grid {
    /// Cell of each point.
    cell_of: Vec<u32>,
    /// For each cell itself and the occupied ones around it.
    around: Vec<[u32; 9]>,
    /// Points, cell by cell, by index within a cell.
    order: Vec<u32>,
    /// Where each cell begins in `order`, and the end.
    starts: Vec<u32>,
}

impl Grid {
    /// Cells of side `side_px` > 0: two points closer than that lie in the same cell or in neighbouring ones.
    pub(crate) fn new(points: &[[f64; 2]], side_px: f64) -> Self {
        let [least_row, least_column] = points.iter().fold([f64::INFINITY; 2], |least, point| {
            [least[0].min(point[0]), least[1].min(point[1])]
        });
        // Casts saturate: cells far too small for the extent merge at the end of the range.
        let cell = |point: &[f64; 2]| {
            let row = ((point[0] - least_row) / side_px).floor() as i64;
            (row, ((point[1] - least_column) / side_px).floor() as i64)
        };
        let mut keyed: Vec<((i64, i64), u32)> = points.iter().map(cell).zip(0u32..).collect();
        keyed.sort_unstable();
        let mut cells: Vec<(i64, i64)> = Vec::new();
        let (mut starts, mut cell_of) = (Vec::new(), vec![0; points.len()]);
        for (at, (key, point)) in keyed.iter().enumerate() {
            if cells.last() != Some(key) {
                cells.push(*key);
                starts.push(at as u32);
            }
            cell_of[*point as usize] = cells.len() as u32 - 1;
        }
        starts.push(points.len() as u32);
        Self {
            cell_of,
            around: cells.iter().map(|cell| around(&cells, *cell)).collect(),
            order: keyed.into_iter().map(|(_, point)| point).collect(),
            starts,
        }
    }

    /// Number of cells.
    pub(crate) fn n_cells(&self) -> usize {
        self.around.len()
    }

    /// The cell of a point.
    pub(crate) fn cell_of(&self, point: u32) -> u32 {
        self.cell_of[point as usize]
    }

    /// The cell of a point and the occupied ones around it.
    pub(crate) fn cells_around(&self, point: u32) -> impl Iterator<Item = u32> + use<'_> {
        let around = &self.around[self.cell_of(point) as usize];
        around.iter().copied().filter(|cell| *cell != NONE)
    }

    /// All points, cell by cell.
    pub(crate) fn order(&self) -> &[u32] {
        &self.order
    }

    /// Where the points of a cell stand in [`Grid::order`].
    pub(crate) fn span_of(&self, cell: u32) -> std::ops::Range<usize> {
        let cell = cell as usize;
        self.starts[cell] as usize..self.starts[cell + 1] as usize
    }
}

fn around(cells: &[(i64, i64)], (row, column): (i64, i64)) -> [u32; 9] {
    let mut found = [NONE; 9];
    let steps = (-1..=1).flat_map(|down| (-1..=1).map(move |right| (down, right)));
    for (slot, (down, right)) in found.iter_mut().zip(steps) {
        // At the ends of the range a step may lead nowhere new; one cell must not be named twice.
        let (Some(row), Some(column)) = (row.checked_add(down), column.checked_add(right)) else {
            continue;
        };
        *slot = cells
            .binary_search(&(row, column))
            .map_or(NONE, |at| at as u32);
    }
    found
}
