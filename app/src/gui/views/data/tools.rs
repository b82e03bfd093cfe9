//! The tools panel: choose a tool and its few settings, see what would come out, write it, open it.

use std::path::PathBuf;

use egui::{Button, ComboBox, DragValue, Grid, RichText, ScrollArea, TextEdit, Ui};
use ptycho_core::data::Dataset;
use ptycho_core::data::tools::choose::{Count, Evenly, Region, Subset};
use ptycho_core::data::tools::crop::CropSettings;
use ptycho_core::data::tools::fixture::FixtureSettings;
use ptycho_core::data::tools::turn::Orientation;
use ptycho_core::forward::Subpixel;
use ptycho_core::sim::SplitAxis;
use ptycho_core::study::tools::{Outlook, SplitChoice, Tool, command_line};

use super::super::super::command::Command;
use super::super::super::document::Scan;
use super::super::super::files::{beside, parse_path, shell_word};
use super::super::super::theme;
use super::super::super::widgets::field_table::{Aids, FieldTable};
use super::super::super::widgets::scan_marks::{Divide, Marker, PointGroup};
use crate::units::bytes_text;

/// The tools, in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Subset,
    Shuffle,
    Split,
    Crop,
    Pad,
    Turn,
    Patches,
    Fixture,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Subset,
        Self::Shuffle,
        Self::Split,
        Self::Crop,
        Self::Pad,
        Self::Turn,
        Self::Patches,
        Self::Fixture,
    ];

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Subset => (
                "Subset",
                "Some of the patterns: the first, by chance, evenly spread, of a region",
            ),
            Self::Shuffle => ("Shuffle", "The same patterns in another order"),
            Self::Split => (
                "Split",
                "Training and test half, and the object pixels that both see",
            ),
            Self::Crop => (
                "Crop and bin",
                "Fewer detector pixels: the middle, or block sums of counts",
            ),
            Self::Pad => (
                "Pad",
                "Even sides, or a wider detector with unmeasured pixels",
            ),
            Self::Turn => (
                "Turn",
                "Patterns the other way round: flips and rows for columns, where a detector was read wrongly",
            ),
            Self::Patches => ("Patches", "The object patch of every pattern (Y)"),
            Self::Fixture => (
                "Fixture",
                "A small even subset with a side-car, the same bytes every time",
            ),
        }
    }
}

/// What a tool would write, or why it cannot.
pub struct Foreseen {
    pub scan: u64,
    pub tool: Tool,
    pub outlook: Result<Outlook, String>,
}

impl Foreseen {
    /// Look ahead; splitting a large scan takes longer than a frame.
    pub fn new((scan, tool): (u64, Tool), dataset: &Dataset) -> Self {
        let outlook = tool.outlook(dataset).map_err(|error| error.to_string());
        Self {
            scan,
            tool,
            outlook,
        }
    }
}

/// How many patterns of a subset, as drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    All,
    First,
    Random,
    Stratified,
}

/// What is chosen in the panel.
pub(super) struct ToolsPanel {
    /// Whether it is shown.
    pub(super) is_open: bool,
    kind: Kind,
    which: Which,
    n_patterns: usize,
    seed: u64,
    by: Evenly,
    region: String,
    split: SplitChoice,
    crop: CropSettings,
    pads_to: Option<usize>,
    orientation: Orientation,
    subpixel: Option<Subpixel>,
    fixture: FixtureSettings,
    fields: FieldTable,
    output: String,
    /// The scan and tool that `output` was suggested for.
    suggested: Option<(u64, Kind)>,
    opens: bool,
    /// The scan and tool as chosen now, which the next look ahead is about.
    wanted: Option<(u64, Tool)>,
    /// The ones that a look ahead was asked for last.
    asked: Option<(u64, Tool)>,
    seen: Option<Foreseen>,
}

impl Default for ToolsPanel {
    fn default() -> Self {
        Self {
            is_open: false,
            kind: Kind::Subset,
            which: Which::Stratified,
            n_patterns: 64,
            seed: 42,
            by: Evenly::Order,
            region: String::new(),
            split: SplitChoice::default(),
            crop: CropSettings::default(),
            pads_to: None,
            orientation: Orientation::HalfTurn,
            subpixel: None,
            fixture: FixtureSettings::default(),
            fields: FieldTable::default(),
            output: String::new(),
            suggested: None,
            opens: true,
            wanted: None,
            asked: None,
            seen: None,
        }
    }
}

