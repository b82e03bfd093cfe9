//! Groups: what was asked for, what can be formed, how far members lie from their centre, and whether the canvas holds them.

use super::table::{Cell, Draft};
use super::{DiagnoseSettings, Verdict};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::grouping::{Branch, Canvas, GroupSettings, Groups, form_groups, ptychopinn_canvas_px};

/// A share of the signal below this is lost without harm.
const HARMLESS_LOSS: f64 = 1e-3;

/// Groups of one gridsize, or why there are none.
pub(super) struct Judged {
    gridsize: usize,
    settings: GroupSettings,
    /// Whether they are the file's own.
    is_own: bool,
    formed: std::result::Result<Formed, String>,
}

struct Formed {
    groups: Groups,
    k: Option<usize>,
    branch: Option<Branch>,
    notes: Vec<String>,
}

impl Judged {
    /// The file's own groups where it has some of this size, else those that are formed.
    fn of(dataset: &Dataset, settings: GroupSettings) -> Self {
        let own = dataset.parts().group_index.as_ref();
        let own = own.filter(|index| !index.is_empty() && index.ncols() == settings.c());
        let points = dataset.positions_px();
        let formed = match own {
            Some(index) => Groups::of_file(index, points).map(|groups| Formed {
                groups,
                k: None,
                branch: None,
                notes: Vec::new(),
            }),
            None => form_groups(points, &settings).map(|formed| Formed {
                groups: formed.groups,
                k: Some(formed.k),
                branch: Some(formed.branch),
                notes: formed.notes,
            }),
        };
        Self {
            gridsize: settings.gridsize,
            is_own: own.is_some(),
            formed: formed.map_err(|error| in_words(&error)),
            settings,
        }
    }

    fn groups(&self) -> Option<&Groups> {
        self.formed.as_ref().ok().map(|formed| &formed.groups)
    }
}

/// The error without what was attempted, which the heading says.
fn in_words(error: &Error) -> String {
    let text = error.to_string();
    text.strip_prefix("cannot form groups: ")
        .map_or_else(|| text.clone(), str::to_owned)
}

/// Groups for every gridsize that is looked at; a run's are `of_run`.
pub(super) fn judged(
    dataset: &Dataset,
    settings: &DiagnoseSettings,
    of_run: Option<GroupSettings>,
) -> Vec<Judged> {
    if let Some(settings) = of_run {
        return vec![Judged::of(dataset, settings)];
    }
    let gridsizes = settings.gridsizes();
    let gridsizes = gridsizes.into_iter().map(|side| settings.grouping(side));
    gridsizes
        .map(|settings| Judged::of(dataset, settings))
        .collect()
}

fn heads(judged: &[Judged]) -> Vec<(String, String)> {
    let head = |judged: &Judged| {
        let of_file = if judged.is_own {
            ", the file's own"
        } else {
            ""
        };
        (
            format!("gridsize_{}", judged.gridsize),
            format!("gridsize {}{of_file}", judged.gridsize),
        )
    };
    judged.iter().map(head).collect()
}

