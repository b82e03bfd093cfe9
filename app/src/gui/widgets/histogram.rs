//! The histogram under a picture, with a handle at each limit.

use egui::accesskit::Action;
use egui::{EventFilter, Id, Key, Mesh, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use ptycho_core::paint::limits::{Limits, ResolvedLimits};
use ptycho_core::paint::ticks::value_text;

use crate::gui::theme;

pub(super) const HEIGHT: f32 = 10.0 * theme::GRID;
pub(super) const N_BINS: usize = 128;
const HANDLE_WIDTH: f32 = 2.0 * theme::GRID;
/// What one press of an arrow key moves a handle by, as a share of the data's range.
const KEY_STEP: f64 = 0.01;

/// Draw the strip; the new limits where a handle was moved.
pub(super) fn show(
    ui: &Ui,
    rect: Rect,
    (counts, limits): (&[usize], &ResolvedLimits),
    is_log: bool,
    title: &str,
) -> Option<Limits> {
    let palette = theme::palette(ui);
    ui.painter().rect_filled(rect, 2.0, palette.field);
    // Room for the handles at both ends.
    let rect = rect.shrink2(vec2(HANDLE_WIDTH / 2.0, 0.0));
    bars(ui, rect, counts, is_log);
    if limits.is_constant() {
        return None;
    }
    let ends = [limits.min, limits.max];
    let mut moved = ends;
    for (i, name) in ["Lower", "Upper"].into_iter().enumerate() {
        let label = format!("{name} limit of {title}");
        if let Some(value) = handle(ui, rect, limits, ends[i], &label) {
            moved[i] = value;
        }
    }
    (moved != ends).then(|| Limits::Manual {
        min: moved[0].min(moved[1]),
        max: moved[0].max(moved[1]),
    })
}

fn bars(ui: &Ui, rect: Rect, counts: &[usize], is_log: bool) {
    let height = |count: usize| {
        let count = count as f32;
        if is_log { (1.0 + count).ln() } else { count }
    };
    let greatest = counts.iter().copied().map(height).fold(0.0, f32::max);
    if greatest <= 0.0 {
        return;
    }
    let colour = theme::palette(ui).histogram;
    let width = rect.width() / counts.len() as f32;
    let mut mesh = Mesh::default();
    for (i, &count) in counts.iter().enumerate() {
        let left = rect.left() + i as f32 * width;
        let top = rect.bottom() - rect.height() * height(count) / greatest;
        let bar = Rect::from_min_max(pos2(left, top), pos2(left + width, rect.bottom()));
        mesh.add_colored_rect(bar, colour);
    }
    ui.painter().add(mesh);
}

/// One handle at `value`; where it was moved to, if it was.
fn handle(ui: &Ui, rect: Rect, limits: &ResolvedLimits, value: f64, label: &str) -> Option<f64> {
    let span = limits.data_max - limits.data_min;
    let share = ((value - limits.data_min) / span).clamp(0.0, 1.0) as f32;
    let x = rect.left() + share * rect.width();
    let grip = Rect::from_center_size(pos2(x, rect.center().y), vec2(HANDLE_WIDTH, rect.height()));
    let id = ui.scope_id().with(label);
    let response = ui
        .interact(grip, id, Sense::click_and_drag())
        .on_hover_and_drag_cursor(egui::CursorIcon::ResizeHorizontal)
        .on_hover_text(format!("{label}: {}", value_text(value)));
    let mut moved = None;
    if response.dragged()
        && let Some(at) = response.interact_pointer_pos()
    {
        let share = f64::from((at.x - rect.left()) / rect.width()).clamp(0.0, 1.0);
        moved = Some(limits.data_min + share * span);
    }
    let steps = key_steps(ui, id, response.has_focus());
    if steps != 0.0 {
        moved = Some(value + steps * KEY_STEP * span);
    }
    response.widget_info(|| WidgetInfo::slider(true, value, label));
    ui.ctx().accesskit_node_builder(id, |node| {
        node.set_role(Role::Slider);
        node.add_action(Action::Increment);
        node.add_action(Action::Decrement);
    });
    let palette = theme::palette(ui);
    let is_active = response.hovered() || response.has_focus() || response.dragged();
    let colour = if is_active {
        palette.accent
    } else {
        palette.strong
    };
    ui.painter().vline(x, rect.y_range(), (1.5, colour));
    let knob = Rect::from_center_size(pos2(x, rect.bottom() - theme::GRID), vec2(6.0, 8.0));
    ui.painter().rect_filled(knob, 1.0, colour);
    moved
}

fn key_steps(ui: &Ui, id: Id, has_focus: bool) -> f64 {
    let requests = |action| ui.input(|input| input.num_accesskit_action_requests(id, action));
    let mut steps = requests(Action::Increment) as f64 - requests(Action::Decrement) as f64;
    if has_focus {
        let filter = EventFilter {
            horizontal_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        let pressed = |key| ui.input(|input| input.num_presses(key)) as f64;
        steps += pressed(Key::ArrowRight) - pressed(Key::ArrowLeft);
    }
    steps
}