impl ToolsPanel {
    /// Draw the panel for the open scan.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        scan: &Scan,
        is_busy: bool,
        commands: &mut Vec<Command>,
    ) {
        ui.horizontal(|ui| {
            ui.heading("Tools");
            if ui.button("✖ Close").clicked() {
                self.is_open = false;
            }
        });
        ui.separator();
        let Some(dataset) = &scan.dataset else {
            ui.weak("Open a scan to work on.");
            return;
        };
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                self.choice(ui);
                self.settings(ui, dataset);
                ui.separator();
                match self.tool() {
                    Ok(tool) => self.rest(ui, scan, (tool, is_busy), commands),
                    Err(problem) => bad(ui, &problem),
                }
            });
    }

    fn choice(&mut self, ui: &mut Ui) {
        let (words, tooltip) = self.kind.words();
        ComboBox::new("tool", "Tool")
            .selected_text(words)
            .show_ui(ui, |ui| {
                for kind in Kind::ALL {
                    let (words, tooltip) = kind.words();
                    ui.selectable_value(&mut self.kind, kind, words)
                        .on_hover_text(tooltip);
                }
            });
        ui.add(egui::Label::new(RichText::new(tooltip).color(theme::palette(ui).weak)).wrap());
        ui.add_space(theme::GAP);
    }

    fn settings(&mut self, ui: &mut Ui, dataset: &Dataset) {
        match self.kind {
            Kind::Subset => self.subset_settings(ui, dataset.n_patterns()),
            Kind::Shuffle => seed_row(ui, &mut self.seed),
            Kind::Split => {
                let mut aids = Aids::NONE;
                self.fields
                    .rows(ui, "tool split", &mut self.split, &mut aids);
            }
            Kind::Crop => {
                self.fields.ui(ui, "tool crop", &mut self.crop);
            }
            Kind::Pad => pad_settings(ui, &mut self.pads_to, dataset.n()),
            Kind::Turn => orientation_row(ui, &mut self.orientation),
            Kind::Patches => {
                ui.horizontal_wrapped(|ui| {
                    ui.label("Model");
                    ui.selectable_value(&mut self.subpixel, None, "the file's")
                        .on_hover_text("That of the file's metadata, else fourier");
                    ui.selectable_value(&mut self.subpixel, Some(Subpixel::Fourier), "fourier");
                    ui.selectable_value(&mut self.subpixel, Some(Subpixel::Bilinear), "bilinear");
                });
            }
            Kind::Fixture => {
                let fixture = &mut self.fixture;
                count_row(ui, &mut fixture.patterns, dataset.n_patterns());
                by_row(ui, &mut fixture.by);
                ui.checkbox(&mut fixture.legacy_alias, "diff3d beside diffraction")
                    .on_hover_text("Write the patterns also under their older name");
            }
        }
    }

    fn subset_settings(&mut self, ui: &mut Ui, n_patterns: usize) {
        ui.horizontal_wrapped(|ui| {
            for (which, words) in [
                (Which::All, "all"),
                (Which::First, "first"),
                (Which::Random, "random"),
                (Which::Stratified, "evenly"),
            ] {
                ui.selectable_value(&mut self.which, which, words);
            }
        });
        if self.which != Which::All {
            count_row(ui, &mut self.n_patterns, n_patterns);
        }
        if self.which == Which::Random {
            seed_row(ui, &mut self.seed);
        }
        if self.which == Which::Stratified {
            by_row(ui, &mut self.by);
        }
        ui.horizontal(|ui| {
            let label = ui.label("Region, px");
            let edit = TextEdit::singleline(&mut self.region)
                .desired_width(160.0)
                .hint_text("y0:y1,x0:x1");
            ui.add(edit).labelled_by(label.id).on_hover_text(
                "Only positions with y0 ≤ row < y1 and x0 ≤ column < x1; an end left out is open",
            );
        });
    }

    fn tool(&self) -> Result<Tool, String> {
        Ok(match self.kind {
            Kind::Subset => {
                let region = match self.region.trim() {
                    "" => None,
                    text => {
                        let region = text.parse::<Region>();
                        Some(region.map_err(|error| error.to_string())?)
                    }
                };
                let n = self.n_patterns;
                let count = match self.which {
                    Which::All => Count::All,
                    Which::First => Count::First(n),
                    Which::Random => Count::Random { n, seed: self.seed },
                    Which::Stratified => Count::Stratified { n, by: self.by },
                };
                if region.is_none() && count == Count::All {
                    return Err("Give a region or a number of patterns.".to_owned());
                }
                Tool::Subset(Subset { region, count })
            }
            Kind::Shuffle => Tool::Shuffle { seed: self.seed },
            Kind::Split => Tool::Split(self.split.clone()),
            Kind::Crop => Tool::Crop(self.crop.clone()),
            Kind::Pad => Tool::Pad { to: self.pads_to },
            Kind::Turn => Tool::Turn {
                orientation: self.orientation,
            },
            Kind::Patches => Tool::Patches {
                subpixel: self.subpixel,
            },
            Kind::Fixture => Tool::Fixture(self.fixture),
        })
    }

    /// What would come out, where it goes, and the buttons.
    fn rest(
        &mut self,
        ui: &mut Ui,
        scan: &Scan,
        (tool, is_busy): (Tool, bool),
        commands: &mut Vec<Command>,
    ) {
        self.wanted = Some((scan.id, tool.clone()));
        let seen = self.seen.as_ref().filter(|seen| seen.scan == scan.id);
        let is_current = seen.is_some_and(|seen| seen.tool == tool);
        let is_possible = is_current && seen.is_some_and(|seen| seen.outlook.is_ok());
        // What was seen last stays until its follower is there: an empty line in between would flicker.
        match seen.map(|seen| &seen.outlook) {
            Some(Ok(outlook)) => outlook_rows(ui, outlook),
            Some(Err(problem)) => bad(ui, problem),
            None => {
                ui.weak("Looking what comes out…");
            }
        }
        ui.separator();
        let Some(source) = scan.path() else {
            bad(
                ui,
                "This scan is in no file yet: save it by \"Save scan as…\" and open it from there.",
            );
            return;
        };
        self.suggest(scan.id, source, &tool);
        let is_folder = tool.writes_folder();
        let label = ui.label(if is_folder {
            "Write train.npz and test.npz into the folder"
        } else {
            "Write to"
        });
        ui.add(TextEdit::singleline(&mut self.output).desired_width(f32::INFINITY))
            .labelled_by(label.id);
        let output = parse_path(&self.output);
        let is_input = output == *source;
        if is_input {
            bad(ui, "This is the scan itself. Choose another name.");
        } else if output.is_file() {
            let warn = theme::palette(ui).warn;
            ui.colored_label(warn, "⚠ This file exists and will be replaced.");
        }
        ui.checkbox(&mut self.opens, "Open the result");
        ui.horizontal_wrapped(|ui| {
            let can_write = is_possible && !is_input && !is_busy && output.file_name().is_some();
            if ui
                .add_enabled(can_write, Button::new("▶ Write"))
                .on_disabled_hover_text(
                    "Not possible with these settings, or another file is being written",
                )
                .clicked()
            {
                commands.push(Command::UseTool(
                    Box::new(tool.clone()),
                    output.clone(),
                    self.opens,
                ));
            }
            if ui.button("Copy as command").clicked() {
                let word = |path: &PathBuf| shell_word(&path.display().to_string());
                commands.push(Command::CopyText(command_line(
                    &tool,
                    &word(source),
                    &word(&output),
                )));
            }
        });
    }

    /// The newest choice, if the last one that was asked for differs.
    pub(super) fn take_request(&mut self) -> Option<(u64, Tool)> {
        if !self.is_open || self.asked == self.wanted {
            return None;
        }
        self.asked.clone_from(&self.wanted);
        self.wanted.clone()
    }

    /// Take what was seen.
    pub(super) fn take(&mut self, foreseen: Foreseen) {
        self.seen = Some(foreseen);
    }

    /// A look ahead that failed in an unforeseen way.
    pub(super) fn failed(&mut self, words: String) {
        if let Some((scan, tool)) = self.asked.clone() {
            self.seen = Some(Foreseen {
                scan,
                tool,
                outlook: Err(words),
            });
        }
    }

    fn suggest(&mut self, scan: u64, source: &std::path::Path, tool: &Tool) {
        if self.suggested == Some((scan, self.kind)) {
            return;
        }
        self.suggested = Some((scan, self.kind));
        let path = beside(source, &format!("_{}", tool.name()), "npz");
        let path = if tool.writes_folder() {
            path.with_extension("")
        } else {
            path
        };
        self.output = path.display().to_string();
    }

    /// The rows that the tool keeps, to be marked in the plot of positions, and the line of a split.
    pub(super) fn marks(&self, scan: &Scan) -> Option<(Vec<PointGroup<'_>>, Option<Divide>)> {
        let seen = self.seen.as_ref()?;
        let outlook = seen.outlook.as_ref().ok()?;
        if !self.is_open || seen.scan != scan.id || outlook.rows.is_empty() {
            return None;
        }
        let names: &[&str] = if outlook.rows.len() == 2 {
            &["train", "test"]
        } else {
            &["chosen"]
        };
        let groups = outlook
            .rows
            .iter()
            .zip(names)
            .enumerate()
            .map(|(colour_index, (rows, name))| PointGroup {
                name,
                rows,
                colour_index,
                marker: if colour_index == 0 {
                    Marker::Square
                } else {
                    Marker::Diamond
                },
            })
            .collect();
        let divide = outlook
            .middle_guard_px
            .map(|(axis, middle_px, width_px)| Divide {
                axis: match axis {
                    SplitAxis::Y => 0,
                    SplitAxis::X => 1,
                },
                middle_px,
                width_px,
            });
        Some((groups, divide))
    }
}

