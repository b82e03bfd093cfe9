//! `summary.md`: what was made, in tables for a person.

use std::fmt::Write as _;

use crate::data::{Finding, Severity};
use crate::fields::capitalised;
use crate::study::generate::manifest::{DoseRecord, RunManifest};
use crate::study::generate::{LightRecord, Stage};

/// The summary of a generation.
pub(super) fn markdown(manifest: &RunManifest) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = header(&mut text, manifest)
        .and_then(|()| probe(&mut text, manifest))
        .and_then(|()| photons(&mut text, manifest))
        .and_then(|()| means(&mut text, manifest))
        .and_then(|()| split(&mut text, manifest))
        .and_then(|()| times(&mut text, manifest))
        .and_then(|()| findings(&mut text, manifest))
        .and_then(|()| files(&mut text, manifest));
    text
}

fn header(text: &mut String, manifest: &RunManifest) -> std::fmt::Result {
    let scene = &manifest.scene;
    let [rows, columns] = scene.object_shape;
    writeln!(text, "# Datasets\n")?;
    writeln!(
        text,
        "{}. Object {rows} x {columns} px, patterns {n} x {n}, {} probe {}, {} positions{}.",
        capitalised(&manifest.task.scene.words()),
        scene.n_probe_modes,
        if scene.n_probe_modes == 1 {
            "mode"
        } else {
            "modes"
        },
        scene.n_positions,
        match scene.n_test_positions {
            0 => String::new(),
            second => format!(" and a second scan of {second}"),
        },
        n = scene.n,
    )?;
    if !scene.outside.is_empty() {
        let [top, left] = scene.grown_px;
        writeln!(
            text,
            "{} patches left the object, which grew by {top} rows above and {left} columns on the left.",
            scene.outside.len()
        )?;
    }
    for repair in &scene.repairs {
        writeln!(text, "Mended: {repair}.")?;
    }
    let seeds: Vec<String> = manifest
        .seeds
        .iter()
        .map(|(purpose, seed)| format!("{purpose} {seed}"))
        .collect();
    writeln!(
        text,
        "Seeds: {}. Made by ptychobench {}.\n",
        seeds.join(", "),
        manifest.version
    )
}

fn probe(text: &mut String, manifest: &RunManifest) -> std::fmt::Result {
    let Some(report) = &manifest.scene.probe else {
        return Ok(());
    };
    writeln!(text, "## Probe, before the dose scales it\n")?;
    writeln!(
        text,
        "| convention | power | L2 | amplitude min | mean | max |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|")?;
    let rows = [
        ("as it is", &report.as_stored),
        ("over its masked mean", &report.masked_mean),
    ];
    for (name, of) in rows {
        writeln!(
            text,
            "| {name} | {:.6} | {:.6} | {:.3e} | {:.6} | {:.6} |",
            of.power, of.l2, of.amplitude_min, of.amplitude_mean, of.amplitude_max
        )?;
    }
    let shares: Vec<String> = report
        .mode_power
        .iter()
        .map(|share| format!("{:.2} %", 100.0 * share))
        .collect();
    writeln!(
        text,
        "\nMasked mean {:.6} (PtychoPINN's convention, probe_scale 1); full width at half maximum {:.2} px; power of the modes {}.\n",
        report.masked_mean_divisor,
        report.fwhm_px,
        shares.join(", ")
    )
}

fn photons(text: &mut String, manifest: &RunManifest) -> std::fmt::Result {
    writeln!(text, "## Photons a pattern\n")?;
    writeln!(
        text,
        "| dose | requested | measured | difference | train mean | test mean | pixels without a count |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|")?;
    for dose in &manifest.doses {
        let (requested, measured) = (dose.photons_requested, dose.photons_measured);
        let of = |half: &str| dose.light.get(half);
        let mean = |half: &str| of(half).map_or(f64::NAN, |light| light.mean_counts);
        writeln!(
            text,
            "| {}{} | {requested} | {measured:.3} | {:+.4} % | {:.3} | {:.3} | {:.1} % |",
            dose.folder.display(),
            if dose.is_stale { " (stale)" } else { "" },
            100.0 * (measured / requested - 1.0),
            mean("train"),
            mean("test"),
            100.0 * of("train").map_or(f64::NAN, |light| light.dark_share),
        )?;
    }
    writeln!(
        text,
        "\nRequested is the expected number averaged over the simulated scan; measured is what was drawn, over the same.\n"
    )?;
    if manifest.doses.iter().any(|dose| dose.is_stale) {
        writeln!(
            text,
            "A stale dose is of an earlier run with other settings.\n"
        )?;
    }
    Ok(())
}

