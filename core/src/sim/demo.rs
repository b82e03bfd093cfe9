//! The built-in demonstration scan: a star, a curved probe, a spiral, 1e5 photons a pattern.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::{Array3, Axis};
use num_complex::{Complex32, Complex64};
use rayon::prelude::*;

use crate::data::{Dataset, DatasetParts, Frames, Metadata};
use crate::error::{Error, Result};
use crate::forward::Subpixel;
use crate::job::Quiet;
use crate::sim::Simulator;
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
    let object = Arc::new(object.mapv(single));
    let simulator = |probe: &Array3<Complex64>| {
        Simulator::new(
            Arc::clone(&object),
            Arc::new(probe.mapv(single)),
            positions_px.as_slice().into(),
            Subpixel::Fourier,
            seed,
        )
    };
    // The object absorbs a little: the dose is what arrives at the detector.
    let arriving = simulator(&probe)?.expected_photons(&Quiet::default())?;
    let mean_counts = arriving.iter().sum::<f64>() / N_PATTERNS as f64;
    for wave in [&mut probe, &mut guess] {
        let mode = wave.index_axis_mut(Axis(0), 0);
        scale_power(mode, PHOTONS * PHOTONS / mean_counts);
    }
    let simulator = simulator(&probe)?;
    let mut amplitudes = vec![0.0; N_PATTERNS * N * N];
    amplitudes
        .par_chunks_exact_mut(N * N)
        .enumerate()
        .for_each(|(i, pattern)| simulator.amplitude(i, pattern));
    let counts = amplitudes.iter().map(|&a| f64::from(a) * f64::from(a));
    let measured = counts.sum::<f64>() / N_PATTERNS as f64;
    let amplitudes = Array3::from_shape_vec((N_PATTERNS, N, N), amplitudes)
        .map_err(|error| Error::Run(error.to_string()))?;
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
        object: Some(Arc::unwrap_or_clone(object)),
        metadata,
        ..required
    })
}

fn single(value: Complex64) -> Complex32 {
    Complex32::new(value.re as f32, value.im as f32)
}
