//! One overlap view of a scan: which groups are kept, which are not and why, with all numbers about it.

use std::sync::Arc;

use rand::seq::index::sample;
use serde::Serialize;

use super::canvas::Canvas;
use super::groups::{Branch, Formed, Groups, check, form_groups, form_of_neighbours};
use super::neighbours::{Neighbours, SpacingStatistics, first_of_place, nearest_distances};
use super::overlap::Measures;
use super::settings::{ApplyTo, GroupSettings, SpacingSettings, View};
use super::spacing::{
    Fate, Histogram, Thinned, Thinner, extent_px, geometry_acceptance_bound, most_points,
    oler_bound,
};
use crate::error::{Error, Result};
use crate::rng::{Purpose, stream};

/// Version of the measures' definitions.
const METRICS_VERSION: &str = "1.0";
/// Bins of histograms.
const N_BINS: usize = 20;
/// Fewer groups than this are said to be few: what a training takes by default.
const FEW_GROUPS: usize = 512;

/// Plans views of one scan and keeps what does not change from one plan to the next, so that a slider can be followed.
pub struct Planner {
    positions_px: Arc<[[f64; 2]]>,
    n: usize,
    used: Option<(u64, f64, Arc<Used>)>,
    neighbours: Option<(usize, Arc<Neighbours>)>,
    formed: Option<(GroupSettings, Arc<Formed>)>,
}

/// The positions that are used at all, with their rows in the scan.
#[derive(Debug, PartialEq)]
struct Used {
    rows: Vec<u32>,
    points: Vec<[f64; 2]>,
}

/// What a view will be.
#[derive(Clone, Debug)]
pub struct ViewPlan {
    /// Name and overlap fraction.
    pub view: View,
    /// S.
    pub spacing_px: f64,
    /// How groups were asked for.
    pub group_settings: GroupSettings,
    /// How they were thinned and judged.
    pub spacing_settings: SpacingSettings,
    /// Diameter of the discs whose overlap is told.
    pub diameter_px: f64,
    /// Side of a pattern.
    pub n: usize,
    /// Patterns of the scan.
    pub n_scan: usize,
    /// Rows of the scan that are used at all (a subset, where one was asked for), ascending.
    pub used: Vec<u32>,
    /// What had to keep the spacing: centres of all groups, or positions of the used rows.
    pub units_px: Vec<[f64; 2]>,
    /// What became of each of them.
    pub thinned: Thinned,
    /// The groups of the view, in rows of the scan.
    pub groups: Groups,
    /// The row of the scan from whose neighbours each group was drawn.
    pub seeds: Vec<u32>,
    /// Rows of the scan that belong to a group, ascending.
    pub rows: Vec<usize>,
    /// Places of those: duplicates count once.
    pub n_places: usize,
    /// K in fact.
    pub k: usize,
    /// How groups were drawn.
    pub branch: Branch,
    /// Overlap.
    pub measures: Measures,
    /// Rows and columns that the used positions span.
    pub extent_px: [f64; 2],
    /// What turned out other than asked for, in words.
    pub notes: Vec<String>,
    /// All groups before they were thinned, in the numbers of the used rows; none where positions were thinned.
    candidates: Option<Arc<Formed>>,
}

/// Where a position of the scan stands in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It belongs to a group of the view.
    Kept,
    /// Left out by the subset.
    Unused,
    /// Itself, or the group drawn from its neighbours, is too close to that of this row, which was kept.
    TooCloseTo(u32),
    /// Its own group was kept, but it is no member of that or any other.
    NoMember,
    /// The groups wanted were found before its turn.
    NotWanted,
}

impl Planner {
    /// For positions (row, column) of patterns of `n` pixels.
    pub fn new(positions_px: Arc<[[f64; 2]]>, n: usize) -> Self {
        Self {
            positions_px,
            n,
            used: None,
            neighbours: None,
            formed: None,
        }
    }

