//! What the sides and bars of the views share, so that they look and speak alike.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use egui::{Button, Label, Panel, Response, RichText, TextEdit, Ui, WidgetText, vec2};

use super::super::chrome::action_button;
use super::super::command::{Action, Command};
use super::super::document::{Check, CheckState, Document};
use super::super::theme;

/// How much of the window a side takes at first.
const SIDE_SHARE: f32 = 0.3;
/// By how much it may be made narrower than it ever is at first, in points.
const NARROWER: f32 = 30.0;
/// Height of the buttons that start and stop, in points.
const BUTTON_HEIGHT: f32 = 28.0;

/// The left side of a view: at first as wide as the window bears, within `width_pt`.
pub fn left_side(
    ui: &mut Ui,
    id: &'static str,
    width_pt: RangeInclusive<f32>,
    contents: impl FnOnce(&mut Ui),
) {
    let (least, most) = width_pt.into_inner();
    Panel::left(id)
        .resizable(true)
        .default_size((ui.available_width() * SIDE_SHARE).clamp(least, most))
        .min_size(least - NARROWER)
        .show(ui, contents);
}

/// What the side is about, and undo and redo beside it.
pub fn title_row(ui: &mut Ui, title: &str, document: &Document, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        ui.strong(title);
        action_button(ui, Action::Undo, document.can_undo(), commands);
        action_button(ui, Action::Redo, document.can_redo(), commands);
    });
}

/// The words over a part of the side.
pub fn heading(ui: &mut Ui, words: &str) {
    ui.add_space(theme::GAP);
    ui.strong(words);
}

/// What is wrong with the field above.
pub fn problem(ui: &mut Ui, words: &str) {
    let words = RichText::new(format!("✖ {words}")).color(theme::palette(ui).bad);
    ui.add(Label::new(words).wrap().selectable(true));
}

/// One line of what is looked at before a run, with what would mend it.
pub fn check_line(ui: &mut Ui, check: &Check, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let (icon, color) = match check.state {
        // Nothing is wrong while it is being looked at.
        CheckState::Blocking if check.text.ends_with('…') => ("⌛", palette.weak),
        CheckState::Good => ("✔", palette.ok),
        CheckState::Warning => ("⚠", palette.warn),
        CheckState::Blocking => ("✖", palette.bad),
    };
    ui.horizontal_wrapped(|ui| {
        ui.colored_label(color, icon);
        ui.add(Label::new(&check.text).wrap().selectable(true));
        if let Some(fix) = check.fix {
            action_button(ui, fix, true, commands);
        }
    });
}

/// A button as large as those that start and stop.
pub fn large_button<'a>(words: impl Into<WidgetText>, width_pt: f32) -> Button<'a> {
    Button::new(words.into()).min_size(vec2(width_pt, BUTTON_HEIGHT))
}

/// A button, or why it cannot be pressed; true where it was.
pub fn pressed(ui: &mut Ui, button: Button<'_>, tip: &str, why_not: Option<&str>) -> bool {
    ui.add_enabled(why_not.is_none(), button)
        .on_hover_text(tip)
        .on_disabled_hover_text(why_not.unwrap_or_default())
        .clicked()
}

/// Shows a folder once it is there; tip and why it cannot yet.
pub fn open_folder_button(
    ui: &mut Ui,
    folder: Option<PathBuf>,
    (tip, why_not): (&str, &str),
    commands: &mut Vec<Command>,
) {
    let folder = folder.filter(|folder| folder.is_dir());
    let why_not = folder.is_none().then_some(why_not);
    if pressed(ui, Button::new("Open folder"), tip, why_not) {
        commands.extend(folder.map(Command::OpenFolder));
    }
}

/// A path that is typed or browsed for.
#[derive(Clone, Copy, Debug)]
pub struct PathRow<'a> {
    pub label: &'a str,
    /// Words that follow "Browse for the".
    pub what: &'a str,
    /// Words in the empty field.
    pub hint: &'a str,
    pub tip: &'a str,
    /// Room for the label, so that the fields below each other begin alike, in points.
    pub label_width_pt: f32,
    /// Room for what stands beside the field, in points.
    pub beside_pt: f32,
}

/// What became of a path's row.
#[derive(Clone, Copy, Debug)]
pub struct PathResponse {
    pub is_changed: bool,
    pub is_browse_asked: bool,
}

impl PathRow<'_> {
    /// Draw label, field and button in the present row.
    pub fn ui(&self, ui: &mut Ui, text: &mut String) -> PathResponse {
        let label = self.label(ui);
        let width = (ui.available_width() - self.beside_pt).max(20.0 * theme::GRID);
        // The field may be narrower than the path.
        let tip = format!("{text}\n\n{}", self.tip);
        let edit = TextEdit::singleline(text)
            .desired_width(width)
            .hint_text(self.hint);
        let response = ui.add(edit).labelled_by(label.id).on_hover_text(tip.trim());
        let browse = ui
            .button("…")
            .on_hover_text(format!("Choose the {}", self.what))
            .accessible_name(format!("Browse for the {}", self.what));
        PathResponse {
            is_changed: response.changed(),
            is_browse_asked: browse.clicked(),
        }
    }

    fn label(&self, ui: &mut Ui) -> Response {
        wide_label(ui, self.label, self.label_width_pt)
    }
}

/// A label in a column of labels.
pub fn wide_label(ui: &mut Ui, words: &str, width_pt: f32) -> Response {
    ui.horizontal(|ui| {
        ui.set_min_width(width_pt);
        ui.label(words)
    })
    .inner
}

/// Back to what is found without a word of the user's; true where it was pressed.
pub fn reset_button(ui: &mut Ui, name: &str, tip: &str, is_enabled: bool) -> bool {
    ui.add_enabled(is_enabled, Button::new("↺").frame(false))
        .on_hover_text(tip)
        .accessible_name(format!("Reset {name}"))
        .clicked()
}
