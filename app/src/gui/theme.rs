//! Every colour, distance and text size of the window.
//!
//! Text of every kind reaches a contrast of 4.5 : 1 against the panels of its theme, and no meaning
//! hangs on a colour alone: a verdict is an icon, a word and a colour.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the place where colours live"
)]

use egui::epaint::text::{FontInsert, FontPriority, InsertFontFamily};
use egui::{Color32, Context, FontData, FontFamily, FontId, Stroke, TextStyle, Ui, Visuals, vec2};
use ptycho_core::data::Verdict;
use ptycho_core::paint::colormap::Colour;
use serde::{Deserialize, Serialize};

/// The grid: distances are whole multiples of this, in points.
pub const GRID: f32 = 4.0;
/// Distance between neighbouring things.
pub const GAP: f32 = 2.0 * GRID;
/// Height of a row with a control in it.
pub const ROW_HEIGHT: f32 = 6.0 * GRID;
/// Width of a line that marks something over an image.
pub const MARK_WIDTH: f32 = 1.0;
/// Least and greatest UI scale.
pub const UI_SCALE_RANGE: std::ops::RangeInclusive<f32> = 0.75..=2.5;

/// Light, dark, or as the system says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    /// As the system says.
    #[default]
    System,
    /// Dark text on light panels.
    Light,
    /// Light text on dark panels.
    Dark,
}

impl ThemeChoice {
    /// All choices, in the order of a menu.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The choice in words.
    pub fn label(self) -> &'static str {
        match self {
            Self::System => "Follow system",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

/// What of the window's look the user chooses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Appearance {
    /// Light or dark.
    pub theme: ThemeChoice,
    /// Size of everything, 1 being the system's.
    pub ui_scale: f32,
}

impl Default for Appearance {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            ui_scale: 1.0,
        }
    }
}

impl Appearance {
    /// Make the window look so; cheap enough for every frame.
    pub fn apply(self, ctx: &Context) {
        let preference = match self.theme {
            ThemeChoice::System => egui::ThemePreference::System,
            ThemeChoice::Light => egui::ThemePreference::Light,
            ThemeChoice::Dark => egui::ThemePreference::Dark,
        };
        if ctx.options(|options| options.theme_preference) != preference {
            ctx.set_theme(preference);
        }
        let scale = if self.ui_scale.is_finite() {
            self.ui_scale
                .clamp(*UI_SCALE_RANGE.start(), *UI_SCALE_RANGE.end())
        } else {
            1.0
        };
        if ctx.zoom_factor() != scale {
            ctx.set_zoom_factor(scale);
        }
    }
}

/// Colours with a meaning, for one theme.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// Panels.
    pub panel: Color32,
    /// Fields and plots.
    pub field: Color32,
    /// Running text.
    pub text: Color32,
    /// Text that steps back.
    pub weak: Color32,
    /// Headings and what is chosen.
    pub strong: Color32,
    /// Lines between things.
    pub line: Color32,
    /// Good.
    pub ok: Color32,
    /// Needs attention.
    pub warn: Color32,
    /// Bad.
    pub bad: Color32,
    /// The chosen point, the focus.
    pub accent: Color32,
    /// Behind what is selected.
    pub selection: Color32,
    /// Controls at rest.
    pub control: Color32,
    /// Behind an image that does not fill its pane.
    pub image_ground: Color32,
    /// Bars of a histogram.
    pub histogram: Color32,
    /// Lines of plots, told apart by the colour-blind (Okabe and Ito 2008).
    pub series: [Color32; 7],
}

const DARK: Palette = Palette {
    panel: Color32::from_rgb(0x1c, 0x1f, 0x24),
    field: Color32::from_rgb(0x12, 0x14, 0x18),
    text: Color32::from_rgb(0xd4, 0xd7, 0xdc),
    weak: Color32::from_rgb(0x9a, 0xa1, 0xab),
    strong: Color32::from_rgb(0xf4, 0xf5, 0xf7),
    line: Color32::from_rgb(0x3a, 0x3f, 0x47),
    ok: Color32::from_rgb(0x5c, 0xd1, 0x8b),
    warn: Color32::from_rgb(0xf0, 0xb4, 0x4c),
    bad: Color32::from_rgb(0xff, 0x8a, 0x80),
    accent: Color32::from_rgb(0x5a, 0xb0, 0xf5),
    selection: Color32::from_rgb(0x1f, 0x4e, 0x79),
    control: Color32::from_rgb(0x2d, 0x32, 0x39),
    image_ground: Color32::from_rgb(0x2a, 0x2d, 0x33),
    histogram: Color32::from_rgb(0x7d, 0x8a, 0x99),
    series: [
        Color32::from_rgb(0x56, 0xb4, 0xe9),
        Color32::from_rgb(0xe6, 0x9f, 0x00),
        Color32::from_rgb(0x00, 0xb3, 0x85),
        Color32::from_rgb(0xcc, 0x79, 0xa7),
        Color32::from_rgb(0xf0, 0xe4, 0x42),
        Color32::from_rgb(0xe8, 0x73, 0x2a),
        Color32::from_rgb(0xc8, 0xcd, 0xd3),
    ],
};

