//! The nearest adversarial input of every row so far: what the attacks on the distance write into.

use super::adversarial::Adversarial;
use super::inputs::Inputs;
use super::model::Rows;
use super::norm::Norm;
use super::objective::decide;
use crate::error::Result;
use crate::progress::interrupted;

pub(super) struct Nearest<'a> {
    pub net: &'a Rows<'a>,
    pub inputs: &'a Inputs,
    pub found: Adversarial,
    /// Of rows without an adversarial input the clean one.
    pub x: Vec<f32>,
    /// Infinite for rows without one.
    pub distances: Vec<f64>,
}

impl<'a> Nearest<'a> {
    pub(super) fn new(net: &'a Rows<'a>, inputs: &'a Inputs, found: Adversarial) -> Self {
        let distances = found.clean_correct.iter().map(|right| if *right { f64::INFINITY } else { 0.0 }).collect();
        Self { net, inputs, found, x: inputs.values.clone(), distances }
    }

    /// The rows that were right from the start: those to attack.
    pub(super) fn members(&self) -> Vec<usize> {
        (0..self.inputs.len()).filter(|row| self.found.clean_correct[*row]).collect()
    }

    /// The nearest adversarial input of a row, or the clean one.
    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.x[row * self.inputs.width..(row + 1) * self.inputs.width]
    }

    /// Takes note of an input with its scores; returns whether it is adversarial.
    pub(super) fn offer(&mut self, row: usize, x: &[f32], scores: &[f32]) -> bool {
        let Some(class) = decide(scores) else {
            self.found.not_finite[row] += 1;
            return false;
        };
        if class == self.inputs.labels[row] {
            return false;
        }
        let distance = distance(self.found.norm, x, self.inputs.row(row));
        if distance < self.distances[row] {
            self.distances[row] = distance;
            self.x[row * x.len()..(row + 1) * x.len()].copy_from_slice(x);
            self.found.predicted[row] = class;
        }
        true
    }

    /// Classifies one candidate for each member and takes note of it; returns which are adversarial.
    pub(super) fn offer_all(&mut self, members: &[usize], x: &[f32]) -> Result<Vec<bool>> {
        let scores = self.net.scores(x)?;
        let (width, outputs) = (self.inputs.width, self.net.net.outputs());
        let rows = members.iter().zip(x.chunks_exact(width)).zip(scores.chunks_exact(outputs));
        Ok(rows.map(|((row, x), scores)| self.offer(*row, x, scores)).collect())
    }

    /// Halves the segment between the clean input and the nearest adversarial one `steps` times: forward passes only.
    pub(super) fn bisect(&mut self, members: &[usize], steps: usize) -> Result<()> {
        let members: Vec<usize> = members.iter().copied().filter(|row| self.distances[*row].is_finite()).collect();
        let far: Vec<f32> = members.iter().flat_map(|row| self.row(*row).to_vec()).collect();
        let (mut inside, mut outside) = (vec![0.0_f64; members.len()], vec![1.0_f64; members.len()]);
        for _ in 0..steps {
            if interrupted() {
                self.found.interrupted = true;
                return Ok(());
            }
            let middle: Vec<f64> = inside.iter().zip(&outside).map(|(a, b)| (a + b) / 2.0).collect();
            let x = self.between(&members, &far, &middle);
            for (k, wrong) in self.offer_all(&members, &x)?.into_iter().enumerate() {
                if wrong { outside[k] = middle[k] } else { inside[k] = middle[k] }
            }
        }
        Ok(())
    }

    /// clean + share · (far - clean) for each member, inside the box.
    pub(super) fn between(&self, members: &[usize], far: &[f32], shares: &[f64]) -> Vec<f32> {
        let width = self.inputs.width;
        let [low, high] = self.inputs.bounds;
        let mut x = self.inputs.gather(members);
        for ((x, far), share) in x.chunks_exact_mut(width).zip(far.chunks_exact(width)).zip(shares) {
            for (x, far) in x.iter_mut().zip(far) {
                *x = (f64::from(*x) + share * (f64::from(*far) - f64::from(*x))).clamp(low.into(), high.into()) as f32;
            }
        }
        x
    }

    /// Makes sure that every input is adversarial when all are classified together, and hands over the result.
    ///
    /// An input on the boundary may change sides with the rounding of another batch: it moves outward until it does not.
    pub(super) fn finish(mut self) -> Result<Adversarial> {
        let (width, outputs) = (self.inputs.width, self.net.net.outputs());
        let mut push = 1e-7;
        loop {
            let scores = self.net.scores(&self.x)?;
            let mut back = Vec::new();
            for (row, scores) in scores.chunks_exact(outputs).enumerate() {
                if !self.found.clean_correct[row] || self.distances[row].is_infinite() {
                    continue;
                }
                match decide(scores) {
                    Some(class) if class != self.inputs.labels[row] => self.found.predicted[row] = class,
                    _ => back.push(row),
                }
            }
            if back.is_empty() || push > 1.0 {
                // Pushed all the way to the box and still right in one batch or the other: not found.
                back.iter().for_each(|row| self.distances[*row] = f64::INFINITY);
                break;
            }
            let far: Vec<f32> = back.iter().flat_map(|row| self.row(*row).to_vec()).collect();
            let moved = self.between(&back, &far, &vec![1.0 + push; back.len()]);
            for (row, x) in back.iter().zip(moved.chunks_exact(width)) {
                self.x[row * width..(row + 1) * width].copy_from_slice(x);
            }
            push *= 2.0;
        }
        for row in 0..self.inputs.len() {
            let hit = self.found.clean_correct[row] && self.distances[row].is_finite();
            if hit {
                (self.found.success[row], self.found.any[row]) = (true, true);
                self.found.norms[row] = distance(self.found.norm, self.row(row), self.inputs.row(row));
            } else {
                self.x[row * width..(row + 1) * width].copy_from_slice(self.inputs.row(row));
            }
        }
        self.found.x = self.inputs.tensor(self.net.op, self.x)?;
        self.found.best = self.found.x.clone();
        Ok(self.found)
    }
}

pub(super) fn distance(norm: Norm, a: &[f32], b: &[f32]) -> f64 {
    let change: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm.length(&change)
}
