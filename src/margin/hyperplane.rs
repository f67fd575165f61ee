//! A linear classifier in the plane's own terms: sign of w·x + b, its margin, its angle to another.
//!
//! ```
//! use widemargin::margin::Hyperplane;
//! let plane = Hyperplane { w: vec![3.0, 4.0], b: -5.0 };
//! assert_eq!(plane.margin(&[vec![3.0, 4.0]], &[vec![0.0, 0.0]]), 1.0); // min(20, 5) / 5
//! ```

use super::points::{Rows, dot, length, rows_of};

/// The classifier that calls `x` positive where `w · x + b > 0`.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperplane {
    /// The normal, pointing to the positive side; any length but zero.
    pub w: Vec<f64>,
    /// The offset.
    pub b: f64,
}

impl Hyperplane {
    /// `w · x + b`. Rows longer than `w` are cut to its length.
    pub fn value(&self, x: &[f64]) -> f64 {
        dot(&self.w, x) + self.b
    }

    /// The smallest signed distance of a point to the plane: min label·(w·x + b)/‖w‖.
    ///
    /// Negative if a point lies on the wrong side; NaN if `w` is zero; infinite if there is no point.
    pub fn margin(&self, pos: &(impl Rows + ?Sized), neg: &(impl Rows + ?Sized)) -> f64 {
        let pos = rows_of(pos).map(|x| self.value(x));
        let neg = rows_of(neg).map(|x| -self.value(x));
        // f64::min drops NaN, which must not look like a margin.
        let smallest = pos.chain(neg).fold(f64::INFINITY, |m, v| if v < m || v.is_nan() { v } else { m });
        smallest / length(&self.w)
    }

    /// The angle between the two normals, 0 to 180 degrees; NaN if one is zero.
    pub fn angle_degrees(&self, other: &Hyperplane) -> f64 {
        let (a, b) = (length(&self.w), length(&other.w));
        // Half-angle form: acos loses half of the digits near 0 and 180 degrees.
        let (mut apart, mut along) = (0.0, 0.0);
        for (x, y) in self.w.iter().zip(&other.w) {
            let (x, y) = (x / a, y / b);
            apart += (x - y) * (x - y);
            along += (x + y) * (x + y);
        }
        2.0 * apart.sqrt().atan2(along.sqrt()).to_degrees()
    }
}

/// The offset that puts the plane halfway between the classes: b = -(min w·x + max w·z)/2.
///
/// For this `w` no other offset has a larger margin. NaN if a side is empty. Source: Nar et al., equation (8).
pub fn bias_between(w: &[f64], pos: &(impl Rows + ?Sized), neg: &(impl Rows + ?Sized)) -> f64 {
    let low = rows_of(pos).map(|x| dot(w, x)).fold(f64::INFINITY, f64::min);
    let high = rows_of(neg).map(|z| dot(w, z)).fold(f64::NEG_INFINITY, f64::max);
    -(low + high) / 2.0
}
