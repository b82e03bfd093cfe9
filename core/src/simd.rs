//! Arithmetic on whole vector registers, for `f32` and `f64`, chosen at run time.
//!
//! The sweeps of the engines and the transforms are written once over [`Real`]; [`pulp`] runs them with the widest
//! vectors the processor has (AVX-512, AVX2 with FMA, NEON, or none).
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use std::any::TypeId;

use num_traits::{Float, FromPrimitive, NumAssign};
use pulp::Simd;

/// Columns of a strip: one AVX-512 register of `f32`, and a multiple of every other register.
pub const LANES: usize = 16;

/// A floating-point type with vectors of itself.
pub trait Real:
    Float + NumAssign + FromPrimitive + Default + Send + Sync + std::fmt::Debug + 'static
{
    /// A register of machine `S`.
    type Vector<S: Simd>: Copy;
    /// The type's name, as numpy spells it.
    const NAME: &'static str;
    /// Bytes of a value.
    const BYTES: usize;

    /// A slice as registers; its length must be a multiple of [`LANES`].
    fn vectors<S: Simd>(values: &[Self]) -> &[Self::Vector<S>];
    /// A slice as registers; its length must be a multiple of [`LANES`].
    fn vectors_mut<S: Simd>(values: &mut [Self]) -> &mut [Self::Vector<S>];
    /// The same value in every lane.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    /// `a + b`
    fn v_add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a - b`
    fn v_sub<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a b`
    fn v_mul<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a / b`
    fn v_div<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a b + c`, fused where the machine does so fast.
    fn v_fma<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// `c - a b`, fused where the machine does so fast.
    fn v_fnma<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// Sum of the lanes.
    fn sum<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
    /// Transpose a block of [`LANES`] rows of [`LANES`] values.
    fn transpose_block<S: Simd>(simd: S, from: &[Self], to: &mut [Self]);
    /// From double precision.
    fn of(value: f64) -> Self;
    /// To double precision.
    fn wide(self) -> f64;
    /// Append little-endian bytes.
    fn put_bytes(self, out: &mut Vec<u8>);
    /// From little-endian bytes.
    fn from_le(bytes: &[u8]) -> Self;
}

