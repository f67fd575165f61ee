//! From a loss on two sides of scores to one on labelled scores: one output, two, or C by pairs of classes.
//!
//! scores z: (n, C). A pair of classes c > d is a binary problem on the rows of both, with score z_c - z_d and the rows
//! of c as positives. The loss is the mean over the C (C - 1) / 2 pairs of classes; with c and d exchanged a problem is
//! the same, because L(s, t) = L(-t, -s), so the mean over ordered pairs is this too. Cost (C - 1) n scores in all.
//! For a row, one pair of classes reaches each component but its own label's, whose share is minus the sum of the others:
//! nothing cancels, and a bound on every component of a binary gradient is one on every component here.

use super::labelled::{Labelled, OP};
use crate::error::{Error, Result};
use rayon::prelude::*;

/// A loss and its gradient in both sides.
pub(super) type OfSides = (f64, Vec<f64>, Vec<f64>);

// Pairs of classes whose gradients are kept at once.
const AT_ONCE: usize = 64;

/// The loss and its gradient in every score.
///
/// `of_sides`: the binary loss of positives and negatives; an error of its own is passed on, a missing side for one.
pub(super) fn by_class_pairs(
    labelled: &Labelled,
    of_sides: impl Fn(&[f64], &[f64]) -> Result<OfSides> + Sync,
) -> Result<(f64, Vec<f64>)> {
    let outputs = labelled.outputs;
    let rows = labelled.rows_by_class();
    if outputs > 2
        && let Some(class) = rows.iter().position(Vec::is_empty)
    {
        let expected = format!("an example of each of {outputs} classes");
        return Err(Error::Value { op: OP, expected, got: format!("none of class {class}") });
    }
    let classes = rows.len();
    let pairs: Vec<(usize, usize)> = (1..classes).flat_map(|c| (0..c).map(move |d| (c, d))).collect();
    let of_pair = |&(c, d): &(usize, usize)| {
        let score = |row: &usize| match labelled.values[row * outputs..(row + 1) * outputs] {
            [one] => one,
            ref row => row[c] - row[d],
        };
        let side = |class: usize| rows[class].iter().map(score).collect::<Vec<f64>>();
        of_sides(&side(c), &side(d))
    };
    let weight = 1.0 / pairs.len() as f64;
    let (mut loss, mut gradient) = (0.0, vec![0.0; labelled.values.len()]);
    for some in pairs.chunks(AT_ONCE) {
        // One pair is worked on by all threads, several are shared out; collected in order either way.
        let found: Vec<Result<OfSides>> =
            if let [pair] = some { vec![of_pair(pair)] } else { some.par_iter().map(of_pair).collect() };
        for (&(c, d), found) in some.iter().zip(found) {
            let (of_pair, in_s, in_t) = found?;
            loss += weight * of_pair;
            for (row, g) in rows[c].iter().zip(in_s).chain(rows[d].iter().zip(in_t)) {
                if outputs == 1 {
                    gradient[*row] = g;
                } else {
                    gradient[row * outputs + c] += weight * g;
                    gradient[row * outputs + d] -= weight * g;
                }
            }
        }
    }
    Ok((loss, gradient))
}
