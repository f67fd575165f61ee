//! Decoupled direction and norm: the nearest adversarial input in L2, by gradient.
//!
//! The change keeps a length of its own, which shrinks by gamma whenever the iterate is adversarial and grows by gamma
//! otherwise, while its direction follows the gradient with a step that falls from 1 to 0.01 along a cosine.
//! Source: Rony, Hafemann, Oliveira, Ben Ayed, Sabourin and Granger, arXiv:1811.09600, here on the logit margin: the
//! gradient of cross-entropy vanishes when the scores are large.

use super::inputs::Inputs;
use super::model::{Model, Rows};
use super::nearest::Nearest;
use super::norm::{Direction, Norm};
use super::{Adversarial, Objective};
use crate::error::{Error, Result};
use crate::progress::{Progress, interrupted};
use candle_core::Tensor;
use std::f64::consts::PI;

const OP: &str = "ddn";

/// The DDN attack alone; [`MinimalNorm`](super::MinimalNorm) repeats and refines it.
#[derive(Clone, Debug)]
pub struct Ddn {
    /// Number of steps.
    pub steps: usize,
    /// What is increased.
    pub objective: Objective,
    /// The factor by which the length of the change grows or shrinks, less 1; in (0, 1).
    pub gamma: f64,
    /// The smallest and largest allowed input; the first length of the change is their difference.
    pub bounds: [f64; 2],
    /// Rows attacked together.
    pub batch: usize,
    /// Print no progress.
    pub silent: bool,
}

impl Default for Ddn {
    fn default() -> Self {
        Self { steps: 200, objective: Objective::Margin, gamma: 0.05, bounds: [0.0, 1.0], batch: 128, silent: false }
    }
}

impl Ddn {
    /// The nearest adversarial input to each row that the steps met.
    ///
    /// `x`: (n, ...) f32 inside `bounds`; `y`: (n,) u32. In the result `x` is that input, or the clean one where none
    /// was found; [`Adversarial::distances`] reads off the lengths. An interrupt returns what was found so far.
    /// Errors: as [`Pgd::run`](super::Pgd::run).
    pub fn run(&self, net: &dyn Model, x: &Tensor, y: &Tensor) -> Result<Adversarial> {
        self.check()?;
        let inputs = Inputs::read(OP, x, y, self.bounds, net.outputs())?;
        let rows = Rows { op: OP, net, shape: &inputs.shape };
        let epsilons = vec![f64::INFINITY; inputs.len()];
        let found = Adversarial::start(&rows, &inputs, x, Norm::L2, epsilons, None)?;
        let mut nearest = Nearest::new(&rows, &inputs, found);
        let members = nearest.members();
        let batches = members.len().div_ceil(self.batch);
        let mut progress = Progress::new("DDN", batches * self.steps, self.silent);
        for (part, members) in members.chunks(self.batch).enumerate() {
            self.search(&mut nearest, members, |step| progress.update(part * self.steps + step, ""))?;
        }
        nearest.finish()
    }

    pub(super) fn check(&self) -> Result<()> {
        if !(self.gamma > 0.0 && self.gamma < 1.0) {
            return Err(Error::Value { op: OP, expected: "gamma in (0, 1)".into(), got: self.gamma.to_string() });
        }
        if self.batch == 0 {
            return Err(Error::Value { op: OP, expected: "batch of at least 1".into(), got: "0".into() });
        }
        Ok(())
    }

    /// All steps for some rows.
    pub(super) fn search(
        &self,
        nearest: &mut Nearest<'_>,
        members: &[usize],
        mut report: impl FnMut(usize),
    ) -> Result<()> {
        let width = nearest.inputs.width;
        let [low, high] = nearest.inputs.bounds;
        let mut x = nearest.inputs.gather(members);
        let mut lengths = vec![f64::from(high - low); members.len()];
        for step in 0..self.steps {
            if interrupted() {
                nearest.found.interrupted = true;
                return Ok(());
            }
            let labels = &nearest.inputs.labels;
            let slopes = |k: usize, scores: &[f32]| self.objective.slopes(scores, labels[members[k]]);
            let (scores, gradient) = nearest.net.gradient(&x, slopes)?;
            let outputs = scores.len() / members.len();
            let pace = 0.01 + 0.99 * (1.0 + (PI * step as f64 / self.steps as f64).cos()) / 2.0;
            for (k, row) in members.iter().enumerate() {
                let x = &mut x[k * width..(k + 1) * width];
                let adversarial = nearest.offer(*row, x, &scores[k * outputs..(k + 1) * outputs]);
                nearest.found.iterations[*row] += 1;
                nearest.found.gradients[*row] += 1;
                let mut direction = gradient[k * width..(k + 1) * width].to_vec();
                match Direction::of(&direction) {
                    Direction::Usable => Norm::L2.direction(&mut direction, 0),
                    Direction::Zero => nearest.found.zero_gradient[*row] += 1,
                    Direction::NotFinite => {
                        nearest.found.not_finite[*row] += 1;
                        direction.fill(0.0);
                    }
                }
                let clean = nearest.inputs.row(*row);
                let moved = x.iter().zip(clean).zip(&direction).map(|((x, c), d)| (x - c) + pace as f32 * d);
                let change: Vec<f32> = moved.collect();
                lengths[k] *= if adversarial { 1.0 - self.gamma } else { 1.0 + self.gamma };
                // A change of the box's own length cannot grow.
                lengths[k] = lengths[k].min(f64::from(high - low) * (width as f64).sqrt());
                let length = Norm::L2.length(&change);
                let scale = if length > 0.0 { lengths[k] / length } else { 0.0 };
                for ((x, c), d) in x.iter_mut().zip(clean).zip(&change) {
                    *x = (f64::from(*c) + scale * f64::from(*d)).clamp(low.into(), high.into()) as f32;
                }
            }
            report(step + 1);
        }
        // The last iterate has not been classified yet.
        nearest.offer_all(members, &x).map(|_| ())
    }
}
