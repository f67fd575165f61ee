//! The cross-entropy limit for one point a side, in closed form.
//!
//! With a = (x, 1) and c = -(z, 1), the limit of (w, b)/log t is the combination of a and c that has value 1 at both,
//! [(c·c - a·c) a + (a·a - a·c) c]/[(a·a)(c·c) - (a·c)²], or the shorter one alone if the longer is satisfied by it.
//! Source: Nar et al., arXiv:1901.08360, Theorem 1 (there the negative point is written -y).
//! For x = (1, 0), z = (-1, -100) its normal is 87.7° away from the largest margin's, x - z.

use super::Hyperplane;
use super::points::{dimension, dot};
use crate::error::{Error, Result};

/// The hyperplane whose direction gradient descent on cross-entropy approaches, for the positive point `x` and the
/// negative point `z`; the smaller of label·(w·x + b) is 1.
///
/// `x`, `z`: (d,). Errors: `Value` if the points are equal or not finite; `Shape` if their lengths differ.
pub fn two_point_limit(x: &[f64], z: &[f64]) -> Result<Hyperplane> {
    let op = "two_point_limit";
    dimension(op, &[x], &[z])?;
    let apart: f64 = x.iter().zip(z).map(|(x, z)| (x - z) * (x - z)).sum();
    if apart == 0.0 {
        let expected = "two different points".into();
        return Err(Error::Value { op, expected, got: "the same point twice: hulls at distance 0".into() });
    }
    let (aa, cc, ac) = (dot(x, x) + 1.0, dot(z, z) + 1.0, -dot(x, z) - 1.0);
    let (p, q) = if ac >= aa {
        (1.0 / aa, 0.0)
    } else if ac >= cc {
        (0.0, 1.0 / cc)
    } else {
        // Lagrange's identity for (a·a)(c·c) - (a·c)², without its cancellation: |x - z|² + |x|²|z|² - (x·z)².
        let mut area = apart;
        for i in 0..x.len() {
            for j in 0..i {
                let minor = x[i] * z[j] - x[j] * z[i];
                area += minor * minor;
            }
        }
        ((cc - ac) / area, (aa - ac) / area)
    };
    let w = x.iter().zip(z).map(|(x, z)| p * x - q * z).collect();
    Ok(Hyperplane { w, b: p - q })
}
