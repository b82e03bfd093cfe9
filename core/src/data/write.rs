//! The deterministic NPZ writer: same content, same bytes, and numpy opens it.
