//! Bundle and dataset to an object.
