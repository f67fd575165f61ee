//! Projected gradient descent that stays on the card: inputs go there once, and what was found comes back once.
//!
//! A step is the network's passes, then `kernels/attack_course.cu` and `attack_step.cu`. The bookkeeping is that of
//! `batch.rs`, from the classes, margins and gradients that the card noted of every iterate.

use super::adversarial::Iterate;
use super::batch::{Batch, Course, Goal};
use super::model::Model;
use super::{Norm, Objective};
use crate::cuda::{self, Card, CourseOf, Found, StepNorm, tensors};
use crate::error::{Error, Result};
use crate::model::Classifier;
use crate::progress::interrupted;
use candle_core::Tensor;
use std::sync::Arc;

const OP: &str = "pgd";

/// A classifier on a card, for an attack in one of the norms that have a CUDA kernel.
pub(super) struct Resident<'a> {
    net: &'a Classifier,
    card: Arc<Card>,
    norm: StepNorm,
}

impl<'a> Resident<'a> {
    /// `None` where the attack runs on the host.
    pub(super) fn of(net: &'a dyn Model, norm: Norm) -> Result<Option<Self>> {
        let norm = match norm {
            Norm::Linf => StepNorm::Linf,
            Norm::L2 => StepNorm::L2,
            Norm::L1 => return Ok(None),
        };
        let Some(net) = net.classifier() else { return Ok(None) };
        Ok(tensors::card_of(net.device())?.map(|card| Self { net, card, norm }))
    }

    /// All steps of a batch from where its rows are; an interrupt ends them early.
    pub(super) fn run(
        &self,
        batch: &Batch<'_>,
        objective: Objective,
        goal: &Goal<'_>,
        course: &mut Course,
        steps: usize,
        first: bool,
    ) -> Result<()> {
        let (inputs, members) = (batch.inputs, &batch.members);
        let labels: Vec<u32> = members.iter().map(|row| goal.labels[*row]).collect();
        let lengths: Vec<f32> =
            batch.epsilons.iter().map(|epsilon| batch.attack.step_length(*epsilon) as f32).collect();
        let (hits, margins): (Vec<bool>, Vec<f64>) = members.iter().map(|row| course.rank[*row]).unzip();
        let card = &*self.card;
        let mut own = cuda::Course::new(
            card,
            &CourseOf {
                clean: &inputs.gather(members),
                start: &batch.x,
                labels: &labels,
                targeted: goal.targeted,
                entropy: objective == Objective::CrossEntropy,
                outputs: self.net.outputs(),
                epsilons: &batch.epsilons,
                steps: &lengths,
                bounds: inputs.bounds,
                norm: self.norm,
                count: steps,
                hits: &hits,
                margins: &margins,
            },
        )?;
        let shape = [&[members.len()], inputs.shape.as_slice()].concat();
        let device = self.net.device();
        let now = |own: &cuda::Course<Card>| {
            let numbers = members.len() * inputs.width;
            tensors::made(card, device, &shape, |to| card.copy(own.x(), to, numbers))
        };
        let contiguous = |tensor: &Tensor| tensor.contiguous().map_err(Error::candle(OP));
        for _ in 0..steps {
            if interrupted() {
                course.found.interrupted = true;
                break;
            }
            let (scores, gradient) = self.net.input_gradient(&now(&own)?, |scores| {
                let seen = contiguous(&scores.detach())?;
                let slopes = tensors::made(card, device, seen.dims(), |to| {
                    tensors::address(card, &seen, |from| own.slopes(from, to))
                })?;
                Ok((scores * slopes)?.sum_all()?)
            })?;
            tensors::address(card, &contiguous(&scores)?, |scores| own.note(scores))?;
            tensors::address(card, &contiguous(&gradient)?, |gradient| own.step(gradient))?;
        }
        let scores = contiguous(&self.net.scores_in_place(OP, &now(&own)?)?)?;
        tensors::address(card, &scores, |scores| own.note(scores))?;
        merge(batch, goal, course, &own.read()?, first);
        Ok(())
    }
}

/// What `Batch::step` and `Batch::finish` write, for all iterates at once.
fn merge(batch: &Batch<'_>, goal: &Goal<'_>, course: &mut Course, found: &Found, first: bool) {
    let rows = batch.members.len();
    let width = batch.inputs.width;
    let steps = found.status.len() / rows;
    for (step, now) in found.seen.chunks_exact(rows).enumerate() {
        let last = step == steps;
        let mut seen = Iterate { rows, ..Iterate::default() };
        for (k, (row, (class, margin))) in batch.members.iter().zip(now).enumerate() {
            let hit = class.is_some_and(|class| (class == goal.labels[*row]) == goal.targeted);
            course.found.any[*row] |= hit;
            course.found.not_finite[*row] += usize::from(class.is_none());
            if last {
                if first || (hit && !course.found.success[*row]) {
                    course.found.success[*row] = hit;
                    course.last[row * width..(row + 1) * width].copy_from_slice(&found.x[k * width..(k + 1) * width]);
                    if let Some(class) = class {
                        course.found.predicted[*row] = *class;
                    }
                }
                continue;
            }
            if class.is_some() {
                seen.wrong += usize::from(hit);
                seen.margin += margin / rows as f64;
            }
            course.found.iterations[*row] += 1;
            course.found.gradients[*row] += 1;
            match found.status[step * rows + k] {
                0 => {}
                1 => {
                    course.found.zero_gradient[*row] += 1;
                    seen.zero_gradient += 1;
                }
                // Once per iterate, whether the score or the gradient was at fault.
                _ => course.found.not_finite[*row] += usize::from(class.is_some()),
            }
        }
        if first && !last {
            seen.join(&mut course.found.trace, step);
        }
    }
    for (k, row) in batch.members.iter().enumerate() {
        let rank = (found.hits[k], found.margins[k]);
        if rank != course.rank[*row] {
            course.rank[*row] = rank;
            course.best[row * width..(row + 1) * width].copy_from_slice(&found.best[k * width..(k + 1) * width]);
        }
    }
}
