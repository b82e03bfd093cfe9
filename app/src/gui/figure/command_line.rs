//! The command line that writes the same figure.

use ptycho_core::fields::Fields as _;
use ptycho_core::study::panels::{FigureDesign, FigureStyle};

use super::Page;
use crate::gui::document::Document;
use crate::gui::files::shell_line;

/// The command that writes what is shown: flags for all that differs from what the study says.
pub fn figure_command(document: &Document) -> String {
    let Document {
        figuring, studying, ..
    } = document;
    let mut words = vec!["ptychobench".to_owned(), "figure".to_owned()];
    if studying.draft.is_none() {
        return "ptychobench figure STUDY -o figure.pdf".to_owned();
    }
    words.push(studying.file_text());
    words.extend(["--runs".to_owned(), studying.runs.display().to_string()]);
    if figuring.page == Page::Panels {
        let written = match &figuring.exported {
            Some(Ok(file)) if file.extension().is_some() => file.display().to_string(),
            _ => "figure.pdf".to_owned(),
        };
        words.extend(["-o".to_owned(), written]);
    } else {
        words.extend(["--companions".to_owned(), "figures".to_owned()]);
    }
    if let Some(plan) = studying.plan() {
        words.extend(flags(&figuring.design(plan), &plan.study.figure));
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
    for field in FigureStyle::fields() {
        if let (true, Some(value)) = (
            style.get(field.name) != of_study.get(field.name),
            style.get(field.name),
        ) {
            push(format!("--{}", field.flag()), value.to_string());
        }
    }
    words
}