    /// Plan a view, with discs of `diameter_px` for the measures of overlap.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the numbers and the smallest change that would work: a wish beyond the bound
    /// ([`Planner::check_wish`]), too few positions left for a group, and what [`form_groups`] refuses.
    pub fn plan(
        &mut self,
        view: &View,
        group_settings: &GroupSettings,
        spacing_settings: &SpacingSettings,
        diameter_px: f64,
    ) -> Result<ViewPlan> {
        if !(0.0 < diameter_px && diameter_px.is_finite()) {
            let expected = "a diameter above 0 px";
            let found = format!("{diameter_px}");
            return Err(invalid("probe-diameter", expected, found));
        }
        self.check_wish(view, group_settings)?;
        let used = self.used(group_settings)?;
        let spacing_px = view.spacing_px(self.n);
        let extent_px = extent_px(&used.points);
        let parts = match spacing_settings.apply_to {
            ApplyTo::Groups => {
                self.thin_groups(&used, spacing_px, group_settings, spacing_settings)?
            }
            ApplyTo::Positions => {
                thin_positions(view, &used, spacing_px, (group_settings, spacing_settings))?
            }
        };
        let groups = parts.groups.within(&used.rows);
        let rows = groups.rows();
        let measures = Measures::of(
            &groups,
            &self.positions_px,
            spacing_settings.overlap_neighbors,
            diameter_px,
        );
        Ok(ViewPlan {
            view: view.clone(),
            spacing_px,
            group_settings: group_settings.clone(),
            spacing_settings: spacing_settings.clone(),
            diameter_px,
            n: self.n,
            n_scan: self.positions_px.len(),
            used: used.rows.clone(),
            units_px: parts.units_px,
            thinned: parts.thinned,
            seeds: parts
                .seeds
                .iter()
                .map(|seed| used.rows[*seed as usize])
                .collect(),
            groups,
            n_places: n_places(rows.iter().map(|row| self.positions_px[*row])),
            rows,
            k: parts.k,
            branch: parts.branch,
            measures,
            extent_px,
            notes: parts.notes,
            candidates: parts.candidates,
        })
    }

    /// Whether as many groups as are wanted can be had at all, told before anything is tried.
    ///
    /// # Errors
    /// [`Error::Invalid`] with Oler's bound where more are wanted, or for a subset of nothing.
    pub fn check_wish(&mut self, view: &View, group_settings: &GroupSettings) -> Result<()> {
        view.check()?;
        let spacing_px = view.spacing_px(self.n);
        if spacing_px == 0.0 || group_settings.n_groups == 0 {
            return Ok(());
        }
        let used = self.used(group_settings)?;
        let extent = extent_px(&used.points);
        let most = most_points(extent, spacing_px, used.points.len());
        if group_settings.n_groups <= most {
            return Ok(());
        }
        let [height, width] = extent;
        let expected = format!(
            "at most {most}: no choice keeps more of {} positions over {height:.1} x {width:.1} px at least \
             {spacing_px:.1} px apart (Oler's bound)",
            used.points.len()
        );
        let found = group_settings.n_groups.to_string();
        let fix = format!("give --n-groups {most} or less, or a view of more overlap");
        Err(invalid("n-groups", &expected, found)
            .with_fix(format!("{fix} than {}={}", view.name, view.overlap)))
    }

    fn used(&mut self, settings: &GroupSettings) -> Result<Arc<Used>> {
        let (seed, share) = (settings.seed, settings.subsample_fraction);
        if let Some((of_seed, of_share, used)) = &self.used
            && of_share == &share
            && (of_seed == &seed || share == 1.0)
        {
            return Ok(Arc::clone(used));
        }
        let used = Arc::new(self.subset(seed, share)?);
        self.used = Some((seed, share, Arc::clone(&used)));
        (self.neighbours, self.formed) = (None, None);
        Ok(used)
    }

