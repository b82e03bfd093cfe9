//! `overlap`, `groups` and `canvas`.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, Array3};
use ptycho_core::data::write::{Compression, write_npz};
use ptycho_core::data::{Dataset, Strictness};
use ptycho_core::error::{Error, Result};
use ptycho_core::grouping::{
    Canvas, GroupSettings, Groups, Planner, SpacingSettings, View, ViewMetrics, ViewPlan,
    form_groups, ptychopinn_canvas_px,
};
use ptycho_core::study::overlap::{OverlapOutcome, OverlapTask, diameter_px, write_views};
use serde_json::{Value, json};

use super::inspect::columns;
use super::{Exit, Session, print, print_json, terminal};
use crate::cli::overlap::{CanvasArgs, GroupsArgs, OverlapArgs};

pub(super) fn overlap(args: &OverlapArgs, session: &Session) -> Result<Exit> {
    let task = OverlapTask {
        source: args.source.clone(),
        views: View::parse_list(&args.views)?,
        groups: args.groups.over(&GroupSettings::default())?,
        spacing: args.spacing.over(&SpacingSettings::default())?,
        output: args.output.clone(),
        n_threads: args.threads.n,
    };
    let monitor = terminal(session, "writing views");
    let outcome = write_views(&task, monitor.as_ref());
    monitor.clear();
    let outcome = outcome?;
    for words in warnings(&outcome) {
        session.say(words);
    }
    if args.json {
        print_json(&outcome)?;
    } else {
        print(&table(&outcome))?;
    }
    Ok(Exit::Done)
}

/// What has to be known before anyone trains, once for all doses it is true of.
fn warnings(outcome: &OverlapOutcome) -> Vec<String> {
    let mut warnings: Vec<String> = Vec::new();
    let mut add = |words: String| {
        if !warnings.contains(&words) {
            warnings.push(words);
        }
    };
    for view in &outcome.views {
        for split in &view.splits {
            if split.is_little {
                add(format!("note: {}: {}", split.split, split.words));
            }
            for note in &split.metrics.notes {
                add(format!("note: {} {}: {note}", split.split, view.view));
            }
        }
    }
    for skipped in &outcome.skipped {
        let dose = skipped
            .dose
            .map_or_else(String::new, |dose| format!(" of dose {dose}"));
        add(format!(
            "skipped: view {}{dose}: {}",
            skipped.view, skipped.reason
        ));
    }
    warnings
}

fn table(outcome: &OverlapOutcome) -> String {
    let head = [
        "DOSE",
        "VIEW",
        "SPLIT",
        "GROUPS",
        "AT MOST",
        "PATTERNS",
        "OF",
        "KEPT",
        "S px",
        "NEAREST px",
        "WITHIN",
        "AMONG",
        "BETWEEN",
        "CANVAS",
    ];
    let rows = outcome.views.iter().flat_map(|view| {
        view.splits.iter().map(|split| {
            let metrics = &split.metrics;
            let mut row = vec![
                view.dose
                    .map_or_else(|| "-".to_owned(), |dose| dose.to_string()),
                view.view.clone(),
                split.split.clone(),
            ];
            row.extend(numbers(metrics));
            row
        })
    });
    let mut text = if outcome.views.is_empty() {
        "  no view could be formed\n".to_owned()
    } else {
        columns(&head, rows)
    };
    for view in &outcome.views {
        let _ = writeln!(text, "wrote {}", view.folder.display());
    }
    for skipped in &outcome.skipped {
        let dose = skipped
            .dose
            .map_or_else(String::new, |dose| format!(" at dose {dose}"));
        let _ = writeln!(text, "skipped {}{dose}: {}", skipped.view, skipped.reason);
    }
    let _ = writeln!(text, "record: {}", outcome.manifest.display());
    text
}

fn numbers(metrics: &ViewMetrics) -> Vec<String> {
    let share = metrics.n_images_kept as f64 / metrics.n_images_total.max(1) as f64;
    let within = metrics.metric_1_group_based_avg;
    vec![
        metrics.n_groups_actual.to_string(),
        metrics.most_possible.to_string(),
        metrics.n_images_kept.to_string(),
        metrics.n_images_total.to_string(),
        format!("{:.1} %", 100.0 * share),
        format!("{:.1}", metrics.spacing_threshold_px),
        format!("{:.1}", metrics.spacing.min_px),
        within.map_or_else(|| "-".to_owned(), |within| format!("{within:.3}")),
        format!("{:.3}", metrics.metric_2_image_based_avg),
        format!("{:.3}", metrics.metric_3_group_to_group_avg),
        metrics
            .canvas
            .map_or_else(|| "-".to_owned(), |canvas| canvas.required_px.to_string()),
    ]
}

