//! Patches put together to an object, in the object's own frame.

use ndarray::Array2;
use num_complex::{Complex32, Complex64};

use crate::grouping::Groups;

/// Pixels with less weight than this share of a patch's greatest weight count as unseen: they lie a millionth of a pixel
/// inside a patch's edge, or where the probe is dark.
const LEAST_WEIGHT_SHARE: f64 = 1e-6;

/// An object stitched of patches, in the object's own frame: pixel (0, 0) is the object's corner.
///
/// ```text
/// O[x] = Σ_j Σ_i t(x - s_j - i) w[i] p_j[i] / Σ_j Σ_i t(x - s_j - i) w[i],     s_j = c_j - n/2
/// ```
///
/// `p_j` is the patch whose pixel n/2 lies at `c_j`, `i` runs over its central M x M pixels `[n/2 - M/2, n/2 - M/2 + M)`,
/// `w` are the weights of a patch's pixels, `t` is the bilinear tent `(1 - |y|)(1 - |x|)`, 0 beyond one pixel: numerator
/// and denominator are the adjoint of [`crate::patches::cut_bilinear`]. O is 0 where the denominator, the coverage, is 0.
/// What lies outside the frame is lost. Sums are kept in double precision and in the order in which patches are added.
#[derive(Clone, Debug)]
pub struct Stitcher {
    n: usize,
    first: usize,
    crop: usize,
    /// Weights of the central M x M pixels.
    weight: Vec<f32>,
    least_weight: f64,
    sums: Array2<Complex64>,
    weights: Array2<f64>,
}

impl Stitcher {
    /// An empty object of `(h, w)` pixels for the central `crop` x `crop` of patches of `n` pixels (all of them where that
    /// is more), weighted by `weight` (`(n, n)`, none below 0).
    ///
    /// # Panics
    /// If `weight` is not `(n, n)`.
    pub fn new(shape: [usize; 2], n: usize, crop: usize, weight: Array2<f32>) -> Self {
        assert_eq!(weight.dim(), (n, n), "weights of a patch");
        let crop = crop.min(n);
        let first = n / 2 - crop / 2;
        let end = first + crop;
        let central = weight.slice_move(ndarray::s![first..end, first..end]);
        let most = central.iter().fold(0.0f32, |most, w| most.max(*w));
        Self {
            n,
            first,
            crop,
            weight: central.iter().copied().collect(),
            least_weight: LEAST_WEIGHT_SHARE * f64::from(most),
            sums: Array2::zeros(shape),
            weights: Array2::zeros(shape),
        }
    }

    /// M, pixels along a side of what is stitched of a patch.
    pub fn crop(&self) -> usize {
        self.crop
    }

    /// Add what was drawn of the patterns of these groups, `(b, c, n, n)`, each at its own position.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn add_groups(&mut self, patches: &[Complex32], groups: &Groups, which: &[usize]) {
        let mut patches = patches.chunks_exact(self.n * self.n);
        for &group in which {
            let centre = groups.centres_px()[group];
            for (relative, patch) in groups.relative_px(group).iter().zip(&mut patches) {
                self.add(patch, [centre[0] + relative[0], centre[1] + relative[1]]);
            }
        }
    }

    /// Add a patch `(n, n)` whose pixel `n/2` lies at `centre_px` (row, column).
    ///
    /// # Panics
    /// If the patch has fewer than `n` x `n` pixels.
    pub fn add(&mut self, patch: &[Complex32], centre_px: [f64; 2]) {
        let half = (self.n / 2) as f64;
        let start = centre_px.map(|c| c - half + self.first as f64);
        let floor = start.map(f64::floor);
        let (top, left) = (floor[0] as isize, floor[1] as isize);
        let (fy, fx) = (start[0] - floor[0], start[1] - floor[1]);
        for row in 0..self.crop {
            for column in 0..self.crop {
                let (y, x) = (self.first + row, self.first + column);
                let weight = f64::from(self.weight[row * self.crop + column]);
                if weight <= 0.0 {
                    continue;
                }
                let value = patch[y * self.n + x];
                let value = Complex64::new(f64::from(value.re), f64::from(value.im));
                let (y, x) = (top + row as isize, left + column as isize);
                self.put(y, x, weight * (1.0 - fy) * (1.0 - fx), value);
                self.put(y, x + 1, weight * (1.0 - fy) * fx, value);
                self.put(y + 1, x, weight * fy * (1.0 - fx), value);
                self.put(y + 1, x + 1, weight * fy * fx, value);
            }
        }
    }

    fn put(&mut self, row: isize, column: isize, weight: f64, value: Complex64) {
        let index = usize::try_from(row).and_then(|row| Ok((row, usize::try_from(column)?)));
        let Ok(index) = index else { return };
        if let (Some(sum), Some(weights)) = (self.sums.get_mut(index), self.weights.get_mut(index))
        {
            *sum += weight * value;
            *weights += weight;
        }
    }

    /// Object and coverage (the sum of weights over each pixel, `(h, w)`) so far; both are 0 where no patch was.
    pub fn finish(&self) -> (Array2<Complex32>, Array2<f32>) {
        let is_seen = |weight: f64| self.least_weight < weight;
        let object = ndarray::Zip::from(&self.sums)
            .and(&self.weights)
            .map_collect(|sum, weight| {
                if !is_seen(*weight) {
                    return Complex32::default();
                }
                let value = sum / weight;
                Complex32::new(value.re as f32, value.im as f32)
            });
        let seen = |weight: f64| if is_seen(weight) { weight as f32 } else { 0.0 };
        (object, self.weights.mapv(seen))
    }
}
