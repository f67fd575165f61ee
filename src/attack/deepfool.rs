//! DeepFool: step by step to the nearest boundary of the model made linear at the present input.
//!
//! Changes add up, the sum is enlarged by the overshoot, and a row stops at its first adversarial iterate. Cheap, and an
//! estimate: on networks 1 to 3 times as far as the nearest adversarial input. Source: Moosavi-Dezfooli, Fawzi and
//! Frossard, arXiv:1511.04599; the guards (1e-4 beyond the boundary, overshoot on the sum) as in foolbox 3.3.4.
//! On the linear score 3a - 4b + 1 with overshoot 0 the change has length |score|/5 + 1e-4.

use super::inputs::Inputs;
use super::model::{Model, Rows};
use super::nearest::Nearest;
use super::{Adversarial, Norm};
use crate::error::{Error, Result};
use crate::progress::{Progress, interrupted};
use candle_core::Tensor;

const OP: &str = "deepfool";
/// Beyond the boundary, so that rounding does not leave a row on it.
const BEYOND: f64 = 1e-4;
/// Added to a length that is divided by.
const GUARD: f64 = 1e-8;

/// The DeepFool attack in L2 or Linf.
#[derive(Clone, Debug)]
pub struct DeepFool {
    /// How changes are measured: L2 or Linf.
    pub norm: Norm,
    /// The largest number of steps.
    pub steps: usize,
    /// By what share the sum of all changes is enlarged.
    pub overshoot: f64,
    /// How many classes are considered, those with the largest scores at the clean input.
    pub candidates: usize,
    /// The smallest and largest allowed input.
    pub bounds: [f64; 2],
    /// Rows attacked together.
    pub batch: usize,
    /// Print no progress.
    pub silent: bool,
}

impl Default for DeepFool {
    fn default() -> Self {
        Self {
            norm: Norm::L2,
            steps: 50,
            overshoot: 0.02,
            candidates: 10,
            bounds: [0.0, 1.0],
            batch: 128,
            silent: false,
        }
    }
}

impl DeepFool {
    /// The first adversarial input that each row meets. Shapes and errors as [`Ddn::run`](super::Ddn::run).
    pub fn run(&self, net: &dyn Model, x: &Tensor, y: &Tensor) -> Result<Adversarial> {
        if self.norm == Norm::L1 {
            return Err(Error::Value { op: OP, expected: "norm L2 or Linf".into(), got: "L1".into() });
        }
        if !(self.overshoot >= 0.0 && self.overshoot.is_finite()) {
            let got = self.overshoot.to_string();
            return Err(Error::Value { op: OP, expected: "a finite overshoot of at least 0".into(), got });
        }
        for (name, value, least) in [("batch", self.batch, 1), ("candidates", self.candidates, 2)] {
            if value < least {
                let expected = format!("{name} of at least {least}");
                return Err(Error::Value { op: OP, expected, got: value.to_string() });
            }
        }
        let inputs = Inputs::read(OP, x, y, self.bounds, net.outputs())?;
        let rows = Rows { op: OP, net, shape: &inputs.shape };
        let epsilons = vec![f64::INFINITY; inputs.len()];
        let found = Adversarial::start(&rows, &inputs, x, self.norm, epsilons, None)?;
        let mut nearest = Nearest::new(&rows, &inputs, found);
        let members = nearest.members();
        let total = members.len().div_ceil(self.batch) * self.steps;
        let mut progress = Progress::new(format!("DeepFool {}", self.norm), total, self.silent);
        for (part, members) in members.chunks(self.batch).enumerate() {
            let mut walk = Walk::new(self, &nearest, members)?;
            for step in 0..self.steps {
                if interrupted() {
                    nearest.found.interrupted = true;
                    break;
                }
                if walk.members.is_empty() {
                    break;
                }
                walk.step(&mut nearest)?;
                progress.update(part * self.steps + step + 1, &format!("{} rows to go", walk.members.len()));
            }
        }
        progress.update(total, "");
        nearest.finish()
    }
}

/// The rows still on their way.
struct Walk<'a> {
    attack: &'a DeepFool,
    members: Vec<usize>,
    /// The classes each member may go to.
    classes: Vec<Vec<usize>>,
    x: Vec<f32>,
    /// The sum of all changes.
    total: Vec<f64>,
}

