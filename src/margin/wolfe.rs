//! The point of a convex hull nearest to the origin, when the hull is known by its lowest points only.
//!
//! The hull is given by an oracle: for a direction it returns the vertex with the smallest inner product. Wolfe's method
//! keeps an affinely independent set of vertices, moves to the nearest point of their affine hull (a QR least squares)
//! and drops vertices whose weight would turn negative. It ends at the exact face, in finitely many steps.
//!
//! Source: P. Wolfe, Finding the nearest point in a polytope, Mathematical Programming 11 (1976).
//! The triangle (3, 0), (0, 4), (5, 5) has its nearest point at (1.92, 1.44), length 2.4.

use super::points::{dot, length};
use crate::error::{Error, Result};
use faer::Mat;
use faer::linalg::solvers::SolveLstsq;

const OP: &str = "min_norm_point";
/// Worst cases are exponential; 120 random problems needed at most 24 steps.
const MOST_STEPS: usize = 20_000;
/// Steps without any progress before rounding is blamed and the best point so far is returned.
const MOST_STALLS: usize = 20;

/// A vertex of the hull.
#[derive(Clone, Debug, PartialEq)]
pub struct Atom {
    /// Names the vertex: the same vertex always has the same key.
    pub key: (usize, usize),
    /// Its coordinates.
    pub point: Vec<f64>,
}

/// The nearest point and the proof of how near it is.
#[derive(Clone, Debug)]
pub struct MinNorm {
    /// The point, (d,).
    pub point: Vec<f64>,
    /// A lower bound on the length of every point of the hull: min over vertices of v·p/‖p‖.
    pub lower: f64,
    /// ‖p‖, the matching upper bound on the smallest length.
    pub upper: f64,
    /// The largest length of a vertex seen, the scale against which rounding is to be judged.
    pub scale: f64,
    /// Keys of the vertices that span the face, with their weights, which are positive and sum to 1.
    pub support: Vec<((usize, usize), f64)>,
    /// Vertices asked for.
    pub steps: usize,
}

/// The nearest point to the origin of the hull whose lowest vertex along a direction is `oracle(direction)`.
///
/// `start`: (d,), the first direction. If the hull holds the origin, the result has `lower` at most about 1e-12·`scale`.
/// Errors: `Value` if the step limit is reached with more than 1e-6 between the bounds, relatively; `Interrupted`.
pub fn min_norm_point(start: &[f64], mut oracle: impl FnMut(&[f64]) -> Atom) -> Result<MinNorm> {
    let mut face = vec![(oracle(start), 1.0)];
    let mut x = face[0].0.point.clone();
    let mut scale = length(&x);
    let mut best: Option<MinNorm> = None;
    let (mut shortest, mut stalls) = (f64::INFINITY, 0);
    for steps in 1..=MOST_STEPS {
        if crate::progress::interrupted() {
            return Err(Error::Interrupted { op: OP, done: format!("{steps} steps") });
        }
        let upper = length(&x);
        let next = oracle(&x);
        scale = scale.max(length(&next.point));
        let lower = if upper > 0.0 { dot(&next.point, &x) / upper } else { 0.0 };
        let improved = best.as_ref().is_none_or(|b| lower > b.lower);
        if improved || upper < shortest {
            stalls = 0;
        } else {
            stalls += 1;
        }
        shortest = shortest.min(upper);
        if improved {
            let support = face.iter().map(|(atom, weight)| (atom.key, *weight)).collect();
            best = Some(MinNorm { point: x.clone(), lower, upper, scale, support, steps });
        }
        let known = face.iter().any(|(atom, _)| atom.key == next.key);
        if known || stalls > MOST_STALLS || upper <= 1e-15 * scale || upper - lower <= f64::EPSILON * scale {
            break;
        }
        if steps == MOST_STEPS && upper - lower > 1e-6 * upper {
            let got = format!("between {lower:e} and {upper:e} after {steps} steps");
            return Err(Error::Value { op: OP, expected: "a hull whose nearest point settles".into(), got });
        }
        face.push((next, 0.0));
        settle(&mut face);
        x = combine(&face);
    }
    let mut best = best.expect("the first step always improves");
    // A hull that holds the origin: the shortest iterate says so more clearly than the best bound.
    if shortest <= 1e-12 * scale {
        best.upper = best.upper.min(shortest);
    }
    best.scale = scale;
    Ok(best)
}

/// Moves the weights to the nearest point of the affine hull, dropping vertices until all weights are positive.
fn settle(face: &mut Vec<(Atom, f64)>) {
    while face.len() > 1 {
        let target = affine_weights(face);
        if target.iter().all(|t| *t > f64::EPSILON) {
            face.iter_mut().zip(target).for_each(|((_, weight), t)| *weight = t);
            return;
        }
        // The share of the way to the target at which the first weight reaches zero.
        let (mut share, mut leaving) = (1.0, None);
        for (k, ((_, weight), t)) in face.iter().zip(&target).enumerate() {
            let reach = if weight > t { weight / (weight - t) } else { f64::INFINITY };
            if *t <= f64::EPSILON && (reach <= share || leaving.is_none()) {
                (share, leaving) = (reach.min(share), Some(k));
            }
        }
        face.iter_mut().zip(&target).for_each(|((_, weight), t)| *weight += share * (t - *weight));
        let leaving = leaving.expect("a target weight is not positive");
        let mut k = 0;
        face.retain(|(_, weight)| {
            k += 1;
            k - 1 != leaving && *weight > 0.0
        });
    }
    face[0].1 = 1.0;
}

/// Weights, summing to 1, of the point of the affine hull that is nearest to the origin.
fn affine_weights(face: &[(Atom, f64)]) -> Vec<f64> {
    let base = &face[0].0.point;
    // min ‖base + D c‖ with the differences to the base as columns: QR does not square the condition as a Gram matrix.
    let columns = Mat::from_fn(base.len(), face.len() - 1, |i, j| face[j + 1].0.point[i] - base[i]);
    let right = Mat::from_fn(base.len(), 1, |i, _| -base[i]);
    if columns.nrows() < columns.ncols() {
        // More vertices than an independent set can have: the newest brings nothing.
        let mut weights: Vec<f64> = face.iter().map(|(_, weight)| *weight).collect();
        *weights.last_mut().expect("two vertices at least") = 0.0;
        return weights;
    }
    let solved = columns.col_piv_qr().solve_lstsq(&right);
    let rest: Vec<f64> = (0..columns.ncols()).map(|j| solved[(j, 0)]).collect();
    if rest.iter().any(|c| !c.is_finite()) {
        let mut weights: Vec<f64> = face.iter().map(|(_, weight)| *weight).collect();
        *weights.last_mut().expect("two vertices at least") = 0.0;
        return weights;
    }
    let mut weights = vec![1.0 - rest.iter().sum::<f64>()];
    weights.extend(rest);
    weights
}

fn combine(face: &[(Atom, f64)]) -> Vec<f64> {
    let mut x = vec![0.0; face[0].0.point.len()];
    for (atom, weight) in face {
        x.iter_mut().zip(&atom.point).for_each(|(x, p)| *x += weight * p);
    }
    x
}
