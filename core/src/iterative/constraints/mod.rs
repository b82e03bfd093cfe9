//! Constraints at the end of an epoch: probe power, support and centre, object limits, total variation.
//!
//! Each acts only where the settings ask for it. With [`Compatibility::Ptychi`](crate::iterative::Compatibility::Ptychi) they
//! are pty-chi's, faults included; each function says what is done otherwise.

mod object;
mod probe;

pub(crate) use object::{limit_object, smooth_object};
pub(crate) use probe::{keep_power, shape_probe};
