//! Projected gradient descent: steps of fixed length up the objective, back into the ball, then into the box.
//!
//! x_{t+1} = clip(x + project(x_t + step · direction(g) - x)), with g the gradient of the objective *summed* over the batch,
//! so no row depends on another, and direction = sign(g) (Linf, sign(0) = 0) or g/‖g‖ per row (L2). For L1 a step moves the
//! largest entries of g that can still move by equal amounts. x: (n, ...), y: (n,), result (n, ...).
//!
//! Source: Madry et al., arXiv:1706.06083; order and guards as in foolbox 3.3.4; L1: Duchi et al., ICML 2008 (projection),
//! Tramer and Boneh, arXiv:1904.13000 (sparse steps). On a linear score w·x inside the box the increase is
//! epsilon · ‖w‖₁ (Linf) or epsilon · ‖w‖₂ (L2): 0.7 and 0.5 for w = (3, -4) at epsilon 0.1.

use super::batch::{Batch, Course, Goal};
use super::inputs::Inputs;
use super::model::{Model, Rows};
use super::objective::check_labels;
#[cfg(feature = "candle-cuda")]
use super::resident::Resident;
use super::{Adversarial, Norm, Objective};
use crate::error::{Error, Result};
use crate::progress::{Progress, interrupted};
use crate::rng;
use candle_core::{DType, Tensor};

const OP: &str = "pgd";

/// A projected gradient attack.
///
/// ```
/// use widemargin::attack::{Norm, Pgd};
/// let attack = Pgd { norm: Norm::L2, epsilon: 0.5, restarts: 5, random_start: true, ..Pgd::default() };
/// assert_eq!(attack.steps, 40);
/// ```
#[derive(Clone, Debug, PartialEq)]
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
    /// Start at a point uniform in the ball, not at the input.
    pub random_start: bool,
    /// How often to start, at least 1. All but the first start are random, and only rows that no iterate has broken
    /// take part.
    pub restarts: usize,
    /// L1 only: the share of the coordinates that a step moves, at least one; 0 moves all in proportion to the gradient,
    /// as foolbox does.
    pub sparsity: f64,
    /// The smallest and largest allowed input.
    pub bounds: [f64; 2],
    /// Rows attacked together. Bounds memory; an interrupt loses at most one step of them.
    pub batch: usize,
    /// Draws the random starts.
    pub seed: u64,
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
            random_start: false,
            restarts: 1,
            sparsity: 0.01,
            bounds: [0.0, 1.0],
            batch: 128,
            seed: 0,
            silent: false,
        }
    }
}

impl Pgd {
    /// The inputs near `x` that the model is most wrong about.
    ///
    /// `x`: (n, ...) f32 inside `bounds`; `y`: (n,) u32.
    /// Guarantees: inside `bounds`; each change at most `epsilon` (to 1e-6); epsilon 0 or no steps without a random start
    /// return `x` itself; same seed, same bytes; a row's result does not depend on the other rows, up to rounding of the
    /// forward pass. An interrupt returns what was found so far.
    /// Errors: `Value` if a setting is negative or not finite, an input is outside of `bounds`, a label unknown, or a
    /// clean score not finite, naming the row; `Shape` if `x` and `y` do not fit.
    pub fn run(&self, net: &dyn Model, x: &Tensor, y: &Tensor) -> Result<Adversarial> {
        self.attack(net, x, y, &Options::default())
    }

    /// [`Pgd::run`] with a radius for each row in place of `epsilon`.
    ///
    /// Errors: as `run`; `Value` if there is not one radius per row.
    pub fn run_within(&self, net: &dyn Model, x: &Tensor, y: &Tensor, epsilons: &[f64]) -> Result<Adversarial> {
        self.attack(net, x, y, &Options { epsilons: Some(epsilons), ..Options::default() })
    }

    /// [`Pgd::run`] toward the classes `targets` (n,) u32: steps down the objective of the target.
    ///
    /// `success` and `any` then mean: classified as the target.
    pub fn run_targeted(&self, net: &dyn Model, x: &Tensor, y: &Tensor, targets: &Tensor) -> Result<Adversarial> {
        self.attack(net, x, y, &Options { targets: Some(targets), ..Options::default() })
    }

