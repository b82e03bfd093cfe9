//! The truth and the reconstructions that are compared with it.

use egui::{Button, Label, RichText, TextEdit, Ui};
use ptycho_core::study::compare::Refusal;

use super::super::super::command::Command;
use super::super::super::comparison::{Comparing, MOST_PICKS, Pick, Truth};
use super::super::super::document::{Document, Scan};
use super::super::super::files::Purpose;
use super::super::super::theme;
use super::super::side::{PathRow, heading, pressed};
use super::numbers::swatch;

/// What was asked of the list.
enum Asked {
    Up(usize),
    Remove(usize),
    /// Use its file as the truth.
    Truth(usize),
    Reference(usize),
}

/// Where the truth comes from.
pub(super) fn truth(
    ui: &mut Ui,
    comparing: &mut Comparing,
    scan: &Scan,
    commands: &mut Vec<Command>,
) {
    heading(ui, "Truth");
    let draft = &mut comparing.draft;
    let name = format!("Open scan: {}", scan.name());
    ui.radio_value(&mut draft.truth, Truth::Scan, name)
        .on_hover_text("The objectGuess of the scan that is open in the Data view");
    let tip = "The objectGuess of another dataset, in the same frame";
    ui.radio_value(&mut draft.truth, Truth::File, "File")
        .on_hover_text(tip);
    if draft.truth == Truth::File {
        ui.horizontal(|ui| {
            let row = PathRow {
                label: "",
                what: "truth",
                hint: "data.npz",
                tip: "A dataset with objectGuess\n\nFlag: --truth",
                label_width_pt: 0.0,
                beside_pt: 10.0 * theme::GRID,
            };
            if row.ui(ui, &mut draft.truth_file).is_browse_asked {
                commands.push(Command::ChooseForComparison(Purpose::CompareTruth));
            }
        });
    }
    ui.radio_value(&mut draft.truth, Truth::None, "None")
        .on_hover_text("One of the reconstructions serves as the reference");
    if let Some(note) = comparing.truth_note(scan) {
        let words = RichText::new(note).color(theme::palette(ui).weak);
        ui.add(Label::new(words).wrap());
    }
}

/// The reconstructions: names, order, refusals; results of this session that can be added.
pub(super) fn reconstructions(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    heading(ui, "Reconstructions");
    let Document {
        comparing, scan, ..
    } = document;
    let has_truth = comparing.truth(scan).is_some();
    let refusals: Vec<_> = comparing
        .draft
        .picks
        .iter()
        .map(|pick| comparing.refusal(pick).cloned())
        .collect();
    let reference = comparing.draft.reference_pick().cloned();
    let mut asked = None;
    let n = comparing.draft.picks.len();
    let mut colour = 0;
    for (i, pick) in comparing.draft.picks.iter_mut().enumerate() {
        let is_reference = !has_truth && reference.as_ref() == Some(pick);
        let refusal = refusals[i].as_ref();
        let of_curves = (!is_reference && refusal.is_none()).then_some(colour);
        colour += usize::from(of_curves.is_some());
        let about = (i, n, of_curves);
        asked = row(ui, (pick, about), (refusal, has_truth), is_reference).or(asked);
    }
    obey(comparing, asked);
    let is_full = MOST_PICKS <= n;
    ui.horizontal_wrapped(|ui| {
        let why_not = is_full.then_some("Six are the most that are shown side by side");
        let tip = "An NPZ with reconstructed_object; files can also be dropped on the window";
        if pressed(ui, Button::new("➕ Add…"), tip, why_not) {
            commands.push(Command::ChooseForComparison(Purpose::CompareResult));
        }
        let tip = "Take all of them off the list; files stay";
        if 0 < n && ui.button("Clear").on_hover_text(tip).clicked() {
            comparing.draft.picks.clear();
        }
    });
    session(ui, comparing, is_full, commands);
}

