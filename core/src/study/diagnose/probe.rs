//! The probe in both normalisations, and its power against the counts.

use num_complex::Complex;

use super::Verdict;
use super::table::{Cell, Draft};
use crate::data::Dataset;
use crate::forward::{Forward, Subpixel, residual};
use crate::sim::probe::{ProbeReport, ProbeStatistics, report};

/// `probe_scale` as `PtychoPINN`'s settings have it, in different places.
const PROBE_SCALES: [f64; 3] = [1.0, 4.0, 10.0];
/// Patterns whose light is compared with the forward model.
const N_COMPARED: usize = 64;
/// Counts that differ from those expected by less than this part agree.
const AGREES: f64 = 0.05;
/// Beyond this factor they cannot be of one scale.
const CANNOT_BE: f64 = 1.5;
/// Without a truth: the share of the probe's power that an object lets through.
const LET_THROUGH: std::ops::RangeInclusive<f64> = 0.02..=4.0;

/// As stored, and as `PtychoPINN`'s `set_probe` divides it.
pub(super) fn probe(dataset: &Dataset) -> Draft {
    let heads = [
        ("as_stored", "as stored"),
        ("probe_scale_1", "set_probe, scale 1"),
        ("probe_scale_4", "set_probe, scale 4"),
        ("probe_scale_10", "set_probe, scale 10"),
    ];
    let mut draft = Draft::new("probe", "Probe normalisation", &heads);
    let reports: Result<Vec<ProbeReport>, _> = PROBE_SCALES
        .iter()
        .map(|scale| report(dataset.probe().view(), *scale))
        .collect();
    let reports = match reports {
        Ok(reports) => reports,
        Err(error) => {
            draft.find(Verdict::Bad, error.to_string());
            return draft;
        }
    };
    let light = Light::of(dataset);
    rows(&mut draft, &reports, &light);
    let stored = &reports[0];
    let list =
        |draft: &mut Draft, key: &str, label: &str, cell: Cell| draft.row(key, label, [cell]);
    list(
        &mut draft,
        "fwhm_px",
        "full width at half maximum (px)",
        Cell::number(stored.fwhm_px),
    );
    let modes: Vec<_> = stored
        .mode_power
        .iter()
        .map(|share| Cell::share(*share).text)
        .collect();
    list(
        &mut draft,
        "modes",
        "power of the modes",
        Cell::words(modes.join(", ")),
    );
    list(
        &mut draft,
        "mean_counts",
        "mean counts of a pattern",
        Cell::number(light.mean_counts),
    );
    list(
        &mut draft,
        "expected_counts",
        "counts that object and probe predict",
        Cell::maybe(light.expected),
    );
    list(
        &mut draft,
        "measured_over_expected",
        "counts found / predicted",
        Cell::maybe(light.ratio()),
    );
    list(
        &mut draft,
        "forward_residual",
        "residual of the forward model",
        light.residual.map_or_else(Cell::none, Cell::share),
    );
    judge(&mut draft, stored, &light);
    draft.good = match light.expected {
        Some(_) => "The probe's power fits the counts: object and probe of the file predict them.",
        None => "The probe's power fits the counts; without an object in the file that is judged by the power alone.",
    }
    .into();
    draft
}

fn rows(draft: &mut Draft, reports: &[ProbeReport], light: &Light) {
    let mut add = |key: &str, label: &str, cell: &dyn Fn(&ProbeStatistics, Option<f64>) -> Cell| {
        let stored = std::iter::once(cell(&reports[0].as_stored, None));
        let divided = reports
            .iter()
            .map(|report| cell(&report.masked_mean, Some(report.masked_mean_divisor)));
        draft.row(key, label, stored.chain(divided).collect::<Vec<_>>());
    };
    add("amplitude_min", "least amplitude", &|probe, _| {
        Cell::number(probe.amplitude_min)
    });
    add("amplitude_max", "greatest amplitude", &|probe, _| {
        Cell::number(probe.amplitude_max)
    });
    add("amplitude_mean", "mean amplitude", &|probe, _| {
        Cell::number(probe.amplitude_mean)
    });
    add("l2", "√Σ|P|²", &|probe, _| Cell::number(probe.l2));
    add("power", "power Σ|P|²", &|probe, _| {
        Cell::number(probe.power)
    });
    add("divisor", "divided by", &|_, divisor| Cell::maybe(divisor));
    let (counts, half_side) = (light.mean_counts, light.half_side());
    add("counts_over_power", "mean counts / power", &|probe, _| {
        Cell::number(counts / probe.power)
    });
    // PtychoPINN's input has a mean Σ X² of (n/2)², whatever the counts are.
    add(
        "object_amplitude",
        "object amplitude that fits",
        &|probe, divisor| {
            let l2_of_data = if divisor.is_some() {
                half_side
            } else {
                counts.sqrt()
            };
            Cell::number(l2_of_data / probe.l2)
        },
    );
    add(
        "intensity_scale",
        "legacy intensity scale √counts / (n/2)",
        &|_, divisor| divisor.map_or_else(Cell::none, |_| Cell::number(counts.sqrt() / half_side)),
    );
}

