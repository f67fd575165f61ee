//! The minimal norm: how far each input is from another class, as closely as we can bound it from above.
//!
//! 1. [`Ddn`] on the logit margin; with three or more classes on cross-entropy as well.
//! 2. Rows without a result again with `retry_steps`, then by signed steps through the whole box.
//! 3. Refinement: the model is made linear at the best input so far, the nearest point of that plane *inside the box* is
//!    taken, and so on, for each of the nearest classes. On a linear model the first round is exact; on a ReLU network
//!    it ends at the nearest boundary point of the linear piece.
//! 4. Bisection between the clean input and the result, forward passes only.
//!
//! Step 3 is the projection of FAB (Croce and Hein, arXiv:1907.02044) started from what DDN found. Every result is
//! classified by the model itself, so it is an upper bound on the distance whatever the search did.

use super::ddn::Ddn;
use super::deepfool::toward;
use super::halfspace::nearest_across;
use super::inputs::Inputs;
use super::model::{Model, Rows};
use super::nearest::Nearest;
use super::{Adversarial, Norm, Objective, Pgd};
use crate::error::Result;
use crate::progress::{Progress, interrupted};
use candle_core::Tensor;

const OP: &str = "minimal_norm";
/// Classes that refinement goes to, those with the largest scores.
const CLASSES: usize = 9;

/// The nearest adversarial input in L2.
///
/// ```
/// use widemargin::attack::MinimalNorm;
/// assert_eq!(MinimalNorm::default().steps, 200);
/// ```
#[derive(Clone, Debug)]
pub struct MinimalNorm {
    /// Steps of DDN.
    pub steps: usize,
    /// Steps of DDN for rows that the first search did not break.
    pub retry_steps: usize,
    /// Rounds of refinement, for each class.
    pub rounds: usize,
    /// Halvings at the end.
    pub bisections: usize,
    /// The smallest and largest allowed input.
    pub bounds: [f64; 2],
    /// Rows attacked together.
    pub batch: usize,
    /// Print no progress.
    pub silent: bool,
}

impl Default for MinimalNorm {
    fn default() -> Self {
        Self {
            steps: 200,
            retry_steps: 1000,
            rounds: 12,
            bisections: 20,
            bounds: [0.0, 1.0],
            batch: 128,
            silent: false,
        }
    }
}

