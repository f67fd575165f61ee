//! The shortest combination of [`Hulls`] with weights that are not negative: the nearest points of two hulls, or the
//! point of one hull nearest to the origin.
//!
//! A small working set of rows is solved exactly, then one pass over all rows finds those that lie lower; they join the
//! working set, until none does. Inside: [`smo`] guesses which rows carry weight, then Wolfe's method ends at the exact
//! face, adding the lowest row and dropping rows whose weight would turn negative. Each pass makes the combination
//! shorter, so the end is reached in finitely many; the worst case is exponential, which the caps below cut off.
//!
//! Source: P. Wolfe, Finding the nearest point in a polytope, Mathematical Programming 11 (1976).

use super::face::Face;
use super::hulls::Hulls;
use super::points::{dot, length};
use super::smo;
use crate::error::{Error, Result};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use std::collections::HashSet;

/// Passes over all rows; random problems need 1 to 20.
const MOST_PASSES: usize = 500;
/// Rows added by Wolfe's method in one working set, as a multiple of the size of the set.
const MOST_ROUNDS: usize = 20;
/// Rows that join from each group in a pass, at least and at most.
const JOINING: (usize, usize) = (32, 512);
/// Rows stay in the working set while they are at most this share of the squared length above the face.
const STAYING: f64 = 0.1;
/// A working set is solved to this share of the gap that all rows left.
const SHARE_OF_GAP: f64 = 0.01;
/// Below this share of the squared length, a step may be no progress but rounding.
const CLOSE: f64 = 1e-6;
/// A combination this much shorter than the rows cannot be told from zero.
const ZERO: f64 = 1e-14;
/// The guess of the first face: its tolerance, and its moves per row.
const GUESS: (f64, usize) = (1e-4, 6);

/// The solution, as far as rounding allows, and what it is made of. Bounds are for the caller to prove.
pub(super) struct Nearest<'h> {
    /// Its rows and weights; the weights are positive and sum to 1 in each group.
    pub face: Face<'h>,
    /// The combination, with a direction more exact than the rounded weights give.
    pub point: Vec<f64>,
    pub length: f64,
    /// The lowest value of each group along it.
    pub lowest: Vec<f64>,
    /// Faces solved.
    pub steps: usize,
}

pub(super) fn nearest<'h>(op: &'static str, hulls: &'h Hulls) -> Result<Nearest<'h>> {
    let joining = (hulls.d + 1).clamp(JOINING.0, JOINING.1);
    let mut values = Vec::new();
    let centred = length(&hulls.means) > ZERO * hulls.norm;
    hulls.along(if centred { &hulls.means } else { hulls.row(0) }, &mut values);
    let mut working: Vec<usize> =
        (0..hulls.groups()).flat_map(|g| lowest(hulls.members(g), &values, f64::INFINITY, joining)).collect();
    let mut face = guess(hulls, &working);
    let (mut gap, mut steps) = (0.0, 0);
    let mut best: Option<Nearest> = None;
    for pass in 0..MOST_PASSES {
        if crate::progress::interrupted() {
            return Err(Error::Interrupted { op, done: format!("{pass} passes, {steps} steps") });
        }
        let point = wolfe(op, hulls, &mut face, &working, SHARE_OF_GAP * gap, &mut steps)?;
        hulls.along(&point, &mut values);
        let length = length(&point);
        let tolerance = tolerance(hulls, length);
        let low = |g| hulls.members(g).map(|i| values[i]).fold(f64::INFINITY, f64::min);
        let lows: Vec<f64> = (0..hulls.groups()).map(low).collect();
        let levels = levels(hulls, &face, |i| values[i]);
        gap = levels.iter().zip(&lows).map(|(level, low)| level - low).fold(0.0, f64::max);
        if best.as_ref().is_some_and(|best| length >= best.length) {
            break;
        }
        best = Some(Nearest { face: face.clone(), point, length, lowest: lows, steps });
        if gap <= tolerance || length <= ZERO * hulls.norm {
            break;
        }
        let high = |i: &usize| levels[hulls.group(*i)] + STAYING * length * length;
        working.retain(|i| face.members.contains(i) || values[*i] < high(i));
        let known: HashSet<usize> = working.iter().copied().collect();
        for (g, level) in levels.iter().enumerate() {
            let found = lowest(hulls.members(g), &values, level - tolerance, joining);
            working.extend(found.into_iter().filter(|i| !known.contains(i)));
        }
    }
    Ok(best.expect("the first pass always counts"))
}

/// The rounding of a value along a point of this length.
fn tolerance(hulls: &Hulls, length: f64) -> f64 {
    2.0 * f64::EPSILON * hulls.norm * length
}

/// The value of each group: the mean of its members, by weight.
fn levels(hulls: &Hulls, face: &Face, value: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut levels = vec![0.0; hulls.groups()];
    face.members.iter().zip(&face.weights).for_each(|(i, w)| levels[hulls.group(*i)] += w * value(*i));
    levels
}

