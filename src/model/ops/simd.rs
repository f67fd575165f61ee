//! The processor's vectors: AVX-512 or AVX2 with FMA on x86-64, arrays of eight numbers elsewhere.
//!
//! A kernel is written once as [`Work`] over [`Vectors`] and compiled for each [`Level`]. `run` and all it calls in a
//! loop must be `#[inline(always)]`, so that the intrinsics end up inside a function compiled for their processor.
//! A level always gives the same bytes; two levels may differ in the last bits, since they add in another order.

use std::sync::OnceLock;

/// f32 or f64.
pub(crate) trait Number: candle_core::WithDType + Default {
    /// Compiles `work` for `level` and runs it.
    fn run<W: Work<Self>>(level: Level, work: W) -> W::Out;
}

/// What a kernel is: code that works with any kind of vectors.
pub(crate) trait Work<T: Number> {
    type Out;
    fn run<V: Vectors<Number = T>>(self, vectors: V) -> Self::Out;
}

/// One kind of vectors. A value of it is the proof that this processor has them.
pub(crate) trait Vectors: Copy {
    type Number: Number;
    type Lanes: Copy;
    /// Numbers in a vector.
    const COUNT: usize;
    /// Vectors the processor holds at once.
    const REGISTERS: usize;

    fn splat(self, value: Self::Number) -> Self::Lanes;
    /// The first [`Vectors::COUNT`] numbers; `from` has at least as many.
    fn load(self, from: &[Self::Number]) -> Self::Lanes;
    fn store(self, lanes: Self::Lanes, to: &mut [Self::Number]);
    /// `N` vectors whose first numbers are `apart` numbers apart.
    fn load_apart<const N: usize>(self, from: &[Self::Number], apart: usize) -> [Self::Lanes; N];
    fn store_apart<const N: usize>(self, lanes: [Self::Lanes; N], to: &mut [Self::Number], apart: usize);
    /// a · b + c.
    fn multiply_add(self, a: Self::Lanes, b: Self::Lanes, c: Self::Lanes) -> Self::Lanes;
    fn add(self, a: Self::Lanes, b: Self::Lanes) -> Self::Lanes;
    fn subtract(self, a: Self::Lanes, b: Self::Lanes) -> Self::Lanes;
    /// Of two vectors in a row, those at even places and those at odd ones.
    fn split(self, first: Self::Lanes, second: Self::Lanes) -> [Self::Lanes; 2];
    /// The two vectors in a row that [`Vectors::split`] makes `even` and `odd` of.
    fn merge(self, even: Self::Lanes, odd: Self::Lanes) -> [Self::Lanes; 2];
    /// `to[column · COUNT + row] = from[row · stride + column]` for a square of COUNT rows and columns.
    fn transpose(self, from: &[Self::Number], stride: usize, to: &mut [Self::Number]);
}

/// The length that a slice must have to hold `n` vectors of `count` numbers, `apart` numbers apart.
#[inline(always)]
fn reach(n: usize, apart: usize, count: usize) -> usize {
    n.saturating_sub(1).checked_mul(apart).and_then(|last| last.checked_add(count)).expect("a length of memory")
}

/// Which vectors to use. Only those the processor has can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

/// `avx2` or `portable` keep to less than the processor has, to time it or to get the bytes of another machine.
const VARIABLE: &str = "WIDEMARGIN_VECTORS";

impl Level {
    /// The widest vectors there are, or those that the environment asks for; read once.
    pub(crate) fn best() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| {
            let all = Level::all();
            let wanted = std::env::var(VARIABLE).unwrap_or_default();
            all.iter().find(|level| level.name() == wanted).copied().unwrap_or(all[0])
        })
    }

    /// Every level of this processor, the widest first.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let fused = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if fused && is_x86_feature_detected!("avx512f") {
                all.push(Level(Kind::Avx512));
            }
            if fused {
                all.push(Level(Kind::Avx2));
            }
        }
        all.push(Level(Kind::Portable));
        all
    }

    /// `avx512`, `avx2` or `portable`.
    pub(crate) fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            Kind::Portable => "portable",
        }
    }
}

