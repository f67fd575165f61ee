//! The hyperplane of largest margin (hard-margin SVM with a free bias), with a certificate.
//!
//! The nearest points p, q of the two convex hulls solve it: w ∝ p - q, margin ‖p - q‖/2. The hull of the differences
//! x_i - z_j is never formed: its lowest vertex along u is (argmin u·x_i) - (argmax u·z_j), O((m + n) d) a step.
//!
//! Source: the dual of (P1) and (P3) in Nar et al., arXiv:1901.08360; Wolfe's method in [`super::min_norm_point`].
//! A bias feature with weight decay (liblinear) solves another problem; see [`super::cross_entropy_limit`].
//! For {(12, 1), (12.5, 1)} against {(10, 1), (9, 1)} the margin is 1, at w = (1, 0), b = -11.

use super::points::{dimension, length, lowest};
use super::{Atom, Hyperplane, min_norm_point};
use crate::error::{Error, Result};

const OP: &str = "hard_margin";
/// Hulls nearer than this share of the points' spread are not told from hulls that touch.
const TOUCHING: f64 = 1e-12;

/// How far the returned margin can be from the largest one, proved without trusting the solver.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The margin of the returned plane, so a lower bound on the largest.
    pub lower: f64,
    /// Half of the distance between two points of the hulls, so an upper bound on the largest.
    pub upper: f64,
    /// A bound on the angle between the returned normal and the exact one.
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
}

/// The hyperplane with the largest margin; the nearest points have value +1 and -1, so the margin is 1/‖w‖.
///
/// `pos`: (m, d), `neg`: (n, d). Same points in another order: same plane up to rounding.
/// Errors: `Value` if the hulls meet (the message holds the distance found), if a side is empty or a coordinate is not
/// finite; `Shape` for rows of different lengths.
pub fn hard_margin(pos: &[Vec<f64>], neg: &[Vec<f64>]) -> Result<Hyperplane> {
    Ok(certified_hard_margin(pos, neg)?.0)
}

/// [`hard_margin`] together with the proof of how exact it is.
pub fn certified_hard_margin(pos: &[Vec<f64>], neg: &[Vec<f64>]) -> Result<(Hyperplane, Certificate)> {
    let d = dimension(OP, pos, neg)?;
    let mean = |rows: &[Vec<f64>], k: usize| rows.iter().map(|r| r[k]).sum::<f64>() / rows.len() as f64;
    let start: Vec<f64> = (0..d).map(|k| mean(pos, k) - mean(neg, k)).collect();
    let nearest = min_norm_point(&start, |u| {
        let down: Vec<f64> = u.iter().map(|v| -v).collect();
        let (i, j) = (lowest(pos, u).0, lowest(neg, &down).0);
        Atom { key: (i, j), point: pos[i].iter().zip(&neg[j]).map(|(x, z)| x - z).collect() }
    })?;
    if nearest.lower <= TOUCHING * nearest.scale {
        return Err(Error::Value {
            op: OP,
            expected: "two classes that a hyperplane separates".into(),
            got: format!("convex hulls at distance {:.3e} (points spread over {:.3e})", nearest.upper, nearest.scale),
        });
    }
    let u = &nearest.point;
    let down: Vec<f64> = u.iter().map(|v| -v).collect();
    // Low and high values, not the length of u: the constraints hold exactly even if u is not quite the nearest point.
    let (low, high) = (lowest(pos, u).1, -lowest(neg, &down).1);
    let w: Vec<f64> = u.iter().map(|v| 2.0 * v / (low - high)).collect();
    let plane = Hyperplane { b: -(low + high) / (low - high), w };
    let (lower, upper) = ((low - high) / (2.0 * length(u)), nearest.upper / 2.0);
    let unique = |side: fn(&(usize, usize)) -> usize| {
        let mut indices: Vec<usize> = nearest.support.iter().map(|(key, _)| side(key)).collect();
        indices.sort_unstable();
        indices.dedup();
        indices
    };
    let angle_degrees = (lower / upper).clamp(0.0, 1.0).acos().to_degrees();
    let certificate =
        Certificate { lower, upper, angle_degrees, pos: unique(|k| k.0), neg: unique(|k| k.1), steps: nearest.steps };
    Ok((plane, certificate))
}
