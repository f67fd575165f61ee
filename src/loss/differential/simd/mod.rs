//! Eight f64 lanes, and one piece of arithmetic compiled for each kind of vectors a processor may have.
//!
//! | [`Vectors`] | one [`Lanes`] is | chosen |
//! |---|---|---|
//! | `Avx512` | one register, by intrinsics (`avx512.rs`) | x86-64 with AVX-512F, DQ and VL, asked at run time |
//! | `Avx2` | an array for the compiler to vectorise | x86-64 with AVX2 and FMA, asked at run time |
//! | `Baseline` | the same array | everywhere else: NEON on aarch64, SSE2 on old x86-64 |
//!
//! The order of additions is the same for all three, and the first two round alike: their results are equal bit for bit
//! (tested). On a processor without a fused multiply-add a product and a sum round apart, so last bits differ there.

mod array;
#[cfg(target_arch = "x86_64")]
mod avx512;

use array::Array;

/// Eight numbers on a cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Pack(pub(super) [f64; LANES]);

pub(super) const LANES: usize = 8;

/// Eight lanes and what is done with them.
pub(super) trait Lanes: Copy {
    /// Registers enough to work on four at once.
    const WIDE: bool;
    fn splat(value: f64) -> Self;
    fn load(from: &Pack) -> Self;
    fn store(self, to: &mut Pack);
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    /// self · b + c.
    fn mul_add(self, b: Self, c: Self) -> Self;
    fn floor(self) -> Self;
    fn min(self, other: Self) -> Self;
    /// 0 where `self` is below `limit`, else `value`.
    fn zero_below(self, limit: f64, value: Self) -> Self;
    /// self · 2^k for whole k in -1022..=1023, given as k + [`WHOLE`].
    fn scale(self, k: Self) -> Self;
    /// (excess, exponent) of a product 2^exponent (1 + excess), with an excess above 2^64 brought below 1.
    fn peel(self, exponent: Self) -> (Self, Self);
    /// Lane l is the sum of the lanes of `from[l]`: ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)).
    fn sums(from: &[Self; LANES]) -> Self;
    /// The products of 1 or u (lanes 1, 3, 5, 7), 1 or v (lanes 2, 3, 6, 7), 1 or w (lanes 4 to 7): v u is lane 3.
    fn products(u: f64, v: f64) -> Self;
    /// 1 in the lower four lanes, w in the upper.
    fn upper(w: f64) -> Self;
}

/// Adding it rounds to a whole number, kept in the low bits.
pub(super) const WHOLE: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52

/// exp(x) within 2 ulp for x in -708..=709; 0 below.
#[inline(always)]
pub(super) fn exp<L: Lanes>(x: L) -> L {
    // 1/k! from 13 down: the first term left out is 0.35^14 / 14! = 5e-18.
    const TAYLOR: [f64; 12] = [
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ];
    // ln 2 in two parts, the first of 33 bits: its products with whole numbers up to 2^20 are exact.
    const HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
    const LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
    let k = x.mul(L::splat(std::f64::consts::LOG2_E)).add(L::splat(WHOLE));
    let whole = k.sub(L::splat(WHOLE));
    let r = whole.mul_add(L::splat(-LOW), whole.mul_add(L::splat(-HIGH), x));
    let mut p = L::splat(TAYLOR[0]);
    for c in &TAYLOR[1..] {
        p = p.mul_add(r, L::splat(*c));
    }
    let e = p.mul(r).mul_add(r, r).add(L::splat(1.0));
    x.zero_below(-708.0, e.scale(k))
}

/// Work that [`Vectors::run`] compiles more than once. `run` and all it calls in a loop must be `#[inline(always)]`.
pub(super) trait Arithmetic {
    type Out;
    fn run<L: Lanes>(self) -> Self::Out;
}

/// A kind of vectors to compute with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vectors {
    /// 512 bits, x86-64.
    Avx512,
    /// 256 bits with fused multiply-add, x86-64.
    Avx2,
    /// What every processor of the target has.
    Baseline,
}

impl Vectors {
    /// Those that this processor has, the widest first.
    pub fn available() -> Vec<Vectors> {
        [Vectors::Avx512, Vectors::Avx2, Vectors::Baseline]
            .into_iter()
            .filter(|vectors| vectors.is_available())
            .collect()
    }

    /// The widest that this processor has.
    pub fn widest() -> Vectors {
        [Vectors::Avx512, Vectors::Avx2].into_iter().find(|vectors| vectors.is_available()).unwrap_or(Vectors::Baseline)
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        let avx2 = || is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = || is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512vl");
        match self {
            Vectors::Avx512 => avx2() && is_x86_feature_detected!("avx512f") && avx512(),
            Vectors::Avx2 => avx2(),
            Vectors::Baseline => true,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_available(self) -> bool {
        self == Vectors::Baseline
    }

    /// Runs `work` on these vectors, or on the baseline if the processor lacks them.
    pub(super) fn run<A: Arithmetic>(self, work: A) -> A::Out {
        #[cfg(target_arch = "x86_64")]
        if self.is_available() {
            // SAFETY: the processor has every feature the function is compiled for; the line above asked it.
            match self {
                Vectors::Avx512 => return unsafe { with_avx512(work) },
                Vectors::Avx2 => return unsafe { with_avx2(work) },
                Vectors::Baseline => {}
            }
        }
        // Without the instruction a fused multiply-add is a library call, some hundred times slower.
        if cfg!(target_arch = "aarch64") { work.run::<Array<true>>() } else { work.run::<Array<false>>() }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
fn with_avx512<A: Arithmetic>(work: A) -> A::Out {
    work.run::<avx512::Avx512>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<A: Arithmetic>(work: A) -> A::Out {
    work.run::<Array<true>>()
}

#[cfg(test)]
mod tests {
    use super::{Arithmetic, LANES, Lanes, Pack, Vectors, exp};

    struct Exp<'a>(&'a mut [Pack]);

    impl Arithmetic for Exp<'_> {
        type Out = ();

        #[inline(always)]
        fn run<L: Lanes>(self) {
            for pack in self.0 {
                exp(L::load(pack)).store(pack);
            }
        }
    }

    #[test]
    fn exp_is_within_two_ulp_on_all_vectors() {
        for vectors in Vectors::available() {
            let x: Vec<f64> = (0..8000).map(|i| f64::from(i) * 0.177 - 707.9).collect();
            let mut packs: Vec<Pack> = x.chunks(LANES).map(|x| Pack(x.try_into().expect("eight"))).collect();
            vectors.run(Exp(&mut packs));
            for (x, e) in x.iter().zip(packs.iter().flat_map(|pack| pack.0)) {
                // The standard library's own is within 1.
                assert!((e / x.exp() - 1.0).abs() <= 3.0 * f64::EPSILON, "{vectors:?}: exp({x}) = {e:e}");
            }
        }
    }

    #[test]
    fn exp_of_the_far_left_is_zero() {
        let mut packs = [Pack([-708.1, -1e300, 0.0, -0.0, 1.0, -1.0, 700.0, -700.0])];
        Vectors::widest().run(Exp(&mut packs));
        assert_eq!(packs[0].0[..4], [0.0, 0.0, 1.0, 1.0]);
    }
}