impl<'a> Walk<'a> {
    fn new(attack: &'a DeepFool, nearest: &Nearest<'_>, members: &[usize]) -> Result<Self> {
        let x = nearest.inputs.gather(members);
        let outputs = nearest.net.net.outputs();
        let scores = nearest.net.scores(&x)?;
        let others = |scores: &[f32]| -> Vec<usize> {
            let mut order: Vec<usize> = (0..outputs).collect();
            order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
            // The first is the row's own class: only rows that are right are attacked.
            order.into_iter().take(attack.candidates).skip(1).collect()
        };
        let classes = match outputs {
            1 => vec![vec![0]; members.len()],
            _ => scores.chunks_exact(outputs).map(others).collect(),
        };
        let total = vec![0.0; x.len()];
        Ok(Self { attack, members: members.to_vec(), classes, x, total })
    }

    fn step(&mut self, nearest: &mut Nearest<'_>) -> Result<()> {
        let (inputs, outputs) = (nearest.inputs, nearest.net.net.outputs());
        let (width, n) = (inputs.width, self.members.len());
        let labels: Vec<usize> = self.members.iter().map(|row| inputs.labels[*row] as usize).collect();
        // Of each member the nearest plane so far: distance, gain that is missing, gradient.
        let mut planes: Vec<Option<(f64, f64, Vec<f64>)>> = vec![None; n];
        for choice in 0..self.classes.first().map_or(0, Vec::len) {
            if interrupted() {
                // The caller sees it too; a step on half of the classes would be another step.
                return Ok(());
            }
            let target = |k: usize| self.classes[k][choice];
            let slopes = |k: usize, _: &[f32]| toward(target(k), labels[k], outputs);
            let (scores, gradient) = nearest.net.gradient(&self.x, slopes)?;
            for (k, plane) in planes.iter_mut().enumerate() {
                let row = self.members[k];
                nearest.found.gradients[row] += 1;
                let slopes = toward(target(k), labels[k], outputs);
                let own = &scores[k * outputs..(k + 1) * outputs];
                let gain: f64 = slopes.iter().zip(own).map(|(a, z)| f64::from(*a) * f64::from(*z)).sum();
                let w: Vec<f64> = gradient[k * width..(k + 1) * width].iter().map(|g| f64::from(*g)).collect();
                // The distance is the gain over the dual norm.
                let dual = match self.attack.norm {
                    Norm::Linf => w.iter().map(|w| w.abs()).sum::<f64>(),
                    _ => w.iter().map(|w| w * w).sum::<f64>().sqrt(),
                };
                if !dual.is_finite() || !gain.is_finite() {
                    nearest.found.not_finite[row] += 1;
                } else if dual == 0.0 {
                    nearest.found.zero_gradient[row] += 1;
                } else {
                    let distance = gain.abs() / (dual + GUARD);
                    if plane.as_ref().is_none_or(|(best, ..)| distance < *best) {
                        *plane = Some((distance, dual, w));
                    }
                }
            }
        }
        for (k, plane) in planes.into_iter().enumerate() {
            nearest.found.iterations[self.members[k]] += 1;
            let Some((distance, dual, w)) = plane else { continue };
            let (clean, total) = (inputs.row(self.members[k]), &mut self.total[k * width..(k + 1) * width]);
            let x = &mut self.x[k * width..(k + 1) * width];
            for (i, total) in total.iter_mut().enumerate() {
                *total += match self.attack.norm {
                    Norm::Linf if w[i] == 0.0 => 0.0,
                    Norm::Linf => (distance + BEYOND) * w[i].signum(),
                    _ => (distance + BEYOND) * w[i] / (dual + GUARD),
                };
                let [low, high] = inputs.bounds;
                let moved = f64::from(clean[i]) + (1.0 + self.attack.overshoot) * *total;
                x[i] = moved.clamp(low.into(), high.into()) as f32;
            }
        }
        let wrong = nearest.offer_all(&self.members, &self.x)?;
        self.keep(&wrong, width);
        Ok(())
    }

    /// Lets go of the members that arrived.
    fn keep(&mut self, arrived: &[bool], width: usize) {
        let staying: Vec<usize> = (0..arrived.len()).filter(|k| !arrived[*k]).collect();
        self.x = staying.iter().flat_map(|k| self.x[k * width..(k + 1) * width].to_vec()).collect();
        self.total = staying.iter().flat_map(|k| self.total[k * width..(k + 1) * width].to_vec()).collect();
        self.classes = staying.iter().map(|k| self.classes[*k].clone()).collect();
        self.members = staying.iter().map(|k| self.members[*k]).collect();
    }
}

/// The slopes of score `target` minus score `label`; for one output those of the score toward the other class.
pub(super) fn toward(target: usize, label: usize, outputs: usize) -> Vec<f32> {
    if outputs == 1 {
        return vec![if label == 1 { -1.0 } else { 1.0 }];
    }
    let mut slopes = vec![0.0; outputs];
    slopes[label] = -1.0;
    slopes[target] += 1.0;
    slopes
}