/// Counts found and expected.
struct Light {
    n: usize,
    mean_counts: f64,
    /// Of the patterns compared: found.
    found: f64,
    /// Of the patterns compared: what object and probe of the file predict.
    expected: Option<f64>,
    residual: Option<f64>,
}

impl Light {
    fn of(dataset: &Dataset) -> Self {
        let (m, n) = (dataset.n_patterns(), dataset.n());
        let rows: Vec<usize> = (0..N_COMPARED.min(m))
            .map(|i| i * m / N_COMPARED.min(m))
            .collect();
        let mut frame = vec![0.0; n * n];
        let mut found = 0.0;
        for row in &rows {
            dataset.frames().read(*row, &mut frame);
            found += frame
                .iter()
                .map(|value| f64::from(*value).powi(2))
                .sum::<f64>();
        }
        let named = dataset.metadata().subpixel.as_deref();
        let subpixel = match named {
            Some("bilinear") => Subpixel::Bilinear,
            _ => Subpixel::Fourier,
        };
        let n_rows = rows.len().max(1) as f64;
        Self {
            n,
            mean_counts: dataset.mean_counts(),
            found: found / n_rows,
            expected: expected(dataset, subpixel, &rows).map(|sum| sum / n_rows),
            residual: residual(dataset, subpixel, N_COMPARED),
        }
    }

    fn half_side(&self) -> f64 {
        (self.n / 2) as f64
    }

    fn ratio(&self) -> Option<f64> {
        self.expected
            .filter(|expected| 0.0 < *expected)
            .map(|expected| self.found / expected)
    }
}

/// Sum of the expected counts of these patterns, pixels that are masked included; none without an object.
fn expected(dataset: &Dataset, subpixel: Subpixel, rows: &[usize]) -> Option<f64> {
    let object = dataset.object()?;
    let forward = Forward::<f32>::new(dataset.n(), subpixel);
    let counts = rows.iter().map(|row| {
        let position_px = dataset.positions_px()[*row];
        let waves = forward.exit_waves(object.view(), dataset.probe().view(), position_px);
        let power = |wave: &Complex<f32>| f64::from(wave.norm_sqr());
        waves.iter().map(power).sum::<f64>()
    });
    Some(counts.sum())
}

fn judge(draft: &mut Draft, stored: &ProbeReport, light: &Light) {
    let scale = |power: f64| Cell::number(power).text;
    if let Some(ratio) = light.ratio() {
        let words = format!(
            "the patterns hold {} times the counts that the file's object and probe predict",
            scale(ratio)
        );
        let off = ratio.max(1.0 / ratio);
        if CANNOT_BE < off || !off.is_finite() {
            draft.find(
                Verdict::Bad,
                format!(
                    "{words}: probe and patterns are not in one scale; multiply probeGuess by {}",
                    scale(ratio.sqrt())
                ),
            );
        } else if AGREES < off - 1.0 {
            draft.find(
                Verdict::Note,
                format!("{words}: objectGuess may be a guess, or the detector misses a part"),
            );
        }
    } else {
        let through = light.mean_counts / stored.as_stored.power;
        if !LET_THROUGH.contains(&through) {
            draft.find(Verdict::Bad, format!(
                "a pattern holds {} times the probe's power: probe and patterns are not in one scale; match the probe's \
                 power to the patterns, as reconstruct does",
                scale(through)
            ));
        }
    }
    let is_divided = stored.masked_mean_divisor;
    let by = PROBE_SCALES
        .into_iter()
        .find(|by| (is_divided * by - 1.0).abs() < 1e-3);
    if let Some(by) = by {
        draft.find(
            Verdict::Note,
            format!(
                "the probe is stored as PtychoPINN's set_probe leaves it, with probe_scale {by}"
            ),
        );
    }
}
