//! Round numbers for colour bars, axes and scale bars: steps of 1, 2 or 5 times a power of ten.

/// The greatest 1-2-5 number that is not above `limit`; 0 for what is no positive number.
pub fn round_below(limit: f64) -> f64 {
    if limit.is_nan() || limit <= 0.0 || limit.is_infinite() {
        return 0.0;
    }
    let power = 10f64.powi(limit.log10().floor() as i32);
    // A hair of slack, so that 0.2 written as 0.19999999999999998 still is 0.2.
    let mantissa = limit / power * (1.0 + 1e-12);
    let round = [5.0, 2.0, 1.0].into_iter().find(|&round| round <= mantissa);
    round.map_or(power, |round| round * power)
}

/// Round values from `min` to `max`, about `n_wanted` of them, and never more than twice as many.
///
/// Where the ends meet, or are no numbers, the answer is `min` alone.
pub fn ticks(min: f64, max: f64, n_wanted: usize) -> Vec<f64> {
    let span = max - min;
    if !span.is_finite() || span <= 0.0 || n_wanted == 0 {
        return vec![min];
    }
    let step = step(span, n_wanted);
    let (first, last) = (
        (min / step - 1e-9).ceil() as i64,
        (max / step + 1e-9).floor() as i64,
    );
    if first > last || last - first > 2 * n_wanted as i64 {
        return vec![min, max];
    }
    (first..=last).map(|i| i as f64 * step).collect()
}

fn step(span: f64, n_wanted: usize) -> f64 {
    let exact = span / n_wanted as f64;
    let below = round_below(exact);
    if span / below <= 1.5 * n_wanted as f64 {
        return below;
    }
    // The next of 1, 2, 5, 10.
    round_below(below * 2.5)
}

/// Ticks in as few digits as tell them from one another; scientific where plain numbers get long.
pub fn labels(values: &[f64]) -> Vec<String> {
    let greatest = values
        .iter()
        .fold(0.0, |most: f64, value| most.max(value.abs()));
    let step = match values {
        [first, second, ..] => (second - first).abs(),
        _ => return values.iter().map(|&value| value_text(value)).collect(),
    };
    let exponent = |x: f64| (x * (1.0 + 1e-9)).log10().floor() as i32;
    let is_plain = 1e-4 <= step && greatest < 1e5;
    let text = |value: f64| {
        // A multiple of the step that is zero but for rounding.
        if value.abs() < step * 1e-6 {
            return "0".to_owned();
        }
        if is_plain {
            let decimals = (-exponent(step)).max(0) as usize;
            return plain_minus(&format!("{value:.decimals$}"));
        }
        let decimals = (exponent(value.abs()) - exponent(step)).clamp(0, 9) as usize;
        plain_minus(&format!("{value:.decimals$e}"))
    };
    values.iter().map(|&value| text(value)).collect()
}

/// A value for reading off: five significant digits, no needless zeros, scientific when very large or small.
pub fn value_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+∞" } else { "−∞" }.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-3..1e6).contains(&value.abs()) {
        return plain_minus(&trim_exponent(&format!("{value:.4e}")));
    }
    let digits_before = value.abs().log10().floor() as i32 + 1;
    let decimals = (5 - digits_before).clamp(0, 7) as usize;
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    plain_minus(text)
}

fn trim_exponent(text: &str) -> String {
    match text.split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => {
            let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
            format!("{mantissa}e{exponent}")
        }
        _ => text.to_owned(),
    }
}

/// The minus of mathematics, as wide as a plus.
fn plain_minus(text: &str) -> String {
    text.replace('-', "−")
}

/// A length in metres with the prefix that suits it, as `250 nm` or `1.5 µm`.
pub fn length_text(length_m: f64) -> String {
    let (prefix, unit_m) = match length_m.abs() {
        0.0 => ("nm", 1e-9),
        x if x < 1e-9 => ("pm", 1e-12),
        x if x < 1e-6 => ("nm", 1e-9),
        x if x < 1e-3 => ("µm", 1e-6),
        x if x < 1.0 => ("mm", 1e-3),
        _ => ("m", 1.0),
    };
    format!("{} {prefix}", value_text(round_5(length_m / unit_m)))
}

/// Five significant digits, so that 499.99999 nm reads 500 nm.
fn round_5(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

/// A bar that tells the size of things in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleBar {
    /// Its length in pixels of the array.
    pub length_px: f64,
    /// Its length in words.
    pub text: String,
}

/// The longest bar of round length within `limit_px`; in px where no pixel size is known.
pub fn scale_bar(limit_px: f64, pixel_size_m: Option<f64>) -> Option<ScaleBar> {
    let known = pixel_size_m.filter(|size| size.is_finite() && *size > 0.0);
    let (length_px, text) = if let Some(size_m) = known {
        let length_m = round_below(limit_px * size_m);
        (length_m / size_m, length_text(length_m))
    } else {
        let length_px = round_below(limit_px);
        (length_px, format!("{} px", value_text(length_px)))
    };
    (length_px > 0.0 && length_px.is_finite()).then_some(ScaleBar { length_px, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_numbers() {
        assert_eq!(
            [0.0, 1.0, 1.99, 2.0, 4.9, 5.0, 99.0, 0.2].map(round_below),
            [0.0, 1.0, 1.0, 2.0, 2.0, 5.0, 50.0, 0.2]
        );
        assert_eq!(
            ticks(0.0, 1.0, 5),
            [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
        );
        assert_eq!(ticks(2.0, 2.0, 5), [2.0]);
        assert_eq!(labels(&ticks(0.0, 1.0, 5))[3], "0.6");
        assert_eq!(labels(&ticks(-3.2, 3.2, 6)).join(" "), "−3 −2 −1 0 1 2 3");
        assert_eq!(labels(&[0.0, 2.0e6, 4.0e6]).join(" "), "0 2e6 4e6");
        assert_eq!(labels(&[1.0e6, 1.00002e6]).join(" "), "1.00000e6 1.00002e6");
        assert_eq!(labels(&[2.5]), ["2.5"]);
        for (min, max) in [(-3.2, 3.1), (1e-9, 7e-9), (1e6, 1.0001e6), (0.0, 1e30)] {
            let n = ticks(min, max, 5).len();
            assert!((2..=10).contains(&n), "{n} ticks from {min} to {max}");
        }
    }

    #[test]
    fn values_and_lengths_read_well() {
        assert_eq!(
            [0.0, 1.0, -0.25, 123.456789, 1e-7, f64::NAN].map(value_text),
            ["0", "1", "−0.25", "123.46", "1e−7", "NaN"]
        );
        assert_eq!(length_text(5e-7), "500 nm");
        assert_eq!(length_text(1.5e-6), "1.5 µm");
        let bar = scale_bar(70.0, Some(1e-8)).unwrap();
        assert_eq!((bar.length_px.round(), bar.text.as_str()), (50.0, "500 nm"));
        assert_eq!(scale_bar(70.0, None).unwrap().text, "50 px");
    }
}