    fn subset(&self, seed: u64, share: f64) -> Result<Used> {
        let n = self.positions_px.len();
        let n_used = (share * n as f64).floor() as usize;
        if n_used == 0 {
            let expected = format!("a share that leaves one of {n} patterns at least");
            let found = share.to_string();
            let error = invalid("subsample-fraction", &expected, found);
            let least = (1e6 / n.max(1) as f64).ceil() / 1e6;
            return Err(error.with_fix(format!("give --subsample-fraction {least} or more")));
        }
        let mut rows: Vec<u32> = (0..n as u32).collect();
        if n_used < n {
            let mut rng = stream(seed, Purpose::Subsampling);
            let drawn = sample(&mut rng, n, n_used);
            rows = drawn.into_iter().map(|row| row as u32).collect();
            rows.sort_unstable();
        }
        let points = rows.iter().map(|row| self.positions_px[*row as usize]);
        Ok(Used {
            points: points.collect(),
            rows,
        })
    }

    /// Groups of all used positions, thinned by their centres.
    fn thin_groups(
        &mut self,
        used: &Used,
        spacing_px: f64,
        group_settings: &GroupSettings,
        spacing_settings: &SpacingSettings,
    ) -> Result<Parts> {
        let mut settings = group_settings.clone();
        if 0.0 < spacing_px {
            // All are formed, and as many as are wanted of them kept.
            (settings.n_groups, settings.oversample) = (0, false);
        }
        let formed = self.formed(used, &settings)?;
        let centres = formed.groups.centres_px();
        let thinner = Thinner::new(centres, spacing_px);
        let thinned = thinner.thin(
            spacing_settings.order,
            group_settings.seed,
            group_settings.n_groups,
        );
        let kept: Vec<usize> = thinned.kept.iter().map(|kept| *kept as usize).collect();
        let mut notes = formed.notes.clone();
        if 0.0 < spacing_px && kept.len() < group_settings.n_groups {
            notes.push(format!(
                "{} groups instead of {}: the order {} keeps no more",
                kept.len(),
                group_settings.n_groups,
                thinned.order
            ));
        }
        Ok(Parts {
            units_px: centres.to_vec(),
            groups: formed.groups.select(&kept),
            seeds: kept.iter().map(|kept| formed.seeds[*kept]).collect(),
            thinned,
            k: formed.k,
            branch: formed.branch,
            notes,
            candidates: Some(formed),
        })
    }

    fn formed(&mut self, used: &Used, settings: &GroupSettings) -> Result<Arc<Formed>> {
        if let Some((of_settings, formed)) = &self.formed
            && of_settings == settings
        {
            return Ok(Arc::clone(formed));
        }
        check(used.points.len(), settings)?;
        let k = if settings.c() == 1 { 0 } else { settings.k() };
        let neighbours = match &self.neighbours {
            Some((of_k, neighbours)) if k <= *of_k => Arc::clone(neighbours),
            _ => {
                let neighbours = Arc::new(Neighbours::of(&used.points, k));
                self.neighbours = Some((k, Arc::clone(&neighbours)));
                neighbours
            }
        };
        let formed = Arc::new(form_of_neighbours(&used.points, &neighbours, settings)?);
        self.formed = Some((settings.clone(), Arc::clone(&formed)));
        Ok(formed)
    }
}

/// What thinning yields, in indices of the used positions.
struct Parts {
    units_px: Vec<[f64; 2]>,
    thinned: Thinned,
    groups: Groups,
    seeds: Vec<u32>,
    k: usize,
    branch: Branch,
    notes: Vec<String>,
    candidates: Option<Arc<Formed>>,
}

