//! What a simulator reads: the object on a padded canvas, the probe modes and their spectra, positions that fit.

use ndarray::{Array2, Array3, ArrayView2, ArrayView3};
use num_complex::{Complex32, Complex64};

use crate::error::{Error, Result};
use crate::fft::Fft2;
use crate::fft::tile::Tiling;
use crate::fft::tile::fields::Patch;
use crate::forward::Subpixel;
use crate::patches::whole_start;
use crate::simd::{Aligned, LANES};

/// Photons up to which single precision holds every sum of a pattern.
const MOST_PHOTONS: f64 = 1e18;
/// Positions that a message lists.
const N_LISTED: usize = 10;

/// The object with rows and columns exchanged, and zeros beyond it for whole registers to read.
pub(super) struct Canvas {
    re: Aligned<f32>,
    im: Aligned<f32>,
    stride: usize,
}

impl Canvas {
    pub(super) fn new(object: ArrayView2<'_, Complex32>) -> Self {
        let (rows, columns) = object.dim();
        // The last strip of a patch and the second corner of an interpolation reach beyond the object.
        let stride = (rows + LANES + 1).next_multiple_of(LANES);
        let len = (columns + 2) * stride;
        let mut canvas = Self {
            re: Aligned::zeros(len),
            im: Aligned::zeros(len),
            stride,
        };
        for ((row, column), value) in object.indexed_iter() {
            let at = column * stride + row;
            (canvas.re[at], canvas.im[at]) = (value.re, value.im);
        }
        canvas
    }

    /// The place of the patch that starts at this pixel, which was checked to lie inside.
    pub(super) fn at(&self, start_px: [isize; 2]) -> usize {
        start_px[1] as usize * self.stride + start_px[0] as usize
    }

    pub(super) fn patch(&self, start: usize) -> Patch<'_, f32> {
        Patch {
            re: &self.re,
            im: &self.im,
            start,
            stride: self.stride,
        }
    }
}

/// Probe modes and their spectra, tiled with rows and columns exchanged, all divided by n so that the unnormalised
/// transform of an exit wave is the orthonormal one.
pub(super) struct Modes {
    fields: Aligned<f32>,
    spectra: Aligned<f32>,
    field_len: usize,
}

impl Modes {
    pub(super) fn new(probe: ArrayView3<'_, Complex32>, tiling: Tiling) -> Self {
        let (n_modes, n, _) = probe.dim();
        let field_len = tiling.field_len();
        let mut modes = Self {
            fields: Aligned::zeros(n_modes * field_len),
            spectra: Aligned::zeros(n_modes * field_len),
            field_len,
        };
        let fft = Fft2::<f64>::new(n, n);
        let mut scratch = fft.scratch();
        for (k, mode) in probe.outer_iter().enumerate() {
            let at = k * field_len..(k + 1) * field_len;
            let mut wave: Vec<Complex64> = mode
                .iter()
                .map(|value| Complex64::new(f64::from(value.re), f64::from(value.im)))
                .collect();
            tile(&wave, tiling, 1.0 / n as f64, &mut modes.fields[at.clone()]);
            fft.forward_plain(&mut wave, &mut scratch);
            // Over n for the probe and n² for the inverse transform; one n was divided by already.
            let per_pixel = 1.0 / (n * n) as f64;
            // The spectrum stands transposed to the fields, so here rows are rows.
            for (i, value) in wave.iter().enumerate() {
                let place = at.start + tiling.at(i / n, i % n);
                modes.spectra[place] = (value.re * per_pixel) as f32;
                modes.spectra[place + field_len / 2] = (value.im * per_pixel) as f32;
            }
        }
        modes
    }

    pub(super) fn n_modes(&self) -> usize {
        self.fields.len() / self.field_len
    }

    pub(super) fn field(&self, k: usize) -> &[f32] {
        &self.fields[k * self.field_len..(k + 1) * self.field_len]
    }

    pub(super) fn spectrum(&self, k: usize) -> &[f32] {
        &self.spectra[k * self.field_len..(k + 1) * self.field_len]
    }
}

