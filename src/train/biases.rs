//! The biases that a loss on pairs leaves free.
//!
//! One output: minus the [`threshold`]. C outputs: with the threshold T_cd of z_c - z_d between the rows of c and those of
//! d, the biases of sum 0 that minimise the sum over pairs of (b_c - b_d + T_cd)²: b_c = -1/C · sum_d T_cd. Two outputs
//! whose difference is cut at 3: 1.5 and -1.5.

use super::threshold;
use crate::error::Result;

/// `scores`: (n, `outputs`) row by row, without bias; `labels`: (n,), every class present. Errors as for [`threshold`].
pub(super) fn biases(scores: &[f32], outputs: usize, labels: &[u32]) -> Result<Vec<f64>> {
    let side = |class: u32, score: &dyn Fn(&[f32]) -> f64| -> Vec<f64> {
        let rows = scores.chunks_exact(outputs).zip(labels);
        rows.filter(|(_, label)| **label == class).map(|(row, _)| score(row)).collect()
    };
    if outputs == 1 {
        let score = |row: &[f32]| f64::from(row[0]);
        return Ok(vec![-threshold(&side(1, &score), &side(0, &score))?]);
    }
    let mut biases = vec![0.0; outputs];
    for c in 1..outputs {
        for d in 0..c {
            let score = |row: &[f32]| f64::from(row[c]) - f64::from(row[d]);
            let cut = threshold(&side(c as u32, &score), &side(d as u32, &score))? / outputs as f64;
            biases[c] -= cut;
            biases[d] += cut;
        }
    }
    Ok(biases)
}
