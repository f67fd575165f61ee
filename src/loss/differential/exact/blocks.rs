//! Many pairs for one division: the inner loop of [`super::Exact`].
//!
//! With p = a b for a pair, a = exp(t - c) and b = exp(c - s), its loss is log(1 + p) and its slope p / (1 + p). For K
//! factors a of a block, and e_k their elementary symmetric polynomials,
//!     P(b) = prod_j (1 + a_j b) = 1 + D(b),   D(b) = e_1 b + e_2 b² + ... + e_K b^K,
//!     row i:     sum_j slope_ij = b_i D'(b_i) / P(b_i),
//!     column j:  sum_i slope_ij = a_j sum_i b_i / P(b_i) · prod_{l≠j} (1 + a_l b_i) = a_j sum_k e_k(all a but a_j) M_k,
//!     M_k = sum_i b_i^(k+1) / P(b_i).
//! Horner's rule for D and D' and the K sums M_k cost 3 K multiply-adds and one division for K pairs, and no exp or
//! log. Every term is positive: nothing cancels, and log1p(D) keeps its relative accuracy where D is 1e-300.
//! Two factors 1 against b = 1: D = 2 + 1 = 3, loss log 4 = 2 log 2, slopes b D' / P = 4 / 4 = 1 = ½ + ½.

use super::product::Product;
use crate::loss::differential::simd::{Arithmetic, LANES, Lanes, Pack};

/// Packs of rows worked on together; rows are padded to a multiple with 0, which is neutral.
pub(super) const GROUP: usize = 4;

/// The elementary symmetric polynomials e_1 .. e_K of `K` packs: eight blocks, one in each lane.
pub(super) struct Elementary<'a, const K: usize> {
    pub(super) factors: &'a [Pack],
    pub(super) elementary: &'a mut [Pack],
}

impl<const K: usize> Arithmetic for Elementary<'_, K> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let out = self.elementary.as_chunks_mut::<K>().0;
        for (factors, out) in self.factors.as_chunks::<K>().0.iter().zip(out) {
            let mut e = [L::splat(0.0); K];
            for a in factors {
                let a = L::load(a);
                for k in (1..K).rev() {
                    e[k] = a.mul_add(e[k - 1], e[k]);
                }
                e[0] = e[0].add(a);
            }
            e.iter().zip(out).for_each(|(e, out)| e.store(out));
        }
    }
}

/// Replaces M_0 .. M_{K-1} of eight blocks by their columns' sums of slopes.
///
/// Multiplying a polynomial by 1 + a b and taking sum_k coefficient_k M_k is taking that sum with M_k + a M_{k+1}: so
/// the factors of one half of a block are folded into M, then the other half is solved alone, and so on.
pub(super) struct Columns<'a, const K: usize> {
    pub(super) factors: &'a [Pack],
    pub(super) moments: &'a mut [Pack],
}

impl<const K: usize> Arithmetic for Columns<'_, K> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let moments = self.moments.as_chunks_mut::<K>().0;
        for (factors, moments) in self.factors.as_chunks::<K>().0.iter().zip(moments) {
            let mut m = [L::splat(0.0); K];
            m.iter_mut().zip(moments.iter()).for_each(|(m, from)| *m = L::load(from));
            let mut width = K;
            while width > 1 {
                let half = width / 2;
                for start in (0..K).step_by(width) {
                    let (mut left, mut right) = (m, m); // their first `half` from `start` are used below
                    for folded in 0..half {
                        let (a, b) = (L::load(&factors[start + half + folded]), L::load(&factors[start + folded]));
                        for k in start..start + width - 1 - folded {
                            left[k] = a.mul_add(left[k + 1], left[k]);
                            right[k] = b.mul_add(right[k + 1], right[k]);
                        }
                    }
                    for k in 0..half {
                        m[start + k] = left[start + k];
                        m[start + half + k] = right[start + k];
                    }
                }
                width = half;
            }
            for k in 0..K {
                m[k].mul(L::load(&factors[k])).store(&mut moments[k]);
            }
        }
    }
}

/// Blocks of columns against rows; its result is the product of 1 + p over all of these pairs.
pub(super) struct Pass<'a, const K: usize> {
    /// Factors b of the rows, a multiple of [`GROUP`].
    pub(super) rows: &'a [Pack],
    /// `K` for each eight blocks.
    pub(super) elementary: &'a [Pack],
    /// Rows' sums of slopes are added here.
    pub(super) slopes: &'a mut [Pack],
    /// Each M_k is added here.
    pub(super) moments: &'a mut [Pack],
    /// Blocks whose product with 2^65 stays inside f64.
    pub(super) between_peels: usize,
}

// b^k of 32 rows for k = 1..=K.
type Powers<const K: usize> = [[Pack; GROUP]; K];