macro_rules! real {
    ($t:ident, $name:literal, $v:ident, $as:ident, $as_mut:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident,
     $div:ident, $fma:ident, $neg:ident, $sum:ident, $transpose:ident) => {
        impl Real for $t {
            type Vector<S: Simd> = S::$v;
            const NAME: &'static str = $name;
            const BYTES: usize = size_of::<$t>();

            #[inline(always)]
            fn vectors<S: Simd>(values: &[Self]) -> &[S::$v] {
                S::$as(values).0
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(values: &mut [Self]) -> &mut [S::$v] {
                S::$as_mut(values).0
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> S::$v {
                simd.$splat(value)
            }
            #[inline(always)]
            fn v_add<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn v_sub<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn v_mul<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn v_div<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$div(a, b)
            }
            #[inline(always)]
            fn v_fma<S: Simd>(simd: S, a: S::$v, b: S::$v, c: S::$v) -> S::$v {
                simd.$fma(a, b, c)
            }
            #[inline(always)]
            fn v_fnma<S: Simd>(simd: S, a: S::$v, b: S::$v, c: S::$v) -> S::$v {
                simd.$fma(simd.$neg(a), b, c)
            }
            #[inline(always)]
            fn sum<S: Simd>(simd: S, a: S::$v) -> Self {
                simd.$sum(a)
            }
            #[inline(always)]
            fn transpose_block<S: Simd>(_: S, from: &[Self], to: &mut [Self]) {
                $transpose::<S>(from, to);
            }
            #[inline(always)]
            fn of(value: f64) -> Self {
                value as Self
            }
            #[inline(always)]
            fn wide(self) -> f64 {
                f64::from(self)
            }
            fn put_bytes(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn from_le(bytes: &[u8]) -> Self {
                let mut value = [0; size_of::<$t>()];
                value.copy_from_slice(bytes);
                Self::from_le_bytes(value)
            }
        }
    };
}

real!(
    f32,
    "float32",
    f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    div_f32s,
    mul_add_e_f32s,
    neg_f32s,
    reduce_sum_f32s,
    transpose_f32
);
real!(
    f64,
    "float64",
    f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    div_f64s,
    mul_add_e_f64s,
    neg_f64s,
    reduce_sum_f64s,
    transpose_f64
);

#[inline(always)]
fn transpose_f32<S: Simd>(from: &[f32], to: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if TypeId::of::<S>() == TypeId::of::<pulp::x86::V3>()
        && let Some(v3) = pulp::x86::V3::try_new()
    {
        transpose_avx(v3.avx, from, to);
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if TypeId::of::<S>() == TypeId::of::<pulp::x86::V4>()
        && let Some(v4) = pulp::x86::V4::try_new()
    {
        transpose_avx512(v4.avx512f, from, to);
        return;
    }
    transpose_plain(from, to);
}

#[expect(
    clippy::extra_unused_type_parameters,
    reason = "called as its single-precision sibling is"
)]
#[inline(always)]
fn transpose_f64<S: Simd>(from: &[f64], to: &mut [f64]) {
    transpose_plain(from, to);
}

#[inline(always)]
fn transpose_plain<T: Copy>(from: &[T], to: &mut [T]) {
    let (from, to) = (&from[..LANES * LANES], &mut to[..LANES * LANES]);
    for row in 0..LANES {
        for column in 0..LANES {
            to[row * LANES + column] = from[column * LANES + row];
        }
    }
}

/// Four blocks of 8x8, each by 24 shuffles of registers: pairs, quadruples, then halves.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transpose_avx(x: pulp::core_arch::x86::Avx, from: &[f32], to: &mut [f32]) {
    use std::arch::x86_64::__m256;
    const HALF: usize = LANES / 2;
    let (rows, _) = from.as_chunks::<HALF>();
    let (out, _) = to.as_chunks_mut::<HALF>();
    let (Some(rows), Some(out)) = (rows.first_chunk::<32>(), out.first_chunk_mut::<32>()) else {
        return;
    };
    for block in 0..4 {
        let (down, right) = (block / 2, block % 2);
        let mut quads = [[pulp::cast::<_, __m256>(rows[0]); 4]; 2];
        // No closures: they would be compiled without the vector instructions.
        for (half, quad) in quads.iter_mut().enumerate() {
            let at = 2 * (HALF * down + 4 * half) + right;
            let a: __m256 = pulp::cast(rows[at]);
            let b: __m256 = pulp::cast(rows[at + 2]);
            let c: __m256 = pulp::cast(rows[at + 4]);
            let d: __m256 = pulp::cast(rows[at + 6]);
            let (t0, t1) = (x._mm256_unpacklo_ps(a, b), x._mm256_unpackhi_ps(a, b));
            let (t2, t3) = (x._mm256_unpacklo_ps(c, d), x._mm256_unpackhi_ps(c, d));
            *quad = [
                x._mm256_shuffle_ps::<0x44>(t0, t2),
                x._mm256_shuffle_ps::<0xee>(t0, t2),
                x._mm256_shuffle_ps::<0x44>(t1, t3),
                x._mm256_shuffle_ps::<0xee>(t1, t3),
            ];
        }
        let [low, high] = quads;
        for j in 0..4 {
            let at = 2 * (HALF * right + j) + down;
            out[at] = pulp::cast(x._mm256_permute2f128_ps::<0x20>(low[j], high[j]));
            out[at + HALF] = pulp::cast(x._mm256_permute2f128_ps::<0x31>(low[j], high[j]));
        }
    }
}