/// Thin the positions, then form groups of what is left.
fn thin_positions(
    view: &View,
    used: &Used,
    spacing_px: f64,
    (group_settings, spacing_settings): (&GroupSettings, &SpacingSettings),
) -> Result<Parts> {
    let thinner = Thinner::new(&used.points, spacing_px);
    let thinned = thinner.thin(spacing_settings.order, group_settings.seed, 0);
    let left: Vec<[f64; 2]> = thinned
        .kept
        .iter()
        .map(|kept| used.points[*kept as usize])
        .collect();
    if let Err(error) = check(left.len(), group_settings) {
        let Some(problem) = error.problem() else {
            return Err(error);
        };
        let found = format!(
            "{} of {} positions that are {spacing_px:.1} px apart ({}={})",
            left.len(),
            used.points.len(),
            view.name,
            view.overlap
        );
        let key = problem.key.clone().unwrap_or_default();
        let fix = format!(
            "{}, a view of more overlap, or --apply-to groups",
            problem.fix
        );
        return Err(invalid(&key, &problem.expected, found).with_fix(fix));
    }
    let formed = form_groups(&left, group_settings)?;
    Ok(Parts {
        units_px: used.points.clone(),
        groups: formed.groups.within(&thinned.kept),
        seeds: formed
            .seeds
            .iter()
            .map(|seed| thinned.kept[*seed as usize])
            .collect(),
        thinned,
        k: formed.k,
        branch: formed.branch,
        notes: formed.notes,
        candidates: None,
    })
}

impl ViewPlan {
    /// The members of the group drawn from the neighbours of a row of the scan, kept or not, in rows of the scan; none where
    /// no group was drawn from it.
    pub fn group_drawn_at(&self, row: u32) -> Option<Vec<u32>> {
        let of = |groups: &Groups, g: usize, rows: Option<&[u32]>| {
            let index = groups.index();
            let members = index.row(g);
            let scan = |member: &u32| rows.map_or(*member, |rows| rows[*member as usize]);
            members.iter().map(scan).collect()
        };
        if let Some(candidates) = &self.candidates {
            let own = self.used.binary_search(&row).ok()? as u32;
            let g = candidates.seeds.binary_search(&own).ok()?;
            return Some(of(&candidates.groups, g, Some(&self.used)));
        }
        let g = self.seeds.binary_search(&row).ok()?;
        Some(of(&self.groups, g, None))
    }

    /// Where a row of the scan stands and why, in a sentence for a person.
    pub fn reason(&self, row: u32, standing: Standing) -> String {
        let spacing = self.spacing_px;
        let what = match self.spacing_settings.apply_to {
            ApplyTo::Groups => "the centre of its group is",
            ApplyTo::Positions => "it lies",
        };
        let beside = match self.spacing_settings.apply_to {
            ApplyTo::Groups => "that of",
            ApplyTo::Positions => "pattern",
        };
        match standing {
            Standing::Kept => format!("pattern {row} is kept"),
            Standing::Unused => format!("pattern {row} is not in the subset that is used"),
            Standing::TooCloseTo(other) => format!(
                "pattern {row} is dropped: {what} closer than {spacing:.1} px to {beside} {other}, which was kept \
                 before it"
            ),
            Standing::NoMember => format!(
                "pattern {row} is dropped: the group drawn from its neighbours is kept, but it is no member of any"
            ),
            Standing::NotWanted => {
                format!("pattern {row} is dropped: the groups wanted were found without it")
            }
        }
    }

    /// Where each position of the scan stands.
    pub fn standings(&self) -> Vec<Standing> {
        let mut standings = vec![Standing::Unused; self.n_scan];
        let is_by_row = self.units_px.len() == self.used.len();
        for (at, row) in self.used.iter().enumerate() {
            let fate = self.thinned.fates.get(at).filter(|_| is_by_row);
            standings[*row as usize] = match fate {
                Some(Fate::TooCloseTo(other)) => Standing::TooCloseTo(self.used[*other as usize]),
                Some(Fate::Kept) => Standing::NoMember,
                Some(Fate::NotWanted) | None => Standing::NotWanted,
            };
        }
        for row in &self.rows {
            standings[*row] = Standing::Kept;
        }
        standings
    }