/// The rows of a range with the lowest values below a limit, at most `count`, in order of value.
fn lowest(range: std::ops::Range<usize>, values: &[f64], below: f64, count: usize) -> Vec<usize> {
    let by_value = |a: &usize, b: &usize| values[*a].total_cmp(&values[*b]).then(a.cmp(b));
    let mut found: Vec<usize> = range.filter(|i| values[*i] < below).collect();
    if found.len() > count {
        found.select_nth_unstable_by(count, by_value);
        found.truncate(count);
    }
    found.sort_unstable_by(by_value);
    found
}

/// A face from the weights that [`smo`] finds on the Gram matrix of the working set, which is in order of groups.
fn guess<'h>(hulls: &'h Hulls, working: &[usize]) -> Face<'h> {
    let (k, d) = (working.len(), hulls.d);
    let rows = Mat::from_fn(d, k, |i, j| hulls.row(working[j])[i]);
    let mut gram = Mat::zeros(k, k);
    matmul(&mut gram, Accum::Replace, rows.transpose(), &rows, 1.0, Par::Seq);
    let ends: Vec<usize> =
        (0..hulls.groups()).map(|g| working.iter().filter(|i| hulls.group(**i) <= g).count()).collect();
    let mut guessed = vec![0.0; k];
    (0..hulls.groups()).for_each(|g| guessed[if g == 0 { 0 } else { ends[g - 1] }] = 1.0);
    smo::improve(&gram, &ends, &mut guessed, GUESS.0, GUESS.1 * k);
    let support: Vec<usize> = (0..k).filter(|j| guessed[*j] > 0.0).collect();
    let members: Vec<usize> = support.iter().map(|j| working[*j]).collect();
    let weights: Vec<f64> = support.iter().map(|j| guessed[*j]).collect();
    let of_support = Mat::from_fn(support.len(), support.len(), |i, j| gram[(support[i], support[j])]);
    Face::from_gram(hulls, &members, &weights, &of_support)
}

/// Wolfe's method on the rows of `working`, from the face given, until no row is lower than the face by `gap`. Returns
/// the shortest combination.
fn wolfe(
    op: &'static str,
    hulls: &Hulls,
    face: &mut Face,
    working: &[usize],
    gap: f64,
    steps: &mut usize,
) -> Result<Vec<f64>> {
    let mut point = settle(face, steps);
    let mut squared = dot(&point, &point);
    let mut useless: Vec<usize> = Vec::new();
    for round in 0..MOST_ROUNDS * (working.len() + 10) {
        if round % 16 == 0 && crate::progress::interrupted() {
            return Err(Error::Interrupted { op, done: format!("{steps} steps") });
        }
        let size = squared.sqrt();
        if size <= ZERO * hulls.norm {
            break;
        }
        let levels = levels(hulls, face, |i| dot(hulls.row(i), &point));
        let mut lowest = (gap.max(tolerance(hulls, size)), None);
        for i in working.iter().filter(|i| !useless.contains(i)) {
            let below = levels[hulls.group(*i)] - dot(hulls.row(*i), &point);
            if below > lowest.0 && !face.members.contains(i) {
                lowest = (below, Some(*i));
            }
        }
        let Some(next) = lowest.1 else { break };
        if !face.insert(next) {
            useless.push(next);
            continue;
        }
        // Far from the end every step is progress.
        let before = (lowest.0 <= CLOSE * squared).then(|| face.clone());
        let shorter = settle(face, steps);
        let length = dot(&shorter, &shorter);
        // No progress is left that rounding lets us see: the face before is as good.
        if let Some(before) = before.filter(|_| length >= squared || length.is_nan()) {
            *face = before;
            let at = face.members.iter().position(|i| *i == next).expect("it was inserted");
            face.remove(at);
            useless.push(next);
        } else {
            (point, squared) = (shorter, length);
            useless.clear();
        }
    }
    Ok(point)
}

/// Moves the weights to the shortest combination of the face, dropping rows until all weights are positive.
fn settle(face: &mut Face, steps: &mut usize) -> Vec<f64> {
    loop {
        *steps += 1;
        let Some(shortest) = face.shortest() else {
            // More rows than can be independent: the newest brings nothing.
            match face.spare() {
                Some(at) => face.remove(at),
                None => return face.combine(&face.weights),
            }
            face.normalise();
            continue;
        };
        if shortest.weights.iter().all(|w| *w > 0.0) {
            face.weights = shortest.weights;
            return shortest.point;
        }
        // The share of the way to the target at which the first weight reaches zero.
        let (mut share, mut leaving) = (f64::INFINITY, 0);
        for (at, (weight, target)) in face.weights.iter().zip(&shortest.weights).enumerate() {
            if *target <= 0.0 {
                let reach = if weight > target { weight / (weight - target) } else { 0.0 };
                if reach < share {
                    (share, leaving) = (reach, at);
                }
            }
        }
        let share = share.min(1.0);
        face.weights.iter_mut().zip(&shortest.weights).for_each(|(w, t)| *w = (*w + share * (t - *w)).max(0.0));
        face.remove(leaving);
    }
}