pub(super) fn groups(args: &GroupsArgs, session: &Session) -> Result<Exit> {
    let dataset = open(&args.file, session)?;
    let settings = args.groups.over(&GroupSettings::default())?;
    let spacing = args.spacing.over(&SpacingSettings::default())?;
    let diameter = diameter_px(&spacing, &dataset).map_err(|error| error.with_file(&args.file))?;
    let all = View {
        name: "all".to_owned(),
        overlap: 1.0,
    };
    let mut planner = Planner::new(dataset.positions_px().into(), dataset.n());
    let plan = planner.plan(&all, &settings, &spacing, diameter);
    let plan = plan.map_err(|error| error.with_file(&args.file))?;
    if let Some(output) = &args.output {
        write_groups(output, &plan)?;
    }
    for note in &plan.notes {
        session.say(format_args!("note: {note}"));
    }
    let metrics = plan.metrics();
    if args.json {
        let mut object = json!({"file": args.file, "output": args.output, "n": dataset.n()});
        merge(&mut object, json!(metrics));
        print_json(&object)?;
    } else {
        print(&group_lines(&metrics, args.output.as_deref()))?;
    }
    Ok(Exit::Done)
}

fn group_lines(metrics: &ViewMetrics, output: Option<&Path>) -> String {
    let mut text = format!(
        "groups        {} of {} patterns out of {} nearest, {} of {} patterns used\n",
        metrics.n_groups_actual,
        metrics.c,
        metrics.neighbor_count,
        metrics.n_images_kept,
        metrics.n_images_total,
    );
    let spacing = &metrics.spacing;
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "centres       nearest {:.2} px least, {:.2} median, {:.2} mean, {:.2} greatest",
        spacing.min_px, spacing.median_px, spacing.mean_px, spacing.max_px
    );
    let _ = writeln!(
        text,
        "overlap       of discs of {:.1} px",
        metrics.probe_diameter_px
    );
    if let (Some(first), Some(all)) = (
        metrics.metric_1_first_with_rest_avg,
        metrics.metric_1_group_based_avg,
    ) {
        let _ = writeln!(
            text,
            "  within      {first:.3} first member with the rest, {all:.3} all pairs"
        );
    }
    let _ = writeln!(
        text,
        "  among       {:.3} patterns with their {} nearest",
        metrics.metric_2_image_based_avg, metrics.image_neighbors
    );
    let _ = writeln!(
        text,
        "  between     {:.3} centres of groups",
        metrics.metric_3_group_to_group_avg
    );
    if let Some(canvas) = &metrics.canvas {
        let [rows, columns] = canvas.largest_offset_px;
        let _ = writeln!(
            text,
            "canvas        {} px for offsets up to {rows:.2} px along rows, {columns:.2} along columns",
            canvas.required_px
        );
    }
    if let Some(output) = output {
        let _ = writeln!(text, "wrote         {}", output.display());
    }
    text
}

fn write_groups(output: &Path, plan: &ViewPlan) -> Result<()> {
    let groups = &plan.groups;
    let (g, c) = (groups.n_groups(), groups.c());
    let pairs = |pairs: Vec<[f64; 2]>| pairs.concat();
    let shaped = |error: ndarray::ShapeError| Error::Run(error.to_string());
    let centres =
        Array2::from_shape_vec((g, 2), pairs(groups.centres_px().to_vec())).map_err(shaped)?;
    let offsets = (0..g)
        .flat_map(|g| groups.relative_px(g))
        .copied()
        .collect();
    let offsets = Array3::from_shape_vec((g, c, 2), pairs(offsets)).map_err(shaped)?;
    let index = groups.index().mapv(|member| member as i32);
    let seeds: Vec<i32> = plan.seeds.iter().map(|seed| *seed as i32).collect();
    write_npz(output, |npz| {
        npz.array("group_index", Compression::Deflated, &index.view())?;
        npz.array("group_centre", Compression::Deflated, &centres.view())?;
        npz.array("group_relative", Compression::Deflated, &offsets.view())?;
        npz.values("group_seed", &seeds)?;
        let settings = &plan.group_settings;
        npz.json(
            "settings",
            &json!({"groups": settings, "k": plan.k, "branch": plan.branch}),
        )
    })
}

