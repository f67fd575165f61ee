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

/// Passes over all rows; random problems need 3 to 8.
const MOST_PASSES: usize = 500;
/// Rows added by Wolfe's method in one working set, as a multiple of the size of the set.
const MOST_ROUNDS: usize = 20;
/// Rows that join from each group in a pass, at least and at most.
const JOINING: (usize, usize) = (32, 512);
/// With fewer new rows Wolfe's method goes on from the face it has.
const GUESS_FROM: usize = 24;
/// A combination this much shorter than the rows cannot be told from zero.
const ZERO: f64 = 1e-14;

/// The solution, as far as rounding allows, and what it is made of. Bounds are for the caller to prove.
pub(super) struct Nearest<'h> {
    /// Its rows and weights; the weights are positive and sum to 1 in each group.
    pub face: Face<'h>,
    /// The combination, with a direction more exact than the rounded weights give.
    pub point: Vec<f64>,
    /// The lowest value of each group along it.
    pub lowest: Vec<f64>,
    /// Rows that Wolfe's method added or dropped, and passes over all rows.
    pub steps: usize,
}

pub(super) fn nearest<'h>(op: &'static str, hulls: &'h Hulls) -> Result<Nearest<'h>> {
    let joining = (hulls.d + 1).clamp(JOINING.0, JOINING.1);
    let mut values = Vec::new();
    let mut direction = hulls.means();
    if length(&direction) <= ZERO * hulls.norm {
        direction = hulls.row(0).to_vec();
    }
    hulls.along(&direction, &mut values);
    let mut incoming: Vec<usize> =
        (0..hulls.groups()).flat_map(|g| lowest(hulls.members(g), &values, f64::INFINITY, joining)).collect();
    let mut face = Face::new(hulls);
    let mut best: Option<Nearest> = None;
    let mut squared = f64::INFINITY;
    let mut steps = 0;
    for pass in 0..MOST_PASSES {
        if crate::progress::interrupted() {
            return Err(Error::Interrupted { op, done: format!("{pass} passes, {steps} steps") });
        }
        let working: Vec<usize> = face.members.iter().chain(&incoming).copied().collect();
        if face.members.is_empty() || incoming.len() > GUESS_FROM {
            face = guess(hulls, &working, &face.weights);
        }
        let point = wolfe(op, hulls, &mut face, &working, &mut steps)?;
        steps += 1;
        hulls.along(&point, &mut values);
        let length = length(&point);
        let tolerance = 2.0 * f64::EPSILON * hulls.norm * length;
        let progress = length * length < squared;
        squared = squared.min(length * length);
        incoming.clear();
        for g in 0..hulls.groups() {
            let level = level(hulls, &face, &values, g);
            incoming.extend(lowest(hulls.members(g), &values, level - tolerance, joining));
        }
        incoming.retain(|i| !working.contains(i));
        let done = incoming.is_empty() || length <= ZERO * hulls.norm;
        if progress || best.is_none() {
            let low = |g| hulls.members(g).map(|i| values[i]).fold(f64::INFINITY, f64::min);
            let lowest = (0..hulls.groups()).map(low).collect();
            best = Some(Nearest { face: face.clone(), point, lowest, steps });
        }
        if done || !progress {
            break;
        }
    }
    Ok(best.expect("the first pass always counts"))
}

/// The value of a group: the mean of its members, by weight.
fn level(hulls: &Hulls, face: &Face, values: &[f64], group: usize) -> f64 {
    let mine = face.members.iter().zip(&face.weights).filter(|(i, _)| hulls.group(**i) == group);
    mine.map(|(i, w)| w * values[*i]).sum()
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

/// A face from the weights that [`smo`] finds on the Gram matrix of the working set.
fn guess<'h>(hulls: &'h Hulls, working: &[usize], weights: &[f64]) -> Face<'h> {
    let (k, d) = (working.len(), hulls.d);
    let rows = Mat::from_fn(d, k, |i, j| hulls.row(working[j])[i]);
    let mut gram = Mat::zeros(k, k);
    matmul(&mut gram, Accum::Replace, rows.transpose(), &rows, 1.0, Par::Seq);
    let group: Vec<usize> = working.iter().map(|i| hulls.group(*i)).collect();
    let mut guessed = weights.to_vec();
    guessed.resize(k, 0.0);
    if weights.is_empty() {
        for g in 0..hulls.groups() {
            guessed[group.iter().position(|of| *of == g).expect("each group sends a row")] = 1.0;
        }
    }
    smo::improve(&gram, &group, &mut guessed, 1e-4, 1000 + 50 * k);
    let support: Vec<usize> = (0..k).filter(|j| guessed[*j] > 0.0).collect();
    let members: Vec<usize> = support.iter().map(|j| working[*j]).collect();
    let weights: Vec<f64> = support.iter().map(|j| guessed[*j]).collect();
    let of_support = Mat::from_fn(support.len(), support.len(), |i, j| gram[(support[i], support[j])]);
    Face::from_gram(hulls, &members, &weights, &of_support)
}

/// Wolfe's method on the rows of `working`, from the face given. Returns the shortest combination.
fn wolfe(op: &'static str, hulls: &Hulls, face: &mut Face, working: &[usize], steps: &mut usize) -> Result<Vec<f64>> {
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
        let (values, _) = face.values(&point);
        let mut levels = vec![0.0; hulls.groups()];
        for ((i, w), v) in face.members.iter().zip(&face.weights).zip(&values) {
            levels[hulls.group(*i)] += w * v;
        }
        let mut lowest = (2.0 * f64::EPSILON * hulls.norm * size, None);
        for i in working.iter().filter(|i| !useless.contains(i) && !face.members.contains(i)) {
            let below = levels[hulls.group(*i)] - dot(hulls.row(*i), &point);
            if below > lowest.0 {
                lowest = (below, Some(*i));
            }
        }
        let Some(next) = lowest.1 else { break };
        if !face.insert(next) {
            useless.push(next);
            continue;
        }
        let before = face.clone();
        let shorter = settle(face, steps);
        let length = dot(&shorter, &shorter);
        if length < squared {
            (point, squared) = (shorter, length);
            useless.clear();
        } else {
            // No progress is left that rounding lets us see: the face before is as good.
            *face = before;
            let at = face.members.iter().position(|i| *i == next).expect("it was inserted");
            face.remove(at);
            useless.push(next);
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
