//! Two in one place: in turn, or with a divider between them.

use egui::{ComboBox, DragValue, Rect, Slider, Ui, UiBuilder, vec2};
use ptycho_core::metrics::region::Region;

use super::super::super::comparison::{Quantity, Shown};
use super::super::super::theme;
use super::super::super::widgets::image_pane::PaneData;
use super::super::super::widgets::{colour_bar, overlay};
use super::panes::PaneRow;
use super::{CompareView, Mode, value_row};

/// The two that are shown in one place.
pub(super) struct Together {
    pub(super) first: usize,
    pub(super) second: usize,
    /// Changes in a second.
    pub(super) rate_hz: f64,
    pub(super) is_held: bool,
    /// Column of the object that the divider stands at; the middle where not given.
    pub(super) divider: Option<f64>,
}

impl Default for Together {
    fn default() -> Self {
        Self {
            first: 0,
            // The reference, or whatever is last.
            second: usize::MAX,
            rate_hz: 1.0,
            is_held: false,
            divider: None,
        }
    }
}

impl Together {
    /// Which two, and how fast or where.
    pub(super) fn ui(&mut self, ui: &mut Ui, shown: &Shown, mode: Mode) {
        let last = shown.columns.len().saturating_sub(1);
        self.first = self.first.min(last);
        self.second = self.second.min(last);
        column_box(ui, shown, "First", &mut self.first);
        ui.label("and");
        column_box(ui, shown, "Second", &mut self.second);
        if mode == Mode::Blink {
            let rate = DragValue::new(&mut self.rate_hz)
                .range(0.2..=5.0)
                .speed(0.02)
                .max_decimals(1)
                .suffix(" changes/s");
            ui.add(rate)
                .on_hover_text("How often the two change places")
                .accessible_name("Blink rate");
            ui.toggle_value(&mut self.is_held, "⏸ Hold")
                .on_hover_text("Keep the first in sight");
            return;
        }
        let n_columns = shown.frame().1 as f64;
        let mut divider = self.divider_of(shown);
        let slider = Slider::new(&mut divider, 0.0..=n_columns)
            .max_decimals(0)
            .suffix(" px");
        let moved = ui
            .add(slider)
            .on_hover_text("Where the divider stands; it can also be dragged over the picture")
            .accessible_name("Divider");
        if moved.changed() {
            self.divider = Some(divider);
        }
    }

    fn divider_of(&self, shown: &Shown) -> f64 {
        let columns = &shown.comparison.area.columns;
        let middle = (columns.start + columns.end) as f64 / 2.0;
        self.divider.unwrap_or(middle)
    }

    /// Which of the two is in sight at this time, and when the other one is.
    fn turn(&self, time_s: f64) -> (usize, f64) {
        let turns = time_s * self.rate_hz;
        let is_second = (turns.floor() as i64).rem_euclid(2) == 1;
        let left_s = (1.0 - turns.fract()) / self.rate_hz;
        (if is_second { self.second } else { self.first }, left_s)
    }
}

fn column_box(ui: &mut Ui, shown: &Shown, name: &str, chosen: &mut usize) {
    let words = shown
        .columns
        .get(*chosen)
        .map_or("", |column| column.name.as_str());
    ComboBox::from_id_salt(name)
        .selected_text(words)
        .show_ui(ui, |ui| {
            for (i, column) in shown.columns.iter().enumerate() {
                ui.selectable_value(chosen, i, &column.name);
            }
        })
        .response
        .accessible_name(format!("{name} of both"));
}

impl CompareView {
    /// Phase and amplitude beside each other, as far as they are switched on, each of two arms.
    pub(super) fn two_in_one(&mut self, ui: &mut Ui, shown: &Shown, region: &Region) {
        if shown.columns.is_empty() {
            return;
        }
        let mut quantities: Vec<_> = Quantity::ALL
            .into_iter()
            .filter(|quantity| self.rows[quantity.index()])
            .collect();
        if quantities.is_empty() {
            quantities.push(Quantity::Phase);
        }
        let last = shown.columns.len() - 1;
        let both = [
            self.together.first.min(last),
            self.together.second.min(last),
        ];
        let whole = ui.available_rect_before_wrap();
        let gap = theme::GAP;
        let width = (whole.width() + gap) / quantities.len() as f32 - gap;
        let header = ui.spacing().interact_size.y + ui.spacing().item_spacing.y;
        let size = vec2(
            width - colour_bar::WIDTH,
            whole.height() - header - theme::GRID,
        );
        self.fit_to(size, shown);
        for (i, quantity) in quantities.into_iter().enumerate() {
            let row = value_row(quantity);
            self.pictures.pane(quantity.index()).shows_colour_bar = true;
            let corner = whole.min + vec2(i as f32 * (width + gap), 0.0);
            let place = Rect::from_min_size(corner, vec2(width, whole.height()));
            let child = UiBuilder::new()
                .max_rect(place)
                .id_salt(("two in one", quantity.index()));
            let mut ui = ui.new_child(child);
            match self.mode {
                Mode::Blink => self.blink(&mut ui, (row, both), (shown, region)),
                _ => self.swipe(&mut ui, (row, both), (shown, region)),
            }
        }
    }

    fn blink(
        &mut self,
        ui: &mut Ui,
        (row, both): (PaneRow, [usize; 2]),
        (shown, region): (&Shown, &Region),
    ) {
        let column = if self.together.is_held {
            both[0]
        } else {
            let (column, left_s) = self.together.turn(ui.input(|input| input.time));
            ui.ctx().request_repaint_after_secs(left_s as f32);
            column.min(shown.columns.len() - 1)
        };
        let drawn = self.pane(ui, (row, column), (shown, region));
        if let Some(viewport) = &drawn.viewport {
            overlay::corner_words(ui, viewport, &shown.columns[column].name, false);
        }
    }

    fn swipe(
        &mut self,
        ui: &mut Ui,
        (row, [first, second]): (PaneRow, [usize; 2]),
        (shown, region): (&Shown, &Region),
    ) {
        let divider = self.together.divider_of(shown);
        let drawn = self.pane(ui, (row, first), (shown, region));
        let (Some(viewport), Some(values)) =
            (drawn.viewport, self.values_of(row, &shown.columns[second]))
        else {
            return;
        };
        let quantity = row.quantity();
        let version = 2 * shown.version + u64::from(self.is_raw);
        let data = PaneData::real(values.view(), version, quantity.name(), quantity.unit());
        let mut look = *self.pictures.look(quantity.index());
        look.limits = look.limits.or(self.shared_limits(row, shown));
        let title = row.title(&shown.columns[second], &shown.comparison.reference);
        overlay::lay_over(ui, &title, (&data, &look), (&viewport, divider));
        self.marks(ui, &viewport, (shown, region));
        let name = |column: usize| shown.columns[column].name.as_str();
        overlay::corner_words(ui, &viewport, name(first), false);
        overlay::corner_words(ui, &viewport, name(second), true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_take_turns_at_the_stated_rate() {
        let together = Together {
            first: 3,
            second: 5,
            rate_hz: 2.0,
            ..Together::default()
        };
        let shown: Vec<_> = [0.1, 0.6, 1.1, 1.6]
            .map(|time| together.turn(time).0)
            .into();
        assert_eq!(shown, [3, 5, 3, 5]);
        assert!((together.turn(0.1).1 - 0.4).abs() < 1e-12);
    }
}