const LIGHT: Palette = Palette {
    panel: Color32::from_rgb(0xf5, 0xf6, 0xf8),
    field: Color32::from_rgb(0xff, 0xff, 0xff),
    text: Color32::from_rgb(0x2b, 0x30, 0x37),
    weak: Color32::from_rgb(0x5b, 0x63, 0x6e),
    strong: Color32::from_rgb(0x0c, 0x0f, 0x13),
    line: Color32::from_rgb(0xcd, 0xd2, 0xd8),
    ok: Color32::from_rgb(0x0b, 0x6b, 0x3a),
    warn: Color32::from_rgb(0x8a, 0x55, 0x00),
    bad: Color32::from_rgb(0xb0, 0x1e, 0x1e),
    accent: Color32::from_rgb(0x00, 0x5f, 0xb8),
    selection: Color32::from_rgb(0xb5, 0xd8, 0xf7),
    control: Color32::from_rgb(0xe4, 0xe7, 0xeb),
    image_ground: Color32::from_rgb(0xe2, 0xe5, 0xe9),
    histogram: Color32::from_rgb(0x7d, 0x8a, 0x99),
    series: [
        Color32::from_rgb(0x00, 0x72, 0xb2),
        Color32::from_rgb(0xc4, 0x5a, 0x00),
        Color32::from_rgb(0x00, 0x7d, 0x5c),
        Color32::from_rgb(0xa8, 0x4a, 0x7e),
        Color32::from_rgb(0x8a, 0x7f, 0x00),
        Color32::from_rgb(0x2f, 0x86, 0xc4),
        Color32::from_rgb(0x2b, 0x30, 0x37),
    ],
};

/// The palette of the theme in use.
pub fn palette(ui: &Ui) -> &'static Palette {
    palette_of(ui.visuals().dark_mode)
}

/// The palette of the dark or the light theme.
pub fn palette_of(is_dark: bool) -> &'static Palette {
    if is_dark { &DARK } else { &LIGHT }
}

/// Colour of the line numbered `index` in every plot.
pub fn series_colour(ui: &Ui, index: usize) -> Color32 {
    let series = &palette(ui).series;
    series[index % series.len()]
}

/// A colour of a picture as a colour of the window.
pub fn screen_colour([red, green, blue, _]: Colour) -> Color32 {
    Color32::from_rgb(red, green, blue)
}

/// Light and dark parts of a mark that is seen over any image.
pub fn overlay() -> (Color32, Color32) {
    (Color32::WHITE, Color32::from_black_alpha(170))
}

/// What a picture under bright marks is multiplied by.
pub const DARKENED: Color32 = Color32::from_rgb(0xaa, 0xaa, 0xaa);

/// Icon, word and colour of a verdict: never the colour alone.
pub fn verdict(ui: &Ui, verdict: Verdict) -> (&'static str, &'static str, Color32) {
    let palette = palette(ui);
    match verdict {
        Verdict::Ok => ("✔", "ok", palette.ok),
        Verdict::Repairable => ("🔧", "repairable", palette.warn),
        Verdict::Refused => ("✖", "refused", palette.bad),
    }
}

/// A label with the icon and the word of a verdict.
pub fn verdict_label(ui: &mut Ui, of: Verdict) -> egui::Response {
    let (icon, word, colour) = verdict(ui, of);
    ui.colored_label(colour, format!("{icon} {word}"))
}