    /// The groups that a row of the scan belongs to.
    pub fn groups_of(&self, row: u32) -> impl Iterator<Item = usize> + use<'_> {
        let index = self.groups.index();
        (0..self.groups.n_groups())
            .filter(move |g| index.row(*g).iter().any(|member| *member == row))
    }

    /// One sentence on how much is left, and whether that is little to train on.
    pub fn words(&self) -> String {
        let (n_groups, n_rows) = (self.groups.n_groups(), self.rows.len());
        let per_cent = 100.0 * n_rows as f64 / self.n_scan as f64;
        let few = if n_groups < FEW_GROUPS {
            "; that is little to train on"
        } else {
            ""
        };
        let group = if n_groups == 1 { "group" } else { "groups" };
        format!(
            "{}: {n_groups} {group} of {}, {n_rows} of {} patterns ({per_cent:.1} %) remain{few}",
            self.view.name,
            self.groups.c(),
            self.n_scan
        )
    }

    /// Whether so few groups are left that it should be said before anyone trains on them.
    pub fn is_little(&self) -> bool {
        self.groups.n_groups() < FEW_GROUPS
    }

    /// Distances to the nearest other one: of all that had to keep the spacing, and of those that keep it among
    /// themselves.
    pub fn distances_px(&self) -> [Vec<f64>; 2] {
        let units = &self.units_px;
        let kept = self.thinned.kept.iter();
        let kept: Vec<[f64; 2]> = kept.map(|kept| units[*kept as usize]).collect();
        [nearest_distances(units), nearest_distances(&kept)]
    }

    /// All numbers.
    pub fn metrics(&self) -> ViewMetrics {
        self.metrics_of(&self.distances_px())
    }

    /// All numbers, for who has [`ViewPlan::distances_px`] already.
    pub fn metrics_of(&self, [before, after]: &[Vec<f64>; 2]) -> ViewMetrics {
        let units = &self.units_px;
        let n_used = self.used.len();
        let oler = oler_bound(self.extent_px, self.spacing_px);
        ViewMetrics {
            metrics_version: METRICS_VERSION,
            view: self.view.name.clone(),
            overlap: self.view.overlap,
            spacing_threshold_px: self.spacing_px,
            apply_to: self.spacing_settings.apply_to,
            order: self.thinned.order.clone(),
            gridsize: self.group_settings.gridsize,
            c: self.groups.c(),
            neighbor_count: self.k,
            branch: self.branch,
            s_img: self.group_settings.subsample_fraction,
            n_groups: self.group_settings.n_groups,
            seeds: Seeds {
                grouping: self.group_settings.seed,
                subsampling: self.group_settings.seed,
            },
            n_images_total: self.n_scan,
            n_images_subsampled: n_used,
            n_images_kept: self.rows.len(),
            n_unique_images: self.n_places,
            n_candidates: units.len(),
            n_accepted: self.thinned.kept.len(),
            n_rejected: self
                .thinned
                .fates
                .iter()
                .filter(|fate| matches!(fate, Fate::TooCloseTo(_)))
                .count(),
            n_groups_actual: self.groups.n_groups(),
            acceptance_rate: after.len() as f64 / units.len().max(1) as f64,
            spacing_before: SpacingStatistics::of(before),
            spacing: SpacingStatistics::of(after),
            histogram_before: Histogram::of(before, N_BINS),
            histogram: Histogram::of(after, N_BINS),
            probe_diameter_px: self.diameter_px,
            image_neighbors: self.spacing_settings.overlap_neighbors,
            metric_1_group_based_avg: self.measures.within_groups.map(|within| within.all_pairs),
            metric_1_first_with_rest_avg: self
                .measures
                .within_groups
                .map(|within| within.first_with_rest),
            metric_2_image_based_avg: self.measures.among_patterns,
            metric_3_group_to_group_avg: self.measures.between_groups,
            extent_px: self.extent_px,
            oler_bound: oler.is_finite().then_some(oler),
            most_possible: most_points(self.extent_px, self.spacing_px, units.len()),
            geometry_acceptance_bound: geometry_acceptance_bound(
                self.extent_px,
                n_used,
                self.spacing_px,
            ),
            canvas: Canvas::check(&self.groups, self.n, None).ok(),
            notes: self.notes.clone(),
        }
    }
}

