//! The built-in demonstration scan: a star, a curved probe, a spiral, 1e5 photons a pattern.

use std::collections::BTreeMap;

use ndarray::{Array3, Axis};
use num_complex::{Complex32, Complex64};
use rayon::prelude::*;

use crate::data::{Dataset, DatasetParts, Frames, Metadata};
use crate::error::Result;
use crate::forward::{Forward, Subpixel};
use crate::rng::{Purpose, stream_at};
use crate::sim::noise::poisson;
use crate::sim::object::SiemensStar;
use crate::sim::probe::{DefocusedDisk, scale_power};
use crate::sim::scan::fermat_spiral;

/// Side of a pattern.
const N: usize = 128;
/// Number of patterns.
const N_PATTERNS: usize = 400;
/// Side of the object.
const OBJECT_SIDE_PX: usize = 352;
/// Photons a pattern.
const PHOTONS: f64 = 1e5;
/// Distance between neighbouring points of the spiral.
const SPACING_PX: f64 = 9.0;
/// Side of an object pixel.
const PIXEL_SIZE_M: f64 = 20e-9;
/// Phase of the defocus at the aperture's edge: of the beam, and of the guess that the file holds.
const DEFOCUS_RAD: [f64; 2] = [14.0, 12.0];

/// A star-like test object, a curved probe, 400 positions of 128x128 on a spiral, 1e5 photons a pattern.
///
/// `objectGuess` is the truth; `probeGuess` is a guess that is out of focus by a seventh, with the power of the true
/// probe, so that there is something to find. The same seed gives the same dataset; only the noise depends on it.
///
/// # Errors
/// None in practice: those of [`Dataset::new`].
pub fn demonstration(seed: u64) -> Result<Dataset> {
    let star = SiemensStar {
        side_px: OBJECT_SIDE_PX,
        radius_px: 104.0,
        hub_px: 9.0,
        n_spokes: 24,
        phase_rad: -1.2,
        amplitude: 0.9,
    };
    let object = star.object();
    let middle_px = (OBJECT_SIDE_PX / 2) as f64;
    let positions_px = fermat_spiral(N_PATTERNS, SPACING_PX, [middle_px, middle_px]);
    let probes = DEFOCUS_RAD.map(|defocus_rad| {
        DefocusedDisk {
            n: N,
            aperture_px: 20.0,
            defocus_rad,
            photons: PHOTONS,
        }
        .probe()
        .insert_axis(Axis(0))
    });
    let [mut probe, mut guess] = probes;
    let forward = Forward::new(N, Subpixel::Fourier);
    let mut intensity = positions_px
        .par_iter()
        .map(|&position_px| forward.intensity(object.view(), probe.view(), position_px))
        .collect::<Vec<_>>();
    // The object absorbs a little: the dose is what arrives at the detector.
    let mean_counts =
        intensity.iter().map(|pattern| pattern.sum()).sum::<f64>() / N_PATTERNS as f64;
    let photons = PHOTONS * PHOTONS / mean_counts;
    for wave in [&mut probe, &mut guess] {
        scale_power(wave.index_axis_mut(Axis(0), 0), photons);
    }
    intensity
        .par_iter_mut()
        .enumerate()
        .for_each(|(i, pattern)| {
            let mut rng = stream_at(seed, Purpose::Noise, i as u64);
            pattern.mapv_inplace(|mean| poisson(&mut rng, mean * PHOTONS / mean_counts));
        });
    let measured = intensity.iter().map(|pattern| pattern.sum()).sum::<f64>() / N_PATTERNS as f64;
    let mut amplitudes = Array3::zeros((N_PATTERNS, N, N));
    for (mut frame, counts) in amplitudes.axis_iter_mut(Axis(0)).zip(&intensity) {
        frame.zip_mut_with(counts, |amplitude, counts| {
            *amplitude = counts.sqrt() as f32;
        });
    }
    let metadata = Metadata {
        command: format!("ptychobench demo --seed {seed}"),
        subpixel: Some("fourier".to_owned()),
        seeds: BTreeMap::from([("noise".to_owned(), seed)]),
        photons_requested: Some(PHOTONS),
        photons_measured: Some(measured),
        pixel_size_m: Some(PIXEL_SIZE_M),
        amplitude: Some("sqrt_counts".to_owned()),
        ..Metadata::default()
    }
    .signed();
    let required = DatasetParts::required(
        Frames::from_array(amplitudes),
        positions_px,
        guess.mapv(single),
    );
    Dataset::new(DatasetParts {
        object: Some(object.mapv(single)),
        metadata,
        ..required
    })
}

fn single(value: Complex64) -> Complex32 {
    Complex32::new(value.re as f32, value.im as f32)
}