pub(super) fn canvas(args: &CanvasArgs, session: &Session) -> Result<Exit> {
    let dataset = open(&args.file, session)?;
    let settings = args.groups.over(&GroupSettings::default())?;
    let is_given = args.groups.is_given("gridsize");
    let own = dataset.parts().group_index.as_ref();
    let own = own.filter(|index| !is_given || index.ncols() == settings.c());
    let mut rows = Vec::new();
    if let Some(index) = own {
        let groups = Groups::of_file(index, dataset.positions_px())?;
        let side = (groups.c() as f64).sqrt().round() as usize;
        rows.push(judged(&groups, "file", side, &dataset, args.canvas)?);
    } else {
        let sides = if is_given {
            settings.gridsize..=settings.gridsize
        } else {
            1..=3
        };
        for gridsize in sides {
            let settings = GroupSettings {
                gridsize,
                ..settings.clone()
            };
            let formed = form_groups(dataset.positions_px(), &settings);
            match formed {
                Ok(formed) => rows.push(judged(
                    &formed.groups,
                    "formed",
                    gridsize,
                    &dataset,
                    args.canvas,
                )?),
                // Without a wish for one gridsize, those that can be formed are told.
                Err(error) if !is_given && 1 < gridsize => {
                    session.say(format_args!("gridsize {gridsize}: {error}"));
                }
                Err(error) => return Err(error.with_file(&args.file)),
            }
        }
    }
    if args.json {
        print_json(&json!({"file": args.file, "n": dataset.n(), "canvases": rows}))?;
    } else {
        print(&canvas_table(&rows))?;
    }
    Ok(Exit::Done)
}

/// A canvas with that of `PtychoPINN` beside it.
fn judged(
    groups: &Groups,
    source: &str,
    gridsize: usize,
    dataset: &Dataset,
    chosen: Option<usize>,
) -> Result<Value> {
    let n = dataset.n();
    let canvas = Canvas::check(groups, n, chosen)?;
    let usual = Canvas::check(groups, n, Some(ptychopinn_canvas_px(n, gridsize)))?;
    let mut row = json!({
        "gridsize": gridsize, "groups": source, "n_groups": groups.n_groups(),
        "ptychopinn_px": usual.chosen_px, "ptychopinn_holds": usual.holds, "ptychopinn_lost_share": usual.lost_share,
    });
    merge(&mut row, json!(canvas));
    Ok(row)
}

fn canvas_table(rows: &[Value]) -> String {
    let head = [
        "GRIDSIZE",
        "GROUPS",
        "OFFSET px",
        "REQUIRED px",
        "CANVAS px",
        "HOLDS",
        "LOST",
        "PTYCHOPINN px",
        "HOLDS",
        "LOST",
    ];
    let word = |holds: &Value| {
        if holds == &Value::Bool(true) {
            "yes"
        } else {
            "no"
        }
        .to_owned()
    };
    let per_cent = |share: &Value| format!("{:.2} %", 100.0 * share.as_f64().unwrap_or(0.0));
    let cells = |row: &Value| {
        let offsets = row["largest_offset_px"].as_array();
        let offsets = offsets.map_or_else(Vec::new, |offsets| {
            offsets.iter().filter_map(Value::as_f64).collect()
        });
        vec![
            row["gridsize"].to_string(),
            row["n_groups"].to_string(),
            format!(
                "{:.2}",
                offsets
                    .iter()
                    .fold(0.0f64, |most, offset| most.max(*offset))
            ),
            row["required_px"].to_string(),
            row["chosen_px"].to_string(),
            word(&row["holds"]),
            per_cent(&row["lost_share"]),
            row["ptychopinn_px"].to_string(),
            word(&row["ptychopinn_holds"]),
            per_cent(&row["ptychopinn_lost_share"]),
        ]
    };
    columns(&head, rows.iter().map(cells))
}

fn open(file: &Path, session: &Session) -> Result<Arc<Dataset>> {
    let opened = Dataset::open(file, Strictness::Repair)?;
    session.say_repairs(&opened.repairs);
    Ok(Arc::new(opened.dataset))
}

fn merge(object: &mut Value, other: Value) {
    if let (Value::Object(object), Value::Object(other)) = (object, other) {
        object.extend(other);
    }
}