impl Number for f32 {
    fn run<W: Work<f32>>(level: Level, work: W) -> W::Out {
        match level.0 {
            // SAFETY: `Level::all` makes such a level only if the processor has what the function is compiled for.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { x86::with_avx512(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { x86::with_avx2(work) },
            Kind::Portable => work.run(Portable::<f32>::default()),
        }
    }
}

// f64 checks gradients and is not in a hurry.
impl Number for f64 {
    fn run<W: Work<f64>>(_level: Level, work: W) -> W::Out {
        work.run(Portable::<f64>::default())
    }
}

/// Arrays that the compiler turns into what the target has.
#[derive(Clone, Copy, Default)]
struct Portable<T>(std::marker::PhantomData<T>);

const PORTABLE: usize = 8;

impl<T: Number> Vectors for Portable<T> {
    type Number = T;
    type Lanes = [T; PORTABLE];
    const COUNT: usize = PORTABLE;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, value: T) -> [T; PORTABLE] {
        [value; PORTABLE]
    }

    #[inline(always)]
    fn load(self, from: &[T]) -> [T; PORTABLE] {
        std::array::from_fn(|lane| from[lane])
    }

    #[inline(always)]
    fn store(self, lanes: [T; PORTABLE], to: &mut [T]) {
        to[..PORTABLE].copy_from_slice(&lanes);
    }

    #[inline(always)]
    fn load_apart<const N: usize>(self, from: &[T], apart: usize) -> [[T; PORTABLE]; N] {
        std::array::from_fn(|n| self.load(&from[n * apart..]))
    }

    #[inline(always)]
    fn store_apart<const N: usize>(self, lanes: [[T; PORTABLE]; N], to: &mut [T], apart: usize) {
        lanes.into_iter().enumerate().for_each(|(n, lanes)| self.store(lanes, &mut to[n * apart..]));
    }

    #[inline(always)]
    fn multiply_add(self, a: [T; PORTABLE], b: [T; PORTABLE], c: [T; PORTABLE]) -> [T; PORTABLE] {
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    fn add(self, a: [T; PORTABLE], b: [T; PORTABLE]) -> [T; PORTABLE] {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    fn subtract(self, a: [T; PORTABLE], b: [T; PORTABLE]) -> [T; PORTABLE] {
        std::array::from_fn(|lane| a[lane] - b[lane])
    }

    #[inline(always)]
    fn split(self, first: [T; PORTABLE], second: [T; PORTABLE]) -> [[T; PORTABLE]; 2] {
        let at = |place: usize| if place < PORTABLE { first[place] } else { second[place - PORTABLE] };
        [std::array::from_fn(|lane| at(2 * lane)), std::array::from_fn(|lane| at(2 * lane + 1))]
    }

    #[inline(always)]
    fn merge(self, even: [T; PORTABLE], odd: [T; PORTABLE]) -> [[T; PORTABLE]; 2] {
        let at = |place: usize| [even, odd][place % 2][place / 2];
        [std::array::from_fn(at), std::array::from_fn(|lane| at(PORTABLE + lane))]
    }

    #[inline(always)]
    fn transpose(self, from: &[T], stride: usize, to: &mut [T]) {
        for row in 0..PORTABLE {
            for column in 0..PORTABLE {
                to[column * PORTABLE + row] = from[row * stride + column];
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Vectors, Work, reach};
    use std::arch::x86_64::*;

    // Private fields: only the two functions below, compiled for the processor, make these values.
    #[derive(Clone, Copy)]
    pub(super) struct Avx512(());
    #[derive(Clone, Copy)]
    pub(super) struct Avx2(());

    #[target_feature(enable = "avx512f,avx2,fma")]
    pub(super) fn with_avx512<W: Work<f32>>(work: W) -> W::Out {
        work.run(Avx512(()))
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn with_avx2<W: Work<f32>>(work: W) -> W::Out {
        work.run(Avx2(()))
    }

    impl Vectors for Avx512 {
        type Number = f32;
        type Lanes = __m512;
        const COUNT: usize = 16;
        const REGISTERS: usize = 32;

        #[inline(always)]
        fn splat(self, value: f32) -> __m512 {
            // SAFETY: `self` exists, so the processor has AVX-512; the same holds for every block below.
            unsafe { _mm512_set1_ps(value) }
        }

        #[inline(always)]
        fn load(self, from: &[f32]) -> __m512 {
            let from = &from[..16];
            // SAFETY: sixteen numbers are there; no alignment is asked for.
            unsafe { _mm512_loadu_ps(from.as_ptr()) }
        }

        #[inline(always)]
        fn store(self, lanes: __m512, to: &mut [f32]) {
            let to = &mut to[..16];
            // SAFETY: there is room for sixteen numbers; no alignment is asked for.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), lanes) }
        }

        #[inline(always)]
        fn load_apart<const N: usize>(self, from: &[f32], apart: usize) -> [__m512; N] {
            let from = &from[..reach(N, apart, 16)];
            let mut lanes = [self.splat(0.0); N];
            for n in 0..N {
                // SAFETY: `reach` ends 16 numbers after the start of the last vector; no alignment is asked for.
                lanes[n] = unsafe { _mm512_loadu_ps(from.as_ptr().add(n * apart)) };
            }
            lanes
        }

        #[inline(always)]
        fn store_apart<const N: usize>(self, lanes: [__m512; N], to: &mut [f32], apart: usize) {
            let to = &mut to[..reach(N, apart, 16)];
            for n in 0..N {
                // SAFETY: as in `load_apart`.
                unsafe { _mm512_storeu_ps(to.as_mut_ptr().add(n * apart), lanes[n]) };
            }
        }

        #[inline(always)]
        fn multiply_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
            // SAFETY: see `splat`.
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }

        #[inline(always)]
        fn add(self, a: __m512, b: __m512) -> __m512 {
            // SAFETY: see `splat`.
            unsafe { _mm512_add_ps(a, b) }
        }

        #[inline(always)]
        fn subtract(self, a: __m512, b: __m512) -> __m512 {
            // SAFETY: see `splat`.
            unsafe { _mm512_sub_ps(a, b) }
        }

        #[inline(always)]
        fn split(self, first: __m512, second: __m512) -> [__m512; 2] {
            // SAFETY: see `splat`.
            unsafe {
                let even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
                let odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
                [_mm512_permutex2var_ps(first, even, second), _mm512_permutex2var_ps(first, odd, second)]
            }
        }

        #[inline(always)]
        fn merge(self, even: __m512, odd: __m512) -> [__m512; 2] {
            // SAFETY: see `splat`.
            unsafe {
                let first = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
                let second = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
                [_mm512_permutex2var_ps(even, first, odd), _mm512_permutex2var_ps(even, second, odd)]
            }
        }

        #[inline(always)]
        fn transpose(self, from: &[f32], stride: usize, to: &mut [f32]) {
            // Four rows at a time: pairs of rows are interleaved twice, then the four quarters of the vectors.
            for part in 0..4 {
                let from = &from[4 * part * stride..];
                let (a, b) = (self.load(from), self.load(&from[stride..]));
                let (c, d) = (self.load(&from[2 * stride..]), self.load(&from[3 * stride..]));
                // SAFETY: see `splat`.
                let columns = unsafe {
                    let (ab_low, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
                    let (cd_low, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
                    [
                        _mm512_shuffle_ps::<0x44>(ab_low, cd_low),
                        _mm512_shuffle_ps::<0xee>(ab_low, cd_low),
                        _mm512_shuffle_ps::<0x44>(ab_high, cd_high),
                        _mm512_shuffle_ps::<0xee>(ab_high, cd_high),
                    ]
                };
                // `columns[k]` now holds columns k, 4 + k, 8 + k and 12 + k of these four rows.
                for (k, column) in columns.into_iter().enumerate() {
                    let mut four = [0.0; 16];
                    self.store(column, &mut four);
                    for quarter in 0..4 {
                        let to = &mut to[(4 * quarter + k) * 16 + 4 * part..][..4];
                        to.copy_from_slice(&four[4 * quarter..4 * quarter + 4]);
                    }
                }
            }
        }
    }

    impl Vectors for Avx2 {
        type Number = f32;
        type Lanes = __m256;
        const COUNT: usize = 8;
        const REGISTERS: usize = 16;

        #[inline(always)]
        fn splat(self, value: f32) -> __m256 {
            // SAFETY: `self` exists, so the processor has AVX2 and FMA; the same holds for every block below.
            unsafe { _mm256_set1_ps(value) }
        }

        #[inline(always)]
        fn load(self, from: &[f32]) -> __m256 {
            let from = &from[..8];
            // SAFETY: eight numbers are there; no alignment is asked for.
            unsafe { _mm256_loadu_ps(from.as_ptr()) }
        }

        #[inline(always)]
        fn store(self, lanes: __m256, to: &mut [f32]) {
            let to = &mut to[..8];
            // SAFETY: there is room for eight numbers; no alignment is asked for.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), lanes) }
        }

        #[inline(always)]
        fn load_apart<const N: usize>(self, from: &[f32], apart: usize) -> [__m256; N] {
            let from = &from[..reach(N, apart, 8)];
            let mut lanes = [self.splat(0.0); N];
            for n in 0..N {
                // SAFETY: `reach` ends 8 numbers after the start of the last vector; no alignment is asked for.
                lanes[n] = unsafe { _mm256_loadu_ps(from.as_ptr().add(n * apart)) };
            }
            lanes
        }

        #[inline(always)]
        fn store_apart<const N: usize>(self, lanes: [__m256; N], to: &mut [f32], apart: usize) {
            let to = &mut to[..reach(N, apart, 8)];
            for n in 0..N {
                // SAFETY: as in `load_apart`.
                unsafe { _mm256_storeu_ps(to.as_mut_ptr().add(n * apart), lanes[n]) };
            }
        }

        #[inline(always)]
        fn multiply_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
            // SAFETY: see `splat`.
            unsafe { _mm256_fmadd_ps(a, b, c) }
        }

        #[inline(always)]
        fn add(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: see `splat`.
            unsafe { _mm256_add_ps(a, b) }
        }

        #[inline(always)]
        fn subtract(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: see `splat`.
            unsafe { _mm256_sub_ps(a, b) }
        }

        #[inline(always)]
        fn split(self, first: __m256, second: __m256) -> [__m256; 2] {
            // SAFETY: see `splat`.
            unsafe {
                // Within halves first, which leaves the pairs of both vectors in turns.
                let even = _mm256_castps_pd(_mm256_shuffle_ps::<0x88>(first, second));
                let odd = _mm256_castps_pd(_mm256_shuffle_ps::<0xdd>(first, second));
                let (even, odd) = (_mm256_permute4x64_pd::<0xd8>(even), _mm256_permute4x64_pd::<0xd8>(odd));
                [_mm256_castpd_ps(even), _mm256_castpd_ps(odd)]
            }
        }

        #[inline(always)]
        fn merge(self, even: __m256, odd: __m256) -> [__m256; 2] {
            // SAFETY: see `splat`.
            unsafe {
                let (low, high) = (_mm256_unpacklo_ps(even, odd), _mm256_unpackhi_ps(even, odd));
                [_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high)]
            }
        }

        #[inline(always)]
        fn transpose(self, from: &[f32], stride: usize, to: &mut [f32]) {
            for part in 0..2 {
                let from = &from[4 * part * stride..];
                let (a, b) = (self.load(from), self.load(&from[stride..]));
                let (c, d) = (self.load(&from[2 * stride..]), self.load(&from[3 * stride..]));
                // SAFETY: see `splat`.
                let columns = unsafe {
                    let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                    let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                    [
                        _mm256_shuffle_ps::<0x44>(ab_low, cd_low),
                        _mm256_shuffle_ps::<0xee>(ab_low, cd_low),
                        _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
                        _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
                    ]
                };
                for (k, column) in columns.into_iter().enumerate() {
                    let mut two = [0.0; 8];
                    self.store(column, &mut two);
                    for half in 0..2 {
                        let to = &mut to[(4 * half + k) * 8 + 4 * part..][..4];
                        to.copy_from_slice(&two[4 * half..4 * half + 4]);
                    }
                }
            }
        }
    }
}
