//! Between what the margin of the cross-entropy limit must lie, from the largest margin and three numbers.
//!
//! With γ the largest margin, h the distance of its plane from the origin, D that of the points' affine subspace, s the
//! value of the bias feature and B the bias of the limit (its smallest value scaled to 1):
//!
//! γ/√(1 + h²/(s² + D²)) ≤ margin ≤ 1/√(1/γ² + B²D²/s⁴).
//!
//! The upper bound is Theorem 3 of Nar et al., arXiv:1901.08360, there for s = 1. The lower one holds since the plane of
//! largest margin has the value (1 + h²/(s² + D²))/γ² in the problem that the limit minimises. Poor margins therefore
//! need points far from the origin along the normal (h large), not only few dimensions. For one point a side, at 12 and
//! 10 on the line at height 1: γ = 1, h = 11, D = 1, the lower bound is 0.1275, the upper one and the margin 0.1793.

use super::points::{Rows, length};
use super::{AffineSubspace, Hyperplane, cross_entropy_limit, hard_margin};
use crate::error::Result;

/// The margin of the limit of cross-entropy, and what bounds it.
#[derive(Clone, Debug)]
pub struct MarginBounds {
    /// γ, the largest margin of any plane.
    pub largest: f64,
    /// The margin of the limit.
    pub margin: f64,
    /// The lower bound on it.
    pub lower: f64,
    /// The upper bound on it.
    pub upper: f64,
    /// h, the distance from the origin to the plane of largest margin.
    pub plane_distance: f64,
    /// D, the distance from the origin to the affine subspace of the points.
    pub subspace_distance: f64,
    /// The limit itself; its `b` is B.
    pub limit: Hyperplane,
}

/// Solves both problems and states the bounds.
///
/// `pos`: (m, d), `neg`: (n, d); `bias_scale`: s, 1 in an ordinary layer.
/// Errors: those of [`hard_margin`], [`cross_entropy_limit`] and [`AffineSubspace::of`].
pub fn margin_bounds(pos: &(impl Rows + ?Sized), neg: &(impl Rows + ?Sized), bias_scale: f64) -> Result<MarginBounds> {
    let hard = hard_margin(pos, neg)?;
    let limit = cross_entropy_limit(pos, neg, bias_scale)?;
    let subspace_distance = AffineSubspace::of(pos, neg)?.distance();
    let largest = 1.0 / length(&hard.w);
    let plane_distance = hard.b.abs() * largest;
    let off_subspace = limit.b.abs() * subspace_distance / (bias_scale * bias_scale);
    Ok(MarginBounds {
        largest,
        margin: limit.margin(pos, neg),
        lower: largest / 1.0_f64.hypot(plane_distance / bias_scale.hypot(subspace_distance)),
        upper: 1.0 / (1.0 / largest).hypot(off_subspace),
        plane_distance,
        subspace_distance,
        limit,
    })
}