/// One block of 16x16 by 64 shuffles of registers: pairs, quadruples, then quarters. Written out, since an array of
/// registers would not stay in registers.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transpose_avx512(x: pulp::core_arch::x86::Avx512f, from: &[f32], to: &mut [f32]) {
    use std::arch::x86_64::__m512;
    let (rows, _) = from.as_chunks::<LANES>();
    let (out, _) = to.as_chunks_mut::<LANES>();
    let (Some(rows), Some(out)) = (rows.first_chunk::<LANES>(), out.first_chunk_mut::<LANES>())
    else {
        return;
    };
    // Quarter q of value c: column 4 q + c of rows `first` to `first + 3`.
    macro_rules! quadruple {
        ($first:literal) => {{
            let a: __m512 = pulp::cast(rows[$first]);
            let b: __m512 = pulp::cast(rows[$first + 1]);
            let c: __m512 = pulp::cast(rows[$first + 2]);
            let d: __m512 = pulp::cast(rows[$first + 3]);
            let (t0, t1) = (x._mm512_unpacklo_ps(a, b), x._mm512_unpackhi_ps(a, b));
            let (t2, t3) = (x._mm512_unpacklo_ps(c, d), x._mm512_unpackhi_ps(c, d));
            (
                x._mm512_shuffle_ps::<0x44>(t0, t2),
                x._mm512_shuffle_ps::<0xee>(t0, t2),
                x._mm512_shuffle_ps::<0x44>(t1, t3),
                x._mm512_shuffle_ps::<0xee>(t1, t3),
            )
        }};
    }
    macro_rules! columns {
        ($c:literal, $a:ident, $b:ident, $d:ident, $e:ident) => {
            let v0 = x._mm512_shuffle_f32x4::<0x88>($a, $b);
            let v1 = x._mm512_shuffle_f32x4::<0x88>($d, $e);
            let v2 = x._mm512_shuffle_f32x4::<0xdd>($a, $b);
            let v3 = x._mm512_shuffle_f32x4::<0xdd>($d, $e);
            out[$c] = pulp::cast(x._mm512_shuffle_f32x4::<0x88>(v0, v1));
            out[4 + $c] = pulp::cast(x._mm512_shuffle_f32x4::<0x88>(v2, v3));
            out[8 + $c] = pulp::cast(x._mm512_shuffle_f32x4::<0xdd>(v0, v1));
            out[12 + $c] = pulp::cast(x._mm512_shuffle_f32x4::<0xdd>(v2, v3));
        };
    }
    let (a0, a1, a2, a3) = quadruple!(0);
    let (b0, b1, b2, b3) = quadruple!(4);
    let (c0, c1, c2, c3) = quadruple!(8);
    let (d0, d1, d2, d3) = quadruple!(12);
    columns!(0, a0, b0, c0, d0);
    columns!(1, a1, b1, c1, d1);
    columns!(2, a2, b2, c2, d2);
    columns!(3, a3, b3, c3, d3);
}

/// Values on a boundary of 64 bytes, so that no register straddles two cache lines.
#[derive(Debug, Default)]
pub struct Aligned<T> {
    values: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Real> Aligned<T> {
    /// Bytes of memory held.
    pub fn n_bytes(&self) -> usize {
        self.values.capacity() * size_of::<T>()
    }

    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let values = vec![T::zero(); len + 64 / T::BYTES];
        let start = values.as_ptr().align_offset(64).min(64 / T::BYTES);
        Self { values, start, len }
    }
}

impl<T: Real> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len);
        copy.copy_from_slice(self);
        copy
    }

    fn clone_from(&mut self, source: &Self) {
        if self.len == source.len {
            self.copy_from_slice(source);
        } else {
            *self = source.clone();
        }
    }
}

impl<T> std::ops::Deref for Aligned<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        &self.values[self.start..self.start + self.len]
    }
}

impl<T> std::ops::DerefMut for Aligned<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[self.start..self.start + self.len]
    }
}
