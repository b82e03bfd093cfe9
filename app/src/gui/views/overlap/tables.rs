//! The numbers about a view, one column for each half.

use egui::{Grid, Label, RichText, ScrollArea, Ui};
use ptycho_core::grouping::{Canvas, ptychopinn_canvas_px};

use super::super::super::theme;
use super::super::super::thinning::plan::ShownHalf;
use super::super::super::thinning::{Shown, Subject, Thinning};

/// A row: its name, what it means, its words for a half.
type Figure = (&'static str, &'static str, fn(&ShownHalf) -> String);

const FIGURES: [Figure; 16] = [
    ("positions", "Positions of the scan", |half| {
        half.metrics.n_images_total.to_string()
    }),
    ("used", "Positions left by the subset", |half| {
        half.metrics.n_images_subsampled.to_string()
    }),
    (
        "candidates",
        "Groups, or positions, before the spacing",
        |half| half.metrics.n_candidates.to_string(),
    ),
    ("kept of those", "Those that keep the spacing", |half| {
        let metrics = &half.metrics;
        let share = 100.0 * metrics.acceptance_rate;
        format!("{} ({share:.1} %)", metrics.n_accepted)
    }),
    (
        "at most (Oler)",
        "The most that any choice could keep: 2A/(√3 S²) + L/(2S) + 1, rounded down",
        |half| half.metrics.most_possible.to_string(),
    ),
    (
        "geometry bound",
        "geometry_acceptance_bound: min(A / (n π (S/2)²), 0.1), the share of earlier studies; it is no bound in truth",
        |half| format!("{:.4}", half.metrics.geometry_acceptance_bound),
    ),
    ("groups", "Groups of the view", |half| {
        format!("{} of {}", half.metrics.n_groups_actual, half.metrics.c)
    }),
    ("patterns", "Patterns of the view", |half| {
        let metrics = &half.metrics;
        let share = 100.0 * metrics.n_images_kept as f64 / metrics.n_images_total.max(1) as f64;
        format!("{} ({share:.1} %)", metrics.n_images_kept)
    }),
    (
        "spacing least, median",
        "Distance of the kept to the nearest other kept one",
        |half| {
            let spacing = &half.metrics.spacing;
            format!("{}, {} px", px(spacing.min_px), px(spacing.median_px))
        },
    ),
    (
        "spacing mean, most",
        "Distance of the kept to the nearest other kept one",
        |half| {
            let spacing = &half.metrics.spacing;
            format!("{}, {} px", px(spacing.mean_px), px(spacing.max_px))
        },
    ),
    (
        "probe diameter",
        "Diameter of the discs whose overlap is told",
        |half| format!("{:.2} px", half.metrics.probe_diameter_px),
    ),
    (
        "overlap in groups",
        "Discs of a group: the first member with the others; all pairs",
        |half| {
            let metrics = &half.metrics;
            match (
                metrics.metric_1_first_with_rest_avg,
                metrics.metric_1_group_based_avg,
            ) {
                (Some(first), Some(all)) => format!("{first:.4}; {all:.4}"),
                _ => "—".to_owned(),
            }
        },
    ),
    (
        "overlap of patterns",
        "Discs of each pattern of the view with its nearest others",
        |half| format!("{:.4}", half.metrics.metric_2_image_based_avg),
    ),
    (
        "overlap of groups",
        "Discs about the centres of groups; 0 where none is near",
        |half| format!("{:.4}", half.metrics.metric_3_group_to_group_avg),
    ),
    (
        "canvas needed",
        "Side that holds every member of every group: ⌈N + 2 max|offset|⌉",
        |half| match &half.metrics.canvas {
            Some(canvas) => format!("{} px", canvas.required_px),
            None => "—".to_owned(),
        },
    ),
    (
        "PtychoPINN's canvas",
        "N + 4 (gridsize − 1) + 10, and the share of the members' area that falls off it",
        ptychopinn_canvas,
    ),
];

fn ptychopinn_canvas(half: &ShownHalf) -> String {
    let plan = &half.plan;
    let side = ptychopinn_canvas_px(plan.n, plan.group_settings.gridsize);
    match Canvas::check(&plan.groups, plan.n, Some(side)) {
        Ok(canvas) if canvas.holds => format!("{side} px holds"),
        Ok(canvas) => format!("{side} px loses {:.1} %", 100.0 * canvas.lost_share),
        Err(_) => "—".to_owned(),
    }
}

fn px(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.2}")
    } else {
        "—".to_owned()
    }
}

/// Draw the table, with what is to be said about it above.
pub(super) fn numbers(ui: &mut Ui, thinning: &Thinning, subject: &Subject) {
    let Some(shown) = &thinning.shown else {
        ui.weak("Working out…");
        return;
    };
    ui.horizontal(|ui| {
        ui.strong(format!(
            "{}, f = {}",
            shown.request.view.name, shown.request.view.overlap
        ));
        let state = if thinning.is_current() {
            format!("{:.0} ms", 1e3 * shown.seconds)
        } else {
            "working out…".to_owned()
        };
        ui.weak(state)
            .on_hover_text("Time to form and thin the groups and to measure them");
    });
    ScrollArea::both()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            remarks(ui, shown, subject);
            table(ui, shown, subject);
        });
}

/// Why a view cannot be formed, whether little is left, what turned out other than asked for.
fn remarks(ui: &mut Ui, shown: &Shown, subject: &Subject) {
    let palette = theme::palette(ui);
    let mut say = |color, icon: &str, words: &str| {
        ui.horizontal_wrapped(|ui| {
            ui.colored_label(color, icon);
            ui.add(Label::new(words).wrap().selectable(true));
        });
    };
    for (half, outcome) in subject.halves.iter().zip(&shown.halves) {
        match outcome {
            Err(words) => {
                let words = format!("{}: {words}", half.name);
                say(palette.bad, "✖", &words);
            }
            Ok(of_half) => {
                if of_half.plan.is_little() {
                    let words = format!("{}: {}", half.name, of_half.plan.words());
                    say(palette.warn, "⚠", &words);
                }
                for note in &of_half.metrics.notes {
                    say(palette.warn, "⚠", &format!("{}: {note}", half.name));
                }
            }
        }
    }
}

fn table(ui: &mut Ui, shown: &Shown, subject: &Subject) {
    Grid::new("overlap numbers")
        .num_columns(1 + subject.halves.len())
        .striped(true)
        .spacing([1.5 * theme::GAP, theme::GRID / 2.0])
        .show(ui, |ui| {
            ui.label("");
            for half in &subject.halves {
                ui.label(
                    RichText::new(&half.name)
                        .small()
                        .color(theme::palette(ui).weak),
                );
            }
            ui.end_row();
            for (name, tip, words) in FIGURES {
                ui.label(name).on_hover_text(tip);
                for half in &shown.halves {
                    let words = half.as_ref().map_or_else(|_| "—".to_owned(), words);
                    ui.monospace(words);
                }
                ui.end_row();
            }
        });
}
