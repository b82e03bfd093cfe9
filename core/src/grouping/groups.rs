//! Groups of C patterns out of the K nearest neighbours of a point.

use ndarray::Array2;
use rand::seq::SliceRandom as _;
use rand::seq::index::sample;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::neighbours::{Neighbours, first_of_place};
use super::settings::GroupSettings;
use crate::error::{Error, Result};
use crate::rng::{Purpose, stream, stream_at};

/// What every error of this module was about.
const ATTEMPTED: &str = "form groups";

/// Groups of patterns: `(g, c)` indices of positions, with centres and offsets.
///
/// `relative = member - centre`, so a member to the right of and below its centre has two positive offsets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    index: Array2<u32>,
    centres_px: Vec<[f64; 2]>,
    relative_px: Vec<[f64; 2]>,
}

impl Groups {
    /// Groups with these members, `(g, c)`, out of `points`; a centre is the mean of its members.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a member that is no point.
    pub fn new(index: Array2<u32>, points: &[[f64; 2]]) -> Result<Self> {
        if let Some(member) = index
            .iter()
            .find(|member| points.len() <= **member as usize)
        {
            let expected = format!("members below {}", points.len());
            return Err(Error::invalid(
                ATTEMPTED,
                "group_index",
                expected,
                member.to_string(),
            ));
        }
        let c = index.ncols();
        let mut centres_px = Vec::with_capacity(index.nrows());
        let mut relative_px = Vec::with_capacity(index.len());
        for members in index.rows() {
            let mut centre = [0.0; 2];
            for member in members {
                let [row, column] = points[*member as usize];
                centre = [centre[0] + row, centre[1] + column];
            }
            let centre = centre.map(|sum| sum / c as f64);
            centres_px.push(centre);
            relative_px.extend(members.iter().map(|member| {
                let [row, column] = points[*member as usize];
                [row - centre[0], column - centre[1]]
            }));
        }
        Ok(Self {
            index,
            centres_px,
            relative_px,
        })
    }

    /// Groups as `group_index` of a file holds them.
    ///
    /// # Errors
    /// As [`Groups::new`].
    pub fn of_file(group_index: &Array2<i32>, points: &[[f64; 2]]) -> Result<Self> {
        // A negative number becomes one beyond every point and is refused.
        Self::new(group_index.mapv(|member| member as u32), points)
    }

    /// Number of groups, `g`.
    pub fn n_groups(&self) -> usize {
        self.index.nrows()
    }

    /// Members of a group, `c`.
    pub fn c(&self) -> usize {
        self.index.ncols()
    }

    /// `(g, c)`, in the order drawn.
    pub fn index(&self) -> &Array2<u32> {
        &self.index
    }

    /// Mean position of each group, (row, column).
    pub fn centres_px(&self) -> &[[f64; 2]] {
        &self.centres_px
    }

    /// `member - centre` of every member of group `g`.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn relative_px(&self, g: usize) -> &[[f64; 2]] {
        &self.relative_px[g * self.c()..(g + 1) * self.c()]
    }

    /// Mean distance of a member from its group's centre; 0 for single patterns, and without a group.
    pub fn reach_px(&self) -> f64 {
        let distance = |[row, column]: &[f64; 2]| row.hypot(*column);
        let sum: f64 = self.relative_px.iter().map(distance).sum();
        sum / self.relative_px.len().max(1) as f64
    }

    /// The groups with these numbers, in that order.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn select(&self, which: &[usize]) -> Self {
        let relative = which.iter().flat_map(|g| self.relative_px(*g));
        Self {
            index: self.index.select(ndarray::Axis(0), which),
            centres_px: which.iter().map(|g| self.centres_px[*g]).collect(),
            relative_px: relative.copied().collect(),
        }
    }

    /// Every pattern that belongs to a group, once, in order.
    pub fn rows(&self) -> Vec<usize> {
        let mut rows: Vec<usize> = self.index.iter().map(|member| *member as usize).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// The same groups of points that are `rows` of more points.
    ///
    /// # Panics
    /// If a member is no index of `rows`.
    pub(crate) fn within(mut self, rows: &[u32]) -> Self {
        self.index.mapv_inplace(|member| rows[member as usize]);
        self
    }

    /// The index in the numbers of `rows` (ascending, as [`Groups::rows`]), as a file with these rows alone holds it.
    pub fn index_into(&self, rows: &[usize]) -> Array2<i32> {
        self.index.mapv(|member| {
            let place = rows.binary_search(&(member as usize));
            place.map_or(-1, |place| place as i32)
        })
    }
}

