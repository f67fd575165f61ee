//! Rows that projected gradient descent moves together, each within its own ball, and what is known of all rows.

use super::Adversarial;
use super::adversarial::Iterate;
use super::inputs::Inputs;
use super::model::Rows;
use super::norm::{Direction, Norm};
use super::objective::{decide, margin};
use super::pgd::Pgd;
use crate::error::Result;
use rand::Rng;

/// Where the attack wants each row to go.
pub(super) struct Goal<'a> {
    /// The class to leave, or with `targeted` the class to reach, of all rows.
    pub labels: &'a [u32],
    pub targeted: bool,
    /// d objective / d scores of this row, with these scores and this label.
    pub slopes: &'a dyn Fn(usize, &[f32], u32) -> Vec<f32>,
}

/// What the attack has found so far: of every row the last and the best iterate.
pub(super) struct Course {
    pub found: Adversarial,
    pub last: Vec<f32>,
    pub best: Vec<f32>,
    /// Adversarial or not and the margin of `best`; the larger one is better.
    pub rank: Vec<(bool, f64)>,
}

impl Course {
    pub(super) fn new(found: Adversarial, inputs: &Inputs) -> Self {
        let rank = found.any.iter().map(|any| (*any, f64::NEG_INFINITY)).collect();
        Self { last: inputs.values.clone(), best: inputs.values.clone(), rank, found }
    }

    /// Takes note of one iterate of a row; returns its class and its margin toward the wanted side.
    fn note(&mut self, row: usize, x: &[f32], scores: &[f32], goal: &Goal<'_>) -> Option<(u32, f64, bool)> {
        let Some(class) = decide(scores) else {
            self.found.not_finite[row] += 1;
            return None;
        };
        let hit = (class == goal.labels[row]) == goal.targeted;
        let margin = margin(scores, goal.labels[row]) * if goal.targeted { -1.0 } else { 1.0 };
        self.found.any[row] |= hit;
        let (adversarial, largest) = self.rank[row];
        if (hit, margin) > (adversarial, largest) {
            self.rank[row] = (hit, margin);
            self.best[row * x.len()..(row + 1) * x.len()].copy_from_slice(x);
        }
        Some((class, margin, hit))
    }
}

