//! The train view by label.
