//! A product of many numbers 1 + excess, none of them negative, and its logarithm.

use crate::loss::differential::simd::{LANES, Lanes, Pack};

/// Lane by lane a product 2^exponent (1 + excess) that neither overflows nor loses an excess of 1e-300.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Product {
    pub(super) exponent: Pack,
    pub(super) excess: Pack,
}

impl Product {
    /// Brings each excess to at most 2^64.
    #[inline(always)]
    pub(super) fn peel<L: Lanes>(&mut self) {
        let (excess, exponent) = L::load(&self.excess).peel(L::load(&self.exponent));
        excess.store(&mut self.excess);
        exponent.store(&mut self.exponent);
    }

    /// Multiplies lane by lane; both have an excess of at most 2^64.
    #[inline(always)]
    pub(super) fn times<L: Lanes>(&mut self, other: &Product) {
        let (a, b) = (L::load(&self.excess), L::load(&other.excess));
        let excess = a.mul_add(L::splat(1.0).add(b), b);
        let (excess, exponent) = excess.peel(L::load(&self.exponent).add(L::load(&other.exponent)));
        excess.store(&mut self.excess);
        exponent.store(&mut self.exponent);
    }

    /// The logarithm of the product of all lanes, each with an excess of at most 2^64: to 11 roundings.
    pub(super) fn ln(&self) -> f64 {
        let (mut exponent, mut excess) = (0.0, 0.0);
        for l in 0..LANES {
            exponent += self.exponent.0[l];
            let b = self.excess.0[l];
            excess = excess * (1.0 + b) + b; // at most 2^512
        }
        exponent * std::f64::consts::LN_2 + f64::ln_1p(excess)
    }
}
