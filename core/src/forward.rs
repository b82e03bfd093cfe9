//! The one forward model.
