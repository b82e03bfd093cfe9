//! One pass over the patterns, and what it tells about their scale and form.

use super::{Depth, Source, listed};
use crate::data::Frames;
use crate::data::draft::FramesPart;
use crate::data::frames::{Conversion, one_pass};
use crate::data::inspect::Severity;
use crate::data::npz::Archive;
use crate::data::scan::{FrameScan, Scale};
use crate::data::stack::{Bytes, Layout, Stack};
use crate::error::{Error, Result};
use crate::job::Monitor;

impl Source {
    pub(super) fn read_frames(&mut self, depth: Depth, monitor: &dyn Monitor<()>) -> Result<()> {
        let Some(FramesPart { index, layout, .. }) = self.draft.frames else {
            return Ok(());
        };
        let key = self.key(index);
        let Some((scan, stack)) = self.attempt(&key, |archive| {
            scan_frames(archive, index, layout, depth, monitor)
        })?
        else {
            return Ok(());
        };
        self.stack = stack;
        self.judge_frames(&key, &scan);
        self.compare_twin(layout)
    }

    fn judge_frames(&mut self, key: &str, scan: &FrameScan) {
        let Some(part) = &self.draft.frames else {
            return;
        };
        let (m, n) = (part.layout.n_frames, part.layout.n);
        let (mut is_counts, is_tike) = (part.is_counts, part.is_tike);
        let is_trusted = self
            .metadata
            .as_ref()
            .is_some_and(|metadata| metadata.amplitude.as_deref() == Some("sqrt_counts"));
        self.bad_frames = scan.bad_frames();
        if !self.bad_frames.is_empty() {
            let found = match (scan.n_nan, scan.n_infinite) {
                (nan, 0) => format!("{nan} NaN"),
                (0, infinite) => format!("{infinite} infinite"),
                (nan, infinite) => format!("{nan} NaN and {infinite} infinite"),
            };
            let all = self.bad_frames.len() == m;
            let found = format!("{found}, all in {}", listed(&self.bad_frames));
            let fix = if all {
                "none: no pattern is whole".to_owned()
            } else {
                format!(
                    "leave {} out, with {} coordinates",
                    listed(&self.bad_frames),
                    if self.bad_frames.len() == 1 {
                        "its"
                    } else {
                        "their"
                    }
                )
            };
            let severity = if all {
                Severity::Refused
            } else {
                Severity::Repairable
            };
            self.draft.add(
                severity,
                key,
                "VALUE-001",
                ["finite amplitudes", &found, &fix],
            );
        }
        let n_values = m * n * n;
        if scan.n_negative != 0 {
            let found = format!(
                "{} values below 0, the least {}, of {n_values}",
                scan.n_negative, scan.least
            );
            if n_values < 100 * scan.n_negative {
                self.draft.refuse(key, "VALUE-002", ["amplitudes >= 0", &found, "none: more than 1 % of the pixels; a logarithm, or a background was subtracted"]);
            } else {
                self.draft.repairable(
                    key,
                    "VALUE-002",
                    ["amplitudes >= 0", &found, "set them to 0"],
                );
            }
        }
        if !is_counts && !is_trusted && scan.is_counts() {
            is_counts = true;
            self.draft.repairable(
                key,
                "SCALE-001",
                [
                    "float32 amplitude",
                    "whole numbers only, which are counts, not amplitudes",
                    "take the square root",
                ],
            );
        }
        let mut counts_factor = 1.0;
        if !is_counts && !is_trusted {
            counts_factor = self.judge_scale(key, scan);
        }
        // What this program simulated has its zero frequency in the middle, wherever the light is.
        let is_corner = !is_trusted && self.judge_corner(key, scan, is_tike);
        self.convert = Conversion {
            is_counts,
            is_corner,
            is_clipped: scan.n_negative != 0,
            counts_factor,
        };
        let sums = if is_counts { &scan.sums } else { &scan.squares };
        self.counts_per_frame = sums.iter().map(|sum| sum * counts_factor.powi(2)).collect();
        self.judge_light(key);
    }

    fn judge_scale(&mut self, key: &str, scan: &FrameScan) -> f64 {
        // A file of ours says by what its amplitudes were divided; at high doses the values do not tell.
        let own = self.metadata.as_ref().and_then(|own| own.counts_factor);
        let scale = match own {
            Some(counts_factor) if 0.0 < counts_factor && counts_factor.is_finite() => {
                Scale::DividedRoots { counts_factor }
            }
            _ => scan.scale(),
        };
        match scale {
            Scale::AsItIs => 1.0,
            Scale::Logarithm => {
                let found = "a logarithm of counts";
                self.draft.refuse(
                    key,
                    "SCALE-003",
                    [
                        "amplitudes",
                        found,
                        "none: save amplitudes or counts; the logarithm's form is a guess",
                    ],
                );
                1.0
            }
            Scale::DividedCounts => {
                self.draft.add(
                    Severity::Note,
                    key,
                    "SCALE-004",
                    [
                        "amplitude = square root of counts",
                        "whole multiples of one number: amplitudes of a step, or counts divided by a number",
                        "none: if they are counts, save the counts themselves",
                    ],
                );
                1.0
            }
            Scale::DividedRoots { counts_factor } => {
                let found = match own {
                    Some(_) => {
                        format!(
                            "dose-normalised amplitudes: marked as divided by {counts_factor:.6}"
                        )
                    }
                    None => format!(
                        "squares that are whole multiples of {:.6e}: amplitudes divided by {counts_factor:.6}",
                        counts_factor.powi(-2)
                    ),
                };
                let fix = format!("multiply by {counts_factor:.6}, which makes the squares counts");
                self.draft.repairable(
                    key,
                    "SCALE-002",
                    ["amplitude = square root of counts", &found, &fix],
                );
                if let Some(probe) = self.draft.probe {
                    let probe = self.key(probe);
                    let fix = format!("multiply by {counts_factor:.6}");
                    self.draft.repairable(
                        &probe,
                        "SCALE-002",
                        [
                            "the scale of the amplitudes",
                            &format!("divided as {key} is"),
                            &fix,
                        ],
                    );
                }
                counts_factor
            }
        }
    }

