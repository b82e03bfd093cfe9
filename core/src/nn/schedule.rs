//! Learning rates by epoch and step.