impl MinimalNorm {
    /// The nearest adversarial input found for each row, with its distance.
    ///
    /// `x`: (n, ...) f32 inside `bounds`; `y`: (n,) u32. No random numbers. [`Adversarial::distances`] gives 0 for rows
    /// that were wrong from the start and infinity for those not found: censored, not robust.
    /// An interrupt returns what was found so far. Errors: as [`Pgd::run`].
    pub fn run(&self, net: &dyn Model, x: &Tensor, y: &Tensor) -> Result<Adversarial> {
        let first = Ddn { steps: self.steps, bounds: self.bounds, batch: self.batch, ..Ddn::default() };
        first.check()?;
        let inputs = Inputs::read(OP, x, y, self.bounds, net.outputs())?;
        let rows = Rows { op: OP, net, shape: &inputs.shape };
        let epsilons = vec![f64::INFINITY; inputs.len()];
        let found = Adversarial::start(&rows, &inputs, x, Norm::L2, epsilons, None)?;
        let mut nearest = Nearest::new(&rows, &inputs, found);
        let members = nearest.members();
        let mut progress = Progress::new("minimal norm", members.len(), self.silent);
        let entropy = Ddn { objective: Objective::CrossEntropy, ..first.clone() };
        let again = Ddn { steps: self.retry_steps, ..first.clone() };
        let mut done = 0;
        for members in members.chunks(self.batch) {
            first.search(&mut nearest, members, |step| {
                progress.update(done, &format!("rows, step {step} of {}", self.steps));
            })?;
            if net.outputs() > 2 {
                entropy.search(&mut nearest, members, |_| {})?;
            }
            let failed = |nearest: &Nearest<'_>| -> Vec<usize> {
                members.iter().copied().filter(|row| nearest.distances[*row].is_infinite()).collect()
            };
            let left = failed(&nearest);
            if !left.is_empty() && self.retry_steps > 0 {
                again.search(&mut nearest, &left, |_| {})?;
            }
            let left = failed(&nearest);
            if !left.is_empty() {
                self.sweep(&mut nearest, &left)?;
                nearest.bisect(&left, self.bisections)?;
            }
            self.refine(&mut nearest, members)?;
            nearest.bisect(members, self.bisections)?;
            if nearest.found.interrupted {
                break;
            }
            done += members.len();
            progress.update(done, "rows");
        }
        nearest.finish()
    }

    /// Signed steps through the whole box, for rows that nothing else broke.
    fn sweep(&self, nearest: &mut Nearest<'_>, members: &[usize]) -> Result<()> {
        if nearest.found.interrupted {
            return Ok(());
        }
        let [low, high] = self.bounds;
        let inputs = nearest.inputs;
        let pgd = Pgd { epsilon: high - low, steps: 40, bounds: self.bounds, batch: self.batch, ..Pgd::default() };
        let pgd = Pgd { restarts: 3, silent: true, ..pgd };
        let shape = [&[members.len()], inputs.shape.as_slice()].concat();
        let device = &candle_core::Device::Cpu;
        let x = Tensor::from_vec(inputs.gather(members), shape, device)?;
        let labels: Vec<u32> = members.iter().map(|row| inputs.labels[*row]).collect();
        let swept = pgd.run_part(nearest.net.net, &x, &Tensor::new(labels, device)?, members)?;
        let best = swept.best.flatten_all()?.to_vec1::<f32>()?;
        for (k, row) in members.iter().enumerate() {
            nearest.found.gradients[*row] += swept.gradients[k];
            nearest.found.iterations[*row] += swept.iterations[k];
        }
        nearest.found.interrupted |= swept.interrupted;
        nearest.offer_all(members, &best).map(|_| ())
    }

    /// Rounds of linearisation from the best input so far, for each of the nearest classes.
    fn refine(&self, nearest: &mut Nearest<'_>, members: &[usize]) -> Result<()> {
        let members: Vec<usize> = members.iter().copied().filter(|row| nearest.distances[*row].is_finite()).collect();
        if members.is_empty() {
            return Ok(());
        }
        let outputs = nearest.net.net.outputs();
        let start: Vec<f32> = members.iter().flat_map(|row| nearest.row(*row).to_vec()).collect();
        let scores = nearest.net.scores(&start)?;
        let classes = |k: usize| -> Vec<usize> {
            let (scores, label) = (&scores[k * outputs..(k + 1) * outputs], nearest.inputs.labels[members[k]] as usize);
            let mut order: Vec<usize> = (0..outputs).filter(|class| outputs == 1 || *class != label).collect();
            order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
            order
        };
        let classes: Vec<Vec<usize>> = (0..members.len()).map(classes).collect();
        for choice in 0..classes[0].len().min(CLASSES) {
            let targets: Vec<usize> = classes.iter().map(|classes| classes[choice]).collect();
            self.approach(nearest, &members, &targets)?;
        }
        Ok(())
    }

    /// To the boundary of one class for each member.
    fn approach(&self, nearest: &mut Nearest<'_>, members: &[usize], targets: &[usize]) -> Result<()> {
        let (inputs, outputs) = (nearest.inputs, nearest.net.net.outputs());
        let width = inputs.width;
        let [low, high] = inputs.bounds;
        let bounds = [f64::from(low), f64::from(high)];
        let mut x: Vec<f32> = members.iter().flat_map(|row| nearest.row(*row).to_vec()).collect();
        for round in 0..self.rounds {
            if interrupted() {
                nearest.found.interrupted = true;
                return Ok(());
            }
            let label = |k: usize| inputs.labels[members[k]] as usize;
            let slopes = |k: usize, _: &[f32]| toward(targets[k], label(k), outputs);
            let (scores, gradient) = nearest.net.gradient(&x, slopes)?;
            for (k, row) in members.iter().enumerate() {
                nearest.found.gradients[*row] += 1;
                nearest.found.iterations[*row] += 1;
                let slopes = toward(targets[k], label(k), outputs);
                let own = &scores[k * outputs..(k + 1) * outputs];
                let gain: f64 = slopes.iter().zip(own).map(|(a, z)| f64::from(*a) * f64::from(*z)).sum();
                let w: Vec<f64> = gradient[k * width..(k + 1) * width].iter().map(|g| f64::from(*g)).collect();
                let (clean, x) = (inputs.row(*row), &mut x[k * width..(k + 1) * width]);
                // The plane through the present input, seen from the clean one.
                let reach: f64 =
                    w.iter().zip(&*x).zip(clean).map(|((w, x), c)| w * (f64::from(*x) - f64::from(*c))).sum();
                let value = gain - reach;
                let clean: Vec<f64> = clean.iter().map(|c| f64::from(*c)).collect();
                if !value.is_finite() || w.iter().any(|w| !w.is_finite()) || value >= 0.0 {
                    // Not usable, or a plane with the clean input already beyond it: half way back instead.
                    x.iter_mut().zip(&clean).for_each(|(x, c)| *x = ((f64::from(*x) + c) / 2.0) as f32);
                    continue;
                }
                match nearest_across(Norm::L2, &clean, &w, value, bounds) {
                    // A little beyond the plane, so that rounding leaves it on the far side; more in later rounds.
                    Some(crossing) => {
                        let beyond = 1.0 + 1e-6 * 4.0_f64.powi(round as i32 / 2);
                        for ((x, c), z) in x.iter_mut().zip(&clean).zip(&crossing.point) {
                            *x = (c + beyond * (z - c)).clamp(bounds[0], bounds[1]) as f32;
                        }
                    }
                    None => x.iter_mut().zip(&clean).for_each(|(x, c)| *x = ((f64::from(*x) + c) / 2.0) as f32),
                }
            }
            nearest.offer_all(members, &x)?;
        }
        Ok(())
    }
}