/// Requested and formed groups with the offsets of their members.
pub(super) fn grouping(judged: &[Judged], dataset: &Dataset, is_asked_for: bool) -> Draft {
    let mut draft = Draft::new("grouping", "Groups", &[]);
    draft.heads = heads(judged);
    let mut add = |key: &str, label: &str, cell: &dyn Fn(&Judged) -> Cell| {
        draft.row(key, label, judged.iter().map(cell).collect::<Vec<_>>());
    };
    add("c", "patterns of a group, C", &|judged| {
        Cell::count(judged.settings.c())
    });
    add("k_requested", "neighbours asked for, K", &|judged| {
        if judged.is_own {
            Cell::none()
        } else {
            Cell::count(judged.settings.k())
        }
    });
    let formed = |cell: fn(&Formed) -> Cell| {
        move |judged: &Judged| judged.formed.as_ref().map_or_else(|_| Cell::none(), cell)
    };
    add(
        "k",
        "neighbours in fact",
        &formed(|formed| formed.k.map_or_else(Cell::none, Cell::count)),
    );
    add(
        "requested",
        "groups asked for",
        &|judged| match (judged.is_own, judged.settings.n_groups) {
            (true, _) => Cell::none(),
            (false, 0) => Cell::count(dataset.n_patterns()),
            (false, n) => Cell::count(n),
        },
    );
    add("formed", "groups formed", &|judged| {
        Cell::count(judged.groups().map_or(0, Groups::n_groups))
    });
    add(
        "branch",
        "how",
        &formed(|formed| match formed.branch {
            Some(Branch::Standard) => Cell::words("one for a pattern"),
            Some(Branch::Oversampled) => Cell::words("several for a pattern"),
            None => Cell::words("as in the file"),
        }),
    );
    add(
        "patterns_used",
        "patterns used",
        &formed(|formed| Cell::count(formed.groups.rows().len())),
    );
    let index = |least: bool| {
        move |judged: &Judged| {
            let index = judged.groups().map(Groups::index);
            let members = || index.into_iter().flatten().copied();
            let found = if least {
                members().min()
            } else {
                members().max()
            };
            found.map_or_else(Cell::none, |member| Cell::count(member as usize))
        }
    };
    add("index_min", "least neighbour index", &index(true));
    add("index_max", "greatest neighbour index", &index(false));
    for (axis, name) in [(0, "row"), (1, "column")] {
        for (at, what) in ["min", "max", "mean", "std"].into_iter().enumerate() {
            let label = format!("offset along {name}s, {what} (px)");
            add(&format!("offset_{name}_{what}_px"), &label, &|judged| {
                let offsets = judged.groups().and_then(|groups| offsets(groups, axis));
                offsets.map_or_else(Cell::none, |offsets| Cell::number(offsets[at]))
            });
        }
    }
    judge(&mut draft, judged, is_asked_for);
    draft.good = "All groups that are asked for can be formed.".into();
    draft
}

/// Least, greatest, mean and standard deviation of `member - centre` along an axis.
fn offsets(groups: &Groups, axis: usize) -> Option<[f64; 4]> {
    let all = || {
        (0..groups.n_groups())
            .flat_map(|g| groups.relative_px(g))
            .map(|at| at[axis])
    };
    let n = (groups.n_groups() * groups.c()) as f64;
    if n == 0.0 {
        return None;
    }
    let mean = all().sum::<f64>() / n;
    let variance = all().map(|offset| (offset - mean).powi(2)).sum::<f64>() / n;
    let least = all().fold(f64::INFINITY, f64::min);
    let greatest = all().fold(f64::NEG_INFINITY, f64::max);
    // Means of offsets are zero but for rounding.
    let mean = if mean.abs() < 1e-9 * (greatest - least) {
        0.0
    } else {
        mean
    };
    Some([least, greatest, mean, variance.sqrt()])
}

fn judge(draft: &mut Draft, judged: &[Judged], is_asked_for: bool) {
    for judged in judged {
        let side = judged.gridsize;
        match &judged.formed {
            Ok(formed) if formed.groups.n_groups() == 0 => {
                draft.find(
                    Verdict::Bad,
                    format!("with gridsize {side} there is no group"),
                );
            }
            Ok(formed) => {
                for note in &formed.notes {
                    draft.find(Verdict::Note, format!("gridsize {side}: {note}"));
                }
            }
            // Of several sizes that nobody asked for, one is enough.
            Err(words) => draft.find(
                if is_asked_for {
                    Verdict::Bad
                } else {
                    Verdict::Note
                },
                format!("gridsize {side} forms no groups: {words}"),
            ),
        }
    }
}