fn row(
    ui: &mut Ui,
    (pick, (i, n, colour)): (&mut Pick, (usize, usize, Option<usize>)),
    (refusal, has_truth): (Option<&Refusal>, bool),
    is_reference: bool,
) -> Option<Asked> {
    let mut asked = None;
    let file = pick.file.display().to_string();
    ui.horizontal(|ui| {
        match colour {
            Some(colour) => swatch(ui, colour),
            None => {
                ui.allocate_exact_size(egui::vec2(10.0, 10.0), egui::Sense::hover());
            }
        }
        let n_buttons = if has_truth { 2.0 } else { 3.0 };
        let width = ui.available_width() - n_buttons * 11.0 * theme::GRID;
        let edit = TextEdit::singleline(&mut pick.name).desired_width(width.max(40.0));
        ui.add(edit)
            .on_hover_text(format!("Short name, on panes and in tables\n\n{file}"))
            .accessible_name(format!("Name of arm {}", i + 1));
        let name = &pick.name;
        let up = ui.add_enabled(0 < i, Button::new("⬆"));
        if up
            .on_hover_text("Further to the left among the panes")
            .accessible_name(format!("Move {name} up"))
            .clicked()
        {
            asked = Some(Asked::Up(i));
        }
        if !has_truth
            && ui
                .selectable_label(is_reference, "ref")
                .on_hover_text("The others are compared with this one")
                .accessible_name(format!("Make {name} the reference"))
                .clicked()
            && 1 < n
        {
            asked = Some(Asked::Reference(i));
        }
        if ui
            .button("✖")
            .on_hover_text("Take it off the list; its file stays")
            .accessible_name(format!("Remove {name}"))
            .clicked()
        {
            asked = Some(Asked::Remove(i));
        }
    });
    if let Some(refusal) = refusal {
        let words = format!("✖ {} is not compared: {}", refusal.name, refusal.reason);
        let words = RichText::new(words).color(theme::palette(ui).bad);
        ui.add(Label::new(words).wrap().selectable(true));
        let tip = "A dataset with objectGuess is a truth, not a reconstruction";
        if ui
            .button("Use it as the truth")
            .on_hover_text(tip)
            .accessible_name(format!("Use {} as the truth", refusal.name))
            .clicked()
        {
            asked = Some(Asked::Truth(i));
        }
    }
    asked
}

fn obey(comparing: &mut Comparing, asked: Option<Asked>) {
    let draft = &mut comparing.draft;
    match asked {
        None => {}
        Some(Asked::Up(i)) => draft.picks.swap(i - 1, i),
        Some(Asked::Remove(i)) => {
            draft.picks.remove(i);
        }
        Some(Asked::Truth(i)) => {
            let pick = draft.picks.remove(i);
            draft.truth = Truth::File;
            draft.truth_file = pick.file.display().to_string();
        }
        Some(Asked::Reference(i)) => draft.reference = Some(draft.picks[i].file.clone()),
    }
}

/// What this window has made, the newest first.
fn session(ui: &mut Ui, comparing: &Comparing, is_full: bool, commands: &mut Vec<Command>) {
    let picks = &comparing.draft.picks;
    let others: Vec<_> = comparing
        .results
        .iter()
        .rev()
        .filter(|result| picks.iter().all(|pick| pick.file != result.file))
        .collect();
    if others.is_empty() {
        return;
    }
    ui.add_space(theme::GRID);
    ui.label(RichText::new("Results of this session").color(theme::palette(ui).weak));
    for result in others {
        let words = format!("➕ {}", result.name);
        let tip = format!("{}\nof {}", result.file.display(), result.data.display());
        if ui
            .add_enabled(!is_full, Button::new(words).truncate())
            .on_hover_text(tip)
            .accessible_name(format!("Add {}", result.name))
            .clicked()
        {
            commands.push(Command::AddToComparison(vec![result.file.clone()]));
        }
    }
}