/// A row-major plane as a field, rows and columns exchanged.
fn tile(wave: &[Complex64], tiling: Tiling, per_value: f64, field: &mut [f32]) {
    let plane = tiling.plane_len();
    for (i, value) in wave.iter().enumerate() {
        let at = tiling.at(i % tiling.n, i / tiling.n);
        field[at] = (value.re * per_value) as f32;
        field[at + plane] = (value.im * per_value) as f32;
    }
}

/// That shapes fit and values are numbers that single precision can square.
pub(super) fn check_values(object: &Array2<Complex32>, probe: &Array3<Complex32>) -> Result<()> {
    let invalid =
        |key: &str, expected: &str, found: String| Error::invalid("simulate", key, expected, found);
    let (n_modes, rows, columns) = probe.dim();
    if n_modes == 0 || rows == 0 || rows != columns {
        let found = format!("{n_modes} x {rows} x {columns}");
        return Err(invalid("probe", "at least one mode, each a square", found));
    }
    let (height, width) = object.dim();
    if height < rows || width < rows {
        let expected = format!("at least {rows} x {rows} px, as the probe");
        return Err(invalid("object", &expected, format!("{height} x {width}"))
            .with_fix("make the object larger or the patterns smaller"));
    }
    for (key, n_bad) in [
        ("object", object.iter().filter(|v| !v.is_finite()).count()),
        ("probe", probe.iter().filter(|v| !v.is_finite()).count()),
    ] {
        if n_bad > 0 {
            let found = format!("{n_bad} values that are NaN or infinite");
            return Err(invalid(key, "finite values", found));
        }
    }
    let power = |value: &Complex32| f64::from(value.re).powi(2) + f64::from(value.im).powi(2);
    let brightest = object.iter().map(power).fold(0.0, f64::max);
    let photons = probe.iter().map(power).sum::<f64>() * brightest;
    if photons > MOST_PHOTONS {
        let found = format!("up to {photons:.3e}");
        return Err(invalid("probe", "at most 1e18 photons a pattern", found)
            .with_fix("ask for fewer photons"));
    }
    Ok(())
}

/// That there are positions and that every patch lies inside the object.
pub(super) fn check_positions(
    positions_px: &[[f64; 2]],
    shape: [usize; 2],
    n: usize,
    subpixel: Subpixel,
) -> Result<()> {
    if positions_px.is_empty() {
        return Err(Error::invalid(
            "simulate",
            "positions",
            "at least one",
            "none",
        ));
    }
    let leaves = |position_px: [f64; 2]| {
        if !position_px.iter().all(|c| c.is_finite()) {
            return true;
        }
        let (start_px, extra_px) = match subpixel {
            Subpixel::Fourier => (whole_start(position_px, n).0, [0.0; 2]),
            Subpixel::Bilinear => (
                whole_start(position_px.map(f64::floor), n).0,
                position_px.map(|c| c.ceil() - c.floor()),
            ),
        };
        (0..2).any(|axis| {
            let start_px = start_px[axis] as f64;
            start_px < 0.0 || shape[axis] as f64 - n as f64 - extra_px[axis] < start_px
        })
    };
    let outside: Vec<usize> = (0..positions_px.len())
        .filter(|&i| leaves(positions_px[i]))
        .collect();
    if outside.is_empty() {
        return Ok(());
    }
    let mut listed: Vec<String> = outside
        .iter()
        .take(N_LISTED)
        .map(|&i| format!("{i} at ({}, {})", positions_px[i][0], positions_px[i][1]))
        .collect();
    if outside.len() > N_LISTED {
        listed.push("...".to_owned());
    }
    let expected = format!(
        "every {n} x {n} patch inside the {} x {} object",
        shape[0], shape[1]
    );
    let found = format!("{} outside: {}", outside.len(), listed.join(", "));
    Err(Error::invalid("simulate", "positions", expected, found)
        .with_fix("make the object larger or move the scan inside"))
}
