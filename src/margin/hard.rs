//! The hyperplane of largest margin (hard-margin SVM with a free bias), with a certificate.
//!
//! The nearest points p, q of the two convex hulls solve it: w ∝ p - q, margin ‖p - q‖/2. Found by [`super::nearest`],
//! proved by [`super::proof`].
//!
//! Source: the dual of (P1) and (P3) in Nar et al., arXiv:1901.08360.
//! A bias feature with weight decay (liblinear) solves another problem; see [`super::cross_entropy_limit`].
//! For {(12, 1), (12.5, 1)} against {(10, 1), (9, 1)} the margin is 1, at w = (1, 0), b = -11.

use super::Hyperplane;
use super::hulls::Hulls;
use super::nearest::{Nearest, nearest};
use super::points::{Rows, extent, length};
use super::precise::precise_dot;
use super::proof::Proof;

use crate::error::{Error, Result};

const OP: &str = "hard_margin";

/// How far the returned hyperplane can be from the exact one, proved without trusting the solver.
///
/// All roundings are in the bounds: of the points' coordinates when moved, of the sums, of the plane's own numbers.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The margin of the returned plane is at least this.
    pub lower: f64,
    /// No plane has a larger margin than this.
    pub upper: f64,
    /// A bound on the angle between the returned direction and the exact one.
    pub angle_degrees: f64,
    /// Indices of the positive points that hold the plane.
    pub pos: Vec<usize>,
    /// Indices of the negative points that hold the plane.
    pub neg: Vec<usize>,
    /// Steps of the solver.
    pub steps: usize,
}

impl Certificate {
    /// `upper - lower`, the duality gap in units of distance.
    pub fn gap(&self) -> f64 {
        self.upper - self.lower
    }

    pub(super) fn new(found: &Nearest, proof: &Proof, positives: usize) -> Self {
        let mut members = found.face.members.clone();
        members.sort_unstable();
        let (pos, neg): (Vec<usize>, Vec<usize>) = members.into_iter().partition(|i| *i < positives);
        Self {
            lower: proof.lower,
            upper: proof.upper,
            angle_degrees: proof.angle.to_degrees(),
            pos,
            neg: neg.into_iter().map(|i| i - positives).collect(),
            steps: found.steps,
        }
    }
}

/// The hyperplane with the largest margin; the nearest points have value +1 and -1, so the margin is 1/‖w‖.
///
/// `pos`: (m, d), `neg`: (n, d). Same points in another order: same plane up to rounding.
/// Errors: `Value` if the hulls meet or no separation can be proved in f64 (the message holds the distance found), if a
/// side is empty or a coordinate is not finite; `Shape` for rows of different lengths; `Interrupted`.
pub fn hard_margin(pos: &(impl Rows + ?Sized), neg: &(impl Rows + ?Sized)) -> Result<Hyperplane> {
    Ok(certified_hard_margin(pos, neg)?.0)
}

/// [`hard_margin`] together with the proof of how exact it is.
pub fn certified_hard_margin(
    pos: &(impl Rows + ?Sized),
    neg: &(impl Rows + ?Sized),
) -> Result<(Hyperplane, Certificate)> {
    let (d, largest) = extent(OP, pos, neg)?;
    let hulls = Hulls::difference(d, largest, pos, neg);
    let found = nearest(OP, &hulls)?;
    let apart: f64 = found.lowest.iter().sum();
    // Values of 1 and -1 at the nearest points.
    let by = if apart > 0.0 { 2.0 / apart } else { 1.0 };
    let direction: Vec<f64> = found.point.iter().map(|v| by * v).collect();
    let proof = Proof::of(&hulls, &found, &direction);
    if !(proof.lower > 0.0) {
        let (upper, spread) = (proof.upper / hulls.scale, 2.0 * hulls.norm / hulls.scale);
        return Err(Error::Value {
            op: OP,
            expected: "two classes that a hyperplane separates".into(),
            got: format!("convex hulls at distance {upper:.3e} at most (points spread over {spread:.3e})"),
        });
    }
    let (low, high) = (proof.lowest[0], proof.lowest[1]);
    // b = -(low + high)/2 with high = -lowest of the mirrored side, and the centre moved back.
    let middle = -low.minus(high) / 2.0;
    let moved = precise_dot(&direction, &hulls.centre);
    let b = -(moved.add(-middle)).value();
    let w: Vec<f64> = direction.iter().map(|v| v * hulls.scale).collect();
    if !w.iter().all(|v| v.is_finite()) {
        let got = format!("a margin of {:e}", proof.lower / hulls.scale / 2.0);
        return Err(Error::Value { op: OP, expected: "a margin whose inverse f64 holds".into(), got });
    }
    let mut certificate = Certificate::new(&found, &proof, pos.count());
    // The offset is rounded too, and far from the origin this is what limits the plane.
    let offset = 2.0 * f64::EPSILON * (b.abs() + 1.0) / length(&direction);
    certificate.lower = (proof.lower / 2.0 - offset) / hulls.scale;
    certificate.upper = proof.upper / 2.0 / hulls.scale;
    Ok((Hyperplane { w, b }, certificate))
}
