//! Numbers with their units in words, for the window and the command line.

/// Bytes, in powers of ten.
pub fn bytes_text(n_bytes: u64) -> String {
    match n_bytes {
        0..1_000 => format!("{n_bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", n_bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n_bytes as f64 / 1e6),
        _ => format!("{:.2} GB", n_bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_the_unit_that_fits() {
        assert_eq!(
            [950, 999, 33_816_576, 66_000_000].map(bytes_text),
            ["950 B", "999 B", "33.8 MB", "66.0 MB"]
        );
    }
}