pub(super) struct Batch<'a> {
    pub attack: &'a Pgd,
    net: &'a Rows<'a>,
    pub inputs: &'a Inputs,
    /// The rows of the inputs that are in this batch.
    pub members: Vec<usize>,
    pub x: Vec<f32>,
    pub epsilons: Vec<f64>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        attack: &'a Pgd,
        net: &'a Rows<'a>,
        inputs: &'a Inputs,
        members: Vec<usize>,
        epsilons: &[f64],
    ) -> Self {
        let epsilons = members.iter().map(|row| epsilons[*row]).collect();
        Self { attack, net, inputs, x: inputs.gather(&members), members, epsilons }
    }

    /// Moves every row to its row of `start`, brought into the ball and the box.
    pub(super) fn start_at(&mut self, start: &[f32]) {
        let width = self.inputs.width;
        for (k, row) in self.members.iter().enumerate() {
            let clean = self.inputs.row(*row);
            let mut change: Vec<f32> = start[row * width..].iter().zip(clean).map(|(s, x)| s - x).collect();
            self.attack.norm.project(&mut change, self.epsilons[k]);
            add(&mut self.x[k * width..(k + 1) * width], clean, &change, self.inputs.bounds);
        }
    }

    /// Moves every row to a point uniform in its ball, brought into the box.
    pub(super) fn start_at_random<R: Rng>(&mut self, stream: impl Fn(usize) -> R) {
        let width = self.inputs.width;
        for (k, row) in self.members.iter().enumerate() {
            let change = self.attack.norm.uniform(self.epsilons[k], width, &mut stream(*row));
            add(&mut self.x[k * width..(k + 1) * width], self.inputs.row(*row), &change, self.inputs.bounds);
        }
    }

    /// Takes note of the present iterate and moves every row one step.
    pub(super) fn step(&mut self, goal: &Goal<'_>, course: &mut Course) -> Result<Iterate> {
        let width = self.inputs.width;
        let members = &self.members;
        let slopes = |k: usize, scores: &[f32]| (goal.slopes)(members[k], scores, goal.labels[members[k]]);
        let (scores, mut gradient) = self.net.gradient(&self.x, slopes)?;
        let mut seen = Iterate { rows: self.members.len(), ..Iterate::default() };
        let outputs = scores.len() / self.members.len();
        for (k, direction) in gradient.chunks_exact_mut(width).enumerate() {
            let (row, values) = (self.members[k], k * width..(k + 1) * width);
            let now = course.note(row, &self.x[values.clone()], &scores[k * outputs..(k + 1) * outputs], goal);
            if let Some((_, margin, hit)) = now {
                seen.wrong += usize::from(hit);
                seen.margin += margin / seen.rows as f64;
            }
            course.found.iterations[row] += 1;
            course.found.gradients[row] += 1;
            match Direction::of(direction) {
                Direction::Usable => {}
                Direction::Zero => {
                    course.found.zero_gradient[row] += 1;
                    seen.zero_gradient += 1;
                }
                Direction::NotFinite => {
                    // Once per iterate, whether the score or the gradient was at fault.
                    course.found.not_finite[row] += usize::from(now.is_some());
                    direction.fill(0.0);
                }
            }
            let epsilon = self.epsilons[k];
            self.advance(values, direction, self.inputs.row(row), epsilon, goal.targeted);
        }
        Ok(seen)
    }

    /// One step of one row along its gradient.
    fn advance(
        &mut self,
        values: std::ops::Range<usize>,
        gradient: &mut [f32],
        clean: &[f32],
        epsilon: f64,
        targeted: bool,
    ) {
        let Pgd { norm, sparsity, .. } = *self.attack;
        let [low, high] = self.inputs.bounds;
        let x = &mut self.x[values];
        if targeted {
            gradient.iter_mut().for_each(|g| *g = -*g);
        }
        let mut coordinates = 0;
        if norm == Norm::L1 && sparsity > 0.0 {
            coordinates = (sparsity * x.len() as f64).ceil() as usize;
            // A coordinate at its bound cannot take its share of the step.
            for (g, x) in gradient.iter_mut().zip(&*x) {
                if (*g > 0.0 && *x >= high) || (*g < 0.0 && *x <= low) {
                    *g = 0.0;
                }
            }
        }
        norm.direction(gradient, coordinates);
        let step = self.attack.step_length(epsilon) as f32;
        let moved = x.iter().zip(&*gradient).zip(clean).map(|((x, d), clean)| (*x + step * *d) - clean);
        let mut change: Vec<f32> = moved.collect();
        norm.project(&mut change, epsilon);
        add(x, clean, &change, [low, high]);
    }

    /// Takes note of the last iterate; of a later start only where it is adversarial and the earlier ones were not.
    pub(super) fn finish(&self, goal: &Goal<'_>, course: &mut Course, first: bool) -> Result<()> {
        let width = self.inputs.width;
        let scores = self.net.scores(&self.x)?;
        let outputs = scores.len() / self.members.len();
        for (k, row) in self.members.iter().enumerate() {
            let x = &self.x[k * width..(k + 1) * width];
            let now = course.note(*row, x, &scores[k * outputs..(k + 1) * outputs], goal);
            let hit = now.is_some_and(|(_, _, hit)| hit);
            if first || (hit && !course.found.success[*row]) {
                course.found.success[*row] = hit;
                course.last[row * width..(row + 1) * width].copy_from_slice(x);
                if let Some((class, ..)) = now {
                    course.found.predicted[*row] = class;
                }
            }
        }
        Ok(())
    }
}

/// `x` = `clean` + `change`, inside the box. The change was projected before: the other order leaves the box.
fn add(x: &mut [f32], clean: &[f32], change: &[f32], [low, high]: [f32; 2]) {
    for ((x, clean), change) in x.iter_mut().zip(clean).zip(change) {
        *x = (clean + change).clamp(low, high);
    }
}
