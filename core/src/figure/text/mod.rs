//! Letters of figures: the font that the program carries, widths from its own metrics, lines that fit a width.

mod face;
mod wrap;

pub(super) use face::{FAMILY, Weight, database, line_box, width};
pub(super) use wrap::{longest_word, wrapped, wrapped_after};

/// A number as a figure writes it: `2e−6` becomes `2×10⁻⁶`, `1e4` becomes `10⁴`; others stay.
pub fn with_powers(label: &str) -> String {
    let Some((mantissa, exponent)) = label.split_once('e') else {
        return label.to_owned();
    };
    let power: String = exponent.chars().map(raised).collect();
    match mantissa {
        "1" => format!("10{power}"),
        "−1" => format!("−10{power}"),
        _ => format!("{mantissa}×10{power}"),
    }
}

fn raised(letter: char) -> char {
    match letter {
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        '−' => '⁻',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_raised() {
        assert_eq!(
            ["0.5", "2e6", "1e−4", "−1e12", "1.50e3"].map(with_powers),
            ["0.5", "2×10⁶", "10⁻⁴", "−10¹²", "1.50×10³"]
        );
    }
}
