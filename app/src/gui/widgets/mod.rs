//! Widgets that every view uses; each is a plain struct of choices, or a function.

pub mod field_table;
pub mod image_pane;
pub mod job_row;
pub mod line_plot;
pub mod notice;
pub mod overlay;
pub mod own_fields;
pub mod scan_marks;
pub mod scan_plot;
pub mod viewport;

pub(crate) mod colour_bar;
mod field_editor;
mod histogram;
mod image_cache;
mod pane_menu;
mod pane_rects;
