//! Projected gradient descent: steps of fixed length up the objective, back into the ball, then into the box.
//!
//! x_{t+1} = clip(x + project(x_t + step · direction(g) - x)), with g the gradient of the objective *summed* over the batch,
//! so no row depends on another, and direction = sign(g) (Linf, sign(0) = 0) or g/‖g‖ per row (L2).
//! x: (n, ...), y: (n,), result (n, ...). No random start, so no seed: the same call gives the same bytes.
//!
//! Source: Madry et al., arXiv:1706.06083; order and guards as in foolbox 3.3.4. On a linear score w·x inside the box
//! the increase is epsilon · ‖w‖₁ (Linf) or epsilon · ‖w‖₂ (L2): 0.7 and 0.5 for w = (3, -4) at epsilon 0.1.

use super::norm::Direction;
use super::objective::{check_labels, decide};
use super::{Adversarial, Norm, Objective};
use crate::error::{Error, Result};
use crate::model::Classifier;
use crate::progress::{Progress, interrupted};
use candle_core::{DType, Tensor};

const OP: &str = "pgd";
/// Rows attacked together: bounds memory, and an interrupt loses at most one step of them.
const ROWS: usize = 256;

/// A projected gradient attack.
///
/// ```
/// use widemargin::attack::{Norm, Pgd};
/// let attack = Pgd { norm: Norm::L2, epsilon: 0.5, ..Pgd::default() };
/// assert_eq!(attack.steps, 40);
/// ```
#[derive(Clone, Debug)]
pub struct Pgd {
    /// How changes are measured.
    pub norm: Norm,
    /// The radius of the ball, in units of the input.
    pub epsilon: f64,
    /// The length of a step; 0 for 2.5 · epsilon / steps (Madry's rule).
    pub step: f64,
    /// Number of steps.
    pub steps: usize,
    /// What is increased.
    pub objective: Objective,
    /// The smallest and largest allowed input.
    pub bounds: [f64; 2],
    /// Print no progress.
    pub silent: bool,
}

impl Default for Pgd {
    fn default() -> Self {
        Self {
            norm: Norm::Linf,
            epsilon: 0.1,
            step: 0.0,
            steps: 40,
            objective: Objective::Margin,
            bounds: [0.0, 1.0],
            silent: false,
        }
    }
}

