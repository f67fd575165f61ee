//! The order in which an epoch sees the data: stratified batches.
//!
//! Every class is shuffled on its own and spread evenly over the batches, so a class with at least as many members as
//! there are batches is in each of them. 12 examples with labels 0 and 1 half and half, in batches of 4: three batches
//! with two of each. Every loss gets the same batches under one seed.

use rand::RngCore;

/// How many batches an epoch has.
pub(super) fn count(examples: usize, batch: usize) -> usize {
    if batch == 0 { 1 } else { examples.div_ceil(batch).max(1) }
}

/// The rows of each batch; one batch is all rows in their order.
pub(super) fn stratified(labels: &[u32], batch: usize, rng: &mut impl RngCore) -> Vec<Vec<usize>> {
    let batches = count(labels.len(), batch);
    if batches == 1 {
        return vec![(0..labels.len()).collect()];
    }
    let classes = labels.iter().max().map_or(0, |largest| largest + 1);
    let mut out = vec![Vec::new(); batches];
    for class in 0..classes {
        let mut members: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] == class).collect();
        for last in (1..members.len()).rev() {
            members.swap(last, below(last + 1, rng));
        }
        let size = members.len();
        for (rank, row) in members.into_iter().enumerate() {
            let part = rank * batches / size;
            // Odd classes run backwards: where one class gives a batch one more, the next gives one less.
            out[if class % 2 == 0 { part } else { batches - 1 - part }].push(row);
        }
    }
    out.retain(|rows| !rows.is_empty());
    out
}

/// A number below `n`, by 64-bit multiplication; its bias is below n / 2^64.
fn below(n: usize, rng: &mut impl RngCore) -> usize {
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}
