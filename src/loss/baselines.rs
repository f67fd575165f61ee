//! The losses a sceptical reader wants beside cross-entropy, row by row, in f64.
//!
//! With sign = +1 for label 1 and -1 for label 0 of one score z, or of C scores with label y:
//!
//! | | one score | C scores |
//! |---|---|---|
//! | hinge | max(0, 1 - sign·z) | max(0, 1 + max over k ≠ y of z_k - z_y), Crammer and Singer 2001 |
//! | square | (sign - z)² | Σ_k (z_k - [k = y])², Hui and Belkin, arXiv:2006.07322 |
//! | label smoothing a | cross-entropy with 1 - a + a/2 on the label, a/2 on the other | 1 - a + a/C and a/C |
//! | logit squeezing λ | cross-entropy + λ z² | + λ ‖z‖², Kannan et al., arXiv:1803.06373 |
//!
//! At z = 0.5 and label 1: hinge 0.5, square 0.25. The last two are known to mask gradients: Mosbach et al.,
//! arXiv:1810.12042. All are means over rows.

use super::cross_entropy::{self, sigmoid};
use super::labelled::Labelled;

pub(super) fn hinge(labelled: &Labelled) -> (f64, Vec<f64>) {
    by_rows(labelled, |scores, label, gradient| {
        if let [score] = *scores {
            let sign = if label == 1 { 1.0 } else { -1.0 };
            let short = 1.0 - sign * score;
            // At the corner the subgradient 0, as in PyTorch.
            gradient.push(if short > 0.0 { -sign } else { 0.0 });
            return short.max(0.0);
        }
        let others = (0..scores.len()).filter(|k| *k != label);
        let rival = others.fold(None, |best: Option<usize>, k| match best {
            Some(best) if scores[best] >= scores[k] => Some(best),
            _ => Some(k),
        });
        let rival = rival.expect("at least two scores");
        let short = 1.0 + scores[rival] - scores[label];
        let slope = if short > 0.0 { 1.0 } else { 0.0 };
        gradient.extend((0..scores.len()).map(|k| match k {
            k if k == label => -slope,
            k if k == rival => slope,
            _ => 0.0,
        }));
        short.max(0.0)
    })
}

pub(super) fn square(labelled: &Labelled) -> (f64, Vec<f64>) {
    by_rows(labelled, |scores, label, gradient| {
        let target = |k: usize| match scores.len() {
            1 if label == 1 => 1.0,
            1 => -1.0,
            _ => f64::from(u8::from(k == label)),
        };
        gradient.extend(scores.iter().enumerate().map(|(k, z)| 2.0 * (z - target(k))));
        scores.iter().enumerate().map(|(k, z)| (z - target(k)).powi(2)).sum()
    })
}

/// The cross-entropy against a uniform distribution is that against each label, averaged: the same code, with its precision.
pub(super) fn label_smoothing(labelled: &Labelled, share: f64) -> (f64, Vec<f64>) {
    let classes = labelled.outputs.max(2);
    let (value, gradient) = cross_entropy::loss_and_gradient(labelled);
    let mut sum = (1.0 - share) * value;
    let mut total: Vec<f64> = gradient.into_iter().map(|g| (1.0 - share) * g).collect();
    for class in 0..classes as u32 {
        let labels = vec![class; labelled.labels.len()];
        let one = Labelled { values: labelled.values.clone(), outputs: labelled.outputs, labels };
        let (value, gradient) = cross_entropy::loss_and_gradient(&one);
        sum += share / classes as f64 * value;
        total.iter_mut().zip(gradient).for_each(|(t, g)| *t += share / classes as f64 * g);
    }
    (sum, total)
}

pub(super) fn logit_squeezing(labelled: &Labelled, strength: f64) -> (f64, Vec<f64>) {
    let (value, mut gradient) = cross_entropy::loss_and_gradient(labelled);
    let rows = labelled.labels.len() as f64;
    gradient.iter_mut().zip(&labelled.values).for_each(|(g, z)| *g += 2.0 * strength * z / rows);
    (value + strength * labelled.values.iter().map(|z| z * z).sum::<f64>() / rows, gradient)
}

/// Cross-entropy of the first half of the rows, plus `beta` times the mean divergence KL(first ‖ second half).
pub(super) fn trades(labelled: &Labelled, beta: f64) -> (f64, Vec<f64>) {
    let (outputs, half) = (labelled.outputs, labelled.labels.len() / 2);
    let (clean, moved) = labelled.values.split_at(half * outputs);
    let first = Labelled { values: clean.to_vec(), outputs, labels: labelled.labels[..half].to_vec() };
    let (mut value, mut gradient) = cross_entropy::loss_and_gradient(&first);
    gradient.resize(labelled.values.len(), 0.0);
    let weight = beta / half as f64;
    for (row, (c, a)) in clean.chunks_exact(outputs).zip(moved.chunks_exact(outputs)).enumerate() {
        let (at_clean, at_moved) = (row * outputs, (half + row) * outputs);
        if let ([c], [a]) = (c, a) {
            // ln(p/(1-p)) is the score itself.
            let divergence = cross_entropy::softplus(*a) - cross_entropy::softplus(*c) - sigmoid(*c) * (a - c);
            value += weight * divergence;
            gradient[at_clean] += weight * sigmoid(*c) * sigmoid(-c) * (c - a);
            gradient[at_moved] += weight * (sigmoid(*a) - sigmoid(*c));
            continue;
        }
        let (ln_c, ln_a) = (ln_softmax(c), ln_softmax(a));
        let divergence: f64 = ln_c.iter().zip(&ln_a).map(|(c, a)| c.exp() * (c - a)).sum();
        value += weight * divergence;
        for k in 0..outputs {
            gradient[at_clean + k] += weight * ln_c[k].exp() * (ln_c[k] - ln_a[k] - divergence);
            gradient[at_moved + k] += weight * (ln_a[k].exp() - ln_c[k].exp());
        }
    }
    (value, gradient)
}

fn ln_softmax(scores: &[f64]) -> Vec<f64> {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total = scores.iter().map(|z| (z - largest).exp()).sum::<f64>().ln();
    scores.iter().map(|z| z - largest - total).collect()
}

/// The mean of a loss over rows; `row` appends its gradient.
fn by_rows(labelled: &Labelled, row: impl Fn(&[f64], usize, &mut Vec<f64>) -> f64) -> (f64, Vec<f64>) {
    let rows = labelled.labels.len() as f64;
    let mut gradient = Vec::with_capacity(labelled.values.len());
    let all = labelled.values.chunks_exact(labelled.outputs).zip(&labelled.labels);
    let sum: f64 = all.map(|(scores, label)| row(scores, *label as usize, &mut gradient)).sum();
    gradient.iter_mut().for_each(|g| *g /= rows);
    (sum / rows, gradient)
}
