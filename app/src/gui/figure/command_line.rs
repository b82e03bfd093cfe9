//! The command line that writes the same figure.

use ptycho_core::fields::Fields as _;
use ptycho_core::study::panels::FigureDesign;

use super::{Figuring, Page};
use crate::gui::files::shell_line;

/// The command that writes what is shown: flags for all that differs from what the study says.
pub fn figure_command(figuring: &Figuring) -> String {
    let mut words = vec!["ptychobench".to_owned(), "figure".to_owned()];
    let typed = figuring.path.trim();
    words.push(if typed.is_empty() { "STUDY" } else { typed }.to_owned());
    let mut push = |flag: &str, value: String| words.extend([flag.to_owned(), value]);
    push("--runs", figuring.runs.display().to_string());
    if figuring.page == Page::Panels {
        let written = match &figuring.exported {
            Some(Ok(file)) if file.extension().is_some() => file.display().to_string(),
            _ => "figure.pdf".to_owned(),
        };
        push("-o", written);
    } else {
        push("--companions", "figures".to_owned());
    }
    let base = figuring
        .subject
        .as_ref()
        .map(|subject| &subject.plan.study.figure);
    if let (Some(design), Some(base)) = (&figuring.design, base) {
        words.extend(flags(design, base));
    }
    shell_line(&words)
}

fn flags(design: &FigureDesign, base: &FigureDesign) -> Vec<String> {
    let mut words = Vec::new();
    let mut push = |flag: String, value: String| words.extend([flag, value]);
    if design.view != base.view && !design.view.is_empty() {
        push("--view".to_owned(), design.view.clone());
    }
    if design.columns != base.columns && !design.columns.is_empty() {
        push("--columns".to_owned(), design.columns.join(","));
    }
    if design.doses != base.doses && !design.doses.is_empty() {
        let doses: Vec<String> = design
            .doses
            .iter()
            .map(|dose| format!("{dose:e}"))
            .collect();
        push("--doses".to_owned(), doses.join(","));
    }
    let (style, of_study) = (&design.style, &base.style);
    for field in ptycho_core::study::panels::FigureStyle::fields() {
        if let (true, Some(value)) = (
            style.get(field.name) != of_study.get(field.name),
            style.get(field.name),
        ) {
            push(format!("--{}", field.flag()), value.to_string());
        }
    }
    words
}