impl<const K: usize> Arithmetic for Pass<'_, K> {
    type Out = Product;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Product {
        // The table of powers is cleared at each call: a small one for few rows.
        if self.rows.len() <= 2 * GROUP { self.sweep::<L, 2>() } else { self.sweep::<L, 8>() }
    }
}

impl<const K: usize> Pass<'_, K> {
    /// `G`: groups of rows whose powers stay in the first cache (32 KiB at K = 16) while all columns pass.
    #[inline(always)]
    fn sweep<L: Lanes, const G: usize>(self) -> Product {
        let mut total = Product::default();
        let mut powers: [Powers<K>; G] = [[[Pack::default(); GROUP]; K]; G];
        for (rows, slopes) in self.rows.chunks(G * GROUP).zip(self.slopes.chunks_mut(G * GROUP)) {
            let mut products = [[Product::default(); GROUP]; G];
            for (powers, rows) in powers.iter_mut().zip(rows.as_chunks::<GROUP>().0) {
                for (v, row) in rows.iter().enumerate() {
                    let b = L::load(row);
                    let mut power = b;
                    for of_k in powers.iter_mut() {
                        power.store(&mut of_k[v]);
                        power = power.mul(b);
                    }
                }
            }
            let (powers, slopes) = (&powers[..rows.len() / GROUP], slopes.as_chunks_mut::<GROUP>().0);
            let mut to_peel = self.between_peels;
            let columns = self.elementary.as_chunks::<K>().0.iter().zip(self.moments.as_chunks_mut::<K>().0);
            for (e, moments) in columns {
                for lane in 0..LANES {
                    to_peel -= 1;
                    let peel = to_peel == 0;
                    if peel {
                        to_peel = self.between_peels;
                    }
                    let m = if L::WIDE {
                        against::<L, K, GROUP>(e, lane, powers, slopes, &mut products, peel)
                    } else {
                        against::<L, K, { GROUP / 2 }>(e, lane, powers, slopes, &mut products, peel)
                    };
                    for k in 0..K {
                        moments[k].0[lane] += m[k / LANES].0[k % LANES];
                    }
                }
            }
            for product in products[..rows.len() / GROUP].as_flattened_mut() {
                product.peel::<L>();
                total.times::<L>(product);
            }
        }
        total
    }
}

/// Lane `lane` of `e`, one block, against all rows of a chunk, `V` packs at a time; its result are this chunk's M_k.
#[inline(always)]
fn against<L: Lanes, const K: usize, const V: usize>(
    e: &[Pack; K],
    lane: usize,
    powers: &[Powers<K>],
    slopes: &mut [[Pack; GROUP]],
    products: &mut [[Product; GROUP]],
    peel: bool,
) -> [Pack; 2] {
    let one = L::splat(1.0);
    let mut m = [L::splat(0.0); K];
    for ((powers, slopes), products) in powers.iter().zip(slopes).zip(products) {
        for first in (0..GROUP).step_by(V) {
            // D = b q(b): Horner for q and, one step behind, for q'.
            let mut b = [one; V];
            let mut q = [L::splat(e[K - 1].0[lane]); V];
            let mut derivative = q;
            for v in 0..V {
                b[v] = L::load(&powers[0][first + v]);
                q[v] = q[v].mul_add(b[v], L::splat(e[K - 2].0[lane]));
            }
            for k in (0..K - 2).rev() {
                let e = L::splat(e[k].0[lane]);
                for v in 0..V {
                    derivative[v] = derivative[v].mul_add(b[v], q[v]);
                    q[v] = q[v].mul_add(b[v], e);
                }
            }
            let mut inverse = [one; V];
            for v in 0..V {
                let d = b[v].mul(q[v]);
                let whole = one.add(d);
                inverse[v] = one.div(whole);
                let slope = &mut slopes[first + v];
                let numerator = b[v].mul(derivative[v].mul_add(b[v], q[v]));
                numerator.mul_add(inverse[v], L::load(slope)).store(slope);
                let product = &mut products[first + v];
                let mut excess = L::load(&product.excess).mul_add(whole, d);
                if peel {
                    let (rest, exponent) = excess.peel(L::load(&product.exponent));
                    exponent.store(&mut product.exponent);
                    excess = rest;
                }
                excess.store(&mut product.excess);
            }
            for k in 0..K {
                for v in 0..V {
                    m[k] = inverse[v].mul_add(L::load(&powers[k][first + v]), m[k]);
                }
            }
        }
    }
    let mut sums = [Pack::default(); 2];
    L::sums(&eight(&m, 0)).store(&mut sums[0]);
    if K > LANES {
        L::sums(&eight(&m, LANES)).store(&mut sums[1]);
    }
    sums
}

/// Eight of `m` from `first` on, or zeros.
#[inline(always)]
fn eight<L: Lanes, const K: usize>(m: &[L; K], first: usize) -> [L; LANES] {
    let mut out = [L::splat(0.0); LANES];
    for k in 0..LANES {
        if first + k < K {
            out[k] = m[first + k];
        }
    }
    out
}
