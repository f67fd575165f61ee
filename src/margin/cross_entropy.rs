//! Where gradient descent on cross-entropy ends: the bias counts as one more weight.
//!
//! min ‖w‖² + (b/s)² subject to label·(w·x + b) ≥ 1, with s the value of the bias feature (1 in an ordinary layer; s² is
//! also the factor on the bias's learning rate). In the space of label·(x, s) it asks for the nearest point to the
//! origin of one hull: v = argmin ‖v‖, then (w, b/s) = v/‖v‖².
//!
//! Source: Nar et al., arXiv:1901.08360, Theorem 2 and problem (P2), after Soudry et al., arXiv:1710.10345.
//! For {(12, 1), (12.5, 1)} against {(10, 1), (9, 1)} the margin is 0.179 at s = 1 and 0.994 at s = 10; the largest is 1.

use super::hulls::Hulls;
use super::nearest::nearest;
use super::points::{Rows, extent, length};
use super::proof::Proof;
use super::{Certificate, Hyperplane};
use crate::error::{Error, Result};

const OP: &str = "cross_entropy_limit";

/// The hyperplane whose direction gradient descent on cross-entropy approaches, scaled to values of at least 1.
///
/// `pos`: (m, d), `neg`: (n, d); `bias_scale`: the value of the bias feature, 1 in an ordinary layer. As it grows the
/// result goes to [`super::hard_margin`]. Descent itself comes near at the rate 1/log t only.
/// Errors: `Value` if no separation by a hyperplane can be proved in f64 (the message holds the distance found), if
/// `bias_scale` is not positive and finite, if a side is empty or a coordinate is not finite; `Shape` for rows of
/// different lengths; `Interrupted`.
pub fn cross_entropy_limit(
    pos: &(impl Rows + ?Sized),
    neg: &(impl Rows + ?Sized),
    bias_scale: f64,
) -> Result<Hyperplane> {
    Ok(certified_cross_entropy_limit(pos, neg, bias_scale)?.0)
}

/// [`cross_entropy_limit`] together with the proof of how exact it is.
///
/// The certificate speaks of the problem that is solved, the space of (w, b/bias_scale): its `lower` and `upper` enclose
/// the largest margin of the points (x, bias_scale) to a hyperplane through the origin, and its angle is of that space.
pub fn certified_cross_entropy_limit(
    pos: &(impl Rows + ?Sized),
    neg: &(impl Rows + ?Sized),
    bias_scale: f64,
) -> Result<(Hyperplane, Certificate)> {
    let (d, largest) = extent(OP, pos, neg)?;
    if !(bias_scale > 0.0 && bias_scale.is_finite()) {
        let got = bias_scale.to_string();
        return Err(Error::Value { op: OP, expected: "a positive, finite bias_scale".into(), got });
    }
    let hulls = Hulls::signed(d, largest.max(bias_scale), pos, neg, bias_scale);
    let found = nearest(OP, &hulls)?;
    let by = if found.lowest[0] > 0.0 { 1.0 / found.lowest[0] } else { 1.0 };
    let direction: Vec<f64> = found.point.iter().map(|v| by * v).collect();
    let proof = Proof::of(&hulls, &found, &direction);
    if !(proof.lower > 0.0) {
        return Err(Error::Value {
            op: OP,
            expected: "two classes that a hyperplane separates".into(),
            got: format!(
                "a hull of label·(x, {bias_scale}) at distance {:.3e} at most from the origin (points up to {:.3e})",
                proof.upper / hulls.scale,
                hulls.norm / hulls.scale
            ),
        });
    }
    let mut certificate = Certificate::new(&found, &proof, pos.count());
    let rounding = 2.0 * f64::EPSILON * hulls.norm;
    certificate.lower = (proof.lower - rounding) / hulls.scale;
    certificate.upper = proof.upper / hulls.scale;
    let mut w: Vec<f64> = direction.iter().map(|v| v * hulls.scale).collect();
    let b = bias_scale * w.pop().expect("the bias feature is last");
    if !(b.is_finite() && length(&w).is_finite()) {
        let got = format!("a distance of {:e} to the origin", certificate.lower);
        return Err(Error::Value { op: OP, expected: "a margin whose inverse f64 holds".into(), got });
    }
    Ok((Hyperplane { w, b }, certificate))
}
