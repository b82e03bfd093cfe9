//! The window: what it looks like, its widgets and its views.

pub mod texture;
pub mod theme;
pub mod widgets;
