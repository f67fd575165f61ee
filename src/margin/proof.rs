//! How far a direction can be from the exact one, proved from the points and not from the solver's word.
//!
//! With u any combination of the rows, U = ‖u‖, and L the smallest value of the rows along w/‖w‖, added up over the
//! groups: every combination is at least L long, the shortest one at most U, and its angle to w is at most arccos(L/U).
//! Written 2 arcsin √((U - L)/2U), since arccos loses half of the digits. A gap of one rounding still means 1e-8.
//!
//! Where the face is settled the bound is of first order. Let ρ be how much the values of its rows along u differ from
//! the mean of their group. Then ‖u - u*‖ ≤ ‖L⁻¹ρ‖ for the shortest combination u* of the face (L is the factor of
//! `face.rs`), and u* is the shortest of all if no weight can have changed sign and no other row can lie below the face:
//! both are checked with room for every rounding. Ties outside the face fail the check; then the first bound stands.
//!
//! Sums that decide are carried in two f64; other rounding is bounded and added. Powers of two are exact.

use super::hulls::Hulls;
use super::nearest::Nearest;
use super::points::length;
use super::precise::{Twofold, precise_dot};

pub(super) struct Proof {
    /// The smallest value of each group along the direction.
    pub lowest: Vec<Twofold>,
    /// A lower bound on the length of the shortest combination of the true points; may be negative.
    pub lower: f64,
    /// An upper bound on it.
    pub upper: f64,
    /// A bound on the angle between the direction and the shortest combination of the true points, in radians.
    pub angle: f64,
}

impl Proof {
    /// For `direction`, which is any vector but zero.
    pub fn of(hulls: &Hulls, found: &Nearest, direction: &[f64]) -> Self {
        let size = length(direction);
        let groups = hulls.groups() as f64;
        let mut values = Vec::new();
        hulls.along(direction, &mut values);
        // Of a value in plain f64.
        let rounding = (hulls.d + 4) as f64 * f64::EPSILON * size * hulls.norm;
        let lowest: Vec<Twofold> = (0..hulls.groups())
            .map(|g| {
                let low = hulls.members(g).map(|i| values[i]).fold(f64::INFINITY, f64::min);
                let close = hulls.members(g).filter(|i| values[*i] <= low + 2.0 * rounding);
                close
                    .map(|i| precise_dot(hulls.row(i), direction))
                    .min_by(|a, b| a.minus(*b).total_cmp(&0.0))
                    .expect("a group is not empty")
            })
            .collect();
        let sum = lowest.iter().fold(Twofold::default(), |sum, l| {
            let high = sum.add(l.high);
            Twofold { low: high.low + l.low, ..high }
        });
        let slack = 4.0 * f64::EPSILON;
        let lower = sum.value() / size;
        let lower = lower - slack * lower.abs() - groups * hulls.rounding;
        let (point, weights) = exact_combination(hulls, found);
        let upper = length_up(&point) + groups * hulls.rounding;
        let by_gap = if lower > 0.0 {
            let gap = (upper - lower).max(0.0) + slack * upper;
            2.0 * (gap / (2.0 * upper)).sqrt().min(1.0).asin()
        } else {
            std::f64::consts::PI
        };
        let angle =
            by_face(hulls, found, &point, &weights, direction, &values, rounding).map_or(by_gap, |a| a.min(by_gap));
        Self { lowest, lower, upper, angle }
    }
}