/// How groups came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Branch {
    /// At most one group from the neighbours of a point.
    Standard,
    /// Several different choices of C out of the K neighbours of a point.
    Oversampled,
}

/// Groups and how they came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Formed {
    /// The groups.
    pub groups: Groups,
    /// The point of whose neighbours each group was drawn; it is no member, unless C is 1.
    pub seeds: Vec<u32>,
    /// K in fact: less than asked for where there are too few points.
    pub k: usize,
    /// How.
    pub branch: Branch,
    /// What turned out other than asked for, in words.
    pub notes: Vec<String>,
}

/// Groups of `points` (row, column), as the settings want them; their `subsample_fraction` is not looked at.
///
/// Each group is C of the K nearest other points of a point, in the order drawn; with gridsize 1 the point itself. Where
/// fewer groups than points are wanted, the points are drawn first. Draws for point i come from its own random stream,
/// so they depend neither on threads nor on the other points chosen.
///
/// # Errors
/// [`Error::Invalid`] with the smallest change that would work: no point, K < C, fewer than C + 1 points, K neighbours
/// that all lie in one place.
pub fn form_groups(points: &[[f64; 2]], settings: &GroupSettings) -> Result<Formed> {
    check(points.len(), settings)?;
    let neighbours = match settings.c() {
        1 => Neighbours::default(),
        _ => Neighbours::of(points, settings.k()),
    };
    form_of_neighbours(points, &neighbours, settings)
}

/// As [`form_groups`], with the neighbours found before: those of each of `points`, at least
/// [`GroupSettings::k`] where there are so many; not looked at with gridsize 1.
///
/// # Errors
/// As [`form_groups`].
pub fn form_of_neighbours(
    points: &[[f64; 2]],
    neighbours: &Neighbours,
    settings: &GroupSettings,
) -> Result<Formed> {
    check(points.len(), settings)?;
    let (n, c) = (points.len(), settings.c());
    let k = settings.k().min(n - 1);
    let mut notes = Vec::new();
    if c == 1 {
        let seeds = drawn_seeds(n, settings, &mut notes);
        let index = column(&seeds);
        return Ok(Formed {
            groups: Groups::new(index, points)?,
            seeds,
            k,
            branch: Branch::Standard,
            notes,
        });
    }
    if k < settings.k() {
        notes.push(format!("K = {k}: there are {k} other points"));
    }
    check_places(points, neighbours, k, &mut notes)?;
    let is_more = n < settings.n_groups;
    let branch = if is_more && settings.oversample && c < k {
        Branch::Oversampled
    } else {
        Branch::Standard
    };
    let (seeds, members) = match branch {
        Branch::Standard => {
            let seeds = drawn_seeds(n, settings, &mut notes);
            let members = standard(&seeds, neighbours, (k, c), settings.seed);
            (seeds, members)
        }
        Branch::Oversampled => oversampled(neighbours, (k, c), n, settings, &mut notes),
    };
    let index = Array2::from_shape_vec((seeds.len(), c), members).unwrap_or_default();
    Ok(Formed {
        groups: Groups::new(index, points)?,
        seeds,
        k,
        branch,
        notes,
    })
}

