//! Cross-entropy: the mean negative log-likelihood of the labels.
//!
//! One score z per row, label y in {0, 1}: mean of softplus(-z) for y = 1 and softplus(z) for y = 0.
//! C scores per row: mean of log(sum_c exp(z_c)) - z_y. Result: ().
//! A score of 0 costs ln 2 = 0.693147; a score of 40 for the right class 4.248354e-18, where log(1 + exp(-40)) is 0.

use super::labelled::Labelled;

/// log(1 + exp(x)), exact to rounding for every finite x: softplus(-700) = 9.86e-305, softplus(1e4) = 1e4.
pub fn softplus(x: f64) -> f64 {
    // log1p(exp(-|x|)) keeps full precision at x = -40, where log(1 + exp(x)) is already 0.
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The derivative of [`softplus`]: 1 / (1 + exp(-x)), exact to rounding in both tails.
pub fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

/// The loss and its gradient in every score.
pub(super) fn loss_and_gradient(labelled: &Labelled) -> (f64, Vec<f64>) {
    let rows = labelled.labels.len() as f64;
    let mut gradient = Vec::with_capacity(labelled.values.len());
    let mut sum = 0.0;
    for (scores, &label) in labelled.values.chunks_exact(labelled.outputs).zip(&labelled.labels) {
        if let [score] = *scores {
            let sign = if label == 1 { -1.0 } else { 1.0 };
            sum += softplus(sign * score);
            gradient.push(sign * sigmoid(sign * score) / rows);
        } else {
            sum += softmax_row(scores, label as usize, rows, &mut gradient);
        }
    }
    (sum / rows, gradient)
}

/// The loss of one row; appends its gradient, already divided by `rows`.
///
/// With u_c = z_c - z_y the loss is log(1 + sum of exp(u_c) over c ≠ y): no cancellation when the label wins by far.
fn softmax_row(scores: &[f64], label: usize, rows: f64, gradient: &mut Vec<f64>) -> f64 {
    let others = || scores.iter().enumerate().filter(|(c, _)| *c != label).map(|(_, score)| score - scores[label]);
    let largest = others().fold(0.0, f64::max);
    // In units of exp(largest): the label's own term, and the rest.
    let own = (-largest).exp();
    let rest: f64 = others().map(|u| (u - largest).exp()).sum();
    for (c, score) in scores.iter().enumerate() {
        // The label's gradient is p_y - 1 = -rest / (own + rest), written without the subtraction.
        let term = if c == label { -rest } else { (score - scores[label] - largest).exp() };
        gradient.push(term / (own + rest) / rows);
    }
    if largest == 0.0 { rest.ln_1p() } else { largest + (own + rest).ln() }
}