fn means(text: &mut String, manifest: &RunManifest) -> std::fmt::Result {
    writeln!(text, "## Shapes and amplitudes\n")?;
    writeln!(
        text,
        "| dose | half | shape | root mean square amplitude | ratio | mean amplitude | ratio | greatest |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|---|")?;
    let n = manifest.scene.n;
    for half in ["train", "test"] {
        let all = || {
            manifest
                .doses
                .iter()
                .filter_map(|dose| Some((dose, dose.light.get(half)?)))
        };
        let least =
            all().min_by(|(a, _), (b, _)| a.photons_requested.total_cmp(&b.photons_requested));
        for (dose, light) in all() {
            let LightRecord {
                n_patterns,
                rms_amplitude,
                mean_amplitude,
                max_amplitude,
                ..
            } = light;
            let ratio = |of: fn(&LightRecord) -> f64| {
                least.map_or(f64::NAN, |(_, least)| of(light) / of(least))
            };
            writeln!(
                text,
                "| {} | {half} | {n_patterns} x {n} x {n} | {rms_amplitude:.6} | {:.1} | {mean_amplitude:.6} | {:.1} | {max_amplitude:.1} |",
                dose.folder.display(),
                ratio(|light| light.rms_amplitude),
                ratio(|light| light.mean_amplitude),
            )?;
        }
    }
    writeln!(
        text,
        "\nAmplitudes are roots of counts. Ratios are to the lowest dose. The root mean square grows as the root of the dose \
         (1e9 against 1e4: 316.2). The plain mean grows faster, since at few counts the mean of the root of a Poisson number \
         lies below the root of its mean; it says nothing about the dose.\n"
    )
}

fn split(text: &mut String, manifest: &RunManifest) -> std::fmt::Result {
    writeln!(text, "## Training and test set\n")?;
    let Some(DoseRecord { split, .. }) = manifest.doses.first() else {
        return Ok(());
    };
    match split.design {
        Some(design) => writeln!(
            text,
            "{} patterns train, {} test, {} lie in the guard band of {} px about {} = {:.2}.",
            split.n_train,
            split.n_test,
            split.n_guarded,
            design.guard_px,
            match design.axis {
                crate::sim::SplitAxis::Y => "y",
                crate::sim::SplitAxis::X => "x",
            },
            design.middle_px,
        )?,
        None => writeln!(
            text,
            "{} patterns train; {} of a second scan over the same object test, as asked for.",
            split.n_train, split.n_test
        )?,
    }
    writeln!(
        text,
        "Leak: {} object pixels are seen by both halves, {:.2} % of the {} that the test half sees.\n",
        split.leak.n_shared_px, split.leak_percent, split.leak.n_test_px
    )
}

fn times(text: &mut String, manifest: &RunManifest) -> std::fmt::Result {
    writeln!(text, "## Times\n")?;
    writeln!(
        text,
        "| dose | simulate | canonicalise | patches | split | validate | hash and write | all | patterns/s |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|---|---|")?;
    for dose in &manifest.doses {
        write!(text, "| {} |", dose.folder.display())?;
        for stage in Stage::ALL {
            let record = dose.stages.iter().find(|record| record.stage == stage);
            write!(
                text,
                " {:.3} s |",
                record.map_or(0.0, |record| record.seconds)
            )?;
        }
        writeln!(
            text,
            " {:.3} s | {:.3} s | {:.0} |",
            dose.writing_s, dose.seconds, dose.patterns_per_s
        )?;
    }
    writeln!(
        text,
        "\nSeconds of each stage's own work on {} threads; patterns/s counts forward model and noise alone.\n",
        manifest.n_threads
    )
}

fn findings(text: &mut String, manifest: &RunManifest) -> std::fmt::Result {
    writeln!(text, "## Findings of the validator\n")?;
    for dose in &manifest.doses {
        for (half, findings) in &dose.findings {
            let refused = |finding: &&Finding| finding.severity != Severity::Note;
            let n_refused = findings.iter().filter(refused).count();
            let file = dose.folder.join(format!("{half}.npz"));
            writeln!(
                text,
                "- {}: {}",
                file.display(),
                if n_refused == 0 {
                    "obeys contract and design"
                } else {
                    "refused"
                }
            )?;
            for finding in findings {
                writeln!(
                    text,
                    "  - {} ({}): {}",
                    finding.key, finding.rule, finding.found
                )?;
            }
        }
    }
    writeln!(text)
}

fn files(text: &mut String, manifest: &RunManifest) -> std::fmt::Result {
    writeln!(text, "## Files\n")?;
    writeln!(text, "| file | bytes | SHA-256 of the content |")?;
    writeln!(text, "|---|---|---|")?;
    for file in manifest.doses.iter().flat_map(|dose| &dose.files) {
        writeln!(
            text,
            "| {} | {} | {} |",
            file.path.display(),
            file.n_bytes,
            file.sha256
        )?;
    }
    Ok(())
}