/// Set both themes and the icons up; once, when the window opens.
pub fn install(ctx: &Context) {
    install_icons(ctx);
    for (theme, is_dark) in [(egui::Theme::Dark, true), (egui::Theme::Light, false)] {
        ctx.style_mut_of(theme, |style| {
            style.visuals = visuals(is_dark);
            style.spacing.item_spacing = vec2(GAP, GRID);
            style.spacing.button_padding = vec2(GAP, GRID / 2.0);
            style.spacing.interact_size = vec2(10.0 * GRID, ROW_HEIGHT - GRID);
            style.spacing.window_margin = egui::Margin::same(GAP as i8);
            style.spacing.menu_margin = egui::Margin::same(GAP as i8);
            style.text_styles = [
                (TextStyle::Small, FontId::proportional(11.0)),
                (TextStyle::Body, FontId::proportional(13.0)),
                (TextStyle::Button, FontId::proportional(13.0)),
                (TextStyle::Heading, FontId::proportional(17.0)),
                (TextStyle::Monospace, FontId::monospace(12.0)),
            ]
            .into();
        });
    }
}

/// The letters are egui's own; arrows, signs and icons come from `resources/font`.
///
/// An icon that none of the fonts has fails the window's tests: add it to `make_resources.py`.
fn install_icons(ctx: &Context) {
    let fonts: [(&str, &'static [u8]); 3] = [
        ("icons", include_bytes!("../../../resources/font/icons.ttf")),
        ("emoji", include_bytes!("../../../resources/font/emoji.ttf")),
        ("signs", include_bytes!("../../../resources/font/signs.ttf")),
    ];
    for (name, bytes) in fonts {
        let families = [FontFamily::Proportional, FontFamily::Monospace];
        ctx.add_font(FontInsert::new(
            name,
            FontData::from_static(bytes),
            families
                .into_iter()
                .map(|family| InsertFontFamily {
                    family,
                    priority: FontPriority::Lowest,
                })
                .collect(),
        ));
    }
}

fn visuals(is_dark: bool) -> Visuals {
    let mut visuals = if is_dark {
        Visuals::dark()
    } else {
        Visuals::light()
    };
    let palette = palette_of(is_dark);
    visuals.panel_fill = palette.panel;
    visuals.window_fill = palette.panel;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.extreme_bg_color = palette.field;
    visuals.faint_bg_color = palette.control.gamma_multiply(0.5);
    visuals.weak_text_color = Some(palette.weak);
    visuals.hyperlink_color = palette.accent;
    visuals.warn_fg_color = palette.warn;
    visuals.error_fg_color = palette.bad;
    visuals.selection.bg_fill = palette.selection;
    visuals.selection.stroke = Stroke::new(1.5, palette.strong);
    let widgets = &mut visuals.widgets;
    widgets.noninteractive.fg_stroke.color = palette.text;
    widgets.noninteractive.bg_stroke.color = palette.line;
    widgets.noninteractive.bg_fill = palette.panel;
    widgets.noninteractive.weak_bg_fill = palette.panel;
    widgets.inactive.fg_stroke.color = palette.text;
    widgets.inactive.bg_fill = palette.control;
    widgets.inactive.weak_bg_fill = palette.control;
    widgets.inactive.bg_stroke = Stroke::new(1.0, palette.line);
    widgets.hovered.fg_stroke.color = palette.strong;
    widgets.hovered.bg_stroke = Stroke::new(1.0, palette.accent);
    widgets.active.fg_stroke.color = palette.strong;
    widgets.active.bg_stroke = Stroke::new(1.5, palette.accent);
    widgets.open.fg_stroke.color = palette.strong;
    for state in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        state.corner_radius = egui::CornerRadius::same(3);
    }
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast ratio of two colours as WCAG 2.1 defines it.
    fn contrast(a: Color32, b: Color32) -> f32 {
        let luminance = |colour: Color32| {
            let [red, green, blue, _] = egui::Rgba::from(colour).to_array();
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_is_legible_on_every_ground_of_its_theme() {
        for palette in [DARK, LIGHT] {
            let texts = [
                palette.text,
                palette.weak,
                palette.strong,
                palette.ok,
                palette.warn,
                palette.bad,
                palette.accent,
            ];
            for text in texts {
                for ground in [palette.panel, palette.field, palette.control] {
                    let ratio = contrast(text, ground);
                    assert!(ratio >= 4.5, "{text:?} on {ground:?}: {ratio}");
                }
            }
            for line in palette.series {
                // Lines need 3 : 1.
                let ratio = contrast(line, palette.field);
                assert!(ratio >= 3.0, "{line:?}: {ratio}");
            }
            assert!(contrast(palette.strong, palette.selection) >= 4.5);
        }
    }
}
