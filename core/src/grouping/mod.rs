//! Groups of neighbouring patterns, spacing filters and overlap of a scan: plain geometry of positions in px.
//!
//! Positions are (row, column). Everything runs in `O(n log n)` time and `O(n)` memory but the overlap between groups,
//! whose time grows with the number of overlapping pairs; nothing depends on the number of threads.

pub mod canvas;
mod grid;
pub mod groups;
pub mod neighbours;
pub mod overlap;
pub mod settings;
pub mod spacing;
pub mod view;

pub use canvas::{Canvas, ptychopinn_canvas_px};
pub use groups::{Branch, Formed, Groups, form_groups, form_of_neighbours};
pub use neighbours::{Neighbours, SpacingStatistics, nearest_distances};
pub use overlap::{Measures, disc_overlap};
pub use settings::{ApplyTo, GroupSettings, Order, SpacingSettings, View};
pub use spacing::{
    Fate, Histogram, Thinned, Thinner, extent_px, geometry_acceptance_bound, least_spacing_px,
    most_points, oler_bound,
};
pub use view::{Planner, Standing, ViewMetrics, ViewPlan};