/// The combination with weights that sum to 1 exactly, each coordinate rounded once, and these weights.
fn exact_combination(hulls: &Hulls, found: &Nearest) -> (Vec<f64>, Vec<f64>) {
    let face = &found.face;
    let mut totals = vec![Twofold::default(); hulls.groups()];
    for (i, w) in face.members.iter().zip(&face.weights) {
        let total = &mut totals[hulls.group(*i)];
        *total = total.add(*w);
    }
    let mut sums = vec![vec![Twofold::default(); hulls.d]; hulls.groups()];
    for (i, w) in face.members.iter().zip(&face.weights) {
        let sum = &mut sums[hulls.group(*i)];
        sum.iter_mut().zip(hulls.row(*i)).for_each(|(s, v)| *s = s.add_product(*w, *v));
    }
    let mut point = vec![Twofold::default(); hulls.d];
    for (sum, total) in sums.iter().zip(&totals) {
        // 1/total = 1 + e with e of a few roundings: s/total = s + s e, to the square of a rounding.
        let total = total.minus(Twofold { high: 1.0, low: 0.0 });
        let off = -total / (1.0 + total);
        point.iter_mut().zip(sum).for_each(|(p, s)| {
            let sum = p.add(s.high);
            *p = Twofold { low: sum.low + s.low, ..sum }.add(s.value() * off);
        });
    }
    let normal = |(i, w): (&usize, &f64)| w / totals[hulls.group(*i)].value();
    let weights = face.members.iter().zip(&face.weights).map(normal).collect();
    (point.iter().map(|p| p.value()).collect(), weights)
}

/// The length, rounded up.
fn length_up(a: &[f64]) -> f64 {
    precise_dot(a, a).value().max(0.0).sqrt() * (1.0 + 4.0 * f64::EPSILON)
}

/// The bound of first order; None if its conditions do not hold.
fn by_face(
    hulls: &Hulls,
    found: &Nearest,
    point: &[f64],
    weights: &[f64],
    direction: &[f64],
    values: &[f64],
    rounding: f64,
) -> Option<f64> {
    let face = &found.face;
    let groups = hulls.groups();
    let condition = face.condition()?;
    let along: Vec<f64> = face.members.iter().map(|i| precise_dot(hulls.row(*i), point).value()).collect();
    let (mut sums, mut counts) = (vec![0.0; groups], vec![0.0; groups]);
    for (i, v) in face.members.iter().zip(&along) {
        sums[hulls.group(*i)] += v;
        counts[hulls.group(*i)] += 1.0;
    }
    let residuals: Vec<f64> =
        face.members.iter().zip(&along).map(|(i, v)| v - sums[hulls.group(*i)] / counts[hulls.group(*i)]).collect();
    let size = length(point);
    let k = face.members.len() as f64;
    // The point has rounded coordinates, and the rows may be rounded: what that does to a residual.
    let moved = f64::EPSILON * size + groups as f64 * hulls.rounding;
    let doubt = 2.0 * (hulls.norm * moved + hulls.rounding * size + 4.0 * f64::EPSILON * hulls.norm * size);
    let stretch = 1.0 + 2.0 * condition.doubt;
    let distance = (face.distance(residuals) + condition.inverse * k.sqrt() * doubt) * stretch + moved;
    let smallest = weights.iter().copied().fold(f64::INFINITY, f64::min);
    if !(smallest > distance * condition.inverse * stretch * (1.0 + 1e-6)) {
        return None;
    }
    let to_direction = {
        let by = size / length(direction);
        let apart: Vec<f64> = point.iter().zip(direction).map(|(p, w)| p - by * w).collect();
        length(&apart) + 8.0 * f64::EPSILON * size
    };
    let share = (distance + to_direction) / size;
    if !(share < 0.5) {
        return None;
    }
    let angle = share.asin() * (1.0 + 8.0 * f64::EPSILON);
    // Rows outside the face: above it even after turning by the angle.
    let size = length(direction);
    let mut ceiling = vec![f64::NEG_INFINITY; groups];
    let mut member = vec![false; hulls.count()];
    for i in &face.members {
        let high = &mut ceiling[hulls.group(*i)];
        *high = high.max(values[*i]);
        member[*i] = true;
    }
    let room = 2.0 * (angle * (hulls.norm + hulls.rounding) * size + rounding + hulls.rounding * size);
    let clear = |i: usize| member[i] || values[i] - ceiling[hulls.group(i)] > room || hulls.same(i, &face.members);
    (0..hulls.count()).all(clear).then_some(angle)
}
