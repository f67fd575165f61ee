//! Many pairs for one division: the blocks of [`super::Exact`].
//!
//! With p = a b for a pair, a = exp(t - c) and b = exp(c - s), its loss is log(1 + p) and its slope p / (1 + p). For K
//! factors a of a block, and e_k their elementary symmetric polynomials,
//!     prod_j (1 + a_j b) = 1 + D(b),   D(b) = e_1 b + e_2 b² + ... + e_K b^K,   sum_j slope_j = b D'(b) / (1 + D(b)),
//! so Horner's rule for D and D' costs 2 K multiply-adds, one division and no exp or log. Every term is positive: nothing
//! cancels, and log1p(D) keeps its relative accuracy where D is 1e-300.
//! Two factors 1 against b = 1: D = 2 + 1 = 3, loss log 4 = 2 log 2, slopes b D' / (1 + D) = 4 / 4 = 1 = ½ + ½.

use super::simd::{Arithmetic, multiply_add};

/// Rows worked on together; slices of factors are padded to a multiple of it with 0, which is neutral.
pub(super) const LANES: usize = 16;
// Blocks whose coefficients stay in the first cache (16 KiB at K = 16) while many rows pass.
const TILE: usize = 128;
// 1 + D has its full accuracy as a float from here on, so its exponent can be set aside.
const LARGE: f64 = 18_446_744_073_709_551_616.0; // 2^64

/// A product 2^exponent (1 + excess) that neither overflows nor loses an excess of 1e-300.
#[derive(Clone, Copy, Default)]
pub(super) struct Product {
    exponent: f64,
    excess: f64,
}

impl Product {
    /// Multiplies by 1 + `excess`, at most 1e285.
    #[inline(always)]
    fn absorb<const FUSED: bool>(&mut self, excess: f64) {
        let excess = multiply_add::<FUSED>(self.excess, 1.0 + excess, excess);
        let whole = (1.0 + excess).to_bits();
        // The exponent's bits, read as an integer through the float 2^52 + integer: vectors have no other conversion.
        let exponent = f64::from_bits((whole >> 52) | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
        let rest = f64::from_bits((whole & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000) - 1.0;
        let large = excess > LARGE;
        self.exponent += if large { exponent } else { 0.0 };
        self.excess = if large { rest } else { excess };
    }

    /// The product of both.
    pub(super) fn times(mut self, other: Product) -> Product {
        self.absorb::<false>(other.excess);
        self.exponent += other.exponent;
        self
    }

    /// The logarithm, to rounding.
    pub(super) fn ln(self) -> f64 {
        self.exponent * std::f64::consts::LN_2 + self.excess.ln_1p()
    }
}

/// e_1 .. e_K of each `K` factors; the last block is filled with factors 0.
pub(super) fn elementary<const K: usize>(factors: &[f64]) -> Vec<[f64; K]> {
    let block = |factors: &[f64]| {
        let mut e = [0.0; K];
        for &a in factors {
            for k in (1..K).rev() {
                e[k] += a * e[k - 1];
            }
            e[0] += a;
        }
        e
    };
    factors.chunks(K).map(block).collect()
}

/// All blocks against some rows: `factors` b and `slopes`, of one length, a multiple of [`LANES`].
///
/// Adds each row's sum of slopes to `slopes`; its result is the product of 1 + p over all pairs.
pub(super) struct Pass<'a, const K: usize> {
    pub(super) factors: &'a [f64],
    pub(super) coefficients: &'a [[f64; K]],
    pub(super) slopes: &'a mut [f64],
}

impl<const K: usize> Arithmetic for Pass<'_, K> {
    type Out = Product;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> Product {
        // Apart, not as an array of `Product`s: lanes of one kind side by side are what becomes vectors.
        let mut exponents = vec![0.0; self.factors.len()];
        let mut excesses = vec![0.0; self.factors.len()];
        for tile in self.coefficients.chunks(TILE) {
            let rows = self.factors.as_chunks().0.iter().zip(self.slopes.as_chunks_mut().0);
            let products = exponents.as_chunks_mut().0.iter_mut().zip(excesses.as_chunks_mut().0);
            for ((b, slope), (exponent, excess)) in rows.zip(products) {
                lanes::<K, FUSED>(tile, b, slope, exponent, excess);
            }
        }
        let products = exponents.into_iter().zip(excesses);
        products.map(|(exponent, excess)| Product { exponent, excess }).fold(Product::default(), Product::times)
    }
}

#[inline(always)]
fn lanes<const K: usize, const FUSED: bool>(
    tile: &[[f64; K]],
    b: &[f64; LANES],
    slope: &mut [f64; LANES],
    exponent: &mut [f64; LANES],
    excess: &mut [f64; LANES],
) {
    for e in tile {
        // D = b q(b): Horner for q and, one step behind, for q'.
        let mut q = [e[K - 1]; LANES];
        let mut derivative = [0.0; LANES];
        for k in (0..K - 1).rev() {
            for l in 0..LANES {
                derivative[l] = multiply_add::<FUSED>(derivative[l], b[l], q[l]);
                q[l] = multiply_add::<FUSED>(q[l], b[l], e[k]);
            }
        }
        for l in 0..LANES {
            let d = b[l] * q[l];
            slope[l] += b[l] * multiply_add::<FUSED>(derivative[l], b[l], q[l]) / (1.0 + d);
            let mut product = Product { exponent: exponent[l], excess: excess[l] };
            product.absorb::<FUSED>(d);
            (exponent[l], excess[l]) = (product.exponent, product.excess);
        }
    }
}
