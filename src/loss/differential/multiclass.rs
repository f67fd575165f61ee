//! More than two classes: the mean of the pair loss over pairs of classes, see `loss/class_pairs.rs`.
//!
//! scores (n, C), labels (n,): with z = (1, 0, 0) of label 0 and zeros of labels 1 and 2 the pairs of classes cost
//! log(1 + e^-1) twice and log 2 once: (2 · 0.313262 + 0.693147) / 3 = 0.439890.

use super::{AllPairs, PairLoss, Tol};
use crate::error::Result;
use crate::loss::class_pairs::by_class_pairs;
use crate::loss::labelled::Labelled;

/// The mean over pairs of classes c, d of the pair loss of z_c - z_d between the rows of c and those of d.
///
/// `scores`: (n, C) row by row; `labels`: (n,) below C = `classes`. Returns the loss and its gradient, (n, C).
/// Guarantees: both within `tol` and rounding, every component relative to itself; for C = 2 it is the binary loss of
/// z_1 - z_0; the same bytes on any number of threads. Time grows as C n, as that of softmax.
/// Errors: `Value` if a class is absent, lengths do not fit, or naming the row of a score that is not finite or of a
/// label out of range.
pub fn multiclass(scores: &[f64], labels: &[u32], classes: usize, tol: Tol) -> Result<(f64, Vec<f64>)> {
    of_labelled(&Labelled::of_rows(scores, labels, classes)?, tol)
}

/// The loss and its gradient in every score.
pub(in crate::loss) fn loss_and_gradient(labelled: &Labelled) -> Result<(f64, Vec<f64>)> {
    of_labelled(labelled, Tol::default())
}

fn of_labelled(labelled: &Labelled, tol: Tol) -> Result<(f64, Vec<f64>)> {
    by_class_pairs(labelled, |s, t| AllPairs::new(tol).loss_and_grads(s, t))
}