/// Places among these points.
fn n_places(points: impl Iterator<Item = [f64; 2]>) -> usize {
    let first = first_of_place(&points.collect::<Vec<_>>());
    let is_first = |(i, first): &(u32, &u32)| i == *first;
    (0u32..).zip(&first).filter(is_first).count()
}

/// Seeds by purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Seeds {
    /// Of group members and orders.
    pub grouping: u64,
    /// Of the subset.
    pub subsampling: u64,
}

/// All numbers about a view, as `metrics.json` holds them. Names follow the earlier overlap metrics where those have
/// one; lengths are in px.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ViewMetrics {
    /// Version of the definitions.
    pub metrics_version: &'static str,
    /// Name of the view.
    pub view: String,
    /// f.
    pub overlap: f64,
    /// S.
    pub spacing_threshold_px: f64,
    /// What had to keep it.
    pub apply_to: ApplyTo,
    /// The order in which it was accepted, in words.
    pub order: String,
    /// Patterns along a side of a group.
    pub gridsize: usize,
    /// Patterns of a group.
    pub c: usize,
    /// K in fact.
    pub neighbor_count: usize,
    /// How groups were drawn.
    pub branch: Branch,
    /// Share of the patterns that was used at all.
    pub s_img: f64,
    /// Groups wanted; 0 is all.
    pub n_groups: usize,
    /// Seeds.
    pub seeds: Seeds,
    /// Patterns of the scan.
    pub n_images_total: usize,
    /// Patterns that were used at all.
    pub n_images_subsampled: usize,
    /// Patterns of the view.
    pub n_images_kept: usize,
    /// Places of those.
    pub n_unique_images: usize,
    /// Groups or positions before the spacing.
    pub n_candidates: usize,
    /// Those that keep it.
    pub n_accepted: usize,
    /// Those that were too close to one accepted before.
    pub n_rejected: usize,
    /// Groups of the view.
    pub n_groups_actual: usize,
    /// Accepted over candidates.
    pub acceptance_rate: f64,
    /// Distances of candidates to the nearest other one.
    pub spacing_before: SpacingStatistics,
    /// The same of the accepted.
    pub spacing: SpacingStatistics,
    /// Those distances counted.
    pub histogram_before: Histogram,
    /// The same of the accepted.
    pub histogram: Histogram,
    /// D.
    pub probe_diameter_px: f64,
    /// Nearest patterns in measure 2.
    pub image_neighbors: usize,
    /// Measure 1, all pairs of a group; absent for groups of one pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_1_group_based_avg: Option<f64>,
    /// Measure 1, the first member with the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_1_first_with_rest_avg: Option<f64>,
    /// Measure 2, patterns with their nearest.
    pub metric_2_image_based_avg: f64,
    /// Measure 3, between centres of groups.
    pub metric_3_group_to_group_avg: f64,
    /// Rows and columns that the used positions span.
    pub extent_px: [f64; 2],
    /// Oler's bound; `null` without a spacing.
    pub oler_bound: Option<f64>,
    /// The most that any choice could keep.
    pub most_possible: usize,
    /// With D = S; no bound in truth.
    pub geometry_acceptance_bound: f64,
    /// The canvas that the groups need.
    pub canvas: Option<Canvas>,
    /// What turned out other than asked for.
    pub notes: Vec<String>,
}

fn invalid(key: &str, expected: &str, found: String) -> Error {
    Error::invalid("form the view", key, expected, found)
}