    /// [`Pgd::run`] with the first start at `start`, brought into the ball and the box.
    ///
    /// Errors: as `run`; `Shape` if `start` is not shaped like `x`; `Value` if it is not finite.
    pub fn run_from(&self, net: &dyn Model, x: &Tensor, y: &Tensor, start: &Tensor) -> Result<Adversarial> {
        self.attack(net, x, y, &Options { start: Some(start), ..Options::default() })
    }

    /// [`Pgd::run`] on an objective of the caller's, given by its slopes in the scores: slopes(row, scores, label).
    ///
    /// A row of `x` is found by its number, so the objective may hold numbers of its own for each.
    pub fn run_on(
        &self,
        net: &dyn Model,
        x: &Tensor,
        y: &Tensor,
        slopes: &dyn Fn(usize, &[f32], u32) -> Vec<f32>,
    ) -> Result<Adversarial> {
        self.attack(net, x, y, &Options { slopes: Some(slopes), ..Options::default() })
    }

    /// [`Pgd::run`] on part of a set: the random starts are those of the rows' places in the whole.
    pub(super) fn run_part(&self, net: &dyn Model, x: &Tensor, y: &Tensor, places: &[usize]) -> Result<Adversarial> {
        self.attack(net, x, y, &Options { places: Some(places), ..Options::default() })
    }

    fn attack(&self, net: &dyn Model, x: &Tensor, y: &Tensor, options: &Options<'_>) -> Result<Adversarial> {
        self.check()?;
        let inputs = Inputs::read(OP, x, y, self.bounds, net.outputs())?;
        let n = inputs.len();
        let epsilons = self.epsilons(options, n)?;
        let targets = options.targets.map(|targets| read_targets(targets, n, net.outputs())).transpose()?;
        let start = options.start.map(|start| read_start(start, x)).transpose()?;
        let own = |_: usize, scores: &[f32], label: u32| self.objective.slopes(scores, label);
        let goal = Goal {
            labels: targets.as_deref().unwrap_or(&inputs.labels),
            targeted: targets.is_some(),
            slopes: options.slopes.unwrap_or(&own),
        };
        let rows = Rows { op: OP, net, shape: &inputs.shape };
        let found = Adversarial::start(&rows, &inputs, x, self.norm, epsilons.clone(), targets.as_deref())?;
        if self.steps == 0 && !self.random_start && start.is_none() {
            return Ok(found);
        }
        let largest = epsilons.iter().copied().fold(0.0, f64::max);
        // A ball of radius 0 holds the input alone, and its bits stay as they are.
        let members: Vec<usize> = (0..n).filter(|row| epsilons[*row] > 0.0).collect();
        let rounds = members.len().div_ceil(self.batch) * self.restarts * (self.steps + 1);
        let mut progress = Progress::new(format!("PGD {} {largest:.3}", self.norm), rounds, self.silent);
        let mut course = Course::new(found, &inputs);
        // An objective of the caller's own is asked on the host, row by row.
        #[cfg(feature = "candle-cuda")]
        let resident = if options.slopes.is_none() { Resident::of(net, self.norm)? } else { None };
        for (part, members) in members.chunks(self.batch).enumerate() {
            for restart in 0..self.restarts {
                let standing = |row: &usize| restart == 0 || !course.found.any[*row];
                let standing: Vec<usize> = members.iter().copied().filter(standing).collect();
                if standing.is_empty() || course.found.interrupted {
                    break;
                }
                let mut batch = Batch::new(self, &rows, &inputs, standing, &epsilons);
                match &start {
                    Some(start) if restart == 0 => batch.start_at(start),
                    _ if restart > 0 || self.random_start => {
                        let place = |row: usize| options.places.map_or(row, |places| places[row]);
                        batch.start_at_random(|row| {
                            rng::stream(self.seed, &format!("pgd start {restart} row {}", place(row)))
                        });
                    }
                    _ => {}
                }
                #[cfg(feature = "candle-cuda")]
                if let Some(resident) = &resident {
                    resident.run(&batch, self.objective, &goal, &mut course, self.steps, restart == 0)?;
                    let count = course.found.any.iter().filter(|any| **any).count();
                    let done = (part * self.restarts + restart + 1) * (self.steps + 1);
                    progress.update(done, &format!("{count} of {n} rows wrong"));
                    continue;
                }
                for step in 0..self.steps {
                    if interrupted() {
                        course.found.interrupted = true;
                        break;
                    }
                    let seen = batch.step(&goal, &mut course)?;
                    if restart == 0 {
                        seen.join(&mut course.found.trace, step);
                    }
                    let count = course.found.any.iter().filter(|any| **any).count();
                    let done = (part * self.restarts + restart) * (self.steps + 1) + step + 1;
                    progress.update(done, &format!("{count} of {n} rows wrong"));
                }
                batch.finish(&goal, &mut course, restart == 0)?;
            }
        }
        let count = course.found.any.iter().filter(|any| **any).count();
        progress.update(rounds, &format!("{count} of {n} rows wrong"));
        let Course { mut found, last, best, .. } = course;
        for (row, norm) in found.norms.iter_mut().enumerate() {
            let after = &last[row * inputs.width..(row + 1) * inputs.width];
            let change: Vec<f32> = after.iter().zip(inputs.row(row)).map(|(a, x)| a - x).collect();
            *norm = self.norm.length(&change);
        }
        found.x = inputs.tensor(OP, last)?;
        found.best = inputs.tensor(OP, best)?;
        Ok(found)
    }

