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

/// Seconds in words.
pub fn seconds_text(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "—".to_owned();
    }
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
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

    #[test]
    fn seconds_are_told_in_the_unit_that_fits() {
        assert_eq!(
            [3.21, 75.0, 7260.0].map(seconds_text),
            ["3.2 s", "1 min 15 s", "2 h 01 min"]
        );
    }
}
