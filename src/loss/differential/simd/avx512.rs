//! Eight lanes as one AVX-512 register. The compiler's own vectorisation of arrays is four times slower here.
//!
//! SAFETY of every block below: the intrinsics need AVX-512F, DQ or VL and nothing else; values of this type are made
//! only by work that `Vectors::run` started after asking the processor for all three. Loads and stores go through
//! references to a whole, aligned `Pack`.

use super::{LANES, Lanes, Pack, WHOLE};
use std::arch::x86_64::*;

#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512d);

impl Lanes for Avx512 {
    const WIDE: bool = true;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        Self(unsafe { _mm512_set1_pd(value) })
    }

    #[inline(always)]
    fn load(from: &Pack) -> Self {
        Self(unsafe { _mm512_load_pd(from.0.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut Pack) {
        unsafe { _mm512_store_pd(to.0.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm512_sub_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(unsafe { _mm512_mul_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self(unsafe { _mm512_div_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self(unsafe { _mm512_fmadd_pd(self.0, b.0, c.0) })
    }

    #[inline(always)]
    fn floor(self) -> Self {
        Self(unsafe { _mm512_roundscale_pd::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(self.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(unsafe { _mm512_min_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn zero_below(self, limit: f64, value: Self) -> Self {
        Self(unsafe {
            let keep = _mm512_cmp_pd_mask::<_CMP_NLT_UQ>(self.0, _mm512_set1_pd(limit));
            _mm512_maskz_mov_pd(keep, value.0)
        })
    }

    #[inline(always)]
    fn scale(self, k: Self) -> Self {
        Self(unsafe { _mm512_scalef_pd(self.0, _mm512_sub_pd(k.0, _mm512_set1_pd(WHOLE))) })
    }

    #[inline(always)]
    fn peel(self, exponent: Self) -> (Self, Self) {
        unsafe {
            let one = _mm512_set1_pd(1.0);
            let large = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(self.0, _mm512_set1_pd(18_446_744_073_709_551_616.0));
            let whole = _mm512_add_pd(one, self.0);
            let mantissa = _mm512_getmant_pd::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_SRC>(whole);
            let excess = _mm512_mask_sub_pd(self.0, large, mantissa, one);
            (Self(excess), Self(_mm512_mask_add_pd(exponent.0, large, exponent.0, _mm512_getexp_pd(whole))))
        }
    }

    #[inline(always)]
    fn sums(from: &[Self; LANES]) -> Self {
        let [a, b, c, d, e, f, g, h] = *from;
        let first = pairs(lanes(a, b), lanes(c, d));
        pairs(first, pairs(lanes(e, f), lanes(g, h)))
    }

    #[inline(always)]
    fn products(u: f64, v: f64) -> Self {
        Self::splat(u).one_or(&BITS[0]).mul(Self::splat(v).one_or(&BITS[1]))
    }

    #[inline(always)]
    fn upper(w: f64) -> Self {
        Self::splat(w).one_or(&BITS[2])
    }
}

// Whether a lane's number has bit 0, 1, 2.
const BITS: [Pack; 3] = [
    Pack([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]),
    Pack([0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]),
    Pack([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]),
];

impl Avx512 {
    /// `self` where `bits` is 1, else 1. A multiply-add by 0 or 1 is exact, and unlike a blend it takes its broadcast
    /// from memory and spares the one port that shuffles.
    #[inline(always)]
    fn one_or(self, bits: &Pack) -> Self {
        let bits = Self::load(bits);
        self.mul_add(bits, Self::splat(1.0).sub(bits))
    }
}

// Functions, not closures: a closure is compiled without these vectors unless it is inlined first.

/// The sums of neighbouring lanes of both, in turn.
#[inline(always)]
fn lanes(a: Avx512, b: Avx512) -> Avx512 {
    unsafe { Avx512(_mm512_add_pd(_mm512_unpacklo_pd(a.0, b.0), _mm512_unpackhi_pd(a.0, b.0))) }
}

/// The sums of neighbouring pairs of lanes, those of `a`, then those of `b`.
#[inline(always)]
fn pairs(a: Avx512, b: Avx512) -> Avx512 {
    unsafe {
        let even = _mm512_shuffle_f64x2::<0b10_00_10_00>(a.0, b.0);
        Avx512(_mm512_add_pd(even, _mm512_shuffle_f64x2::<0b11_01_11_01>(a.0, b.0)))
    }
}
