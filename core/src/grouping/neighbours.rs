//! Nearest neighbours of scan positions by a kd-tree, with ties broken by index.

use std::num::NonZero;

use kiddo::{ImmutableKdTree, SquaredEuclidean};
use rayon::prelude::*;
use serde::{Deserialize, Deserializer, Serialize};

/// Squared distances that differ by less than this part count as equal while the tree is asked, so that rounding
/// inside the tree decides nothing.
const TIE: f64 = 1e-9;
/// Points handled by one thread at a time.
const CHUNK: usize = 512;

/// Squared distance of two points.
pub(crate) fn square_px2([a, b]: [f64; 2], [c, d]: [f64; 2]) -> f64 {
    (a - c) * (a - c) + (b - d) * (b - d)
}

/// The K nearest other points of every point, nearest first; of points at the same distance the one with the smaller
/// index. A duplicate is another point, at distance 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbours {
    k: usize,
    index: Vec<u32>,
    distance_px: Vec<f64>,
}

impl Neighbours {
    /// The `k` nearest others of each of `points`, or all others where there are fewer.
    ///
    /// Time `O(n log n)`, memory `O(n k)`, also for rasters and duplicates; the answer does not depend on the number of
    /// threads. A point with a coordinate that is no number is nobody's neighbour, and its own row repeats its index at
    /// an infinite distance.
    pub fn of(points: &[[f64; 2]], k: usize) -> Self {
        let places = Places::of(points);
        let k = k.min(places.order.len().saturating_sub(1));
        if k == 0 {
            return Self::default();
        }
        let rows: Vec<(Vec<u32>, Vec<f64>)> = (0..points.len())
            .into_par_iter()
            .with_min_len(CHUNK)
            .fold(Default::default, |mut rows: (Vec<u32>, Vec<f64>), i| {
                let found = places.nearest(points, i, k);
                rows.0.extend(found.iter().map(|(_, index)| *index));
                rows.1.extend(found.iter().map(|(square, _)| square.sqrt()));
                rows
            })
            .collect();
        let (mut index, mut distance_px) = (Vec::new(), Vec::new());
        index.reserve_exact(points.len() * k);
        distance_px.reserve_exact(points.len() * k);
        for (indices, distances) in rows {
            index.extend(indices);
            distance_px.extend(distances);
        }
        Self {
            k,
            index,
            distance_px,
        }
    }

    /// Neighbours of each point; less than asked for where there are too few points, 0 where there is none.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Neighbours of point `i`, nearest first.
    ///
    /// # Panics
    /// If there is no such point.
    pub fn of_point(&self, i: usize) -> &[u32] {
        &self.index[i * self.k..(i + 1) * self.k]
    }

    /// Their distances.
    ///
    /// # Panics
    /// If there is no such point.
    pub fn distances_px(&self, i: usize) -> &[f64] {
        &self.distance_px[i * self.k..(i + 1) * self.k]
    }
}

/// Distance of every point to its nearest other point; infinite where there is none, 0 for a duplicate.
pub fn nearest_distances(points: &[[f64; 2]]) -> Vec<f64> {
    let neighbours = Neighbours::of(points, 1);
    if neighbours.k() == 0 {
        return vec![f64::INFINITY; points.len()];
    }
    neighbours.distance_px
}

/// For every point the least index of a point at exactly the same place: its own where there is no earlier duplicate.
pub fn first_of_place(points: &[[f64; 2]]) -> Vec<u32> {
    let places = Places::sorted(points);
    let mut first: Vec<u32> = (0..points.len() as u32).collect();
    for place in places.starts.windows(2) {
        let members = &places.order[place[0] as usize..place[1] as usize];
        for member in members {
            first[*member as usize] = members[0];
        }
    }
    first
}

/// Least, median, mean and greatest of some distances.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpacingStatistics {
    /// Least; NaN (`null` in files) where there is no distance.
    #[serde(deserialize_with = "number_or_null")]
    pub min_px: f64,
    /// Median; the mean of the middle two of an even number.
    #[serde(deserialize_with = "number_or_null")]
    pub median_px: f64,
    /// Mean.
    #[serde(deserialize_with = "number_or_null")]
    pub mean_px: f64,
    /// Greatest.
    #[serde(deserialize_with = "number_or_null")]
    pub max_px: f64,
}