fn bad(ui: &mut Ui, problem: &str) {
    let colour = theme::palette(ui).bad;
    ui.add(egui::Label::new(RichText::new(format!("✖ {problem}")).color(colour)).wrap());
}

fn count_row(ui: &mut Ui, n: &mut usize, n_patterns: usize) {
    ui.horizontal(|ui| {
        let label = ui.label("Patterns");
        ui.add(DragValue::new(n).range(1..=n_patterns))
            .labelled_by(label.id);
        ui.weak(format!("of {n_patterns}"));
    });
}

fn seed_row(ui: &mut Ui, seed: &mut u64) {
    ui.horizontal(|ui| {
        let label = ui.label("Seed");
        ui.add(DragValue::new(seed)).labelled_by(label.id);
    });
}

fn by_row(ui: &mut Ui, by: &mut Evenly) {
    ui.horizontal_wrapped(|ui| {
        ui.label("Even over the");
        ui.selectable_value(by, Evenly::Order, "order")
            .on_hover_text("The scan index where all numbers differ, else the file's order");
        ui.selectable_value(by, Evenly::Area, "area")
            .on_hover_text("The scanned area, along a Hilbert curve");
    });
}

fn pad_settings(ui: &mut Ui, to: &mut Option<usize>, n: usize) {
    ui.horizontal_wrapped(|ui| {
        if ui.selectable_label(to.is_none(), "to even sides").clicked() {
            *to = None;
        }
        if ui.selectable_label(to.is_some(), "to a width").clicked() && to.is_none() {
            *to = Some(n + n % 2);
        }
        if let Some(to) = to {
            let width = DragValue::new(to).range(n..=4096).suffix(" px");
            ui.add(width).on_hover_text("Side of the detector");
        }
    });
}

