//! Learning, resuming, diverging.