impl SpacingStatistics {
    /// Of these distances, as [`nearest_distances`] yields them; those that are not finite are left out.
    pub fn of(distances_px: &[f64]) -> Self {
        let mut sorted: Vec<f64> = distances_px.to_vec();
        sorted.retain(|distance| distance.is_finite());
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len();
        let at = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
        Self {
            min_px: at(0),
            median_px: f64::midpoint(at(n.saturating_sub(1) / 2), at(n / 2)),
            mean_px: sorted.iter().sum::<f64>() / n as f64,
            max_px: at(n.saturating_sub(1)),
        }
    }
}

/// JSON has no NaN: it is written as `null`.
fn number_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// The places where points lie, each with its points: the tree holds every place once, so that duplicates cannot
/// make it slow.
struct Places {
    /// Points, place by place; within a place by index.
    order: Vec<u32>,
    /// Where each place begins in `order`, and the end.
    starts: Vec<u32>,
    tree: Option<ImmutableKdTree<f64, 2>>,
}

impl Places {
    fn of(points: &[[f64; 2]]) -> Self {
        let mut places = Self::sorted(points);
        let distinct: Vec<[f64; 2]> = places.starts[..places.starts.len() - 1]
            .iter()
            .map(|start| points[places.order[*start as usize] as usize])
            .collect();
        if !distinct.is_empty() {
            // Fails only for more than 2^32 places, which 32-bit indices cannot name either.
            places.tree = ImmutableKdTree::new_from_slice(&distinct).ok();
        }
        places
    }

    /// The places without the tree.
    fn sorted(points: &[[f64; 2]]) -> Self {
        let mut order: Vec<u32> = (0..points.len() as u32)
            .filter(|i| points[*i as usize].iter().all(|value| value.is_finite()))
            .collect();
        // -0 and 0 are one place.
        let key = |i: &u32| points[*i as usize].map(|value| value + 0.0);
        order.par_sort_unstable_by(|a, b| {
            let ([row_a, column_a], [row_b, column_b]) = (key(a), key(b));
            let by_place = row_a.total_cmp(&row_b).then(column_a.total_cmp(&column_b));
            by_place.then(a.cmp(b))
        });
        let mut starts: Vec<u32> = (0..order.len())
            .filter(|i| *i == 0 || key(&order[*i]) != key(&order[i - 1]))
            .map(|i| i as u32)
            .collect();
        starts.push(order.len() as u32);
        Self {
            order,
            starts,
            tree: None,
        }
    }

    /// Squared distance and index of the `k` nearest others of point `i`, in order.
    fn nearest(&self, points: &[[f64; 2]], i: usize, k: usize) -> Vec<(f64, u32)> {
        let point = points[i];
        let mut found = match &self.tree {
            Some(tree) if point.iter().all(|value| value.is_finite()) => {
                self.candidates(tree, points, i, k)
            }
            _ => return vec![(f64::INFINITY, i as u32); k],
        };
        found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        found.truncate(k);
        found
    }

    /// All that may belong to the `k` nearest, in any order: the places of the next `k + 1`, and where the last of
    /// them lies no farther than the k-th, every place at that distance.
    fn candidates(
        &self,
        tree: &ImmutableKdTree<f64, 2>,
        points: &[[f64; 2]],
        i: usize,
        k: usize,
    ) -> Vec<(f64, u32)> {
        let point = points[i];
        // Its own place, k others, and one to tell a tie by.
        let n_places = k.saturating_add(2);
        let n_asked = NonZero::new(n_places).unwrap_or(NonZero::<usize>::MIN);
        let nearest = tree
            .query(&point)
            .nearest_n::<SquaredEuclidean<f64>>(n_asked)
            .execute();
        let mut places: Vec<u32> = nearest.iter().map(|place| place.item).collect();
        if let (Some(kth), Some(last)) = (nearest.get(k), nearest.get(k + 1))
            && last.distance <= kth.distance * (1.0 + TIE)
        {
            let reach = kth.distance * (1.0 + TIE);
            let all = tree
                .query(&point)
                .within::<SquaredEuclidean<f64>>(reach)
                .unsorted()
                .execute();
            places = all.iter().map(|place| place.item).collect();
        }
        let members = |place: &u32| {
            let at = *place as usize;
            let members = &self.order[self.starts[at] as usize..self.starts[at + 1] as usize];
            // k + 1, since the point itself may be among them.
            &members[..members.len().min(k + 1)]
        };
        places
            .iter()
            .flat_map(members)
            .filter(|other| **other != i as u32)
            .map(|other| (square_px2(point, points[*other as usize]), *other))
            .collect()
    }
}