fn outlook_rows(ui: &mut Ui, outlook: &Outlook) {
    ui.strong("What comes out");
    Grid::new("outlook")
        .num_columns(2)
        .spacing([theme::GAP, theme::GRID])
        .show(ui, |ui| {
            let mut row = |name: &str, value: String| {
                ui.label(name);
                ui.add(egui::Label::new(value).wrap());
                ui.end_row();
            };
            let n = outlook.n;
            for (name, patterns) in &outlook.files {
                let name = if name.is_empty() { "Patterns" } else { name };
                row(name, format!("{patterns} of {n}×{n}"));
            }
            row("Size", bytes_text(outlook.bytes));
            if let Some([y, x]) = outlook.coverage_percent {
                row("Reach", format!("{x:.1} % of x, {y:.1} % of y"));
            }
            if let Some((_, middle_px, guard_px)) = outlook.middle_guard_px {
                row(
                    "Middle",
                    format!("{middle_px:.2} px, guard band {guard_px} px"),
                );
            }
            if let Some(leak) = &outlook.leak {
                row(
                    "Leak",
                    format!(
                        "{} object pixels, {:.2} % of what the test half sees",
                        leak.n_shared_px,
                        leak.percent()
                    ),
                );
            }
        });
}

fn orientation_row(ui: &mut Ui, orientation: &mut Orientation) {
    ui.horizontal(|ui| {
        ui.label("Orientation");
        ComboBox::from_id_salt("tool orientation")
            .selected_text(orientation.name())
            .show_ui(ui, |ui| {
                for choice in Orientation::ALL {
                    if choice != Orientation::AsStored {
                        ui.selectable_value(orientation, choice, choice.name());
                    }
                }
            });
    });
}