/// Whether the canvas holds the members, and what `PtychoPINN`'s would lose.
pub(super) fn canvas(judged: &[Judged], n: usize, chosen_px: Option<usize>) -> Draft {
    let mut draft = Draft::new("canvas", "Canvas", &[]);
    draft.heads = heads(judged);
    let checked: Vec<Option<[Canvas; 2]>> = judged
        .iter()
        .map(|judged| match both(judged, n, chosen_px) {
            Ok(both) => both,
            Err(error) => {
                draft.find(Verdict::Bad, error.to_string());
                None
            }
        })
        .collect();
    let mut add = |key: &str, label: &str, cell: fn(&[Canvas; 2]) -> Cell| {
        let cells = checked
            .iter()
            .map(|both| both.as_ref().map_or_else(Cell::none, cell));
        draft.row(key, label, cells.collect::<Vec<_>>());
    };
    add(
        "largest_offset_row_px",
        "largest offset along rows (px)",
        |[own, _]| Cell::number(own.largest_offset_px[0]),
    );
    add(
        "largest_offset_column_px",
        "largest offset along columns (px)",
        |[own, _]| Cell::number(own.largest_offset_px[1]),
    );
    add(
        "required_px",
        "side that holds every member (px)",
        |[own, _]| Cell::count(own.required_px),
    );
    add("chosen_px", "side in question (px)", |[own, _]| {
        Cell::count(own.chosen_px)
    });
    add("holds", "it holds them", |[own, _]| {
        Cell::yes_or_no(own.holds)
    });
    add("lost_share", "signal lost, mean", |[own, _]| {
        Cell::share(own.lost_share)
    });
    add(
        "lost_share_worst",
        "signal lost, worst member",
        |[own, _]| Cell::share(own.lost_share_worst),
    );
    add("ptychopinn_px", "PtychoPINN's side (px)", |[_, usual]| {
        Cell::count(usual.chosen_px)
    });
    add(
        "ptychopinn_holds",
        "PtychoPINN's holds them",
        |[_, usual]| Cell::yes_or_no(usual.holds),
    );
    add(
        "ptychopinn_lost_share",
        "PtychoPINN's loses, mean",
        |[_, usual]| Cell::share(usual.lost_share),
    );
    for (judged, both) in judged.iter().zip(&checked) {
        if let Some(both) = both {
            judge_canvas(&mut draft, judged.gridsize, both);
        }
    }
    draft.good = "The canvas holds every member of every group: nothing is lost.".into();
    draft
}

fn both(judged: &Judged, n: usize, chosen_px: Option<usize>) -> Result<Option<[Canvas; 2]>> {
    let Some(groups) = judged.groups().filter(|groups| groups.n_groups() != 0) else {
        return Ok(None);
    };
    let usual = ptychopinn_canvas_px(n, judged.gridsize);
    Ok(Some([
        Canvas::check(groups, n, chosen_px)?,
        Canvas::check(groups, n, Some(usual))?,
    ]))
}

fn judge_canvas(draft: &mut Draft, gridsize: usize, [own, usual]: &[Canvas; 2]) {
    let lost = |canvas: &Canvas| {
        let share = Cell::share(canvas.lost_share).text;
        let worst = Cell::share(canvas.lost_share_worst).text;
        format!("{share} of the signal, of the worst member {worst}")
    };
    if !own.holds {
        let verdict = if HARMLESS_LOSS < own.lost_share {
            Verdict::Bad
        } else {
            Verdict::Note
        };
        draft.find(
            verdict,
            format!(
                "gridsize {gridsize}: a canvas of {} px loses {}; {} px are needed",
                own.chosen_px,
                lost(own),
                own.required_px
            ),
        );
    }
    if !usual.holds {
        draft.find(Verdict::Note, format!(
            "gridsize {gridsize}: PtychoPINN's canvas of {} px would lose {}; trainings here take {} px",
            usual.chosen_px, lost(usual), own.required_px
        ));
    }
}
