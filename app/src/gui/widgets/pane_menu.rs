//! The menu of an image pane: every choice of how an array is shown.

use std::sync::Arc;

use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{DragValue, PopupCloseBehavior, Ui};
use ptycho_core::paint::colormap::{ColorMap, Map};
use ptycho_core::paint::component::Component;
use ptycho_core::paint::limits::Limits;
use ptycho_core::paint::picture::{Look, Picture};

use crate::gui::theme;
use crate::gui::widgets::image_pane::{ImagePane, Shown};
use crate::gui::widgets::viewport::LinkedView;

/// What the menu asks of the pane.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    pub(super) is_export_asked: bool,
    pub(super) is_copy_asked: bool,
}

/// The menu's button.
pub(super) fn show(
    ui: &mut Ui,
    pane: &mut ImagePane,
    Shown { title, data }: Shown<'_, '_>,
    picture: Option<&Arc<Picture>>,
    view: &mut LinkedView,
) -> Asked {
    let mut asked = Asked::default();
    let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let (button, _) = MenuButton::new("⛭").config(config).ui(ui, |ui| {
        ui.set_width(72.0 * theme::GRID);
        let is_complex = data.image.is_complex();
        if is_complex {
            components(ui, &mut pane.look);
        }
        maps(ui, &mut pane.look, is_complex);
        limits(ui, &mut pane.look, is_complex, picture);
        if !is_complex || pane.look.component == Component::Amplitude {
            logarithm(ui, &mut pane.look);
        }
        ui.separator();
        switches(ui, pane);
        ui.separator();
        asked = actions(ui, pane, view);
    });
    button
        .on_hover_text("Component, colours, limits, export")
        .accessible_name(format!("Display of {title}"));
    asked
}

fn components(ui: &mut Ui, look: &mut Look) {
    ui.strong("Show");
    ui.horizontal_wrapped(|ui| {
        for component in Component::ALL {
            let label = match component {
                Component::HueLightness => "hue-lightness",
                other => other.name(),
            };
            if ui
                .selectable_label(look.component == component, label)
                .clicked()
                && look.component != component
            {
                // Limits and map of one quantity mean nothing for another.
                look.component = component;
                look.limits = None;
                look.color_map = None;
            }
        }
    });
    ui.checkbox(&mut look.is_ramp_removed, "Remove phase ramp and offset")
        .on_hover_text(
            "For display only: a ramp on the object and the opposite one on the probe give the same data",
        );
}

fn maps(ui: &mut Ui, look: &mut Look, is_complex: bool) {
    if is_complex && look.component == Component::HueLightness {
        return;
    }
    ui.strong("Colour map");
    let used = look.used_map(is_complex);
    ui.horizontal_wrapped(|ui| {
        for map in Map::ALL {
            let response = ui
                .selectable_label(used.map == map, map.name())
                .on_hover_text(map.purpose());
            if response.clicked() {
                look.color_map = Some(ColorMap { map, ..used });
            }
        }
    });
    let mut is_reversed = used.is_reversed;
    if ui.checkbox(&mut is_reversed, "Reversed").changed() {
        look.color_map = Some(ColorMap {
            is_reversed,
            ..used
        });
    }
}

fn limits(ui: &mut Ui, look: &mut Look, is_complex: bool, picture: Option<&Arc<Picture>>) {
    ui.strong("Limits");
    let used = look.used_limits(is_complex);
    let shown = picture.map(|picture| (picture.limits.min, picture.limits.max));
    ui.horizontal_wrapped(|ui| {
        if ui
            .selectable_label(look.limits.is_none(), "auto")
            .on_hover_text("What suits the quantity; key A")
            .clicked()
        {
            look.limits = None;
        }
        let (min, max) = shown.unwrap_or((0.0, 1.0));
        let manual = Limits::Manual { min, max };
        for (policy, label) in [
            (Limits::MinMax, "min-max"),
            (Limits::AUTO, "percentile"),
            (Limits::Symmetric, "symmetric"),
            (manual, "manual"),
        ] {
            let is_chosen = look.limits.is_some()
                && std::mem::discriminant(&used) == std::mem::discriminant(&policy);
            if ui.selectable_label(is_chosen, label).clicked() && !is_chosen {
                look.limits = Some(policy);
            }
        }
    });
    match &mut look.limits {
        Some(Limits::Percentile {
            low_percent,
            high_percent,
        }) => {
            ui.horizontal(|ui| {
                ui.label("from");
                percent(ui, low_percent, "Low percentile");
                ui.label("to");
                percent(ui, high_percent, "High percentile");
            });
        }
        Some(Limits::Manual { min, max }) => {
            let speed = ((*max - *min).abs() * 0.005).max(1e-9);
            ui.horizontal(|ui| {
                ui.label("from");
                ui.add(DragValue::new(min).speed(speed).max_decimals(9))
                    .accessible_name("Lower limit");
                ui.label("to");
                ui.add(DragValue::new(max).speed(speed).max_decimals(9))
                    .accessible_name("Upper limit");
            });
        }
        _ => {}
    }
}

fn percent(ui: &mut Ui, value: &mut f64, name: &str) {
    let drag = DragValue::new(value)
        .range(0.0..=100.0)
        .speed(0.1)
        .suffix(" %");
    ui.add(drag).on_hover_text(name).accessible_name(name);
}

fn logarithm(ui: &mut Ui, look: &mut Look) {
    ui.horizontal(|ui| {
        if ui.checkbox(&mut look.is_log10, "Logarithm").changed() {
            // Limits by hand are in the other scale.
            look.limits = None;
        }
        if look.is_log10 {
            ui.label("floor");
            let speed = look.log_floor * 0.05;
            let drag = DragValue::new(&mut look.log_floor)
                .range(1e-12..=1e12)
                .speed(speed)
                .max_decimals(12);
            ui.add(drag)
                .on_hover_text("Lesser values are raised to this one before the logarithm")
                .accessible_name("Logarithm floor");
        }
    });
}

fn switches(ui: &mut Ui, pane: &mut ImagePane) {
    ui.horizontal_wrapped(|ui| {
        ui.checkbox(&mut pane.shows_histogram, "Histogram");
        ui.checkbox(&mut pane.has_log_counts, "Log counts");
        ui.checkbox(&mut pane.shows_scale_bar, "Scale bar");
    });
}

fn actions(ui: &mut Ui, pane: &mut ImagePane, view: &mut LinkedView) -> Asked {
    let mut asked = Asked::default();
    ui.horizontal_wrapped(|ui| {
        if ui
            .button("Fit")
            .on_hover_text("Home, or double click")
            .clicked()
        {
            view.fit();
        }
        if ui.button("Reset display").clicked() {
            *pane = ImagePane {
                look: Look {
                    component: pane.look.component,
                    ..Look::default()
                },
                ..ImagePane::default()
            };
        }
        if ui.button("Copy image").on_hover_text("Ctrl+C").clicked() {
            asked.is_copy_asked = true;
            ui.close();
        }
        if ui.button("Export PNG…").clicked() {
            asked.is_export_asked = true;
            ui.close();
        }
    });
    asked
}
