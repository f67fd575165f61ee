//! Polynomials of degree 7 on a box: eight Chebyshev nodes, and a basis that one register makes in two products.
//!
//! Basis: B_b = T_1^b0 T_2^b1 T_4^b2 for the bits of b, of |B_b| ≤ 1; T_2 = 2 u² - 1 and T_4 = 2 T_2² - 1 come by
//! doubling, and T_3 = 2 B_3 - B_1, T_5 = 2 B_5 - 2 B_3 + B_1, T_6 = 2 B_6 - B_2, T_7 = 4 B_7 - 2 B_5 - B_1. Unlike
//! monomials it does not amplify rounding: the interpolant's coefficients sum to at most 2.9 in absolute value.
//! Lagrange's polynomials at the nodes u_p = cos((2 p + 1) π / 16): l_p = (1 + 2 sum_k T_k(u_p) T_k) / 8.

use crate::loss::differential::simd::{LANES, Lanes, Pack};

/// The Chebyshev nodes, falling.
pub(super) fn nodes() -> [f64; LANES] {
    std::array::from_fn(|p| chebyshev(1, p))
}

/// T_k at node p.
fn chebyshev(k: usize, p: usize) -> f64 {
    ((k * (2 * p + 1)) as f64 * std::f64::consts::PI / 16.0).cos()
}

/// Coefficient of B_b in l_p, at \[b\]\[p\].
pub(super) fn lagrange() -> [Pack; LANES] {
    // T_k in terms of B.
    const IN_B: [&[(usize, f64)]; LANES] = [
        &[(0, 1.0)],
        &[(1, 1.0)],
        &[(2, 1.0)],
        &[(3, 2.0), (1, -1.0)],
        &[(4, 1.0)],
        &[(5, 2.0), (3, -2.0), (1, 1.0)],
        &[(6, 2.0), (2, -1.0)],
        &[(7, 4.0), (5, -2.0), (1, -1.0)],
    ];
    let mut out = [Pack::default(); LANES];
    for (k, in_b) in IN_B.iter().enumerate() {
        for &(b, factor) in *in_b {
            for (p, entry) in out[b].0.iter_mut().enumerate() {
                *entry += factor * chebyshev(k, p) * if k == 0 { 0.125 } else { 0.25 };
            }
        }
    }
    out
}

/// The rows and columns of a matrix exchanged.
pub(super) fn turned(matrix: &[Pack; LANES]) -> [Pack; LANES] {
    std::array::from_fn(|a| Pack(std::array::from_fn(|b| matrix[b].0[a])))
}

/// The sum over k of v_k times row k.
#[inline(always)]
pub(super) fn times<L: Lanes>(v: &Pack, matrix: &[Pack; LANES]) -> L {
    let mut sums = [L::splat(0.0); 4];
    for k in 0..LANES {
        sums[k % 4] = L::splat(v.0[k]).mul_add(L::load(&matrix[k]), sums[k % 4]);
    }
    sums[0].add(sums[2]).add(sums[1].add(sums[3]))
}

/// Where eight scores lie: the number of their box, and u, T_2, T_4 of the place in it, u in \[-1, 1\].
#[inline(always)]
pub(super) fn place<L: Lanes>(scores: &Pack, boxes_per_unit: f64) -> (L, [Pack; 3]) {
    let two = L::splat(2.0);
    let x = L::load(scores).mul(L::splat(boxes_per_unit)); // a power of two: exact
    let number = x.floor();
    let u = x.sub(number).mul_add(two, L::splat(-1.0));
    let v = u.mul(two).mul_add(u, L::splat(-1.0));
    let w = v.mul(two).mul_add(v, L::splat(-1.0));
    let mut out = [Pack::default(); 3];
    u.store(&mut out[0]);
    v.store(&mut out[1]);
    w.store(&mut out[2]);
    (number, out)
}

#[cfg(test)]
mod tests {
    use super::{chebyshev, lagrange, nodes, turned};

    fn basis(u: f64) -> [f64; 8] {
        let (v, w) = (2.0 * u * u - 1.0, 8.0 * u.powi(4) - 8.0 * u * u + 1.0);
        std::array::from_fn(|b| [1.0, u][b & 1] * [1.0, v][b >> 1 & 1] * [1.0, w][b >> 2])
    }

    #[test]
    fn each_polynomial_is_one_at_its_node_and_zero_at_the_others() {
        for (p, coefficients) in turned(&lagrange()).iter().enumerate() {
            for (q, node) in nodes().iter().enumerate() {
                let value: f64 = coefficients.0.iter().zip(basis(*node)).map(|(c, b)| c * b).sum();
                assert!((value - f64::from(u8::from(p == q))).abs() < 1e-14, "{p} {q}: {value}");
            }
        }
        assert!((chebyshev(4, 3) - basis(nodes()[3])[4]).abs() < 1e-15);
    }
}