impl Pgd {
    /// The inputs near `x` that the classifier is most wrong about.
    ///
    /// `x`: (n, ...) f32 inside `bounds`; `y`: (n,) u32.
    /// Guarantees: inside `bounds`; each change at most `epsilon` (to 1e-6); epsilon 0 or no steps return `x` itself; a
    /// row's result does not depend on the other rows, up to rounding of the forward pass. An interrupt returns what was
    /// found so far.
    /// Errors: `Value` if a setting is negative or not finite, an input is outside of `bounds`, a label unknown, or a
    /// clean score not finite, naming the row; `Shape` if `x` and `y` do not fit.
    pub fn run(&self, net: &Classifier, x: &Tensor, y: &Tensor) -> Result<Adversarial> {
        self.check()?;
        let (inputs, labels) = self.read(x, y)?;
        check_labels(OP, &labels, net.outputs())?;
        let predicted = if labels.is_empty() { Vec::new() } else { net.predict(x)? };
        let clean_correct: Vec<bool> = predicted.iter().zip(&labels).map(|(p, y)| p == y).collect();
        let wrong: Vec<bool> = clean_correct.iter().map(|c| !c).collect();
        let mut found = Adversarial {
            clean: x.detach(),
            x: x.detach(),
            labels,
            clean_predicted: predicted.clone(),
            predicted,
            norm: self.norm,
            epsilon: self.epsilon,
            norms: vec![0.0; wrong.len()],
            success: wrong.clone(),
            any: wrong,
            zero_gradient: 0,
            not_finite: 0,
            clean_correct,
            interrupted: false,
        };
        if self.epsilon == 0.0 || self.steps == 0 || inputs.is_empty() {
            return Ok(found);
        }
        let n = found.labels.len();
        let width = inputs.len() / n;
        let mut attacked = inputs.clone();
        let label = format!("PGD {} {:.3}", self.norm, self.epsilon);
        let mut progress = Progress::new(label, n.div_ceil(ROWS) * self.steps, self.silent);
        for (part, first) in (0..n).step_by(ROWS).enumerate() {
            let rows = first..(first + ROWS).min(n);
            let values = rows.start * width..rows.end * width;
            let mut batch = Batch {
                attack: self,
                net,
                shape: [&[rows.len()], &x.dims()[1..]].concat(),
                clean: &inputs[values.clone()],
                x: attacked[values.clone()].to_vec(),
                labels: &found.labels[rows.clone()],
                zero: vec![false; rows.len()],
                bad: vec![false; rows.len()],
            };
            for step in 0..self.steps {
                if interrupted() {
                    found.interrupted = true;
                    break;
                }
                let classes = batch.step()?;
                batch.judge(&classes, &mut found.any[rows.clone()]);
                let count = found.any.iter().filter(|any| **any).count();
                progress.update(part * self.steps + step + 1, &format!("{count} of {n} rows wrong"));
            }
            let classes = batch.classes()?;
            batch.judge(&classes, &mut found.any[rows.clone()]);
            found.success[rows.clone()].fill(false);
            batch.judge(&classes, &mut found.success[rows.clone()]);
            for (row, class) in rows.clone().zip(&classes) {
                found.predicted[row] = class.unwrap_or(found.predicted[row]);
            }
            found.zero_gradient += batch.zero.iter().filter(|zero| **zero).count();
            found.not_finite += batch.bad.iter().filter(|bad| **bad).count();
            attacked[values].copy_from_slice(&batch.x);
            if found.interrupted {
                break;
            }
        }
        for (row, norm) in found.norms.iter_mut().enumerate() {
            let row = row * width..(row + 1) * width;
            let change: Vec<f32> = attacked[row.clone()].iter().zip(&inputs[row]).map(|(a, x)| a - x).collect();
            *norm = self.norm.length(&change);
        }
        found.x = Tensor::from_vec(attacked, x.dims(), x.device()).map_err(Error::candle(OP))?;
        Ok(found)
    }

    /// The length of a step, with 0 replaced by the rule.
    fn step_length(&self) -> f64 {
        if self.step == 0.0 { 2.5 * self.epsilon / self.steps as f64 } else { self.step }
    }

    fn check(&self) -> Result<()> {
        for (name, value) in [("epsilon", self.epsilon), ("step", self.step)] {
            if !(value >= 0.0 && value.is_finite()) {
                let expected = format!("{name} of 0 or more and finite");
                return Err(Error::Value { op: OP, expected, got: value.to_string() });
            }
        }
        let [low, high] = self.bounds;
        if low.partial_cmp(&high) != Some(std::cmp::Ordering::Less) {
            let got = format!("[{low}, {high}]");
            return Err(Error::Value { op: OP, expected: "bounds [low, high] with low < high".into(), got });
        }
        Ok(())
    }

    fn read(&self, x: &Tensor, y: &Tensor) -> Result<(Vec<f32>, Vec<u32>)> {
        if x.rank() < 2 {
            return Err(Error::Shape { op: OP, expected: "x (n, ...) of rank 2 or more".into(), got: x.dims().into() });
        }
        if y.dims() != [x.dims()[0]] {
            let expected = format!("y ({},), one label per input", x.dims()[0]);
            return Err(Error::Shape { op: OP, expected, got: y.dims().into() });
        }
        for (tensor, name, wanted) in [(x, "x", DType::F32), (y, "y", DType::U32)] {
            if tensor.dtype() != wanted {
                let got = tensor.dtype().as_str().into();
                return Err(Error::Value { op: OP, expected: format!("{name} of type {}", wanted.as_str()), got });
            }
        }
        let inputs = x.flatten_all().and_then(|x| x.to_vec1::<f32>()).map_err(Error::candle(OP))?;
        let labels = y.to_vec1::<u32>().map_err(Error::candle(OP))?;
        let [low, high] = self.bounds;
        // Written so that NaN fails too.
        if let Some(at) = inputs.iter().position(|v| !(f64::from(*v) >= low && f64::from(*v) <= high)) {
            let got = format!("{} in row {}", inputs[at], at / (inputs.len() / labels.len()));
            return Err(Error::Value { op: OP, expected: format!("inputs in [{low}, {high}]"), got });
        }
        Ok((inputs, labels))
    }
}

