//! Run a kernel with the widest vectors that the processor has, chosen at run time.
//!
//! A kernel is a [`Task`]: its arguments, and a body written once over [`Machine`]. [`Kernel::run`] compiles the body
//! once for every machine. Whatever the body calls must be `#[inline(always)]`: what is not inlined into the function
//! that switches the vector instructions on is compiled without them, a hundred times slower.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

/// Vectors of `f32` and what can be done with them.
pub(crate) trait Machine: Copy {
    /// A register.
    type Vector: Copy;
    /// Values of a register: 16, 8 or 4.
    const LANES: usize;

    /// The same value in every lane.
    fn splat(self, value: f32) -> Self::Vector;
    /// The first values of a slice.
    fn load(self, from: &[f32]) -> Self::Vector;
    /// Over the first values of a slice.
    fn store(self, value: Self::Vector, to: &mut [f32]);
    /// `a + b`
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a - b`
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a b`
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a b + c`, rounded once where the machine does so fast.
    fn fma(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// `x` where `a > b`, else `y`.
    fn where_greater(
        self,
        a: Self::Vector,
        b: Self::Vector,
        x: Self::Vector,
        y: Self::Vector,
    ) -> Self::Vector;
    /// `x` where `a = b`, else 0.
    fn where_equal(self, a: Self::Vector, b: Self::Vector, x: Self::Vector) -> Self::Vector;
    /// The first bytes of a slice as numbers.
    fn load_bytes(self, from: &[u8]) -> Self::Vector;
    /// Whole numbers of 0 to 255 over the first bytes of a slice.
    fn store_bytes(self, value: Self::Vector, to: &mut [u8]);
}

/// A kernel's arguments and body.
pub(crate) trait Task {
    /// The body; `#[inline(always)]`, as everything that it calls.
    fn run<M: Machine>(self, machine: M);
}

/// Which vector instructions a kernel uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// 16 lanes.
    Avx512,
    /// 8 lanes, with fused multiplication.
    Avx2,
    /// What every processor of this architecture has: 4 lanes on `x86_64` and `aarch64`.
    Portable,
}

impl Kernel {
    /// From the widest to the plainest.
    pub const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Portable];

    /// The widest that this processor has.
    pub fn best() -> Self {
        let best = Self::ALL.into_iter().find(|kernel| kernel.is_available());
        best.unwrap_or(Self::Portable)
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Portable => true,
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// Run a task; with the portable vectors where the processor does not have the wanted ones.
    pub(crate) fn run(self, task: impl Task) {
        #[cfg(target_arch = "x86_64")]
        if self != Self::Portable && self.is_available() {
            x86::run(self, task);
            return;
        }
        task.run(Portable);
    }
}

/// Arrays that every compiler makes vectors of.
#[derive(Clone, Copy)]
struct Portable;

/// One expression for each lane, written out: closures are not always inlined.
macro_rules! lanes {
    ($lane:ident => $value:expr) => {
        [
            {
                const $lane: usize = 0;
                $value
            },
            {
                const $lane: usize = 1;
                $value
            },
            {
                const $lane: usize = 2;
                $value
            },
            {
                const $lane: usize = 3;
                $value
            },
        ]
    };
}

