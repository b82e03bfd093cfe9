//! The histogram of distances to the nearest other one, with S marked.

use egui::{Mesh, Rect, Role, Sense, Stroke, TextStyle, Ui, WidgetInfo, pos2, vec2};
use ptycho_core::paint::ticks;

use super::super::super::command::Command;
use super::super::super::files::Purpose;
use super::super::super::theme;
use super::super::super::thinning::export::DistanceBins;
use super::super::super::thinning::{Subject, Thinning};
use super::OverlapView;

const LEFT_MARGIN: f32 = 11.0 * theme::GRID;
const LOWER_MARGIN: f32 = 9.0 * theme::GRID;

impl OverlapView {
    pub(super) fn histogram_tile(
        &mut self,
        ui: &mut Ui,
        thinning: &Thinning,
        subject: &Subject,
        commands: &mut Vec<Command>,
    ) {
        self.half = self.half.min(subject.halves.len().saturating_sub(1));
        ui.horizontal_wrapped(|ui| {
            ui.strong("Nearest neighbours");
            if 1 < subject.halves.len() {
                for (i, half) in subject.halves.iter().enumerate() {
                    ui.selectable_value(&mut self.half, i, &half.name);
                }
            }
            ui.toggle_value(&mut self.has_log_counts, "log counts");
            let save = ui
                .button("CSV…")
                .on_hover_text("Save the histogram as comma-separated values")
                .accessible_name("Save the histogram as CSV");
            if save.clicked() {
                commands.push(Command::ChooseForViews(Purpose::SaveHistogram));
            }
        });
        let shown = thinning
            .shown
            .as_ref()
            .and_then(|shown| shown.half(self.half));
        let Some(shown) = shown else {
            ui.weak("No view can be formed: there is nothing to count.");
            return;
        };
        let what = match shown.plan.spacing_settings.apply_to {
            ptycho_core::grouping::ApplyTo::Groups => "group centres",
            ptycho_core::grouping::ApplyTo::Positions => "positions",
        };
        ui.horizontal_wrapped(|ui| {
            let palette = theme::palette(ui);
            ui.colored_label(palette.weak, format!("■ all {what}"));
            ui.colored_label(theme::series_colour(ui, 2), "■ kept");
            ui.colored_label(
                palette.bad,
                format!("│ S = {:.1} px", shown.plan.spacing_px),
            );
        });
        let bins = DistanceBins::of(shown);
        draw(ui, &bins, shown.plan.spacing_px, self.has_log_counts);
    }
}

fn draw(ui: &mut Ui, bins: &DistanceBins, spacing_px: f64, is_log: bool) {
    let size = ui.available_size().max(vec2(120.0, 80.0));
    let (whole, response) = ui.allocate_exact_size(size, Sense::hover());
    let rect = Rect::from_min_max(
        whole.min + vec2(LEFT_MARGIN, theme::GAP),
        whole.max - vec2(theme::GAP, LOWER_MARGIN),
    );
    response
        .widget_info(|| WidgetInfo::labeled(Role::Image, true, "Histogram of nearest neighbours"));
    let palette = theme::palette(ui);
    ui.painter().rect_filled(rect, 0.0, palette.field);
    let Some(last) = bins.edges_px.last().copied().filter(|last| *last > 0.0) else {
        return;
    };
    let greatest = bins
        .all
        .iter()
        .chain(&bins.kept)
        .copied()
        .max()
        .unwrap_or(0);
    let height = |count: f64| if is_log { (1.0 + count).log10() } else { count };
    let top = height(greatest.max(1) as f64);
    let x = |px: f64| rect.left() + (px / last) as f32 * rect.width();
    let y = |count: f64| rect.bottom() - (height(count) / top) as f32 * rect.height();
    for (counts, colour) in [
        (&bins.all, palette.histogram.gamma_multiply(0.6)),
        (&bins.kept, theme::series_colour(ui, 2)),
    ] {
        let mut mesh = Mesh::default();
        for (i, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let corner = pos2(x(bins.edges_px[i]), y(*count as f64));
            let bar =
                Rect::from_min_max(corner, pos2(x(bins.edges_px[i + 1]) - 1.0, rect.bottom()));
            mesh.add_colored_rect(bar, colour);
        }
        ui.painter().add(mesh);
    }
    if spacing_px <= last {
        let at = x(spacing_px);
        ui.painter()
            .vline(at, rect.y_range(), Stroke::new(2.0, palette.bad));
    }
    axes(ui, rect, (last, greatest), (&x, &y));
    if let Some(at) = response.hover_pos().filter(|at| rect.contains(*at)) {
        let px = f64::from((at.x - rect.left()) / rect.width()) * last;
        let i = bins.edges_px.iter().rposition(|edge| *edge <= px);
        let i = i.unwrap_or(0).min(bins.all.len() - 1);
        let words = format!(
            "{:.2} – {:.2} px: {} of all, {} kept",
            bins.edges_px[i],
            bins.edges_px[i + 1],
            bins.all[i],
            bins.kept[i]
        );
        response.on_hover_text_at_pointer(words);
    }
}

fn axes(
    ui: &Ui,
    rect: Rect,
    (last, greatest): (f64, usize),
    (x, y): (&dyn Fn(f64) -> f32, &dyn Fn(f64) -> f32),
) {
    let palette = theme::palette(ui);
    let font = TextStyle::Small.resolve(ui.style());
    let painter = ui.painter();
    let n_ticks = ((rect.width() / (14.0 * theme::GRID)) as usize).clamp(2, 10);
    let values = ticks::ticks(0.0, last, n_ticks);
    for (value, label) in values.iter().zip(ticks::labels(&values)) {
        let at = pos2(x(*value), rect.bottom() + theme::GRID);
        painter.vline(at.x, rect.bottom()..=at.y, (1.0, palette.text));
        painter.text(
            at,
            egui::Align2::CENTER_TOP,
            label,
            font.clone(),
            palette.text,
        );
    }
    for count in [0, greatest / 2, greatest] {
        let at = pos2(rect.left() - theme::GRID, y(count as f64));
        painter.text(
            at,
            egui::Align2::RIGHT_CENTER,
            count.to_string(),
            font.clone(),
            palette.text,
        );
    }
    let below = pos2(rect.center().x, rect.bottom() + 4.5 * theme::GRID);
    painter.text(
        below,
        egui::Align2::CENTER_TOP,
        "distance to the nearest other one, px",
        font,
        palette.weak,
    );
}