/// Rows attacked together.
struct Batch<'a> {
    attack: &'a Pgd,
    net: &'a Classifier,
    shape: Vec<usize>,
    clean: &'a [f32],
    x: Vec<f32>,
    labels: &'a [u32],
    zero: Vec<bool>,
    bad: Vec<bool>,
}

impl Batch<'_> {
    fn tensor(&self) -> Result<Tensor> {
        let device = candle_core::Device::Cpu;
        Tensor::from_slice(&self.x, self.shape.as_slice(), &device).map_err(Error::candle(OP))
    }

    /// Moves every row one step; returns the classes *before* the step.
    fn step(&mut self) -> Result<Vec<Option<u32>>> {
        let (labels, objective) = (self.labels, self.attack.objective);
        let (scores, gradient) = self.net.input_gradient(&self.tensor()?, |scores| {
            let values = scores.detach().flatten_all()?.to_vec1::<f32>()?;
            let width = values.len() / labels.len();
            let rows = values.chunks_exact(width).zip(labels);
            let slopes: Vec<f32> = rows.flat_map(|(row, y)| objective.slopes(row, *y)).collect();
            // Linear in the scores with the objective's own slopes: the gradient is the objective's, summed over rows.
            Ok((scores * Tensor::from_vec(slopes, scores.dims(), scores.device())?)?.sum_all()?)
        })?;
        let mut gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        let width = self.x.len() / labels.len();
        let (step, [low, high]) = (self.attack.step_length() as f32, self.attack.bounds);
        for (row, direction) in gradient.chunks_exact_mut(width).enumerate() {
            match self.attack.norm.steepest(direction) {
                Direction::Usable => {}
                Direction::Zero => self.zero[row] = true,
                Direction::NotFinite => self.bad[row] = true,
            }
            let values = row * width..(row + 1) * width;
            let (clean, x) = (&self.clean[values.clone()], &mut self.x[values]);
            let mut change: Vec<f32> =
                x.iter().zip(direction).zip(clean).map(|((x, d), clean)| (*x + step * *d) - clean).collect();
            self.attack.norm.project(&mut change, self.attack.epsilon);
            // Project, then clip: the other order leaves the box.
            for ((x, clean), change) in x.iter_mut().zip(clean).zip(&change) {
                *x = (clean + change).clamp(low as f32, high as f32);
            }
        }
        Ok(self.read_classes(&scores.flatten_all()?.to_vec1()?))
    }

    /// The classes now.
    fn classes(&mut self) -> Result<Vec<Option<u32>>> {
        let scores = self.net.score_values(OP, &self.tensor()?)?;
        Ok(self.read_classes(&scores))
    }

    fn read_classes(&mut self, scores: &[f32]) -> Vec<Option<u32>> {
        let width = scores.len() / self.labels.len();
        let classes: Vec<Option<u32>> = scores.chunks_exact(width).map(decide).collect();
        self.bad.iter_mut().zip(&classes).for_each(|(bad, class)| *bad |= class.is_none());
        classes
    }

    /// Raises the flag of every row that is wrong.
    fn judge(&self, classes: &[Option<u32>], flags: &mut [bool]) {
        for ((flag, class), label) in flags.iter_mut().zip(classes).zip(self.labels) {
            *flag |= class.is_some_and(|class| class != *label);
        }
    }
}
