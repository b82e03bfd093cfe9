//! The bar beside a picture: colours, round values, quantity and unit.

use egui::epaint::TextShape;
use egui::text::{LayoutJob, TextWrapping};
use egui::{Mesh, Pos2, Rect, Sense, TextStyle, Ui, pos2, vec2};
use ptycho_core::paint::picture::Bar;
use ptycho_core::paint::ticks;

use crate::gui::theme;

const STRIP_WIDTH: f32 = 3.5 * theme::GRID;
/// The same for all panes, so that pictures side by side are of one size.
pub(crate) const WIDTH: f32 = 21.0 * theme::GRID;
const SPACE_PER_TICK: f32 = 9.0 * theme::GRID;

/// Draw the bar into `rect`, whose width is [`WIDTH`].
pub(crate) fn show(ui: &Ui, rect: Rect, bar: &Bar, title: &str) {
    let response = ui.interact(rect, ui.scope_id().with("colour bar"), Sense::hover());
    let ends = format!(
        "{} to {}",
        ticks::value_text(bar.min),
        ticks::value_text(bar.max)
    );
    response.widget_info(|| {
        let name = format!("Colour bar of {title}: {}, {ends}", bar.label);
        egui::WidgetInfo::labeled(egui::Role::Image, true, name)
    });
    response.on_hover_text(format!("{}\n{ends}", bar.label));
    let strip = Rect::from_min_size(
        rect.min + vec2(theme::GAP, 0.0),
        vec2(STRIP_WIDTH, rect.height()),
    );
    strip_of_colours(ui, strip, bar);
    tick_labels(ui, strip, bar);
    turned_label(ui, rect, &bar.label);
}

fn strip_of_colours(ui: &Ui, strip: Rect, bar: &Bar) {
    let mut mesh = Mesh::default();
    let n = bar.colours.len();
    for (i, &colour) in bar.colours.iter().enumerate() {
        let y = |share: f32| strip.bottom() - share * strip.height();
        let cell = Rect::from_min_max(
            pos2(strip.left(), y((i + 1) as f32 / n as f32)),
            pos2(strip.right(), y(i as f32 / n as f32)),
        );
        mesh.add_colored_rect(cell, theme::screen_colour(colour));
    }
    ui.painter().add(mesh);
    let stroke = (1.0, theme::palette(ui).line);
    ui.painter()
        .rect_stroke(strip, 0.0, stroke, egui::StrokeKind::Outside);
}

fn tick_labels(ui: &Ui, strip: Rect, bar: &Bar) {
    let palette = theme::palette(ui);
    let font = TextStyle::Small.resolve(ui.style());
    let n_wanted = ((strip.height() / SPACE_PER_TICK) as usize).clamp(1, 8);
    let values = ticks::ticks(bar.min, bar.max, n_wanted);
    let span = bar.max - bar.min;
    for (&value, label) in values.iter().zip(ticks::labels(&values)) {
        let share = if span > 0.0 {
            ((value - bar.min) / span) as f32
        } else {
            0.5
        };
        let y = strip.bottom() - share * strip.height();
        let x = strip.right();
        ui.painter()
            .hline(x..=x + theme::GRID, y, (1.0, palette.text));
        let galley = ui
            .painter()
            .layout_no_wrap(label, font.clone(), palette.text);
        // The outermost labels stay within the bar's height.
        let half = galley.size().y / 2.0;
        let top = (y - half).clamp(strip.top(), (strip.bottom() - 2.0 * half).max(strip.top()));
        ui.painter()
            .galley(pos2(x + 1.5 * theme::GRID, top), galley, palette.text);
    }
}

/// Quantity and unit, reading upwards along the right edge.
fn turned_label(ui: &Ui, rect: Rect, label: &str) {
    let colour = theme::palette(ui).text;
    let font = TextStyle::Small.resolve(ui.style());
    let mut job = LayoutJob::simple_singleline(label.to_owned(), font, colour);
    job.wrap = TextWrapping::truncate_at_width(rect.height());
    let galley = ui.painter().layout_job(job);
    let at = Pos2::new(
        rect.right() - galley.size().y,
        rect.center().y + galley.size().x / 2.0,
    );
    let text = TextShape::new(at, galley, colour).with_angle(-std::f32::consts::FRAC_PI_2);
    ui.painter().add(text);
}
