//! Where gradient descent on cross-entropy ends: the bias counts as one more weight.
//!
//! min ‖w‖² + (b/s)² subject to label·(w·x + b) ≥ 1, with s the value of the bias feature (1 in an ordinary layer; s² is
//! also the factor on the bias's learning rate). In the space of label·(x, s) it asks for the nearest point to the
//! origin of one hull: v = argmin ‖v‖, then (w, b/s) = v/‖v‖².
//!
//! Source: Nar et al., arXiv:1901.08360, Theorem 2 and problem (P2), after Soudry et al., arXiv:1710.10345.
//! For {(12, 1), (12.5, 1)} against {(10, 1), (9, 1)} the margin is 0.179 at s = 1 and 0.994 at s = 10; the largest is 1.

use super::points::{dimension, length, lowest};
use super::{Atom, Hyperplane, min_norm_point};
use crate::error::{Error, Result};

const OP: &str = "cross_entropy_limit";

/// The hyperplane whose direction gradient descent on cross-entropy approaches, scaled to values of at least 1.
///
/// `pos`: (m, d), `neg`: (n, d); `bias_scale`: the value of the bias feature, 1 in an ordinary layer. As it grows the
/// result goes to [`super::hard_margin`]. Descent itself comes near at the rate 1/log t only.
/// Errors: `Value` if no hyperplane separates the classes (the message holds the distance found), if `bias_scale` is not
/// positive and finite, if a side is empty or a coordinate is not finite; `Shape` for rows of different lengths.
pub fn cross_entropy_limit(pos: &[Vec<f64>], neg: &[Vec<f64>], bias_scale: f64) -> Result<Hyperplane> {
    let d = dimension(OP, pos, neg)?;
    if !(bias_scale > 0.0 && bias_scale.is_finite()) {
        let got = bias_scale.to_string();
        return Err(Error::Value { op: OP, expected: "a positive, finite bias_scale".into(), got });
    }
    let signed = |rows: &[Vec<f64>], sign: f64| -> Vec<Vec<f64>> {
        rows.iter().map(|r| r.iter().map(|v| sign * v).chain([sign * bias_scale]).collect()).collect()
    };
    let mut vertices = signed(pos, 1.0);
    vertices.extend(signed(neg, -1.0));
    let count = vertices.len() as f64;
    let start: Vec<f64> = (0..=d).map(|k| vertices.iter().map(|v| v[k]).sum::<f64>() / count).collect();
    let nearest = min_norm_point(&start, |u| {
        let (i, _) = lowest(&vertices, u);
        Atom { key: (i, 0), point: vertices[i].clone() }
    })?;
    if nearest.lower <= 1e-12 * nearest.scale {
        return Err(Error::Value {
            op: OP,
            expected: "two classes that a hyperplane separates".into(),
            got: format!(
                "a hull of label·(x, {bias_scale}) at distance {:.3e} from the origin (points up to {:.3e})",
                nearest.upper, nearest.scale
            ),
        });
    }
    // Divided by the lower bound: the smallest value is 1 even if the point is not quite the nearest.
    let by = nearest.lower * length(&nearest.point);
    let mut w: Vec<f64> = nearest.point.iter().map(|v| v / by).collect();
    let b = bias_scale * w.pop().expect("the bias feature is last");
    Ok(Hyperplane { w, b })
}
