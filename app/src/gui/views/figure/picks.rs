//! Which view, doses and columns are drawn.

use egui::{Button, ComboBox, RichText, Ui};
use ptycho_core::study::panels::{
    Choice, DIFFRACTION, FigureDesign, TRUTH, ViewArms, arm_words, views,
};
use ptycho_core::study::plan::Plan;

use super::super::super::figure::Figuring;
use super::super::super::theme;
use super::super::side::{heading, reset_button};

/// Draw the pickers.
pub(super) fn picks(ui: &mut Ui, figuring: &mut Figuring, plan: &Plan) {
    let mut design = figuring.design(plan);
    let before = design.clone();
    let views = views(plan);
    let choice = Choice::of(plan, &design).ok();
    let chosen = choice.as_ref().map_or("", |choice| choice.view.as_str());
    heading(ui, "Rows and columns");
    view(ui, &views, chosen, &mut design);
    let doses = choice.as_ref().map_or(&[][..], |choice| &choice.doses);
    rows(ui, &plan.doses, doses, &mut design);
    let arms = views.iter().find(|view| view.view == chosen);
    let columns = choice.as_ref().map_or(&[][..], |choice| &choice.columns);
    self::columns(ui, arms, columns, &mut design);
    if design != before {
        figuring.set_design(plan, design);
    }
}

fn view(ui: &mut Ui, views: &[ViewArms], chosen: &str, design: &mut FigureDesign) {
    ui.horizontal(|ui| {
        let label = ui.label("View");
        ComboBox::from_id_salt("figure view")
            .selected_text(chosen)
            .show_ui(ui, |ui| {
                for known in views {
                    let is_chosen = known.view == chosen;
                    if ui.selectable_label(is_chosen, &known.view).clicked() && !is_chosen {
                        design.view.clone_from(&known.view);
                        // Another view has other arms.
                        design.columns.clear();
                    }
                }
            })
            .response
            .labelled_by(label.id)
            .on_hover_text("View whose arms are drawn\n\nFlag: --view");
    });
}

fn rows(ui: &mut Ui, known: &[f64], chosen: &[f64], design: &mut FigureDesign) {
    ui.horizontal_wrapped(|ui| {
        ui.label("Doses")
            .on_hover_text("One row each, the highest on top\n\nFlag: --doses");
        let mut all = known.to_vec();
        all.sort_by(|a, b| b.total_cmp(a));
        for dose in &all {
            let mut is_shown = chosen.contains(dose);
            let is_last = is_shown && chosen.len() == 1;
            let words = format!("{dose:e}");
            let check = ui.add_enabled(!is_last, egui::Checkbox::new(&mut is_shown, words));
            if check.on_disabled_hover_text("One row at least").changed() {
                let shown = |of: &&f64| {
                    if *of == dose {
                        is_shown
                    } else {
                        chosen.contains(of)
                    }
                };
                design.doses = all.iter().filter(shown).copied().collect();
            }
        }
    });
}

/// What a column is called.
fn words(column: &str) -> String {
    match column {
        DIFFRACTION => "Diffraction".to_owned(),
        TRUTH => "Truth".to_owned(),
        arm => arm_words(arm),
    }
}

fn columns(ui: &mut Ui, view: Option<&ViewArms>, chosen: &[String], design: &mut FigureDesign) {
    ui.horizontal(|ui| {
        ui.label("Columns")
            .on_hover_text("From left to right\n\nFlag: --columns");
        let tip = "Diffraction, MAE and NLL, as far as the study has them";
        if reset_button(ui, "columns", tip, !design.columns.is_empty()) {
            design.columns.clear();
        }
    });
    for (i, column) in chosen.iter().enumerate() {
        ui.horizontal(|ui| {
            let name = words(column);
            let up = ui.add_enabled(0 < i, Button::new("⬆"));
            if up
                .on_hover_text("Further to the left")
                .accessible_name(format!("Move {name} to the left"))
                .clicked()
            {
                design.columns = chosen.to_vec();
                design.columns.swap(i - 1, i);
            }
            let remove = ui.add_enabled(1 < chosen.len(), Button::new("✖"));
            if remove
                .on_hover_text("Leave it out")
                .on_disabled_hover_text("One column at least")
                .accessible_name(format!("Leave {name} out"))
                .clicked()
            {
                design.columns = chosen.to_vec();
                design.columns.remove(i);
            }
            ui.label(name).on_hover_text(column);
        });
    }
    let others = [DIFFRACTION, TRUTH].into_iter();
    let arms = view.map_or(&[][..], |view| &view.arms);
    let others = others.chain(arms.iter().map(String::as_str));
    let others: Vec<&str> = others
        .filter(|name| chosen.iter().all(|known| known != name))
        .collect();
    ui.horizontal_wrapped(|ui| {
        for other in others {
            let name = words(other);
            let add =
                Button::new(RichText::new(format!("➕ {name}")).color(theme::palette(ui).weak));
            if ui
                .add(add)
                .on_hover_text(format!("Add the column {other}"))
                .accessible_name(format!("Add {name}"))
                .clicked()
            {
                design.columns = chosen.to_vec();
                design.columns.push(other.to_owned());
            }
        }
    });
}