    fn judge_corner(&mut self, key: &str, scan: &FrameScan, is_tike: bool) -> bool {
        /// Share of the light in a quarter of the area that leaves no doubt where the zero frequency is.
        const SURE_SHARE: f64 = 0.8;
        let (middle, corners) = scan.shares().unwrap_or_default();
        let is_corner = SURE_SHARE <= corners || (is_tike && middle < SURE_SHARE);
        if is_corner {
            let found = if is_tike {
                "DC in the corner, as tike stores it".to_owned()
            } else {
                format!(
                    "{:.0} % of the light in the corners: DC at [0, 0]",
                    100.0 * corners
                )
            };
            self.draft.repairable(
                key,
                "DC-001",
                ["DC in the middle, [n/2, n/2]", &found, "fftshift"],
            );
        }
        is_corner
    }

    fn judge_light(&mut self, key: &str) {
        let n_dark = (0..self.counts_per_frame.len())
            .filter(|i| {
                self.counts_per_frame[*i] == 0.0 && self.bad_frames.binary_search(i).is_err()
            })
            .count();
        let n_good = self.counts_per_frame.len() - self.bad_frames.len();
        if n_good != 0 && n_dark == n_good {
            self.draft
                .refuse(key, "VALUE-004", ["some light", "zeros only", "none"]);
        } else if n_dark != 0 {
            let found = format!("{n_dark} patterns without light");
            self.draft.add(
                Severity::Note,
                key,
                "VALUE-004",
                ["some light in every pattern", &found, ""],
            );
        }
    }

    /// `diffraction` and `diff3d` must hold the same.
    fn compare_twin(&mut self, layout: Layout) -> Result<()> {
        let (Some((twin, other)), Some(part)) = (self.draft.twin, &self.draft.frames) else {
            return Ok(());
        };
        let index = part.index;
        let stacks = self.attempt("diff3d", |archive| {
            Ok([archive.stack(index, layout)?, archive.stack(twin, other)?])
        })?;
        let Some([first, second]) =
            stacks.map(|stacks| stacks.map(|stack| Frames::from_stack(stack, Conversion::NONE)))
        else {
            return Ok(());
        };
        let n = layout.n;
        let differs = first.map_frames(|i, frame| {
            let mut same = vec![0.0; n * n];
            second.read(i, &mut same);
            frame
                .iter()
                .zip(&same)
                .any(|(a, b)| a != b && !(a.is_nan() && b.is_nan()))
        });
        match differs.iter().position(|differs| *differs) {
            Some(frame) => self.draft.refuse(
                "diff3d",
                "ALIAS-002",
                [
                    "the same patterns as diffraction, or one of the two keys",
                    &format!("other values, first in frame {frame}"),
                    "none: which of the two is meant is unknown",
                ],
            ),
            None => self.draft.add(
                Severity::Note,
                "diff3d",
                "ALIAS-002",
                ["", "the same as diffraction", ""],
            ),
        }
        Ok(())
    }
}

/// One pass over the patterns; with [`Depth::Keep`] they are kept, mapped where they are stored.
fn scan_frames(
    archive: &Archive,
    index: usize,
    layout: Layout,
    depth: Depth,
    monitor: &dyn Monitor<()>,
) -> Result<(FrameScan, Option<Stack>)> {
    let header = archive.header(index)?;
    let mut scan = FrameScan::new(layout);
    let all = header.data_bytes().unwrap_or(0);
    let mapped = archive
        .is_stored(index)
        .then(|| archive.stack(index, layout))
        .transpose()?;
    let is_kept = depth == Depth::Keep && mapped.is_none();
    let (mut done, mut bytes) = (0, Vec::new());
    let agrees = archive.stream(index, &mut |chunk| {
        if monitor.stop().is_requested() {
            return Err(Error::Cancelled);
        }
        scan.add(&header.dtype, chunk);
        if is_kept {
            bytes.extend_from_slice(chunk);
        }
        done += chunk.len();
        monitor.progress(one_pass(done, all));
        Ok(())
    })?;
    if !agrees {
        let key = &archive.keys[index].key;
        return Err(archive.bad_member(
            key,
            "bytes that agree with their checksum",
            "damaged bytes",
        ));
    }
    let stack = match mapped {
        Some(stack) => Some(stack),
        None if is_kept => Some(Stack {
            bytes: Bytes::Owned(std::sync::Arc::new(bytes)),
            dtype: header.dtype.clone(),
            layout,
            kept: None,
        }),
        None => None,
    };
    Ok((scan, stack))
}