impl Machine for Portable {
    type Vector = [f32; 4];
    const LANES: usize = 4;

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; 4] {
        [value; 4]
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> [f32; 4] {
        let from = &from[..4];
        lanes!(L => from[L])
    }
    #[inline(always)]
    fn store(self, value: [f32; 4], to: &mut [f32]) {
        to[..4].copy_from_slice(&value);
    }
    #[inline(always)]
    fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(L => a[L] + b[L])
    }
    #[inline(always)]
    fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(L => a[L] - b[L])
    }
    #[inline(always)]
    fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(L => a[L] * b[L])
    }
    #[inline(always)]
    fn fma(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        // Without the instruction `mul_add` is a call of the C library.
        if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            lanes!(L => a[L].mul_add(b[L], c[L]))
        } else {
            lanes!(L => a[L] * b[L] + c[L])
        }
    }
    #[inline(always)]
    fn where_greater(self, a: [f32; 4], b: [f32; 4], x: [f32; 4], y: [f32; 4]) -> [f32; 4] {
        lanes!(L => if a[L] > b[L] { x[L] } else { y[L] })
    }
    #[inline(always)]
    fn where_equal(self, a: [f32; 4], b: [f32; 4], x: [f32; 4]) -> [f32; 4] {
        lanes!(L => if a[L] == b[L] { x[L] } else { 0.0 })
    }
    #[inline(always)]
    fn load_bytes(self, from: &[u8]) -> [f32; 4] {
        let from = &from[..4];
        lanes!(L => f32::from(from[L]))
    }
    #[inline(always)]
    fn store_bytes(self, value: [f32; 4], to: &mut [u8]) {
        to[..4].copy_from_slice(&lanes!(L => value[L] as u8));
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #![expect(
        unsafe_code,
        reason = "vector instructions: the compiler does not keep arrays of 16 in registers"
    )]

    use std::arch::x86_64::{
        __m256, __m512, _CMP_EQ_OQ, _CMP_GT_OQ, _mm_loadl_epi64, _mm_loadu_si128, _mm_packus_epi16,
        _mm_packus_epi32, _mm_storel_epi64, _mm_storeu_si128, _mm256_add_ps, _mm256_and_ps,
        _mm256_blendv_ps, _mm256_castsi256_si128, _mm256_cmp_ps, _mm256_cvtepi32_ps,
        _mm256_cvtepu8_epi32, _mm256_cvttps_epi32, _mm256_extracti128_si256, _mm256_fmadd_ps,
        _mm256_loadu_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_storeu_ps, _mm256_sub_ps,
        _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_cvtepi32_epi8, _mm512_cvtepi32_ps,
        _mm512_cvtepu8_epi32, _mm512_cvttps_epi32, _mm512_fmadd_ps, _mm512_loadu_ps,
        _mm512_mask_mov_ps, _mm512_maskz_mov_ps, _mm512_mul_ps, _mm512_set1_ps, _mm512_storeu_ps,
        _mm512_sub_ps,
    };

    use super::{Kernel, Machine, Task};

    /// Run a task on a machine that the processor was asked for.
    pub(super) fn run(kernel: Kernel, task: impl Task) {
        assert!(kernel.is_available(), "{kernel:?} on this processor");
        // SAFETY: the processor has the instructions, see above.
        unsafe {
            match kernel {
                Kernel::Avx512 => run_avx512(task),
                _ => run_avx2(task),
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn run_avx512<T: Task>(task: T) {
        task.run(Avx512(()));
    }

    #[target_feature(enable = "avx2,fma")]
    fn run_avx2<T: Task>(task: T) {
        task.run(Avx2(()));
    }

    /// Made only by [`run_avx512`].
    #[derive(Clone, Copy)]
    struct Avx512(());

    /// Made only by [`run_avx2`].
    #[derive(Clone, Copy)]
    struct Avx2(());

    /// One operation of registers; the safety of all stands here.
    macro_rules! op {
        ($instruction:expr) => {
            // SAFETY: a machine is a proof that the processor has its instructions (only `run` makes one, after it
            // asked), and memory is reached through slices cut to a register's length.
            unsafe { $instruction }
        };
    }

    macro_rules! machine {
        ($machine:ident, $vector:ident, $lanes:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident,
         $mul:ident, $fma:ident, $greater:expr, $equal:expr, $bytes:expr, $to_bytes:expr) => {
            impl Machine for $machine {
                type Vector = $vector;
                const LANES: usize = $lanes;

                #[inline(always)]
                fn splat(self, value: f32) -> $vector {
                    op!($splat(value))
                }
                #[inline(always)]
                fn load(self, from: &[f32]) -> $vector {
                    op!($load(from[..$lanes].as_ptr()))
                }
                #[inline(always)]
                fn store(self, value: $vector, to: &mut [f32]) {
                    op!($store(to[..$lanes].as_mut_ptr(), value));
                }
                #[inline(always)]
                fn add(self, a: $vector, b: $vector) -> $vector {
                    op!($add(a, b))
                }
                #[inline(always)]
                fn sub(self, a: $vector, b: $vector) -> $vector {
                    op!($sub(a, b))
                }
                #[inline(always)]
                fn mul(self, a: $vector, b: $vector) -> $vector {
                    op!($mul(a, b))
                }
                #[inline(always)]
                fn fma(self, a: $vector, b: $vector, c: $vector) -> $vector {
                    op!($fma(a, b, c))
                }
                #[inline(always)]
                fn where_greater(self, a: $vector, b: $vector, x: $vector, y: $vector) -> $vector {
                    op!($greater(a, b, x, y))
                }
                #[inline(always)]
                fn where_equal(self, a: $vector, b: $vector, x: $vector) -> $vector {
                    op!($equal(a, b, x))
                }
                #[inline(always)]
                fn load_bytes(self, from: &[u8]) -> $vector {
                    op!($bytes(from[..$lanes].as_ptr()))
                }
                #[inline(always)]
                fn store_bytes(self, value: $vector, to: &mut [u8]) {
                    op!($to_bytes(to[..$lanes].as_mut_ptr(), value));
                }
            }
        };
    }

    machine!(
        Avx512,
        __m512,
        16,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_mul_ps,
        _mm512_fmadd_ps,
        avx512_where_greater,
        avx512_where_equal,
        avx512_bytes,
        avx512_to_bytes
    );
    machine!(
        Avx2,
        __m256,
        8,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps,
        _mm256_fmadd_ps,
        avx2_where_greater,
        avx2_where_equal,
        avx2_bytes,
        avx2_to_bytes
    );

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn avx512_where_greater(a: __m512, b: __m512, x: __m512, y: __m512) -> __m512 {
        _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), x)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn avx512_where_equal(a: __m512, b: __m512, x: __m512) -> __m512 {
        _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b), x)
    }

    /// # Safety
    /// 16 bytes can be read.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn avx512_bytes(from: *const u8) -> __m512 {
        // SAFETY: the caller's.
        let bytes = unsafe { _mm_loadu_si128(from.cast()) };
        _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))
    }

    /// # Safety
    /// 16 bytes can be written.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn avx512_to_bytes(to: *mut u8, value: __m512) {
        let bytes = _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(value));
        // SAFETY: the caller's.
        unsafe { _mm_storeu_si128(to.cast(), bytes) };
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn avx2_where_greater(a: __m256, b: __m256, x: __m256, y: __m256) -> __m256 {
        _mm256_blendv_ps(y, x, _mm256_cmp_ps::<_CMP_GT_OQ>(a, b))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn avx2_where_equal(a: __m256, b: __m256, x: __m256) -> __m256 {
        _mm256_and_ps(x, _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b))
    }

    /// # Safety
    /// 8 bytes can be read.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn avx2_bytes(from: *const u8) -> __m256 {
        // SAFETY: the caller's.
        let bytes = unsafe { _mm_loadl_epi64(from.cast()) };
        _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes))
    }

    /// # Safety
    /// 8 bytes can be written.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn avx2_to_bytes(to: *mut u8, value: __m256) {
        let whole = _mm256_cvttps_epi32(value);
        let (low, high) = (
            _mm256_castsi256_si128(whole),
            _mm256_extracti128_si256::<1>(whole),
        );
        let words = _mm_packus_epi32(low, high);
        // SAFETY: the caller's.
        unsafe { _mm_storel_epi64(to.cast(), _mm_packus_epi16(words, words)) };
    }
}