/// Whether groups can be formed of so many points at all.
///
/// # Errors
/// As [`form_groups`].
pub fn check(n_points: usize, settings: &GroupSettings) -> Result<()> {
    let (c, k) = (settings.c(), settings.k());
    if c == 0 || n_points == 0 {
        let expected = "one position and a gridsize of 1 at least";
        let found = format!("{n_points} positions, gridsize {}", settings.gridsize);
        return Err(Error::invalid(ATTEMPTED, "gridsize", expected, found));
    }
    if c == 1 {
        return Ok(());
    }
    if k < c {
        let expected = format!("K of at least C = {c}, the members of a group");
        let error = Error::invalid(ATTEMPTED, "neighbors", expected, format!("K = {k}"));
        return Err(error.with_fix(format!("give --neighbors {c} or more")));
    }
    if n_points <= c {
        let expected = format!(
            "{} positions at least, since a group is C = {c} neighbours of another one",
            c + 1
        );
        let error = Error::invalid(ATTEMPTED, "gridsize", expected, n_points.to_string());
        let side = (1..settings.gridsize).rfind(|side| *side == 1 || side * side < n_points);
        let missing = c + 1 - n_points;
        let fix = format!(
            "give --gridsize {}, or {missing} more positions",
            side.unwrap_or(1)
        );
        return Err(error.with_fix(fix));
    }
    Ok(())
}

/// Tells of duplicates, and refuses them where the K neighbours of a point are all one place: such a group would show
/// the same part of the object C times.
fn check_places(
    points: &[[f64; 2]],
    neighbours: &Neighbours,
    k: usize,
    notes: &mut Vec<String>,
) -> Result<()> {
    let first = first_of_place(points);
    let n_duplicates = (0u32..)
        .zip(&first)
        .filter(|(i, first)| i != *first)
        .count();
    if n_duplicates == 0 {
        return Ok(());
    }
    let is_one_place = |i: &usize| {
        let row = &neighbours.of_point(*i)[..k];
        row.iter()
            .all(|other| first[*other as usize] == first[row[0] as usize])
    };
    if let Some(i) = (0..points.len()).find(is_one_place) {
        let place = first[neighbours.of_point(i)[0] as usize];
        let n_there = first.iter().filter(|other| **other == place).count();
        let expected = format!("among the K = {k} nearest of every position two places at least");
        let found = format!("position {i}: all of them at one place, which comes {n_there} times");
        let error = Error::invalid(ATTEMPTED, "positions", expected, found);
        let fix = if first.iter().all(|other| *other == first[0]) {
            "give --gridsize 1: all positions are one place".to_owned()
        } else {
            format!(
                "give --neighbors {} , or keep one pattern of each place",
                n_there + 1
            )
        };
        return Err(error.with_fix(fix.replace(" ,", ",")));
    }
    notes.push(format!(
        "{n_duplicates} of {} positions are duplicates of earlier ones",
        points.len()
    ));
    Ok(())
}

/// The points to form groups for, in order.
fn drawn_seeds(n: usize, settings: &GroupSettings, notes: &mut Vec<String>) -> Vec<u32> {
    let wanted = settings.n_groups;
    if n < wanted {
        let why = match (settings.c(), settings.oversample) {
            (1, _) => "there is one for each pattern",
            (_, true) => "K = C leaves nothing to choose; give a larger --neighbors",
            (_, false) => "there is one for each pattern; --oversample true draws more",
        };
        notes.push(format!("{n} groups instead of {wanted}: {why}"));
    }
    if wanted == 0 || n <= wanted {
        return (0..n as u32).collect();
    }
    let mut rng = stream(settings.seed, Purpose::Grouping);
    let drawn = sample(&mut rng, n, wanted);
    let mut seeds: Vec<u32> = drawn.into_iter().map(|i| i as u32).collect();
    seeds.sort_unstable();
    seeds
}

fn column(seeds: &[u32]) -> Array2<u32> {
    Array2::from_shape_vec((seeds.len(), 1), seeds.to_vec()).unwrap_or_default()
}