    /// The length of a step within a ball, with 0 replaced by the rule.
    pub(super) fn step_length(&self, epsilon: f64) -> f64 {
        if self.step == 0.0 { 2.5 * epsilon / self.steps as f64 } else { self.step }
    }

    fn epsilons(&self, options: &Options<'_>, n: usize) -> Result<Vec<f64>> {
        let Some(epsilons) = options.epsilons else { return Ok(vec![self.epsilon; n]) };
        if epsilons.len() != n {
            let expected = format!("{n} radii, one per row");
            return Err(Error::Value { op: OP, expected, got: epsilons.len().to_string() });
        }
        if let Some(row) = epsilons.iter().position(|epsilon| !(*epsilon >= 0.0 && epsilon.is_finite())) {
            let got = format!("{} in row {row}", epsilons[row]);
            return Err(Error::Value { op: OP, expected: "epsilon of 0 or more and finite".into(), got });
        }
        Ok(epsilons.to_vec())
    }

    fn check(&self) -> Result<()> {
        for (name, value) in [("epsilon", self.epsilon), ("step", self.step)] {
            if !(value >= 0.0 && value.is_finite()) {
                let expected = format!("{name} of 0 or more and finite");
                return Err(Error::Value { op: OP, expected, got: value.to_string() });
            }
        }
        if !(0.0..=1.0).contains(&self.sparsity) {
            return Err(Error::Value { op: OP, expected: "sparsity in [0, 1]".into(), got: self.sparsity.to_string() });
        }
        for (name, value) in [("restarts", self.restarts), ("batch", self.batch)] {
            if value == 0 {
                return Err(Error::Value { op: OP, expected: format!("{name} of at least 1"), got: "0".into() });
            }
        }
        Ok(())
    }
}

/// What differs between the ways to run the attack.
#[derive(Default)]
struct Options<'a> {
    pub epsilons: Option<&'a [f64]>,
    pub targets: Option<&'a Tensor>,
    pub start: Option<&'a Tensor>,
    pub slopes: Option<&'a dyn Fn(usize, &[f32], u32) -> Vec<f32>>,
    pub places: Option<&'a [usize]>,
}

fn read_targets(targets: &Tensor, n: usize, outputs: usize) -> Result<Vec<u32>> {
    if targets.dims() != [n] {
        let expected = format!("targets ({n},), one class per input");
        return Err(Error::Shape { op: OP, expected, got: targets.dims().into() });
    }
    if targets.dtype() != DType::U32 {
        let got = targets.dtype().as_str().into();
        return Err(Error::Value { op: OP, expected: "targets of type u32".into(), got });
    }
    let targets = targets.to_vec1::<u32>().map_err(Error::candle(OP))?;
    check_labels(OP, &targets, outputs)?;
    Ok(targets)
}

fn read_start(start: &Tensor, x: &Tensor) -> Result<Vec<f32>> {
    if start.dims() != x.dims() {
        let expected = format!("a start of shape {:?}", x.dims());
        return Err(Error::Shape { op: OP, expected, got: start.dims().into() });
    }
    let values = start.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        let got = format!("{} in row {}", values[at], at / (values.len() / start.dims()[0]));
        return Err(Error::Value { op: OP, expected: "a finite start".into(), got });
    }
    Ok(values)
}