/// C of the K neighbours of every seed, one row after the other.
fn standard(seeds: &[u32], neighbours: &Neighbours, (k, c): (usize, usize), seed: u64) -> Vec<u32> {
    let mut members = vec![0; seeds.len() * c];
    let rows = members.par_chunks_mut(c).zip(seeds);
    rows.with_min_len(256).for_each(|(row, point)| {
        let mut rng = stream_of(seed, *point);
        let near = &neighbours.of_point(*point as usize)[..k];
        for (member, rank) in row.iter_mut().zip(sample(&mut rng, k, c)) {
            *member = near[rank];
        }
    });
    members
}

/// The stream of a point's draws; stream 0 draws the points.
fn stream_of(seed: u64, point: u32) -> rand_chacha::ChaCha8Rng {
    stream_at(seed, Purpose::Grouping, u64::from(point) + 1)
}

/// Different choices of C out of K, the same number from every point but for the remainder, whose points are drawn: no
/// point is preferred.
fn oversampled(
    neighbours: &Neighbours,
    (k, c): (usize, usize),
    n: usize,
    settings: &GroupSettings,
    notes: &mut Vec<String>,
) -> (Vec<u32>, Vec<u32>) {
    let n_choices = choose(k, c);
    let wanted = settings.n_groups.min(n.saturating_mul(n_choices));
    if wanted < settings.n_groups {
        notes.push(format!(
            "{wanted} groups instead of {}: {n} points with {n_choices} choices of {c} out of {k} each",
            settings.n_groups
        ));
    }
    let mut n_of_point = vec![wanted / n; n];
    let mut rng = stream(settings.seed, Purpose::Grouping);
    for point in sample(&mut rng, n, wanted % n) {
        n_of_point[point] += 1;
    }
    let rows: Vec<(u32, Vec<u32>)> = (0..n as u32)
        .into_par_iter()
        .flat_map_iter(|point| {
            let mut rng = stream_of(settings.seed, point);
            let near = &neighbours.of_point(point as usize)[..k];
            let ranks = sample(&mut rng, n_choices, n_of_point[point as usize]);
            let rows: Vec<_> = ranks
                .into_iter()
                .map(|rank| {
                    let mut members: Vec<u32> =
                        choice(rank, k, c).iter().map(|at| near[*at]).collect();
                    members.shuffle(&mut rng);
                    (point, members)
                })
                .collect();
            rows
        })
        .collect();
    let seeds = rows.iter().map(|(point, _)| *point).collect();
    let members = rows.into_iter().flat_map(|(_, members)| members).collect();
    (seeds, members)
}

/// `n` over `k`; at most the greatest number there is.
pub(crate) fn choose(n: usize, k: usize) -> usize {
    let product = (0..k.min(n - k)).try_fold(1u128, |product, i| {
        Some(product.checked_mul((n - i) as u128)? / (i as u128 + 1))
    });
    product.map_or(usize::MAX, |product| {
        usize::try_from(product).unwrap_or(usize::MAX)
    })
}

/// The `rank`-th choice of `c` out of `k` in lexicographic order, ascending.
pub(crate) fn choice(mut rank: usize, k: usize, c: usize) -> Vec<usize> {
    let mut chosen = Vec::with_capacity(c);
    let mut next = 0;
    while chosen.len() < c {
        // Choices that begin with `next`.
        let n_with = choose(k - next - 1, c - chosen.len() - 1);
        if rank < n_with {
            chosen.push(next);
        } else {
            rank -= n_with;
        }
        next += 1;
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_all_and_in_order() {
        assert_eq!((choose(7, 4), choose(12, 9), choose(5, 0)), (35, 220, 1));
        let all: Vec<_> = (0..35).map(|rank| choice(rank, 7, 4)).collect();
        assert_eq!(all[0], [0, 1, 2, 3]);
        assert_eq!(all[34], [3, 4, 5, 6]);
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
